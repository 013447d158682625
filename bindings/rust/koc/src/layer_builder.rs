use std::ffi::{c_char, c_int, c_void, CString};
use std::path::Path;
use std::ptr::null;

use crate::arena::Arena;
use crate::blob::Blob;
use crate::context::Context;
use crate::entry::Entry;
use crate::error::Result;
use crate::ffi::{c_path, c_string, check, object, owned, view};
use crate::layer::{Layer, LayerOptions};
use crate::object::{builder, owner};
use crate::op::Op;
use crate::panics;

struct Raw(*mut koc_sys::koc_layer_builder);
owner!(Raw, koc_layer_builder_free);

/// Collects files, bytes and directories, and writes them as one layer. The order of calls does not matter: the same
/// input gives the same bytes on every machine. The first failure is that of [`LayerBuilder::finish`].
#[must_use]
pub struct LayerBuilder(Result<Raw>);
builder!(LayerBuilder, Raw, koc_layer_builder);

/// What a filter says about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// It becomes part of the layer.
    Keep,
    /// It does not, nor does what is below it.
    Skip,
    /// The build ends with [`crate::Code::USER`].
    Stop,
}

type OnPath<'a> = Box<dyn FnMut(&str, &mut Entry) -> Filter + 'a>;

/// How a directory is added.
#[derive(Default)]
#[must_use]
pub struct TreeOptions<'a> {
    flags: u32,
    defaults: Option<Entry>,
    filter: Option<OnPath<'a>>,
}

impl<'a> TreeOptions<'a> {
    /// Everything, with modes of the source, owned by root.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps user and group of the source.
    pub fn keep_owner(mut self) -> Self {
        self.flags |= koc_sys::KOC_TREE_KEEP_OWNER;
        self
    }

    /// Stores the targets of symbolic links, and rejects links that leave the tree.
    pub fn follow_links_inside(mut self) -> Self {
        self.flags |= koc_sys::KOC_TREE_FOLLOW_LINKS_INSIDE;
        self
    }

    /// For all paths.
    pub fn defaults(mut self, entry: Entry) -> Self {
        self.defaults = Some(entry);
        self
    }

    /// Called for each path, relative to the directory. It may change mode, owner and mtime of the entry.
    pub fn filter(mut self, f: impl FnMut(&str, &mut Entry) -> Filter + 'a) -> Self {
        self.filter = Some(Box::new(f));
        self
    }
}

impl LayerBuilder {
    /// An empty layer.
    pub fn new(context: &Context) -> Self {
        Self::with(context, &LayerOptions::new())
    }

    /// An empty layer with options.
    pub fn with(context: &Context, options: &LayerOptions) -> Self {
        let make = || {
            let mut a = Arena::default();
            let o = options.raw(&mut a)?;
            unsafe { object(|out, e| koc_sys::koc_layer_builder_new(context.0, &o, out, e), Raw) }
        };
        LayerBuilder(make())
    }

    fn add(
        self,
        path: &str,
        entry: Option<&Entry>,
        call: impl FnOnce(
            *mut koc_sys::koc_layer_builder,
            CString,
            *const koc_sys::koc_entry,
        ) -> Result<()>,
    ) -> Self {
        LayerBuilder(self.0.and_then(|raw| {
            let mut a = Arena::default();
            let entry = entry.map_or(Ok(null()), |e| e.raw(&mut a))?;
            call(raw.0, c_string(path)?, entry)?;
            Ok(raw)
        }))
    }

    /// Adds a file that [`LayerBuilder::finish`] reads. `path` is the one in the image: it is cleaned, ".." is
    /// rejected, and parent directories are added.
    pub fn file(self, path: &str, source: impl AsRef<Path>, entry: &Entry) -> Self {
        self.add(path, Some(entry), |b, path, e| {
            let (path, source) = (path.as_ptr(), c_path(source.as_ref())?);
            unsafe {
                check(|err| koc_sys::koc_layer_builder_add_file(b, path, source.as_ptr(), e, err))
            }
        })
    }

    /// Adds a file with this content.
    pub fn bytes(self, path: &str, content: impl AsRef<[u8]>, entry: &Entry) -> Self {
        self.add(path, Some(entry), |b, path, e| unsafe {
            let (path, content) = (path.as_ptr(), view(content.as_ref()));
            check(|err| koc_sys::koc_layer_builder_add_bytes(b, path, content, e, err))
        })
    }

    /// Adds a file with the content of a blob.
    pub fn blob(self, path: &str, content: &Blob, entry: &Entry) -> Self {
        self.add(path, Some(entry), |b, path, e| unsafe {
            let path = path.as_ptr();
            check(|err| koc_sys::koc_layer_builder_add_blob(b, path, content.0, e, err))
        })
    }

    /// Adds a directory.
    pub fn dir(self, path: &str, entry: &Entry) -> Self {
        self.add(path, Some(entry), |b, path, e| unsafe {
            check(|err| koc_sys::koc_layer_builder_add_dir(b, path.as_ptr(), e, err))
        })
    }

    /// Adds a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.add(path, None, |b, path, e| {
            let (path, target) = (path.as_ptr(), c_string(target)?);
            unsafe {
                check(|err| {
                    koc_sys::koc_layer_builder_add_symlink(b, path, target.as_ptr(), e, err)
                })
            }
        })
    }

    /// Adds a hard link to another path of the layer.
    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.add(path, None, |b, path, _| {
            let (path, target) = (path.as_ptr(), c_string(target)?);
            unsafe {
                check(|err| koc_sys::koc_layer_builder_add_hardlink(b, path, target.as_ptr(), err))
            }
        })
    }

    /// Adds a directory with everything below it.
    pub fn tree(self, path: &str, source: impl AsRef<Path>, mut options: TreeOptions<'_>) -> Self {
        let defaults = options.defaults.take();
        self.add(path, defaults.as_ref(), |b, path, entry| {
            let (path, source) = (path.as_ptr(), c_path(source.as_ref())?);
            let mut o = koc_sys::koc_tree_options {
                flags: options.flags,
                defaults: entry,
                ..Default::default()
            };
            if let Some(f) = &mut options.filter {
                o.filter = Some(on_path);
                o.payload = std::ptr::from_mut(f).cast();
            }
            unsafe {
                check(|err| koc_sys::koc_layer_builder_add_tree(b, path, source.as_ptr(), &o, err))
            }
        })
    }

    /// Builds the layer: tar, DiffID, compression and digest in one pass.
    pub fn finish(self, op: Op<'_>) -> Result<Layer> {
        let raw = self.0?;
        op.run(|op| unsafe {
            object(|out, err| koc_sys::koc_layer_builder_finish(raw.0, op, out, err), Layer)
        })
    }
}

unsafe extern "C" fn on_path(
    path: *const c_char,
    entry: *mut koc_sys::koc_entry,
    payload: *mut c_void,
) -> c_int {
    let (f, raw) = (&mut *payload.cast::<OnPath<'_>>(), &mut *entry);
    let mut e = Entry::new().mode(raw.mode).owner(raw.uid, raw.gid).mtime(raw.mtime);
    let verdict = panics::guard(|| f(&owned(path), &mut e));
    (raw.mode, raw.uid, raw.gid, raw.mtime) = (e.mode, e.uid, e.gid, e.mtime);
    match verdict {
        Some(Filter::Keep) => 0,
        Some(Filter::Skip) => 1,
        Some(Filter::Stop) | None => -1,
    }
}
