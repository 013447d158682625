//! Conversions between C and Rust, and the calls of C functions.

use std::ffi::{c_char, c_int, CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::panics;

/// A copy of a C string; None for NULL.
///
/// # Safety
/// `text` is NULL or a C string.
pub unsafe fn optional(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    Some(CStr::from_ptr(text).to_string_lossy().into_owned())
}

/// The same where NULL means an empty string.
///
/// # Safety
/// `text` is NULL or a C string.
pub unsafe fn owned(text: *const c_char) -> String {
    optional(text).unwrap_or_default()
}

/// Bytes as a koc_str that borrows them.
pub fn view(data: &[u8]) -> koc_sys::koc_str {
    koc_sys::koc_str { ptr: data.as_ptr().cast(), len: data.len() }
}

/// No bytes, not even an empty string.
pub fn nothing() -> koc_sys::koc_str {
    koc_sys::koc_str { ptr: std::ptr::null(), len: 0 }
}

/// The bytes of a koc_str.
///
/// # Safety
/// What `s` points to lives as long as the result.
pub unsafe fn bytes<'a>(s: koc_sys::koc_str) -> &'a [u8] {
    if s.len == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(s.ptr.cast(), s.len)
    }
}

/// A koc_str of UTF-8 as text.
///
/// # Safety
/// As `bytes`.
pub unsafe fn text(s: koc_sys::koc_str) -> String {
    String::from_utf8_lossy(bytes(s)).into_owned()
}

/// A C string. A NUL within is an error, not a shorter string.
pub fn c_string(text: impl Into<Vec<u8>>) -> Result<CString> {
    CString::new(text)
        .map_err(|e| Error::new(Code::INVALID, &format!("a string holds a NUL byte: {e}")))
}

/// A path as a C string.
pub fn c_path(path: &Path) -> Result<CString> {
    c_string(path.as_os_str().as_bytes())
}

/// The strings of a list; NULL is empty.
///
/// # Safety
/// `list` is NULL or a list.
pub unsafe fn strings(list: *const koc_sys::koc_strlist) -> Vec<String> {
    (0..koc_sys::koc_strlist_count(list))
        .map(|i| owned(koc_sys::koc_strlist_get(list, i)))
        .collect()
}

/// Splits "key=value".
pub fn pairs(list: Vec<String>) -> Vec<(String, String)> {
    let split = |entry: String| match entry.split_once('=') {
        Some((key, value)) => (key.to_string(), value.to_string()),
        None => (entry, String::new()),
    };
    list.into_iter().map(split).collect()
}

/// A koc_buf that a function fills.
pub struct Buffer(pub koc_sys::koc_buf);

impl Buffer {
    pub fn new() -> Self {
        Buffer(koc_sys::koc_buf { ptr: std::ptr::null_mut(), len: 0, capacity: 0 })
    }

    pub fn bytes(&self) -> &[u8] {
        unsafe { bytes(koc_sys::koc_str { ptr: self.0.ptr, len: self.0.len }) }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        unsafe { koc_sys::koc_buf_dispose(&mut self.0) }
    }
}

/// Calls a function that has an error. A panic of a callback continues from here.
///
/// # Safety
/// `call` must be a call of libkoc.
pub unsafe fn check(call: impl FnOnce(*mut *mut koc_sys::koc_error) -> c_int) -> Result<()> {
    let mut error = std::ptr::null_mut();
    let result = match call(&mut error) {
        koc_sys::KOC_OK => Ok(()),
        code => Err(Error::take(code, error)),
    };
    panics::resume();
    result
}

/// Calls a function that has an output as well. `wrap` owns the output before a panic continues.
///
/// # Safety
/// `call` must be a call of libkoc that fills its output on success.
pub unsafe fn make<T, R>(
    empty: T,
    call: impl FnOnce(*mut T, *mut *mut koc_sys::koc_error) -> c_int,
    wrap: impl FnOnce(T) -> R,
) -> Result<R> {
    let mut out = empty;
    let mut error = std::ptr::null_mut();
    let result = match call(&mut out, &mut error) {
        koc_sys::KOC_OK => Ok(wrap(out)),
        code => Err(Error::take(code, error)),
    };
    panics::resume();
    result
}

/// The same for an output that is a pointer.
///
/// # Safety
/// As `make`.
pub unsafe fn object<T, R>(
    call: impl FnOnce(*mut *mut T, *mut *mut koc_sys::koc_error) -> c_int,
    wrap: impl FnOnce(*mut T) -> R,
) -> Result<R> {
    make(std::ptr::null_mut(), call, wrap)
}

/// A call that fills a list of strings.
///
/// # Safety
/// As `make`.
pub unsafe fn list(
    call: impl FnOnce(*mut *mut koc_sys::koc_strlist, *mut *mut koc_sys::koc_error) -> c_int,
) -> Result<Vec<String>> {
    object(call, |list| {
        let found = strings(list);
        koc_sys::koc_strlist_free(list);
        found
    })
}
