//! libkoc for Rust: OCI images of any program, and of Go packages, without Docker.
//!
//! ```no_run
//! use koc::{Cache, Context, ImageSpec, Op};
//!
//! let context = Context::new(Cache::Default)?;
//! let built = ImageSpec::new()
//!     .base("gcr.io/distroless/static")
//!     .file("/app/server", "target/release/server")
//!     .entrypoint(["/app/server"])
//!     .port("8080/tcp")
//!     .target("registry.example/server:1.2")
//!     .tag("latest")
//!     .build(&context, Op::new())?;
//! println!("{}", built.references[0]);
//! # Ok::<(), koc::Error>(())
//! ```
//!
//! # Where to begin
//!
//! | job | begin at |
//! | --- | --- |
//! | an image of any program | [`ImageSpec`] |
//! | images of Go packages; ko:// references in YAML | [`Publish`], [`Resolver`] |
//! | copy between registries, layouts, archives | [`struct@Copy`] |
//! | tags, manifests, blobs, referrers of a registry | [`Client`] |
//! | look into an image | [`Client::image`], [`Source`], [`Image::file`] |
//! | append, mutate, rebase | [`Edit`], [`Changes`] |
//! | layers, images, indexes, artifacts by hand | [`LayerBuilder`], [`ImageBuilder`], [`IndexBuilder`], [`Artifact`] |
//! | credentials, login | [`Auth`], [`auth`] |
//! | own HTTP stack, trace of requests | [`Transport`], [`ClientBuilder::trace`] |
//!
//! # Rules
//!
//! - A call that can wait takes an [`Op`]: progress, cancel token, time limit. It blocks its thread.
//! - A failed call returns [`Error`] with the code, a hint, the HTTP status and the cause.
//! - Immutable objects, contexts, clients and layouts are `Send` and `Sync`; a clone is the same object. Builders, readers,
//!   [`Source`], [`Edit`], [`Resolver`] and [`Daemon`] are `Send`: one thread at a time.
//! - Callbacks run on the thread that made the call. A panic in one ends the call, and continues after C has returned. If
//!   the call cannot fail, it continues all the same.
//! - A forked child may use what it inherited, if no other thread was inside the library at the moment of the fork.
//! - What this crate lacks is in `koc_sys`: every object has `as_ptr` and `from_ptr`.
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod archive;
mod arena;
mod artifact;
pub mod auth;
mod blob;
mod cache;
mod cancel;
mod changes;
mod client;
mod client_builder;
mod context;
mod copy;
mod credential;
mod daemon;
mod descriptor;
mod digest;
mod edit;
mod entry;
mod error;
mod ffi;
mod file;
mod image;
mod image_builder;
mod index;
mod layer;
mod layer_builder;
mod layout;
mod object;
mod op;
mod panics;
mod place;
mod platform;
mod publish;
mod reader;
mod reference;
mod resolver;
mod serve;
mod source;
mod spec;
mod trace;
mod transport;
mod writer;

pub use koc_sys;

pub use artifact::{Artifact, ArtifactBuilder, ArtifactFile};
pub use auth::{Auth, Credentials};
pub use blob::Blob;
pub use cache::CacheUsage;
pub use cancel::Cancel;
pub use changes::Changes;
pub use client::{Access, Client, Token};
pub use client_builder::ClientBuilder;
pub use context::{Cache, Context, ContextBuilder, Level};
pub use copy::{Copied, Copy};
pub use credential::{Credential, CredentialKind};
pub use daemon::Daemon;
pub use descriptor::Descriptor;
pub use digest::{Digest, Sha256};
pub use edit::{Edit, Edited};
pub use entry::Entry;
pub use error::{Code, Error, Result};
pub use file::File;
pub use image::{History, Image};
pub use image_builder::{Format, ImageBuilder, LayerHistory};
pub use index::{Index, IndexBuilder};
pub use layer::{Compression, Layer, LayerOptions};
pub use layer_builder::{Filter, LayerBuilder, TreeOptions};
pub use layout::Layout;
pub use op::{Answer, Kind, Op, Progress, State};
pub use place::{Place, ToPlace};
pub use platform::Platform;
pub use publish::{Publish, Published};
pub use reader::Reader;
pub use reference::Reference;
pub use resolver::{Resolver, ResolverOptions};
pub use serve::Serve;
pub use source::Source;
pub use spec::{Built, ImageSpec};
pub use trace::{Trace, TraceKind};
pub use transport::{Reply, Request, Transport};
pub use writer::AtomicFile;

/// The version of libkoc at run time.
pub fn version() -> String {
    unsafe { ffi::owned(koc_sys::koc_version_string()) }
}

/// The library can make and read zstd layers.
pub const FEATURE_ZSTD: u64 = koc_sys::KOC_FEATURE_ZSTD as u64;
/// The library has [`Serve`].
pub const FEATURE_SERVE: u64 = koc_sys::KOC_FEATURE_SERVE as u64;
/// libcurl has HTTP/2.
pub const FEATURE_HTTP2: u64 = koc_sys::KOC_FEATURE_HTTP2 as u64;

/// What provides a feature: "libcurl/7.88.1 OpenSSL/3.0.15"; None if it is absent.
pub fn feature(feature: u64) -> Option<String> {
    unsafe { ffi::optional(koc_sys::koc_feature_detail(feature)) }
}

/// Initialises libcurl and mbedTLS now instead of at their first use.
pub fn init() -> Result<()> {
    unsafe { ffi::check(|err| koc_sys::koc_init(err)) }
}
