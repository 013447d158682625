//! Layers, images, indexes, artifacts, layouts, archives, edits: nothing needs a network.

mod support;

use std::error::Error as _;
use std::io::{Cursor, Read, Write};
use std::{fs, ptr};

use koc::{
    archive, Artifact, ArtifactFile, AtomicFile, Blob, Changes, Code, Compression, Context, Copy,
    Descriptor, Digest, Edit, Edited, Entry, Error, File, Filter, Format, Image, ImageBuilder,
    ImageSpec, Index, IndexBuilder, Layer, LayerBuilder, LayerHistory, LayerOptions, Layout, Op,
    Place, Reader, Source, TreeOptions,
};
use support::{context, image, layer, tar_entries, Folder};

fn text(mut reader: impl Read) -> String {
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    out
}

#[test]
fn a_layer_of_everything() {
    let (folder, context) = (Folder::new(), context());
    fs::create_dir_all(folder.join("tree/skipped")).unwrap();
    fs::write(folder.join("tree/kept"), "kept").unwrap();
    fs::write(folder.join("tree/skipped/x"), "x").unwrap();
    fs::write(folder.join("file"), "content").unwrap();
    let filter = |path: &str, entry: &mut Entry| {
        entry.mode = 0o640;
        if path.starts_with("skipped") {
            Filter::Skip
        } else {
            Filter::Keep
        }
    };
    let blob = Blob::from_bytes(b"a blob").unwrap();
    let layer = LayerBuilder::with(&context, &LayerOptions::new().mtime(7).in_memory(true))
        .file("/file", folder.join("file"), &Entry::new().owner(1, 2))
        .bytes("/bytes", b"bytes", &Entry::new().xattr("user.a", "b"))
        .blob("/blob", &blob, &Entry::new())
        .dir("/dir", &Entry::new().mode(0o700))
        .symlink("/link", "file")
        .hardlink("/hard", "/file")
        .tree("/tree", folder.join("tree"), TreeOptions::new().filter(filter))
        .finish(Op::new())
        .unwrap();
    let found = tar_entries(layer.open_tar(Op::new()).unwrap());
    let content = |name: &str| found.iter().find(|(n, _)| n == name).map(|(_, c)| c.as_str());
    assert_eq!(content("file").or(content("hard")), Some("content"));
    assert_eq!((content("bytes"), content("blob")), (Some("bytes"), Some("a blob")));
    assert_eq!((content("link"), content("tree/kept")), (Some("file"), Some("kept")));
    assert_eq!(content("tree/skipped/x"), None);
    let descriptor = layer.descriptor();
    let mut compressed = Vec::new();
    layer.open(Op::new()).unwrap().read_to_end(&mut compressed).unwrap();
    assert_eq!(Digest::of(&compressed).unwrap(), descriptor.digest);
    assert_eq!(compressed.len() as u64, descriptor.size);
    assert!(layer.uncompressed_size().unwrap() > 1024);
}

#[test]
fn the_first_failure_of_a_builder_is_that_of_its_end() {
    let context = context();
    let twice = LayerBuilder::new(&context)
        .bytes("/a", "1", &Entry::new())
        .bytes("/a", "2", &Entry::new())
        .bytes("/../b", "3", &Entry::new());
    let error = twice.finish(Op::new()).err().unwrap();
    assert_eq!(error.code(), Code::EXISTS);
    let stop = |_: &str, _: &mut Entry| Filter::Stop;
    let folder = Folder::new();
    fs::write(folder.join("x"), "x").unwrap();
    let stopped =
        LayerBuilder::new(&context).tree("/t", &folder.0, TreeOptions::new().filter(stop));
    assert_eq!(stopped.finish(Op::new()).err().unwrap().code(), Code::USER);
    let port = ImageBuilder::scratch(&context).port("hello world").port("1/tcp");
    assert_eq!(port.finish(Op::new()).err().unwrap().code(), Code::INVALID);
}

#[test]
fn layers_from_tars_and_blobs() {
    let (context, folder) = (context(), Folder::new());
    let first = layer(&context);
    let mut tar = Vec::new();
    first.open_tar(Op::new()).unwrap().read_to_end(&mut tar).unwrap();
    let tar = Blob::from_bytes(&tar).unwrap();
    let options = LayerOptions::new();
    let again = Layer::from_tar(&context, &tar, &options, Op::new()).unwrap();
    assert_eq!(again.descriptor().digest, first.descriptor().digest);
    assert_eq!(again.diff_id(Op::new()).unwrap(), first.diff_id(Op::new()).unwrap());
    let none = options.clone().compression(Compression::None);
    let plain = Layer::import(&context, &tar, "x.tar", &none, Op::new()).unwrap();
    assert_eq!(plain.descriptor().size, tar.size());
    let mut compressed = Vec::new();
    first.open(Op::new()).unwrap().read_to_end(&mut compressed).unwrap();
    fs::write(folder.join("blob"), &compressed).unwrap();
    let digest = Digest::of(&compressed).unwrap();
    let blob = Blob::from_file(&folder.join("blob"), Some(&digest)).unwrap();
    let id = first.diff_id(Op::new()).unwrap();
    let stored = Layer::from_blob(&context, &first.descriptor(), Some(&id), &blob).unwrap();
    let mut reader = stored.open_tar(Op::new()).unwrap();
    let mut head = [0; 10];
    reader.read_exact(&mut head).unwrap();
    reader.finish().unwrap();
    let bad = Layer::import(&context, &Blob::from_bytes(b"no").unwrap(), "n", &none, Op::new());
    assert_eq!(bad.err().unwrap().code(), Code::FORMAT);
}

#[test]
fn a_blob_of_callbacks() {
    let data = b"0123456789".to_vec();
    let blob = Blob::from_fn(10, None, move |offset| {
        let mut cursor = Cursor::new(data.clone());
        cursor.set_position(offset);
        Ok(Box::new(cursor))
    })
    .unwrap();
    assert_eq!(blob.digest(Op::new()).unwrap(), Digest::of(b"0123456789").unwrap());
    assert_eq!(text(blob.open_at(7, Op::new()).unwrap()), "789");
    assert_eq!(blob.read_all(10, Op::new()).unwrap(), b"0123456789");
    assert_eq!(blob.read_all(9, Op::new()).unwrap_err().code(), Code::LIMIT);
    let failing = Blob::from_fn(1, None, |_| Err(Error::new(Code::NOT_FOUND, "it is gone")));
    let error = failing.unwrap().read_all(9, Op::new()).unwrap_err();
    assert_eq!(error.code(), Code::USER);
    let cause = error.source().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!((cause.code(), cause.message()), (Code::NOT_FOUND, "it is gone"));
    assert_eq!(text(Reader::new(Cursor::new("own")).unwrap()), "own");
}

#[test]
fn an_image_tells_what_it_has() {
    let context = context();
    let image = ImageBuilder::on(&context, &image(&context))
        .cmd(["serve", "-v"])
        .env("B", "c=d")
        .annotation("x", "y")
        .config("/config/Healthcheck", r#"{"Test":["NONE"]}"#)
        .workdir("/app")
        .stopsignal("SIGTERM")
        .author("me")
        .port("8080/tcp")
        .volume("/data")
        .created(1)
        .finish(Op::new())
        .unwrap();
    assert_eq!(image.env().unwrap(), [("A".into(), "b".into()), ("B".into(), "c=d".into())]);
    assert_eq!(image.labels().unwrap(), [("l".into(), "m".into())]);
    assert_eq!(image.annotations().unwrap(), [("x".into(), "y".into())]);
    assert_eq!(
        (image.ports().unwrap(), image.volumes().unwrap()),
        (vec!["8080/tcp".into()], vec!["/data".into()])
    );
    assert_eq!(
        (image.entrypoint().unwrap(), image.cmd().unwrap().len()),
        (vec!["/app/hello".into()], 2)
    );
    assert_eq!((image.label("l"), image.label("none")), (Some("m".into()), None));
    assert_eq!((image.env_var("A"), image.annotation("x")), (Some("b".into()), Some("y".into())));
    assert_eq!((image.user(), image.workdir()), (Some("65532".into()), Some("/app".into())));
    assert_eq!((image.stopsignal(), image.author()), (Some("SIGTERM".into()), Some("me".into())));
    assert_eq!(
        image.config_get("/config/Healthcheck/Test/0").unwrap().as_deref(),
        Some("\"NONE\"")
    );
    assert_eq!(image.config_get("/nothing").unwrap(), None);
    let history = image.history().unwrap();
    assert_eq!(history[0].created_by.as_deref(), Some("a test"));
    assert_eq!(image.platform().to_string(), "linux/arm64");
    assert_eq!(image.layers().len(), 1);
    assert_eq!(Digest::of(image.manifest()).unwrap(), image.descriptor().digest);
    assert_eq!(Digest::of(image.config().as_bytes()).unwrap(), image.config_descriptor().digest);
    let less = ImageBuilder::on(&context, &image).remove_port("8080/tcp").remove_volume("/data");
    let less = less.user(None).env("A", None).cmd([""; 0]).finish(Op::new()).unwrap();
    assert!(less.ports().unwrap().is_empty() && less.volumes().unwrap().is_empty());
    assert_eq!((less.user(), less.env_var("A")), (None, None));
    let bytes = Image::from_bytes(&context, image.manifest(), image.config().as_bytes()).unwrap();
    assert_eq!(bytes.descriptor().digest, image.descriptor().digest);
    assert_eq!(bytes.layers()[0].open(Op::new()).err().unwrap().code(), Code::NOT_FOUND);
}

#[test]
fn files_of_an_image() {
    let context = context();
    let image = image(&context);
    assert_eq!(text(image.file("/hello", Op::new()).unwrap().open(Op::new()).unwrap()), "hello\n");
    assert_eq!(image.file("/none", Op::new()).err().unwrap().code(), Code::NOT_FOUND);
    let mut tar = Vec::new();
    image.flatten(&mut tar, Op::new()).unwrap();
    assert!(tar_entries(&tar[..]).contains(&("app/hello".into(), "hello\n".into())));
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is full"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = image.flatten(&mut Full, Op::new()).unwrap_err();
    assert!(error.message().contains("the disk is full"), "{error}");
}

fn index(context: &Context) -> Index {
    let amd = ImageBuilder::on(context, &image(context)).platform(&"linux/amd64".parse().unwrap());
    IndexBuilder::new(context, Format::Oci)
        .image(&image(context))
        .image(&amd.finish(Op::new()).unwrap())
        .annotation("a", "b")
        .finish()
        .unwrap()
}

#[test]
fn indexes() {
    let context = context();
    let index = index(&context);
    assert_eq!(index.entries().len(), 2);
    assert_eq!(Digest::of(index.bytes()).unwrap(), index.descriptor().digest);
    let found = index.select(&"linux/amd64".parse().unwrap()).unwrap().unwrap();
    assert_eq!(found, index.entries()[1]);
    assert!(index.select(&"linux/s390x".parse().unwrap()).unwrap().is_none());
    assert_eq!(index.image(1).unwrap().descriptor().digest, found.digest);
    assert!(index.image(2).is_none());
    let one = index.with_images(&[None, index.image(1)], &[("a".into(), None)]).unwrap();
    assert_eq!(one.entries().len(), 1);
    assert_eq!(index.with_images(&[None], &[]).err().unwrap().code(), Code::MISUSE);
    let read = Index::from_bytes(&context, index.bytes()).unwrap();
    assert!(read.image(0).is_none());
    let extended = IndexBuilder::new(&context, Format::Oci)
        .descriptor(&Descriptor::new("application/x", Digest::of(b"").unwrap(), 0))
        .finish()
        .unwrap();
    assert_eq!(extended.entries()[0].media_type, "application/x");
}

#[test]
fn layouts_and_archives() {
    let (folder, context) = (Folder::new(), context());
    let layout = Layout::create(&context, folder.join("layout")).unwrap();
    layout.put_image(&image(&context), Some("one"), Op::new()).unwrap();
    layout.put_index(&index(&context), Some("two"), Op::new()).unwrap();
    let listed = Layout::open(&context, folder.join("layout")).unwrap().list().unwrap().entries();
    assert_eq!(listed.len(), 2);
    let read = layout.image(&listed[0].digest).unwrap();
    assert_eq!(read.descriptor().digest, image(&context).descriptor().digest);
    assert_eq!(layout.index(&listed[1].digest).unwrap().entries().len(), 2);
    assert_eq!(Layout::open(&context, folder.join("no")).err().unwrap().code(), Code::NOT_FOUND);
    let mut out = AtomicFile::new(&folder.join("a.tar"), 0, Op::new()).unwrap();
    let tags = vec!["registry.example/a:1".parse().unwrap()];
    archive::write(&context, &[(read, tags)], &mut out, Op::new()).unwrap();
    assert!(!folder.join("a.tar").exists());
    out.finish().unwrap();
    assert_eq!(archive::count(&context, folder.join("a.tar"), Op::new()).unwrap(), 1);
    let again = archive::read(&context, folder.join("a.tar"), 0, Op::new()).unwrap();
    assert_eq!(again.label("l").as_deref(), Some("m"));
}

#[test]
fn an_image_in_one_call() {
    let (folder, context) = (Folder::new(), context());
    fs::write(folder.join("x"), "program").unwrap();
    let spec = ImageSpec::new()
        .platform("linux/amd64")
        .platform("linux/arm64")
        .file("/app/x", folder.join("x"))
        .add("/etc/x", File::bytes("settings").entry(Entry::new().mode(0o600)))
        .add("/x", File::link("app/x").layer(1))
        .add("/only", File::bytes("arm").platform("linux/arm64"))
        .layer(&layer(&context))
        .entrypoint(["/app/x"])
        .env("A", "b")
        .port("8080/tcp")
        .created_by("test")
        .compression(Compression::Gzip, 0)
        .target(&folder.layout("x"))
        .tag("y");
    let built = spec.build(&context, Op::new()).unwrap();
    assert_eq!(built.images.len(), 2);
    assert!(built.references[0].ends_with(&built.descriptor.digest.to_string()));
    assert!(built.report.contains("koc-edit-1") && built.warnings.is_empty());
    let arm = &built.images[1];
    assert_eq!(text(arm.file("/x", Op::new()).unwrap().open(Op::new()).unwrap()), "program");
    assert!(
        arm.file("/only", Op::new()).is_ok() && built.images[0].file("/only", Op::new()).is_err()
    );
    let again = spec.build(&context, Op::new()).unwrap();
    assert_eq!(again.descriptor.digest, built.descriptor.digest);
    let error = ImageSpec::new().file("/x", "/nothing/here").build(&context, Op::new()).err();
    assert_eq!(error.unwrap().code(), Code::NOT_FOUND);
    let user = ImageSpec::new().user("a b c").build(&context, Op::new()).err().unwrap();
    assert_eq!(user.code(), Code::INVALID);
}

#[test]
fn edits() {
    let (folder, context) = (Folder::new(), context());
    Copy::new(index(&context), folder.layout("base")).run(&context, Op::new()).unwrap();
    let place = folder.layout("base");
    let mut edit = Edit::open(&context, None, &place, &[], Op::new()).unwrap();
    let files = [("/added".to_string(), File::bytes("added"))];
    let changes = Changes::new().label("l", None).label("n", "o").remove_port("1/tcp").user("1");
    edit.record_base(Op::new())
        .and_then(|e| e.layers(&[layer(&context)], &LayerHistory::new("again"), Op::new()))
        .and_then(|e| e.files(&files, &LayerOptions::new(), &LayerHistory::new("f"), Op::new()))
        .and_then(|e| e.select(&["linux/arm64"]))
        .and_then(|e| e.change(&changes, Op::new()))
        .unwrap();
    let images = edit.images();
    assert_eq!((images[0].label("n"), images[0].label("l")), (Some("o".into()), None));
    assert_eq!((images[1].label("n"), images[1].layers().len()), (None, 3));
    let Edited::Index(result) = edit.result().unwrap() else { panic!("it is an index") };
    assert_eq!(result.descriptor().digest, edit.descriptor().digest);
    assert!(edit.report(Some("x")).unwrap().contains("koc-edit-1"));
    assert_eq!(edit.warnings(), ["not changed: linux/amd64"]);
    let copied = Copy::new(edit.result().unwrap(), folder.layout("new")).run(&context, Op::new());
    assert_eq!(copied.unwrap()[0].digest, Some(result.descriptor().digest));
    let mut scratch = Edit::scratch(&context, &["linux/riscv64"]).unwrap();
    scratch.layers(&[layer(&context)], &LayerHistory::default(), Op::new()).unwrap();
    assert!(matches!(scratch.result().unwrap(), Edited::Image(_)));
}

#[test]
fn rebase() {
    let context = context();
    let old = image(&context);
    let app = ImageBuilder::on(&context, &old)
        .layer(&layer(&context), &LayerHistory::new("app"))
        .finish(Op::new())
        .unwrap();
    let other = LayerBuilder::new(&context).bytes("/new", "new", &Entry::new());
    let new = ImageBuilder::scratch(&context)
        .platform(&"linux/arm64".parse().unwrap())
        .layer(&other.finish(Op::new()).unwrap(), &LayerHistory::new("base"))
        .finish(Op::new())
        .unwrap();
    let rebased = app.rebase(&old, &new, &[("x".into(), Some("y".into()))]).unwrap();
    assert!(rebased.file("/new", Op::new()).is_ok());
    assert_eq!(rebased.annotation("x").as_deref(), Some("y"));
    assert_eq!(app.rebase(&new, &old, &[]).err().unwrap().code(), Code::INVALID);
    let (folder, context) = (Folder::new(), context);
    Copy::new(&old, folder.layout("old"))
        .pair(&new, folder.layout("new"))
        .run(&context, Op::new())
        .unwrap();
    Copy::new(&app, folder.layout("app")).run(&context, Op::new()).unwrap();
    let mut edit = Edit::open(&context, None, folder.layout("app"), &[], Op::new()).unwrap();
    let (from, to) = (folder.layout("old"), folder.layout("new"));
    edit.rebase(None, Some(&from), Some(&to), Op::new()).unwrap();
    assert!(edit.images()[0].file("/new", Op::new()).is_ok());
}

#[test]
fn artifacts_and_sources() {
    let (folder, context) = (Folder::new(), context());
    let place = Place::layout(folder.join("layout"), Some("x")).unwrap();
    let copied =
        Copy::new(index(&context), &place).platform("linux/arm64").run(&context, Op::new());
    assert_eq!(copied.unwrap()[0].digest, Some(image(&context).descriptor().digest));
    let mut source = Source::open(&context, None, &place, Op::new()).unwrap();
    fs::write(folder.join("report"), "ok").unwrap();
    let report = Artifact::builder("application/vnd.example.report")
        .file(ArtifactFile::path("text/plain", folder.join("report")).title("report"))
        .file(ArtifactFile::bytes("text/plain", "more").annotation("a", "b"))
        .config("application/json", "{}")
        .subject(source.descriptor())
        .annotation("c", "d")
        .build(&context)
        .unwrap();
    assert_eq!(Digest::of(report.manifest()).unwrap(), report.descriptor().digest);
    let named = Place::layout(folder.join("layout"), Some("report")).unwrap();
    Copy::new(&report, &named).run(&context, Op::new()).unwrap();
    let subject = source.descriptor().digest;
    let found = source.referrers(&subject, Some("application/vnd.example.report"), Op::new());
    assert_eq!(found.unwrap().entries().len(), 1);
    assert!(source.referrers(&subject, Some("other"), Op::new()).unwrap().entries().is_empty());
    let image = source.image(None, Op::new()).unwrap();
    assert_eq!(source.image_by(&subject, Op::new()).unwrap().manifest(), image.manifest());
    assert_eq!(source.manifest_by(&subject, Op::new()).unwrap().0, source.manifest());
    let blob = source.blob(&image.layers()[0].descriptor()).unwrap();
    assert_eq!(blob.size(), image.layers()[0].descriptor().size);
    assert!(source.inspect(None, Op::new()).unwrap().contains("koc-inspect-1"));
    let mut checked = Vec::new();
    source
        .check(
            false,
            |what, problem| checked.push((what.to_string(), problem.is_some())),
            Op::new(),
        )
        .unwrap();
    assert!(checked.len() > 1 && checked.iter().all(|(_, bad)| !bad), "{checked:?}");
    let layer = image.layers()[0].descriptor().digest.to_string();
    let path = folder.join("layout/blobs/sha256").join(layer.trim_start_matches("sha256:"));
    fs::write(path, "damaged").unwrap();
    let mut problems = 0;
    let error =
        source.check(false, |_, p| problems += u32::from(p.is_some()), Op::new()).unwrap_err();
    assert!(problems > 0 && error.code() == Code::VERIFY, "{error}");
}

#[test]
fn a_cache() {
    let folder = Folder::new();
    let context = Context::new(koc::Cache::At(&folder.join("cache"))).unwrap();
    layer(&context);
    assert_eq!(context.cache_dir(), Some(folder.join("cache")));
    let usage = context.cache_usage().unwrap();
    assert!(usage.iter().all(|u| !u.kind.is_empty()));
    context.cache_prune(1 << 40).unwrap();
    context.cache_clear().unwrap();
    assert_eq!(support::context().cache_dir(), None);
    assert_eq!(support::context().cache_usage().unwrap_err().code(), Code::NOT_FOUND);
}

#[test]
fn c_functions_take_the_objects_of_this_crate_and_the_reverse() {
    let context = context();
    let image = image(&context);
    unsafe {
        let mut out = ptr::null_mut();
        let base = image.as_ptr();
        let made = koc_builder(context.as_ptr(), base, &mut out);
        assert_eq!(made, koc::koc_sys::KOC_OK);
        let again = ImageBuilder::from_ptr(out).label("x", "y").finish(Op::new()).unwrap();
        assert_eq!(again.label("x").as_deref(), Some("y"));
        let taken = Image::from_ptr(koc::koc_sys::koc_image_ref(again.as_ptr()));
        drop(again);
        assert_eq!(taken.label("x").as_deref(), Some("y"));
        let raw = LayerBuilder::new(&context).into_ptr().unwrap();
        drop(LayerBuilder::from_ptr(raw));
    }
}

unsafe fn koc_builder(
    context: *mut koc::koc_sys::koc_ctx,
    base: *mut koc::koc_sys::koc_image,
    out: *mut *mut koc::koc_sys::koc_image_builder,
) -> i32 {
    koc::koc_sys::koc_image_builder_new(context, base, out, ptr::null_mut())
}
