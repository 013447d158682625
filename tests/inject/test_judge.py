"""The judge of failure injection sees what must not happen."""

import dataclasses
import os

import commands
import pytest
from lab import Lab, sample
from runner import ROOT


@pytest.fixture(scope="module")
def lab(tmp_path_factory, go_env):
    lab = Lab(tmp_path_factory.mktemp("judge"), os.environ.get("KOC_BUILD", ROOT / "build-asan"), go_env)
    commands.prepare(lab.world, lab.koc)
    yield lab
    lab.close()


@pytest.fixture(autouse=True)
def whole(lab):
    """Each test finds the world as it was."""
    lab.world.keep()
    yield
    lab.world.restore()


def break_blob(world):
    blob = next(path for path in (world / "target/layout/blobs/sha256").iterdir())
    blob.write_bytes(blob.read_bytes()[:-1])


def lose_manifest(world):
    del world.registry.manifests["other/app", "new"]


TREES = {
    "is lost": lambda world: (world / "target/fs.tar").unlink(),
    "is neither old nor new": lambda world: (world / "target/fs.tar").write_text("half"),
    "a temporary file is left": lambda world: (world / "cache/.koc-abcdef").write_text(""),
    "is left": lambda world: (world / "target/more").write_text(""),
    "layout/blobs/sha256": break_blob,
    "the tag ('other/app', 'new') is lost": lose_manifest,
}


@pytest.mark.parametrize("words", TREES)
def test_a_changed_tree_is_a_problem(lab, words):
    _, judge = lab.command("export")
    lab.world.restore()
    result = judge.run("write 1 28")
    assert result.fired and judge.problem(result, "write", "ENOSPC") is None
    TREES[words](lab.world)
    assert words in judge.problem(result, "write", "ENOSPC")


RESULTS = [
    ({"hung": True}, "it hangs"),
    ({"left": 1}, "1 processes are left"),
    ({"status": -11}, "it ends with -11"),
    ({"stderr": "ERROR: LeakSanitizer: ..."}, "it ends with 1"),
    ({"status": 2}, "the exit code is 2"),
    ({"stderr": ""}, "it fails without an error"),
    ({"stderr": "koc: it failed"}, "its error has no cause"),
    ({"status": 0}, "is neither old nor new"),
    ({"status": 0, "stdout": b"other"}, "it succeeds with another result"),
]


@pytest.mark.parametrize("change, words", RESULTS, ids=[words for _, words in RESULTS])
def test_a_wrong_end_is_a_problem(lab, change, words):
    _, judge = lab.command("export")
    lab.world.restore()
    result = dataclasses.replace(judge.run("write 1 28"), **change)
    assert words in judge.problem(result, "write", "ENOSPC")


def test_an_interrupted_call_must_not_be_a_failure(lab):
    _, judge = lab.command("export")
    lab.world.restore()
    assert judge.problem(judge.run("write 1 28"), "write", "EINTR") == "it fails, and could have gone on"


def test_the_named_call_fails_and_no_other(lab):
    _, judge = lab.command("export")
    usual = judge.run("")
    assert judge.run("write 1 28").fired == 1
    assert judge.run(f"write {usual.counts['write'] + 1} 28").fired == 0
    assert judge.run("read 1 4 every").fired > 1
    assert judge.run("write 1 28 on").status == 1
    assert "koc__fs_write_fd" in lab.symbolize(judge.run("write 1 28").trace)


def test_children_of_the_command_are_not_touched(lab):
    """go has the same shim in its environment if koc passes it on, and would fail to write."""
    _, judge = lab.command("build-forced")
    lab.world.restore()
    usual = judge.calls.counts
    assert usual["spawn"] > 0
    assert judge.run(f"write {usual['write'] + 50} 28 on").status == 0


def test_samples_are_spread():
    assert sample(3, 10) == [1, 2, 3]
    assert sample(100, 4) == [1, 26, 51, 76]
    assert sample(0, 5) == []
