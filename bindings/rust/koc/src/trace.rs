use std::ffi::{c_int, c_void};
use std::time::Duration;

use crate::ffi::owned;
use crate::op::verdict;
use crate::panics;
use crate::transport::headers;

/// What a client does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceKind {
    /// It is about to be sent.
    Request,
    /// The head of its reply has come.
    Reply,
    /// There is no reply.
    Failure,
}

/// A request or its reply. Secrets are left out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trace {
    /// What happened.
    pub kind: TraceKind,
    /// Of a reply.
    pub status: Option<u16>,
    /// "GET".
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// From the request to the head of its reply.
    pub elapsed: Duration,
}

impl Trace {
    unsafe fn read(raw: &koc_sys::koc_trace) -> Self {
        Trace {
            kind: match raw.kind {
                koc_sys::KOC_TRACE_REQUEST => TraceKind::Request,
                koc_sys::KOC_TRACE_REPLY => TraceKind::Reply,
                _ => TraceKind::Failure,
            },
            status: u16::try_from(raw.status).ok().filter(|s| *s != 0),
            method: owned(raw.method),
            url: owned(raw.url),
            headers: headers(raw.headers, raw.n_headers),
            elapsed: Duration::from_millis(raw.ms.max(0) as u64),
        }
    }
}

pub(crate) type OnTrace = Box<dyn Fn(&Trace) -> bool + Send + Sync>;

pub(crate) unsafe extern "C" fn on_trace(
    event: *const koc_sys::koc_trace,
    payload: *mut c_void,
) -> c_int {
    let f = &*payload.cast::<OnTrace>();
    verdict(|| f(&Trace::read(&*event)))
}

pub(crate) unsafe extern "C" fn release_trace(payload: *mut c_void) {
    panics::release(|| drop(Box::from_raw(payload.cast::<OnTrace>())));
}
