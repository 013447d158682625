use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::ffi::{c_string, make, object, owned, view};
use crate::object::pointer;

/// A content digest: `sha256:<64 hex>` or `sha512:<128 hex>`.
#[derive(Clone, Copy)]
pub struct Digest(pub(crate) koc_sys::koc_digest);

pub(crate) fn none() -> koc_sys::koc_digest {
    koc_sys::koc_digest { algorithm: 0, len: 0, reserved: [0; 6], bytes: [0; 64] }
}

impl Digest {
    /// The SHA-256 digest of data.
    pub fn of(data: &[u8]) -> Result<Self> {
        unsafe { make(none(), |out, err| koc_sys::koc_digest_of(view(data), out, err), Digest) }
    }

    /// 32 bytes of SHA-256, or 64 of SHA-512.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes[..usize::from(self.0.len)]
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = c_string(text)?;
        unsafe {
            make(none(), |out, err| koc_sys::koc_digest_parse(text.as_ptr(), out, err), Digest)
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = [0; koc_sys::KOC_DIGEST_TEXT_MAX];
        let err = std::ptr::null_mut();
        let text = unsafe {
            match koc_sys::koc_digest_format(&self.0, out.as_mut_ptr(), out.len(), err) {
                koc_sys::KOC_OK => Some(owned(out.as_ptr())),
                _ => None,
            }
        };
        f.write_str(&text.ok_or(fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.algorithm == other.0.algorithm && self.bytes() == other.bytes()
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

/// Digests data that comes in pieces: write to it.
pub struct Sha256(pub(crate) *mut koc_sys::koc_hasher);
pointer!(Sha256, koc_hasher, koc_hasher_free);

impl Sha256 {
    /// Begins a SHA-256.
    pub fn new() -> Result<Self> {
        let kind = koc_sys::KOC_DIGEST_SHA256;
        unsafe { object(|out, err| koc_sys::koc_hasher_new(kind, out, err), Sha256) }
    }

    /// The digest of everything that was written.
    pub fn finish(self) -> Result<Digest> {
        unsafe { make(none(), |out, err| koc_sys::koc_hasher_finish(self.0, out, err), Digest) }
    }
}

impl std::io::Write for Sha256 {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        unsafe { koc_sys::koc_hasher_update(self.0, view(data)) }
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
