"""Layers, images and their builders, and OCI layouts on disk."""

import json
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

from ._call import Arguments, Owned, Watch, check, ffi, lib, make, strings_of, text, view
from ._core import Context, Digest


class Layer(Owned):
    """A finished layer. Immutable; may be shared between threads."""

    def __init__(self, pointer):
        self._c = pointer

    @property
    def digest(self) -> Digest:
        """The digest of the compressed bytes."""
        return Digest._of(ffi.addressof(lib.koc_layer_descriptor(self._c).digest))

    @property
    def size(self) -> int:
        """The size of the compressed bytes."""
        return lib.koc_layer_descriptor(self._c).size

    @property
    def media_type(self) -> str:
        return text(lib.koc_layer_descriptor(self._c).media_type)

    def diff_id(self, **watch) -> Digest:
        """The digest of the uncompressed tar. If it is not known, the layer is read once."""
        w = Watch(**watch)
        out = ffi.new("koc_digest *")
        with w.calls() as op:
            check(lib.koc_layer_diff_id, self._c, op, out)
        return Digest._of(out)

    def __repr__(self) -> str:
        return f"<koc.Layer {self.digest}, {self.size} bytes>"


_COMPRESSIONS = {
    "gzip": "KOC_COMPRESS_GZIP",
    "none": "KOC_COMPRESS_NONE",
    "zstd": "KOC_COMPRESS_ZSTD",
}


def compression_code(name: str) -> int:
    if name not in _COMPRESSIONS:
        raise ValueError(f"compression is one of {', '.join(_COMPRESSIONS)}, not {name!r}")
    return getattr(lib, _COMPRESSIONS[name])


class LayerBuilder(Owned):
    """Collects files and writes them as one layer in a fixed order. Belongs to one thread at a time.

    Paths are paths in the image ("/app/x"). mode 0 is 0644 for files and 0755 for directories.
    """

    def __init__(
        self, context: Context, *, compression: str = "gzip", level: int = 0, mtime: int = 0
    ):
        options = Arguments().options(
            "koc_layer_options", level=level, mtime=mtime, compression=compression_code(compression)
        )
        self._c = make(
            "koc_layer_builder",
            lib.koc_layer_builder_free,
            lib.koc_layer_builder_new,
            context._c,
            options,
        )

    def _add(self, function, path, *rest, a, entry=None):
        arguments = (self._c, a.string(path), *rest)
        if entry is not None:
            arguments += (a.options("koc_entry", **entry),)
        check(function, *arguments)
        return self

    def add_bytes(self, path, data, *, mode=0, uid=0, gid=0, mtime=0) -> "LayerBuilder":
        a = Arguments()
        return self._add(
            lib.koc_layer_builder_add_bytes,
            path,
            a.bytes(data),
            a=a,
            entry={"mode": mode, "uid": uid, "gid": gid, "mtime": mtime},
        )

    def add_file(self, path, source, *, mode=0, uid=0, gid=0, mtime=0) -> "LayerBuilder":
        a = Arguments()
        return self._add(
            lib.koc_layer_builder_add_file,
            path,
            a.string(source),
            a=a,
            entry={"mode": mode, "uid": uid, "gid": gid, "mtime": mtime},
        )

    def add_dir(self, path, *, mode=0, uid=0, gid=0, mtime=0) -> "LayerBuilder":
        return self._add(
            lib.koc_layer_builder_add_dir,
            path,
            a=Arguments(),
            entry={"mode": mode, "uid": uid, "gid": gid, "mtime": mtime},
        )

    def add_symlink(self, path, target) -> "LayerBuilder":
        a = Arguments()
        return self._add(lib.koc_layer_builder_add_symlink, path, a.string(target), a=a, entry={})

    def add_hardlink(self, path, target) -> "LayerBuilder":
        a = Arguments()
        return self._add(lib.koc_layer_builder_add_hardlink, path, a.string(target), a=a)

    def add_tree(self, path, source) -> "LayerBuilder":
        """Adds a directory on disk with everything in it."""
        a = Arguments()
        return self._add(lib.koc_layer_builder_add_tree, path, a.string(source), ffi.NULL, a=a)

    def finish(self, **watch) -> Layer:
        """Builds the layer. The builder cannot be used afterwards."""
        w = Watch(**watch)
        with w.calls() as op:
            return Layer(
                make("koc_layer", lib.koc_layer_unref, lib.koc_layer_builder_finish, self._c, op)
            )


@dataclass(frozen=True)
class History:
    """An entry of an image's history (OCI image-spec, config.md)."""

    created: Optional[str]
    created_by: Optional[str]
    author: Optional[str]
    comment: Optional[str]
    empty_layer: bool


class Image(Owned):
    """A manifest, its config and its layers. Immutable; the bytes are kept as received."""

    def __init__(self, pointer):
        self._c = pointer

    @classmethod
    def from_bytes(cls, context: Context, manifest: bytes, config: bytes) -> "Image":
        a = Arguments()
        return cls(
            make(
                "koc_image",
                lib.koc_image_unref,
                lib.koc_image_from_bytes,
                context._c,
                a.bytes(manifest),
                a.bytes(config),
            )
        )

    @property
    def digest(self) -> Digest:
        return Digest._of(ffi.addressof(lib.koc_image_descriptor(self._c).digest))

    @property
    def media_type(self) -> str:
        return text(lib.koc_image_descriptor(self._c).media_type)

    @property
    def manifest(self) -> bytes:
        return view(lib.koc_image_manifest(self._c))

    @property
    def config(self) -> bytes:
        return view(lib.koc_image_config(self._c))

    @property
    def layers(self) -> Sequence[Layer]:
        count = lib.koc_image_layer_count(self._c)
        borrowed = [lib.koc_image_layer(self._c, i) for i in range(count)]
        return [Layer(ffi.gc(lib.koc_layer_ref(b), lib.koc_layer_unref)) for b in borrowed]

    def annotation(self, key: str) -> Optional[str]:
        return text(lib.koc_image_annotation(self._c, Arguments().string(key)))

    def label(self, key: str) -> Optional[str]:
        return text(lib.koc_image_label(self._c, Arguments().string(key)))

    def env(self, name: str) -> Optional[str]:
        return text(lib.koc_image_env(self._c, Arguments().string(name)))

    @property
    def platform(self) -> str:
        """os/arch[/variant][:os.version]"""
        out = ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose)
        check(lib.koc_platform_format, lib.koc_image_platform(self._c), out)
        return text(out.ptr) or ""

    def _list(self, field) -> List[str]:
        found = make("koc_strlist", lib.koc_strlist_free, lib.koc_image_list, self._c, field)
        return strings_of(found)

    def _pairs(self, field) -> Dict[str, str]:
        return dict(item.partition("=")[::2] for item in self._list(field))

    @property
    def environment(self) -> Dict[str, str]:
        return self._pairs(lib.KOC_CFG_ENV)

    @property
    def labels(self) -> Dict[str, str]:
        return self._pairs(lib.KOC_CFG_LABEL)

    @property
    def annotations(self) -> Dict[str, str]:
        """Those of the manifest."""
        return self._pairs(lib.KOC_CFG_ANNOTATION)

    @property
    def entrypoint(self) -> List[str]:
        return self._list(lib.KOC_CFG_ENTRYPOINT)

    @property
    def cmd(self) -> List[str]:
        return self._list(lib.KOC_CFG_CMD)

    @property
    def ports(self) -> List[str]:
        return self._list(lib.KOC_CFG_PORT)

    @property
    def volumes(self) -> List[str]:
        return self._list(lib.KOC_CFG_VOLUME)

    @property
    def user(self) -> Optional[str]:
        return text(lib.koc_image_str(self._c, lib.KOC_CFG_USER))

    @property
    def workdir(self) -> Optional[str]:
        return text(lib.koc_image_str(self._c, lib.KOC_CFG_WORKDIR))

    @property
    def history(self) -> List[History]:
        entries = []
        for i in range(lib.koc_image_history_count(self._c)):
            h = Arguments().options("koc_history")
            check(lib.koc_image_history, self._c, i, h)
            words = (text(v) for v in (h.created, h.created_by, h.author, h.comment))
            entries.append(History(*words, bool(h.empty_layer)))
        return entries

    def read_file(self, path: str, *, limit: int = 1 << 30, **watch) -> bytes:
        """The content of a file, as a container would see it: whiteouts applied, links followed."""
        a, w = Arguments(), Watch(**watch)
        out = ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose)
        with w.calls() as op:
            blob = make(
                "koc_blob", lib.koc_blob_unref, lib.koc_image_get_file, self._c, a.string(path), op
            )
            check(lib.koc_blob_read_all, blob, limit, op, out)
        return ffi.buffer(out.ptr, out.len)[:] if out.len else b""

    def __repr__(self) -> str:
        return f"<koc.Image {self.digest} for {self.platform}>"


class ImageBuilder(Owned):
    """Builds an image from a base (None: scratch) and changes. Belongs to one thread at a time."""

    def __init__(
        self, context: Context, base: Optional[Image] = None, *, platform: Optional[str] = None
    ):
        a = Arguments()
        self._c = make(
            "koc_image_builder",
            lib.koc_image_builder_free,
            lib.koc_image_builder_new,
            context._c,
            ffi.NULL if base is None else base._c,
        )
        if platform is not None:
            check(lib.koc_image_builder_set_platform, self._c, a.platform(platform))

    def add_layer(
        self, layer: Layer, *, created_by: Optional[str] = None, comment: Optional[str] = None
    ) -> "ImageBuilder":
        a = Arguments()
        options = a.options(
            "koc_add_layer_options", created_by=a.string(created_by), comment=a.string(comment)
        )
        check(lib.koc_image_builder_add_layer, self._c, layer._c, options)
        return self

    def _list(self, function, values):
        a = Arguments()
        check(function, self._c, a.strings(values))
        return self

    def _pair(self, function, key, value):
        a = Arguments()
        check(function, self._c, a.string(key), a.string(value))
        return self

    def entrypoint(self, argv: Optional[Sequence[str]]) -> "ImageBuilder":
        return self._list(lib.koc_image_builder_set_entrypoint, argv)

    def cmd(self, argv: Optional[Sequence[str]]) -> "ImageBuilder":
        return self._list(lib.koc_image_builder_set_cmd, argv)

    def env(self, name: str, value: Optional[str]) -> "ImageBuilder":
        """Sets an environment variable; None removes it. The same holds for label and annotation."""
        return self._pair(lib.koc_image_builder_set_env, name, value)

    def label(self, key: str, value: Optional[str]) -> "ImageBuilder":
        return self._pair(lib.koc_image_builder_set_label, key, value)

    def annotation(self, key: str, value: Optional[str]) -> "ImageBuilder":
        return self._pair(lib.koc_image_builder_set_annotation, key, value)

    def user(self, value: Optional[str]) -> "ImageBuilder":
        a = Arguments()
        check(lib.koc_image_builder_set_str, self._c, lib.KOC_CFG_USER, a.string(value))
        return self

    def workdir(self, value: Optional[str]) -> "ImageBuilder":
        a = Arguments()
        check(lib.koc_image_builder_set_str, self._c, lib.KOC_CFG_WORKDIR, a.string(value))
        return self

    def port(self, value: str, *, remove: bool = False) -> "ImageBuilder":
        """Adds or removes an exposed port such as "8080/tcp"; the next does the same with volumes."""
        return self._item(lib.KOC_CFG_PORT, value, remove)

    def volume(self, value: str, *, remove: bool = False) -> "ImageBuilder":
        return self._item(lib.KOC_CFG_VOLUME, value, remove)

    def _item(self, field, value, remove):
        a = Arguments()
        change = lib.koc_image_builder_remove_str if remove else lib.koc_image_builder_add_str
        check(change, self._c, field, a.string(value))
        return self

    def config(self, pointer: str, value) -> "ImageBuilder":
        """Sets any member of the config by JSON pointer; None removes it."""
        encoded = None if value is None else json.dumps(value)
        return self._pair(lib.koc_image_builder_set_config, pointer, encoded)

    def created(self, seconds: int) -> "ImageBuilder":
        check(lib.koc_image_builder_set_created, self._c, seconds)
        return self

    def finish(self, **watch) -> Image:
        """Builds the image. The builder cannot be used afterwards."""
        w = Watch(**watch)
        with w.calls() as op:
            return Image(
                make("koc_image", lib.koc_image_unref, lib.koc_image_builder_finish, self._c, op)
            )


class Layout(Owned):
    """An OCI image layout: a directory with images."""

    def __init__(self, context: Context, path, *, create: bool = False):
        a = Arguments()
        self._c = make(
            "koc_layout",
            lib.koc_layout_unref,
            lib.koc_layout_open,
            context._c,
            a.string(path),
            lib.KOC_LAYOUT_CREATE if create else 0,
        )

    def put(self, image: Image, name: Optional[str] = None, **watch) -> None:
        """Writes an image with all of its blobs; an older entry loses the name."""
        a, w = Arguments(), Watch(**watch)
        with w.calls() as op:
            check(lib.koc_layout_put_image, self._c, image._c, a.string(name), op)

    def get(self, digest: Digest) -> Image:
        return Image(
            make("koc_image", lib.koc_image_unref, lib.koc_layout_get_image, self._c, digest._c)
        )
