use std::path::Path;
use std::ptr::null_mut;

use crate::arena::Arena;
use crate::changes::{settings, Changes};
use crate::client::Client;
use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::error::Result;
use crate::ffi::{object, owned, strings, text};
use crate::file::{files, File};
use crate::image::Image;
use crate::layer::{Compression, Layer};
use crate::object::owner;
use crate::op::Op;

/// The image of any program in one call: base, files, settings, targets.
#[derive(Clone, Default)]
#[must_use]
pub struct ImageSpec {
    base: Option<String>,
    platforms: Vec<String>,
    layers: Vec<Layer>,
    files: Vec<(String, File)>,
    changes: Changes,
    targets: Vec<String>,
    tags: Vec<String>,
    client: Option<Client>,
    mtime: i64,
    compression: Compression,
    level: i32,
    created_by: Option<String>,
    flags: u32,
}

settings!(ImageSpec);

impl ImageSpec {
    /// The empty image for linux/amd64.
    pub fn new() -> Self {
        Self::default()
    }

    fn changes(&mut self) -> &mut Changes {
        &mut self.changes
    }

    /// What it is built on: a place ("registry.example/base:1", "oci:dir:name"), or "scratch".
    pub fn base(mut self, place: &str) -> Self {
        self.base = Some(place.to_string());
        self
    }

    /// Adds a platform: "linux/arm64"; without one, all of the base.
    pub fn platform(mut self, platform: &str) -> Self {
        self.platforms.push(platform.to_string());
        self
    }

    /// Adds a layer on top of the base, below the files.
    pub fn layer(mut self, layer: &Layer) -> Self {
        self.layers.push(layer.clone());
        self
    }

    /// Adds a file or directory of this machine at a path in the image.
    pub fn file(self, path: &str, source: impl AsRef<Path>) -> Self {
        self.add(path, File::path(source))
    }

    /// Adds a file, directory or link with owner, mode, platform.
    pub fn add(mut self, path: &str, file: File) -> Self {
        self.files.push((path.to_string(), file));
        self
    }

    /// Adds a place to write to. Without one the image is only built.
    pub fn target(mut self, place: &str) -> Self {
        self.targets.push(place.to_string());
        self
    }

    /// Adds a tag (a name in a layout) to write as well, at each target.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_string());
        self
    }

    /// Without one, a client with docker's credentials.
    pub fn client(mut self, client: &Client) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Of files and history, seconds since 1970.
    pub fn mtime(mut self, seconds: i64) -> Self {
        self.mtime = seconds;
        self
    }

    /// Of new layers. Level 0 is the default.
    pub fn compression(mut self, compression: Compression, level: i32) -> Self {
        (self.compression, self.level) = (compression, level);
        self
    }

    /// In the history, in place of "koc".
    pub fn created_by(mut self, text: &str) -> Self {
        self.created_by = Some(text.to_string());
        self
    }

    /// Does not record the base in the annotations.
    pub fn no_base_record(mut self) -> Self {
        self.flags |= koc_sys::KOC_SPEC_NO_BASE_RECORD;
        self
    }

    /// Builds the image, or an index with an image for each platform, and writes it to all targets. The same input gives
    /// the same digest on every machine.
    pub fn build(&self, context: &Context, op: Op<'_>) -> Result<Built> {
        let mut a = Arena::default();
        let layers: Vec<_> = self.layers.iter().map(|l| l.0).collect();
        let spec = koc_sys::koc_image_spec {
            flags: self.flags,
            client: self.client.as_ref().map_or(null_mut(), |c| c.0),
            base: a.optional(&self.base)?,
            platforms: a.some(&self.platforms)?,
            layers: layers.as_ptr(),
            n_layers: layers.len(),
            files: files(&self.files, &mut a)?,
            n_files: self.files.len(),
            changes: self.changes.raw(&mut a)?,
            targets: a.some(&self.targets)?,
            tags: a.some(&self.tags)?,
            mtime: self.mtime,
            compression: self.compression.raw(),
            level: self.level,
            created_by: a.optional(&self.created_by)?,
            ..Default::default()
        };
        let built = op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_build_image(context.0, &spec, op, out, e), Raw)
        })?;
        Ok(unsafe { Built::read(built.0, self.targets.len()) })
    }
}

struct Raw(*mut koc_sys::koc_built);
owner!(Raw, koc_built_free);

/// What [`ImageSpec::build`] made.
#[derive(Clone)]
#[non_exhaustive]
pub struct Built {
    /// Of the image or index.
    pub descriptor: Descriptor,
    /// One for each target: "registry.example/app@sha256:…".
    pub references: Vec<String>,
    /// One for each platform.
    pub images: Vec<Image>,
    /// A JSON document (docs/json.md, "koc-edit-1").
    pub report: String,
    /// What a user may not expect.
    pub warnings: Vec<String>,
}

impl Built {
    unsafe fn read(b: *const koc_sys::koc_built, n_targets: usize) -> Self {
        let image = |i| Image(koc_sys::koc_image_ref(koc_sys::koc_built_image(b, i)));
        Built {
            descriptor: Descriptor::read(koc_sys::koc_built_descriptor(b)),
            references: (0..n_targets).map(|i| owned(koc_sys::koc_built_reference(b, i))).collect(),
            images: (0..koc_sys::koc_built_count(b)).map(image).collect(),
            report: text(koc_sys::koc_built_report(b)),
            warnings: strings(koc_sys::koc_built_warnings(b)),
        }
    }
}
