"""Contexts, digests, references, and facts of the library."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Union

from ._call import Arguments, Data, Owned, Path, callback, check, lending, make, names_of, notice, pointer, string, view
from ._errors import text
from ._native import ffi, lib
from ._watch import digest_text


@dataclass(frozen=True)
class CacheUsage:
    """What the cache holds of one kind of content."""

    kind: str
    entries: int
    bytes: int  # on disk


class Context(Owned):
    """The cache, worker threads and log that objects share. One per process is enough.

    cache: False for no cache, True for the default directory, or a path. threads: workers for hashing and compression;
    0 is one per core. log: called with (level, component, message); level 0 is an error, 4 a trace. max_memory: bytes
    of buffers for compression; 0 is 2.5 MiB per thread.
    """

    def __init__(
        self,
        *,
        cache: Union[bool, Path, None] = None,
        threads: int = 0,
        log: Optional[Callable[[int, str, str], object]] = None,
        log_level: int = 1,
        max_memory: int = 0,
    ) -> None:
        a = Arguments()
        options = a.options("koc_ctx_options", threads=threads, max_memory=max_memory)
        options.cache_dir = a.string("" if cache is True else None if not cache else cache)
        with lending(log) as handle:
            if log is not None:
                options.log, options.log_payload, options.log_release = lib.koc_py_log, handle, lib.koc_py_release
                options.log_level = log_level
            self._c = make("koc_ctx", lib.koc_ctx_new, options)

    @property
    def cache_dir(self) -> Optional[str]:
        """The directory of the cache; None: there is none."""
        return text(lib.koc_cache_dir(self._c))

    def cache_usage(self) -> List[CacheUsage]:
        """What the cache holds, kind by kind."""
        found: List[CacheUsage] = []
        handle = ffi.new_handle(found)
        check(lib.koc_cache_usage, self._c, lib.koc_py_usage, handle)
        return found

    def prune_cache(self, max_bytes: int) -> int:
        """Removes the least recently used entries until at most max_bytes are left; the bytes that were freed."""
        freed = ffi.new("uint64_t *")
        check(lib.koc_cache_prune, self._c, max_bytes, freed)
        return int(freed[0])

    def clear_cache(self) -> None:
        check(lib.koc_cache_clear, self._c)

    def _describe(self) -> str:
        return f"with the cache {self.cache_dir}" if self.cache_dir else "without a cache"


@callback("koc_py_usage")
def _usage(kind: Any, entries: int, size: int, payload: Any) -> None:
    ffi.from_handle(payload).append(CacheUsage(string(kind), entries, size))


@notice("koc_py_log")
def _log(level: int, component: Any, message: Any, payload: Any) -> None:
    ffi.from_handle(payload)(level, string(component), string(message))


_default: Optional[Context] = None
_default_lock = threading.Lock()


def context_of(context: Optional[Context]) -> Any:
    """The C object of a context; of None that of one context with the default cache, made at the first use."""
    global _default
    if context is not None:
        return pointer(context, Context)
    with _default_lock:
        if _default is None:
            _default = Context(cache=True)
        return _default._c


class Digest:
    """A content digest, "sha256:<64 hex>" or "sha512:<128 hex>". Equal to its text."""

    def __init__(self, value: Union[str, Digest]) -> None:
        self._c = ffi.new("koc_digest *")
        check(lib.koc_digest_parse, Arguments().string(str(value)), self._c)

    @classmethod
    def _of(cls, digest: Any) -> Digest:
        self = cls.__new__(cls)
        self._c = ffi.new("koc_digest *", digest[0])
        return self

    @classmethod
    def of(cls, data: Data) -> Digest:
        """The SHA-256 digest of data."""
        a, out = Arguments(), ffi.new("koc_digest *")
        check(lib.koc_digest_of, a.bytes(data), out)
        return cls._of(out)

    def __str__(self) -> str:
        return digest_text(self._c) or ""

    def __repr__(self) -> str:
        return f"Digest({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str(self) == other
        if not isinstance(other, Digest):
            return NotImplemented
        return bool(lib.koc_digest_equal(self._c, other._c))

    def __hash__(self) -> int:
        return hash(str(self))

    def __bytes__(self) -> bytes:
        return bytes(ffi.buffer(self._c.bytes)[: self._c.len])

    def __reduce__(self) -> Any:
        return Digest, (str(self),)


def digest_pointer(value: Union[Digest, str, None]) -> Any:
    """The C object of a digest or its text; NULL for None."""
    if value is None:
        return ffi.NULL
    return value._c if isinstance(value, Digest) else Digest(value)._c


class Reference(Owned):
    """A reference, the name of an image: [registry/]repository[:tag][@digest]. Immutable.

    typed: for text that a user typed; "docker://" is removed, and the other transports of skopeo are refused.
    """

    def __init__(self, value: str, *, typed: bool = False) -> None:
        bits = lib.KOC_REFERENCE_TRANSPORTS if typed else 0
        self._c = make("koc_reference", lib.koc_reference_parse, Arguments().string(value), bits)

    @property
    def registry(self) -> str:
        return string(lib.koc_reference_registry(self._c))

    @property
    def repository(self) -> str:
        return string(lib.koc_reference_repository(self._c))

    @property
    def tag(self) -> Optional[str]:
        return text(lib.koc_reference_tag(self._c))

    @property
    def digest(self) -> Optional[Digest]:
        digest = lib.koc_reference_digest(self._c)
        return None if digest == ffi.NULL else Digest._of(digest)

    def with_tag(self, tag: Optional[str]) -> Reference:
        a = Arguments()
        return self._of(make("koc_reference", lib.koc_reference_with_tag, self._c, a.string(tag)))

    def with_digest(self, digest: Union[Digest, str, None]) -> Reference:
        value = digest_pointer(digest)
        return self._of(make("koc_reference", lib.koc_reference_with_digest, self._c, value))

    def __str__(self) -> str:
        return string(lib.koc_reference_string(self._c))

    def __repr__(self) -> str:
        return f"Reference({str(self)!r})" if self._pointer is not None else "<koc.Reference closed>"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, Reference) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> Any:
        return Reference, (str(self),)


def reference_of(value: Union[Reference, str]) -> Any:
    """The C object of a reference or its text."""
    return Reference(value)._c if isinstance(value, str) else pointer(value, Reference)


def version() -> str:
    """The version of libkoc at run time."""
    return string(lib.koc_version_string())


def features() -> Dict[str, str]:
    """The features of this build on this processor, each with what provides it."""
    bits = lib.koc_features()
    return {
        name: string(lib.koc_feature_detail(bit)) for bit, name in names_of("KOC_FEATURE_").items() if bits & bit
    }


def printable(value: Data, *, colors: bool = False) -> str:
    """Text of unknown origin, safe for a terminal; with colors, sequences that set colours stay."""
    a = Arguments()
    out = a.buffer()
    check(lib.koc_printable, a.bytes(value), colors, out)
    return view(out).decode("utf-8")


def platform_matches(want: str, have: str) -> bool:
    """Whether an image for the platform have can be used for want."""
    a = Arguments()
    return bool(lib.koc_platform_matches(a.platform(want), a.platform(have)))
