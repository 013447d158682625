use std::ffi::{CStr, CString};
use std::fmt;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::str::FromStr;

use crate::artifact::Artifact;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::ffi::{c_path, c_string, check, Buffer};
use crate::image::Image;
use crate::index::Index;
use crate::reference::Reference;

/// Where an image, an index or an artifact is: in a registry, a layout, an archive or in memory. Parses as on the command
/// line: "registry.example/app:1", "oci:dir:name", "docker-archive:file.tar".
#[derive(Clone, Default)]
pub struct Place {
    kind: i32,
    reference: Option<Reference>,
    path: Option<CString>,
    name: Option<CString>,
    digest: Option<Digest>,
    image: Option<Image>,
    index: Option<Index>,
    artifact: Option<Artifact>,
}

impl Place {
    /// In an OCI layout, under a name; without one the only image in it.
    pub fn layout(dir: impl AsRef<Path>, name: Option<&str>) -> Result<Self> {
        let name = name.map(c_string).transpose()?;
        let path = Some(c_path(dir.as_ref())?);
        Ok(Place { kind: koc_sys::KOC_PLACE_LAYOUT, path, name, ..Place::default() })
    }

    /// The same place to write to: a tar of either kind becomes an OCI archive.
    pub(crate) fn writable(mut self) -> Self {
        if self.kind == koc_sys::KOC_PLACE_ARCHIVE {
            self.kind = koc_sys::KOC_PLACE_OCI_ARCHIVE;
        }
        self
    }

    /// Borrows from `self`.
    pub(crate) fn raw(&self) -> koc_sys::koc_place {
        koc_sys::koc_place {
            kind: self.kind,
            reference: self.reference.as_ref().map_or(null_mut(), |r| r.0),
            path: self.path.as_ref().map_or(null(), |p| p.as_ptr()),
            name: self.name.as_ref().map_or(null(), |n| n.as_ptr()),
            digest: self.digest.as_ref().map_or(null(), |d| &d.0),
            image: self.image.as_ref().map_or(null_mut(), |i| i.0),
            index: self.index.as_ref().map_or(null_mut(), |i| i.0),
            artifact: self.artifact.as_ref().map_or(null_mut(), |a| a.0),
            ..Default::default()
        }
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (text, mut storage) = (c_string(text)?, Buffer::new());
        let mut raw = koc_sys::koc_place::default();
        unsafe {
            check(|e| koc_sys::koc_place_parse(text.as_ptr(), 0, &mut storage.0, &mut raw, e))?;
            let copy =
                |p: *const std::ffi::c_char| (!p.is_null()).then(|| CStr::from_ptr(p).to_owned());
            Ok(Place {
                kind: raw.kind,
                reference: (!raw.reference.is_null()).then(|| Reference(raw.reference)),
                path: copy(raw.path),
                name: copy(raw.name),
                digest: raw.digest.as_ref().copied().map(Digest),
                ..Place::default()
            })
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reference, path) = (&self.reference, &self.path);
        write!(f, "Place({reference:?}, {path:?}, {:?}, {:?})", self.name, self.digest)
    }
}

/// What names a place: a text, a [`Reference`], or an object in memory.
pub trait ToPlace {
    /// The place.
    fn to_place(&self) -> Result<Place>;
}

impl ToPlace for str {
    fn to_place(&self) -> Result<Place> {
        self.parse()
    }
}

impl ToPlace for String {
    fn to_place(&self) -> Result<Place> {
        self.parse()
    }
}

impl ToPlace for Place {
    fn to_place(&self) -> Result<Place> {
        Ok(self.clone())
    }
}

impl ToPlace for Reference {
    fn to_place(&self) -> Result<Place> {
        let reference = Some(self.clone());
        Ok(Place { kind: koc_sys::KOC_PLACE_REGISTRY, reference, ..Place::default() })
    }
}

macro_rules! in_memory {
    ($($type:ty => $field:ident;)*) => {
        $(impl ToPlace for $type {
            fn to_place(&self) -> Result<Place> {
                let $field = Some(self.clone());
                Ok(Place { kind: koc_sys::KOC_PLACE_MEMORY, $field, ..Place::default() })
            }
        })*
    };
}

in_memory! {
    Image => image;
    Index => index;
    Artifact => artifact;
}

impl<T: ToPlace + ?Sized> ToPlace for &T {
    fn to_place(&self) -> Result<Place> {
        (**self).to_place()
    }
}
