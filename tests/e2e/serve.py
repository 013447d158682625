"""koc serve as a registry for tests."""

import contextlib
import hashlib
import http.client
import json
import signal

import pytest
from runner import wait_until


class Served:
    """One `koc serve`; `host` is what references begin with."""

    def __init__(self, koc, folder, *flags):
        self.folder = folder
        self.process = koc.start("serve", "--address=127.0.0.1:0", "-v", *flags, folder)
        self.host = self.process.stdout.readline().strip()
        assert self.host, self.process.communicate()[1]

    def request(self, method, path, body=None, **headers):
        """Status, headers and body; the path goes out as it is."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None and "Transfer_Encoding" not in headers:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def code(self, method, path, body=None, **headers):
        """Status and the registry's own word of an error."""
        status, _, text = self.request(method, path, body, **headers)
        return status, json.loads(text)["errors"][0]["code"] if text else None

    def stop(self, number=signal.SIGINT):
        """Exit status and stderr; number None: the signal was sent before."""
        if number and self.process.poll() is None:
            self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            assert word not in errors, errors
        return self.process.returncode, errors

    def index(self):
        return json.loads((self.folder / "index.json").read_text())

    def wait_for(self, name, seconds=10):
        wait_until(lambda: (self.folder / name).exists(), seconds, name)


@pytest.fixture
def serve(bare_koc, tmp_path):
    """serve(flag…, folder=…) starts one; all are stopped, and must have gone well."""
    running = []

    def start(*flags, folder=tmp_path / "images"):
        running.append(Served(bare_koc, folder, *flags))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def upload(server, data, repository="a"):
    path = f"/v2/{repository}/blobs/uploads/?digest={sha(data)}"
    assert server.request("POST", path, data)[0] == 201
    return sha(data)
