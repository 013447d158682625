//! What all objects have: a pointer to C's object, that can be lent and taken.

/// What frees C's object, for types that keep it to themselves.
macro_rules! owner {
    ($name:ident, $free:ident) => {
        impl Drop for $name {
            fn drop(&mut self) {
                unsafe { koc_sys::$free(self.0) }
            }
        }

        // An object has no thread of its own (koc/base.h, "Rules").
        unsafe impl Send for $name {}
    };
}
pub(crate) use owner;

/// The escape hatch as well.
macro_rules! pointer {
    ($name:ident, $c:ident, $free:ident) => {
        $crate::object::owner!($name, $free);

        impl $name {
            /// The object of C, for functions of `koc_sys` that this crate does not have. It is borrowed from `self`.
            pub fn as_ptr(&self) -> *mut koc_sys::$c {
                self.0
            }

            /// Takes an object of C.
            ///
            /// # Safety
            /// `pointer` is not NULL, and its reference passes to the result.
            pub unsafe fn from_ptr(pointer: *mut koc_sys::$c) -> Self {
                $name(pointer)
            }
        }
    };
}
pub(crate) use pointer;

/// The escape hatch of a builder, which may hold a failure in place of its object.
macro_rules! builder {
    ($name:ident, $raw:ident, $c:ident) => {
        impl $name {
            /// The builder of C, which passes to the caller; the failure of a setter, if there was one.
            pub fn into_ptr(self) -> Result<*mut koc_sys::$c> {
                self.0.map(|raw| std::mem::ManuallyDrop::new(raw).0)
            }

            /// Takes a builder of C.
            ///
            /// # Safety
            /// `pointer` is not NULL, and passes to the result.
            pub unsafe fn from_ptr(pointer: *mut koc_sys::$c) -> Self {
                $name(Ok($raw(pointer)))
            }
        }
    };
}
pub(crate) use builder;

/// An immutable or locked object: a clone is the same one, and threads may share it.
macro_rules! shared {
    ($name:ident, $c:ident, $reference:ident, $unreference:ident) => {
        $crate::object::pointer!($name, $c, $unreference);

        impl Clone for $name {
            fn clone(&self) -> Self {
                $name(unsafe { koc_sys::$reference(self.0) })
            }
        }

        // docs/threads.md, "share freely".
        unsafe impl Sync for $name {}
    };
}
pub(crate) use shared;
