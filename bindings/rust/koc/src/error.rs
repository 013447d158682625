use std::ffi::{c_int, CString};
use std::fmt;
use std::io;

use crate::ffi::{optional, owned};

/// The result of every call that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it was: a `KOC_E*` code of koc/base.h. Later versions of the library add codes: treat one
/// that you do not know as a plain failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(pub i32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:ident;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Code = Code(koc_sys::$value);)*
        }
    };
}

codes! {
    /// Wrong call: an object that is finished, an option that does not exist.
    MISUSE = KOC_EMISUSE;
    /// Out of memory.
    NO_MEMORY = KOC_ENOMEM;
    /// A value is not valid.
    INVALID = KOC_EINVAL;
    /// The file system or a pipe failed.
    IO = KOC_EIO;
    /// It does not exist.
    NOT_FOUND = KOC_ENOTFOUND;
    /// It exists already.
    EXISTS = KOC_EEXISTS;
    /// A limit was exceeded.
    LIMIT = KOC_ELIMIT;
    /// Bytes do not parse.
    FORMAT = KOC_EFORMAT;
    /// Content does not match its digest or size.
    DIGEST = KOC_EDIGEST;
    /// Connecting, sending or receiving failed.
    NET = KOC_ENET;
    /// A certificate or TLS failed.
    TLS = KOC_ETLS;
    /// The registry returned an error status.
    HTTP = KOC_EHTTP;
    /// Credentials are missing or not accepted.
    AUTH = KOC_EAUTH;
    /// Credentials do not permit this.
    DENIED = KOC_EDENIED;
    /// The registry limits the rate of requests.
    RATE = KOC_ERATE;
    /// A time limit passed.
    TIMEOUT = KOC_ETIMEOUT;
    /// [`crate::Cancel::trigger`] was called.
    CANCELLED = KOC_ECANCELLED;
    /// Valid, but this build or this format cannot do it.
    UNSUPPORTED = KOC_EUNSUPPORTED;
    /// No image for the requested platform.
    PLATFORM = KOC_EPLATFORM;
    /// A child process (go, git, credential helper) failed.
    PROCESS = KOC_EPROCESS;
    /// Something else changed the same thing meanwhile.
    CONFLICT = KOC_ECONFLICT;
    /// A check found problems.
    VERIFY = KOC_EVERIFY;
    /// A callback ended the call.
    USER = KOC_EUSER;
}

impl Code {
    /// "KOC_EINVAL"; "KOC_E?" for a code that this version of the library does not know.
    pub fn name(self) -> String {
        unsafe { owned(koc_sys::koc_code_name(self.0)) }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// A call failed. Displays as one line for people: what failed, on what, why.
/// [`source`](std::error::Error::source) is the error that led to it.
#[derive(Clone)]
pub struct Error(Box<Details>);

#[derive(Clone, Default)]
struct Details {
    code: i32,
    message: String,
    option: Option<String>,
    hint: Option<String>,
    hint_kind: i32,
    hint_argument: Option<String>,
    detail: Option<String>,
    http_status: i32,
    registry_code: Option<String>,
    retryable: bool,
    cause: Option<Error>,
}

impl Error {
    /// An error for a callback to return. `message` is one line without secrets.
    pub fn new(code: Code, message: &str) -> Self {
        Error(Box::new(Details {
            code: code.0,
            message: message.to_string(),
            ..Details::default()
        }))
    }

    /// The code that the call returned.
    pub fn code(&self) -> Code {
        Code(self.0.code)
    }

    /// What failed, on what, why: one line.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The option whose value was rejected: a member of the call's options ("jobs").
    pub fn option(&self) -> Option<&str> {
        self.0.option.as_deref()
    }

    /// What to do or check next, in the words of the library.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What the hint is about, to phrase it yourself: a `KOC_HINT_*` value of `koc_sys`.
    pub fn hint_kind(&self) -> i32 {
        self.0.hint_kind
    }

    /// The registry or option that the hint is about.
    pub fn hint_argument(&self) -> Option<&str> {
        self.0.hint_argument.as_deref()
    }

    /// Output of a tool (the Go compiler's errors) that belongs before the message.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The HTTP status behind the failure.
    pub fn http_status(&self) -> Option<u16> {
        u16::try_from(self.0.http_status).ok().filter(|s| *s != 0)
    }

    /// The registry's own code, "MANIFEST_UNKNOWN".
    pub fn registry_code(&self) -> Option<&str> {
        self.0.registry_code.as_deref()
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Owns the error of a call that returned `code`.
    ///
    /// # Safety
    /// `error` is NULL or owned by the caller.
    pub(crate) unsafe fn take(code: c_int, error: *mut koc_sys::koc_error) -> Self {
        let mut taken = Self::read(error);
        taken.0.code = code;
        koc_sys::koc_error_free(error);
        taken
    }

    unsafe fn read(error: *const koc_sys::koc_error) -> Self {
        let cause = koc_sys::koc_error_cause(error);
        Error(Box::new(Details {
            code: koc_sys::koc_error_code(error),
            message: owned(koc_sys::koc_error_message(error)),
            option: optional(koc_sys::koc_error_option(error)),
            hint: optional(koc_sys::koc_error_hint(error)),
            hint_kind: koc_sys::koc_error_hint_kind(error),
            hint_argument: optional(koc_sys::koc_error_hint_argument(error)),
            detail: optional(koc_sys::koc_error_detail(error)),
            http_status: koc_sys::koc_error_http_status(error),
            registry_code: optional(koc_sys::koc_error_registry_code(error)),
            retryable: koc_sys::koc_error_is_retryable(error),
            cause: (!cause.is_null()).then(|| Self::read(cause)),
        }))
    }

    /// Gives the error to C: sets `*err`, and returns the code that the callback returns.
    ///
    /// # Safety
    /// `err` is NULL or valid.
    pub(crate) unsafe fn give(self, err: *mut *mut koc_sys::koc_error) -> c_int {
        let code = if self.0.code < 0 { self.0.code } else { koc_sys::KOC_EUSER };
        if !err.is_null() {
            let message = CString::new(self.0.message.replace('\0', "?")).unwrap_or_default();
            *err = koc_sys::koc_error_new(code, message.as_ptr());
        }
        code
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &self.0;
        write!(f, "{:?}: {}", self.code(), d.message)?;
        d.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))?;
        d.cause.as_ref().map_or(Ok(()), |cause| write!(f, ", caused by {cause:?}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|c| c as _)
    }
}

/// For [`std::io::Read`] and `?`: the koc error is the inner one.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.code() {
            Code::NOT_FOUND => io::ErrorKind::NotFound,
            Code::EXISTS => io::ErrorKind::AlreadyExists,
            Code::DENIED => io::ErrorKind::PermissionDenied,
            Code::TIMEOUT => io::ErrorKind::TimedOut,
            Code::FORMAT | Code::DIGEST => io::ErrorKind::InvalidData,
            Code::INVALID | Code::MISUSE => io::ErrorKind::InvalidInput,
            Code::NO_MEMORY => io::ErrorKind::OutOfMemory,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// A koc error that went through [`std::io`] comes back as it was.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(inner) => inner.clone(),
            None => Error::new(Code::IO, &error.to_string()),
        }
    }
}
