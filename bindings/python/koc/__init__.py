"""libkoc for Python: OCI images from Go packages, or from files, without Docker.

    koc.build_image(base="gcr.io/distroless/static", files={"/app/x": "build/x"},
                    entrypoint=["/app/x"], targets=["registry.example/x:1"], tags=["latest"])
    koc.copy("registry.example/x:1", "oci:mirror:x")
    koc.publish(["./cmd/api"], repository="registry.example/team").references

Calls that can wait take progress=, cancel= and timeout= (seconds). They let other threads run.
"""

from ._call import Code, Error, Hint, Progress
from ._compose import Built, Copied, File, build_image, copy
from ._core import Cancel, Context, Digest, Reference, version
from ._image import History, Image, ImageBuilder, Layer, LayerBuilder, Layout
from ._publish import Published, publish
from ._registry import Client, Descriptor
from ._resolve import Resolver

__all__ = [
    "Built",
    "Cancel",
    "Client",
    "Code",
    "Context",
    "Copied",
    "Descriptor",
    "Digest",
    "Error",
    "File",
    "Hint",
    "History",
    "Image",
    "ImageBuilder",
    "Layer",
    "LayerBuilder",
    "Layout",
    "Progress",
    "Published",
    "Reference",
    "Resolver",
    "build_image",
    "copy",
    "publish",
    "version",
]
