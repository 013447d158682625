"""Each call that a command makes may fail: no crash, leak or hang, no half-written result, no lost file."""

import os

import commands
import pytest
from judge import FAILURES
from lab import Lab, inject
from runner import ROOT

CLASSES = [kind for kind in FAILURES if kind != "alloc"]
NAMES = [name for name in commands.commands(commands.NOWHERE)]
SAMPLED = ["push", "pull", "copy-layout", "append", "export", "login", "resolve"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory, go_env):
    build = os.environ.get("KOC_BUILD", ROOT / "build-asan")
    lab = Lab(tmp_path_factory.mktemp("inject"), build, go_env)
    commands.prepare(lab.world, lab.koc)
    yield lab
    lab.close()


def check(lab, record_property, *args):
    injected, problems = inject(lab, *args)
    record_property("injected", injected)
    assert not problems, f"{len(problems)} problems\n\n" + "\n\n".join(problems)
    assert injected > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_failing_allocation(lab, name, record_property):
    check(lab, record_property, name, ["alloc"], 40 if commands.is_dear(name) else 700)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_failing_call(lab, name, record_property):
    check(lab, record_property, name, CLASSES, 2 if commands.is_dear(name) else 400)


@pytest.mark.parametrize("name", SAMPLED)
def test_some_failing_calls(lab, name, record_property):
    check(lab, record_property, name, FAILURES, 2, 1)
