use std::ffi::{c_char, c_void};
use std::path::{Path, PathBuf};

use crate::arena::Arena;
use crate::error::Result;
use crate::ffi::{self, owned};
use crate::object::shared;
use crate::panics;

/// The cache of a context: results that later calls reuse.
#[derive(Clone, Copy, Debug)]
pub enum Cache<'a> {
    /// Nothing is kept.
    None,
    /// The directory of the koc command.
    Default,
    /// This directory.
    At(&'a Path),
}

/// How important a message of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// A user may not expect it.
    Warn,
    /// What is being done.
    Info,
    /// For those who look for a fault.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    fn of(level: i32) -> Self {
        match level {
            koc_sys::KOC_LOG_ERROR => Level::Error,
            koc_sys::KOC_LOG_WARN => Level::Warn,
            koc_sys::KOC_LOG_INFO => Level::Info,
            koc_sys::KOC_LOG_DEBUG => Level::Debug,
            _ => Level::Trace,
        }
    }
}

/// The cache, worker threads and log that calls share. One per process is enough; a clone is the same one.
pub struct Context(pub(crate) *mut koc_sys::koc_ctx);
shared!(Context, koc_ctx, koc_ctx_ref, koc_ctx_unref);

impl Context {
    /// A context with this cache.
    pub fn new(cache: Cache<'_>) -> Result<Self> {
        Self::builder().cache(cache).build()
    }

    /// A context with options; it has no cache unless you set one.
    pub fn builder() -> ContextBuilder {
        ContextBuilder::default()
    }
}

type Log = Box<dyn Fn(Level, &str, &str) + Send + Sync>;

/// Options of a [`Context`].
#[derive(Default)]
#[must_use]
pub struct ContextBuilder {
    cache: Option<PathBuf>,
    threads: u32,
    max_memory: u64,
    level: i32,
    log: Option<Log>,
}

impl ContextBuilder {
    /// Where results are kept.
    pub fn cache(mut self, cache: Cache<'_>) -> Self {
        self.cache = match cache {
            Cache::None => None,
            Cache::Default => Some(PathBuf::new()),
            Cache::At(path) => Some(path.into()),
        };
        self
    }

    /// Workers for hashing and compression; 0: one per core, at most 16.
    pub fn threads(mut self, threads: u32) -> Self {
        self.threads = threads;
        self
    }

    /// Bytes of buffers for compression; 0: 2.5 MiB per thread.
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = bytes;
        self
    }

    /// Receives messages up to `level` with the component they come from: one line each, without secrets. It runs on
    /// threads that make calls, on several at once if several do. It lives as long as the last object of the context.
    pub fn log(
        mut self,
        level: Level,
        f: impl Fn(Level, &str, &str) + Send + Sync + 'static,
    ) -> Self {
        self.level = level as i32;
        self.log = Some(Box::new(f));
        self
    }

    /// The context.
    pub fn build(self) -> Result<Context> {
        let mut a = Arena::default();
        let mut o = koc_sys::koc_ctx_options {
            log_level: self.level,
            threads: self.threads,
            max_memory: self.max_memory,
            cache_dir: a.optional_path(&self.cache)?,
            ..Default::default()
        };
        let log = self.log.map(|f| Box::into_raw(Box::new(f)));
        if let Some(payload) = log {
            o.log = Some(on_log);
            o.log_payload = payload.cast();
            o.log_release = Some(release_log);
        }
        let made = unsafe { ffi::object(|out, err| koc_sys::koc_ctx_new(&o, out, err), Context) };
        if let (Err(_), Some(payload)) = (&made, log) {
            drop(unsafe { Box::from_raw(payload) });
        }
        made
    }
}

unsafe extern "C" fn on_log(
    level: i32,
    component: *const c_char,
    message: *const c_char,
    payload: *mut c_void,
) {
    let log = &*payload.cast::<Log>();
    panics::guard(|| log(Level::of(level), &owned(component), &owned(message)));
}

unsafe extern "C" fn release_log(payload: *mut c_void) {
    panics::release(|| drop(Box::from_raw(payload.cast::<Log>())));
}
