"""Which packages are built, and under which names: spellings, entries of builds, workspaces, git around them."""

import json
import os
import subprocess
import tarfile
import time

import goapps
import pytest
from runner import Tool, needed

QUIET = ("--push=false", "--base-image=scratch")
TOOL = "example.test/app/cmd/tool"
SPELLINGS = [
    "./cmd/tool",
    TOOL,
    "./cmd/tool/",
    "./cmd/tool/.",
    "./cmd/../cmd/tool",
    "../app/cmd/tool",
    "ko://./cmd/tool",
    "ko://./cmd/tool/",
    "ko://../app/cmd/tool",
    f"{TOOL}/",
    f"ko://{TOOL}/",
    "example.test//app/cmd//tool",
]


@pytest.fixture
def local(koc_path, home):
    return Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")


def results(koc, cwd, *args, **options):
    return json.loads(koc("build", "--json", *QUIET, *args, cwd=cwd, **options).stdout)["results"]


@pytest.mark.parametrize("names", ["", "-P", "-B", "--bare"])
def test_one_image_however_a_package_is_spelled(local, app, names):
    flags = [names] if names else []
    time.sleep(0.2)
    want = None
    for spelling in SPELLINGS:
        (result,) = results(local, app, *flags, spelling)
        found = (result["reference"], result["digest"], result["importPath"])
        want = want or found
        assert found == want, spelling
    assert ".." not in want[0] and want[2] == TOOL
    # The record is shared: no spelling is a new build.
    assert not any(image["goStarted"] for image in result["images"])
    assert len(results(local, app, *flags, *SPELLINGS)) == 1


def test_the_package_of_the_folder_itself(local, app):
    app.program(".")
    digests = {results(local, app, spelling)[0]["digest"] for spelling in
               (".", "./", "./.", "ko://.", "ko://./", "example.test/app", "example.test/app/")}
    names = {results(local, app, "-B", spelling)[0]["reference"].split("@")[0] for spelling in
             (".", "ko://.", "example.test/app/")}
    assert len(digests) == 1 and names == {"example.test/x/app:latest"}
    up = results(local, app / "cmd", "-P", "ko://..")[0]
    assert up["reference"].startswith("example.test/x/example.test/app:")


def test_documents_are_answered_as_they_spell(koc, app):
    text = "".join(f"- {s if s.startswith('ko://') else 'ko://' + s}\n" for s in SPELLINGS)
    (app / "all.yaml").write_text(text)
    lines = koc("resolve", "--base-image=scratch", "-f", "all.yaml", cwd=app).lines
    assert len(lines) == len(SPELLINGS) and len(set(lines)) == 1 and "@sha256:" in lines[0]


ENTRIES = """
builds:
- {id: tool, main: ./cmd/tool}
- {id: nothing, main: ./pkg}
- {id: other, main: ./other}
- {id: gone, dir: ./gone}
- {id: tool, main: ./cmd/app, env: [BAD]}
"""


def test_entries_that_nobody_asked_for(local, app):
    app.settings(ENTRIES).module("example.test/other", "other").program("other")
    result = local("build", *QUIET, "./cmd/tool", cwd=app)
    said = [line for line in result.stderr.splitlines() if ".ko.yaml:" in line]
    lines = {line.split(".ko.yaml:")[1].split(":")[0] for line in said}
    assert lines == {"3", "4", "5", "6"} and all("warning: " in line for line in said)
    found = json.loads(local("doctor", "--json", cwd=app, status=None,
                             env={"KO_DEFAULTBASEIMAGE": "scratch"}).stdout)["findings"]
    warned = [f["text"] for f in found if f["check"] == "settings" and f["state"] == "warning"]
    for line, word in ((3, "no Go files"), (4, "module"), (5, "no such directory"), (6, "NAME=value")):
        assert any(f".ko.yaml:{line}:" in text and word in text for text in warned), warned
    for argument, words in (("./pkg", "no Go files"), ("./other", "module"), ("./gone", "no such directory"),
                            ("./cmd/app", ".ko.yaml:6:")):
        assert words in local("build", *QUIET, argument, cwd=app, status=1).stderr


def test_an_entry_with_a_name_that_is_not_there(local, app):
    app.settings("builds:\n- id: x\n  main: ./cmd/ap\n")
    result = local("build", *QUIET, "./cmd/app", cwd=app)
    warning = "warning: .ko.yaml:3:9: builds[0].main: no such directory: ./cmd/ap (did you mean ./cmd/app?)"
    assert warning in result.stderr


def test_a_workspace_without_a_module_around_it(local, tmp_path):
    top = goapps.GoApp(tmp_path / "top")
    for name in ("one", "two"):
        top.module(f"example.test/{name}", name).program(f"{name}/cmd/{name}")
    top.write("go.work", "go 1.19\n\nuse ./one\nuse ./two\n")
    top.write("two/cmd/c/main.go", 'package main\n\nimport "C"\n\nfunc main() {}\n')
    result = local("build", "--json", *QUIET, "./...", cwd=top)
    paths = [r["importPath"] for r in json.loads(result.stdout)["results"]]
    assert paths == ["example.test/one/cmd/one", "example.test/two/cmd/two"]
    assert "example.test/two/cmd/c is left out of ./...: it needs cgo" in result.stderr
    assert "CGO_ENABLED=1" in local("build", *QUIET, "./two/cmd/c", cwd=top, status=1).stderr


def test_words_and_platforms_of_others(local, app):
    app.program("tool").program("cmd/api")
    for word in ("tool", "cmd/api"):
        assert f"did you mean ./{word}?" in local("build", *QUIET, word, cwd=app, status=1).stderr
    result = local("build", *QUIET, "--platform=wasi/wasm", "./tool", cwd=app, status=2)
    assert "wasip1/wasm" in result.stderr
    assert local("build", *QUIET, "--platform=wasip1/wasm", "./tool", cwd=app).lines
    result = local("build", *QUIET, "--platform=linux/vax", "./tool", cwd=app, status=1)
    assert "go tool dist list" in result.stderr


# --- git -----------------------------------------------------------------------------------------

STAMP = "defaultLdflags: ['-X main.version={{.Git.ShortCommit}}{{.Git.IsDirty}}']\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_repository_of_somebody_else(local, app):
    app.settings(STAMP).git()
    subprocess.run(["chown", "-R", "12345", app.folder], check=True)
    cure = f"git config --global --add safe.directory {app.folder}"
    for env in ({}, {"GOFLAGS": "-buildvcs=false"}):
        result = local("build", *QUIET, "./cmd/tool", cwd=app, env=env, status=1)
        assert "dubious ownership" in result.stderr and cure in result.stderr, result
    app.settings("")
    result = local("build", *QUIET, "./cmd/tool", cwd=app, status=1)  # go alone asks
    assert "dubious ownership" in result.stderr and cure in result.stderr, result
    found = json.loads(local("doctor", "--json", cwd=app, status=1,
                             env={"KO_DEFAULTBASEIMAGE": "scratch"}).stdout)["findings"]
    assert any(f["check"] == "git" and f["state"] == "broken" and cure == f.get("hint") for f in found)


def test_git_is_asked_in_english(local, app, tmp_path):
    """The cure for a repository of somebody else hangs on git's words."""
    app.settings(STAMP).git()
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin/git"
    wrapper.write_text(f'#!/bin/sh\necho "$LC_ALL" >> {tmp_path}/asked\nexec {needed("git")} "$@"\n')
    wrapper.chmod(0o755)
    env = {"PATH": f"{wrapper.parent}:{os.environ['PATH']}", "LC_ALL": "de_DE.UTF-8", "GOFLAGS": "-buildvcs=false"}
    local("build", *QUIET, "./cmd/tool", cwd=app, env=env)
    assert set((tmp_path / "asked").read_text().split()) == {"C"}


def test_no_repository_and_no_commit_are_warnings(local, app):
    app.settings(STAMP)
    result = local("build", *QUIET, "./cmd/tool", cwd=app)
    assert result.stderr.count("is not in a git repository") == 1
    subprocess.run(["git", "init", "-q"], cwd=app, check=True)
    env = {"GOFLAGS": "-buildvcs=false"}
    assert "has no commit yet" in local("build", *QUIET, "./cmd/tool", cwd=app, env=env).stderr


def test_git_runs_nothing_of_the_repository(local, app, tmp_path):
    app.settings(STAMP).git()
    program = tmp_path / "monitor"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", program], cwd=app, check=True)
    for _ in range(3):
        local("build", *QUIET, "./cmd/tool", cwd=app)
    assert not (tmp_path / "ran").exists()


# --- kodata ----------------------------------------------------------------------------------------


def packed(koc, app, tmp_path):
    archive = tmp_path / "image.tar"
    koc("build", *QUIET, f"--tarball={archive}", "./cmd/tool", cwd=app)
    found = {}
    with tarfile.open(archive) as image:
        for layer in json.load(image.extractfile("manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=image.extractfile(layer)) as files:
                for entry in files:
                    if entry.isfile() and "/var/run/ko/" in "/" + entry.name:
                        name = entry.name.split("var/run/ko/")[1]
                        found[name] = files.extractfile(entry).read()
    return found


def test_kodata_links_to_git_in_a_work_tree(local, app, tmp_path):
    data = app / "cmd/tool/kodata"
    data.mkdir()
    os.symlink("../../../.git/HEAD", data / "HEAD")
    os.symlink("../../../.git/refs", data / "refs")
    app.git()
    assert packed(local, app, tmp_path)["HEAD"] == b"ref: refs/heads/main\n"
    tree = tmp_path / "tree"
    subprocess.run(["git", "worktree", "add", "-q", "-b", "other", tree], cwd=app, check=True)
    assert (tree / ".git").is_file()
    found = packed(local, tree, tmp_path)
    assert found["HEAD"] == b"ref: refs/heads/other\n"
    assert set(found) == {"HEAD", "refs/heads/main", "refs/heads/other"}


def test_kodata_takes_no_settings_of_git(local, app):
    data = app / "cmd/tool/kodata"
    data.mkdir()
    os.symlink("../../../.git", data / "git")
    app.git()
    with open(app / ".git/config", "a") as config:
        config.write('[http "https://example.test/"]\n\textraheader = AUTHORIZATION: basic s3cret\n')
    result = local("build", *QUIET, "./cmd/tool", cwd=app, status=1)
    assert "is .git/config" in result.stderr and "s3cret" not in result.stderr
    assert "link the files that the program reads" in result.stderr
