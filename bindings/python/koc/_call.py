"""Between Python and C: arguments, results, callbacks. Nothing here is for users."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Type, TypeVar, Union

from ._errors import Error, text
from ._native import ffi, lib

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Data = Union[bytes, bytearray, memoryview]
Self = TypeVar("Self", bound="Owned")


def view(value: Any) -> bytes:
    """A copy of a koc_str or koc_buf."""
    return bytes(ffi.buffer(value.ptr, value.len)) if value.len else b""


def string(value: Any) -> str:
    """A C string that is never NULL."""
    return text(value) or ""


def strings_of(strlist: Any) -> List[str]:
    """A koc_strlist as a list."""
    return [string(lib.koc_strlist_get(strlist, i)) for i in range(lib.koc_strlist_count(strlist))]


class Owned:
    """Refers to an object of C. close(), the end of a with block, or dropping it lets go of that object.

    A call that still runs in another thread has a reference of its own.
    """

    _pointer: Any = None

    @property
    def _c(self) -> Any:
        if self._pointer is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._pointer

    @_c.setter
    def _c(self, pointer: Any) -> None:
        self._pointer = pointer

    @classmethod
    def _of(cls: Type[Self], pointer: Any) -> Self:
        self = cls.__new__(cls)
        self._pointer = pointer
        return self

    def close(self) -> None:
        """Lets go of the object; it cannot be used afterwards. Objects that were made from it stay valid."""
        self._pointer = None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _describe(self) -> str:
        return ""

    def __repr__(self) -> str:
        words = "closed" if self._pointer is None else self._describe()
        return f"<koc.{type(self).__name__}{' ' if words else ''}{words}>"


def pointer(value: Any, kind: Type[Owned], optional: bool = False) -> Any:
    """The C object of an argument; NULL for None if it is optional."""
    if value is None and optional:
        return ffi.NULL
    if not isinstance(value, kind):
        raise TypeError(f"koc.{kind.__name__} is expected, not {type(value).__name__}")
    return value._c


class Arguments:
    """C values for one call. Keeps alive what they point to, as long as it lives itself."""

    def __init__(self) -> None:
        self.kept: List[Any] = []

    def keep(self, value: Any) -> Any:
        self.kept.append(value)
        return value

    def string(self, value: Optional[Path]) -> Any:
        """A C string from str, bytes or a path without NUL; None is NULL."""
        if value is None:
            return ffi.NULL
        raw = os.fsencode(value)
        if b"\0" in raw:
            raise ValueError("embedded null byte")
        return self.keep(ffi.new("char[]", raw))

    def strings(self, values: Optional[Iterable[Path]]) -> Any:
        """A NULL-terminated list of C strings; None is NULL."""
        if values is None:
            return ffi.NULL
        if isinstance(values, (str, bytes, os.PathLike)):
            raise TypeError("a list of strings is expected, not one string")
        return self.keep(ffi.new("char *[]", [self.string(v) for v in values] + [ffi.NULL]))

    def pairs(self, values: Optional[Mapping[str, Optional[Path]]]) -> Tuple[Any, int]:
        """(koc_kv array, count) of a mapping; a value None is NULL. None is (NULL, 0)."""
        items = list((values or {}).items())
        array = self.keep(ffi.new("koc_kv[]", max(1, len(items))))
        for pair, (key, value) in zip(array, items):
            pair.key, pair.value = self.string(key), self.string(value)
        return (array, len(items)) if items else (ffi.NULL, 0)

    def structs(self, name: str, structs: List[Any]) -> Tuple[Any, int]:
        """(array of copies, count) of structs from options()."""
        array = self.keep(ffi.new(f"{name}[]", max(1, len(structs))))
        for i, struct in enumerate(structs):
            array[i] = struct[0]
        return (array, len(structs)) if structs else (ffi.NULL, 0)

    def pointers(self, name: str, values: Iterable[Any]) -> Tuple[Any, int]:
        """(array, count) of pointers to objects."""
        listed = list(values)
        array = self.keep(ffi.new(f"{name} *[]", listed + [ffi.NULL]))
        self.kept.extend(listed)
        return (array, len(listed)) if listed else (ffi.NULL, 0)

    def bytes(self, data: Optional[Data]) -> Any:
        """A koc_str over any object with the buffer interface; None is empty."""
        if data is None:
            return self.keep(ffi.new("koc_str *"))[0]
        if isinstance(data, str):
            raise TypeError("bytes are expected, not str")
        raw = self.keep(ffi.from_buffer(data))
        return self.keep(ffi.new("koc_str *", (ffi.cast("char *", raw), len(raw))))[0]

    def options(self, name: str, **members: Any) -> Any:
        """A struct with struct_size and members set, and zero elsewhere."""
        struct = self.keep(ffi.new(f"{name} *"))
        struct.struct_size = ffi.sizeof(name)
        for key, value in members.items():
            setattr(struct, key, value)
        return struct

    def buffer(self) -> Any:
        """A koc_buf for a result."""
        return self.keep(ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose))

    def platform(self, value: Optional[str]) -> Any:
        """A koc_platform from its text form; None is NULL."""
        if value is None:
            return ffi.NULL
        platform = self.options("koc_platform")
        check(lib.koc_platform_parse, self.string(value), self.buffer(), platform)
        return platform


def flags(prefix: str, **switches: bool) -> int:
    """The bits of KOC_<prefix><NAME> for the switches that are on."""
    bits = 0
    for name, on in switches.items():
        if on:
            bits |= getattr(lib, f"KOC_{prefix}{name.upper()}")
    return bits


def named(prefix: str, value: str, names: Iterable[str]) -> int:
    """The constant KOC_<prefix><VALUE> of one of names."""
    known = list(names)
    if value not in known:
        raise ValueError(f"{value!r} is not one of {', '.join(known)}")
    return int(getattr(lib, f"KOC_{prefix}{value.upper()}"))


@functools.lru_cache(maxsize=None)
def names_of(prefix: str) -> Dict[int, str]:
    """The names of the constants with this prefix, which belongs to one enum (tests/lint/headers.py)."""
    return {getattr(lib, n): n[len(prefix) :].lower() for n in dir(lib) if n.startswith(prefix)}


def known(options: Mapping[str, Any], kind: Any) -> None:
    """Options that a TypedDict does not have are refused by name."""
    for name in options:
        if name not in kind.__annotations__:
            raise TypeError(f"{name!r} is not an option of this call")


# --- calls -------------------------------------------------------------------------------------


class _Frame:
    """One call of C on this thread: what a callback of it raised."""

    exception: Optional[BaseException] = None
    cause: Optional[BaseException] = None


class _Stack(threading.local):
    def __init__(self) -> None:
        self.frames: List[_Frame] = []


_stack = _Stack()


def check(function: Callable[..., Any], *arguments: Any) -> None:
    """Calls function with an error pointer as the last argument. Raises what a callback raised, else Error if the
    call failed."""
    error = ffi.new("koc_error **")
    frame, failure = _Frame(), None
    _stack.frames.append(frame)
    try:
        code = function(*arguments, error)
    finally:
        _stack.frames.remove(frame)
    if code != lib.KOC_OK:
        failure = Error._of(ffi.gc(error[0], lib.koc_error_free))
    if frame.exception is not None:
        raise frame.exception from failure
    if failure is not None:
        if frame.cause is not None:
            failure.__cause__ = frame.cause
        raise failure


@functools.lru_cache(maxsize=None)
def release_of(name: str) -> Any:
    return getattr(lib, f"{name}_unref", None) or getattr(lib, f"{name}_free")


def make(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """check() for functions whose last output is a new object of type name."""
    out = ffi.new(f"{name} **")
    check(function, *arguments, out)
    return None if out[0] == ffi.NULL else ffi.gc(out[0], release_of(name))


def share(name: str, borrowed: Any) -> Any:
    """A reference of its own to a borrowed object."""
    return ffi.gc(getattr(lib, f"{name}_ref")(borrowed), release_of(name))


# --- callbacks ---------------------------------------------------------------------------------


def _keep(exception: BaseException) -> None:
    """For check() on this thread; without a call to blame, it can only be shown."""
    if not _stack.frames:
        sys.excepthook(type(exception), exception, exception.__traceback__)
    elif _stack.frames[-1].exception is None:
        _stack.frames[-1].exception = exception


def _park(_: Any, value: BaseException, __: Any) -> None:
    """Of cffi: an exception between our own lines, such as KeyboardInterrupt."""
    _keep(value)


def callback(name: str, *, reports: bool = False, tries_again: bool = False) -> Callable[[Any], Any]:
    """Makes a function the callback name of C. What it raises ends the call, and check() raises it.

    reports: its last argument is a koc_error **. tries_again: an OSError is a KOC_ENET, which the library may overcome.
    """

    def report(error: Any, code: int, exception: BaseException) -> int:
        if reports:
            words = f"{type(exception).__name__}: {exception}".encode("utf-8", "replace")
            error[0] = lib.koc_error_new(code, words)
        return code

    def decorate(function: Any) -> Any:
        def run(*arguments: Any) -> int:
            frame = _stack.frames[-1] if _stack.frames else None
            if frame is not None and frame.exception is not None:
                return report(arguments[-1], lib.KOC_EUSER, frame.exception)
            try:
                result = function(*arguments)
                return 0 if result is None else result
            except OSError as exception:
                if tries_again and frame is not None:
                    frame.cause = exception
                    return report(arguments[-1], lib.KOC_ENET, exception)
                _keep(exception)
                return report(arguments[-1], lib.KOC_EUSER, exception)
            except BaseException as exception:  # also KeyboardInterrupt: check() raises it
                _keep(exception)
                return report(arguments[-1], lib.KOC_EUSER, exception)

        ffi.def_extern(name=name, error=lib.KOC_EUSER, onerror=_park)(run)
        return function

    return decorate


def notice(name: str) -> Callable[[Any], Any]:
    """Makes a function the callback name of C, which cannot fail: only an interrupt ends the call."""

    def decorate(function: Any) -> Any:
        def run(*arguments: Any) -> None:
            try:
                function(*arguments)
            except Exception as exception:
                sys.excepthook(type(exception), exception, exception.__traceback__)

        ffi.def_extern(name=name, onerror=_park)(run)
        return function

    return decorate


_handles: set[Any] = set()  # of Python objects, as long as C refers to them


def lend(value: Any) -> Any:
    """A pointer to a Python object that C owns from now on: koc_py_release takes it back."""
    handle = ffi.new_handle(value)
    _handles.add(handle)
    return handle


@contextlib.contextmanager
def lending(value: Any) -> Iterator[Any]:
    """lend() to a call that owns it on success only; None is NULL."""
    handle = ffi.NULL if value is None else lend(value)
    try:
        yield handle
    except BaseException:
        _handles.discard(handle)
        raise


def lent(name: str, function: Any, ops: Any, value: Any, *more: Any) -> Any:
    """make() for functions that own their self argument on success only."""
    with lending(value) as handle:
        return make(name, function, ops, handle, *more)


@notice("koc_py_release")
def return_handle(self: Any) -> None:
    _handles.discard(self)
