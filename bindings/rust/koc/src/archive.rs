//! Archives of `docker save`.

use std::io::Write;
use std::path::Path;
use std::ptr::null_mut;

use crate::context::Context;
use crate::error::Result;
use crate::ffi::{c_path, check, make, object};
use crate::image::Image;
use crate::op::Op;
use crate::reference::Reference;
use crate::writer::sink;

/// Writes images with their references, each with a tag, as one archive. The same input gives the same bytes.
pub fn write(
    context: &Context,
    images: &[(Image, Vec<Reference>)],
    mut out: &mut dyn Write,
    op: Op<'_>,
) -> Result<()> {
    let tags: Vec<Vec<_>> =
        images.iter().map(|(_, tags)| tags.iter().map(|t| t.0).collect()).collect();
    let list: Vec<_> = images
        .iter()
        .zip(&tags)
        .map(|((image, _), tags)| koc_sys::koc_archive_image {
            image: image.0,
            tags: tags.as_ptr(),
            n_tags: tags.len(),
            ..Default::default()
        })
        .collect();
    let writer = sink(&mut out);
    op.run(|op| unsafe {
        let (list, n) = (list.as_ptr(), list.len());
        check(|err| koc_sys::koc_archive_write(context.0, list, n, &writer, op, err))
    })
}

/// The number of images in an archive.
pub fn count(context: &Context, path: impl AsRef<Path>, op: Op<'_>) -> Result<usize> {
    let path = c_path(path.as_ref())?;
    let (ctx, path) = (context.0, path.as_ptr());
    op.run(|op| unsafe {
        make(0, |n, e| koc_sys::koc_archive_read(ctx, path, 0, op, null_mut(), n, e), |n| n)
    })
}

/// Image i of an archive. Its layers are read from the file when needed.
pub fn read(context: &Context, path: impl AsRef<Path>, i: usize, op: Op<'_>) -> Result<Image> {
    let path = c_path(path.as_ref())?;
    let (ctx, path) = (context.0, path.as_ptr());
    op.run(|op| unsafe {
        object(|out, e| koc_sys::koc_archive_read(ctx, path, i, op, out, null_mut(), e), Image)
    })
}
