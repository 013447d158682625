use std::ptr::null_mut;

use crate::arena::Arena;
use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::error::Result;
use crate::ffi::{bytes, c_string, check, object, view};
use crate::image::Image;
use crate::image_builder::Format;
use crate::object::{builder, owner, shared};
use crate::platform::Platform;

/// An index, also a Docker manifest list: images for several platforms. Immutable.
pub struct Index(pub(crate) *mut koc_sys::koc_index);
shared!(Index, koc_index, koc_index_ref, koc_index_unref);

impl Index {
    /// An index from a copy of its bytes.
    pub fn from_bytes(context: &Context, data: &[u8]) -> Result<Self> {
        let data = view(data);
        unsafe { object(|out, e| koc_sys::koc_index_from_bytes(context.0, data, out, e), Index) }
    }

    /// Of the index itself.
    pub fn descriptor(&self) -> Descriptor {
        unsafe { Descriptor::read(koc_sys::koc_index_descriptor(self.0)) }
    }

    /// The exact bytes.
    pub fn bytes(&self) -> &[u8] {
        unsafe { bytes(koc_sys::koc_index_bytes(self.0)) }
    }

    /// What it has, in order.
    pub fn entries(&self) -> Vec<Descriptor> {
        let count = unsafe { koc_sys::koc_index_count(self.0) };
        (0..count).map(|i| unsafe { Descriptor::read(koc_sys::koc_index_get(self.0, i)) }).collect()
    }

    /// The first entry whose platform matches.
    pub fn select(&self, want: &Platform) -> Result<Option<Descriptor>> {
        let mut a = Arena::default();
        let want = want.raw(&mut a)?;
        unsafe {
            let found = koc_sys::koc_index_select(self.0, want);
            Ok((!found.is_null()).then(|| Descriptor::read(found)))
        }
    }

    /// The image of an entry, if the index has it: those from builders do.
    pub fn image(&self, i: usize) -> Option<Image> {
        unsafe {
            let image = koc_sys::koc_index_image(self.0, i);
            (!image.is_null()).then(|| Image(koc_sys::koc_image_ref(image)))
        }
    }

    /// A copy with other images: entry i is replaced by `images[i]`, or removed if that is None.
    pub fn with_images(
        &self,
        images: &[Option<Image>],
        annotations: &[(String, Option<String>)],
    ) -> Result<Index> {
        let mut a = Arena::default();
        let images: Vec<_> =
            images.iter().map(|i| i.as_ref().map_or(null_mut(), |i| i.0)).collect();
        if images.len() != unsafe { koc_sys::koc_index_count(self.0) } {
            return Err(crate::Error::new(
                crate::Code::MISUSE,
                "one image for each entry is needed",
            ));
        }
        let (images, pairs, n) = (images.as_ptr(), a.pairs(annotations)?, annotations.len());
        unsafe {
            object(|out, e| koc_sys::koc_index_with_images(self.0, images, pairs, n, out, e), Index)
        }
    }
}

struct Raw(*mut koc_sys::koc_index_builder);
owner!(Raw, koc_index_builder_free);

/// Builds an index. The first failure is that of [`IndexBuilder::finish`].
#[must_use]
pub struct IndexBuilder(Result<Raw>);
builder!(IndexBuilder, Raw, koc_index_builder);

impl IndexBuilder {
    /// An empty index.
    pub fn new(context: &Context, format: Format) -> Self {
        let make =
            |out, e| unsafe { koc_sys::koc_index_builder_new(context.0, format.raw(), out, e) };
        IndexBuilder(unsafe { object(make, Raw) })
    }

    /// Adds an image for its own platform.
    pub fn image(self, image: &Image) -> Self {
        self.image_for(image, None)
    }

    /// Adds an image for a platform.
    pub fn image_for(self, image: &Image, platform: Option<&Platform>) -> Self {
        IndexBuilder(self.0.and_then(|raw| {
            let mut a = Arena::default();
            let p = Platform::optional(platform, &mut a)?;
            unsafe { check(|e| koc_sys::koc_index_builder_add_image(raw.0, image.0, p, e)) }?;
            Ok(raw)
        }))
    }

    /// Adds a descriptor as it is. Its manifest must exist at the target before the index is pushed.
    pub fn descriptor(self, descriptor: &Descriptor) -> Self {
        IndexBuilder(self.0.and_then(|raw| {
            let mut a = Arena::default();
            let d = descriptor.raw(&mut a)?;
            unsafe { check(|e| koc_sys::koc_index_builder_add_descriptor(raw.0, d, e)) }?;
            Ok(raw)
        }))
    }

    /// Sets an annotation.
    pub fn annotation(self, key: &str, value: &str) -> Self {
        IndexBuilder(self.0.and_then(|raw| {
            let (key, value) = (c_string(key)?, c_string(value)?);
            let (key, value) = (key.as_ptr(), value.as_ptr());
            unsafe { check(|e| koc_sys::koc_index_builder_set_annotation(raw.0, key, value, e)) }?;
            Ok(raw)
        }))
    }

    /// The index.
    pub fn finish(self) -> Result<Index> {
        let raw = self.0?;
        unsafe { object(|out, err| koc_sys::koc_index_builder_finish(raw.0, out, err), Index) }
    }
}
