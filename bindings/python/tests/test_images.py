"""Layers, images, indexes, artifacts and where they are kept: everything that needs no registry."""

import hashlib
import io
import json
import os
import tarfile

import koc
import pytest


def members(layer):
    with tarfile.open(fileobj=layer.open_tar(), mode="r|") as tar:
        return {m.name: (m.mode, m.uid, m.gid, m.pax_headers) for m in tar}


def test_a_tree_with_a_filter_owners_and_attributes(context, tmp_path):
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/keep").write_text("k")
    (tree / "drop").write_text("d")
    seen = []

    def choose(path, entry):
        seen.append(path)
        if path.endswith("keep"):
            entry.uid, entry.mode, entry.xattrs = 7, 0o600, {"user.a": "b"}
        return path != "drop"

    b = koc.LayerBuilder(context, mtime=5).add_tree("/data", tree, filter=choose, gid=9)
    b.add_bytes("/x", b"x", xattrs={"user.c": "d"}, uid=3)
    found = members(b.finish())
    assert {"drop", "sub", "sub/keep"} <= set(seen) and "data/drop" not in found
    assert found["data/sub/keep"][:3] == (0o600, 7, 9)
    assert found["data/sub/keep"][3]["SCHILY.xattr.user.a"] == "b"
    assert found["x"][1] == 3 and found["x"][3]["SCHILY.xattr.user.c"] == "d"


def test_a_tree_keeps_owners_and_follows_links_inside(context, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("f")
    (tree / "link").symlink_to("file")
    plain = koc.LayerBuilder(context).add_tree("/t", tree).finish()
    b = koc.LayerBuilder(context).add_tree("/t", tree, keep_owner=True, follow_links_inside=True)
    owned = b.finish()
    assert members(owned)["t/file"][1] == os.getuid()
    with tarfile.open(fileobj=owned.open_tar(), mode="r|") as tar:
        assert all(not m.issym() for m in tar)
    with tarfile.open(fileobj=plain.open_tar(), mode="r|") as tar:
        assert any(m.issym() for m in tar)


class Broken(Exception):
    pass


def test_an_exception_in_a_filter_comes_out(context, tmp_path):
    (tmp_path / "f").write_text("")

    def choose(path, entry):
        raise Broken(path)

    with pytest.raises(Broken):
        koc.LayerBuilder(context).add_tree("/t", tmp_path, filter=choose).finish()


def test_a_blob_of_ones_own(context):
    data = bytes(range(256)) * 4096
    opened = []

    def opens(offset):
        opened.append(io.BytesIO(data[offset:]))
        return opened[-1]

    blob = koc.Blob.of(opens, len(data))
    assert blob.size == len(data) and blob.digest() == koc.Digest.of(data)
    assert blob.read() == data and blob.open(1 << 19).read() == data[1 << 19 :]
    assert opened[-1].closed
    layer = koc.LayerBuilder(context).add_blob("/b", blob).finish()
    with tarfile.open(fileobj=layer.open_tar(), mode="r|") as tar:
        assert tar.extractfile(tar.next()).read() == data


@pytest.mark.parametrize(
    "opens, wrong",
    [
        (lambda offset: io.BytesIO(b"short"), koc.Error),
        (lambda offset: io.BytesIO(b"much too long for the size"), koc.Error),
        (lambda offset: Liar(), ValueError),
        (lambda offset: None, TypeError),
    ],
    ids=["short", "extra bytes", "more than asked", "not a file"],
)
def test_a_blob_that_lies_is_found_out(opens, wrong):
    with pytest.raises(wrong):
        koc.Blob.of(opens, 10, digest=koc.Digest.of(b"0123456789")).read()


class Liar:
    def read(self, size):
        return b"x" * (size + 1)


def test_blobs_of_files_and_streams(tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    assert koc.Blob.file(tmp_path / "f").read() == b"content"
    assert koc.Blob.stream(tmp_path / "f").size == 7
    with pytest.raises(koc.Error) as caught:
        koc.Blob.file(tmp_path / "f", digest=koc.Digest.of(b"other")).read()
    assert caught.value.code == koc.Code.EDIGEST
    with pytest.raises(koc.Error) as caught:
        koc.Blob(b"content").read(limit=3)
    assert caught.value.code == koc.Code.ELIMIT


def tar_of(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def test_layers_of_tars_and_of_stored_blobs(context):
    tar = tar_of(a=b"1", b=b"2")
    layer = koc.Layer.from_tar(tar, context=context, compression="zstd")
    assert layer.media_type.endswith("zstd") and layer.diff_id() == koc.Digest.of(tar)
    assert layer.uncompressed_size == len(tar) and layer.open_tar().readall() == tar
    assert koc.Layer.load(tar, "a.tar", context=context).diff_id() == layer.diff_id()
    with pytest.raises(koc.Error) as caught:
        koc.Layer.load(b"no tar", "bad.tar", context=context)
    assert caught.value.code == koc.Code.EFORMAT and "bad.tar" in str(caught.value)
    stored = layer.open().readall()
    again = koc.Layer.from_blob(layer.descriptor, stored, diff_id=layer.diff_id(), context=context)
    assert again.digest == layer.digest and again.open_tar().readall() == tar
    unknown = koc.Layer.from_blob(layer.descriptor, stored, context=context)
    assert unknown.uncompressed_size is None and unknown.diff_id() == layer.diff_id()
    reader = layer.open_tar()
    reader.read(512)
    reader.finish()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.readinto(bytearray(1))


def test_all_settings_of_an_image(context, layer):
    b = koc.ImageBuilder(context, platform="linux/amd64").add_layer(
        layer, created_by="me", comment="c", author="a", created=1, annotations={"x": "y"}
    )
    b.cmd(["run"]).workdir("/w").stopsignal("SIGTERM").author("someone").annotation("k", "v")
    b.port("80/tcp").port("81/tcp").port("80/tcp", remove=True).volume("/v").created(2)
    image = b.config("/config/Shell", ["/bin/sh"]).label("gone", "1").label("gone", None).finish()
    assert image.cmd == ["run"] and image.workdir == "/w" and image.stopsignal == "SIGTERM"
    assert image.author == "someone" and image.annotation("k") == "v" and image.annotations == {"k": "v"}
    assert image.ports == ["81/tcp"] and image.volumes == ["/v"] and image.labels == {}
    assert image.config_value("/config/Shell") == ["/bin/sh"]
    (entry,) = image.history
    assert (entry.created_by, entry.comment, entry.author) == ("me", "c", "a")
    assert json.loads(image.manifest)["layers"][0]["annotations"] == {"x": "y"}
    assert image.config_descriptor.digest == koc.Digest.of(image.config)
    again = koc.Image.from_bytes(image.manifest, image.config, context=context)
    assert again.digest == image.digest == image.descriptor.digest
    docker = koc.ImageBuilder(context, platform="linux/amd64").format("docker").finish()
    assert docker.media_type.startswith("application/vnd.docker")
    about = koc.ImageBuilder(context, platform="linux/amd64").subject(image.descriptor).finish()
    assert json.loads(about.manifest)["subject"]["digest"] == str(image.digest)


def scratch(context, platform, data=b"x"):
    layer = koc.LayerBuilder(context).add_bytes("/f", data).finish()
    return koc.ImageBuilder(context, platform=platform).add_layer(layer).finish()


def test_an_index(context, tmp_path):
    amd, arm = scratch(context, "linux/amd64"), scratch(context, "linux/arm64")
    b = koc.IndexBuilder(context).add(amd).add(arm, platform="linux/arm64/v8").annotation("a", "b")
    index = b.finish()
    assert [e.platform for e in index.entries] == ["linux/amd64", "linux/arm64/v8"]
    assert index.select("linux/arm64").digest == arm.digest and index.select("linux/s390x") is None
    assert koc.Digest.of(bytes(index)) == index.digest and "2 entries" in repr(index)
    assert [i.digest for i in index.images] == [amd.digest, arm.digest]
    fewer = index.with_images([None, arm], annotations={"a": None})
    assert len(fewer.entries) == 1 and "annotations" not in json.loads(bytes(fewer))
    with pytest.raises(ValueError, match="1 images for 2 entries"):
        index.with_images([None])
    listed = koc.IndexBuilder(context).add(amd.descriptor).finish()
    assert listed.images == [None] and koc.Index.from_bytes(bytes(listed)).digest == listed.digest
    layout = koc.Layout(tmp_path / "l", create=True, context=context)
    layout.put(index, "both")
    (entry,) = layout.list().entries
    assert entry.digest == index.digest and "both" in entry.annotations.values()
    assert bytes(layout.get_index(index.digest)) == bytes(index)


def test_archives(context, tmp_path):
    image = scratch(context, "linux/amd64")
    with open(tmp_path / "a.tar", "wb") as to:
        koc.write_archive([(image, ["registry.example/app:1", "registry.example/app:2"])], to, context=context)
    (back,) = koc.read_archive(tmp_path / "a.tar", context=context)
    assert back.read_file("/f") == b"x"
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert len(json.load(tar.extractfile("manifest.json"))[0]["RepoTags"]) == 2
    with pytest.raises(koc.Error):
        koc.write_archive([(image, ["registry.example/app"])], io.BytesIO(), context=context)

    class Full:
        def write(self, data):
            raise Broken("the disk is full")

    with pytest.raises(Broken):
        koc.write_archive([(image, ["registry.example/app:1"])], Full(), context=context)


class Slow(io.BytesIO):
    """Takes a few bytes at a time, as a raw file may."""

    def write(self, data):
        return super().write(data[:1000])


def test_flatten_rebase_and_edit(context, tmp_path):
    old, new = scratch(context, "linux/amd64", b"old"), scratch(context, "linux/amd64", b"new")
    top = koc.LayerBuilder(context).add_bytes("/app", b"program").finish()
    image = koc.ImageBuilder(context, old).add_layer(top).finish()
    moved = image.rebase(old, new, annotations={"a": "b"})
    assert moved.read_file("/f") == b"new" and moved.read_file("/app") == b"program"
    out = Slow()
    moved.flatten(out)
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        assert tar.extractfile("app").read() == b"program"
    edit = koc.Edit(image, context=context).add_layers([top], created_by="again")
    edit.add_files({"/more": b"m", "/link": koc.File(link="more")}, mtime=3).change(env={"A": "b"}, user="5")
    (changed,) = edit.images
    assert changed.read_file("/link") == b"m" and changed.environment == {"A": "b"} and changed.user == "5"
    assert edit.report()["schema"] == "koc-edit-1" and edit.warnings == []
    koc.copy(edit, f"oci:{tmp_path}/l:edited", context=context)
    koc.copy(image, f"oci:{tmp_path}/l:image", context=context)
    assert koc.Source(f"oci:{tmp_path}/l:edited").descriptor.digest == edit.digest == changed.digest
    empty = koc.Edit(platforms=["linux/amd64", "linux/arm64"], context=context)
    empty.select(["linux/arm64"]).change(workdir="/w").select(None)
    assert [i.workdir for i in empty.images] == [None, "/w"]
    koc.copy(empty, f"oci:{tmp_path}/l:empty", context=context)
    with pytest.raises(koc.Error) as caught:
        edit.record_base()
    assert caught.value.code == koc.Code.EMISUSE


def test_rebase_of_a_recorded_base(context, tmp_path):
    place = f"oci:{tmp_path}/l"
    koc.build_image(files={"/base": b"1"}, targets=[f"{place}:base"], context=context)
    built = koc.build_image(base=f"{place}:base", files={"/app": b"a"}, targets=[f"{place}:app"], context=context)
    koc.build_image(files={"/base": b"2"}, targets=[f"{place}:base2"], context=context)
    edit = koc.Edit(f"{place}:app", context=context)
    edit.rebase(old_base=f"{place}:base", new_base=f"{place}:base2")
    assert edit.images[0].read_file("/base") == b"2" and edit.digest != built.digest
    recorded = koc.Edit(f"{place}:base", context=context).record_base().add_files({"/x": b"y"})
    assert recorded.images[0].annotation("org.opencontainers.image.base.digest")


def test_reading_and_checking_a_place(context, tmp_path):
    place = f"oci:{tmp_path}/l:app"
    built = koc.build_image(files={"/f": b"f"}, platforms=["linux/amd64", "linux/arm64"], targets=[place])
    with koc.Source(place, context=context) as source:
        assert source.descriptor.digest == built.digest and koc.Digest.of(source.manifest) == built.digest
        image = source.image("linux/arm64")
        assert image.digest == built.images[1].digest == source.image(digest=image.digest).digest
        assert source.get_manifest(image.digest)[0] == image.manifest
        assert source.blob(image.config_descriptor).read() == image.config
        assert source.inspect("linux/arm64")["schema"] == "koc-inspect-1" and source.referrers(image.digest) == []
        seen = []
        source.check(checked=lambda what, problem: seen.append((what, problem)))
        assert seen and not any(problem for _, problem in seen)
    name = str(image.layers[0].digest).partition(":")[2]
    (tmp_path / "l/blobs/sha256" / name).write_bytes(b"broken")
    with pytest.raises(koc.Error) as caught:
        koc.Source(place).check(checked=lambda what, problem: seen.append((what, problem)))
    assert caught.value.code == koc.Code.EVERIFY and any(problem for _, problem in seen)


def test_an_artifact_refers_to_an_image(context, tmp_path):
    place = f"oci:{tmp_path}/l"
    built = koc.build_image(files={"/f": b"f"}, targets=[f"{place}:app"], context=context)
    (tmp_path / "s.json").write_text("{}")
    files = [koc.ArtifactFile("application/json", source=tmp_path / "s.json", title="s.json")]
    files.append(koc.ArtifactFile("text/plain", content=b"t", annotations={"a": "b"}))
    subject = built.images[0].descriptor
    artifact = koc.Artifact("application/vnd.example.sbom", files, subject=subject, annotations={"k": "v"})
    manifest = json.loads(artifact.manifest)
    assert manifest["artifactType"] == artifact.descriptor.artifact_type == "application/vnd.example.sbom"
    assert [x["size"] for x in manifest["layers"]] == [2, 1] and str(artifact.digest) in repr(artifact)
    assert koc.copy(artifact, f"{place}:sbom", context=context).digest == artifact.digest
    (found,) = koc.Source(f"{place}:app").referrers(built.digest, "application/vnd.example.sbom")
    assert found.digest == artifact.digest
    with pytest.raises(koc.Error):
        koc.Artifact("not a type")


def test_many_copies_in_one_call(context, tmp_path):
    place = f"oci:{tmp_path}/l"
    koc.build_image(files={"/f": b"f"}, targets=[f"{place}:a"], context=context)
    pairs = [(f"{place}:a", f"{place}:b"), (f"{place}:none", f"{place}:c"), (f"{place}:a", f"{place}:d")]
    with pytest.raises(koc.Error):
        koc.copy_all(pairs, keep_going=True, context=context)
    results = koc.copy_all([pairs[0], pairs[2]], jobs=2, context=context)
    assert len(results) == 2 and results[0].digest == results[1].digest
    listed = {v for e in koc.Layout(tmp_path / "l").list().entries for v in e.annotations.values()}
    assert {"a", "b", "d"} <= listed


def test_facts_of_the_library():
    assert koc.features()["curl"].startswith("libcurl/") and koc.version() == "0.1.0"
    assert koc.printable(b"a\x1b[31mb\x00") == "ab?" and "31m" in koc.printable(b"\x1b[31mb", colors=True)
    assert koc.platform_matches("linux/arm64", "linux/arm64/v8") and not koc.platform_matches("linux/arm", "linux/arm64")
    with pytest.raises(koc.Error):
        koc.Reference("oci:x", typed=True)


def test_the_cache(tmp_path):
    context = koc.Context(cache=tmp_path / "cache")
    assert context.cache_dir == str(tmp_path / "cache") and "cache" in repr(context)
    kinds = context.cache_usage()
    assert all(isinstance(k, koc.CacheUsage) for k in kinds)
    assert context.prune_cache(1 << 30) == 0
    context.clear_cache()
    with pytest.raises(koc.Error) as caught:
        koc.Context(cache=False).cache_usage()
    assert caught.value.code == koc.Code.ENOTFOUND


def test_wrong_arguments_are_named(context, tmp_path):
    for call, words in [
        (lambda: koc.Client("x"), "koc.Context is expected, not str"),
        (lambda: koc.Client(transport=3), "koc.Transport is expected, not int"),
        (lambda: koc.LayerBuilder(context).add_bytes("/a", "text"), "bytes are expected, not str"),
        (lambda: koc.LayerBuilder(context, comprezzion="gzip"), "'comprezzion' is not an option"),
        (lambda: koc.LayerBuilder(context).finish(timeuot=3), "'timeuot' is not an option"),
        (lambda: koc.build_image(entrypiont=["/x"]), "'entrypiont' is not an option"),
        (lambda: koc.publish(tagz=["x"]), "'tagz' is not an option"),
        (lambda: koc.publish("."), "a list of strings is expected"),
        (lambda: koc.resolve("x.yaml"), "a list of paths is expected"),
        (lambda: koc.copy("a", "b", cancel=3), "koc.Cancel is expected, not int"),
        (lambda: koc.Reference(3), "int"),
        (lambda: koc.Auth(3), "a function is expected"),
    ]:
        with pytest.raises(TypeError, match=words.replace(".", r"\.")):
            call()
    for call in (
        lambda: koc.LayerBuilder(context, compression="lzma"),
        lambda: koc.LayerBuilder(context).finish(timeout=0),
        lambda: koc.IndexBuilder(context, format="x"),
    ):
        with pytest.raises(ValueError):
            call()


def test_values_can_be_pickled():
    import copy
    import pickle

    digest = koc.Digest.of(b"")
    assert pickle.loads(pickle.dumps(digest)) == digest == str(digest)
    assert copy.copy(koc.Reference("a:b")) == koc.Reference("a:b")
    with pytest.raises(koc.Error) as caught:
        koc.Digest("x")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.code, again.code_name) == (str(caught.value), koc.Code.EINVAL, "KOC_EINVAL")
    assert hashlib.sha256(b"").digest() == bytes(digest)
