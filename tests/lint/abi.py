#!/usr/bin/env python3
"""The ABI by rule (docs/abi.md): what the public headers declare, compared with tests/abi/libkoc-VERSION.abi,
the declarations of the last release.

Until the SONAME changes nothing that is recorded may go or change: not a function, a member, a constant or a
type. Only sized structs may grow, at their end. What is new after a release says since when. Every exported
symbol carries the version node of its SONAME. abidiff compares what a compiler makes of both sides.

    python3 tests/lint/abi.py --record    renews the record: before the first release after an intended
                                          change, later with each release
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from common import ROOT, Missing, read, run_alone

sys.path.append(str(ROOT / "bindings/python"))

import cdef  # noqa: E402
from headers import FROZEN  # noqa: E402

FOLDER = ROOT / "tests/abi"
HEAD = """/* The ABI of libkoc {version}: the declarations of its headers. Written by tests/lint/abi.py --record. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
"""
# Constants of anonymous enums and sizes behind pointers are in no debug information; the rules below see them.
GROWS_AT_ITS_END = """[suppress_type]
  type_kind = struct
  has_data_member_inserted_at = end
"""
ABI_CHANGED = 4 | 8  # bits of abidiff's exit code


def version():
    return re.search(r"version: '([\d.]+)'", read("meson.build"))[1]


def soname(release):
    """The part of a version that the SONAME and the version node have."""
    major, minor, *_ = release.split(".")
    return f"0.{minor}" if major == "0" else major


def minor(release):
    return tuple(int(part) for part in release.split(".")[:2])


def is_released(release):
    return f"## {release} (not released)" not in read("CHANGES.md")


# --- reading declarations ---


def code_of(text):
    """Without comments and lines of the preprocessor."""
    return re.sub(r"^[ ]*#[^\n]*$|/\*.*?\*/", "", text, flags=re.MULTILINE | re.DOTALL)


def statements(text):
    """The declarations at the top level, each as one line without its semicolon."""
    depth, start = 0, 0
    for at, char in enumerate(text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == ";" and depth == 0:
            yield " ".join(text[start:at].split())
            start = at + 1


def without_names(text):
    """Types alone: the names of parameters may change. "int f(void *self, int n)": "int f(void *, int)"."""

    def drop(match):
        found = []
        for part in match[1].split(","):
            part = part.strip()
            bare = re.sub(r"(?<=[ *])\w+(\[\w*\])?$", r"\1", part).strip()
            found.append(bare if re.search(r"\w", bare) else part)
        return f"({', '.join(found)})"

    return re.sub(r"\((?!\*)([^()]*)\)", drop, text)


def value(text):
    return eval(re.sub(r"(?<=\d)[uUlL]+\b", "", text), {"__builtins__": {}})  # noqa: S307


class Declarations:
    """What a program compiled against some headers relies on."""

    def __init__(self, text):
        self.functions, self.types, self.structs, self.constants = {}, {}, {}, {}
        for name, number in re.findall(r"^#define (KOC_\w+)\s+(.*)$", text, re.MULTILINE):
            self.constants[name] = number if number.startswith('"') else value(number)
        for line in statements(code_of(text)):
            self.add(line)

    def add(self, line):
        if match := re.fullmatch(r"enum \{(.*)\}", line):
            for name, number in re.findall(r"(KOC_\w+) = ([^,]+)", match[1]):
                self.constants[name] = value(number)
        elif match := re.fullmatch(r"typedef struct (\w+) \{(.*)\} \w+", line):
            self.structs[match[1]] = [
                re.sub(r"(?<=[\w\]]) (?=\[)", "", without_names(m)) for m in statements(match[2])
            ]
        elif line.startswith("typedef "):
            name = re.search(r"\(\*(\w+)\)|(\w+)$", line)
            self.types[name[1] or name[2]] = without_names(line)
        else:
            self.functions[re.search(r"(\w+)\(", line)[1]] = without_names(line)

    def kinds(self):
        yield "function", self.functions
        yield "type", self.types
        yield "constant", self.constants


def current():
    """The declarations of the headers as one C text, as the record has them."""
    code, numbers, strings = cdef.declarations(ROOT / "include")
    lines = [f"#define {n} {v}" for n, v in (numbers | strings).items() if "VERSION" not in n]
    for line in statements(code):
        line = re.sub(r"^(typedef struct \w+|enum) \{ ?(.*?),? ?\}", laid_out, line)
        lines.append(f"{line};")
    return "\n".join(lines) + "\n"


def laid_out(match):
    """A member or constant a line, so that a changed one is a changed line."""
    end, parts = ("", statements(match[2])) if ";" in match[2] else (",", match[2].split(","))
    rows = "".join(f"    {part.strip()}{end or ';'}\n" for part in parts)
    return f"{match[1]} {{\n{rows}}}"


def record():
    """(version, text) of the record of the last release, or None."""
    found = sorted(FOLDER.glob("libkoc-*.abi"))
    if not found:
        return None
    return found[-1].name.removeprefix("libkoc-").removesuffix(".abi"), found[-1].read_text()


# --- the rules ---


def broken(old, new):
    """What a program that was compiled against old would trip over in new."""
    for kind, before, after in ((k, a, dict(new.kinds())[k]) for k, a in old.kinds()):
        for name, text in before.items():
            if name not in after:
                yield f"{name}: the {kind} is gone"
            elif after[name] != text:
                yield f"{name}: the {kind} was {text} and is {after[name]}"
    for name, members in old.structs.items():
        now = new.structs.get(name)
        if now is None:
            yield f"{name}: the struct is gone"
        elif now[: len(members)] != members:
            member = next(m for i, m in enumerate(members) if i >= len(now) or now[i] != m)
            yield f"{name}: {member} is gone, or not where it was"
        elif name in FROZEN and now != members:
            yield f"{name}: a frozen struct has grown"


def added(old, new):
    """Names that the headers have and the record lacks: (name, how its declaration begins)."""
    for (_, before), (_, after) in zip(old.kinds(), new.kinds()):
        for name in after:
            if name not in before:
                yield name, name
    for name, members in new.structs.items():
        if name not in old.structs:
            yield name, name
        else:
            for member in members[len(old.structs[name]) :]:
                yield f"{name}.{member}", re.search(r"\(\*(\w+)\)|(\w+)(\[\w*\])?$", member)[0]


def has_mark(headers, name, release):
    """The comment before or behind a declaration of name says since when."""
    mark = re.escape(f"Since {release}")
    word = re.escape(name) + r"\b"
    return any(
        re.search(rf"/\*\*((?!\*/).)*{mark}((?!\*/).)*\*/((?!/\*|;\n).)*{word}", text, re.DOTALL)
        or re.search(rf"{word}[^\n]*\n?[^\n;]*/\*\*<[^/]*{mark}", text)
        for text in headers
    )


def problems_of(old_version, old, now, new, headers):
    """All problems, by the version of the record and that of the tree."""
    found = []
    if soname(old_version) == soname(now):
        found += [f"{p} (renew the record if that is intended)" for p in broken(old, new)]
    if not is_released(old_version):
        return found
    release = "{}.{}".format(*minor(now))
    for name, word in added(old, new):
        if minor(now) == minor(old_version):
            found.append(f"{name}: new since {old_version}, but a patch release adds nothing")
        elif not has_mark(headers, word, release):
            found.append(f"{name}: new since {old_version}: its comment lacks 'Since {release}.'")
    return found


# --- what a compiler makes of it ---


def stub(text):
    """A library that has each declared function, so that debug information has the types of all."""
    lines = []
    for line in statements(code_of(text)):
        if not line.startswith(("typedef", "enum")):
            kind = re.match(r"(.*?)\w+\(", line)[1].strip()
            lines.append(f"{line} {{ {'' if kind == 'void' else f'static {kind} none_; return none_;'} }}")
    return HEAD.format(version="x") + text + "\n".join(lines)


def compiled(folder, name, text):
    source, library = folder / f"{name}.c", folder / f"{name}.so"
    source.write_text(stub(text))
    command = [os.environ.get("CC", "cc"), "-g", "-fPIC", "-shared", "-w", "-o", library, source]
    subprocess.run(command, check=True)
    return library


def abidiff(before, after):
    """What abidiff says, or None if it says nothing."""
    with tempfile.TemporaryDirectory(prefix="koc-abi-") as folder:
        folder = pathlib.Path(folder)
        (folder / "suppressed").write_text(GROWS_AT_ITS_END)
        pair = [compiled(folder, "before", before), compiled(folder, "after", after)]
        result = subprocess.run(
            ["abidiff", "--no-added-syms", "--suppressions", folder / "suppressed", *pair],
            capture_output=True,
            text=True,
        )
    if result.returncode & ~ABI_CHANGED:
        return result.stderr
    return result.stdout if result.returncode else None


# --- version nodes ---


def nodes(library, node):
    """Symbols of the library that have another version node than that of its SONAME."""
    command = ["nm", "-D", "--defined-only", "--with-symbol-versions", str(library)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for symbol in re.findall(r" [TDBRV] (koc_\S+)", output):
        name, _, version_node = symbol.partition("@@")
        if version_node != node:
            yield f"{name}: its version node is {version_node or 'missing'}, not {node}"


def check(context):
    found, now, text = record(), version(), current()
    if found is None:
        return ["there is no tests/abi/libkoc-*.abi: python3 tests/lint/abi.py --record"]
    headers = [path.read_text() for path in (ROOT / "include/koc").rglob("*.h")]
    problems = problems_of(found[0], Declarations(found[1]), now, Declarations(text), headers)
    library = context.build / "lib/libkoc.so"
    if library.exists():
        problems += nodes(library, f"KOC_{soname(now)}")
    if soname(found[0]) != soname(now) or problems:
        return problems
    if shutil.which("abidiff") is None:
        raise Missing("abidiff (the record was compared by rule)")
    said = abidiff(found[1], text)
    return [f"abidiff: {said}"] if said else []


def write_record():
    for path in FOLDER.glob("libkoc-*.abi"):
        path.unlink()
    path = FOLDER / f"libkoc-{version()}.abi"
    path.write_text(HEAD.format(version=version()) + current())
    return 0


if __name__ == "__main__":
    sys.exit(write_record() if sys.argv[1:] == ["--record"] else run_alone(check))
