use crate::arena::Arena;
use crate::client::Client;
use crate::context::Context;
use crate::digest::Digest;
use crate::error::Result;
use crate::ffi::check;
use crate::op::Op;
use crate::place::{Place, ToPlace};

/// What was done for one pair of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Of the copy's manifest or index; None: this pair failed ([`Copy::keep_going`]).
    pub digest: Option<Digest>,
    /// Of blobs that were transferred.
    pub bytes: u64,
    /// Distinct blobs of the image.
    pub blobs: u32,
    /// Of these: transferred.
    pub copied: u32,
    /// Of these: mounted from another repository.
    pub mounted: u32,
    /// The target had everything under this name.
    pub unchanged: bool,
}

/// Copies images, indexes and artifacts between places, byte for byte.
#[must_use]
pub struct Copy {
    pairs: Result<Vec<(Place, Place)>>,
    client: Option<Client>,
    platforms: Vec<String>,
    flags: u32,
    jobs: u32,
}

impl Copy {
    /// From one place to another.
    pub fn new(from: impl ToPlace, to: impl ToPlace) -> Self {
        let empty =
            Copy { pairs: Ok(Vec::new()), client: None, platforms: Vec::new(), flags: 0, jobs: 0 };
        empty.pair(from, to)
    }

    /// Another pair of the same call.
    pub fn pair(mut self, from: impl ToPlace, to: impl ToPlace) -> Self {
        self.pairs = self.pairs.and_then(|mut pairs| {
            pairs.push((from.to_place()?, to.to_place()?.writable()));
            Ok(pairs)
        });
        self
    }

    /// Without one, a client with docker's credentials.
    pub fn client(mut self, client: &Client) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Adds a platform to copy: "linux/arm64"; without one all are copied.
    pub fn platform(mut self, platform: &str) -> Self {
        self.platforms.push(platform.to_string());
        self
    }

    /// Copies referrers as well: signatures, SBOMs.
    pub fn referrers(mut self) -> Self {
        self.flags |= koc_sys::KOC_COPY_REFERRERS;
        self
    }

    /// A failed pair does not end the others; the call fails at its end.
    pub fn keep_going(mut self) -> Self {
        self.flags |= koc_sys::KOC_COPY_KEEP_GOING;
        self
    }

    /// Images in parallel; 0: 8.
    pub fn jobs(mut self, jobs: u32) -> Self {
        self.jobs = jobs;
        self
    }

    /// Copies, and reports what was done for each pair. The first failure ends the call; complete copies stay.
    pub fn run(self, context: &Context, op: Op<'_>) -> Result<Vec<Copied>> {
        let (mut a, pairs) = (Arena::default(), self.pairs?);
        let client = match self.client {
            Some(client) => client,
            None => Client::new(context)?,
        };
        let places: Vec<_> = pairs.iter().map(|(from, to)| (from.raw(), to.raw())).collect();
        let raw: Vec<_> = places
            .iter()
            .map(|(from, to)| koc_sys::koc_copy_pair { from, to, ..Default::default() })
            .collect();
        let mut results = vec![koc_sys::koc_copy_result::default(); raw.len()];
        let o = koc_sys::koc_copy_options {
            flags: self.flags,
            platforms: a.some(&self.platforms)?,
            jobs: self.jobs,
            ..Default::default()
        };
        let (list, n, out) = (raw.as_ptr(), raw.len(), results.as_mut_ptr());
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_copy(context.0, client.0, list, n, &o, op, out, e))
        })?;
        Ok(results.iter().map(read).collect())
    }
}

fn read(r: &koc_sys::koc_copy_result) -> Copied {
    Copied {
        digest: (r.digest.algorithm != 0).then_some(Digest(r.digest)),
        bytes: r.bytes,
        blobs: r.blobs,
        copied: r.copied,
        mounted: r.mounted,
        unchanged: r.unchanged != 0,
    }
}
