#!/usr/bin/env python3
"""Public headers: each compiles alone, and twice, as C99, C11 and C++17 without a warning."""

import shutil
import subprocess
import sys

from common import ROOT, Missing, run_alone, sources

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


def check(context):
    if compiler("c") is None:
        raise Missing("a C compiler")
    # version.h is generated, so the build folder holds a second include/koc.
    folders = [ROOT / "include", context.build / "include"]
    names = [str(path.relative_to("include")) for path in sources("include/koc/**/*.h")]
    problems = []
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
