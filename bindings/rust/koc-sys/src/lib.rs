//! Declarations of libkoc's C functions. The crate `koc` wraps them safely. The C headers explain ownership,
//! threads and errors.
#![allow(non_camel_case_types)]

#[rustfmt::skip]
mod bindings;
pub use bindings::*;
