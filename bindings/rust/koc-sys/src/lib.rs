//! Declarations of libkoc's C functions. The crate `koc` wraps them safely. The C headers explain ownership,
//! threads and errors.
//!
//! A struct that begins with `struct_size` has a `Default`, which is its `_INIT` macro in C: every member zero, and its
//! size set.
//!
//! The library is found by pkg-config. With the feature `vendored` it is compiled from the sources in this crate.
//! `build.rs` lists the environment variables that change either.
#![allow(non_camel_case_types)]

macro_rules! sized {
    ($($name:ident)*) => {
        $(impl Default for $name {
            fn default() -> Self {
                // Zero is a value of each member: numbers, pointers, Option of a function.
                let mut init: Self = unsafe { core::mem::zeroed() };
                init.struct_size = core::mem::size_of::<Self>() as u32;
                init
            }
        })*
    };
}

#[rustfmt::skip]
mod bindings;
pub use bindings::*;
