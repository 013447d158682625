//! `cargo koc [--base PLACE] REGISTRY/APP:TAG [CARGO OPTION...]`: builds the program of the package in the current
//! directory, static, and pushes an image of it. `cargo koc oci:DIR:NAME` writes a layout instead.
//!
//! The name and the version of the package become labels. `--bin NAME` chooses one of several programs.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::{exit, Command, Stdio};

use koc::{Cache, Context, Entry, File, ImageSpec, Op, State};

const USAGE: &str = "usage: cargo koc [--base PLACE] REGISTRY/APP:TAG [CARGO OPTION...]";

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Builds the program for Linux on this processor, and returns its path.
fn build(options: &[String]) -> Outcome<PathBuf> {
    // With a target the flags do not apply to build scripts and macros.
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    let output = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args([
            "build",
            "--release",
            "--message-format=json-render-diagnostics",
            "--target",
            &triple,
        ])
        .args(options)
        .env("RUSTFLAGS", format!("{flags} -C target-feature=+crt-static"))
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("cargo build failed".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let programs: Vec<PathBuf> = messages
        .lines()
        .filter_map(|line| line.split_once("\"executable\":\""))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .map(|(path, _)| path.replace("\\\\", "\\").into())
        .collect();
    match &programs[..] {
        [program] => Ok(program.clone()),
        [] => Err("the package has no program".into()),
        _ => Err("the package has several programs: choose one with --bin".into()),
    }
}

fn run(mut args: Vec<String>) -> Outcome<()> {
    let mut base = "scratch".to_string();
    if args.first().is_some_and(|a| a == "koc") {
        args.remove(0); // cargo gives its subcommands their own name
    }
    if args.first().is_some_and(|a| a == "--base") && args.len() > 1 {
        base = args.remove(1);
        args.remove(0);
    }
    let (target, options) = args.split_first().ok_or(USAGE)?;
    let program = build(options)?;
    let name = program.file_name().and_then(|n| n.to_str()).ok_or("the program has no name")?;
    let path = format!("/app/{name}");
    let platform = match env::consts::ARCH {
        "x86_64" => "linux/amd64",
        "aarch64" => "linux/arm64",
        other => return Err(format!("no images for {other}").into()),
    };
    let op = Op::new().progress(|event| {
        if event.state == State::Finished {
            eprintln!("{event}");
        }
    });
    let built = ImageSpec::new()
        .base(&base)
        .platform(platform)
        .add(&path, File::path(&program).entry(Entry::new().mode(0o755)))
        .entrypoint([&path])
        .user("65532")
        .label("org.opencontainers.image.title", name)
        .created_by("cargo koc")
        .target(target)
        .build(&Context::new(Cache::Default)?, op)?;
    println!("{}", built.references[0]);
    Ok(())
}

fn main() {
    if let Err(error) = run(env::args().skip(1).collect()) {
        eprintln!("cargo koc: {error}");
        exit(1);
    }
}
