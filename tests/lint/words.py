#!/usr/bin/env python3
"""No words that docs/glossary.md gives up: in comments and strings of the code, and in pages.

Run alone with --count, it prints how many there are in each directory.
"""

import collections
import re
import sys

from common import code_only, read, run_alone, sources

GLOSSARY = "docs/glossary.md"
HEADING = "## Words that are not used"

CODE = ("lib/**/*.[ch]", "cli/**/*.[ch]", "include/**/*.h", "include/**/*.h.in", "fuzz/*.[ch]", "examples/**/*.c")
TEXT = ("*.md", "docs/**/*.md", "docs/schemas/*.json", "fuzz/*.md", "bindings/*.py", "bindings/python/*.py", "bindings/python/koc/*.py", "bindings/rust/*/src/**/*.rs", "dev")

# What stays: (files, pattern, reason). Nothing is reported inside such a match.
ALLOWED = [
    ("lib/golang/record/build_inputs.c", r'"folder %s"', "a line of the stored record"),
    ("*", r"\b(?:there|here) (?:is|are|was|were) no\b", "the ordinary form: there is no such file"),
    ("*", r"\b(?:is|are|was|were|be) no (?:longer|\w+er than|more than|less than)\b", "a comparison"),
]

# A space of a phrase may also be the end of a line, of a comment's line, or of one of two joined strings.
SPACE = r'(?:\s*"\s*"\s*|\s+(?:(?:\*|//[/!]?|#)\s+)?)'


def pattern(phrase):
    return re.compile(phrase.replace(" ", SPACE), re.IGNORECASE)


def given_up():
    """{phrase: what to say} of the glossary's last table."""
    table = read(GLOSSARY).split(HEADING, 1)[1]
    rows = re.findall(r"^\| (?!not \||---)(.*?) \| (.*?) \|$", table, re.MULTILINE)
    return {phrase: better for phrases, better in rows for phrase in phrases.split(", ")}


def prose(path):
    """A file's text with the code blanked out; lines and columns stay."""
    text = read(path)
    if path.suffix not in (".c", ".h", ".in"):
        return text
    code = code_only(text)
    code = re.sub(r"(?m)^#include.*", lambda m: "#" * len(m[0]), code)
    return re.sub(r"[^\s]+", lambda m: "".join(c if b == " " else " " for c, b in zip(m[0], code[m.start() : m.end()])), text)


def check_file(path, words, better):
    text = prose(path)
    spans = [m.span() for files, p, _ in ALLOWED if path.match(files) for m in pattern(p).finditer(text)]
    for match in words.finditer(text):
        if not any(start <= match.start() and match.end() <= end for start, end in spans):
            phrase = re.sub(SPACE, " ", match[0]).lower()
            yield f'{path}:{text.count(chr(10), 0, match.start()) + 1}: "{phrase}": {better[phrase]}'


def check(_context):
    better = given_up()
    words = pattern(r"(?<![\w-])(?:" + "|".join(sorted(better, key=len, reverse=True)) + r")(?![\w-]|\.[ch]\b)")
    paths = [path for path in sources(*CODE, *TEXT) if str(path) != GLOSSARY]
    return [problem for path in paths for problem in check_file(path, words, better)]


def count():
    rooms = collections.Counter()
    for problem in check(None):
        path = problem.split(":", 1)[0].split("/")
        rooms["/".join(path[: min(len(path) - 1, 2)]) or "."] += 1
    for room, found in sorted(rooms.items()):
        print(f"{found:5} {room}")
    print(f"{sum(rooms.values()):5} in all")
    return 0


if __name__ == "__main__":
    sys.exit(count() if sys.argv[1:] == ["--count"] else run_alone(check))
