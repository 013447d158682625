use std::io::Write;
use std::path::Path;

use crate::arena::Arena;
use crate::context::Context;
use crate::error::Result;
use crate::ffi::{c_path, c_string, check, list, make, object, optional, strings, view, Buffer};
use crate::object::owner;
use crate::writer::sink;

struct Raw(*mut koc_sys::koc_resolver);
owner!(Raw, koc_resolver_free);

/// Finds ko:// references in YAML and JSON, and replaces them; every other byte stays. No network, no Go.
pub struct Resolver {
    raw: Raw, // first: it borrows the inputs
    inputs: Vec<Box<[u8]>>,
}

/// Options of a [`Resolver`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ResolverOptions {
    prefix: Option<String>,
    selector: Option<String>,
    max_bytes: u64,
    max_depth: u32,
}

impl ResolverOptions {
    /// References begin with "ko://".
    pub fn new() -> Self {
        Self::default()
    }

    /// What references begin with.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = Some(prefix.to_string());
        self
    }

    /// A label selector of Kubernetes: documents that do not match are omitted.
    pub fn selector(mut self, selector: &str) -> Self {
        self.selector = Some(selector.to_string());
        self
    }

    /// Of one input; 0: 64 MiB.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Of nested collections; 0: 500.
    pub fn max_depth(mut self, depth: u32) -> Self {
        self.max_depth = depth;
        self
    }
}

impl Resolver {
    /// Without inputs.
    pub fn new(context: &Context) -> Result<Self> {
        Self::with(context, &ResolverOptions::new())
    }

    /// Without inputs, with options.
    pub fn with(context: &Context, options: &ResolverOptions) -> Result<Self> {
        let mut a = Arena::default();
        let o = koc_sys::koc_resolver_options {
            prefix: a.optional(&options.prefix)?,
            selector: a.optional(&options.selector)?,
            max_bytes: options.max_bytes,
            max_depth: options.max_depth,
            ..Default::default()
        };
        let raw =
            unsafe { object(|out, e| koc_sys::koc_resolver_new(context.0, &o, out, e), Raw) }?;
        Ok(Resolver { raw, inputs: Vec::new() })
    }

    /// The resolver of C, borrowed from `self`.
    pub fn as_ptr(&self) -> *mut koc_sys::koc_resolver {
        self.raw.0
    }

    /// Takes a resolver of C.
    ///
    /// # Safety
    /// `pointer` passes to the result, and what it borrows outlives that.
    pub unsafe fn from_ptr(pointer: *mut koc_sys::koc_resolver) -> Self {
        Resolver { raw: Raw(pointer), inputs: Vec::new() }
    }

    /// Adds YAML documents or JSON. Errors begin with "label:line:column: ".
    pub fn add_bytes(&mut self, label: &str, yaml: impl Into<Vec<u8>>) -> Result<()> {
        let (label, yaml) = (c_string(label)?, yaml.into().into_boxed_slice());
        let (r, label, data) = (self.as_ptr(), label.as_ptr(), view(&yaml));
        self.inputs.push(yaml); // also after a failure C may look at it
        unsafe { check(|e| koc_sys::koc_resolver_add_bytes(r, label, data, e)) }
    }

    /// Adds a file of any name.
    pub fn add_file(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;
        unsafe { check(|e| koc_sys::koc_resolver_add_file(self.as_ptr(), path.as_ptr(), e)) }
    }

    /// Adds the .yaml, .yml and .json files of a directory; `recursive`: and of those below it.
    pub fn add_dir(&mut self, path: impl AsRef<Path>, recursive: bool) -> Result<()> {
        let path = c_path(path.as_ref())?;
        let (r, path) = (self.as_ptr(), path.as_ptr());
        unsafe { check(|e| koc_sys::koc_resolver_add_dir(r, path, recursive, e)) }
    }

    /// The labels of all inputs.
    pub fn labels(&self) -> Vec<String> {
        let count = unsafe { koc_sys::koc_resolver_count(self.as_ptr()) };
        let label = |i| unsafe { crate::ffi::owned(koc_sys::koc_resolver_label(self.as_ptr(), i)) };
        (0..count).map(label).collect()
    }

    /// The distinct references with their prefix, in order of appearance.
    pub fn references(&self) -> Result<Vec<String>> {
        unsafe { list(|out, e| koc_sys::koc_resolver_references(self.as_ptr(), out, e)) }
    }

    /// The first place of a reference, "label:line:column".
    pub fn place(&mut self, reference: &str) -> Option<String> {
        let reference = c_string(reference).ok()?;
        unsafe { optional(koc_sys::koc_resolver_place(self.as_ptr(), reference.as_ptr())) }
    }

    /// What a user may not expect.
    pub fn warnings(&self) -> Vec<String> {
        unsafe { strings(koc_sys::koc_resolver_warnings(self.as_ptr())) }
    }

    /// Sets the replacement of a reference.
    pub fn set(&mut self, reference: &str, replacement: &str) -> Result<()> {
        let (reference, replacement) = (c_string(reference)?, c_string(replacement)?);
        let (r, reference) = (self.as_ptr(), reference.as_ptr());
        unsafe { check(|e| koc_sys::koc_resolver_set(r, reference, replacement.as_ptr(), e)) }
    }

    /// The replacement of a reference.
    pub fn replacement(&self, reference: &str) -> Option<String> {
        let reference = c_string(reference).ok()?;
        unsafe { optional(koc_sys::koc_resolver_replacement(self.as_ptr(), reference.as_ptr())) }
    }

    /// Sets replacements from a JSON object {"ko://path": "name@digest"}. `label` is for errors.
    pub fn read_map(&mut self, label: &str, json: &str) -> Result<()> {
        let label = c_string(label)?;
        let (r, label, json) = (self.as_ptr(), label.as_ptr(), view(json.as_bytes()));
        unsafe { check(|e| koc_sys::koc_resolver_read_map(r, label, json, e)) }
    }

    /// The replacements as such an object.
    pub fn write_map(&self) -> Result<String> {
        let mut out = Buffer::new();
        unsafe { check(|e| koc_sys::koc_resolver_write_map(self.as_ptr(), &mut out.0, e)) }?;
        Ok(out.text())
    }

    /// Whether every reference of input i has a replacement.
    pub fn is_ready(&self, i: usize) -> bool {
        unsafe { koc_sys::koc_resolver_is_ready(self.as_ptr(), i) }
    }

    /// Writes input i; ask for inputs in ascending order.
    pub fn write_input(&mut self, i: usize, mut out: &mut dyn Write) -> Result<()> {
        let w = sink(&mut out);
        unsafe { check(|e| koc_sys::koc_resolver_write_input(self.as_ptr(), i, &w, e)) }
    }

    /// Writes all inputs in order.
    pub fn write(&mut self, mut out: &mut dyn Write) -> Result<()> {
        let w = sink(&mut out);
        unsafe { check(|e| koc_sys::koc_resolver_write(self.as_ptr(), &w, e)) }
    }

    /// Writes the documents that have all replacements and were not written yet, up to the first that lacks one. The
    /// result: whether everything has been written.
    pub fn write_ready(&mut self, mut out: &mut dyn Write) -> Result<bool> {
        let (r, w) = (self.as_ptr(), sink(&mut out));
        unsafe { make(false, |done, e| koc_sys::koc_resolver_write_ready(r, &w, done, e), |d| d) }
    }
}
