"""koc inspect, manifest, config, digest, ls, tag, rm, blob and validate on what others made."""

import json

import oci
import pytest
import schemas
from bases import OCI, Baker
from test_image_verbs_copy import attested_index, crane, nested_index, skopeo  # noqa: F401


@pytest.fixture(scope="module")
def attested(registry):
    return attested_index(registry)


def test_inspect_of_an_attested_index(bare_koc, registry, attested):
    report = schemas.valid(bare_koc("inspect", "--json", attested).stdout, "koc-inspect-1")
    raw = registry.manifest("verbs/attested", "latest")
    assert report["digest"] == oci.digest_of(raw) and report["size"] == len(raw)
    assert report["index"] == json.loads(raw)
    assert [image["platform"] for image in report["images"]] == ["linux/amd64", "linux/arm64"]
    for image, artifact in zip(report["images"], report["artifacts"]):
        assert artifact["about"] == image["digest"]
        assert artifact["layers"][0]["mediaType"] == "application/vnd.in-toto+json"
        assert len(image["layers"]) == len(image["history"]) == 2
        assert image["history"][0]["layer"] == image["layers"][0]["digest"]
        diff_ids = [layer["diffId"] for layer in image["layers"]]
        assert diff_ids == image["config"]["rootfs"]["diff_ids"]
        assert image["totalSize"] == sum(
            [image["size"], image["manifest"]["config"]["size"]]
            + [layer["size"] for layer in image["layers"]]
        )


def test_inspect_of_an_index_in_an_index(bare_koc, registry):
    name = nested_index(registry)
    report = schemas.valid(bare_koc("inspect", "--json", name).stdout, "koc-inspect-1")
    platforms = [image["platform"] for image in report["images"]]
    assert platforms == ["linux/arm64", "linux/s390x", "linux/amd64"]
    one = bare_koc("inspect", "--json", "--platform=linux/s390x", name).stdout
    assert [i["platform"] for i in schemas.valid(one, "koc-inspect-1")["images"]] == ["linux/s390x"]


def test_inspect_for_people(bare_koc, registry, attested):
    text = bare_koc("inspect", attested).stdout
    top = oci.digest_of(registry.manifest("verbs/attested", "latest"))
    assert text.splitlines()[:2] == [attested, f"  {top}  {OCI['index']}"]
    for want in ("  linux/arm64, 2 layers, ", "    user         65532", "  attestation sha256:"):
        assert want in text


def test_inspect_agrees_with_skopeo(bare_koc, skopeo, registry, attested):  # noqa: F811
    report = json.loads(bare_koc("inspect", "--json", attested).stdout)
    seen = skopeo("inspect", "--tls-verify=false", "--override-arch=arm64", f"docker://{attested}")
    arm = next(i for i in report["images"] if i["platform"] == "linux/arm64")
    assert json.loads(seen.stdout)["Layers"] == [layer["digest"] for layer in arm["layers"]]


def test_manifest_and_config_are_the_bytes(bare_koc, crane, registry, attested):  # noqa: F811
    assert bare_koc("manifest", attested).stdout.encode() == registry.manifest(
        "verbs/attested", "latest"
    )
    insecure = ["--insecure", "--platform=linux/arm64"]
    for verb in ("manifest", "config"):
        mine = bare_koc(verb, "--platform=linux/arm64", attested).stdout
        assert mine.strip() == crane(verb, *insecure, attested).stdout.strip()


def test_digest(bare_koc, crane, registry, attested, tmp_path):  # noqa: F811
    assert bare_koc("digest", attested).stdout == crane("digest", "--insecure", attested).stdout
    one = bare_koc("digest", "--platform=linux/arm64", attested).stdout
    assert one == crane("digest", "--insecure", "--platform=linux/arm64", attested).stdout
    bare_koc("pull", attested, tmp_path / "layout")
    assert bare_koc("digest", tmp_path / "layout").stdout == bare_koc("digest", attested).stdout
    full = bare_koc("digest", "--full-ref", attested).ref
    assert full.startswith(f"{attested}@sha256:")


def test_ls(bare_koc, registry, attested, tmp_path):
    baker = Baker(registry, "verbs/ls")
    for tag in ("b", "a", "1.0"):
        baker.image(tag)
    assert bare_koc("ls", f"{registry.host}/verbs/ls").lines == ["1.0", "a", "b"]
    out = schemas.valid(bare_koc("ls", "--json", f"{registry.host}/verbs/ls").stdout, "koc-ls-1")
    assert out["tags"] == ["1.0", "a", "b"]
    assert bare_koc("ls", registry.host).lines == sorted(registry.repositories())
    bare_koc("pull", baker.name("a"), tmp_path / "layout")
    (line,) = bare_koc("ls", f"oci:{tmp_path}/layout").lines
    assert line.split() == [
        baker.name("a"),
        oci.digest_of(registry.manifest("verbs/ls", "a")),
    ]
    listed = bare_koc("ls", "--json", f"oci:{tmp_path}/layout").stdout
    assert schemas.valid(listed, "koc-ls-1")["images"][0]["name"] == baker.name("a")


def test_tag_and_rm(bare_koc, registry):
    baker = Baker(registry, "verbs/tags")
    baker.image("one")
    raw = registry.manifest("verbs/tags", "one")
    printed = bare_koc("tag", baker.name("one"), "two", "three").lines
    assert printed == [f"{baker.name(t)}@{oci.digest_of(raw)}" for t in ("two", "three")]
    assert registry.manifest("verbs/tags", "three") == raw
    by_tag = bare_koc("rm", baker.name("two"), status=1)
    assert by_tag.errors == [f"koc: {baker.name('two')}: the registry does not delete tags"]
    bare_koc("rm", "--manifest", baker.name("two"))
    assert registry.tags("verbs/tags") == []
    gone = bare_koc("rm", "--manifest", baker.name("two"), status=1)
    assert gone.errors == [f"koc: {baker.name('two')}: no such image"]


def test_blob(bare_koc, registry, tmp_path):
    (tmp_path / "data").write_bytes(bytes(range(256)) * 5000)
    ref = bare_koc("blob", "--put", tmp_path / "data", f"{registry.host}/verbs/blob").ref
    assert ref.endswith(oci.digest_of((tmp_path / "data").read_bytes()))
    bare_koc("blob", "-o", tmp_path / "back", ref)
    assert (tmp_path / "back").read_bytes() == (tmp_path / "data").read_bytes()
    absent = ref[:-4] + ("0000" if not ref.endswith("0000") else "1111")
    missing = bare_koc("blob", "-o", tmp_path / "none", absent, status=1)
    assert missing.errors == [f"koc: {absent}: no such blob"]
    assert not (tmp_path / "none").exists()


def test_validate_is_content_with_good_images(bare_koc, registry, attested):
    report = schemas.valid(bare_koc("validate", "--json", attested).stdout, "koc-validate-1")
    assert report["ok"] is True and all(check["ok"] for check in report["checks"])
    # An index, two images with two layers each, two attestations of a config and a statement each.
    assert len(report["checks"]) >= 1 + 2 * 3 + 2 * 2
    fast = bare_koc("validate", "--fast", attested)
    assert "Checked" in fast.stderr


def test_validate_finds_what_is_wrong(bare_koc, registry):
    baker = Baker(registry, "verbs/wrong")
    wrong = "sha256:" + "0" * 64
    entry = baker.image(
        arch="amd64", edit_config=lambda c: c["rootfs"].update(diff_ids=[wrong])
    )
    entry["platform"]["architecture"] = "arm64"
    name = baker.index("latest", [entry])
    result = bare_koc("validate", "--json", name, status=1)
    report = schemas.valid(result.stdout, "koc-validate-1")
    problems = [check["problem"] for check in report["checks"] if not check["ok"]]
    assert problems[0] == "the index says linux/arm64, the config linux/amd64"
    assert "sha256:0000" in problems[1]
    assert result.errors == [f"koc: {name} is not valid: 2 problems"]
