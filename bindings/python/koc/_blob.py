"""Blobs (immutable content that can be opened any number of times), readers, and files of Python as either."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Protocol, Union

from ._call import Arguments, Data, Owned, Path, callback, check, lending, lent, make, notice, pointer, return_handle, view
from ._core import Digest, digest_pointer
from ._native import ffi, lib
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Readable(Protocol):
    """What read(n) gives is at most n bytes; none is the end."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Reader(io.RawIOBase):
    """A stream from C. Content is verified at its end: do not trust it before a read has returned b"" or finish()."""

    def __init__(self, opened: Any, op: Op) -> None:
        self._reader, self._op = opened, op

    @classmethod
    def _open(cls, options: Mapping[str, Any], function: Any, *arguments: Any) -> Reader:
        op = Op(options)
        with op as watched:
            return cls(make("koc_reader", function, *arguments, watched), op)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._reader is None:
            raise ValueError("this Reader is closed")
        n_read, into = ffi.new("size_t *"), ffi.from_buffer(buffer, require_writable=True)
        with self._op:
            check(lib.koc_reader_read, self._reader, into, len(into), n_read)
        return int(n_read[0])

    def finish(self) -> None:
        """Reads the rest and verifies the content: for formats that end before their stream does, such as tar."""
        with self._op:
            check(lib.koc_reader_finish, self._reader)

    def close(self) -> None:
        self._reader = None
        super().close()

    def __repr__(self) -> str:
        return f"<koc.Reader{'' if self._reader is not None else ' closed'}>"


class Blob(Owned):
    """Immutable content that can be opened any number of times. May be shared between threads."""

    def __init__(self, data: Data) -> None:
        a = Arguments()
        self._c = make("koc_blob", lib.koc_blob_from_bytes, a.bytes(data))

    @classmethod
    def file(cls, path: Path, *, digest: Union[Digest, str, None] = None) -> Blob:
        """A file, which is opened at each use. Readers verify digest at the end."""
        a = Arguments()
        return cls._of(make("koc_blob", lib.koc_blob_from_file, a.string(path), digest_pointer(digest)))

    @classmethod
    def stream(cls, path: Path, **watch: Unpack[Watching]) -> Blob:
        """A file, or anything that can be read only once (a pipe, "-" for stdin), which is copied first."""
        a = Arguments()
        with Op(watch) as op:
            return cls._of(make("koc_blob", lib.koc_blob_from_stream, a.string(path), op))

    @classmethod
    def of(
        cls, opens: Callable[[int], Readable], size: int, *, digest: Union[Digest, str, None] = None
    ) -> Blob:
        """Content of your own: opens(offset) gives an object with read(), from that byte on."""
        ops = Arguments().options("koc_blob_ops", open=lib.koc_py_open, release=lib.koc_py_release)
        return cls._of(lent("koc_blob", lib.koc_blob_new, ops, opens, size, digest_pointer(digest)))

    @property
    def size(self) -> int:
        return int(lib.koc_blob_size(self._c))

    def digest(self, **watch: Unpack[Watching]) -> Digest:
        """The SHA-256 digest. If it is not known, the content is read once."""
        out = ffi.new("koc_digest *")
        with Op(watch) as op:
            check(lib.koc_blob_digest, self._c, op, out)
        return Digest._of(out)

    def open(self, offset: int = 0, **watch: Unpack[Watching]) -> Reader:
        return Reader._open(watch, lib.koc_blob_open, self._c, offset)

    def read(self, *, limit: int = 1 << 30, **watch: Unpack[Watching]) -> bytes:
        """The whole content. Code.ELIMIT: it has more than limit bytes."""
        out = Arguments().buffer()
        with Op(watch) as op:
            check(lib.koc_blob_read_all, self._c, limit, op, out)
        return view(out)

    def _describe(self) -> str:
        return f"{self.size} bytes"


def blob_of(value: Union[Blob, Data]) -> Any:
    """The C object of a blob, or of one with these bytes."""
    return Blob(value)._c if isinstance(value, (bytes, bytearray, memoryview)) else pointer(value, Blob)


def reader_of(source: Readable) -> Any:
    """A koc_reader over an object with read(). The receiver owns it."""
    if not hasattr(source, "read"):
        raise TypeError(f"an object with read() is expected, not {type(source).__name__}")
    out = ffi.new("koc_reader **")
    ops = Arguments().options("koc_reader_ops", read=lib.koc_py_read, close=lib.koc_py_close)
    with lending(source) as handle:
        check(lib.koc_reader_new, ops, handle, out)
    return out[0]


def writer_of(a: Arguments, target: Writable) -> Any:
    """A koc_writer over an object with write()."""
    handle = a.keep(ffi.new_handle(target))
    members: Dict[str, Any] = {"write": lib.koc_py_write, "self": handle}
    return a.keep(ffi.new("koc_writer *", members))


@callback("koc_py_open", reports=True)
def _open(self: Any, offset: int, _: Any, out: Any, __: Any) -> None:
    out[0] = reader_of(ffi.from_handle(self)(offset))


@callback("koc_py_read", reports=True)
def _read(self: Any, buffer: Any, size: int, n_read: Any, _: Any) -> None:
    data = ffi.from_handle(self).read(size)
    if len(data) > size:
        raise ValueError(f"read({size}) returned {len(data)} bytes")
    ffi.memmove(buffer, data, len(data))
    n_read[0] = len(data)


@notice("koc_py_close")
def _close(self: Any) -> None:
    source = ffi.from_handle(self)
    return_handle(self)
    if hasattr(source, "close"):
        source.close()


@callback("koc_py_write", reports=True)
def _write(self: Any, data: Any, size: int, _: Any) -> None:
    rest = bytes(ffi.buffer(data, size)) if size else b""
    target = ffi.from_handle(self)
    while rest:
        written = target.write(rest)
        if not isinstance(written, int) or written >= len(rest):
            break
        rest = rest[written:]
