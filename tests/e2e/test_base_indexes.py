"""Base indexes that are more than flat lists of images: builds and the image verbs find the same images."""

import json

import pytest

import oci
from bases import OCI, Baker
from oci import digest_of

HELM = "application/vnd.cncf.helm.config.v1+json"
WASM = "application/vnd.wasm.config.v0+json"


def artifact(baker, config_type, platform=None, **more):
    """An entry for a chart, a module, whatever: its config is no image's."""
    data = json.dumps({"name": config_type}).encode()
    content = b"content of " + config_type.encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI["manifest"],
        "config": {"mediaType": config_type, "size": len(data), "digest": baker.blob(data)},
        "layers": [{"mediaType": "application/octet-stream", "size": len(content), "digest": baker.blob(content)}],
        **more,
    }
    raw = baker.put(None, manifest, OCI["manifest"])
    entry = {"mediaType": OCI["manifest"], "size": len(raw), "digest": digest_of(raw)}
    return entry | ({"platform": platform} if platform else {})


def attestation(baker, about):
    return artifact(baker, "application/vnd.in-toto+json", {"os": "unknown", "architecture": "unknown"}) | {
        "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": about["digest"]}}


def nested(baker, entries, platform=None):
    document = {"schemaVersion": 2, "mediaType": OCI["index"], "manifests": entries}
    raw = baker.put(None, document, OCI["index"])
    entry = {"mediaType": OCI["index"], "size": len(raw), "digest": digest_of(raw)}
    return entry | ({"platform": platform} if platform else {})


def unknown(baker):
    raw = b'{"schemaVersion": 2, "mediaType": "application/vnd.example.future.v9+json"}'
    return {"mediaType": "application/vnd.example.future.v9+json", "size": len(raw), "digest": baker.blob(raw),
            "platform": {"os": "linux", "architecture": "amd64"}}


def without(entry, member):
    return {k: v for k, v in entry.items() if k != member}


SHAPES = {
    "flat": lambda b, amd, arm: [amd, arm],
    "with attestations": lambda b, amd, arm: [amd, arm, attestation(b, amd), attestation(b, arm)],
    "attestations first": lambda b, amd, arm: [attestation(b, amd), amd, arm],
    "with a chart": lambda b, amd, arm: [artifact(b, HELM), amd, arm],
    "with a chart that says linux/amd64": lambda b, amd, arm: [artifact(b, HELM, amd["platform"]), amd, arm],
    "with a module for each platform": lambda b, amd, arm: [
        artifact(b, WASM, amd["platform"]), artifact(b, WASM, arm["platform"]), amd, arm],
    "with a typed artifact": lambda b, amd, arm: [artifact(b, HELM) | {"artifactType": HELM}, amd, arm],
    "with the future": lambda b, amd, arm: [unknown(b), amd, arm],
    "an index of an index": lambda b, amd, arm: [nested(b, [amd, arm])],
    "an index for each platform": lambda b, amd, arm: [nested(b, [amd]), nested(b, [arm])],
    "indexes that name platforms": lambda b, amd, arm: [
        nested(b, [without(amd, "platform")], amd["platform"]), nested(b, [arm], arm["platform"])],
    "half of it in an index": lambda b, amd, arm: [nested(b, [arm, artifact(b, HELM)]), amd],
    "three deep": lambda b, amd, arm: [nested(b, [nested(b, [nested(b, [amd, arm])])])],
    "the same index twice": lambda b, amd, arm: [nested(b, [amd, arm]), nested(b, [amd, arm])],
    "an empty index beside": lambda b, amd, arm: [nested(b, []), amd, arm],
    "without platforms": lambda b, amd, arm: [without(amd, "platform"), without(arm, "platform")],
    "artifact types of configs": lambda b, amd, arm: [
        amd | {"artifactType": OCI["config"]}, arm | {"artifactType": OCI["config"]}],
}


@pytest.fixture
def baker(registry, request):
    return Baker(registry, f"base/shape-{digest_of(request.node.name.encode())[7:19]}")


def platforms_of(registry, reference):
    """What the configs of its images say."""
    ref = oci.parse_reference(reference)
    top = json.loads(registry.manifest(ref["repo"], ref["digest"] or ref["tag"]))
    entries = top.get("manifests", [])
    images = [json.loads(registry.manifest(ref["repo"], e["digest"])) for e in entries
              if e.get("platform", {}).get("os") != "unknown"] or [top]
    configs = [json.loads(registry.blob(ref["repo"], i["config"]["digest"])) for i in images]
    return sorted(f"{c['os']}/{c['architecture']}" for c in configs)


@pytest.mark.parametrize("shape", SHAPES)
def test_builds_and_verbs_find_the_images(koc, registry, baker, app, tmp_path, shape):
    amd, arm = baker.image(arch="amd64"), baker.image(arch="arm64")
    base = baker.index("t", SHAPES[shape](baker, amd, arm))
    env = {"KO_DEFAULTBASEIMAGE": base}

    def build(platform):
        return koc("build", f"--platform={platform}", "./cmd/tool", cwd=app, env=env).stdout.strip()

    assert platforms_of(registry, build("linux/amd64")) == ["linux/amd64"]
    assert platforms_of(registry, build("linux/arm64")) == ["linux/arm64"]
    both = build("all")
    assert platforms_of(registry, both) == ["linux/amd64", "linux/arm64"]
    assert sorted(oci.from_registry(registry, both).platforms) == ["linux/amd64", "linux/arm64"]
    assert platforms_of(registry, build("linux/arm64,linux/amd64")) == ["linux/amd64", "linux/arm64"]

    for entry, name in ((amd, "amd64"), (arm, "arm64")):
        config = json.loads(koc("config", f"--platform=linux/{name}", base).stdout)
        assert config["architecture"] == name
        seen = json.loads(koc("inspect", "--json", f"--platform=linux/{name}", base).stdout)
        assert {i["digest"] for i in seen["images"]} == {entry["digest"]}
        assert entry["digest"] in koc("inspect", f"--platform=linux/{name}", base).stdout
        koc("export", f"--platform=linux/{name}", base, tmp_path / f"{name}.tar")
        koc("pull", f"--platform=linux/{name}", base, tmp_path / f"{name}.oci")
        koc("copy", f"--platform=linux/{name}", base, f"{registry.host}/copied:{name}")
        assert koc("digest", f"{registry.host}/copied:{name}").stdout.strip().endswith(entry["digest"])
    copied = f"{registry.host}/copied:two"
    koc("copy", "--platform=linux/amd64,linux/arm64", base, copied)
    assert platforms_of(registry, copied) == ["linux/amd64", "linux/arm64"]


def test_nothing_is_left(koc, registry, baker, app):
    """Then the error lists what is there."""
    arm = baker.image(arch="arm64")
    entries = [artifact(baker, HELM, {"os": "linux", "architecture": "amd64"}), nested(baker, [arm]), unknown(baker)]
    base = baker.index("t", entries)
    says = "no linux/amd64 (it has "
    for words in (["build", "--push=false", "./cmd/tool"], ["config", base, "--platform=linux/amd64"],
                  ["copy", "--platform=linux/amd64", base, f"{registry.host}/copied:none"]):
        failed = koc(*words, cwd=app, env={"KO_DEFAULTBASEIMAGE": base}, status=1).stderr
        assert says in failed and "linux/arm64" in failed and "an artifact for linux/amd64" in failed, failed
        assert "vnd.example.future.v9+json for linux/amd64" in failed, failed


def test_too_deep_and_too_many(koc, baker, app):
    entry = baker.image(arch="arm64")
    for _ in range(6):
        entry = nested(baker, [entry])
    deep = baker.index("deep", [entry])
    wide = baker.index("wide", [nested(baker, [], {"os": "linux", "architecture": "amd64", "variant": f"v{i}"})
                                | {"annotations": {"n": str(i)}} for i in range(3)]
                       + [nested(baker, [nested(baker, [baker.image(arch="s390x", layers=1)])])])
    for base, says in ((deep, "nested more than 4 deep"), (wide, "it has linux/s390x")):
        for words in (["build", "--push=false", "./cmd/tool"], ["config", base, "--platform=linux/amd64"]):
            failed = koc(*words, cwd=app, env={"KO_DEFAULTBASEIMAGE": base}, status=1).stderr
            assert says in failed, failed


def test_an_index_in_a_layout_is_walked_too(koc, baker, app, tmp_path):
    amd, arm = baker.image(arch="amd64"), baker.image(arch="arm64")
    base = baker.index("t", [artifact(baker, HELM, amd["platform"]), nested(baker, [amd, arm])])
    koc("copy", base, f"oci:{tmp_path}/layout:t")
    for platform in ("linux/amd64", "linux/arm64", "all"):
        koc("build", "--push=false", f"--platform={platform}", f"--base-image=oci:{tmp_path}/layout:t",
            "./cmd/tool", cwd=app)
