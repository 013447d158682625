"""The registry client."""

from dataclasses import dataclass
from typing import Callable, List, Mapping, Optional, Sequence, Tuple, Union

from ._call import Arguments, Owned, Watch, check, digest_text, ffi, lib, make, strings_of, text
from ._core import Context, Digest, Reference
from ._image import Image


@dataclass(frozen=True)
class Descriptor:
    """Describes content (OCI image-spec, descriptor.md)."""

    media_type: str
    digest: str
    size: int
    artifact_type: Optional[str] = None


def _descriptor(d) -> Descriptor:
    return Descriptor(
        text(d.media_type) or "", digest_text(ffi.addressof(d, "digest")) or "", d.size, text(d.artifact_type)
    )


Credential = Union[None, str, Tuple[str, str]]


@ffi.def_extern(error=lib.KOC_EUSER)
def koc_py_auth_get(self, registry, repository, op, out, err):
    function = ffi.from_handle(self)
    try:
        found = function(text(registry), text(repository))
    except Exception as exception:
        err[0] = lib.koc_error_new(lib.KOC_EUSER, str(exception).encode("utf-8", "replace"))
        return lib.KOC_EUSER
    if found is None:
        return lib.KOC_OK
    if isinstance(found, str):
        return lib.koc_credential_new(lib.KOC_CRED_BEARER, ffi.NULL, found.encode(), out, err)
    user, secret = found
    return lib.koc_credential_new(lib.KOC_CRED_BASIC, user.encode(), secret.encode(), out, err)


@ffi.def_extern()
def koc_py_auth_release(self):
    _handles.discard(self)


_handles = set()  # of functions that give credentials, as long as C refers to them


def _auth_of(function):
    handle = ffi.new_handle(function)
    ops = Arguments().options("koc_auth_ops", get=lib.koc_py_auth_get, release=lib.koc_py_auth_release)
    auth = make("koc_auth", lib.koc_auth_unref, lib.koc_auth_new, ops, handle)
    _handles.add(handle)
    return auth


class Client(Owned):
    """A registry client with its connections and tokens. Share one between threads.

    docker_auth: use docker's and podman's credentials; False is anonymous.
    auth: called with (registry, repository) in place of those; returns (user, password), an access token as
    a str, or None. It may run on any thread that makes a call with this client.
    headers: sent with each request to a registry. user_agent: in place of "koc/<version>".
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
        allow_http: Optional[Sequence[str]] = None,
        auth: Optional[Callable[[str, str], Credential]] = None,
        headers: Optional[Mapping[str, str]] = None,
        user_agent: Optional[str] = None,
    ):
        a = Arguments()
        fields, count = a.pairs(headers)
        options = a.options(
            "koc_client_options",
            headers=fields,
            n_headers=count,
            user_agent=a.string(user_agent),
            ca_file=a.string(ca_file),
            allow_http=a.strings(allow_http),
            flags=lib.KOC_CLIENT_INSECURE if insecure else 0,
        )
        if auth is not None:
            options.auth = a.keep(_auth_of(auth))
        elif docker_auth:
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

    def tags(self, repository: Reference, **watch) -> List[str]:
        """The tags of a repository, in byte order."""
        return self._strings(lib.koc_client_list_tags, repository._c, watch)

    def repositories(self, registry: str, **watch) -> List[str]:
        """The repositories of a registry ("host[:port]"); not every registry lists them."""
        return self._strings(lib.koc_client_list_repositories, Arguments().string(registry), watch)

    def _strings(self, function, what, watch):
        w = Watch(**watch)
        with w.calls() as op:
            found = make("koc_strlist", lib.koc_strlist_free, function, self._c, what, op)
        return strings_of(found)

    def resolve(self, reference: Reference, **watch) -> Descriptor:
        """The descriptor of the manifest or index with this reference."""
        a, w = Arguments(), Watch(**watch)
        storage = ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose)
        out = a.options("koc_descriptor")
        with w.calls() as op:
            check(lib.koc_client_resolve, self._c, reference._c, op, storage, out)
        return _descriptor(out[0])

    def manifest(self, reference: Reference, **watch) -> Tuple[bytes, str]:
        """The exact bytes of a manifest or index, verified, and its media type."""
        w = Watch(**watch)
        data = ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose)
        kind = ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose)
        with w.calls() as op:
            check(lib.koc_client_get_manifest, self._c, reference._c, op, data, kind, ffi.NULL)
        return ffi.buffer(data.ptr, data.len)[:], text(kind.ptr) or ""

    def put_manifest(self, reference: Reference, data: bytes, media_type: str, **watch) -> Digest:
        """Writes a manifest or index under its tag or digest."""
        a, w = Arguments(), Watch(**watch)
        out = ffi.new("koc_digest *")
        with w.calls() as op:
            check(
                lib.koc_client_put_manifest,
                self._c,
                reference._c,
                a.string(media_type),
                a.bytes(data),
                op,
                out,
            )
        return Digest._of(out)

    def delete(self, reference: Reference, **watch) -> None:
        """Deletes a manifest by digest with all of its tags; without a digest only the tag."""
        w = Watch(**watch)
        with w.calls() as op:
            check(lib.koc_client_delete_manifest, self._c, reference._c, op)

    def referrers(
        self, subject: Reference, artifact_type: Optional[str] = None, **watch
    ) -> List[Descriptor]:
        """What refers to subject, a reference with a digest: signatures, SBOMs."""
        a, w = Arguments(), Watch(**watch)
        with w.calls() as op:
            index = make(
                "koc_index",
                lib.koc_index_unref,
                lib.koc_client_list_referrers,
                self._c,
                subject._c,
                a.string(artifact_type),
                op,
            )
        return [_descriptor(lib.koc_index_get(index, i)[0]) for i in range(lib.koc_index_count(index))]

    def blob(self, reference: Reference, *, limit: int = 1 << 30, **watch) -> bytes:
        """The content of the blob that a reference names by digest."""
        a, w = Arguments(), Watch(**watch)
        size = ffi.new("uint64_t *")
        out = ffi.gc(ffi.new("koc_buf *"), lib.koc_buf_dispose)
        descriptor = a.options("koc_descriptor", digest=lib.koc_reference_digest(reference._c)[0])
        with w.calls() as op:
            check(lib.koc_client_stat_blob, self._c, reference._c, op, size)
            descriptor.size = size[0]
            blob = make(
                "koc_blob",
                lib.koc_blob_unref,
                lib.koc_client_get_blob,
                self._c,
                reference._c,
                descriptor,
            )
            check(lib.koc_blob_read_all, blob, limit, op, out)
        return ffi.buffer(out.ptr, out.len)[:] if out.len else b""

    def put_blob(self, repository: Reference, data: bytes, **watch) -> Digest:
        """Uploads data if the repository does not have it."""
        a, w = Arguments(), Watch(**watch)
        blob = make("koc_blob", lib.koc_blob_unref, lib.koc_blob_from_bytes, a.bytes(data))
        with w.calls() as op:
            check(lib.koc_client_put_blob, self._c, repository._c, blob, op)
        return Digest.of(data)
