//! Sources of credentials, and logins as the docker command keeps them.

use std::ffi::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use crate::arena::Arena;
use crate::credential::Credential;
use crate::error::Result;
use crate::ffi::{c_string, check, object, owned, Buffer};
use crate::object::shared;
use crate::op::Op;
use crate::panics;
use crate::reader::answer;

/// A source of credentials.
pub struct Auth(pub(crate) *mut koc_sys::koc_auth);
shared!(Auth, koc_auth, koc_auth_ref, koc_auth_unref);

/// A source of credentials of your own. A closure `Fn(&str, &str) -> koc::Result<Option<Credential>>` is one.
pub trait Credentials: Send + Sync {
    /// The credential for a registry (`host[:port]`) and a repository; None: this source has none. It runs on a thread
    /// that makes a call with the client, and must not use that client.
    fn get(&self, registry: &str, repository: &str) -> Result<Option<Credential>>;

    /// The registry did not accept the last one.
    fn rejected(&self, registry: &str) {
        let _ = registry;
    }
}

impl<F> Credentials for F
where
    F: Fn(&str, &str) -> Result<Option<Credential>> + Send + Sync,
{
    fn get(&self, registry: &str, repository: &str) -> Result<Option<Credential>> {
        self(registry, repository)
    }
}

type Own = Box<dyn Credentials>;

fn found(raw: *mut koc_sys::koc_credential) -> Option<Credential> {
    (!raw.is_null()).then_some(Credential(raw))
}

impl Auth {
    /// The files of docker and podman with their credential helpers, then the logins of clouds.
    pub fn docker() -> Result<Self> {
        Self::docker_config(None::<&Path>)
    }

    /// One configuration file of docker only.
    pub fn docker_config(path: Option<impl AsRef<Path>>) -> Result<Self> {
        let mut a = Arena::default();
        let path = a.optional_path(&path)?;
        unsafe { object(|out, err| koc_sys::koc_auth_docker(path, out, err), Auth) }
    }

    /// One credential for one registry.
    pub fn fixed(registry: &str, credential: &Credential) -> Result<Self> {
        let registry = c_string(registry)?;
        let (registry, credential) = (registry.as_ptr(), credential.0);
        unsafe { object(|out, e| koc_sys::koc_auth_static(registry, credential, out, e), Auth) }
    }

    /// Asks sources in turn; the first credential wins.
    pub fn chain(sources: &[Auth]) -> Result<Self> {
        let list: Vec<_> = sources.iter().map(|a| a.0).collect();
        let (list, n) = (list.as_ptr(), list.len());
        unsafe { object(|out, err| koc_sys::koc_auth_chain(list, n, out, err), Auth) }
    }

    /// A closure with registry and repository that gives a credential, or None.
    pub fn new(
        get: impl Fn(&str, &str) -> Result<Option<Credential>> + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::of(get)
    }

    /// A source of your own.
    pub fn of(source: impl Credentials + 'static) -> Result<Self> {
        let payload: *mut Own = Box::into_raw(Box::new(Box::new(source)));
        let ops = koc_sys::koc_auth_ops {
            get: Some(on_get),
            rejected: Some(on_rejected),
            release: Some(on_release),
            ..Default::default()
        };
        let made =
            unsafe { object(|out, e| koc_sys::koc_auth_new(&ops, payload.cast(), out, e), Auth) };
        if made.is_err() {
            drop(unsafe { Box::from_raw(payload) });
        }
        made
    }

    /// The credential for a registry and a repository.
    pub fn lookup(
        &self,
        registry: &str,
        repository: &str,
        op: Op<'_>,
    ) -> Result<Option<Credential>> {
        let (registry, repository) = (c_string(registry)?, c_string(repository)?);
        let (registry, repository) = (registry.as_ptr(), repository.as_ptr());
        op.run(|op| unsafe {
            object(
                |out, e| koc_sys::koc_auth_lookup(self.0, registry, repository, op, out, e),
                found,
            )
        })
    }
}

pub(crate) fn lookup(
    client: *mut koc_sys::koc_client,
    registry: &str,
    repository: &str,
    op: Op<'_>,
) -> Result<Option<Credential>> {
    let (registry, repository) = (c_string(registry)?, c_string(repository)?);
    let (registry, repository) = (registry.as_ptr(), repository.as_ptr());
    op.run(|op| unsafe {
        object(|out, e| koc_sys::koc_client_lookup(client, registry, repository, op, out, e), found)
    })
}

/// The registry that a text names, in the form that all calls use: Docker Hub in any spelling is "index.docker.io".
pub fn registry_name(text: &str) -> Result<String> {
    let (text, mut out) = (c_string(text)?, Buffer::new());
    unsafe { check(|e| koc_sys::koc_auth_registry(text.as_ptr(), &mut out.0, e)) }?;
    Ok(out.text())
}

/// Logs in: stores a credential in docker's configuration or in the helper that it names. `config` None: the usual file.
/// Returns the path of the file. No request is sent: see [`crate::Client::check_login`].
pub fn login(
    registry: &str,
    credential: &Credential,
    config: Option<&Path>,
    op: Op<'_>,
) -> Result<PathBuf> {
    let (mut a, mut file) = (Arena::default(), Buffer::new());
    let (registry, config) = (a.text(registry)?, a.optional_path(&config)?);
    let (c, out) = (credential.0, &mut file.0);
    op.run(|op| unsafe {
        check(|e| koc_sys::koc_auth_docker_store(config, registry, c, op, out, e))
    })?;
    Ok(file.text().into())
}

/// Logs out: removes the credential that [`login`] stored.
pub fn logout(registry: &str, config: Option<&Path>, op: Op<'_>) -> Result<PathBuf> {
    let (mut a, mut file) = (Arena::default(), Buffer::new());
    let (registry, config) = (a.text(registry)?, a.optional_path(&config)?);
    let out = &mut file.0;
    op.run(|op| unsafe {
        check(|e| koc_sys::koc_auth_docker_erase(config, registry, op, out, e))
    })?;
    Ok(file.text().into())
}

unsafe extern "C" fn on_get(
    payload: *mut c_void,
    registry: *const c_char,
    repository: *const c_char,
    _op: *const koc_sys::koc_op,
    out: *mut *mut koc_sys::koc_credential,
    err: *mut *mut koc_sys::koc_error,
) -> c_int {
    let source = &*payload.cast::<Own>();
    answer(
        err,
        || source.get(&owned(registry), &owned(repository)),
        |c| *out = c.map_or(null_mut(), Credential::into_raw),
    )
}

unsafe extern "C" fn on_rejected(payload: *mut c_void, registry: *const c_char) {
    let source = &*payload.cast::<Own>();
    panics::guard(|| source.rejected(&owned(registry)));
}

unsafe extern "C" fn on_release(payload: *mut c_void) {
    panics::release(|| drop(Box::from_raw(payload.cast::<Own>())));
}
