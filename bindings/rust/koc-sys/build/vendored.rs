//! Compiles the sources below `vendor/` into an archive. The same list as lib/meson.build: everything but what an
//! optional library decides.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Required ones, with the oldest version that works.
const BELOW: [(&str, &str); 4] =
    [("libcurl", "7.68"), ("libcjson", "1.7.13"), ("yaml-0.1", "0.2.2"), ("libdeflate", "1.8")];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "c") {
            found.push(path);
        }
    }
    Ok(())
}

/// include/koc/version.h, as meson makes it.
fn write_version(include: &Path, out: &Path) -> std::io::Result<()> {
    let mut text = fs::read_to_string(include.join("koc/version.h.in"))?;
    for (name, value) in [
        ("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR")),
        ("@MINOR@", env!("CARGO_PKG_VERSION_MINOR")),
        ("@PATCH@", env!("CARGO_PKG_VERSION_PATCH")),
        ("@VERSION@", env!("CARGO_PKG_VERSION")),
    ] {
        text = text.replace(name, value);
    }
    fs::create_dir_all(out.join("koc"))?;
    fs::write(out.join("koc/version.h"), text)
}

fn include_all(build: &mut cc::Build, library: &pkg_config::Library) {
    for path in &library.include_paths {
        build.include(path);
    }
}

pub fn link() -> Result<(), Box<dyn Error>> {
    let vendor = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("vendor");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("include");
    let (include, lib) = (vendor.join("include"), vendor.join("lib"));
    println!("cargo:rerun-if-changed={}", vendor.display());
    write_version(&include, &out)?;
    let mut build = cc::Build::new();
    build.include(&out).include(&include).include(&lib);
    build.std("gnu11").flag_if_supported("-fvisibility=hidden").flag("-fno-strict-aliasing");
    build.flag_if_supported("-fstack-protector-strong").warnings(false);
    build.define("_FILE_OFFSET_BITS", "64");
    build.define("KOC__BUILDING", None).define("KOC__HAVE_CLOUD", None);
    if env::var("PROFILE").as_deref() == Ok("release") {
        build.define("NDEBUG", None);
    }
    let probe = |name: &str, oldest: &str| {
        pkg_config::Config::new().atleast_version(oldest).cargo_metadata(false).probe(name)
    };
    let mut below = Vec::new();
    for (name, oldest) in BELOW {
        include_all(&mut build, &probe(name, oldest)?);
        below.push((name, oldest));
    }
    if let Ok(zstd) = probe("libzstd", "1.4") {
        include_all(&mut build, &zstd);
        build.define("KOC__HAVE_ZSTD", None);
        below.push(("libzstd", "1.4"));
    }
    let server = probe("libmicrohttpd", "0.9.71");
    if let Ok(library) = &server {
        include_all(&mut build, library);
        below.push(("libmicrohttpd", "0.9.71"));
    }
    let crypto = probe("mbedcrypto", "2.28");
    if let Ok(library) = &crypto {
        include_all(&mut build, library);
    }
    let without = if server.is_ok() { "serve_http_none.c" } else { "serve_http.c" };
    let mut found = Vec::new();
    sources(&lib, &mut found)?;
    found.sort();
    build.files(found.iter().filter(|path| !path.ends_with(without)));
    build.try_compile("koc")?;
    // After the archive that needs them.
    for (name, oldest) in below {
        pkg_config::Config::new().atleast_version(oldest).probe(name)?;
    }
    if crypto.is_ok() {
        pkg_config::probe_library("mbedcrypto")?;
    } else {
        println!("cargo:rustc-link-lib=mbedcrypto"); // Debian 12's mbedTLS has no .pc file
    }
    println!("cargo:include={}", include.display());
    Ok(())
}
