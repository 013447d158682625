"""A registry that lies: scripted answers, only for what no real server gives."""

import http.server
import json
import threading

from bases import OCI
from oci import digest_of


class Liar:
    """Serves one image `base:latest`; its parts can be replaced before or after."""

    def __init__(self):
        self.answers = {}  # path -> (status, headers, body)
        self.requests = []  # (method, path)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                outer.requests.append((self.command, self.path))
                status, headers, body = outer.answers.get(self.path, (404, {}, b"{}"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.write(body)

            def write(self, body):
                try:
                    self.wfile.write(body)
                except OSError:
                    pass
                self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.base = f"{self.host}/base:latest"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.answers["/v2/"] = (200, {}, b"{}")
        self.config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        self.serve_config(json.dumps(self.config).encode())

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def serve_config(self, data, promised=None):
        """The config blob; `promised` are the bytes that the manifest's digest and size are of."""
        promised = data if promised is None else promised
        digest = digest_of(promised)
        self.blob(digest, data)
        self.serve_manifest(
            json.dumps(
                {
                    "schemaVersion": 2,
                    "mediaType": OCI["manifest"],
                    "layers": [],
                    "config": {"mediaType": OCI["config"], "size": len(promised), "digest": digest},
                }
            ).encode()
        )

    def blob(self, digest, data):
        self.answers[f"/v2/base/blobs/{digest}"] = (
            200,
            {"Content-Type": "application/octet-stream"},
            data,
        )

    def serve_manifest(self, data, media_type=OCI["manifest"], headers=None, digest=None):
        headers = {
            "Content-Type": media_type,
            "Docker-Content-Digest": digest or digest_of(data),
            **(headers or {}),
        }
        for reference in ("latest", digest_of(data)):
            self.answers[f"/v2/base/manifests/{reference}"] = (200, headers, data)
