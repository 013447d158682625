"""Four programs to a slow registry: koc beside ko and another build of koc (KOC_BENCH_OTHER)."""

import gzip
import os
import random
import socket
import threading
import time

import bases
import lan
import measure
import registry

RATE = 3_000_000  # bytes a second that a client gets through, over all connections
PROGRAMS = 4
BASE = 10_000_000  # bytes of its layer, which no compressor makes smaller
# Enough of the standard library for a link of a second or so, and some 6 MB to send.
PROGRAM = """package main

import (
\t"fmt"
\t"net/http"

\t_ "archive/zip"
\t_ "database/sql"
\t_ "encoding/gob"
\t_ "encoding/xml"
\t_ "expvar"
\t_ "go/types"
\t_ "html/template"
\t_ "image/png"
\t_ "log/slog"
\t_ "net/http/pprof"
\t_ "net/rpc"

\t"example.test/four/lib"
)

func main() {{ fmt.Println({n}, lib.Name, http.ListenAndServe(":0", nil)) }}
"""


class SlowUplink(lan.Forwarder):
    """A TCP proxy before a registry through which clients send RATE bytes a second."""

    def __init__(self, upstream):
        self.lock, self.next = threading.Lock(), 0.0
        super().__init__(upstream)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

    def carry(self, client, server):
        threading.Thread(target=self.copy, args=(server, client, False), daemon=True).start()
        self.copy(client, server, True)

    def wait_for(self, size):
        with self.lock:
            now = time.monotonic()
            self.next = max(self.next, now) + size / RATE
            wait = self.next - now
        time.sleep(wait)

    def copy(self, source, target, slow):
        try:
            while data := source.recv(16384):
                if slow:
                    self.wait_for(len(data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            target.close()


def four(folder):
    (folder / "lib").mkdir(parents=True)
    (folder / "go.mod").write_text("module example.test/four\n\ngo 1.19\n")
    for n in range(PROGRAMS):
        (folder / f"cmd/app{n}").mkdir(parents=True)
        (folder / f"cmd/app{n}/main.go").write_text(PROGRAM.format(n=n))


class Large(bases.Baker):
    """Bakes bases as large as those with a C library are."""

    def layer(self, os, arch, n):
        plain = bases.tar_of({"usr": None, "usr/lib": random.Random(n).randbytes(BASE)})
        data = gzip.compress(plain, 1, mtime=0)
        return {"mediaType": self.types["layer"], "size": len(data), "digest": self.blob(data)}, bases.digest_of(plain)


class Overlap:
    def __init__(self, bench, server, elsewhere):
        self.bench, self.proxy, self.changes, self.places = bench, SlowUplink(server.host), 0, 0
        self.folder = bench.scratch / "four"
        four(self.folder)
        baker = Large(elsewhere, "base/large")
        baker.image("oci")
        self.base = baker.name("oci")

    def change(self):
        self.changes += 1
        (self.folder / "lib/lib.go").write_text(f'package lib\n\nconst Name = "{self.changes}"\n')

    def command(self, tool, name, anew):
        """Builds all four; anew: to repositories that nobody has pushed to."""
        words = [tool, "build", *(f"./cmd/app{n}" for n in range(PROGRAMS))]

        def run():
            self.places += anew
            where = f"{self.proxy.host}/{name}{self.places if anew else ''}"
            env = {**self.bench.env, "KO_DOCKER_REPO": where, "KOCACHE": f"{self.bench.scratch / name}",
                   "KO_DEFAULTBASEIMAGE": self.base, "XDG_CACHE_HOME": f"{self.bench.scratch / name}-cache"}
            return measure.run(words, cwd=self.folder, env=env, memory=False)

        return run

    def table(self, title, anew):
        tools = {"koc": self.bench.koc, "koc before": os.environ.get("KOC_BENCH_OTHER"), "ko": self.bench.ko}
        contenders = {name: self.command(tool, name.replace(" ", "-"), anew) for name, tool in tools.items() if tool}
        measure.rounds(contenders, 1, self.change)
        found = measure.rounds(contenders, max(3, min(self.bench.runs, 5)), self.change)
        print(f"### {PROGRAMS} programs to a registry behind {RATE / 1e6:.0f} MB/s, {title}\n")
        print(measure.table(["", "wall s", "koc's of it"], [
            [name, f"{measure.median(runs, 'wall'):.2f}", f"{measure.ratio(found['koc'], runs, 'wall'):.2f}"]
            for name, runs in found.items()]), flush=True)


def overlap_table(bench):
    server = registry.Registry(bench.scratch / "overlap-registry")
    elsewhere = registry.Registry(bench.scratch / "overlap-bases")
    overlap = Overlap(bench, server, elsewhere)
    try:
        overlap.table("one line changed", False)
        overlap.table("one line changed, to new repositories", True)
    finally:
        overlap.proxy.close()
        server.close()
        elsewhere.close()
