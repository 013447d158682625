use std::ffi::{c_char, c_int};
use std::ptr::{null, null_mut};

use crate::arena::{all, Arena};
use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::error::Result;
use crate::ffi::{check, object};
use crate::image::Image;
use crate::layer::Layer;
use crate::object::{builder, owner};
use crate::op::Op;
use crate::platform::Platform;

/// The kind of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OCI image-spec.
    Oci,
    /// Docker's image manifest version 2, schema 2.
    Docker,
}

impl Format {
    pub(crate) fn raw(self) -> i32 {
        match self {
            Format::Oci => koc_sys::KOC_FORMAT_OCI,
            Format::Docker => koc_sys::KOC_FORMAT_DOCKER,
        }
    }
}

/// The history entry of a new layer.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LayerHistory {
    created_by: Option<String>,
    comment: Option<String>,
    author: Option<String>,
    created: Option<i64>,
    annotations: Vec<(String, String)>,
}

impl LayerHistory {
    /// The command that made the layer.
    pub fn new(created_by: &str) -> Self {
        LayerHistory { created_by: Some(created_by.to_string()), ..Self::default() }
    }

    /// Why.
    pub fn comment(mut self, text: &str) -> Self {
        self.comment = Some(text.to_string());
        self
    }

    /// Who.
    pub fn author(mut self, text: &str) -> Self {
        self.author = Some(text.to_string());
        self
    }

    /// Seconds since 1970.
    pub fn created(mut self, seconds: i64) -> Self {
        self.created = Some(seconds);
        self
    }

    /// Adds an annotation of the layer's descriptor.
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.push((key.to_string(), value.to_string()));
        self
    }

    pub(crate) fn raw(&self, a: &mut Arena) -> Result<koc_sys::koc_add_layer_options> {
        Ok(koc_sys::koc_add_layer_options {
            flags: if self.created.is_some() { koc_sys::KOC_ADD_LAYER_CREATED } else { 0 },
            created_by: a.optional(&self.created_by)?,
            comment: a.optional(&self.comment)?,
            author: a.optional(&self.author)?,
            created: self.created.unwrap_or(0),
            annotations: a.pairs(&all(&self.annotations))?,
            n_annotations: self.annotations.len(),
            ..Default::default()
        })
    }
}

struct Raw(*mut koc_sys::koc_image_builder);
owner!(Raw, koc_image_builder_free);

type Pointer = *mut koc_sys::koc_image_builder;
type Failure = *mut *mut koc_sys::koc_error;

/// Builds an image on a base or on the empty image. The first failure is that of [`ImageBuilder::finish`].
#[must_use]
pub struct ImageBuilder(Result<Raw>);
builder!(ImageBuilder, Raw, koc_image_builder);

impl ImageBuilder {
    /// On the empty image; say a platform.
    pub fn scratch(context: &Context) -> Self {
        Self::create(context, null_mut())
    }

    /// On a base.
    pub fn on(context: &Context, base: &Image) -> Self {
        Self::create(context, base.0)
    }

    fn create(context: &Context, base: *mut koc_sys::koc_image) -> Self {
        let make = |out, e| unsafe { koc_sys::koc_image_builder_new(context.0, base, out, e) };
        ImageBuilder(unsafe { object(make, Raw) })
    }

    fn set(self, call: impl FnOnce(Pointer, &mut Arena, Failure) -> Result<c_int>) -> Self {
        ImageBuilder(self.0.and_then(|raw| {
            let (mut a, mut broken) = (Arena::default(), Ok(()));
            let called = unsafe {
                check(|err| match call(raw.0, &mut a, err) {
                    Ok(code) => code,
                    Err(e) => {
                        broken = Err(e);
                        koc_sys::KOC_OK
                    }
                })
            };
            broken.and(called).map(|()| raw)
        }))
    }

    fn pair(
        self,
        set: unsafe extern "C" fn(Pointer, *const c_char, *const c_char, Failure) -> c_int,
        key: &str,
        value: Option<&str>,
    ) -> Self {
        self.set(|b, a, err| {
            let (key, value) = (a.text(key)?, a.optional(&value)?);
            Ok(unsafe { set(b, key, value, err) })
        })
    }

    fn field(
        self,
        set: unsafe extern "C" fn(Pointer, i32, *const c_char, Failure) -> c_int,
        field: i32,
        value: Option<&str>,
    ) -> Self {
        self.set(|b, a, err| {
            let value = a.optional(&value)?;
            Ok(unsafe { set(b, field, value, err) })
        })
    }

    /// Adds a layer on top.
    pub fn layer(self, layer: &Layer, history: &LayerHistory) -> Self {
        self.set(|b, a, err| {
            let o = history.raw(a)?;
            Ok(unsafe { koc_sys::koc_image_builder_add_layer(b, layer.0, &o, err) })
        })
    }

    /// The program and its first arguments; an empty list removes those of the base.
    pub fn entrypoint<T: AsRef<str>>(self, argv: impl AsRef<[T]>) -> Self {
        self.set(|b, a, err| {
            let argv = a.some(argv.as_ref())?;
            Ok(unsafe { koc_sys::koc_image_builder_set_entrypoint(b, argv, err) })
        })
    }

    /// Further arguments; an empty list removes those of the base.
    pub fn cmd<T: AsRef<str>>(self, argv: impl AsRef<[T]>) -> Self {
        self.set(|b, a, err| {
            let argv = a.some(argv.as_ref())?;
            Ok(unsafe { koc_sys::koc_image_builder_set_cmd(b, argv, err) })
        })
    }

    /// Sets a variable; None removes it.
    pub fn env<'v>(self, name: &str, value: impl Into<Option<&'v str>>) -> Self {
        self.pair(koc_sys::koc_image_builder_set_env, name, value.into())
    }

    /// Sets a label; None removes it.
    pub fn label<'v>(self, key: &str, value: impl Into<Option<&'v str>>) -> Self {
        self.pair(koc_sys::koc_image_builder_set_label, key, value.into())
    }

    /// Sets an annotation of the manifest; None removes it.
    pub fn annotation<'v>(self, key: &str, value: impl Into<Option<&'v str>>) -> Self {
        self.pair(koc_sys::koc_image_builder_set_annotation, key, value.into())
    }

    /// Any member of the config by JSON pointer, after all other settings: "/config/Healthcheck". None removes it.
    pub fn config<'v>(self, pointer: &str, json: impl Into<Option<&'v str>>) -> Self {
        self.pair(koc_sys::koc_image_builder_set_config, pointer, json.into())
    }

    /// Who the program runs as; None removes it. The same holds for the next three.
    pub fn user<'v>(self, user: impl Into<Option<&'v str>>) -> Self {
        self.field(koc_sys::koc_image_builder_set_str, koc_sys::KOC_CFG_USER, user.into())
    }

    /// Where the program starts.
    pub fn workdir<'v>(self, path: impl Into<Option<&'v str>>) -> Self {
        self.field(koc_sys::koc_image_builder_set_str, koc_sys::KOC_CFG_WORKDIR, path.into())
    }

    /// The signal that asks the program to end.
    pub fn stopsignal<'v>(self, signal: impl Into<Option<&'v str>>) -> Self {
        self.field(koc_sys::koc_image_builder_set_str, koc_sys::KOC_CFG_STOPSIGNAL, signal.into())
    }

    /// Who made it.
    pub fn author<'v>(self, author: impl Into<Option<&'v str>>) -> Self {
        self.field(koc_sys::koc_image_builder_set_str, koc_sys::KOC_CFG_AUTHOR, author.into())
    }

    /// Adds a port: "8080/tcp".
    pub fn port(self, port: &str) -> Self {
        self.field(koc_sys::koc_image_builder_add_str, koc_sys::KOC_CFG_PORT, Some(port))
    }

    /// Removes a port, if the base has it.
    pub fn remove_port(self, port: &str) -> Self {
        self.field(koc_sys::koc_image_builder_remove_str, koc_sys::KOC_CFG_PORT, Some(port))
    }

    /// Adds a volume: "/data".
    pub fn volume(self, path: &str) -> Self {
        self.field(koc_sys::koc_image_builder_add_str, koc_sys::KOC_CFG_VOLUME, Some(path))
    }

    /// Removes a volume, if the base has it.
    pub fn remove_volume(self, path: &str) -> Self {
        self.field(koc_sys::koc_image_builder_remove_str, koc_sys::KOC_CFG_VOLUME, Some(path))
    }

    /// Seconds since 1970.
    pub fn created(self, seconds: i64) -> Self {
        let set = koc_sys::koc_image_builder_set_created;
        self.set(|b, _, err| Ok(unsafe { set(b, seconds, err) }))
    }

    /// Needed on the empty image.
    pub fn platform(self, platform: &Platform) -> Self {
        self.set(|b, a, err| {
            let p = platform.raw(a)?;
            Ok(unsafe { koc_sys::koc_image_builder_set_platform(b, p, err) })
        })
    }

    /// Without it, that of the base.
    pub fn format(self, format: Format) -> Self {
        let set = koc_sys::koc_image_builder_set_format;
        self.set(|b, _, err| Ok(unsafe { set(b, format.raw(), err) }))
    }

    /// What the image is about: it becomes a referrer of that.
    pub fn subject(self, subject: Option<&Descriptor>) -> Self {
        self.set(|b, a, err| {
            let d = subject.map_or(Ok(null()), |d| d.raw(a))?;
            Ok(unsafe { koc_sys::koc_image_builder_set_subject(b, d, err) })
        })
    }

    /// Builds the image. Reads layers whose DiffID is not known.
    pub fn finish(self, op: Op<'_>) -> Result<Image> {
        let raw = self.0?;
        op.run(|op| unsafe {
            object(|out, err| koc_sys::koc_image_builder_finish(raw.0, op, out, err), Image)
        })
    }
}
