"""libkoc in another program: installed, found by pkg-config, linked, and doing the whole job."""

import os
import pathlib
import re
import subprocess
import time
import urllib.request

import oci
import pytest
from ports import free_port
from runner import Tool, stop

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def program(consumer, home):
    """Compiles an example and gives a Tool that runs it with the installed library."""

    def make(name, *libraries):
        path = consumer.compile(ROOT / "examples/c" / name, *libraries)
        return Tool(path, home, LD_LIBRARY_PATH=consumer.library)

    return make


@pytest.fixture
def server(hello, home):
    subprocess.run(
        ["go", "build", "-o", "server", "."], cwd=hello, check=True, env=home.env(CGO_ENABLED="0")
    )
    return hello / "server"


def test_push_program_makes_an_image_that_runs(program, registry, bases, server, podman):
    repository = f"{registry.host}/embed/server"
    ref = program("push.c")(bases["oci"], f"{repository}:dev", server).ref
    assert ref.startswith(f"{repository}@sha256:")
    assert "dev" in registry.tags("embed/server")
    image = oci.from_registry(registry, ref)
    assert image.files(1)["app/server"] == server.read_bytes()
    assert image.config["config"]["Entrypoint"] == ["/app/server"]
    podman("pull", "-q", "--tls-verify=false", ref)
    port = free_port()
    container = podman.start(
        "run",
        "--rm",
        "--network=host",
        "-e",
        f"PORT={port}",
        "--ulimit",
        "nofile=1024:1024",
        "--ulimit",
        "nproc=1024:1024",
        ref,
    )
    try:
        for _ in range(300):
            try:
                assert b"Hello" in urllib.request.urlopen(f"http://127.0.0.1:{port}/hello").read()
                return
            except OSError:
                assert container.poll() is None, container.communicate()
                time.sleep(0.1)
        raise AssertionError("the container did not answer")
    finally:
        stop(container)


def test_push_program_reports_an_error(program, registry, server):
    result = program("push.c")(
        f"{registry.host}/embed/none:1", f"{registry.host}/embed/x:1", server, status=1
    )
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1
    assert f"{registry.host}/embed/none:1" in result.stderr


def test_build_program_gives_the_digest_of_the_command(program, koc, bases, app):
    env = {"KO_DEFAULTBASEIMAGE": bases["index"], "KO_DOCKER_REPO": koc.extra["KO_DOCKER_REPO"]}
    ref = program("build.c")("./cmd/app", cwd=app, env=env).ref
    assert ref == koc("build", "./cmd/app", cwd=app, env=env).ref


def test_the_shared_library_needs_no_other_package(consumer, tmp_path):
    """Its .pc file works where no -dev package of the libraries below is installed."""
    (pc,) = consumer.root.rglob("libkoc.pc")
    (tmp_path / "libkoc.pc").write_text(pc.read_text())
    command = ["pkg-config", "--cflags", "--libs", "libkoc"]
    env = {"PATH": os.environ["PATH"], "PKG_CONFIG_LIBDIR": str(tmp_path)}
    shown = subprocess.run(command, capture_output=True, text=True, env=env)
    assert shown.returncode == 0 and "-lkoc" in shown.stdout, shown.stderr


def test_the_name_of_the_library_changes_with_what_may_break(consumer):
    shown = subprocess.run(
        ["readelf", "-d", consumer.library / "libkoc.so"], capture_output=True, text=True
    ).stdout
    (version,) = re.findall(r"version: '(\d+)\.(\d+)\.", (ROOT / "meson.build").read_text())
    wanted = f"0.{version[1]}" if version[0] == "0" else version[0]
    assert f"[libkoc.so.{wanted}]" in shown


def test_static_library(consumer, program):
    """libkoc.a with the system's shared packages: those that its .pc file requires, no others."""
    tool = program("push.c", *consumer.pkg_config("--libs", package="libkoc-static"))
    assert "usage" in tool(status=2).stderr
    needed = subprocess.run(["readelf", "-d", tool.path], capture_output=True, text=True).stdout
    assert "libkoc" not in needed
