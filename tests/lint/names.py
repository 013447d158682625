#!/usr/bin/env python3
"""Names: no file name twice, no two types an underscore apart, one module for each prefix."""

import collections
import re
import sys

from common import code_only, read, run_alone, sources

# Names of another module that are wanted: (module, prefix).
SHARED = {
    ("layer", "layer"): "the layer of the image model, made by the layer builder",
}

TYPE = re.compile(r"\btypedef\s+(?:struct|enum|union)\s+(koc_\w+)|^}\s*(koc_\w+);", re.MULTILINE)
FUNCTION = re.compile(r"\b(koc__([a-z0-9]+)_\w+)\s*\(")


def check_files():
    seen = {}
    for path in sources("lib/**/*.[ch]", "cli/**/*.[ch]"):
        other = seen.setdefault(path.name, path)
        if other != path:
            yield f"{path}: {other} has the same name"


def check_types():
    types = {}
    for path in sources("lib/**/*.[ch]", "include/**/*.h", "include/**/*.h.in"):
        for match in TYPE.finditer(code_only(read(path))):
            types.setdefault(match[1] or match[2], path)
    for name, path in sorted(types.items()):
        public = name.replace("koc__", "koc_", 1)
        if public != name and public in types:
            yield f"{path}: {name} and {public} ({types[public]}) are an underscore apart"


def check_prefixes():
    owners = collections.defaultdict(dict)
    for path in sources("lib/**/*.h"):
        for name, prefix in FUNCTION.findall(code_only(read(path))):
            module = path.parts[1]
            if (module, prefix) not in SHARED:
                owners[prefix].setdefault(module, (path, name))
    for prefix, modules in sorted(owners.items()):
        if len(modules) > 1:
            places = ", ".join(f"{name} in {path}" for path, name in modules.values())
            yield f"koc__{prefix}_ belongs to several modules: {places}"


def check(_context):
    return [*check_files(), *check_types(), *check_prefixes()]


if __name__ == "__main__":
    sys.exit(run_alone(check))
