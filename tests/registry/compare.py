#!/usr/bin/env python3
"""The same faults before koc, crane, oras and skopeo: prints the table of docs/registry.md, and fails if a row
does not hold for koc. `./dev bench registry` runs it.

    tests/registry/compare.py BUILD [--quick] [ROW...]    (docker-registry on PATH; ROW: a word of its title)
"""

import argparse
import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[0] / "e2e"), str(HERE.parents[1] / "bench")]

import faulty as faults  # noqa: E402
import measure  # noqa: E402
import registry as registries  # noqa: E402
import servers  # noqa: E402
from faulty import Faulty, Hold, Rate, Rule  # noqa: E402
from runner import Home, find_tool  # noqa: E402
from tokens import MoodyTokens  # noqa: E402

LIMIT = 60  # seconds for one command
MB = 1000 * 1000
LAYER, LAYERS = 4500000, 2
BIG = 16 * MB  # more than the buffers between a client and the proxy hold
UPLOAD = "/blobs/uploads/"
ZEROS = "sha256:" + "0" * 64


class Client:
    """A program, and how it copies and pulls."""

    def __init__(self, name, copy, pull, copy_all=None, env=None):
        self.name, self.copy, self.pull, self.copy_all, self.env = name, copy, pull, copy_all, env or {}


def koc_client(build):
    koc = build / "cli/koc"
    if subprocess.run([koc, "copy", "--help"], capture_output=True).returncode != 0:
        regtool = build / "tests/registry/regtool"  # a build without the image verbs
        return Client("koc", lambda s, t: [regtool, "--cache", os.environ.get("KOC_CACHE", "/nonexistent"), "copy", s, t],
                      lambda r, d: [regtool, "pull", r])

    return Client("koc", lambda s, t: [koc, "copy", s, t], lambda r, d: [koc, "pull", r, d],
                  lambda pairs: [koc, "copy", "-q", "--all-tags", *whole(pairs)])


def whole(pairs):
    """The repositories of pairs that differ only in their tags."""
    return [x.rsplit(":", 1)[0] for x in pairs[0]]


def clients(build, wanted):
    found = [koc_client(build)]
    crane, oras, skopeo = (find_tool(name) for name in ("crane", "oras", "skopeo"))
    if crane:
        found.append(Client("crane", lambda s, t: [crane, "copy", s, t], lambda r, d: [crane, "pull", r, d],
                            lambda pairs: [crane, "copy", "--all-tags", *whole(pairs)]))
    if oras:
        found.append(Client("oras",
                            lambda s, t: [oras, "copy", "--from-plain-http", "--to-plain-http", s, t],
                            lambda r, d: [oras, "copy", "--from-plain-http", "--to-oci-layout", r, f"{d}:v1"]))
    if skopeo:
        flags = ["--src-tls-verify=false", "--dest-tls-verify=false"]

        def sync(pairs):
            source, target = whole(pairs)
            return [skopeo, "sync", *flags, "--src", "docker", "--dest", "docker", source, target.rsplit("/", 1)[0]]
        found.append(Client("skopeo",
                            lambda s, t: [skopeo, "copy", "-q", *flags, f"docker://{s}", f"docker://{t}"],
                            lambda r, d: [skopeo, "copy", "-q", *flags[:1], f"docker://{r}", f"oci:{d}:v1"], sync))
    return [c for c in found if not wanted or c.name in wanted]


class Missing(Exception):
    """A program that a row needs."""


def must_have(name):
    if find_tool(name) is None:
        raise Missing(name)


class Outcome:
    """Whether a cell holds, and its text."""

    def __init__(self, holds, text):
        self.holds, self.text = holds, text


class Scene:
    """Shared by the rows: registries, an image, a separate user for each client."""

    def __init__(self, build, folder, quick):
        self.build, self.folder, self.quick = build, pathlib.Path(folder), quick
        self.homes, self.count = {}, 0
        self.target = registries.Registry(self.folder / "target")
        self.origin = registries.Registry(self.folder / "origin")
        self.pki = registries.Pki(self.folder / "pki")
        self.source = f"{self.origin.host}/compare/image:v1"
        self.here = f"{self.target.host}/pulls/other:v1"
        self.big = f"{self.origin.host}/compare/big:v1"
        for seed, reference in enumerate((self.source, self.here)):
            self.make(reference, seed * 9)
        self.make(self.big, 99, layer=BIG)

    def close(self):
        self.target.close()
        self.origin.close()

    def make(self, reference, seed=1, env=None, layer=LAYER, layers=LAYERS):
        regtool = self.build / "tests/registry/regtool"
        subprocess.run([regtool, "push", str(layer), str(seed), str(layers), reference], check=True,
                       capture_output=True, env=env)

    def home(self, client):
        return self.homes.setdefault(client.name, Home(self.folder / client.name, {}))

    def env(self, client):
        home = self.home(client)
        config = home.home / ".docker/config.json"
        more = {"REGISTRY_AUTH_FILE": config} if config.exists() else {}
        return home.env(KOC_CACHE=home.cache / "koc", **more)

    def login(self, client, *hosts):
        home = self.home(client)
        (home.home / ".docker").mkdir(exist_ok=True)
        entry = {"username": registries.USER, "password": registries.PASSWORD}
        entry |= {"auth": registries.base64.b64encode(f"{registries.USER}:{registries.PASSWORD}".encode()).decode()}
        path = home.home / ".docker/config.json"
        path.write_text(json.dumps({"auths": {host: entry for host in hosts}}))
        path.chmod(0o600)

    def name(self):
        """A repository that is new."""
        self.count += 1
        return f"compare/n{self.count}"

    def run(self, client, command, limit=LIMIT):
        """(exit status or None when it hangs, seconds)"""
        begin = time.monotonic()
        process = subprocess.Popen(list(map(str, command)), env=self.env(client), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = None
        return status, time.monotonic() - begin

    def copy(self, client, target, source=None):
        return self.run(client, client.copy(source or self.source, target))

    def pull(self, client, reference, limit=LIMIT):
        with tempfile.TemporaryDirectory(dir=self.folder) as into:
            return self.run(client, client.pull(reference, f"{into}/image"), limit)


def say(status, seconds):
    return f"{'hangs' if status is None else 'ok' if status == 0 else 'fails'}, {seconds:.1f} s"


def ok(status, seconds, most=LIMIT):
    return Outcome(status == 0 and seconds <= most, say(status, seconds))


def refused(status, seconds, most=10):
    return Outcome(status not in (0, None) and seconds <= most, say(status, seconds))


# --- the rows --------------------------------------------------------------------------------------------

def random_503(scene, client):
    count = 10 if scene.quick or client.name != "koc" else 100
    proxy = Faulty(scene.target.host, seed=3)
    proxy.add(Rule("*", "/v2/", faults.answer(503), chance=0.2))
    results = [scene.copy(client, f"{proxy.host}/{scene.name()}:v1") for _ in range(count)]
    proxy.close()
    good, longest = sum(s == 0 for s, _ in results), max(t for _, t in results)
    total = sum(t for _, t in results)
    return Outcome(good == count and longest <= 10, f"{good}/{count}, {total / count:.1f} s each, {longest:.1f} s at most")


def many_pushes(scene, client, pushes):
    """pushes: (rules, source), each through a new proxy. The peers get every tenth."""
    pushes = pushes if client.name == "koc" and not scene.quick else pushes[::10]
    begin, good = time.monotonic(), 0
    for rules, source in pushes:
        proxy = Faulty(scene.target.host)
        for rule in rules():
            proxy.add(rule)
        good += scene.copy(client, f"{proxy.host}/{scene.name()}:v1", source)[0] == 0
        proxy.close()
    each = (time.monotonic() - begin) / len(pushes)
    return Outcome(good == len(pushes), f"{good}/{len(pushes)}, {each:.1f} s each")


def body_limit(scene, client):
    sources = {n: f"{scene.origin.host}/compare/layers{n}:v1" for n in range(2, 9)}
    if not hasattr(scene, "limited"):
        for n, source in sources.items():
            scene.make(source, 1000 * n, layer=3 * MB, layers=n)
        scene.limited = True
    too_large = faults.refuse_bodies(413, more_than=1 << 20)
    pushes = [(lambda: [Rule("P(UT|ATCH)", UPLOAD, too_large)], sources[2 + i % 7]) for i in range(100)]
    return many_pushes(scene, client, pushes)


def put_refused(scene, client):
    statuses = [400, 404, 405, 411, 413, 500, 501]

    def rules_of(status):
        return lambda: [Rule("PUT", UPLOAD, faults.refuse_bodies(status))]
    return many_pushes(scene, client, [(rules_of(statuses[i % 7]), scene.source) for i in range(100)])


def patch_refused(scene, client):
    return many_pushes(scene, client, [(lambda: [Rule("PATCH", UPLOAD, faults.answer(405))], scene.source)
                                       for _ in range(20)])


def cut(server_of):
    def row(scene, client):
        server = server_of(scene)
        proxy = Faulty(server.host, small_buffers=True)
        proxy.cut_uploads_after = 3 * MB
        result = scene.copy(client, f"{proxy.host}/{scene.name()}:v1")
        sent = sum(e.sent for e in proxy.log)
        proxy.close()
        if server is not scene.target:
            server.close()
        outcome = ok(*result)
        outcome.text += f", {sent / MB:.0f} MB sent" if outcome.holds else ""
        return outcome
    return row


def truncated(scene, client):
    proxy = Faulty(scene.target.host)
    proxy.add(Rule("GET", "/blobs/", faults.truncate(1500000)))
    result = scene.pull(client, scene.here.replace(scene.target.host, proxy.host))
    given = sum(e.given for e in proxy.requests("GET", "/blobs/"))
    proxy.close()
    once = given <= LAYER * LAYERS * 1.02 + 50000
    outcome = ok(*result)
    return Outcome(outcome.holds and once, outcome.text + (f", {given / MB:.1f} MB for 9" if outcome.holds else ""))


def token_dies(scene, client):
    tokens = MoodyTokens(scene.pki, ttl=3)
    server = registries.bearer_registry(scene.folder / scene.name().replace("/", "-"), scene.pki, tokens)
    slow = Faulty(server.host)
    slow.host = slow.host.replace("127.0.0.1", "localhost")  # the realm is there, and crane wants one host
    slow.add(Rule("P(UT|ATCH)", UPLOAD, faults.delay(4), times=2))
    scene.login(client, slow.host)
    result = scene.copy(client, f"{slow.host}/{scene.name()}:v1")
    for thing in (slow, server, tokens):
        thing.close()
    return ok(*result)


def false_digest(scene, client):
    proxy = Faulty(scene.target.host)
    proxy.add(Rule("*", "/manifests/v1", faults.header("Docker-Content-Digest", ZEROS)))
    result = scene.pull(client, scene.here.replace(scene.target.host, proxy.host))
    proxy.close()
    return refused(*result)


def blackhole(scene, client):
    proxy = Faulty(scene.target.host)
    proxy.add(Rule("*", "/v2/", faults.silence()))
    result = scene.pull(client, scene.here.replace(scene.target.host, proxy.host), limit=40)
    proxy.close()
    return refused(*result, most=35)


BASIC = registries.base64.b64encode(f"{registries.USER}:{registries.PASSWORD}".encode())


def lets_in(seen):
    """The other host: it needs no credentials, records requests, and forwards them to the registry."""
    def act(x):
        seen.append("authorization" in x.entry.headers)
        if not seen[-1]:
            x.head += b"\r\nAuthorization: Basic " + BASIC
        return False
    return act


def upload_elsewhere(scene, client):
    server, seen = registries.basic_registry(scene.folder / scene.name().replace("/", "-")), []
    front, other = Faulty(server.host), Faulty(server.host, host="127.0.0.2")
    other.add(Rule("*", "", lets_in(seen)))
    front.add(Rule("POST", UPLOAD, faults.header("Location", lambda v: v.replace(front.host, other.host))))
    scene.login(client, front.host)
    result = scene.copy(client, f"{front.host}/{scene.name()}:v1")
    for thing in (front, other, server):
        thing.close()
    outcome = ok(*result)
    leak = " and reveals the password" if any(seen) else ""
    return Outcome(outcome.holds and not leak, outcome.text + leak)


def store_elsewhere(scene, client):
    server = registries.basic_registry(scene.folder / scene.name().replace("/", "-"))
    front, store, seen = Faulty(server.host), Faulty(server.host, host="127.0.0.2"), []

    def picky(x):
        if "authorization" in x.entry.headers:
            seen.append(True)
            x.respond(400, body=b"Only one auth mechanism allowed")
            return True
        return lets_in([])(x)

    def to_store(x):
        x.respond(307, {"Location": f"http://{store.host}{x.entry.path}"})
        return True
    scene.login(client, front.host)
    home = scene.home(client)
    scene.make(f"{front.host}/stored:v1", env=home.env())
    store.add(Rule("*", "", picky))
    front.add(Rule("GET", "/blobs/", lambda x: to_store(x) if "authorization" in x.entry.headers else False))
    result = scene.pull(client, f"{front.host}/stored:v1")
    for thing in (front, store, server):
        thing.close()
    outcome = ok(*result)
    return Outcome(outcome.holds and not seen, outcome.text + (" and reveals the password" if seen else ""))


def rate_limit(scene, client):
    proxy = Faulty(scene.target.host)
    proxy.add(Rule("*", "/v2/", Rate(5)))
    status, seconds = scene.copy(client, f"{proxy.host}/{scene.name()}:v1")
    passed = sum(e.status != 429 for e in proxy.log)
    proxy.close()
    least = max((passed - 5) // 5 + ((passed - 5) % 5 > 0), 1)  # the first five go at once
    outcome = ok(status, seconds)
    return Outcome(outcome.holds and seconds <= 1.5 * least + 0.5, outcome.text + f" for {passed} requests")


def killed(server_of):
    def row(scene, client):
        server = server_of(scene)
        proxy, target = Faulty(server.host, small_buffers=True), scene.name()
        hold = Hold(3 * MB)
        proxy.add(Rule("P(UT|ATCH)", UPLOAD, hold))
        process = subprocess.Popen(list(map(str, client.copy(scene.big, f"{proxy.host}/{target}:v1"))),
                                   env=scene.env(client), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        reached = hold.reached.wait(20)
        deadline = time.monotonic() + 20  # until the other layer has come through
        while time.monotonic() < deadline and not any(e.sent >= BIG and e.status for e in proxy.log):
            time.sleep(0.1)
        process.kill()
        process.wait()
        hold.released.set()
        hold.over.wait(20)
        time.sleep(0.3)
        kept = max((e.sent for e in proxy.log if e.status == 0), default=0)
        proxy.log.clear()
        result = scene.copy(client, f"{proxy.host}/{target}:v1", scene.big)
        sent = sum(e.sent for e in proxy.log)
        proxy.close()
        resumes = server is not scene.target
        if resumes:
            server.close()
        outcome = ok(*result)
        most = (BIG - kept if resumes else BIG) + 100000
        return Outcome(reached and outcome.holds and sent <= most,
                       outcome.text + (f", {sent / MB:.1f} MB sent" if outcome.holds else ""))
    return row


def put_many(host, repository, count):
    """count images with three layers each; returns their tags."""
    def one(numbers):
        connection = http.client.HTTPConnection(host)

        def ask(method, path, body=b"", **headers):
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            reply = connection.getresponse()
            reply.read()
            assert reply.status < 300, f"{method} {path}: {reply.status}"
            return reply

        def blob(data):
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            where = ask("POST", f"/v2/{repository}/blobs/uploads/").headers["Location"]
            where = where.removeprefix(f"http://{host}")
            ask("PUT", f"{where}{'&' if '?' in where else '?'}digest={digest}", data,
                Content_Type="application/octet-stream")
            return {"digest": digest, "size": len(data)}
        for i in numbers:
            layers = [(f"layer {i}.{k} " * 300).encode() for k in range(3)]
            config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [
                f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]}}
            oci = "application/vnd.oci.image"
            manifest = {
                "schemaVersion": 2, "mediaType": f"{oci}.manifest.v1+json",
                "config": {"mediaType": f"{oci}.config.v1+json"} | blob(json.dumps(config).encode()),
                "layers": [{"mediaType": f"{oci}.layer.v1.tar"} | blob(layer) for layer in layers]}
            ask("PUT", f"/v2/{repository}/manifests/t{i}", json.dumps(manifest).encode(),
                Content_Type=manifest["mediaType"])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, [range(k, count, 4) for k in range(4)]))
    return [f"t{i}" for i in range(count)]


class Many:
    """1,000 images from registry to registry; koc must beat the peers, so it runs last."""

    def __init__(self):
        self.tags, self.seconds = None, {}

    def __call__(self, scene, client):
        count = 50 if scene.quick else 1000
        must_have("ociregistry")
        if not client.copy_all:
            return Outcome(client.name != "koc", "–")
        source = servers.cue(scene.folder / "many-source")
        target = servers.cue(scene.folder / f"many-{client.name}")
        tags = put_many(source.host, "many/app", count)
        pairs = [(f"{source.host}/many/app:{tag}", f"{target.host}/many/app:{tag}") for tag in tags]
        try:
            found = measure.run(client.copy_all(pairs), env=scene.env(client))
            arrived = len(target.tags("many/app"))
        except SystemExit as failure:
            return Outcome(False, str(failure)[:40])
        finally:
            source.close()
            target.close()
        if arrived != count:
            return Outcome(False, f"{arrived} of {count} arrived")
        self.seconds[client.name] = found.wall
        peers = [s for name, s in self.seconds.items() if name != "koc"]
        holds = found.memory <= 48 << 20 and (client.name != "koc" or found.wall <= 0.7 * min(peers, default=1e9))
        return Outcome(holds, f"{found.wall:.1f} s, {found.cpu:.1f} s CPU, {found.memory / 2**20:.0f} MiB")


def distribution3(scene):
    must_have("registry")
    return servers.distribution3(scene.folder / scene.name().replace("/", "-"))


def rows():
    return [
        ("20 % random 503, 100 pushes of a 9 MB image (peers: 10)", random_503),
        ("every upload cut after 3 MB, no resume", cut(lambda scene: scene.target)),
        ("every upload cut after 3 MB, distribution 3", cut(distribution3)),
        ("bodies over 1 MiB refused (413), 2 to 8 layers of 3 MB; 100 pushes (peers: 10)", body_limit),
        ("a blob in one PUT refused (400, 404, 405, 411, 413, 500, 501); 100 pushes (peers: 10)", put_refused),
        ("PATCH refused (405); 20 pushes (peers: 2)", patch_refused),
        ("pull truncated once per connection", truncated),
        ("token dies in mid-push", token_dies),
        ("false Docker-Content-Digest by tag (must fail)", false_digest),
        ("blackhole: accepts, never answers (must fail in 35 s)", blackhole),
        ("upload Location on another host", upload_elsewhere),
        ("blobs in a store that rejects Authorization", store_elsewhere),
        ("rate: 5 requests a second, Retry-After: 1", rate_limit),
        ("kill -9 in mid-push, then again; docker-registry 2.8", killed(lambda scene: scene.target)),
        ("kill -9 in mid-push, then again; distribution 3", killed(distribution3)),
        ("1,000 images of 3 layers, registry to registry", Many()),
    ]


def cell(scene, row, client):
    try:
        return row(scene, client)
    except Missing as missing:
        return Outcome(True, f"not run: no {missing}")
    except (Exception, SystemExit) as trouble:  # a row that cannot run must not end the table
        return Outcome(False, f"not run: {type(trouble).__name__} {str(trouble)[:60]}")


def table(build, quick=False, only=(), tools=()):
    """Prints the table; returns the titles of the rows that fail for koc."""
    found, missed = clients(build, tools), []
    print("| fault |", " | ".join(c.name for c in found), "|")
    print("| --- |", " | ".join("---" for _ in found), "|", flush=True)
    with tempfile.TemporaryDirectory(prefix="koc-faults-") as folder:
        scene = Scene(build, folder, quick)
        try:
            for title, row in rows():
                if only and not any(word in title for word in only):
                    continue
                order = [*found[1:], found[0]]  # koc last: some rows are held against the others
                cells = {c.name: cell(scene, row, c) for c in order}
                if not cells[found[0].name].holds:
                    missed.append(title)
                print(f"| {title} |", " | ".join(cells[c.name].text for c in found), "|", flush=True)
        finally:
            scene.close()
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="fewer pushes and images")
    parser.add_argument("--tools", type=lambda s: s.split(","), default=(), help="only these clients")
    parser.add_argument("rows", nargs="*")
    args = parser.parse_args()
    missed = table(args.build.resolve(), args.quick, args.rows, args.tools)
    for title in missed:
        print(f"does not hold: {title}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
