"""The same digest, whoever builds it, wherever, with how many threads, with which caches."""

import os
import pathlib
import shutil

import goapps
import pytest
from runner import Tool

ARGS = ["build", "-B", "--platform=linux/amd64,linux/arm64", "./cmd/app"]


@pytest.fixture
def build(registry, bases, koc_path, home):
    """Builds an app and gives the digest; the default is the home of the test and no extras."""

    def run(app, *more, home=home, **env):
        tool = Tool(
            koc_path,
            home,
            KO_DOCKER_REPO=f"{registry.host}/repro",
            KO_DEFAULTBASEIMAGE=bases["index"],
            **env,
        )
        return tool(*ARGS, *more, cwd=app).ref.split("@")[1]

    return run


def test_two_runs(build, app):
    assert build(app) == build(app)


def test_warm_and_cold_and_no_cache(build, app, home):
    cold = build(app)
    warm = build(app)
    without = build(app, "--no-cache")
    shutil.rmtree(home.cache)
    home.cache.mkdir()
    assert {warm, without, build(app)} == {cold}


def test_two_directories(build, tmp_path):
    one = goapps.plain(tmp_path / "one")
    two = goapps.plain(tmp_path / "a quite/different place/two")
    assert build(one) == build(two)


def test_one_and_eight_threads(build, app, consumer, registry, bases, home):
    """A C program sets the pool's threads, an option of the context; -j bounds the compiles."""
    program = Tool(
        consumer.compile(pathlib.Path(__file__).parent / "threads.c"),
        home,
        LD_LIBRARY_PATH=consumer.library,
        KO_DEFAULTBASEIMAGE=bases["index"],
        KO_DOCKER_REPO=f"{registry.host}/threads",
    )
    digests = {program(threads, "./cmd/app", cwd=app).ref.split("@")[1] for threads in (1, 8)}
    assert len(digests) == 1
    assert build(app, "--no-cache", "-j", "1") == build(app, "--no-cache", "-j", "8")


def test_other_user_other_machine(build, app, other_home, tmp_path):
    """Another HOME, GOPATH, GOCACHE, TMPDIR and time zone: all that a second machine has else."""
    first = build(app)
    second = build(
        app,
        home=other_home,
        GOPATH=tmp_path / "gopath",
        GOCACHE=tmp_path / "gocache",
        TZ="Asia/Tokyo",
        LANG="de_DE.UTF-8",
    )
    assert second == first


def test_order_of_creation_does_not_matter(build, tmp_path):
    """Folders list their files in another order when these were made in another order."""
    digests = set()
    for n, names in enumerate((list("abcdefgh"), list("hgfedcba"))):
        app = goapps.GoApp(tmp_path / str(n)).module().program("cmd/app")
        for name in names:
            app.write(f"cmd/app/kodata/{name}", name)
        digests.add(build(app))
    assert len(digests) == 1


def test_modes_and_times_do_not_matter(build, tmp_path):
    one, two = goapps.plain(tmp_path / "one"), goapps.plain(tmp_path / "two")
    for path in (two / "cmd/app/kodata").rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o777)
    for path in [two / "cmd/app/main.go", two / "cmd/app/kodata", *(two / "cmd/app/kodata").rglob("*")]:
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    assert build(one) == build(two)


def test_compat_is_reproducible_too(build, app):
    first = build(app, "--compat=ko")
    assert build(app, "--compat=ko", "--no-cache") == first != build(app)
