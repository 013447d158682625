use std::ffi::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};

use crate::arena::Arena;
use crate::context::Context;
use crate::error::Result;
use crate::ffi::{check, owned};
use crate::layout::Layout;
use crate::op::{verdict, Answer, Op};

type OnReady<'a> = Box<dyn FnMut(&str) -> bool + 'a>;

/// A small registry over an OCI image layout, on a free port of loopback.
#[derive(Default)]
#[must_use]
pub struct Serve<'a> {
    flags: u32,
    address: Option<String>,
    repository: Option<String>,
    tls: Option<(PathBuf, PathBuf)>,
    max_blob: u64,
    max_connections: u32,
    allow_hosts: Vec<String>,
    ready: Option<OnReady<'a>>,
}

impl<'a> Serve<'a> {
    /// Pulls and pushes over plain HTTP.
    pub fn new() -> Self {
        Self::default()
    }

    /// host:port.
    pub fn address(mut self, address: &str) -> Self {
        self.address = Some(address.to_string());
        self
    }

    /// Of images whose name is only a tag; without it, the name of the directory.
    pub fn repository(mut self, name: &str) -> Self {
        self.repository = Some(name.to_string());
        self
    }

    /// HTTPS with a certificate and its key, PEM files.
    pub fn tls(mut self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.tls = Some((certificate.as_ref().into(), key.as_ref().into()));
        self
    }

    /// Pulls only.
    pub fn read_only(mut self) -> Self {
        self.flags |= koc_sys::KOC_SERVE_READ_ONLY;
        self
    }

    /// Allows deletion of tags, manifests and blobs.
    pub fn allow_delete(mut self) -> Self {
        self.flags |= koc_sys::KOC_SERVE_DELETE;
        self
    }

    /// Allows addresses that other machines can reach.
    pub fn allow_remote(mut self) -> Self {
        self.flags |= koc_sys::KOC_SERVE_REMOTE;
        self
    }

    /// Bytes of an upload; 0: 64 GiB.
    pub fn max_blob(mut self, bytes: u64) -> Self {
        self.max_blob = bytes;
        self
    }

    /// 0: 128.
    pub fn max_connections(mut self, n: u32) -> Self {
        self.max_connections = n;
        self
    }

    /// Adds a host name that requests may use.
    pub fn allow_host(mut self, host: &str) -> Self {
        self.allow_hosts.push(host.to_string());
        self
    }

    /// Called with the URL when the server accepts requests.
    pub fn ready<A: Answer>(mut self, mut f: impl FnMut(&str) -> A + 'a) -> Self {
        self.ready = Some(Box::new(move |url| f(url).goes_on()));
        self
    }

    /// Serves until the token of `op` is triggered ([`crate::Code::CANCELLED`]) or its time limit passes.
    pub fn run(mut self, context: &Context, layout: &Layout, op: Op<'_>) -> Result<()> {
        let mut a = Arena::default();
        let mut o = koc_sys::koc_serve_options {
            flags: self.flags,
            address: a.optional(&self.address)?,
            repository: a.optional(&self.repository)?,
            tls_cert: a.optional_path(&self.tls.as_ref().map(|(cert, _)| cert))?,
            tls_key: a.optional_path(&self.tls.as_ref().map(|(_, key)| key))?,
            max_blob: self.max_blob,
            max_connections: self.max_connections,
            allow_hosts: a.some(&self.allow_hosts)?,
            ..Default::default()
        };
        if let Some(f) = &mut self.ready {
            o.ready = Some(on_ready);
            o.payload = std::ptr::from_mut(f).cast();
        }
        op.run(|op| unsafe { check(|e| koc_sys::koc_serve(context.0, layout.0, &o, op, e)) })
    }
}

unsafe extern "C" fn on_ready(url: *const c_char, payload: *mut c_void) -> c_int {
    let f = &mut *payload.cast::<OnReady<'_>>();
    verdict(|| f(&owned(url)))
}
