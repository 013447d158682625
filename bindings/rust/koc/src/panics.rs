//! Panics of callbacks. C code must not unwind: a panic waits in this thread until C has returned.
//!
//! libkoc invokes callbacks on the thread that made the call, so the thread that finds a panic here is the one
//! whose call the callback belongs to.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

type Panic = Box<dyn Any + Send>;

thread_local! {
    static WAITING: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

fn swap(panic: Option<Panic>) -> Option<Panic> {
    WAITING.try_with(|p| p.replace(panic)).unwrap_or(None)
}

/// Runs a callback; None if it panicked, or if another one of this call did before.
pub fn guard<T>(f: impl FnOnce() -> T) -> Option<T> {
    if WAITING.try_with(|p| p.borrow().is_some()).unwrap_or(false) {
        return None;
    }
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(panic) => {
            swap(Some(panic));
            None
        }
    }
}

/// Drops what C held. Its own panic is lost, since C may drop it in a call that cannot fail.
pub fn release(f: impl FnOnce()) {
    let waiting = swap(None);
    let _ = catch_unwind(AssertUnwindSafe(f));
    swap(waiting);
}

/// Lets a panic continue, now that C has returned.
pub fn resume() {
    if let Some(panic) = swap(None) {
        if std::thread::panicking() {
            swap(Some(panic)); // this is a destructor: a second panic would end the process
        } else {
            resume_unwind(panic);
        }
    }
}
