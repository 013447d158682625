"""debian/: the packages are built in a copy of the tree, checked by lintian, and installed on a bare Debian."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
from runner import ROOT, needed
from tree import copy_tree, run, without_sanitizers

pytestmark = pytest.mark.slow  # it compiles everything once more
PACKAGES = {"koc", "libkoc0.1", "libkoc-dev", "python3-koc"}


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """The folder with the built packages, name -> file."""
    needed("dpkg-buildpackage")
    needed("dh")
    folder = tmp_path_factory.mktemp("debian")
    source = copy_tree(folder / "koc")
    run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=source, env=without_sanitizers())
    return {deb.name.split("_")[0]: deb for deb in folder.glob("*.deb") if "-dbgsym" not in deb.name}


@pytest.fixture(scope="session")
def extracted(packages, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    for deb in packages.values():
        run("dpkg-deb", "-x", deb, root)
    return root


@pytest.fixture(scope="session")
def bare_debian(packages):
    """A bare Debian in a folder, with the packages installed by apt, which brings what they depend on."""
    if os.geteuid() != 0:
        pytest.skip("only root can install packages below a folder")
    needed("mmdebstrap")
    root = pathlib.Path(tempfile.mkdtemp(prefix="koc-debian-", dir="/tmp"))
    debs = [str(packages[name]) for name in sorted(PACKAGES - {"libkoc-dev"})]
    install = """chroot "$1" sh -c 'apt-get install -q -y --no-install-recommends /debs/*.deb'"""
    hooks = ['mkdir "$1/debs"', f'cp {" ".join(debs)} "$1/debs"', install]
    options = [f"--customize-hook={hook}" for hook in hooks]
    run("mmdebstrap", "--quiet", "--mode=root", "--variant=apt", *options, "bookworm", root)
    yield root
    shutil.rmtree(root)


def test_every_package_is_built(packages):
    assert set(packages) == PACKAGES
    soname = run("dpkg-deb", "-c", packages["libkoc0.1"])
    assert re.search(r"/libkoc\.so\.0\.1 -> libkoc\.so\.0\.1\.\d+\n", soname)


def test_the_version_is_that_of_the_project():
    (version,) = re.findall(r"^  version: '(.*)'", (ROOT / "meson.build").read_text(), re.M)
    assert (ROOT / "debian/changelog").read_text().startswith(f"koc ({version}) ")


def test_lintian_has_no_error_and_no_warning(packages):
    needed("lintian")
    (changes,) = packages["koc"].parent.glob("*.changes")
    root = ["--allow-root"] if os.geteuid() == 0 else []
    said = run("lintian", *root, "--profile=debian", "--fail-on=error,warning", "--show-overrides", changes)
    assert "O:" not in said, "an override needs a reason"


def test_users_of_the_shared_library_need_only_the_dev_package(extracted, tmp_path):
    """The compiler sees the five packages' headers here, but pkg-config does not see their .pc files."""
    (pc,) = extracted.rglob("libkoc.pc")
    env = os.environ | {"PKG_CONFIG_LIBDIR": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(extracted)}
    flags = run("pkg-config", "--cflags", "--libs", "libkoc", env=env).split()
    run("cc", "-o", tmp_path / "app", ROOT / "tests/consumer/main.c", *flags)
    library = next(extracted.rglob("libkoc.so.0.1")).parent
    printed = run(tmp_path / "app", f"oci:{tmp_path}/out", env=os.environ | {"LD_LIBRARY_PATH": str(library)})
    assert "@sha256:" in printed


def test_installed_packages_push_an_image(bare_debian, registry):
    (bare_debian / "tmp/motd").write_text("hello\n")
    chroot = ("chroot", bare_debian, "env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
    assert "0.1.0" in run(*chroot, "koc", "version")
    target = f"{registry.host}/debian/cli:1"
    run(*chroot, "koc", "append", "-q", "-t", target, "/tmp/motd:/etc/motd")
    assert registry.tags("debian/cli") == ["1"]
    ask = "import koc, sys; print(koc.Client(koc.Context()).tags(koc.Reference(sys.argv[1])))"
    assert run(*chroot, "python3", "-c", ask, target) == "['1']\n"
    for page in ("koc", "koc-build"):
        assert (bare_debian / f"usr/share/man/man1/{page}.1.gz").exists()
    assert not list(bare_debian.rglob("libcurl.so")), "a package depends on a -dev package"


def test_a_machine_without_certificates_reaches_registries_that_need_none(bare_debian, tls_registry):
    """The packages recommend ca-certificates, which a bare Debian lacks. The registry above is on plain HTTP."""
    assert not (bare_debian / "etc/ssl/certs/ca-certificates.crt").exists()
    chroot = ("chroot", bare_debian, "env", "-i", "HOME=/root", "koc", "append", "-q", "/tmp/motd:/etc/motd")
    target = f"{tls_registry.host}/debian/cli:1"
    denied = subprocess.run([*chroot, "-t", target], capture_output=True, text=True)
    assert denied.returncode == 1 and "no certificates of authorities" in denied.stderr, denied.stderr
    run(*chroot, "-t", target, "--insecure-registry")
    assert tls_registry.tags("debian/cli") == ["1"]


def test_purged_packages_leave_nothing(packages, bare_debian):
    chroot = ("chroot", bare_debian, "env", "DEBIAN_FRONTEND=noninteractive")
    run(*chroot, "apt-get", "purge", "-q", "-y", *sorted(PACKAGES - {"libkoc-dev"}))
    left = [path for path in (bare_debian / "usr").rglob("*koc*") if "doc" not in path.parts]
    assert left == []
