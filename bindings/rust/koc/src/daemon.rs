use crate::arena::Arena;
use crate::context::Context;
use crate::error::Result;
use crate::ffi::{make, object, owned};
use crate::image::Image;
use crate::object::pointer;
use crate::op::Op;
use crate::platform::Platform;

/// The local container engine: Docker or podman.
pub struct Daemon(pub(crate) *mut koc_sys::koc_daemon);
pointer!(Daemon, koc_daemon, koc_daemon_free);

impl Daemon {
    /// Finds an engine as docker's client does.
    pub fn open(context: &Context, op: Op<'_>) -> Result<Self> {
        op.run(|op| unsafe {
            object(|out, err| koc_sys::koc_daemon_open(context.0, op, out, err), Daemon)
        })
    }

    /// As for DOCKER_HOST: "unix:///var/run/docker.sock".
    pub fn address(&self) -> String {
        unsafe { owned(koc_sys::koc_daemon_address(self.0)) }
    }

    /// Where the address comes from: "DOCKER_HOST", "docker context x", "found".
    pub fn source(&self) -> String {
        unsafe { owned(koc_sys::koc_daemon_source(self.0)) }
    }

    /// "docker" or "podman".
    pub fn engine(&self) -> String {
        unsafe { owned(koc_sys::koc_daemon_engine(self.0)) }
    }

    /// Of the engine: "28.5.2".
    pub fn version(&self) -> String {
        unsafe { owned(koc_sys::koc_daemon_version(self.0)) }
    }

    /// Of the images that it runs.
    pub fn platform(&self) -> Platform {
        unsafe { Platform::read(koc_sys::koc_daemon_platform(self.0)) }.unwrap_or_default()
    }

    /// Loads an image under names ("repository:tag"). Returns the bytes that the engine lacked.
    pub fn load(&mut self, image: &Image, names: &[&str], op: Op<'_>) -> Result<u64> {
        let mut a = Arena::default();
        let names = a.list(names)?;
        op.run(|op| unsafe {
            make(
                0,
                |sent, e| koc_sys::koc_daemon_load(self.0, image.0, names, op, sent, e),
                |sent| sent,
            )
        })
    }
}
