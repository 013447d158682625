#!/usr/bin/env python3
"""Public headers: each compiles alone, and twice, as C99, C11 and C++17 without a warning; and what
people and bindings rely on in them: no two enums share a prefix."""

import os
import re
import shutil
import subprocess
import sys

from common import ROOT, Missing, code_only, read, run_alone, sources

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
LANGUAGES = [("c", "c99"), ("c", "c11"), ("c++", "c++17")]


def compiler(language):
    for name in {"c": ["cc", "gcc", "clang"], "c++": ["c++", "g++", "clang++"]}[language]:
        if shutil.which(name):
            return name
    return None


def compile_header(name, language, standard, folders):
    text = f"#include <{name}>\n#include <{name}>\nint koc_header_test_;\n"
    command = [
        compiler(language),
        f"-x{language}",
        f"-std={standard}",
        *WARNINGS,
        "-fsyntax-only",
        *[f"-I{folder}" for folder in folders],
        "-",
    ]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode != 0:
        return f"<{name}> as {standard}: {result.stderr.strip()}"
    return None


# The codes, whose common beginning is not a whole word; a lone constant is one of nothing.
PREFIXES = {"KOC_OK": "KOC_E", "KOC_PASSTHROUGH": "KOC_PASSTHROUGH"}


def enums():
    """(prefix, names) of each enum in the headers."""
    for path in sources("include/koc/**/*.h"):
        for body in re.findall(r"\benum\s*\{(.*?)\}", code_only(read(path)), re.DOTALL):
            names = re.findall(r"\b(KOC_\w+)\s*=", body)
            common = os.path.commonprefix(names) if len(names) > 1 else names[0]
            yield PREFIXES.get(names[0], common[: common.rindex("_") + 1]), names


def shared_prefixes():
    """Bindings make their tables of names by prefix, and so do people in their heads."""
    found = list(enums())
    for i, (prefix, names) in enumerate(found):
        for k, (_, others) in enumerate(found):
            for name in others if k != i else []:
                if name.startswith(prefix):
                    yield f"{name} begins like the enum of {names[0]} ({prefix}): give it another prefix"


def check(context):
    if compiler("c") is None:
        raise Missing("a C compiler")
    # version.h is generated, so the build folder holds a second include/koc.
    folders = [ROOT / "include", context.build / "include"]
    names = [str(path.relative_to("include")) for path in sources("include/koc/**/*.h")]
    problems = list(shared_prefixes())
    for language, standard in LANGUAGES:
        if compiler(language) is None:
            continue
        problems += [
            p for name in names if (p := compile_header(name, language, standard, folders))
        ]
    if not problems and compiler("c++") is None:
        raise Missing("a C++ compiler (the headers were checked as C)")
    return problems


if __name__ == "__main__":
    sys.exit(run_alone(check))
