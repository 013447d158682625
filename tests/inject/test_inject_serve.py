"""koc serve with failing calls: it answers right or says that it failed, goes on, and keeps its layout whole."""

import contextlib
import hashlib
import http.client
import json
import os
import signal
import threading
import time

import commands
import pytest
from judge import FAILURES
from lab import Lab, number_of, sample
from runner import ROOT, children_of
from world import FINDINGS, is_temporary

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DATA = b"a new blob" * 1000


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def lab(tmp_path_factory, go_env):
    lab = Lab(tmp_path_factory.mktemp("inject"), os.environ.get("KOC_BUILD", ROOT / "build-asan"), go_env)
    commands.prepare(lab.world, lab.koc)
    lab.world.keep()
    yield lab
    lab.close()


class Exchange:
    """One koc serve in the fork server, the requests to it, and what came of them."""

    def __init__(self, lab, plan):
        self.lab, self.answers = lab, []
        self.out = lab.server.scratch / "stdout"
        self.out.unlink(missing_ok=True)
        self.folder = lab.world / "target/layout"
        argv = ["koc", "serve", "--address=127.0.0.1:0", str(self.folder)]
        self.thread = threading.Thread(target=lambda: setattr(self, "result", lab.server.run(argv, plan)))
        self.thread.start()

    def host(self):
        """Where it listens; None: it ended before."""
        while self.thread.is_alive():
            with contextlib.suppress(FileNotFoundError):
                text = self.out.read_text()
                if text.endswith("\n"):
                    return text.strip()
            time.sleep(0.002)
        return None

    def ask(self, host, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(host, timeout=20)
        with contextlib.closing(connection):
            try:
                connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
                response = connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException):
                return 599, b""

    def run(self):
        host = self.host()
        if host:
            config = json.loads((self.folder / "index.json").read_text())["manifests"][0]["digest"]
            old = (self.folder / "blobs" / config.replace(":", "/")).read_bytes()
            blob = json.loads(old)["layers"][0]["digest"]
            changed = json.dumps({**json.loads(old), "annotations": {"a": "b"}}).encode()
            for request in [
                ("GET", f"/v2/app/manifests/{config}"),
                ("GET", f"/v2/app/blobs/{blob}"),
                ("POST", f"/v2/app/blobs/uploads/?digest={sha(DATA)}", DATA),
                ("GET", f"/v2/app/blobs/{sha(DATA)}"),
                ("PUT", "/v2/app/manifests/new", changed),
                ("GET", "/v2/app/tags/list"),
                ("GET", f"/v2/app/manifests/{config}"),
            ]:
                self.answers.append(self.ask(host, *request, Content_Type=MANIFEST))
            for pid in children_of(self.lab.server.process.pid):
                os.kill(pid, signal.SIGTERM)
        self.thread.join()
        return self


def problem(lab, usual, got, unlinks):
    result = got.result
    if result.hung or result.left or result.status < 0 or any(word in result.stderr for word in FINDINGS):
        return f"it ends with {result.status}"
    if not got.answers:
        return None if result.status == 1 and result.errors else "it does not start, and gives no error"
    if result.status != usual.result.status:
        return f"its exit code is {result.status}"
    first = next((n for n, (a, b) in enumerate(zip(got.answers, usual.answers)) if a != b), None)
    if first is not None and got.answers[first][0] < 500:
        return f"answer {first + 1} is {got.answers[first]} instead of {usual.answers[first]}"
    if got.answers[-1] != usual.answers[-1] and first != len(got.answers) - 1:
        return "it does not go on"
    return problem_of_layout(lab, got.folder, unlinks)


def problem_of_layout(lab, folder, unlinks):
    files = {path: data for path, data in lab.world.tree.read().items() if path.startswith(str(folder))}
    for path, data in files.items():
        if is_temporary(path) and not unlinks:
            return f"{path} is left"
        if "/blobs/sha256/" in path and data is not None and not sha(data).endswith(os.path.basename(path)):
            return f"{path} is broken"
    for entry in json.loads(files[f"{folder}/index.json"])["manifests"]:
        if f"{folder}/blobs/{entry['digest'].replace(':', '/')}" not in files:
            return f"index.json names {entry['digest']}, which is not there"
    return None


def check(lab, record_property, kinds, most, hows):
    usual = Exchange(lab, "").run()
    assert [status for status, _ in usual.answers] == [200, 200, 201, 200, 201, 200, 200], usual.answers
    injected, problems = 0, []
    for kind in kinds:
        for how in FAILURES[kind][:hows]:
            for n in sample(usual.result.counts[kind], most):
                lab.world.restore()
                got = Exchange(lab, f"{kind} {n} {number_of(how)}").run()
                injected += got.result.fired > 0
                found = got.result.fired and problem(lab, usual, got, kind == "unlink")
                if found:
                    where = lab.symbolize(got.result.trace)
                    problems.append(f"{kind} {n} {how}: {found}\n  at {where}\n  {got.result.stderr.strip()[:1000]}")
    lab.world.restore()
    record_property("injected", injected)
    assert not problems, f"{len(problems)} problems\n\n" + "\n\n".join(problems)
    assert injected > 0


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [["alloc"], [kind for kind in FAILURES if kind != "alloc"]], ids=["alloc", "calls"])
def test_serve_survives_every_failing_call(lab, kinds, record_property):
    check(lab, record_property, kinds, 400, 9)


def test_serve_survives_some_failing_calls(lab, record_property):
    check(lab, record_property, FAILURES, 1, 1)
