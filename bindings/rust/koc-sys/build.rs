//! Finds libkoc with pkg-config. KOC_STATIC=1 links its archive (what libkoc stands on stays
//! shared); KOC_NO_PKG_CONFIG=1 leaves it to the linker's own paths.

use std::env;
use std::process::{exit, Command};

fn set(name: &str) -> bool {
    println!("cargo:rerun-if-env-changed={name}");
    env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0")
}

/// What the archive needs. mbedTLS has no .pc file in some systems.
fn link_archive() -> Result<(), Box<dyn std::error::Error>> {
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

fn link() -> Result<(), Box<dyn std::error::Error>> {
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

fn main() {
    if let Err(error) = link() {
        eprintln!("{error}");
        exit(1);
    }
}
