use std::path::Path;
use std::ptr::{null, null_mut};

use crate::error::Result;
use crate::ffi::{c_string, counted, make};

/// The cache of a context: results that later calls reuse.
#[derive(Clone, Copy, Debug)]
pub enum Cache<'a> {
    None,
    /// The directory of the koc command.
    Default,
    At(&'a Path),
}

/// The cache and worker threads that calls share. One per process is enough; a clone is the same one.
pub struct Context(pub(crate) *mut koc_sys::koc_ctx);
counted!(Context, koc_ctx, koc_ctx_ref, koc_ctx_unref);

impl Context {
    pub fn new(cache: Cache<'_>) -> Result<Self> {
        use std::os::unix::ffi::OsStrExt;
        let directory = match cache {
            Cache::None => None,
            Cache::Default => Some(c_string("")?),
            Cache::At(path) => Some(c_string(path.as_os_str().as_bytes())?),
        };
        unsafe {
            let mut options: koc_sys::koc_ctx_options = std::mem::zeroed();
            options.struct_size = std::mem::size_of_val(&options) as u32;
            options.cache_dir = directory.as_ref().map_or(null(), |f| f.as_ptr());
            make(null_mut(), |out, err| koc_sys::koc_ctx_new(&options, out, err)).map(Context)
        }
    }
}

/// Ends calls early, from any thread. Clones are the same token.
pub struct Cancel(pub(crate) *mut koc_sys::koc_cancel);
counted!(Cancel, koc_cancel, koc_cancel_ref, koc_cancel_unref);

impl Cancel {
    pub fn new() -> Result<Self> {
        unsafe { make(null_mut(), |out, err| koc_sys::koc_cancel_new(out, err)).map(Cancel) }
    }

    /// Ends every call that has this token, now and later.
    pub fn trigger(&self) {
        unsafe { koc_sys::koc_cancel_trigger(self.0) }
    }

    pub fn is_triggered(&self) -> bool {
        unsafe { koc_sys::koc_cancel_is_triggered(self.0) }
    }
}
