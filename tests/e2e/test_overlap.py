"""Images go out while others are still compiled; names only once everything has succeeded.

One of several `go build`s is held up until the test lets it go on.
"""

import gzip
import json
import random
import signal
import sys

import pytest
from bases import Baker, tar_of
from oci import digest_of
from runner import ROOT, Tool, wait_until

sys.path.insert(0, str(ROOT / "tests/registry"))

from faulty import Faulty, Rule, answer, delay  # noqa: E402

GO = """#!/bin/sh
# go, whose builds of {which} wait until {folder}/go is there.
case "$GOARCH $*" in
{which})
    : > {folder}/held
    while [ ! -e {folder}/go ]; do sleep 0.05; done
    [ ! -e {folder}/fail ] || exit 1 ;;
esac
exec go "$@"
"""


class HeldBuild:
    """A `go build` that waits."""

    def __init__(self, folder, which):
        self.folder = folder
        folder.mkdir()
        self.go = folder / "held-go"
        self.go.write_text(GO.format(which=which, folder=folder))
        self.go.chmod(0o755)

    @property
    def env(self):
        return {"KO_GO_PATH": self.go}

    def is_held(self):
        return (self.folder / "held").exists()

    def let_go(self, fail=False):
        if fail:
            (self.folder / "fail").touch()
        (self.folder / "go").touch()


@pytest.fixture
def held(tmp_path):
    made = []

    def hold(which):
        made.append(HeldBuild(tmp_path / f"held-{len(made)}", which))
        return made[-1]

    yield hold
    for link in made:
        link.let_go()


class Place:
    """Repositories of one test: what others sent is not there."""

    def __init__(self, registry, name):
        self.registry, self.name, self.mark = registry, name, registry.mark()

    def repositories(self):
        return [r for r in self.registry.repositories() if r.startswith(self.name)]

    def tags(self):
        return [tag for r in self.repositories() for tag in self.registry.tags(r)]

    def sent(self, what, program="", method="PUT"):
        """What was taken: blobs, manifests; by POST: blobs that were mounted."""
        return [r for r in self.registry.since(self.mark)
                if r.method == method and r.status == 201 and f"/{self.name}/{program}" in r.path and what in r.path]


@pytest.fixture
def place(registry, request):
    return Place(registry, request.node.name.replace("_", "-"))


@pytest.fixture
def start(koc_path, home, bases, app, place):
    """koc build in the background; ended with the test."""
    running = []
    # An environment of its own: a `go build` of its own.
    app.settings("builds: [{id: tool, main: ./cmd/tool, env: [APART=1]}]\n")

    def go(*args, host=place.registry.host, env=None):
        tool = Tool(koc_path, home, KO_DOCKER_REPO=f"{host}/{place.name}", KO_DEFAULTBASEIMAGE=bases["oci"])
        running.append(tool.start("build", "-j2", *args, cwd=app, env=env))
        return running[-1]

    yield go
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


def end(process, status=0):
    out, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    return out.splitlines(), err


def test_a_finished_program_is_sent_while_others_compile(start, held, place):
    link = held("*\\ build\\ */cmd/tool")
    process = start("./cmd/tool", "./cmd/app", env=link.env)
    wait_until(lambda: place.sent("/manifests/sha256:", "app"), 60, "a manifest of app")
    wait_until(link.is_held, 60, "the link of tool")
    assert process.poll() is None and place.tags() == []
    link.let_go()
    refs, _ = end(process)
    assert [ref.split("/")[-1].split("-")[0] for ref in refs] == ["tool", "app"]
    assert sorted(place.tags())[:2] == ["latest", "latest"]
    assert all(tag.endswith(".sbom") for tag in sorted(place.tags())[2:]) and len(place.tags()) == 4


def test_what_fails_leaves_every_tag_as_it_was(start, held, place, app):
    refs, _ = end(start("--bare", "./cmd/app"))
    before = place.tags()
    source = "package main\n\nvar more = 1\n\nfunc init() { println(more) }\n"
    (app / "cmd/app/more.go").write_text(source)
    link = held("*\\ build\\ */cmd/tool")
    process = start("--bare", "./cmd/app", "./cmd/tool", env=link.env)
    wait_until(lambda: place.sent("/manifests/sha256:"), 60, "a manifest of app")
    link.let_go(fail=True)
    _, err = end(process, 1)
    assert "go build failed" in err and "cancelled" not in err
    assert place.tags() == before
    assert digest_of(place.registry.manifest(place.name, "latest")) == refs[0].split("@")[1]


def test_a_new_repository_gets_the_base_while_all_compiles(start, held, place):
    link = held("*\\ build\\ *")
    process = start("./cmd/tool", "./cmd/app", env=link.env)
    for program in ("tool", "app"):
        wait_until(lambda p=program: place.sent("/blobs/uploads/", p, "POST"), 60, f"a layer of the base for {program}")
    wait_until(link.is_held, 60, "the compile")
    assert process.poll() is None and not place.sent("/manifests/")
    link.let_go()
    end(process)


def test_platforms_are_sent_as_they_are_linked(start, held, place):
    link = held("arm64\\ build\\ *")
    platforms = "--platform=linux/amd64,linux/arm64"
    process = start(platforms, "--base-image=scratch", "--sbom=none", "./cmd/tool", env=link.env)
    wait_until(lambda: len(place.sent("/blobs/uploads/")) >= 2, 60, "layers of amd64")
    assert process.poll() is None and not place.sent("/manifests/")
    link.let_go()
    end(process)
    assert len(place.sent("/manifests/")) == 3


REFUSAL = answer(403, body=b'{"errors":[{"code":"DENIED"}]}')


@pytest.fixture
def faulty(place):
    """A proxy before the registry that can be told to refuse."""
    proxy = Faulty(place.registry.host)
    yield proxy
    proxy.close()


def test_a_faulty_push_ends_the_compile(start, held, faulty):
    link = held("*\\ build\\ */cmd/tool")

    def refuse_once_held(exchange):
        wait_until(link.is_held, 60, "a build")
        return REFUSAL(exchange)

    faulty.add(Rule("PUT|PATCH", "/blobs/uploads/", refuse_once_held))
    _, err = end(start("./cmd/app", "./cmd/tool", host=faulty.host, env=link.env), 1)
    assert link.is_held() and "cannot push" in err and "go build" not in err


def test_no_tag_where_one_push_is_faulty(start, held, place, faulty):
    link = held("*\\ build\\ */cmd/tool")
    faulty.add(Rule("PUT|PATCH", "/tool-.*/blobs/uploads/", REFUSAL))
    process = start("./cmd/app", "./cmd/tool", host=faulty.host, env=link.env)
    wait_until(lambda: place.sent("/manifests/sha256:", "app"), 60, "a manifest of app")
    link.let_go()
    _, err = end(process, 1)
    assert "cannot push" in err and place.tags() == []


class Large(Baker):
    """Bakes bases with a layer that is worth waiting for."""

    def layer(self, os, arch, n):
        plain = tar_of({"large": random.Random(n).randbytes(2_000_000)})
        data = gzip.compress(plain, 1, mtime=0)
        return {"mediaType": self.types["layer"], "size": len(data), "digest": self.blob(data)}, digest_of(plain)


def test_new_repositories_share_a_large_layer_of_the_base(start, place, faulty):
    """Both programs are there at once: what one repository gets is mounted into the other."""
    baker = Large(place.registry, f"{place.name}/base")
    baker.image("1")
    digest = json.loads(place.registry.manifest(baker.repository, "1"))["layers"][0]["digest"]
    options = [f"--base-image={baker.name('1')}", "./cmd/tool", "./cmd/app"]
    end(start("--push=false", "--sbom=none", *options))
    faulty.add(Rule("PUT", digest[7:], delay(4)))
    end(start(*options, host=faulty.host))
    assert len([r for r in faulty.requests("PUT", "/blobs/uploads/") if digest[7:] in r.path]) == 1
    assert len([r for r in place.sent("/blobs/uploads/", "", "POST") if digest[7:] in r.path]) == 1


def test_an_interrupt_while_sending(start, held, place):
    link = held("*\\ build\\ */cmd/tool")
    process = start("./cmd/app", "./cmd/tool", env=link.env)
    wait_until(lambda: place.sent("/manifests/sha256:", "app"), 60, "a manifest of app")
    process.send_signal(signal.SIGINT)
    _, err = end(process, 130)
    assert err.splitlines()[-1] == "koc: cancelled"
    assert place.tags() == []


def test_nothing_goes_out_on_a_base_that_has_moved(start, held, place, app, bases, crane):
    """What was compiled on the base of last time is made again on what it is now."""
    base = f"{place.registry.host}/{place.name}/base:1"
    crane("copy", "--insecure", bases["oci"], base)
    options = ["--bare", "--sbom=none", f"--base-image={base}"]
    end(start(*options, "./cmd/app"))
    crane("mutate", "--insecure", base, "-t", base, "--label", "moved=1")
    place.mark = place.registry.mark()
    source = "package main\n\nvar more = 1\n\nfunc init() { println(more) }\n"
    (app / "cmd/app/more.go").write_text(source)
    link = held("*\\ build\\ */cmd/tool")
    process = start(*options, "./cmd/app", "./cmd/tool", env=link.env)
    wait_until(link.is_held, 60, "a build")
    link.let_go()
    end(process)
    for request in place.sent("/manifests/"):
        manifest = json.loads(place.registry.manifest(place.name, request.path.rpartition("/")[2]))
        config = json.loads(place.registry.blob(place.name, manifest["config"]["digest"]))
        assert config["config"]["Labels"]["moved"] == "1"
