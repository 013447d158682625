"""--debug: an image that starts under Delve, and a debugger that attaches to it."""

import re
import subprocess

import oci
import pytest
from runner import stop
from test_build_basic import LIMITS, build

UNDER_DELVE = [
    "/ko-app/dlv",
    "exec",
    "--listen=:40000",
    "--headless",
    "--log",
    "--accept-multiclient",
    "--api-version=2",
    "--",
]


def test_image_under_delve(koc, registry, bases, app, tmp_path):
    image = oci.from_registry(registry, build(koc, app, bases, "--debug", "./cmd/app").ref)
    plain = oci.from_registry(registry, build(koc, app, bases, "./cmd/app").ref)
    assert image.config["config"]["Entrypoint"] == [*UNDER_DELVE, "/ko-app/app"]
    assert image.config["config"]["Env"] == plain.config["config"]["Env"]
    assert len(image.manifest["layers"]) == len(plain.manifest["layers"]) + 1
    assert image.config["history"][-1]["comment"] == "Delve debugger, at /ko-app/dlv"
    (program,) = [e for e in image.entries(3) if e.isfile()]
    assert (program.name, program.mode, program.mtime) == ("/ko-app/dlv", 0o555, 0)
    app_file = tmp_path / "program"
    app_file.write_bytes(image.files(2)["/ko-app/app"])
    said = subprocess.run(["go", "version", "-m", app_file], capture_output=True, text=True).stdout
    assert '-gcflags="all=-N -l"' in said or "-gcflags=all=-N -l" in said, said


def test_a_debugger_attaches(koc, podman, bases, hello, tmp_path):
    """In a network of the container's own, since the debugger's port may be in use on the host."""
    ref = build(koc, hello, bases, "--debug", ".", base="oci").ref
    podman("pull", "-q", "--tls-verify=false", ref)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    (shared / "script").write_text("break main.main\ncontinue\nstack\nquit -c\n")
    server = podman.start(
        "run",
        *LIMITS,
        "--network=none",
        "--name=debugged",
        "--cap-add=SYS_PTRACE",
        f"--volume={shared}:/shared:ro",
        ref,
    )
    try:
        lines = iter(server.stdout.readline, "")
        assert any("API server listening" in line for line in lines), server.communicate()
        attach = ["exec", "--env=TERM=dumb", "debugged", "/ko-app/dlv", "connect", "127.0.0.1:40000", "--init=/shared/script"]
        shown = podman(*attach, status=None).stdout  # quit asks a question, and there is no terminal
        assert re.search(r"Breakpoint 1 set at 0x[0-9a-f]+ for main\.main\(\)", shown), shown
        assert re.search(r"> \[Breakpoint 1\] main\.main\(\)", shown), shown
        assert re.search(r"0 +0x[0-9a-f]+ in main\.main", shown), shown
    finally:
        stop(server)


def test_delve_is_built_once_for_a_platform(koc, bases, app):
    first = build(koc, app, bases, "--debug", "./cmd/app", "./cmd/tool")
    assert first.stderr.count("Built delve linux/amd64") == 1
    again = build(koc, app, bases, "--debug", "--offline", "--push=false", "./cmd/app")
    assert "delve" not in again.stderr


def test_platforms_that_delve_lacks(bare_koc, app):
    result = bare_koc(
        "build",
        "--debug",
        "--base-image=scratch",
        "--platform=linux/s390x",
        "./cmd/tool",
        "./cmd/app",
        cwd=app,
    )
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1 and "linux/s390x" in warnings[0]


def test_a_version_that_does_not_exist(bare_koc, app):
    def refused(version, status):
        result = bare_koc(
            "build",
            "--debug",
            f"--delve-version={version}",
            "--base-image=scratch",
            "./cmd/tool",
            cwd=app,
            status=status,
        )
        assert len(result.errors) == 1 and version in result.errors[0] and result.stdout == ""
        return result

    assert "hint: go list -m -versions" in refused("v1.2.999", 1).stderr
    refused("v9.9.9", 1)
    refused("latest", 2)
    assert "without --debug" in bare_koc(
        "build", "--delve-version=v1.27.2", ".", cwd=app, status=2
    ).stderr


def test_an_entry_of_the_cache_that_was_cut_off(koc, home, bases, app):
    ref = build(koc, app, bases, "--debug", "./cmd/app").ref
    (program,) = home.cache.rglob("files/delve/*/dlv")
    with open(program, "r+b") as file:
        file.truncate(1000)
    for layer in list(home.cache.rglob("records/layer/*")):
        layer.unlink()
    assert build(koc, app, bases, "--debug", "./cmd/app").ref == ref
