"""A thousand images from registry to registry: koc copy beside crane and skopeo."""

import gzip
import json
import pathlib
import random
import shutil
import sys

import bases
import measure
import network
import registry
from oci import digest_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/registry"))

import servers  # noqa: E402

LAYERS = 3


def fill(server, images):
    """Tags t0, t1, … of one repository; no two images share a layer."""
    noise = random.Random(7)
    for n in range(images):
        layers, diff_ids = [], []
        for k in range(LAYERS):
            tar = bases.tar_of({f"f{n}-{k}": noise.randbytes(20000)})
            data = gzip.compress(tar, 1, mtime=0)
            server.put_blob("many", data, digest_of(data))
            layers.append({"mediaType": bases.OCI["layer"], "digest": digest_of(data), "size": len(data)})
            diff_ids.append(digest_of(tar))
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
        server.put_blob("many", config, digest_of(config))
        manifest = {"schemaVersion": 2, "mediaType": bases.OCI["manifest"], "layers": layers,
                    "config": {"mediaType": bases.OCI["config"], "digest": digest_of(config), "size": len(config)}}
        server.put_manifest("many", f"t{n}", json.dumps(manifest).encode(), bases.OCI["manifest"])


class Contenders:
    """Each run goes to a repository of its own."""

    def __init__(self, bench, source, target):
        self.bench, self.source, self.target, self.count = bench, source, target, 0

    def run(self, *command):
        self.count += 1
        return measure.run(network.quiet(*command, f"{self.source.host}/many",
                                         f"{self.target.host}/run{self.count}"), env=self.bench.env)

    def all(self):
        found = {"koc copy -a": lambda: self.run(self.bench.koc, "copy", "-q", "-a")}
        if shutil.which("crane"):
            found["crane copy -a"] = lambda: self.run("crane", "copy", "-a", "--insecure")
        if shutil.which("skopeo"):
            found["skopeo sync"] = lambda: self.run(
                "skopeo", "sync", "--src", "docker", "--dest", "docker", "--src-tls-verify=false",
                "--dest-tls-verify=false")
        return found


def copy_table(bench, images=1000):
    kinds = {}
    if shutil.which("ociregistry"):
        kinds["cue's ociregistry, in memory: what is measured is the client"] = servers.cue
    kinds["docker-registry"] = registry.Registry
    print(f"### {images} images of {LAYERS} layers from registry to registry on loopback\n")
    for k, (title, start) in enumerate(kinds.items()):
        source = start(bench.scratch / f"copy-from-{k}")
        target = start(bench.scratch / f"copy-to-{k}")
        try:
            fill(source, images)
            runs = max(2, min(bench.runs, 3))
            found = measure.rounds(Contenders(bench, source, target).all(), runs)
        finally:
            source.close()
            target.close()
        print(f"{title}, medians of {runs} alternating runs\n")
        ours = found["koc copy -a"]
        print(measure.table(["", "wall s", "koc's share of it", "CPU s", "peak MiB"], [
            [name, f"{measure.median(these, 'wall'):.1f}", f"{measure.ratio(ours, these, 'wall'):.2f}",
             f"{measure.median(these, 'cpu'):.1f}", f"{measure.median(these, 'memory') / 2**20:.0f}"]
            for name, these in found.items()]), flush=True)
