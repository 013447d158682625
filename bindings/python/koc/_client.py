"""The registry client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Sequence, Tuple, Union

from ._auth import AnyCredential, Auth, Credential, credential_of
from ._blob import Blob, blob_of
from ._call import Arguments, Data, Owned, Path, check, flags, lending, make, pointer, string, strings_of, view
from ._core import Context, Digest, Reference, context_of, reference_of
from ._descriptor import Descriptor, descriptor_of
from ._image import Image, Index
from ._native import ffi, lib
from ._transport import Trace, Transport
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack

Name = Union[Reference, str]


def _milliseconds(seconds: Optional[float]) -> int:
    return 0 if seconds is None else max(1, int(seconds * 1000))


class Client(Owned):
    """A registry client with its connections and tokens. Share one between threads.

    auth: an Auth, or a function that is called with (registry, repository) and returns (user, password), an access
    token, a Credential or None. Without it docker's and podman's credentials are used; docker_auth=False is anonymous.
    insecure: allow plain HTTP and unverified certificates for every registry. allow_http: hosts that may be reached by
    plain HTTP. ca_file: CAs to trust besides the system's. proxy_env: follow HTTP_PROXY and the like. offline: send no
    request. headers: sent with each request to a registry. connect_timeout, response_timeout: seconds. transport:
    sends requests in the place of libcurl. trace: called with a Trace before a request and after the head of its reply.
    """

    def __init__(
        self,
        context: Optional[Context] = None,
        *,
        auth: Union[Auth, Callable[[str, str], Optional[AnyCredential]], None] = None,
        docker_auth: bool = True,
        insecure: bool = False,
        allow_http: Optional[Sequence[str]] = None,
        ca_file: Optional[Path] = None,
        proxy_env: bool = True,
        offline: bool = False,
        headers: Optional[Mapping[str, str]] = None,
        user_agent: Optional[str] = None,
        max_connections: int = 0,
        max_attempts: int = 0,
        requests_per_second: int = 0,
        connect_timeout: Optional[float] = None,
        response_timeout: Optional[float] = None,
        transport: Union[Transport, None] = None,
        trace: Optional[Callable[[Trace], object]] = None,
    ) -> None:
        a = Arguments()
        options = a.options("koc_client_options", user_agent=a.string(user_agent), ca_file=a.string(ca_file))
        options.flags = flags("CLIENT_", insecure=insecure, no_proxy_env=not proxy_env, offline=offline)
        options.allow_http = a.strings(allow_http)
        options.headers, options.n_headers = a.pairs(headers)
        options.max_connections, options.max_attempts = max_connections, max_attempts
        options.requests_per_second = requests_per_second
        options.connect_timeout_ms = _milliseconds(connect_timeout)
        options.response_timeout_ms = _milliseconds(response_timeout)
        options.transport = pointer(transport, Transport, optional=True)
        options.auth = a.keep(pointer(_source(auth, docker_auth), Auth, optional=True))
        with lending(trace) as handle:
            if trace is not None:
                options.trace, options.trace_payload, options.trace_release = lib.koc_py_trace, handle, lib.koc_py_release
            self._c = make("koc_client", lib.koc_client_new, context_of(context), options)

    def push(
        self,
        reference: Name,
        item: Union[Image, Index],
        *,
        extra_tags: Sequence[str] = (),
        **watch: Unpack[Watching],
    ) -> Digest:
        """Pushes an image, or an index with the images that it has; only what the registry lacks is sent."""
        a, out, name = Arguments(), ffi.new("koc_digest *"), reference_of(reference)
        options = a.options("koc_push_options", extra_tags=a.strings(extra_tags))
        with Op(watch) as op:
            if isinstance(item, Index):
                check(lib.koc_client_push_index, self._c, name, item._c, options, op, out)
            else:
                check(lib.koc_client_push_image, self._c, name, pointer(item, Image), options, op, out)
        return Digest._of(out)

    def image(self, reference: Name, platform: Optional[str] = None, **watch: Unpack[Watching]) -> Image:
        """The image with this reference; of an index, the entry for platform (None: linux/amd64). Layers are read when
        needed. Code.EPLATFORM."""
        a, name = Arguments(), reference_of(reference)
        with Op(watch) as op:
            want = a.platform(platform)
            return Image._of(make("koc_image", lib.koc_client_get_image, self._c, name, want, op))

    def index(self, reference: Name, **watch: Unpack[Watching]) -> Index:
        """The index with this reference. Code.EFORMAT: it is an image."""
        name = reference_of(reference)
        with Op(watch) as op:
            return Index._of(make("koc_index", lib.koc_client_get_index, self._c, name, op))

    def tags(self, repository: Name, **watch: Unpack[Watching]) -> List[str]:
        """The tags of a repository, in byte order."""
        return self._strings(lib.koc_client_list_tags, reference_of(repository), watch)

    def repositories(self, registry: str, **watch: Unpack[Watching]) -> List[str]:
        """The repositories of a registry ("host[:port]"); not every registry lists them."""
        return self._strings(lib.koc_client_list_repositories, Arguments().string(registry), watch)

    def _strings(self, function: Any, what: Any, watch: Watching) -> List[str]:
        with Op(watch) as op:
            return strings_of(make("koc_strlist", function, self._c, what, op))

    def resolve(self, reference: Name, **watch: Unpack[Watching]) -> Descriptor:
        """The descriptor of the manifest or index with this reference, without reading it where possible."""
        a, name = Arguments(), reference_of(reference)
        storage, out = a.buffer(), a.options("koc_descriptor")
        with Op(watch) as op:
            check(lib.koc_client_resolve, self._c, name, op, storage, out)
        return descriptor_of(out[0])

    def manifest(self, reference: Name, **watch: Unpack[Watching]) -> Tuple[bytes, str]:
        """The exact bytes of a manifest or index, verified, and its media type."""
        a, name = Arguments(), reference_of(reference)
        data, kind = a.buffer(), a.buffer()
        with Op(watch) as op:
            check(lib.koc_client_get_manifest, self._c, name, op, data, kind, ffi.NULL)
        return view(data), string(kind.ptr)

    def put_manifest(self, reference: Name, data: Data, media_type: str, **watch: Unpack[Watching]) -> Digest:
        """Writes a manifest or index under its tag or digest."""
        a, out, name = Arguments(), ffi.new("koc_digest *"), reference_of(reference)
        content = a.string(media_type), a.bytes(data)
        with Op(watch) as op:
            check(lib.koc_client_put_manifest, self._c, name, *content, op, out)
        return Digest._of(out)

    def tag(self, reference: Name, *tags: str, **watch: Unpack[Watching]) -> Digest:
        """Gives more tags to a manifest or index that the registry has."""
        name = Reference(reference) if isinstance(reference, str) else reference
        data, media_type = self.manifest(name, **watch)
        for tag in tags:
            self.put_manifest(name.with_digest(None).with_tag(tag), data, media_type, **watch)
        return Digest.of(data)

    def delete(self, reference: Name, **watch: Unpack[Watching]) -> None:
        """Deletes a manifest by digest with all of its tags; without a digest only the tag."""
        name = reference_of(reference)
        with Op(watch) as op:
            check(lib.koc_client_delete_manifest, self._c, name, op)

    def referrers(
        self, subject: Name, artifact_type: Optional[str] = None, **watch: Unpack[Watching]
    ) -> List[Descriptor]:
        """What refers to subject, a reference with a digest: signatures, SBOMs."""
        a, name = Arguments(), reference_of(subject)
        kind = a.string(artifact_type)
        with Op(watch) as op:
            return Index._of(make("koc_index", lib.koc_client_list_referrers, self._c, name, kind, op)).entries

    def stat_blob(self, reference: Name, **watch: Unpack[Watching]) -> int:
        """The size of the blob that a reference names by digest. Code.ENOTFOUND."""
        size, name = ffi.new("uint64_t *"), reference_of(reference)
        with Op(watch) as op:
            check(lib.koc_client_stat_blob, self._c, name, op, size)
        return int(size[0])

    def open_blob(self, reference: Name, size: int) -> Blob:
        """The blob that a reference names by digest, of this size; it is downloaded when it is read, and verified."""
        name = reference_of(reference)
        d = Arguments().options("koc_descriptor", size=size)
        if lib.koc_reference_digest(name) != ffi.NULL:
            d.digest = lib.koc_reference_digest(name)[0]
        return Blob._of(make("koc_blob", lib.koc_client_get_blob, self._c, name, d))

    def blob(self, reference: Name, *, limit: int = 1 << 30, **watch: Unpack[Watching]) -> bytes:
        """The content of the blob that a reference names by digest."""
        size = self.stat_blob(reference, **watch)
        return self.open_blob(reference, size).read(limit=limit, **watch)

    def put_blob(self, repository: Name, content: Union[Blob, Data], **watch: Unpack[Watching]) -> Digest:
        """Uploads content if the repository does not have it."""
        blob, name = Blob._of(blob_of(content)), reference_of(repository)
        with Op(watch) as op:
            check(lib.koc_client_put_blob, self._c, name, blob._c, op)
        return blob.digest(**watch)

    def check_login(self, registry: str, **watch: Unpack[Watching]) -> bool:
        """Whether the registry requires a login, which then has succeeded. Code.EAUTH: it was not accepted."""
        asked, name = ffi.new("bool *"), Arguments().string(registry)
        with Op(watch) as op:
            check(lib.koc_client_check_login, self._c, name, op, asked)
        return bool(asked[0])

    def lookup(self, registry: str, repository: str, **watch: Unpack[Watching]) -> Optional[Credential]:
        """The credential that the client would use; None: there is none."""
        a = Arguments()
        names = a.string(registry), a.string(repository)
        with Op(watch) as op:
            return credential_of(make("koc_credential", lib.koc_client_lookup, self._c, *names, op))

    def token(
        self,
        repository: Name,
        *,
        access: Sequence[str] = ("pull",),
        mounts: Optional[Sequence[str]] = None,
        **watch: Unpack[Watching],
    ) -> Tuple[str, float]:
        """(an access token, seconds that it is valid). access: "pull", "push", "delete". mounts: repositories to pull
        from as well. Code.EUNSUPPORTED: the registry does not use tokens."""
        a, name = Arguments(), reference_of(repository)
        out, lifetime = a.buffer(), ffi.new("int64_t *")
        bits = flags("ACCESS_", **{word: True for word in access})
        with Op(watch) as op:
            check(lib.koc_client_get_token, self._c, name, bits, a.strings(mounts), op, out, lifetime)
        token = view(out).decode("utf-8")
        lib.koc_buf_wipe(out)
        return token, lifetime[0] / 1000


def _source(auth: Any, docker_auth: bool) -> Optional[Auth]:
    if auth is None:
        return Auth.docker() if docker_auth else None
    return auth if isinstance(auth, Auth) else Auth(auth)


def client_of(client: Optional[Client], context: Optional[Context]) -> Any:
    """The C object of a client; of None that of a new one with docker's credentials."""
    return Client(context)._c if client is None else pointer(client, Client)
