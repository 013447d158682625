use std::ffi::c_char;
use std::path::Path;

use crate::blob::Blob;
use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::error::{Code, Result};
use crate::ffi::{
    bytes, c_path, c_string, check, list, object, optional, pairs, text, view, Buffer,
};
use crate::layer::Layer;
use crate::object::shared;
use crate::op::Op;
use crate::platform::Platform;
use crate::writer::sink;

/// An image: a manifest, a config and layers. It is immutable, and layers are read when they are needed.
pub struct Image(pub(crate) *mut koc_sys::koc_image);
shared!(Image, koc_image, koc_image_ref, koc_image_unref);

/// An entry of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct History {
    /// RFC 3339.
    pub created: Option<String>,
    /// The command.
    pub created_by: Option<String>,
    /// Who.
    pub author: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// No layer belongs to it.
    pub empty_layer: bool,
}

impl Image {
    /// An image from copies of its manifest and config. Its layers have no content, so it can only be sent to a target
    /// that has the blobs.
    pub fn from_bytes(context: &Context, manifest: &[u8], config: &[u8]) -> Result<Self> {
        let (manifest, config) = (view(manifest), view(config));
        unsafe {
            object(
                |out, e| koc_sys::koc_image_from_bytes(context.0, manifest, config, out, e),
                Image,
            )
        }
    }

    /// Of the manifest, with the platform of the config.
    pub fn descriptor(&self) -> Descriptor {
        unsafe { Descriptor::read(koc_sys::koc_image_descriptor(self.0)) }
    }

    /// The exact bytes of the manifest.
    pub fn manifest(&self) -> &[u8] {
        unsafe { bytes(koc_sys::koc_image_manifest(self.0)) }
    }

    /// The exact bytes of the config, as text.
    pub fn config(&self) -> String {
        unsafe { text(koc_sys::koc_image_config(self.0)) }
    }

    /// Of the config.
    pub fn config_descriptor(&self) -> Descriptor {
        unsafe { Descriptor::read(koc_sys::koc_image_config_descriptor(self.0)) }
    }

    /// Of the config.
    pub fn platform(&self) -> Platform {
        unsafe { Platform::read(koc_sys::koc_image_platform(self.0)) }.unwrap_or_default()
    }

    /// From the lowest on.
    pub fn layers(&self) -> Vec<Layer> {
        let count = unsafe { koc_sys::koc_image_layer_count(self.0) };
        let layer =
            |i| unsafe { Layer(koc_sys::koc_layer_ref(koc_sys::koc_image_layer(self.0, i))) };
        (0..count).map(layer).collect()
    }

    fn value(
        &self,
        get: unsafe extern "C" fn(*const koc_sys::koc_image, *const c_char) -> *const c_char,
        key: &str,
    ) -> Option<String> {
        let key = c_string(key).ok()?;
        unsafe { optional(get(self.0, key.as_ptr())) }
    }

    /// An annotation of the manifest.
    pub fn annotation(&self, key: &str) -> Option<String> {
        self.value(koc_sys::koc_image_annotation, key)
    }

    /// A label of the config.
    pub fn label(&self, key: &str) -> Option<String> {
        self.value(koc_sys::koc_image_label, key)
    }

    /// A variable of the environment.
    pub fn env_var(&self, name: &str) -> Option<String> {
        self.value(koc_sys::koc_image_env, name)
    }

    fn list(&self, field: i32) -> Result<Vec<String>> {
        unsafe { list(|out, err| koc_sys::koc_image_list(self.0, field, out, err)) }
    }

    /// Names and values, in the order of the config.
    pub fn env(&self) -> Result<Vec<(String, String)>> {
        self.list(koc_sys::KOC_CFG_ENV).map(pairs)
    }

    /// Keys and values.
    pub fn labels(&self) -> Result<Vec<(String, String)>> {
        self.list(koc_sys::KOC_CFG_LABEL).map(pairs)
    }

    /// Keys and values, of the manifest.
    pub fn annotations(&self) -> Result<Vec<(String, String)>> {
        self.list(koc_sys::KOC_CFG_ANNOTATION).map(pairs)
    }

    /// "8080/tcp".
    pub fn ports(&self) -> Result<Vec<String>> {
        self.list(koc_sys::KOC_CFG_PORT)
    }

    /// "/data".
    pub fn volumes(&self) -> Result<Vec<String>> {
        self.list(koc_sys::KOC_CFG_VOLUME)
    }

    /// The program and its first arguments.
    pub fn entrypoint(&self) -> Result<Vec<String>> {
        self.list(koc_sys::KOC_CFG_ENTRYPOINT)
    }

    /// Further arguments.
    pub fn cmd(&self) -> Result<Vec<String>> {
        self.list(koc_sys::KOC_CFG_CMD)
    }

    fn string(&self, field: i32) -> Option<String> {
        unsafe { optional(koc_sys::koc_image_str(self.0, field)) }
    }

    /// Who the program runs as.
    pub fn user(&self) -> Option<String> {
        self.string(koc_sys::KOC_CFG_USER)
    }

    /// Where the program starts.
    pub fn workdir(&self) -> Option<String> {
        self.string(koc_sys::KOC_CFG_WORKDIR)
    }

    /// The signal that asks the program to end.
    pub fn stopsignal(&self) -> Option<String> {
        self.string(koc_sys::KOC_CFG_STOPSIGNAL)
    }

    /// Who made it.
    pub fn author(&self) -> Option<String> {
        self.string(koc_sys::KOC_CFG_AUTHOR)
    }

    /// Oldest first.
    pub fn history(&self) -> Result<Vec<History>> {
        let count = unsafe { koc_sys::koc_image_history_count(self.0) };
        (0..count).map(|i| self.history_entry(i)).collect()
    }

    fn history_entry(&self, i: usize) -> Result<History> {
        let mut h = koc_sys::koc_history::default();
        unsafe {
            check(|err| koc_sys::koc_image_history(self.0, i, &mut h, err))?;
            Ok(History {
                created: optional(h.created),
                created_by: optional(h.created_by),
                author: optional(h.author),
                comment: optional(h.comment),
                empty_layer: h.empty_layer != 0,
            })
        }
    }

    /// Any member of the config as JSON text, by JSON pointer (RFC 6901): "/config/Healthcheck".
    pub fn config_get(&self, pointer: &str) -> Result<Option<String>> {
        let (pointer, mut out) = (c_string(pointer)?, Buffer::new());
        let found = unsafe {
            check(|err| koc_sys::koc_image_config_get(self.0, pointer.as_ptr(), &mut out.0, err))
        };
        match found {
            Ok(()) => Ok(Some(out.text())),
            Err(e) if e.code() == Code::NOT_FOUND => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The file at `path` as a container would see it. The layers from the top to the one that has it are read.
    pub fn file(&self, path: &str, op: Op<'_>) -> Result<Blob> {
        let path = c_path(Path::new(path))?;
        op.run(|op| unsafe {
            object(
                |out, err| koc_sys::koc_image_get_file(self.0, path.as_ptr(), op, out, err),
                Blob,
            )
        })
    }

    /// Writes the file system as one tar: whiteouts are applied.
    pub fn flatten(&self, mut out: &mut dyn std::io::Write, op: Op<'_>) -> Result<()> {
        let writer = sink(&mut out);
        op.run(|op| unsafe { check(|err| koc_sys::koc_image_flatten(self.0, &writer, op, err)) })
    }

    /// The image with the layers of `old_base` replaced by those of `new_base`. Annotations without a value are removed.
    pub fn rebase(
        &self,
        old_base: &Image,
        new_base: &Image,
        annotations: &[(String, Option<String>)],
    ) -> Result<Image> {
        let mut a = crate::arena::Arena::default();
        let (list, n) = (a.pairs(annotations)?, annotations.len());
        let (old, new) = (old_base.0, new_base.0);
        unsafe {
            object(|out, e| koc_sys::koc_image_rebase(self.0, old, new, list, n, out, e), Image)
        }
    }
}
