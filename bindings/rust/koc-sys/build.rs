//! Finds libkoc with pkg-config, or compiles it from `vendor/`, which is a copy of its sources.
//!
//! | variable | effect |
//! | --- | --- |
//! | `KOC_STATIC=1` | links the installed archive; what libkoc needs stays shared |
//! | `KOC_NO_PKG_CONFIG=1` | leaves finding the installed library to the linker's own paths |
//!
//! With the feature `vendored` the installed library is not used. The five libraries below it still come from pkg-config.

use std::env;
use std::error::Error;
use std::process::{exit, Command};

#[cfg(feature = "vendored")]
#[path = "build/vendored.rs"]
mod vendored;

type Outcome = Result<(), Box<dyn Error>>;

fn set(name: &str) -> bool {
    println!("cargo:rerun-if-env-changed={name}");
    env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0")
}

/// What the archive needs. mbedTLS has no .pc file in some systems.
fn link_archive() -> Outcome {
    let folder = pkg_config::get_variable("libkoc", "libdir")?;
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:rustc-link-lib=static=koc");
    println!("cargo:rustc-link-lib=mbedcrypto");
    let below = Command::new("pkg-config").args(["--print-requires", "libkoc-static"]).output()?;
    for package in String::from_utf8(below.stdout)?.lines() {
        pkg_config::probe_library(package.split_whitespace().next().unwrap_or(package))?;
    }
    Ok(())
}

fn link_installed() -> Outcome {
    let archive = set("KOC_STATIC");
    if set("KOC_NO_PKG_CONFIG") {
        println!("cargo:rustc-link-lib={}koc", if archive { "static=" } else { "" });
        return Ok(());
    }
    // Until 1.0 the C API may change in a minor version.
    let mut config = pkg_config::Config::new();
    config.range_version("0.1.0".."0.2.0").cargo_metadata(!archive).probe("libkoc")?;
    if archive {
        link_archive()?;
    }
    Ok(())
}

#[cfg(feature = "vendored")]
fn link() -> Outcome {
    vendored::link()
}

#[cfg(not(feature = "vendored"))]
fn link() -> Outcome {
    link_installed().map_err(|e| {
        format!("libkoc 0.1.x is not found: {e}\nInstall it and set PKG_CONFIG_PATH, or use the feature \"vendored\".").into()
    })
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("DOCS_RS").is_some() {
        return; // documentation needs no library
    }
    if cfg!(feature = "vendored") {
        let _ = link_installed; // used without the feature
    }
    if let Err(error) = link() {
        eprintln!("{error}");
        exit(1);
    }
}
