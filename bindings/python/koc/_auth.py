"""Credentials for registries, and the sources they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional, Tuple, Union

from ._call import Arguments, Owned, Path, callback, check, lent, make, named, names_of, notice, pointer, string, view
from ._errors import text
from ._native import ffi, lib
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack

KINDS = ("basic", "identity_token", "bearer")


@dataclass(frozen=True)
class Credential:
    """kind: "basic" is a user name and password, "identity_token" a refresh token, "bearer" an access token."""

    secret: str = field(repr=False)
    username: Optional[str] = None
    kind: str = "basic"
    source: Optional[str] = None  # where it was found, for people


AnyCredential = Union[Credential, Tuple[str, str], str]


def _credential_to(value: AnyCredential) -> Any:
    """A koc_credential, which the caller owns. A pair is a user and a password, one str an access token."""
    if isinstance(value, str):
        value = Credential(value, kind="bearer")
    elif not isinstance(value, Credential):
        user, secret = value
        value = Credential(secret, user)
    a, out = Arguments(), ffi.new("koc_credential **")
    kind = named("CRED_", value.kind, KINDS)
    check(lib.koc_credential_new, kind, a.string(value.username), a.string(value.secret), out)
    return out[0]


def credential_of(value: Any) -> Optional[Credential]:
    """Copies a koc_credential, which may be None."""
    if value is None:
        return None
    kind = names_of("KOC_CRED_").get(lib.koc_credential_kind(value), "?")
    source = text(lib.koc_credential_source(value))
    username = text(lib.koc_credential_username(value))
    return Credential(string(lib.koc_credential_secret(value)), username, kind, source)


class Auth(Owned):
    """A source of credentials: here a function, which is called with (registry, repository).

    It returns (user, password), an access token as a str, a Credential, or None. It runs on the thread of the call that
    needs it, and must not use the client that asks. rejected(registry): the server did not accept what it gave.
    """

    def __init__(
        self,
        function: Callable[[str, str], Optional[AnyCredential]],
        *,
        rejected: Optional[Callable[[str], object]] = None,
    ) -> None:
        if not callable(function):
            raise TypeError(f"a function is expected, not {type(function).__name__}")
        ops = Arguments().options("koc_auth_ops", get=lib.koc_py_auth_get, release=lib.koc_py_release)
        if rejected is not None:
            ops.rejected = lib.koc_py_auth_rejected
        self._c = lent("koc_auth", lib.koc_auth_new, ops, (function, rejected))

    @classmethod
    def docker(cls, config_path: Optional[Path] = None) -> Auth:
        """The configuration of docker and podman with their helpers, then the logins of clouds; or one file only."""
        return cls._of(make("koc_auth", lib.koc_auth_docker, Arguments().string(config_path)))

    @classmethod
    def static(cls, registry: str, credential: AnyCredential) -> Auth:
        """One credential for one registry."""
        a = Arguments()
        secret = ffi.gc(_credential_to(credential), lib.koc_credential_free)
        return cls._of(make("koc_auth", lib.koc_auth_static, a.string(registry), secret))

    @classmethod
    def chain(cls, *sources: Auth) -> Auth:
        """Asks each source in turn; the first credential wins."""
        a = Arguments()
        listed = a.pointers("koc_auth", [pointer(s, Auth) for s in sources])
        return cls._of(make("koc_auth", lib.koc_auth_chain, *listed))

    def lookup(self, registry: str, repository: str, **watch: Unpack[Watching]) -> Optional[Credential]:
        """The credential for a registry and repository; None: this source has none."""
        a = Arguments()
        names = a.string(registry), a.string(repository)
        with Op(watch) as op:
            return credential_of(make("koc_credential", lib.koc_auth_lookup, self._c, *names, op))


@callback("koc_py_auth_get", reports=True)
def _get(self: Any, registry: Any, repository: Any, _: Any, out: Any, __: Any) -> None:
    function, _rejected = ffi.from_handle(self)
    found = function(string(registry), string(repository))
    if found is not None:
        out[0] = _credential_to(found)


@notice("koc_py_auth_rejected")
def _rejected(self: Any, registry: Any) -> None:
    _, rejected = ffi.from_handle(self)
    rejected(string(registry))


def registry_name(value: str) -> str:
    """The registry that a text names, in the form that all calls use: "host[:port]"; Docker Hub is one name."""
    a = Arguments()
    out = a.buffer()
    check(lib.koc_auth_registry, a.string(value), out)
    return view(out).decode("utf-8")


def login(
    registry: str,
    credential: AnyCredential,
    *,
    config_path: Optional[Path] = None,
    **watch: Unpack[Watching],
) -> str:
    """Stores a credential in docker's configuration, or in the helper that it names; returns the path of the file.

    No request is sent: Client.check_login() says whether the registry accepts it.
    """
    a = Arguments()
    secret = ffi.gc(_credential_to(credential), lib.koc_credential_free)
    path, where, name = a.string(config_path), a.buffer(), a.string(registry_name(registry))
    with Op(watch) as op:
        check(lib.koc_auth_docker_store, path, name, secret, op, where)
    return view(where).decode("utf-8")


def logout(registry: str, *, config_path: Optional[Path] = None, **watch: Unpack[Watching]) -> str:
    """Removes what login() stored; returns the path of the file. Code.ENOTFOUND: nothing is stored."""
    a = Arguments()
    path, where, name = a.string(config_path), a.buffer(), a.string(registry_name(registry))
    with Op(watch) as op:
        check(lib.koc_auth_docker_erase, path, name, op, where)
    return view(where).decode("utf-8")
