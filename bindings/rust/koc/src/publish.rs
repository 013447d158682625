use std::ffi::{c_char, c_int, c_void};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use crate::arena::Arena;
use crate::client::Client;
use crate::context::Context;
use crate::error::Result;
use crate::ffi::{check, object, owned, strings, text, Buffer};
use crate::layer::Compression;
use crate::object::owner;
use crate::op::{verdict, Answer, Op};
use crate::resolver::Resolver;
use crate::writer::sink;

/// What [`Publish`] made: `references[i]` is the image of `import_paths[i]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Published {
    /// "repo@sha256:…", "oci:dir@sha256:…".
    pub references: Vec<String>,
    /// Without ko://.
    pub import_paths: Vec<String>,
    /// In `sbom_dir`, of the whole image or index; None: none was written.
    pub sboms: Vec<Option<String>>,
    /// A JSON document (docs/json.md, `koc-build-1`).
    pub report: String,
    /// Where the time went, for people.
    pub timings: String,
    /// What a user may not expect.
    pub warnings: Vec<String>,
    /// With [`Publish::inputs`]: the absolute paths of all inputs; None: not all are known.
    pub inputs: Option<Vec<String>>,
}

type OnPublished<'a> = Box<dyn FnMut(&str, &str) -> bool + 'a>;

/// `koc build` in one call: builds Go packages into images and publishes them. The environment and
/// `.ko.yaml` provide what is not given.
#[must_use]
pub struct Publish<'a> {
    context: &'a Context,
    client: Option<Client>,
    flags: u32,
    sbom: i32,
    compression: Compression,
    level: i32,
    jobs: i32,
    import_paths: Vec<String>,
    tags: Vec<String>,
    platforms: Vec<String>,
    ldflags: Vec<String>,
    labels: Vec<String>,
    annotations: Vec<String>,
    repository: Option<String>,
    base_image: Option<String>,
    user: Option<String>,
    delve_version: Option<String>,
    into: Option<String>,
    config_path: Option<PathBuf>,
    oci_layout: Option<PathBuf>,
    tarball: Option<PathBuf>,
    image_refs: Option<PathBuf>,
    sbom_dir: Option<PathBuf>,
    published: Option<OnPublished<'a>>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ident;)*) => {
        $(setters!(@$kind $(#[$doc])* $name);)*
    };
    (@text $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub fn $name(mut self, value: &str) -> Self {
            self.$name = Some(value.to_string());
            self
        }
    };
    (@path $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub fn $name(mut self, path: impl AsRef<Path>) -> Self {
            self.$name = Some(path.as_ref().into());
            self
        }
    };
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $bit:ident;)*) => {
        $($(#[$doc])*
        pub fn $name(self, yes: bool) -> Self {
            self.flag(koc_sys::$bit, yes)
        })*
    };
}

impl<'a> Publish<'a> {
    /// The package in the current directory.
    pub fn new(context: &'a Context) -> Self {
        Publish {
            context,
            client: None,
            flags: 0,
            sbom: koc_sys::KOC_SBOM_SPDX,
            compression: Compression::Gzip,
            level: 0,
            jobs: 0,
            import_paths: Vec::new(),
            tags: Vec::new(),
            platforms: Vec::new(),
            ldflags: Vec::new(),
            labels: Vec::new(),
            annotations: Vec::new(),
            repository: None,
            base_image: None,
            user: None,
            delve_version: None,
            into: None,
            config_path: None,
            oci_layout: None,
            tarball: None,
            image_refs: None,
            sbom_dir: None,
            published: None,
        }
    }

    setters! {
        /// KO_DOCKER_REPO.
        repository: text;
        /// For all import paths; "scratch" is the empty image.
        base_image: text;
        /// Who the program runs as.
        user: text;
        /// For [`Publish::debug`].
        delve_version: text;
        /// Loads images instead of pushing them: "docker", "kind:CLUSTER", …
        into: text;
        /// In place of KO_CONFIG_PATH and ./.ko.yaml.
        config_path: path;
        /// Also writes to this OCI layout.
        oci_layout: path;
        /// Also writes a docker-save archive.
        tarball: path;
        /// Also writes all references to this file.
        image_refs: path;
        /// Also writes the SBOMs to this directory.
        sbom_dir: path;
    }

    flags! {
        /// Results are repo:tag, without a digest.
        tag_only = KOC_PUBLISH_TAG_ONLY;
        /// Names images by their whole import path.
        preserve_import_paths = KOC_PUBLISH_PRESERVE_IMPORT_PATHS;
        /// Names images by the last element of their import path.
        base_import_paths = KOC_PUBLISH_BASE_IMPORT_PATHS;
        /// The repository is the name of the image.
        bare = KOC_PUBLISH_BARE;
        /// Compiles with -N -l.
        disable_optimizations = KOC_PUBLISH_DISABLE_OPTIMIZATIONS;
        /// ko's identity strings and byte quirks.
        compat_ko = KOC_PUBLISH_COMPAT_KO;
        /// Without a repository: writes to the default OCI layout.
        default_layout = KOC_PUBLISH_DEFAULT_LAYOUT;
        /// Builds even if nothing changed.
        force = KOC_PUBLISH_FORCE;
        /// Adds Delve and starts under it.
        debug = KOC_PUBLISH_DEBUG;
        /// Bases from the cache, no module downloads, no push.
        offline = KOC_PUBLISH_OFFLINE;
        /// Collects [`Published::inputs`].
        inputs = KOC_PUBLISH_INPUTS;
    }

    /// Without one, a client with docker's credentials.
    pub fn client(mut self, client: &Client) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Adds an import path; without any it is ".".
    pub fn import_path(mut self, path: &str) -> Self {
        self.import_paths.push(path.into());
        self
    }

    /// Adds a tag; without any it is "latest".
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// "linux/arm64", "all".
    pub fn platform(mut self, platform: &str) -> Self {
        self.platforms.push(platform.into());
        self
    }

    /// Adds a flag of the linker.
    pub fn ldflag(mut self, flag: &str) -> Self {
        self.ldflags.push(flag.into());
        self
    }

    /// Adds a label of the config.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.push(format!("{key}={value}"));
        self
    }

    /// Adds an annotation of manifests and indexes.
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.push(format!("{key}={value}"));
        self
    }

    /// Of new layers. Level 0 is the default.
    pub fn compression(mut self, compression: Compression, level: i32) -> Self {
        (self.compression, self.level) = (compression, level);
        self
    }

    /// Compiles in parallel; 0: one per core.
    pub fn jobs(mut self, jobs: i32) -> Self {
        self.jobs = jobs;
        self
    }

    /// Whether to push; without it only layout and archive are written.
    pub fn push(self, yes: bool) -> Self {
        self.flag(koc_sys::KOC_PUBLISH_NO_PUSH, !yes)
    }

    /// Whether to make SBOMs.
    pub fn sbom(mut self, yes: bool) -> Self {
        self.sbom = if yes { koc_sys::KOC_SBOM_SPDX } else { koc_sys::KOC_SBOM_NONE };
        self
    }

    fn flag(mut self, bit: u32, on: bool) -> Self {
        self.flags = if on { self.flags | bit } else { self.flags & !bit };
        self
    }

    /// Called with import path and reference of each result as soon as it is complete.
    pub fn published<A: Answer>(mut self, mut f: impl FnMut(&str, &str) -> A + 'a) -> Self {
        self.published = Some(Box::new(move |path, reference| f(path, reference).goes_on()));
        self
    }

    fn raw(&mut self, a: &mut Arena) -> Result<koc_sys::koc_publish_options> {
        let mut o = koc_sys::koc_publish_options {
            flags: self.flags,
            client: self.client.as_ref().map_or(null_mut(), |c| c.0),
            import_paths: a.some(&self.import_paths)?,
            repository: a.optional(&self.repository)?,
            tags: a.some(&self.tags)?,
            platforms: a.some(&self.platforms)?,
            config_path: a.optional_path(&self.config_path)?,
            base_image: a.optional(&self.base_image)?,
            ldflags: a.some(&self.ldflags)?,
            labels: a.some(&self.labels)?,
            annotations: a.some(&self.annotations)?,
            user: a.optional(&self.user)?,
            oci_layout_path: a.optional_path(&self.oci_layout)?,
            tarball: a.optional_path(&self.tarball)?,
            image_refs: a.optional_path(&self.image_refs)?,
            sbom_dir: a.optional_path(&self.sbom_dir)?,
            sbom: self.sbom,
            compression: self.compression.raw(),
            level: self.level,
            jobs: self.jobs,
            delve_version: a.optional(&self.delve_version)?,
            into: a.optional(&self.into)?,
            ..Default::default()
        };
        if let Some(f) = &mut self.published {
            o.published = Some(on_published);
            o.published_payload = std::ptr::from_mut(f).cast();
        }
        Ok(o)
    }

    /// Builds and publishes.
    pub fn run(mut self, op: Op<'_>) -> Result<Published> {
        let (mut a, ctx) = (Arena::default(), self.context.0);
        let o = self.raw(&mut a)?;
        let p = op.run(|op| unsafe {
            object(|out, err| koc_sys::koc_publish(ctx, &o, op, out, err), Raw)
        })?;
        Ok(unsafe { read(p.0) })
    }

    /// `koc resolve` in one call: publishes all references of `resolver`, sets their replacements, and writes documents to
    /// `out` as soon as they are ready. None: there are no references.
    pub fn resolve(
        mut self,
        resolver: &mut Resolver,
        out: Option<&mut dyn Write>,
        op: Op<'_>,
    ) -> Result<Option<Published>> {
        let (mut a, ctx, r) = (Arena::default(), self.context.0, resolver.as_ptr());
        let o = self.raw(&mut a)?;
        let mut out = out;
        let writer = out.as_mut().map(sink);
        let w = writer.as_ref().map_or(null(), |w| w as *const _);
        let p = op.run(|op| unsafe {
            let some = |p: *mut koc_sys::koc_published| (!p.is_null()).then_some(Raw(p));
            object(|out, err| koc_sys::koc_resolve(ctx, r, &o, w, op, out, err), some)
        })?;
        Ok(p.map(|p| unsafe { read(p.0) }))
    }

    /// The settings that a build would use, by name: "repository", "base", "platform", "warning", … It sends no request.
    pub fn settings(mut self) -> Result<Vec<(String, String)>> {
        let (mut a, ctx, mut found) = (Arena::default(), self.context.0, Vec::new());
        let o = self.raw(&mut a)?;
        let payload: *mut c_void = std::ptr::from_mut(&mut found).cast();
        unsafe { check(|e| koc_sys::koc_publish_settings(ctx, &o, Some(on_setting), payload, e)) }?;
        Ok(found)
    }

    /// What has changed since the last build, as text. Nothing is built.
    pub fn explain(mut self, op: Op<'_>) -> Result<String> {
        let (mut a, ctx, mut out) = (Arena::default(), self.context.0, Buffer::new());
        let o = self.raw(&mut a)?;
        op.run(|op| unsafe { check(|e| koc_sys::koc_explain(ctx, &o, op, &mut out.0, e)) })?;
        Ok(out.text())
    }
}

unsafe extern "C" fn on_published(
    import_path: *const c_char,
    reference: *const c_char,
    payload: *mut c_void,
) -> c_int {
    let f = &mut *payload.cast::<OnPublished<'_>>();
    verdict(|| f(&owned(import_path), &owned(reference)))
}

unsafe extern "C" fn on_setting(
    name: *const c_char,
    value: *const c_char,
    payload: *mut c_void,
) -> c_int {
    let found = &mut *payload.cast::<Vec<(String, String)>>();
    verdict(|| {
        found.push((owned(name), owned(value)));
        true
    })
}

struct Raw(*mut koc_sys::koc_published);
owner!(Raw, koc_published_free);

/// Copies the result from C.
unsafe fn read(p: *const koc_sys::koc_published) -> Published {
    let each =
        |get: unsafe extern "C" fn(*const koc_sys::koc_published, usize) -> *const c_char| {
            (0..koc_sys::koc_published_count(p)).map(|i| owned(get(p, i))).collect()
        };
    let inputs = koc_sys::koc_published_inputs(p);
    Published {
        references: each(koc_sys::koc_published_reference),
        import_paths: each(koc_sys::koc_published_import_path),
        sboms: (0..koc_sys::koc_published_count(p))
            .map(|i| koc_sys::koc_published_sbom(p, i))
            .map(|path| (!path.is_null()).then(|| owned(path)))
            .collect(),
        report: text(koc_sys::koc_published_report(p)),
        timings: text(koc_sys::koc_published_timings(p)),
        warnings: strings(koc_sys::koc_published_warnings(p)),
        inputs: (!inputs.is_null()).then(|| strings(inputs)),
    }
}
