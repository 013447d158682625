use std::path::{Path, PathBuf};
use std::ptr::null;

use crate::arena::{all, Arena};
use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::error::Result;
use crate::ffi::{bytes, nothing, object};
use crate::object::shared;

/// A manifest of anything that is not an image: an SBOM, a signature, a chart. [`crate::Copy`] writes it to a place.
pub struct Artifact(pub(crate) *mut koc_sys::koc_artifact);
shared!(Artifact, koc_artifact, koc_artifact_ref, koc_artifact_unref);

impl Artifact {
    /// An artifact of this type: "application/vnd.example.report".
    pub fn builder(artifact_type: &str) -> ArtifactBuilder {
        ArtifactBuilder { artifact_type: artifact_type.to_string(), ..Default::default() }
    }

    /// Of the manifest.
    pub fn descriptor(&self) -> Descriptor {
        unsafe { Descriptor::read(koc_sys::koc_artifact_descriptor(self.0)) }
    }

    /// The bytes of the manifest.
    pub fn manifest(&self) -> &[u8] {
        unsafe { bytes(koc_sys::koc_artifact_manifest(self.0)) }
    }
}

enum Content {
    Bytes(Vec<u8>),
    Path(PathBuf),
}

/// A blob of an artifact.
#[must_use]
pub struct ArtifactFile {
    media_type: String,
    title: Option<String>,
    content: Content,
    annotations: Vec<(String, String)>,
}

impl ArtifactFile {
    fn new(media_type: &str, content: Content) -> Self {
        let media_type = media_type.to_string();
        ArtifactFile { media_type, title: None, content, annotations: Vec::new() }
    }

    /// With this content.
    pub fn bytes(media_type: &str, content: impl Into<Vec<u8>>) -> Self {
        Self::new(media_type, Content::Bytes(content.into()))
    }

    /// With the content of a file.
    pub fn path(media_type: &str, source: impl AsRef<Path>) -> Self {
        Self::new(media_type, Content::Path(source.as_ref().into()))
    }

    /// org.opencontainers.image.title, the name of the file.
    pub fn title(mut self, title: &str) -> Self {
        self.title = Some(title.to_string());
        self
    }

    /// Adds an annotation of the blob.
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.push((key.to_string(), value.to_string()));
        self
    }

    fn raw(&self, a: &mut Arena) -> Result<koc_sys::koc_artifact_file> {
        let (source, content) = match &self.content {
            Content::Path(path) => (a.path(path)?, nothing()),
            Content::Bytes(data) => (null(), a.bytes(data)),
        };
        Ok(koc_sys::koc_artifact_file {
            media_type: a.text(&self.media_type)?,
            title: a.optional(&self.title)?,
            source,
            content,
            annotations: a.pairs(&all(&self.annotations))?,
            n_annotations: self.annotations.len(),
            ..Default::default()
        })
    }
}

/// Builds an [`Artifact`].
#[derive(Default)]
#[must_use]
pub struct ArtifactBuilder {
    artifact_type: String,
    config: Option<(String, Vec<u8>)>,
    subject: Option<Descriptor>,
    files: Vec<ArtifactFile>,
    annotations: Vec<(String, String)>,
}

impl ArtifactBuilder {
    /// Adds a blob. Without one the artifact has an empty blob.
    pub fn file(mut self, file: ArtifactFile) -> Self {
        self.files.push(file);
        self
    }

    /// In place of the empty config.
    pub fn config(mut self, media_type: &str, content: impl Into<Vec<u8>>) -> Self {
        self.config = Some((media_type.to_string(), content.into()));
        self
    }

    /// What the artifact is about: it becomes a referrer of that.
    pub fn subject(mut self, subject: Descriptor) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Adds an annotation of the manifest.
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.push((key.to_string(), value.to_string()));
        self
    }

    /// The artifact. The same input gives the same digest.
    pub fn build(self, context: &Context) -> Result<Artifact> {
        let mut a = Arena::default();
        let files = self.files.iter().map(|f| f.raw(&mut a)).collect::<Result<Vec<_>>>()?;
        let mut o = koc_sys::koc_artifact_options {
            artifact_type: a.text(&self.artifact_type)?,
            subject: self.subject.as_ref().map_or(Ok(null()), |d| d.raw(&mut a))?,
            n_files: files.len(),
            files: a.keep(files),
            annotations: a.pairs(&all(&self.annotations))?,
            n_annotations: self.annotations.len(),
            ..Default::default()
        };
        if let Some((media_type, content)) = &self.config {
            o.config_media_type = a.text(media_type)?;
            o.config = a.bytes(content);
        }
        unsafe { object(|out, err| koc_sys::koc_artifact_new(context.0, &o, out, err), Artifact) }
    }
}
