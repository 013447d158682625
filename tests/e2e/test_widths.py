"""Text that is as wide as the terminal: help, koc inspect, koc doctor; and whole in a pipe."""

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import termios

import bases as base_images
import pytest


@pytest.fixture(scope="module")
def tables(koc_path):
    text = subprocess.run([koc_path, "help", "--format=json"], capture_output=True, check=True).stdout
    return json.loads(text)["commands"]


def on_terminal(koc, *args, width, status=0, **env):
    """What koc writes to a terminal of that width as its stdout."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen(
        [koc.path, *map(str, args)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=koc.home.env(LC_ALL="C.UTF-8", TERM="xterm", **env),
        cwd=koc.cwd or koc.home.root,
    )
    os.close(theirs)
    text = b""
    try:
        while chunk := os.read(ours, 65536):
            text += chunk
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    assert process.wait(timeout=60) == status
    return text.decode().replace("\r\n", "\n")


def widest(text):
    return max(map(len, text.splitlines()))


def words_of(text):
    """The words, however they are broken into lines."""
    return re.sub(r"[\s#\\]+", "", text)


@pytest.mark.parametrize("width, most", [(40, 40), (64, 64), (80, 80), (120, 120), (200, 200), (500, 200), (10, 40)])
def test_help_is_as_wide_as_the_terminal(koc_path, bare_koc, tables, width, most):
    for command in ["", *(t["name"] for t in tables)]:
        text = on_terminal(bare_koc, "help", *command.split(), width=width)
        examples = text.partition("\nExamples\n")[2].partition("\n\n")[0] if command else ""
        for line in text.splitlines():
            one_word = len(line.removesuffix(" \\").split()) == 1
            assert len(line) <= most or (line in examples and one_word), f"koc help {command}: {line!r}"
        assert words_of(text) == words_of(bare_koc("help", *command.split()).stdout), command


def test_help_in_a_pipe_is_80_wide_and_columns_counts(bare_koc, tables):
    for name in (t["name"] for t in tables):
        assert widest(bare_koc("help", name).stdout) <= 80, name
    assert 90 < widest(bare_koc("help", "build", env={"COLUMNS": "100"}).stdout) <= 100
    for nonsense in ("", "x", "-5", "0", "99999999999999999999"):
        width = widest(bare_koc("help", "build", env={"COLUMNS": nonsense}).stdout)
        assert width <= (200 if nonsense.startswith("9") else 80), nonsense
    assert widest(on_terminal(bare_koc, "help", "build", width=80, COLUMNS="50")) <= 50


def test_other_forms_of_help_know_no_width(bare_koc):
    for form in ("man", "markdown", "json"):
        wide, narrow = (bare_koc("help", f"--format={form}", env={"COLUMNS": n}) for n in ("200", "40"))
        assert wide.stdout == narrow.stdout


def test_examples_can_be_pasted_at_each_width(bare_koc, tables):
    """A broken example is the same command to a shell."""
    for command in tables:
        text = bare_koc("help", command["name"], env={"COLUMNS": "40"}).stdout
        section = text.partition("\nExamples\n")[2].partition("\n\n")[0]
        commands = re.sub(r"(?m)^  # .*\n", "", section).replace("\\\n", "").splitlines()
        assert [shlex.split(c) for c in commands if c.strip()] == [
            shlex.split(e["command"]) for e in command["examples"]
        ], command["name"]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_inspect_fits_a_terminal_and_is_whole_in_a_pipe(bare_koc, bases, width):
    for name in ("index", "list", "docker", "oci"):
        text = on_terminal(bare_koc, "inspect", bases[name], width=width)
        assert widest("\n".join(text.splitlines()[1:])) <= width, text
        assert re.search(r"sha256:[0-9a-f]{12}…", text) and not re.search(r"sha256:[0-9a-f]{13}", text)
        whole = bare_koc("inspect", bases[name]).stdout
        assert "…" not in whole
        for layer in json.loads(bare_koc("inspect", "--json", bases[name]).stdout)["images"][0]["layers"]:
            assert layer["digest"] in whole and layer["mediaType"] in whole


def test_long_settings_are_broken_and_not_cut(bare_koc, registry):
    long = "PATH=" + ":".join(f"/opt/some/folder-{i}" for i in range(30))
    baker = base_images.Baker(registry, "widths/env")
    baker.image("latest", edit_config=lambda c: c["config"].update(Env=[long]))
    text = on_terminal(bare_koc, "inspect", baker.name("latest"), width=80)
    assert words_of(long) in words_of(text) and widest(text) <= 80
    assert f"env          {long}\n" in bare_koc("inspect", baker.name("latest")).stdout


def test_doctor_fits_a_terminal(bare_koc):
    text = on_terminal(bare_koc, "doctor", width=60, status=1, KO_DOCKER_REPO="127.0.0.1:1/" + "x" * 80)
    assert widest(text) <= 60
