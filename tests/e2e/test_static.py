"""release/static.sh: the static program needs no library of the machine."""

import os
import pathlib
import shutil
import subprocess

import pytest
from runner import ROOT, Tool, lacking
from tree import copy_tree, run, without_sanitizers

pytestmark = pytest.mark.slow  # it compiles everything once more
LARGEST = 6_000_000


def environment():
    tools = pathlib.Path(os.environ.get("KOC_TEST_TOOLS", "/"))
    if not (tools / "zig/bin/meson").exists():
        lacking("ziglang with meson")
    return without_sanitizers() | {
        "ZIG_PYTHON": str(tools / "zig/bin/python"),
        "MESON": str(tools / "zig/bin/meson"),
        "ZIG_GLOBAL_CACHE_DIR": str(tools / "zig-cache"),
    }


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A checkout of its own, with the archives of the wraps."""
    folder = copy_tree(tmp_path_factory.mktemp("source") / "koc")
    if (ROOT / "subprojects/packagecache").exists():
        shutil.copytree(ROOT / "subprojects/packagecache", folder / "subprojects/packagecache")
    fetched = subprocess.run([folder / "release/sources.sh"], capture_output=True, text=True)
    if fetched.returncode != 0:
        pytest.skip(f"the archives of the wraps cannot be had here: {fetched.stderr}")
    return folder


@pytest.fixture(scope="session")
def static(source):
    return source / run(source / "release/static.sh", "amd64", cwd=source, env=environment()).strip()


def test_the_static_program_is_static_and_small(static):
    assert "INTERP" not in run("readelf", "-l", static)
    assert "NEEDED" not in run("readelf", "-d", static)
    assert static.stat().st_size <= LARGEST


def test_the_static_program_builds_and_pushes_over_tls(static, home, hello, tls_registry):
    koc = Tool(static, home, KO_DOCKER_REPO=f"{tls_registry.host}/static", SSL_CERT_FILE=tls_registry.ca)
    said = koc("build", "--base-image=scratch", "-B", ".", cwd=hello.folder)
    assert "@sha256:" in said.ref
    assert tls_registry.repositories() == ["static/hello"]
