"""One fork server with its world: runs commands in it, and lets their calls fail one by one."""

import contextlib
import errno
import os
import pathlib
import shutil
import subprocess

import commands
from forkserver import ForkServer
from judge import FAILURES, Judge
from memory_registry import MemoryRegistry
from runner import Home
from world import World


class Lab:
    def __init__(self, root, build, go_env):
        self.root, self.build = pathlib.Path(root), pathlib.Path(build)
        self.registry = MemoryRegistry()
        self.world = World(self.root / "w", self.registry)
        env = Home(self.root / "w", go_env).env(KO_DOCKER_REPO=f"{self.registry.host}/built")
        self.server = ForkServer(
            self.build / "cli/koc", self.build / "tests/inject/libkoc-inject.so", env, self.root / "server"
        )

    def close(self):
        self.server.close()
        self.registry.close()

    def koc(self, *words):
        result = self.server.run(["koc", *map(str, words)], cwd=self.world.root)
        assert result.status == 0, result

    def command(self, name):
        """The command, and the judge of its runs. What it finds is what there is now."""
        command = commands.commands(self.world)[name]
        if command.go:
            for _ in range(3):  # links, then records the inputs, then does nothing
                first = self.server.run(["koc", *command.argv], cwd=command.cwd)
                assert first.status == 0, first
            shutil.rmtree(self.world / "target/built", ignore_errors=True)
            (self.world / "target/app.tar").write_text("an old file\n")
            for known in [known for known in self.registry.manifests if known[0].startswith("built")]:
                del self.registry.manifests[known]
        self.world.keep()

        def run(plan):
            return self.server.run(["koc", *command.argv], plan, command.cwd, command.stdin)

        return command, Judge(self.world, run)

    def symbolize(self, trace):
        """The koc functions on the way to the call, the innermost first."""
        lines = []
        for frame in trace.split(","):
            name, _, offset = frame.partition("+")
            path = "cli/koc" if name == "koc" else f"lib/{name}" if name.startswith("libkoc.so.") else None
            if path:
                command = ["addr2line", "-fs", "-e", self.build / path, hex(int(offset, 16) - 1)]
                with contextlib.suppress(OSError):
                    lines.append(" ".join(subprocess.run(command, capture_output=True, text=True).stdout.split()))
        return " < ".join(lines)


def number_of(how):
    """ "EIO on" as a plan says it: "5 on"."""
    name, *mode = how.split()
    return " ".join([name if name == "short" else str(getattr(errno, name)), *mode])


def sample(count, most):
    """At most so many of 1 … count, evenly."""
    most = min(count, most)
    return sorted({1 + i * count // most for i in range(most)})


def inject(lab, name, classes, most, hows=99):
    """Lets the calls of these classes fail, `most` of each. Gives the number of failures and the problems."""
    command, judge = lab.command(name)
    injected, problems = 0, {}
    for kind in classes:
        for how in FAILURES[kind][:hows]:
            for n in sample(judge.calls.counts[kind], most):
                plan = f"{kind} {n} {number_of(how)}"
                lab.world.restore()
                result = judge.run(plan)
                injected += result.fired > 0
                problem = result.fired and judge.problem(result, kind, how)
                if problem and (kind, how, problem) not in problems:
                    where = lab.symbolize(result.trace)
                    problems[kind, how, problem] = (
                        f"KOC_INJECT='{plan}' koc {' '.join(command.argv)}\n  {problem}\n  at {where}\n"
                        f"  exit code {result.status}, stderr: {result.stderr.strip()[:2000]}"
                    )
    lab.world.restore()
    return injected, list(problems.values())
