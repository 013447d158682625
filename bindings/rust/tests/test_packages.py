"""Projects of others: with the crates by path, with the packaged crates alone, and the cargo subcommand."""

import os
import shutil

import pytest
from conftest import ROOT, RUST

MAIN = """
use koc::{Cache, Context, Entry, File, ImageSpec, Op};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = std::env::args().nth(1).ok_or("where?")?;
    let file = File::bytes("hello").entry(Entry::new().mode(0o644));
    let spec = ImageSpec::new().add("/hello", file).entrypoint(["/hello"]).target(&target).tag("2");
    println!("{}", spec.build(&Context::new(Cache::None)?, Op::new())?.references[0]);
    Ok(())
}
"""


@pytest.fixture
def project(tmp_path):
    """Makes a project that depends on koc in the way that `dependency` says."""

    def make(name, dependency, more=""):
        folder = tmp_path / name
        (folder / "src").mkdir(parents=True)
        (folder / "src/main.rs").write_text(MAIN)
        (folder / "Cargo.toml").write_text(
            f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2021"\n'
            f"[dependencies]\nkoc = {dependency}\n[workspace]\n{more}"
        )
        return folder

    return make


def pushed(cargo, project, registry, name, env):
    printed = cargo("run", "--quiet", "--", f"{registry.host}/{name}:1", cwd=project, env=env)
    assert sorted(registry.tags(name)) == ["1", "2"]
    return printed.strip().rpartition("@")[2]


@pytest.fixture
def user(tmp_path):
    return {"DOCKER_CONFIG": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_a_project_with_the_crate_by_path_pushes_an_image(cargo, project, registry, user):
    shared = pushed(cargo, project("by-path", f'{{ path = "{RUST}/koc" }}'), registry, "a", user)
    static = user | {"KOC_STATIC": "1", "LD_LIBRARY_PATH": ""}
    folder = project("by-archive", f'{{ path = "{RUST}/koc" }}')
    assert pushed(cargo, folder, registry, "b", static) == shared


def test_the_packaged_crates_alone_compile_the_library(cargo, project, packages, registry, user):
    assert not [p for p in packages.rglob("*") if p.is_symlink()]
    shutil.rmtree(packages / "koc-sys/tests")  # they read the headers of an installed library
    folder = project(
        "packaged",
        f'{{ path = "{packages}/koc", features = ["vendored"] }}',
        f'[patch.crates-io]\nkoc-sys = {{ path = "{packages}/koc-sys" }}\n',
    )
    # No installed libkoc can be found.
    alone = user | {"PKG_CONFIG_PATH": "", "LD_LIBRARY_PATH": ""}
    digest = pushed(cargo, folder, registry, "c", alone)
    assert digest == pushed(cargo, project("p", f'{{ path = "{RUST}/koc" }}'), registry, "d", user)


def test_cargo_koc_makes_an_image_that_runs(cargo, target, tmp_path, registry, home, podman):
    source = ROOT / "examples/rust/cargo-koc"
    assert len((source / "src/main.rs").read_text().splitlines()) < 100
    subcommand = shutil.copytree(source, tmp_path / "cargo-koc", ignore=shutil.ignore_patterns("target"))
    manifest = (subcommand / "Cargo.toml").read_text()
    (subcommand / "Cargo.toml").write_text(manifest.replace("../../../bindings/rust", str(RUST)))
    cargo("build", "--quiet", cwd=subcommand)
    app = tmp_path / "hello-rust"
    (app / "src").mkdir(parents=True)
    (app / "src/main.rs").write_text('fn main() {\n    println!("hello from rust");\n}\n')
    (app / "Cargo.toml").write_text(
        '[package]\nname = "hello-rust"\nversion = "1.2.3"\nedition = "2021"\n[workspace]\n'
    )
    env = {"PATH": f"{target}/debug:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    reference = cargo("koc", f"{registry.host}/hello:1", cwd=app, env=env).strip()
    assert registry.tags("hello") == ["1"]
    assert cargo("koc", f"{registry.host}/hello:1", cwd=app, env=env).strip() == reference
    podman("pull", "-q", "--tls-verify=false", reference)
    limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
    run = podman("run", "--rm", "--network=none", *limits, reference, timeout=60)
    assert run.stdout == "hello from rust\n"
    cargo("koc", cwd=app, env=env, status=1)
