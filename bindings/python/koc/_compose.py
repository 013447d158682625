"""Images of any program, and copies between places."""

import json
import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

from ._call import Arguments, Watch, check, digest_text, ffi, lib, make, strings_of, text, view
from ._core import Context, Digest
from ._image import Image, Layer, compression_code
from ._registry import Client


@dataclass(frozen=True)
class File:
    """A file, directory or symbolic link of a new image: one of source, content and link.

    mode 0 is 0755 for an executable source, else 0644. platform: only for this one. Files with a higher layer
    number are in a layer above the others.
    """

    source: Union[str, "os.PathLike[str]", None] = None
    content: Optional[bytes] = None
    link: Optional[str] = None
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    platform: Optional[str] = None
    layer: int = 0


@dataclass(frozen=True)
class Built:
    """What build_image() returns."""

    digest: str
    references: List[str]  # one for each target: "registry.example/app@sha256:…"
    images: List[Image]  # one for each platform
    report: Dict[str, Any]  # docs/json.md, "koc-edit-1"
    warnings: List[str]


def _file(a, path, value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = File(content=bytes(value))
    elif not isinstance(value, File):
        value = File(source=value)
    file = a.options(
        "koc_image_file",
        layer=value.layer,
        path=a.string(path),
        source=a.string(value.source),
        link=a.string(value.link),
        platform=a.string(value.platform),
    )
    if value.content is not None:
        file.content = a.bytes(value.content)
    if value.mode or value.uid or value.gid or value.mtime:
        file.entry = a.options(
            "koc_entry", mode=value.mode, uid=value.uid, gid=value.gid, mtime=value.mtime
        )
    return file


def _changes(a, env, labels, annotations, config, created, lists, strings):
    changes = a.options("koc_image_changes")
    changes.env, changes.n_env = a.pairs(env)
    changes.labels, changes.n_labels = a.pairs(labels)
    changes.annotations, changes.n_annotations = a.pairs(annotations)
    encoded = {k: None if v is None else json.dumps(v) for k, v in (config or {}).items()}
    changes.config, changes.n_config = a.pairs(encoded)
    for name, value in lists.items():
        setattr(changes, name, a.strings(value))
    for name, value in strings.items():
        setattr(changes, name, a.string(value))
    if created is not None:
        changes.created, changes.flags = created, lib.KOC_CHANGE_CREATED
    return changes


def build_image(
    *,
    base: str = "scratch",
    platforms: Optional[Sequence[str]] = None,
    files: Optional[Mapping[str, Union[str, bytes, "os.PathLike[str]", File]]] = None,
    layers: Sequence[Layer] = (),
    targets: Sequence[str] = (),
    tags: Sequence[str] = (),
    entrypoint: Optional[Sequence[str]] = None,
    cmd: Optional[Sequence[str]] = None,
    env: Optional[Mapping[str, Optional[str]]] = None,
    labels: Optional[Mapping[str, Optional[str]]] = None,
    annotations: Optional[Mapping[str, Optional[str]]] = None,
    ports: Optional[Sequence[str]] = None,
    volumes: Optional[Sequence[str]] = None,
    user: Optional[str] = None,
    workdir: Optional[str] = None,
    stopsignal: Optional[str] = None,
    author: Optional[str] = None,
    created: Optional[int] = None,
    config: Optional[Mapping[str, Any]] = None,
    record_base: bool = True,
    mtime: int = 0,
    compression: str = "gzip",
    level: int = 0,
    created_by: Optional[str] = None,
    context: Optional[Context] = None,
    client: Optional[Client] = None,
    progress: Optional[Callable] = None,
    cancel=None,
    timeout: Optional[float] = None,
) -> Built:
    """Builds an image of files and settings on a base, for each platform, and writes it to all targets.

    base, targets: places as the command takes them: "registry.example/app:1", "oci:dir:name",
    "docker-archive:file.tar". files: paths in the image, each with a path on disk, bytes or a File. env, labels,
    annotations: None removes an entry. ports, volumes: "-8080/tcp" removes one. config: any member of the config by
    JSON pointer. The same input gives the same digest on every machine.
    """
    a, w = Arguments(), Watch(progress, cancel, timeout)
    context = context or Context(cache=True)
    spec = a.options("koc_image_spec", mtime=mtime, level=level)
    spec.flags = 0 if record_base else lib.KOC_SPEC_NO_BASE_RECORD
    spec.client = ffi.NULL if client is None else client._c
    spec.base, spec.platforms = a.string(base), a.strings(platforms)
    spec.compression, spec.created_by = compression_code(compression), a.string(created_by)
    if layers:
        spec.layers = a.keep(ffi.new("koc_layer *[]", [layer._c for layer in layers]))
        spec.n_layers = len(layers)
    entries = [_file(a, path, value) for path, value in (files or {}).items()]
    spec.files, spec.n_files = a.structs("koc_image_file", entries)
    spec.targets, spec.tags = a.strings(targets), a.strings(tags)
    lists = {"entrypoint": entrypoint, "cmd": cmd, "ports": ports, "volumes": volumes}
    strings = {"user": user, "workdir": workdir, "stopsignal": stopsignal, "author": author}
    spec.changes = _changes(a, env, labels, annotations, config, created, lists, strings)
    with w.calls() as op:
        b = make("koc_built", lib.koc_built_free, lib.koc_build_image, context._c, spec, op)
    images = [lib.koc_image_ref(lib.koc_built_image(b, i)) for i in range(lib.koc_built_count(b))]
    return Built(
        digest=digest_text(ffi.addressof(lib.koc_built_descriptor(b), "digest")) or "",
        references=[text(lib.koc_built_reference(b, i)) or "" for i in range(len(targets))],
        images=[Image(ffi.gc(image, lib.koc_image_unref)) for image in images],
        report=json.loads(view(lib.koc_built_report(b))),
        warnings=strings_of(lib.koc_built_warnings(b)),
    )


@dataclass(frozen=True)
class Copied:
    """What copy() did."""

    digest: Digest
    bytes: int  # of blobs that were transferred
    blobs: int  # distinct blobs of the image
    copied: int  # of these: transferred
    mounted: int  # of these: mounted from another repository
    unchanged: bool  # the target had everything under this name


def _place(a, word, writes):
    storage = a.keep(ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose))
    place = a.options("koc_place")
    check(lib.koc_place_parse, a.string(word), 0, storage, place)
    if place.reference != ffi.NULL:
        a.keep(ffi.gc(place.reference, lib.koc_reference_unref))
    if writes and place.kind == lib.KOC_PLACE_ARCHIVE:
        place.kind = lib.KOC_PLACE_OCI_ARCHIVE
    return place


def copy(
    source: str,
    target: str,
    *,
    platforms: Optional[Sequence[str]] = None,
    referrers: bool = False,
    context: Optional[Context] = None,
    client: Optional[Client] = None,
    progress: Optional[Callable] = None,
    cancel=None,
    timeout: Optional[float] = None,
) -> Copied:
    """Copies an image or index, byte for byte, between registries, layouts and archives."""
    a, w = Arguments(), Watch(progress, cancel, timeout)
    context = context or Context(cache=True)
    client = client or Client(context)
    pair = a.options("koc_copy_pair", to=_place(a, target, True))
    setattr(pair, "from", _place(a, source, False))
    options = a.options("koc_copy_options", platforms=a.strings(platforms))
    options.flags = lib.KOC_COPY_REFERRERS if referrers else 0
    result = a.options("koc_copy_result")
    with w.calls() as op:
        check(lib.koc_copy, context._c, client._c, pair, 1, options, op, result)
    return Copied(
        digest=Digest._of(ffi.addressof(result, "digest")),
        bytes=result.bytes,
        blobs=result.blobs,
        copied=result.copied,
        mounted=result.mounted,
        unchanged=bool(result.unchanged),
    )
