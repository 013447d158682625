//! Go packages and ko:// references.

mod support;

use std::process::Command;
use std::{env, fs};

use koc::{Cancel, Code, Compression, Kind, Op, Publish, Resolver, ResolverOptions};
use support::{context, hello, Folder};

/// examples/hello into an OCI layout in folder, from scratch. The package is named by its folder, in which the process
/// has to be. None: there is no Go.
fn publish<'a>(context: &'a koc::Context, folder: &Folder) -> Option<Publish<'a>> {
    if Command::new("go").arg("version").output().is_err() {
        assert_ne!(env::var("CI").as_deref(), Ok("true"), "there is no go");
        eprintln!("skipped: there is no go");
        return None;
    }
    env::set_current_dir(hello()).unwrap();
    let layout = folder.join("layout");
    Some(Publish::new(context).base_image("scratch").push(false).sbom(false).oci_layout(layout))
}

#[test]
fn publish_to_a_layout() {
    let (folder, context) = (Folder::new(), context());
    let Some(publish) = publish(&context, &folder) else { return };
    let (mut told, mut kinds) = (Vec::new(), Vec::new());
    let result = publish
        .label("a", "b")
        .annotation("c", "d")
        .tag("t")
        .user("1000")
        .ldflag("-s")
        .jobs(1)
        .compression(Compression::Gzip, 1)
        .image_refs(folder.join("refs"))
        .tarball(folder.join("a.tar"))
        .published(|path, reference| told.push((path.to_string(), reference.to_string())))
        .run(Op::new().progress(|event| kinds.push(event.kind)))
        .unwrap();
    assert_eq!(result.references.len(), 1);
    assert_eq!(told, [(result.import_paths[0].clone(), result.references[0].clone())]);
    assert!(kinds.contains(&Kind::Build) && kinds.contains(&Kind::Image));
    let (_, hex) = result.references[0].rsplit_once("sha256:").unwrap();
    let manifest = fs::read(folder.join("layout/blobs/sha256").join(hex)).unwrap();
    assert_eq!(koc::Digest::of(&manifest).unwrap().to_string(), format!("sha256:{hex}"));
    assert!(result.report.contains("\"koc-build-1\"") && result.report.contains(hex));
    assert!(folder.join("refs").exists() && folder.join("a.tar").exists());
    assert!(!result.timings.is_empty() && result.inputs.is_none());
}

#[test]
fn resolve_in_one_call() {
    let (folder, context) = (Folder::new(), context());
    let Some(publish) = publish(&context, &folder) else { return };
    let mut resolver = Resolver::new(&context).unwrap();
    resolver.add_bytes("a.yaml", "image: ko://. # kept\n").unwrap();
    let mut out = Vec::new();
    let result = publish.resolve(&mut resolver, Some(&mut out), Op::new()).unwrap().unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, format!("image: \"{}\" # kept\n", result.references[0]));
    let settings = Publish::new(&context).base_image("scratch").repository("r.example/x");
    let settings = settings.settings().unwrap();
    assert!(settings.contains(&("base".into(), "scratch".into())), "{settings:?}");
    let mut none = Resolver::new(&context).unwrap();
    none.add_bytes("b.yaml", "a: b\n").unwrap();
    let nothing = Publish::new(&context).push(false).repository("r.example/x");
    assert!(nothing.resolve(&mut none, None, Op::new()).unwrap().is_none());
}

#[test]
fn cancelled_and_failed_builds() {
    let (folder, context) = (Folder::new(), context());
    let Some(first) = publish(&context, &folder) else { return };
    let cancel = Cancel::new().unwrap();
    cancel.trigger();
    let error = first.run(Op::new().cancel(&cancel)).unwrap_err();
    assert_eq!(error.code(), Code::CANCELLED);
    let missing = publish(&context, &folder).unwrap().import_path("./nothing").run(Op::new());
    let error = missing.unwrap_err();
    assert!(error.message().contains("nothing"), "{error}");
    let jobs = publish(&context, &folder).unwrap().jobs(-1).run(Op::new()).unwrap_err();
    assert_eq!((jobs.code(), jobs.option()), (Code::INVALID, Some("jobs")));
}

#[test]
fn a_resolver_by_hand() {
    let (folder, context) = (Folder::new(), context());
    fs::create_dir_all(folder.join("d/e")).unwrap();
    fs::write(folder.join("d/a.yaml"), "image: app://x\n").unwrap();
    fs::write(folder.join("d/e/b.yaml"), "image: app://y\n").unwrap();
    fs::write(folder.join("one"), "image: app://x\n").unwrap();
    let options = ResolverOptions::new().prefix("app://").max_depth(50).max_bytes(1 << 20);
    let mut r = Resolver::with(&context, &options).unwrap();
    r.add_dir(folder.join("d"), true).unwrap();
    r.add_file(folder.join("one")).unwrap();
    assert_eq!(r.references().unwrap(), ["app://x", "app://y"]);
    assert_eq!(r.labels().len(), 3);
    assert!(r.place("app://y").unwrap().ends_with("b.yaml:1:8"));
    assert!(r.place("app://z").is_none() && r.warnings().is_empty());
    r.set("app://x", "r.example/x:1").unwrap();
    assert!(r.is_ready(0) && !r.is_ready(1));
    assert_eq!(r.set("app://z", "a").unwrap_err().code(), Code::NOT_FOUND);
    r.read_map("map", r#"{"app://y": "r.example/y:2"}"#).unwrap();
    assert_eq!(r.replacement("app://y").as_deref(), Some("r.example/y:2"));
    assert!(r.write_map().unwrap().contains("r.example/x:1"));
    let (mut all, mut first) = (Vec::new(), Vec::new());
    r.write_input(0, &mut first).unwrap();
    assert_eq!(first, b"image: r.example/x:1\n");
    r.write(&mut all).unwrap();
    assert_eq!(String::from_utf8(all).unwrap().matches("---").count(), 2);
    let mut ready = Resolver::with(&context, &options).unwrap();
    ready.add_bytes("x", "a: app://x\n---\nb: app://y\n").unwrap();
    ready.set("app://x", "one").unwrap();
    let mut out = Vec::new();
    assert!(!ready.write_ready(&mut out).unwrap());
    ready.set("app://y", "two").unwrap();
    assert!(ready.write_ready(&mut out).unwrap());
    assert_eq!(out, b"a: \"one\"\n---\nb: \"two\"\n");
    let error = ready.add_bytes("bad", "a: [").unwrap_err();
    assert!(error.message().starts_with("bad:"), "{error}");
}
