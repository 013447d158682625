"""The usual jobs in one call, reading images, own credentials, and objects after close()."""

import json

import koc
import pytest
from registry import PASSWORD, USER, basic_registry


def build(**more):
    files = {
        "/app/server": koc.File(content=b"program\n", mode=0o755, layer=1),
        "/etc/app.conf": b"verbose\n",
        "/bin/server": koc.File(link="/app/server"),
    }
    return koc.build_image(files=files, entrypoint=["/app/server"], context=koc.Context(threads=1), **more)


def test_an_image_in_one_call(registry, context):
    client = koc.Client(context, docker_auth=False)
    repository = f"{registry.host}/team/app"
    built = build(
        platforms=["linux/amd64", "linux/arm64"],
        env={"LOG": "debug"},
        ports=["8080/tcp"],
        labels={"a": "b"},
        config={"/config/Healthcheck": {"Test": ["NONE"]}},
        targets=[f"{repository}:v1"],
        tags=["latest"],
        client=client,
    )
    assert built.references == [f"{repository}@{built.digest}"] and built.report["schema"] == "koc-edit-1"
    assert client.tags(koc.Reference(repository)) == ["latest", "v1"]
    image = client.image(koc.Reference(f"{repository}:latest"), "linux/arm64")
    assert [i.platform for i in built.images] == ["linux/amd64", "linux/arm64"]
    assert image.digest == built.images[1].digest and "linux/arm64" in repr(image)
    assert image.environment == {"LOG": "debug"} and image.labels == {"a": "b"}
    assert image.ports == ["8080/tcp"] and image.entrypoint == ["/app/server"] and image.user is None
    assert [h.created_by for h in image.history] == ["koc", "koc"]
    assert image.read_file("/bin/server") == b"program\n"
    assert json.loads(image.config)["config"]["Healthcheck"] == {"Test": ["NONE"]}
    with pytest.raises(koc.Error) as caught:
        image.read_file("/none")
    assert caught.value.code == koc.Code.ENOTFOUND
    assert build(platforms=["linux/amd64"], targets=[]).digest == build(platforms=["linux/amd64"]).digest


def test_a_wrong_option_is_named(tmp_path):
    with pytest.raises(koc.Error) as caught:
        build(ports=["http"])
    assert caught.value.code == koc.Code.EINVAL and caught.value.option == "ports"
    with pytest.raises(koc.Error):
        koc.build_image(files={"/x": tmp_path / "none"})
    with pytest.raises(TypeError):
        koc.build_image(entrypiont=["/x"])


def test_copies_between_places(registry, context, tmp_path):
    client = koc.Client(context, docker_auth=False)
    build(targets=[f"oci:{tmp_path}/l:app"])
    seen = []
    first = koc.copy(f"oci:{tmp_path}/l:app", f"{registry.host}/c:1", client=client, progress=seen.append)
    again = koc.copy(f"oci:{tmp_path}/l:app", f"{registry.host}/c:1", client=client)
    assert first.copied == first.blobs == 3 and not first.unchanged and again.unchanged
    assert again.digest == first.digest and any(e.state == "finished" for e in seen)
    koc.copy(f"{registry.host}/c:1", tmp_path / "a.tar", client=client)
    back = koc.copy(tmp_path / "a.tar", f"{registry.host}/c:2", client=client)
    assert back.digest == first.digest


def test_what_a_registry_has(registry, context):
    client = koc.Client(context, docker_auth=False, headers={"X-Test": "1"})
    tag = koc.Reference(f"{registry.host}/r:1")
    blob = client.put_blob(tag, b"content")
    assert client.blob(tag.with_digest(blob)) == b"content"
    build(targets=[str(tag)], client=client)
    found = client.resolve(tag)
    data, media_type = client.manifest(tag)
    assert (media_type, len(data)) == (found.media_type, found.size) and str(koc.Digest.of(data)) == found.digest
    assert client.put_manifest(tag.with_tag("2"), data, media_type) == koc.Digest(found.digest)
    assert client.referrers(tag.with_digest(koc.Digest(found.digest))) == []
    assert "r" in client.repositories(registry.host)


def test_own_credentials(tmp_path, context):
    asked = []

    def auth(host, repository):
        asked.append((host, repository))
        return (USER, PASSWORD) if answer else None

    server = basic_registry(tmp_path / "r")
    try:
        client = koc.Client(context, auth=auth)
        answer = True
        build(targets=[f"{server.host}/a:1"], client=client)
        assert asked and asked[0][0] == server.host
        answer = False
        with pytest.raises(koc.Error) as caught:
            build(targets=[f"{server.host}/a:2"], client=koc.Client(context, auth=auth))
        assert caught.value.code == koc.Code.EAUTH

        def failing(host, repository):
            raise RuntimeError("the vault is sealed")

        with pytest.raises(RuntimeError, match="the vault is sealed"):
            build(targets=[f"{server.host}/a:2"], client=koc.Client(context, auth=failing))
    finally:
        server.close()


def test_a_closed_object_says_so(image):
    with koc.Context() as context:
        pass
    with pytest.raises(ValueError, match="this Context is closed"):
        koc.Client(context)
    image.close()
    image.close()
    with pytest.raises(ValueError, match="this Image is closed"):
        image.config  # noqa: B018
