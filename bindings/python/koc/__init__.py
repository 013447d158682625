"""libkoc for Python: OCI images from Go packages, or from files, without Docker.

    ctx = koc.Context()
    layer = koc.LayerBuilder(ctx).add_file("/app/x", "x", mode=0o755).finish()
    image = koc.ImageBuilder(ctx, platform="linux/amd64").add_layer(layer).finish()
    koc.Client(ctx).push(koc.Reference("registry.example/x"), image)

    koc.publish(["./cmd/api"], repository="registry.example/team").references

Calls that can wait take progress=, cancel= and timeout= (seconds). They let other threads run.
"""

from ._call import Code, Error, Hint, Progress
from ._core import Cancel, Context, Digest, Reference, version
from ._image import Image, ImageBuilder, Layer, LayerBuilder, Layout
from ._publish import Published, publish
from ._registry import Client
from ._resolve import Resolver

__all__ = [
    "Cancel",
    "Client",
    "Code",
    "Context",
    "Digest",
    "Error",
    "Hint",
    "Image",
    "ImageBuilder",
    "Layer",
    "LayerBuilder",
    "Layout",
    "Progress",
    "Published",
    "Reference",
    "Resolver",
    "publish",
    "version",
]
