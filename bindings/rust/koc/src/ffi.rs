//! Conversions between C and Rust.

use std::ffi::{c_char, CStr, CString};

use crate::error::{Error, Result};

/// A copy of a C string; None for NULL.
///
/// # Safety
/// `text` is NULL or a C string.
pub unsafe fn owned(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    Some(CStr::from_ptr(text).to_string_lossy().into_owned())
}

/// Bytes as a koc_str that borrows them.
pub fn view(data: &[u8]) -> koc_sys::koc_str {
    koc_sys::koc_str { ptr: data.as_ptr().cast(), len: data.len() }
}

/// A C string. A NUL within is an error, not a shorter string.
pub fn c_string(text: impl Into<Vec<u8>>) -> Result<CString> {
    CString::new(text).map_err(|_| Error::invalid("a string holds a NUL byte"))
}

/// Calls a function that has an output and an error, and returns the output.
///
/// # Safety
/// `call` must be a call of libkoc that fills its output on success.
pub unsafe fn make<T>(
    empty: T,
    call: impl FnOnce(*mut T, *mut *mut koc_sys::koc_error) -> i32,
) -> Result<T> {
    let mut out = empty;
    let mut error = std::ptr::null_mut();
    match call(&mut out, &mut error) {
        koc_sys::KOC_OK => Ok(out),
        code => Err(Error::take(code, error)),
    }
}

/// Defines a reference-counted object: Clone takes a reference, Drop releases one.
macro_rules! counted {
    ($name:ident, $c:ident, $reference:ident, $unreference:ident) => {
        impl Clone for $name {
            fn clone(&self) -> Self {
                $name(unsafe { koc_sys::$reference(self.0) })
            }
        }
        impl Drop for $name {
            fn drop(&mut self) {
                unsafe { koc_sys::$unreference(self.0) }
            }
        }
        // These may be shared between threads (koc/base.h, "Rules that hold everywhere").
        unsafe impl Send for $name {}
        unsafe impl Sync for $name {}
    };
}
pub(crate) use counted;
