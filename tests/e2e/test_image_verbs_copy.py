"""koc push, pull and copy between registries, layouts and archives that others made or read."""

import hashlib
import io
import json
import tarfile

import oci
import pytest
import schemas
from bases import DOCKER, OCI, Baker, tar_of
from registry import Registry
from runner import Tool, needed


@pytest.fixture(scope="module")
def other_registry(tmp_path_factory):
    registry = Registry(tmp_path_factory.mktemp("other-registry"))
    yield registry
    registry.close()


@pytest.fixture
def skopeo(home):
    return Tool(needed("skopeo"), home)


@pytest.fixture
def crane(home):
    return Tool(needed("crane"), home)


def attested_index(registry):
    """An index as buildx makes it: two platforms, and an attestation about each."""
    baker = Baker(registry, "verbs/attested")
    entries = []
    for arch in ("amd64", "arm64"):
        image = baker.image(arch=arch, layers=2)
        statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1", "a": arch}).encode()
        diff_ids = [oci.digest_of(statement)]
        unknown = {"architecture": "unknown", "os": "unknown", "config": {}}
        unknown |= {"rootfs": {"type": "layers", "diff_ids": diff_ids}}
        config = json.dumps(unknown).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI["manifest"],
            "config": {
                "mediaType": OCI["config"],
                "digest": baker.blob(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.in-toto+json",
                    "digest": baker.blob(statement),
                    "size": len(statement),
                    "annotations": {
                        "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"
                    },
                }
            ],
        }
        raw = baker.put(None, manifest, OCI["manifest"])
        entries += [image]
        entries += [
            {
                "mediaType": OCI["manifest"],
                "digest": oci.digest_of(raw),
                "size": len(raw),
                "annotations": {
                    "vnd.docker.reference.digest": image["digest"],
                    "vnd.docker.reference.type": "attestation-manifest",
                },
                "platform": {"architecture": "unknown", "os": "unknown"},
            }
        ]
    return baker.index("latest", entries)


def nested_index(registry):
    """An index whose entries are an index and an image."""
    baker = Baker(registry, "verbs/nested")
    inner = {
        "schemaVersion": 2,
        "mediaType": OCI["index"],
        "manifests": [baker.image(arch="arm64"), baker.image(arch="s390x")],
    }
    raw = baker.put(None, inner, OCI["index"])
    entry = {"mediaType": OCI["index"], "digest": oci.digest_of(raw), "size": len(raw)}
    return baker.index("latest", [entry, baker.image(arch="amd64")])


def signature(registry, name, about):
    """An artifact that refers to a manifest, as notation and cosign write them."""
    baker = Baker(registry, oci.parse_reference(name)["repo"])
    empty, payload = b"{}", b'{"signed": true}'
    raw = registry.manifest(baker.repository, about)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI["manifest"],
        "artifactType": "application/vnd.example.signature",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": baker.blob(empty),
            "size": 2,
        },
        "layers": [
            {
                "mediaType": "application/octet-stream",
                "digest": baker.blob(payload),
                "size": len(payload),
            }
        ],
        "subject": {"mediaType": OCI["index"], "digest": about, "size": len(raw)},
    }
    artifact = baker.put(None, manifest, OCI["manifest"])
    entry = {
        "mediaType": OCI["manifest"],
        "digest": oci.digest_of(artifact),
        "size": len(artifact),
        "artifactType": "application/vnd.example.signature",
    }
    # docker-registry has no referrers API: the tag stands in for it.
    baker.index(about.replace(":", "-"), [entry])
    return oci.digest_of(artifact)


@pytest.fixture(scope="module")
def images(registry):
    docker = Baker(registry, "verbs/docker", DOCKER)
    docker.image("latest", layers=3)
    return {
        "attested": attested_index(registry),
        "nested": nested_index(registry),
        "docker": docker.name("latest"),
    }


def parts(registry, repo, digest, out=None):
    """digest -> bytes of a manifest and of all manifests below it."""
    out = {} if out is None else out
    raw = registry.manifest(repo, digest)
    out[oci.digest_of(raw)] = raw
    for entry in json.loads(raw).get("manifests", []):
        parts(registry, repo, entry["digest"], out)
    return out


@pytest.mark.parametrize("name", ["attested", "nested", "docker"])
def test_copy_keeps_every_byte_through_all_places(
    bare_koc, registry, other_registry, images, name, tmp_path
):
    source = oci.parse_reference(images[name])
    want = parts(registry, source["repo"], "latest")
    top = oci.digest_of(registry.manifest(source["repo"], "latest"))
    bare_koc("copy", images[name], f"oci:{tmp_path}/a:x", cwd=tmp_path)
    bare_koc("copy", f"oci:{tmp_path}/a:x", f"oci-archive:{tmp_path}/b.tar:y")
    last = bare_koc("copy", f"{tmp_path}/b.tar", f"{other_registry.host}/verbs/{name}:z")
    assert last.ref == f"{other_registry.host}/verbs/{name}:z@{top}"
    assert parts(other_registry, f"verbs/{name}", "z") == want
    if name != "nested":
        oci.from_registry(other_registry, last.ref)


def test_second_copy_sends_nothing(bare_koc, registry, other_registry, images):
    target = f"{other_registry.host}/verbs/again:1"
    first = schemas.valid(bare_koc("copy", "--json", images["docker"], target).stdout, "koc-copy-1")
    assert first["results"][0]["blobsCopied"] == first["results"][0]["blobs"] == 4
    mark = other_registry.mark()
    again = schemas.valid(bare_koc("copy", "--json", images["docker"], target).stdout, "koc-copy-1")
    assert again["results"][0]["unchanged"] is True
    assert other_registry.uploads_since(mark) == []


def test_copy_within_a_registry_mounts(bare_koc, registry, images):
    out = bare_koc("copy", "--json", images["docker"], f"{registry.host}/verbs/mounted:1").stdout
    result = schemas.valid(out, "koc-copy-1")["results"][0]
    assert result["blobsMounted"] == 4 and result["bytesCopied"] == 0


def test_copy_of_one_platform_is_that_image(bare_koc, registry, other_registry, images):
    target = f"{other_registry.host}/verbs/one:1"
    result = bare_koc("copy", "--platform=linux/arm64", images["nested"], target)
    image = oci.from_registry(other_registry, result.ref)
    assert image.config["architecture"] == "arm64"


def test_copy_of_some_platforms_keeps_their_attestations(
    bare_koc, registry, other_registry, images
):
    target = f"{other_registry.host}/verbs/some:1"
    ref = bare_koc("copy", "--platform=linux/arm64,linux/riscv64", images["attested"], target).ref
    index = oci.from_registry(other_registry, ref)
    assert index.platforms == ["linux/arm64", "unknown/unknown"]
    wrong = bare_koc("copy", "--platform=linux/mips", images["attested"], target, status=1)
    assert wrong.errors == [
        f"koc: cannot copy {images['attested']} to {target}: {images['attested']} has no "
        "linux/mips (it has linux/amd64, linux/arm64)"
    ]


def test_referrers_go_along(bare_koc, registry, other_registry, tmp_path):
    baker = Baker(registry, "verbs/signed")
    name = baker.index("latest", [baker.image()])
    top = oci.digest_of(registry.manifest("verbs/signed", "latest"))
    artifact = signature(registry, name, top)
    bare_koc("copy", "--referrers", name, f"oci:{tmp_path}/signed")
    ref = bare_koc(
        "copy", "--referrers", f"oci:{tmp_path}/signed", f"{other_registry.host}/verbs/signed:1"
    ).ref
    listed = json.loads(other_registry.manifest("verbs/signed", top.replace(":", "-")))
    assert [entry["digest"] for entry in listed["manifests"]] == [artifact]
    assert json.loads(other_registry.manifest("verbs/signed", artifact))["subject"]["digest"] == top
    report = schemas.valid(bare_koc("inspect", "--json", ref).stdout, "koc-inspect-1")
    assert [r["artifactType"] for r in report["referrers"]] == ["application/vnd.example.signature"]


def test_all_tags_and_lists_of_pairs(bare_koc, registry, other_registry, tmp_path):
    baker = Baker(registry, "verbs/many")
    for n in range(12):
        baker.image(f"t{n}", arch="amd64", edit_config=lambda c, n=n: c.update(author=str(n)))
    result = bare_koc(
        "copy", "-a", f"{registry.host}/verbs/many", f"{other_registry.host}/verbs/many"
    )
    assert len(result.lines) == 12
    assert sorted(other_registry.tags("verbs/many")) == sorted(f"t{n}" for n in range(12))
    pairs = tmp_path / "pairs"
    pairs.write_text(
        "# two of them\n\n"
        + "".join(f"{baker.name(f't{n}')} {other_registry.host}/verbs/listed:{n}\n" for n in (3, 4))
    )
    bare_koc("copy", "--from-file", pairs)
    assert other_registry.tags("verbs/listed") == ["3", "4"]
    bare_koc("copy", "-a", f"{registry.host}/verbs/many", f"oci:{tmp_path}/many")
    assert len(json.loads((tmp_path / "many/index.json").read_text())["manifests"]) == 12


def test_pull_formats_are_read_by_skopeo(bare_koc, skopeo, registry, images, tmp_path):
    raw = registry.manifest("verbs/docker", "latest")
    bare_koc("pull", images["docker"], tmp_path / "layout")
    bare_koc("pull", "--format=oci", images["docker"], tmp_path / "oci.tar")
    bare_koc("pull", "--format=docker", images["docker"], tmp_path / "docker.tar")
    seen = skopeo("inspect", "--raw", f"oci:{tmp_path}/layout").stdout
    assert hashlib.sha256(seen.encode()).digest() == hashlib.sha256(raw).digest()
    assert skopeo("inspect", "--raw", f"oci-archive:{tmp_path}/oci.tar").stdout == seen
    layers = json.loads(skopeo("inspect", f"docker-archive:{tmp_path}/docker.tar").stdout)["Layers"]
    config = json.loads(skopeo("inspect", "--config", f"oci:{tmp_path}/layout").stdout)
    assert len(layers) == len(config["rootfs"]["diff_ids"]) == 3


def test_pull_formats_are_read_by_crane(bare_koc, crane, other_registry, images, tmp_path):
    bare_koc("pull", "--format=docker", images["docker"], tmp_path / "docker.tar")
    bare_koc("pull", images["docker"], tmp_path / "layout")
    for n, path in enumerate(["docker.tar", "layout"]):
        target = f"{other_registry.host}/verbs/by-crane:{n}"
        crane("push", "--insecure", tmp_path / path, target)
        crane("validate", "--insecure", "--remote", target)


def test_pull_is_loaded_by_podman(bare_koc, podman, images, tmp_path):
    bare_koc("pull", "--format=docker", images["docker"], tmp_path / "docker.tar")
    assert "Loaded image" in podman("load", "-i", tmp_path / "docker.tar").stdout
    podman("save", "-o", tmp_path / "saved.tar", images["docker"])
    podman("save", "--format=oci-archive", "-o", tmp_path / "saved-oci.tar", images["docker"])
    for name in ("saved.tar", "saved-oci.tar"):
        bare_koc("validate", tmp_path / name)


def test_push_of_what_skopeo_wrote(bare_koc, skopeo, other_registry, images, tmp_path):
    source = f"docker://{images['attested']}"
    skopeo("copy", "-q", "--all", "--src-tls-verify=false", source, f"oci:{tmp_path}/all:v1")
    insecure = ["copy", "-q", "--src-tls-verify=false", source]
    skopeo(*insecure, f"docker-archive:{tmp_path}/docker.tar:example.com/app:1")
    skopeo(*insecure, f"oci-archive:{tmp_path}/oci.tar:v1")
    skopeo(*insecure, "--dest-compress-format=zstd", f"oci:{tmp_path}/zstd:v1")
    for n, path in enumerate(["all", "docker.tar", "oci.tar", "zstd"]):
        ref = bare_koc("push", tmp_path / path, f"{other_registry.host}/verbs/skopeo:{n}").ref
        bare_koc("validate", ref)


def test_push_of_what_crane_wrote(bare_koc, crane, registry, other_registry, tmp_path):
    (tmp_path / "layer.tar").write_bytes(tar_of({"hello": b"world"}))
    name = f"{registry.host}/verbs/crane:1"
    crane("append", "--insecure", "-f", tmp_path / "layer.tar", "-t", name)
    crane("mutate", "--insecure", "--entrypoint=/hello", "--set-platform=linux/arm64", name)
    crane("pull", "--insecure", "--format=oci", name, tmp_path / "layout")
    crane("pull", "--insecure", name, tmp_path / "legacy.tar")
    for n, path in enumerate(["layout", "legacy.tar"]):
        ref = bare_koc("push", tmp_path / path, f"{other_registry.host}/verbs/crane:{n}").ref
        bare_koc("validate", ref)
        assert oci.from_registry(other_registry, ref).config["config"]["Entrypoint"] == ["/hello"]


def test_format_oci_is_a_folder_as_cranes(bare_koc, crane, images, tmp_path):
    """A folder that is new, one that is there, one with a slash behind it; a tar file where the path is one."""
    name = images["docker"]
    (tmp_path / "there").mkdir()
    (tmp_path / "old").write_bytes(b"an archive of earlier")
    for path in ("new", "there", "slash/", "v1.2"):
        bare_koc("pull", "--format=oci", name, f"{tmp_path}/{path}")
        assert (tmp_path / path / "oci-layout").is_file(), path
        assert bare_koc("digest", f"oci:{tmp_path}/{path}").ref == bare_koc("digest", name).ref
    for path in ("image.tar", "old"):
        bare_koc("pull", "--format=oci", name, tmp_path / path)
        assert tarfile.is_tarfile(tmp_path / path), path
    crane("pull", "--insecure", "--format=oci", name, tmp_path / "cranes")
    theirs, ours = (
        {p.relative_to(tmp_path / d) for p in (tmp_path / d).rglob("*") if p.is_file()} for d in ("cranes", "new")
    )
    assert theirs == ours


def test_archives_are_reproducible(bare_koc, images, tmp_path):
    for n in (1, 2):
        bare_koc("pull", "--format=oci", images["attested"], tmp_path / f"{n}.tar")
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_several_images_in_one_archive(bare_koc, images, tmp_path):
    bare_koc("pull", "--format=docker", images["docker"], images["attested"], tmp_path / "two.tar")
    with tarfile.open(tmp_path / "two.tar") as tar:
        listed = json.load(io.TextIOWrapper(tar.extractfile("manifest.json")))
    tags = sorted(m["RepoTags"][0] for m in listed)
    assert tags == sorted([images["docker"], images["attested"]])
    ambiguous = bare_koc("digest", tmp_path / "two.tar", status=1)
    assert "holds 2 images: name one of" in ambiguous.stderr
    bare_koc("validate", f"docker-archive:{tmp_path}/two.tar:{images['docker']}")
