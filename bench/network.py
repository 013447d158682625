"""The registry client's figures: bandwidth of one large blob beside curl, and the fault table."""

import hashlib
import os
import pathlib
import subprocess
import sys
import urllib.request

import measure
import registry

ROOT = pathlib.Path(__file__).resolve().parents[1]
GIB = 1 << 30


def quiet(*command):
    """Its output thrown away, by the process itself."""
    return ["sh", "-c", 'exec "$@" > /dev/null', "sh", *command]


def random_file(path, size):
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for _ in range(size >> 20):
            block = os.urandom(1 << 20)
            digest.update(block)
            out.write(block)
    return f"sha256:{digest.hexdigest()}"


class Blob:
    """One blob in a file, and the ways to send and fetch it. Each put goes to a repository of its own."""

    def __init__(self, bench, server, regtool, size):
        self.bench, self.server, self.regtool = bench, server, regtool
        self.path, self.size, self.count = bench.scratch / "blob", size, 0
        self.digest = random_file(self.path, size)

    def repository(self):
        self.count += 1
        return f"bandwidth/r{self.count}"

    def run(self, *command):
        return measure.run(quiet(*command), env=self.bench.env)

    def curl_put(self):
        url = f"http://{self.server.host}/v2/{self.repository()}/blobs/uploads/"
        request = urllib.request.Request(url, data=b"", method="POST")
        where = urllib.request.urlopen(request).headers["Location"]
        return self.run("curl", "-sSf", "-T", self.path, "-H", "Content-Type: application/octet-stream",
                        f"{where}&digest={self.digest}")

    def curl_get(self):
        return self.run("curl", "-sSf", "-o", "/dev/null",
                        f"http://{self.server.host}/v2/bandwidth/r1/blobs/{self.digest}")

    def put(self):
        return self.run(self.regtool, "put-blob", self.path, f"{self.server.host}/{self.repository()}")

    def get(self):
        return self.run(self.regtool, "get-blob", f"{self.server.host}/bandwidth/r1", self.digest, str(self.size))

    def sha256(self):
        return self.run("openssl", "dgst", "-sha256", self.path)


def bandwidth_table(bench, regtool, size=GIB):
    server = registry.Registry(bench.scratch / "bandwidth-registry")
    try:
        blob = Blob(bench, server, regtool, size)
        blob.curl_put()  # the one that is fetched
        runs = max(3, min(bench.runs, 5))
        found = measure.rounds({
            "curl -T": blob.curl_put, "koc put": blob.put, "curl -o": blob.curl_get, "koc get": blob.get,
            "openssl dgst -sha256": blob.sha256}, runs)
    finally:
        server.close()
    print(f"### A blob of {size >> 20} MiB to and from docker-registry on loopback\n")
    print(f"medians of {runs} alternating runs; the last column: curl's time and that of one SHA-256 pass, by koc's\n")
    both = {"koc put": "curl -T", "koc get": "curl -o"}
    lines = []
    for name, these in found.items():
        shares = [(c.wall + s.wall) / k.wall for k, c, s in
                  zip(these, found[both[name]], found["openssl dgst -sha256"])] if name in both else []
        lines.append([name, f"{measure.median(these, 'wall'):.2f}", f"{measure.median(these, 'cpu'):.2f}",
                      f"{measure.median(these, 'memory') / 2**20:.0f}",
                      f"{sorted(shares)[len(shares) // 2]:.2f}" if shares else ""])
    print(measure.table(["", "wall s", "CPU s", "peak MiB", "of curl + SHA-256"], lines), flush=True)


def registry_table(bench):
    """Bandwidth, then faults; needs the build with test tools that ./dev bench makes."""
    build = pathlib.Path(os.environ.get("KOC_BENCH_BUILD", ROOT / "build-bench"))
    regtool = build / "tests/registry/regtool"
    if not regtool.exists():
        print(f"(no {regtool}: ./dev bench registry builds it)\n")
        return
    bandwidth_table(bench, regtool)
    print("### The same faults before koc and other clients\n", flush=True)
    subprocess.run([sys.executable, ROOT / "tests/registry/compare.py", build], check=False)
