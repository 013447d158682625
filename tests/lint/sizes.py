#!/usr/bin/env python3
"""File and function sizes: small files on purpose.

A file is one idea (800 lines), a function fits a screen (60 lines), blocks nest at most four deep,
and a function has at most 25 decisions (a switch counts once).
"""

import datetime
import re
import sys

from common import code_only, read, run_alone, sources

FILE_LINES = 800
FUNCTION_LINES = 60
NESTING = 4
DECISIONS = 25

# What may be over a limit, and until when. An entry is a debt: (limit, date, why).
#   "lib/x/y.c" for a file, "lib/x/y.c:name" for the lines of a function.
ALLOWED = {}

FUNCTION = re.compile(
    r"^(?P<head>[A-Za-z_][^;{}#]*?\))[^;{}()]*\n\{\n(?P<body>.*?)^\}", re.DOTALL | re.MULTILINE
)
NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
DECISION = re.compile(r"\b(?:if|for|while|switch)\b|&&|\|\||\?")
BLOCK = re.compile(r"(?P<open>(?:\)|\belse|\bdo)\s*\{)|(?P<other>\{)|(?P<close>\})")


def over(key, size, limit):
    """Whether `size` breaks the limit, after the allow-list."""
    if key in ALLOWED:
        allowed, until, _why = ALLOWED[key]
        if datetime.date.today() <= datetime.date.fromisoformat(until):
            limit = max(limit, allowed)
    return size > limit


def depth(body):
    """The deepest nesting of control blocks; the braces of initialisers do not count."""
    stack, deepest = [], 0
    for match in BLOCK.finditer(body):
        if match["close"]:
            if stack:
                stack.pop()
            continue
        stack.append(bool(match["open"]))
        deepest = max(deepest, sum(stack))
    return deepest


def functions(text):
    """(line, name, lines, nesting, decisions) of each function with a brace in column one."""
    code = code_only(text)
    for match in FUNCTION.finditer(code):
        name = NAME.search(re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", match["head"]))
        first = code.count("\n", 0, match.start("body"))
        lines = match["body"].count("\n")
        yield (
            first,
            name[1] if name else "?",
            lines,
            depth(match["body"]),
            1 + len(DECISION.findall(match["body"])),
        )


def check_functions(path, text):
    for line, name, lines, nesting, decisions in functions(text):
        if over(f"{path}:{name}", lines, FUNCTION_LINES):
            yield f"{path}:{line}: {name} has {lines} lines (limit {FUNCTION_LINES})"
        if nesting > NESTING:
            yield f"{path}:{line}: {name} nests {nesting} deep (limit {NESTING})"
        if over(f"{path}:{name}:decisions", decisions, DECISIONS):
            yield f"{path}:{line}: {name} has {decisions} decisions (limit {DECISIONS})"


def check(_context):
    problems = []
    for path in sources(
        "lib/**/*.[ch]",
        "cli/**/*.[ch]",
        "include/**/*.h",
        "tests/**/*.[ch]",
        "tests/**/*.py",
        "bench/*.py",
        "examples/**/*.[ch]",
        "fuzz/*.[ch]",
        "dev",
    ):
        text = read(path)
        lines = text.count("\n")
        if over(str(path), lines, FILE_LINES):
            problems.append(f"{path}: {lines} lines (limit {FILE_LINES})")
        if path.suffix in (".c", ".h"):
            problems += check_functions(path, text)
    for key, (_limit, until, why) in ALLOWED.items():
        if datetime.date.today() > datetime.date.fromisoformat(until):
            problems.append(
                f"tests/lint/sizes.py: the exception for {key} ended on {until} ({why})"
            )
    return problems


if __name__ == "__main__":
    sys.exit(run_alone(check))
