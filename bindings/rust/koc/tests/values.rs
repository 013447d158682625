//! Digests, references, platforms, errors.

use std::error::Error as _;
use std::io::Write;
use std::{io, thread};

use koc::{Code, Digest, Error, Platform, Reference, Sha256};

const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn digests() {
    let digest = Digest::of(b"").unwrap();
    assert_eq!(digest.to_string(), EMPTY);
    assert_eq!(digest, EMPTY.parse().unwrap());
    assert_eq!(digest.bytes().len(), 32);
    assert_ne!(digest, Digest::of(b"x").unwrap());
    assert_eq!("sha256:0".parse::<Digest>().unwrap_err().code(), Code::INVALID);
    let mut pieces = Sha256::new().unwrap();
    pieces.write_all(b"a").unwrap();
    pieces.write_all(b"b").unwrap();
    assert_eq!(pieces.finish().unwrap(), Digest::of(b"ab").unwrap());
}

#[test]
fn references() {
    let r: Reference = "busybox:1.36".parse().unwrap();
    assert_eq!(r.to_string(), "index.docker.io/library/busybox:1.36");
    assert_eq!(
        (r.registry(), r.repository()),
        ("index.docker.io".into(), "library/busybox".into())
    );
    assert_eq!(r.tag().as_deref(), Some("1.36"));
    let digest = Digest::of(b"").unwrap();
    let pinned = r.with_digest(Some(&digest)).unwrap().with_tag(None).unwrap();
    assert_eq!((pinned.digest(), pinned.tag()), (Some(digest), None));
    let copy = pinned.clone();
    drop(pinned);
    assert_eq!(copy.to_string(), format!("index.docker.io/library/busybox@{EMPTY}"));
}

#[test]
fn platforms() {
    let arm: Platform = "linux/arm64".parse().unwrap();
    assert_eq!((arm.os.as_deref(), arm.arch.as_deref()), (Some("linux"), Some("arm64")));
    assert_eq!(arm.to_string(), "linux/arm64");
    assert!(arm.matches(&"linux/arm64/v8".parse().unwrap()).unwrap());
    assert!(!arm.matches(&"linux/amd64".parse().unwrap()).unwrap());
    assert_eq!("a/b/c/d".parse::<Platform>().unwrap_err().code(), Code::INVALID);
}

#[test]
fn errors_tell_what_and_why() {
    let error = "Not/A Name".parse::<Reference>().unwrap_err();
    assert_eq!(error.code(), Code::INVALID);
    assert_eq!(format!("{:?}", error.code()), "KOC_EINVAL");
    assert!(error.to_string().contains("Not/A Name"), "{error}");
    assert_eq!("a\0b".parse::<Reference>().unwrap_err().code(), Code::INVALID);
    assert_eq!(Code(-9999).name(), "KOC_E?");
    assert!(error.source().is_none() && error.http_status().is_none() && !error.is_retryable());
}

#[test]
fn an_error_survives_a_way_through_io() {
    let error = Error::new(Code::DENIED, "no");
    let io: io::Error = error.into();
    assert_eq!(io.kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(Error::from(io).code(), Code::DENIED);
    assert_eq!(Error::from(io::Error::other("x")).code(), Code::IO);
}

#[test]
fn objects_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<koc::Context>();
    shared::<koc::Client>();
    shared::<koc::Image>();
    shared::<koc::Error>();
    sent::<koc::Reader>();
    sent::<koc::Resolver>();
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
fn the_library_tells_what_it_has() {
    koc::init().unwrap();
    assert!(koc::version().starts_with(concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".")));
    assert!(koc::feature(koc::FEATURE_ZSTD).is_some() || koc::feature(1 << 63).is_none());
}
