"""Fixtures of the end-to-end tests: koc against real go, registries, ko, crane, skopeo and podman.

Nothing here is a stand-in where the real thing can be had; a test whose tool is missing is skipped
and says which. Servers listen on loopback, on free ports, and are ended by the fixture.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import bases as base_images
import goapps
import oci
import pytest
from consumer import Consumer
from engine_fixtures import (  # noqa: F401
    build_local,
    containerd,
    dockerd,
    podman_service,
    program,
    scripted,
    tap,
)
from runner import ROOT, Home, Tool, go_environment, lacking, needed
from tls import TlsRegistries


@pytest.fixture(scope="session")
def go_env():
    needed("go")
    return go_environment()


@pytest.fixture(scope="session")
def koc_path():
    path = pathlib.Path(os.environ.get("KOC_BIN", ROOT / "build-asan/cli/koc"))
    assert path.exists(), f"{path} is missing: ./dev test builds it"
    return path.resolve()


@pytest.fixture
def home(tmp_path, go_env):
    return Home(tmp_path / "user", go_env)


@pytest.fixture
def other_home(tmp_path, go_env):
    """A second user, with nothing of the first."""
    return Home(tmp_path / "other-user", go_env)


@pytest.fixture
def koc(koc_path, home, registry):
    """koc with the test registry as destination and the OCI index base."""
    return Tool(koc_path, home, KO_DOCKER_REPO=f"{registry.host}/koc")


@pytest.fixture
def bare_koc(koc_path, home):
    """koc with no setting at all."""
    return Tool(koc_path, home)


@pytest.fixture
def ko(home, registry):
    """The real ko, with a repository of its own beside koc's."""
    return Tool(needed("ko"), home, KO_DOCKER_REPO=f"{registry.host}/ko")


@pytest.fixture
def crane(home):
    return Tool(needed("crane"), home)


@pytest.fixture
def skopeo(home):
    return Tool(needed("skopeo"), home)


def podman_command(store):
    """podman with an image store of its own in `store`; the paths must be short."""
    options = ["--root", f"{store}/root", "--runroot", f"{store}/run", "--storage-driver", "vfs"]
    return [needed("podman"), *options, "--runtime", "runc", "--cgroup-manager", "cgroupfs"]


@pytest.fixture(scope="session")
def podman_works():
    """Whether this machine lets podman unpack an image: not in every container and chroot."""
    needed("runc")
    store = tempfile.mkdtemp(prefix="koc-", dir="/tmp")
    layer = base_images.tar_of({"etc": None, "etc/probe": b"x"})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [oci.digest_of(layer)]},
    }
    manifest = [{"Config": "config.json", "RepoTags": ["probe:1"], "Layers": ["layer.tar"]}]
    archive = base_images.tar_of(
        {
            "config.json": json.dumps(config).encode(),
            "layer.tar": layer,
            "manifest.json": json.dumps(manifest).encode(),
        }
    )
    pathlib.Path(store, "probe.tar").write_bytes(archive)
    command = [*podman_command(store), "load", "-q", "-i", f"{store}/probe.tar"]
    result = subprocess.run(command, capture_output=True, text=True)
    shutil.rmtree(store, ignore_errors=True)
    return result.returncode == 0, (result.stderr.strip().splitlines() or [""])[-1]


@pytest.fixture
def podman(home, podman_works):
    """podman with an image store of the test's own."""
    works, why = podman_works
    if not works:
        pytest.skip(f"podman cannot unpack images here: {why}")
    store = tempfile.mkdtemp(prefix="koc-", dir="/tmp")
    command = podman_command(store)
    yield Tool(command[0], home, first=command[1:])
    shutil.rmtree(store, ignore_errors=True)


@pytest.fixture
def serve_tls(tmp_path):
    """serve_tls(names, first day, last day): a registry with such a certificate."""
    needed("openssl")
    needed("docker-registry")
    registries = TlsRegistries(tmp_path / "tls")
    yield registries
    registries.close()


@pytest.fixture(scope="session")
def bases(registry):
    """name -> reference of the base images in the test registry (see bases.bake_all)."""
    return base_images.bake_all(registry)


@pytest.fixture
def app(tmp_path, go_env):
    """A module with ./cmd/app (kodata), ./cmd/tool and the library ./pkg/lib."""
    return goapps.plain(tmp_path / "app")


@pytest.fixture
def hello(tmp_path, go_env):
    """A copy of examples/hello."""
    folder = tmp_path / "hello"
    shutil.copytree(ROOT / "examples/hello", folder)
    return goapps.GoApp(folder)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The library, as `meson install` lays it out, below a folder of its own."""
    build = os.environ.get("KOC_BUILD")
    if build is None or shutil.which("meson") is None:
        lacking("meson")
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(
        ["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root],
        check=True,
        capture_output=True,
    )
    return root


@pytest.fixture
def consumer(installed, tmp_path):
    return Consumer(installed, tmp_path)
