"""The registry client: what it can ask for, credentials, transports, and a registry of our own."""

import io
import json
import os
import threading
import urllib.request

import koc
import pytest
from registry import PASSWORD, USER, basic_registry


@pytest.fixture
def server(tmp_path, context):
    """A small registry that needs no other program."""
    layout = koc.Layout(tmp_path / "served", create=True, context=context)
    with koc.Server(layout, delete=True, context=context) as server:
        yield server


@pytest.fixture
def client(context):
    return koc.Client(context, docker_auth=False)


def scratch(context, platform="linux/amd64"):
    layer = koc.LayerBuilder(context).add_bytes("/f", platform.encode()).finish()
    return koc.ImageBuilder(context, platform=platform).add_layer(layer).finish()


def test_indexes_tags_blobs_and_referrers(server, client, context):
    repository = f"{server.host}/team/app"
    index = koc.IndexBuilder(context).add(scratch(context)).add(scratch(context, "linux/arm64")).finish()
    assert client.push(f"{repository}:1", index, extra_tags=["2"]) == index.digest
    assert bytes(client.index(f"{repository}:2")) == bytes(index)
    image = client.image(f"{repository}:1", "linux/arm64")
    assert image.read_file("/f") == b"linux/arm64"
    with pytest.raises(koc.Error) as caught:
        client.image(f"{repository}:1", "linux/s390x")
    assert caught.value.code == koc.Code.EPLATFORM
    assert client.tag(f"{repository}:1", "3", "4") == index.digest
    assert client.tags(repository) == ["1", "2", "3", "4"]
    layer = image.layers[0]
    assert client.stat_blob(f"{repository}@{layer.digest}") == layer.size
    blob = client.open_blob(f"{repository}@{layer.digest}", layer.size)
    assert blob.open().readall() == client.blob(f"{repository}@{layer.digest}") and blob.size == layer.size
    assert client.put_blob(repository, koc.Blob(b"a blob")) == koc.Digest.of(b"a blob")
    artifact = koc.Artifact("application/vnd.example.note", subject=image.descriptor, context=context)
    koc.copy(artifact, f"{repository}@{artifact.digest}", client=client, context=context)
    (found,) = client.referrers(f"{repository}@{image.digest}", "application/vnd.example.note")
    assert found.digest == artifact.digest and found.artifact_type == "application/vnd.example.note"
    client.delete(f"{repository}:4")
    assert client.tags(repository) == ["1", "2", "3"]


def test_a_server_of_ones_own(tmp_path, context):
    layout = koc.Layout(tmp_path / "l", create=True, context=context)
    layout.put(scratch(context), "v1")
    server = koc.Server(layout, repository="app", read_only=True, context=context)
    assert server.url in repr(server)
    with urllib.request.urlopen(f"{server.url}/v2/app/tags/list") as reply:
        assert json.load(reply)["tags"] == ["v1"]
    server.close()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{server.url}/v2/")
    with pytest.raises(koc.Error) as caught:
        koc.Server(layout, address="nonsense")
    assert caught.value.code == koc.Code.EINVAL
    with pytest.raises(koc.Error) as caught:
        koc.serve(layout, timeout=0.01, context=context)
    assert caught.value.code == koc.Code.ETIMEOUT
    with pytest.raises(TypeError):
        koc.Server(layout, adress="x")


def test_sources_of_credentials(tmp_path, context):
    file = tmp_path / "config.json"
    assert koc.login("docker.io", (USER, PASSWORD), config_path=file) == str(file)
    found = koc.Auth.docker(file).lookup("index.docker.io", "library/x")
    assert (found.username, found.secret, found.kind) == (USER, PASSWORD, "basic")
    assert str(file) in found.source and PASSWORD not in repr(found)
    assert koc.Auth.docker(file).lookup("registry.example", "x") is None
    koc.logout("docker.io", config_path=file)
    with pytest.raises(koc.Error) as caught:
        koc.logout("docker.io", config_path=file)
    assert caught.value.code == koc.Code.ENOTFOUND
    assert koc.registry_name("https://index.docker.io/v1/") == "index.docker.io"
    nothing = koc.Auth(lambda registry, repository: None)
    token = koc.Auth.static("registry.example", "a token")
    chain = koc.Auth.chain(nothing, token)
    assert chain.lookup("registry.example", "x") == koc.Credential("a token", None, "bearer")
    assert koc.Client(context, auth=chain).lookup("registry.example", "x").kind == "bearer"
    identity = koc.Credential("refresh", kind="identity_token")
    assert koc.Auth(lambda *names: identity).lookup("a.example", "b").kind == "identity_token"


def test_logins_are_checked_and_refusals_are_told(tmp_path, context):
    server = basic_registry(tmp_path / "r")
    refused = []
    try:
        good = koc.Client(context, auth=koc.Auth.static(server.host, (USER, PASSWORD)))
        assert good.check_login(server.host)
        with pytest.raises(koc.Error) as caught:
            good.token(f"{server.host}/a")
        assert caught.value.code == koc.Code.EUNSUPPORTED
        wrong = koc.Auth(lambda *names: (USER, "wrong"), rejected=refused.append)
        with pytest.raises(koc.Error) as caught:
            koc.Client(context, auth=wrong).tags(f"{server.host}/a")
        assert (caught.value.code, caught.value.http_status) == (koc.Code.EAUTH, 401)
        assert refused == [server.host] and "wrong" not in str(caught.value)
    finally:
        server.close()


def test_a_callback_that_calls_back_in(server, context):
    other = koc.Client(context, docker_auth=False)
    other.push(f"{server.host}/keys:1", scratch(context))
    asked = []

    def auth(registry, repository):
        asked.append(other.tags(f"{server.host}/keys"))  # not the client that asks
        return None

    client = koc.Client(context, auth=auth)
    events = []

    def progress(event):
        events.append(client.tags(f"{server.host}/keys"))

    client.push(f"{server.host}/app:1", scratch(context), progress=progress)
    assert events and all(tags == ["1"] for tags in events + asked)


def test_options_of_a_client(context):
    offline = koc.Client(context, docker_auth=False, offline=True)
    with pytest.raises(koc.Error) as caught:
        offline.tags("registry.example/x")
    assert caught.value.code == koc.Code.ENET
    limits = koc.Client(
        context,
        docker_auth=False,
        proxy_env=False,
        max_attempts=1,
        max_connections=1,
        requests_per_second=5,
        connect_timeout=0.2,
        response_timeout=0.2,
    )
    with pytest.raises(koc.Error) as caught:
        limits.tags("127.0.0.1:1/x")
    assert caught.value.code == koc.Code.ENET and caught.value.retryable


def test_headers_and_a_trace(server, context):
    traced = []
    client = koc.Client(
        context, docker_auth=False, headers={"X-Test": "1"}, user_agent="me/1", trace=traced.append
    )
    client.push(f"{server.host}/a:1", scratch(context))
    request = next(t for t in traced if t.kind == "request")
    assert {("X-Test", "1"), ("User-Agent", "me/1")} <= set(request.headers)
    assert any(t.kind == "reply" and t.status == 201 for t in traced)

    def stop(event):
        raise InterruptedError("the trace has seen enough")

    with pytest.raises(InterruptedError):
        koc.Client(context, docker_auth=False, trace=stop).tags(f"{server.host}/a")


class Recorded:
    """A transport that answers from a table, and over urllib for what is not in it."""

    def __init__(self, replies=()):
        self.replies, self.seen = dict(replies), []

    def __call__(self, request):
        self.seen.append((request.method, request.url))
        path = request.url.partition("/v2/")[2]
        if path in self.replies:
            reply = self.replies[path]
            return reply(request) if callable(reply) else reply
        body = request.body.readall() if request.body else None
        made = urllib.request.Request(request.url, body, dict(request.headers), method=request.method)
        try:
            with urllib.request.urlopen(made) as reply:
                return koc.Reply(reply.status, list(reply.headers.items()), io.BytesIO(reply.read()))
        except urllib.error.HTTPError as error:
            return koc.Reply(error.code, list(error.headers.items()), error.read())


def test_a_transport_of_ones_own_pushes_and_pulls(server, context):
    send = Recorded()
    client = koc.Client(context, docker_auth=False, transport=koc.Transport(send))
    image = scratch(context)
    client.push(f"{server.host}/app:1", image)
    assert client.image(f"{server.host}/app:1").read_file("/f") == b"linux/amd64"
    assert {method for method, _ in send.seen} >= {"POST", "PUT", "GET"}


def blob_client(context, reply, **options):
    transport = koc.Transport(Recorded({f"a/blobs/{koc.Digest.of(b'0123456789')}": reply}))
    return koc.Client(
        context, docker_auth=False, transport=transport, max_attempts=2, allow_http=["r.example"], **options
    )


CONTENT = f"r.example/a@{koc.Digest.of(b'0123456789')}"


@pytest.mark.parametrize(
    "reply, code",
    [
        (koc.Reply(200, {"Content-Length": "10"}, b"0123"), "ENET"),
        (koc.Reply(200, {}, b"9876543210"), "EDIGEST"),
        (koc.Reply(404, {}, b"no"), "ENOTFOUND"),
        (koc.Reply(200, {}, None), None),
        (koc.Reply(999), "EINVAL"),
        (koc.Reply(200, {"X-Bad\r\nName": "1"}), "EINVAL"),
    ],
    ids=["short", "other content", "wrong status", "no body", "no status", "bad header"],
)
def test_a_transport_that_lies_is_found_out(context, reply, code):
    blob = blob_client(context, reply).open_blob(CONTENT, 10)
    with pytest.raises(koc.Error) as caught:
        blob.read()
    assert code is None or caught.value.code in (koc.Code[code], koc.Code.EDIGEST), str(caught.value)


def test_bytes_after_the_content_are_not_passed_on(context):
    reply = koc.Reply(200, {}, b"0123456789 and more")
    assert blob_client(context, reply).open_blob(CONTENT, 10).read() == b"0123456789"


def test_failures_of_a_transport(context):
    def lost(request):
        raise ConnectionResetError("the line was cut")

    with pytest.raises(koc.Error) as caught:
        blob_client(context, lost).open_blob(CONTENT, 10).read(timeout=60)
    assert caught.value.code == koc.Code.ENET and isinstance(caught.value.__cause__, ConnectionResetError)

    def broken(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        blob_client(context, broken).open_blob(CONTENT, 10).read()
    assert isinstance(caught.value.__cause__, koc.Error)
    with pytest.raises(TypeError, match="koc.Reply"):
        blob_client(context, lambda request: b"bytes").open_blob(CONTENT, 10).read()


def test_a_request_says_how_long_it_may_take(context):
    seen = []

    def send(request):
        seen.append((request.timeout, request.cancelled, request.body))
        return koc.Reply(200, {}, b"0123456789")

    assert blob_client(context, send).open_blob(CONTENT, 10).read(timeout=60) == b"0123456789"
    ((timeout, cancelled, body),) = seen
    assert 0 < timeout <= 60 and not cancelled and body is None


def test_a_thousand_clients(server, context):
    image = scratch(context)
    for i in range(1000):
        client = koc.Client(context, auth=lambda *names: None, trace=lambda event: None)
        if i % 100 == 0:
            client.push(f"{server.host}/many:{i}", image)
    del client
    from koc import _call

    assert len(_call._handles) < 20
    assert len(os.listdir("/proc/self/fd")) < 200


def test_two_contexts_in_two_threads_share_a_cache(tmp_path, server):
    digests = []

    def work(name):
        context = koc.Context(cache=tmp_path / "cache", threads=2)
        client = koc.Client(context, docker_auth=False)
        for i in range(10):
            layer = koc.LayerBuilder(context).add_bytes("/f", bytes([i]) * 300_000).finish()
            image = koc.ImageBuilder(context, platform="linux/amd64").add_layer(layer).finish()
            digests.append((i, client.push(f"{server.host}/{name}:{i}", image)))
            client.image(f"{server.host}/{name}:{i}").read_file("/f")
        context.prune_cache(0)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 20 and len(set(digests)) == 10


def test_an_object_closed_while_another_thread_uses_it(server, context):
    client = koc.Client(context, docker_auth=False)
    image = scratch(context)
    done = []

    def progress(event):
        client.close()
        context.close()

    done.append(client.push(f"{server.host}/closed:1", image, progress=progress))
    assert done == [image.digest]
    with pytest.raises(ValueError, match="this Client is closed"):
        client.tags(f"{server.host}/closed")
    assert repr(client) == "<koc.Client closed>"


def test_an_engine(context, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(koc.Error) as caught:
        koc.Daemon(context)
    assert str(tmp_path) in str(caught.value)
