use std::ffi::{c_int, c_void};
use std::io::Read;
use std::path::Path;
use std::ptr::null;

use crate::digest::{none, Digest};
use crate::error::Result;
use crate::ffi::{c_path, make, object, view, Buffer};
use crate::object::shared;
use crate::op::Op;
use crate::panics;
use crate::reader::{answer, Reader};

/// Immutable content that can be opened any number of times.
pub struct Blob(pub(crate) *mut koc_sys::koc_blob);
shared!(Blob, koc_blob, koc_blob_ref, koc_blob_unref);

type Open = Box<dyn Fn(u64) -> Result<Box<dyn Read + Send>> + Send + Sync>;

impl Blob {
    /// A copy of data.
    pub fn from_bytes(data: &[u8]) -> Result<Self> {
        unsafe { object(|out, err| koc_sys::koc_blob_from_bytes(view(data), out, err), Blob) }
    }

    /// A file that is opened at each use. Readers verify `expect` at the end.
    pub fn from_file(path: &Path, expect: Option<&Digest>) -> Result<Self> {
        let (path, expect) = (c_path(path)?, expect.map_or(null(), |d| &d.0 as *const _));
        unsafe { object(|out, e| koc_sys::koc_blob_from_file(path.as_ptr(), expect, out, e), Blob) }
    }

    /// The same of what can be read only once (a pipe, "-" for stdin): it is copied to a temporary file first.
    pub fn from_stream(path: &Path, op: Op<'_>) -> Result<Self> {
        let path = c_path(path)?;
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_blob_from_stream(path.as_ptr(), op, out, e), Blob)
        })
    }

    /// Content of your own, `size` bytes: `open` is asked for a reader that begins at an offset.
    pub fn from_fn(
        size: u64,
        digest: Option<&Digest>,
        open: impl Fn(u64) -> Result<Box<dyn Read + Send>> + Send + Sync + 'static,
    ) -> Result<Self> {
        let payload: *mut Open = Box::into_raw(Box::new(Box::new(open)));
        let ops = koc_sys::koc_blob_ops {
            open: Some(on_open),
            release: Some(on_release),
            ..Default::default()
        };
        let digest = digest.map_or(null(), |d| &d.0 as *const _);
        let made = unsafe {
            object(|out, e| koc_sys::koc_blob_new(&ops, payload.cast(), size, digest, out, e), Blob)
        };
        if made.is_err() {
            drop(unsafe { Box::from_raw(payload) });
        }
        made
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        unsafe { koc_sys::koc_blob_size(self.0) }
    }

    /// The SHA-256. If it is not known, the content is read once.
    pub fn digest(&self, op: Op<'_>) -> Result<Digest> {
        op.run(|op| unsafe {
            make(none(), |out, err| koc_sys::koc_blob_digest(self.0, op, out, err), Digest)
        })
    }

    /// A reader of the whole content.
    pub fn open(&self, op: Op<'_>) -> Result<Reader> {
        self.open_at(0, op)
    }

    /// A reader from an offset on, at most the size.
    pub fn open_at(&self, offset: u64, op: Op<'_>) -> Result<Reader> {
        op.run(|op| unsafe {
            object(|out, err| koc_sys::koc_blob_open(self.0, offset, op, out, err), Reader)
        })
    }

    /// The whole content. [`crate::Code::LIMIT`]: it has more than `max` bytes.
    pub fn read_all(&self, max: usize, op: Op<'_>) -> Result<Vec<u8>> {
        let mut out = Buffer::new();
        op.run(|op| unsafe {
            crate::ffi::check(|err| koc_sys::koc_blob_read_all(self.0, max, op, &mut out.0, err))
        })?;
        Ok(out.bytes().to_vec())
    }
}

unsafe extern "C" fn on_open(
    payload: *mut c_void,
    offset: u64,
    _op: *const koc_sys::koc_op,
    out: *mut *mut koc_sys::koc_reader,
    err: *mut *mut koc_sys::koc_error,
) -> c_int {
    let open = &*payload.cast::<Open>();
    answer(err, || open(offset).and_then(Reader::new), |reader| *out = reader.into_raw())
}

unsafe extern "C" fn on_release(payload: *mut c_void) {
    panics::release(|| drop(Box::from_raw(payload.cast::<Open>())));
}
