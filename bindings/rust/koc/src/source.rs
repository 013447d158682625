use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use crate::arena::Arena;
use crate::blob::Blob;
use crate::client::Client;
use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::Result;
use crate::ffi::{bytes, check, object, optional, owned, Buffer};
use crate::image::Image;
use crate::index::Index;
use crate::object::pointer;
use crate::op::{verdict, Answer, Op};
use crate::place::ToPlace;
use crate::platform::Platform;

/// An open place to read from: what a registry, a layout or an archive has under a name.
pub struct Source(pub(crate) *mut koc_sys::koc_source);
pointer!(Source, koc_source, koc_source_free);

type OnCheck<'a> = Box<dyn FnMut(&str, Option<&str>) -> bool + 'a>;

impl Source {
    /// Opens a place and reads its manifest or index, verified. A client is needed for registries.
    pub fn open(
        context: &Context,
        client: Option<&Client>,
        place: impl ToPlace,
        op: Op<'_>,
    ) -> Result<Self> {
        let place = place.to_place()?;
        let (raw, client) = (place.raw(), client.map_or(null_mut(), |c| c.0));
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_source_open(context.0, client, &raw, op, out, e), Source)
        })
    }

    /// Of the manifest or index.
    pub fn descriptor(&self) -> Descriptor {
        unsafe { Descriptor::read(koc_sys::koc_source_descriptor(self.0)) }
    }

    /// Its exact bytes.
    pub fn manifest(&self) -> &[u8] {
        unsafe { bytes(koc_sys::koc_source_manifest(self.0)) }
    }

    /// Another manifest or index of the same place and its media type, verified.
    pub fn manifest_by(&mut self, digest: &Digest, op: Op<'_>) -> Result<(Vec<u8>, String)> {
        let (mut data, mut kind) = (Buffer::new(), Buffer::new());
        let (d, k) = (&mut data.0, &mut kind.0);
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_source_get_manifest(self.0, &digest.0, op, d, k, e))
        })?;
        Ok((data.bytes().to_vec(), kind.text()))
    }

    /// A blob of the same place, verified when it is read.
    pub fn blob(&mut self, descriptor: &Descriptor) -> Result<Blob> {
        let mut a = Arena::default();
        let d = descriptor.raw(&mut a)?;
        unsafe { object(|out, e| koc_sys::koc_source_get_blob(self.0, d, out, e), Blob) }
    }

    /// The image; of an index, the entry for the platform (None: the only one, else linux/amd64).
    pub fn image(&mut self, want: Option<&Platform>, op: Op<'_>) -> Result<Image> {
        let mut a = Arena::default();
        let want = Platform::optional(want, &mut a)?;
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_source_get_image(self.0, want, op, out, e), Image)
        })
    }

    /// The image whose manifest has this digest.
    pub fn image_by(&mut self, digest: &Digest, op: Op<'_>) -> Result<Image> {
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_source_get_image_by(self.0, &digest.0, op, out, e), Image)
        })
    }

    /// What refers to `subject` at this place: signatures, SBOMs.
    pub fn referrers(
        &mut self,
        subject: &Digest,
        artifact_type: Option<&str>,
        op: Op<'_>,
    ) -> Result<Index> {
        let mut a = Arena::default();
        let (s, kind) = (&subject.0, a.optional(&artifact_type)?);
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_source_list_referrers(self.0, s, kind, op, out, e), Index)
        })
    }

    /// Describes the image or index as a JSON document (docs/json.md, "koc-inspect-1").
    pub fn inspect(&mut self, want: Option<&Platform>, op: Op<'_>) -> Result<String> {
        let (mut a, mut out) = (Arena::default(), Buffer::new());
        let want = want.map_or(Ok(null()), |p| p.raw(&mut a))?;
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_source_inspect(self.0, want, op, &mut out.0, e))
        })?;
        Ok(out.text())
    }

    /// Checks digests, sizes, DiffIDs, tar files and platforms. `each` is called with each thing and its problem.
    /// `fast`: reads no layer. [`crate::Code::VERIFY`]: there are problems.
    pub fn check<A: Answer>(
        &mut self,
        fast: bool,
        mut each: impl FnMut(&str, Option<&str>) -> A,
        op: Op<'_>,
    ) -> Result<()> {
        let mut each: OnCheck<'_> = Box::new(move |what, problem| each(what, problem).goes_on());
        let payload = std::ptr::from_mut(&mut each).cast();
        let flags = if fast { koc_sys::KOC_CHECK_FAST } else { 0 };
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_source_check(self.0, flags, Some(on_check), payload, op, e))
        })
    }
}

unsafe extern "C" fn on_check(
    what: *const c_char,
    problem: *const c_char,
    payload: *mut c_void,
) -> c_int {
    let f = &mut *payload.cast::<OnCheck<'_>>();
    verdict(|| f(&owned(what), optional(problem).as_deref()))
}
