use std::ffi::{c_int, c_void};
use std::io::{self, Read};

use crate::error::Result;
use crate::ffi::{c_string, check, make, object, owned};
use crate::object::shared;
use crate::panics;
use crate::reader::{answer, Reader};

/// HTTP exchanges in the place of libcurl: over another stack, through a gateway, from a recording in a test. The library
/// adds credentials, follows redirects, retries, resumes and verifies.
pub struct Transport(pub(crate) *mut koc_sys::koc_transport);
shared!(Transport, koc_transport, koc_transport_ref, koc_transport_unref);

/// A request to send. Reads as its body.
pub struct Request<'a> {
    raw: &'a koc_sys::koc_transport_request,
}

impl Request<'_> {
    /// "GET".
    pub fn method(&self) -> String {
        unsafe { owned(self.raw.method) }
    }

    /// The whole URL.
    pub fn url(&self) -> String {
        unsafe { owned(self.raw.url) }
    }

    /// Names and values. Secrets are in them.
    pub fn headers(&self) -> Vec<(String, String)> {
        unsafe { headers(self.raw.headers, self.raw.n_headers) }
    }

    /// Bytes of the body; None: there is no body.
    pub fn body_size(&self) -> Option<u64> {
        (!self.raw.body.is_null()).then_some(self.raw.body_size)
    }
}

impl Read for Request<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.raw.body.is_null() {
            return Ok(0);
        }
        let (body, data, len) = (self.raw.body, out.as_mut_ptr().cast(), out.len());
        Ok(unsafe { make(0, |n, e| koc_sys::koc_reader_read(body, data, len, n, e), |n| n) }?)
    }
}

pub(crate) unsafe fn headers(list: *const koc_sys::koc_kv, n: usize) -> Vec<(String, String)> {
    let pair = |i| {
        let kv = &*list.add(i);
        (owned(kv.key), owned(kv.value))
    };
    (0..n).map(pair).collect()
}

/// What a transport answers.
#[must_use]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<Box<dyn Read + Send>>,
}

impl Reply {
    /// A status from 100 to 599.
    pub fn new(status: u16) -> Self {
        Reply { status, headers: Vec::new(), body: None }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// The body; it is read after the transport has returned.
    pub fn body(mut self, body: impl Read + Send + 'static) -> Self {
        self.body = Some(Box::new(body));
        self
    }

    unsafe fn give(self, raw: *mut koc_sys::koc_transport_reply) -> Result<()> {
        check(|e| koc_sys::koc_transport_reply_set_status(raw, self.status.into(), e))?;
        for (name, value) in &self.headers {
            let (name, value) = (c_string(name.as_str())?, c_string(value.as_str())?);
            let (name, value) = (name.as_ptr(), value.as_ptr());
            check(|e| koc_sys::koc_transport_reply_add_header(raw, name, value, e))?;
        }
        if let Some(body) = self.body {
            let body = Reader::new(body)?;
            check(|e| koc_sys::koc_transport_reply_set_body(raw, body.0, e))?;
            std::mem::forget(body); // the reply has it now
        }
        Ok(())
    }
}

type Send_ = Box<dyn Fn(&mut Request<'_>) -> Result<Reply> + Send + Sync>;

impl Transport {
    /// `send` is called on the thread of the call that needs it. With [`crate::Code::NET`] and
    /// [`crate::Code::TIMEOUT`] the library may try again; every other code ends the call.
    pub fn new(
        send: impl Fn(&mut Request<'_>) -> Result<Reply> + Send + Sync + 'static,
    ) -> Result<Self> {
        let payload: *mut Send_ = Box::into_raw(Box::new(Box::new(send)));
        let ops = koc_sys::koc_transport_ops {
            send: Some(on_send),
            release: Some(on_release),
            ..Default::default()
        };
        let made = unsafe {
            object(|out, e| koc_sys::koc_transport_new(&ops, payload.cast(), out, e), Transport)
        };
        if made.is_err() {
            drop(unsafe { Box::from_raw(payload) });
        }
        made
    }
}

unsafe extern "C" fn on_send(
    payload: *mut c_void,
    request: *const koc_sys::koc_transport_request,
    reply: *mut koc_sys::koc_transport_reply,
    err: *mut *mut koc_sys::koc_error,
) -> c_int {
    let send = &*payload.cast::<Send_>();
    let exchange = || {
        let answer = send(&mut Request { raw: &*request })?;
        answer.give(reply)
    };
    answer(err, exchange, |()| ())
}

unsafe extern "C" fn on_release(payload: *mut c_void) {
    panics::release(|| drop(Box::from_raw(payload.cast::<Send_>())));
}
