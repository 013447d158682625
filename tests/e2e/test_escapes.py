"""What other programs print reaches the terminal without the sequences that move it."""

import json

import pytest

TITLE = "\x1b]0;evil\x07"
REVERSED = "\u202e"


def break_tool(app, name):
    """The compiler names the file as the line says."""
    (app / "cmd/tool/main.go").write_text(
        f"package main\n\n//line {name}.go:1\nfunc main() {{ nonsense }}\n"
    )


def build(koc, app, *words, **options):
    words = ["build", "--push=false", "--base-image=scratch", *words, "./cmd/tool"]
    return koc(*words, cwd=app, status=1, **options)


def test_a_compilers_words_cannot_reach_the_terminal(bare_koc, app):
    break_tool(app, f"{TITLE}x\x1b[2J\x1b[1A\x9b{REVERSED}")
    result = build(bare_koc, app)
    assert "nonsense" in result.stderr and "\n" in result.stderr
    assert not set(result.stderr) & {"\x1b", "\x07", "\x9b", REVERSED}
    assert "evil" not in result.stderr


@pytest.mark.parametrize("color", [True, False])
def test_colors_of_a_tool_follow_koc(bare_koc, app, color):
    break_tool(app, "\x1b[31mred")
    result = build(bare_koc, app, f"--color={'always' if color else 'never'}")
    assert ("\x1b[31mred" in result.stderr) == color
    assert "red.go:1" in result.stderr
    if color:
        assert result.stderr.index("\x1b[0m") < result.stderr.index("koc: ")


def test_progress_as_json_stays_json(bare_koc, app):
    break_tool(app, f"{TITLE}\x1b[31mred")
    result = build(bare_koc, app, "--progress=json", "--color=always")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    (output,) = [e["message"] for e in events if e["kind"] == "output"]
    assert "nonsense" in output and "\x1b" not in output


def test_a_folder_that_git_names(bare_koc, app):
    app.git()
    (app / ".git/config").write_text(f"[core\n{TITLE}\n")
    folder = app.folder.rename(app.folder.parent / f"app{TITLE}")
    result = build(bare_koc, folder)
    assert "config" in result.stderr
    assert not set(result.stderr) & {"\x1b", "\x07"}


def test_words_of_the_command_line(bare_koc):
    for words in (["build", f"--{TITLE}"], [TITLE], ["inspect", f"a{TITLE}{REVERSED}"]):
        result = bare_koc(*words, status=None)
        assert result.status != 0
        assert not set(result.stderr) & {"\x1b", "\x07", REVERSED}
