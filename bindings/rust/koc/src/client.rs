use std::ptr::null_mut;
use std::time::Duration;

use crate::arena::Arena;
use crate::blob::Blob;
use crate::client_builder::ClientBuilder;
use crate::context::Context;
use crate::credential::Credential;
use crate::descriptor::Descriptor;
use crate::digest::{none, Digest};
use crate::error::{Code, Error, Result};
use crate::ffi::{c_string, check, list, make, object, view, Buffer};
use crate::image::Image;
use crate::index::Index;
use crate::object::shared;
use crate::op::Op;
use crate::platform::Platform;
use crate::reference::Reference;

/// A registry client with its connections and tokens. Share one between threads; a clone is the same one.
pub struct Client(pub(crate) *mut koc_sys::koc_client);
shared!(Client, koc_client, koc_client_ref, koc_client_unref);

/// What an access token permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read.
    Pull,
    /// To write.
    Push,
    /// To delete.
    Delete,
}

/// An access token of a registry's token server.
pub struct Token {
    /// The token itself; a secret.
    pub token: String,
    /// How long it is valid from now.
    pub lifetime: Duration,
}

impl Client {
    /// A client with docker's credentials.
    pub fn new(context: &Context) -> Result<Self> {
        Self::builder().build(context)
    }

    /// A client with options.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The descriptor of the manifest or index with this reference.
    pub fn resolve(&self, r: &Reference, op: Op<'_>) -> Result<Descriptor> {
        let (mut storage, mut out) = (Buffer::new(), koc_sys::koc_descriptor::default());
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_client_resolve(self.0, r.0, op, &mut storage.0, &mut out, e))
        })?;
        Ok(unsafe { Descriptor::read(&out) })
    }

    /// The exact bytes of a manifest or index, verified, and its media type.
    pub fn manifest(&self, r: &Reference, op: Op<'_>) -> Result<(Vec<u8>, String)> {
        let (mut data, mut kind) = (Buffer::new(), Buffer::new());
        let (d, k) = (&mut data.0, &mut kind.0);
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_client_get_manifest(self.0, r.0, op, d, k, null_mut(), e))
        })?;
        Ok((data.bytes().to_vec(), kind.text()))
    }

    /// Writes a manifest or index under its tag or digest.
    pub fn put_manifest(
        &self,
        r: &Reference,
        media_type: &str,
        data: &[u8],
        op: Op<'_>,
    ) -> Result<Digest> {
        let media_type = c_string(media_type)?;
        let (kind, data) = (media_type.as_ptr(), view(data));
        op.run(|op| unsafe {
            make(
                none(),
                |out, e| koc_sys::koc_client_put_manifest(self.0, r.0, kind, data, op, out, e),
                Digest,
            )
        })
    }

    /// Writes what has this reference under another tag as well.
    pub fn tag(&self, r: &Reference, tag: &str, op: Op<'_>) -> Result<Digest> {
        let target = r.with_digest(None)?.with_tag(Some(tag))?;
        let (mut data, mut kind) = (Buffer::new(), Buffer::new());
        op.run(|op| unsafe {
            let (d, k) = (&mut data.0, &mut kind.0);
            check(|e| koc_sys::koc_client_get_manifest(self.0, r.0, op, d, k, null_mut(), e))?;
            let (kind, data) = (kind.0.ptr, view(data.bytes()));
            make(
                none(),
                |out, e| koc_sys::koc_client_put_manifest(self.0, target.0, kind, data, op, out, e),
                Digest,
            )
        })
    }

    /// The image with this reference; of an index, the entry for the platform (None: linux/amd64).
    pub fn image(&self, r: &Reference, want: Option<&Platform>, op: Op<'_>) -> Result<Image> {
        let mut a = Arena::default();
        let want = Platform::optional(want, &mut a)?;
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_client_get_image(self.0, r.0, want, op, out, e), Image)
        })
    }

    /// The index with this reference.
    pub fn index(&self, r: &Reference, op: Op<'_>) -> Result<Index> {
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_client_get_index(self.0, r.0, op, out, e), Index)
        })
    }

    /// Pushes an image under its tag and further ones; only what the registry lacks is sent.
    pub fn push(
        &self,
        r: &Reference,
        image: &Image,
        extra_tags: &[&str],
        op: Op<'_>,
    ) -> Result<Digest> {
        let mut a = Arena::default();
        let o = koc_sys::koc_push_options { extra_tags: a.some(extra_tags)?, ..Default::default() };
        let image = image.0;
        op.run(|op| unsafe {
            make(
                none(),
                |out, e| koc_sys::koc_client_push_image(self.0, r.0, image, &o, op, out, e),
                Digest,
            )
        })
    }

    /// Pushes an index and the images that it has.
    pub fn push_index(
        &self,
        r: &Reference,
        index: &Index,
        extra_tags: &[&str],
        op: Op<'_>,
    ) -> Result<Digest> {
        let mut a = Arena::default();
        let o = koc_sys::koc_push_options { extra_tags: a.some(extra_tags)?, ..Default::default() };
        let index = index.0;
        op.run(|op| unsafe {
            make(
                none(),
                |out, e| koc_sys::koc_client_push_index(self.0, r.0, index, &o, op, out, e),
                Digest,
            )
        })
    }

    /// A blob of the repository that is downloaded when it is read, and verified.
    pub fn blob(&self, repository: &Reference, descriptor: &Descriptor) -> Result<Blob> {
        let mut a = Arena::default();
        let d = descriptor.raw(&mut a)?;
        unsafe {
            object(|out, e| koc_sys::koc_client_get_blob(self.0, repository.0, d, out, e), Blob)
        }
    }

    /// The size of the blob that a reference names by digest.
    pub fn blob_size(&self, r: &Reference, op: Op<'_>) -> Result<u64> {
        op.run(|op| unsafe {
            make(0, |out, e| koc_sys::koc_client_stat_blob(self.0, r.0, op, out, e), |size| size)
        })
    }

    /// Uploads a blob if the repository does not have it.
    pub fn put_blob(&self, repository: &Reference, blob: &Blob, op: Op<'_>) -> Result<()> {
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_client_put_blob(self.0, repository.0, blob.0, op, e))
        })
    }

    /// The tags of a repository, in byte order.
    pub fn tags(&self, repository: &Reference, op: Op<'_>) -> Result<Vec<String>> {
        let r = repository.0;
        op.run(|op| unsafe { list(|out, e| koc_sys::koc_client_list_tags(self.0, r, op, out, e)) })
    }

    /// The repositories of a registry (`host[:port]`); not every registry lists them.
    pub fn repositories(&self, registry: &str, op: Op<'_>) -> Result<Vec<String>> {
        let registry = c_string(registry)?;
        let r = registry.as_ptr();
        op.run(|op| unsafe {
            list(|out, e| koc_sys::koc_client_list_repositories(self.0, r, op, out, e))
        })
    }

    /// Deletes a manifest by digest with all of its tags; without a digest only the tag.
    pub fn delete(&self, r: &Reference, op: Op<'_>) -> Result<()> {
        op.run(|op| unsafe { check(|e| koc_sys::koc_client_delete_manifest(self.0, r.0, op, e)) })
    }

    /// What refers to `subject`, a reference with a digest: signatures, SBOMs.
    pub fn referrers(
        &self,
        subject: &Reference,
        artifact_type: Option<&str>,
        op: Op<'_>,
    ) -> Result<Index> {
        let mut a = Arena::default();
        let (s, kind) = (subject.0, a.optional(&artifact_type)?);
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_client_list_referrers(self.0, s, kind, op, out, e), Index)
        })
    }

    /// Checks the credentials with a registry. The result: whether it requires a login at all.
    pub fn check_login(&self, registry: &str, op: Op<'_>) -> Result<bool> {
        let registry = c_string(registry)?;
        let r = registry.as_ptr();
        op.run(|op| unsafe {
            make(false, |out, e| koc_sys::koc_client_check_login(self.0, r, op, out, e), |a| a)
        })
    }

    /// The credential that this client would use.
    pub fn lookup(
        &self,
        registry: &str,
        repository: &str,
        op: Op<'_>,
    ) -> Result<Option<Credential>> {
        crate::auth::lookup(self.0, registry, repository, op)
    }

    /// An access token for a repository, with permission to pull from `mounts` as well.
    pub fn token(
        &self,
        repository: &Reference,
        access: &[Access],
        mounts: &[&str],
        op: Op<'_>,
    ) -> Result<Token> {
        let (mut a, mut token, mut ms) = (Arena::default(), Secret(Buffer::new()), 0);
        let bits = access.iter().fold(0, |bits, a| {
            bits | match a {
                Access::Pull => koc_sys::KOC_ACCESS_PULL,
                Access::Push => koc_sys::KOC_ACCESS_PUSH,
                Access::Delete => koc_sys::KOC_ACCESS_DELETE,
            }
        });
        let (r, mounts, out) = (repository.0, a.some(mounts)?, &mut token.0 .0);
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_client_get_token(self.0, r, bits, mounts, op, out, &mut ms, e))
        })?;
        let lifetime = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        Ok(Token { token: token.0.text(), lifetime })
    }

    /// The exact digest of what a reference names, as a reference.
    pub fn pin(&self, r: &Reference, op: Op<'_>) -> Result<Reference> {
        let digest = self.resolve(r, op)?.digest;
        if digest.bytes().is_empty() {
            return Err(Error::new(Code::FORMAT, "the registry gave no digest"));
        }
        r.with_digest(Some(&digest))
    }
}

/// A buffer that is wiped.
struct Secret(Buffer);

impl Drop for Secret {
    fn drop(&mut self) {
        unsafe { koc_sys::koc_buf_wipe(&mut self.0 .0) }
    }
}
