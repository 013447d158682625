#!/usr/bin/env python3
"""Public headers: each compiles alone, and twice, as C99, C11 and C++17 without a warning; and what
people and bindings rely on in them: no two enums share a prefix, and each struct can grow."""

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
    problem = compile_text(text, language, standard, folders)
    return f"<{name}> as {standard}: {problem}" if problem else None


def compile_text(text, language, standard, folders, *more):
    """What the compiler says against it, or None."""
    command = [
        compiler(language),
        f"-x{language}",
        f"-std={standard}",
        *WARNINGS,
        *more,
        "-fsyntax-only",
        *[f"-I{folder}" for folder in folders],
        "-",
    ]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    return result.stderr.strip() if result.returncode != 0 else None


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

# These can never change, for what they are has nothing to add.
FROZEN = {
    "koc_str": "bytes and their number",
    "koc_buf": "bytes, their number and the room for them",
    "koc_kv": "a key and its value",
    "koc_digest": "goes by value, in other structs too; it has reserved bytes",
    "koc_writer": "a function and its argument",
}
STRUCT = re.compile(r"typedef struct (koc_\w+) \{(.*?)^\} \1;", re.DOTALL | re.MULTILINE)


def structs():
    """(name, body, text of its header) of each struct that people see into."""
    for path in sources("include/koc/**/*.h"):
        text = code_only(read(path))
        for name, body in STRUCT.findall(text):
            yield name, body, text


def structs_that_cannot_grow():
    """Each struct tells its size first, has an _INIT macro and no other such struct inside; or it is
    frozen."""
    found = list(structs())
    sized = {name for name, body, _ in found if re.match(r"\s*uint32_t struct_size;", body)}
    for name, body, text in found:
        macro = f"{name.upper()}_INIT"
        if name in FROZEN:
            continue
        if name not in sized:
            yield f"{name}: struct_size comes first, or it is frozen for good (FROZEN in headers.py)"
        elif not re.search(rf"#define {macro} *\{{ *sizeof\({name}\)", text):
            yield f"{name}: there is no {macro} that begins with sizeof({name})"
        for inner in re.findall(r"^\s*(?:const )?(koc_\w+) \w", body, re.MULTILINE):
            if inner in sized:
                yield f"{name}: {inner} may grow, so it can only be pointed to"
    for name in FROZEN.keys() - {name for name, _, _ in found}:
        yield f"{name}: there is no such struct (FROZEN in headers.py)"


def macros_that_do_not_fit(folders):
    """An _INIT macro has a value for each member."""
    names = [name for name, _, text in structs() if f"{name.upper()}_INIT" in text]
    headers = sources("include/koc/**/*.h")
    text = "".join(f"#include <{path.relative_to('include')}>\n" for path in headers)
    text += "".join(f"extern {n} a_{n};\n{n} a_{n} = {n.upper()}_INIT;\n" for n in names)
    problem = compile_text(text, "c", "c99", folders)
    return [f"_INIT macros: {problem}"] if problem else []


def padded_structs(folders):
    """Padding at the end of a struct would be noise where a later version has a member."""
    headers = sources("include/koc/**/*.h")
    text = "".join(f"#include <{path.relative_to('include')}>\n" for path in headers)
    problem = compile_text(text, "c", "c99", folders, "-Wpadded")
    return [f"padding: {problem}"] if problem else []


def check(context):
    if compiler("c") is None:
        raise Missing("a C compiler")
    # version.h is generated, so the build folder holds a second include/koc.
    folders = [ROOT / "include", context.build / "include"]
    names = [str(path.relative_to("include")) for path in sources("include/koc/**/*.h")]
    problems = [*shared_prefixes(), *structs_that_cannot_grow(), *macros_that_do_not_fit(folders), *padded_structs(folders)]
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
