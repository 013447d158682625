//! What a forked child may do. Alone in its program: no other thread is inside the library at the fork.

mod support;

use koc::{Client, Code, Copy, Entry, LayerBuilder, Op, Reference, Reply, Transport};
use support::{context, image, Folder};

extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
    fn alarm(seconds: u32) -> u32;
}

/// Whether `work` succeeds in a child, which is ended if it hangs.
fn in_child(work: impl FnOnce() -> bool) -> bool {
    let mut status = 0;
    unsafe {
        match fork() {
            0 => {
                alarm(60);
                let works = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                _exit(i32::from(!works.unwrap_or(false)))
            }
            pid => assert_eq!(waitpid(pid, &mut status, 0), pid),
        }
    }
    status == 0
}

#[test]
fn a_child_uses_and_releases_what_it_inherited() {
    let (folder, context) = (Folder::new(), context());
    let big = vec![7; 6 << 20]; // so that the context has threads
    let layer = || LayerBuilder::new(&context).bytes("/big", &big, &Entry::new()).finish(Op::new());
    let digest = layer().unwrap().descriptor().digest;
    let transport = Transport::new(|_| Ok(Reply::new(404))).unwrap();
    let client = Client::builder().anonymous().transport(&transport).build(&context).unwrap();
    let r: Reference = "registry.example/a:1".parse().unwrap();
    let asks = || client.resolve(&r, Op::new()).unwrap_err().code() == Code::NOT_FOUND;
    assert!(asks());
    assert!(in_child(|| layer().unwrap().descriptor().digest == digest && asks()));
    let copied = || Copy::new(image(&context), folder.layout("x")).run(&context, Op::new()).is_ok();
    assert!(in_child(copied) && copied());
    let (mine, theirs) = (context.clone(), client.clone());
    assert!(in_child(move || {
        drop((mine, theirs));
        let own = support::context();
        LayerBuilder::new(&own).bytes("/a", "b", &Entry::new()).finish(Op::new()).is_ok()
    }));
    assert!(layer().is_ok() && asks());
}
