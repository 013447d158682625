//! The client against a docker-registry, and against transports that lie.

mod support;

use std::error::Error as _;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, thread};

use koc::{
    auth, Artifact, Auth, Blob, Cancel, Client, Code, Context, Copy, Credential, CredentialKind,
    Credentials, Descriptor, Digest, Error, Format, IndexBuilder, Kind, Layout, Op, Reference,
    Reply, Serve, TraceKind, Transport,
};
use support::{anonymous, context, image, Folder, Registry};

#[test]
fn images_tags_manifests_and_blobs() {
    let Some(registry) = Registry::start() else { return };
    let (context, r) = (context(), registry.reference("app:1"));
    let (client, image) = (anonymous(&context), image(&context));
    let mut events = Vec::new();
    let op = Op::new().progress(|event| events.push(event.kind));
    let digest = client.push(&r, &image, &["2", "latest"], op).unwrap();
    assert_eq!(digest, image.descriptor().digest);
    assert!(events.contains(&Kind::Blob) && events.contains(&Kind::Manifest));
    assert_eq!(client.tags(&r, Op::new()).unwrap(), ["1", "2", "latest"]);
    assert_eq!(client.repositories(&registry.host, Op::new()).unwrap(), ["app"]);
    let found = client.resolve(&r, Op::new()).unwrap();
    assert_eq!((found.digest, found.media_type), (digest, image.descriptor().media_type));
    let (bytes, media_type) = client.manifest(&r, Op::new()).unwrap();
    assert_eq!(bytes, image.manifest());
    assert_eq!(client.put_manifest(&r, &media_type, &bytes, Op::new()).unwrap(), digest);
    client.tag(&r, "tagged", Op::new()).unwrap();
    assert_eq!(
        client.pin(&r.with_tag(Some("tagged")).unwrap(), Op::new()).unwrap().digest(),
        Some(digest)
    );
    let pulled = client.image(&r, None, Op::new()).unwrap();
    let mut text = String::new();
    let file = pulled.file("/hello", Op::new()).unwrap();
    file.open(Op::new()).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello\n");
    let wanted = client.image(&r, Some(&"linux/s390x".parse().unwrap()), Op::new());
    assert_eq!(wanted.err().unwrap().code(), Code::PLATFORM);
    let layer = image.layers()[0].descriptor();
    let named = r.with_digest(Some(&layer.digest)).unwrap();
    assert_eq!(client.blob_size(&named, Op::new()).unwrap(), layer.size);
    let blob = client.blob(&r, &layer).unwrap();
    assert_eq!(Digest::of(&blob.read_all(1 << 20, Op::new()).unwrap()).unwrap(), layer.digest);
    let own = Blob::from_bytes(b"mine").unwrap();
    client.put_blob(&r, &own, Op::new()).unwrap();
    let pinned = r.with_digest(Some(&own.digest(Op::new()).unwrap())).unwrap();
    assert_eq!(client.blob_size(&pinned, Op::new()).unwrap(), 4);
    client
        .delete(&r.with_tag(None).unwrap().with_digest(Some(&digest)).unwrap(), Op::new())
        .unwrap();
    let error = client.resolve(&r, Op::new()).unwrap_err();
    assert_eq!((error.code(), error.http_status()), (Code::NOT_FOUND, Some(404)));
    assert!(!client.check_login(&registry.host, Op::new()).unwrap());
    let none = client.token(&r, &[koc::Access::Pull], &[], Op::new()).err().unwrap();
    assert_eq!(none.code(), Code::UNSUPPORTED);
}

#[test]
fn indexes_referrers_and_copies() {
    let (Some(one), Some(two)) = (Registry::start(), Registry::start()) else { return };
    let context = context();
    let (client, image, r) = (anonymous(&context), image(&context), one.reference("app:1"));
    let index = IndexBuilder::new(&context, Format::Oci).image(&image).finish().unwrap();
    let digest = client.push_index(&r, &index, &["all"], Op::new()).unwrap();
    assert_eq!(client.index(&r, Op::new()).unwrap().bytes(), index.bytes());
    let note = Artifact::builder("application/vnd.example.note").subject(index.descriptor());
    let note = note.build(&context).unwrap();
    let (place, to) = (one.reference("app:note"), two.reference("copy:1"));
    Copy::new(&note, &place).client(&client).run(&context, Op::new()).unwrap();
    let pinned = r.with_digest(Some(&digest)).unwrap();
    assert_eq!(client.referrers(&pinned, None, Op::new()).unwrap().entries().len(), 1);
    let mut bytes = 0;
    let op = Op::new().progress(|event| bytes = bytes.max(event.done));
    let copied = Copy::new(&r, &to).referrers().client(&client).run(&context, op).unwrap();
    assert_eq!((copied[0].digest, copied[0].unchanged), (Some(digest), false));
    assert!(bytes > 0 && copied[0].bytes > 0);
    let there = to.with_digest(Some(&digest)).unwrap();
    assert_eq!(client.referrers(&there, None, Op::new()).unwrap().entries().len(), 1);
    let again = Copy::new(&r, &to).pair(one.reference("none:1"), &to).keep_going();
    let error = again.client(&client).run(&context, Op::new()).unwrap_err();
    assert!(error.message().contains('1'), "{error}");
}

#[test]
fn credentials() {
    struct Source(Arc<AtomicUsize>);
    impl Credentials for Source {
        fn get(&self, registry: &str, _: &str) -> koc::Result<Option<Credential>> {
            Ok((registry == "own.example").then(|| Credential::basic("a", "b").unwrap()))
        }
    }
    impl Drop for Source {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (folder, context, dropped) = (Folder::new(), context(), Arc::new(AtomicUsize::new(0)));
    let own = Auth::of(Source(dropped.clone())).unwrap();
    let fixed = Auth::fixed("fixed.example", &Credential::bearer("t").unwrap()).unwrap();
    let file = folder.join("config.json");
    let stored = auth::login(
        "stored.example",
        &Credential::basic("u", "p").unwrap(),
        Some(&file),
        Op::new(),
    );
    assert_eq!(stored.unwrap(), file);
    let docker = Auth::docker_config(Some(&file)).unwrap();
    let chain = Auth::chain(&[own, fixed, docker]).unwrap();
    let client = Client::builder().auth(&chain).build(&context).unwrap();
    let found = |name: &str| client.lookup(name, "x", Op::new()).unwrap();
    assert_eq!(found("own.example").unwrap().username().as_deref(), Some("a"));
    let fixed = found("fixed.example").unwrap();
    assert_eq!((fixed.kind(), fixed.secret()), (CredentialKind::Bearer, "t".to_string()));
    assert!(!format!("{fixed:?}").contains("\"t\""));
    assert_eq!(found("stored.example").unwrap().secret(), "p");
    assert!(found("other.example").is_none());
    assert_eq!(chain.lookup("own.example", "x", Op::new()).unwrap().unwrap().secret(), "b");
    auth::logout("stored.example", Some(&file), Op::new()).unwrap();
    let gone = auth::logout("stored.example", Some(&file), Op::new()).unwrap_err();
    assert_eq!(gone.code(), Code::NOT_FOUND);
    assert_eq!(auth::registry_name("https://index.docker.io/v1/").unwrap(), "index.docker.io");
    assert_eq!(Credential::identity_token("x").unwrap().kind(), CredentialKind::IdentityToken);
    drop((chain, client));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[test]
fn a_registry_gets_the_credentials_of_a_closure() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let auth = Auth::new(move |registry, repository| {
        seen.lock().unwrap().push(format!("{registry}/{repository}"));
        Credential::basic("koc", "s3cret").map(Some)
    })
    .unwrap();
    let transport = Transport::new(|request| {
        let headers = request.headers();
        let sent =
            headers.iter().any(|(k, v)| k == "Authorization" && v == "Basic a29jOnMzY3JldA==");
        let challenge = ("WWW-Authenticate", "Basic realm=\"lab\"");
        Ok(if sent { Reply::new(404) } else { Reply::new(401).header(challenge.0, challenge.1) })
    })
    .unwrap();
    let client = Client::builder().auth(&auth).transport(&transport).build(&context()).unwrap();
    let r: Reference = "registry.example/a:1".parse().unwrap();
    assert_eq!(client.resolve(&r, Op::new()).unwrap_err().code(), Code::NOT_FOUND);
    assert_eq!(*asked.lock().unwrap(), ["registry.example/a"]);
    let broken = Auth::new(|_, _| Err(Error::new(Code::NET, "the vault is closed"))).unwrap();
    let client = Client::builder().auth(&broken).transport(&transport).build(&context()).unwrap();
    let error = client.resolve(&r, Op::new()).unwrap_err();
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    assert!(texts.iter().any(|t| t.contains("the vault is closed")), "{texts:?}");
}

/// A client whose registry answers every request with `reply`.
fn answered(
    context: &Context,
    reply: impl Fn(&str, &str) -> koc::Result<Reply> + Send + Sync + 'static,
) -> Client {
    let send = move |request: &mut koc::Request<'_>| reply(&request.method(), &request.url());
    let transport = Transport::new(send).unwrap();
    let builder = Client::builder().anonymous().transport(&transport).max_attempts(2);
    builder.build(context).unwrap()
}

#[test]
fn a_transport_that_lies_gives_errors() {
    const BODY: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
    let context = context();
    let r: Reference = "registry.example/a:1".parse().unwrap();
    let pinned = r.with_digest(Some(&Digest::of(b"other").unwrap())).unwrap();
    let media = ("Content-Type", "application/vnd.oci.image.index.v1+json");
    let get = |client: &Client, r: &Reference| client.manifest(r, Op::new()).map(|(m, _)| m);
    let honest = answered(&context, move |_, _| {
        Ok(Reply::new(200).header(media.0, media.1).body(BODY.as_bytes()))
    });
    assert_eq!(get(&honest, &r).unwrap(), BODY.as_bytes());
    assert_eq!(get(&honest, &pinned).unwrap_err().code(), Code::DIGEST);
    let length = |n: &'static str| {
        answered(&context, move |_, _| {
            Ok(Reply::new(200)
                .header(media.0, media.1)
                .header("Content-Length", n)
                .body(BODY.as_bytes()))
        })
    };
    for (client, what) in [(length("400"), "short"), (length("3"), "extra bytes")] {
        let read = get(&client, &r);
        assert!(read.as_ref().map_or(true, |m| m != BODY.as_bytes()), "{what}: {read:?}");
    }
    for status in [99, 600, 0] {
        let client = answered(&context, move |_, _| Ok(Reply::new(status)));
        assert!(get(&client, &r).is_err(), "{status}");
    }
    for (status, code) in
        [(401, Code::AUTH), (403, Code::DENIED), (404, Code::NOT_FOUND), (418, Code::HTTP)]
    {
        let client = answered(&context, move |_, _| Ok(Reply::new(status)));
        assert_eq!(get(&client, &r).unwrap_err().code(), code, "{status}");
    }
    let header = answered(&context, |_, _| Ok(Reply::new(200).header("A", "b\r\nc: d")));
    assert!(get(&header, &r).is_err());
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the line broke"))
        }
    }
    let broken =
        answered(&context, move |_, _| Ok(Reply::new(200).header(media.0, media.1).body(Broken)));
    assert!(get(&broken, &r).is_err());
    struct Liar;
    impl Read for Liar {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            Ok(out.len() + 1)
        }
    }
    let liar =
        answered(&context, move |_, _| Ok(Reply::new(200).header(media.0, media.1).body(Liar)));
    assert!(get(&liar, &r).is_err());
    let layer = Descriptor::new("application/x", Digest::of(BODY.as_bytes()).unwrap(), 5);
    let read = honest.blob(&r, &layer).unwrap().read_all(100, Op::new());
    assert!(read.is_err(), "a blob has another size: {read:?}");
}

#[test]
fn a_transport_that_fails_is_asked_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let client = answered(&context(), move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        Err(Error::new(Code::NET, "no line"))
    });
    let r: Reference = "registry.example/a:1".parse().unwrap();
    let error = client.manifest(&r, Op::new()).unwrap_err();
    assert_eq!((error.code(), tries.load(Ordering::SeqCst)), (Code::NET, 2));
    let client = answered(&context(), |_, _| Err(Error::new(Code::DENIED, "not from here")));
    let error = client.manifest(&r, Op::new()).unwrap_err();
    let cause = error.source().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!((error.code(), cause.code()), (Code::USER, Code::DENIED));
}

#[test]
fn a_transport_carries_an_upload() {
    let Some(registry) = Registry::start() else { return };
    let (context, bodies) = (context(), Arc::new(Mutex::new(0)));
    let total = bodies.clone();
    let transport = Transport::new(move |request| {
        let mut body = Vec::new();
        request.read_to_end(&mut body)?;
        *total.lock().unwrap() += body.len() as u64;
        assert_eq!(request.body_size().unwrap_or(0), body.len() as u64);
        let done = request.method() == "PUT";
        let place = request.url().replace("?digest", "&digest");
        let location = if done { place } else { format!("{}1?", request.url()) };
        Ok(match request.method().as_str() {
            "HEAD" | "GET" => Reply::new(404),
            "POST" => Reply::new(202).header("Location", &location),
            _ => Reply::new(201).header("Location", &location).body(Cursor::new("")),
        })
    })
    .unwrap();
    let client = Client::builder().anonymous().transport(&transport).build(&context).unwrap();
    let blob = Blob::from_bytes(&[7; 5000]).unwrap();
    client.put_blob(&registry.reference("a"), &blob, Op::new()).unwrap();
    assert_eq!(*bodies.lock().unwrap(), 5000);
}

#[test]
fn a_trace_shows_requests_and_ends_calls() {
    let Some(registry) = Registry::start() else { return };
    let (context, lines) = (context(), Arc::new(Mutex::new(Vec::new())));
    let seen = lines.clone();
    let client = Client::builder()
        .anonymous()
        .header("X-Gateway", "g1")
        .user_agent("test/1")
        .trace(move |t| seen.lock().unwrap().push((t.kind, t.status, t.headers.clone())))
        .build(&context)
        .unwrap();
    let r = registry.reference("none:1");
    client.resolve(&r, Op::new()).unwrap_err();
    let lines = lines.lock().unwrap();
    let (kind, _, headers) = &lines[0];
    assert_eq!(*kind, TraceKind::Request);
    assert!(headers.contains(&("X-Gateway".into(), "g1".into())), "{headers:?}");
    assert!(headers.contains(&("User-Agent".into(), "test/1".into())), "{headers:?}");
    assert!(lines.iter().any(|(k, status, _)| *k == TraceKind::Reply && *status == Some(404)));
    let ended = Client::builder().anonymous().trace(|_| ControlFlow::Break(()));
    let error = ended.build(&context).unwrap().resolve(&r, Op::new()).unwrap_err();
    assert_eq!(error.code(), Code::USER);
}

#[test]
fn limits_of_a_client() {
    let context = context();
    let r: Reference = "registry.example/a:1".parse().unwrap();
    let offline =
        Client::builder().offline().no_proxy_env().max_connections(1).build(&context).unwrap();
    assert_eq!(offline.resolve(&r, Op::new()).unwrap_err().code(), Code::NET);
    let slow = answered(&context, |_, _| {
        thread::sleep(Duration::from_millis(50));
        Err(Error::new(Code::TIMEOUT, "slow"))
    });
    let error = slow.resolve(&r, Op::new().timeout(Duration::from_millis(20))).unwrap_err();
    assert_eq!(error.code(), Code::TIMEOUT);
    let cancel = Cancel::new().unwrap();
    cancel.clone().trigger();
    assert!(cancel.is_triggered());
    let error = slow.resolve(&r, Op::new().cancel(&cancel)).unwrap_err();
    assert_eq!(error.code(), Code::CANCELLED);
    let bad = Client::builder().user_agent("two\nlines").trace(|_| ()).build(&context);
    assert_eq!(bad.err().unwrap().code(), Code::INVALID);
    let no_file = Client::builder().ca_file("/nothing").build(&context).err().unwrap();
    assert_eq!(no_file.code(), Code::NOT_FOUND);
}

#[test]
fn a_served_layout_is_a_registry() {
    if koc::feature(koc::FEATURE_SERVE).is_none() {
        return;
    }
    let (folder, context) = (Folder::new(), context());
    let layout = Layout::create(&context, folder.join("layout")).unwrap();
    layout.put_image(&image(&context), Some("1"), Op::new()).unwrap();
    let cancel = Cancel::new().unwrap();
    let mut tags = Vec::new();
    let (inner, stop) = (context.clone(), cancel.clone());
    let served = Serve::new().repository("app").read_only().ready(|url| {
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_string();
        let (context, stop) = (inner.clone(), stop.clone());
        tags.push(thread::spawn(move || {
            let r: Reference = format!("{host}/app:1").parse().unwrap();
            let found = anonymous(&context).tags(&r, Op::new());
            stop.trigger();
            found
        }));
    });
    let ended = served.run(&context, &layout, Op::new().cancel(&cancel)).unwrap_err();
    assert_eq!(ended.code(), Code::CANCELLED);
    assert_eq!(tags.remove(0).join().unwrap().unwrap(), ["1"]);
    let wrong = Serve::new().address("0.0.0.0:0").run(&context, &layout, Op::new()).unwrap_err();
    assert_eq!(wrong.code(), Code::INVALID);
    fs::remove_dir_all(folder.join("layout")).unwrap();
}
