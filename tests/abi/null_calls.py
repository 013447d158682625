#!/usr/bin/env python3
"""Writes the calls of null_arguments.c: null_calls.py INCLUDE OUTPUT

For each public function there is one call with NULL for everything, and one for each of its pointers
with NULL there and something valid in all other places. Names and types are those of the headers.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bindings/python"))

import cdef  # noqa: E402

FUNCTION = re.compile(r"KOC_API\s+([^;()]*?)\b(koc_\w+)\(([^;]*?)\)\s*;")
CALLBACK = re.compile(r"typedef (\w+) \(\*(koc_\w+_fn)\)\((.*?)\);", re.DOTALL)
# What the type alone does not tell.
VALUES = {
    ("koc_file_write", "file"): "a_koc_file()",
    ("koc_digest_format", "out_size"): "KOC_DIGEST_TEXT_MAX",
}
# Structs of which null_arguments.c fills in more than their _INIT macro does.
FILLED = {
    f"koc_{name}"
    for name in """client_options descriptor platform place copy_pair archive_image blob_ops
    image_file reader_ops auth_ops transport_ops signer_ops sign_options verify_options""".split()
}
# Objects that exist only inside a callback: calls with them have their own tests (test_user_transport.c).
OF_CALLBACKS = {"koc_transport_reply *"}
ZERO = {"flags", "offset", "i", "mode"}
# Without an op nothing ends it.
ENDLESS = {("koc_serve", "op")}
SCALARS = {"bool", "char", "int", "size_t", "int64_t", "uint64_t", "int32_t", "uint32_t"}


def split(text):
    """(type, name) of each parameter; an array is a pointer."""
    found = []
    for part in " ".join(text.split()).split(","):
        match = re.fullmatch(r"\s*(.*?)\s*(\w+)(\[\w*\])?\s*", part)
        if match and match[1]:
            kind = match[1] + (" *" if match[3] else "")
            found.append((kind.replace("* ", "*"), match[2]))
    return found


def is_pointer(kind):
    return kind.endswith("*") or kind == "koc_str" or kind.endswith("_fn")


def null(kind):
    return "(koc_str){NULL, 1}" if kind == "koc_str" else "NULL"


class Writer:
    def __init__(self, text, macros):
        self.text = text
        self.sized = set(re.findall(r"typedef struct (koc_\w+) \{", text))
        self.sized = {name for name in self.sized if f"{name.upper()}_INIT" in macros}
        self.lines, self.calls = [], []

    def valid(self, function, kind, name):
        base = re.sub(r"\bconst\b|[* ]", "", kind)
        if (function, name) in VALUES:
            return VALUES[function, name]
        if kind == "koc_error **":
            return "err"
        if kind == "koc_str":
            return '(koc_str){"x", 1}'
        if kind.endswith("_fn"):
            return f"stub_{kind}"
        if not is_pointer(kind):
            return "0" if name in ZERO else "1"
        if kind == "const char *":
            return '"x"'
        if base == "char" and kind.count("*") == 2:
            return f"({kind})words"
        if base in ("char", "void", *SCALARS):
            return "scratch"
        if kind.count("*") == 2:
            return f"({kind})list_of(a_{base}())" if "*const" in kind else f"({kind})slot()"
        return f"a_{base}()"

    def callbacks(self):
        for result, name, parameters in CALLBACK.findall(self.text):
            answer = "" if result == "void" else "return 0;"
            self.lines.append(f"static {result} stub_{name}({parameters}) {{ {answer} }}")

    def structs(self):
        for name in sorted(self.sized - {"koc_op", "koc_buf"}):
            fill = f"fill_{name}(&s); " if name in FILLED else ""
            self.lines.append(
                f"static {name} *a_{name}(void) {{ static {name} s = {name.upper()}_INIT; "
                f"{fill}return &s; }}"
            )

    def function(self, result, name, parameters):
        pointers = [n for k, n in parameters if is_pointer(k) and (name, n) not in ENDLESS]
        if any(k in OF_CALLBACKS for k, _ in parameters):
            pointers = [None]
        for left_out in [None, *pointers] if len(pointers) > 1 else pointers:
            values = [
                null(k) if is_pointer(k) and left_out in (None, n) else self.valid(name, k, n)
                for k, n in parameters
            ]
            text = f"{name}({', '.join(values)})"
            label = f"call_{name}__{left_out or 'all'}"
            body = f"return {text};" if result == "int" else f"(void){text}; return 0;"
            self.lines.append(f"static int {label}(koc_error **err) {{ {body} }}")
            self.calls.append(f'    {{"{name}", "{left_out or ""}", {label}}},')

    def write(self):
        self.callbacks()
        self.structs()
        for result, name, text in FUNCTION.findall(self.text):
            self.function(" ".join(result.split()), name, split(text))
        table = "\n".join(self.calls)
        return "\n".join(self.lines) + f"\nstatic const call calls[] = {{\n{table}\n}};\n"


def main():
    folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    code, macros = [], []
    for path in sorted((folder / "koc").rglob("*.h")):
        found = cdef.split(cdef.read(folder, path.relative_to(folder / "koc")))
        code.append(found[0])
        macros += found[1]
    output.write_text(Writer("\n".join(code), "\n".join(macros)).write(), encoding="utf-8")


if __name__ == "__main__":
    main()
