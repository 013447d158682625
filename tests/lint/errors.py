#!/usr/bin/env python3
"""What a function returns does not depend on whether its caller wants the error.

So a parameter `koc_error **err`, which may be NULL, is handed on and never looked at; only core/errors.c
knows what is behind it. A function that has to see the error gets one of its own (`&why`), and hands it
out with koc__error_move().

A misuse is told with what is wrong, not with the name of the function alone.
"""

import re
import sys

from common import code_only, read, run_alone, sources

FUNCTION = re.compile(r"^[a-z][^;{}]*\bkoc_error \*\*err\b[^;{}]*\)\n\{\n.*?^\}", re.M | re.S)
LOOKS = re.compile(
    r"""(?<!\*)\*\s*err\b            # what is behind it
      | \berr\s*(?:->|\[)
      | !\s*err\b                    # whether there is one
      | \berr\s*(?:==|!=|&&|\|\||\?)
      | (?:==|!=|&&|\|\|)\s*err\b
      | \b(?:if|while)\s*\(\s*err\s*\)""",
    re.X,
)

BARE = re.compile(r'koc__misuse\(\s*err,\s*"\w+"\s*\)')


def bare_names(path):
    text = read(path)
    for call in BARE.finditer(text):
        line = text.count("\n", 0, call.start()) + 1
        yield f"{path}:{line}: say what is wrong behind the function's name: {call.group()}"


def problems_of(path):
    text = code_only(read(path))
    for function in FUNCTION.finditer(text):
        body = function.group().index("\n{\n")
        for look in LOOKS.finditer(function.group(), body):
            line = text.count("\n", 0, function.start() + look.start()) + 1
            yield f"{path}:{line}: looks at err, which may be NULL: hand it on ({look.group()!r})"


def check(_context):
    return [
        problem
        for path in sources("lib/**/*.[ch]")
        if str(path) != "lib/core/errors.c"
        for problem in [*problems_of(path), *bare_names(path)]
    ]


if __name__ == "__main__":
    sys.exit(run_alone(check))
