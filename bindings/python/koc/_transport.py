"""HTTP exchanges in the place of libcurl, and a look at each request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple, Union

from ._blob import Readable, Reader, reader_of
from ._call import Arguments, Owned, callback, check, lent, names_of, string
from ._native import ffi, lib
from ._watch import Op

Headers = Union[Mapping[str, str], Sequence[Tuple[str, str]]]


@dataclass(frozen=True)
class Request:
    """One request (RFC 9110). It is valid while the transport sends it."""

    method: str
    url: str
    headers: List[Tuple[str, str]] = field(repr=False)  # secrets are in them
    body: Optional[Reader]
    body_size: int
    timeout: Optional[float]  # seconds that are left for it; None: no limit
    _cancel: Any = field(repr=False, default=None)

    @property
    def cancelled(self) -> bool:
        """Whether the call is to end early."""
        return self._cancel is not None and bool(lib.koc_cancel_is_triggered(self._cancel))


class _Body(Reader):
    """The body of a request, which belongs to C."""

    def finish(self) -> None:
        check(lib.koc_reader_finish, self._reader)


@dataclass(frozen=True)
class Reply:
    """The reply to a request. body: bytes, or an object with read(), which is closed when it has been read."""

    status: int
    headers: Headers = ()
    body: Union[bytes, Readable, None] = None


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.rest = data

    def read(self, size: int) -> bytes:
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken


class Transport(Owned):
    """Sends requests in the place of libcurl: send(request) returns a Reply.

    The library adds credentials, follows redirects, retries, resumes and verifies. send runs on the thread of the call
    that needs it, one request at a time. An OSError (a lost connection, a timeout) may be tried again; any other
    exception ends the call and is raised from it.
    """

    def __init__(self, send: Callable[[Request], Reply]) -> None:
        if not callable(send):
            raise TypeError(f"a function is expected, not {type(send).__name__}")
        ops = Arguments().options("koc_transport_ops", send=lib.koc_py_send, release=lib.koc_py_release)
        self._c = lent("koc_transport", lib.koc_transport_new, ops, send)


def _pairs(headers: Any, count: int) -> List[Tuple[str, str]]:
    return [(string(headers[i].key), string(headers[i].value)) for i in range(count)]


@callback("koc_py_send", reports=True, tries_again=True)
def _send(self: Any, request: Any, reply: Any, _: Any) -> None:
    op, a = request.op, Arguments()
    body = None if request.body == ffi.NULL else _Body(request.body, Op())
    timed = op != ffi.NULL and op.timeout_ms > 0
    seen = Request(
        string(request.method),
        string(request.url),
        _pairs(request.headers, request.n_headers),
        body,
        request.body_size,
        op.timeout_ms / 1000 if timed else None,
        op.cancel if op != ffi.NULL and op.cancel != ffi.NULL else None,
    )
    try:
        answer = ffi.from_handle(self)(seen)
    finally:
        if body is not None:
            body.close()
    if not isinstance(answer, Reply):
        raise TypeError(f"a transport returns koc.Reply, not {type(answer).__name__}")
    check(lib.koc_transport_reply_set_status, reply, answer.status)
    headers = answer.headers.items() if isinstance(answer.headers, Mapping) else answer.headers
    for name, value in headers:
        check(lib.koc_transport_reply_add_header, reply, a.string(name), a.string(value))
    if answer.body is not None:
        data = _Bytes(bytes(answer.body)) if isinstance(answer.body, (bytes, bytearray)) else answer.body
        reader = reader_of(data)
        try:
            check(lib.koc_transport_reply_set_body, reply, reader)
        except BaseException:
            lib.koc_reader_free(reader)
            raise


@dataclass(frozen=True)
class Trace:
    """What a client sent or received. Secrets in the URL and the headers are left out."""

    kind: str  # "request", "reply", "failure"
    method: str
    url: str
    status: int  # of a reply
    headers: List[Tuple[str, str]]
    ms: int  # from the request to the head of its reply


@callback("koc_py_trace")
def _trace(event: Any, payload: Any) -> None:
    kind = names_of("KOC_TRACE_").get(event.kind, "?")
    headers = _pairs(event.headers, event.n_headers)
    ffi.from_handle(payload)(
        Trace(kind, string(event.method), string(event.url), event.status, headers, event.ms)
    )
