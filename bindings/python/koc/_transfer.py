"""Images in any place (registry, OCI layout, archive, memory): read, check, copy."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Protocol, Sequence, Tuple, Union

from ._blob import Blob
from ._call import Arguments, Owned, callback, check, flags, make, string, view
from ._client import Client, client_of
from ._core import Context, Digest, Reference, context_of, digest_pointer
from ._descriptor import Descriptor, descriptor_of, descriptor_to
from ._errors import text
from ._image import Artifact, Image, Index
from ._native import ffi, lib
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Composed(Protocol):
    """Something that says itself where it is: an Edit."""

    def _place(self, a: Arguments) -> Any: ...


# "registry.example/app:1", "oci:dir:name", "docker-archive:file.tar", a path; or what a builder made.
Place = Union[str, "os.PathLike[str]", Reference, Image, Index, Artifact, Composed]


def place_of(a: Arguments, where: Place, writes: bool = False) -> Any:
    """A koc_place."""
    value: Any = where
    place = a.options("koc_place")
    for kind, member in ((Image, "image"), (Index, "index"), (Artifact, "artifact")):
        if isinstance(value, kind):
            place.kind = lib.KOC_PLACE_MEMORY
            setattr(place, member, a.keep(value._c))
            return place
    if hasattr(value, "_place"):
        return value._place(a)
    if isinstance(value, Reference):
        place.kind, place.reference = lib.KOC_PLACE_REGISTRY, a.keep(value._c)
        return place
    bits = lib.KOC_PARSE_PATH if isinstance(value, os.PathLike) else 0
    check(lib.koc_place_parse, a.string(value), bits, a.buffer(), place)
    if place.reference != ffi.NULL:
        a.keep(ffi.gc(place.reference, lib.koc_reference_unref))
    if writes and place.kind == lib.KOC_PLACE_ARCHIVE:
        place.kind = lib.KOC_PLACE_OCI_ARCHIVE
    return place


@dataclass(frozen=True)
class Copied:
    """What copy() did."""

    digest: Optional[Digest]  # of the copy's manifest or index; None: this copy failed
    bytes: int  # of blobs that were transferred
    blobs: int  # distinct blobs of the image
    copied: int  # of these: transferred
    mounted: int  # of these: mounted from another repository
    unchanged: bool  # the target had everything under this name


def _copied(result: Any) -> Copied:
    has_digest = result.digest.algorithm != lib.KOC_DIGEST_NONE
    return Copied(
        Digest._of(ffi.addressof(result, "digest")) if has_digest else None,
        result.bytes,
        result.blobs,
        result.copied,
        result.mounted,
        bool(result.unchanged),
    )


def copy_all(
    pairs: Sequence[Tuple[Place, Place]],
    *,
    platforms: Optional[Sequence[str]] = None,
    referrers: bool = False,
    keep_going: bool = False,
    jobs: int = 0,
    context: Optional[Context] = None,
    client: Optional[Client] = None,
    **watch: Unpack[Watching],
) -> List[Copied]:
    """copy() for many (source, target) pairs, jobs at a time. keep_going: a failed pair is logged and does not end the
    others; the call fails at the end."""
    a, made = Arguments(), []
    for source, target in pairs:
        pair = a.options("koc_copy_pair", to=place_of(a, target, True))
        setattr(pair, "from", place_of(a, source))
        made.append(pair)
    array, count = a.structs("koc_copy_pair", made)
    options = a.options("koc_copy_options", platforms=a.strings(platforms), jobs=jobs)
    options.flags = flags("COPY_", referrers=referrers, keep_going=keep_going)
    results, _ = a.structs("koc_copy_result", [a.options("koc_copy_result") for _ in made])
    ctx, owner = context_of(context), client_of(client, context)
    with Op(watch) as op:
        check(lib.koc_copy, ctx, owner, array, count, options, op, results)
    return [_copied(results[i]) for i in range(count)]


def copy(
    source: Place,
    target: Place,
    *,
    platforms: Optional[Sequence[str]] = None,
    referrers: bool = False,
    context: Optional[Context] = None,
    client: Optional[Client] = None,
    **watch: Unpack[Watching],
) -> Copied:
    """Copies an image, index or artifact, byte for byte, between registries, layouts, archives and memory.

    platforms: only these of an index. referrers: signatures, SBOMs and the like as well.
    """
    more = {"platforms": platforms, "referrers": referrers, "context": context, "client": client}
    return copy_all([(source, target)], **more, **watch)[0]  # type: ignore[arg-type]


class Source(Owned):
    """An open place to read from. Belongs to one thread at a time."""

    def __init__(
        self,
        place: Place,
        *,
        context: Optional[Context] = None,
        client: Optional[Client] = None,
        **watch: Unpack[Watching],
    ) -> None:
        self._kept = Arguments()
        where, owner = place_of(self._kept, place), client_of(client, context)
        with Op(watch) as op:
            self._c = make("koc_source", lib.koc_source_open, context_of(context), owner, where, op)

    @property
    def descriptor(self) -> Descriptor:
        return descriptor_of(lib.koc_source_descriptor(self._c))

    @property
    def manifest(self) -> bytes:
        return view(lib.koc_source_manifest(self._c))

    def get_manifest(self, digest: Union[Digest, str], **watch: Unpack[Watching]) -> Tuple[bytes, str]:
        """Another manifest or index of the same place, verified, and its media type."""
        a, value = Arguments(), digest_pointer(digest)
        data, kind = a.buffer(), a.buffer()
        with Op(watch) as op:
            check(lib.koc_source_get_manifest, self._c, value, op, data, kind)
        return view(data), string(kind.ptr)

    def blob(self, descriptor: Descriptor) -> Blob:
        """A blob of the same place, verified when it is read."""
        a = Arguments()
        return Blob._of(make("koc_blob", lib.koc_source_get_blob, self._c, descriptor_to(a, descriptor)))

    def image(
        self,
        platform: Optional[str] = None,
        *,
        digest: Union[Digest, str, None] = None,
        **watch: Unpack[Watching],
    ) -> Image:
        """The image; of an index that with this digest, or the entry for platform (None: the only one, else
        linux/amd64)."""
        a, by = Arguments(), digest_pointer(digest)
        want = a.platform(platform)
        with Op(watch) as op:
            if digest is not None:
                return Image._of(make("koc_image", lib.koc_source_get_image_by, self._c, by, op))
            return Image._of(make("koc_image", lib.koc_source_get_image, self._c, want, op))

    def referrers(
        self, subject: Union[Digest, str], artifact_type: Optional[str] = None, **watch: Unpack[Watching]
    ) -> List[Descriptor]:
        a, about = Arguments(), digest_pointer(subject)
        kind = a.string(artifact_type)
        with Op(watch) as op:
            found = make("koc_index", lib.koc_source_list_referrers, self._c, about, kind, op)
        return Index._of(found).entries

    def inspect(self, platform: Optional[str] = None, **watch: Unpack[Watching]) -> Dict[str, Any]:
        """Manifests, configs, layers, sizes, platforms, history, referrers (docs/json.md, "koc-inspect-1")."""
        a = Arguments()
        out, want = a.buffer(), a.platform(platform)
        with Op(watch) as op:
            check(lib.koc_source_inspect, self._c, want, op, out)
        found: Dict[str, Any] = json.loads(view(out))
        return found

    def check(
        self,
        *,
        fast: bool = False,
        checked: Optional[Callable[[str, Optional[str]], object]] = None,
        **watch: Unpack[Watching],
    ) -> None:
        """Checks digests, sizes, DiffIDs, layers and platforms of everything that is here. Code.EVERIFY: there are
        problems. checked(what, problem) is called for each thing; fast reads no layer."""
        a = Arguments()
        payload = a.keep(ffi.new_handle(checked)) if checked is not None else ffi.NULL
        function = lib.koc_py_checked if checked is not None else ffi.NULL
        with Op(watch) as op:
            check(lib.koc_source_check, self._c, flags("CHECK_", fast=fast), function, payload, op)

    def _describe(self) -> str:
        return str(self.descriptor.digest)


@callback("koc_py_checked")
def _checked(what: Any, problem: Any, payload: Any) -> None:
    ffi.from_handle(payload)(string(what), text(problem))
