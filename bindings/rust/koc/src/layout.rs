use std::path::Path;
use std::ptr::null;

use crate::arena::Arena;
use crate::context::Context;
use crate::digest::Digest;
use crate::error::Result;
use crate::ffi::{c_path, check, object};
use crate::image::Image;
use crate::index::Index;
use crate::object::shared;
use crate::op::Op;

/// An OCI image layout: images in a directory. Several threads and processes may use it.
pub struct Layout(pub(crate) *mut koc_sys::koc_layout);
shared!(Layout, koc_layout, koc_layout_ref, koc_layout_unref);

impl Layout {
    /// Opens one that exists.
    pub fn open(context: &Context, dir: impl AsRef<Path>) -> Result<Self> {
        Self::with(context, dir.as_ref(), 0)
    }

    /// Opens one, and creates it if it does not exist.
    pub fn create(context: &Context, dir: impl AsRef<Path>) -> Result<Self> {
        Self::with(context, dir.as_ref(), koc_sys::KOC_LAYOUT_CREATE)
    }

    fn with(context: &Context, dir: &Path, flags: u32) -> Result<Self> {
        let dir = c_path(dir)?;
        unsafe {
            object(
                |out, e| koc_sys::koc_layout_open(context.0, dir.as_ptr(), flags, out, e),
                Layout,
            )
        }
    }

    /// The current content of index.json.
    pub fn list(&self) -> Result<Index> {
        unsafe { object(|out, err| koc_sys::koc_layout_list(self.0, out, err), Index) }
    }

    /// An image by digest, verified. Its layers are read from the layout when needed.
    pub fn image(&self, digest: &Digest) -> Result<Image> {
        unsafe { object(|out, e| koc_sys::koc_layout_get_image(self.0, &digest.0, out, e), Image) }
    }

    /// An index by digest, verified.
    pub fn index(&self, digest: &Digest) -> Result<Index> {
        unsafe { object(|out, e| koc_sys::koc_layout_get_index(self.0, &digest.0, out, e), Index) }
    }

    /// Writes an image with all of its blobs. An older entry loses the name.
    pub fn put_image(&self, image: &Image, name: Option<&str>, op: Op<'_>) -> Result<()> {
        let mut a = Arena::default();
        let name = name.map_or(Ok(null()), |n| a.text(n))?;
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_layout_put_image(self.0, image.0, name, op, e))
        })
    }

    /// Writes an index with the images that it has.
    pub fn put_index(&self, index: &Index, name: Option<&str>, op: Op<'_>) -> Result<()> {
        let mut a = Arena::default();
        let name = name.map_or(Ok(null()), |n| a.text(n))?;
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_layout_put_index(self.0, index.0, name, op, e))
        })
    }
}
