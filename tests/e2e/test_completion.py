"""Tab in real shells: bash, zsh and fish in a terminal, with the scripts that koc prints."""

import pathlib
import shutil
import subprocess

import pytest
from runner import needed
from terminal import Terminal

BASH_COMPLETION = pathlib.Path("/usr/share/bash-completion/bash_completion")


class Shell:
    """A shell with koc on its PATH, which has read koc's script."""

    def __init__(self, name, koc, home, folder, tmp_path):
        self.name = name
        bin_folder = tmp_path / "bin"
        bin_folder.mkdir()
        (bin_folder / "koc").symlink_to(koc.path)
        env = home.env(PATH=f"{bin_folder}:/usr/local/bin:/usr/bin:/bin", LC_ALL="C.UTF-8")
        script = tmp_path / "script"
        script.write_text(koc("completion", name).stdout)
        rc = tmp_path / "rc"
        program = needed(name)
        if name == "bash":
            first = f"source {BASH_COMPLETION}\n" if BASH_COMPLETION.exists() else ""
            rc.write_text(f"{first}source {script}\nbind 'set bell-style none'\nPS1='> '\n")
            command = f"{program} --noprofile --rcfile {rc} -i"
        elif name == "zsh":
            (tmp_path / ".zshrc").write_text(
                f"autoload -Uz compinit; compinit -u -D\nsource {script}\nPS1='> '\nunsetopt beep\n"
                "zstyle ':completion:*' menu no\n"
            )
            env["ZDOTDIR"] = str(tmp_path)
            command = f"{program} -d -i"
        else:
            command = (
                f"{program} --no-config -C 'source {script}' -C 'function fish_prompt; echo \"> \"; end'"
                " -C 'set -g fish_autosuggestion_enabled 0; set -g fish_greeting'"
            )
        self.terminal = Terminal(needed("tmux"), tmp_path, command, env, 100, 40, cwd=folder)
        self.terminal.wait_for(lambda lines: lines[-1].startswith(">"))

    def line(self, lines):
        """What the last prompt shows."""
        prompts = [text for text in lines if text.startswith(">")]
        return prompts[-1][2:].strip() if prompts else ""

    def completed(self, typed, wanted):
        """Types, presses tab, and waits for the line to become `wanted`; then clears it."""
        self.terminal.type(typed)
        self.terminal.wait_for(lambda lines: self.line(lines) == typed.strip())
        self.terminal.press("Tab")
        self.terminal.wait_for(lambda lines: self.line(lines) == wanted)
        self.clear()

    def listed(self, typed, *wanted):
        """Types, presses tab again and again: all of `wanted` are offered."""
        self.terminal.type(typed)
        for _ in range(3):  # the first may only add what all have in common
            self.terminal.press("Tab")
        self.terminal.wait_for(lambda lines: all(w in "\n".join(lines[1:]) for w in wanted))

    def clear(self):
        self.terminal.press("C-u", "C-l")
        self.terminal.wait_for(lambda lines: lines[-1] in ("> ", ">") and len(lines) < 4)


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request, bare_koc, home, app, tmp_path):
    folder = tmp_path / "shell"
    folder.mkdir()
    started = Shell(request.param, bare_koc, home, app, folder)
    yield started
    started.terminal.close()


def test_tab(shell, app):
    (app / "kept.tar").write_text("")
    (app / "folder-of-mine").mkdir()
    for typed, wanted in [
        ("koc expl", "koc explain"),
        ("koc build --tarb", "koc build --tarball"),
        ("koc build --platform=linux/s3", "koc build --platform=linux/s390x"),
        ("koc build --platform linux/pp", "koc build --platform linux/ppc64le"),
        ("koc build --platform=linux/amd64,linux/s", "koc build --platform=linux/amd64,linux/s390x"),
        ("koc build ./cmd/to", "koc build ./cmd/tool"),
        ("koc build --bare example.test/app/cmd/to", "koc build --bare example.test/app/cmd/tool"),
        ("koc build --tarball=ke", "koc build --tarball=kept.tar"),
        ("koc build --tarball ke", "koc build --tarball kept.tar"),
        ("koc build --oci-layout-path=folder", "koc build --oci-layout-path=folder-of-mine/"),
        ("koc cache pr", "koc cache prune"),
        ("koc --color=al", "koc --color=always"),
        ("koc help expl", "koc help explain"),
        ("koc completion f", "koc completion fish"),
    ]:
        shell.completed(typed, wanted)
    shell.listed("koc build ./", "./cmd/app", "./cmd/tool")


def answers(koc, *words, cwd=None):
    kind, *lines = koc("__complete", *words, cwd=cwd).lines
    return kind, [line.split("\t")[0] for line in lines]


def test_main_packages(bare_koc, app):
    (app / "cmd/gen").mkdir()
    (app / "cmd/gen/x.go").write_text("//go:build ignore\n\npackage main\n")
    (app / "cmd/tested").mkdir()
    (app / "cmd/tested/x_test.go").write_text("package main\n")
    (app / "cmd/late").mkdir()
    (app / "cmd/late/x.go").write_text("/* package lib\n*/ // and so on\n\npackage   main // it is\n")
    (app / "vendor/v").mkdir(parents=True)
    (app / "vendor/v/x.go").write_text("package main\n")
    (app / "cmd/loop").symlink_to(app)
    assert answers(bare_koc, "build", "", cwd=app) == ("words", ["./cmd/app", "./cmd/late", "./cmd/tool"])
    assert answers(bare_koc, "build", "../", cwd=app / "cmd")[1] == ["../cmd/app", "../cmd/late", "../cmd/tool"]
    assert answers(bare_koc, "build", "example.test/app/cmd/a", cwd=app)[1] == ["example.test/app/cmd/app"]
    assert answers(bare_koc, "build", "x/y", cwd=app / "pkg") == ("words", [])


def test_what_stands_before(bare_koc, app):
    assert answers(bare_koc, "-q", "bui") == ("words", ["build"])
    assert answers(bare_koc, "--col") == ("words", ["--color"])
    assert answers(bare_koc, "cache", "prune", "") == ("words", [])
    assert answers(bare_koc, "run", "./x", "--", "--e")[0] == "files"
    assert answers(bare_koc, "build", "--nonsense", "x", cwd=app / "pkg") == ("words", [])
    assert bare_koc("__complete").lines[0] == "words"
    assert bare_koc("__complete", "nonsense", "").stdout == ""


def test_shells_read_the_scripts_without_a_word(bare_koc, tmp_path):
    for name in ("bash", "zsh", "fish"):
        if shutil.which(name) is None:
            continue
        script = tmp_path / name
        script.write_text(bare_koc("completion", name).stdout)
        result = subprocess.run([name, "-n", script], capture_output=True, text=True)
        assert (result.returncode, result.stdout + result.stderr) == (0, "")
