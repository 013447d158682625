//! What push.c does, by the Rust crate.

use koc::{Cache, Client, Context, File, ImageSpec, Op};

fn main() -> Result<(), koc::Error> {
    let repository = std::env::args().nth(1).expect("a repository");
    let context = Context::new(Cache::None)?;
    let client = Client::builder().anonymous().build(&context)?;
    let start = std::time::Instant::now();
    for n in 0..100 {
        ImageSpec::new()
            .client(&client)
            .add("/app", File::bytes(format!("program {n}")))
            .entrypoint(["/app"])
            .target(&format!("{repository}:{n}"))
            .build(&context, Op::new())?;
    }
    println!("{}", start.elapsed().as_secs_f64());
    Ok(())
}
