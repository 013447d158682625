"""Live progress on real terminals: widths, resizing, many images, colours, and what stays behind.

The drawer is fed by progress_demo.c, so that thirty images take two seconds; koc itself builds too.
"""

import os
import pathlib
import re
import time

import pytest
from runner import lacking, needed
from terminal import Terminal

STAYS = re.compile(
    r" *(Resolved|Built|Pushed|Loaded|Wrote|Unchanged|Published|Resumed|warning:|hint:|oci:|koc:) ?.*"
)
LIVE = re.compile(
    r"  \S.* (compile|push) +\S+s$|  compile \d+/\d+ +\S+s|  (push|compile) .*MB|  … \d+ more"
)


@pytest.fixture
def demo():
    path = pathlib.Path(os.environ.get("KOC_BUILD", "/nonexistent"), "tests/progress-demo")
    if not path.exists():
        lacking("progress-demo", "was not built")
    return path


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def open_terminal(command, width=80, height=24, **options):
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"} | options.pop("env", {})
        opened.append(Terminal(needed("tmux"), tmp_path, command, env, width, height, **options))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def check_what_stays(lines):
    for line in lines:
        assert not line or STAYS.fullmatch(line), f"left behind: {line!r}"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_widths(terminal, demo, width):
    screen = terminal(f"{demo} 4 150", width)
    seen = screen.wait_for(lambda lines: any("compile" in line for line in lines))
    live = [line for line in seen if LIVE.fullmatch(line)]
    assert live and all(len(line) < width for line in live)
    assert all(re.search(r"\d\.\ds$", line) for line in live), "numbers are never cut"
    bar = screen.wait_for(lambda lines: any(re.match(r"  push .*[1-9]/47\.6 MB", line) for line in lines))
    assert any(re.search("[━─]{8}", line) for line in bar) == (width >= 60)
    lines = screen.ended()
    check_what_stays(lines)
    built = [line for line in lines if line.lstrip().startswith("Built")]
    assert len(built) == 8 and all(len(line) <= width for line in lines if not line.startswith("warning"))


def test_a_broken_transfer_says_where_it_goes_on(terminal, demo):
    screen = terminal(f"{demo} 3 60", 100)
    lines = [line for line in screen.ended() if line]
    check_what_stays(lines)
    resumed = [line.strip() for line in lines if "Resumed" in line]
    assert resumed == ["Resumed 2.4 MB of 11.9 MB  sha256:8f2c5a0c1d4e…"], lines


def test_the_end_of_a_transfer_is_guessed_after_two_seconds(terminal, demo):
    screen = terminal(f"{demo} 3 400", 80)
    first = screen.wait_for(lambda lines: any(re.search(r"\d [kM]B/s$", line) for line in lines))
    assert not any("left" in line for line in first)
    lines = screen.wait_for(lambda lines: any(" left" in line for line in lines))
    assert any(re.fullmatch(r"  push +[━─]{8,} +[\d.]+/35\.7 MB  \d+ MB/s  \d s left", line) for line in lines), lines


def test_a_time_is_that_of_one_program(terminal, demo):
    """The programs of one platform are one `go build`: nobody knows how long each took."""
    one = [line for line in terminal(f"{demo} 1 60").ended() if "Built" in line]
    assert len(one) == 2 and all(re.search(r" \d\.\ds$", line) for line in one), one
    several = [line for line in terminal(f"{demo} 2 60").ended() if "Built" in line]
    assert len(several) == 4 and not any(re.search(r"\ds$", line) for line in several), several


def test_thirty_images_take_half_of_the_screen(terminal, demo, tmp_path):
    go = tmp_path / "go-on"
    screen = terminal(f"{demo} 30 50 {go}", 80, 24)
    screen.wait_for(lambda lines: any(re.search(r"compile \d+/60", line) for line in lines))
    seen = screen.wait_for(lambda lines: sum("  push " in line for line in lines) > 3)
    most = sum(1 for line in seen if LIVE.fullmatch(line))
    go.touch()
    assert 9 <= most <= 11
    lines = screen.ended()
    check_what_stays(lines)
    assert sum("Built" in line for line in lines) == 60
    assert sum("Pushed" in line for line in lines) == 30


@pytest.mark.parametrize(
    "sizes",
    [[(60, 24), (40, 24), (80, 24)], [(200, 24), (100, 40), (55, 40)], [(100, 8), (100, 30), (52, 30)]],
    ids=["narrower", "wider", "lower"],
)
def test_resizing(terminal, demo, tmp_path, sizes):
    # A terminal that was used before: what is narrowed goes up, and nothing empty is below.
    go = tmp_path / "go-on"
    screen = terminal(f"sh -c 'seq -f koc:%g 40; exec {demo} 30 20 {go}'", 100, 24)
    screen.wait_for(lambda lines: any("MB/s" in line for line in lines))
    for width, height in sizes:
        screen.resize(width, height)

        def fits(lines):
            live = [line for line in lines if LIVE.fullmatch(line)]
            return live and all(len(line) < width for line in live) and len(live) < height // 2 + 1

        screen.wait_for(fits)
    go.touch()
    screen.resize(200, 50)  # what was cut stays cut, what was wrapped becomes one line again
    check_what_stays(screen.ended())


def test_frames_do_not_flicker(terminal, demo):
    """Only a line that stays removes the live ones, and they come back in the same write."""
    screen = terminal(f"{demo} 5 150", 80, 24)
    lines = screen.ended()
    raw = screen.recorded()
    clear = "\r \033[J\r"
    assert raw.count("compile") > 20
    assert raw.count(clear) <= sum(1 for line in lines if STAYS.fullmatch(line)) + 2
    for after in raw.split(clear)[2:-2]:
        assert re.match(r"(\033\[\d*m)* *\w", after), "cleared, and nothing was drawn"


def test_colours(terminal, demo):
    sgr = re.compile(r"\033\[\d*(;\d+)*m")
    coloured = terminal(f"{demo} 2 40")
    coloured.ended()
    assert sgr.search(coloured.recorded())
    plain = terminal(f"{demo} 2 40", env={"NO_COLOR": "1"})
    check_what_stays(plain.ended())
    assert not sgr.search(plain.recorded())


@pytest.mark.parametrize("term", ["-u TERM", "TERM=dumb", "TERM="], ids=["unset", "dumb", "empty"])
def test_terminals_that_cannot(terminal, demo, term):
    screen = terminal(f"env {term} {demo} 3 30")
    check_what_stays(screen.ended())
    raw = screen.recorded().split("END-OF-COMMAND")[0]
    assert "\033[" not in raw and "compile" not in raw and raw.count("Built") == 6


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (10, 2)])
def test_terminals_of_no_size(terminal, demo, size):
    screen = terminal(f"sh -c 'stty cols {size[0]} rows {size[1]}; exec {demo} 3 30'")
    lines = screen.ended()
    check_what_stays(lines)
    assert "Published" in lines[-2] + lines[-1]


def test_ascii_where_the_locale_has_no_more(terminal, demo):
    screen = terminal(f"{demo} 3 150", env={"LC_ALL": "C"})
    lines = screen.wait_for(lambda lines: any("MB/s" in line for line in lines))
    assert any("-" * 8 in line for line in lines) and "─" not in "".join(lines)


# --- koc itself ---


@pytest.fixture
def slow_go(tmp_path):
    """go, whose builds take two seconds: time to look at the screen."""
    path = tmp_path / "slow-go"
    path.write_text('#!/bin/sh\n[ "$1" = build ] && sleep 2\nexec go "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def koc_terminal(terminal, bare_koc, home, app, slow_go):
    def start(args, **options):
        env = home.env(KO_GO_PATH=slow_go, LC_ALL="C.UTF-8")
        return terminal(f"{bare_koc.path} {args}", env=env, cwd=app, **options)

    return start


def test_a_build(koc_terminal):
    screen = koc_terminal(
        "build --base-image=scratch --platform=linux/amd64,linux/arm64 ./cmd/...", width=100
    )
    seen = screen.wait_for(lambda lines: sum("compile" in line for line in lines) == 4)
    assert any(re.fullmatch(r"  app   linux/amd64  compile +\d\.\ds", line) for line in seen), seen
    lines = screen.ended()
    check_what_stays([line for line in lines if "sha256:" not in line])
    assert sum("Built" in line for line in lines) == 4
    assert sum(line.count("oci:/") for line in lines) == 2


def test_an_interrupt_leaves_one_line(koc_terminal):
    screen = koc_terminal("build --base-image=scratch ./cmd/app ./cmd/tool")
    screen.wait_for(lambda lines: any("compile" in line for line in lines))
    screen.press("C-c")
    lines = [line for line in screen.ended() if line and line != "^C"]
    assert lines == ["koc: cancelled"], lines


def test_a_compile_error_is_whole(koc_terminal, app):
    (app / "cmd/tool/broken.go").write_text("package main\n\nfunc x() { return 1 }\n")
    screen = koc_terminal("build --base-image=scratch ./cmd/app ./cmd/tool", width=120)
    lines = [line for line in screen.ended() if line]
    assert not any("compile" in line for line in lines if "Built" not in line), lines
    assert any("broken.go:3:" in line for line in lines), lines
    assert lines[-1].startswith("koc: ") or lines[-1].startswith("hint: "), lines


def test_decisions_stand_above_the_live_lines(koc_terminal):
    screen = koc_terminal("build -v --base-image=scratch ./cmd/app ./cmd/tool", width=160)
    screen.wait_for(lambda lines: any("compile" in line for line in lines))
    lines = [line for line in screen.ended() if line]
    assert not [line for line in lines if LIVE.fullmatch(line)], lines
    assert any("golang" in line for line in lines)


def test_push_copy_and_pull_show_what_they_move(terminal, bare_koc, home, app, registry):
    (app / "cmd/tool/kodata").mkdir()
    (app / "cmd/tool/kodata/blob").write_bytes(os.urandom(60_000_000))
    bare_koc(
        "build",
        "--base-image=scratch",
        "--compression=none",
        "--push=false",
        "--oci-layout-path=out",
        "./cmd/tool",
        cwd=app,
    )
    first, second = f"{registry.host}/moved/a:1", f"{registry.host}/moved/b:1"
    for words, moves in [
        (f"push out {first}", True),
        (f"copy {first} {second}", False),  # within a registry blobs are mounted
        (f"pull {first} pulled", True),
    ]:
        screen = terminal(f"{bare_koc.path} {words}", 100, env=home.env(LC_ALL="C.UTF-8"), cwd=app)
        lines = [line for line in screen.ended() if line]
        verb, raw = words.split()[0], screen.recorded()
        assert not any(LIVE.fullmatch(line) or "MB/s" in line for line in lines), lines
        assert bool(re.search(rf"  {verb} .*\d( [kM]?B)?/6\d\.\d MB", raw)) == moves, raw
