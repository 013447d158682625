use std::ffi::{c_int, c_void};
use std::io::{self, Read};

use crate::error::{Code, Error, Result};
use crate::ffi::{check, make, object};
use crate::object::pointer;
use crate::panics;

/// A stream of content. Do not trust what you read before a read has returned 0 bytes or [`Reader::finish`] has
/// succeeded: a digest can be verified only at the end.
pub struct Reader(pub(crate) *mut koc_sys::koc_reader);
pointer!(Reader, koc_reader, koc_reader_free);

impl Reader {
    /// A reader of C over one of Rust.
    pub fn new(source: impl Read + Send + 'static) -> Result<Self> {
        let payload = Box::into_raw(Box::new(Source::new(source)));
        let ops = koc_sys::koc_reader_ops {
            read: Some(on_read),
            close: Some(on_close),
            ..Default::default()
        };
        let made = unsafe {
            object(|out, e| koc_sys::koc_reader_new(&ops, payload.cast(), out, e), Reader)
        };
        if made.is_err() {
            drop(unsafe { Box::from_raw(payload) });
        }
        made
    }

    /// Reads the rest and verifies the content: for formats that end before their stream does, as a tar does.
    pub fn finish(self) -> Result<()> {
        unsafe { check(|err| koc_sys::koc_reader_finish(self.0, err)) }
    }

    /// Passes the reader to C.
    pub(crate) fn into_raw(self) -> *mut koc_sys::koc_reader {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (data, len) = (out.as_mut_ptr().cast(), out.len());
        let read =
            unsafe { make(0, |n, err| koc_sys::koc_reader_read(self.0, data, len, n, err), |n| n) };
        Ok(read?)
    }
}

/// What a koc_reader of Rust has behind it.
struct Source(Box<dyn Read + Send>);

impl Source {
    fn new(source: impl Read + Send + 'static) -> Self {
        Source(Box::new(source))
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        loop {
            match self.0.read(out) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(n) if n > out.len() => {
                    return Err(Error::new(
                        Code::MISUSE,
                        "a reader returned more than it was asked for",
                    ))
                }
                other => return Ok(other?),
            }
        }
    }
}

unsafe extern "C" fn on_read(
    payload: *mut c_void,
    data: *mut c_void,
    len: usize,
    n_read: *mut usize,
    err: *mut *mut koc_sys::koc_error,
) -> c_int {
    if len == 0 {
        *n_read = 0;
        return koc_sys::KOC_OK;
    }
    data.cast::<u8>().write_bytes(0, len); // Rust must not see memory that was never written
    let out = std::slice::from_raw_parts_mut(data.cast::<u8>(), len);
    answer(err, || (*payload.cast::<Source>()).read(out), |n| *n_read = n)
}

/// Runs a callback that returns a value: stores it, or gives its error to C.
///
/// # Safety
/// `err` is NULL or valid.
pub(crate) unsafe fn answer<T>(
    err: *mut *mut koc_sys::koc_error,
    f: impl FnOnce() -> Result<T>,
    store: impl FnOnce(T),
) -> c_int {
    match panics::guard(f) {
        Some(Ok(value)) => {
            store(value);
            koc_sys::KOC_OK
        }
        Some(Err(error)) => error.give(err),
        None => Error::new(Code::USER, "a callback panicked").give(err),
    }
}

unsafe extern "C" fn on_close(payload: *mut c_void) {
    panics::release(|| drop(Box::from_raw(payload.cast::<Source>())));
}
