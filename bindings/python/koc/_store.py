"""Images on disk: OCI layouts and docker-save archives."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple, Union

from ._blob import Writable, writer_of
from ._call import Arguments, Owned, Path, check, make, pointer
from ._core import Context, Digest, Reference, context_of, digest_pointer, reference_of
from ._image import Image, Index
from ._native import ffi, lib
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Layout(Owned):
    """An OCI image layout: a directory with images. May be shared between threads and processes."""

    def __init__(self, path: Path, *, create: bool = False, context: Optional[Context] = None) -> None:
        a = Arguments()
        bits = lib.KOC_LAYOUT_CREATE if create else 0
        self._c = make("koc_layout", lib.koc_layout_open, context_of(context), a.string(path), bits)

    def list(self) -> Index:
        """The current content of index.json; the names are in the annotations of its entries."""
        return Index._of(make("koc_index", lib.koc_layout_list, self._c))

    def put(self, item: Union[Image, Index], name: Optional[str] = None, **watch: Unpack[Watching]) -> None:
        """Writes an image or index with all of its blobs; an older entry loses the name."""
        a = Arguments()
        with Op(watch) as op:
            if isinstance(item, Index):
                check(lib.koc_layout_put_index, self._c, item._c, a.string(name), op)
            else:
                check(lib.koc_layout_put_image, self._c, pointer(item, Image), a.string(name), op)

    def get(self, digest: Union[Digest, str]) -> Image:
        """An image, verified. Its layers are read when needed. Code.ENOTFOUND, Code.EDIGEST."""
        return Image._of(make("koc_image", lib.koc_layout_get_image, self._c, digest_pointer(digest)))

    def get_index(self, digest: Union[Digest, str]) -> Index:
        return Index._of(make("koc_index", lib.koc_layout_get_index, self._c, digest_pointer(digest)))


def write_archive(
    images: Sequence[Tuple[Image, Sequence[Union[Reference, str]]]],
    to: Writable,
    *,
    context: Optional[Context] = None,
    **watch: Unpack[Watching],
) -> None:
    """Writes images, each with its references (with tags), as a docker-save tar to an object with write()."""
    a, items = Arguments(), []
    for image, references in images:
        tags, count = a.pointers("koc_reference", [reference_of(r) for r in references])
        one = a.options("koc_archive_image", image=pointer(image, Image), n_tags=count)
        one.tags = ffi.cast("koc_reference *const *", tags)
        items.append(one)
    listed = a.structs("koc_archive_image", items)
    with Op(watch) as op:
        check(lib.koc_archive_write, context_of(context), *listed, writer_of(a, to), op)


def read_archive(path: Path, *, context: Optional[Context] = None, **watch: Unpack[Watching]) -> List[Image]:
    """The images of a docker-save archive on disk. Layers are read from the file when needed."""
    a, count = Arguments(), ffi.new("size_t *")
    ctx, name = context_of(context), a.string(path)

    def image(i: int, op: object) -> Image:
        out = ffi.new("koc_image **")
        check(lib.koc_archive_read, ctx, name, i, op, out, count)
        return Image._of(ffi.gc(out[0], lib.koc_image_unref))

    with Op(watch) as op:
        check(lib.koc_archive_read, ctx, name, 0, op, ffi.NULL, count)
        return [image(i, op) for i in range(count[0])]
