"""Fixtures for tests against container engines; conftest.py takes them over."""

import os
import re

import engines
import goapps
import pytest

PROGRAM = """
    package main

    import (
        "fmt"
        "io"
        "os"
        "time"
    )

    func main() {
        fmt.Println("VERSION", os.Args[1:])
        if len(os.Args) < 2 {
            return
        }
        switch os.Args[1] {
        case "cat":
            io.Copy(os.Stdout, os.Stdin)
        case "fail":
            os.Exit(7)
        case "wait":
            time.Sleep(time.Minute)
        }
    }
"""
DATA = 3_000_000


def session_engine(make):
    try:
        engine = make()
    except engines.Missing as missing:
        pytest.skip(str(missing))
    return engine


@pytest.fixture(scope="session")
def dockerd(go_env, pki):
    engine = session_engine(lambda: engines.Dockerd(pki=pki))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def podman_service(go_env):
    engine = session_engine(engines.Podman)
    yield engine
    engine.close()


@pytest.fixture
def tap(request):
    """Makes taps that are closed at the end."""
    made = []

    def make(engine, **options):
        made.append(engines.Tap(engine, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def scripted():
    made = []

    def make(**options):
        made.append(engines.Scripted(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def program(tmp_path, go_env):
    """A program in ./cmd/x with 3 MB of data; its name differs from test to test, so that no image of
    one test is another's."""
    app = goapps.GoApp(tmp_path / "program").module(f"example.test/{tmp_path.name.lower()}")
    app.program("cmd/x", PROGRAM)
    data = app / "cmd/x/kodata/data"
    data.parent.mkdir()
    data.write_bytes(os.urandom(DATA))
    return app


def change(app, version):
    source = app / "cmd/x/main.go"
    source.write_text(re.sub(r'Println\("\w+"', f'Println("{version}"', source.read_text()))


@pytest.fixture(scope="session")
def containerd(go_env):
    engine = session_engine(engines.Containerd)
    yield engine
    engine.close()


@pytest.fixture
def build_local(bare_koc, program):
    """build_local(address, *args) runs koc build --local without a base."""

    def run(address, *args, **options):
        env = {"DOCKER_HOST": address, **options.pop("env", {})}
        words = ["build", "--local", "--base-image=scratch", *args, "./cmd/x"]
        return bare_koc(*words, cwd=program, env=env, **options)

    return run
