"""koc serve: other clients push to it and pull from it, layouts of theirs are served as they are."""

import concurrent.futures
import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import time

import oci
import pytest
import schemas
from runner import needed
from serve import serve, sha, upload  # noqa: F401  a fixture

INSECURE = ("--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false")


def test_skopeo_layout_is_served_and_comes_back(serve, skopeo, bases, tmp_path):
    folder = tmp_path / "Some App"
    skopeo(*INSECURE, "--all", f"docker://{bases['oci']}", f"oci:{tmp_path}/plain:v1")
    os.rename(tmp_path / "plain", folder)
    server = serve(folder=folder)
    before = (folder / "index.json").read_bytes()
    listed = skopeo("list-tags", "--tls-verify=false", f"docker://{server.host}/some-app")
    assert json.loads(listed.stdout)["Tags"] == ["v1"]
    source = f"docker://{server.host}/some-app:v1"
    skopeo(*INSECURE, "--all", source, f"oci:{tmp_path}/back:v1")
    raw = [
        skopeo("inspect", "--tls-verify=false", "--raw", name).stdout
        for name in (source, f"docker://{bases['oci']}", f"oci:{tmp_path}/back:v1")
    ]
    assert raw[0] == raw[1] == raw[2]
    assert (folder / "index.json").read_bytes() == before


def test_push_by_skopeo_is_a_layout_for_skopeo(serve, skopeo, bases, tmp_path):
    server = serve()
    skopeo(*INSECURE, "--all", f"docker://{bases['oci']}", f"docker://{server.host}/team/app:v1")
    skopeo(*INSECURE, f"docker://{bases['oci']}", f"docker://{server.host}/images:v2")
    names = [entry["annotations"]["org.opencontainers.image.ref.name"]
             for entry in server.index()["manifests"]]
    assert sorted(names) == ["team/app:v1", "v2"]
    assert server.stop()[0] == 130
    skopeo("inspect", f"oci:{server.folder}:v2")
    skopeo(*INSECURE, "--all", f"oci:{server.folder}:team/app:v1", f"oci:{tmp_path}/out:x")


def test_crane_pushes_pulls_lists_and_deletes(serve, crane, bases, tmp_path):
    server = serve("--allow-delete")
    ref = f"{server.host}/team/app"
    crane("copy", "--insecure", bases["oci"], f"{ref}:v1")
    crane("tag", "--insecure", f"{ref}:v1", "v2")
    crane("tag", "--insecure", f"{ref}:v1", "v3")
    assert crane("ls", "--insecure", ref).lines == ["v1", "v2", "v3"]
    assert crane("catalog", "--insecure", server.host).lines == ["team/app"]
    digest = crane("digest", "--insecure", f"{ref}:v2").stdout.strip()
    assert digest == crane("digest", "--insecure", bases["oci"]).stdout.strip()
    crane("validate", "--insecure", "--remote", f"{ref}:v1")
    crane("delete", "--insecure", f"{ref}:v3")
    assert crane("ls", "--insecure", ref).lines == ["v1", "v2"]
    crane("delete", "--insecure", f"{ref}@{digest}")
    crane("digest", "--insecure", f"{ref}:v1", status=1)
    crane("digest", "--insecure", f"{ref}@{digest}", status=1)


def test_podman_pulls_and_runs_what_koc_pushed(serve, bare_koc, podman, app):
    server = serve()
    built = bare_koc("build", "-B", "--base-image=scratch", "./cmd/tool", cwd=app,
                     env={"KO_DOCKER_REPO": server.host})
    assert built.ref.startswith(f"{server.host}/tool@sha256:") or ":latest@" in built.ref
    podman("pull", "-q", "--tls-verify=false", built.ref)
    run = podman("run", "--rm", "--network=none", "--ulimit=nofile=1024:1024",
                 "--ulimit=nproc=1024:1024", built.ref, timeout=60)
    assert run.stdout.startswith("hello")


def test_layout_of_koc_build_is_served(serve, bare_koc, crane, app, tmp_path):
    layout = tmp_path / "built"
    built = bare_koc("build", "--base-image=scratch", "--push=false", f"--oci-layout-path={layout}",
                     "./cmd/tool", cwd=app, env={"KO_DOCKER_REPO": "example.test/x"})
    server = serve("--read-only", folder=layout)
    digest = built.ref.rpartition("@")[2]
    assert crane("digest", "--insecure", f"{server.host}/built@{digest}").stdout.strip() == digest
    assert crane("digest", "--insecure", f"{server.host}/built:latest").stdout.strip() == digest
    assert "read-only" in crane("tag", "--insecure", f"{server.host}/built@{digest}", "x",
                                status=1).stderr
    assert not (layout / ".koc-uploads").exists()


def test_resume_cancel_and_ranges(serve):
    server = serve()
    data = bytes(range(256)) * 4000
    status, headers, _ = server.request("POST", "/v2/a/blobs/uploads/", b"")
    assert status == 202 and headers["Range"] == "0-0"
    where = headers["Location"]
    # A connection that breaks in the middle: what arrived stays.
    host, port = server.host.split(":")
    with socket.create_connection((host, int(port))) as s:
        s.sendall(f"PATCH {where} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode())
        s.sendall(data[:300_000])
        time.sleep(0.3)
    status, headers, _ = server.request("GET", where)
    have = int(headers["Range"].removeprefix("0-")) + 1
    assert status == 204 and 0 < have <= 300_000
    rest = {"Content_Range": f"{have}-{len(data) - 1}"}
    assert server.request("PATCH", where, data[have:], **rest)[0] == 202
    assert server.code("PATCH", where, data[have:], **rest)[0] == 416
    assert server.request("PUT", f"{where}?digest={sha(data)}", b"")[0] == 201
    blob = f"/v2/other/blobs/{sha(data)}"
    assert server.request("GET", blob)[2] == data
    status, headers, part = server.request("GET", blob, Range="bytes=1000-1999")
    assert (status, part) == (206, data[1000:2000])
    assert headers["Content-Range"] == f"bytes 1000-1999/{len(data)}"
    assert server.request("GET", blob, Range=f"bytes={len(data)}-")[0] == 416
    status, headers, body = server.request("HEAD", blob)
    assert (status, headers["Content-Length"], body) == (200, str(len(data)), b"")
    assert server.request("POST", f"/v2/b/blobs/uploads/?mount={sha(data)}&from=a", b"")[0] == 201
    where = server.request("POST", "/v2/a/blobs/uploads/", b"")[1]["Location"]
    assert server.request("DELETE", where)[0] == 204
    assert server.code("GET", where) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_hostile_requests(serve, tmp_path):
    (tmp_path / "secret").write_text("s3cret")
    server = serve()
    for path in (
        "/v2/../../secret",
        "/v2/..%2f..%2fsecret/manifests/v1",
        "/v2/a/manifests/..%2f..%2f..%2fsecret",
        "/v2/a/blobs/sha256:..%2f..%2fsecret",
        "/v2/a/blobs/uploads/..%2f..%2fsecret",
        "/v2/a/blobs/uploads/%2e%2e",
        "//v2//a/tags/list",
        "/v2/A/tags/list",
        "/v2/a%00b/tags/list",
        "/" + "a" * 20_000,
    ):
        status, _, body = server.request("GET", path)
        assert status in (400, 404, 414) and b"s3cret" not in body, path
    assert server.code("PUT", "/v2/a/manifests/v1", b"x" * (5 << 20))[0] == 413
    assert server.code("PUT", "/v2/a/manifests/v1", b"{" * 100_000) == (400, "MANIFEST_INVALID")
    assert server.code("POST", "/v2/a/blobs/uploads/?digest=sha256:zz", b"x")[0] == 400
    bad = f"/v2/a/blobs/uploads/?digest={sha(b'right')}"
    assert server.code("POST", bad, b"wrong") == (400, "DIGEST_INVALID")
    assert server.code("GET", "/v2/a/tags/list", Origin="https://evil.example")[0] == 403
    assert server.code("DELETE", f"/v2/a/blobs/{sha(b'')}")[0] == 405
    assert server.code("TRACE", "/v2/")[0] == 405
    host, port = server.host.split(":")
    for junk in (b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET /v2/ HTTP/9.9\r\n\r\n",
                 b"GET /v2/ HTTP/1.1\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n",
                 b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as s:
            try:
                s.sendall(junk)
                s.shutdown(socket.SHUT_WR)
                assert not s.recv(100).startswith(b"HTTP/1.1 2")
            except OSError:
                pass  # closed at once is fine, too
    assert server.request("GET", "/v2/")[0] == 200
    assert list((server.folder / "blobs/sha256").iterdir()) == []
    code, errors = server.stop()
    assert code == 130 and "\x00" not in errors and "\x1b" not in errors


def test_two_servers_and_many_clients_share_a_layout(serve):
    servers = [serve(), serve()]
    config = b"{}"
    for server in servers:
        upload(server, config)

    def push(n):
        server = servers[n % 2]
        layer = upload(server, os.urandom(200_000))
        manifest = json.dumps({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                       "digest": sha(config), "size": 2},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                        "digest": layer, "size": 200_000}],
        }).encode()
        assert server.request("PUT", f"/v2/a/manifests/t{n:02}", manifest)[0] == 201
        return servers[(n + 1) % 2].request("GET", f"/v2/a/manifests/t{n:02}")[2] == manifest

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(push, range(40)))
    tags = json.loads(servers[0].request("GET", "/v2/a/tags/list")[2])["tags"]
    assert tags == [f"t{n:02}" for n in range(40)]
    for blob in (servers[0].folder / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name


def test_interrupt_lets_a_push_end_and_leaves_nothing(serve):
    server = serve()
    data = os.urandom(1 << 20)
    host, port = server.host.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as s:
        s.sendall(f"POST /v2/a/blobs/uploads/?digest={sha(data)} HTTP/1.1\r\nHost: localhost\r\n"
                  f"Content-Length: {len(data)}\r\n\r\n".encode() + data[:1000])
        server.wait_for(".koc-uploads")
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        s.sendall(data[1000:])
        assert s.recv(1000).startswith(b"HTTP/1.1 201")
    assert server.stop(None)[0] == 130
    assert (server.folder / "blobs/sha256" / sha(data)[7:]).stat().st_size == len(data)
    assert not (server.folder / ".koc-uploads").exists()


def test_tls(serve, pki):
    server = serve(f"--tls-cert={pki.folder}/server.crt", f"--tls-key={pki.folder}/server.key")
    port = int(server.host.split(":")[1])
    context = ssl.create_default_context(cafile=pki.ca)
    with socket.create_connection(("127.0.0.1", port)) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as s:
            s.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 200")


def test_json_says_where(bare_koc, tmp_path):
    process = bare_koc.start("serve", "--json", "--address=127.0.0.1:0", tmp_path / "l")
    said = schemas.valid(process.stdout.readline(), "koc-serve-1")
    assert said["url"] == f"http://{said['registry']}"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143


def test_words_that_are_wrong(bare_koc, tmp_path):
    def refused(*words, status=1):
        result = bare_koc("serve", *words, status=status)
        assert len(result.errors) == 1, result.stderr
        return result.errors[0]

    assert "needs one directory" in refused(status=2)
    assert "other hosts can reach" in refused("--address=0.0.0.0:0", tmp_path / "l")
    assert "not an address" in refused("--address=example.com:80", tmp_path / "l")
    assert "not an address" in refused("--address=127.0.0.1:99999", tmp_path / "l")
    assert "no such OCI layout" in refused("--read-only", tmp_path / "none")
    assert "not a repository name" in refused("--repository=A", tmp_path / "l")
    assert "certificate" in refused("--tls-cert=x", tmp_path / "l")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/index.json").write_text("{}")
    assert "no oci-layout file" in refused(tmp_path / "other")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        assert "Address already in use" in refused(f"--address=127.0.0.1:{port}", tmp_path / "l")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.1", "dev"])
def test_conformance_suite(serve, tmp_path, version):
    """The distribution specification's own tests: pull, push, content discovery, management."""
    suite = needed("oci-conformance")
    server = serve("--allow-delete")
    result = subprocess.run(
        [suite],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OCI_VERSION": version,
             "OCI_REGISTRY": server.host, "OCI_TLS": "disabled",
             "OCI_RESULTS_DIR": str(tmp_path / "results")},
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    assert ": FAIL" not in result.stdout
