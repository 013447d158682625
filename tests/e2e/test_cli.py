"""The command line as a person and a script meet it: streams, help, --json, -q, flags."""

import json
import re

import pytest

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture
def scratch(bare_koc, app):
    """koc build into the user's own layout, on scratch: nothing else is needed."""

    def run(*args, **options):
        return bare_koc("build", "--base-image=scratch", *args, cwd=app, **options)

    return run


def test_koc_alone_is_help(bare_koc):
    result = bare_koc()
    assert "usage: koc COMMAND" in result.stdout and re.search(r"^  build  +build Go packages", result.stdout, re.M)
    assert len(result.lines) <= 60 and max(map(len, result.lines)) <= 80
    assert bare_koc("help").stdout == result.stdout == bare_koc("--help").stdout


@pytest.mark.parametrize(
    "args", [["build", "-h"], ["build", "--help"], ["help", "build"]], ids=" ".join
)
def test_help_of_build(bare_koc, args):
    text = bare_koc(*args).stdout
    for flag in (
        "--platform",
        "--base-image",
        "--tags",
        "--bare",
        "--sbom",
        "--push",
        "--tarball",
        "--oci-layout-path",
        "--image-refs",
        "--compat",
        "--compression",
        "--json",
        "--jobs",
    ):
        assert flag in text, flag
    assert max(map(len, text.splitlines())) <= 80


def test_version(bare_koc):
    result = bare_koc("version")
    assert re.fullmatch(r"koc \d+\.\d+\.\d+\S*", result.ref) and result.stderr == ""
    document = json.loads(bare_koc("version", "--json").stdout)
    assert document["version"] in result.ref


def test_stdout_is_the_reference_and_nothing_else(scratch):
    result = scratch("./cmd/tool")
    assert re.fullmatch(r"oci:\S+@sha256:[0-9a-f]{64}\n", result.stdout)


def test_a_pipe_gets_plain_lines(scratch):
    stderr = scratch("./cmd/tool").stderr
    assert re.search(r"^ +Built tool linux/\w+ +\d+\.\ds$", stderr, re.M) and "Wrote 1 image" in stderr
    assert not CONTROL.search(stderr)


def test_quiet_says_nothing(scratch):
    loud, quiet = scratch("./cmd/tool"), scratch("-q", "./cmd/tool")
    assert loud.stderr != "" and quiet.stderr == ""
    assert quiet.ref == loud.ref


def test_verbose_says_more(scratch):
    """-v adds the decisions: what came from the cache, for example."""
    scratch("./cmd/tool")
    plain = scratch("./cmd/tool").stderr
    assert len(scratch("-v", "./cmd/tool").stderr) > len(plain)


def test_json_is_one_document(scratch):
    document = json.loads(scratch("--json", "./cmd/tool", "./cmd/app").stdout)
    text = json.dumps(document)
    assert len(re.findall(r'"oci:[^"]*@sha256:[0-9a-f]{64}"', text)) == 2


def test_order_of_the_arguments_is_kept(koc, bases, app):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    for args in (["./cmd/app", "./cmd/tool"], ["./cmd/tool", "./cmd/app"]):
        names = [
            line.split("@")[0].rsplit("/", 1)[1]
            for line in koc("build", "-B", *args, cwd=app, env=env).lines
        ]
        assert names == [arg.rsplit("/", 1)[1] for arg in args]


def test_same_path_twice_is_printed_once(koc, bases, app):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    result = koc(
        "build", "./cmd/tool", "example.test/app/cmd/tool", "./cmd/tool/", cwd=app, env=env
    )
    assert len(result.lines) == 1


def test_flags_stand_anywhere(scratch):
    one = scratch("--platform", "linux/arm64", "./cmd/tool").ref
    assert scratch("./cmd/tool", "--platform=linux/arm64").ref == one
    assert scratch("--platform=linux/arm64", "--", "./cmd/tool").ref == one


def test_no_argument_means_here(bare_koc, app):
    result = bare_koc("build", "--base-image=scratch", cwd=app / "cmd/tool")
    assert result.ref == bare_koc("build", "--base-image=scratch", "./cmd/tool", cwd=app).ref


def test_publish_is_build(bare_koc, app):
    args = ["--base-image=scratch", "./cmd/tool"]
    assert bare_koc("publish", *args, cwd=app).ref == bare_koc("build", *args, cwd=app).ref


def test_compat_by_variable(bare_koc, app):
    args = ["build", "--base-image=scratch", "./cmd/tool"]
    plain = bare_koc(*args, cwd=app).ref
    compat = bare_koc(*args, cwd=app, env={"KOC_COMPAT": "ko"}).ref
    assert compat == bare_koc(*args, "--compat=ko", cwd=app).ref != plain


def test_unknown_keys_of_settings(scratch, app):
    app.settings("frobnicate: 1\nbuilds:\n  - main: ./cmd/app\n    hooks: {pre: x}\n")
    stderr = scratch("./cmd/tool").stderr
    assert stderr.count("warning: ") == 1 and "frobnicate" in stderr and "hooks" not in stderr


def test_ko_flags_of_others_are_ignored(scratch):
    """KO_FLAGS belongs to another project; ko holds that it is not read."""
    assert scratch("./cmd/tool", env={"KO_FLAGS": "--nonsense"}).ref


def test_push_false_needs_no_registry(bare_koc, app):
    result = bare_koc(
        "build",
        "--base-image=scratch",
        "--push=false",
        "./cmd/tool",
        cwd=app,
        env={"KO_DOCKER_REPO": "registry.invalid/x"},
    )
    assert result.ref.startswith("registry.invalid/x/tool-") and ":latest@sha256:" in result.ref


def test_progress_as_json_lines(scratch):
    events = [json.loads(line) for line in scratch("--progress=json", "./cmd/tool").stderr.splitlines()]
    states = {(e["kind"], e["what"], e["state"]) for e in events}
    assert ("image", "tool", "started") in states and ("image", "tool", "finished") in states
    assert [e["time"] for e in events] == sorted(e["time"] for e in events)
