//! Every struct has the size and the offsets that the C compiler gives it.

use koc_sys::*;
use std::{env, fmt::Write, fs, process::Command};

/// (what C prints it with, what it is in Rust) of a struct's size and of its fields' offsets.
type Entry = (String, usize);

macro_rules! layout {
    ($($name:ident { $($field:ident),* })*) => {
        fn entries() -> Vec<Entry> {
            vec![$(
                (format!("sizeof({})", stringify!($name)), std::mem::size_of::<$name>()),
                $((format!("offsetof({}, {})", stringify!($name), c_name(stringify!($field))),
                   std::mem::offset_of!($name, $field)),)*
            )*]
        }
    };
}
include!("layout/list.rs");

/// Names that Rust reserves have an underscore at their end.
fn c_name(field: &str) -> &str {
    field.strip_suffix('_').unwrap_or(field)
}

#[test]
fn structs_are_laid_out_as_in_c() {
    let entries = entries();
    let mut program =
        String::from("#include <stddef.h>\n#include <stdio.h>\n#include <koc/koc.h>\n");
    for header in EXT_HEADERS {
        writeln!(program, "#include <koc/{header}>").unwrap();
    }
    program.push_str("int main(void)\n{\n");
    for (expression, _) in &entries {
        writeln!(program, "    printf(\"%zu\\n\", {expression});").unwrap();
    }
    program.push_str("    return 0;\n}\n");
    let folder = env::temp_dir().join(format!("koc-layout-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (source, binary) = (folder.join("layout.c"), folder.join("layout"));
    fs::write(&source, program).unwrap();
    let flags = Command::new("pkg-config").args(["--cflags", "libkoc"]).output().unwrap();
    let status = Command::new("cc")
        .args(String::from_utf8(flags.stdout).unwrap().split_whitespace())
        .args([source.as_os_str(), "-o".as_ref(), binary.as_os_str()])
        .status();
    assert!(status.unwrap().success());
    let output = Command::new(&binary).output().unwrap().stdout;
    fs::remove_dir_all(&folder).unwrap();
    let theirs: Vec<usize> =
        String::from_utf8(output).unwrap().lines().map(|l| l.parse().unwrap()).collect();
    assert_eq!(theirs.len(), entries.len());
    assert!(entries.len() > 100);
    for ((expression, ours), theirs) in entries.iter().zip(theirs) {
        assert_eq!(*ours, theirs, "{expression}");
    }
}

#[test]
fn the_library_has_the_version_of_the_crate() {
    let version = unsafe { std::ffi::CStr::from_ptr(koc_version_string()) };
    assert_eq!(version.to_str(), Ok(env!("CARGO_PKG_VERSION")));
}
