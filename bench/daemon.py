#!/usr/bin/env python3
"""Loading into Debian's dockerd, beside `docker load` of the same tar: a first image, a changed binary,
and an image that is there. Part of the figures of docs/performance.md; needs root:

    python3 bench/daemon.py --koc build/cli/koc [--runs 7]
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import sys
import tarfile
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import engines  # noqa: E402
import measure  # noqa: E402

PROGRAM = """package main

import (
\t"fmt"
\t"net/http"
)

func main() { fmt.Println("VERSION", http.ListenAndServe(":0", nil)) }
"""
DATA = 30_000_000


class Bench:
    def __init__(self, koc, runs):
        self.koc, self.runs = koc, runs
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="koc-bench-"))
        self.engine = engines.Dockerd()
        self.env = {**os.environ, "DOCKER_HOST": self.engine.address, "GOFLAGS": ""}
        self.env |= {"KOCACHE": str(self.folder / "cache"), "TMPDIR": str(self.folder)}
        self.env.pop("KO_DOCKER_REPO", None)
        self.app = self.folder / "app"
        (self.app / "kodata").mkdir(parents=True)
        (self.app / "go.mod").write_text("module example.test/app\n\ngo 1.19\n")
        (self.app / "kodata/data").write_bytes(os.urandom(DATA))
        self.version = 0

    def close(self):
        self.engine.close()
        shutil.rmtree(self.folder)

    def change(self):
        self.version += 1
        (self.app / "main.go").write_text(PROGRAM.replace("VERSION", f"v{self.version}"))

    def build(self, *args):
        words = [self.koc, "build", "--base-image=scratch", "--timings", *args, "."]
        return measure.run(words, cwd=self.app, env=self.env)

    def tarball(self):
        """The archive of the image as it is now; afterwards only the load is left to do. What was
        changed within the last moments is never on record as built: hence twice."""
        self.build("--push=false", "--tarball=image.tar")
        time.sleep(2)
        self.build("--push=false", "--tarball=image.tar")
        return self.app / "image.tar"

    def docker_load(self, tar):
        return measure.run(["docker", "load", "-q", "-i", tar], env=self.env).wall

    def koc_load(self):
        return self.build("--local").wall

    def empty(self):
        ids = self.engine.docker("images", "-aq", "--no-trunc").split()
        if ids:
            self.engine.docker("rmi", "-f", *sorted(set(ids)))

    def first(self):
        """Nothing is there."""
        self.change()
        tar = self.tarball()
        self.empty()
        theirs = self.docker_load(tar)
        self.empty()
        return theirs, self.koc_load()

    def changed(self):
        """The image before this one is there. docker load of the tar first, then, with that image
        removed again, koc: both meet the same daemon."""
        self.change()
        tar = self.tarball()
        self.empty()
        self.build("--local")
        self.change()
        tar = self.tarball()
        theirs = self.docker_load(tar)
        self.remove_newest(tar)
        return theirs, self.koc_load()

    def remove_newest(self, tar):
        with tarfile.open(tar) as archive:
            (entry,) = json.load(archive.extractfile("manifest.json"))
        self.engine.docker("rmi", "-f", entry["Config"])

    def unchanged(self):
        tar = self.tarball()
        self.build("--local")
        return self.docker_load(tar), self.koc_load()

    def row(self, name, measured):
        pairs = [measured() for _ in range(self.runs)]
        theirs = statistics.median(pair[0] for pair in pairs)
        ours = statistics.median(pair[1] for pair in pairs)
        print(
            f"{name:34} docker load {theirs * 1000:7.0f} ms   koc build --local "
            f"{ours * 1000:7.0f} ms   {ours / theirs:5.2f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--koc", type=pathlib.Path, default=ROOT / "build/cli/koc")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    bench = Bench(args.koc.resolve(), args.runs)
    start = time.monotonic()
    try:
        bench.row("first image (30 MB of data)", bench.first)
        bench.row("changed binary", bench.changed)
        bench.row("unchanged", bench.unchanged)
    finally:
        bench.close()
    print(f"{time.monotonic() - start:.0f} s in all")


if __name__ == "__main__":
    main()
