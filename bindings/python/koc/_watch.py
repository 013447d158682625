"""How a call is watched and ended: progress, cancel tokens, time limits, Ctrl-C, the end of the interpreter."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Set, TypedDict

from ._call import Owned, callback, check, known, make, names_of, string
from ._errors import text
from ._native import ffi, lib


def digest_text(digest: Any) -> Optional[str]:
    if digest == ffi.NULL or digest.algorithm == lib.KOC_DIGEST_NONE:
        return None
    out = ffi.new("char[]", lib.KOC_DIGEST_TEXT_MAX)
    check(lib.koc_digest_format, digest, out, len(out))
    return text(out)


@dataclass(frozen=True)
class Progress:
    """A progress event: koc_progress of koc/context.h, with names instead of numbers."""

    kind: str  # "blob", "manifest", "layer", "build", "resolve", "image", "request"
    state: str  # "started", "active", "skipped", "mounted", "finished", "failed", "waiting"
    what: str  # for people
    digest: Optional[str]
    done: int  # bytes so far
    total: int  # bytes in all; 0: not known
    id: int  # the same for all events of one piece of work in one call
    reason: Optional[str] = None  # of "waiting": why
    wait: float = 0.0  # of "waiting": seconds, at most; 0: not known
    attempt: int = 0  # of "waiting": the tries so far, from 1
    name: Optional[str] = None  # the program, image or base
    platform: Optional[str] = None  # of "build"


class Cancel(Owned):
    """A token that ends calls early: pass it as cancel=, and call trigger() on any thread or in a signal handler."""

    def __init__(self) -> None:
        self._c = make("koc_cancel", lib.koc_cancel_new)
        self._linked: Set[Any] = set()  # tokens of the calls that run with this one

    def trigger(self) -> None:
        """Ends every call that has the token, now and later, with Code.ECANCELLED."""
        lib.koc_cancel_trigger(self._c)
        for token in list(self._linked):
            lib.koc_cancel_trigger(token)

    @property
    def triggered(self) -> bool:
        return bool(lib.koc_cancel_is_triggered(self._c))

    def _link(self, token: Any) -> None:
        self._linked.add(token)
        if self.triggered:
            lib.koc_cancel_trigger(token)

    def _describe(self) -> str:
        return "triggered" if self.triggered else ""


class Watching(TypedDict, total=False):
    """The options of every call that can wait."""

    progress: Optional[Callable[[Progress], object]]  # called on the thread of the call
    cancel: Optional[Cancel]
    timeout: Optional[float]  # seconds, for the whole call


_running: Set[Op] = set()
_ended = threading.Condition()
_leaving = False


class Op:
    """The koc_op of one call, or of one after another: with Op(options) as op: check(…, op, …).

    In the main thread SIGINT ends the call at once, if Python's own handler is installed. KeyboardInterrupt is then
    raised even if the call has succeeded. A handler of the program's own decides itself what ends the call; it runs
    at the next event, for which a progress callback always exists.
    """

    def __init__(self, options: Mapping[str, Any] = {}) -> None:
        known(options, Watching)
        timeout = options.get("timeout")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout is {timeout!r}: it must be greater than 0")
        self.progress = options.get("progress")
        self._cancel: Optional[Cancel] = options.get("cancel")
        if self._cancel is not None and not isinstance(self._cancel, Cancel):
            raise TypeError(f"koc.Cancel is expected, not {type(self._cancel).__name__}")
        self._token = make("koc_cancel", lib.koc_cancel_new)
        self._handle = ffi.new_handle(self)
        self._interruptible = False
        self._op = ffi.new("koc_op *")
        self._op.struct_size = ffi.sizeof("koc_op")
        self._op.cancel = self._token
        self._op.progress = lib.koc_py_progress
        self._op.payload = self._handle
        if timeout is not None:
            self._op.timeout_ms = max(1, int(timeout * 1000))

    def __enter__(self) -> Any:
        main = threading.current_thread() is threading.main_thread()
        if _leaving and not main:
            raise RuntimeError("the interpreter is about to end")
        if self._cancel is not None:
            self._cancel._link(self._token)
        _running.add(self)
        self._interruptible = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._interruptible:
            lib.koc_py_interrupts_begin(self._token)
        return self._op

    def __exit__(self, _: Any, error: Any, __: Any) -> None:
        interrupted = self._interruptible and lib.koc_py_interrupts_end(self._token)
        _running.discard(self)
        if self._cancel is not None:
            self._cancel._linked.discard(self._token)
        if _leaving:
            with _ended:
                _ended.notify_all()
        if interrupted and (error is None or isinstance(error, Exception)):
            raise KeyboardInterrupt from error


@callback("koc_py_progress")
def _progress(event: Any, payload: Any) -> None:
    op = ffi.from_handle(payload)
    if op.progress is None:
        return
    op.progress(
        Progress(
            names_of("KOC_PROGRESS_").get(event.kind, "?"),
            names_of("KOC_STATE_").get(event.state, "?"),
            string(event.what),
            digest_text(event.digest),
            event.done,
            event.total,
            event.id,
            text(event.reason),
            event.wait_ms / 1000,
            event.attempt,
            text(event.name),
            text(event.platform),
        )
    )


@atexit.register
def _end_calls() -> None:
    """Threads may still be inside libkoc, and could not come back into an interpreter that is gone."""
    global _leaving
    _leaving = True
    for op in list(_running):
        lib.koc_cancel_trigger(op._token)
    with _ended:
        _ended.wait_for(lambda: not _running, timeout=10)


# The calls that ran belong to the parent.
os.register_at_fork(after_in_child=_running.clear)
