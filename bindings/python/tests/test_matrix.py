"""The table of capabilities in docs/bindings.md: every name in it exists, and every "no" has a reason."""

import functools
import os
import pathlib
import re
import subprocess

import cdef
import koc
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TABLE = (ROOT / "docs/bindings.md").read_text().partition("## What each of them can do")[2]
ROWS = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in TABLE.splitlines() if line.startswith("|")][2:]
LANGUAGES = ("C", "Python", "Rust", "command")


def has_c(name):
    text, _, _ = cdef.declarations(ROOT / "include")
    return re.search(rf"\b{name}\b", text) is not None


def has_python(name):
    thing = functools.reduce(lambda outer, part: getattr(outer, part, None), name.split(".")[1:], koc)
    return name.startswith("koc.") and thing is not None


@functools.lru_cache(maxsize=None)
def crate():
    return {path.stem: path.read_text() for path in (ROOT / "bindings/rust/koc/src").glob("*.rs")}


def has_rust(name):
    outer, _, inner = name.partition("::")
    whole = "\n".join(crate().values())
    defined = rf"\bpub (?:struct|enum|trait|type) {outer}\b|\b\w+!\(\s*{outer}\b"
    return (outer in crate() or re.search(defined, whole)) and (
        not inner or re.search(rf"\bfn {inner}\b|^\s+{inner}(?: =|:)", whole, re.MULTILINE)
    )


def has_command(name):
    return f"\n## {name}\n" in (ROOT / "docs/cli.md").read_text()  # what koc help prints: tests/lint compares it


HAS = dict(zip(LANGUAGES, (has_c, has_python, has_rust, has_command)))


def test_the_table_is_complete():
    assert len(ROWS) >= 40 and all(len(row) == 5 for row in ROWS)
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_capability(row):
    for language, cell in zip(LANGUAGES, row[1:]):
        reason = re.fullmatch(r"(yes|no): (.{4,})", cell)
        if reason:
            continue
        names = re.findall(r"`([^`]+)`", cell)
        assert names and re.sub(r"`[^`]+`|, ", "", cell) == "", f"{language}: {cell}"
        missing = [name for name in names if not HAS[language](name)]
        assert not missing, f"{language} has no {missing}"


def test_python_lacks_nothing_that_c_has():
    for row in ROWS:
        assert row[1].startswith("no:") or not row[2].startswith("no:"), row[0]
        assert row[1].startswith("no:") or not row[3].startswith("no:"), row[0]


def test_the_library_exports_what_the_headers_declare():
    """The list is read from the headers, and compared with the built library."""
    prefix = os.environ.get("KOC_TEST_PREFIX")
    if not prefix:
        pytest.skip("KOC_TEST_PREFIX names no installed library")
    (library,) = (path for path in pathlib.Path(prefix).rglob("libkoc.so") if path.exists())
    printed = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    exported = {line.split()[-1].partition("@")[0] for line in printed.stdout.splitlines()}
    assert {n for n in exported if n.startswith("koc_")} == set(cdef.functions(ROOT / "include"))
    rust = (ROOT / "bindings/rust/koc-sys/src/bindings.rs").read_text()
    assert {n for n in exported if n.startswith("koc_")} <= set(re.findall(r"\bfn (koc_\w+)", rust))
