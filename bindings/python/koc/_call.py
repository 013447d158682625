"""Between Python and C: arguments, errors, callbacks. Nothing here is for users."""

import contextlib
import enum
import os
import signal
import threading
import traceback as tracebacks
from dataclasses import dataclass
from typing import Callable, Optional

from ._native import ffi, lib



def _values(prefix):
    """The constants with this prefix, which belongs to one enum (tests/lint/headers.py)."""
    return {n[len(prefix) :]: getattr(lib, n) for n in dir(lib) if n.startswith(prefix)}


def _names(prefix):
    return {value: name.lower() for name, value in _values(prefix).items()}


Code = enum.IntEnum("Code", {"OK": lib.KOC_OK} | {f"E{n}": v for n, v in _values("KOC_E").items()})
Code.__doc__ = "Why a call failed: the KOC_E* codes of koc/base.h without KOC_."

Hint = enum.IntEnum("Hint", _values("KOC_HINT_"))
Hint.__doc__ = "What a hint is about: the KOC_HINT_* values of koc/error.h without this prefix."


def text(value) -> Optional[str]:
    """A C string as a str; NULL as None."""
    return None if value == ffi.NULL else ffi.string(value).decode("utf-8", "replace")


def view(value) -> bytes:
    """A copy of a koc_str."""
    return ffi.buffer(value.ptr, value.len)[:] if value.len else b""


class Error(Exception):
    """A call of libkoc failed. str() is one line for people: what failed, on what, why.

    code: a Code. option: the option whose value was rejected. hint, hint_kind, hint_argument: what to do next.
    detail: output of a tool, such as compile errors. http_status, registry_code: the registry's response.
    retryable: the same call may succeed later.
    """

    def __init__(self, error):
        super().__init__(text(lib.koc_error_message(error)))
        code = lib.koc_error_code(error)
        self.code = Code(code) if code in Code.__members__.values() else code
        self.option = text(lib.koc_error_option(error))
        self.hint = text(lib.koc_error_hint(error))
        kind = lib.koc_error_hint_kind(error)
        self.hint_kind = Hint(kind) if kind in Hint.__members__.values() else kind
        self.hint_argument = text(lib.koc_error_hint_argument(error))
        self.detail = text(lib.koc_error_detail(error))
        self.http_status = lib.koc_error_http_status(error)
        self.registry_code = text(lib.koc_error_registry_code(error))
        self.retryable = bool(lib.koc_error_is_retryable(error))


class Owned:
    """Owns an object of C. It is freed by close(), at the end of a with block, or when Python drops it."""

    _pointer = None

    @property
    def _c(self):
        if self._pointer is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._pointer

    @_c.setter
    def _c(self, pointer):
        self._pointer = pointer

    def close(self) -> None:
        """Frees the object; it cannot be used afterwards. Objects that were made from it stay valid."""
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            ffi.release(pointer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Arguments:
    """C values for one call. Keeps alive what they point to."""

    def __init__(self):
        self.kept = []

    def keep(self, value):
        self.kept.append(value)
        return value

    def string(self, value):
        """A C string from str, bytes or a path without NUL; None is NULL."""
        if value is None:
            return ffi.NULL
        raw = os.fsencode(value)
        if b"\0" in raw:
            raise ValueError("embedded null byte")
        return self.keep(ffi.new("char[]", raw))

    def strings(self, values):
        """A NULL-terminated list of C strings; None is NULL."""
        if values is None:
            return ffi.NULL
        if isinstance(values, (str, bytes, os.PathLike)):
            raise TypeError("a list of strings is expected, not one string")
        return self.keep(ffi.new("char *[]", [self.string(v) for v in values] + [ffi.NULL]))

    def pairs(self, values):
        """(koc_kv array, count) of a mapping; a value None is NULL. None is (NULL, 0)."""
        items = list((values or {}).items())
        array = self.keep(ffi.new("koc_kv[]", max(1, len(items))))
        for pair, (key, value) in zip(array, items):
            pair.key, pair.value = self.string(key), self.string(value)
        return (array, len(items)) if items else (ffi.NULL, 0)

    def structs(self, name, structs):
        """(array of copies, count) of structs from options()."""
        array = self.keep(ffi.new(f"{name}[]", max(1, len(structs))))
        for i, struct in enumerate(structs):
            array[i] = struct[0]
        return (array, len(structs)) if structs else (ffi.NULL, 0)

    def bytes(self, data):
        """A koc_str over any object with the buffer interface."""
        raw = self.keep(ffi.from_buffer(data))
        return self.keep(ffi.new("koc_str *", (ffi.cast("char *", raw), len(raw))))[0]

    def options(self, name, **members):
        """A struct with struct_size and members set, and zero elsewhere."""
        struct = self.keep(ffi.new(f"{name} *"))
        struct.struct_size = ffi.sizeof(name)
        for key, value in members.items():
            setattr(struct, key, value)
        return struct

    def platform(self, value):
        """A koc_platform from its text form; None is NULL."""
        if value is None:
            return ffi.NULL
        storage = self.keep(ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose))
        platform = self.keep(ffi.new("koc_platform *"))
        check(lib.koc_platform_parse, self.string(value), storage, platform)
        return platform


_interrupts = []  # that came in callbacks which have no Watch


def check(function, *arguments):
    """Calls function with an error pointer as the last argument; raises Error if it fails."""
    error = ffi.new("koc_error **")
    failure = None
    if function(*arguments, error) != lib.KOC_OK:
        failure = Error(ffi.gc(error[0], lib.koc_error_free))
    if _interrupts:
        raise _interrupts.pop() from failure
    if failure:
        raise failure


def strings_of(strlist):
    """A koc_strlist, which is borrowed, as a list of str."""
    return [text(lib.koc_strlist_get(strlist, i)) for i in range(lib.koc_strlist_count(strlist))]


def make(type_name, release, function, *arguments):
    """check() for functions whose last output is a new object, which release frees."""
    out = ffi.new(f"{type_name} **")
    check(function, *arguments, out)
    return ffi.gc(out[0], release)


@dataclass(frozen=True)
class Progress:
    """A progress event: koc_progress of koc/context.h, with names instead of numbers."""

    kind: str  # "blob", "manifest", "layer", "build", "resolve", "image", "request"
    state: str  # "started", "active", "skipped", "mounted", "finished", "failed", "waiting"
    what: str
    digest: Optional[str]
    done: int
    total: int
    id: int
    reason: Optional[str] = None  # of "waiting": why
    wait: float = 0.0  # of "waiting": seconds, at most; 0: not known
    attempt: int = 0  # of "waiting": the tries so far, from 1


_KINDS, _STATES = _names("KOC_PROGRESS_"), _names("KOC_STATE_")


def digest_text(digest) -> Optional[str]:
    if digest == ffi.NULL or digest.algorithm == lib.KOC_DIGEST_NONE:
        return None
    out = ffi.new("char[]", lib.KOC_DIGEST_TEXT_MAX)
    check(lib.koc_digest_format, digest, out, len(out))
    return text(out)


class Watch:
    """The koc_op of one call. An exception of a callback ends the call and is raised from it.

    In the main thread SIGINT ends the call at once, if Python's own handler is installed. KeyboardInterrupt
    is then raised even if the call has succeeded. A program with its own handler or token decides itself
    what ends the call: its handler runs at the next event, for which a progress callback always exists.
    """

    def __init__(
        self, progress: Optional[Callable] = None, cancel=None, timeout: Optional[float] = None
    ):
        self.progress = progress
        self.published = None
        self.exception = None
        self.handle = ffi.new_handle(self)
        self.op = ffi.new("koc_op *")
        self.op.struct_size = ffi.sizeof("koc_op")
        self.op.progress = lib.koc_py_progress
        self.op.payload = self.handle
        self._cancel = cancel
        self._interrupt = None
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            self._interrupt = make("koc_cancel", lib.koc_cancel_unref, lib.koc_cancel_new)
        if cancel is not None:
            self.op.cancel = cancel._c
        elif self._interrupt is not None:
            self.op.cancel = self._interrupt
        if timeout is not None:
            self.op.timeout_ms = max(1, int(timeout * 1000))

    @contextlib.contextmanager
    def calls(self):
        """Surrounds the call. An exception of a callback takes precedence over the error that it caused."""
        try:
            if self._interrupt is not None:
                lib.koc_py_interrupts_begin(self._interrupt)
            yield self.op
        except Error as error:
            self._raise_what_came(error)
            raise
        finally:
            if self._interrupt is not None:
                lib.koc_py_interrupts_end(self._interrupt)
        self._raise_what_came(None)

    def _raise_what_came(self, error):
        if self.exception is not None:
            raise self.exception from error
        if self._interrupt is not None and lib.koc_cancel_is_triggered(self._interrupt):
            raise KeyboardInterrupt from error

    def run(self, function, *arguments):
        """Calls the user's function; returns 0 to continue."""
        if self.exception is None:
            try:
                function(*arguments)
            except BaseException as exception:  # also KeyboardInterrupt: raised again in calls()
                self.exception = exception
        return 0 if self.exception is None else lib.KOC_EUSER


def _park(exception, value, traceback):
    """Keeps an exception raised outside of the user's function: KeyboardInterrupt within this module."""
    payload = traceback.tb_frame.f_locals.get("payload") if traceback else None
    if payload is not None:
        watch = ffi.from_handle(payload)
        watch.exception = watch.exception or value


@ffi.def_extern(error=lib.KOC_EUSER, onerror=_park)
def koc_py_progress(event, payload):
    watch = ffi.from_handle(payload)
    if watch.progress is None:
        return 0
    seen = Progress(
        _KINDS.get(event.kind, "?"),
        _STATES.get(event.state, "?"),
        text(event.what) or "",
        digest_text(event.digest),
        event.done,
        event.total,
        event.id,
        text(event.reason),
        event.wait_ms / 1000,
        event.attempt,
    )
    return watch.run(watch.progress, seen)


@ffi.def_extern(error=lib.KOC_EUSER, onerror=_park)
def koc_py_published(import_path, reference, payload):
    watch = ffi.from_handle(payload)
    return watch.run(watch.published, text(import_path), text(reference))


def _hold(exception, value, traceback):
    """Of callbacks without a Watch: check() raises an interrupt, the rest can only be shown."""
    if isinstance(value, KeyboardInterrupt):
        _interrupts.append(value)
    else:
        tracebacks.print_exception(exception, value, traceback)


@ffi.def_extern(error=lib.KOC_EUSER, onerror=_hold)
def koc_py_write(parts, data, size, err):
    ffi.from_handle(parts).append(ffi.buffer(data, size)[:] if size else b"")
    return lib.KOC_OK


@ffi.def_extern(onerror=_hold)
def koc_py_log(level, component, message, payload):
    ffi.from_handle(payload)(level, text(component), text(message))
