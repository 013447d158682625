//! An image of a program and files: `cargo run --example image -- TARGET PROGRAM [FILE...]`.

use koc::{Cache, Context, ImageSpec, Op};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: image TARGET PROGRAM [FILE...]";
    let (target, program) = (args.next().ok_or(usage)?, args.next().ok_or(usage)?);
    let mut spec = ImageSpec::new().file("/app/program", program).entrypoint(["/app/program"]);
    for file in args {
        let name = file.rsplit('/').next().unwrap_or(&file).to_string();
        spec = spec.file(&format!("/etc/app/{name}"), file);
    }
    let op = Op::new().progress(|event| eprintln!("{event}"));
    let built = spec.target(&target).build(&Context::new(Cache::Default)?, op)?;
    println!("{}", built.references[0]);
    Ok(())
}
