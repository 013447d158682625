//! Declarations of libkoc's C functions. The crate `koc` is the safe way to them; ownership, threads
//! and errors are explained in the C headers.
#![allow(non_camel_case_types)]

#[rustfmt::skip]
mod bindings;
pub use bindings::*;
