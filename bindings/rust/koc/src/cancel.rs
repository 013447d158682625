use crate::error::Result;
use crate::ffi;
use crate::object::shared;

/// Ends calls early, from any thread. Clones are the same token. In a forked child make a new one.
pub struct Cancel(pub(crate) *mut koc_sys::koc_cancel);
shared!(Cancel, koc_cancel, koc_cancel_ref, koc_cancel_unref);

impl Cancel {
    /// A token that is not triggered.
    pub fn new() -> Result<Self> {
        unsafe { ffi::object(|out, err| koc_sys::koc_cancel_new(out, err), Cancel) }
    }

    /// Ends every call that has this token, now and later, with [`crate::Code::CANCELLED`]. Works in a signal handler.
    pub fn trigger(&self) {
        unsafe { koc_sys::koc_cancel_trigger(self.0) }
    }

    /// Whether it was triggered.
    pub fn is_triggered(&self) -> bool {
        unsafe { koc_sys::koc_cancel_is_triggered(self.0) }
    }
}
