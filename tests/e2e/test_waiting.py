"""What is told while koc has to wait, to people, to logs of CI and to programs."""

import base64
import contextlib
import http.server
import json
import re
import sys
import threading
import time

import pytest
from runner import ROOT
from schemas import valid

sys.path.insert(0, str(ROOT / "tests/registry"))

from faulty import Faulty, Rule, answer  # noqa: E402

LINE = re.compile(r"Waiting \S+: 503 Service Unavailable.* \(attempt 1, \d s left\)")


@pytest.fixture
def faulty(registry, bases):
    """A proxy before the registry that can be told to be slow or busy."""
    proxy = Faulty(registry.host)
    yield proxy
    proxy.close()


@pytest.fixture
def repository(faulty, bases):
    return bases["oci"].replace(bases["oci"].split("/")[0], faulty.host).split(":oci")[0]


def busy(seconds):
    return answer(503, [("Retry-After", str(seconds))])


@pytest.mark.parametrize(
    "words", [["ls", "{}"], ["digest", "{}:oci"], ["inspect", "{}:oci"], ["pull", "{}:oci", "out.tar"],
              ["copy", "{}:oci", "copied.tar"], ["export", "{}:oci", "out.tar"], ["rm", "{}:none"]], ids=lambda w: w[0])
def test_every_command_tells_that_a_faulty_registry_makes_it_wait(bare_koc, faulty, repository, words):
    faulty.add(Rule("*", "/v2/.+", busy(2), times=1))
    result = bare_koc(*[word.format(repository) for word in words], status=None)
    assert LINE.search(result.stderr), result


def test_a_short_wait_is_not_told(bare_koc, faulty, repository):
    faulty.add(Rule("*", "/v2/.+", answer(503), times=1))
    assert bare_koc("ls", repository).stderr == ""


def test_silence_is_told_and_lines_go_on(bare_koc, faulty, repository):
    def late(exchange):
        time.sleep(12)

    faulty.add(Rule("GET", "/tags/list", late, times=1))
    lines = bare_koc("ls", repository).stderr.splitlines()
    assert re.search(r"  Waiting \S+: no answer yet \(attempt 1, \d+ s left\)", lines[0]), lines
    assert re.search(r"    still waiting for \S+: no answer yet", lines[1]) and len(lines) == 2, lines


def test_the_limit_of_a_rate_is_told_and_its_end(bare_koc, bases, repository):
    words = ["copy", "--progress=json", bases["oci"], f"{repository}-rate:1"]
    waits = [e for e in events(bare_koc(*words, "--registry-rate=1").stderr) if e["kind"] == "request"]
    limited = [e for e in waits if e["state"] == "waiting" and e["reason"] == "limited to 1 request per second"]
    assert limited and all(e["waitMs"] > 1000 for e in limited), waits
    for wait in limited:
        assert "finished" in [e["state"] for e in waits if e["id"] == wait["id"]], waits
    words[-1] = f"{repository}-free:1"
    assert "limited" not in bare_koc(*words, "--registry-rate=500").stderr


def test_a_token_server_that_is_slow_is_told(bare_koc, faulty, repository):
    challenge = f'Bearer realm="http://{faulty.host}/token",service="lab"'
    faulty.add(Rule("GET", "/v2/", answer(401, [("WWW-Authenticate", challenge)]), times=1))

    def late(exchange):
        time.sleep(2.5)
        exchange.respond(200, [("Content-Type", "application/json")], b'{"token":"x"}')
        return True

    faulty.add(Rule("GET", "/token", late))
    text = bare_koc("ls", repository).stderr
    assert re.search(r"Waiting \S+: token server: no answer yet \(attempt 1, \d+ s left\)", text), text


REFERRER = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [],
            "artifactType": "application/vnd.example.note"}


def test_others_who_change_the_list_of_referrers_are_told(bare_koc, bases, faulty, registry, repository):
    """The tag never shows what koc wrote, and each answer takes a while."""
    source, digest = bases["oci"], bare_koc("digest", bases["oci"]).lines[0]
    name = f"{source.partition('/')[2].partition(':')[0]}-listed"
    bare_koc("copy", source, f"{registry.host}/{name}:1")
    subject = registry.manifest(name, "1")
    media_type = json.loads(subject)["mediaType"]
    empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    registry.put_blob(name, b"{}", empty)
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2}
    about = {"mediaType": media_type, "digest": digest, "size": len(subject)}
    note = json.dumps(REFERRER | {"config": config, "subject": about}).encode()
    registry.put_manifest(name, "note", note, REFERRER["mediaType"])
    listed = f"/manifests/{digest.replace(':', '-')}"

    def late(exchange):
        time.sleep(0.6)

    faulty.add(Rule("PUT", listed, late))
    faulty.add(Rule("GET", listed, answer(404)))
    result = bare_koc("copy", f"{registry.host}/{name}:note", f"{faulty.host}/{name}:note2", status=1)
    assert "Waiting" in result.stderr and "other clients keep changing the list of referrers (attempt " in result.stderr, result


class SlowCloud(http.server.BaseHTTPRequestHandler):
    """Metadata and ECR of a cloud; the first answer takes its time."""

    def do_PUT(self):
        time.sleep(2.5)
        self.reply(b"session")

    def do_GET(self):
        role = {"AccessKeyId": "AKID", "SecretAccessKey": "planted", "Token": "t"}
        self.reply(b"lab-role" if self.path.endswith("/") else json.dumps(role).encode())

    def do_POST(self):
        token = base64.b64encode(b"AWS:twelve-hours").decode()
        self.reply(json.dumps({"authorizationData": [{"authorizationToken": token}]}).encode())

    def reply(self, body):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def slow_cloud():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowCloud) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_slow_fake_metadata_server_is_told(bare_koc):
    with slow_cloud() as url:
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_ENDPOINT_URL_ECR": url}
        result = bare_koc("auth", "get", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", env=env)
    pattern = r"  Waiting 127.0.0.1: credentials of the cloud: no answer yet \(attempt 1, \d+ s left\)"
    assert re.fullmatch(pattern, result.stderr.strip("\n")), result
    assert "twelve-hours" in result.stdout


def test_a_long_compile_has_a_heartbeat(bare_koc, app, tmp_path):
    slow = tmp_path / "slow-go"
    slow.write_text('#!/bin/sh\n[ "$1" = build ] && sleep 11\nexec go "$@"\n')
    slow.chmod(0o755)
    words = ["build", "--base-image=scratch", "./cmd/tool"]
    lines = bare_koc(*words, cwd=app, env={"KO_GO_PATH": slow}).stderr.splitlines()
    assert re.fullmatch(r"    still compiling tool linux/\w+ \(1\d s\)", lines[0]), lines


def test_a_plain_locale_gets_ascii(koc, bases, app):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"], "LC_ALL": "C"}
    text = koc("build", "./cmd/app", cwd=app, env=env).stderr
    assert text.isascii() and re.search(r"Resolved base  \S+ -> sha256:[0-9a-f]{12}\.\.\. ", text), text
    assert "→" in koc("build", "./cmd/app", cwd=app, env=env | {"LC_ALL": "C.UTF-8"}).stderr


def test_results_for_people_are_ascii_in_a_plain_locale(koc, bases, app):
    """Help, checks and descriptions on stdout; JSON and what was asked for as bytes stay as they are."""
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"], "LC_ALL": "C"}
    words = [["help", "blob"], ["help", "resolve"], ["doctor"], ["inspect", bases["oci"]], ["ls", bases["oci"].split(":oci")[0]]]
    for each in words:
        plain = koc(*each, cwd=app, env=env, status=None).stdout
        assert plain and plain.isascii(), plain
    assert "8f2c... |" in koc("help", "blob", env=env).stdout
    assert "8f2c… |" in koc("help", "blob", env=env | {"LC_ALL": "C.UTF-8"}).stdout


def events(text):
    return [valid(line, "koc-progress-1") for line in text.splitlines()]


def test_json_lines_hold_all_that_is_said(bare_koc, app, faulty, repository):
    (app / "cmd/tool/broken.go").write_text("package main\n\nfunc x() { return 1 }\n")
    words = ["build", "-v", "--progress=json", "--base-image=scratch", "--push=false", "./cmd/tool"]
    failed = events(bare_koc(*words, cwd=app, status=1, env={"KO_DOCKER_REPO": "x.test/y"}).stderr)
    assert "broken.go:3:" in next(e["message"] for e in failed if e["kind"] == "output")
    assert failed[-1]["kind"] == "error" and "go build failed" in failed[-1]["message"]
    faulty.add(Rule("*", "/v2/.+", busy(1), times=1))
    waited = events(bare_koc("ls", "--progress=json", repository).stderr)
    first = next(e for e in waited if e["state"] == "waiting")
    assert first["kind"] == "request" and first["reason"].startswith("503") and first["waitMs"] >= 1000
    timed = events(bare_koc("build", "--progress=json", "--timings", *words[3:5], "./cmd/app", cwd=app, env={"KO_DOCKER_REPO": "x.test/y"}).stderr)
    assert "build" in next(e["message"] for e in timed if e["kind"] == "timings")
    usage = events(bare_koc("build", "--progress=json", "--env=A=b", status=2).stderr)
    assert [e["kind"] for e in usage] == ["error"]


def test_documents_keep_their_schemas(koc, bases, app):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    for words in (["./cmd/app", "./cmd/tool"], ["./cmd/app"], ["--push=false", "--tarball=x.tar", "./cmd/app"]):
        assert valid(koc("build", "--json", *words, cwd=app, env=env).stdout, "koc-build-1")["results"]
    valid(koc("version", "--json").stdout, "koc-version-1")
    valid(koc("doctor", "--json", cwd=app, env=env, status=None).stdout, "koc-doctor-1")
    assert valid(koc("help", "--format=json").stdout, "koc-help-1")["commands"]


PODMAN = """#!/bin/sh
case $1 in
version) echo linux/amd64 ;;
load) echo "Loaded image: localhost/x:latest" ;;
*) printf '%s\\n' "$@" ;;
esac
"""


def test_flags_of_the_container_reach_a_fake_podman(bare_koc, app, tmp_path, home):
    (tmp_path / "bin").mkdir()
    podman = tmp_path / "bin/podman"
    podman.write_text(PODMAN)
    podman.chmod(0o755)
    env = {"PATH": f"{podman.parent}:{home.env()['PATH']}"}
    words = ["build", "--run", "-p", "8080:80", "-e", "A=1,2", "-e", "B", "--volume=/src:/dst:ro",
             "--base-image=scratch", "./cmd/tool", "--", "-x"]
    lines = bare_koc(*words, cwd=app, env=env).lines
    at = lines.index("--publish")
    assert lines[at:] == ["--publish", "8080:80", "--env", "A=1,2", "--env", "B", "--volume", "/src:/dst:ro",
                          "localhost/x:latest", "-x"]
