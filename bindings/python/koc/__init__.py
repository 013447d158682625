"""libkoc for Python: OCI images from Go packages, or from files, without Docker.

    koc.build_image(base="gcr.io/distroless/static", files={"/app/x": "build/x"},
                    entrypoint=["/app/x"], targets=["registry.example/x:1"], tags=["latest"])
    koc.copy("registry.example/x:1", "oci:mirror:x", progress=print)
    koc.publish(["./cmd/api"], repository="registry.example/team").references

Calls that can wait take progress=, cancel= and timeout= (seconds). They let other threads run. docs/python.md is the
manual.
"""

from . import aio
from ._auth import Auth, Credential, login, logout, registry_name
from ._blob import Blob, Reader
from ._client import Client
from ._core import CacheUsage, Context, Digest, Reference, features, platform_matches, printable, version
from ._descriptor import Descriptor
from ._edit import Built, Changes, Edit, File, build_image
from ._errors import Code, Error, Hint
from ._image import Artifact, ArtifactFile, History, Image, ImageBuilder, Index, IndexBuilder
from ._layer import Entry, Layer, LayerBuilder, LayerOptions
from ._local import Daemon, Server, ServeOptions, serve
from ._publish import Published, PublishOptions, Resolved, explain, publish, resolve, settings
from ._resolve import Resolver
from ._store import Layout, read_archive, write_archive
from ._transfer import Copied, Source, copy, copy_all
from ._transport import Reply, Request, Trace, Transport
from ._watch import Cancel, Progress, Watching

__all__ = [
    "Artifact",
    "ArtifactFile",
    "Auth",
    "Blob",
    "Built",
    "CacheUsage",
    "Cancel",
    "Changes",
    "Client",
    "Code",
    "Context",
    "Copied",
    "Credential",
    "Daemon",
    "Descriptor",
    "Digest",
    "Edit",
    "Entry",
    "Error",
    "File",
    "Hint",
    "History",
    "Image",
    "ImageBuilder",
    "Index",
    "IndexBuilder",
    "Layer",
    "LayerBuilder",
    "LayerOptions",
    "Layout",
    "Progress",
    "PublishOptions",
    "Published",
    "Reader",
    "Reference",
    "Reply",
    "Request",
    "Resolved",
    "Resolver",
    "ServeOptions",
    "Server",
    "Source",
    "Trace",
    "Transport",
    "Watching",
    "aio",
    "build_image",
    "copy",
    "copy_all",
    "explain",
    "features",
    "login",
    "logout",
    "platform_matches",
    "printable",
    "publish",
    "read_archive",
    "registry_name",
    "resolve",
    "serve",
    "settings",
    "version",
    "write_archive",
]
