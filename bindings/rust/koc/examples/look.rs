//! Tags, config and one file of an image: `cargo run --example look -- REFERENCE PATH`.

use koc::{Cache, Client, Context, Op, Reference};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [reference, path] = &args[..] else { return Err("usage: look REFERENCE PATH".into()) };
    let context = Context::new(Cache::Default)?;
    let client = Client::new(&context)?;
    let reference: Reference = reference.parse()?;
    println!("{:?}", client.tags(&reference, Op::new())?);
    let image = client.image(&reference, None, Op::new())?;
    println!("{}", image.config());
    let mut file = image.file(path, Op::new())?.open(Op::new())?;
    std::io::copy(&mut file, &mut std::io::stdout())?;
    Ok(())
}
