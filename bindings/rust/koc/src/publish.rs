use std::ffi::{c_char, CString};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

use crate::context::Context;
use crate::error::Result;
use crate::ffi::{c_string, make, owned};
use crate::op::{on_published, OnPublished, Op, Watch};

/// The result of [`Publish`]: `references[i]` is the image of `import_paths[i]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Published {
    pub references: Vec<String>,
    pub import_paths: Vec<String>,
    /// A JSON document (docs/json.md, `koc-build-1`).
    pub report: String,
    pub warnings: Vec<String>,
}

#[derive(Default)]
struct List(Vec<Vec<u8>>);

/// A NULL-terminated list for C that owns its strings; NULL if it is empty.
struct CList(#[allow(dead_code)] Vec<CString>, Vec<*const c_char>);

impl List {
    fn to_c(&self) -> Result<CList> {
        let strings = self.0.iter().map(|s| c_string(s.clone())).collect::<Result<Vec<_>>>()?;
        let mut pointers: Vec<_> = strings.iter().map(|s| s.as_ptr()).collect();
        pointers.push(null());
        Ok(CList(strings, pointers))
    }
}

impl CList {
    fn as_ptr(&self) -> *const *const c_char {
        if self.1.len() > 1 {
            self.1.as_ptr()
        } else {
            null()
        }
    }
}

/// `koc build` in one call: builds Go packages into images and publishes them. The environment and
/// `.ko.yaml` provide what is not given.
pub struct Publish<'a> {
    context: &'a Context,
    flags: u32,
    sbom: i32,
    import_paths: List,
    tags: List,
    platforms: List,
    labels: List,
    repository: Option<Vec<u8>>,
    config_path: Option<Vec<u8>>,
    base_image: Option<Vec<u8>>,
    oci_layout: Option<Vec<u8>>,
    tarball: Option<Vec<u8>>,
    published: Option<OnPublished<'a>>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($type:ty) => $field:ident = $value:expr;)*) => {
        $($(#[$doc])* pub fn $name(mut self, value: $type) -> Self {
            self.$field = Some($value(value).to_vec());
            self
        })*
    };
}

fn path(p: &Path) -> &[u8] {
    p.as_os_str().as_bytes()
}

impl<'a> Publish<'a> {
    pub fn new(context: &'a Context) -> Self {
        Publish {
            context,
            flags: 0,
            sbom: koc_sys::KOC_SBOM_SPDX,
            import_paths: List::default(),
            tags: List::default(),
            platforms: List::default(),
            labels: List::default(),
            repository: None,
            config_path: None,
            base_image: None,
            oci_layout: None,
            tarball: None,
            published: None,
        }
    }

    setters! {
        /// KO_DOCKER_REPO.
        repository(&str) => repository = str::as_bytes;
        /// For all import paths; "scratch" is the empty image.
        base_image(&str) => base_image = str::as_bytes;
        config_path(&Path) => config_path = path;
        /// Also write to this OCI layout.
        oci_layout(&Path) => oci_layout = path;
        /// Also write a docker-save archive.
        tarball(&Path) => tarball = path;
    }

    /// Adds an import path; without any it is ".".
    pub fn import_path(mut self, path: &str) -> Self {
        self.import_paths.0.push(path.into());
        self
    }

    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.0.push(tag.into());
        self
    }

    /// "linux/arm64", "all".
    pub fn platform(mut self, platform: &str) -> Self {
        self.platforms.0.push(platform.into());
        self
    }

    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.0.push(format!("{key}={value}").into());
        self
    }

    /// Whether to push; without it only layout and archive are written.
    pub fn push(self, yes: bool) -> Self {
        self.flag(koc_sys::KOC_PUBLISH_NO_PUSH, !yes)
    }

    pub fn bare(self, yes: bool) -> Self {
        self.flag(koc_sys::KOC_PUBLISH_BARE, yes)
    }

    pub fn sbom(mut self, yes: bool) -> Self {
        self.sbom = if yes { koc_sys::KOC_SBOM_SPDX } else { koc_sys::KOC_SBOM_NONE };
        self
    }

    fn flag(mut self, bit: u32, on: bool) -> Self {
        self.flags = if on { self.flags | bit } else { self.flags & !bit };
        self
    }

    /// Called with import path and reference of each result as soon as it is complete.
    pub fn published(mut self, f: impl FnMut(&str, &str) -> ControlFlow<()> + 'a) -> Self {
        self.published = Some(Box::new(f));
        self
    }

    pub fn run(mut self, op: Op<'_>) -> Result<Published> {
        let mut texts = Vec::new();
        let mut text = |value: &Option<Vec<u8>>| -> Result<*const c_char> {
            let Some(value) = value else { return Ok(null()) };
            texts.push(c_string(value.clone())?); // its bytes stay where they are
            Ok(texts.last().map_or(null(), |t| t.as_ptr()))
        };
        let mut o: koc_sys::koc_publish_options = unsafe { std::mem::zeroed() };
        o.struct_size = std::mem::size_of_val(&o) as u32;
        o.flags = self.flags;
        o.sbom = self.sbom;
        o.repository = text(&self.repository)?;
        o.config_path = text(&self.config_path)?;
        o.base_image = text(&self.base_image)?;
        o.oci_layout_path = text(&self.oci_layout)?;
        o.tarball = text(&self.tarball)?;
        let (paths, tags) = (self.import_paths.to_c()?, self.tags.to_c()?);
        let (platforms, labels) = (self.platforms.to_c()?, self.labels.to_c()?);
        o.import_paths = paths.as_ptr();
        o.tags = tags.as_ptr();
        o.platforms = platforms.as_ptr();
        o.labels = labels.as_ptr();
        let published = self.published.take();
        if published.is_some() {
            o.published = Some(on_published);
        }
        let p = Watch::new(op, published).run(|op, payload| unsafe {
            o.published_payload = payload;
            make(null_mut(), |out, err| koc_sys::koc_publish(self.context.0, &o, op, out, err))
                .map(Handle)
        })?;
        Ok(unsafe { read(p.0) })
    }
}

/// Frees the result also while a callback's panic unwinds.
struct Handle(*mut koc_sys::koc_published);

impl Drop for Handle {
    fn drop(&mut self) {
        unsafe { koc_sys::koc_published_free(self.0) }
    }
}

/// Copies the result from C.
unsafe fn read(p: *const koc_sys::koc_published) -> Published {
    let count = koc_sys::koc_published_count(p);
    let warnings = koc_sys::koc_published_warnings(p);
    let report = koc_sys::koc_published_report(p);
    Published {
        references: (0..count)
            .filter_map(|i| owned(koc_sys::koc_published_reference(p, i)))
            .collect(),
        import_paths: (0..count)
            .filter_map(|i| owned(koc_sys::koc_published_import_path(p, i)))
            .collect(),
        report: String::from_utf8_lossy(bytes(&report)).into_owned(),
        warnings: (0..koc_sys::koc_strlist_count(warnings))
            .filter_map(|i| owned(koc_sys::koc_strlist_get(warnings, i)))
            .collect(),
    }
}

unsafe fn bytes(s: &koc_sys::koc_str) -> &[u8] {
    if s.len == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(s.ptr.cast(), s.len)
    }
}
