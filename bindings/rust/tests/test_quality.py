"""rustfmt, clippy, the documentation, and the tests of the crate against a sanitized library."""

import os
import pathlib
import platform
import subprocess

import pytest
from conftest import ROOT, RUST, run

BUILD = pathlib.Path(os.environ.get("KOC_BUILD") or ROOT / "build-asan")


def test_the_code_is_formatted(cargo):
    cargo("fmt", "--all", "--check", cwd=RUST)
    cargo("fmt", "--check", cwd=ROOT / "examples/rust/cargo-koc")


def test_clippy_finds_nothing(cargo):
    """With the stated version of Rust: clippy knows what its standard library lacked."""
    flags = ["--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]
    cargo("clippy", *flags, cwd=RUST)


def test_the_documentation_has_no_broken_links(cargo):
    cargo("doc", "--quiet", "--no-deps", cwd=RUST, env={"RUSTDOCFLAGS": "-D warnings"})


def library(name):
    path = subprocess.run(["cc", f"-print-file-name={name}"], capture_output=True, text=True).stdout
    return path.strip()


def test_a_sanitized_library_finds_nothing_in_the_tests(cargo):
    """The same test programs, with another libkoc under them: ASan, UBSan, leaks."""
    if not (BUILD / "lib/libkoc.so").exists():
        pytest.skip(f"there is no library in {BUILD}")
    if "__asan" not in run("nm", "-D", BUILD / "lib/libkoc.so"):
        pytest.skip(f"the library in {BUILD} has no sanitizer")
    triple = f"{platform.machine()}_UNKNOWN_LINUX_GNU".upper()
    runner = (
        f"env LD_PRELOAD={library('libasan.so')}:{library('libubsan.so')} LD_LIBRARY_PATH={BUILD}/lib"
        " ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1"
        " UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1"
    )
    # With a preloaded ASan a program that called strerror hangs at its exit, in p11-kit's destructor: glibc's locale lock
    # was released too often. Tests with messages of the system are left out.
    tests = ["--test", "values", "--test", "fork", "--test", "callbacks"]
    printed = cargo(
        *["test", "--quiet", "-p", "koc", *tests, "--", "--skip", "the_log"],
        cwd=RUST,
        env={f"CARGO_TARGET_{triple}_RUNNER": runner},
    )
    assert printed.count("test result: ok") == 3, printed
