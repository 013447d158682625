"""Contexts, cancel tokens, digests and references."""

from typing import Callable, Optional

from ._call import Arguments, Owned, check, digest_text, ffi, lib, make, text

# Other objects keep a context in C alive, and it may log as long as it lives.
_logs = []


class Cancel(Owned):
    """A token that ends calls early: pass it as cancel=, and call trigger() on any thread."""

    def __init__(self):
        self._c = make("koc_cancel", lib.koc_cancel_unref, lib.koc_cancel_new)

    def trigger(self) -> None:
        lib.koc_cancel_trigger(self._c)

    @property
    def triggered(self) -> bool:
        return bool(lib.koc_cancel_is_triggered(self._c))


class Context(Owned):
    """The cache, worker threads and log that objects share. One per process is enough.

    cache: None for no cache, True for the default directory, or a path.
    threads: workers for hashing and compression; 0 is one per core.
    log: called with (level, component, message); level 0 is an error, 4 a trace.
    """

    def __init__(
        self, *, cache=None, threads: int = 0, log: Optional[Callable] = None, log_level: int = 1
    ):
        a = Arguments()
        options = a.options("koc_ctx_options", threads=threads)
        options.cache_dir = a.string("" if cache is True else cache or None)
        if log is not None:
            _logs.append(ffi.new_handle(log))
            options.log, options.log_payload = lib.koc_py_log, _logs[-1]
            options.log_level = log_level
        self._c = make("koc_ctx", lib.koc_ctx_unref, lib.koc_ctx_new, options)


class Digest:
    """A content digest, "sha256:<64 hex>" or "sha512:<128 hex>"."""

    def __init__(self, value: str):
        a = Arguments()
        self._c = ffi.new("koc_digest *")
        check(lib.koc_digest_parse, a.string(value), self._c)

    @classmethod
    def _of(cls, digest) -> "Digest":
        self = cls.__new__(cls)
        self._c = ffi.new("koc_digest *", digest[0])
        return self

    @classmethod
    def of(cls, data) -> "Digest":
        """The SHA-256 digest of data."""
        a = Arguments()
        out = ffi.new("koc_digest *")
        check(lib.koc_digest_of, a.bytes(data), out)
        return cls._of(out)

    def __str__(self) -> str:
        return digest_text(self._c) or ""

    def __repr__(self) -> str:
        return f"Digest({str(self)!r})"

    def __eq__(self, other) -> bool:
        if not isinstance(other, Digest):
            return NotImplemented
        return bool(lib.koc_digest_equal(self._c, other._c))

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __bytes__(self) -> bytes:
        return ffi.buffer(self._c.bytes)[: self._c.len]


class Reference(Owned):
    """A reference, the name of an image: [registry/]repository[:tag][@digest]. Immutable."""

    def __init__(self, value: str):
        a = Arguments()
        self._c = make(
            "koc_reference", lib.koc_reference_unref, lib.koc_reference_parse, a.string(value), 0
        )

    @classmethod
    def _take(cls, pointer) -> "Reference":
        self = cls.__new__(cls)
        self._c = pointer
        return self

    @property
    def registry(self) -> str:
        return text(lib.koc_reference_registry(self._c))

    @property
    def repository(self) -> str:
        return text(lib.koc_reference_repository(self._c))

    @property
    def tag(self) -> Optional[str]:
        return text(lib.koc_reference_tag(self._c))

    @property
    def digest(self) -> Optional[Digest]:
        digest = lib.koc_reference_digest(self._c)
        return None if digest == ffi.NULL else Digest._of(digest)

    def with_tag(self, tag: Optional[str]) -> "Reference":
        a = Arguments()
        return self._take(
            make(
                "koc_reference",
                lib.koc_reference_unref,
                lib.koc_reference_with_tag,
                self._c,
                a.string(tag),
            )
        )

    def with_digest(self, digest: Optional[Digest]) -> "Reference":
        return self._take(
            make(
                "koc_reference",
                lib.koc_reference_unref,
                lib.koc_reference_with_digest,
                self._c,
                ffi.NULL if digest is None else digest._c,
            )
        )

    def __str__(self) -> str:
        return text(lib.koc_reference_string(self._c))

    def __repr__(self) -> str:
        return f"Reference({str(self)!r})"

    def __eq__(self, other) -> bool:
        return str(self) == str(other) if isinstance(other, Reference) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))


def version() -> str:
    """The version of libkoc at run time."""
    return text(lib.koc_version_string())
