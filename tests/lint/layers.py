#!/usr/bin/env python3
"""The include graph: which directory of lib/ may include or call which, and who may see whose headers.

docs/architecture.md draws this picture; here it is enforced: in the sources by their includes, in the objects
of a build, if there are any, by the functions that they call.
"""

import pathlib
import re
import sys

import objects
from common import Missing, read, run_alone, sources

FORMATS = ["core", "text", "model"]
MAY_INCLUDE = {
    "core": [],
    "text": ["core"],
    "model": ["core", "text"],
    "layer": FORMATS,
    "store": [*FORMATS, "layer"],
    "http": FORMATS,
    "auth": [*FORMATS, "http"],
    "cloud": [*FORMATS, "http", "auth"],
    "registry": [*FORMATS, "http", "auth", "cloud"],
    "resolve": ["core", "text"],
    "template": ["core"],
    "goexe": ["core", "text"],
    "golang": [*FORMATS, "layer", "template", "goexe"],
    "sbom": [*FORMATS, "layer", "goexe"],
    "serve": [*FORMATS, "store"],
    "daemon": [*FORMATS, "layer", "store", "http"],
    "transfer": [*FORMATS, "layer", "store", "http", "registry"],
}
MAY_INCLUDE["sign"] = [*MAY_INCLUDE["transfer"], "transfer"]
MAY_INCLUDE["compose"] = [*MAY_INCLUDE["transfer"], "auth", "transfer"]
MAY_INCLUDE["publish"] = [name for name in MAY_INCLUDE if name not in ("serve", "template", "cloud")]
MAY_INCLUDE["about"] = list(MAY_INCLUDE)  # and nobody includes about

# Each foreign header is included by the one or two files that wrap its package.
WRAPPERS = {
    r"cjson/.*|cJSON.*": ["lib/text/json.c"],
    r"mbedtls/.*|psa/.*": ["lib/core/hash/crypto.c", "lib/core/hash/crypto_keys.c"],
    r"yaml\.h": ["lib/text/yaml.c"],
    r"libdeflate\.h": ["lib/layer/gzip.c", "lib/layer/inflate.c"],
    r"zstd.*\.h": ["lib/layer/zstd.c"],
    r"curl/.*": ["lib/http/transport_curl*.c"],
    r"microhttpd\.h": ["lib/serve/serve_http.c"],
}

ISO_C = {
    "assert.h",
    "ctype.h",
    "errno.h",
    "float.h",
    "inttypes.h",
    "iso646.h",
    "limits.h",
    "locale.h",
    "math.h",
    "setjmp.h",
    "signal.h",
    "stdarg.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "time.h",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def includes(path):
    """(line number, '<' or '"', name) of each include of a file."""
    text = read(path)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def foreign(path, line, name):
    for pattern, owners in WRAPPERS.items():
        if re.fullmatch(pattern, name) and not any(path.match(owner) for owner in owners):
            yield f"{path}:{line}: <{name}> belongs to {', '.join(owners)} only"


def check_library(path):
    folder = path.parts[1]
    if folder not in MAY_INCLUDE:
        yield f"{path}: the folder {folder} is not in the include graph (tests/lint/layers.py)"
        return
    names = list(includes(path))
    if path.suffix == ".c" and (not names or names[0][2] != "core/common.h"):
        yield f'{path}:1: the first include must be "core/common.h"'
    for line, kind, name in names:
        yield from foreign(path, line, name)
        other = name.split("/")[0] if kind == '"' and "/" in name else None
        if kind == '"' and other is None:
            yield f'{path}:{line}: "{name}" must be written with its folder'
        elif other is not None and other != folder and other not in MAY_INCLUDE[folder]:
            yield f'{path}:{line}: {folder} may not include {other} ("{name}")'


def check_cli(path):
    for line, kind, name in includes(path):
        yield from foreign(path, line, name)
        if kind == '"' and not (pathlib.Path("cli") / name).is_file():
            yield f"{path}:{line}: the command line sees only <koc/...> and its own headers"


def check_public(path):
    for line, kind, name in includes(path):
        if kind == '"' or not (name.startswith("koc/") or name in ISO_C):
            yield f"{path}:{line}: a public header includes <koc/...> and ISO C only, not {name}"
        if name.startswith("koc/ext/") and "ext" not in path.parts and path.name != "koc.h":
            yield f"{path}:{line}: a stable header may not include ext/"


def wrong_side(edges):
    """(file, called file, function) of each call that the include graph does not allow; edges: objects.file_edges."""
    for source, targets in edges.items():
        for target, functions in targets.items():
            caller, called = source.split("/")[1], target.split("/")[1]
            if source.startswith("lib/") and caller != called and called not in MAY_INCLUDE.get(caller, []):
                yield from ((source, target, function) for function in functions)


def check_calls(build):
    """A prototype written by hand needs no include: the symbols of the objects show such a call too."""
    try:
        edges = objects.file_edges(build)
    except Missing:
        return
    for source, target, function in wrong_side(edges):
        yield f"{source}: {source.split('/')[1]} may not call {function} of {target}"


def check(context):
    problems = list(check_calls(context.build))
    for path in sources("lib/*/**/*.[ch]"):
        problems += check_library(path)
    for path in sources("cli/**/*.[ch]"):
        problems += check_cli(path)
    for path in sources("include/koc/**/*.h", "include/koc/**/*.h.in"):
        problems += check_public(path)
    return problems


if __name__ == "__main__":
    sys.exit(run_alone(check))
