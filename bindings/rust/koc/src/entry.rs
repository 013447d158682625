use crate::arena::{all, Arena};
use crate::error::Result;

/// Owner, mode and time of a path. What is zero has its default: mode 0644 (files) or 0755 (directories), owner 0:0,
/// mtime of the layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Seconds since 1970.
    pub mtime: i64,
    /// Extended attributes.
    pub xattrs: Vec<(String, String)>,
}

impl Entry {
    /// All defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Permission bits.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// User and group.
    pub fn owner(mut self, uid: u32, gid: u32) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }

    /// Seconds since 1970.
    pub fn mtime(mut self, seconds: i64) -> Self {
        self.mtime = seconds;
        self
    }

    /// Adds an extended attribute: "user.note".
    pub fn xattr(mut self, name: &str, value: &str) -> Self {
        self.xattrs.push((name.to_string(), value.to_string()));
        self
    }

    pub(crate) fn raw(&self, a: &mut Arena) -> Result<*const koc_sys::koc_entry> {
        let raw = koc_sys::koc_entry {
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            mtime: self.mtime,
            xattrs: a.pairs(&all(&self.xattrs))?,
            n_xattrs: self.xattrs.len(),
            ..Default::default()
        };
        Ok(a.keep(vec![raw]))
    }
}
