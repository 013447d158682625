#!/usr/bin/env python3
"""The paths, links and functions that documents name are there, and the files that comments name."""

import fnmatch
import re
import sys

from common import ROOT, read, run_alone, sources

PATH = re.compile(
    r"(?<![\w/.~$<-])(?:\./)?((?:lib|cli|tests|include|fuzz|bench|bindings|examples|docs)/[\w./*{},+-]*[\w*])(?![<\w])"
)
# Of a C file below lib/ as comments name it, such as registry/push.c.
SOURCE = re.compile(r"(?<![\w/.-])([a-z]+(?:/[a-z]+)*/[a-z0-9_]+\.[ch])(?![\w/])")
ELSEWHERE = re.compile(
    r"^(?:linux/|lib/(?:pkgconfig|modules|python|lib)|cli/(?:koc$|libkoc)|tests/unit/test_|docs/ko$|include/uapi)"
)


LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")
FILE = re.compile(r"`([a-z][a-z0-9_*]*\.[ch])`")
FUNCTION = re.compile(r"`(koc__?[a-z0-9_]*[a-z0-9])(?:\(\))?`")


def exists(path):
    wild = re.sub(r"\{[^}]*\}", "*", path)
    return (ROOT / path).exists() or any(ROOT.glob(wild))


def check_document(path):
    for number, line in enumerate(read(path).splitlines(), 1):
        for match in PATH.finditer(line):
            if not ELSEWHERE.match(match[1]) and not exists(match[1]):
                yield f"{path}:{number}: {match[1]} is not there"


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", read(path))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_links(path, names, files):
    for number, line in enumerate(read(path).splitlines(), 1):
        for name in FILE.findall(line):
            if not fnmatch.filter(files, name):
                yield f"{path}:{number}: there is no file {name}"
        for target, anchor in LINK.findall(line):
            page = (path.parent / target) if target else path
            if not (ROOT / page).exists():
                yield f"{path}:{number}: {target} is not there"
            elif anchor and anchor not in anchors(page):
                yield f"{path}:{number}: {target} has no heading #{anchor}"
        for name in FUNCTION.findall(line):
            if name not in names:
                yield f"{path}:{number}: {name} is not in the code"


def check_comments(path):
    for number, line in enumerate(read(path).splitlines(), 1):
        if line.lstrip().startswith(("/*", "*")) or "/*" in line:
            for match in SOURCE.finditer(line[line.find("*") :]):
                name = match[1]
                if not ELSEWHERE.match(name) and not any(exists(f"{start}{name}") for start in ("", "lib/", "cli/", "include/", "tests/", "tests/unit/")):
                    yield f"{path}:{number}: {name} is not there"


def check(_context):
    problems = []
    code = "".join(read(path) for path in sources("lib/**/*.[ch]", "lib/*.cmake.in", "include/**/*.h", "include/**/*.h.in"))
    names = set(re.findall(r"\bkoc_\w+", code))
    files = [path.name for path in sources(*(f"{top}/**/*.[ch]" for top in ("lib", "cli", "include", "tests", "fuzz", "bench")))]
    for path in sources("*.md", "docs/**/*.md", "fuzz/*.md", "tests/**/*.md", "examples/**/*.md"):
        problems += [*check_document(path), *check_links(path, names, files)]
    for path in sources("lib/**/*.[ch]", "cli/**/*.[ch]", "tests/unit/**/*.[ch]", "fuzz/*.[ch]"):
        problems += check_comments(path)
    return problems


if __name__ == "__main__":
    sys.exit(run_alone(check))
