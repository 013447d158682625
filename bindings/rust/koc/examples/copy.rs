//! Copies an image with all platforms and referrers: `cargo run --example copy -- FROM TO`.

use koc::{Cache, Context, Copy, Op};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &args[..] else { return Err("usage: copy FROM TO".into()) };
    let context = Context::new(Cache::Default)?;
    let op = Op::new().progress(|event| eprintln!("{event}"));
    for copied in Copy::new(from, to).referrers().run(&context, op)? {
        println!("{} bytes of {} blobs", copied.bytes, copied.copied);
    }
    Ok(())
}
