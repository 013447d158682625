#!/usr/bin/env python3
"""The figures of docs/performance.md: koc beside `go build` and the real ko, as Markdown tables.

Tables: build (time and memory of building crane), memory (a 4 GiB file in kodata), size (of the
programs), start (`koc version` beside a C program that links libcurl), resolver and services (YAML:
resolve.py), registry (bandwidth, and faults: network.py), copy (many images: images.py), overlap (several
programs to a slow registry: overlap.py), bindings (calls from Python and Rust: bindings.py). ./dev bench runs all.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import bases  # noqa: E402
import bindings  # noqa: E402
import images  # noqa: E402
import measure  # noqa: E402
import network  # noqa: E402
import overlap  # noqa: E402
import registry  # noqa: E402
import resolve  # noqa: E402

CRANE = "github.com/google/go-containerregistry@v0.21.7"
PACKAGE = "./cmd/crane"


class Bench:
    """What the tables share: the tools, a scratch folder, the source, a registry with a base."""

    def __init__(self, koc, scratch, runs):
        self.koc, self.scratch, self.runs = koc, pathlib.Path(scratch), runs
        self.ko = self.tool("ko")
        self.verdicts = []
        self.env = {
            **os.environ,
            "XDG_CACHE_HOME": f"{scratch}/cache",
            "XDG_DATA_HOME": f"{scratch}/data",
            "GOCACHE": self.go_env("GOCACHE"),
            "CGO_ENABLED": "0",
            "TZ": "UTC",
        }
        for name in ("KO_DOCKER_REPO", "KOCACHE", "KO_CONFIG_PATH"):
            self.env.pop(name, None)
        self.changes = 0

    @staticmethod
    def tool(name):
        """A program on the PATH, or where ./dev keeps the tools of the tests; None: not there."""
        cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        tools = os.environ.get("KOC_TEST_TOOLS") or f"{cache}/koc-test-tools"
        return shutil.which(name) or shutil.which(name, path=f"{tools}/bin")

    def judge(self, what, value, bar, unit="", more=False):
        """Remembers whether a figure holds its bar: at most that much, or at least (more)."""
        self.verdicts.append((what, value, bar, unit, more, value >= bar if more else value <= bar))

    def verdict(self):
        """All that was judged, as a table."""
        rows = [
            [what, f"{value:.2f}{unit}", f"{'≥' if more else '≤'} {bar}{unit}", "ok" if ok else "**missed**"]
            for what, value, bar, unit, more, ok in self.verdicts
        ]
        return measure.table(["", "measured", "bar", ""], rows)

    @staticmethod
    def go_env(name):
        return subprocess.run(
            ["go", "env", name], capture_output=True, text=True, check=True
        ).stdout.strip()

    def source(self):
        """A writable copy of crane's module, as `go` downloads it."""
        folder = self.scratch / "crane"
        if not folder.exists():
            text = subprocess.run(
                ["go", "mod", "download", "-json", CRANE],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            shutil.copytree(json.loads(text)["Dir"], folder)
            for path in [folder, *folder.rglob("*")]:
                path.chmod(path.stat().st_mode | 0o200)
        return folder

    def change_a_line(self):
        """Another program each time it is called: main.go gets a new constant."""
        self.changes += 1
        (self.source() / "cmd/crane/bench_change.go").write_text(
            'package main\n\nimport "os"\n\nfunc init() {\n\tif len(os.Args) > 1<<20 {\n'
            f"\t\tprintln({self.changes})\n\t}}\n}}\n"
        )

    def change_imports(self):
        """An edit after which go reads other packages."""
        self.changes += 1
        unused = ("container/ring", "container/heap", "text/scanner")[self.changes % 3]
        (self.source() / "cmd/crane/bench_change.go").write_text(f'package main\n\nimport _ "{unused}"\n')


def build_contenders(bench, server, base):
    source = bench.source()

    def command(*args, **env):
        return lambda: measure.run(args, cwd=source, env={**bench.env, **env})

    push = {"KO_DEFAULTBASEIMAGE": base}
    contenders = {
        "go build": command("go", "build", "-trimpath", "-o", bench.scratch / "crane-out", PACKAGE),
        "koc": command(bench.koc, "build", PACKAGE, KO_DOCKER_REPO=f"{server.host}/koc", **push),
        "koc --no-cache": command(
            bench.koc,
            "build",
            "--no-cache",
            PACKAGE,
            KO_DOCKER_REPO=f"{server.host}/koc-nocache",
            **push,
        ),
    }
    if bench.ko:
        contenders["ko"] = command(
            bench.ko, "build", PACKAGE, KO_DOCKER_REPO=f"{server.host}/ko", **push
        )
        contenders["ko, KOCACHE"] = command(
            bench.ko,
            "build",
            PACKAGE,
            KO_DOCKER_REPO=f"{server.host}/kocache",
            KOCACHE=bench.scratch / "kocache",
            **push,
        )
    return contenders


def build_table(bench):
    """Nothing changed, and one line changed: wall, CPU and memory, in ratios to go build."""
    server = registry.Registry(bench.scratch / "registry")
    try:
        base = bases.single(server, bases.OCI, "oci")
        contenders = build_contenders(bench, server, base)
        print("### Building crane and pushing it to a registry on loopback\n")
        for title, before in (
            ("nothing changed", lambda: None),
            ("one line changed", bench.change_a_line),
        ):
            measure.rounds(contenders, 1, before)  # warm caches
            found = measure.rounds(contenders, bench.runs, before)
            print(f"{title}, medians of {bench.runs} alternating runs\n")
            print(
                measure.table(
                    ["", "wall s", "× go build", "CPU s", "× go build", "peak MiB"],
                    [build_row(name, runs, found["go build"]) for name, runs in found.items()],
                ),
                flush=True,
            )
    finally:
        server.close()


def build_row(name, runs, reference):
    own_memory = f"{measure.median(runs, 'memory') / 2**20:.0f}"
    return [
        name,
        f"{measure.median(runs, 'wall'):.2f}",
        f"{measure.ratio(runs, reference, 'wall'):.2f}",
        f"{measure.median(runs, 'cpu'):.2f}",
        f"{measure.ratio(runs, reference, 'cpu'):.2f}",
        own_memory,
    ]


def memory_table(bench, gigabytes=4):
    """Peak memory with one huge file in kodata, written to an OCI layout."""
    app = bench.scratch / "huge"
    (app / "kodata").mkdir(parents=True)
    (app / "go.mod").write_text("module example.test/huge\n\ngo 1.19\n")
    (app / "main.go").write_text("package main\n\nfunc main() {}\n")
    with (app / "kodata/huge").open("wb") as huge:
        huge.write(os.urandom(64 << 20))  # some of it does not compress
        huge.truncate(gigabytes << 30)
    result = measure.run(
        [
            bench.koc,
            "build",
            "--base-image=scratch",
            "--push=false",
            f"--oci-layout-path={bench.scratch}/huge-layout",
            "-B",
            ".",
        ],
        cwd=app,
        env={**bench.env, "KO_DOCKER_REPO": "bench.invalid/x"},
    )
    print(f"### A {gigabytes} GiB file in kodata\n")
    print(
        measure.table(
            ["", "wall s", "CPU s", "peak MiB"],
            [["koc", f"{result.wall:.1f}", f"{result.cpu:.1f}", f"{result.memory / 2**20:.0f}"]],
        )
    )


def size_table(bench):
    """Bytes of the command and the library, stripped."""
    rows, total = [], 0
    for path in (bench.koc, bench.koc.parents[1] / "lib/libkoc.so"):
        copy = bench.scratch / path.name
        shutil.copy(path.resolve(), copy)
        subprocess.run(["strip", copy], check=True)
        total += copy.stat().st_size
        rows.append([path.name, f"{copy.stat().st_size / 2**20:.2f}"])
    rows.append(["together", f"{total / 2**20:.2f}"])
    if bench.ko:
        rows.append(["ko", f"{pathlib.Path(bench.ko).stat().st_size / 2**20:.2f}"])
    print("### Size\n")
    print(measure.table(["", "MiB"], rows))


def start_table(bench):
    """`koc version` beside a C program that links libcurl and prints its version."""
    source, program = bench.scratch / "curl.c", bench.scratch / "curl-version"
    source.write_text(
        "#include <curl/curl.h>\n#include <stdio.h>\n"
        "int main(void) { puts(curl_version()); return 0; }\n"
    )
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libcurl"], capture_output=True, text=True, check=True
    ).stdout.split()
    subprocess.run(["cc", "-O2", source, *flags, "-o", program], check=True)
    contenders = {
        "curl_version()": lambda: measure.run([program], memory=False),
        "koc version": lambda: measure.run([bench.koc, "version"], env=bench.env, memory=False),
    }
    if bench.ko:
        contenders["ko version"] = lambda: measure.run([bench.ko, "version"], memory=False)
    count = 100
    measure.rounds(contenders, 5)
    found = measure.rounds(contenders, count)
    print("### Starting\n")
    print(f"medians of {count} alternating runs\n")
    print(
        measure.table(
            ["", "wall ms", "× libcurl program", "CPU ms"],
            [
                [
                    name,
                    f"{measure.median(runs, 'wall') * 1000:.1f}",
                    f"{measure.ratio(runs, found['curl_version()'], 'wall'):.2f}",
                    f"{measure.median(runs, 'cpu') * 1000:.1f}",
                ]
                for name, runs in found.items()
            ],
        )
    )


TABLES = {
    "build": build_table,
    "memory": memory_table,
    "size": size_table,
    "start": start_table,
    "resolver": resolve.resolver_table,
    "services": resolve.services_table,
    "registry": network.registry_table,
    "copy": images.copy_table,
    "overlap": overlap.overlap_table,
    "bindings": bindings.bindings_table,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--koc", type=pathlib.Path, default=ROOT / "build/cli/koc")
    parser.add_argument("--runs", type=int, default=9, help="rounds of the build table")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="all when none is named")
    args = parser.parse_args()
    print(f"{measure.machine()}\n")
    with tempfile.TemporaryDirectory(prefix="koc-bench-") as scratch:
        bench = Bench(args.koc.resolve(), scratch, args.runs)
        for name in args.tables or TABLES:
            TABLES[name](bench)
    return 0


if __name__ == "__main__":
    sys.exit(main())
