#!/usr/bin/env python3
"""Runs all tests and counts them: structure checks, unit tests, end-to-end tests.

`./dev test` has set everything up before; by hand:  tests/run.py --build build-asan [-k PATTERN]
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/lint"), str(ROOT / "tests/foreign"), str(ROOT / "bindings")]

import all as lint  # noqa: E402
import common  # noqa: E402
import foreign  # noqa: E402
import portability  # noqa: E402
import run_tests as bindings  # noqa: E402
import sanitizers  # noqa: E402

# Structure checks of every run, and what --all adds.
CHECKS = {name: lint.CHECKS[name] for name in lint.FAST}
SLOW_CHECKS = {"other systems": portability.check, "other machines": foreign.check, **sanitizers.CHECKS}

# Why a test may be skipped in CI: each holds on some machines whatever is installed. A missing tool is
# not among them, since ./dev installs every one.
SKIPS = re.compile(
    "takes minutes|only in ./dev test --all|root |needs Docker Hub|needs a cluster with nodes"
    "|needs a container engine|needs root|and root are needed|this machine|no mount namespaces here"
    "|cannot unpack images here|does not start here|too fast to be stopped|something else listens"
)

# A sanitizer's finding ends the program, so that no test passes over it.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "LSAN_OPTIONS": "print_suppressions=0",
}


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    injected: int = 0  # failures that tests let calls and allocations have

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.injected += other.injected

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def heading(text):
    print(f"\n--- {text}", flush=True)


def lacking():
    """What a missing tool counts as."""
    return Tally(failed=1) if common.IN_CI else Tally(skipped=1)


def run_checks(context, pattern, checks):
    tally = Tally()
    for name, check in checks.items():
        if pattern and pattern not in name:
            continue
        try:
            problems = check(context)
        except common.Missing as missing:
            tally.add(lacking())
            print(f"{'FAILED' if common.IN_CI else 'skipped':8} {name}: no {missing}")
            continue
        tally.failed += bool(problems)
        tally.passed += not problems
        print(f"{'FAILED' if problems else 'ok':8} {name}")
        for problem in problems:
            print(f"         {problem}")
    return tally


def count_cmocka(output, status):
    """The tally of one program's report. A test that began and did not end has failed."""
    begun = len(re.findall(r"^\[ RUN  ", output, re.MULTILINE))
    passed = len(re.findall(r"^\[       OK \]", output, re.MULTILINE))
    skipped = len(re.findall(r"^\[  SKIPPED \] \w+$", output, re.MULTILINE)) if begun else 0
    skipped = min(skipped, begun - passed)
    failed = begun - passed - skipped
    if status != 0 and failed == 0:
        failed = 1  # a leak found at exit, for example
    injected = sum(map(int, re.findall(r"^injected (\d+) failures$", output, re.MULTILINE)))
    return Tally(passed, failed, skipped, injected)


def run_program(test, pattern):
    """One test program of the build: its tally, and what it printed."""
    command, replay = test["cmd"], "koc:fuzz" in test["suite"]
    if pattern and replay and pattern not in test["name"]:
        return Tally(), ""
    if pattern and not replay:
        command = [*command, pattern]
    result = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **SANITIZERS},
    )
    if replay:  # a fuzz target over its corpus: one test
        failed = int(result.returncode != 0)
        return Tally(1 - failed, failed), result.stdout
    return count_cmocka(result.stdout, result.returncode), result.stdout


def run_unit(build, pattern):
    introspected = subprocess.run(
        ["meson", "introspect", "--tests", str(build)], capture_output=True, text=True, check=True
    )
    total = Tally()
    for test in json.loads(introspected.stdout):
        if "koc:unit" not in test["suite"]:
            continue
        tally, output = run_program(test, pattern)
        total.add(tally)
        if tally != Tally():
            print(f"{'FAILED' if tally.failed else 'ok':8} {test['name']}: {tally}", flush=True)
        for line in re.findall(r"^skipped: .*$", output, re.MULTILINE):
            print(f"         {line}")
        if tally.failed:
            print(output)
    return total


def run_e2e(build, pattern, everything):
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rs",
            "-p",
            "no:cacheprovider",
            "-n",
            str(max(2, os.cpu_count() or 2)),
            "--dist",
            "load",
            f"--junitxml={report}",
            str(ROOT / "tests/e2e"),
            str(ROOT / "tests/registry"),
            str(ROOT / "tests/inject"),
        ]
        command += ["-k", pattern] if pattern else []
        command += ["--everything"] if everything else []
        environment = {
            **os.environ,
            **SANITIZERS,
            "KOC_BIN": str(build / "cli/koc"),
            "KOC_BUILD": str(build),
        }
        status = subprocess.run(command, env=environment).returncode
        if status == 5:  # nothing matched the pattern
            return Tally()
        if not report.exists():
            return Tally(failed=1)
        return count_junit(report)


def run_bindings():
    total = Tally()
    for name, *counts in bindings.run_all():
        tally = Tally(*counts)
        total.add(tally)
        print(f"{'FAILED' if tally.failed else 'ok':8} {name}: {tally}", flush=True)
    return total


def count_junit(report):
    tally = Tally()
    root = xml.etree.ElementTree.parse(report).getroot()
    for injected in root.iterfind(".//property[@name='injected']"):
        tally.injected += int(injected.get("value"))
    for suite in root.iter("testsuite"):
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        tally.add(Tally(int(suite.get("tests")) - failed - skipped, failed, skipped))
        if common.IN_CI:
            holes = [s.get("message") for s in suite.iter("skipped") if not SKIPS.search(s.get("message"))]
            tally.add(Tally(failed=len(holes), skipped=-len(holes)))
            for hole in holes:
                print(f"FAILED   skipped in CI: {hole}")
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-asan")
    parser.add_argument("--all", action="store_true", help="also what takes minutes")
    parser.add_argument("-k", dest="pattern", help="only tests whose name contains this")
    args = parser.parse_args()
    build = args.build.resolve()
    context = common.Context(build, pathlib.Path(os.environ.get("KOC_TEST_TOOLS", "/nonexistent")))
    total = Tally()

    heading("structure")
    total.add(run_checks(context, args.pattern, CHECKS | (SLOW_CHECKS if args.all else {})))
    heading("unit tests")
    total.add(run_unit(build, args.pattern))
    heading("end-to-end tests")
    total.add(run_e2e(build, args.pattern, args.all))
    if not args.pattern:
        heading("bindings")
        total.add(run_bindings())

    if total.injected:
        print(f"\ninjected {total.injected:,} failures")
    print(f"\n{total}")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
