"""Several builds of one program at once, some of them killed: nothing fails, and nothing is mixed."""

import os
import random
import signal
import subprocess
import time

import pytest

import goapps
from runner import Tool, wait_until

# A go that makes what it was asked for aside, says so, and moves it into place when it is told to.
SLOW_GO = """#!/bin/sh
[ "$1" = build ] && [ -n "$SLOW" ] || exec "{go}" "$@"
for word; do
    shift
    if [ "$before" = -o ]; then
        out=$word
        case "$out" in */) made=$SLOW/made/ ;; *) made=$SLOW/made ;; esac
        set -- "$@" "$made"
    else
        set -- "$@" "$word"
    fi
    before=$word
done
mkdir -p "$SLOW"
"{go}" "$@" || exit
touch "$SLOW/ready"
while [ ! -e "$SLOW/go" ]; do sleep 0.02; done
case "$out" in */) mv "$made"* "$out" ;; *) mv "$made" "$out" ;; esac
touch "$SLOW/done"
"""


class Case:
    def __init__(self, root, koc_path, home, *programs):
        self.home, self.root = home, root
        self.koc = Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")
        self.app = goapps.GoApp(root / "app").module()
        self.programs = [f"./cmd/{name}" for name in programs]
        for name in programs:
            self.app.program(f"cmd/{name}")
        self.word(0)

    def word(self, n):
        """Another version of each program, of the same size and build flags."""
        for program in self.programs:
            text = f'package main\n\nvar word = "word {n:04}"\n\nfunc main() {{ println(word) }}\n'
            self.app.write(f"{program}/main.go", text)

    def arguments(self, *more):
        return ["build", "--push=false", "--base-image=scratch", "--sbom=none", *more, *self.programs]

    def build(self, *more, env=None):
        return self.koc(*self.arguments(*more), cwd=self.app, env=env).stdout

    def start(self, *more, env=None):
        return self.koc.start(*self.arguments(*more), cwd=self.app, env=env)


@pytest.mark.parametrize("programs", [("one",), ("one", "two")], ids=["one program", "two programs"])
def test_a_go_that_outlives_its_koc_changes_nothing(tmp_path, koc_path, home, programs):
    """kill -9 leaves go running: what it puts down late is not taken for what the next build made."""
    case = Case(tmp_path, koc_path, home, *programs)
    real = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    script = tmp_path / "slow/go"
    script.parent.mkdir()
    script.write_text(SLOW_GO.format(go=f"{real}/bin/go"))
    script.chmod(0o755)
    env = {"KO_GO_PATH": str(script)}
    case.build(env=env)
    first, second = tmp_path / "first", tmp_path / "second"
    case.word(1)
    killed = case.start(env={**env, "SLOW": str(first)})
    wait_until(lambda: (first / "ready").exists(), 120, "the first go")
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    case.word(2)
    process = case.start(env={**env, "SLOW": str(second)})
    wait_until(lambda: (second / "ready").exists(), 120, "the second go")
    (first / "go").touch()
    wait_until(lambda: (first / "done").exists(), 20, "the end of the first go")
    time.sleep(0.2)
    (second / "go").touch()
    out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert out == case.build("--no-cache", env=env)
    assert out == case.build(env=env), "a stale program"


def test_a_file_that_is_touched_while_it_is_packed_is_read_again(tmp_path, koc_path, home):
    """A backup that links files, a chmod: they change the stamp of a program, and not what is in it."""
    case = Case(tmp_path, koc_path, home, "one")
    want = case.build("--no-cache")
    files = home.cache / "koc/v1/files/bin"
    for n in range(4):
        process = case.start("--force", f"--compression=gzip:{n + 1}")
        while process.poll() is None:
            for path in files.glob("*/*/one"):
                os.chmod(path, 0o700 if time.monotonic_ns() & 1 else 0o755)
            time.sleep(0.002)
        out, said = process.communicate()
        assert process.returncode == 0, said
    assert case.build() == want


def stress(case, rounds, dice):
    """Each round: an edit, several builds at once, some of them killed, room made in the cache beside."""
    forced = {}
    for i in range(rounds):
        n = dice.randrange(4)
        case.word(n)
        builds = [case.start() for _ in range(dice.randint(2, 4))]
        doomed = [p for p in builds[1:] if dice.random() < 0.6]
        prune = case.koc.start("cache", dice.choice(["prune", "prune", "clear"]))
        for process in doomed:
            time.sleep(dice.random() * 0.5)
            process.kill()
        prune.communicate(timeout=120)
        for process in builds:
            out, said = process.communicate(timeout=300)
            if process in doomed and process.returncode != 0:
                continue
            assert process.returncode == 0, f"round {i}: {said}"
            if n not in forced:
                forced[n] = case.build("--no-cache")
            assert out == forced[n], f"round {i}: another program"


def test_builds_at_once_with_kills_and_a_cache_that_is_cleared(tmp_path, koc_path, home, request):
    dice = random.Random(os.environ.get("KOC_SEED", "11"))
    case = Case(tmp_path, koc_path, home, "one", "two")
    stress(case, 60 if request.config.getoption("--everything") else 6, dice)
