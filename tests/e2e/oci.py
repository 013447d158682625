"""Images as a registry or a layout holds them, read in Python only: the tests' second opinion."""

import gzip
import hashlib
import io
import json
import pathlib
import re
import tarfile

REFERENCE = re.compile(
    r"^(?P<host>[^/]+)/(?P<repo>[^@:]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def parse_reference(text):
    match = REFERENCE.match(text)
    assert match, f"not a reference: {text!r}"
    return match


class Image:
    """A manifest with its config and layers. `fetch(digest)` gives a blob's bytes."""

    def __init__(self, raw, fetch):
        self.raw, self.fetch = raw, fetch
        self.digest = digest_of(raw)
        self.manifest = json.loads(raw)
        self.layers = self.manifest["layers"]
        self.config_raw = fetch(self.manifest["config"]["digest"])
        assert digest_of(self.config_raw) == self.manifest["config"]["digest"]
        assert len(self.config_raw) == self.manifest["config"]["size"]
        self.config = json.loads(self.config_raw)

    @property
    def diff_ids(self):
        return self.config["rootfs"]["diff_ids"]

    def tar(self, n):
        """The uncompressed bytes of layer n, checked against digest, size and DiffID."""
        layer = self.layers[n]
        data = self.fetch(layer["digest"])
        assert digest_of(data) == layer["digest"] and len(data) == layer["size"]
        plain = gzip.decompress(data) if layer["mediaType"].endswith("gzip") else data
        assert digest_of(plain) == self.diff_ids[n]
        return plain

    def files(self, n):
        """name -> bytes (None for a folder) of layer n."""
        with tarfile.open(fileobj=io.BytesIO(self.tar(n))) as tar:
            return {m.name: tar.extractfile(m).read() if m.isfile() else None for m in tar}

    def entries(self, n):
        with tarfile.open(fileobj=io.BytesIO(self.tar(n))) as tar:
            return list(tar)


class Index:
    def __init__(self, raw, fetch_manifest, fetch):
        self.raw, self.digest, self.index = raw, digest_of(raw), json.loads(raw)
        self.children = []
        for entry in self.index["manifests"]:
            child = fetch_manifest(entry["digest"])
            assert len(child) == entry["size"]
            self.children.append(Image(child, fetch))

    @property
    def platforms(self):
        return [platform_text(entry["platform"]) for entry in self.index["manifests"]]


def platform_text(platform):
    text = f"{platform['os']}/{platform['architecture']}"
    if platform.get("variant"):
        text += "/" + platform["variant"]
    if platform.get("os.version"):
        text += ":" + platform["os.version"]
    return text


def _open(raw, fetch_manifest, fetch):
    if "manifests" in json.loads(raw):
        return Index(raw, fetch_manifest, fetch)
    return Image(raw, fetch)


def from_registry(registry, reference):
    """The image or index of a printed reference."""
    ref = parse_reference(reference)
    assert ref["host"] == registry.host, reference
    repo = ref["repo"]
    raw = registry.manifest(repo, ref["digest"] or ref["tag"] or "latest")
    if ref["digest"]:
        assert digest_of(raw) == ref["digest"]
    return _open(raw, lambda d: registry.manifest(repo, d), lambda d: registry.blob(repo, d))


def from_layout(folder, digest=None):
    """The image or index `digest` of an OCI layout; the only one when no digest is given."""
    folder = pathlib.Path(folder)
    assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    manifests = json.loads((folder / "index.json").read_text())["manifests"]
    if digest is None:
        assert len(manifests) == 1
        digest = manifests[0]["digest"]
    assert digest in [m["digest"] for m in manifests]

    def fetch(wanted):
        data = (folder / "blobs" / wanted.replace(":", "/")).read_bytes()
        assert digest_of(data) == wanted
        return data

    return _open(fetch(digest), fetch, fetch)


def sbom_of(registry, repository, digest):
    """The SPDX bytes attached to an image under its .sbom tag, and the manifest that holds them."""
    raw = registry.manifest(repository, digest.replace(":", "-") + ".sbom")
    manifest = json.loads(raw)
    (layer,) = manifest["layers"]
    data = registry.blob(repository, layer["digest"])
    assert digest_of(data) == layer["digest"]
    return data, manifest
