use std::fmt;
use std::ptr::null;
use std::str::FromStr;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::ffi::{c_string, object, optional, owned};
use crate::object::shared;

/// A reference, the name of an image: `[registry/]repository[:tag][@digest]`.
pub struct Reference(pub(crate) *mut koc_sys::koc_reference);
shared!(Reference, koc_reference, koc_reference_ref, koc_reference_unref);

impl Reference {
    /// "127.0.0.1:5000", "index.docker.io".
    pub fn registry(&self) -> String {
        unsafe { owned(koc_sys::koc_reference_registry(self.0)) }
    }

    /// Without the registry: "library/busybox".
    pub fn repository(&self) -> String {
        unsafe { owned(koc_sys::koc_reference_repository(self.0)) }
    }

    /// The tag, if the text had one.
    pub fn tag(&self) -> Option<String> {
        unsafe { optional(koc_sys::koc_reference_tag(self.0)) }
    }

    /// The digest, if the text had one.
    pub fn digest(&self) -> Option<Digest> {
        unsafe { koc_sys::koc_reference_digest(self.0).as_ref() }.copied().map(Digest)
    }

    /// A copy with another tag, or without one.
    pub fn with_tag(&self, tag: Option<&str>) -> Result<Self> {
        let tag = tag.map(c_string).transpose()?;
        let tag = tag.as_ref().map_or(null(), |t| t.as_ptr());
        unsafe {
            object(|out, err| koc_sys::koc_reference_with_tag(self.0, tag, out, err), Reference)
        }
    }

    /// A copy with another digest, or without one.
    pub fn with_digest(&self, digest: Option<&Digest>) -> Result<Self> {
        let digest = digest.map_or(null(), |d| &d.0 as *const _);
        unsafe {
            object(
                |out, err| koc_sys::koc_reference_with_digest(self.0, digest, out, err),
                Reference,
            )
        }
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = c_string(text)?;
        unsafe {
            object(|out, err| koc_sys::koc_reference_parse(text.as_ptr(), 0, out, err), Reference)
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&unsafe { owned(koc_sys::koc_reference_string(self.0)) })
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({self})")
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Reference {}
