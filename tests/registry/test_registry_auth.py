"""Credentials: every place they may come from, every server that requires them, and decoys beside them."""

import base64
import json

import pytest

import faulty as faults
import registry as registries
from faulty import Faulty, Rule
from tokens import MoodyTokens

SMALL = ["3000", "1", "1"]


@pytest.fixture
def bearer(tmp_path, pki):
    """bearer(**moods) -> a registry whose token server has those moods."""
    servers = []

    def make(**moods):
        tokens = MoodyTokens(pki, **moods)
        server = registries.bearer_registry(tmp_path / f"bearer{len(servers)}", pki, tokens)
        server.tokens = tokens
        servers.append(server)
        return server
    yield make
    for server in servers:
        server.close()
        server.tokens.close()


def write_config(home, content, name=".docker/config.json"):
    path = home.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def login(host, user=registries.USER, password=registries.PASSWORD):
    decoys = {h: {"auth": base64.b64encode(b"decoy:planted").decode()}
              for h in ("127.0.0.1", "localhost", "127.0.0.1:1", f"{host}0", "index.docker.io")}
    return {"auths": decoys | {host: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}}}


# --- token servers ------------------------------------------------------------------------------------

def test_identity_token_by_post(regtool, bearer, home):
    """R-70, R-72: the refresh token goes by POST."""
    server = bearer(refresh="refresh-me", access_token=True)
    write_config(home, {"auths": {server.host: {"identitytoken": "refresh-me"}}})
    regtool("push", *SMALL, f"{server.host}/team/app:v1")
    assert {r["method"] for r in server.tokens.requests} == {"POST"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_post_not_there_falls_back_to_get(regtool, bearer, home, status):
    """R-71: with a user name every refusal of POST means GET."""
    server = bearer(post_status=status)
    auth = base64.b64encode(f"{registries.USER}:{registries.PASSWORD}".encode()).decode()
    write_config(home, {"auths": {server.host: {"auth": auth, "identitytoken": registries.PASSWORD}}})
    regtool("push", *SMALL, f"{server.host}/team/app:v1")
    assert [r["method"] for r in server.tokens.requests] == ["POST", "GET"]


def test_token_dies_in_mid_push(regtool, bearer, home):
    """R-74, R-80, R-81: the server says 300 s, the token lives for three; skopeo and regctl fail here."""
    server = bearer(ttl=3)
    slow = Faulty(server.host)
    slow.add(Rule("PUT", r"/blobs/uploads/", faults.delay(4), times=1))
    write_config(home, login(slow.host))
    regtool("push", "300000", "2", "2", f"{slow.host}/team/app:v1")
    assert len(server.tokens.requests) >= 2
    slow.close()


def test_insufficient_scope(regtool, bearer, home):
    """R-62, R-78: a token without the mount source is not the end."""
    server = bearer()
    write_config(home, login(server.host))
    regtool("push", *SMALL, f"{server.host}/team/app:v1")
    server.tokens.narrow, server.tokens.requests = True, []
    regtool("copy", f"{server.host}/team/app:v1", f"{server.host}/team/copy:v1")
    regtool("pull", f"{server.host}/team/copy:v1")


def test_realm_in_plain_http_of_a_tls_registry(regtool, tls_registry, pki, home):
    """R-65: the token server of an https registry must not be http."""
    front = {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:9/token",service="x"'}
    import ssl
    import threading
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(401)
            for name, value in front.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.folder / "server.crt", pki.folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"localhost:{server.server_port}"
    write_config(home, login(host, password="planted"))
    result = regtool("-v", "-v", "-v", "--ca", pki.ca, "pull", f"{host}/x:v1", status=1)
    assert "names a token server with plain http" in result.stderr
    assert "planted" not in result.stderr
    server.shutdown()


def test_token_server_that_redirects(regtool, bearer, home):
    """R-68: followed, but no other host sees the password; at most three times."""
    server = bearer()
    place = server.tokens.url.split("//")[1].split("/")[0].replace("localhost", "127.0.0.1")
    named, other, front = Faulty(place), Faulty(place, host="127.0.0.2"), Faulty(server.host)
    front.add(Rule("*", "/v2/", faults.header(
        "WWW-Authenticate", lambda v: v.replace(server.tokens.url, f"http://{named.host}/token"))))
    named.add(Rule("GET", "", lambda x: x.respond(307, {"Location": f"http://{other.host}{x.entry.path}"}) or True))
    write_config(home, login(front.host))
    refused = regtool("push", *SMALL, f"{front.host}/team/app:v1", status=1)
    assert "KOC_EAUTH" in refused.stderr
    assert all("authorization" in e.headers for e in named.log)
    assert other.log and not any("authorization" in e.headers for e in other.log)
    other.add(Rule("GET", "", lambda x: x.respond(307, {"Location": x.entry.path}) or True))
    result = regtool("push", *SMALL, f"{front.host}/team/app:v1", status=1)
    assert "redirects more than 3 times" in result.stderr
    for proxy in (named, other, front):
        proxy.close()


def test_challenge_only_from_the_ping(regtool, basic_registry, home):
    """R-14: a 401 without a challenge: /v2/ has it."""
    front = Faulty(basic_registry.host)
    front.add(Rule("HEAD", "/manifests/", faults.header("WWW-Authenticate", None), times=1))
    write_config(home, login(front.host))
    regtool("push", *SMALL, f"{front.host}/app:v1")
    assert front.count("GET", "^/v2/$") == 1
    front.close()


@pytest.mark.parametrize("challenge", [
    "BASIC realm=x", "Negotiate, Basic realm=\"a, b\"", "Basic realm=/", "basic"])
def test_odd_basic_challenges(regtool, basic_registry, home, challenge):
    """R-60, R-61"""
    front = Faulty(basic_registry.host)
    front.add(Rule("*", "/v2/", faults.header("WWW-Authenticate", lambda v: challenge)))
    write_config(home, login(front.host))
    regtool("push", *SMALL, f"{front.host}/app:v1")
    front.close()


@pytest.mark.parametrize("challenge", ["Negotiate", "Digest realm=\"x\", nonce=\"y\""])
def test_logins_we_cannot_do_are_named(regtool, basic_registry, home, challenge):
    """R-61"""
    front = Faulty(basic_registry.host)
    front.add(Rule("*", "/v2/", faults.header("WWW-Authenticate", lambda v: challenge)))
    write_config(home, login(front.host))
    result = regtool("push", *SMALL, f"{front.host}/app:v1", status=1)
    assert f"requires {challenge.split()[0]} authentication, which is not supported" in result.stderr
    front.close()


# --- files -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["", "{", "[]", '{"auths": planted', "\x00", '{"auths":{"x":{"auth":1}}}'])
def test_odd_config_files(regtool, basic_registry, home, text):
    """Bad input: the error is one line and quotes nothing of the file."""
    path = home.home / ".docker/config.json"
    path.parent.mkdir()
    path.write_text(text)
    result = regtool("-v", "-v", "-v", "push", *SMALL, f"{basic_registry.host}/app:v1", status=1)
    assert "planted" not in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("regtool: ")]) == 1


def test_config_that_is_a_folder(regtool, basic_registry, home):
    (home.home / ".docker/config.json").mkdir(parents=True)
    result = regtool("push", *SMALL, f"{basic_registry.host}/app:v1", status=1)
    assert "config.json" in result.stderr


def helper(tmp_path, script):
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    path = folder / "docker-credential-lab"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_login_and_logout(regtool, basic_registry, home):
    path = write_config(home, {"auths": {"other.example": {"auth": "dTpw"}}, "psFormat": "x"})
    target = f"{basic_registry.host}/app:v1"
    assert regtool("login", basic_registry.host, registries.USER, registries.PASSWORD).ref == str(path)
    regtool("push", *SMALL, target)
    regtool("logout", basic_registry.host)
    assert json.loads(path.read_text()) == {"auths": {"other.example": {"auth": "dTpw"}}, "psFormat": "x"}
    assert "no credentials for" in regtool("push", *SMALL, target, status=1).stderr


def test_login_with_a_store(regtool, basic_registry, home, tmp_path):
    """The helper gets the secret, the file only a mark."""
    path = helper(tmp_path, f'cat > {tmp_path}/input-$1\n')
    config = write_config(home, {"credsStore": "lab"})
    regtool("login", basic_registry.host, "me", "s3cret", env={"PATH": path})
    assert json.loads((tmp_path / "input-store").read_text()) == {
        "ServerURL": basic_registry.host, "Username": "me", "Secret": "s3cret"}
    assert json.loads(config.read_text()) == {"credsStore": "lab", "auths": {basic_registry.host: {}}}
    regtool("logout", basic_registry.host, env={"PATH": path})
    assert (tmp_path / "input-erase").read_text() == basic_registry.host
    assert json.loads(config.read_text()) == {"credsStore": "lab", "auths": {}}


# --- TLS ------------------------------------------------------------------------------------------------

def certs_folder(home, host):
    folder = home.home / ".config/containers/certs.d" / host
    folder.mkdir(parents=True)
    return folder


def test_certs_d_authority(regtool, tls_registry, home, pki):
    """R-21"""
    (certs_folder(home, tls_registry.host) / "lab.crt").write_bytes(pki.ca.read_bytes())
    regtool("push", *SMALL, f"{tls_registry.host}/app:v1")


@pytest.fixture
def mutual_registry(tmp_path, pki):
    pki.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=client", "-keyout", "client.key",
                "-out", "client.csr")
    (pki.folder / "client-extensions").write_text("extendedKeyUsage=clientAuth\n")
    pki.openssl("x509", "-req", "-in", "client.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "30", "-out", "client.crt", "-extfile", "client-extensions")
    server = registries.Registry(
        tmp_path / "mutual", scheme="https", name="localhost", ca=pki.ca,
        http=f", tls: {{certificate: {pki.folder}/server.crt, key: {pki.folder}/server.key, "
             f"clientcas: [{pki.ca}]}}")
    yield server
    server.close()


def test_client_certificate(regtool, mutual_registry, home, pki):
    """R-21, R-23"""
    target = f"{mutual_registry.host}/app:v1"
    refused = regtool("--ca", pki.ca, "push", *SMALL, target, status=1)
    assert "requires a client certificate" in refused.stderr
    folder = certs_folder(home, mutual_registry.host)
    (folder / "ca.crt").write_bytes(pki.ca.read_bytes())
    (folder / "me.cert").write_bytes((pki.folder / "client.crt").read_bytes())
    half = regtool("push", *SMALL, target, status=1)
    assert f"{folder}/me.key is missing" in half.stderr
    (folder / "me.key").write_bytes((pki.folder / "client.key").read_bytes())
    regtool("push", *SMALL, target)


@pytest.mark.parametrize("days, name, words", [("-1", "localhost", "its certificate expired on 20"),
                                               ("30", "other.example", "its certificate is for other.example, not for localhost")])
def test_bad_certificates(regtool, tmp_path, pki, days, name, words):
    """R-23; R-11: never plain http after a certificate."""
    (pki.folder / "bad-extensions").write_text(f"subjectAltName=DNS:{name}\n")
    pki.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", days, "-out", "bad.crt", "-extfile", "bad-extensions")
    server = registries.Registry(
        tmp_path / "bad", scheme="https", name="localhost", ca=pki.ca,
        http=f", tls: {{certificate: {pki.folder}/bad.crt, key: {pki.folder}/server.key}}")
    result = regtool("-v", "-v", "--ca", pki.ca, "pull", f"{server.host}/app:v1", status=1)
    server.close()
    assert words in result.stderr
    assert "http://" not in result.stderr
