"""What a failed call raises."""

from __future__ import annotations

import enum
from typing import Any, Optional

from ._native import ffi, lib


class Code(enum.IntEnum):
    """Why a call failed: the KOC_E* codes of koc/base.h. A code keeps its value for ever (docs/errors.md)."""

    OK = 0
    EMISUSE = -1
    ENOMEM = -2
    EINVAL = -3
    EIO = -4
    ENOTFOUND = -5
    EEXISTS = -6
    ELIMIT = -7
    EFORMAT = -8
    EDIGEST = -9
    ENET = -10
    ETLS = -11
    EHTTP = -12
    EAUTH = -13
    EDENIED = -14
    ERATE = -15
    ETIMEOUT = -16
    ECANCELLED = -17
    EUNSUPPORTED = -18
    EPLATFORM = -19
    EPROCESS = -20
    ECONFLICT = -21
    EVERIFY = -22
    EUSER = -30


class Hint(enum.IntEnum):
    """What a hint is about: the KOC_HINT_* values of koc/error.h."""

    NONE = 0
    LOGIN = 1
    OTHER_LOGIN = 2
    ALLOW_HTTP = 3
    TRUST_CA = 4
    CLIENT_CERT = 5
    SCRATCH_BASE = 6
    ONLINE = 7
    NO_PUSH = 8
    OPTION = 9
    OFFLINE = 10
    LIST_TAGS = 11
    NO_SUCH_BASE = 12


def text(value: Any) -> Optional[str]:
    """A C string as a str; NULL as None."""
    return None if value == ffi.NULL else str(ffi.string(value).decode("utf-8", "replace"))


class Error(Exception):
    """A call of libkoc failed. str() is one line for people: what failed, on what, why.

    code: a Code, or a number of a newer library. option: the option whose value was rejected. hint, hint_kind (a
    Hint), hint_argument: what to do next. detail: output of a tool, such as compile errors. http_status,
    registry_code: the registry's response; 0 and None without one. retryable: the same call may succeed later.
    __cause__ is the Error that led to this one, or the exception of a callback.
    """

    code: int = Code.EUSER
    option: Optional[str] = None
    hint: Optional[str] = None
    hint_kind: int = Hint.NONE
    hint_argument: Optional[str] = None
    detail: Optional[str] = None
    http_status: int = 0
    registry_code: Optional[str] = None
    retryable: bool = False

    @classmethod
    def _of(cls, error: Any) -> Error:
        """Copies a koc_error with its causes."""
        self = cls(text(lib.koc_error_message(error)))
        code, kind = lib.koc_error_code(error), lib.koc_error_hint_kind(error)
        self.code = Code(code) if code in Code._value2member_map_ else code
        self.option = text(lib.koc_error_option(error))
        self.hint = text(lib.koc_error_hint(error))
        self.hint_kind = Hint(kind) if kind in Hint._value2member_map_ else kind
        self.hint_argument = text(lib.koc_error_hint_argument(error))
        self.detail = text(lib.koc_error_detail(error))
        self.http_status = lib.koc_error_http_status(error)
        self.registry_code = text(lib.koc_error_registry_code(error))
        self.retryable = bool(lib.koc_error_is_retryable(error))
        cause = lib.koc_error_cause(error)
        if cause != ffi.NULL:
            self.__cause__ = cls._of(cause)
        return self

    @property
    def code_name(self) -> str:
        """The name of the code in C: "KOC_EDIGEST"."""
        return text(lib.koc_code_name(self.code)) or ""
