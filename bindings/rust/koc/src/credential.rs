use std::fmt;
use std::ptr::null;

use crate::error::Result;
use crate::ffi::{c_string, object, optional, owned};
use crate::object::pointer;

/// A secret for a registry. It is wiped when it is dropped, and `Debug` does not show it.
pub struct Credential(pub(crate) *mut koc_sys::koc_credential);
pointer!(Credential, koc_credential, koc_credential_free);

/// What a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialKind {
    /// User name and password.
    Basic,
    /// A refresh token, for the token server.
    IdentityToken,
    /// An access token, sent as it is.
    Bearer,
}

impl Credential {
    fn new(kind: i32, user: Option<&str>, secret: &str) -> Result<Self> {
        let (user, secret) = (user.map(c_string).transpose()?, c_string(secret)?);
        let user = user.as_ref().map_or(null(), |u| u.as_ptr());
        unsafe {
            object(
                |out, e| koc_sys::koc_credential_new(kind, user, secret.as_ptr(), out, e),
                Credential,
            )
        }
    }

    /// User name and password.
    pub fn basic(user: &str, password: &str) -> Result<Self> {
        Self::new(koc_sys::KOC_CRED_BASIC, Some(user), password)
    }

    /// An access token, sent as it is.
    pub fn bearer(token: &str) -> Result<Self> {
        Self::new(koc_sys::KOC_CRED_BEARER, None, token)
    }

    /// A refresh token, for the token server.
    pub fn identity_token(token: &str) -> Result<Self> {
        Self::new(koc_sys::KOC_CRED_IDENTITY_TOKEN, None, token)
    }

    /// What the secret is.
    pub fn kind(&self) -> CredentialKind {
        match unsafe { koc_sys::koc_credential_kind(self.0) } {
            koc_sys::KOC_CRED_BASIC => CredentialKind::Basic,
            koc_sys::KOC_CRED_BEARER => CredentialKind::Bearer,
            _ => CredentialKind::IdentityToken,
        }
    }

    /// The user name, if there is one.
    pub fn username(&self) -> Option<String> {
        unsafe { optional(koc_sys::koc_credential_username(self.0)) }
    }

    /// The secret itself.
    pub fn secret(&self) -> String {
        unsafe { owned(koc_sys::koc_credential_secret(self.0)) }
    }

    /// Where it was found, for people: "docker config (/root/.docker/config.json)".
    pub fn source(&self) -> Option<String> {
        unsafe { optional(koc_sys::koc_credential_source(self.0)) }
    }

    pub(crate) fn into_raw(self) -> *mut koc_sys::koc_credential {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({:?}, {:?}, ***)", self.kind(), self.username())
    }
}
