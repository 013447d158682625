#!/usr/bin/env python3
"""The same faults before koc, crane and skopeo: prints the table of docs/registry.md.

    tests/registry/compare.py BUILD        (a build of koc; docker-registry on PATH)
"""

import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[0] / "e2e")]

import faulty as faults  # noqa: E402
import registry as registries  # noqa: E402
from faulty import Faulty, Rate, Rule  # noqa: E402
from runner import find_tool  # noqa: E402

LIMIT = 40  # seconds for one command


def clients(build):
    """name -> (copy SOURCE TARGET, pull REFERENCE INTO)"""
    found = {"koc": (lambda s, t: [build / "tests/registry/regtool", "copy", s, t],
                     lambda r, d: [build / "tests/registry/regtool", "pull", r])}
    crane, skopeo = find_tool("crane"), find_tool("skopeo")
    if crane:
        found["crane"] = (lambda s, t: [crane, "copy", s, t], lambda r, d: [crane, "pull", r, d])
    if skopeo:
        flags = ["--src-tls-verify=false", "--dest-tls-verify=false"]
        found["skopeo"] = (lambda s, t: [skopeo, "copy", "-q", *flags, f"docker://{s}", f"docker://{t}"],
                           lambda r, d: [skopeo, "copy", "-q", *flags, f"docker://{r}", f"oci:{d}"])
    return found


def timed(command):
    begin = time.monotonic()
    try:
        status = subprocess.run(list(map(str, command)), capture_output=True, timeout=LIMIT).returncode
    except subprocess.TimeoutExpired:
        status = None
    return status, time.monotonic() - begin


def verdict(results):
    good = sum(status == 0 for status, _ in results)
    seconds = sum(t for _, t in results)
    if len(results) > 1:
        return f"{good}/{len(results)}, {seconds:.1f} s"
    status, _ = results[0]
    return f"{'hangs' if status is None else 'ok' if good else 'fails'}, {seconds:.1f} s"


def pushes(source, rules, count=1, cut=None):
    """Copies from a registry of its own, where the target has nothing to mount."""
    def run(client, registry, name):
        proxy = Faulty(registry.host, seed=3)
        proxy.rules, proxy.cut_uploads_after = rules(), cut
        results = [timed(client[0](source, f"{proxy.host}/compare/{name}{i}:v1")) for i in range(count)]
        proxy.close()
        return verdict(results)
    return run


def pulls(source, rules):
    def run(client, registry, name):
        proxy = Faulty(registry.host, seed=3)
        proxy.rules = rules()
        with tempfile.TemporaryDirectory() as folder:
            result = timed(client[1](source.replace(registry.host, proxy.host), f"{folder}/image"))
        proxy.close()
        return verdict([result])
    return run


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    tools = clients(build)
    with tempfile.TemporaryDirectory() as folder:
        registry = registries.Registry(pathlib.Path(folder) / "target")
        origin = registries.Registry(pathlib.Path(folder) / "origin")
        source = f"{origin.host}/compare/image:v1"
        here = f"{registry.host}/pulls/other:v1"
        for seed, reference in enumerate((source, here)):
            subprocess.run([build / "tests/registry/regtool", "push", "4500000", str(seed * 9), "2", reference],
                           check=True, capture_output=True)
        zeros = "sha256:" + "0" * 64
        rows = {
            "20 % random 503, 10 copies of a 9 MB image": pushes(
                source, lambda: [Rule("*", "/v2/", faults.answer(503), chance=0.2)], count=10),
            "three 429 with Retry-After: 1": pushes(
                source, lambda: [Rule("POST", "/uploads/", faults.answer(429, {"Retry-After": "1"}), times=3)]),
            "5 requests a second": pushes(source, lambda: [Rule("*", "/v2/", Rate(5))]),
            "every upload cut after 3 MB, no resume": pushes(source, lambda: [], cut=3000000),
            "pull truncated once per connection": pulls(
                here, lambda: [Rule("GET", "/blobs/", faults.truncate(1500000))]),
            "false Docker-Content-Digest by tag (must fail)": pulls(
                here, lambda: [Rule("*", "/manifests/v1", faults.header("Docker-Content-Digest", zeros))]),
            "accepts, never answers (must fail)": pulls(here, lambda: [Rule("*", "/v2/", faults.silence())]),
        }
        print("| fault |", " | ".join(tools), "|")
        print("| --- |", " | ".join("---" for _ in tools), "|")
        for number, (title, run) in enumerate(rows.items()):
            cells = [run(client, registry, f"{name}{number}x") for name, client in tools.items()]
            print(f"| {title} |", " | ".join(cells), "|", flush=True)
        registry.close()
        origin.close()


if __name__ == "__main__":
    main()
