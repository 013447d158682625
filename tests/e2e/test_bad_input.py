"""Bad input: one clear line, the right exit code, nothing half-written, nothing pushed."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import bases as base_images
import goapps
import oci
import pytest
from liar import Liar
from ports import free_port
from registry import Registry
from runner import children_of, wait_until


class Refusal:
    """Runs koc where it must refuse, and looks at all that it may not leave behind."""

    def __init__(self, koc, registry, bases):
        self.koc, self.registry, self.bases = koc, registry, bases

    def __call__(self, app, *args, says, status=1, base="oci", env=None, pushed=False):
        home = self.koc.home
        env = {"KO_DEFAULTBASEIMAGE": self.bases.get(base, base), **(env or {})}
        before, mark = home.listing(), self.registry.mark()
        result = self.koc("build", *args, cwd=app, env=env, status=status)
        assert result.stdout == "", str(result)
        assert len(result.errors) == 1, f"one line that begins with 'koc: ' was expected: {result}"
        for pattern in [says] if isinstance(says, str) else says:
            assert re.search(pattern, result.errors[0]), f"{pattern!r} is not said: {result}"
        assert "failed to" not in result.errors[0].replace("go build failed", ""), str(result)
        assert home.listing() == before, f"left behind: {home.listing() - before}"
        assert not [p for p in home.cache.rglob("*") if re.search(r"\.(tmp|part)|tmp-", p.name)]
        if not pushed:
            # Layers of the base go out while the programs compile; nothing else does.
            uploads = self.registry.uploads_since(mark)
            assert [r for r in uploads if "?mount=" not in r.path] == []
        return result


@pytest.fixture
def refuse(koc, registry, bases):
    return Refusal(koc, registry, bases)


@pytest.fixture
def liar():
    server = Liar()
    yield server
    server.close()


# --- packages ------------------------------------------------------------------------------------


def test_not_a_main_package(refuse, app):
    refuse(app, "./pkg/lib", says=[r"\./pkg/lib", "main", "lib"])


def test_no_such_package(refuse, app):
    refuse(app, "./cmd/none", says=r"\./cmd/none")
    refuse(app, "example.test/app/cmd/none", says="example.test/app/cmd/none")
    refuse(app, "example.test/elsewhere", says="example.test/elsewhere")


def test_no_main_package_below(refuse, app):
    refuse(app, "./pkg/...", says=r"\./pkg/\.\.\.")


def test_no_module(refuse, tmp_path):
    folder = goapps.GoApp(tmp_path / "bare").program("cmd/app")
    refuse(folder, "./cmd/app", says="go.mod")


def test_second_package_is_bad(refuse, app):
    """All arguments are looked at before anything is pushed."""
    refuse(app, "./cmd/app", "./pkg/lib", says=r"\./pkg/lib")


def test_no_go_on_path(refuse, app, tmp_path):
    empty = tmp_path / "no-go"
    empty.mkdir()
    refuse(app, "./cmd/app", says=r"\bgo\b", env={"PATH": str(empty)})
    refuse(app, "./cmd/app", says="/nowhere/go", env={"KO_GO_PATH": "/nowhere/go"})


def test_compile_error_is_gos_own(refuse, app):
    app.program("cmd/app", "package main\n\nfunc main() {\n\tundefinedThing()\n\treturn 1\n}\n")
    result = refuse(app, "./cmd/app", says=[r"\./cmd/app", "go build"])
    go = subprocess.run(
        ["go", "build", "-o", os.devnull, "./cmd/app"],
        cwd=app,
        capture_output=True,
        text=True,
        env=refuse.koc.home.env(CGO_ENABLED="0"),
    )
    assert go.stderr.strip() in result.stderr
    assert result.stderr.index("undefinedThing") < result.stderr.index(result.errors[0])


# --- flags and values ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args, says",
    [
        (["--platfrom=linux/amd64"], "--platfrom"),
        (["--unknown-thing"], "--unknown-thing"),
        (["-Z"], "-Z"),
        (["--sbom=spxd"], ["--sbom", "spxd"]),
        (["-j", "-1"], ["-j|--jobs", "-1"]),
        (["-j", "many"], ["-j|--jobs", "many"]),
        (["--push=maybe"], ["--push", "maybe"]),
        (["--platform=a/b/c/d"], ["platform", "a/b/c/d"]),
        (["--platform=all,linux/amd64"], ["platform", "all"]),
        (["--compression=lzma"], ["--compression", "lzma"]),
        (["--compression=gzip:99"], ["--compression", "99"]),
        (["--compat=kaniko"], ["--compat", "kaniko"]),
        (["-t", ""], ["-t|--tags"]),
        (["-t", "bad tag"], "bad tag"),
        (["--tag-only"], ["--tag-only", "latest"]),
        (["--image-label=nokey"], ["label", "nokey"]),
        (["--image-annotation=nokey"], ["annotation", "nokey"]),
        (["--tags"], "--tags"),
        (["--base-image=Not A Reference"], "Not A Reference"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) and v[0].startswith("-") else "",
)
def test_wrong_flags_are_usage_errors(refuse, app, args, says):
    refuse(app, "./cmd/tool", *args, says=says, status=2)


def test_unknown_flag_suggests_the_nearest(refuse, app):
    result = refuse(app, "./cmd/tool", "--platfrom=linux/amd64", says="--platfrom", status=2)
    assert "did you mean --platform" in result.stderr


def test_unknown_command(bare_koc):
    result = bare_koc("biuld", ".", status=2)
    assert len(result.errors) == 1 and "biuld" in result.errors[0] and "build" in result.stderr


@pytest.mark.parametrize(
    "name, value",
    [
        ("SOURCE_DATE_EPOCH", "yesterday"),
        ("KO_DATA_DATE_EPOCH", "1e9"),
        ("KO_DEFAULTPLATFORMS", "a/b/c/d"),
        ("KO_BASEIMAGEOVERRIDES", "{not json"),
        ("KO_CONFIG_PATH", "/nowhere/ko.yaml"),
    ],
)
def test_bad_variables_are_named(refuse, app, name, value):
    says = f"{name}|{re.escape(value)}"
    refuse(app, "./cmd/tool", says=says, status=1, env={name: value})


def test_ambient_goos_would_put_a_wrong_binary(refuse, app):
    refuse(app, "./cmd/tool", says="GOARCH", status=1, env={"GOARCH": "arm64"})


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, says",
    [
        ("defaultFlags: [\n", [r"\.ko\.yaml:\d+:\d+: "]),
        ("a: b: c\n", [r"\.ko\.yaml:1:\d+: "]),
        ("builds: word\n", [r"\.ko\.yaml:1:9: ", "builds"]),
        ("defaultEnv: {a: b}\n", [r"\.ko\.yaml:1:13: ", "defaultEnv"]),
        (
            "builds:\n  - main: ./cmd/app\n    env: [NOEQUALS]\n",
            [r"\.ko\.yaml:3:1[01]: ", "NOEQUALS"],
        ),
        (
            "builds:\n  - main: ./cmd/app\n    linux_capabilities: [net_bnid]\n",
            [r"\.ko\.yaml:3:2[56]: ", "net_bnid"],
        ),
        ("defaultBaseImage: 'Not A Reference'\n", [r"\.ko\.yaml:1:19: ", "Not A Reference"]),
        ("defaultBaseImage: a\ndefaultBaseImage: b\n", [r"\.ko\.yaml:2:1: ", "defaultBaseImage"]),
        ("builds:\n  - main: ./cmd/app\n    flags: [-toolexec=/bin/sh]\n", ["toolexec"]),
        ("builds:\n  - main: ./cmd/app\n    ldflags: ['-X main.version={{.Nope}}']\n", [r"Nope"]),
        ("builds:\n  - main: ./cmd/app\n    ldflags: ['{{.Env.NOT_THERE}}']\n", [r"NOT_THERE"]),
        ("builds:\n  - main: ./cmd/app\n    ldflags: ['{{range .Env}}x']\n", [r"range"]),
        (
            "builds:\n  - main: ./cmd/app\n    ldflags: ['{{.Git']\n",
            [r"ldflags|template|\{\{\.Git"],
        ),
    ],
    ids=range(13),
)
def test_broken_settings(refuse, app, text, says):
    app.settings("").write(".ko.yaml", "")
    (app / ".ko.yaml").write_text(text)
    refuse(
        app,
        "./cmd/app",
        says=says,
        base="oci",
        env={"KO_DEFAULTBASEIMAGE": ""} if "defaultBaseImage" in text else None,
    )


def test_two_builds_of_one_package_are_ambiguous(koc, bases, app):
    """ko takes the last entry in silence; koc does so too, and says it."""
    app.settings("""
        builds:
          - id: one
            main: ./cmd/app
            ldflags: -X main.version=1
          - id: two
            main: ./cmd/app
            ldflags: -X main.version=2
        """)
    result = koc("build", "./cmd/app", cwd=app, env={"KO_DEFAULTBASEIMAGE": bases["oci"]})
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        "warning: .ko.yaml:5:5: builds[1]: cmd/app is also the package of builds[0]; the last entry counts"
    ]
    assert "/app-" in result.ref


def test_toml_settings_are_refused_by_name(refuse, app):
    app.write(".ko.toml", "defaultBaseImage = 'x'\n")
    refuse(app, "./cmd/app", says=r"\.ko\.toml")


# --- bases ---------------------------------------------------------------------------------------


def test_base_not_found(refuse, registry, app):
    name = f"{registry.host}/base/none:latest"
    result = refuse(app, "./cmd/app", says=[re.escape(name), "no such image|not found"], base=name)
    assert "koc ls" in result.stderr and "--base-image=scratch" in result.stderr


def test_base_lacks_the_platform(refuse, app):
    refuse(
        app,
        "./cmd/app",
        "--platform=linux/riscv64",
        base="index",
        says=["base/index", "linux/riscv64", "linux/amd64, linux/arm64"],
    )
    refuse(
        app, "./cmd/app", "--platform=linux/arm64", base="oci", says=["base/single", "linux/arm64"]
    )


def test_scratch_has_no_all(refuse, app):
    refuse(
        app,
        "./cmd/app",
        "--platform=all",
        "--base-image=scratch",
        says=["scratch", "all"],
        status=2,
    )


def test_base_is_an_artifact(refuse, registry, app):
    refuse(app, "./cmd/app", base=base_images.artifact(registry), says=["base/artifact"])


def test_base_is_schema_1(refuse, liar, app):
    text = json.dumps(
        {
            "schemaVersion": 1,
            "name": "base",
            "tag": "latest",
            "architecture": "amd64",
            "fsLayers": [],
            "history": [],
            "signatures": [],
        }
    ).encode()
    liar.serve_manifest(text, "application/vnd.docker.distribution.manifest.v1+prettyjws")
    refuse(app, "./cmd/app", base=liar.base, says=[re.escape(liar.base), "schema 1|schema1|v1"])


def test_base_needs_credentials(refuse, basic_registry, app):
    name = f"{basic_registry.host}/base:latest"
    refuse(app, "./cmd/app", base=name, says=[re.escape(name)])


@pytest.mark.parametrize(
    "what",
    ["truncated", "oversized", "not-json", "duplicate-keys", "wrong-digest", "no-layers", "deep"],
)
def test_bad_manifest(refuse, liar, app, what):
    good = liar.answers["/v2/base/manifests/latest"][2]
    liar.serve_manifest(
        {
            "truncated": good[:-20],
            "oversized": good[:-1] + b" " * (5 << 20) + b"}",
            "not-json": b"<html>sign in first</html>",
            "duplicate-keys": good[:-1] + b', "layers": []}',
            "wrong-digest": good,
            "no-layers": json.dumps({**json.loads(good), "layers": 7}).encode(),
            "deep": good[:-1] + b', "x": ' + b"[" * 100000 + b"]" * 100000 + b"}",
        }[what]
    )
    base = liar.base
    if what == "wrong-digest":
        wrong = "sha256:" + "0" * 64
        liar.answers[f"/v2/base/manifests/{wrong}"] = liar.answers["/v2/base/manifests/latest"]
        base = f"{liar.host}/base@{wrong}"
    refuse(app, "./cmd/app", base=base, says=[re.escape(base.split("@")[0])])


@pytest.mark.parametrize(
    "what", ["truncated", "oversized", "not-json", "duplicate-keys", "wrong-digest"]
)
def test_bad_config(refuse, liar, app, what):
    good = json.dumps(liar.config).encode()
    if what == "oversized":
        liar.serve_config(good[:-1] + b" " * (9 << 20) + b"}")
    elif what == "wrong-digest":
        liar.serve_config(good.replace(b"linux", b"LINUX"), promised=good)
    elif what == "truncated":
        liar.serve_config(good[:-5], promised=good)
    else:
        liar.serve_config(
            {"not-json": b"nope", "duplicate-keys": good[:-1] + b', "os": "windows"}'}[what]
        )
    refuse(app, "./cmd/app", base=liar.base, says=[re.escape(liar.base)])


# --- kodata --------------------------------------------------------------------------------------


def kodata_refusal(refuse, app, name, says):
    refuse(app, "./cmd/app", says=[name, *says])


def test_kodata_link_to_itself(refuse, app):
    os.symlink("loop", app / "cmd/app/kodata/loop")
    kodata_refusal(refuse, app, "loop", [])


def test_kodata_link_loop_through_a_parent(refuse, app):
    os.symlink("..", app / "cmd/app/kodata/sub/up")
    kodata_refusal(refuse, app, "(sub|linkdir)/up", ["circle|loop"])


def test_kodata_broken_link(refuse, app):
    os.symlink("nowhere", app / "cmd/app/kodata/broken")
    kodata_refusal(refuse, app, "broken", [])


def test_kodata_link_that_leaves(refuse, app, tmp_path):
    (tmp_path / "secret").write_text("s")
    os.symlink(tmp_path / "secret", app / "cmd/app/kodata/out")
    kodata_refusal(refuse, app, "out", [])
    result = refuse.koc(
        "build",
        "./cmd/app",
        cwd=app,
        env={
            "KO_DEFAULTBASEIMAGE": refuse.bases["oci"],
            "KO_DATA_PATH_ALLOWED_ROOT": str(tmp_path),
        },
    )
    assert result.ref


def test_kodata_fifo(refuse, app):
    os.mkfifo(app / "cmd/app/kodata/pipe")
    kodata_refusal(refuse, app, "pipe", [])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_kodata_unreadable(refuse, app):
    (app / "cmd/app/kodata/a.txt").chmod(0)
    kodata_refusal(refuse, app, "a.txt", ["permission denied"])


# --- targets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "repo, why",
    [
        ("registry.example/Shop", '"Shop" is not'),
        ("127.0.0.1:5000/team/Shop/x", '"Shop" is not'),
        ("registry.example/x:tag", "it ends in a tag"),
        ("registry.example/x@sha256:00", "it ends in a digest"),
        ("https://registry.example/x", "leave out the scheme"),
        ("registry.example/a b", "white space"),
    ],
)
def test_no_destination_parses(refuse, app, repo, why):
    """The text that is quoted is what was typed, and the variable that it is in is named."""
    result = refuse(app, "./cmd/app", says=[f'KO_DOCKER_REPO: "{re.escape(repo)}"', why], status=1, env={"KO_DOCKER_REPO": repo})
    assert f"{repo}/x" not in result.stderr


@pytest.mark.parametrize("repo", ["docker.io", "index.docker.io", "docker://docker.io/"])
def test_docker_hub_without_a_namespace(refuse, bare_koc, app, repo):
    """library/ is Docker's own: told before anything is built. Whole import paths have a namespace."""
    result = refuse(app, "./cmd/app", says=["KO_DOCKER_REPO", "library/"], env={"KO_DOCKER_REPO": repo})
    assert "\nhint: KO_DOCKER_REPO=docker.io/NAME" in result.stderr
    args = ["build", "--base-image=scratch", "--push=false", "./cmd/tool"]
    for more in ([], ["-P"]):
        assert bare_koc(*args, *more, cwd=app, env={"KO_DOCKER_REPO": repo}).ref.startswith(("docker.io/", "index.docker.io/"))
    assert bare_koc(*args, cwd=app, env={"KO_DOCKER_REPO": f"{repo.rstrip('/')}/me"}).ref


def test_target_not_reachable(refuse, app):
    repo = f"127.0.0.1:{free_port()}/x"
    refuse(
        app,
        "./cmd/app",
        says=[repo.split("/")[0], "refused|reach|connect"],
        env={"KO_DOCKER_REPO": repo},
    )


def test_target_unauthorised(refuse, basic_registry, app):
    refuse(
        app,
        "./cmd/app",
        says=[basic_registry.host, "denied|unauthori[sz]ed|credentials|log ?in"],
        env={"KO_DOCKER_REPO": f"{basic_registry.host}/x"},
    )
    assert basic_registry.uploads_since(0) == [] or all(
        r.status == 401 for r in basic_registry.uploads_since(0)
    )


def test_target_refuses_writes(refuse, app, tmp_path):
    server = Registry(tmp_path / "readonly")
    server.close()
    config = tmp_path / "readonly/config.yml"
    config.write_text(
        config.read_text().replace("delete:", "maintenance: {readonly: {enabled: true}}, delete:")
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=(tmp_path / "log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: b"listening on" in (tmp_path / "log").read_bytes(), 15)
        refuse(
            app,
            "./cmd/app",
            says=[server.host, "405|not allowed|unsupported|read.?only"],
            env={"KO_DOCKER_REPO": f"{server.host}/x"},
        )
    finally:
        process.terminate()
        process.wait()


def slow_go(tmp_path):
    """A go that takes a minute to build anything."""
    script = tmp_path / "slow-go"
    script.write_text(
        f'#!/bin/sh\n[ "$1" != build ] || exec sleep 60\nexec {shutil.which("go")} "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


def test_target_is_asked_while_go_builds(refuse, basic_registry, app, tmp_path):
    """Who may not push is told at once, not after the compile."""
    start = time.monotonic()
    refuse(
        app,
        "./cmd/app",
        says=["cannot push", basic_registry.host, "denied|unauthori[sz]ed|credentials|log ?in"],
        env={"KO_DOCKER_REPO": f"{basic_registry.host}/x", "KO_GO_PATH": slow_go(tmp_path)},
    )
    assert time.monotonic() - start < 30
    opened = [r for r in basic_registry.since(0) if r.method == "POST"]
    assert len(opened) <= 2, "asked once (and once more with credentials)"


# --- outputs -------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True
        ).returncode
        == 0
        if shutil.which("mount")
        else False
    )
    if not mounted:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_disk_full(refuse, app, small_disk):
    for flag in (f"--tarball={small_disk}/image.tar", f"--oci-layout-path={small_disk}/layout"):
        refuse(app, "./cmd/app", "--push=false", flag, says=["No space left|full"])
        assert not (small_disk / "image.tar").exists()
        left = [p for p in small_disk.rglob("*") if p.is_file()]
        assert (
            not (small_disk / "layout/index.json").exists()
            or json.loads((small_disk / "layout/index.json").read_text())["manifests"] == []
        )
        assert sum(p.stat().st_size for p in left) < 100_000, left


def test_cache_that_cannot_be_written_is_one_warning(koc, bases, app, tmp_path):
    (tmp_path / "file").write_text("")
    result = koc(
        "build",
        "./cmd/app",
        cwd=app,
        env={"KO_DEFAULTBASEIMAGE": bases["oci"], "XDG_CACHE_HOME": str(tmp_path / "file/below")},
    )
    assert (
        result.ref
        and result.stderr.count("warning: ") == 1
        and str(tmp_path / "file") in result.stderr
    )


def test_cache_on_a_full_disk(koc, bases, app, small_disk):
    """The linked program does not fit into the cache: the build goes on without one, and says so."""
    (small_disk / "filler").write_bytes(bytes(250 * 1024))
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"], "XDG_CACHE_HOME": str(small_disk)}
    result = koc("build", "./cmd/app", cwd=app, env=env)
    assert result.ref and result.stderr.count("warning: ") == 1
    assert "without the cache" in result.stderr


@pytest.mark.parametrize("flag", ["--tarball", "--oci-layout-path", "--image-refs", "--sbom-dir"])
def test_output_path_not_writable(refuse, app, tmp_path, flag):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file/below/out"
    refuse(app, "./cmd/tool", f"{flag}={path}", "-B", says=[re.escape(str(path.parent.parent))])


def test_index_does_not_fit_a_tarball(refuse, app, tmp_path):
    refuse(
        app,
        "./cmd/app",
        "--platform=linux/amd64,linux/arm64",
        f"--tarball={tmp_path}/x.tar",
        "--push=false",
        base="index",
        says=["tarball|archive"],
        status=2,
    )
    assert not (tmp_path / "x.tar").exists()


# --- ^C ------------------------------------------------------------------------------------------


def alive(pids):
    def running(pid):
        try:
            with open(f"/proc/{pid}/stat") as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    return [pid for pid in pids if running(pid)]


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.4, 1.2])
def test_cancel_at_any_moment(koc, bases, hello, tmp_path, delay, number, status):
    """With a cold Go cache, so that the compiler runs for longer than any delay here."""
    home = koc.home
    process = koc.start(
        "build",
        "--no-cache",
        ".",
        cwd=hello,
        env={"KO_DEFAULTBASEIMAGE": bases["oci"], "GOCACHE": str(tmp_path / "cold")},
    )
    if delay > 0:
        wait_until(lambda: children_of(process.pid) or process.poll() is not None, 30)
    else:
        time.sleep(0.15)  # past the loader and the signal handlers, before or at the first child
    time.sleep(delay)
    children = children_of(process.pid)
    assert process.poll() is None, process.communicate()
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == status, (out, err)
    assert out == "" and [line for line in err.splitlines() if line.startswith("koc: ")] == [
        "koc: cancelled"
    ]
    wait_until(lambda: not alive(children), 5, "the end of the children")
    assert home.listing() == set()


def test_cancel_of_the_whole_terminal_group(koc, bases, hello, tmp_path):
    """A terminal's ^C goes to koc and to go alike."""
    process = koc.start(
        "build",
        "--no-cache",
        ".",
        cwd=hello,
        env={"KO_DEFAULTBASEIMAGE": bases["oci"], "GOCACHE": str(tmp_path / "cold")},
    )
    wait_until(lambda: children_of(process.pid), 30)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and out == "" and "koc: cancelled" in err
    assert koc.home.listing() == set()
