"""What the structure checks share: where the tree is, and how a check reports."""

import argparse
import dataclasses
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


# ./dev installs every tool there, so that one that is missing is a failure.
IN_CI = os.environ.get("CI") == "true"


class Missing(Exception):
    """A check cannot run here; the text names what is missing."""


@dataclasses.dataclass
class Context:
    build: pathlib.Path
    tools: pathlib.Path
    fix: bool = False


def sources(*patterns):
    """Files of the tree that match, sorted, as paths relative to its root."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path.relative_to(ROOT) for path in found)


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


_NOISE = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def code_only(text):
    """C text with comments, strings and characters blanked out; lines and columns stay."""
    return _NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def run_alone(check):
    """The main() of a check run by hand."""
    parser = argparse.ArgumentParser(description=sys.modules[check.__module__].__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--tools", type=pathlib.Path, default=pathlib.Path("/nonexistent"))
    parser.add_argument("--fix", action="store_true", help="rewrite what can be rewritten")
    args = parser.parse_args()
    try:
        problems = check(Context(args.build.resolve(), args.tools, args.fix))
    except Missing as missing:
        print(f"skipped: {missing}")
        return 0
    for problem in problems:
        print(problem)
    return 1 if problems else 0
