"""Layers and their builder."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional, TypedDict, Union

from ._blob import Blob, Reader, blob_of
from ._call import Arguments, Data, Owned, Path, callback, check, flags, known, make, named, string
from ._core import Context, Digest, context_of, digest_pointer
from ._descriptor import Descriptor, descriptor_of, descriptor_to
from ._native import ffi, lib
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack

COMPRESSIONS = ("gzip", "none", "zstd")
_UNKNOWN_SIZE = (1 << 64) - 1


class LayerOptions(TypedDict, total=False):
    """How a layer is written."""

    compression: str  # "gzip", "none", "zstd"
    level: int  # 0: the default (gzip 1, zstd 3)
    mtime: int  # of entries without one, seconds since 1970
    docker_types: bool  # Docker's media types instead of OCI's
    verbatim: bool  # names, order and parent directories exactly as given
    in_memory: bool  # keep the result in memory, not in a file
    chunk_size: int  # bytes compressed at a time; another size gives other bytes
    format_version: int  # 0: the newest layer format
    media_type: Optional[str]


def layer_options(a: Arguments, options: Mapping[str, Any]) -> Any:
    known(options, LayerOptions)
    made = a.options("koc_layer_options", media_type=a.string(options.get("media_type")))
    made.compression = named("COMPRESS_", options.get("compression", "gzip"), COMPRESSIONS)
    for name in ("level", "mtime", "chunk_size", "format_version"):
        setattr(made, name, options.get(name, 0))
    switches = ("docker_types", "verbatim", "in_memory")
    made.flags = flags("LAYER_", **{name: options.get(name, False) for name in switches})
    return made


class Layer(Owned):
    """A finished layer. Immutable; may be shared between threads."""

    @classmethod
    def from_tar(
        cls, tar: Union[Blob, Data], *, context: Optional[Context] = None, **options: Unpack[_NewLayer]
    ) -> Layer:
        """A layer of an uncompressed tar, compressed as the options say."""
        a, (o, watch) = Arguments(), split(options)
        with Op(watch) as op:
            return cls._of(
                make("koc_layer", lib.koc_layer_from_tar, context_of(context), blob_of(tar), layer_options(a, o), op)
            )

    @classmethod
    def load(
        cls,
        tar: Union[Blob, Data],
        name: str,
        *,
        context: Optional[Context] = None,
        **options: Unpack[_NewLayer],
    ) -> Layer:
        """A layer of a tar of unknown origin, compressed or not, which is read and checked first. name: for messages."""
        a, (o, watch) = Arguments(), split(options)
        words, made = a.string(name), layer_options(a, o)
        with Op(watch) as op:
            return cls._of(
                make("koc_layer", lib.koc_layer_import, context_of(context), blob_of(tar), words, made, op)
            )

    @classmethod
    def from_blob(
        cls,
        descriptor: Descriptor,
        content: Union[Blob, Data],
        *,
        diff_id: Union[Digest, str, None] = None,
        context: Optional[Context] = None,
    ) -> Layer:
        """A layer over stored bytes, which the descriptor describes. Nothing is read."""
        a = Arguments()
        d = descriptor_to(a, descriptor)
        return cls._of(
            make("koc_layer", lib.koc_layer_from_blob, context_of(context), d, digest_pointer(diff_id), blob_of(content))
        )

    @property
    def descriptor(self) -> Descriptor:
        return descriptor_of(lib.koc_layer_descriptor(self._c))

    @property
    def digest(self) -> Digest:
        """The digest of the compressed bytes."""
        return Digest._of(ffi.addressof(lib.koc_layer_descriptor(self._c).digest))

    @property
    def size(self) -> int:
        """The size of the compressed bytes."""
        return int(lib.koc_layer_descriptor(self._c).size)

    @property
    def media_type(self) -> str:
        return string(lib.koc_layer_descriptor(self._c).media_type)

    @property
    def uncompressed_size(self) -> Optional[int]:
        """The size of the tar; None: not known."""
        size = int(lib.koc_layer_uncompressed_size(self._c))
        return None if size == _UNKNOWN_SIZE else size

    def diff_id(self, **watch: Unpack[Watching]) -> Digest:
        """The digest of the uncompressed tar. If it is not known, the layer is read once."""
        out = ffi.new("koc_digest *")
        with Op(watch) as op:
            check(lib.koc_layer_diff_id, self._c, op, out)
        return Digest._of(out)

    def open(self, **watch: Unpack[Watching]) -> Reader:
        """The compressed bytes. Code.ENOTFOUND: this layer has no content."""
        return Reader._open(watch, lib.koc_layer_open, self._c)

    def open_tar(self, **watch: Unpack[Watching]) -> Reader:
        """The tar, for tarfile.open(fileobj=…, mode="r|"). Reader.finish() verifies what follows its end marker."""
        return Reader._open(watch, lib.koc_layer_open_tar, self._c)

    def _describe(self) -> str:
        return f"{self.digest}, {self.size} bytes"


class _NewLayer(LayerOptions, Watching, total=False):
    """Both."""


def split(options: Mapping[str, Any]) -> Any:
    """(what is not, what is an option of Watching)."""
    watch = {n: v for n, v in options.items() if n in Watching.__annotations__}
    return {n: v for n, v in options.items() if n not in watch}, watch


@dataclass
class Entry:
    """Metadata of a path. mode 0 is 0644 for files and 0755 for directories; mtime 0 is that of the layer."""

    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    xattrs: Mapping[str, str] = field(default_factory=dict)


class EntryOptions(TypedDict, total=False):
    """The members of an Entry."""

    mode: int
    uid: int
    gid: int
    mtime: int
    xattrs: Mapping[str, str]


def entry_to(a: Arguments, entry: Entry) -> Any:
    made = a.options("koc_entry", mode=entry.mode, uid=entry.uid, gid=entry.gid, mtime=entry.mtime)
    made.xattrs, made.n_xattrs = a.pairs(entry.xattrs)
    return made


Filter = Callable[[str, Entry], Optional[bool]]


class LayerBuilder(Owned):
    """Collects files and writes them as one layer in a fixed order. Belongs to one thread at a time.

    Paths are paths in the image ("/app/x"). Each add_ method takes the members of an Entry as options.
    """

    def __init__(self, context: Optional[Context] = None, **options: Unpack[LayerOptions]) -> None:
        made = layer_options(Arguments(), options)
        self._c = make("koc_layer_builder", lib.koc_layer_builder_new, context_of(context), made)
        self._kept = Arguments()  # what the filters of trees refer to

    def _add(self, function: Any, entry: Mapping[str, Any], path: Path, *rest: Any) -> LayerBuilder:
        a = Arguments()
        check(function, self._c, a.string(path), *rest, entry_to(a, Entry(**entry)))
        return self

    def add_bytes(self, path: Path, data: Data, **entry: Unpack[EntryOptions]) -> LayerBuilder:
        a = Arguments()
        return self._add(lib.koc_layer_builder_add_bytes, entry, path, a.bytes(data))

    def add_file(self, path: Path, source: Path, **entry: Unpack[EntryOptions]) -> LayerBuilder:
        """Adds a file on disk, which finish() reads."""
        a = Arguments()
        return self._add(lib.koc_layer_builder_add_file, entry, path, a.string(source))

    def add_blob(self, path: Path, content: Blob, **entry: Unpack[EntryOptions]) -> LayerBuilder:
        return self._add(lib.koc_layer_builder_add_blob, entry, path, blob_of(content))

    def add_dir(self, path: Path, **entry: Unpack[EntryOptions]) -> LayerBuilder:
        return self._add(lib.koc_layer_builder_add_dir, entry, path)

    def add_symlink(self, path: Path, target: Path, **entry: Unpack[EntryOptions]) -> LayerBuilder:
        a = Arguments()
        return self._add(lib.koc_layer_builder_add_symlink, entry, path, a.string(target))

    def add_hardlink(self, path: Path, target: Path) -> LayerBuilder:
        a = Arguments()
        check(lib.koc_layer_builder_add_hardlink, self._c, a.string(path), a.string(target))
        return self

    def add_tree(
        self,
        path: Path,
        source: Path,
        *,
        filter: Optional[Filter] = None,
        keep_owner: bool = False,
        follow_links_inside: bool = False,
        **entry: Unpack[EntryOptions],
    ) -> LayerBuilder:
        """Adds a directory on disk with everything in it.

        filter(path, entry) is called for each path below source; it may change the entry, and returns False to leave
        the path out. keep_owner: the uid and gid of the source. follow_links_inside: store what symbolic links point
        to; a link that leaves the tree is refused.
        """
        a = self._kept
        options = a.options("koc_tree_options")
        options.flags = flags("TREE_", keep_owner=keep_owner, follow_links_inside=follow_links_inside)
        options.defaults = entry_to(a, Entry(**entry))
        if filter is not None:
            options.filter, options.payload = lib.koc_py_filter, a.keep(ffi.new_handle((filter, a)))
        check(lib.koc_layer_builder_add_tree, self._c, a.string(path), a.string(source), options)
        return self

    def finish(self, **watch: Unpack[Watching]) -> Layer:
        """Builds the layer. The builder cannot be used afterwards."""
        with Op(watch) as op:
            return Layer._of(make("koc_layer", lib.koc_layer_builder_finish, self._c, op))


@callback("koc_py_filter")
def _filter(path: Any, entry: Any, payload: Any) -> int:
    function, a = ffi.from_handle(payload)
    before = {entry.xattrs[i].key: entry.xattrs[i].value for i in range(entry.n_xattrs)}
    xattrs = {string(key): string(value) for key, value in before.items()}
    seen = Entry(entry.mode, entry.uid, entry.gid, entry.mtime, xattrs)
    was = copy.deepcopy(seen)
    if function(string(path), seen) is False:
        return 1
    if seen != was:
        entry.mode, entry.uid, entry.gid, entry.mtime = seen.mode, seen.uid, seen.gid, seen.mtime
        entry.xattrs, entry.n_xattrs = a.pairs(seen.xattrs)
    return 0
