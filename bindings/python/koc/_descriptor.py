"""Descriptors: what a manifest says of content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, List, Mapping, Optional, Sequence

from ._call import Arguments, check, string, view
from ._core import Digest
from ._errors import text
from ._native import ffi, lib


@dataclass(frozen=True)
class Descriptor:
    """Describes content (OCI image-spec, descriptor.md)."""

    media_type: str
    digest: Digest
    size: int
    artifact_type: Optional[str] = None
    platform: Optional[str] = None  # os/arch[/variant][:os.version]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    urls: Sequence[str] = field(default=(), hash=False)


def platform_text(platform: Any) -> str:
    out = Arguments().buffer()
    check(lib.koc_platform_format, platform, out)
    return view(out).decode("utf-8", "replace")


def descriptor_of(d: Any) -> Descriptor:
    """Copies a koc_descriptor."""
    urls: List[str] = []
    while d.urls != ffi.NULL and d.urls[len(urls)] != ffi.NULL:
        urls.append(string(d.urls[len(urls)]))
    has_platform = d.platform != ffi.NULL and d.platform.os != ffi.NULL and d.platform.arch != ffi.NULL
    return Descriptor(
        string(d.media_type),
        Digest._of(ffi.addressof(d, "digest")),
        d.size,
        text(d.artifact_type),
        platform_text(d.platform) if has_platform else None,
        {string(d.annotations[i].key): string(d.annotations[i].value) for i in range(d.n_annotations)},
        urls,
    )


def descriptor_to(a: Arguments, d: Optional[Descriptor]) -> Any:
    """A koc_descriptor; None is NULL."""
    if d is None:
        return ffi.NULL
    made = a.options("koc_descriptor", digest=Digest(d.digest)._c[0], size=d.size)
    made.media_type, made.artifact_type = a.string(d.media_type), a.string(d.artifact_type)
    made.platform = a.platform(d.platform)
    made.annotations, made.n_annotations = a.pairs(d.annotations)
    made.urls = a.strings(d.urls) if d.urls else ffi.NULL
    return made
