"""Base images of every shape ko knows and a few that are wrong, pushed to a test registry."""

import gzip
import io
import json
import tarfile

from oci import digest_of

OCI = {
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "config": "application/vnd.oci.image.config.v1+json",
    "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
    "index": "application/vnd.oci.image.index.v1+json",
}
DOCKER = {
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "index": "application/vnd.docker.distribution.manifest.list.v2+json",
}


def tar_of(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class Baker:
    """Pushes bases into one repository of a registry."""

    def __init__(self, registry, repository, types=OCI):
        self.registry, self.repository, self.types = registry, repository, types

    def name(self, tag):
        return f"{self.registry.host}/{self.repository}:{tag}"

    def blob(self, data):
        digest = digest_of(data)
        self.registry.put_blob(self.repository, data, digest)
        return digest

    def put(self, tag, document, media_type):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.registry.put_manifest(self.repository, tag or digest_of(data), data, media_type)
        return data

    def layer(self, os, arch, n):
        plain = tar_of({"etc": None, f"etc/base-{os}-{arch}-{n}": b"base\n"})
        data = gzip.compress(plain, 9, mtime=0)
        return (
            {"mediaType": self.types["layer"], "size": len(data), "digest": self.blob(data)},
            digest_of(plain),
        )

    def config(self, os, arch, diff_ids):
        return {
            "architecture": arch,
            "os": os,
            "config": {
                "Env": [
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
                ],
                "User": "65532",
                "WorkingDir": "/home/nonroot",
                "Cmd": ["/bin/sh"],
                "Labels": {"base": "yes"},
            },
            "created": "2024-03-01T12:34:56.789Z",
            "history": [
                {
                    "created": "2024-03-01T12:34:56.789Z",
                    "created_by": "basebuilder <&>",
                    "comment": "base layer",
                }
                for _ in diff_ids
            ],
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }

    def image(
        self,
        tag=None,
        os="linux",
        arch="amd64",
        variant=None,
        version=None,
        layers=1,
        edit_config=None,
        edit_manifest=None,
    ):
        """Pushes an image and gives the index entry for it."""
        made = [self.layer(os, arch, n) for n in range(layers)]
        config = self.config(os, arch, [diff_id for _, diff_id in made])
        if variant:
            config["variant"] = variant
        if version:
            config["os.version"] = version
        if edit_config:
            edit_config(config)
        data = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": self.types["manifest"],
            "config": {
                "mediaType": self.types["config"],
                "size": len(data),
                "digest": self.blob(data),
            },
            "layers": [layer for layer, _ in made],
        }
        if edit_manifest:
            edit_manifest(manifest)
        raw = self.put(tag, manifest, self.types["manifest"])
        platform = {"architecture": arch, "os": os}
        platform |= {"os.version": version} if version else {}
        platform |= {"variant": variant} if variant else {}
        return {
            "mediaType": self.types["manifest"],
            "size": len(raw),
            "digest": digest_of(raw),
            "platform": platform,
        }

    def index(self, tag, entries, annotations=None):
        document = {"schemaVersion": 2, "mediaType": self.types["index"], "manifests": entries}
        if annotations:
            document["annotations"] = annotations
        self.put(tag, document, self.types["index"])
        return self.name(tag)


def oci_index(registry):
    baker = Baker(registry, "base/index")
    annotate = lambda m: m.update(annotations={"org.opencontainers.image.source": "basesrc"})  # noqa: E731
    entries = [
        baker.image(arch=arch, variant=variant, edit_manifest=annotate)
        for arch, variant in [("amd64", None), ("arm64", "v8"), ("arm", "v7"), ("s390x", None)]
    ]
    entries[0]["annotations"] = {"descann": "keep"}
    attestation = {
        **entries[0],
        "platform": {"architecture": "unknown", "os": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    return baker.index("latest", [*entries, attestation], {"idxann": "baseidx"})


def docker_list(registry):
    baker = Baker(registry, "base/list", DOCKER)
    return baker.index(
        "latest", [baker.image(arch="amd64"), baker.image(arch="arm64", variant="v8")]
    )


def windows(registry):
    baker = Baker(registry, "base/windows", DOCKER)

    def edit(config):
        config["config"]["Env"] = [r"PATH=c:\Windows\System32;c:\Windows"]
        config["config"]["User"] = "ContainerUser"

    entries = [
        baker.image(os="windows", version=version, edit_config=edit)
        for version in ("10.0.20348.1234", "10.0.17763.99")
    ]
    return baker.index("latest", [*entries, baker.image()])


def odd(registry):
    """No mediaType, two PATHs, an item without =, unknown fields, a zoned time, a subject."""
    baker = Baker(registry, "base/odd")

    def edit_config(config):
        config["created"] = "2024-03-01T12:34:56.780000000+09:00"
        config["x-unknown"] = {"kept": [1, 2.5, None]}
        config["config"]["Env"] = ["NOEQUALS", "PATH=/one", "PATH=/two", "EMPTY="]
        config["config"]["Healthcheck"] = {"Test": ["CMD", "true"], "Interval": 1000000000}
        config["config"]["Volumes"] = {"/data": {}, "/a<b": {}}
        config["config"]["Labels"] = {"z": "1", "a": "über <&>"}

    def edit_manifest(manifest):
        del manifest["mediaType"]
        manifest["annotations"] = {"z": "1", "a": "2"}

    baker.image("latest", edit_config=edit_config, edit_manifest=edit_manifest)
    return baker.name("latest")


def empty(registry):
    """An image of nothing: no layer, no platform."""
    baker = Baker(registry, "base/empty")

    def edit(config):
        config.clear()
        config.update(architecture="", os="", config={}, rootfs={"type": "layers", "diff_ids": []})

    baker.image("latest", layers=0, edit_config=edit)
    return baker.name("latest")


def single(registry, types, tag, **options):
    baker = Baker(registry, "base/single", types)
    baker.image(tag, **options)
    return baker.name(tag)


def artifact(registry):
    """A manifest that is no image: an ORAS-like artifact."""
    baker = Baker(registry, "base/artifact")
    config, data = b"{}", b"hello\n"
    baker.put(
        "latest",
        {
            "schemaVersion": 2,
            "mediaType": OCI["manifest"],
            "artifactType": "text/x-note",
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "size": 2,
                "digest": baker.blob(config),
            },
            "layers": [{"mediaType": "text/plain", "size": len(data), "digest": baker.blob(data)}],
        },
        OCI["manifest"],
    )
    return baker.name("latest")


def bake_all(registry):
    """name -> reference of every base; the wrong ones are made by their tests."""
    return {
        "index": oci_index(registry),
        "list": docker_list(registry),
        "windows": windows(registry),
        "oci": single(registry, OCI, "oci"),
        "docker": single(registry, DOCKER, "docker"),
        "two": single(registry, OCI, "two", layers=2),
        "odd": odd(registry),
        "empty": empty(registry),
    }
