use std::ptr::null;

use crate::arena::Arena;
use crate::blob::Blob;
use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::digest::{none, Digest};
use crate::error::Result;
use crate::ffi::{c_string, make, object};
use crate::object::shared;
use crate::op::Op;
use crate::reader::Reader;

/// How new layers are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Every tool reads it.
    #[default]
    Gzip,
    /// Not at all.
    None,
    /// Smaller and faster; see [`crate::FEATURE_ZSTD`].
    Zstd,
}

impl Compression {
    pub(crate) fn raw(self) -> i32 {
        match self {
            Compression::Gzip => koc_sys::KOC_COMPRESS_GZIP,
            Compression::None => koc_sys::KOC_COMPRESS_NONE,
            Compression::Zstd => koc_sys::KOC_COMPRESS_ZSTD,
        }
    }
}

/// How a layer is made.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LayerOptions {
    flags: u32,
    compression: Compression,
    level: i32,
    mtime: i64,
    chunk_size: u64,
    media_type: Option<String>,
}

impl LayerOptions {
    /// gzip, mtime 1970.
    pub fn new() -> Self {
        Self::default()
    }

    /// gzip, zstd or none.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// 0: the default (gzip 1, zstd 3).
    pub fn level(mut self, level: i32) -> Self {
        self.level = level;
        self
    }

    /// Of entries without one, seconds since 1970.
    pub fn mtime(mut self, seconds: i64) -> Self {
        self.mtime = seconds;
        self
    }

    /// Bytes compressed at a time; 0: 1 MiB. Another size gives other bytes.
    pub fn chunk_size(mut self, bytes: u64) -> Self {
        self.chunk_size = bytes;
        self
    }

    /// In place of the one that follows from the compression.
    pub fn media_type(mut self, media_type: &str) -> Self {
        self.media_type = Some(media_type.to_string());
        self
    }

    /// Docker's media types instead of OCI's.
    pub fn docker_types(self, yes: bool) -> Self {
        self.flag(koc_sys::KOC_LAYER_DOCKER_TYPES, yes)
    }

    /// Names, order and parent directories exactly as given.
    pub fn verbatim(self, yes: bool) -> Self {
        self.flag(koc_sys::KOC_LAYER_VERBATIM, yes)
    }

    /// Keeps the result in memory, not in a file.
    pub fn in_memory(self, yes: bool) -> Self {
        self.flag(koc_sys::KOC_LAYER_IN_MEMORY, yes)
    }

    fn flag(mut self, bit: u32, on: bool) -> Self {
        self.flags = if on { self.flags | bit } else { self.flags & !bit };
        self
    }

    pub(crate) fn raw(&self, a: &mut Arena) -> Result<koc_sys::koc_layer_options> {
        Ok(koc_sys::koc_layer_options {
            flags: self.flags,
            compression: self.compression.raw(),
            level: self.level,
            mtime: self.mtime,
            chunk_size: self.chunk_size,
            media_type: a.optional(&self.media_type)?,
            ..Default::default()
        })
    }
}

/// A finished layer.
pub struct Layer(pub(crate) *mut koc_sys::koc_layer);
shared!(Layer, koc_layer, koc_layer_ref, koc_layer_unref);

impl Layer {
    /// A layer from an uncompressed tar.
    pub fn from_tar(
        context: &Context,
        tar: &Blob,
        options: &LayerOptions,
        op: Op<'_>,
    ) -> Result<Self> {
        let mut a = Arena::default();
        let o = options.raw(&mut a)?;
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_layer_from_tar(context.0, tar.0, &o, op, out, e), Layer)
        })
    }

    /// A layer from a tar of unknown origin: uncompressed, or gzip or zstd (kept as it is). All of it is read and
    /// checked first. `name` is for messages.
    pub fn import(
        context: &Context,
        tar: &Blob,
        name: &str,
        options: &LayerOptions,
        op: Op<'_>,
    ) -> Result<Self> {
        let (mut a, name) = (Arena::default(), c_string(name)?);
        let o = options.raw(&mut a)?;
        op.run(|op| unsafe {
            object(
                |out, e| {
                    let name = name.as_ptr();
                    koc_sys::koc_layer_import(context.0, tar.0, name, &o, op, out, e)
                },
                Layer,
            )
        })
    }

    /// A layer from a blob with the content that `descriptor` describes. Nothing is read.
    pub fn from_blob(
        context: &Context,
        descriptor: &Descriptor,
        diff_id: Option<&Digest>,
        compressed: &Blob,
    ) -> Result<Self> {
        let mut a = Arena::default();
        let d = descriptor.raw(&mut a)?;
        let id = diff_id.map_or(null(), |d| &d.0 as *const _);
        unsafe {
            object(
                |out, e| koc_sys::koc_layer_from_blob(context.0, d, id, compressed.0, out, e),
                Layer,
            )
        }
    }

    /// Media type, digest and size of the compressed bytes.
    pub fn descriptor(&self) -> Descriptor {
        unsafe { Descriptor::read(koc_sys::koc_layer_descriptor(self.0)) }
    }

    /// The digest of the uncompressed tar. If it is not known, the layer is read once.
    pub fn diff_id(&self, op: Op<'_>) -> Result<Digest> {
        op.run(|op| unsafe {
            make(none(), |out, err| koc_sys::koc_layer_diff_id(self.0, op, out, err), Digest)
        })
    }

    /// Of the tar, in bytes.
    pub fn uncompressed_size(&self) -> Option<u64> {
        let size = unsafe { koc_sys::koc_layer_uncompressed_size(self.0) };
        (size != u64::MAX).then_some(size)
    }

    /// The compressed bytes.
    pub fn open(&self, op: Op<'_>) -> Result<Reader> {
        op.run(|op| unsafe {
            object(|out, err| koc_sys::koc_layer_open(self.0, op, out, err), Reader)
        })
    }

    /// The tar. It is verified at its end: see [`Reader::finish`].
    pub fn open_tar(&self, op: Op<'_>) -> Result<Reader> {
        op.run(|op| unsafe {
            object(|out, err| koc_sys::koc_layer_open_tar(self.0, op, out, err), Reader)
        })
    }
}
