"""What the tests around cargo share. bindings/run_tests.py installs the library and sets the environment."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
E2E = ROOT / "tests/e2e"
RUST = ROOT / "bindings/rust"
sys.path[:0] = [str(E2E), str(ROOT / "bindings/rust/tests")]

spec = importlib.util.spec_from_file_location("e2e_fixtures", E2E / "conftest.py")
e2e = importlib.util.module_from_spec(spec)
spec.loader.exec_module(e2e)
go_env, home, podman, podman_works = e2e.go_env, e2e.home, e2e.podman, e2e.podman_works


def run(*command, env=None, cwd=None, status=0):
    """Runs a command, which must end with `status`; returns what it prints."""
    result = subprocess.run(
        [str(word) for word in command],
        env=os.environ | (env or {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert result.returncode == status, f"{command}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
    return result.stdout


@pytest.fixture(scope="session")
def cargo():
    def call(*args, **options):
        return run("cargo", *args, **options)

    return call


@pytest.fixture
def registry(tmp_path):
    from registry import Registry
    from runner import needed

    needed("docker-registry")
    server = Registry(tmp_path / "registry")
    yield server
    server.close()


@pytest.fixture
def mirror(tmp_path):
    from registry import Registry

    server = Registry(tmp_path / "mirror")
    yield server
    server.close()


@pytest.fixture(scope="session")
def target():
    """The directory of cargo's results."""
    return pathlib.Path(os.environ["CARGO_TARGET_DIR"])


@pytest.fixture(scope="session")
def packages(cargo, target):
    """Both crates as `cargo package` makes and verifies them, unpacked where the last run did: cargo knows them again."""
    cargo("package", "--workspace", "--allow-dirty", "--quiet", cwd=RUST)
    root = ROOT / "build-bindings/packages"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name in ("koc-sys", "koc"):
        version = re.search(r'^version = "(.*)"', (RUST / "Cargo.toml").read_text(), re.M).group(1)
        crate = target / f"package/{name}-{version}.crate"
        run("tar", "-xzf", crate, "-C", root)
        (root / f"{name}-{version}").rename(root / name)
    return root
