//! The safe crate against the installed library.

use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, thread};

use koc::{Cache, Cancel, Code, Context, Digest, Kind, Op, Publish, Reference};

const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("koc-rust-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn hello() -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/hello");
    source.canonicalize().unwrap().to_str().unwrap().to_string()
}

/// examples/hello into an OCI layout in folder, from scratch. The package is named by its folder, in
/// which the process has to be.
fn publish<'a>(context: &'a Context, folder: &Folder) -> Publish<'a> {
    env::set_current_dir(hello()).unwrap();
    let layout = folder.0.join("layout");
    Publish::new(context).base_image("scratch").push(false).sbom(false).oci_layout(&layout)
}

#[test]
fn digests() {
    let digest = Digest::of(b"").unwrap();
    assert_eq!(digest.to_string(), EMPTY);
    assert_eq!(digest, EMPTY.parse().unwrap());
    assert_eq!(digest.bytes().len(), 32);
    assert_ne!(digest, Digest::of(b"x").unwrap());
    assert_eq!("sha256:0".parse::<Digest>().unwrap_err().code, Code::INVALID);
}

#[test]
fn references() {
    let r: Reference = "busybox:1.36".parse().unwrap();
    assert_eq!(r.to_string(), "index.docker.io/library/busybox:1.36");
    assert_eq!(
        (r.registry().as_str(), r.repository().as_str()),
        ("index.docker.io", "library/busybox")
    );
    assert_eq!((r.tag().as_deref(), r.digest()), (Some("1.36"), None));
    let digest: Digest = EMPTY.parse().unwrap();
    let pinned = r.with_digest(Some(&digest)).unwrap().with_tag(None).unwrap();
    assert_eq!(pinned.digest(), Some(digest));
    assert_eq!(pinned.tag(), None);
    let copy = pinned.clone();
    drop(pinned);
    assert_eq!(copy.to_string(), format!("index.docker.io/library/busybox@{EMPTY}"));
}

#[test]
fn errors_tell_what_and_why() {
    let error = "Not/A Name".parse::<Reference>().unwrap_err();
    assert_eq!(error.code, Code::INVALID);
    assert_eq!(error.code.name(), "KOC_EINVAL");
    assert!(error.to_string().contains("Not/A Name"), "{error}");
    assert_eq!("a\0b".parse::<Reference>().unwrap_err().code, Code::INVALID);
}

#[test]
fn objects_are_shared_between_threads() {
    let r: Reference = "registry.example/a".parse().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let r = r.clone();
            thread::spawn(move || r.with_tag(Some(&format!("t{i}"))).unwrap().to_string())
        })
        .collect();
    for (i, t) in threads.into_iter().enumerate() {
        assert_eq!(t.join().unwrap(), format!("registry.example/a:t{i}"));
    }
}

#[test]
fn publish_to_a_layout() {
    let (folder, context) = (Folder::new(), Context::new(Cache::None).unwrap());
    let (mut told, mut kinds) = (Vec::new(), Vec::new());
    let result = publish(&context, &folder)
        .label("a", "b")
        .published(|path, reference| {
            told.push((path.to_string(), reference.to_string()));
            ControlFlow::Continue(())
        })
        .run(Op::new().progress(|event| {
            kinds.push(event.kind);
            ControlFlow::Continue(())
        }))
        .unwrap();
    assert_eq!(result.references.len(), 1);
    assert_eq!(told, [(result.import_paths[0].clone(), result.references[0].clone())]);
    assert!(kinds.contains(&Kind::Build) && kinds.contains(&Kind::Image));
    let (_, hex) = result.references[0].rsplit_once("sha256:").unwrap();
    let manifest = fs::read(folder.0.join("layout/blobs/sha256").join(hex)).unwrap();
    assert_eq!(Digest::of(&manifest).unwrap().to_string(), format!("sha256:{hex}"));
    assert!(result.report.contains("\"koc-build-1\"") && result.report.contains(hex));
}

#[test]
fn break_ends_the_call() {
    let (folder, context) = (Folder::new(), Context::new(Cache::None).unwrap());
    let op = Op::new().progress(|_| ControlFlow::Break(()));
    let error = publish(&context, &folder).run(op).unwrap_err();
    assert_eq!(error.code, Code::USER);
}

#[test]
fn a_panic_in_a_callback_comes_out_of_the_call() {
    let (folder, context) = (Folder::new(), Context::new(Cache::None).unwrap());
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let op = Op::new().progress(|event| panic!("seen {:?}", event.kind));
        let _ = publish(&context, &folder).run(op);
    }))
    .unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().starts_with("seen "));
}

#[test]
fn cancelled_and_failed_builds() {
    let (folder, context) = (Folder::new(), Context::new(Cache::None).unwrap());
    let cancel = Cancel::new().unwrap();
    cancel.clone().trigger();
    assert!(cancel.is_triggered());
    let error = publish(&context, &folder).run(Op::new().cancel(&cancel)).unwrap_err();
    assert_eq!(error.code, Code::CANCELLED);
    let error = publish(&context, &folder).import_path("./nothing").run(Op::new()).unwrap_err();
    assert_ne!(error.code, Code::CANCELLED);
    assert!(error.message.contains("nothing"), "{error}");
}
