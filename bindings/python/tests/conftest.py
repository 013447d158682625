"""What the tests share. They run against an installed package: bindings/run_tests.py sees to it."""

import atexit
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

import koc

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Calls without a context of their own have one with the default cache, which is made once.
os.environ["KOCACHE"] = tempfile.mkdtemp(prefix="koc-cache-")
atexit.register(shutil.rmtree, os.environ["KOCACHE"], ignore_errors=True)
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "bindings/python")]


@pytest.fixture
def context():
    return koc.Context(threads=1)


@pytest.fixture
def layer(context):
    b = koc.LayerBuilder(context)
    b.add_bytes("/app/hello", b"hello\n", mode=0o755).add_symlink("/hello", "app/hello")
    return b.finish()


@pytest.fixture
def image(context, layer):
    b = koc.ImageBuilder(context, platform="linux/arm64").add_layer(layer, created_by="a test")
    return b.entrypoint(["/app/hello"]).env("A", "b").label("l", "m").user("65532").finish()


@pytest.fixture
def registry(tmp_path):
    from registry import Registry
    from runner import needed

    needed("docker-registry")

    server = Registry(tmp_path / "registry")
    yield server
    server.close()


@pytest.fixture
def hello(tmp_path, monkeypatch):
    """A copy of examples/hello as the working folder, with an environment of its own."""
    from runner import needed

    needed("go")
    folder = tmp_path / "hello"
    shutil.copytree(ROOT / "examples/hello", folder)
    monkeypatch.chdir(folder)
    for name in ("KO_DOCKER_REPO", "KO_CONFIG_PATH", "GOOS", "GOARCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("KOCACHE", str(tmp_path / "cache"))
    return folder
