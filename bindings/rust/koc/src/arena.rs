//! Holds what the structs of one call point to.

use std::any::Any;
use std::ffi::{c_char, CString};
use std::path::Path;
use std::ptr::null;

use crate::error::Result;
use crate::ffi::{c_path, c_string};

/// Nothing moves once it is kept: strings, lists and structs live on the heap.
#[derive(Default)]
pub struct Arena(Vec<Box<dyn Any>>);

impl Arena {
    /// A struct or array; valid as long as the arena.
    pub fn keep<T: 'static>(&mut self, values: Vec<T>) -> *const T {
        let pointer = values.as_ptr();
        self.0.push(Box::new(values));
        pointer
    }

    fn c_string(&mut self, text: CString) -> *const c_char {
        let pointer = text.as_ptr();
        self.0.push(Box::new(text));
        pointer
    }

    pub fn text(&mut self, text: &str) -> Result<*const c_char> {
        Ok(self.c_string(c_string(text)?))
    }

    pub fn path(&mut self, path: &Path) -> Result<*const c_char> {
        Ok(self.c_string(c_path(path)?))
    }

    /// NULL for None.
    pub fn optional<T: AsRef<str>>(&mut self, text: &Option<T>) -> Result<*const c_char> {
        text.as_ref().map_or(Ok(null()), |t| self.text(t.as_ref()))
    }

    /// NULL for None.
    pub fn optional_path<T: AsRef<Path>>(&mut self, path: &Option<T>) -> Result<*const c_char> {
        path.as_ref().map_or(Ok(null()), |p| self.path(p.as_ref()))
    }

    /// A NULL-terminated list, also if it is empty.
    pub fn list<T: AsRef<str>>(&mut self, texts: &[T]) -> Result<*const *const c_char> {
        let mut list = texts.iter().map(|t| self.text(t.as_ref())).collect::<Result<Vec<_>>>()?;
        list.push(null());
        Ok(self.keep(list))
    }

    /// The same, but NULL if it is empty.
    pub fn some<T: AsRef<str>>(&mut self, texts: &[T]) -> Result<*const *const c_char> {
        if texts.is_empty() {
            return Ok(null());
        }
        self.list(texts)
    }

    /// Keys with values; a value that is None becomes NULL.
    pub fn pairs(&mut self, pairs: &[(String, Option<String>)]) -> Result<*const koc_sys::koc_kv> {
        let mut list = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            list.push(koc_sys::koc_kv { key: self.text(key)?, value: self.optional(value)? });
        }
        Ok(self.keep(list))
    }

    /// Bytes that are copied.
    pub fn bytes(&mut self, data: &[u8]) -> koc_sys::koc_str {
        let len = data.len();
        koc_sys::koc_str { ptr: self.keep(data.to_vec()).cast(), len }
    }
}

/// Keys and values that are all there, for `Arena::pairs`.
pub fn all(pairs: &[(String, String)]) -> Vec<(String, Option<String>)> {
    pairs.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect()
}
