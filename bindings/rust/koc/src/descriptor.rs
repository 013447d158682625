use crate::arena::{all, Arena};
use crate::digest::Digest;
use crate::error::Result;
use crate::ffi::{optional, owned};
use crate::platform::Platform;

/// Describes content (OCI image-spec, descriptor.md).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Descriptor {
    /// What it is: "application/vnd.oci.image.manifest.v1+json".
    pub media_type: String,
    /// Of the content.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// Of an artifact.
    pub artifact_type: Option<String>,
    /// Of an image.
    pub platform: Option<Platform>,
    /// Keys and values.
    pub annotations: Vec<(String, String)>,
    /// Locations of a foreign layer.
    pub urls: Vec<String>,
}

impl Descriptor {
    /// The members that every descriptor has; assign the others.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Descriptor {
            media_type: media_type.to_string(),
            digest,
            size,
            artifact_type: None,
            platform: None,
            annotations: Vec::new(),
            urls: Vec::new(),
        }
    }

    pub(crate) fn raw(&self, a: &mut Arena) -> Result<*const koc_sys::koc_descriptor> {
        let raw = koc_sys::koc_descriptor {
            digest: self.digest.0,
            size: self.size,
            media_type: a.text(&self.media_type)?,
            artifact_type: a.optional(&self.artifact_type)?,
            platform: Platform::optional(self.platform.as_ref(), a)?,
            annotations: a.pairs(&all(&self.annotations))?,
            n_annotations: self.annotations.len(),
            urls: a.some(&self.urls)?,
            ..Default::default()
        };
        Ok(a.keep(vec![raw]))
    }

    /// A copy of what C describes; `raw` is not NULL.
    pub(crate) unsafe fn read(raw: *const koc_sys::koc_descriptor) -> Self {
        let raw = &*raw;
        let mut urls = Vec::new();
        let mut next = raw.urls;
        while !next.is_null() && !(*next).is_null() {
            urls.push(owned(*next));
            next = next.add(1);
        }
        let pair = |i| {
            let kv = &*raw.annotations.add(i);
            (owned(kv.key), owned(kv.value))
        };
        Descriptor {
            media_type: owned(raw.media_type),
            digest: Digest(raw.digest),
            size: raw.size,
            artifact_type: optional(raw.artifact_type),
            platform: Platform::read(raw.platform),
            annotations: (0..raw.n_annotations).map(pair).collect(),
            urls,
        }
    }
}
