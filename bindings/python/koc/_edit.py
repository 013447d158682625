"""Images of any program, and images made from other images."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, TypedDict, Union

from ._call import Arguments, Data, Owned, check, flags, known, make, named, pointer, share, string, strings_of, view
from ._client import Client, client_of
from ._core import Context, Digest, context_of
from ._descriptor import Descriptor, descriptor_of
from ._image import Image, Pairs, layer_history
from ._layer import COMPRESSIONS, Entry, Layer, LayerOptions, entry_to, layer_options, split
from ._native import ffi, lib
from ._transfer import Place, place_of
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack


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
    xattrs: Optional[Mapping[str, str]] = None


Files = Mapping[str, Union[str, bytes, "os.PathLike[str]", File]]


class Changes(TypedDict, total=False):
    """Changes to the settings of an image. What is not given stays."""

    entrypoint: Optional[Sequence[str]]  # [] removes it; the cmd goes with the old one
    cmd: Optional[Sequence[str]]  # [] removes it
    env: Optional[Pairs]  # None removes an entry. The same holds for labels and annotations
    labels: Optional[Pairs]
    annotations: Optional[Pairs]  # of the manifest, and of the index
    ports: Optional[Sequence[str]]  # adds "8080/tcp", or removes it: "-8080/tcp"
    volumes: Optional[Sequence[str]]  # adds "/data", or removes it: "-/data"
    user: Optional[str]  # "" removes it. The same holds for the next three
    workdir: Optional[str]
    stopsignal: Optional[str]
    author: Optional[str]
    created: Optional[int]  # seconds since 1970
    config: Optional[Mapping[str, Any]]  # any member of the config by JSON pointer; None removes


def _changes(a: Arguments, options: Mapping[str, Any], platform: Optional[str] = None) -> Any:
    known(options, Changes)
    changes = a.options("koc_image_changes", platform=a.platform(platform))
    for name in ("env", "labels", "annotations"):
        pairs, count = a.pairs(options.get(name))
        setattr(changes, name, pairs)
        setattr(changes, f"n_{name}", count)
    config = options.get("config") or {}
    encoded = {k: None if v is None else json.dumps(v) for k, v in config.items()}
    changes.config, changes.n_config = a.pairs(encoded)
    for name in ("entrypoint", "cmd", "ports", "volumes"):
        setattr(changes, name, a.strings(options.get(name)))
    for name in ("user", "workdir", "stopsignal", "author"):
        setattr(changes, name, a.string(options.get(name)))
    created = options.get("created")
    if created is not None:
        changes.created, changes.flags = created, lib.KOC_CHANGE_CREATED
    return changes


def _file(a: Arguments, path: str, value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = File(content=bytes(value))
    elif not isinstance(value, File):
        value = File(source=value)
    file = a.options("koc_image_file", layer=value.layer, path=a.string(path), content=a.bytes(value.content))
    file.source, file.link = a.string(value.source), a.string(value.link)
    file.platform = a.string(value.platform)
    entry = Entry(value.mode, value.uid, value.gid, value.mtime, value.xattrs or {})
    if entry != Entry():
        file.entry = entry_to(a, entry)
    return file


def _files(a: Arguments, files: Optional[Files]) -> Any:
    return a.structs("koc_image_file", [_file(a, path, value) for path, value in (files or {}).items()])


@dataclass(frozen=True)
class Built:
    """What build_image() returns."""

    digest: Digest
    references: List[str]  # one for each target: "registry.example/app@sha256:…"
    images: List[Image]  # one for each platform
    report: Dict[str, Any]  # docs/json.md, "koc-edit-1"
    warnings: List[str]


class _Build(Changes, Watching, total=False):
    """Both."""


def build_image(
    *,
    base: str = "scratch",
    platforms: Optional[Sequence[str]] = None,
    files: Optional[Files] = None,
    layers: Sequence[Layer] = (),
    targets: Sequence[str] = (),
    tags: Sequence[str] = (),
    record_base: bool = True,
    mtime: int = 0,
    compression: str = "gzip",
    level: int = 0,
    created_by: Optional[str] = None,
    context: Optional[Context] = None,
    client: Optional[Client] = None,
    **options: Unpack[_Build],
) -> Built:
    """Builds an image of files and settings on a base, for each platform, and writes it to all targets.

    base, targets: places as the command takes them: "registry.example/app:1", "oci:dir:name",
    "docker-archive:file.tar". tags: more names at each target. files: paths in the image, each with a path on disk,
    bytes or a File. options: Changes (entrypoint, env, ports, labels, user …) and Watching (progress, cancel,
    timeout). The same input gives the same digest on every machine.
    """
    a, (changes, watch) = Arguments(), split(options)
    spec = a.options("koc_image_spec", mtime=mtime, level=level, changes=_changes(a, changes))
    spec.flags = flags("SPEC_", no_base_record=not record_base)
    spec.client = a.keep(pointer(client, Client, optional=True))
    spec.base, spec.platforms = a.string(base), a.strings(platforms)
    spec.compression, spec.created_by = named("COMPRESS_", compression, COMPRESSIONS), a.string(created_by)
    spec.layers, spec.n_layers = a.pointers("koc_layer", [pointer(layer, Layer) for layer in layers])
    spec.files, spec.n_files = _files(a, files)
    spec.targets, spec.tags = a.strings(targets), a.strings(tags)
    ctx = context_of(context)
    with Op(watch) as op:
        b = make("koc_built", lib.koc_build_image, ctx, spec, op)
    images = [lib.koc_built_image(b, i) for i in range(lib.koc_built_count(b))]
    return Built(
        descriptor_of(lib.koc_built_descriptor(b)).digest,
        [string(lib.koc_built_reference(b, i)) for i in range(len(targets))],
        [Image._of(share("koc_image", image)) for image in images],
        json.loads(view(lib.koc_built_report(b))),
        strings_of(lib.koc_built_warnings(b)),
    )


class _NewFiles(LayerOptions, Watching, total=False):
    """Both."""


class Edit(Owned):
    """An image, or each image of an index, that is being changed: other files, settings, base.

    Edit("registry.example/app:1") opens an image or index; Edit(platforms=[…]) alone is empty. It is in memory until
    koc.copy(edit, target) writes it. Belongs to one thread at a time.
    """

    def __init__(
        self,
        place: Optional[Place] = None,
        *,
        platforms: Optional[Sequence[str]] = None,
        context: Optional[Context] = None,
        client: Optional[Client] = None,
        **watch: Unpack[Watching],
    ) -> None:
        a, ctx = Arguments(), context_of(context)
        wanted = a.strings(platforms)
        with Op(watch) as op:
            if place is None:
                self._c = make("koc_edit", lib.koc_edit_new, ctx, wanted)
                return
            owner, where = client_of(client, context), place_of(a, place)
            self._c = make("koc_edit", lib.koc_edit_open, ctx, owner, where, wanted, op)

    @property
    def images(self) -> List[Image]:
        found = [lib.koc_edit_image(self._c, i) for i in range(lib.koc_edit_count(self._c))]
        return [Image._of(share("koc_image", image)) for image in found]

    @property
    def descriptor(self) -> Descriptor:
        """Of the image or index as it is now."""
        return descriptor_of(lib.koc_edit_descriptor(self._c))

    @property
    def digest(self) -> Digest:
        return self.descriptor.digest

    @property
    def warnings(self) -> List[str]:
        return strings_of(lib.koc_edit_warnings(self._c))

    def select(self, platforms: Optional[Sequence[str]]) -> Edit:
        """Limits the changes that follow to these platforms; None: all."""
        a = Arguments()
        check(lib.koc_edit_select, self._c, a.strings(platforms))
        return self

    def record_base(self, **watch: Unpack[Watching]) -> Edit:
        """Records what was opened as the base, before any other change."""
        with Op(watch) as op:
            check(lib.koc_edit_record_base, self._c, op)
        return self

    def add_layers(
        self,
        layers: Sequence[Layer],
        *,
        created_by: Optional[str] = None,
        comment: Optional[str] = None,
        **watch: Unpack[Watching],
    ) -> Edit:
        """Adds layers on top."""
        a = Arguments()
        listed = a.pointers("koc_layer", [pointer(layer, Layer) for layer in layers])
        history = layer_history(a, created_by, comment, None, None)
        with Op(watch) as op:
            check(lib.koc_edit_add_layers, self._c, *listed, history, op)
        return self

    def add_files(
        self,
        files: Files,
        *,
        created_by: Optional[str] = None,
        comment: Optional[str] = None,
        **options: Unpack[_NewFiles],
    ) -> Edit:
        """Adds files in new layers, as build_image() does."""
        a, (layer, watch) = Arguments(), split(options)
        listed, made = _files(a, files), layer_options(a, layer)
        history = layer_history(a, created_by, comment, None, None)
        with Op(watch) as op:
            check(lib.koc_edit_add_files, self._c, *listed, made, history, op)
        return self

    def change(self, *, platform: Optional[str] = None, **options: Unpack[_Build]) -> Edit:
        """Changes settings, and the platform that the config names."""
        a, (changes, watch) = Arguments(), split(options)
        made = _changes(a, changes, platform)
        with Op(watch) as op:
            check(lib.koc_edit_change, self._c, made, op)
        return self

    def rebase(
        self,
        *,
        old_base: Optional[Place] = None,
        new_base: Optional[Place] = None,
        client: Optional[Client] = None,
        **watch: Unpack[Watching],
    ) -> Edit:
        """Puts the images on another base. old_base None: the one that the image records; new_base None: the current
        version of that."""
        a = Arguments()
        bases = [ffi.NULL if base is None else place_of(a, base) for base in (old_base, new_base)]
        owner = client_of(client, None)
        with Op(watch) as op:
            check(lib.koc_edit_rebase, self._c, owner, *bases, op)
        return self

    def report(self, reference: Optional[str] = None) -> Dict[str, Any]:
        """The result as it is now (docs/json.md, "koc-edit-1")."""
        a = Arguments()
        out = a.buffer()
        check(lib.koc_edit_report, self._c, a.string(reference), out)
        found: Dict[str, Any] = json.loads(view(out))
        return found

    def _place(self, a: Arguments) -> Any:
        place = a.options("koc_place")
        check(lib.koc_edit_place, a.keep(self._c), place)
        return place

    def _describe(self) -> str:
        return f"{self.digest}, {lib.koc_edit_count(self._c)} images"
