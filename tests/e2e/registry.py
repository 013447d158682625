"""Real registries on loopback: docker-registry, open and with each kind of access control."""

import base64
import dataclasses
import http.server
import json
import pathlib
import re
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from ports import free_port
from runner import stop, wait_until

USER, PASSWORD = "koc", "s3cret"

ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)

ACCESS_LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d{3})')


@dataclasses.dataclass
class Request:
    method: str
    path: str
    status: int


class Registry:
    """One docker-registry process; `host` is what references begin with."""

    def __init__(self, folder, http="", auth="", scheme="http", name="127.0.0.1", ca=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.scheme, self.ca = scheme, ca
        port = free_port()
        self.host = f"{name}:{port}"
        config = self.folder / "config.yml"
        config.write_text(
            "version: 0.1\n"
            "log: {level: info, accesslog: {disabled: false}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}},"
            " delete: {enabled: true}}\n"
            f"http: {{addr: '127.0.0.1:{port}', secret: labsecret{http}}}\n"
            f"{auth}"
        )
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(
            lambda: b"listening on" in self.log.read_bytes(), 15, f"a registry at {self.host}"
        )
        self.marks = 0

    def close(self):
        stop(self.process)

    def open(self, method, path, data=None, **headers):
        request = urllib.request.Request(
            f"{self.scheme}://{self.host}{path}", data=data, method=method, headers=headers
        )
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
        context = ssl.create_default_context(cafile=self.ca) if self.ca else None
        return urllib.request.urlopen(request, context=context)

    def manifest(self, repository, reference):
        """The raw bytes of a manifest or index."""
        return self.open("GET", f"/v2/{repository}/manifests/{reference}", Accept=ACCEPT).read()

    def blob(self, repository, digest):
        return self.open("GET", f"/v2/{repository}/blobs/{digest}").read()

    def tags(self, repository):
        try:
            return json.load(self.open("GET", f"/v2/{repository}/tags/list"))["tags"] or []
        except urllib.error.HTTPError as error:
            assert error.code == 404
            return []

    def repositories(self):
        return json.load(self.open("GET", "/v2/_catalog?n=1000"))["repositories"]

    def put_blob(self, repository, data, digest):
        start = self.open("POST", f"/v2/{repository}/blobs/uploads/")
        where = urllib.parse.urlsplit(start.headers["Location"])
        self.open(
            "PUT",
            f"{where.path}?{where.query}&digest={digest}",
            data,
            **{"Content-Type": "application/octet-stream"},
        )

    def put_manifest(self, repository, reference, data, media_type):
        self.open(
            "PUT", f"/v2/{repository}/manifests/{reference}", data, **{"Content-Type": media_type}
        )

    def mark(self):
        """A point in the access log, to be given to since()."""
        self.marks += 1
        sentinel = f"/v2/?mark={self.marks}"
        try:
            self.open("GET", sentinel).read()
        except urllib.error.HTTPError:
            pass
        wait_until(lambda: sentinel in self.log.read_text(errors="replace"), 10, "the access log")
        return len(self.log.read_text(errors="replace"))

    def since(self, mark):
        """The requests after a mark, in the order they ended."""
        self.mark()
        text = self.log.read_text(errors="replace")[mark:]
        return [
            Request(m["method"], m["path"], int(m["status"]))
            for m in ACCESS_LINE.finditer(text)
            if "mark=" not in m["path"]
        ]

    def uploads_since(self, mark):
        """Those requests that send something: blobs, mounts, manifests. An upload that was opened
        and taken back (may one push here?) sent nothing."""
        seen = self.since(mark)
        sent = [r for r in seen if r.method in ("POST", "PATCH", "PUT")]
        for cancelled in (r.path.rpartition("/")[0] + "/" for r in seen if r.method == "DELETE"):
            opened = next((r for r in sent if r.method == "POST" and r.path == cancelled), None)
            if opened:
                sent.remove(opened)
        return sent


class TokenServer:
    """The token service of a registry with Bearer access, in the standard library and openssl."""

    shift = 0  # seconds by which its clock is wrong

    def __init__(self, pki):
        self.pki, self.requests = pki, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                outer.answer(self, query.get("service", [""])[0], query.get("scope", []))

            def do_POST(self):
                # OAuth2 with a refresh token is not offered; clients fall back to GET.
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_error(404)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler, service, scopes):
        sent = handler.headers.get("Authorization", "")
        known = sent == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.requests.append({"known": known, "scopes": scopes, "basic": bool(sent)})
        if sent and not known:
            handler.send_error(401)
            return
        access = []
        for scope in " ".join(scopes).split():
            kind, name, actions = scope.split(":", 2) if scope.count(":") == 2 else ("", "", "")
            allowed = actions.split(",") if known else []
            access.append({"type": kind, "name": name, "actions": allowed})
        body = json.dumps({"token": self.sign(service, access), "expires_in": 300}).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def sign(self, service, access):
        def encode(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        now = int(time.time()) + self.shift
        header = {"typ": "JWT", "alg": "RS256", "x5c": [self.pki.der("server")]}
        claims = {
            "iss": "koc-lab",
            "aud": service,
            "sub": USER,
            "iat": now,
            "nbf": now - 10,
            "exp": now + 300,
            "jti": str(time.monotonic_ns()),
            "access": access,
        }
        text = encode(json.dumps(header).encode()) + b"." + encode(json.dumps(claims).encode())
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.pki.folder / "server.key"],
            input=text,
            capture_output=True,
            check=True,
        ).stdout
        return (text + b"." + encode(signature)).decode()


class Pki:
    """A throw-away authority and a server certificate for loopback."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = self.folder / "ca.crt"
        extensions = self.folder / "extensions"
        extensions.write_text(
            "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
        )
        self.openssl(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=koc lab",
            "-keyout",
            "ca.key",
            "-out",
            "ca.crt",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        )
        self.openssl(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
        )
        self.openssl(
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "30",
            "-out",
            "server.crt",
            "-extfile",
            "extensions",
        )

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def der(self, name):
        text = (self.folder / f"{name}.crt").read_text()
        return "".join(text.split("-----")[2].split())


def basic_registry(folder):
    folder.mkdir(parents=True, exist_ok=True)
    line = subprocess.run(
        ["htpasswd", "-Bbn", USER, PASSWORD], capture_output=True, text=True, check=True
    ).stdout
    (folder / "htpasswd").write_text(line)
    return Registry(folder, auth=f"auth: {{htpasswd: {{realm: lab, path: {folder}/htpasswd}}}}\n")


def bearer_registry(folder, pki, tokens):
    return Registry(
        folder,
        auth=f"auth: {{token: {{realm: '{tokens.url}', service: koc-lab, "
        f"issuer: koc-lab, rootcertbundle: {pki.ca}}}}}\n",
    )


def tls_registry(folder, pki):
    return Registry(
        folder,
        scheme="https",
        name="localhost",
        ca=pki.ca,
        http=f", tls: {{certificate: {pki.folder}/server.crt, key: {pki.folder}/server.key}}",
    )


def relative_registry(folder):
    return Registry(folder, http=", relativeurls: true")


def docker_config(home, host, user=USER, password=PASSWORD):
    """Writes ~/.docker/config.json with one login."""
    folder = home.home / ".docker"
    folder.mkdir(exist_ok=True)
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
