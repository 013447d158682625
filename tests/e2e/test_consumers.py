"""Projects of others that use an installed libkoc, or have it as a subproject: tests/consumer, built outside the tree."""

import json
import os
import pathlib
import shutil
import subprocess
import urllib.request

import pytest
from runner import needed

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """libkoc and the command, installed below a prefix of their own, without sanitizers."""
    root = tmp_path_factory.mktemp("prefix")
    # lib64 is what Meson chooses on a Debian without dpkg-dev, and where CMake does not look there.
    options = ["--prefix", root / "p", "--libdir", "lib64", "-Dtests=false", "--buildtype=debugoptimized"]
    run("meson", "setup", root / "b", ROOT, *options)
    run("meson", "install", "-C", root / "b", "--quiet")
    return root / "p"


@pytest.fixture
def sources(tmp_path):
    return pathlib.Path(shutil.copytree(ROOT / "tests/consumer", tmp_path / "consumer"))


def run(*command, **options):
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, **options
    )
    assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


def found(prefix, **more):
    """The environment of a user who installed into a prefix of their own."""
    (pc,) = prefix.rglob("libkoc.pc")
    library = next(prefix.rglob("libkoc.so")).parent
    return os.environ | {"PKG_CONFIG_PATH": str(pc.parent), "LD_LIBRARY_PATH": str(library)} | more


def makes_an_image(program, registry, env=None):
    """Runs a consumer, which pushes an image of one file. Its digest, as the registry has it."""
    name = f"{registry.host}/consumer/{pathlib.Path(program).name}"
    printed = run(program, f"{name}:v1", env=env).strip()
    assert printed.startswith(f"{name}@sha256:")
    with urllib.request.urlopen(f"http://{registry.host}/v2/consumer/{pathlib.Path(program).name}/tags/list") as reply:
        assert json.load(reply)["tags"] == ["v1"]
    return printed.rpartition("@")[2]


def test_make_and_pkg_config(prefix, sources, registry):
    run("make", "-C", sources / "make", env=found(prefix))
    makes_an_image(sources / "make/consumer", registry, found(prefix))


def test_a_program_that_only_makes_layers_is_small(prefix, sources):
    """The archive is linked in parts: no registry, no go, no YAML."""
    env = found(prefix)
    flags = run("pkg-config", "--cflags", "--libs", "libkoc-static", env=env).split()
    program = sources / "layers"
    run("cc", "-O2", sources / "layers.c", "-o", program, *flags, "-Wl,--gc-sections,--as-needed", "-s", env=env)
    assert run(program).startswith("sha256:")
    assert program.stat().st_size <= 210_000


def test_cmake(prefix, sources, koc_path, home, registry):
    needed("cmake")
    build = sources / "build"
    env = os.environ | {"LD_LIBRARY_PATH": ""}
    run("cmake", "-S", sources / "cmake", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", env=env)
    run("cmake", "--build", build, env=env)
    digests = {makes_an_image(build / name, registry) for name in ("shared", "cpp", "archive")}
    assert len(digests) == 1
    run("cmake", "--build", build, "--target", "image", env=home.env())
    config = run(prefix / "bin/koc", "config", f"oci:{build}/images:shared", env=home.env())
    assert '"/usr/bin/shared"' in config


@pytest.mark.slow  # it compiles the whole library
@pytest.mark.parametrize("kind", ["shared", "static"])
def test_meson_subproject(sources, tmp_path, kind, registry):
    """The consumer is installed and runs; of koc the library alone is built."""
    (sources / "meson/subprojects").mkdir()
    (sources / "meson/subprojects/koc").symlink_to(ROOT)
    for name in ("main.c", "main.cpp"):
        shutil.copy(sources / name, sources / "meson" / name)
    text = (sources / "meson/meson.build").read_text().replace("../main", "main")
    (sources / "meson/meson.build").write_text(text)
    build, installed = tmp_path / "b", tmp_path / "p"
    options = [f"--prefix={installed}", f"-Dkoc:default_library={kind}", "--force-fallback-for=libkoc"]
    run("meson", "setup", build, sources / "meson", *options)
    run("meson", "install", "-C", build, "--quiet")
    library = next((p.parent for p in installed.rglob("libkoc.so*")), None)
    env = os.environ | ({"LD_LIBRARY_PATH": str(library)} if library else {})
    assert (library is None) == (kind == "static")
    makes_an_image(installed / "bin/consumer", registry, env)
    assert not list(build.rglob("koc-inject*")) and not (build / "subprojects/koc/cli").exists()


def test_meson_dependency(prefix, sources, tmp_path, registry):
    for name in ("main.c", "main.cpp"):
        shutil.copy(sources / name, sources / "meson" / name)
    text = (sources / "meson/meson.build").read_text().replace("../main", "main")
    (sources / "meson/meson.build").write_text(text)
    run("meson", "setup", tmp_path / "b", sources / "meson", env=found(prefix))
    run("meson", "compile", "-C", tmp_path / "b")
    makes_an_image(tmp_path / "b/consumer-cpp", registry, found(prefix))
