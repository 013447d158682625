"""The declarations of libkoc's public headers, read from the headers themselves.

Nothing is copied by hand: `declarations()` gives C text without comments, macros and attributes,
which cffi takes as its cdef, and from which bindings/rust/generate.py writes Rust.
"""

import hashlib
import pathlib
import re

# In the order that they need each other; koc.h only includes.
HEADERS = [
    "base.h",
    "version.h",
    "error.h",
    "digest.h",
    "context.h",
    "io.h",
    "reference.h",
    "image.h",
    "layer.h",
    "store.h",
    "auth.h",
    "transport.h",
    "registry.h",
    "resolve.h",
    "ext/transfer.h",
    "ext/edit.h",
    "ext/compose.h",
    "ext/publish.h",
    "ext/daemon.h",
    "ext/serve.h",
    "ext/sign.h",
    "ext/cache.h",
]
NUMBER = re.compile(r"#define (KOC_\w+)\s+(\(?[0-9K].*)")
STRING = re.compile(r'#define (KOC_\w+)\s+(".*")')


def read(directory, name):
    """A header without comments, lines joined; in the source tree version.h is .in."""
    path = pathlib.Path(directory) / "koc" / name
    path = path if path.exists() else path.with_name(f"{path.name}.in")
    text = path.read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL).replace("\\\n", " ")


def split(text):
    """Separates C from preprocessor lines; conditional parts are ignored."""
    code, macros, depth = [], [], 0
    for line in text.splitlines():
        directive = re.match(r"\s*#\s*(\w+)", line)
        if not directive:
            if depth <= 1:  # 1: the include guard
                code.append(line)
        elif directive[1].startswith("if"):
            depth += 1
        elif directive[1] == "endif":
            depth -= 1
        elif directive[1] == "define" and depth <= 1:
            macros.append(line)
    return "\n".join(code), macros


def declarations(directory):
    """(C text, number macros, string macros): the macros as dicts of name and text."""
    code, numbers, strings = [], {}, {}
    for name in HEADERS:
        text, macros = split(read(directory, name))
        code.append(text)
        numbers |= {m[1]: m[2].strip() for m in map(NUMBER.match, macros) if m}
        strings |= {m[1]: m[2].strip() for m in map(STRING.match, macros) if m}
    text = re.sub(r"\b(KOC_API|KOC_BEGIN_DECLS|KOC_END_DECLS)\b", "", "\n".join(code))
    return re.sub(r"\s*\n\s*", "\n", text).strip(), numbers, strings


def fingerprint(directory):
    """Changes when the declarations do, and not with comments or layout."""
    text, numbers, strings = declarations(directory)
    return hashlib.sha256(" ".join(f"{text} {numbers} {strings}".split()).encode()).hexdigest()


def cdef(directory):
    """The text for cffi; values are left to the C compiler."""
    text, numbers, strings = declarations(directory)
    text = re.sub(r"(KOC_\w+)\s*=\s*[^,}]+", r"\1 = ...", text)
    text += "".join(f"\n#define {name} ..." for name in numbers)
    return text + "".join(f"\nstatic const char *const {name};" for name in strings) + "\n"


def functions(directory):
    """The names of all functions."""
    text, _, _ = declarations(directory)
    return sorted(
        set(
            re.findall(
                r"^[\w *]*?\b(koc_\w+)\(",
                re.sub(r"\{.*?\}", "{}", text, flags=re.DOTALL),
                re.MULTILINE,
            )
        )
    )
