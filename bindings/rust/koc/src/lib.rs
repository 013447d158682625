//! libkoc for Rust: OCI images from Go packages, without Docker.
//!
//! ```no_run
//! let context = koc::Context::new(koc::Cache::Default)?;
//! let result = koc::Publish::new(&context)
//!     .import_path("./cmd/api")
//!     .repository("registry.example/team")
//!     .run(koc::Op::new())?;
//! println!("{}", result.references[0]);
//! # Ok::<(), koc::Error>(())
//! ```

mod context;
mod digest;
mod error;
mod ffi;
mod op;
mod publish;
mod reference;

pub use context::{Cache, Cancel, Context};
pub use digest::Digest;
pub use error::{Code, Error, Result};
pub use op::{Kind, Op, Progress, State};
pub use publish::{Publish, Published};
pub use reference::Reference;

/// The version of libkoc at run time.
pub fn version() -> String {
    unsafe { ffi::owned(koc_sys::koc_version_string()) }.unwrap_or_default()
}
