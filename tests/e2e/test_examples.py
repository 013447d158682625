"""Every example of help and man pages, typed into a shell as it stands there. Only the names of hosts are
changed to those of real registries on loopback; the files that examples name are made before.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tarfile

import goapps
import pytest
import registry as registries
from runner import ROOT, Home, Tool, needed, stop
from serve import Served
from terminal import Terminal
from test_kubernetes import cluster  # noqa: F401  a fixture

KOC = pathlib.Path(os.environ.get("KOC_BIN", ROOT / "build-asan/cli/koc"))

# What this machine has no part of, whatever is installed.
OUT_OF_REACH = [
    ("index.docker.io", "needs Docker Hub"),
    ("--wait", "needs a cluster with nodes (test_kubernetes.py has one under --all)"),
    ("koc run ", "needs a cluster with nodes (test_kubernetes.py has one under --all)"),
    ("--local", "needs a container engine (test_daemon.py has them)"),
    ("--run", "needs a container engine (test_daemon.py has them)"),
]

PRIVATE = re.compile(r"\b(ghcr\.io|docker\.io|registry\.example:5000)")

MAIN = 'package main\n\nfunc main() { println("hello") }\n'
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ko://example.test/app/cmd/api"}]}
"""


def all_examples():
    if not KOC.exists():
        return []
    text = subprocess.run([KOC, "help", "--format=json"], capture_output=True, text=True).stdout
    return [
        (command["name"], example["command"])
        for command in json.loads(text)["commands"]
        for example in command["examples"]
    ]


@pytest.fixture(scope="module")
def world(koc_path, registry, go_env, tmp_path_factory):
    """A user, a module, images in a registry, in a layout and in an archive."""
    root = tmp_path_factory.mktemp("world")
    home = Home(root / "user", go_env)
    app = goapps.GoApp(root / "app").write("go.mod", "module example.test/app\n\ngo 1.19\n")
    for name in ("api", "migrate"):
        app.write(f"cmd/{name}/main.go", MAIN)
    app.write("main.go", MAIN)
    (app / "config").mkdir()
    (app / "config/web.yaml").write_text(DEPLOYMENT)
    (app / "app.yaml").write_text(DEPLOYMENT)
    app.write("www/index.html", "<p>hello\n").write("etc/app.conf", "x=1\n")
    with tarfile.open(app / "rootfs.tar.gz", "w:gz") as archive:
        archive.add(app / "www", "srv/www")
    (app / "app").write_text("#!/bin/sh\n")
    (app / "notes.txt").write_text("notes\n")
    (app / "token").write_text(registries.PASSWORD + "\n")
    koc = Tool(
        koc_path,
        home,
        cwd=app.folder,
        KO_DOCKER_REPO=f"{registry.host}/world",
        KO_DEFAULTBASEIMAGE="scratch",
        KOC_KEY_PASSWORD="examples",
        LC_ALL="C.UTF-8",
        MANPAGER="cat",
        TERM="dumb",
    )
    platforms = "--platform=linux/amd64,linux/arm64"
    koc("build", "--push=false", "--tarball=app.tar", "./cmd/api")
    host = registry.host
    for name, tags, package, base in [
        ("world/base", ("1",), "./cmd/migrate", "scratch"),
        ("world/base", ("2",), ".", "scratch"),
        ("world/app", ("1", "1.4.2", "old"), "./cmd/api", f"{host}/world/base:1"),
        ("kept/app", ("1",), "./cmd/api", f"{host}/world/base:1"),
        ("old/app", ("1",), "./cmd/api", "scratch"),
    ]:
        for tag in tags:
            koc(
                *("build", platforms, "--bare", "-t", tag, f"--base-image={base}", package),
                env={"KO_DOCKER_REPO": f"{host}/{name}"},
            )
    koc("resolve", "-f", "app.yaml", "--map", "images.json")
    (app / "app.lock.yaml").write_text(
        koc("resolve", "-f", "app.yaml", "--map-from", "images.json").stdout
    )
    for layout in ("out", "images"):
        koc("copy", f"{host}/world/app:1", f"oci:{layout}:app")
    sign_app(koc, app, f"{host}/world/app:1")
    koc.app, koc.registry = app, registry
    return koc


def sign_app(koc, app, reference):
    """What the examples of verify demand: a signature, a bill of materials, and a provenance."""
    source = {"uri": "git+https://github.com/acme/app@refs/tags/v1"}
    statement = {"buildDefinition": {"buildType": "https://example.com/b", "externalParameters": {"source": source}}}
    statement["runDetails"] = {"builder": {"id": "https://example.com/builder"}}
    (app / "provenance.json").write_text(json.dumps(statement))
    (app / "app.spdx.json").write_text(json.dumps({"spdxVersion": "SPDX-2.3"}))
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", app / "openssl.pem"], check=True)
    for name in ("release", "ci"):
        koc("key", "generate", name)
    koc("sign", "--key=release.key", reference)
    koc("attest", "--key=release.key", "--type=spdx", "--predicate=app.spdx.json", reference)
    koc("attest", "--key=release.key", "--type=provenance", "--predicate=provenance.json", reference)


@pytest.fixture
def private_registry(world, basic_registry):
    """One that wants a login, which the user has; koc logout and others may take it away again."""
    registries.docker_config(world.home, basic_registry.host)
    yield basic_registry
    (world.home.home / ".docker/config.json").unlink(missing_ok=True)


def layer_of(world):
    """The digest of a layer of world/app, as koc's own commands say it."""
    host = world.registry.host
    manifest = json.loads(
        world("manifest", "--platform=linux/amd64", f"{host}/world/app:1").stdout
    )
    return manifest["layers"][0]["digest"]


def translated(name, command, world, host, private):
    """The example with hosts that are there."""
    command = PRIVATE.sub(private, command)
    for age in ("old", "new"):
        command = command.replace(f"{age}.example/", f"{host}/{age}/")
    command = re.sub(r"\b(registry|r)\.example/", f"{host}/world/", command)
    command = re.sub(r"\bregistry\.example\b", host, command)
    if name in ("sign", "verify") and "@sha256:..." in command:
        digest = world("digest", f"{host}/world/app:1").stdout.strip().rpartition("@")[2]
        command = command.replace("@sha256:...", f"@{digest}")
    if "sha256:8f2c…" in command:
        command = command.replace("sha256:8f2c…", layer_of(world))
    return command.replace("octocat", registries.USER).replace("-u me ", f"-u {registries.USER} ")


def environment(world, tmp_path, **more):
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    if not (folder / "koc").exists():
        (folder / "koc").symlink_to(world.path)
    path = f"{folder}:{os.environ['PATH']}"
    return world.home.env(**{**world.extra, "PATH": path, **more})


def in_terminal(command, world, folder, tmp_path):
    """One that asks for user name or password."""
    env = environment(world, tmp_path)
    env.pop("TERM")
    screen = Terminal(needed("tmux"), tmp_path, f"bash -c {json.dumps(command + ' && echo it-is-fine')}", env, cwd=folder)
    try:
        if "-u " not in command:
            screen.wait_for(lambda lines: lines[-1].lower().startswith("user"))
            screen.type(registries.USER)
            screen.press("Enter")
        screen.wait_for(lambda lines: any(line.lower().startswith("password") for line in lines))
        screen.type(registries.PASSWORD)
        screen.press("Enter")
        assert "it-is-fine" in screen.ended()
    finally:
        screen.close()


def until_it_serves(command, world, folder, tmp_path):
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=folder,
        env=environment(world, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)
    finally:
        stop(process)


@pytest.fixture
def deleting_registry(world, tmp_path):
    """One that takes tags away, which docker-registry does not."""
    served = Served(world, tmp_path / "served", "--allow-delete")
    world("copy", f"{world.registry.host}/world/app:old", f"{served.host}/world/app:old")
    yield served
    served.stop()


@pytest.mark.parametrize(
    "name, example", all_examples(), ids=[example for _, example in all_examples()]
)
def test_example(name, example, world, request, tmp_path):
    for text, reason in OUT_OF_REACH:
        if text in example:
            pytest.skip(reason)
    for tool in ("jq", "curl", "man"):
        if re.search(rf"(^|[|$(] *){tool} ", example):
            needed(tool)
    more = {}
    if name in ("apply", "create", "delete"):
        more["KUBECONFIG"] = request.getfixturevalue("cluster")
        for before in ("create ns staging", "delete deployments --all"):  # the examples share a cluster
            subprocess.run(["kubectl", *before.split()], env=environment(world, tmp_path, **more), capture_output=True)
    if "registry.example/app:1" in example or "r.example/app:1" in example:
        kept = world.registry.host  # others have written to it
        world("copy", f"{kept}/kept/app:1", f"{kept}/world/app:1")
    folder = tmp_path / "app"
    shutil.copytree(world.app, folder)
    host = (request.getfixturevalue("deleting_registry") if name == "rm" else world.registry).host
    private = request.getfixturevalue("private_registry").host if PRIVATE.search(example) else ""
    command = translated(name, example, world, host, private)
    if name == "login" and "--password-stdin" not in command:
        return in_terminal(command, world, folder, tmp_path)
    if name == "serve":
        return until_it_serves(command, world, folder, tmp_path)
    if name == "key" and "public" not in command:
        for kept in folder.glob("release.*"):  # the example makes them
            kept.unlink()
    if command.count("--predicate - "):
        command = f"echo '{{}}' | {command}"
    if name == "completion":
        (world.home.home / ".config/fish/completions").mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=folder,
        env=environment(world, tmp_path, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )
    assert result.returncode == 0, f"$ {command}\n{result.stdout}\n{result.stderr}"


def test_commands_with_flags_have_examples():
    text = subprocess.run([KOC, "help", "--format=json"], capture_output=True, text=True).stdout
    for command in json.loads(text)["commands"]:
        assert command["examples"], f"koc {command['name']} has no example"
