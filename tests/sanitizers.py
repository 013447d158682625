#!/usr/bin/env python3
"""What AddressSanitizer does not see: data races (ThreadSanitizer), and bytes that were never set (valgrind).

Two checks of `./dev test --all`; by hand:

    tests/sanitizers.py threads|memory [PROGRAM...]      # all, or test_core, …; e2e needs pytest

Each has a build directory of its own, build-tsan/ and build-valgrind/.
"""

import argparse
import concurrent.futures
import functools
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/lint"))

from common import Missing  # noqa: E402

# Unit tests that a tool cannot run, each with its reason.
SLOW = "one thread that makes 100,000 errors: half a minute and more, and AddressSanitizer has seen it"
UNFIT = {
    "threads": {
        "error_long_cause_chains_do_not_eat_the_stack": SLOW,
        "pool_starts_anew_in_a_forked_child": "ThreadSanitizer allows no new threads after a fork with threads",
    },
    "memory": {
        "error_long_cause_chains_do_not_eat_the_stack": SLOW,
        "proc_missing_program_directory_and_permission": "under valgrind posix_spawn does not tell that exec failed",
        "proc_gives_the_child_default_signals_and_none_of_our_files": "the child has valgrind's own descriptors",
    },
}

# Whole programs with threads: the client against a registry, builds and pushes at once, koc serve.
END_TO_END = [
    "tests/registry/test_registry_basics.py",
    "tests/registry/test_registry_resume.py",
    "tests/e2e/test_build_basic.py",
    "tests/e2e/test_image_verbs_copy.py",
    "tests/e2e/test_overlap.py",
    "tests/e2e/test_resolve.py",
    "tests/e2e/test_serve.py",
    "tests/e2e/test_watch.py",
]

# Far above what each takes: such a limit ends a deadlock.
LIMIT = 900

TSAN = "exitcode=66:second_deadlock_stack=1"
MEMCHECK = [
    "valgrind",
    "-q",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
    "--error-exitcode=99",
    f"--suppressions={ROOT / 'tests/unit/valgrind.supp'}",
]


def has_tsan():
    compiler = shlex.split(os.environ.get("CC", "cc"))
    with tempfile.TemporaryDirectory() as scratch:
        command = [*compiler, "-fsanitize=thread", "-xc", "-", "-o", f"{scratch}/none"]
        return subprocess.run(command, input=b"int main(void){return 0;}", capture_output=True).returncode == 0


def compiled(build, *options):
    """The directory, up to date; it keeps the options that it was made with."""
    setup = ["meson", "setup", str(build), "--buildtype=debugoptimized", *options]
    steps = [] if (build / "build.ninja").exists() else [setup]
    for command in [*steps, ["meson", "compile", "-C", str(build)]]:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{shlex.join(command)} failed:\n{done.stdout[-4000:]}")
    return build


def unit_programs(build):
    """Those of tests/unit. The others of that suite repeat one call many times, and some of them leak on purpose."""
    command = ["meson", "introspect", "--tests", str(build)]
    tests = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    programs = [pathlib.Path(test["cmd"][0]) for test in tests if "koc:unit" in test["suite"]]
    return [program for program in programs if program.parent == build / "tests/unit"]


def fixed_addresses():
    """Without random addresses: ThreadSanitizer knows where memory may be, and kernels changed that."""
    command = ["setarch", os.uname().machine, "-R"]
    works = shutil.which("setarch") and subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if works else []


# What is no finding: valgrind's words about itself, and the sum that a forked child has from its parent.
NOISE = re.compile(r"^(--\d+--.*|ThreadSanitizer: reported \d+ warnings)\n?", re.MULTILINE)


def reports(logs):
    """What a tool wrote, a text for each process."""
    for log in sorted(logs.iterdir()):
        text = NOISE.sub("", log.read_text(errors="replace")).strip()
        if text:
            yield f"{log.name}:\n{text[:6000]}"


def run(command, logs, environment, name):
    """A list of problems: what the tool wrote, else why the command failed."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return [*reports(logs), f"{name}: did not end within {LIMIT} s"]
    problems = list(reports(logs))
    if done.returncode != 0 and not problems:
        problems = [f"{name}: exit code {done.returncode}\n{done.stdout[-4000:]}"]
    return problems


def run_unit(program, part, scratch):
    logs = scratch / program.name
    logs.mkdir()
    listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()
    command = [str(program)]
    if UNFIT[part].keys() & set(listed):
        command += [name for name in listed if name not in UNFIT[part]]
    if part == "threads":
        return listed, run([*fixed_addresses(), *command], logs, tsan_options(logs), program.name)
    return listed, run([*MEMCHECK, f"--log-file={logs}/memcheck.%p", *command], logs, {}, program.name)


def tsan_options(logs):
    return {"TSAN_OPTIONS": f"{TSAN}:log_path={logs}/tsan"}


def run_all_units(part, build, only, scratch):
    programs = [program for program in unit_programs(build) if not only or program.name in only]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        done = list(pool.map(lambda program: run_unit(program, part, scratch), programs))
    problems = [problem for _, found in done for problem in found]
    names = {name for listed, _ in done for name in listed}
    if not only:
        problems += [f"no unit test has the name {name}" for name in UNFIT[part] if name not in names]
    return problems


def run_end_to_end(build, scratch):
    logs = scratch / "e2e"
    logs.mkdir()
    command = [*fixed_addresses(), sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2"]
    environment = tsan_options(logs) | {"KOC_BIN": str(build / "cli/koc"), "KOC_BUILD": str(build)}
    return run([*command, *END_TO_END], logs, environment, "e2e")


def check(part, _context, only=()):
    """A list of problems."""
    with tempfile.TemporaryDirectory(prefix="koc-sanitizers-") as folder:
        scratch = pathlib.Path(folder)
        try:
            if part == "memory":
                if not shutil.which("valgrind"):
                    raise Missing("valgrind")
                return run_all_units(part, compiled(ROOT / "build-valgrind"), only, scratch)
            if not has_tsan():
                raise Missing("ThreadSanitizer")
            build = compiled(ROOT / "build-tsan", "-Db_sanitize=thread", "-Db_lundef=false")
            problems = run_all_units(part, build, only, scratch)
            return problems if only and "e2e" not in only else problems + run_end_to_end(build, scratch)
        except RuntimeError as failed:
            return [str(failed)]


CHECKS = {
    "thread-sanitizer": functools.partial(check, "threads"),
    "valgrind": functools.partial(check, "memory"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=UNFIT)
    parser.add_argument("only", nargs="*", metavar="PROGRAM")
    args = parser.parse_args()
    try:
        problems = check(args.part, None, args.only)
    except Missing as missing:
        print(f"skipped: no {missing}")
        return 0
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
