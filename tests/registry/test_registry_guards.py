"""Guards, each against a server that would serve the request if koc sent it.

A registry at a public address exists in a network namespace, where loopback has TEST-NET addresses too.
"""

import ctypes
import hashlib
import json
import ssl
import subprocess
import threading

import pytest

import faulty as faults
import registry as registries
from faulty import Faulty, Rule
from runner import needed

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}'
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
PUBLIC, OTHER_PUBLIC = "198.51.100.7", "198.51.100.8"


class TlsFaulty(Faulty):
    """Faulty behind a TLS of its own, up to `newest`."""

    def __init__(self, pki, newest=ssl.TLSVersion.TLSv1_3):
        super().__init__("127.0.0.1:9")
        self.stare_at_tls = True  # no look at the first byte, which TLS has taken
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.folder / "server.crt", pki.folder / "server.key")
        if newest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
        self.handshakes = 0
        self.plain, self.context = self.listener, context

    def serve(self, client, number):
        try:
            client = self.context.wrap_socket(client, server_side=True)
        except OSError:
            return
        self.handshakes += 1
        super().serve(client, number)


def serve_image(server, blob=None):
    """An image of a config alone; `blob` answers for that config."""
    digest = "sha256:" + hashlib.sha256(CONFIG).hexdigest()
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(CONFIG)}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": []}).encode()
    server.add(Rule("GET|HEAD", "/manifests/", faults.answer(200, {"Content-Type": OCI}, manifest)))
    server.add(Rule("GET", "/blobs/|/stored", blob or faults.answer(200, body=CONFIG)))


def redirect(url, status=307):
    return faults.answer(status, {"Location": url})


@pytest.fixture
def closing():
    servers = []
    yield lambda server: servers.append(server) or server
    for server in servers:
        server.close()


# --- redirects ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_redirect_from_https_stays_with_it(regtool, pki, closing, scheme):
    """R-90: the blob is there over plain http, and koc does not fetch it."""
    front = closing(TlsFaulty(pki))
    store = closing(TlsFaulty(pki) if scheme == "https" else Faulty("127.0.0.1:9"))
    serve_image(store)
    serve_image(front, redirect(f"{scheme}://{store.host}/stored"))
    command = ["--ca", pki.ca, "pull", f"{front.host}/a/b:v1"]
    if scheme == "https":
        regtool(*command)
        assert store.count("GET", "/stored") == 1
    else:
        result = regtool(*command, status=1)
        assert "KOC_EDENIED" in result.stderr and "redirected from https to plain http" in result.stderr
        assert store.log == []


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_body_is_not_sent_on_to_another_origin(regtool, registry, closing, status, where):
    """R-89: a redirected upload is followed at the same origin only; its bytes are the user's."""
    front, other = closing(Faulty(registry.host)), closing(Faulty(registry.host, host="127.0.0.2"))

    def act(x):
        if "again=1" in x.entry.path:
            return False
        joint = "&" if "?" in x.entry.path else "?"
        target = front if where == "here" else other
        x.respond(status, {"Location": f"http://{target.host}{x.entry.path}{joint}again=1"})
        return True

    front.add(Rule("PUT|PATCH", "/blobs/uploads/", act))
    seed = 7100 + 2 * status + (where == "here")
    result = regtool("push", 300, seed, 1, f"{front.host}/guards/body{seed}:v1", status=None)
    assert other.log == []
    assert (result.status == 0) == (where == "here"), str(result)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_refresh_token_is_not_sent_on(regtool, home, closing, status):
    """R-68: the POST that has it does not follow a redirect to another origin, which would accept it."""
    front, thief = closing(Faulty("127.0.0.1:9")), closing(Faulty("127.0.0.1:9", host="127.0.0.2"))
    challenge = {"WWW-Authenticate": f'Bearer realm="http://{front.host}/token",service="s"'}
    front.add(Rule("*", "^/token", redirect(f"http://{thief.host}/token", status)))
    front.add(Rule("*", "^/v2/", faults.answer(401, challenge)))
    thief.add(Rule("*", "", faults.answer(200, body=b'{"token":"given"}')))
    registries.docker_config(home, front.host)
    config = home.home / ".docker/config.json"
    config.write_text(json.dumps({"auths": {front.host: {"identitytoken": "planted-refresh"}}}))
    config.chmod(0o600)
    result = regtool("-v", "-v", "manifest", f"{front.host}/a/b:v1", status=1)
    assert "KOC_EDENIED" in result.stderr and "planted-refresh" not in result.stderr
    assert front.count("POST", "^/token") == 1
    assert thief.log == []


@pytest.mark.parametrize("hops", [3, 4])
def test_a_token_server_redirects_three_times(regtool, home, closing, hops):
    """R-68: the third is followed, the fourth is not."""
    front = closing(Faulty("127.0.0.1:9"))
    challenge = {"WWW-Authenticate": f'Bearer realm="http://{front.host}/token",service="s"'}
    front.add(Rule("GET|HEAD", "/manifests/", faults.answer(401, challenge), times=1))
    for hop in range(hops):
        front.add(Rule("GET", f"^/token{'/x' * hop}[?]", redirect(f"http://{front.host}/token{'/x' * (hop + 1)}?n=1")))
    front.add(Rule("GET", f"^/token{'/x' * hops}[?]", faults.answer(200, body=b'{"token":"given"}')))
    serve_image(front)
    result = regtool("pull", f"{front.host}/a/b:v1", status=None)
    assert (result.status == 0) == (hops == 3), str(result)
    assert front.count("GET", "^/token") == 4
    assert hops == 3 or "redirects more than 3 times" in result.stderr


def test_a_token_server_stays_with_https(regtool, pki, home, closing):
    """R-65, R-68: it redirects to plain http, where a token would be given."""
    front, plain = closing(TlsFaulty(pki)), closing(Faulty("127.0.0.1:9"))
    challenge = {"WWW-Authenticate": f'Bearer realm="https://{front.host}/token",service="s"'}
    front.add(Rule("GET|HEAD", "/manifests/", faults.answer(401, challenge), times=1))
    front.add(Rule("GET", "^/token", redirect(f"http://{plain.host}/token")))
    serve_image(front)
    plain.add(Rule("*", "", faults.answer(200, body=b'{"token":"given"}')))
    result = regtool("--ca", pki.ca, "pull", f"{front.host}/a/b:v1", status=1)
    assert "KOC_EDENIED" in result.stderr and "the token server redirects to http://" in result.stderr
    assert plain.log == []


# --- private addresses --------------------------------------------------------------------------------------

@pytest.fixture
def outside():
    """Runs a function in a thread with a network of its own, in which this machine has public addresses."""
    ip = needed("ip")
    libc = ctypes.CDLL(None, use_errno=True)

    def run(function):
        ended = []

        def work():
            try:
                if libc.unshare(NEW_NETWORK) != 0:
                    pytest.skip("needs root: a network namespace")
                commands = [("link", "set", "lo", "up")]
                own = (PUBLIC, OTHER_PUBLIC, "10.9.8.7", "169.254.169.254")
                commands += [("addr", "add", f"{address}/32", "dev", "lo") for address in own]
                for command in commands:
                    subprocess.run([ip, *command], check=True)
                function()
            except BaseException as problem:  # noqa: BLE001 (raised again below)
                ended.append(problem)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if ended:
            raise ended[0]

    return run


INSIDE = ["127.0.0.1", "localhost", "127.9.9.9", "10.9.8.7", "169.254.169.254"]


@pytest.mark.parametrize("place", [*INSIDE, OTHER_PUBLIC])
def test_a_public_registry_leads_to_no_private_address(regtool, outside, place):
    """R-66, R-90: not to this machine, its link or its network; to another public address it does."""
    def check():
        front, store = Faulty("127.0.0.1:9", host=PUBLIC), Faulty("127.0.0.1:9", host="0.0.0.0")
        port = store.host.rsplit(":", 1)[1]
        serve_image(store)
        serve_image(front, redirect(f"http://{place}:{port}/stored"))
        allow = ["--allow-http", front.host]
        if place == OTHER_PUBLIC:
            regtool(*allow, "pull", f"{front.host}/a/b:v1")
            assert store.count("GET", "/stored") == 1
        else:
            result = regtool(*allow, "pull", f"{front.host}/a/b:v1", status=1)
            assert "KOC_EDENIED" in result.stderr, str(result)
            assert store.log == []
        for server in (front, store):
            server.close()

    outside(check)


@pytest.mark.parametrize("place", [*INSIDE, OTHER_PUBLIC])
def test_a_public_registry_names_no_private_token_server(regtool, home, outside, place):
    """R-66: koc does not even connect, whatever a server there would say."""
    def check():
        front, tokens = Faulty("127.0.0.1:9", host=PUBLIC), Faulty("127.0.0.1:9", host="0.0.0.0")
        port = tokens.host.rsplit(":", 1)[1]
        tokens.add(Rule("*", "", faults.answer(200, body=b'{"token":"given"}')))
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{place}:{port}/token",service="s"'}
        front.add(Rule("GET|HEAD", "/manifests/", faults.answer(401, challenge), times=1))
        serve_image(front)
        registries.docker_config(home, front.host)
        allow = ["--allow-http", front.host]
        if place == OTHER_PUBLIC:
            regtool(*allow, "pull", f"{front.host}/a/b:v1")
            assert tokens.count("GET", "/token") == 1
        else:
            result = regtool(*allow, "pull", f"{front.host}/a/b:v1", status=1)
            assert "KOC_EDENIED" in result.stderr, str(result)
            assert tokens.log == []
        for server in (front, tokens):
            server.close()

    outside(check)


# --- manifests ----------------------------------------------------------------------------------------------

def serve_manifest(server, document, media_type=OCI, path="/manifests/"):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    server.add(Rule("GET|HEAD", path, faults.answer(200, {"Content-Type": media_type}, data)))
    return "sha256:" + hashlib.sha256(data).hexdigest(), len(data)


def test_an_artifact_is_not_an_image(regtool, closing):
    """Its config would be a good one, but for its type; koc does not fetch it."""
    server = closing(Faulty("127.0.0.1:9"))
    digest = "sha256:" + hashlib.sha256(CONFIG).hexdigest()
    config = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": digest, "size": len(CONFIG)}
    serve_manifest(server, {"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": []})
    server.add(Rule("GET", "/blobs/", faults.answer(200, body=CONFIG)))
    result = regtool("pull", f"{server.host}/a/b:v1", status=1)
    assert "KOC_EUNSUPPORTED" in result.stderr and "an artifact (its config is" in result.stderr
    assert server.count("GET", "/blobs/") == 0


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_manifest_has_the_size_that_its_index_says(regtool, closing, more):
    """R-200: its digest is right."""
    server = closing(Faulty("127.0.0.1:9"))
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(CONFIG),
              "digest": "sha256:" + hashlib.sha256(CONFIG).hexdigest()}
    child = {"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": []}
    digest, size = serve_manifest(server, child, path="/manifests/sha256:")
    platform = {"architecture": "amd64", "os": "linux"}
    listed = [{"mediaType": OCI, "digest": digest, "size": size + more, "platform": platform}]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    serve_manifest(server, index, INDEX, path="/manifests/v1")
    server.add(Rule("GET", "/blobs/", faults.answer(200, body=CONFIG)))
    result = regtool("pull", f"{server.host}/a/b:v1", "linux/amd64", status=None)
    assert (result.status == 0) == (more == 0), str(result)
    assert more == 0 or "KOC_EDIGEST" in result.stderr


# --- TLS ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_tls_before_1_2(regtool, pki, closing, tmp_path, newest):
    """A machine whose OpenSSL is set to accept old versions: curl does, koc does not."""
    loose = tmp_path / "openssl.cnf"
    loose.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
                     "[c]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n")
    server = closing(TlsFaulty(pki, newest))
    serve_image(server)
    curl = subprocess.run(
        [needed("curl"), "-sS", "--tlsv1.0", "--cacert", str(pki.ca), f"https://{server.host}/v2/a/b/manifests/v1"],
        env={"OPENSSL_CONF": str(loose), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    if curl.returncode:
        pytest.skip(f"this machine has no such TLS: {curl.stderr.strip()}")
    new = newest == ssl.TLSVersion.TLSv1_2
    begun = server.handshakes
    result = regtool("--ca", pki.ca, "pull", f"{server.host}/a/b:v1", env={"OPENSSL_CONF": loose}, status=None)
    assert (result.status == 0) == new, str(result)
    assert (server.handshakes > begun) == new
