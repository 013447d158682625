"""--watch: which saves lead to another round, what such a round does, and that ^C ends it at any moment."""

import contextlib
import os
import shutil
import signal
import stat
import threading
import time

import pytest
from runner import children_of, wait_until

TOOL, APP = "ko://example.test/app/cmd/tool", "ko://example.test/app/cmd/app"

MAIN = """
    package main

    import _ "embed"

    //go:embed text/word.txt
    var word string

    func main() { println(word) }
"""


class Watching:
    """A koc that stays: its lines as they come, and its end by a signal."""

    def __init__(self, process):
        self.process, self.lines, self.errors = process, [], []
        self.readers = [
            threading.Thread(target=lambda s=s, to=to: to.extend(iter(s.readline, "")))
            for s, to in ((process.stdout, self.lines), (process.stderr, self.errors))
        ]
        for reader in self.readers:
            reader.start()

    def rounds(self):
        return sum("Watching for the next save" in line for line in self.errors)

    def after(self, save, lines=0):
        """What a save makes it print on stdout; so many lines are waited for."""
        before, printed = self.rounds(), len(self.lines)
        save()
        wait_until(lambda: self.rounds() > before, 60, "a round after the save")
        wait_until(lambda: len(self.lines) >= printed + lines, 10, f"{lines} lines after {self.errors[-3:]}")
        return self.lines[printed:]

    def settled(self):
        """Waits until a second has passed in which it only watched."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            seen = len(self.errors)
            time.sleep(1)
            if len(self.errors) == seen and "Watching for the next save" in self.errors[-1]:
                return
        raise AssertionError(f"still busy: {self.errors[-3:]}")

    def end(self, number=signal.SIGINT):
        """Sends the signal, and gives status and seconds until the end."""
        started = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(timeout=30)
        for reader in self.readers:
            reader.join()
        return status, time.monotonic() - started


@contextlib.contextmanager
def watching(tool, *args, env=None):
    w = Watching(tool.start(*args, "--watch", env=env))
    try:
        yield w
    finally:
        if w.process.poll() is None:
            status, seconds = w.end()
            assert status == 130 and seconds < 2, (status, seconds, w.errors)


@pytest.fixture
def tool(koc, app):
    """koc in a module whose ./cmd/tool embeds a file, on no base."""
    app.program("cmd/tool", MAIN).write("cmd/tool/text/word.txt", "one")
    koc.cwd = app.folder
    koc.extra |= {"KO_DEFAULTBASEIMAGE": "scratch"}
    return koc


def append(path, text="\nvar more = 1\n"):
    path.write_text(path.read_text() + text)


def replace(path, text):
    """As many editors save: a new file takes the name."""
    other = path.with_name(f".{path.name}.new")
    other.write_text(text)
    os.replace(other, path)


@pytest.mark.parametrize("how", ["inotify", "poll"])
def test_build_prints_the_new_reference_of_each_change(tool, app, how):
    source = app / "cmd/tool/main.go"
    good = source.read_text()

    def burst():
        for i in range(6):
            source.write_text(good + f"\nvar number = {i}\n")
            time.sleep(0.03)

    with watching(tool, "build", "./cmd/tool", env={"KOC_WATCH": how}) as w:
        wait_until(lambda: w.rounds() == 1, 60)
        w.after(burst, lines=1)
        w.settled()
        in_burst = len(w.lines) - 1  # one, but on a busy machine the burst takes longer than one wait for more
        assert 1 <= in_burst < 6 and w.rounds() == 1 + in_burst
        assert w.after(lambda: append(source, "\nbroken\n")) == []
        assert any("syntax error" in line for line in w.errors)
        assert sum(line.startswith("koc: cannot build") for line in w.errors) == 1
        assert len(w.after(lambda: source.write_text(good + "\nvar number = 9\n"), lines=1)) == 1
        rounds = w.rounds()
        time.sleep(0.7)
        assert w.rounds() == rounds == 3 + in_burst
    assert len(w.lines) == 2 + in_burst == len(set(w.lines))
    assert "  Changed cmd/tool/main.go\n" in w.errors


def test_every_kind_of_input_and_every_way_of_saving(tool, app):
    package = app / "cmd/tool"
    main = package / "main.go"

    def remove_and_write():
        text = main.read_text()
        main.unlink()
        time.sleep(0.3)  # long enough for a round that fails
        main.write_text(text + "\nvar again = 1\n")

    def remove_folder():
        (package / "kodata/sub/b.txt").unlink()
        (package / "kodata/sub").rmdir()

    saves = [
        lambda: replace(main, main.read_text() + "\nvar renamed = 1\n"),
        lambda: (package / "extra.go").write_text("package main\n\nfunc init() { println(2) }\n"),
        lambda: (package / "extra.go").unlink(),
        lambda: (package / "text/word.txt").write_text("two"),
        lambda: [(package / "kodata/sub").mkdir(parents=True), (package / "kodata/sub/b.txt").write_text("b")],
        lambda: (package / "kodata/sub/b.txt").write_text("c"),
        remove_folder,
        lambda: (app / ".ko.yaml").write_text("defaultLdflags: ['-s']\n"),
        lambda: (app / ".ko.yaml").unlink(),
        lambda: append(app / "go.mod", "\n// a comment\n"),
    ]
    with watching(tool, "build", "./cmd/tool") as w:
        wait_until(lambda: w.rounds() == 1, 60)
        for save in saves[:-1]:
            # Some of these are two steps, and a machine that stalls between them shows the first alone.
            assert len(w.after(save, lines=1)) in (1, 2), (save, w.errors[-5:])
        assert len(w.after(saves[-1])) <= 1  # a round, perhaps of the same program
        printed = len(w.lines)
        remove_and_write()
        wait_until(lambda: len(w.lines) == printed + 1, 60)


def test_what_is_no_input_leads_to_nothing(tool, app):
    with watching(tool, "build", "./cmd/tool") as w:
        wait_until(lambda: w.rounds() == 1, 60)
        time.sleep(0.5)
        for name in ("README", "cmd/tool/.main.go.swp", "cmd/tool/main.go~", "cmd/tool/4913", "cmd/tool/#main.go#",
                     "cmd/app/more.go", "pkg/lib/more.go", "cmd/app/kodata/x"):
            (app / name).write_text("x")
        time.sleep(1)
        assert w.rounds() == 1, w.errors


def test_a_file_that_a_failed_build_wants(tool, app):
    """The list of inputs does not have it: all below the working folder counts until a build goes well."""
    append(app / "cmd/tool/main.go", "\nvar x = lib.More\n")
    main = (app / "cmd/tool/main.go").read_text()
    (app / "cmd/tool/main.go").write_text(main.replace('import _ "embed"', 'import _ "embed"\nimport "example.test/app/new/lib"'))
    with watching(tool, "build", "./cmd/tool") as w:
        wait_until(lambda: w.rounds() == 1, 60)
        assert w.lines == [] and any(line.startswith("koc: ") for line in w.errors)

        def make():
            (app / "new/lib").mkdir(parents=True)
            (app / "new/lib/lib.go").write_text("package lib\n\nvar More = 1\n")

        make()
        wait_until(lambda: len(w.lines) == 1, 60)


def test_cgo_and_no_cache_are_watched_by_folder(tool, app):
    with watching(tool, "build", "--no-cache", "./cmd/tool") as w:
        wait_until(lambda: w.rounds() == 1, 60)
        assert len(w.after(lambda: append(app / "cmd/tool/main.go"), lines=1)) == 1


def test_resolve_watches_its_files_and_prints_what_is_new(tool, app):
    (app / "k").mkdir()
    (app / "k/a.yaml").write_text(f"a: {TOOL}\n")
    (app / "m.json").write_text('{"%s": "r.test/x:1"}' % TOOL)
    with watching(tool, "resolve", "-f", "k", "-f", "-", "--map-from", "m.json", env={"KO_DOCKER_REPO": ""}) as w:
        wait_until(lambda: w.rounds() == 1 and w.lines, 60)
        assert w.lines == ["a: r.test/x:1\n"]
        assert w.after(lambda: (app / "k/a.yaml").write_text(f"a: {TOOL} # x\n"), lines=1) == ["a: r.test/x:1 # x\n"]
        assert w.after(lambda: (app / "k/b.yaml").write_text("b: 1\n"), lines=3)[-1] == "b: 1\n"
        assert w.after(lambda: (app / "k/b.yaml").unlink(), lines=1) == ["a: r.test/x:1 # x\n"]
        assert w.after(lambda: (app / "m.json").write_text('{"%s": "r.test/x:2"}' % TOOL), lines=1) == ["a: r.test/x:2 # x\n"]
        assert w.after(lambda: (app / "k/a.yaml").write_text("a: [\n")) == []
        assert w.after(lambda: (app / "k/a.yaml").write_text(f"a: {TOOL} # x\n")) == []  # the same again


# --- apply ---------------------------------------------------------------------------------------

DOCUMENTS = f"""# two programs and a text
apiVersion: v1
kind: ConfigMap
metadata: {{name: text}}
data: {{a: b}}
---
apiVersion: v1
kind: Pod
metadata: {{name: tool}}
image: {TOOL}
---
apiVersion: v1
kind: Pod
metadata: {{name: app}}
image: {APP}
"""

KUBECTL = """#!/bin/sh
cat > "$PWD/sent.$$"
mv "$PWD/sent.$$" "$PWD/got.$(ls "$PWD" | grep -c '^got')"
[ ! -e "$PWD/fail" ]
"""


@pytest.fixture
def apply(tool, app):
    """koc and a kubectl that keeps what it gets in got.0, got.1, …; it fails while there is a file `fail`."""
    kubectl = app / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL)
    kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
    (app / "in.yaml").write_text(DOCUMENTS)
    tool.extra |= {"PATH": f"{kubectl.parent}:{os.environ['PATH']}"}
    tool.got = lambda n: (app / f"got.{n}").read_text()
    return tool


def names(text):
    return [word for word in ("text", "tool", "app") if f"{{name: {word}}}" in text]


def test_only_what_changed_is_built_pushed_and_applied(apply, app, registry):
    with watching(apply, "apply", "-f", "in.yaml") as w:
        wait_until(lambda: w.rounds() == 1, 60)
        assert names(apply.got(0)) == ["text", "tool", "app"]
        mark = registry.mark()
        w.after(lambda: append(app / "cmd/tool/main.go"))
        assert names(apply.got(1)) == ["tool"] and "@sha256:" in apply.got(1)
        assert {r.path.split("/")[3].split("-")[0] for r in registry.uploads_since(mark)} == {"tool"}
        built = [line for line in w.errors if line.startswith("    Built ")]
        assert sum("app linux" in line for line in built) == 1 and sum("tool linux" in line for line in built) == 2
        w.after(lambda: (app / "in.yaml").write_text(DOCUMENTS.replace("a: b", "a: c")))
        assert names(apply.got(2)) == ["text"] and "a: c" in apply.got(2)
        good = (app / "cmd/tool/main.go").read_text()
        w.after(lambda: append(app / "cmd/tool/main.go", "\nbroken\n"))
        w.after(lambda: (app / "cmd/tool/main.go").write_text(good + "\nvar last = 1\n"))
        assert names(apply.got(3)) == ["tool"]
        assert sum(line.startswith("    Built app linux") for line in w.errors) == 1
        w.after(lambda: append(app / "in.yaml", "# a comment at the end\n"))
        assert names(apply.got(4)) == ["app"]
        w.after(lambda: (app / "in.yaml").write_text("# at the top\n---\n" + (app / "in.yaml").read_text()))
        assert not (app / "got.5").exists() or names(apply.got(5)) == ["text"]


def test_after_a_kubectl_that_failed_everything_is_sent_again(apply, app):
    with watching(apply, "apply", "-f", "in.yaml") as w:
        wait_until(lambda: w.rounds() == 1, 60)
        (app / "fail").touch()
        w.after(lambda: append(app / "cmd/tool/main.go"))
        assert "koc: kubectl apply failed (exit 1)\n" in w.errors and names(apply.got(1)) == ["tool"]
        (app / "fail").unlink()
        w.after(lambda: append(app / "cmd/tool/main.go", "\nvar other = 1\n"))
        last = max(int(path.suffix[1:]) for path in app.folder.glob("got.*"))
        assert names(apply.got(last)) == ["text", "tool", "app"]


def test_pruning_sees_all_documents(apply, app):
    w = Watching(apply.start("apply", "--watch", "-f", "in.yaml", "--", "--prune", "-l", "a=b"))
    wait_until(lambda: w.rounds() == 1, 60)
    w.after(lambda: append(app / "cmd/tool/main.go"))
    assert names(apply.got(1)) == ["text", "tool", "app"]
    assert w.end()[0] == 130


# --- ^C ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_in_the_middle_of_a_build(tool, app, number, status):
    """A go that takes long, in the second round."""
    go = app / "bin/go"
    go.parent.mkdir()
    go.write_text(f'#!/bin/sh\n[ -e {app.folder}/slow ] && [ "$1" = build ] && sleep 60\nexec {shutil.which("go")} "$@"\n')
    go.chmod(0o755)
    w = Watching(tool.start("build", "./cmd/tool", "--watch", env={"PATH": f"{go.parent}:{os.environ['PATH']}"}))
    wait_until(lambda: w.rounds() == 1, 60)
    (app / "slow").touch()
    append(app / "cmd/tool/main.go")
    wait_until(lambda: any("Changed" in line for line in w.errors) and children_of(w.process.pid), 60)
    ended, seconds = w.end(number)
    assert ended == status and seconds < 2 and w.errors[-1] == "koc: cancelled\n"


def test_interrupted_while_kubectl_runs(apply, app):
    """Also one that does not listen to SIGTERM, in the end."""
    (app / "bin/kubectl").write_text("#!/bin/sh\necho $$ > pid\nexec sleep 60\n")
    w = Watching(apply.start("apply", "--watch", "-f", "in.yaml"))
    wait_until(lambda: (app / "pid").exists() and (app / "pid").read_text().strip(), 60)
    status, seconds = w.end()
    assert status == 130 and seconds < 2
    with pytest.raises(ProcessLookupError):
        os.kill(int((app / "pid").read_text()), 0)


@pytest.mark.parametrize("args", [["-f", "pipe"], ["-f", "in.yaml", "--map-from", "pipe"]])
@pytest.mark.parametrize("writer", [False, True])
def test_interrupted_while_it_reads_a_fifo(tool, app, args, writer):
    """Nobody has opened it yet, or somebody has and is silent."""
    os.mkfifo(app / "pipe")
    (app / "in.yaml").write_text(f"a: {TOOL}\n")
    process = tool.start("resolve", *args)
    fd = os.open(app / "pipe", os.O_RDWR) if writer else -1
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.wait(timeout=5) == 130 and time.monotonic() - started < 1
    assert process.stderr.read() == "koc: cancelled\n"
    if writer:
        os.close(fd)


def test_a_map_through_a_pipe(tool, app):
    """As `--map-from <(…)` gives it."""
    os.mkfifo(app / "pipe")
    (app / "in.yaml").write_text(f"a: {TOOL}\n")
    process = tool.start("resolve", "-f", "in.yaml", "--map-from", "pipe")
    (app / "pipe").write_text('{"%s": "r.test/x:1"}' % TOOL)
    assert process.communicate(timeout=30) == ("a: r.test/x:1\n", "") and process.returncode == 0
