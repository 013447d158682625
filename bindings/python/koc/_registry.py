"""The registry client."""

from typing import Optional, Sequence

from ._call import Arguments, Watch, check, ffi, lib, make
from ._core import Context, Digest, Reference
from ._image import Image


class Client:
    """A registry client with its connections and tokens. Share one between threads.

    docker_auth: use docker's and podman's credentials; False is anonymous.
    insecure: allow plain HTTP and unverified certificates for every registry.
    allow_http: hosts that may be reached by plain HTTP.
    """

    def __init__(
        self,
        context: Context,
        *,
        docker_auth: bool = True,
        insecure: bool = False,
        ca_file=None,
        allow_http: Optional[Sequence[str]] = None
    ):
        a = Arguments()
        options = a.options(
            "koc_client_options",
            ca_file=a.string(ca_file),
            allow_http=a.strings(allow_http),
            flags=lib.KOC_CLIENT_INSECURE if insecure else 0,
        )
        if docker_auth:
            options.auth = a.keep(
                make("koc_auth", lib.koc_auth_unref, lib.koc_auth_docker, ffi.NULL)
            )
        self._c = make("koc_client", lib.koc_client_unref, lib.koc_client_new, context._c, options)

    def push(
        self, reference: Reference, image: Image, *, extra_tags: Sequence[str] = (), **watch
    ) -> Digest:
        """Pushes an image; only what the registry lacks is sent. Returns its digest."""
        a, w = Arguments(), Watch(**watch)
        options = a.options("koc_push_options", extra_tags=a.strings(extra_tags))
        out = ffi.new("koc_digest *")
        with w.calls() as op:
            check(lib.koc_client_push_image, self._c, reference._c, image._c, options, op, out)
        return Digest._of(out)

    def image(self, reference: Reference, platform: Optional[str] = None, **watch) -> Image:
        """The image with this reference; of an index, the entry for platform (None: linux/amd64)."""
        a, w = Arguments(), Watch(**watch)
        with w.calls() as op:
            return Image(
                make(
                    "koc_image",
                    lib.koc_image_unref,
                    lib.koc_client_get_image,
                    self._c,
                    reference._c,
                    a.platform(platform),
                    op,
                )
            )
