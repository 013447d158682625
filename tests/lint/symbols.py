#!/usr/bin/env python3
"""Exported symbols: libkoc.so exports exactly tests/abi/symbols.txt (--fix rewrites it), and that
is what the public headers declare.

A new line there is a promise to every program that links libkoc, so it is made by hand. The
static archive has no hidden symbols: there each global name must start with koc_ or koc__.
"""

import re
import shutil
import subprocess
import sys

from common import ROOT, Missing, read, run_alone, sources

LIST = ROOT / "tests/abi/symbols.txt"


def defined(*arguments):
    """Global symbols that are defined, without the version node's own name."""
    output = subprocess.run(
        ["nm", "--defined-only", "--extern-only", *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    fields = (line.split() for line in output.splitlines())
    return {f[2].split("@")[0] for f in fields if len(f) == 3 and f[1] != "A"}


def declared():
    """The functions that the public headers declare."""
    text = "".join(read(path) for path in sources("include/koc/**/*.h"))
    return set(re.findall(r"^KOC_API [^(;]*?\b(koc_\w+)\(", text, re.MULTILINE))


def check(context):
    library = context.build / "lib/libkoc.so"
    archive = context.build / "lib/libkoc.a"
    if shutil.which("nm") is None:
        raise Missing("nm")
    if not library.exists():
        raise Missing(f"{library}")
    exported = defined("-D", str(library))
    if context.fix:
        LIST.write_text("".join(f"{name}\n" for name in sorted(exported)))
    listed = set(LIST.read_text().split()) if LIST.exists() else set()
    problems = [
        f"{name}: exported but not in tests/abi/symbols.txt" for name in sorted(exported - listed)
    ]
    problems += [
        f"{name}: in tests/abi/symbols.txt but not exported" for name in sorted(listed - exported)
    ]
    problems += [
        f"{name}: exported but in no public header" for name in sorted(exported - declared())
    ]
    problems += [f"{name}: declared but not exported" for name in sorted(declared() - exported)]
    if archive.exists():
        stray = {
            n
            for n in defined(str(archive))
            if not n.startswith(("koc_", "__asan", "__odr_asan", "__ubsan"))
        }
        problems += [
            f"{name}: a global name of libkoc.a without koc_ or koc__" for name in sorted(stray)
        ]
    return problems


if __name__ == "__main__":
    sys.exit(run_alone(check))
