"""Go's own settings files: they count for the record of inputs, for flags that are refused, and for explain."""

import json
import shutil
import time

import pytest

QUIET = ("--push=false", "--base-image=scratch")


@pytest.fixture
def local(koc_path, home):
    from runner import Tool

    return Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")


def build(koc, app, *args, **options):
    out = koc("build", "--json", *QUIET, *args, "./cmd/tool", cwd=app, **options).stdout
    return json.loads(out)["results"][0]


def started(result):
    return any(image["goStarted"] for image in result["images"])


def env_file(home, text):
    path = home.home / ".config/go/env"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    ["GOFLAGS=-buildvcs=false\n", "GOFLAGS=-mod=mod\n", "GOFLAGS=-tags=special -buildvcs=false\n"],
)
def test_no_go_is_started_with_settings_in_gos_file(local, home, app, text):
    app.git()
    env_file(home, text)
    time.sleep(0.2)
    build(local, app)
    build(local, app)
    assert not started(build(local, app))
    time.sleep(0.2)
    env_file(home, text + "GOPRIVATE=example.test\n")
    assert started(build(local, app))


def test_goenv_names_the_file_and_off_means_none(local, home, app, tmp_path):
    app.git()
    named = tmp_path / "named"
    named.write_text("GOFLAGS=-buildvcs=false\n")
    time.sleep(0.2)
    for env in ({"GOENV": named}, {"GOENV": "off"}):
        build(local, app, env=env)
        build(local, app, env=env)
        assert not started(build(local, app, env=env)), env


REFUSED = "GOFLAGS has"


@pytest.mark.parametrize(
    "text",
    ["-toolexec=./run", "--toolexec=./run", "'-toolexec=./run x'", '"--toolexec=./run"', "-v -toolexec=./x"],
)
def test_toolexec_is_refused_wherever_go_finds_it(local, home, app, text):
    message = "is not allowed"
    app.write("run", "#!/bin/sh\ntouch ran\nexec \"$@\"\n")
    (app / "run").chmod(0o755)

    def refused(**options):
        result = local("build", *QUIET, "./cmd/tool", cwd=app, status=1, **options)
        assert message in result.stderr, result

    env_file(home, f"GOFLAGS={text}\n")
    refused()
    env_file(home, "")
    refused(env={"GOFLAGS": text})
    app.write("goenv", f"GOFLAGS={text}\n")
    refused(env={"GOENV": app / "goenv"})
    app.settings("defaultEnv: [GOENV=./goenv]\n")
    refused()
    app.settings(f"defaultEnv: [{json.dumps('GOFLAGS=' + text)}]\n")
    refused()
    app.settings(f"builds: [{{main: ./cmd/tool, env: [{json.dumps('GOFLAGS=' + text)}]}}]\n")
    refused()
    if not text.startswith("-v") and text[0] == "-":
        app.settings(f"defaultFlags: [{json.dumps(text)}]\n")
        refused()
    assert not (app / "ran").exists()


def test_v_says_why_go_was_started(local, home, app):
    def why():
        text = local("build", "-v", *QUIET, "./cmd/tool", cwd=app).stderr
        lines = [line for line in text.splitlines() if "go is started for" in line]
        return lines[0].split(": ", 1)[1] if lines else None

    time.sleep(0.2)
    assert "on record" in why()
    assert "the last build linked" in why()
    assert why() is None
    main = app / "cmd/tool/main.go"
    main.write_text(main.read_text() + "// more\n")
    assert why() == f"changed: {main}"
    text = local("build", "-v", *QUIET, "./cmd/tool", cwd=app, env={"CGO_ENABLED": "1"}).stderr
    assert "cgo is on" in text


def explained(koc, app, *args, **options):
    lines = koc("explain", *QUIET, *args, "./cmd/tool", cwd=app, **options).lines
    return [line.strip() for line in lines[1:]]


def test_explain_after_one_build_that_linked(local, app):
    app.git()
    time.sleep(0.2)
    build(local, app)
    assert explained(local, app) == ["nothing changed"]
    for number in range(2):  # the usual loop: edit and build
        main = app / "cmd/tool/main.go"
        main.write_text(main.read_text() + f"// {number}\n")
        told = explained(local, app)
        assert f"changed: {main}" in told
        time.sleep(0.2)
        build(local, app)
        assert explained(local, app) == ["nothing changed"]
    told = explained(local, app, env={"GOFLAGS": "-v"})
    assert told == ["changed: variable GOFLAGS"] or told == ["new: variable GOFLAGS"]


def test_explain_compares_with_the_last_build_also_when_nothing_changed(local, app):
    time.sleep(0.2)
    for tag in ("v9", "v10", "v9"):
        build(local, app, f"--tags={tag}")
        assert explained(local, app, f"--tags={tag}") == ["nothing changed"], tag
    assert set(explained(local, app, "--tags=v10")) == {"new: tag v10", "removed: tag v9"}
    for flags in ("-v", "-x", "-v"):
        env = {"GOFLAGS": flags}
        build(local, app, "--tags=v9", env=env)
        build(local, app, "--tags=v9", env=env)
        assert explained(local, app, "--tags=v9", env=env) == ["nothing changed"], flags


def test_explain_takes_manifests(local, app):
    (app / "config/sub").mkdir(parents=True)
    app.write("config/a.yaml", "image: ko://example.test/app/cmd/tool\n")
    app.write("config/sub/b.yaml", "image: ko://./cmd/app\n")
    time.sleep(0.2)
    build(local, app)
    lines = local("explain", *QUIET, "-f", "config", cwd=app).lines
    assert lines == ["example.test/app/cmd/tool linux/amd64", "  nothing changed"]
    lines = local("explain", *QUIET, "-R", "-f", "config", cwd=app).lines
    assert [line for line in lines if line[0] != " "] == [
        "example.test/app/cmd/tool linux/amd64",
        "example.test/app/cmd/app linux/amd64",
    ]
    assert "not both" in local("explain", "-f", "config", ".", cwd=app, status=2).stderr


def test_a_wrapper_around_go_may_copy_what_go_made(local, app, tmp_path):
    """A fake wrapper: it lets go write elsewhere and copies, slowly, to where the program was asked for."""
    wrapper, made = tmp_path / "go-wrapper", tmp_path / "made"
    wrapper.write_text(
        f"""#!/bin/bash
[ "$1" = build ] || exec {shutil.which("go")} "$@"
arguments=()
for a; do
    [ "$before" = -o ] && out=$a && a={made}/
    arguments+=("$a"); before=$a
    [ "$a" = -o ] || before=
done
mkdir -p {made} && {shutil.which("go")} "${{arguments[@]}}" || exit
for f in {made}/*; do
    to=$out; [ "${{out: -1}}" = / ] && to=$out${{f##*/}}
    head -c 4096 "$f" >"$to"; chmod 755 "$to"; sleep 0.3; cat "$f" >"$to"
done
rm -r {made}
"""
    )
    wrapper.chmod(0o755)
    for _ in range(2):
        out = local("build", "--force", *QUIET, "./cmd/tool", "./cmd/app", cwd=app, env={"KO_GO_PATH": wrapper})
        assert len(out.lines) == 2
