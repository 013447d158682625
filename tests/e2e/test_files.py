"""Files in and out of koc: whole or not at all, checked to the end, and nothing hangs."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pathlib
import signal
import stat
import subprocess
import tarfile
import threading
import time
import zipfile

import pytest
from bases import tar_of
from runner import Tool

OCI = "application/vnd.oci.image"
COMMANDS_THAT_READ = ("inspect", "manifest", "config", "digest", "validate", "export")


@pytest.fixture
def tool(koc_path, home):
    return Tool(koc_path, home)


def padded(content, name="f.txt"):
    """A tar as Python and GNU write it: 10 kB, most of which follows the end mark."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def put(folder, data):
    digest = hashlib.sha256(data).hexdigest()
    (folder / "blobs/sha256" / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def layout_of(folder, layers):
    """An OCI layout made by hand; layers: [(media type suffix, bytes, DiffID)]."""
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    config = put(folder, json.dumps({
        "os": "linux", "architecture": "amd64", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, _, diff_id in layers]},
    }).encode())
    manifest = put(folder, json.dumps({
        "schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json",
        "config": {"mediaType": f"{OCI}.config.v1+json", **config},
        "layers": [{"mediaType": f"{OCI}.layer.v1.{kind}", **put(folder, data)}
                   for kind, data, _ in layers],
    }).encode())
    (folder / "index.json").write_text(json.dumps({
        "schemaVersion": 2,
        "manifests": [{"mediaType": f"{OCI}.manifest.v1+json", **manifest}],
    }))
    return [folder / "blobs/sha256" / hashlib.sha256(data).hexdigest() for _, data, _ in layers]


def diff_id(tar):
    return "sha256:" + hashlib.sha256(tar).hexdigest()


def noise(size):
    """Bytes that do not compress."""
    return hashlib.shake_256(b"noise").digest(size)


def leftovers(folder):
    return [p.name for p in folder.rglob(".koc-*")]


# --- export gives out nothing that was not checked ---


def test_export_refuses_a_plain_layer_changed_before_its_padding(tool, tmp_path):
    tar = padded(b"GOOD content")
    (blob,) = layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    tool("export", f"oci:{tmp_path}/l", tmp_path / "good.tar")
    blob.write_bytes(tar.replace(b"GOOD", b"EVIL"))
    tool("validate", f"oci:{tmp_path}/l", status=1)
    result = tool("export", f"oci:{tmp_path}/l", tmp_path / "out.tar", status=1)
    assert "digest" in result.errors[0] and not (tmp_path / "out.tar").exists()


def test_export_refuses_a_gzip_layer_changed_behind_its_end_mark(tool, tmp_path):
    """More follows the tar's end than is read ahead."""
    tar = padded(b"GOOD content") + bytes(1 << 20)
    good = gzip.compress(tar, mtime=0)
    (blob,) = layout_of(tmp_path / "l", [("tar+gzip", good, diff_id(tar))])
    tool("export", f"oci:{tmp_path}/l", tmp_path / "good.tar")
    other = tar[:-1] + b"x"
    blob.write_bytes(gzip.compress(other, mtime=0))
    tool("export", f"oci:{tmp_path}/l", tmp_path / "out.tar", status=1)
    assert not (tmp_path / "out.tar").exists()


@pytest.mark.parametrize("name", ["diff-id", "trailing", "shorter", "members"])
def test_export_and_validate_agree_on_layers(tool, tmp_path, name):
    tar = padded(b"content")
    packed, wanted = {
        "diff-id": (gzip.compress(tar, mtime=0), diff_id(tar[:-1] + b"x")),
        "trailing": (gzip.compress(tar, mtime=0) + b"garbage", diff_id(tar)),
        "shorter": (gzip.compress(tar, mtime=0)[:-9], diff_id(tar)),
        "members": (gzip.compress(tar[:700], mtime=0) + gzip.compress(tar[700:], mtime=0),
                    diff_id(tar)),
    }[name]
    layout_of(tmp_path / "l", [("tar+gzip", packed, wanted)])
    status = 0 if name == "members" else 1
    tool("validate", f"oci:{tmp_path}/l", status=status)
    tool("export", f"oci:{tmp_path}/l", tmp_path / "out.tar", status=status)
    assert (tmp_path / "out.tar").exists() == (status == 0)


# --- files that are written ---


def test_failed_export_keeps_the_old_file(tool, tmp_path):
    out = tmp_path / "fs.tar"
    out.write_bytes(b"precious")
    tool("export", f"oci:{tmp_path}/none", out, status=1)
    assert out.read_bytes() == b"precious" and leftovers(tmp_path) == []


def test_killed_export_keeps_the_old_file_and_the_next_one_sweeps(tool, tmp_path):
    tar = padded(noise(20 << 20))
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    out = tmp_path / "fs.tar"
    out.write_bytes(b"precious")
    for i in range(8):
        process = tool.start("export", f"oci:{tmp_path}/l", out)
        deadline = time.monotonic() + 20
        while not leftovers(tmp_path) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(0.01 * i)
        process.kill()
        process.communicate()
        content = out.read_bytes()
        if content != b"precious":  # it was faster: whole, then
            assert len(content) >= len(tar) - 10240
            out.write_bytes(b"precious")
    tool("export", f"oci:{tmp_path}/l", out)
    assert tarfile.open(out).getnames() == ["f.txt"] and leftovers(tmp_path) == []


def outputs(tmp_path):
    """The verbs that write a FILE, with what they write."""
    layout = f"oci:{tmp_path}/l"
    return {
        "export": ("export", layout),
        "copy-oci": ("copy", layout, "oci-archive:{}"),
        "copy-docker": ("copy", layout, "docker-archive:{}"),
    }


@pytest.mark.parametrize("verb", ["export", "copy-oci", "copy-docker"])
def test_links_modes_folders_and_pipes_as_targets(tool, tmp_path, verb):
    tar = padded(b"content")
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    words = outputs(tmp_path)[verb]

    def write(path):
        args = [w.format(path) for w in words]
        return tool(*args, *([path] if verb == "export" else []))

    real, link = tmp_path / "real.tar", tmp_path / "link.tar"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to("real.tar")
    write(link)
    assert link.is_symlink() and tarfile.is_tarfile(real)
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    write(tmp_path / "new/deep/x.tar")  # one policy: missing folders are made
    assert tarfile.is_tarfile(tmp_path / "new/deep/x.tar")
    write("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    fifo, got = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    write(fifo)
    reader.join(20)
    assert got and got[0] == real.read_bytes() and stat.S_ISFIFO(fifo.stat().st_mode)


def test_full_disk_keeps_the_old_file(tool, tmp_path):
    tar = padded(b"content")
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    result = tool("export", f"oci:{tmp_path}/l", "/dev/full", status=1)
    assert "No space left" in result.errors[0]
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


# --- files that are read ---


@pytest.mark.parametrize("verb", COMMANDS_THAT_READ)
@pytest.mark.parametrize("member", ["index.json", "oci-layout", "blob"])
def test_fifo_in_a_layout_is_an_error(tool, tmp_path, verb, member):
    tar = padded(b"content")
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    for path in [p for p in (tmp_path / "l").rglob("*") if p.is_file()]:
        if member in (path.name, "blob" if path.parent.name == "sha256" else ""):
            path.unlink()
            os.mkfifo(path)
    result = tool(verb, f"oci:{tmp_path}/l", status=1, timeout=30)
    assert "is a FIFO, not a regular file" in result.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_wait_for_a_pipe(tool, tmp_path, sign):
    fifo = tmp_path / "layer.tar"
    os.mkfifo(fifo)
    process = tool.start("append", f"--tar={fifo}", "-t", f"oci:{tmp_path}/out")
    time.sleep(1)
    process.send_signal(sign)
    process.communicate(timeout=20)
    assert process.returncode == 128 + sign


# --- append ---


def append(tool, tmp_path, path, **more):
    return tool("append", "--tar", path, "-t", f"oci:{tmp_path}/out", **more)


@pytest.mark.parametrize("pack", [bytes, lambda t: gzip.compress(t, mtime=0)],
                         ids=["plain", "gzip"])
def test_append_takes_pipes(tool, tmp_path, koc_path, home, pack):
    data = pack(padded(b"content"))
    (tmp_path / "t.tar").write_bytes(data)
    want = append(tool, tmp_path, tmp_path / "t.tar").ref
    script = f'exec {koc_path} append --tar <(cat t.tar) -t oci:out'
    got = Tool("/bin/bash", home)("-c", script, cwd=tmp_path).ref
    assert got.rpartition("@")[2] == want.rpartition("@")[2]
    command = [koc_path, "append", "--tar", "-", "-t", f"oci:{tmp_path}/out"]
    piped = subprocess.run(command, input=data, env=home.env(), capture_output=True, check=True,
                           cwd=tmp_path)
    assert piped.stdout.decode().strip().rpartition("@")[2] == want.rpartition("@")[2]


def bad_tars():
    tar = padded(b"content")
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as z:
        z.writestr("f", "content")
    return {
        "xz": (lzma.compress(tar), "compressed with xz"),
        "bzip2": (bz2.compress(tar), "compressed with bzip2"),
        "zip": (zipped.getvalue(), "a zip archive"),
        "text": (b"hello, world\n" * 100, "is text, not a tar"),
        "short-text": (b"hello\n", "is text, not a tar"),
        "empty": (b"", "is empty, not a tar"),
        "binary": (noise(4096), "of no known format"),
        "truncated": (tar[:700], "it ends too early"),
        "truncated-gzip": (gzip.compress(noise(5000))[:2000], "it ends too early"),
        "text-in-gzip": (gzip.compress(b"hello, world\n" * 100), "not a valid tar"),
        "joined": (tar + tar, "continues after the end of its tar"),
        "garbage": (tar + b"x" * 512, "continues after the end of its tar"),
        "dot-dot": (tar_of({"../../etc/passwd": b"x"}), "leads out of the root"),
        "dot-dot-inside": (tar_of({"a/../../b": b"x"}), "leads out of the root"),
    }


@pytest.mark.parametrize("kind", list(bad_tars()))
def test_append_refuses_what_no_runtime_unpacks(tool, tmp_path, kind):
    data, why = bad_tars()[kind]
    (tmp_path / "layer.tar").write_bytes(data)
    result = append(tool, tmp_path, tmp_path / "layer.tar", status=1)
    assert why in result.errors[0] and len(result.errors) == 1
    assert not (tmp_path / "out").exists()


def test_append_hint_for_xz_works(tool, tmp_path, home):
    path = tmp_path / "layer.tar.xz"
    path.write_bytes(lzma.compress(padded(b"content")))
    result = append(tool, tmp_path, path, status=1)
    (hint,) = [line.split("unpack it first: ")[1] for line in result.stderr.splitlines()
               if "unpack it first: " in line]
    Tool("/bin/sh", home)("-c", hint, cwd=tmp_path)
    append(tool, tmp_path, tmp_path / "layer.tar")


def test_append_takes_what_runtimes_take(tool, tmp_path):
    for name, tar in {"absolute": tar_of({"/etc/x": b"x"}), "nothing": bytes(10240)}.items():
        (tmp_path / f"{name}.tar").write_bytes(tar)
        append(tool, tmp_path, tmp_path / f"{name}.tar")
        ref = append(tool, tmp_path, tmp_path / f"{name}.tar").ref
        tool("validate", f"oci:{tmp_path}/out@{ref.rpartition('@')[2]}")


# --- what is there already ---


def test_damaged_blob_of_a_layout_is_written_again(tool, tmp_path):
    tar = padded(b"content")
    layout_of(tmp_path / "from", [("tar", tar, diff_id(tar))])
    target = tmp_path / "to"
    for _ in range(2):
        tool("copy", f"oci:{tmp_path}/from", f"oci:{target}")
    for blob in (target / "blobs/sha256").iterdir():
        good = blob.read_bytes()
        bad = bytearray(good)
        bad[len(bad) // 2] ^= 1
        blob.write_bytes(bytes(bad))
        tool("validate", f"oci:{target}", status=1)
        tool("copy", f"oci:{tmp_path}/from", f"oci:{target}")
        assert blob.read_bytes() == good
    tool("validate", f"oci:{target}")


def test_layout_of_many_images_is_read(tool, tmp_path):
    tar = padded(b"content")
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    index = tmp_path / "l/index.json"
    listed = json.loads(index.read_text())
    entry = listed["manifests"][0]
    listed["manifests"] = [
        entry | {"annotations": {"org.opencontainers.image.ref.name": f"v{i}"}}
        for i in range(1500)
    ]
    index.write_text(json.dumps(listed))
    tool("digest", f"oci:{tmp_path}/l:v1499")
    tool("copy", f"oci:{tmp_path}/l:v1", f"oci:{tmp_path}/l:more")
    assert pathlib.Path(index).read_text().count('"digest"') == 1501
    tool("digest", f"oci:{tmp_path}/l:more")


# --- archives through pipes ---


def bash(koc_path, home, tmp_path, script):
    return Tool("/bin/bash", home)("-c", script.replace("koc", str(koc_path)), cwd=tmp_path)


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_archives_go_through_pipes(tool, koc_path, home, tmp_path, kind):
    tar = padded(b"content")
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    bash(koc_path, home, tmp_path, f"set -o pipefail; koc copy oci:l {kind}:- | koc copy {kind}:- oci:a")
    bash(koc_path, home, tmp_path, f"koc copy oci:l {kind}:x.tar && koc copy <(cat x.tar) oci:b")
    tool("export", f"oci:{tmp_path}/l", tmp_path / "want.tar")
    for name in ("a", "b"):
        tool("export", f"oci:{tmp_path}/{name}", tmp_path / f"{name}.tar")
        assert (tmp_path / f"{name}.tar").read_bytes() == (tmp_path / "want.tar").read_bytes()
    assert not list(home.tmp.iterdir())


def test_pull_and_push_take_a_dash(tool, koc_path, home, registry, tmp_path):
    tar = padded(b"content")
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    repository = f"{registry.host}/files/dash"
    bash(koc_path, home, tmp_path,
         f"koc push l {repository}:1 && koc pull --format=docker {repository}:1 - >d.tar && "
         f"koc push - {repository}:2 {repository}:3 <d.tar")
    assert tarfile.is_tarfile(tmp_path / "d.tar") and not (tmp_path / "-").exists()
    digests = {tool("digest", f"{repository}:{tag}").stdout for tag in (2, 3)}
    assert len(digests) == 1


def test_docker_archive_of_an_index_says_which_platform(tool, registry, tmp_path):
    tar = padded(b"content")
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    folder = tmp_path / "l"
    image = json.loads((folder / "index.json").read_text())["manifests"][0]
    index = put(folder, json.dumps({
        "schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json",
        "manifests": [image | {"platform": {"os": "linux", "architecture": a}}
                      for a in ("amd64", "arm64")],
    }).encode())
    (folder / "index.json").write_text(json.dumps({
        "schemaVersion": 2, "manifests": [{"mediaType": f"{OCI}.index.v1+json", **index}]}))
    result = tool("copy", f"oci:{folder}", f"docker-archive:{tmp_path}/d.tar")
    assert "it gets linux/amd64 (the platform option names another)" in result.stderr


def test_copy_keeps_going(tool, tmp_path):
    tar = padded(b"content")
    layout_of(tmp_path / "l", [("tar", tar, diff_id(tar))])
    (tmp_path / "pairs").write_text(
        f"oci:{tmp_path}/l oci:{tmp_path}/a\n"
        f"oci:{tmp_path}/none oci:{tmp_path}/b\n"
        "# a comment\n\n"
        f"oci:{tmp_path}/l oci:{tmp_path}/c\n")
    result = tool("copy", "--jobs=1", "--from-file", tmp_path / "pairs", status=1)
    assert "1 of 3 images were copied; --keep-going" in result.stderr
    result = tool("copy", "--keep-going", "--from-file", tmp_path / "pairs", status=1)
    assert "1 of 3 images could not be copied" in result.errors[0]
    assert "none" in result.stderr and len(result.lines) == 2
    for name in ("a", "c"):
        tool("validate", f"oci:{tmp_path}/{name}")


def test_foreign_layer_is_named_with_its_url(tool, tmp_path):
    tar = padded(b"content")
    folder = tmp_path / "l"
    (blob,) = layout_of(folder, [("tar", tar, diff_id(tar))])
    listed = json.loads((folder / "index.json").read_text())
    old = listed["manifests"][0]["digest"].removeprefix("sha256:")
    manifest = json.loads((folder / "blobs/sha256" / old).read_text())
    manifest["layers"][0] |= {"mediaType": f"{OCI}.layer.nondistributable.v1.tar",
                              "urls": ["https://mcr.example/layer"]}
    listed["manifests"][0] |= put(folder, json.dumps(manifest).encode())
    (folder / "index.json").write_text(json.dumps(listed))
    blob.unlink()
    tool("copy", f"oci:{folder}", f"oci:{tmp_path}/to")
    tool("copy", f"oci:{folder}", f"oci-archive:{tmp_path}/oci.tar")
    for verb in (("copy", f"oci:{folder}", f"docker-archive:{tmp_path}/d.tar"),
                 ("export", f"oci:{folder}", f"{tmp_path}/fs.tar")):
        result = tool(*verb, status=1)
        assert "is foreign: its content is at https://mcr.example/layer" in result.errors[0]
    assert not (tmp_path / "d.tar").exists() and not (tmp_path / "fs.tar").exists()


def test_tarball_to_stdout_is_the_archive_alone(koc, koc_path, home, app, tmp_path):
    words = ("build", "--push=false", "--base-image=scratch", "./cmd/tool")
    script = f"{koc_path} {' '.join(words)} --tarball=- >{tmp_path}/a.tar"
    Tool("/bin/bash", home, **koc.extra)("-c", script, cwd=app)
    koc(*words, f"--tarball={tmp_path}/b.tar", cwd=app)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert "--tarball" in koc("resolve", "--tarball=-", "-f", "x.yaml", cwd=app, status=2).errors[0]
