//! Callbacks that panic, end the call, or call back in; objects in numbers.

mod support;

use std::any::Any;
use std::io::Read;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use koc::{
    Auth, Blob, Client, Code, Context, Copy, Entry, Filter, LayerBuilder, Level, Op, Reference,
    Reply, Source, Transport, TreeOptions,
};
use support::{anonymous, context, image, Folder};

/// What comes out of a call whose callback panics.
fn panic_of(call: impl FnOnce()) -> String {
    let panic: Box<dyn Any + Send> = catch_unwind(AssertUnwindSafe(call)).expect_err("it panics");
    panic.downcast_ref::<&str>().map(|s| s.to_string()).unwrap_or_default()
}

struct Bomb;

impl Read for Bomb {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        panic!("read");
    }
}

#[test]
fn a_panic_in_any_callback_comes_out_of_the_call() {
    let (folder, context) = (Folder::new(), context());
    let r: Reference = "registry.example/a:1".parse().unwrap();
    let write = || Copy::new(image(&context), folder.layout("x"));
    write().run(&context, Op::new()).unwrap();
    let op = || Op::new().progress(|_| -> () { panic!("progress") });
    let push = || {
        let layer = LayerBuilder::new(&context).bytes("/a", "b", &Entry::new());
        let _ = layer.finish(op());
    };
    assert_eq!(panic_of(push), "progress");
    let filter = |_: &str, _: &mut Entry| -> Filter { panic!("filter") };
    let tree = || {
        let _ = LayerBuilder::new(&context).tree("/", &folder.0, TreeOptions::new().filter(filter));
    };
    assert_eq!(panic_of(tree), "filter");
    let blob = Blob::from_fn(1, None, |_| panic!("open")).unwrap();
    assert_eq!(panic_of(|| drop(blob.read_all(9, Op::new()))), "open");
    let blob = Blob::from_fn(1, None, |_| Ok(Box::new(Bomb))).unwrap();
    assert_eq!(panic_of(|| drop(blob.read_all(9, Op::new()))), "read");
    let transport = Transport::new(|_| panic!("send")).unwrap();
    let client = Client::builder().anonymous().transport(&transport).build(&context).unwrap();
    assert_eq!(panic_of(|| drop(client.resolve(&r, Op::new()))), "send");
    let challenge =
        Transport::new(|_| Ok(Reply::new(401).header("WWW-Authenticate", "Basic realm=a")));
    let auth = Auth::new(|_, _| panic!("credentials")).unwrap();
    let client = Client::builder().auth(&auth).transport(&challenge.unwrap());
    let client = client.build(&context).unwrap();
    assert_eq!(panic_of(|| drop(client.resolve(&r, Op::new()))), "credentials");
    let traced = Client::builder().anonymous().trace(|_| -> () { panic!("trace") });
    let traced = traced.build(&context).unwrap();
    assert_eq!(
        panic_of(|| drop(traced.resolve(&"127.0.0.1:1/a".parse().unwrap(), Op::new()))),
        "trace"
    );
    let mut source = Source::open(&context, None, folder.layout("x"), Op::new()).unwrap();
    let check = || drop(source.check(true, |_, _| -> () { panic!("check") }, Op::new()));
    assert_eq!(panic_of(check), "check");
    assert!(write().run(&context, Op::new()).is_ok());
}

#[test]
fn a_panic_in_the_log_comes_out_although_the_call_goes_on() {
    let context = Context::builder().log(Level::Trace, |_, _, _| panic!("log")).build().unwrap();
    let call = || {
        let _ = anonymous(&context).resolve(&"127.0.0.1:1/a".parse().unwrap(), Op::new());
    };
    assert_eq!(panic_of(call), "log");
}

#[test]
fn break_ends_the_call() {
    let context = context();
    let op = Op::new().progress(|_| ControlFlow::Break(()));
    let layer = LayerBuilder::new(&context).bytes("/a", "b", &Entry::new());
    assert_eq!(layer.finish(op).err().unwrap().code(), Code::USER);
}

#[test]
fn callbacks_may_call_back_in() {
    let (folder, context, mut made) = (Folder::new(), context(), 0);
    let op = Op::new().progress(|_| {
        let inner = LayerBuilder::new(&context).bytes("/a", "b", &Entry::new());
        made += usize::from(inner.finish(Op::new()).is_ok());
        Copy::new(image(&context), folder.layout("inner")).run(&context, Op::new()).unwrap();
    });
    let layer = LayerBuilder::new(&context).bytes("/a", "b", &Entry::new()).finish(op);
    assert!(layer.is_ok() && made > 0);
    let shared = context.clone();
    let blob = Blob::from_fn(3, None, move |_| {
        let bytes = Blob::from_bytes(b"abc")?.read_all(3, Op::new())?;
        LayerBuilder::new(&shared).bytes("/x", &bytes, &Entry::new()).finish(Op::new())?;
        Ok(Box::new(std::io::Cursor::new(bytes)))
    });
    assert_eq!(blob.unwrap().read_all(3, Op::new()).unwrap(), b"abc");
}

#[test]
fn the_log_lives_as_long_as_the_last_object_of_its_context() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (lines, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, counted) = (lines.clone(), Counted(dropped.clone()));
    let context = Context::builder().threads(1).max_memory(1 << 24).log(
        Level::Trace,
        move |_, component, line| {
            let _held = &counted;
            assert!(!component.is_empty() && !line.is_empty());
            seen.fetch_add(1, Ordering::SeqCst);
        },
    );
    let client = {
        let context = context.build().unwrap();
        anonymous(&context)
    };
    let _ = client.resolve(&"127.0.0.1:1/a".parse().unwrap(), Op::new());
    assert!(lines.load(Ordering::SeqCst) > 0);
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(client);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[test]
fn a_thousand_clients_come_and_go() {
    let (context, traced) = (context(), Arc::new(()));
    let r: Reference = "registry.example/a:1".parse().unwrap();
    let transport = Transport::new(|_| Ok(Reply::new(404))).unwrap();
    for i in 0..1000 {
        let held = traced.clone();
        let builder = Client::builder().anonymous().transport(&transport);
        let client = builder.trace(move |_| drop(held.clone())).build(&context).unwrap();
        if i % 50 == 0 {
            assert_eq!(client.resolve(&r, Op::new()).unwrap_err().code(), Code::NOT_FOUND);
        }
    }
    assert_eq!(Arc::strong_count(&traced), 1);
}
