"""Details of the protocol, one test each."""

import http.server
import threading

import pytest

import faulty as faults
import registry as registries
from faulty import Rule
from ports import free_port

SMALL = ["3000", "1", "1"]


def test_accept_R110(regtool, faulty):
    """R-97, R-110: all four types in one field, on manifests only; never schema 1."""
    regtool("push", *SMALL, f"{faulty.host}/protocol/accept:v1")
    regtool("pull", f"{faulty.host}/protocol/accept:v1")
    for entry in faulty.log:
        accept = entry.headers.get("accept", "")
        if "/manifests/" in entry.path and entry.method != "PUT":
            assert accept.count("application/vnd.") == 4
            assert "v1+pretty" not in accept
        else:
            assert accept == ""
        assert entry.headers["user-agent"].startswith("koc/")
        assert entry.headers["accept-encoding"] == "identity"
        assert "cookie" not in entry.headers


@pytest.mark.parametrize("content_type, ok", [
    ("application/json", True), ("text/plain; charset=utf-8", True), (None, True),
    ("APPLICATION/VND.OCI.IMAGE.MANIFEST.V1+JSON; x=y", True),
    ("application/vnd.oci.image.index.v1+json", False),
    ("application/vnd.docker.distribution.manifest.v1+prettyjws", False)])
def test_content_types_R111(regtool, registry, faulty, content_type, ok):
    """R-111: generic types are ignored, others must agree with the document."""
    regtool("push", *SMALL, f"{registry.host}/protocol/types:v1")
    faulty.add(Rule("GET", "/manifests/", faults.header("Content-Type", content_type)))
    regtool("pull", f"{faulty.host}/protocol/types:v1", status=0 if ok else 1)


def test_resolved_once_R113(regtool, faulty, home):
    """R-113: a tag is resolved once, then everything goes by digest."""
    regtool("push-index", "3000", "2", f"{faulty.host}/protocol/once:v1")
    faulty.log.clear()
    regtool("pull", f"{faulty.host}/protocol/once:v1")
    assert sum(e.path.endswith("/manifests/v1") for e in faulty.log) == 1


def test_wrong_size_R121(regtool, registry, tmp_path):
    """R-121: a Content-Length that is not the descriptor's size fails at once."""
    (tmp_path / "blob").write_bytes(b"x" * 1000)
    digest = regtool("put-blob", tmp_path / "blob", f"{registry.host}/protocol/size").ref
    assert regtool("get-blob", f"{registry.host}/protocol/size", digest, "1000").stdout == "x" * 1000
    result = regtool("get-blob", f"{registry.host}/protocol/size", digest, "1001", status=1)
    assert "KOC_EDIGEST" in result.stderr


def test_empty_blob_R141(regtool, registry, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    digest = regtool("put-blob", tmp_path / "empty", f"{registry.host}/protocol/empty").ref
    assert digest.startswith("sha256:e3b0c442")
    assert regtool("get-blob", f"{registry.host}/protocol/empty", digest, "0").stdout == ""


def test_locations_R134(regtool, faulty):
    """R-134, R-136: relative to the request, the query byte for byte."""
    def relative(value):
        return value.split("/v2/protocol/locations/blobs/uploads/")[1]
    faulty.add(Rule("POST", "/uploads/", faults.header("Location", relative)))
    regtool("push", *SMALL, f"{faulty.host}/protocol/locations:v1")
    puts = faulty.requests("PUT", "/blobs/uploads/")
    assert puts and all("?_state=" in e.path and "&digest=sha256:" in e.path for e in puts)


def test_uploads_R137(regtool, faulty):
    """R-133, R-137, R-160: lengths and types of requests."""
    regtool("push", *SMALL, f"{faulty.host}/protocol/uploads:v1")
    for entry in faulty.requests("POST"):
        assert entry.headers["content-length"] == "0"
    for entry in faulty.requests("PUT", "/blobs/"):
        assert entry.headers["content-type"] == "application/octet-stream"
        assert int(entry.headers["content-length"]) == entry.sent
    [manifest] = faulty.requests("PUT", "/manifests/")
    assert manifest.headers["content-type"] == "application/vnd.oci.image.manifest.v1+json"


def test_digest_in_the_answer_R160(regtool, faulty):
    """R-160: a registry that stored something else."""
    faulty.add(Rule("PUT", "/manifests/", faults.header("Docker-Content-Digest", "sha256:" + "1" * 64)))
    result = regtool("push", *SMALL, f"{faulty.host}/protocol/stored:v1", status=1)
    assert "the registry stored sha256:1111" in result.stderr


def test_digest_of_a_blob_in_the_answer_R138(regtool, faulty):
    faulty.add(Rule("PUT", "/blobs/", faults.header("Docker-Content-Digest", "sha256:" + "2" * 64)))
    result = regtool("push", *SMALL, f"{faulty.host}/protocol/blob:v1", status=1)
    assert "the registry stored sha256:2222" in result.stderr


def test_401_of_a_redirect_target_R63(regtool, registry, faulty, home):
    """R-63: a challenge from a redirect target is an error, not a login: there are credentials, and it would take them."""
    pushed = regtool("push", *SMALL, f"{registry.host}/protocol/redirected:v1")
    elsewhere = faults.Faulty(registry.host, host="127.0.0.2")
    elsewhere.add(Rule("*", "", lambda x: "authorization" not in x.entry.headers
                       and faults.answer(401, {"WWW-Authenticate": 'Basic realm="x"'})(x)))
    faulty.add(Rule("GET", "/blobs/", lambda x: x.respond(
        302, {"Location": f"http://{elsewhere.host}{x.entry.path}"}) or True))
    for host in (faulty.host, elsewhere.host):
        registries.docker_config(home, host)
        result = regtool("pull", f"{faulty.host}/protocol/redirected:v1", status=1)
        assert "KOC_EAUTH" in result.stderr and "127.0.0.2" in result.stderr
    assert elsewhere.count() == 2
    assert not [e for e in elsewhere.log if "authorization" in e.headers]
    elsewhere.rules.clear()
    assert regtool("pull", f"{faulty.host}/protocol/redirected:v1").ref == pushed.ref
    elsewhere.close()


@pytest.fixture
def proxy():
    """An HTTP proxy that knows one host and records its requests."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.command, self.path, self.headers.get("Proxy-Authorization")))
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

        def do_CONNECT(self):
            seen.append((self.command, self.path, self.headers.get("Proxy-Authorization")))
            self.send_error(407)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.url = seen, f"http://u:planted@127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def clean(**env):
    return dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"),
                         "") | env


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_http_through_a_proxy_R30(regtool, proxy, name):
    """R-30: upper case too; only the proxy gets its password."""
    result = regtool("-v", "-v", "-v", "--allow-http", "registry.test", "resolve", "registry.test/a:v1",
                     status=1, env=clean(**{name: proxy.url}))
    assert ("HEAD", "http://registry.test/v2/a/manifests/v1") in [s[:2] for s in proxy.seen]
    assert "planted" not in result.stderr


def test_refused_by_a_proxy_R32(regtool, proxy):
    """R-32, R-33: 407 is the proxy's, told as such, not tried again."""
    result = regtool("-v", "-v", "-v", "resolve", "registry.test/a:v1", status=1,
                     env=clean(HTTPS_PROXY=proxy.url))
    host = proxy.url.rsplit("@", 1)[-1].removeprefix("http://").rstrip("/")
    assert f"the proxy http://{host} (HTTPS_PROXY) requires credentials (407)" in result.stderr
    assert "planted" not in result.stderr
    assert [s[:2] for s in proxy.seen] == [("CONNECT", "registry.test:443")]


def test_no_proxy_for_loopback_R31(regtool, registry, proxy):
    """R-31"""
    regtool("push", *SMALL, f"{registry.host}/protocol/proxied:v1",
            env=clean(HTTP_PROXY=proxy.url, HTTPS_PROXY=proxy.url))
    assert proxy.seen == []


def test_cert_file_of_the_environment_R20(regtool, tls_registry, pki):
    """R-20: SSL_CERT_FILE is honoured, as Go programs do."""
    regtool("push", *SMALL, f"{tls_registry.host}/app:v1", env={"SSL_CERT_FILE": pki.ca})



@pytest.mark.parametrize("status", [403, 405, 500])
def test_head_of_a_blob_that_tells_nothing_R130(regtool, faulty, status):
    """R-130: not known, so upload."""
    faulty.add(Rule("HEAD", "/blobs/", faults.answer(status), times=1))
    regtool("push", *SMALL, f"{faulty.host}/protocol/head{status}:v1")


def test_expect_R82(regtool, faulty):
    """R-82: a long body is announced, so that a refusal costs nothing; a short one is not."""
    def refuse(x):
        if "expect" not in x.entry.headers:
            return False
        x.respond(403, drain=False)
        return True
    faulty.add(Rule("PUT", "/blobs/", refuse))
    result = regtool("push", 3000000, "3", "1", f"{faulty.host}/protocol/expect:v1", status=1)
    assert "KOC_EDENIED" in result.stderr
    refused = [e for e in faulty.requests("PUT", "/blobs/") if "expect" in e.headers]
    assert [e.sent for e in refused] == [0]


@pytest.mark.parametrize("variable, scheme", [("https_proxy", "https"), ("HTTPS_PROXY", "https"), ("ALL_PROXY", "https"),
                                              ("http_proxy", "http"), ("all_proxy", "http")])
def test_a_proxy_that_refuses_is_named_with_its_variable(regtool, variable, scheme):
    """It is not the registry that refuses; and the proxy's password is nobody's business."""
    flags = ["--allow-http", "registry.test"] if scheme == "http" else []
    port = free_port()
    result = regtool("-v", "-v", "-v", *flags, "--attempts", "1", "resolve", "registry.test/a:v1", status=1,
                     env=clean(**{variable: f"http://user:planted@127.0.0.1:{port}"}))
    assert f"the proxy http://127.0.0.1:{port} ({variable}): connection refused" in result.stderr
    assert "planted" not in result.stderr
    direct = regtool("--attempts", "1", "resolve", "registry.test/a:v1", status=1,
                     env=clean(**{variable: f"http://127.0.0.1:{port}", "NO_PROXY": "registry.test"}))
    assert "the proxy" not in direct.stderr


def test_a_proxy_without_an_address_is_named(regtool):
    result = regtool("--attempts", "1", "resolve", "registry.test/a:v1", status=1,
                     env=clean(https_proxy="http://user:planted@proxy.invalid:3128"))
    assert "the proxy http://proxy.invalid:3128 (https_proxy)" in result.stderr
    assert "planted" not in result.stderr
