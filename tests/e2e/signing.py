"""Keys, images and bundles for the tests of signatures: made with openssl and Python, not with koc."""

import base64
import json
import subprocess

from bases import OCI, Baker
from oci import digest_of

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
PASSWORD = {"KOC_KEY_PASSWORD": "s3cret"}


def make_key(folder, name="key"):
    """A private key in PEM by openssl, and its public key."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    commands = [
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private],
        ["openssl", "ec", "-in", private, "-pubout", "-out", public],
    ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    private.chmod(0o600)
    return private, public


def sign(private, data):
    """The DER signature of data by openssl."""
    command = ["openssl", "dgst", "-sha256", "-sign", private]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def encode(payload, kind="application/vnd.in-toto+json"):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def statement(digest, kind=SIGNATURE, predicate=None):
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": kind,
        "predicate": predicate or {},
    }
    return json.dumps(document).encode()


def bundle(private, payload):
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": base64.b64encode(sign(private, encode(payload))).decode()}],
    }
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": "any"}},
        "dsseEnvelope": envelope,
    }


class Images:
    """Images in one repository of a registry without referrers, and what is attached to them."""

    def __init__(self, registry, repository):
        self.registry, self.repository = registry, repository
        self.baker = Baker(registry, repository, OCI)
        self.name = f"{registry.host}/{repository}"

    def image(self, tag, **options):
        """The descriptor of a new image."""
        return self.baker.image(tag, **options)

    def index(self, tag, arches=("amd64", "arm64")):
        """The entries of a new index, and its own descriptor."""
        entries = [self.baker.image(arch=arch) for arch in arches]
        self.baker.index(tag, entries)
        raw = self.registry.manifest(self.repository, tag)
        own = {"mediaType": OCI["index"], "digest": digest_of(raw), "size": len(raw)}
        return entries, own

    def attach(self, subject, text, subject_named=None):
        """Stores text as a bundle and lists it among the referrers of subject."""
        data = text if isinstance(text, bytes) else json.dumps(text).encode()
        self.baker.blob(b"{}")
        layer = {"mediaType": BUNDLE, "digest": self.baker.blob(data), "size": len(data)}
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI["manifest"],
            "artifactType": BUNDLE,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY, "size": 2},
            "layers": [layer],
            "subject": {k: (subject_named or subject)[k] for k in ("mediaType", "digest", "size")},
        }
        raw = self.baker.put(None, manifest, OCI["manifest"])
        self.list_referrer(subject, raw)

    def list_referrer(self, subject, raw):
        tag = subject["digest"].replace(":", "-")
        entry = {
            "mediaType": OCI["manifest"],
            "digest": digest_of(raw),
            "size": len(raw),
            "artifactType": BUNDLE,
        }
        old = self.referrers(subject["digest"])
        self.baker.index(tag, [*old, entry])

    def referrers(self, digest):
        """The entries under the fallback tag."""
        tag = digest.replace(":", "-")
        if tag not in self.registry.tags(self.repository):
            return []
        return json.loads(self.registry.manifest(self.repository, tag))["manifests"]

    def bundles(self, digest):
        """The bundles that are attached to an image, as bytes."""
        found = []
        for entry in self.referrers(digest):
            manifest = json.loads(self.registry.manifest(self.repository, entry["digest"]))
            assert manifest["subject"]["digest"] == digest
            found.append(self.registry.blob(self.repository, manifest["layers"][0]["digest"]))
        return found
