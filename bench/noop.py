#!/usr/bin/env python3
"""Builds with little to do, beside `go build` and the real ko: one image, 20 images of one module, two
platforms, 10,000 data files, the layer stage alone; in the end each figure against its bar. Part of the
figures of docs/performance.md:

    python3 bench/noop.py --koc build/cli/koc [--runs 11]
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import bases  # noqa: E402
import layer  # noqa: E402
import measure  # noqa: E402
import registry  # noqa: E402
from run import PACKAGE, Bench  # noqa: E402

PROGRAM = """package main

import (
\t"fmt"
\t"net/http"

\t"example.test/many/lib"
)

func main() {{ fmt.Println({n}, lib.Name, http.ListenAndServe(":0", nil)) }}
"""


def many(folder, count=20):
    """A module with `count` programs that share a library."""
    (folder / "lib").mkdir(parents=True)
    (folder / "go.mod").write_text("module example.test/many\n\ngo 1.19\n")
    (folder / "lib/lib.go").write_text('package lib\n\nconst Name = "0"\n')
    names = []
    for n in range(count):
        (folder / f"cmd/app{n}").mkdir(parents=True)
        (folder / f"cmd/app{n}/main.go").write_text(PROGRAM.format(n=n))
        names.append(f"./cmd/app{n}")
    return names


class Table:
    def __init__(self, bench, server, base):
        self.bench, self.server, self.base = bench, server, base

    def command(self, name, cwd, *args, **env):
        env = {**self.bench.env, "KO_DOCKER_REPO": f"{self.server.host}/{name}",
               "KO_DEFAULTBASEIMAGE": self.base, **env}
        return lambda: measure.run(args, cwd=cwd, env=env)

    def judge(self, what, found, wall=None, go_wall=None, go_cpu=None, ko=None, kocache=None, memory=None):
        """koc's row against the bars of one kind of work; None: there is none."""
        bench, koc, go = self.bench, found["koc"], found["go build"]
        if wall:
            bench.judge(f"{what}: wall", measure.median(koc, "wall") * 1000, wall, " ms")
        if go_wall:
            bench.judge(f"{what}: wall, × go build", measure.ratio(koc, go, "wall"), go_wall)
        if go_cpu:
            bench.judge(f"{what}: CPU, × go build", measure.ratio(koc, go, "cpu"), go_cpu)
        for name, bar in (("ko", ko), ("ko, KOCACHE", kocache)):
            if bar and name in found:
                bench.judge(f"{what}: × faster than {name}", measure.ratio(found[name], koc, "wall"), bar, more=True)
        if memory:
            bench.judge(f"{what}: peak memory", max(r.memory for r in koc) / 2**20, memory, " MiB")

    def contenders(self, cwd, packages, *flags, **env):
        bench, out = self.bench, self.bench.scratch / "out"
        out.mkdir(exist_ok=True)
        go = ("go", "build", "-trimpath", "-o", f"{out}/")
        found = {"go build": self.command("go", cwd, *go, *packages, **env),
                 "koc": self.command("koc", cwd, bench.koc, "build", *flags, *packages, **env)}
        if bench.ko:
            found["ko"] = self.command("ko", cwd, bench.ko, "build", *flags, *packages)
            found["ko, KOCACHE"] = self.command("kocache", cwd, bench.ko, "build", *flags, *packages,
                                                KOCACHE=str(bench.scratch / "kocache"))
        return found

    def show(self, title, contenders, runs, before=lambda: None, warm=3, few=None):
        """few: rounds that ko takes part in, where it needs seconds for each."""
        time.sleep(0.3)
        measure.rounds(contenders, 1, before)  # fills caches; koc makes its record in the second
        measure.rounds({"koc": contenders["koc"]}, warm)
        quick = contenders
        if few:
            found = measure.rounds(contenders, few, before)
            quick = {name: run for name, run in contenders.items() if not name.startswith("ko,") and name != "ko"}
        else:
            found = {name: [] for name in contenders}
        for name, got in measure.rounds(quick, runs - (few or 0), before).items():
            found[name] += got
        print(f"{title}, medians of {runs} alternating runs\n")
        rows = []
        for name, got in found.items():
            rows.append([name, f"{measure.median(got, 'wall') * 1000:.0f}",
                         f"{measure.ratio(got, found['go build'], 'wall'):.2f}",
                         f"{1 / measure.ratio(found['koc'], got, 'wall'):.1f}",
                         f"{measure.median(got, 'cpu') * 1000:.0f}",
                         f"{measure.ratio(got, found['go build'], 'cpu'):.2f}",
                         f"{measure.median(got, 'memory') / 2**20:.0f}"])
        print(measure.table(["", "wall ms", "× go build", "koc is × faster", "CPU ms", "× go build",
                             "peak MiB"], rows), flush=True)
        return found


def record_table(table, crane, runs):
    """What keeping the record costs a build with one line changed: beside one in a folder that has none. The first
    build after a record was lost asks `go list`, once: the row "made anew"."""
    bench, koc = table.bench, table.bench.koc
    keep = table.command("koc", crane, koc, "build", PACKAGE)
    contenders = {"record renewed": keep,
                  "record neither used nor kept": table.command("koc", crane, koc, "build", PACKAGE,
                                                                GOFLAGS="-overlay=" + empty_overlay(bench))}
    for _ in range(2):
        measure.rounds(contenders, 1)
    found = measure.rounds(contenders, runs, bench.change_a_line)
    anew = []
    for _ in range(3):  # an edit of the imports: go links, and the next build makes the record
        bench.change_imports()
        keep()
        anew.append(keep())
    print("What the record of inputs costs\n")
    rows = [[name, f"{measure.median(got, 'wall') * 1000:.0f}", f"{measure.median(got, 'cpu') * 1000:.0f}"]
            for name, got in [*found.items(), ("made anew, nothing to link", anew)]]
    print(measure.table(["one image", "wall ms", "CPU ms"], rows), flush=True)


def empty_overlay(bench):
    """A file that makes go read nothing else, of which koc keeps no record."""
    path = bench.scratch / "overlay.json"
    path.write_text('{"Replace": {}}')
    return str(path)


def data_table(table, app, runs):
    """10,000 files of kodata beside none."""
    for name, count in (("none", 0), ("data", 10000)):
        folder = app / f"cmd/{name}"
        folder.mkdir()
        (folder / "main.go").write_text("package main\n\nfunc main() {}\n")
        for n in range(count):
            path = folder / f"kodata/{n % 100}/{n}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{n}\n")
    time.sleep(3)  # koc does not trust the stamp of a file that is younger than 2 s
    contenders = {name: table.command("data", app, table.bench.koc, "build", f"./cmd/{name}")
                  for name in ("none", "data")}
    measure.rounds(contenders, 4)
    found = measure.rounds(contenders, runs)
    more = (measure.median(found["data"], "wall") - measure.median(found["none"], "wall")) * 1000
    table.bench.judge("10,000 files of kodata: more than none", more, 30, " ms")
    print("10,000 files of kodata, nothing changed\n")
    print(measure.table(["files", "wall ms", "CPU ms", "peak MiB"],
                        [[{"none": 0, "data": 10000}[name], f"{measure.median(got, 'wall') * 1000:.0f}",
                          f"{measure.median(got, 'cpu') * 1000:.0f}",
                          f"{measure.median(got, 'memory') / 2**20:.0f}"] for name, got in found.items()]))


def settings_table(table, runs):
    """GOFLAGS in the file of `go env -w`, in a git repository: also then nothing to do is no go."""
    folder = table.bench.scratch / "settings"
    names = many(folder, 1)
    goenv = table.bench.scratch / "goenv"
    goenv.write_text("GOFLAGS=-buildvcs=false\n")
    for command in (["init", "-q"], ["add", "."],
                    ["-c", "user.name=x", "-c", "user.email=x@example.test", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    two = table.contenders(folder, names, GOENV=str(goenv))
    two = {name: two[name] for name in ("go build", "koc")}
    found = table.show("One image, nothing changed, GOFLAGS in Go's own file", two, runs)
    table.judge("one image, nothing changed, GOFLAGS in Go's own file", found, go_wall=0.25)


def tables(bench, only):
    server = registry.Registry(bench.scratch / "registry")
    try:
        table = Table(bench, server, bases.single(server, bases.OCI, "oci"))
        crane, runs = bench.source(), bench.runs
        app = bench.scratch / "many"
        names = many(app)
        if "one" in only:
            one = table.contenders(crane, [PACKAGE])
            found = table.show("One image, nothing changed", one, runs)
            table.judge("one image, nothing changed", found, wall=40, go_wall=0.25, ko=35, kocache=11, memory=20)
            found = table.show("One image, one line changed", one, runs, bench.change_a_line, warm=0)
            table.judge("one image, one line changed", found, go_wall=1.12, go_cpu=1.15, memory=32)
            record_table(table, crane, runs)
        if "settings" in only:
            settings_table(table, runs)
        if "many" in only:
            found = table.show("20 images, nothing changed", table.contenders(app, names), runs, few=3)
            table.judge("20 images, nothing changed", found, wall=100, go_wall=1.0, ko=70, memory=20)
        if "two" in only:
            two = table.contenders(app, names, "--platform=linux/amd64,linux/arm64")
            two = {name: two[name] for name in ("go build", "koc")}
            found = table.show("20 images for two platforms, nothing changed", two, runs)
            table.judge("20 images × 2 platforms, nothing changed", found, wall=200, memory=20)
        if "link" in only:
            def change(count=[0]):
                count[0] += 1
                (app / "lib/lib.go").write_text(f'package lib\n\nconst Name = "{count[0]}"\n')
            link = {n: c for n, c in table.contenders(app, names).items() if n != "ko, KOCACHE"}
            found = table.show("20 images, all to link", link, max(runs // 3, 3), change, warm=0, few=1)
            table.judge("20 images, all to link", found, go_cpu=1.17, memory=32)
        if "data" in only:
            data_table(table, app, runs)
        if "layer" in only:
            layer.layer_table(bench)
    finally:
        server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--koc", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--no-ko", action="store_true")
    parser.add_argument("table", nargs="*", help="one, settings, many, two, link, data, layer (default: all)")
    given = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="koc-bench-")
    try:
        bench = Bench(given.koc.resolve(), scratch, given.runs)
        bench.ko = None if given.no_ko else bench.ko
        print(measure.machine() + "\n")
        tables(bench, given.table or ["one", "settings", "many", "two", "link", "data", "layer"])
        print("Each figure against its bar\n")
        print(bench.verdict(), flush=True)
    finally:
        for folder, _, _ in os.walk(scratch):
            os.chmod(folder, 0o700)
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
