"""Four programs to a slow registry: koc beside another build of it (KOC_BENCH_OTHER)."""

import os
import socket
import threading
import time

import bases
import measure
import registry

RATE = 3_000_000  # bytes a second that a client gets through, over all connections
PROGRAMS = 4
PROGRAM = """package main

import (
\t"fmt"
\t"net/http"

\t"example.test/four/lib"
)

func main() {{ fmt.Println({n}, lib.Name, http.ListenAndServe(":0", nil)) }}
"""


class SlowUplink:
    """A TCP proxy before a registry through which clients send RATE bytes a second."""

    def __init__(self, upstream):
        name, port = upstream.rsplit(":", 1)
        self.upstream, self.lock, self.next = (name, int(port)), threading.Lock(), 0.0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.upstream)
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

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


def overlap_table(bench):
    folder = bench.scratch / "four"
    four(folder)
    server = registry.Registry(bench.scratch / "overlap-registry")
    proxy = SlowUplink(server.host)
    changes = 0

    def change():
        nonlocal changes
        changes += 1
        (folder / "lib/lib.go").write_text(f'package lib\n\nconst Name = "{changes}"\n')

    def command(tool, name):
        env = {**bench.env, "KO_DOCKER_REPO": f"{proxy.host}/{name}", "KOCACHE": bench.scratch / name,
               "KO_DEFAULTBASEIMAGE": base}
        words = [tool, "build", "./cmd/..."]
        return lambda: measure.run(words, cwd=folder, env={k: str(v) for k, v in env.items()}, memory=False)

    base = bases.single(server, bases.OCI, "oci").replace(server.host, proxy.host)
    contenders = {"koc": command(bench.koc, "koc")}
    other = os.environ.get("KOC_BENCH_OTHER")
    if other:
        contenders["koc before"] = command(other, "before")
    try:
        measure.rounds(contenders, 1, change)
        found = measure.rounds(contenders, max(3, min(bench.runs, 5)), change)
    finally:
        proxy.close()
        server.close()
    print(f"### {PROGRAMS} programs to a registry behind {RATE / 1e6:.0f} MB/s, one line changed\n")
    print(measure.table(["", "wall s", "koc's of it"], [
        [name, f"{measure.median(runs, 'wall'):.2f}", f"{measure.ratio(found['koc'], runs, 'wall'):.2f}"]
        for name, runs in found.items()]), flush=True)
