"""Bad input for the image verbs: one clear line, and nothing half-written."""

import json
import os
import shutil
import signal
import subprocess

import oci
import pytest
from bases import OCI, Baker, tar_of
from runner import needed


@pytest.fixture(scope="module")
def image(registry):
    baker = Baker(registry, "verbs/bad")
    baker.image("latest", layers=2)
    return baker.name("latest")


@pytest.fixture
def layout(bare_koc, image, tmp_path):
    bare_koc("pull", image, tmp_path / "layout")
    return tmp_path / "layout"


def one_line(result):
    assert len(result.errors) == 1, str(result)
    assert result.stdout == "", str(result)
    return result.errors[0]


def largest_blob(layout):
    return max((layout / "blobs/sha256").iterdir(), key=lambda p: p.stat().st_size)


def test_missing_layout(bare_koc, registry, tmp_path):
    line = one_line(bare_koc("push", tmp_path / "none", f"{registry.host}/verbs/x:1", status=1))
    assert line.endswith("there is no such OCI layout")


def test_folder_that_is_no_layout(bare_koc, registry, tmp_path):
    (tmp_path / "plain").mkdir()
    line = one_line(bare_koc("push", tmp_path / "plain", f"{registry.host}/verbs/x:1", status=1))
    assert "is not an OCI layout" in line


def test_no_such_image_leaves_no_folder(bare_koc, registry, tmp_path):
    result = bare_koc("pull", f"{registry.host}/verbs/none:1", tmp_path / "out", status=1)
    assert "verbs/none:1" in one_line(result)
    assert not (tmp_path / "out").exists()
    bare_koc("pull", "--format=oci", f"{registry.host}/verbs/none:1", tmp_path / "o.tar", status=1)
    assert [p.name for p in tmp_path.iterdir() if "tar" in p.name] == []


def test_corrupt_blob(bare_koc, registry, layout):
    blob = largest_blob(layout)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)
    found = bare_koc("validate", layout, status=1)
    assert blob.name in found.stdout
    target = f"{registry.host}/verbs/corrupt:1"
    assert "digest" in one_line(bare_koc("push", layout, target, status=1))
    assert registry.tags("verbs/corrupt") == []
    archive = layout.parent / "corrupt.tar"
    bare_koc("copy", layout, f"oci-archive:{archive}", status=1)
    assert not archive.exists() and not list(layout.parent.glob("*.tmp*"))


def test_missing_blob(bare_koc, registry, layout):
    blob = largest_blob(layout)
    blob.unlink()
    line = one_line(bare_koc("push", layout, f"{registry.host}/verbs/missing:1", status=1))
    assert blob.name in line and "is not at the target" in line


def test_wrong_digest_in_the_index(bare_koc, layout):
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["digest"] = "sha256:" + "1" * 64
    (layout / "index.json").write_text(json.dumps(index))
    assert "is not in the layout" in one_line(bare_koc("manifest", layout, status=1))


def test_wrong_name(bare_koc, layout, image):
    line = one_line(bare_koc("digest", f"oci:{layout}:v9", status=1))
    assert line.endswith(f"it has no v9 (it has {image})")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_truncated_archive(bare_koc, registry, image, tmp_path, keep):
    bare_koc("pull", "--format=oci", image, tmp_path / "whole.tar")
    data = (tmp_path / "whole.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(data[: int(len(data) * keep)])
    target = f"{registry.host}/verbs/cut:1"
    one_line(bare_koc("push", tmp_path / "cut.tar", target, status=1))
    assert registry.tags("verbs/cut") == []


def test_names_that_leave_the_archive(bare_koc, tmp_path):
    """Nothing is unpacked, so a name can only be a key: what it leads to must be in the archive."""
    secret = tmp_path / "secret"
    secret.write_text('{"architecture":"amd64"}')
    up = "../" * 8 + str(secret).lstrip("/")
    manifest = [{"Config": up, "RepoTags": ["a:1"], "Layers": []}]
    (tmp_path / "a.tar").write_bytes(tar_of({"manifest.json": json.dumps(manifest).encode()}))
    line = one_line(bare_koc("config", tmp_path / "a.tar", status=1))
    assert "there is no" in line and "in it" in line
    assert "amd64" not in line


def test_something_else_than_an_archive(bare_koc, tmp_path):
    (tmp_path / "a.tar").write_bytes(tar_of({"hello": b"world"}))
    line = one_line(bare_koc("inspect", tmp_path / "a.tar", status=1))
    assert line.endswith("it has neither oci-layout nor manifest.json")
    (tmp_path / "b.tar").write_bytes(b"\x1f\x8b" + b"0" * 2000)
    assert "compressed as a whole" in one_line(bare_koc("inspect", tmp_path / "b.tar", status=1))


def test_no_permission(bare_koc, image, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "ro").mkdir(mode=0o555)
    assert "Permission denied" in one_line(
        bare_koc("pull", image, tmp_path / "ro" / "out", status=1)
    )


def test_target_that_is_somebody_elses(bare_koc, image, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/index.json").write_text("mine")
    one_line(bare_koc("pull", image, tmp_path / "mine", status=1))
    assert (tmp_path / "mine/index.json").read_text() == "mine"
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["index.json"]
    (tmp_path / "folder").mkdir()
    assert "is a directory" in one_line(
        bare_koc("pull", "--format=docker", image, tmp_path / "folder", status=1)
    )


def test_full_disk(bare_koc, registry, tmp_path):
    """A file system of 1 MB in a mount namespace of its own."""
    unshare = needed("unshare")
    baker = Baker(registry, "verbs/large")
    noise = os.urandom(3 << 20)
    layer = tar_of({"noise": noise})
    entry = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": baker.blob(layer),
        "size": len(layer),
    }
    baker.image(
        "latest",
        edit_config=lambda c: c["rootfs"].update(diff_ids=[oci.digest_of(layer)]),
        edit_manifest=lambda m: m.update(layers=[entry]),
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        'mount -t tmpfs -o size=1m tmpfs "$1" && shift && "$@"; code=$?; ls -A "$0"; exit $code'
    )
    for arguments, left in (
        (["--format=oci", baker.name("latest"), disk / "a.tar"], []),
        ([baker.name("latest"), disk / "layout"], ["layout"]),
    ):
        command = [unshare, "-rm", "sh", "-c", script, disk, disk]
        command += [bare_koc.path, "pull", *arguments]
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, env=bare_koc.home.env()
        )
        if "mount:" in done.stderr or "unshare:" in done.stderr:
            pytest.skip("no mount namespaces here")
        assert done.returncode == 1, done.stderr
        errors = [line for line in done.stderr.splitlines() if line.startswith("koc: ")]
        assert len(errors) == 1 and "No space left on device" in errors[0], done.stderr
        assert done.stdout.split() == left
    shutil.rmtree(disk, ignore_errors=True)


def test_usage(bare_koc, image, tmp_path):
    for arguments in (
        ["push", "x"],
        ["pull", image],
        ["pull", "--format=zip", image, "x"],
        ["copy", image],
        ["copy", "--from-file", "x", image, "y"],
        ["copy", "-j", "-1", image, "y"],
        ["inspect"],
        ["tag", image],
        ["rm"],
        ["blob"],
        ["ls"],
    ):
        assert len(bare_koc(*arguments, "--allow-http=x", status=2).errors) == 1
    (tmp_path / "pairs").write_text("only-one\n")
    line = one_line(bare_koc("copy", "--from-file", tmp_path / "pairs", status=1))
    assert line.endswith("pairs:1: not a pair SRC DST")


def test_hostile_manifest_sizes_and_depth(bare_koc, registry):
    """An index that lists itself cannot be made; one far too deep can."""
    baker = Baker(registry, "verbs/deep")
    entry = baker.image()
    for _ in range(12):
        raw = baker.put(
            None,
            {"schemaVersion": 2, "mediaType": OCI["index"], "manifests": [entry]},
            OCI["index"],
        )
        entry = {"mediaType": OCI["index"], "digest": oci.digest_of(raw), "size": len(raw)}
    name = f"{registry.host}/verbs/deep@{entry['digest']}"
    for arguments in (
        ["inspect", name],
        ["inspect", "--json", name],
        ["validate", name],
        ["config", name],
        ["copy", name, f"{registry.host}/verbs/deeper:1"],
    ):
        result = bare_koc(*arguments, status=1)
        assert "nested more than" in result.stderr or "too many manifests" in result.stderr


def test_cancelled_copy_leaves_nothing(bare_koc, registry, tmp_path):
    """Stopped while a layer is on its way: one line, no file, no manifest."""
    baker = Baker(registry, "verbs/slow")
    layer = tar_of({"noise": os.urandom(96 << 20)})
    entry = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": baker.blob(layer),
        "size": len(layer),
    }
    baker.image("latest", edit_manifest=lambda m: m.update(layers=[entry]))
    manifest = json.loads(registry.manifest("verbs/slow", "latest"))
    config = manifest["config"]["digest"].removeprefix("sha256:")
    for target in (f"oci-archive:{tmp_path}/a.tar", f"oci:{tmp_path}/layout"):
        process = bare_koc.start("copy", "--progress=json", baker.name("latest"), target)
        for line in process.stderr:
            if '"kind":"blob"' in line and '"started"' in line:
                process.send_signal(signal.SIGINT)
                break
        _, rest = process.communicate(timeout=30)
        if process.returncode == 0:
            pytest.skip("too fast to be stopped")
        assert process.returncode == 130
        events = [json.loads(line) for line in rest.splitlines()]
        assert [e["message"] for e in events if e["kind"] == "error"] == ["cancelled"]
    assert [p.name for p in tmp_path.iterdir() if "tar" in p.name] == []
    assert json.loads((tmp_path / "layout/index.json").read_text())["manifests"] == []
    assert [p.name for p in (tmp_path / "layout/blobs/sha256").iterdir()] in ([], [config])
