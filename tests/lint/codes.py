#!/usr/bin/env python3
"""docs/api/codes.txt, the codes of each public function: every function is there, with real codes, and with those
that its comment names; docs/codes.md is made from it (--fix writes it). The unit tests fail if a function
returns a code that is not there (tests/unit/seen_codes.py).
"""

import re
import sys

from common import ROOT, run_alone

sys.path.append(str(ROOT / "docs/api"))

import declared  # noqa: E402

PAGE = ROOT / "docs/codes.md"
HEAD = """# Which function returns which code

Made from [codes.txt](api/codes.txt); [errors.md](errors.md) says what each code means and what to do about it. Every function that can fail
may also return `KOC_EMISUSE` and `KOC_ENOMEM`. Functions that are not here cannot fail.

What a `koc_writer` returns, the function that writes to it returns. The codes of other callbacks: [errors.md](errors.md#from-a-callback).

The tests of the library fail if a function returns a code that is not here. A later version may add codes.
"""


def page():
    sets, by_function = declared.table()
    text = HEAD
    if sets:
        text += "\n| short for | codes |\n| --- | --- |\n"
        text += "".join(f"| *{name[1:]}* | {shown(codes)} |\n" for name, codes in sets.items())
    header = None
    for function in declared.functions():
        if not function.can_fail:
            continue
        if function.header != header:
            header = function.header
            text += f"\n## {header}\n\n| function | codes |\n| --- | --- |\n"
        codes = by_function.get(function.name, [])
        text += f"| `{function.name}` | {shortened(sets, codes)} |\n"
    return text


def shown(codes):
    return ", ".join(f"`{code}`" for code in codes) or "–"


def shortened(sets, codes):
    """A set that all codes of are there goes by its name."""
    words, left = [], list(codes)
    for name, members in sets.items():
        if set(members) <= set(codes):
            words.append(f"*{name[1:]}*")
            left = [code for code in left if code not in members]
    return ", ".join(words + ([shown(left)] if left or not words else []))


def check(context):
    known = set(declared.order())
    sets, by_function = declared.table()
    functions = {f.name: f for f in declared.functions()}
    problems = []
    for name, codes in [*sets.items(), *by_function.items()]:
        problems += [f"codes.txt: {name}: there is no {code}" for code in codes if code not in known]
    for name in by_function:
        if name not in functions or not functions[name].can_fail:
            problems.append(f"codes.txt: {name}: no public function that can fail")
    for function in functions.values():
        if not function.can_fail:
            continue
        if function.name not in by_function:
            problems.append(f"codes.txt: {function.name} is missing")
        named = set(re.findall(r"KOC_E[A-Z]+\b", function.comment)) if function.own else set()
        for code in sorted(named - set(by_function.get(function.name, [])) - set(declared.ALWAYS)):
            problems.append(f"codes.txt: {function.name} lacks {code}, which its comment names")
    if problems:
        return problems
    if context.fix:
        PAGE.write_text(page(), encoding="utf-8")
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        return ["docs/codes.md is stale: python3 tests/lint/codes.py --fix"]
    return []


if __name__ == "__main__":
    sys.exit(run_alone(check))
