"""Hints about Go programs, followed as in test_hints.py: packages, settings, kodata, platforms, Delve."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tarfile
import zipfile

import pytest
from hints import flag_of, hint_of, hints_of, variable_of
from runner import needed

QUIET = ("build", "--push=false", "--base-image=scratch")


@pytest.fixture
def build(bare_koc, app):
    """koc build without a push, of ./cmd/tool unless a test names another package."""

    def run(*args, package="./cmd/tool", env=None, status=0):
        return bare_koc(*QUIET, *args, package, cwd=app, env=env, status=status)

    return run


# --- packages ---


def test_a_file_in_the_place_of_a_package(build):
    hint = hint_of(build(package="./cmd/tool/main.go", status=1))
    assert build(package=re.fullmatch(r"name its directory: (\S+)", hint)[1]).ref


def test_a_word_that_is_a_set_of_packages(build):
    hint = hint_of(build(package="all", status=1))
    example = re.search(r"by its path \((\S+)\) or its import path", hint)[1]
    assert build(package=example).ref  # ./cmd/app, which the module has
    assert build(package="example.test/app/cmd/app").ref


def module_proxy(folder, name, version, files):
    """GOPROXY of one module, in a directory."""
    place = folder / name / "@v"
    place.mkdir(parents=True)
    (place / "list").write_text(f"{version}\n")
    (place / f"{version}.info").write_text(json.dumps({"Version": version, "Time": "2024-01-02T03:04:05Z"}))
    (place / f"{version}.mod").write_text(files["go.mod"])
    with zipfile.ZipFile(place / f"{version}.zip", "w") as archive:
        for path, text in files.items():
            archive.writestr(f"{name}@{version}/{path}", text)
    return folder.as_uri()


def test_a_package_with_a_version(build, app, home, tmp_path):
    name = "example.test/tools"
    files = {"go.mod": f"module {name}\n\ngo 1.19\n", "run/main.go": "package main\n\nfunc main() {}\n"}
    env = {"GOPROXY": module_proxy(tmp_path / "proxy", name, "v1.2.3", files), "GOSUMDB": "off",
           "GOMODCACHE": tmp_path / "modules", "GOFLAGS": "-modcacherw"}
    hint = hint_of(build(package=f"{name}/run@v1.2.3", env=env, status=1))
    command, = re.findall(r"`(go get \S+)`, then name it without the version", hint)
    subprocess.run(command.split(), cwd=app, env=home.env(**env), check=True, capture_output=True)
    assert build(package=f"{name}/run", env=env).ref


def test_a_package_that_needs_cgo(build, app):
    needed("gcc")
    app.program("cmd/c", 'package main\n\nimport "C"\n\nfunc main() {}\n')
    hint = hint_of(build(package="./cmd/c", status=1))
    assert build(package="./cmd/c", env=variable_of(hint, "CGO_ENABLED")).ref


def test_a_dependency_that_needs_cgo(build, app):
    """go's own message names build constraints; the variable may stand in the entry of the package."""
    needed("gcc")
    app.write("pkg/c/c.go", 'package c\n\nimport "C"\n\nconst Name = "c"\n')
    app.program("cmd/d", 'package main\n\nimport "example.test/app/pkg/c"\n\nfunc main() { println(c.Name) }\n')
    result = build(package="./cmd/d", status=1)
    env = variable_of(hints_of(result)[0], "CGO_ENABLED")
    assert build(package="./cmd/d", env=env).ref
    app.settings(f"builds:\n- main: ./cmd/d\n  env: [CGO_ENABLED={env['CGO_ENABLED']}]\n")
    assert build(package="./cmd/d").ref


# --- settings ---


@pytest.mark.parametrize("key, wrong", [("main", "./cmd/tol"), ("dir", "./pk"), ("dir", "cm")])
def test_a_directory_with_a_slip_in_its_name(build, app, key, wrong):
    app.settings(f"builds:\n- id: x\n  {key}: {wrong}\n")
    said = build(package="./cmd/app").stderr
    meant = re.search(r"\(did you mean (\S+)\?\)", said)
    assert meant, said
    app.settings(f"builds:\n- id: x\n  {key}: {meant[1]}\n")
    assert "no such directory" not in build(package="./cmd/app").stderr


def test_a_module_of_its_own(build, app):
    app.module("example.test/other", "other").program("other")
    app.settings("builds:\n- id: other\n  main: ./other\n")
    said = build().stderr
    found = re.search(r"\((\S+) is in a module of its own: name the directory of that in dir\)", said)
    assert found, said
    app.settings(f"builds:\n- id: other\n  dir: {found[1]}\n")
    assert "warning" not in build(package="example.test/other").stderr


def test_an_entry_that_cannot_be_loaded(build, app):
    """The package is that of the entry, whose directory has a slip."""
    app.module("example.test/other", "other").program("other")
    app.settings("builds:\n- id: other\n  dir: ./othr\n")
    hint = hints_of(build(package="example.test/other", status=1))[0]
    line, column = re.search(r"this entry cannot be loaded: \.ko\.yaml:(\d+):(\d+): ", hint).groups()
    lines = (app / ".ko.yaml").read_text().splitlines()
    assert lines[int(line) - 1][int(column) - 1 :] == "./othr"
    lines[int(line) - 1] = lines[int(line) - 1].replace("./othr", "./other")
    app.settings("\n".join(lines) + "\n")
    assert build(package="example.test/other").ref


def test_a_field_that_templates_do_not_have(build, app):
    app.git()
    app.settings("defaultLdflags: ['-X main.version={{.Git.ShrtCommit}}']\n")
    hint = hint_of(build(status=1))
    names = re.fullmatch(r"there are (.*)", hint)[1].split(", ")
    assert ".ShortCommit" in names
    app.settings("defaultLdflags: ['-X main.version={{.Git.ShortCommit}}']\n")
    assert build().ref


# --- git ---


STAMP = "defaultLdflags: ['-X main.version={{.Git.ShortCommit}}']\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("settings", [STAMP, ""], ids=["koc asks git", "go asks git"])
def test_a_repository_of_another_user(build, app, home, tmp_path, settings):
    app.settings(settings).git()
    subprocess.run(["chown", "-R", "12345", app.folder], check=True)
    env = {"GIT_CONFIG_GLOBAL": tmp_path / "gitconfig"}
    hint = hints_of(build(env=env, status=1))[0]
    command = re.match(r"git config --global --add safe\.directory [^\s:]+", hint)
    assert command, hint
    subprocess.run(shlex.split(command[0]), env=home.env(**env), check=True)
    assert build(env=env).ref


def test_no_git(build, app, tmp_path):
    app.settings(STAMP).git()
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    for tool in ("go", "sh", "env"):
        (bin_directory / tool).symlink_to(needed(tool))
    env = {"PATH": bin_directory, "GOFLAGS": "-buildvcs=false"}
    tool = re.fullmatch(r"install (\w+)", hint_of(build(env=env, status=1)))[1]
    (bin_directory / tool).symlink_to(needed(tool))
    assert build(env=env).ref


# --- kodata ---


def names_in(archive):
    with tarfile.open(archive) as image:
        layers = json.load(image.extractfile("manifest.json"))[0]["Layers"]
        return {name for layer in layers
                for name in tarfile.open(fileobj=image.extractfile(layer)).getnames()}


def test_kodata_with_all_of_git(build, app, tmp_path):
    data = app / "cmd/tool/kodata"
    data.mkdir()
    (data / "git").symlink_to("../../../.git")
    app.git()
    hint = hint_of(build(status=1))
    files = re.search(r"such as (\S+) and (\S+),", hint).groups()
    (data / "git").unlink()
    for file in files:
        (data / pathlib.Path(file).name).symlink_to(f"../../../{file}")
    build(f"--tarball={tmp_path}/image.tar")
    names = " ".join(names_in(tmp_path / "image.tar"))
    assert "ko/HEAD" in names and "ko/refs/heads/main" in names and "config" not in names


@pytest.mark.parametrize("how", ["below", "variable"])
def test_kodata_with_a_link_outside(build, app, tmp_path, how):
    data = app / "cmd/tool/kodata"
    data.mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/file").write_text("x")
    (data / "file").symlink_to(tmp_path / "shared/file")
    hint = hint_of(build(status=1))
    below, name = re.search(r"below (\S+); to allow more, set (\w+) to a directory that contains kodata", hint).groups()
    if how == "variable":
        assert build(env={name: os.path.commonpath([data, tmp_path / "shared/file"])}).ref
        return
    shutil.copy(tmp_path / "shared/file", pathlib.Path(below) / "inside")
    (data / "file").unlink()
    (data / "file").symlink_to(pathlib.Path(below) / "inside")
    assert build().ref


# --- platforms ---


def test_the_name_that_container_tools_give_to_wasi(build):
    result = build("--platform=wasi/wasm", status=None)
    name = re.fullmatch(r"Go's name for it is (\S+)", hint_of(result))[1]
    assert build(f"--platform={name}").ref


def test_a_platform_that_go_does_not_have(build, home):
    result = build("--platform=linux/vax", status=1)
    command = re.search(r"`(go tool dist list)`", hints_of(result)[0])[1].split()
    said = subprocess.run(command, env=home.env(), capture_output=True, text=True, check=True).stdout
    assert "linux/vax" not in said.split() and "linux/riscv64" in said.split()
    assert build("--platform=linux/riscv64").ref


@pytest.mark.parametrize("cure", ["unset", "platform"])
def test_a_variable_that_contradicts_the_platform(build, app, cure):
    app.settings("builds:\n- main: ./cmd/tool\n  env: [GOARCH=arm64]\n")
    result = build("--platform=linux/amd64", status=None)
    hint = hint_of(result)
    assert re.match(r"unset GOARCH\b", hint), hint
    if cure == "unset":
        app.settings("builds:\n- main: ./cmd/tool\n")
        assert build("--platform=linux/amd64").ref
    else:
        assert build(flag_of(hint, "platform") + "=linux/arm64").ref


# --- Delve ---


@pytest.fixture
def modules(go_env, home, tmp_path):
    """The modules that this machine has, as a proxy without a network."""
    cache = pathlib.Path(home.env()["GOMODCACHE"]) / "cache/download"
    if not (cache / "github.com/go-delve/delve/@v/list").exists():
        pytest.skip("Delve is not in the module cache: test_debug.py brings it there")
    return {"GOPROXY": cache.as_uri(), "GOSUMDB": "off", "GOFLAGS": "-mod=mod"}


def test_a_delve_that_does_not_exist(build, app, home, modules):
    result = build("--debug", "--delve-version=v1.2.999", env=modules, status=1)
    command, flag = re.match(r"(go list -m -versions \S+) lists those that (--\S+) can name", hints_of(result)[0]).groups()
    said = subprocess.run(command.split(), cwd=app, env=home.env(**modules), capture_output=True, text=True)
    assert said.returncode == 0, said
    version = said.stdout.split()[-1]
    assert build("--debug", f"{flag}={version}", env=modules).ref


def test_delve_offline(build, modules, tmp_path):
    """koc's cache has no debugger yet, and Go's module cache lacks the module."""
    env = modules | {"GOMODCACHE": tmp_path / "modules", "GOFLAGS": "-modcacherw"}
    hint = hints_of(build("--debug", "--offline", env=env, status=1))[0]
    assert re.fullmatch(r"run once without --offline", hint)
    assert build("--debug", env=env).ref
    assert build("--debug", "--offline", env=env).ref


def test_a_delve_that_does_not_compile(build, modules, tmp_path):
    """Its source is there, so no list of versions is the answer."""
    name = "github.com/go-delve/delve"
    files = {"go.mod": f"module {name}\n\ngo 1.19\n", "cmd/dlv/main.go": "package main\n\nfunc main() { broken }\n"}
    mine = module_proxy(tmp_path / "proxy", name, "v1.99.0", files)
    env = modules | {"GOPROXY": f"{mine},{modules['GOPROXY']}", "GOMODCACHE": tmp_path / "modules", "GOFLAGS": "-modcacherw"}
    version = pathlib.Path(modules["GOPROXY"].removeprefix("file://"), name, "@v/list").read_text().split()[-1]
    hint = hints_of(build("--debug", "--delve-version=v1.99.0", env=env, status=1))[0]
    flag = re.fullmatch(r"(--delve-version) names another version", hint)[1]
    assert build("--debug", f"{flag}={version}", env=env).ref
