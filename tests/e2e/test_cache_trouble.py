"""A cache that is full, damaged, open to others or gone costs time, and never the build."""

import hashlib
import os
import shutil
import subprocess
import threading
import time

import pytest

import goapps
from runner import Tool

MIB = 1 << 20


class Case:
    def __init__(self, root, koc_path, home, cache=None):
        self.home = home
        self.koc = Tool(koc_path, home, KO_DOCKER_REPO="example.test/x",
                        **({"KOCACHE": str(cache)} if cache else {}))
        self.cache = (cache or home.cache) / "koc/v1"
        self.app = goapps.GoApp(root / "app").module().program("cmd/one").program("cmd/two")
        self.app.kodata("cmd/one")

    def build(self, *more, **options):
        return self.koc("build", "--push=false", "--base-image=scratch", *more, "./cmd/one", "./cmd/two",
                        cwd=self.app, **options)

    def check(self, *more):
        """A build with the cache as it is gives what one without a cache gives."""
        answer = self.build(*more)
        assert answer.stdout == self.build("--no-cache").stdout
        return answer


@pytest.fixture
def case(tmp_path, koc_path, home):
    return Case(tmp_path, koc_path, home)


@pytest.fixture
def small_disk(tmp_path, koc_path, home):
    """A function that gives a case whose cache lies on a disk of that many bytes."""
    mounted = []

    def make(size):
        folder = tmp_path / f"disk-{size}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("mounting a small disk needs root")
        mounted.append(folder)
        return Case(tmp_path, koc_path, home, folder)

    yield make
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("size", [64 << 10, 1 * MIB, 3 * MIB, 5 * MIB, 8 * MIB])
def test_a_full_disk(small_disk, size):
    case = small_disk(size)
    case.check()
    case.app.kodata("cmd/two")
    (case.app / "cmd/two/kodata/random").write_bytes(os.urandom(4 * MIB))
    case.app.write("cmd/two/more.go", 'package main\n\nfunc init() { println("more") }\n')
    case.check()


def damage(path):
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 2, len(data), 7):
        data[at] ^= 0x55
    path.write_bytes(bytes(data))


def everything(case, folder):
    return [p for p in (case.cache / folder).rglob("*") if p.is_file()]


@pytest.mark.parametrize("how", [damage, lambda p: p.write_bytes(b""), lambda p: p.unlink()],
                         ids=["damaged", "empty", "gone"])
@pytest.mark.parametrize("folder", ["blobs", "records", "files", "."])
def test_content_that_is_damaged(case, tmp_path, folder, how):
    want = case.build().stdout
    case.build()
    for path in everything(case, folder):
        how(path)
    layout = tmp_path / "layout"
    read = case.build(f"--oci-layout-path={layout}").stdout  # layers, too
    assert [line.split("@")[1] for line in read.split()] == [line.split("@")[1] for line in want.split()]
    for path in (layout / "blobs/sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert case.build().stdout == want


def test_a_damaged_layer_is_made_again_for_a_registry(koc, registry, bases, app, home):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    koc("build", "--push=false", "./cmd/tool", cwd=app, env=env)
    for path in (home.cache / "koc/v1/blobs").rglob("*"):
        if path.is_file():
            damage(path)
    pushed = koc("build", "./cmd/tool", cwd=app, env=env).stdout.strip()
    koc("validate", pushed)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777, 0o2770])
def test_a_cache_that_others_can_write_to_is_not_used(case, mode):
    case.build()
    before = {p: p.stat().st_mtime_ns for p in case.cache.rglob("*")}
    case.cache.chmod(mode)
    said = case.check().stderr
    assert "other users can write to the cache" in said and "remove it" in said
    assert {p: p.stat().st_mtime_ns for p in case.cache.rglob("*")} == before
    shutil.rmtree(case.cache)  # what the warning says
    assert "others" not in case.check().stderr
    assert case.cache.stat().st_mode & 0o777 == 0o700


def test_a_cache_below_a_folder_for_all_is_used(tmp_path, koc_path, home):
    """/tmp, the volumes of pods: koc's own folder in it is closed."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    case = Case(tmp_path, koc_path, home, shared)
    assert "cache" not in case.check().stderr
    assert everything(case, "files")


def test_a_cache_that_goes_away_in_the_middle(case):
    """Somebody removes it again and again while several builds run."""
    want = case.build("--no-cache").stdout
    over = threading.Event()

    def remove():
        while not over.is_set():
            shutil.rmtree(case.cache, ignore_errors=True)
            time.sleep(0.05)

    thread = threading.Thread(target=remove)
    thread.start()
    try:
        for _ in range(6):
            assert case.build().stdout == want
    finally:
        over.set()
        thread.join()
    assert case.build().stdout == want


def test_a_cache_that_cannot_be_written(case, tmp_path):
    case.build()
    if os.geteuid() == 0:
        if subprocess.run(["mount", "--bind", "-o", "ro", case.cache, case.cache], capture_output=True).returncode:
            pytest.skip("mounting needs more rights")
        try:
            assert "cannot write to the cache" in case.check().stderr
        finally:
            subprocess.run(["umount", case.cache], check=True)
        return
    case.cache.chmod(0o500)
    assert "cannot write to the cache" in case.check().stderr
    case.cache.chmod(0o700)
