"""A build in which nothing changed starts no go; one in which anything did makes what a forced one makes.

Times matter here: a record of inputs is only made of files that are older than the clock's tick, so
each test begins with a pause (`settled`), and those about quick edits have none after it.
"""

import json
import os
import random
import subprocess
import time

import pytest

import bases as base_images
import goapps
from runner import Tool

MAIN = """
    package main

    import (
        "embed"
        "fmt"

        "example.test/app/lib"
        "example.test/dep"
    )

    //go:embed static
    var static embed.FS

    //go:embed notes/*.txt
    var notes embed.FS

    var word = "aaaa"

    func main() { fmt.Println(word, lib.Name, dep.Name, static, notes) }
"""
TAGGED = '//go:build special\n\npackage main\n\nfunc init() { println("special") }\n'
REPLACE = "\nrequire example.test/dep v1.0.0\n\nreplace example.test/dep => ../dep\n"
OTHER_SUM = "example.test/other v1.0.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n"


class Case:
    """An app, and koc on it without a base and a registry."""

    def __init__(self, root, koc_path, home):
        self.root, self.home = root, home
        self.koc = Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")
        self.env = {}
        self.app = goapps.GoApp(root / "src/app").module(more=REPLACE)
        self.app.program("cmd/app", MAIN).library("lib").kodata("cmd/app")
        self.app.write("lib/second.go", 'package lib\n\nfunc init() { println("second") }\n')
        self.app.write("cmd/app/tagged.go", TAGGED).write("cmd/app/static/a.html", "<p>")
        self.app.write("cmd/app/static/deep/.hidden", "").write("cmd/app/notes/a.txt", "note")
        self.app.write("go.sum", "")
        self.dep = goapps.GoApp(root / "src/dep").module("example.test/dep").library(".", "dep")

    def build(self, *args, target="./cmd/app"):
        out = self.koc("build", "--json", "--push=false", "--base-image=scratch", *args, target,
                       cwd=self.app, env=self.env).stdout
        return json.loads(out)["results"][0]

    def settled(self):
        """Three builds: one that links, one that makes the record, one that uses it."""
        time.sleep(0.2)
        self.build()
        self.build()
        result = self.build()
        assert not started(result), "the third build started go"
        return result

    def check(self):
        """Builds, and compares with a build that knows nothing. Whether go was started."""
        result = self.build()
        assert result["digest"] == self.build("--no-cache")["digest"], "a stale image"
        return started(result)


def started(result):
    return any(image["goStarted"] for image in result["images"])


@pytest.fixture
def case(tmp_path, koc_path, home):
    return Case(tmp_path, koc_path, home)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def same_size_and_mtime(case):
    path = case.app / "cmd/app/main.go"
    before = path.stat()
    edit(path, "aaaa", "bbbb")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def by_rename(case):
    path = case.app / "cmd/app/main.go"
    (case.app / "cmd/app/.main.go.tmp").write_text(path.read_text().replace("aaaa", "bbbb"))
    os.rename(case.app / "cmd/app/.main.go.tmp", path)


def environment(case):
    case.env = {"GOFLAGS": "-tags=special"}


def go_env_file(case):
    path = case.home.home / ".config/go/env"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("GOFLAGS=-tags=special\n")


def append(name, text):
    def change(case):
        with (case.app / name).open("a") as file:
            file.write(text)
    return change


def write(name, text):
    return lambda case: case.app.write(name, text)


def replace(name, old, new):
    return lambda case: edit(case.app / name, old, new)


def link_target(case):
    link = case.app / "cmd/app/kodata/link.txt"
    link.unlink()
    link.symlink_to("sub/b.txt")


CHANGES = {
    "edit": replace("cmd/app/main.go", "aaaa", "bbbb!"),
    "edit of the same size and time": same_size_and_mtime,
    "edit by rename": by_rename,
    "edit of a library": replace("lib/lib.go", '"lib"', '"bil"'),
    "new file": write("cmd/app/new.go", 'package main\n\nfunc init() { println("new") }\n'),
    "removed file": lambda case: (case.app / "lib/second.go").unlink(),
    "new import": replace("lib/lib.go", "package lib", 'package lib\n\nimport _ "net/textproto"'),
    "embedded file": append("cmd/app/static/a.html", "more"),
    "new embedded file": write("cmd/app/static/b.html", "<b>"),
    "new embedded file in a folder that gave none": write("cmd/app/static/deep/c.html", "<i>"),
    "new file for a pattern": write("cmd/app/notes/b.txt", "note b"),
    "build constraint": replace("cmd/app/tagged.go", "//go:build special", "//go:build !special"),
    "go.sum": append("go.sum", OTHER_SUM),
    "go.mod": replace("go.mod", "go 1.19", "go 1.21"),
    "go env -w": go_env_file,
    "environment": environment,
    "replaced module": lambda case: edit(case.dep / "dep.go", '"dep"', '"ped"'),
    "go.mod of a replaced module": lambda case: edit(case.dep / "go.mod", "1.19", "1.20"),
    "workspace": lambda case: (case.root / "src/go.work").write_text("go 1.19\n\nuse ./app\n"),
    "profile": lambda case: (case.app / "cmd/app/default.pgo").write_bytes(b""),
    "touch": lambda case: os.utime(case.app / "cmd/app/main.go", (1, 1)),
}
QUIET = {
    "a file that go does not read": write("cmd/app/README.md", "hello"),
    "a test": write("cmd/app/main_test.go", "package main\n"),
    "a comment in the settings": write(".ko.yaml", "# nothing\n"),
    "mode of a data file": lambda case: (case.app / "cmd/app/kodata/a.txt").chmod(0o755),
    "link in the data": link_target,
    "content of the data": write("cmd/app/kodata/a.txt", "other"),
    "nothing": lambda case: None,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(case, change):
    case.settled()
    CHANGES[change](case)
    assert case.check(), "go was not started"
    case.check()
    assert not case.check() or change in ("profile", "go env -w"), "no record again"


@pytest.mark.parametrize("change", QUIET)
def test_go_is_not_needed(case, change):
    case.settled()
    QUIET[change](case)
    assert not case.check(), "go was started"


def test_edits_in_quick_succession(case):
    case.settled()
    path = case.app / "cmd/app/main.go"
    for word in ("bbbb", "cccc", "dddd", "aaaa"):
        edit(path, 'word = "', f'word = "{word}" //')
        assert case.check()
        assert not case.check(), "an edit alone needs no go list"


def test_edit_while_building(case):
    """What changes while go runs is not taken for what it read."""
    case.settled()
    path = case.app / "cmd/app/main.go"
    for i in range(4):
        edit(path, 'word = "', f'word = "{i}')
        process = case.koc.start("build", "--push=false", "--base-image=scratch", "./cmd/app",
                                 cwd=case.app)
        time.sleep(0.02 + 0.08 * i)
        edit(path, 'word = "', f'word = "{i}')
        process.communicate(timeout=60)
        case.check()
        case.check()


def git(case, *args):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    subprocess.run(["git", "-c", "user.name=lab", "-c", "user.email=lab@example.test", *args],
                   cwd=case.app, env=environment, check=True, capture_output=True)


def test_git(case):
    case.app.git()
    case.settled()
    git(case, "commit", "--allow-empty", "-qm", "nothing changed")
    assert case.check(), "another commit"
    assert not case.check()
    case.app.write("untracked.txt", "dirty")
    assert case.check(), "a dirty tree"
    assert not case.check()
    (case.app / "untracked.txt").unlink()
    assert case.check(), "a clean tree"
    edit(case.app / "cmd/app/main.go", "aaaa", "bbbb")
    assert case.check(), "an edit"
    assert not case.check()
    git(case, "commit", "-qam", "edit")
    assert case.check(), "the commit of the edit"
    assert not case.check()


def test_tag_alone(case):
    """Since Go 1.24 the version of the program comes from tags: a tag changes it, though no commit or file did."""
    case.app.git("v1.2.3")
    settled = case.settled()
    git(case, "tag", "v1.3.0")
    result = case.build()
    assert result["digest"] == case.build("--no-cache")["digest"], "a stale image"
    assert started(result) or result["digest"] == settled["digest"]


def test_another_version_control_system(case):
    """.hg beside .git: go refuses, or stamps another commit. It must be asked."""
    case.app.git()
    case.settled()
    (case.app / ".hg").mkdir()
    args = ["build", "--json", "--push=false", "--base-image=scratch"]
    known = case.koc(*args, "./cmd/app", cwd=case.app, env=case.env, status=None)
    fresh = case.koc(*args, "--no-cache", "./cmd/app", cwd=case.app, env=case.env, status=None)
    assert known.status == fresh.status
    assert known.status != 0 or started(json.loads(known.stdout)["results"][0])


def test_new_repository(case):
    case.settled()
    case.app.git()
    assert case.check(), "git init"


def test_new_vendor_directory(case):
    case.settled()
    subprocess.run(["go", "mod", "vendor"], cwd=case.app, env=case.home.env(), check=True)
    edit(case.app / "vendor/example.test/dep/dep.go", '"dep"', '"ped"')
    assert case.check(), "go takes the packages from vendor now"


def test_vendor(case):
    subprocess.run(["go", "mod", "vendor"], cwd=case.app, env=case.home.env(), check=True)
    case.settled()
    edit(case.app / "vendor/example.test/dep/dep.go", '"dep"', '"ped"')
    assert case.check()
    case.check()
    assert not case.check()
    append("vendor/modules.txt", "\n")(case)
    assert case.check(), "the list of vendored modules"


@pytest.mark.parametrize("flags", ["-overlay=overlay.json", "-modfile=other.mod", "'-tags=special'"])
def test_no_record_for_files_that_go_list_does_not_tell(case, flags):
    case.app.write("overlay.json", "{}").write("other.mod", (case.app / "go.mod").read_text())
    case.env = {"GOFLAGS": flags}
    time.sleep(0.2)
    assert all(started(case.build()) for _ in range(4))


def test_a_script_that_stands_for_go_is_asked_each_time(case, tmp_path):
    script = tmp_path / "bin/go"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\nexec go "$@"\n')
    script.chmod(0o755)
    case.env = {"KO_GO_PATH": str(script)}
    time.sleep(0.2)
    assert all(started(case.build()) for _ in range(4))


@pytest.fixture
def go_runs(case, tmp_path, go_env):
    """A toolchain whose go writes its arguments to a file: a function that gives and forgets them."""
    real = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    fake, log = tmp_path / "fake", tmp_path / "runs"
    (fake / "bin").mkdir(parents=True)
    for name in ("src", "pkg", "VERSION", "go.env"):
        if os.path.exists(f"{real}/{name}"):
            os.symlink(f"{real}/{name}", fake / name)
    (fake / "bin/go").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real}/bin/go "$@"\n')
    (fake / "bin/go").chmod(0o755)
    case.env = {"KO_GO_PATH": str(fake / "bin/go")}

    def runs():
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.split()[0] for line in lines]

    return runs


def test_no_go_process_at_all(case, go_runs):
    case.settled()
    go_runs()
    case.build()
    assert go_runs() == []


def test_patterns(case, go_runs):
    """./... needs no go list either while names, package clauses and constraints stay."""
    def build():
        out = case.koc("build", "--json", "--push=false", "--base-image=scratch", "./...", cwd=case.app,
                       env=case.env).stdout
        return [r["importPath"] for r in json.loads(out)["results"]]

    time.sleep(0.2)
    case.app.program("cmd/two")
    time.sleep(0.2)
    both = [build() for _ in range(3)][-1]
    assert both == ["example.test/app/cmd/app", "example.test/app/cmd/two"]
    go_runs()
    assert build() == both and go_runs() == []
    edit(case.app / "cmd/app/main.go", "aaaa", "bbbb")
    assert build() == both and go_runs() == ["build"]
    case.app.program("cmd/three/deep")
    assert build() == [both[0], "example.test/app/cmd/three/deep", both[1]]
    edit(case.app / "cmd/two/main.go", "package main", "package two")
    assert build() == [both[0], "example.test/app/cmd/three/deep"]
    case.app.module("example.test/nested", "cmd/three")
    assert build() == both[:1]
    edit(case.app / "go.mod", "example.test/app", "example.test/renamed")
    edit(case.app / "cmd/app/main.go", "example.test/app/lib", "example.test/renamed/lib")
    assert build() == ["example.test/renamed/cmd/app"]


def test_force(case):
    case.settled()
    assert started(case.build("--force"))


def test_many_images(case):
    names = [f"./cmd/app{i}" for i in range(20)]
    for name in names:
        case.app.program(name, MAIN.replace("aaaa", name).replace("//go:embed", "// embed").replace(
            '"embed"', "").replace("embed.FS", "int"))
    time.sleep(0.2)

    def build(*args):
        out = case.koc("build", "--json", "--push=false", "--base-image=scratch", *args, *names, cwd=case.app)
        return json.loads(out.stdout)["results"]

    build()
    build()
    results = build()
    assert len(results) == 20 and not any(map(started, results))
    edit(case.app / "lib/lib.go", '"lib"', '"bil"')
    changed = build()
    assert all(map(started, changed))
    assert [r["digest"] for r in changed] == [r["digest"] for r in build("--no-cache")]
    assert not any(map(started, build()))


def test_base_moved(case, registry, koc_path, home):
    base = base_images.single(registry, base_images.OCI, "noop-a")
    other = base_images.single(registry, base_images.DOCKER, "noop-b")
    tag = f"{registry.host}/noop/base:moving"
    crane = Tool("crane", home)
    crane("copy", base, tag, "--insecure")
    koc = Tool(koc_path, home, KO_DOCKER_REPO=f"{registry.host}/noop", KO_DEFAULTBASEIMAGE=tag)
    time.sleep(0.2)

    def build():
        out = koc("build", "--json", "./cmd/app", cwd=case.app).stdout
        return json.loads(out)["results"][0]

    build()
    build()
    still = build()
    assert not started(still) and still["state"] == "unchanged"
    crane("copy", other, tag, "--insecure")
    moved = build()
    assert moved["digest"] != still["digest"] and not started(moved) and moved["state"] == "pushed"


def test_lost_in_the_registry(case, registry, koc_path, home):
    koc = Tool(koc_path, home, KO_DOCKER_REPO=f"{registry.host}/lost")

    def build(repository):
        out = koc("build", "--json", "--base-image=scratch", "./cmd/app", cwd=case.app,
                  env={"KO_DOCKER_REPO": f"{registry.host}/{repository}"}).stdout
        return json.loads(out)["results"][0]

    time.sleep(0.2)
    first = [build("lost-a") for _ in range(3)][-1]
    assert not started(first) and first["state"] == "unchanged"
    second = build("lost-b")
    assert not started(second) and second["state"] == "pushed" and second["digest"] == first["digest"]


def random_change(case, dice):
    sources = sorted(p for p in case.app.folder.rglob("*.go"))
    main, lib = case.app / "cmd/app/main.go", case.app / "lib/lib.go"
    extra = case.app / f"cmd/app/extra{dice.randrange(3)}.go"
    page = case.app / f"cmd/app/static/{dice.choice(['', 'deep/'])}page{dice.randrange(3)}.html"
    path = dice.choice(sources)

    def toggle(path, text):
        path.unlink() if path.exists() else path.write_text(text)

    changes = [
        lambda: edit(main, 'word = "', f'word = "{dice.randrange(10)}'),
        lambda: edit(lib, 'Name = "', f'Name = "{dice.randrange(10)}'),
        lambda: toggle(extra, f'package main\n\nfunc init() {{ println("{extra.name}") }}\n'),
        lambda: toggle(page, "<p>"),
        lambda: os.utime(path, (dice.randrange(10**9), dice.randrange(10**9))),
        lambda: path.write_text(path.read_text() + f"// {dice.random()}\n"),
        lambda: path.chmod(dice.choice([0o644, 0o600])),
        lambda: time.sleep(dice.choice([0, 0, 0.1, 0.3])),
        lambda: None,
    ]
    dice.choice(changes)()


def contents(case):
    """What go may read, by name; times and modes apart."""
    return {str(p): p.read_bytes() for p in (case.root / "src").rglob("*") if p.is_file()}


def stamps(case):
    return {
        str(p): (s.st_mtime_ns, s.st_ctime_ns, s.st_size, s.st_mode, s.st_ino)
        for p in (case.root / "src").rglob("*")
        for s in [p.stat()]
    }


def test_random_changes(case):
    """Every change of content builds, every step without one uses the record, no image is stale."""
    dice = random.Random(os.environ.get("KOC_SEED", "5"))
    case.settled()
    for step in range(20):
        was, seen = contents(case), stamps(case)
        for _ in range(dice.choice([0, 1, 1, 2])):
            random_change(case, dice)
        started_go, changed = case.check(), contents(case) != was
        assert started_go or not changed, f"step {step}: a change was not built"
        assert not started_go or stamps(case) != seen, f"step {step}: built without a change"
        time.sleep(0.15)  # a file younger than the clock's tick is not trusted
        case.build()  # go has nothing to link: the record is made, if it could not be kept
        assert not started(case.build()), f"step {step}: nothing changed, and go was started"


def kill(case, times):
    dice = random.Random(os.environ.get("KOC_SEED", "7"))
    case.settled()
    main = case.app / "cmd/app/main.go"
    for i in range(times):
        edit(main, 'word = "', f'word = "{i % 10}')
        both = [
            case.koc.start("build", "--push=false", "--base-image=scratch", "./cmd/app",
                           cwd=case.app)
            for _ in range(1 + i % 2)
        ]
        time.sleep(dice.random() * 0.8)
        both[0].kill()
        for process in both:
            process.communicate(timeout=120)
        if i % 3 == 0:
            case.check()
    case.check()


def test_killed_at_any_moment(case):
    """kill -9 leaves nothing that makes a wrong image, also with another build beside it."""
    kill(case, 12)


def test_killed_200_times(case, request):
    if not request.config.getoption("--everything"):
        pytest.skip("only in ./dev test --all")
    kill(case, 200)


def test_two_at_once(case):
    """Two builds of a changed program at the same time, over and over."""
    case.settled()
    main = case.app / "cmd/app/main.go"
    for i in range(6):
        edit(main, 'word = "', f'word = "{i}')
        both = [case.koc.start("build", "--push=false", "--base-image=scratch", "./cmd/app", cwd=case.app)
                for _ in range(2)]
        answers = {p.communicate(timeout=120)[0] for p in both}
        assert len(answers) == 1 and all(p.returncode == 0 for p in both)
        case.check()
