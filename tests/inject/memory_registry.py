"""A registry in memory, which takes microseconds to reset: for thousands of runs against one state.

It accepts a manifest only if the repository has all that the manifest names, as real registries do.
"""

import base64
import copy
import hashlib
import http.server
import json
import re
import threading
import urllib.parse


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class MemoryRegistry:
    def __init__(self):
        self.blobs = {}      # (repository, digest) -> bytes
        self.manifests = {}  # (repository, tag or digest) -> (media type, bytes)
        self.uploads = {}
        self.secret = base64.b64encode(b"koc:s3cret").decode()  # whoever asks must have it
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"registry": self}))
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def snapshot(self):
        return copy.copy(self.blobs), copy.copy(self.manifests)

    def restore(self, snapshot):
        self.blobs, self.manifests = map(copy.copy, snapshot)
        self.uploads = {}

    # What bases.Baker calls.
    def put_blob(self, repository, data, digest):
        self.blobs[repository, digest] = data

    def put_manifest(self, repository, reference, data, media_type):
        self.manifests[repository, reference] = self.manifests[repository, sha(data)] = (media_type, data)

    def lacks(self, repository, data):
        """What a manifest names and the repository does not have."""
        document = json.loads(data)
        parts = document.get("layers", []) + ([document["config"]] if "config" in document else [])
        missing = [p["digest"] for p in parts if (repository, p["digest"]) not in self.blobs]
        return missing + [
            m["digest"] for m in document.get("manifests", []) if (repository, m["digest"]) not in self.manifests
        ]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    registry = None

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (OSError, ValueError):  # the client went away in the middle
            self.close_connection = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response_only(status)
        headers.setdefault("Content_Length", len(body))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def refuse(self, status, code):
        self.answer(status, json.dumps({"errors": [{"code": code}]}).encode(), Content_Type="application/json")

    def content(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            length = int(self.headers.get("Content-Length", 0))
            data = self.rfile.read(length)
            if len(data) < length:
                raise ConnectionError("the body ended early")
            return data
        data = b""
        while size := int(self.rfile.readline() or "x", 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def route(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = self.content()
        if self.headers.get("Authorization") != f"Basic {self.registry.secret}":
            return self.answer(401, WWW_Authenticate='Basic realm="memory"')
        if url.path == "/v2/":
            return self.answer(200)
        match = re.fullmatch(r"/v2/(.+)/(blobs/uploads|blobs|manifests|tags|referrers)/(.*)", url.path)
        if not match:
            return self.refuse(404, "NAME_UNKNOWN")
        repository, what, name = match.groups()
        return getattr(self, "do_" + what.replace("/", "_"))(repository, name, query, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = route

    def do_blobs(self, repository, digest, query, body):
        data = self.registry.blobs.get((repository, digest))
        if data is None:
            return self.refuse(404, "BLOB_UNKNOWN")
        return self.answer(200, data, Content_Type="application/octet-stream", Docker_Content_Digest=digest)

    def do_blobs_uploads(self, repository, name, query, body):
        uploads, digest = self.registry.uploads, query.get("digest")
        if self.command == "DELETE":
            uploads.pop(name, None)
            return self.answer(204)
        if self.command == "POST":
            name = f"u{len(uploads)}"
            uploads[name] = b""
        if name not in uploads:
            return self.refuse(404, "BLOB_UPLOAD_UNKNOWN")
        uploads[name] += body
        where = f"/v2/{repository}/blobs/uploads/{name}"
        if digest is None:
            end = max(len(uploads[name]) - 1, 0)
            return self.answer(202, Location=where, Range=f"0-{end}", Docker_Upload_UUID=name)
        data = uploads.pop(name)
        if sha(data) != digest:
            return self.refuse(400, "DIGEST_INVALID")
        self.registry.blobs[repository, digest] = data
        return self.answer(201, Location=f"/v2/{repository}/blobs/{digest}", Docker_Content_Digest=digest)

    def do_manifests(self, repository, reference, query, body):
        if self.command == "PUT":
            if self.registry.lacks(repository, body):
                return self.refuse(400, "MANIFEST_BLOB_UNKNOWN")
            self.registry.put_manifest(repository, reference, body, self.headers.get("Content-Type"))
            return self.answer(201, Docker_Content_Digest=sha(body))
        media_type, data = self.registry.manifests.get((repository, reference), (None, None))
        if data is None:
            return self.refuse(404, "MANIFEST_UNKNOWN")
        return self.answer(200, data, Content_Type=media_type, Docker_Content_Digest=sha(data))

    def do_tags(self, repository, name, query, body):
        tags = sorted(r for of, r in self.registry.manifests if of == repository and ":" not in r)
        if not tags:
            return self.refuse(404, "NAME_UNKNOWN")
        return self.answer(200, json.dumps({"name": repository, "tags": tags}).encode())

    def do_referrers(self, repository, name, query, body):
        return self.refuse(404, "NOT_FOUND")
