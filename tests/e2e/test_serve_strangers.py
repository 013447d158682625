"""koc serve among strangers: layouts of theirs, clients that go away or do nothing, pages in browsers."""

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import time

import pytest
from runner import needed
from serve import serve, sha, upload  # noqa: F401  a fixture

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def descriptor(data, kind):
    return {"mediaType": kind, "digest": sha(data), "size": len(data)}


def manifest(config, layers=(), **more):
    return json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar") for layer in layers],
        **more}).encode()


def connect(server):
    host, port = server.host.split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_files_that_are_not_blobs_are_not_served_and_do_not_block(serve, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"s3cret")
    server = serve()
    blobs = server.folder / "blobs/sha256"
    names = {kind: hashlib.sha256(kind.encode()).hexdigest()
             for kind in ("link", "pipe", "folder", "device", "socket", "private")}
    (blobs / names["link"]).symlink_to(secret)
    os.mkfifo(blobs / names["pipe"])
    (blobs / names["folder"]).mkdir()
    (blobs / names["device"]).symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as s, contextlib.chdir(blobs):
        s.bind(names["socket"])
    (blobs / names["private"]).write_bytes(b"private, or other bytes")
    (blobs / names["private"]).chmod(0)
    started = time.monotonic()
    for kind, name in names.items():
        for path in (f"blobs/sha256:{name}", f"manifests/sha256:{name}"):
            for method in ("GET", "HEAD"):
                status, _, body = server.request(method, f"/v2/a/{path}")
                assert status in (404, 500) and b"s3cret" not in body, (kind, path)
        mount = f"/v2/a/blobs/uploads/?mount=sha256:{name}&from=b"
        assert server.request("POST", mount, b"")[0] == 202
    assert time.monotonic() - started < 10
    errors = server.stop()[1]
    assert "is a link, which is not served" in errors and "is a pipe" in errors


@pytest.mark.parametrize("kind", ["file", "folder", "dangling", "pipe"])
def test_a_push_writes_over_a_link_and_not_through_it(serve, tmp_path, kind):
    """A manifest and a blob whose places in the layout are links to something of the user's."""
    server = serve()
    config = b'{"os": "linux"}'
    upload(server, config)
    text = manifest(config)
    blobs = server.folder / "blobs/sha256"
    theirs = tmp_path / "theirs"
    if kind == "file":
        theirs.write_bytes(b"mine")
    elif kind == "folder":
        theirs.mkdir()
    elif kind == "pipe":
        os.mkfifo(theirs)
    for place in (blobs / sha(text)[7:], blobs / sha(b"layer")[7:]):
        place.symlink_to(theirs)
    assert server.request("PUT", "/v2/a/manifests/v1", text, Content_Type=MANIFEST)[0] == 201
    upload(server, b"layer")
    assert not (blobs / sha(text)[7:]).is_symlink() and not (blobs / sha(b"layer")[7:]).is_symlink()
    assert server.request("GET", "/v2/a/manifests/v1")[2] == text
    assert server.request("GET", f"/v2/a/blobs/{sha(b'layer')}")[2] == b"layer"
    if kind == "file":
        assert theirs.read_bytes() == b"mine"
    assert theirs.exists() == (kind != "dangling")
    server.stop()


def test_damaged_blob_is_told_and_mended_by_a_push(serve, crane, bases, tmp_path):
    """One flipped byte: nobody is handed it, and the next push of the same image repairs it."""
    server = serve()
    crane("copy", "--insecure", bases["oci"], f"{server.host}/app:v1")
    listed = json.loads(crane("manifest", "--insecure", "--platform=linux/amd64",
                              f"{server.host}/app:v1").stdout)
    layer = listed["layers"][0]["digest"]
    path = server.folder / "blobs/sha256" / layer[7:]
    right = path.read_bytes()
    path.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    assert server.code("GET", f"/v2/app/blobs/{layer}") == (404, "BLOB_UNKNOWN")
    crane("validate", "--insecure", "--remote", f"{server.host}/app:v1", status=1)
    crane("copy", "--insecure", bases["oci"], f"{server.host}/other:v1")
    assert path.read_bytes() == right
    crane("validate", "--insecure", "--remote", f"{server.host}/app:v1")
    assert "damaged" in server.stop()[1]


def test_abandoned_uploads_keep_nobody_out(serve):
    server = serve()

    def begin(_):
        return server.request("POST", "/v2/a/blobs/uploads/", b"")[0]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(begin, range(400))) == {202}
    assert len(list((server.folder / ".koc-uploads").iterdir())) <= 256
    upload(server, b"still possible")
    server.stop()
    upload(serve(), b"also after a restart")


def test_idle_connections_keep_nobody_out(serve):
    server = serve()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(server)) for _ in range(300)]
        for s in idle[200:]:
            with contextlib.suppress(OSError):
                s.sendall(b"GET /v2/ HTTP/1.1\r\nHost: local")  # a head that never ends
        started = time.monotonic()
        assert server.request("GET", "/v2/")[0] == 200
        assert time.monotonic() - started < 5
        data = os.urandom(1 << 20)
        assert server.request("GET", f"/v2/a/blobs/{upload(server, data)}")[2] == data


def limited(bytes_):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
    return limit


def full_disk_said(server, data):
    """What a client reads that pushes more than there is space for; nothing may be left of it."""
    where = server.request("POST", "/v2/a/blobs/uploads/", b"")[1]["Location"]
    status, headers, body = server.request("PATCH", where, data)
    assert status == 507, body
    assert server.code("GET", where) == (404, "BLOB_UPLOAD_UNKNOWN")
    status, _, body = server.request("POST", f"/v2/a/blobs/uploads/?digest={sha(data)}", data)
    assert status == 507
    assert "no space" in json.loads(body)["errors"][0]["message"]
    assert list((server.folder / ".koc-uploads").iterdir()) == []


def test_full_disk_is_507_and_leaves_nothing(serve, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk],
                             capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting is not possible here")
    try:
        server = serve(folder=disk / "images")
        for _ in range(8):  # the space is free when the reply arrives
            full_disk_said(server, os.urandom(8 << 20))
            upload(server, os.urandom(100 << 10))
        upload(server, os.urandom(1 << 20))
        server.stop()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_koc_push_says_that_the_disk_is_full(serve, bare_koc, bases, tmp_path):
    server = serve()
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (200_000, 200_000))
    full_disk_said(server, os.urandom(1 << 20))
    (tmp_path / "big").write_bytes(os.urandom(1 << 20))
    bare_koc("append", "-t", f"oci:{tmp_path}/big-image", f"{tmp_path}/big")
    pushed = bare_koc("push", tmp_path / "big-image", f"{server.host}/a:v1", status=1)
    assert "space" in pushed.stderr and "again and again" not in pushed.stderr


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:5000", "192.0.2.1"])
def test_rebound_names_get_no_answer(serve, host):
    server = serve("--allow-host=host.docker.internal")
    port = int(server.host.split(":")[1])

    def status(name):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", "/v2/_catalog", headers={"Host": name})
            response = connection.getresponse()
            return response.status, response.read()

    assert status(host)[0] == 403
    for name in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "a.localhost",
                 f"host.docker.internal:{port}"):
        assert status(name)[0] == 200
    # The hint works.
    name = host.partition(":")[0]
    message = json.loads(status(host)[1])["errors"][0]["message"]
    assert f"--allow-host={name}" in message
    assert server.request("GET", "/v2/", Sec_Fetch_Site="cross-site")[0] == 403
    assert server.request("GET", "/v2/", Sec_Fetch_Site="same-origin")[0] == 200


def test_requests_with_two_ends_are_refused(serve):
    server = serve()
    start = "POST /v2/a/blobs/uploads/ HTTP/1.1\r\n"
    smuggled = "0\r\n\r\nGET /v2/_catalog HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for head in ("Host: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                 "Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
                 "Host: localhost\r\nContent-Length: 4\r\nContent-Length: 40\r\n",
                 "Host: localhost\r\nContent-Length: 4\r\nContent-Length: 4\r\n",
                 "Host: localhost\r\nHost: evil.example\r\nContent-Length: 4\r\n",
                 "Content-Length: 4\r\n"):
        with connect(server) as s:
            s.sendall((start + head + "\r\n" + smuggled).encode())
            answer = b""
            with contextlib.suppress(OSError):
                while piece := s.recv(65536):
                    answer += piece
        assert answer.startswith(b"HTTP/1.1 400"), (head, answer)
        assert b"HTTP/1.1 200" not in answer and b"repositories" not in answer, head


def test_deleting_a_blob_breaks_no_image_of_another_repository(serve, crane, bases):
    server = serve("--allow-delete")
    for name in ("one", "two"):
        crane("copy", "--insecure", bases["oci"], f"{server.host}/{name}:v1")
    listed = json.loads(crane("manifest", "--insecure", "--platform=linux/amd64",
                              f"{server.host}/one:v1").stdout)
    index = crane("digest", "--insecure", f"{server.host}/one:v1").stdout.strip()
    for blob in (listed["config"]["digest"], listed["layers"][0]["digest"], index):
        status, _, body = server.request("DELETE", f"/v2/one/blobs/{blob}")
        error = json.loads(body)["errors"][0]
        assert (status, error["code"]) == (409, "DENIED"), error
        assert "one:v1" in error["message"] or "sha256:" in error["message"]
    crane("delete", "--insecure", f"{server.host}/one@{index}")
    crane("validate", "--insecure", "--remote", f"{server.host}/two:v1")
    assert crane("ls", "--insecure", f"{server.host}/one").lines == []
    crane("digest", "--insecure", f"{server.host}/one@{index}", status=1)


def test_signatures_of_one_repository_are_not_another_ones(serve, tmp_path):
    oras = needed("oras")
    server = serve("--allow-delete")
    (tmp_path / "hello").write_text("hello")

    def run(*words):
        done = subprocess.run([oras, *words], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    for name in ("one", "two"):
        run("push", "--plain-http", f"{server.host}/{name}:v1", "hello")
    run("attach", "--plain-http", "--artifact-type=test/signature", f"{server.host}/one:v1", "hello")
    assert "test/signature" in run("discover", "--plain-http", f"{server.host}/one:v1")
    assert "test/signature" not in run("discover", "--plain-http", f"{server.host}/two:v1")
    run("cp", "-r", "--from-plain-http", "--to-plain-http", f"{server.host}/one:v1",
        f"{server.host}/two:v2")
    assert "test/signature" in run("discover", "--plain-http", f"{server.host}/two:v2")
    for name in ("one", "two"):
        run("manifest", "delete", "-f", "--plain-http", f"{server.host}/{name}:v1")
    assert run("repo", "tags", "--plain-http", f"{server.host}/one") == ""


def referrers(server, path):
    started = time.monotonic()
    status, _, body = server.request("GET", path)
    assert status == 200
    return json.loads(body)["manifests"], time.monotonic() - started


def test_referrers_stay_fast_when_there_are_many(serve, tmp_path):
    """A layout of 3,000 signatures; each answer takes milliseconds, the first one reads them all."""
    server = serve()
    subject = sha(b"subject")
    blobs = server.folder / "blobs/sha256"
    config = upload(server, b"{}")
    assert config
    entries = []
    for n in range(3000):
        about = {"mediaType": MANIFEST, "digest": subject if n < 50 else sha(b"%d" % n), "size": 7}
        document = manifest(b"{}", artifactType="test/x", subject=about, annotations={"n": str(n)})
        (blobs / sha(document)[7:]).write_bytes(document)
        entries.append(descriptor(document, MANIFEST))
    (server.folder / "index.json").write_text(json.dumps(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))
    time.sleep(0.1)
    path = f"/v2/images/referrers/{subject}"
    first, slow = referrers(server, path)
    assert len(first) == 50
    fast = min(referrers(server, path)[1] for _ in range(5))
    assert fast < 0.1 and fast < slow / 3, (fast, slow)
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGINT)
