use std::fmt;

use crate::ffi::owned;

pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed: a `KOC_E*` code of koc/base.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub i32);

impl Code {
    pub const INVALID: Code = Code(koc_sys::KOC_EINVAL);
    pub const NOT_FOUND: Code = Code(koc_sys::KOC_ENOTFOUND);
    pub const AUTH: Code = Code(koc_sys::KOC_EAUTH);
    pub const DENIED: Code = Code(koc_sys::KOC_EDENIED);
    pub const TIMEOUT: Code = Code(koc_sys::KOC_ETIMEOUT);
    pub const CANCELLED: Code = Code(koc_sys::KOC_ECANCELLED);
    pub const PROCESS: Code = Code(koc_sys::KOC_EPROCESS);
    pub const USER: Code = Code(koc_sys::KOC_EUSER);

    /// "KOC_EINVAL".
    pub fn name(self) -> String {
        unsafe { owned(koc_sys::koc_code_name(self.0)) }.unwrap_or_default()
    }
}

/// A call failed. Displays as one line for people: what failed, on what, why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Error {
    pub code: Code,
    pub message: String,
    /// The option whose value was rejected: a member of the call's options ("jobs").
    pub option: Option<String>,
    /// What to do or check next, in the words of the library.
    pub hint: Option<String>,
    /// What the hint is about, to phrase it yourself: a `KOC_HINT_*` value of koc/error.h.
    pub hint_kind: i32,
    /// The registry or option that the hint is about.
    pub hint_argument: Option<String>,
    /// Output of a tool (the Go compiler's errors) that belongs before the message.
    pub detail: Option<String>,
    /// The HTTP status behind the failure, 0 if there is none.
    pub http_status: i32,
    pub registry_code: Option<String>,
    /// Whether the same call may succeed later without any change.
    pub retryable: bool,
}

impl Error {
    pub(crate) fn invalid(message: &str) -> Self {
        Error {
            code: Code::INVALID,
            message: message.to_string(),
            option: None,
            hint: None,
            hint_kind: koc_sys::KOC_HINT_NONE,
            hint_argument: None,
            detail: None,
            http_status: 0,
            registry_code: None,
            retryable: false,
        }
    }

    /// Owns the error of a call that returned `code`.
    ///
    /// # Safety
    /// `error` is NULL or owned by the caller.
    pub(crate) unsafe fn take(code: i32, error: *mut koc_sys::koc_error) -> Self {
        let taken = Error {
            code: Code(code),
            message: owned(koc_sys::koc_error_message(error)).unwrap_or_default(),
            option: owned(koc_sys::koc_error_option(error)),
            hint: owned(koc_sys::koc_error_hint(error)),
            hint_kind: koc_sys::koc_error_hint_kind(error),
            hint_argument: owned(koc_sys::koc_error_hint_argument(error)),
            detail: owned(koc_sys::koc_error_detail(error)),
            http_status: koc_sys::koc_error_http_status(error),
            registry_code: owned(koc_sys::koc_error_registry_code(error)),
            retryable: koc_sys::koc_error_is_retryable(error),
        };
        koc_sys::koc_error_free(error);
        taken
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
