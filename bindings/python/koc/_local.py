"""What runs on this machine: a small registry, and the container engine."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence, TypedDict

from ._call import Arguments, Owned, Path, callback, check, flags, known, make, pointer, string
from ._core import Context, context_of
from ._descriptor import platform_text
from ._errors import Code, Error
from ._image import Image
from ._native import ffi, lib
from ._layer import split
from ._store import Layout
from ._watch import Cancel, Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ServeOptions(TypedDict, total=False):
    """How a layout is served (koc/ext/serve.h)."""

    address: Optional[str]  # host:port; None: a free port of 127.0.0.1
    repository: Optional[str]  # of images whose name is only a tag; None: the directory's name
    read_only: bool
    delete: bool  # allow deletion
    remote: bool  # allow addresses that other machines can reach
    tls_cert: Optional[Path]
    tls_key: Optional[Path]
    max_blob: int  # bytes of an upload; 0: 64 GiB
    max_connections: int  # 0: 128
    allow_hosts: Optional[Sequence[str]]  # host names that requests may use


class _Serve(ServeOptions, Watching, total=False):
    """Both."""


def serve(
    layout: Layout,
    *,
    ready: Optional[Callable[[str], object]] = None,
    context: Optional[Context] = None,
    **options: Unpack[_Serve],
) -> None:
    """Serves a layout as a registry until cancel= is triggered (Code.ECANCELLED) or timeout= passes.

    ready(url) is called when it accepts requests. There is no authentication.
    """
    a, (given, watch) = Arguments(), split(options)
    known(given, ServeOptions)
    made = a.options("koc_serve_options", allow_hosts=a.strings(given.get("allow_hosts")))
    switches = {name: given.get(name, False) for name in ("read_only", "delete", "remote")}
    made.flags = flags("SERVE_", **switches)
    for name in ("address", "repository", "tls_cert", "tls_key"):
        setattr(made, name, a.string(given.get(name)))
    made.max_blob, made.max_connections = given.get("max_blob", 0), given.get("max_connections", 0)
    if ready is not None:
        made.ready, made.payload = lib.koc_py_ready, a.keep(ffi.new_handle(ready))
    with Op(watch) as op:
        check(lib.koc_serve, context_of(context), pointer(layout, Layout), made, op)


@callback("koc_py_ready")
def _ready(url: Any, payload: Any) -> None:
    ffi.from_handle(payload)(string(url))


class Server:
    """serve() in a thread: with koc.Server(layout) as server: … server.host …"""

    url: str  # "http://127.0.0.1:41234"

    def __init__(
        self, layout: Layout, *, context: Optional[Context] = None, **options: Unpack[ServeOptions]
    ) -> None:
        known(options, ServeOptions)
        self._cancel, self._started = Cancel(), threading.Event()
        self._failure: Optional[BaseException] = None

        def run() -> None:
            try:
                serve(layout, ready=self._ready, context=context, cancel=self._cancel, **options)
            except BaseException as failure:
                self._failure = failure
            finally:
                self._started.set()

        self._thread = threading.Thread(target=run, name="koc.Server", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def _ready(self, url: str) -> None:
        self.url = url
        self._started.set()

    @property
    def host(self) -> str:
        """ "127.0.0.1:41234": where references begin."""
        return self.url.partition("://")[2]

    def close(self) -> None:
        """Ends the server; running requests get 5 s to finish."""
        self._cancel.trigger()
        self._thread.join()
        failure, self._failure = self._failure, None
        if failure is not None and not (isinstance(failure, Error) and failure.code == Code.ECANCELLED):
            raise failure

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<koc.Server at {self.url}>"


class Daemon(Owned):
    """The local container engine (Docker, podman), found as docker's client does. Belongs to one thread at a time.

    Code.ENOTFOUND: there is none; Code.EDENIED: this user may not use it.
    """

    def __init__(self, context: Optional[Context] = None, **watch: Unpack[Watching]) -> None:
        ctx = context_of(context)
        with Op(watch) as op:
            self._c = make("koc_daemon", lib.koc_daemon_open, ctx, op)

    @property
    def address(self) -> str:
        """As for DOCKER_HOST."""
        return string(lib.koc_daemon_address(self._c))

    @property
    def source(self) -> str:
        """Where the address comes from: "DOCKER_HOST", "docker context x", "found"."""
        return string(lib.koc_daemon_source(self._c))

    @property
    def engine(self) -> str:
        """ "docker" or "podman"."""
        return string(lib.koc_daemon_engine(self._c))

    @property
    def version(self) -> str:
        return string(lib.koc_daemon_version(self._c))

    @property
    def platform(self) -> str:
        """Of the images that it runs."""
        return platform_text(lib.koc_daemon_platform(self._c))

    def load(self, image: Image, names: Sequence[str], **watch: Unpack[Watching]) -> int:
        """Loads an image under names ("repository:tag"); returns the bytes that were sent, 0 if it had everything."""
        a, sent = Arguments(), ffi.new("uint64_t *")
        listed = a.strings(names)
        with Op(watch) as op:
            check(lib.koc_daemon_load, self._c, pointer(image, Image), listed, op, sent)
        return int(sent[0])

    def _describe(self) -> str:
        return f"{self.engine} {self.version} at {self.address}"
