use std::fmt;
use std::str::FromStr;

use crate::arena::Arena;
use crate::error::{Error, Result};
use crate::ffi::{c_string, check, optional, owned, Buffer};

/// Operating system and processor: `"linux/arm64/v8".parse()`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Platform {
    /// "linux".
    pub os: Option<String>,
    /// "arm64".
    pub arch: Option<String>,
    /// "v8".
    pub variant: Option<String>,
    /// Of Windows: "10.0.20348".
    pub os_version: Option<String>,
    /// Of Windows: "win32k".
    pub os_features: Vec<String>,
}

impl Platform {
    /// Whether an image for `have` can be used where `self` is wanted.
    pub fn matches(&self, have: &Platform) -> Result<bool> {
        let mut a = Arena::default();
        let (want, have) = (self.raw(&mut a)?, have.raw(&mut a)?);
        Ok(unsafe { koc_sys::koc_platform_matches(want, have) })
    }

    pub(crate) fn raw(&self, a: &mut Arena) -> Result<*const koc_sys::koc_platform> {
        let raw = koc_sys::koc_platform {
            os: a.optional(&self.os)?,
            arch: a.optional(&self.arch)?,
            variant: a.optional(&self.variant)?,
            os_version: a.optional(&self.os_version)?,
            os_features: a.some(&self.os_features)?,
            ..Default::default()
        };
        Ok(a.keep(vec![raw]))
    }

    /// NULL for None.
    pub(crate) fn optional(
        platform: Option<&Self>,
        a: &mut Arena,
    ) -> Result<*const koc_sys::koc_platform> {
        platform.map_or(Ok(std::ptr::null()), |p| p.raw(a))
    }

    pub(crate) unsafe fn read(raw: *const koc_sys::koc_platform) -> Option<Self> {
        let raw = raw.as_ref()?;
        let mut os_features = Vec::new();
        let mut next = raw.os_features;
        while !next.is_null() && !(*next).is_null() {
            os_features.push(owned(*next));
            next = next.add(1);
        }
        Some(Platform {
            os: optional(raw.os),
            arch: optional(raw.arch),
            variant: optional(raw.variant),
            os_version: optional(raw.os_version),
            os_features,
        })
    }
}

/// os[/arch[/variant]][:os.version], in any of the usual spellings.
impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (text, mut storage) = (c_string(text)?, Buffer::new());
        let mut out = koc_sys::koc_platform::default();
        unsafe {
            check(|err| koc_sys::koc_platform_parse(text.as_ptr(), &mut storage.0, &mut out, err))?;
            Ok(Self::read(&out).unwrap_or_default())
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut a, mut out) = (Arena::default(), Buffer::new());
        let raw = self.raw(&mut a).map_err(|_| fmt::Error)?;
        unsafe { check(|err| koc_sys::koc_platform_format(raw, &mut out.0, err)) }
            .map_err(|_| fmt::Error)?;
        f.write_str(&out.text())
    }
}
