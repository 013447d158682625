#!/usr/bin/env python3
"""Runs the tests of a build that counts, and prints which lines and branches of lib/ and cli/ they reach:
`./dev coverage`.

gcovr reads the counts. A process that is killed, or leaves by _exit, writes none: the figures are a lower bound.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import run as tests  # noqa: E402

# It links a program with libkoc.a alone; here the archive needs gcc's counters too.
CANNOT = "test_static_library"

# Of an assert, the branch that ends the process: none of these is ever taken.
EXCLUDED = r"^\s*(static_)?assert\("

GCOVR = ("--root", str(ROOT), "--filter", "lib/", "--filter", "cli/", "--exclude-branches-by-pattern", EXCLUDED)

# Loops over bytes run billions of times in the whole suite; gcovr takes such a count for a mistake of gcov.
GCOVR += ("--gcov-suspicious-hits-threshold", "0")


@dataclasses.dataclass
class Count:
    lines: int = 0
    lines_hit: int = 0
    branches: int = 0
    branches_hit: int = 0

    def add(self, other):
        self.lines += other.lines
        self.lines_hit += other.lines_hit
        self.branches += other.branches
        self.branches_hit += other.branches_hit

    @property
    def line_share(self):
        return 100 * self.lines_hit / self.lines if self.lines else 100

    @property
    def branch_share(self):
        return 100 * self.branches_hit / self.branches if self.branches else 100

    def __str__(self):
        return (
            f"{self.line_share:6.1f} %  {self.lines - self.lines_hit:5} of {self.lines:5}"
            f"   {self.branch_share:6.1f} %  {self.branches - self.branches_hit:5} of {self.branches:5}"
        )


def module_of(name):
    """lib/core/io/io.c: lib/core."""
    parts = name.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def run_tests(build, pattern, unit_only):
    for old in build.rglob("*.gcda"):
        old.unlink()
    total = tests.run_unit(build, pattern)
    if not unit_only:
        wanted = f"({pattern}) and not {CANNOT}" if pattern else f"not {CANNOT}"
        total.add(tests.run_e2e(build, wanted, everything=False))
    print(f"\n{total}")
    return total.failed == 0


def read_counts(build, options):
    """File -> Count, as gcovr sums them up."""
    summary = build / "coverage.json"
    command = [sys.executable, "-m", "gcovr", *GCOVR, "-j", str(os.cpu_count() or 1), "--json-summary", str(summary)]
    if options.html:
        pages = build / "coverage"
        pages.mkdir(exist_ok=True)
        command += ["--html-details", str(pages / "index.html")]
    if options.json:
        command += ["--json", str(options.json.resolve())]
    subprocess.run([*command, str(build)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return {
        file["filename"]: Count(
            file["line_total"], file["line_covered"], file["branch_total"], file["branch_covered"]
        )
        for file in json.loads(summary.read_text())["files"]
    }


def print_counts(counts):
    heads = "  lines    missed            branches   missed"
    modules, parts = collections.defaultdict(Count), collections.defaultdict(Count)
    for name, count in counts.items():
        modules[module_of(name)].add(count)
        parts[name.split("/")[0]].add(count)
    for title, table in (("by file", counts), ("by module", modules), ("total", parts)):
        print(f"\n{title}, worst first\n{heads}")
        for name, count in sorted(table.items(), key=lambda item: (item[1].line_share, item[1].branch_share)):
            print(f"{count}   {name}")


def main():
    parser = argparse.ArgumentParser(prog="./dev coverage", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-cov", help=argparse.SUPPRESS)
    parser.add_argument("--unit", action="store_true", help="unit tests only")
    parser.add_argument("--again", action="store_true", help="run no test: the report of the last run again")
    parser.add_argument("-k", dest="pattern", help="only tests whose name contains this")
    parser.add_argument("--html", action="store_true", help="also pages with the lines, build-cov/coverage/index.html")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also every line and branch, as gcovr writes it")
    parser.add_argument("files", nargs="*", metavar="FILE", help="report only these files and directories")
    options = parser.parse_args()
    build = options.build.resolve()
    passed = options.again or run_tests(build, options.pattern, options.unit)
    wanted = [re.compile(re.escape(f.removesuffix("/")) + "(/|$)") for f in options.files]
    counts = read_counts(build, options)
    print_counts({n: c for n, c in counts.items() if not wanted or any(w.match(n) for w in wanted)})
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
