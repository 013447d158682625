#!/usr/bin/env python3
"""Doxygen's filter: doxygen.py FILE prints a header or page as Doxygen wants it.

What the headers leave to convention (docs/abi.md) is said for it: structs that grow, _INIT macros, objects. A function
without a comment of its own gets that of its group.
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import declared  # noqa: E402

MEMBERS = {
    r"uint32_t struct_size;": "Set by the _INIT macro.",
    r"uint32_t flags;": "0",
    r"uint32_t reserved;": "0",
    r"size_t n_\w+;": "Their number.",
    r"void \*\w*payload;": "Passed to the callback.",
}
MACROS = [
    (r"KOC_(?:BEGIN|END)_DECLS", "C linkage in C++."),
    (r"KOC_API", "An exported function."),
    (r"\w+_INIT", "The initial value."),
    (r"KOC_MT_\w+", "A media type of OCI or Docker."),
]
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def literal(match):
    """A comment in which nothing is a command or a tag of Doxygen."""
    text = re.sub(r"(?<=[\[( ])[@\\](?!file\b)", r"\\\g<0>", match[0])
    return re.sub(r"<(?=\w)", "&lt;", text)


def grouped(text, comments):
    """Each function without a comment of its own gets that of its group."""

    def comment(match):
        name = re.search(r"\b(koc_\w+)\(", match[0])[1]
        return f"/** {comments[name]} */\n{match[0]}"

    return re.sub(r"(?<!\*/\n)^KOC_API [^;]*;", comment, text, flags=re.MULTILINE)


def conventional(text):
    for pattern, meaning in MEMBERS.items():
        text = re.sub(rf"^(    {pattern})$", rf"\1 /**< {meaning} */", text, flags=re.MULTILINE)
    for pattern, meaning in MACROS:
        text = re.sub(rf"^(?=#define {pattern}\b)", f"/** {meaning} */\n", text, flags=re.MULTILINE)
    return re.sub(r"(?<!\*/\n)typedef struct (koc_\w+) \1;", r"\n/** An opaque object. */\n\g<0>", text)


def header(text):
    text = re.sub(r"/\* clang-format \w+ \*/\n", "", text)
    text = re.sub(r"\A/\*\n \* \S+: (.)", lambda m: f"/** @file\n * {m[1].upper()}", text)
    comments = {f.name: f.comment for f in declared.functions()}
    return conventional(COMMENT.sub(literal, grouped(text, comments)))


def page(text):
    """Pages that are not part of the reference are named, not linked."""
    return re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", text)


def main():
    path = pathlib.Path(sys.argv[1])
    text = path.read_text(encoding="utf-8")
    print(header(text) if path.suffix == ".h" else page(text))


if __name__ == "__main__":
    main()
