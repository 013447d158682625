//! Output of C into a Write.

use std::ffi::{c_int, c_void};
use std::io::Write;
use std::path::Path;

use crate::error::Result;
use crate::ffi::{c_path, check, object};
use crate::object::pointer;
use crate::op::Op;
use crate::reader::answer;

/// A koc_writer into `out`.
pub fn sink<'a>(out: &'a mut &mut dyn Write) -> koc_sys::koc_writer {
    let payload: *mut &'a mut dyn Write = std::ptr::from_mut(out).cast();
    koc_sys::koc_writer { write: Some(on_write), self_: payload.cast() }
}

unsafe extern "C" fn on_write(
    payload: *mut c_void,
    data: *const c_void,
    len: usize,
    err: *mut *mut koc_sys::koc_error,
) -> c_int {
    let out = &mut *payload.cast::<&mut dyn Write>();
    let data = if len == 0 { &[] } else { std::slice::from_raw_parts(data.cast::<u8>(), len) };
    answer(err, || Ok(out.write_all(data)?), |()| ())
}

/// A file that is written completely or not at all: it appears with [`AtomicFile::finish`].
pub struct AtomicFile(*mut koc_sys::koc_file);
pointer!(AtomicFile, koc_file, koc_file_free);

impl AtomicFile {
    /// Nothing is created before the first write. `mode` 0: 0644 minus the umask. "-" is stdout.
    pub fn new(path: &Path, mode: u32, op: Op<'_>) -> Result<Self> {
        let path = c_path(path)?;
        op.run(|op| unsafe {
            object(|out, err| koc_sys::koc_file_new(path.as_ptr(), mode, op, out, err), AtomicFile)
        })
    }

    /// Replaces the old file by the new one. On failure the old one stays.
    pub fn finish(self) -> Result<()> {
        unsafe { check(|err| koc_sys::koc_file_finish(self.0, err)) }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let pointer = data.as_ptr().cast();
        unsafe {
            check(|err| koc_sys::koc_file_write(self.0.cast(), pointer, data.len(), err))?;
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
