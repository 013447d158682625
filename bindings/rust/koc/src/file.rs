use std::path::{Path, PathBuf};
use std::ptr::null;

use crate::arena::Arena;
use crate::entry::Entry;
use crate::error::Result;
use crate::ffi::nothing;

#[derive(Clone, Debug)]
enum What {
    Source(PathBuf),
    Content(Vec<u8>),
    Link(String),
}

/// A file, directory or symbolic link of a new image. Without a mode it is 0755 if the source is executable, else 0644.
#[derive(Clone, Debug)]
#[must_use]
pub struct File {
    what: What,
    layer: u32,
    platform: Option<String>,
    entry: Option<Entry>,
}

impl File {
    fn new(what: What) -> Self {
        File { what, layer: 0, platform: None, entry: None }
    }

    /// A file, or a directory with everything below it.
    pub fn path(source: impl AsRef<Path>) -> Self {
        Self::new(What::Source(source.as_ref().into()))
    }

    /// A file with this content.
    pub fn bytes(content: impl Into<Vec<u8>>) -> Self {
        Self::new(What::Content(content.into()))
    }

    /// A symbolic link.
    pub fn link(target: &str) -> Self {
        Self::new(What::Link(target.to_string()))
    }

    /// Files of one number share a layer; higher numbers are above lower ones.
    pub fn layer(mut self, number: u32) -> Self {
        self.layer = number;
        self
    }

    /// Only for this one: "linux/arm64".
    pub fn platform(mut self, platform: &str) -> Self {
        self.platform = Some(platform.to_string());
        self
    }

    /// Owner, mode and time.
    pub fn entry(mut self, entry: Entry) -> Self {
        self.entry = Some(entry);
        self
    }

    pub(crate) fn raw(&self, path: &str, a: &mut Arena) -> Result<koc_sys::koc_image_file> {
        let mut raw = koc_sys::koc_image_file {
            layer: self.layer,
            path: a.text(path)?,
            content: nothing(),
            platform: a.optional(&self.platform)?,
            entry: self.entry.as_ref().map_or(Ok(null()), |e| e.raw(a))?,
            ..Default::default()
        };
        match &self.what {
            What::Source(source) => raw.source = a.path(source)?,
            What::Content(content) => raw.content = a.bytes(content),
            What::Link(target) => raw.link = a.text(target)?,
        }
        Ok(raw)
    }
}

/// Files with their paths in the image.
pub(crate) fn files(
    list: &[(String, File)],
    a: &mut Arena,
) -> Result<*const koc_sys::koc_image_file> {
    let raw = list.iter().map(|(path, file)| file.raw(path, a)).collect::<Result<Vec<_>>>()?;
    Ok(a.keep(raw))
}
