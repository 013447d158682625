"""Real things: layers, images, layouts, pushes, builds; and failures as Python has them."""

import gc
import hashlib
import http.server
import io
import json
import os
import pathlib
import tarfile
import threading

import cdef
import koc
import pytest
from koc import _call, _native

ROOT = pathlib.Path(__file__).resolve().parents[3]
EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_every_function_and_constant_of_the_headers_is_there():
    exported = (ROOT / "tests/abi/symbols.txt").read_text().split()
    assert sorted(cdef.functions(ROOT / "include")) == exported, "cdef.py lacks a header"
    missing = [name for name in exported if not hasattr(_native.lib, name)]
    assert not missing, "stale: install the package again"
    assert _native.lib.KOC_EUSER == -30 and _native.lib.KOC_PUBLISH_NO_PUSH == 1
    assert _native.ffi.string(_native.lib.KOC_MT_OCI_INDEX).startswith(b"application/vnd.oci")


def test_names_of_numbers_are_those_of_their_enum():
    assert all(code <= 0 for code in koc.Code) and koc.Code.EMISUSE == -1
    kinds = {"blob", "manifest", "layer", "build", "resolve", "image", "request"}
    assert set(_call.names_of("KOC_PROGRESS_").values()) == kinds
    assert _call.names_of("KOC_STATE_")[_native.lib.KOC_STATE_ACTIVE] == "active"
    for kind, prefix in ((koc.Code, "KOC_E"), (koc.Hint, "KOC_HINT_")):
        listed = {member.value: member.name.lower() for member in kind if member.name != "OK"}
        cut = len("KOC_") if kind is koc.Code else len(prefix)
        assert listed == {v: (prefix + n.upper())[cut:].lower() for v, n in _call.names_of(prefix).items()}


def test_an_error_names_the_option_and_what_helps(hello):
    with pytest.raises(koc.Error) as caught:
        koc.publish(["."], jobs=-1, push=False, base_image="scratch")
    assert caught.value.option == "jobs" and str(caught.value) == "jobs: -1 is negative"
    with pytest.raises(koc.Error) as caught:
        koc.publish(["."], repository="127.0.0.1:1/x", offline=True, base_image="scratch")
    assert caught.value.option == "offline" and caught.value.hint_kind == koc.Hint.NO_PUSH
    assert "--" not in str(caught.value) + caught.value.hint


def test_digest():
    digest = koc.Digest.of(b"")
    assert str(digest) == EMPTY and digest == koc.Digest(EMPTY)
    assert bytes(digest) == hashlib.sha256(b"").digest()
    assert digest != koc.Digest.of(bytearray(b"x")) and len({digest, koc.Digest(EMPTY)}) == 1
    with pytest.raises(koc.Error) as caught:
        koc.Digest("sha256:00")
    assert caught.value.code == koc.Code.EINVAL and "sha256" in str(caught.value)


def test_reference():
    r = koc.Reference("busybox:1.36")
    assert str(r) == "index.docker.io/library/busybox:1.36"
    assert (r.registry, r.repository, r.tag, r.digest) == (
        "index.docker.io",
        "library/busybox",
        "1.36",
        None,
    )
    pinned = r.with_digest(koc.Digest(EMPTY)).with_tag(None)
    assert str(pinned) == f"index.docker.io/library/busybox@{EMPTY}"
    assert str(pinned.digest) == EMPTY and r == koc.Reference("docker.io/library/busybox:1.36")


@pytest.mark.parametrize("text", ["Upper/Case", "a//b", ""])
def test_reference_errors(text):
    with pytest.raises(koc.Error) as caught:
        koc.Reference(text)
    assert caught.value.code == koc.Code.EINVAL and str(caught.value)


def test_strings_with_nul_are_refused():
    with pytest.raises(ValueError):
        koc.Reference("a\0b")


def test_layer_holds_what_was_added(context, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100000)
    b = koc.LayerBuilder(context, mtime=1)
    b.add_file(pathlib.PurePosixPath("/data/f"), source).add_bytes(b"/b", memoryview(b"bytes"))
    layer = b.add_symlink("/l", "b").finish()
    layout = koc.Layout(tmp_path / "layout", create=True, context=context)
    layout.put(koc.ImageBuilder(context, platform="linux/amd64").add_layer(layer).finish())
    name = str(layer.digest).removeprefix("sha256:")
    blob = (tmp_path / "layout/blobs/sha256" / name).read_bytes()
    assert hashlib.sha256(blob).hexdigest() == name and len(blob) == layer.size
    with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
        assert [m.name for m in tar] == ["b", "data", "data/f", "l"]
        assert tar.extractfile("b").read() == b"bytes" and tar.getmember("l").linkname == "b"
        assert tar.extractfile("data/f").read() == source.read_bytes()


def test_image_in_a_layout(context, layer, image, tmp_path):
    config = json.loads(image.config)
    assert config["architecture"] == "arm64" and config["config"]["User"] == "65532"
    assert config["config"]["Entrypoint"] == ["/app/hello"]
    assert config["rootfs"]["diff_ids"] == [str(layer.diff_id())]
    assert image.env("A") == "b" and image.label("l") == "m" and image.label("x") is None
    assert koc.Digest.of(image.manifest) == image.digest
    layout = koc.Layout(tmp_path / "layout", create=True, context=context)
    layout.put(image, "v1")
    (entry,) = json.loads((tmp_path / "layout/index.json").read_bytes())["manifests"]
    assert entry["digest"] == str(image.digest)
    again = layout.get(image.digest)
    assert again.manifest == image.manifest and again.layers[0].digest == layer.digest


def test_objects_may_go_in_any_order(context, image):
    layers = image.layers
    digest = str(layers[0].digest)
    del image, context
    gc.collect()
    assert str(layers[0].digest) == digest


def test_push_and_pull(context, image, registry):
    client = koc.Client(context, docker_auth=False)
    name = koc.Reference(f"{registry.host}/team/app:v1")
    events = []
    assert client.push(name, image, extra_tags=["v2"], progress=events.append) == image.digest
    assert {"blob", "manifest"} <= {e.kind for e in events}
    pulled = client.image(name.with_tag("v2"), "linux/arm64", timeout=30)
    assert pulled.manifest == image.manifest and pulled.config == image.config
    with pytest.raises(koc.Error) as caught:
        client.image(name.with_tag("v3"))
    assert caught.value.code == koc.Code.ENOTFOUND and caught.value.http_status == 404


class Parked(Exception):
    pass


def test_an_exception_in_progress_ends_the_call_and_comes_out(context, image, registry):
    def progress(event):
        raise Parked(event.kind)

    client = koc.Client(context, docker_auth=False)
    with pytest.raises(Parked) as caught:
        client.push(koc.Reference(f"{registry.host}/a"), image, progress=progress)
    assert isinstance(caught.value.__cause__, koc.Error)
    assert caught.value.__cause__.code == koc.Code.EUSER


def test_cancel(context, image, tmp_path):
    cancel = koc.Cancel()
    assert not cancel.triggered
    cancel.trigger()
    layout = koc.Layout(tmp_path / "layout", create=True, context=context)
    with pytest.raises(koc.Error) as caught:
        layout.put(image, cancel=cancel)
    assert cancel.triggered and caught.value.code == koc.Code.ECANCELLED


def test_other_threads_run_during_a_call(context):
    """Another thread is the registry that the call waits for; else it would never end."""

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        client = koc.Client(context, docker_auth=False)
        with pytest.raises(koc.Error) as caught:
            client.image(koc.Reference(f"127.0.0.1:{server.server_port}/a:b"), timeout=60)
        server.shutdown()
        thread.join()
    assert caught.value.http_status == 404


def test_resolver(context):
    r = koc.Resolver(context)
    r.add_bytes("one.yaml", b"a: &x ko://app # stays\n").add_bytes(
        "two.json", b'{"b": "ko://app"}\n'
    )
    assert r.references() == ["ko://app"] and r.warnings() == []
    with pytest.raises(koc.Error):
        r.write()  # not set
    image = f"registry.example/app@{EMPTY}"
    output = r.set("ko://app", image).write()
    assert output == f'a: &x {image} # stays\n---\n{{"b": "{image}"}}\n'.encode()
    with pytest.raises(koc.Error) as caught:
        koc.Resolver().add_bytes("bad.yaml", b"a: [\n")
    assert caught.value.code == koc.Code.EFORMAT and str(caught.value).startswith("bad.yaml:")
    with pytest.raises(koc.Error) as caught:
        r.set("ko://other", image)
    assert caught.value.code == koc.Code.ENOTFOUND


def test_log(tmp_path):
    lines = []
    (tmp_path / "file").write_text("")
    koc.Context(cache=tmp_path / "file", log=lambda *line: lines.append(line))
    assert len(lines) == 1 and lines[0][0] == 1 and "cache" in lines[0][2]


def test_publish_to_a_layout(hello, tmp_path):
    told, events = [], []
    result = koc.publish(
        ["."],
        base_image="scratch",
        oci_layout_path=tmp_path / "layout",
        push=False,
        sbom=False,
        labels=["a=b"],
        progress=events.append,
        published=lambda path, reference: told.append((path, reference)),
    )
    (reference,) = result.references
    assert told == list(zip(result.import_paths, result.references))
    assert {"build", "layer", "image"} <= {e.kind for e in events}
    digest = koc.Digest(reference.rpartition("@")[2])
    image = koc.Layout(tmp_path / "layout").get(digest)
    config = json.loads(image.config)
    assert config["config"]["Labels"] == {"a": "b"} and len(image.layers) == 2
    assert result.report["results"][0]["digest"] == str(digest)


def test_publish_errors(hello, tmp_path):
    (hello / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    with pytest.raises(koc.Error) as caught:
        koc.publish(["."], base_image="scratch", push=False, oci_layout_path=tmp_path / "layout")
    assert caught.value.code == koc.Code.EPROCESS and "nonsense" in caught.value.detail
    with pytest.raises(TypeError):
        koc.publish(["."], no_such_option=1)
    with pytest.raises(TypeError):
        koc.publish(".")
