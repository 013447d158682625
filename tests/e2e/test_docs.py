"""Help, man pages, completions and docs/cli.md: all say the same, and every example runs."""

import json
import os
import pathlib
import re
import subprocess

import manpages
import pytest
from runner import ROOT, needed

FLAG_ROW = re.compile(r'^\s*\{\s*"([a-z0-9][a-z0-9-]*)",\s*(?:0|\'.\'),\s*CLI_[A-Z]+,', re.MULTILINE)


@pytest.fixture(scope="module")
def tables(koc_path):
    text = subprocess.run(
        [koc_path, "help", "--format=json"], capture_output=True, text=True, check=True
    ).stdout
    return json.loads(text)["commands"]


@pytest.fixture
def pages(bare_koc, tmp_path):
    """Folder with all man pages."""
    folder = tmp_path / "man1"
    folder.mkdir()
    text = bare_koc("help", "--format=man").stdout
    for page in re.split(r'(?m)^(?=\.\\" koc\S*\.1$)', text)[1:]:
        (folder / page[3:].split("\n", 1)[0].strip()).write_text(page)
    return folder


def test_every_row_of_the_sources_is_in_the_tables(tables):
    """The tables that the program prints are those of the sources: nothing falls out on the way."""
    names = {flag["name"] for command in tables for flag in command["flags"]}
    for source in (ROOT / "cli").rglob("*.[ch]"):
        for name in FLAG_ROW.findall(source.read_text()):
            assert name in names, f"{source.name}: --{name} belongs to no command of koc help"


def test_every_flag_is_everywhere(bare_koc, tables, pages):
    markdown = bare_koc("help", "--format=markdown").stdout
    for command in tables:
        name = command["name"]
        text = bare_koc(name, "-h").stdout
        page = (pages / f"koc-{name}.1").read_text().replace("\\-", "-")
        offered = bare_koc("__complete", name, "--").stdout
        short = bare_koc("__complete", name, "-").stdout
        section = markdown.split(f"\n## koc {name}\n", 1)[1].split("\n## ", 1)[0]
        for flag in command["flags"]:
            long = f"--{flag['name']}"
            where = f"koc {name} {long}"
            assert re.search(rf"(^|\s){long}\b", text, re.MULTILINE), f"{where}: help"
            assert re.search(rf"^\.It .*Fl -{flag['name']}\b", page, re.MULTILINE), f"{where}: man"
            assert re.search(rf"^{long}\t", offered, re.MULTILINE), f"{where}: completions"
            place = section if flag["from"] == "command" else markdown
            assert re.search(rf"`{long}\b", place), f"{where}: docs/cli.md"
            if flag["letter"]:
                assert f"-{flag['letter']}\t" in short, f"{where}: completions of the letter"


def test_tables_are_well_made(tables):
    groups = {"Build", "Kubernetes", "Images", "Signatures", "Registry", "Other"}
    for command in tables:
        name = command["name"]
        assert command["group"] in groups, name
        assert command["usage"].startswith(f"koc {name}"), name
        assert len(command["summary"]) <= 62 and not command["summary"].endswith("."), name
        assert command["description"].endswith("."), name
        seen = set()
        for flag in command["flags"]:
            assert flag["name"] not in seen, f"koc {name}: --{flag['name']} is there twice"
            seen.add(flag["name"])
            if flag["letter"]:
                assert flag["letter"] not in seen, f"koc {name}: -{flag['letter']} is there twice"
                seen.add(flag["letter"])
            assert flag["help"] and not flag["help"].endswith("."), f"koc {name}: --{flag['name']}"
            kind = flag["completes"]
            assert not kind.startswith("@") or kind in (
                "@files",
                "@directories",
                "@platforms",
                "@packages",
                "@commands",
            ), f"koc {name}: --{flag['name']} completes to {kind}"


def test_committed_page_is_what_is_printed(bare_koc):
    committed = (ROOT / "docs/cli.md").read_text()
    assert bare_koc("help", "--format=markdown").stdout == committed, "run ./dev docs"


def test_overview_fits_a_screen(bare_koc, tables):
    lines = bare_koc("help").lines
    assert len(lines) <= 60 and max(map(len, lines)) <= 80
    for command in tables:
        assert any(line.startswith(f"  {command['name']} ") for line in lines), command["name"]


def test_help_of_each_command(bare_koc, tables):
    for command in tables:
        text = bare_koc("help", command["name"]).stdout
        assert " ".join(text.split()).startswith(f"usage: {command['usage']} ")
        assert max(map(len, text.splitlines())) <= 80, command["name"]


def test_man_pages_are_clean(pages):
    manpages.assert_clean(pages, sorted(path.name for path in pages.iterdir()))


def test_man_shows_each_page(pages):
    needed("man")
    for path in sorted(pages.iterdir()):
        shown = subprocess.run(
            ["man", "-l", path],
            capture_output=True,
            text=True,
            env={**os.environ, "MANWIDTH": "78", "PAGER": "cat", "LC_ALL": "C.UTF-8"},
        )
        assert shown.returncode == 0 and shown.stderr == "", path.name
        assert re.search(r"^\S*NAME", shown.stdout, re.MULTILINE) and path.stem in shown.stdout


def test_unknown_words_suggest(bare_koc, tables):
    for command in tables:
        for flag in command["flags"]:
            name = flag["name"]
            if len(name) > 6 and flag["from"] == "command":
                typo = name[:-2] + name[-1] + name[-2]
                if typo in {f["name"] for f in command["flags"]} | {name}:
                    continue
                result = bare_koc(command["name"], f"--{typo}", status=2)
                assert f"hint: did you mean --{name}?" in result.stderr, str(result)
                break
    assert "hint: did you mean koc build?" in bare_koc("biuld", status=2).stderr
    assert "hint: did you mean koc build?" in bare_koc("help", "biuld", status=2).stderr


def test_installed_pages_and_scripts(installed):
    found = {path.name for path in pathlib.Path(installed).rglob("share/man/man1/*")}
    assert {"koc.1", "koc-build.1"} <= found
    for tail in (
        "bash-completion/completions/koc",
        "zsh/site-functions/_koc",
        "fish/vendor_completions.d/koc.fish",
    ):
        assert list(pathlib.Path(installed).rglob(f"share/{tail}")), tail
