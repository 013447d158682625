"""What a call costs from Python and Rust: a hundred small images pushed one after the other, beside C."""

import os
import pathlib
import shutil
import subprocess
import sys

import measure
import registry

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "bindings"))

import run_tests  # noqa: E402

CARGO = """[package]
name = "push"
version = "0.0.0"
edition = "2021"
[[bin]]
name = "push"
path = "{source}"
[dependencies]
koc = {{ path = "{crate}" }}
[workspace]
"""


def c_program(scratch):
    flags = run_tests.run("pkg-config", "--cflags", "--libs", "libkoc", env=run_tests.environment()).split()
    run_tests.run("cc", "-O2", HERE / "push.c", *flags, "-o", scratch / "push-c")
    return [scratch / "push-c"]


def rust_program(scratch):
    package = scratch / "push-rust"
    package.mkdir()
    (package / "Cargo.toml").write_text(CARGO.format(source=HERE / "push.rs", crate=ROOT / "bindings/rust/koc"))
    env = run_tests.environment(CARGO_TARGET_DIR=str(run_tests.SHARED / "cargo-bench"))
    run_tests.run("cargo", "build", "--release", "--quiet", cwd=package, env=env)
    return [run_tests.SHARED / "cargo-bench/release/push"]


def programs(scratch):
    """All use the same shared library."""
    run_tests.install_library()
    run_tests.need_venv()
    run_tests.install_python_package()
    found = {"C": c_program(scratch), "Python": [run_tests.PYTHON, HERE / "push.py"]}
    if shutil.which("cargo"):
        found["Rust"] = rust_program(scratch)
    return found


def bindings_table(bench):
    rounds, count = bench.runs, [0]
    env = os.environ | {"PYTHONPATH": str(run_tests.SITE), "LD_LIBRARY_PATH": str(run_tests.PREFIX / "lib")}
    commands = programs(bench.scratch)
    server = registry.Registry(bench.scratch / "bindings")

    def once(command):
        count[0] += 1
        words = [str(word) for word in (*command, f"{server.host}/run{count[0]}")]
        run = measure.run(words, env=env, memory=False)
        run.wall = float(run.stdout)  # of the calls, without the start of the program
        return run

    try:
        contenders = {name: lambda command=command: once(command) for name, command in commands.items()}
        measure.rounds(contenders, 1)
        found = measure.rounds(contenders, rounds)
    finally:
        server.close()
    print(f"### 100 small images, pushed one after the other\n\nmedians of {rounds} alternating runs, docker-registry on loopback\n")
    rows = []
    for name, runs in found.items():
        share = measure.ratio(runs, found["C"], "wall")
        rows.append([name, f"{measure.median(runs, 'wall') * 1000:.0f}", f"{share:.3f}", f"{measure.median(runs, 'cpu') * 1000:.0f}"])
    print(measure.table(["", "ms", "× C", "CPU ms of the program"], rows))
