#!/usr/bin/env python3
"""Puts small faults into C files and prints those that no test notices: `./dev mutants`.

The files named are rewritten (rewrite.py) in a copy of the tree, build-mutants/tree, which is compiled once. Each
fault is then switched on by an environment variable: the unit tests of its module run, then the tests of programs
that belong to its file (tests.txt) and reach it, until one fails.
"""

import argparse
import concurrent.futures
import dataclasses
import fcntl
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build-mutants"
TREE = BUILD / "tree"
OBJECTS = BUILD / "objects"

sys.path.insert(0, str(HERE))
import rewrite  # noqa: E402

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:hard_rss_limit_mb=4096",
    "UBSAN_OPTIONS": "halt_on_error=1",
    "LSAN_OPTIONS": "print_suppressions=0",
}

# Of a compile, what a check of the syntax does without; the last three have an argument.
SPARED = ("-c", "-MD", "-MQ", "-MF", "-o")


def say(text):
    print(text, file=sys.stderr, flush=True)


def die(text):
    sys.exit(f"mutants: {text}")


# --- the tree ----------------------------------------------------------------------------------


def output_of(*command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def changed_files():
    base = output_of("git", "merge-base", "main", "HEAD").strip()
    names = output_of("git", "diff", "--name-only", "--diff-filter=d", base).splitlines()
    return [name for name in names if re.fullmatch(r"(lib|cli)/.*\.c", name)]


def wanted_files(arguments):
    found = []
    for argument in arguments:
        path = (ROOT / argument).resolve()
        if not path.exists() or not path.is_relative_to(ROOT):
            die(f"{argument} is not a file of this tree")
        found += sorted(path.rglob("*.c")) if path.is_dir() else [path]
    return [str(path.relative_to(ROOT)) for path in found]


def write_if_new(path, content):
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def copy_tree(rewritten):
    """The tree as it is, except the files that are rewritten. What stayed keeps its time, so that only the rest
    is compiled."""
    names = output_of("git", "ls-files", "-co", "--exclude-standard", "-z").split("\0")
    for name in filter(None, names):
        path = ROOT / name
        if path.is_symlink() or not path.is_file():
            continue
        content = rewritten[name].encode("latin-1") if name in rewritten else path.read_bytes()
        write_if_new(TREE / name, content)


def set_up():
    OBJECTS.mkdir(parents=True, exist_ok=True)
    lock = open(BUILD / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        die("another run uses build-mutants/")
    copy_tree({})
    if not (OBJECTS / "build.ninja").exists():
        options = ["--buildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dwarning_level=0"]
        result = subprocess.run(["meson", "setup", *options, OBJECTS, TREE], capture_output=True, text=True)
        if result.returncode:
            die(f"meson setup failed\n{result.stdout}")
    commands = json.loads((OBJECTS / "compile_commands.json").read_text())
    return lock, {
        os.path.relpath(os.path.normpath(os.path.join(c["directory"], c["file"])), TREE): shlex.split(c["command"])
        for c in commands
    }


def compiler_headers(compiler):
    """Where the headers that come with a compiler are: clang's own when it is here."""
    clang = shutil.which("clang")
    if clang:
        return output_of(clang, "-print-resource-dir").strip() + "/include"
    return output_of(compiler, "-print-file-name=include").strip()


def rewriter_of(name, commands, headers, skip):
    arguments = [
        argument if not argument.startswith("-I") else "-I" + os.path.normpath(OBJECTS / argument[2:])
        for argument in rewrite.parse_arguments(commands[name])
    ]
    common = TREE / "lib/core/common.h"
    return rewrite.Rewriter(
        name,
        (ROOT / name).read_text("latin-1"),
        [*arguments, "-isystem", headers],
        TREE / name,
        [(str(common), rewrite.function_macros(common.read_text()))],
        skip,
    )


def does_not_compile(name, command, text):
    """The lines of a rewritten file that the compiler refuses."""
    (TREE / name).write_text(text, "latin-1")
    words = [word for at, word in enumerate(command) if word not in SPARED and command[at - 1] not in SPARED[2:]]
    result = subprocess.run([*words, "-fsyntax-only", "-w", "-fdiagnostics-color=never"], cwd=OBJECTS, capture_output=True, text=True)
    lines = {int(n) for n in re.findall(rf"{re.escape(name)}:(\d+):\d+: error", result.stderr)}
    if result.returncode and not lines:
        die(f"{name} cannot be rewritten:\n{result.stderr}")
    return lines


def rewrite_files(names, commands, equivalent):
    """The mutants of all files, numbered, and the new text of each file."""
    headers = compiler_headers(commands[names[0]][0] if "ccache" not in commands[names[0]][0] else "cc")
    mutants, texts = [], {}
    for name in names:
        refused = set()
        while True:
            rewriter = rewriter_of(
                name, commands, headers, lambda m: m.key in equivalent or m.line in refused
            )
            found = rewriter.mutants()
            for number, mutant in enumerate(found, len(mutants)):
                mutant.number = number
            texts[name] = rewriter.rewritten()
            lines = does_not_compile(name, commands[name], texts[name])
            if not lines:
                break
            if lines <= refused:
                die(f"{name} cannot be rewritten: lines {sorted(lines)}")
            refused |= lines
        for problem in rewriter.problems:
            say(f"warning: libclang on {name}: {problem}")
        for line in sorted(refused):
            say(f"warning: {name}:{line} was left alone: it does not compile with a switch in it")
        mutants += found
    return mutants, texts


def read_equivalent():
    found = {}
    for line in (HERE / "equivalent.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            match = re.fullmatch(r"(\S+) \| (\w+) \| `(.*)` -> `(.*)` \| (.+)", line)
            if not match:
                die(f"equivalent.txt: not understood: {line}")
            found[match.groups()[:4]] = match[5]
    return found


# --- the tests ---------------------------------------------------------------------------------


def read_table():
    table = {}
    for line in (HERE / "tests.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            start, units, programs = (part.strip() for part in line.split("|"))
            table[start] = (units.split(), [f"tests/{p.replace('/', '/test_')}.py" for p in programs.split()])
    return table


def tests_of(name, table):
    fits = [start for start in table if name.startswith(start)]
    return table[max(fits, key=len)] if fits else ([], [])


def end_group(process, how=signal.SIGKILL):
    try:
        os.killpg(process.pid, how)
    except ProcessLookupError:
        pass


@dataclasses.dataclass
class Ran:
    ok: bool
    why: str
    seconds: float


def run_program(command, env, timeout, stop_at=None):
    """Runs a test program in a group of its own, until it ends, prints what `stop_at` matches, or takes too long."""
    begin = time.monotonic()
    out = OBJECTS / f"output.{os.getpid()}.{id(env):x}"
    with open(out, "wb") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **SANITIZERS, **env}, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            start_new_session=True,
        )
        why = ""
        while process.poll() is None:
            time.sleep(0.05)
            text = out.read_text(errors="replace") if stop_at else ""
            found = re.search(stop_at, text) if stop_at else None
            if found:
                why = found[0]
            elif time.monotonic() - begin > timeout:
                why = "it hangs"
                end_group(process, signal.SIGINT)  # pytest ends its servers
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    pass
            if why:
                end_group(process)
                process.wait()
    text = out.read_text(errors="replace")
    out.unlink()
    end_group(process)
    if not why and process.returncode:
        failed = re.search(r"^FAILED (\S+)|\[  FAILED  \] (\w+)|Sanitizer: ([\w -]+)|runtime error: (.*)", text, re.MULTILINE)
        why = next(filter(None, failed.groups())) if failed else f"exit {process.returncode}"
    return Ran(not why, why, time.monotonic() - begin), text


class Runner:
    def __init__(self, mutants, table, options):
        self.mutants, self.table, self.options = mutants, table, options
        self.sites = max(m.number for m in mutants) + 1
        self.unit_hits, self.unit_seconds, self.reached = {}, {}, set()
        self.program_tests = []

    def unit_programs(self, mutant):
        return [u for u in tests_of(mutant.file, self.table)[0] if mutant.number in self.unit_hits[u]]

    def record_units(self):
        hits = OBJECTS / "unit.hits"
        for unit in sorted({u for m in self.mutants for u in tests_of(m.file, self.table)[0]}):
            hits.write_bytes(bytes(self.sites))
            ran, text = run_program(
                [OBJECTS / f"tests/unit/test_{unit}"], {"KOC_MUTANT": "record", "KOC_MUTANT_HITS": str(hits)}, 900
            )
            if not ran.ok:
                die(f"test_{unit} fails with no fault on: {ran.why}\n{text[-4000:]}")
            self.unit_hits[unit] = {number for number, hit in enumerate(hits.read_bytes()) if hit}
            self.unit_seconds[unit] = ran.seconds
            self.reached |= self.unit_hits[unit]

    def try_units(self, mutant):
        """What killed it, or None."""
        for unit in self.unit_programs(mutant):
            ran, _ = run_program(
                [OBJECTS / f"tests/unit/test_{unit}"],
                {"KOC_MUTANT": str(mutant.number)},
                20 + 6 * self.unit_seconds[unit],
                stop_at=r"(?<=\[  FAILED  \] )\w+",
            )
            if not ran.ok:
                return f"test_{unit}: {ran.why}"
        return None

    def pytest(self, arguments, env, timeout):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "recorder", *arguments]
        paths = {
            "PYTHONPATH": str(HERE),
            "KOC_BIN": str(OBJECTS / "cli/koc"),
            "KOC_BUILD": str(OBJECTS),
        }
        return run_program(command, {**paths, **env}, timeout)

    def record_programs(self, mutants):
        files = sorted({f for m in mutants for f in tests_of(m.file, self.table)[1]})
        if not files:
            return
        say(f"Recording what {len(files)} files of tests reach")
        directory = OBJECTS / "record"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        env = {"KOC_MUTANT_RECORD": str(directory), "KOC_MUTANT_SITES": str(self.sites)}
        _, text = self.pytest(["-n", str(self.options.jobs), *files], env, 7200)
        lines = [json.loads(line) for out in directory.glob("*.jsonl") for line in out.read_text().splitlines()]
        if not lines:
            die(f"no test ran:\n{text[-4000:]}")
        for line in lines:
            if line["outcome"] == "failed":
                say(f"warning: tests/{line['test']} fails with no fault on; it is left out")
        # pytest names tests from its root, which is tests/.
        self.program_tests = [
            {**line, "test": f"tests/{line['test']}", "sites": set(line["sites"])} for line in lines if line["outcome"] == "passed"
        ]
        self.program_tests.sort(key=lambda line: line["seconds"])
        for line in self.program_tests:
            self.reached |= line["sites"]

    def try_programs(self, mutant):
        """What killed it or None, and how many of the tests that reach it had no time."""
        files = tests_of(mutant.file, self.table)[1]
        tests = [t for t in self.program_tests if mutant.number in t["sites"] and t["test"].split("::")[0] in files]
        chosen, seconds = [], 0.0
        for test in tests:
            if seconds + test["seconds"] <= self.options.budget or not chosen:
                chosen.append(test["test"])
                seconds += test["seconds"]
        env = {"KOC_MUTANT": str(mutant.number)}
        while chosen:
            ran, failed = self.pytest_until_failure(chosen, env, 90 + 6 * seconds)
            if ran.ok:
                break
            if not failed or self.is_right(failed, env):
                return failed or ran.why, 0
            chosen = chosen[chosen.index(failed) + 1 :]
        return None, len(tests) - len(chosen)

    def is_right(self, test, env):
        """Whether a failure is the fault's: it fails alone too, and does not fail without the fault."""
        with_fault, _ = self.pytest_until_failure([test], env, 300)
        without = with_fault if with_fault.ok else self.pytest_until_failure([test], {}, 300)[0]
        if with_fault.ok or not without.ok:
            say(f"warning: {test} fails now and then, or after certain other tests; it is left out")
            self.program_tests = [t for t in self.program_tests if t["test"] != test]
            return False
        return True

    def pytest_until_failure(self, tests, env, timeout):
        """How it ended, and the test that failed."""
        with tempfile.NamedTemporaryFile(mode="r", dir=OBJECTS) as out:
            ran, text = self.pytest(["-x", *tests], {"KOC_MUTANT_FAILED": out.name, **env}, timeout)
            failed = out.readline().strip()
        if not ran.ok and not failed and ran.why.startswith("exit"):
            die(f"pytest cannot run these tests\n{text[-4000:]}")
        return ran, f"tests/{failed}" if failed else None



# --- the report --------------------------------------------------------------------------------


def in_parallel(jobs, function, items, tell):
    results = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for item, result in zip(items, pool.map(function, items)):
            tell(item, result)
            results.append(result)
    return results


def run_all(mutants, table, options):
    runner = Runner(mutants, table, options)
    runner.record_units()
    killed, late = {}, {}

    def tell_unit(mutant, why):
        if why:
            killed[mutant.number] = why
            if options.verbose:
                say(f"killed   {mutant}  ({why})")

    say(f"Trying {len(mutants)} faults against unit tests")
    in_parallel(options.jobs, runner.try_units, mutants, tell_unit)
    alive = [m for m in mutants if m.number not in killed]
    say(f"{len(killed)} killed by unit tests, {len(alive)} alive")
    if alive and not options.unit:
        runner.record_programs(alive)
        reached = [m for m in alive if m.number in runner.reached]

        def tell_program(mutant, result):
            late[mutant.number] = result[1]
            if result[0]:
                killed[mutant.number] = result[0]
            if options.verbose:
                say(f"{'killed' if result[0] else 'lived':8} {mutant}  ({result[0] or ''})")

        in_parallel(options.jobs, runner.try_programs, reached, tell_program)
    return killed, runner.reached, late


def entry(m):
    """As equivalent.txt has it, without the reason."""
    return f"{m.file} | {m.function} | `{m.before}` -> `{m.after}` | "


def report(mutants, killed, reached, late, full):
    alive = [m for m in mutants if m.number not in killed]
    for title, group in (
        ("not noticed", [m for m in alive if m.number in reached]),
        ("not reached by any test", [m for m in alive if m.number not in reached]),
    ):
        if group:
            print(f"\n{title}:")
        for m in group:
            print(f"  {entry(m) if full else m}" + (f"  ({late[m.number]} slower tests not run)" if late.get(m.number) else ""))
    print()
    for name in sorted({m.file for m in mutants}):
        own = [m for m in mutants if m.file == name]
        print(score(name, own, killed, reached))
    if len({m.file for m in mutants}) > 1:
        print(score("all", mutants, killed, reached))
    return 1 if alive else 0


def score(name, mutants, killed, reached):
    dead = sum(m.number in killed for m in mutants)
    missed = sum(m.number not in reached and m.number not in killed for m in mutants)
    lived = len(mutants) - dead - missed
    return f"{name}: {len(mutants)} faults, {dead} killed, {lived} not noticed, {missed} not reached: {100 * dead / len(mutants):.0f} %"


def main():
    parser = argparse.ArgumentParser(prog="dev mutants", description=__doc__)
    parser.add_argument("files", nargs="*", help="C files or directories below lib/ and cli/")
    parser.add_argument("--changed", action="store_true", help="the C files that changed since main")
    parser.add_argument("--sample", type=int, metavar="N", help="only N faults, chosen at random")
    parser.add_argument("--seed", type=int, default=1, help="what chooses them (default 1)")
    parser.add_argument("--line", type=int, help="only the faults of this line")
    parser.add_argument("--unit", action="store_true", help="unit tests only")
    parser.add_argument("--budget", type=float, default=120, metavar="S", help="seconds of tests of programs a fault (default 120)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--list", action="store_true", help="print the faults and run nothing")
    parser.add_argument("--full", action="store_true", help="print whole texts, as equivalent.txt wants them")
    parser.add_argument("--verbose", action="store_true", help="print what killed each fault")
    options = parser.parse_args()

    names = wanted_files(options.files) + (changed_files() if options.changed else [])
    names = list(dict.fromkeys(names))
    _lock, commands = set_up()
    for name in set(names) - commands.keys():
        say(f"warning: {name} is not compiled on this machine")
    names = [name for name in names if name in commands]
    if not names:
        die("no C file of lib/ or cli/ is named or changed")
    mutants, texts = rewrite_files(names, commands, read_equivalent())
    if options.line:
        mutants = [m for m in mutants if m.line == options.line]
    if options.sample and options.sample < len(mutants):
        mutants = sorted(random.Random(options.seed).sample(mutants, options.sample), key=lambda m: m.number)
    if not mutants:
        die("nothing to change there")
    if options.list:
        for mutant in mutants:
            print(entry(mutant) if options.full else mutant)
        return 0
    copy_tree(texts)
    say(f"Compiling in {OBJECTS.relative_to(ROOT)}/")
    result = subprocess.run(["ninja", "-C", OBJECTS], capture_output=True, text=True)
    if result.returncode:
        die(f"the compile failed\n{result.stdout[-6000:]}")
    killed, reached, late = run_all(mutants, read_table(), options)
    return report(mutants, killed, reached, late, options.full)


if __name__ == "__main__":
    sys.exit(main())
