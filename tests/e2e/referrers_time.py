#!/usr/bin/env python3
"""How long koc serve takes to list referrers: referrers_time.py ENTRIES REFERRERS KOC…

Makes a layout of ENTRIES signatures, REFERRERS of them of one subject, and times each KOC over it.
"""

import hashlib
import http.client
import json
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
TIMES = 7


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_layout(folder, entries, referrers):
    """The digest of the subject."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (blobs / sha(b"{}")[7:]).write_bytes(b"{}")
    lines = []
    for n in range(entries):
        about = sha(b"subject") if n < referrers else sha(b"%d" % n)
        text = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "test/x",
            "config": {"mediaType": EMPTY, "digest": sha(b"{}"), "size": 2}, "layers": [],
            "subject": {"mediaType": MANIFEST, "digest": about, "size": 7},
            "annotations": {"n": str(n)}}).encode()
        (blobs / sha(text)[7:]).write_bytes(text)
        lines.append({"mediaType": MANIFEST, "digest": sha(text), "size": len(text)})
    (folder / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": lines}))
    time.sleep(0.2)  # its times can tell of changes from here on
    return sha(b"subject")


def ask(host, path):
    connection = http.client.HTTPConnection(host, timeout=120)
    started = time.perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    seconds = time.perf_counter() - started
    connection.close()
    assert response.status == 200, body
    return seconds * 1000


def measure(koc, folder, subject):
    server = subprocess.Popen([koc, "serve", "--address=127.0.0.1:0", folder],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    host = server.stdout.readline().strip()
    path = f"/v2/{folder.name}/referrers/{subject}"
    first, *others = [ask(host, path) for _ in range(TIMES + 1)]
    server.send_signal(signal.SIGINT)
    server.wait()
    return first, statistics.median(others)


def main(entries, referrers, *programs):
    with tempfile.TemporaryDirectory() as parent:
        folder = pathlib.Path(parent) / "images"
        subject = make_layout(folder, int(entries), int(referrers))
        for koc in programs:
            first, median = measure(koc, folder, subject)
            print(f"{koc}: {first:.1f} ms, then {median:.1f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
