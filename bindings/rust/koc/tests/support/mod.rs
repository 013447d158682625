//! What the tests share: folders, a registry, images.
#![allow(dead_code)] // each test program uses a part

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, net, thread};

use koc::{Cache, Client, Context, Entry, Image, ImageBuilder, Layer, LayerBuilder, LayerHistory};
use koc::{Op, Reference};

/// A folder of this test's own, removed at its end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("koc-rust-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The place of an image in a layout of this folder.
    pub fn layout(&self, name: &str) -> String {
        format!("oci:{}/layout:{name}", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A docker-registry on a free port of loopback.
pub struct Registry {
    pub host: String,
    process: Child,
    _folder: Folder,
}

const CONFIG: &str = "version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: FOLDER/data}, delete: {enabled: true}}
http: {addr: 'ADDRESS', secret: lab}
";

impl Registry {
    /// None: there is no docker-registry here.
    pub fn start() -> Option<Self> {
        let folder = Folder::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let config = folder.join("config.yml");
        let root = folder.0.to_str().unwrap();
        fs::write(&config, CONFIG.replace("FOLDER", root).replace("ADDRESS", &host)).unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(config).stdin(Stdio::null());
        command.env_remove("LD_PRELOAD"); // of a sanitizer, which is for this program
        let spawned = command.stdout(log.try_clone().unwrap()).stderr(log).spawn();
        let Ok(process) = spawned else {
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "there is no docker-registry");
            eprintln!("skipped: there is no docker-registry");
            return None;
        };
        let registry = Registry { host, process, _folder: folder };
        let start = Instant::now();
        while net::TcpStream::connect(&registry.host).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "no registry at {}", registry.host);
            thread::sleep(Duration::from_millis(20));
        }
        Some(registry)
    }

    pub fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.host).parse().unwrap()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn context() -> Context {
    Context::builder().cache(Cache::None).threads(1).build().unwrap()
}

pub fn anonymous(context: &Context) -> Client {
    Client::builder().anonymous().build(context).unwrap()
}

pub fn layer(context: &Context) -> Layer {
    LayerBuilder::new(context)
        .bytes("/app/hello", "hello\n", &Entry::new().mode(0o755))
        .symlink("/hello", "app/hello")
        .finish(Op::new())
        .unwrap()
}

pub fn image(context: &Context) -> Image {
    ImageBuilder::scratch(context)
        .platform(&"linux/arm64".parse().unwrap())
        .layer(&layer(context), &LayerHistory::new("a test"))
        .entrypoint(["/app/hello"])
        .env("A", "b")
        .label("l", "m")
        .user("65532")
        .finish(Op::new())
        .unwrap()
}

/// Names and contents of a tar's regular files, and the targets of its links.
pub fn tar_entries(mut tar: impl std::io::Read) -> Vec<(String, String)> {
    let mut data = Vec::new();
    tar.read_to_end(&mut data).unwrap();
    let (mut found, mut at) = (Vec::new(), 0);
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    };
    while at + 512 <= data.len() && data[at] != 0 {
        let head = &data[at..at + 512];
        let size = usize::from_str_radix(text(&head[124..136]).trim(), 8).unwrap();
        let content = match head[156] {
            b'2' => text(&head[157..257]),
            _ => text(&data[at + 512..at + 512 + size]),
        };
        found.push((text(&head[..100]), content));
        at += 512 + size.div_ceil(512) * 512;
    }
    found
}

pub fn hello() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/hello");
    source.canonicalize().unwrap()
}
