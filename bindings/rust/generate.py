#!/usr/bin/env python3
"""Writes koc-sys/src/bindings.rs and koc-sys/tests/layout/list.rs from the headers in include/.

    generate.py [--check]      --check: only say whether they are what would be written

Needs pycparser (which comes with cffi). Users of the crates do not need this, nor libclang.
"""

import pathlib
import re
import sys

from pycparser import c_ast, c_generator, c_parser

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))
import cdef  # noqa: E402

SCALARS = {
    "int": "c_int",
    "char": "c_char",
    "void": "c_void",
    "bool": "bool",
    "size_t": "usize",
    **{f"int{n}_t": f"i{n}" for n in (8, 16, 32, 64)},
    **{f"uint{n}_t": f"u{n}" for n in (8, 16, 32, 64)},
}
HEAD = """\
// Written by bindings/rust/generate.py from include/koc: do not edit.
// Declarations: {fingerprint}

use core::ffi::{c_char, c_int, c_void, CStr};

"""
# Rust's keywords that C lets be names.
RESERVED = set(
    """as async await box crate dyn fn final impl in let loop macro match mod move mut override priv
    pub ref self super trait try type unsafe use virtual where yield""".split()
)


def name(text):
    return f"{text}_" if text in RESERVED else text


def base(node):
    """The type of a declaration that is neither pointer nor array."""
    inner = node.type
    if isinstance(inner, c_ast.IdentifierType):
        word = inner.names[-1]
        return SCALARS.get(word, word)
    return inner.name


def rust(node):
    if isinstance(node, c_ast.PtrDecl):
        if isinstance(node.type, c_ast.FuncDecl):
            return f"Option<{function_type(node.type)}>"
        const = "const" in getattr(node.type, "quals", [])
        return f"*{'const' if const else 'mut'} {rust(node.type)}"
    if isinstance(node, c_ast.ArrayDecl):
        return f"[{rust(node.type)}; {node.dim.value}]"
    return base(node)


def parameters(node):
    """(name, type) of each parameter; f(void) has none."""
    if node.args is None:
        return []
    found = [(p.name, rust(p.type)) for p in node.args.params]
    return [] if found == [(None, "c_void")] else found


def arrow(node):
    result = rust(node.type)
    return "" if result == "c_void" else f" -> {result}"


def function_type(node):
    args = ", ".join(f"{name(n)}: {t}" for n, t in parameters(node))
    return f'unsafe extern "C" fn({args}){arrow(node)}'


class Writer:
    def __init__(self):
        self.constants, self.types, self.functions, self.layout = [], [], [], []
        self.opaque, self.defined, self.sized = [], set(), []

    def enum(self, node):
        """Values of flags (1u << n) are u32, all others i32."""
        for item in node.values.enumerators:
            text = c_generator.CGenerator().visit(item.value)
            kind = "u32" if "u" in text else "i32"
            value = re.sub(r"(\d)u\b", r"\1", text)
            self.constants.append(f"pub const {item.name}: {kind} = {value};")

    def struct(self, label, node):
        self.defined.add(label)
        fields = [(d.name, rust(d.type)) for d in node.decls]
        lines = "".join(f"    pub {name(n)}: {t},\n" for n, t in fields)
        self.types.append(f"#[repr(C)]\n#[derive(Clone, Copy)]\npub struct {label} {{\n{lines}}}\n")
        if fields[0][0] == "struct_size":
            self.sized.append(label)
        self.layout.append(f"    {label} {{ {', '.join(name(n) for n, _ in fields)} }}\n")

    def typedef(self, node):
        inner = node.type
        if isinstance(inner, c_ast.TypeDecl) and isinstance(inner.type, c_ast.Struct):
            if inner.type.decls:
                self.struct(node.name, inner.type)
            else:
                self.opaque.append(node.name)
        else:
            self.types.append(f"pub type {node.name} = {rust(inner)};\n")

    def function(self, node):
        args = ", ".join(f"{name(n)}: {t}" for n, t in parameters(node.type))
        self.functions.append(f"    pub fn {node.name}({args}){arrow(node.type)};\n")

    def read(self, tree):
        for node in tree.ext:
            if isinstance(node, c_ast.Typedef):
                self.typedef(node)
            elif isinstance(node.type, c_ast.FuncDecl):
                self.function(node)
            elif isinstance(node.type, c_ast.Enum):
                self.enum(node.type)

    def macros(self, numbers, strings):
        for label, text in numbers.items():
            if text.isdigit():
                self.constants.append(f"pub const {label}: usize = {text};")
        for label, text in strings.items():
            if "@" not in text and "VERSION" not in label:  # those change with each release
                self.constants.append(f"pub const {label}: &CStr = c{text};")


def generate():
    text, numbers, strings = cdef.declarations(HERE.parents[1] / "include")
    known = "".join(f"typedef int {t};\n" for t in SCALARS if t.endswith("_t") or t == "bool")
    skip = known.count("\n")
    writer = Writer()
    tree = c_parser.CParser().parse(known + text)
    tree.ext = tree.ext[skip:]
    writer.read(tree)
    writer.macros(numbers, strings)
    opaque = [
        f"#[repr(C)]\npub struct {n} {{\n    _opaque: [u8; 0],\n}}\n"
        for n in writer.opaque
        if n not in writer.defined
    ]
    head = HEAD.replace("{fingerprint}", cdef.fingerprint(HERE.parents[1] / "include"))
    bindings = (
        head
        + "\n".join(writer.constants)
        + "\n\n"
        + "\n".join(opaque)
        + "\n"
        + "\n".join(writer.types)
        + "\nsized! {\n"
        + "".join(f"    {label}\n" for label in writer.sized)
        + '}\n\nextern "C" {\n'
        + "".join(writer.functions)
        + "}\n"
    )
    layout = (
        "// Written by bindings/rust/generate.py: the headers beside koc.h, every struct with its fields.\n"
        + "const EXT_HEADERS: &[&str] = &[\n"
        + "".join(f'    "{name}",\n' for name in cdef.HEADERS if name.startswith("ext/"))
        + "];\nlayout! {\n"
        + "".join(writer.layout)
        + "}\n"
    )
    return {
        HERE / "koc-sys/src/bindings.rs": bindings,
        HERE / "koc-sys/tests/layout/list.rs": layout,
    }


def main():
    stale = [
        path
        for path, text in generate().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(HERE)} is stale: run bindings/rust/generate.py")
        return 1 if stale else 0
    for path, text in generate().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
