use std::ffi::{c_char, c_int, c_void};
use std::path::PathBuf;

use crate::context::Context;
use crate::error::Result;
use crate::ffi::{check, make, optional, owned};
use crate::op::verdict;

/// How much a cache has of one kind of content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheUsage {
    /// "blobs/sha256", "records/layer", "files/bin".
    pub kind: String,
    /// How many.
    pub entries: u64,
    /// On disk.
    pub bytes: u64,
}

impl Context {
    /// The directory of the cache; None: there is no cache.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        unsafe { optional(koc_sys::koc_cache_dir(self.0)) }.map(PathBuf::from)
    }

    /// What the cache holds, kind by kind.
    pub fn cache_usage(&self) -> Result<Vec<CacheUsage>> {
        let mut found: Vec<CacheUsage> = Vec::new();
        let payload = std::ptr::from_mut(&mut found).cast();
        unsafe { check(|e| koc_sys::koc_cache_usage(self.0, Some(on_usage), payload, e)) }?;
        Ok(found)
    }

    /// Removes the least recently used entries until the cache has at most `max_bytes`. Returns the bytes that it freed.
    pub fn cache_prune(&self, max_bytes: u64) -> Result<u64> {
        unsafe { make(0, |out, e| koc_sys::koc_cache_prune(self.0, max_bytes, out, e), |n| n) }
    }

    /// Removes everything.
    pub fn cache_clear(&self) -> Result<()> {
        unsafe { check(|e| koc_sys::koc_cache_clear(self.0, e)) }
    }
}

unsafe extern "C" fn on_usage(
    kind: *const c_char,
    entries: u64,
    bytes: u64,
    payload: *mut c_void,
) -> c_int {
    let found = &mut *payload.cast::<Vec<CacheUsage>>();
    verdict(|| {
        found.push(CacheUsage { kind: owned(kind), entries, bytes });
        true
    })
}
