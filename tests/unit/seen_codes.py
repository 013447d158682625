#!/usr/bin/env python3
"""Writes what the unit tests link to see the codes that public functions return: seen_codes.py OUTPUT.c OUTPUT.args

Each function comes past a wrapper (the linker's --wrap), also when another file of the library calls it.
main.c fails if one returned a code that docs/api/codes.txt does not have.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs/api"))

import declared  # noqa: E402

HEAD = """/* Written by seen_codes.py. */
#include <koc/koc.h>
{includes}
#include "seen_codes.h"

"""
WRAPPER = """int __real_{name}({parameters});
int __wrap_{name}({parameters});
int __wrap_{name}({parameters})
{{
    int rc = __real_{name}({values});
    if (rc < 0 && !({test})) {{
        koc_test_unlisted("{name}", rc);
    }}
    return rc;
}}
"""


def wrapper(function, codes):
    parameters = re.search(r"\((.*)\)$", function.prototype)[1]
    values = ", ".join(re.search(r"(\w+)(\[\w*\])?$", p.strip())[1] for p in parameters.split(","))
    test = " || ".join(f"rc == {code}" for code in [*declared.ALWAYS, *codes])
    return WRAPPER.format(name=function.name, parameters=parameters, values=values, test=test)


def main():
    source, arguments = map(pathlib.Path, sys.argv[1:])
    codes = declared.table()[1]
    functions = [f for f in declared.functions() if f.can_fail]
    includes = "".join(f"#include <{h}>\n" for h in declared.headers() if "/ext/" in h)
    text = HEAD.format(includes=includes)
    text += "".join(wrapper(f, codes.get(f.name, [])) for f in functions)
    source.write_text(text)
    arguments.write_text("".join(f"--wrap={f.name}\n" for f in functions))


if __name__ == "__main__":
    main()
