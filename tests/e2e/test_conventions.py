"""What people expect of any program: its version, full disks, closed pipes, ^C, words of other tools."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from runner import wait_until

HINT = re.compile(r"koc ([a-z]+)")


@pytest.fixture
def layout(bare_koc, app, tmp_path):
    """An OCI layout with one image of two layers."""
    folder = tmp_path / "layout"
    bare_koc("build", "--base-image=scratch", f"--oci-layout-path={folder}", "--push=false", "./cmd/tool", cwd=app)
    return folder


@pytest.fixture(scope="module")
def commands(koc_path):
    text = subprocess.run([koc_path, "help", "--format=json"], capture_output=True, check=True).stdout
    return {command["name"] for command in json.loads(text)["commands"]} | {"cp", "publish"}


# --- the version and other commands' names -------------------------------------------------------


@pytest.mark.parametrize("args", [["--version"], ["-V"], ["--version", "--json"]], ids=" ".join)
def test_version_as_a_flag(bare_koc, args):
    wanted = bare_koc("version", *args[1:])
    assert bare_koc(*args).stdout == wanted.stdout and wanted.stdout


@pytest.mark.parametrize("word", ["update", "upgrade", "frobnicate", "x", "zz"])
def test_a_word_that_is_near_nothing_suggests_nothing(bare_koc, word):
    result = bare_koc(word, status=2)
    assert result.stderr == f"koc: unknown command: {word}\nhint: koc help lists the commands\n"


@pytest.mark.parametrize(
    "word, meant",
    [
        ("biuld", "build"),
        ("psuh", "push"),
        ("pul", "pull"),
        ("Build", "build"),
        ("compl", "completion"),
        ("reslove", "resolve"),
        ("publsh", "publish"),
        ("inspct", "inspect"),
    ],
)
def test_a_slip_suggests_what_was_meant(bare_koc, word, meant):
    assert f"\nhint: did you mean koc {meant}?\n" in bare_koc(word, status=2).stderr


@pytest.mark.parametrize(
    "word, says",
    [
        ("images", "ls"),
        ("list-tags", "ls"),
        ("catalog", "ls"),
        ("rmi", "rm"),
        ("sync", "copy"),
        ("save", "pull"),
        ("load", "push"),
        ("history", "inspect"),
        ("manifest-digest", "digest"),
        ("registry", "serve"),
        ("buildx", "build"),
        ("deps", "build"),
        ("deploy", "apply"),
        ("watch", "build"),
        ("prune", "cache"),
        ("info", "doctor"),
        ("whoami", "auth"),
        ("logs", "build"),
        ("get", "apply"),
    ],
)
def test_commands_of_crane_skopeo_docker_and_kubectl(bare_koc, commands, word, says):
    for args in ([word], ["help", word]):
        result = bare_koc(*args, status=2)
        first, hint = result.stderr.splitlines()
        assert first == f"koc: unknown command: {word}" and hint.startswith("hint: ")
        named = HINT.findall(hint)
        assert says in named and set(named) <= commands, hint


def test_help_of_create_is_about_create(bare_koc, commands):
    """And of each command: the flags that its text names are flags that it takes."""
    text = bare_koc("help", "create").stdout
    assert "kubectl create -f -" in text and "kubectl apply" not in text
    tables = {c["name"]: c for c in json.loads(bare_koc("help", "--format=json").stdout)["commands"]}
    for name in ("create", "apply", "resolve", "run", "build"):
        taken = {flag["name"] for flag in tables[name]["flags"]}
        text = bare_koc("help", name).stdout.split("--help", 1)[1]
        for flag in set(re.findall(r"--([a-z][a-z-]+)", text)):
            assert flag in taken, f"koc help {name} names --{flag}"


def fake_kubectl(folder, status):
    folder.mkdir(exist_ok=True)
    (folder / "kubectl").write_text(f"#!/bin/sh\necho \"kubectl $*\" >&2\nexit {status}\n")
    (folder / "kubectl").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize("ref", ["registry.example/app:1", "127.0.0.1:5000/team/app@sha256:" + "0" * 64])
def test_delete_of_an_image_points_at_rm(bare_koc, tmp_path, ref):
    env = fake_kubectl(tmp_path / "bin", 1)
    result = bare_koc("delete", ref, env=env, status=1)
    assert f"kubectl delete {ref}\n" in result.stderr
    assert result.stderr.endswith(f"\nhint: koc rm {ref} removes an image from a registry\n")
    assert bare_koc("delete", ref, env=fake_kubectl(tmp_path / "bin", 0)).stderr.count("hint") == 0


def test_delete_of_objects_says_nothing_of_its_own(bare_koc, tmp_path):
    env = fake_kubectl(tmp_path / "bin", 3)
    for args in (["-f", "a.yaml"], ["pod/web"], ["pod", "web:x"], ["pod", "registry.example/app:1"]):
        assert bare_koc("delete", *args, env=env, status=3).stderr == f"kubectl delete {' '.join(args)}\n"


# --- stdout that cannot be written ---------------------------------------------------------------

PRINTS = [
    "version",
    "version --json",
    "--version",
    "",
    "help",
    "build -h",
    "help build",
    "help --format=man",
    "help --format=markdown",
    "help --format=json",
    "completion bash",
    "cache ls",
    "doctor --json",
    "ls {layout}",
    "ls --json {layout}",
    "inspect oci:{layout}",
    "inspect --json oci:{layout}",
    "manifest oci:{layout}",
    "config oci:{layout}",
    "digest oci:{layout}",
    "validate --json oci:{layout}",
    "export oci:{layout}",
    "copy oci:{layout} oci:{layout}-2",
    "append -t oci:{layout}-3 go.mod",
    "mutate --label=a=b -t oci:{layout}-4 oci:{layout}",
    "build --base-image=scratch ./cmd/tool",
    "build --base-image=scratch --json ./cmd/tool",
    "explain --base-image=scratch ./cmd/tool",
    "resolve -f in.yaml",
    "serve --address=127.0.0.1:0 {layout}",
]


def run_into(koc, words, layout, app, stdout):
    (app / "in.yaml").write_text("image: nothing-of-ours\n")
    return subprocess.run(
        [koc.path, *words.format(layout=layout).split()],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        cwd=app,
        env=koc.home.env(),
        timeout=120,
    )


@pytest.mark.parametrize("words", PRINTS)
def test_a_full_disk_behind_stdout_is_a_failure(bare_koc, layout, app, words):
    with open("/dev/full", "wb") as full:
        result = run_into(bare_koc, words, layout, app, full)
    errors = [line for line in result.stderr.splitlines() if line.startswith("koc: ")]
    assert result.returncode == 1, result.stderr
    assert len(errors) == 1 and "stdout" in errors[0] and "No space left" in errors[0], result.stderr


@pytest.mark.parametrize("words", [w for w in PRINTS if w.split(" ")[0] in ("ls", "help", "inspect", "version", "export")])
def test_a_closed_pipe_is_a_failure_and_no_signal(bare_koc, layout, app, words):
    """As in `koc ls … | head`: koc ends by itself, in good order."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = run_into(bare_koc, words, layout, app, writer)
    finally:
        os.close(writer)
    assert result.returncode == 1, (result.returncode, result.stderr)
    assert result.stderr.count("koc: ") == 1 and "Broken pipe" in result.stderr


# --- ^C ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_at_once(bare_koc, app, tmp_path, second, status):
    """The first waits for a go that does not listen; nobody has to."""
    go = tmp_path / "deaf-go"
    go.write_text(f"#!/bin/sh\ntrap '' TERM INT\necho $$ > {tmp_path}/pid\nsleep 3 > /dev/null 2>&1\n")
    go.chmod(0o755)
    process = bare_koc.start("build", "--base-image=scratch", "./cmd/tool", cwd=app, env={"KO_GO_PATH": go})
    wait_until(lambda: (tmp_path / "pid").exists(), 20, "the start of go")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None, "the first signal waits for the child"
    started = time.monotonic()
    process.send_signal(second)
    assert process.wait(timeout=5) == status and time.monotonic() - started < 1


# --- flags ---------------------------------------------------------------------------------------


def test_v_says_decisions_and_vv_says_http(koc, registry, bases):
    """Twice is more than once, as two flags and as one word; --verbose=false takes it back."""
    one, two = (koc("digest", flag, bases["oci"]).stderr for flag in ("-v", "-vv"))
    assert "GET /v2/" not in one and "HEAD /v2/" not in one
    assert re.search(r"(GET|HEAD) \S*/v2/", two), two
    for args in (["-v", "-v"], ["--verbose", "-v"], ["--verbose", "--verbose"]):
        assert re.search(r"(GET|HEAD) \S*/v2/", koc("digest", *args, bases["oci"]).stderr), args
    assert koc("digest", "-vv", "--verbose=false", bases["oci"]).stderr == koc("digest", bases["oci"]).stderr


@pytest.mark.parametrize("args", [["-j=4"], ["-j4"], ["-j", "4"], ["--jobs=4"], ["--jobs", "4"], ["-vj=4"], ["-vj4"]])
def test_a_letter_takes_its_value_in_each_form(bare_koc, app, args):
    assert bare_koc("build", "--base-image=scratch", "-q", *args, "./cmd/tool", cwd=app).ref


@pytest.mark.parametrize("args", [["-j="], ["-j=x"], ["-j=4x"], ["-j", ""], ["--jobs="], ["-j=99999999999"]])
def test_a_value_that_is_no_number(bare_koc, app, args):
    result = bare_koc("build", "--base-image=scratch", *args, "./cmd/tool", cwd=app, status=2)
    assert len(result.errors) == 1 and "--jobs" in result.errors[0] and result.stdout == ""


@pytest.mark.parametrize("value", ['a"b', '"a', '"a"b', 'a,"b', '"a","b', 'a"', '"a" ,b'])
def test_a_stray_quote_in_a_list(bare_koc, app, value):
    result = bare_koc("build", "--base-image=scratch", "-t", value, "./cmd/tool", cwd=app, status=2)
    assert len(result.errors) == 1 and "--tags" in result.errors[0] and "quotes" in result.errors[0]


@pytest.mark.parametrize(
    "value, tags", [("a,b", ["a", "b"]), ('"a","b"', ["a", "b"]), ("a", ["a"]), ('"a",b', ["a", "b"])]
)
def test_quotes_around_items_of_a_list(koc, registry, bases, app, value, tags):
    koc("build", "--base-image=scratch", "--bare", "-t", value, "./cmd/tool", cwd=app, env={"KO_DOCKER_REPO": f"{registry.host}/quotes/{len(value)}"})
    assert sorted(tag for tag in registry.tags(f"quotes/{len(value)}") if not tag.endswith(".sbom")) == tags


@pytest.mark.parametrize("words", [["--image-label=a=1", "--image-label=a=2"], ["--image-label=a=1,a=2"]])
def test_the_last_of_two_equal_labels_counts(koc, bases, app, tmp_path, words):
    ref = koc("build", "--base-image=scratch", "--push=false", f"--oci-layout-path={tmp_path}/out", *words, "./cmd/tool", cwd=app).ref
    config = json.loads(koc("config", f"oci:{tmp_path}/out").stdout)
    assert config["config"]["Labels"] == {"a": "2"}, ref
