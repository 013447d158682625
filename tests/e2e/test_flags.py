"""Flags whose effect only a server, a terminal or another process shows; flags.txt has the tests of all others."""

import signal
import socket

import pytest
from runner import wait_until


def test_color_is_always_or_never(bare_koc):
    for args, env, colored in [
        (["--color=always"], {}, True),
        (["--color=never"], {"CLICOLOR_FORCE": "1"}, False),
        (["--color=auto"], {"CLICOLOR_FORCE": "1"}, True),
        (["--color=auto"], {"CLICOLOR_FORCE": "0"}, False),
        (["--color=auto"], {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        (["--color=always"], {"NO_COLOR": "1"}, True),
        ([], {}, False),  # a pipe
    ]:
        result = bare_koc("digest", *args, "oci:nowhere", env=env, status=1)
        assert ("\x1b[" in result.stderr) == colored, (args, env, result.stderr)


@pytest.mark.parametrize("command", ["build", "ls"])
def test_an_insecure_registry_needs_the_flag(bare_koc, tls_registry, app, command):
    words = {"ls": ["ls", tls_registry.host], "build": ["build", "--base-image=scratch", "--sbom=none", "./cmd/tool"]}[command]
    env = {"KO_DOCKER_REPO": f"{tls_registry.host}/insecure"}
    refused = bare_koc(*words, cwd=app, env=env, status=1)
    assert "certificate" in refused.errors[0]
    assert bare_koc(*words, "--insecure-registry", cwd=app, env=env).stdout or command == "ls"


@pytest.mark.parametrize("command", ["build", "digest"])
def test_a_silent_registry_is_given_up_after_the_timeout(bare_koc, app, command):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        ref = f"127.0.0.1:{server.getsockname()[1]}/x:1"
        words = ["digest", ref] if command == "digest" else ["build", f"--base-image={ref}", "--push=false", "./cmd/tool"]
        result = bare_koc(*words, "--registry-timeout=1", cwd=app, status=1, timeout=60)
        assert "no answer within 1 s" in result.errors[0]


def test_serve_is_remote_if_it_is_allowed(bare_koc, tmp_path):
    """At an address that no machine has: nothing listens where others could reach it."""
    words = ["serve", "--address=192.0.2.1:0", tmp_path / "l"]
    assert "other hosts can reach" in bare_koc(*words, status=1).errors[0]
    assert "Cannot assign requested address" in bare_koc(*words, "--allow-remote", status=1).errors[0]


def test_jobs_are_as_many_as_named(bare_koc, app, tmp_path):
    """Two builds that each wait for the other end with two jobs; with one job the second never begins."""
    go = tmp_path / "counting-go"
    go.write_text(
        '#!/bin/sh\n[ "$1" = build ] || exec go "$@"\n'
        f"echo x >> {tmp_path}/begun\n"
        f"while [ ! -e {tmp_path}/go-on ]; do sleep 0.05; done\nexit 1\n"
    )
    go.chmod(0o755)
    begun = tmp_path / "begun"

    def start(jobs):
        begun.unlink(missing_ok=True)
        words = ["build", "--base-image=scratch", "--platform=linux/amd64,linux/arm64", f"--jobs={jobs}", "./cmd/tool"]
        return bare_koc.start(*words, cwd=app, env={"KO_GO_PATH": go})

    def count():
        return len(begun.read_text().split()) if begun.exists() else 0

    process = start(2)
    wait_until(lambda: count() == 2, 60, "the start of the second go")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    process = start(1)
    wait_until(lambda: count() == 1, 60, "the start of the first go")
    (tmp_path / "go-on").touch()
    process.communicate(timeout=60)
    assert process.returncode == 1 and count() == 1, "after the first failure no other go begins"
