"""docs/rust.md: every block is compiled and run, against real registries; the usual jobs are short."""

import os
import re

import pytest
from conftest import ROOT, RUST, run

PAGE = (ROOT / "docs/rust.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^## (?P<head>[^\n]+)|^```rust(?P<how>[^\n]*)\n(?P<code>.*?)^```", re.M | re.S)
# The most lines that a job may take.
LINES = {"First image": 12, "Copy": 5, "Look into a registry": 10, "Credentials": 6}


def blocks():
    """(heading, how to treat it, code) of each block."""
    heading, found = "", []
    for match in BLOCK.finditer(PAGE):
        if match["head"]:
            heading = match["head"]
        else:
            found.append((heading, match["how"], match["code"]))
    return found


def test_the_usual_jobs_are_short():
    for heading, most in LINES.items():
        (code,) = [c for h, _, c in blocks() if h == heading]
        lines = [line for line in code.splitlines() if line.strip() and not line.startswith("# ")]
        assert 0 < len(lines) <= most, heading


@pytest.fixture
def program(cargo, target, tmp_path, registry, mirror):
    """A program of all blocks: its argument is the number of one."""
    parts, arms = [], []
    for number, (_, how, code) in enumerate(blocks()):
        code = re.sub(r"^# ", "", code, flags=re.M)
        code = code.replace("registry.example", registry.host).replace("mirror.example", mirror.host)
        parts.append(
            f"fn block{number}() -> Result<(), Box<dyn std::error::Error>> {{\n{code}Ok(())\n}}\n"
        )
        if how != ",no_run":
            arms.append(f"{number} => block{number}()?,\n")
        else:
            arms.append(f"{number} => {{ let _ = block{number}; }}\n")
    main = (
        "fn main() -> Result<(), Box<dyn std::error::Error>> {\n"
        '    match std::env::args().nth(1).ok_or("which?")?.parse::<usize>()? {\n'
        + "".join(arms)
        + '        _ => return Err("there is no such block".into()),\n    }\n    Ok(())\n}\n'
    )
    project = tmp_path / "blocks"
    (project / "src").mkdir(parents=True)
    (project / "Cargo.toml").write_text(
        '[package]\nname = "blocks"\nversion = "0.0.0"\nedition = "2021"\n'
        f'[dependencies]\nkoc = {{ path = "{RUST}/koc" }}\n[workspace]\n'
    )
    (project / "src/main.rs").write_text("#![deny(warnings)]\n" + "".join(parts) + main)
    cargo("build", "--quiet", cwd=project)
    work = tmp_path / "work"
    (work / "target/release").mkdir(parents=True)
    (work / "target/release/server").write_bytes(b"a program")
    (work / "server.toml").write_text("port = 8080\n")
    env = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    return lambda number: run(target / "debug/blocks", number, cwd=work, env=env)


def test_every_block_runs(program, registry, mirror):
    printed = {}
    for number, (heading, _, _) in enumerate(blocks()):
        printed[heading] = program(number)
    assert len(printed) >= 9
    assert sorted(registry.tags("server")) == ["1.2", "latest"] and mirror.tags("server") == ["1.2"]
    assert f"{registry.host}/server@sha256:" in printed["First image"]
    look = printed["Look into a registry"]
    assert '["1.2", "latest"]' in look and "8080/tcp" in look and look.endswith("port = 8080\n")


def test_the_page_names_the_version_that_the_crates_state():
    stated = re.search(r'rust-version = "(.*)"', (RUST / "Cargo.toml").read_text()).group(1)
    assert f"Rust {stated} or newer" in PAGE
    assert os.path.realpath(RUST / "koc/README.md") == str(ROOT / "docs/rust.md")
