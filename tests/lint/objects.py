"""What the compiled objects say of the tree: which file defines a function and which ones call it."""

import re
import shutil
import subprocess

from common import ROOT, Missing


def object_files(build):
    """(source path relative to the tree, object path) of each file of lib/ and cli/."""
    for path in sorted(build.glob("lib/libkoc*.p/*.o")) + sorted(build.glob("cli/koc.p/*.o")):
        folder = "cli" if path.parent.parent.name == "cli" else "lib"
        name = path.name.removesuffix(".o")
        source = next(
            (p for p in candidates(folder, name) if (ROOT / p).exists()),
            None,
        )
        if source:
            yield source, path


def candidates(folder, name):
    """Meson writes lib/core/a_b.c as core_a_b.c.o: each underscore may have been a slash."""
    parts = name.split("_")
    for cut in range(len(parts)):
        for deeper in range(cut, len(parts)):
            head = "/".join(parts[:cut]) if cut else ""
            middle = "_".join(parts[cut:deeper]) if deeper > cut else ""
            rest = "_".join(parts[deeper:])
            yield "/".join(filter(None, [folder, head, middle, rest]))


def call_graph(build):
    """({symbol: source that defines it}, {source: symbols that it needs})."""
    if shutil.which("nm") is None:
        raise Missing("nm")
    found = list(object_files(build))
    if not found:
        raise Missing(f"objects in {build}")
    defined, needed = {}, {}
    for source, path in found:
        output = subprocess.run(["nm", "-g", str(path)], capture_output=True, text=True, check=True)
        needed.setdefault(source, set())
        for line in output.stdout.splitlines():
            match = re.match(r"^[0-9a-f ]{16} (\w) (\w+)$", line)
            if match is None:
                continue
            if match[1] == "U":
                needed[source].add(match[2])
            elif match[1] in "TDBRGSC":
                defined[match[2]] = source
    return defined, needed


def file_edges(build):
    """{source: {source that it calls: symbols}}, without calls inside one file."""
    defined, needed = call_graph(build)
    edges = {}
    for source, symbols in needed.items():
        edges[source] = {}
        for symbol in sorted(symbols):
            target = defined.get(symbol)
            if target and target != source:
                edges[source].setdefault(target, []).append(symbol)
    return edges


def circles(edges):
    """The groups of two or more nodes that reach each other (Tarjan's algorithm, no recursion)."""
    index, low, on_stack, stack, groups = {}, {}, set(), [], []
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(edges.get(target, ()))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        group.append(member)
                        if member == node:
                            break
                    if len(group) > 1:
                        groups.append(sorted(group))
    return sorted(groups, key=len, reverse=True)
