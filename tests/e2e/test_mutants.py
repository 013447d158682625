"""./dev mutants makes the faults it says, each of them alone, and none until one is switched on."""

import os
import subprocess
import sys

import pytest
from runner import ROOT, lacking

sys.path.insert(0, str(ROOT / "tests/mutants"))
EXAMPLE = ROOT / "tests/mutants/example.c"
LINE = next(n for n, line in enumerate(EXAMPLE.read_text().splitlines(), 1) if "__LINE__)" in line)
SOUND = "called 7 0 1 01 8 41 yes -5 line LINE"

# Of each kind one: its function, what becomes of what, and what the program prints then.
FAULTS = [
    ("tried", "KOC__TRY(check(n));", "(void)check(n);", "called 0 0 1 01 8 41 yes -5 line LINE"),
    ("below", "b.low < n", "b.low <= n", "called 7 1 1 01 8 41 yes -5 line LINE"),
    ("equal", "a == b", "a != b", "called 7 0 0 01 8 41 yes -5 line LINE"),
    ("both", "a && b", "a || b", "called 7 0 1 11 8 41 yes -5 line LINE"),
    ("sum", "n + n", "n - n", "called 7 0 1 01 0 41 yes -5 line LINE"),
    ("number", "switch (table[0x0]) {", "switch (table[(0x0 + 1)]) {", "called 7 0 1 01 8 6 yes -5 line LINE"),
    ("number", "case 0: return 41;", "case 0: return 42;", "called 7 0 1 01 8 42 yes -5 line LINE"),
    ("chosen", "if (b)", "if (!(b))", "called 7 0 1 01 8 41 no -5 line LINE"),
    ("checked", "if (bad)", "if (!(bad))", "called 7 0 1 01 8 41 yes 5 line LINE"),
    ("checked", "if (bad) { return -5; }", "no check", "called 7 0 1 01 8 41 yes 5 line LINE"),
    ("checked", "return -5;", "return -6;", "called 7 0 1 01 8 41 yes -6 line LINE"),
    ("checked", "return 5;", "return 6;", SOUND),
    ("print", 'printf("%s", text);', ";", " 7 0 1 01 8 41 yes -5 line LINE"),
    ("main", 'print("called");', ";", " 7 0 1 01 8 41 yes -5 line LINE"),
]


@pytest.fixture(scope="module")
def rewrite():
    try:
        import rewrite
    except ImportError:
        lacking("libclang")
    return rewrite


@pytest.fixture(scope="module")
def rewritten(rewrite, tmp_path_factory):
    """The faults of the example, and the program that has them all."""
    directory = tmp_path_factory.mktemp("mutants")
    text = EXAMPLE.read_text()
    headers = subprocess.run(
        ["cc", "-print-file-name=include"], capture_output=True, text=True, check=True
    ).stdout.strip()
    rewriter = rewrite.Rewriter("example.c", text, ["-isystem", headers], EXAMPLE)
    assert rewriter.problems == []
    mutants = rewriter.mutants()
    for number, mutant in enumerate(mutants):
        mutant.number = number
    (directory / "example.c").write_text(rewriter.rewritten())
    subprocess.run(["cc", "-w", "-o", directory / "example", directory / "example.c"], check=True)
    return mutants, directory / "example"


def run(program, **env):
    """What it prints. The number of a line is part of it, since the rewriter keeps lines."""
    result = subprocess.run([program], env={**os.environ, **env}, capture_output=True, text=True, timeout=60)
    return result.stdout.strip("\n").replace(f"line {LINE}", "line LINE")


def test_each_kind_is_found_once(rewritten):
    found = [(m.function, m.before, m.after) for m in rewritten[0]]
    assert sorted(found) == sorted(fault[:3] for fault in FAULTS)


def test_each_changes_what_it_says(rewritten):
    mutants, program = rewritten
    assert run(program) == SOUND
    for mutant in mutants:
        (expected,) = [f[3] for f in FAULTS if f[:3] == (mutant.function, mutant.before, mutant.after)]
        assert run(program, KOC_MUTANT=str(mutant.number)) == expected, str(mutant)


def test_a_recording_run_names_what_it_reaches(rewritten, tmp_path):
    mutants, program = rewritten
    hits = tmp_path / "hits"
    hits.write_bytes(bytes(len(mutants)))
    assert run(program, KOC_MUTANT="record", KOC_MUTANT_HITS=str(hits)) == SOUND
    missed = [m.before for m, hit in zip(mutants, hits.read_bytes()) if not hit]
    assert missed == ["return 5;"]


def test_each_file_has_tests_that_are_there(rewrite):
    import run as mutants

    table = mutants.read_table()
    for path in [*ROOT.glob("lib/*/**/*.c"), *ROOT.glob("cli/**/*.c")]:
        units, programs = mutants.tests_of(str(path.relative_to(ROOT)), table)
        assert programs, f"{path} is not in tests/mutants/tests.txt"
        assert all((ROOT / "tests/unit" / unit).is_dir() for unit in units), units
        assert all((ROOT / program).exists() for program in programs), programs
    assert isinstance(mutants.read_equivalent(), dict)
