#!/usr/bin/env python3
"""Prints the measures of the tree: sizes, parameters, circles, drawers, tests.

    tests/lint/measures.py [--build DIR] [--circles] [--wide]

It judges nothing; `./dev lint` does. Before and after a redesign the two outputs stand side by side.
"""

import argparse
import collections
import pathlib
import re
import statistics

import objects
from common import ROOT, code_only, read, sources
from layers import wrong_side
from sizes import FUNCTION, NAME, functions


def code_lines(paths):
    """Lines that are neither blank nor comment."""
    return sum(1 for path in paths for line in code_only(read(path)).splitlines() if line.strip())


def parameters(text):
    """(name, number of parameters) of each function."""
    for match in FUNCTION.finditer(code_only(text)):
        head = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", match["head"])
        name = NAME.search(head)
        if not name:
            continue
        depth, commas, inside = 0, 0, ""
        for char in head[name.end() :]:
            if char == ")" and depth == 0:
                break
            depth += {"(": 1, ")": -1}.get(char, 0)
            commas += char == "," and depth == 0
            inside += char
        yield name[1], 0 if inside.strip() in ("", "void") else commas + 1


def same_text(paths, lines=6):
    """Runs of `lines` equal lines of code that stand in two places."""
    seen, pairs = collections.defaultdict(list), []
    for path in paths:
        kept = [(n, line.strip()) for n, line in enumerate(read(path).splitlines(), 1)]
        kept = [(n, t) for n, t in kept if len(t) > 3 and not t.startswith(("#", "/*", "*", "//"))]
        for i in range(len(kept) - lines + 1):
            key = "\n".join(t for _, t in kept[i : i + lines])
            if sum(c.isalnum() for c in key) > 100:
                seen[key].append((path, kept[i][0]))
    last = None
    for places in seen.values():
        if len(places) > 1:
            place = (places[0][0], places[1][0])
            if last != place:
                pairs.append(places[:2])
            last = place
    return pairs


def print_circles(build, full):
    edges = objects.file_edges(build)
    groups = objects.circles({s: set(t) for s, t in edges.items()})
    print(f"circles of files            {len(groups)}: {', '.join(str(len(g)) for g in groups)}")
    if full:
        for group in groups:
            print(f"    {' '.join(group)}")
    wrong = sorted({(s.split("/")[1], t.split("/")[1], f) for s, t, f in wrong_side(edges)})
    print(f"functions on the wrong side {len(wrong)}")
    for a, b, symbol in wrong if full else ():
        print(f"    {a} -> {b}  {symbol}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--circles", action="store_true", help="name the files and the functions")
    parser.add_argument("--wide", action="store_true", help="name functions with more than 7 parameters")
    args = parser.parse_args()

    code = sources("lib/**/*.[ch]", "cli/**/*.[ch]")
    tests = sources("tests/**/*.[ch]", "tests/**/*.py", "fuzz/*.[ch]", "bindings/**/tests/*")
    lines = code_lines(code)
    print(f"code lines of lib + cli     {lines}")
    test_lines = sum(read(path).count("\n") for path in tests)
    print(f"test lines to code lines    {test_lines / lines:.2f}")
    found = [(path, *f) for path in code for f in functions(read(path))]
    sizes = sorted(f[3] for f in found)
    print(f"functions                   {len(found)}, median {statistics.median(sizes):.0f} lines, longest {sizes[-1]}")
    print(f"longest file                {max(read(p).count(chr(10)) for p in code)} lines of {len(code)} files")
    wide = [(path, *p) for path in code for p in parameters(read(path)) if p[1] > 7]
    print(f"more than 7 parameters      {len(wide)}")
    for path, name, count in wide if args.wide else ():
        print(f"    {path}: {name} {count}")
    flat = collections.Counter(str(path.parent) for path in code if path.suffix == ".c")
    folder, most = flat.most_common(1)[0]
    print(f"most .c files in one place  {most} ({folder})")
    names = collections.Counter(path.name for path in code)
    print(f"file names used twice       {sum(1 for n in names.values() if n > 1)}")
    pairs = same_text(code)
    print(f"equal text of 6 lines       {len(pairs)}")
    for (a, n), (b, m) in pairs if args.wide else ():
        print(f"    {a}:{n} ~ {b}:{m}")
    if args.build.exists():
        print_circles(args.build.resolve(), args.circles)


if __name__ == "__main__":
    main()
