use crate::arena::Arena;
use crate::error::Result;
use crate::platform::Platform;

type Pairs = Vec<(String, Option<String>)>;

/// Changes to the settings of an image; what is not mentioned stays.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Changes {
    pub(crate) env: Pairs,
    pub(crate) labels: Pairs,
    pub(crate) annotations: Pairs,
    pub(crate) config: Pairs,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) user: Option<String>,
    pub(crate) workdir: Option<String>,
    pub(crate) stopsignal: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) ports: Vec<String>,
    pub(crate) volumes: Vec<String>,
    pub(crate) created: Option<i64>,
    pub(crate) platform: Option<Platform>,
}

impl Changes {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn changes(&mut self) -> &mut Changes {
        self
    }

    /// Another platform in the config.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    pub(crate) fn raw(&self, a: &mut Arena) -> Result<*const koc_sys::koc_image_changes> {
        let list = |a: &mut Arena, texts: &Option<Vec<String>>| {
            texts.as_ref().map_or(Ok(std::ptr::null()), |t| a.list(t))
        };
        let raw = koc_sys::koc_image_changes {
            flags: if self.created.is_some() { koc_sys::KOC_CHANGE_CREATED } else { 0 },
            env: a.pairs(&self.env)?,
            n_env: self.env.len(),
            labels: a.pairs(&self.labels)?,
            n_labels: self.labels.len(),
            annotations: a.pairs(&self.annotations)?,
            n_annotations: self.annotations.len(),
            entrypoint: list(a, &self.entrypoint)?,
            cmd: list(a, &self.cmd)?,
            user: a.optional(&self.user)?,
            workdir: a.optional(&self.workdir)?,
            stopsignal: a.optional(&self.stopsignal)?,
            author: a.optional(&self.author)?,
            ports: a.some(&self.ports)?,
            volumes: a.some(&self.volumes)?,
            created: self.created.unwrap_or(0),
            platform: Platform::optional(self.platform.as_ref(), a)?,
            config: a.pairs(&self.config)?,
            n_config: self.config.len(),
            ..Default::default()
        };
        Ok(a.keep(vec![raw]))
    }

    pub(crate) fn put(
        &mut self,
        pick: impl FnOnce(&mut Self) -> &mut Pairs,
        key: &str,
        value: Option<&str>,
    ) {
        pick(self).push((key.to_string(), value.map(str::to_string)));
    }
}

/// The setters of `Changes`, for all types that have a `Changes`.
macro_rules! settings {
    ($type:ty) => {
        impl $type {
            /// Sets a variable of the environment; None removes it.
            pub fn env<'v>(mut self, name: &str, value: impl Into<Option<&'v str>>) -> Self {
                self.changes().put(|c| &mut c.env, name, value.into());
                self
            }

            /// Sets a label; None removes it.
            pub fn label<'v>(mut self, key: &str, value: impl Into<Option<&'v str>>) -> Self {
                self.changes().put(|c| &mut c.labels, key, value.into());
                self
            }

            /// Sets an annotation of manifest and index; None removes it.
            pub fn annotation<'v>(mut self, key: &str, value: impl Into<Option<&'v str>>) -> Self {
                self.changes().put(|c| &mut c.annotations, key, value.into());
                self
            }

            /// Sets any member of the config by JSON pointer: "/config/Healthcheck". None removes it.
            pub fn config<'v>(mut self, pointer: &str, json: impl Into<Option<&'v str>>) -> Self {
                self.changes().put(|c| &mut c.config, pointer, json.into());
                self
            }

            /// The program and its first arguments; an empty list removes it. The cmd goes with the old one.
            pub fn entrypoint<T: AsRef<str>>(mut self, argv: impl AsRef<[T]>) -> Self {
                let argv = argv.as_ref().iter().map(|t| t.as_ref().to_string()).collect();
                self.changes().entrypoint = Some(argv);
                self
            }

            /// Further arguments; an empty list removes them.
            pub fn cmd<T: AsRef<str>>(mut self, argv: impl AsRef<[T]>) -> Self {
                let argv = argv.as_ref().iter().map(|t| t.as_ref().to_string()).collect();
                self.changes().cmd = Some(argv);
                self
            }

            /// Who the program runs as; "" removes it. The same holds for the next three.
            pub fn user(mut self, user: &str) -> Self {
                self.changes().user = Some(user.to_string());
                self
            }

            /// Where the program starts.
            pub fn workdir(mut self, path: &str) -> Self {
                self.changes().workdir = Some(path.to_string());
                self
            }

            /// The signal that asks the program to end.
            pub fn stopsignal(mut self, signal: &str) -> Self {
                self.changes().stopsignal = Some(signal.to_string());
                self
            }

            /// Who made it.
            pub fn author(mut self, author: &str) -> Self {
                self.changes().author = Some(author.to_string());
                self
            }

            /// Adds a port: "8080/tcp".
            pub fn port(mut self, port: &str) -> Self {
                self.changes().ports.push(port.to_string());
                self
            }

            /// Removes a port.
            pub fn remove_port(mut self, port: &str) -> Self {
                self.changes().ports.push(format!("-{port}"));
                self
            }

            /// Adds a volume: "/data".
            pub fn volume(mut self, path: &str) -> Self {
                self.changes().volumes.push(path.to_string());
                self
            }

            /// Removes a volume.
            pub fn remove_volume(mut self, path: &str) -> Self {
                self.changes().volumes.push(format!("-{path}"));
                self
            }

            /// Seconds since 1970.
            pub fn created(mut self, seconds: i64) -> Self {
                self.changes().created = Some(seconds);
                self
            }
        }
    };
}
pub(crate) use settings;

settings!(Changes);
