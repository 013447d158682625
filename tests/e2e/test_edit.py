"""koc append, mutate, rebase, export: images of other clients changed, beside what crane makes of them."""

import gzip
import io
import json
import tarfile

import pytest
import schemas
from bases import tar_of
from runner import Tool


@pytest.fixture
def edit(koc_path, home):
    return Tool(koc_path, home)


@pytest.fixture
def place(registry, request):
    """place("x"): a repository of the test's own."""
    return lambda name: f"{registry.host}/edit/{request.node.name.replace('_', '-')}/{name}"


def manifest_of(crane, ref):
    return json.loads(crane("manifest", "--insecure", ref).stdout)


def config_of(crane, ref, platform="linux/amd64"):
    return json.loads(crane("config", "--insecure", f"--platform={platform}", ref).stdout)


def digest_of(crane, ref):
    return crane("digest", "--insecure", ref).stdout.strip()


def entries(path):
    """name -> (type, mode, link, content) of a tar file, with the folders' slashes off."""
    with tarfile.open(path) as tar:
        return {
            e.name.strip("/").removeprefix("./"): (
                e.type, e.mode, e.linkname, tar.extractfile(e).read() if e.isfile() else None)
            for e in tar
            if e.name.strip("./")
        }


@pytest.fixture
def layer(tmp_path):
    path = tmp_path / "layer.tar.gz"
    path.write_bytes(gzip.compress(tar_of({"srv": None, "srv/x": b"new\n"}), 9, mtime=0))
    return path


def single(crane, bases, place, name="single"):
    """One image of the index of the bases, in a repository of its own."""
    crane("copy", "--insecure", "--platform=linux/amd64", bases["index"], place(f"{name}:v1"))
    return place(f"{name}:v1")


def test_append_as_crane_does(edit, crane, bases, place, layer):
    base = single(crane, bases, place)
    crane("append", "--insecure", "-b", base, "-f", layer, "-t", place("crane:v1"))
    printed = edit("append", "-b", base, "--tar", layer, "-t", place("koc:v1")).ref
    ours, theirs = (manifest_of(crane, place(f"{who}:v1")) for who in ("koc", "crane"))
    assert printed == f"{place('koc')}@{digest_of(crane, place('koc:v1'))}"
    assert [x["digest"] for x in ours["layers"]] == [x["digest"] for x in theirs["layers"]]
    a, b = (config_of(crane, place(f"{who}:v1")) for who in ("koc", "crane"))
    assert a["rootfs"] == b["rootfs"] and a["config"] == b["config"]
    crane("validate", "--insecure", "--remote", place("koc:v1"))


def test_append_files_to_all_platforms(edit, crane, bases, place, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www/index.html").write_text("hello")
    (tmp_path / "app").write_text("#!/bin/sh\n")
    (tmp_path / "app").chmod(0o755)
    edit("append", "-b", bases["index"], "-t", place("x:v1"), "www:/srv/www", "app:/usr/bin/",
         cwd=tmp_path)
    before, after = (manifest_of(crane, ref) for ref in (bases["index"], place("x:v1")))
    wanted = [x["platform"] for x in before["manifests"] if x["platform"]["os"] != "unknown"]
    assert [x["platform"] for x in after["manifests"]] == wanted  # without attestations of the old
    for entry in after["manifests"]:
        layers = manifest_of(crane, f"{place('x')}@{entry['digest']}")["layers"]
        blob = crane("blob", "--insecure", f"{place('x')}@{layers[-1]['digest']}", status=None)
        assert blob.status == 0
    edit("export", "--platform=linux/amd64", place("x:v1"), tmp_path / "fs.tar")
    files = entries(tmp_path / "fs.tar")
    assert files["srv/www/index.html"][3] == b"hello" and files["usr/bin/app"][1] == 0o755
    once = edit("append", "-t", f"oci:{tmp_path}/a", "www", cwd=tmp_path).ref
    again = edit("append", "-t", f"oci:{tmp_path}/b", "www", cwd=tmp_path).ref
    assert once.rpartition("@")[2] == again.rpartition("@")[2]


def test_mutate_as_crane_does(edit, crane, bases, place):
    base = single(crane, bases, place)
    flags = ["--env", "A=b", "--label", "k=v", "--annotation", "n=w", "--user", "1000",
             "--workdir", "/srv", "--entrypoint", "/app,serve"]
    crane("mutate", "--insecure", *flags, "-t", place("crane:v1"), base)
    edit("mutate", *flags, "-t", place("koc:v1"), base)
    ours, theirs = (config_of(crane, place(f"{who}:v1")) for who in ("koc", "crane"))
    for side in (ours, theirs):
        side["config"]["Env"].sort()
        side["config"] = {k: v for k, v in side["config"].items() if v not in (None, "", [])}
    assert ours["config"] == theirs["config"] and ours["rootfs"] == theirs["rootfs"]
    assert manifest_of(crane, place("koc:v1"))["annotations"]["n"] == "w"
    edit("mutate", "-e", "A", "-l", "k", "-a", "n", "--cmd=x", "--created=86400", place("koc:v1"))
    config = config_of(crane, place("koc:v1"))
    assert not any(e.startswith("A=") for e in config["config"].get("Env", []))
    assert "k" not in config["config"].get("Labels", {}) and config["config"]["Cmd"] == ["x"]
    assert config["created"] == "1970-01-02T00:00:00Z"


def test_what_is_not_changed_keeps_its_bytes(edit, crane, bases, place):
    base = single(crane, bases, place)
    edit("mutate", "-a", "n=w", "-t", place("koc:v1"), base)
    before, after = manifest_of(crane, base), manifest_of(crane, place("koc:v1"))
    assert after["config"]["digest"] == before["config"]["digest"]
    assert after["layers"] == before["layers"]


def test_mutate_of_one_platform_leaves_the_others(edit, crane, bases, place):
    result = edit("mutate", "--json", "--platform=linux/arm64", "-e", "A=b", "-t", place("x:v1"),
                  bases["index"])
    report = schemas.valid(result.stdout, "koc-edit-1")
    assert "dropped 1 entry" in result.stderr
    before, after = (manifest_of(crane, ref)["manifests"] for ref in (bases["index"], place("x:v1")))
    before = [x for x in before if x["platform"]["os"] != "unknown"]
    changed = [a["platform"]["architecture"] for a, b in zip(after, before)
               if a["digest"] != b["digest"]]
    assert changed == ["arm64"] and len(after) == len(before)
    assert {i["digest"] for i in report["images"]} == {a["digest"] for a in after}
    assert "there is no image for linux/mips" in edit(
        "mutate", "--platform=linux/mips", "-e", "A=b", "-t", place("x:v2"), bases["index"],
        status=1).errors[0]


def test_rebase_as_crane_does(edit, crane, bases, place, layer, tmp_path):
    base = single(crane, bases, place, "base")
    other = tmp_path / "other.tar"
    other.write_bytes(tar_of({"etc": None, "etc/newer": b"2\n"}))
    crane("append", "--insecure", "-b", base, "-f", other, "-t", place("base:v2"))
    crane("append", "--insecure", "-b", base, "-f", layer, "-t", place("app:v1"))
    words = [place("app:v1")]
    crane("rebase", "--insecure", *words, "--old_base", base, "--new_base", place("base:v2"), "-t",
          place("app:crane"))
    edit("rebase", *words, "--old-base", base, "--new-base", place("base:v2"), "-t",
         place("app:koc"))
    ours, theirs = (manifest_of(crane, place(f"app:{who}")) for who in ("koc", "crane"))
    assert [x["digest"] for x in ours["layers"]] == [x["digest"] for x in theirs["layers"]]
    a, b = (config_of(crane, place(f"app:{who}")) for who in ("koc", "crane"))
    assert a["rootfs"] == b["rootfs"] and a["config"] == b["config"]
    assert [h.get("created_by") for h in a["history"]] == [h.get("created_by") for h in b["history"]]
    name = "org.opencontainers.image.base"
    assert ours["annotations"][f"{name}.name"] == place("base:v2")
    assert ours["annotations"][f"{name}.digest"] == digest_of(crane, place("base:v2"))
    crane("validate", "--insecure", "--remote", place("app:koc"))
    # Now the image says what it stands on, and its base moves on.
    crane("append", "--insecure", "-b", base, "-f", layer, "-t", place("base:v2"))
    edit("rebase", place("app:koc"))
    assert len(manifest_of(crane, place("app:koc"))["layers"]) == len(ours["layers"])
    wrong = edit("rebase", "--old-base", place("base:v2"), "--new-base", base, "-t", place("app:x"),
                 place("app:v1"), status=None)
    if wrong.status:
        assert "not built on that base" in wrong.errors[0]
    assert "not built on that base" in edit(
        "rebase", "--old-base", place("app:crane"), "--new-base", base, "-t", place("app:x"),
        place("app:v1"), status=1).errors[0]


def test_rebase_without_a_record(edit, crane, bases, place, layer):
    base = single(crane, bases, place, "base")
    crane("append", "--insecure", "-b", base, "-f", layer, "-t", place("app:v1"))
    flags = []
    for flag in ("--new-base", "--old-base"):
        refused = edit("rebase", *flags, place("app:v1"), status=1)
        assert f"hint: name it with {flag}" in refused.stderr
        flags.append(f"{flag}={base}")
    edit("rebase", *flags, place("app:v1"))


def test_rebase_finds_the_base_of_each_platform(edit, koc, app, crane, bases, place, layer):
    """All platforms were once held against the base of the first one."""
    base = place("base:v1")
    crane("copy", "--insecure", bases["index"], base)
    image = koc("build", f"--base-image={base}", "--platform=linux/amd64,linux/arm64",
                "./cmd/tool", cwd=app).ref
    edit("append", "-b", base, "-t", base, f"--tar={layer}")
    after = edit("rebase", "-t", place("app:v2"), image).ref
    for platform in ("linux/amd64", "linux/arm64"):
        old, new = (config_of(crane, ref, platform)["rootfs"]["diff_ids"] for ref in (image, after))
        assert len(new) == len(old) + 1 and new[-1] == old[-1]


def test_export_as_crane_does(edit, crane, bases, place, tmp_path):
    base = single(crane, bases, place)
    upper = tmp_path / "upper.tar"
    upper.write_bytes(tar_of({"etc": None, "etc/new": b"x", "opt": None, "opt/y": b"y"}))
    gone = tmp_path / "gone.tar"
    gone.write_bytes(tar_of({"etc": None, "etc/.wh.new": b"", ".wh.opt": b""}))
    edit("append", "-b", base, "--tar", upper, "--tar", gone, "-t", place("x:v1"))
    crane("export", "--insecure", place("x:v1"), tmp_path / "crane.tar")
    edit("export", place("x:v1"), tmp_path / "koc.tar")
    ours, theirs = entries(tmp_path / "koc.tar"), entries(tmp_path / "crane.tar")
    assert ours == theirs and "opt/y" not in ours and "etc/new" not in ours
    piped = edit("export", place("x:v1"))
    assert len(piped.stdout) >= 1024
    names = tarfile.open(fileobj=io.BytesIO(piped.stdout.encode())).getnames()
    assert {n.strip("/") for n in names} == set(ours)


def test_export_one_file(edit, bases, tmp_path):
    (tmp_path / "conf").write_text("new\n")
    layout = f"oci:{tmp_path}/l"
    edit("append", "-b", bases["oci"], "-t", layout, "conf:/etc/app.conf", cwd=tmp_path)
    edit("export", layout, tmp_path / "fs.tar")
    files = entries(tmp_path / "fs.tar")
    assert edit("export", "--file=/etc/app.conf", layout).stdout == "new\n"
    for name, (kind, _, _, content) in files.items():
        if kind == tarfile.REGTYPE:
            edit("export", "--file", name, layout, tmp_path / "one")
            assert (tmp_path / "one").read_bytes() == content, name
    refused = edit("export", "--file=/none", layout, tmp_path / "two", status=1).errors
    assert len(refused) == 1 and "there is no /none in the image" in refused[0]
    assert not (tmp_path / "two").exists()


def test_archives_and_layouts_of_others(edit, skopeo, bases, tmp_path):
    archive, layout = tmp_path / "a.tar", tmp_path / "layout"
    copy = ("--insecure-policy", "copy", "--src-tls-verify=false", f"docker://{bases['oci']}")
    skopeo(*copy, f"docker-archive:{archive}:x:1")
    skopeo(*copy, f"oci:{layout}:v1")
    edit("export", archive, tmp_path / "a.fs")
    edit("export", f"oci:{layout}:v1", tmp_path / "b.fs")
    assert entries(tmp_path / "a.fs") == entries(tmp_path / "b.fs")
    edit("mutate", "-e", "A=b", f"oci:{layout}:v1")
    assert "A=b" in skopeo("inspect", "--config", f"oci:{layout}:v1").stdout
    refused = edit("mutate", "-e", "A=b", archive, status=1).errors
    assert len(refused) == 1 and "cannot change an archive in place" in refused[0]
    edit("mutate", "-e", "A=b", "-t", f"docker-archive:{tmp_path}/b.tar:x:2", archive)
    assert "A=b" in skopeo("inspect", "--config", f"docker-archive:{tmp_path}/b.tar:x:2").stdout
    printed = edit("append", "-b", archive, "-t", tmp_path / "c.tar", "b.fs:/x", cwd=tmp_path).ref
    assert printed.startswith(f"oci-archive:{tmp_path}/c.tar@sha256:")
    assert edit("digest", f"oci-archive:{tmp_path}/c.tar").ref == printed.rpartition("@")[2]


def test_words_that_are_wrong(edit, bases, tmp_path):
    def refused(*words, status=1):
        result = edit(*words, status=status, cwd=tmp_path)
        assert len(result.errors) == 1, result.stderr
        return result.errors[0]

    to = f"oci:{tmp_path}/out"
    assert "nothing to append" in refused("append", "-t", to, status=2)
    assert "needs -t" in refused("append", "x", status=2)
    assert "no such file" in refused("append", "-t", to, "missing:/x")
    assert "cannot open" in refused("append", "-t", to, "--tar", "missing.tar")
    (tmp_path / "bad.tar").write_bytes(b"\x1f\x8b" + b"junk" * 300)
    refused("append", "-t", to, "--tar", "bad.tar")
    assert "takes one image" in refused("mutate", status=2)
    assert "the name before the = is missing" in refused("mutate", "-e", "=x", "-t", to, bases["oci"])
    assert "not a time" in refused("mutate", "--created=soon", "-t", to, bases["oci"], status=2)
    assert "not a time" in refused("mutate", "--created=2026-04-31T00:00:00Z", "-t", to,
                                   bases["oci"], status=2)
    assert "takes one image" in refused("rebase", "a", "b", status=2)
    assert "cannot write" in refused("export", bases["oci"], tmp_path / "bad.tar/is/no/folder.tar")
    assert not (tmp_path / "out").exists()


def test_values_that_no_runtime_takes_overwrite_nothing(edit, crane, bases, place):
    crane("copy", "--insecure", "--platform=linux/amd64", bases["oci"], place("x:v1"))
    before = digest_of(crane, place("x:v1"))
    for flag in ("--exposed-port=abc", "--exposed-port=hello world", "--exposed-port=0",
                 "--workdir=not absolute", "--user=a b", "--user=-1"):
        result = edit("mutate", flag, place("x:v1"), status=2)
        assert result.errors[0].startswith(f"koc: {flag.partition('=')[0]}: ")
    assert digest_of(crane, place("x:v1")) == before


def test_image_user_is_checked_before_the_build(koc, app):
    result = koc("build", "--image-user", "-1", "./cmd/tool", cwd=app, status=2)
    assert "--image-user" in result.errors[0] and "Built" not in result.stderr


def test_rebase_uses_what_append_made(edit, crane, bases, place, layer, tmp_path):
    base = place("base:v1")
    crane("copy", "--insecure", bases["index"], base)
    edit("append", "-b", base, f"--tar={layer}", "-t", place("app:v1"))
    newer = tmp_path / "newer.tar"
    newer.write_bytes(tar_of({"etc/newer": b"2"}))
    edit("append", "-b", base, f"--tar={newer}", "-t", base)  # in place: it does not stand on itself
    edit("rebase", "-t", place("app:v2"), place("app:v1"))
    for platform in ("linux/amd64", "linux/arm64"):
        old, new = (config_of(crane, place(f"app:{v}"), platform)["rootfs"]["diff_ids"]
                    for v in ("v1", "v2"))
        assert len(new) == len(old) + 1 and new[-1] == old[-1]
    edit("export", place("app:v2"), tmp_path / "fs.tar")
    files = entries(tmp_path / "fs.tar")
    assert files["etc/newer"][3] == b"2" and files["srv/x"][3] == b"new\n"


def test_platforms_that_stay_as_they_are_are_named(edit, bases, place, layer):
    for words in (["append", "-b", bases["index"], f"--tar={layer}"],
                  ["mutate", "-e", "A=b", bases["index"]]):
        result = edit(*words, "--platform=linux/arm64", "-t", place("x:v1"))
        (line,) = [x for x in result.stderr.splitlines() if "not changed:" in x]
        assert "linux/amd64" in line and "linux/arm64" not in line


def test_inspect_of_a_missing_platform_names_those_there_are(edit, bases):
    for more in ([], ["--json"]):
        result = edit("inspect", *more, "--platform=linux/mips", bases["index"], status=1)
        assert result.stdout == "" and len(result.errors) == 1
        assert "linux/mips" in result.errors[0] and "linux/arm64" in result.errors[0]
