use std::ffi::{c_int, c_void};
use std::fmt;
use std::ops::ControlFlow;
use std::ptr::null_mut;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::digest::Digest;
use crate::ffi::{optional, owned};
use crate::panics;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An upload or download.
    Blob,
    /// A manifest or index.
    Manifest,
    /// A layer being made.
    Layer,
    /// A compile.
    Build,
    /// A base image or a reference looked up.
    Resolve,
    /// A whole image of [`crate::Publish`].
    Image,
    /// A request that had to wait.
    Request,
    /// One that this version of the crate does not know.
    Other(i32),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It begins.
    Started,
    /// `done` of `total`.
    Active,
    /// Nothing to do: it was there.
    Skipped,
    /// A blob taken over from another repository.
    Mounted,
    /// It succeeded.
    Finished,
    /// It failed.
    Failed,
    /// For another try, or for an answer: `reason`, `attempt`, `wait`.
    Waiting,
    /// One that this version of the crate does not know.
    Other(i32),
}

/// A progress event. Displays as one line for people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub kind: Kind,
    /// How far it is.
    pub state: State,
    /// For people: "api linux/amd64", a digest, a reference.
    pub what: String,
    /// Of the blob or manifest.
    pub digest: Option<Digest>,
    /// Bytes so far.
    pub done: u64,
    /// Bytes in all; 0 if that is not known.
    pub total: u64,
    /// The same for all events of one piece of work in one call.
    pub id: u64,
    /// Of `Waiting`: why.
    pub reason: Option<String>,
    /// Of `Waiting`: how long at most; zero when not known.
    pub wait: Duration,
    /// Of `Waiting`: the tries so far, from 1.
    pub attempt: u32,
    /// Of `Build`, `Image` and `Resolve`: the program, image or base.
    pub name: Option<String>,
    /// Of `Build`: "linux/amd64".
    pub platform: Option<String>,
    /// Of an image: it goes into an engine or node, not to a registry.
    pub to_local: bool,
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
            what: owned(event.what),
            digest: event.digest.as_ref().copied().map(Digest),
            done: event.done,
            total: event.total,
            id: event.id,
            reason: optional(event.reason),
            wait: Duration::from_millis(event.wait_ms.max(0) as u64),
            attempt: event.attempt,
            name: optional(event.name),
            platform: optional(event.platform),
            to_local: event.flags & koc_sys::KOC_TO_LOCAL != 0,
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, state) = (format!("{:?}", self.kind), format!("{:?}", self.state));
        write!(f, "{} {}: {}", kind.to_lowercase(), self.what, state.to_lowercase())?;
        match (&self.reason, self.total) {
            (Some(reason), _) => write!(f, " ({reason})"),
            (None, 0) => Ok(()),
            (None, total) => write!(f, " ({} of {total} bytes)", self.done),
        }
    }
}

/// What a callback returns: `()` continues, `ControlFlow::Break(())` ends the call with [`crate::Code::USER`].
pub trait Answer {
    /// Whether the call continues.
    fn goes_on(self) -> bool;
}

impl Answer for () {
    fn goes_on(self) -> bool {
        true
    }
}

impl Answer for ControlFlow<()> {
    fn goes_on(self) -> bool {
        self.is_continue()
    }
}

type OnProgress<'a> = Box<dyn FnMut(&Progress) -> bool + 'a>;

/// Options of a call that can wait: a time limit, a token, a progress callback.
#[derive(Default)]
#[must_use]
pub struct Op<'a> {
    cancel: Option<Cancel>,
    timeout: Option<Duration>,
    progress: Option<OnProgress<'a>>,
}

impl<'a> Op<'a> {
    /// Waits as long as it takes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the call with [`crate::Code::CANCELLED`] when the token is triggered.
    pub fn cancel(mut self, token: &Cancel) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Ends the call with [`crate::Code::TIMEOUT`] after this time.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Called with each event on the thread that made the call. `ControlFlow::Break` ends the call with
    /// [`crate::Code::USER`]; a panic ends it as well, and resumes after C has returned.
    pub fn progress<A: Answer>(mut self, mut f: impl FnMut(&Progress) -> A + 'a) -> Self {
        self.progress = Some(Box::new(move |event| f(event).goes_on()));
        self
    }

    /// Runs a call with a koc_op that is valid during it.
    pub(crate) fn run<T>(mut self, call: impl FnOnce(*const koc_sys::koc_op) -> T) -> T {
        let mut op = koc_sys::koc_op {
            cancel: self.cancel.as_ref().map_or(null_mut(), |c| c.0),
            timeout_ms: self.timeout.map_or(0, |t| t.as_millis().clamp(1, 1 << 60) as i64),
            ..Default::default()
        };
        if let Some(f) = &mut self.progress {
            op.progress = Some(on_progress);
            op.payload = std::ptr::from_mut(f).cast();
        }
        call(&op)
    }
}

/// 0 if a callback wants the call to continue.
pub(crate) fn verdict(f: impl FnOnce() -> bool) -> c_int {
    match panics::guard(f) {
        Some(true) => 0,
        _ => koc_sys::KOC_EUSER,
    }
}

unsafe extern "C" fn on_progress(
    event: *const koc_sys::koc_progress,
    payload: *mut c_void,
) -> c_int {
    let f = &mut *payload.cast::<OnProgress<'_>>();
    verdict(|| f(&Progress::read(&*event)))
}
