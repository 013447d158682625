"""A fake internet: an HTTPS proxy that answers for every host by itself, with certificates of the lab's
authority, and keeps what it was asked. Clouds cannot be had here; their documented endpoints can be
stood in for, and everything between koc and them (TLS, names, proxies) is real.

    internet.answer("sts.eu-west-1.amazonaws.com", "POST", "/", body)
    koc(..., env=internet.env)
    assert internet.hosts() == ["sts.eu-west-1.amazonaws.com"]
"""

import dataclasses
import hashlib
import hmac
import http.server
import json
import ssl
import threading
import urllib.parse


@dataclasses.dataclass
class Asked:
    host: str
    method: str
    path: str
    headers: dict  # names in lower case
    body: str

    @property
    def form(self):
        return {name: values[0] for name, values in urllib.parse.parse_qs(self.body).items()}

    @property
    def query(self):
        return {n: v[0] for n, v in urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).items()}

    @property
    def text(self):
        return json.dumps([self.host, self.path, self.headers, self.body])


class Internet:
    def __init__(self, pki, folder):
        self.pki, self.folder = pki, folder
        self.asked, self.answers, self.contexts = [], {}, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            host = None

            def do_CONNECT(self):
                self.host = self.path.rsplit(":", 1)[0]
                self.send_response(200)
                self.end_headers()
                try:
                    self.connection = outer.context(self.host).wrap_socket(self.connection, server_side=True)
                except OSError:
                    self.close_connection = True
                    return
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                self.close_connection = False

            def do_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                host = self.host or headers.get("host", "").rsplit(":", 1)[0]
                asked = Asked(host, self.command, self.path, headers, body)
                outer.asked.append(asked)
                status, fields, data = outer.reply(asked)
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_HEAD = do_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self.server.server_port}"
        self.env = {"HTTPS_PROXY": f"http://{self.place}", "https_proxy": "", "NO_PROXY": "", "no_proxy": "",
                    "SSL_CERT_FILE": str(pki.ca)}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def context(self, host):
        if host not in self.contexts:
            name = host.replace("*", "_")
            (self.folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n")
            self.pki.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                             "-CAcreateserial", "-days", "30", "-out", str(self.folder / f"{name}.crt"),
                             "-extfile", str(self.folder / f"{name}.ext"))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.folder / f"{name}.crt", self.pki.folder / "server.key")
            self.contexts[host] = context
        return self.contexts[host]

    def answer(self, host, method, path, body, status=200, **headers):
        """body: text, bytes, something for JSON, or a function of the Asked that gives one of them."""
        self.answers[host, method, path] = (status, headers, body)

    def reply(self, asked):
        path = urllib.parse.urlsplit(asked.path).path
        status, headers, body = self.answers.get((asked.host, asked.method, path), (403, {}, "no"))
        body = body(asked) if callable(body) else body
        if isinstance(body, int):
            status, body = body, ""
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        return status, headers, body.encode() if isinstance(body, str) else body

    def hosts(self):
        return [asked.host for asked in self.asked]

    def saw(self, secret):
        """The hosts that were sent this."""
        return sorted({asked.host for asked in self.asked if secret in asked.text})


def sigv4_is_right(asked, secret):
    """Whether the request is signed with this secret key: computed again from the request."""
    kind, rest = asked.headers["authorization"].split(" ", 1)
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    _, day, region, service, end = parts["Credential"].split("/")
    names = parts["SignedHeaders"].split(";")
    url = urllib.parse.urlsplit(asked.path)
    canonical = "\n".join([
        asked.method, url.path, url.query, *[f"{n}:{asked.headers[n].strip()}" for n in names], "",
        ";".join(names), hashlib.sha256(asked.body.encode()).hexdigest()])
    scope = f"{day}/{region}/{service}/{end}"
    text = "\n".join([kind, asked.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == parts["Signature"]
