//! Progress, cancel token and time limit of a call. Callbacks run on the thread that made the call. A
//! panic in one ends the call, and resumes after C has returned.

use std::any::Any;
use std::ffi::{c_char, c_int, c_void};
use std::ops::ControlFlow;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr::null_mut;
use std::time::Duration;

use crate::context::Cancel;
use crate::digest::Digest;
use crate::ffi::owned;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    Blob,
    Manifest,
    Layer,
    Build,
    Resolve,
    Image,
    Request,
    Other(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    Started,
    Active,
    Skipped,
    Mounted,
    Finished,
    Failed,
    Waiting,
    Other(i32),
}

/// A progress event. Sizes are in bytes; `total` is 0 if it is not known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    pub kind: Kind,
    pub state: State,
    pub what: String,
    pub digest: Option<Digest>,
    pub done: u64,
    pub total: u64,
    /// The same for all events of one piece of work in one call.
    pub id: u64,
    /// Of `Waiting`: why.
    pub reason: Option<String>,
    /// Of `Waiting`: how long at most; zero when not known.
    pub wait: Duration,
    /// Of `Waiting`: the tries so far, from 1.
    pub attempt: u32,
}

impl Progress {
    unsafe fn read(event: &koc_sys::koc_progress) -> Self {
        Progress {
            kind: match event.kind {
                koc_sys::KOC_PROGRESS_BLOB => Kind::Blob,
                koc_sys::KOC_PROGRESS_MANIFEST => Kind::Manifest,
                koc_sys::KOC_PROGRESS_LAYER => Kind::Layer,
                koc_sys::KOC_PROGRESS_BUILD => Kind::Build,
                koc_sys::KOC_PROGRESS_RESOLVE => Kind::Resolve,
                koc_sys::KOC_PROGRESS_IMAGE => Kind::Image,
                koc_sys::KOC_PROGRESS_REQUEST => Kind::Request,
                other => Kind::Other(other),
            },
            state: match event.state {
                koc_sys::KOC_STATE_STARTED => State::Started,
                koc_sys::KOC_STATE_ACTIVE => State::Active,
                koc_sys::KOC_STATE_SKIPPED => State::Skipped,
                koc_sys::KOC_STATE_MOUNTED => State::Mounted,
                koc_sys::KOC_STATE_FINISHED => State::Finished,
                koc_sys::KOC_STATE_FAILED => State::Failed,
                koc_sys::KOC_STATE_WAITING => State::Waiting,
                other => State::Other(other),
            },
            what: owned(event.what).unwrap_or_default(),
            digest: event.digest.as_ref().copied().map(Digest),
            done: event.done,
            total: event.total,
            id: event.id,
            reason: owned(event.reason),
            wait: Duration::from_millis(event.wait_ms.max(0) as u64),
            attempt: event.attempt,
        }
    }
}

type OnProgress<'a> = Box<dyn FnMut(&Progress) -> ControlFlow<()> + 'a>;
pub(crate) type OnPublished<'a> = Box<dyn FnMut(&str, &str) -> ControlFlow<()> + 'a>;

/// Options of a call that can wait: a time limit, a token, a progress callback.
#[derive(Default)]
pub struct Op<'a> {
    cancel: Option<&'a Cancel>,
    timeout: Option<Duration>,
    progress: Option<OnProgress<'a>>,
}

impl<'a> Op<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn cancel(mut self, token: &'a Cancel) -> Self {
        self.cancel = Some(token);
        self
    }

    /// For the whole call.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// `ControlFlow::Break` ends the call with [`crate::Code::USER`].
    pub fn progress(mut self, f: impl FnMut(&Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Some(Box::new(f));
        self
    }
}

/// The callbacks of one call, and the panic of one of them.
pub(crate) struct Watch<'a> {
    op: Op<'a>,
    published: Option<OnPublished<'a>>,
    panic: Option<Box<dyn Any + Send>>,
}

impl<'a> Watch<'a> {
    pub fn new(op: Op<'a>, published: Option<OnPublished<'a>>) -> Self {
        Watch { op, published, panic: None }
    }

    /// Runs the call with its koc_op and the payload of other callbacks; resumes a panic.
    pub fn run<T>(&mut self, call: impl FnOnce(&koc_sys::koc_op, *mut c_void) -> T) -> T {
        let mut op: koc_sys::koc_op = unsafe { std::mem::zeroed() };
        op.struct_size = std::mem::size_of_val(&op) as u32;
        op.cancel = self.op.cancel.map_or(null_mut(), |c| c.0);
        op.timeout_ms = self.op.timeout.map_or(0, |t| t.as_millis().clamp(1, 1 << 60) as i64);
        let payload: *mut c_void = (self as *mut Self).cast();
        if self.op.progress.is_some() {
            op.progress = Some(on_progress);
            op.payload = payload;
        }
        let result = call(&op, payload);
        if let Some(panic) = self.panic.take() {
            resume_unwind(panic);
        }
        result
    }

    fn guard(&mut self, f: impl FnOnce(&mut Self) -> ControlFlow<()>) -> c_int {
        if self.panic.is_some() {
            return koc_sys::KOC_EUSER;
        }
        match catch_unwind(AssertUnwindSafe(|| f(self))) {
            Ok(ControlFlow::Continue(())) => 0,
            Ok(ControlFlow::Break(())) => koc_sys::KOC_EUSER,
            Err(panic) => {
                self.panic = Some(panic);
                koc_sys::KOC_EUSER
            }
        }
    }
}

unsafe extern "C" fn on_progress(
    event: *const koc_sys::koc_progress,
    payload: *mut c_void,
) -> c_int {
    let watch = &mut *payload.cast::<Watch>();
    watch.guard(|w| match &mut w.op.progress {
        Some(f) => f(&Progress::read(&*event)),
        None => ControlFlow::Continue(()),
    })
}

pub(crate) unsafe extern "C" fn on_published(
    import_path: *const c_char,
    reference: *const c_char,
    payload: *mut c_void,
) -> c_int {
    let watch = &mut *payload.cast::<Watch>();
    watch.guard(|w| match &mut w.published {
        Some(f) => {
            f(&owned(import_path).unwrap_or_default(), &owned(reference).unwrap_or_default())
        }
        None => ControlFlow::Continue(()),
    })
}
