"""Malicious servers (SECURITY.md): each ends with one clear line, soon, in little memory, and no secret
shows in any output at the highest log level.

The planted secrets: the password, its Basic form, a token, a bearer token that the token server gives.
"""

import base64
import gzip
import hashlib
import json
import resource
import time

import pytest

import faulty as faults
import registry as registries
from faulty import Faulty, Rule

PASSWORD = "planted-password"
BASIC = base64.b64encode(f"koc:{PASSWORD}".encode()).decode()
SECRETS = [PASSWORD, BASIC, "planted-token", "planted-signature"]
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
MIB = 1 << 20
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}'


def image_of(size=len(CONFIG)):
    """A manifest of CONFIG alone."""
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": size,
              "digest": "sha256:" + hashlib.sha256(CONFIG).hexdigest()}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": []}).encode()



@pytest.fixture
def victim(regtool, home):
    """Runs regtool with credentials for `host`, in 20 s and 96 MiB beyond what the sanitizer takes; gives
    what it said. Nothing planted may be in it."""
    def run(host, *args, status=1, seconds=20):
        registries.docker_config(home, host, password=PASSWORD)
        (home.home / ".docker/config.json").chmod(0o600)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        begin = time.monotonic()
        result = regtool("-v", "-v", "-v", *args, status=status, timeout=60)
        took = time.monotonic() - begin
        assert took < seconds, f"{took:.0f} s: {result}"
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        assert after <= max(before, 400 * 1024), "it took more memory than any before, and than 400 MiB"
        for secret in SECRETS:
            assert secret not in result.stdout + result.stderr, str(result)
        if status:
            lines = [line for line in result.stderr.splitlines() if line.startswith("regtool: ")]
            assert len(lines) == 1 and len(lines[0]) < 1000, str(result)
            assert "\x1b" not in result.stderr
            return lines[0]
        return result
    return run


def manifest_of(faulty, data, media_type=OCI, **headers):
    faulty.add(Rule("*", "/manifests/", faults.answer(200, {"Content-Type": media_type} | headers, data)))


# --- manifests ------------------------------------------------------------------------------------------

def test_manifest_that_is_an_index_too(victim, faulty):
    """CVE-2021-41190, R-111"""
    both = {"schemaVersion": 2, "manifests": [], "layers": [], "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 1}}
    manifest_of(faulty, json.dumps(both).encode(), "application/json")
    assert "KOC_EFORMAT" in victim(faulty.host, "pull", f"{faulty.host}/a/b:v1")


@pytest.mark.parametrize("digest", [
    "sha256:../../../../etc/passwd", "sha256:" + "0" * 63, "sha256:" + "A" * 64, "md5:" + "0" * 32, "sha1:" + "0" * 40,
    "sha512:" + "0" * 64, "sha256:" + "0" * 64 + "/../x", "", "sha256:" + "0" * 64 + "\r\nX: y", "blake3:" + "0" * 64])
def test_digests_that_are_none(victim, faulty, digest):
    """CVE-2024-3727, R-200: refused before it becomes part of a URL or a path."""
    image = {"schemaVersion": 2, "mediaType": OCI, "layers": [], "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 3}}
    manifest_of(faulty, json.dumps(image).encode())
    assert "KOC_EFORMAT" in victim(faulty.host, "pull", f"{faulty.host}/a/b:v1")
    assert faulty.count("GET", "/blobs/") == 0


@pytest.mark.parametrize("size", [len(CONFIG), -1, 1.5, 2**63, 10**30, str(len(CONFIG)), None])
def test_sizes_that_are_none(victim, faulty, size):
    """R-200, GHSA-f36w-mj3v-6jqv: the config is there, and only its size is wrong."""
    manifest_of(faulty, image_of(size))
    faulty.add(Rule("GET", "/blobs/", faults.answer(200, body=CONFIG)))
    if size == len(CONFIG):
        victim(faulty.host, "pull", f"{faulty.host}/a/b:v1", status=0)
        return
    said = victim(faulty.host, "pull", f"{faulty.host}/a/b:v1")
    assert "KOC_EFORMAT" in said and "size" in said
    assert faulty.count("GET", "/blobs/") == 0


def test_config_of_terabytes(victim, faulty):
    """CVE-2020-1702, GHSA-f36w-mj3v-6jqv: koc does not allocate memory by the size in a descriptor."""
    image = {"schemaVersion": 2, "mediaType": OCI, "layers": [], "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 1 << 42}}
    manifest_of(faulty, json.dumps(image).encode())
    assert "KOC_ELIMIT" in victim(faulty.host, "pull", f"{faulty.host}/a/b:v1")


def test_manifest_of_ten_gigabytes(victim, faulty):
    """CVE-2020-1702: refused by its Content-Length or after 4 MiB."""
    def huge(x):
        x.client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: 10000000000\r\n\r\n" % OCI.encode())
        for _ in range(1000):
            x.client.sendall(b" " * MIB)
        raise faults.Broken()
    faulty.add(Rule("GET", "/manifests/", huge))
    assert "KOC_ELIMIT" in victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1")


def test_layer_that_never_ends(victim, regtool, registry, faulty):
    """CVE-2020-1702, R-120: no byte beyond the size in the descriptor."""
    pushed = regtool("push", 3000, 1, 1, f"{registry.host}/hostile/endless:v1")

    def endless(chunks):
        yield from chunks
        while True:
            yield b"x" * 65536

    def act(x):
        x.change_body = endless
        x.change_head = lambda status, fields: (status, [f for f in fields if f[0] != "Content-Length"])
        return False
    faulty.add(Rule("GET", "/blobs/", act))
    result = victim(faulty.host, "pull", f"{faulty.host}/hostile/endless:v1", status=0)
    assert result.ref == pushed.ref
    # What is sent beyond the size ends in the buffers between the two.
    assert all(e.given < 64 * MIB for e in faulty.requests("GET", "/blobs/"))


DEEP, BAD = "KOC_ELIMIT", "KOC_EFORMAT"


@pytest.mark.parametrize("text, code, words", [
    (b"[" * 100000, DEEP, "nested more than"), (b'{"schemaVersion":2,' + b'"a":{' * 5000, DEEP, "nested more than"),
    (b'{"schemaVersion":2,"schemaVersion":2}', BAD, "duplicate name"), (b'\xff\xfe{"schemaVersion":2}', BAD, "not valid JSON"),
    (b'{"schemaVersion":2,"mediaType":"a\\u0000b"}', BAD, "\\u0000 is not accepted"), (b"", BAD, "unexpected end"),
    (b"null", BAD, "is not a JSON object"), (b"\x00" * 5000, BAD, "not valid JSON")])
def test_json_that_means_harm(victim, faulty, text, code, words):
    """§13: depth, duplicate names, UTF-8, NUL."""
    manifest_of(faulty, text)
    said = victim(faulty.host, "pull", f"{faulty.host}/a/b:v1")
    assert code in said and words in said


@pytest.mark.parametrize("levels", [1, 6])
def test_indexes_in_indexes_have_an_end(victim, faulty, levels):
    """R-115: each digest is right, and the innermost index has the image."""
    def add(data, media_type):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        faulty.add(Rule("GET|HEAD", f"/manifests/{digest}", faults.answer(200, {"Content-Type": media_type}, data)))
        return {"mediaType": media_type, "size": len(data), "digest": digest}, data
    inner, _ = add(image_of(), OCI)
    for _ in range(levels):
        inner, data = add(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [inner]}).encode(), INDEX)
    faulty.add(Rule("GET", "/manifests/v1", faults.answer(200, {"Content-Type": INDEX}, data)))
    faulty.add(Rule("GET", "/blobs/", faults.answer(200, body=CONFIG)))
    if levels == 1:
        victim(faulty.host, "pull", f"{faulty.host}/a/b:v1", status=0)
        return
    said = victim(faulty.host, "pull", f"{faulty.host}/a/b:v1")
    assert "KOC_ELIMIT" in said and "nested more than 4 deep" in said
    assert faulty.count("GET", "/manifests/") <= 5


def test_gzip_bomb(victim, faulty):
    """R-93: a compressed body is not decompressed."""
    manifest_of(faulty, gzip.compress(b" " * (64 * MIB)), **{"Content-Encoding": "gzip"})
    assert "Content-Encoding" in victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1")


# --- heads ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("head, code, words", [
    (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300 * 1024 + b"\r\n\r\n", "KOC_ELIMIT", "a line of the reply's head is too long"),
    (b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(20000)) + b"\r\n", "KOC_ELIMIT", "200 header fields"),
    (b"HTTP/1.1 100 Continue\r\n\r\n" * 100000, "KOC_ENET", "the connection was closed without a reply"),
    (b"SSH-2.0-OpenSSH_9\r\n", "KOC_ENET", "not an HTTP reply"), (b"\x00" * 100000, "KOC_ENET", "not an HTTP reply"),
    (b"HTTP/9.9 999 \x1b[31m\r\n\r\n", "KOC_ENET", "not an HTTP reply"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "KOC_ENET", "not an HTTP reply"),
    (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "KOC_EFORMAT", "not valid JSON"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhellooo", "KOC_EFORMAT", "not valid JSON")])
def test_heads_that_mean_harm(victim, faulty, head, code, words):
    """R-96"""
    def act(x):
        x.client.sendall(head)
        raise faults.Broken(reset=False)
    faulty.add(Rule("*", "", act))
    said = victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1", seconds=40)
    assert code in said and words in said


NOT_IN, NO_URL, NOT_KNOWN = "KOC_EAUTH", "KOC_EINVAL", "KOC_EUNSUPPORTED"


@pytest.mark.parametrize("challenge, code, words", [
    ("Bearer", NOT_IN, "not authorised"), ('Bearer realm="', NOT_IN, "not authorised"), ('Bearer realm=""', NOT_IN, "not authorised"),
    ("Bearer realm=" + "x" * 70000, NOT_IN, "not authorised"), ("," * 5000, NOT_IN, "not authorised"),
    ("Basic" * 2000, NOT_IN, "not authorised"), ("Bearer realm", NOT_KNOWN, "requires realm authentication"),
    ("Negotiate", NOT_KNOWN, "requires Negotiate authentication"), ("\x01\x02", NOT_KNOWN, "requires ?? authentication"),
    ('Bearer realm="file:///etc/passwd"', NO_URL, "not an http or https URL"),
    ('Bearer realm="http://u:p@HOST/token"', NO_URL, "does not use URLs with a user name"),
    ('Bearer realm="//"', NO_URL, "not a host name"), ('Bearer realm="http://[::1"', NO_URL, "not a host name"),
    ('Bearer realm="http://HOST/token\x1b[31m"', NO_URL, "contains an invalid character")])
def test_challenges_that_mean_harm(victim, faulty, challenge, code, words):
    """R-60, R-65: garbage, and realms that are not allowed; this host would give a token, and take it or a password."""
    challenge = challenge.replace("HOST", faulty.host)
    faulty.add(Rule("*", "/token", faults.answer(200, body=b'{"token":"planted-token"}')))
    faulty.add(Rule("*", "", lambda x: x.respond(200, {"Content-Type": OCI}, b"{}") or True
                    if "authorization" in x.entry.headers else faults.answer(401, {"WWW-Authenticate": challenge})(x)))
    said = victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1", seconds=40)
    assert code in said and words in said
    assert faulty.count("*", "/token") == 0
    assert not [e for e in faulty.log if "authorization" in e.headers]


NO_TOKEN = ("KOC_EAUTH", "has no usable token")


@pytest.mark.parametrize("reply, expected", [
    (b"{}", NO_TOKEN), (b"", ("KOC_EFORMAT", "not valid JSON")), (b'{"token":5}', NO_TOKEN), (b'{"token":""}', NO_TOKEN),
    (b'{"token":"planted-token\\r\\nX: y"}', NO_TOKEN), (b'{"token":"a b"}', NO_TOKEN),
    (b"[" * 50000, ("KOC_ELIMIT", "nested more than")), (b'{"token":"' + b"x" * 200000 + b'"}', ("KOC_ELIMIT", "more than 131072 bytes")),
    (b'{"token":"\\u001b[31m"}', NO_TOKEN), (b'{"token":"planted-token"}', None)])
def test_tokens_that_mean_harm(victim, faulty, reply, expected):
    """R-73: no token, one that would split a header, one that never ends; the registry takes any."""
    faulty.add(Rule("GET", "^/token", faults.answer(200, {"Content-Type": "application/json"}, reply)))
    faulty.add(Rule("*", "^/v2/", lambda x: x.respond(200, {"Content-Type": OCI}, image_of())
                    or True if "authorization" in x.entry.headers else faults.answer(
                        401, {"WWW-Authenticate": f'Bearer realm="http://{faulty.host}/token",service="s"'})(x)))
    if expected is None:
        victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1", status=0)
        return
    said = victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1")
    assert expected[0] in said and expected[1] in said
    assert not [e for e in faulty.requests("*", "^/v2/") if "authorization" in e.headers]


def test_token_server_that_never_ends(victim, faulty):
    """§13"""
    def endless(x):
        x.client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            x.client.sendall(b" " * 65536)
    faulty.add(Rule("GET", "^/token", endless))
    faulty.add(Rule("*", "^/v2/", faults.answer(
        401, {"WWW-Authenticate": f'Bearer realm="http://{faulty.host}/token",service="s"'})))
    assert "KOC_ELIMIT" in victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1")


# --- redirects and links to other hosts ---------------------------------------------------------------------------------

@pytest.fixture
def thief():
    """A host that asks for credentials, is content with any, and records the requests."""
    proxy = Faulty("127.0.0.1:1", host="127.0.0.2")

    def content(x):
        if "authorization" not in x.entry.headers:
            return False
        x.respond(200, {"Content-Type": OCI}, b'{"token":"planted-token"}')
        return True
    challenge = faults.answer(401, {"WWW-Authenticate": 'Basic realm="thief"'})
    proxy.add(Rule("*", "", faults.first_of(content, challenge)))
    yield proxy
    proxy.close()


def robbed(thief):
    return [e for e in thief.log if "authorization" in e.headers or "cookie" in e.headers]


@pytest.mark.parametrize("where", ["Location", "Link", "upload", "realm-redirect"])
def test_credentials_stay_where_they_belong(victim, faulty, thief, where):
    """CVE-2026-50151, CVE-2026-33540, GHSA-vh4v-2xq2-g5cg, GHSA-h7vf-4x9w-h99v, ggcr#2291, ggcr#2349, R-91: a
    host that the registry sends us to sees no credential, not even when it asks for one."""
    basic = faults.answer(401, {"WWW-Authenticate": 'Basic realm="real"'})
    to_thief = f"http://{thief.host}/stolen?sig=planted-signature"

    def guarded(action):
        return lambda x: action(x) if "authorization" in x.entry.headers else basic(x)
    if where == "Location":
        faulty.add(Rule("GET", "", guarded(faults.answer(307, {"Location": to_thief}))))
        assert "KOC_EAUTH" in victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1")
        assert len(thief.log) == 1
    elif where == "Link":
        page = b'{"name":"x","tags":["a"]}'
        faulty.add(Rule("GET", "", guarded(faults.answer(200, {"Link": f"<{to_thief}>; rel=next"}, page))))
        assert "KOC_EDENIED" in victim(faulty.host, "tags", f"{faulty.host}/a/b")
        assert thief.log == []
    elif where == "upload":
        faulty.add(Rule("HEAD", "", guarded(faults.answer(404))))
        faulty.add(Rule("POST", "", guarded(faults.answer(202, {"Location": to_thief}))))
        assert "KOC_EAUTH" in victim(faulty.host, "push", 300, 1, 1, f"{faulty.host}/a/b:v1")
        assert thief.log
    else:
        faulty.add(Rule("GET", "^/token", faults.answer(307, {"Location": to_thief})))
        faulty.add(Rule("*", "^/v2/", faults.answer(
            401, {"WWW-Authenticate": f'Bearer realm="http://{faulty.host}/token",service="s"'})))
        assert "KOC_EAUTH" in victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1")
        assert len(thief.log) == 1
    assert robbed(thief) == []


def test_cookies_are_not_kept(victim, faulty):
    """R-93: outside of an upload's session."""
    faulty.add(Rule("*", "", faults.answer(404, {"Set-Cookie": "route=planted-token; Path=/"})))
    assert "KOC_ENOTFOUND" in victim(faulty.host, "push", 300, 1, 1, f"{faulty.host}/a/b:v1")
    assert not any("cookie" in e.headers for e in faulty.log)


@pytest.mark.parametrize("location, code, words", [
    ("ftp://HOST/stored", NO_URL, "not an http or https URL"), ("file:///etc/passwd", NO_URL, "not an http or https URL"),
    ("gopher://HOST/stored", NO_URL, "not an http or https URL"), ("http://HOST/stored" + "a" * 70000, "KOC_ELIMIT", "a URL is longer than"),
    ("\x1b[31m", NO_URL, "contains an invalid character"), ("http://HOST/stored\r\nX: y", None, None)])
def test_redirects_that_mean_harm(victim, faulty, location, code, words):
    """R-90, R-94: only http and https, no line ends, nothing too long; what is there would be served."""
    location = location.replace("HOST", faulty.host)

    def act(x):
        head = f"HTTP/1.1 307 x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        x.client.sendall(head.encode("latin-1"))
        return True
    faulty.add(Rule("GET", "/manifests/", act))
    faulty.add(Rule("GET", "", faults.answer(200, {"Content-Type": OCI}, image_of())))
    if code is None:  # the rest of the line is a field of its own
        victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1", status=0)
        assert faulty.requests("GET")[-1].path == "/stored"
        return
    said = victim(faulty.host, "manifest", f"{faulty.host}/a/b:v1")
    assert code in said and words in said
    assert faulty.count("GET") == 1


# --- names --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("tag", ["../x", "..", "a/b", "a\r\nX: y", "\x1b[31mred", "x" * 200, " ", "a?b", "%2e%2e"])
def test_tags_that_mean_harm(victim, faulty, tag):
    """R-5, R-191, R-201: from a registry as from the user they are refused."""
    body = json.dumps({"name": "x", "tags": ["good", tag]}).encode()
    faulty.add(Rule("GET", "tags/list", faults.answer(200, {"Content-Type": "application/json"}, body)))
    said = victim(faulty.host, "tags", f"{faulty.host}/a/b")
    assert "KOC_EFORMAT" in said and "contains an invalid name" in said and "\r" not in said
    faulty.log.clear()
    if tag != "a/b":
        assert "KOC_EINVAL" in victim(faulty.host, "manifest", f"{faulty.host}/a/b:{tag}")
        assert faulty.log == []


def test_titles_never_become_paths(regtool, home, registry):
    """GHSA-g5v4-5x39-vwhx, CVE-2026-50162, CVE-2026-50163, R-201: pulled content never chooses a path."""
    before = home.listing()
    target = f"{registry.host}/hostile/title:v1"
    regtool("push", 3000, 1, 1, target)
    manifest = json.loads(registry.manifest("hostile/title", "v1"))
    for layer in manifest["layers"]:
        layer["annotations"] = {"org.opencontainers.image.title": "../../../planted"}
    registry.put_manifest("hostile/title", "v2", json.dumps(manifest).encode(), manifest["mediaType"])
    regtool("pull", target.replace("v1", "v2"))
    assert home.listing() == before


def test_slow_loris(regtool, faulty):
    """R-95: a head that comes byte by byte runs into the time limit."""
    def slowly(x):
        for byte in b"HTTP/1.1 200 OK\r\n" * 100:
            x.client.sendall(bytes([byte]))
            time.sleep(0.1)
    faulty.add(Rule("*", "", slowly))
    begin = time.monotonic()
    result = regtool("--timeout", "2000", "manifest", f"{faulty.host}/a/b:v1", status=1)
    assert "KOC_ETIMEOUT" in result.stderr
    assert time.monotonic() - begin < 6
