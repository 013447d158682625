"""koc build --local, --into and --run against real engines: Debian's dockerd, podman's service and a
containerd, each started for these tests. dockerd 28 and kind nodes: test_engines.py (--all)."""

import json
import os
import pathlib
import re
import shutil
import signal
import tarfile

import engines
import goapps
import pytest
from engine_fixtures import DATA, PROGRAM, change, session_engine
from runner import Tool, find_tool, needed, wait_until

@pytest.fixture(params=["dockerd", "podman"])
def engine(request):
    names = {"dockerd": "dockerd", "podman": "podman_service"}
    return request.getfixturevalue(names[request.param])


# --- loading


def test_an_image_is_loaded_and_runs(build_local, engine, program):
    result = build_local(engine.address, "-t", "latest,v1")
    assert re.search(r"Loaded x +\d\.\d MB", result.stderr)
    assert re.fullmatch(r"ko\.local/x-[0-9a-f]{32}:[0-9a-f]{64}", result.ref)
    assert engine.run(result.ref, "a", "b") == "VERSION [a b]"
    repository = result.ref.split(":")[0]
    ids = {engine.image_id(name) for name in (result.ref, repository, f"{repository}:v1")}
    assert len(ids) == 1


def test_an_unchanged_image_is_not_sent_again(build_local, engine, tap):
    first = build_local(engine.address)
    log = tap(engine)
    again = build_local(log.address)
    assert again.ref == first.ref and "Unchanged" in again.stderr
    assert log.loads() == [] and all(method == "GET" for method, *_ in log.requests)
    build_local(log.address, "-t", "other")
    assert log.loads() == []
    assert [p for m, p, _ in log.requests if m == "POST" and p.endswith("tag=other")]


def test_dockerd_gets_only_the_layers_it_lacks(build_local, dockerd, program, tap):
    log = tap(dockerd)
    build_local(log.address)
    change(program, "SECOND")
    result = build_local(log.address)
    whole, part = log.loads()
    assert whole - part > DATA, "the layer of data went again"
    assert dockerd.run(result.ref) == "SECOND []"


def test_a_layer_that_went_meanwhile_is_sent_after_all(build_local, dockerd, program, tap):
    first = build_local(dockerd.address, "-t", "v1")
    change(program, "SECOND")
    # koc sees the old image, which is gone when the archive comes.
    real = tap(dockerd)
    dockerd_remove = real.pump

    def pump(source, target, cut, hold):
        class Watched:
            def recv(self, n):
                data = source.recv(n)
                if b"/images/load" in data and len(real.loads()) == 0:
                    dockerd.docker("rmi", "-f", dockerd.image_id(first.ref))
                return data

            def shutdown(self, how):
                source.shutdown(how)

        return dockerd_remove(Watched() if hold is None else source, target, cut, hold)

    real.pump = pump
    result = build_local(real.address)
    assert len(real.loads()) == 2
    assert dockerd.run(result.ref) == "SECOND []"


def test_names_are_those_of_ko(ko, bare_koc, dockerd, app, bases):
    for flags, repository in [
        ([], None),
        (["-B"], None),
        (["-P"], "ko.local/team"),
        (["--bare"], "ko.local/team/app"),
        ([], "ko.local/"),
        (["-L"], "registry.test/team"),
    ]:
        env = {"DOCKER_HOST": dockerd.address, "KO_DOCKER_REPO": repository}
        flags = flags if repository else ["-L", *flags]
        env |= {"KO_DEFAULTBASEIMAGE": bases["index"], "KO_DOCKER_REPO": repository or ""}
        words = ["build", *flags, "-t", "latest,v2", "./cmd/tool"]
        theirs = ko(*words, cwd=app, env=env).ref
        ours = bare_koc(*words, "--compat=ko", cwd=app, env=env).ref
        assert ours.split(":")[0] == theirs.split(":")[0]
        assert dockerd.image_id(ours) == dockerd.image_id(theirs)


def test_what_local_ignores_is_said(build_local, dockerd, program):
    result = build_local(dockerd.address, "--push=false", "--tarball=x.tar")
    assert "warning: the archive is ignored" in result.stderr
    assert not (program / "x.tar").exists()


def test_the_docker_api_is_not_asked_for_a_registry(bare_koc, program, tmp_path):
    """ko.localhost is a host, not the daemon."""
    env = {"KO_DOCKER_REPO": "ko.localhost:1/x", "DOCKER_HOST": "unix:///nonexistent"}
    result = bare_koc(
        "build", "--base-image=scratch", "./cmd/x", cwd=program, env=env, status=1
    )
    assert "ko.localhost:1" in result.errors[0]


def test_json_names_what_was_loaded(build_local, dockerd):
    report = json.loads(build_local(dockerd.address, "--json").stdout)
    (result,) = report["results"]
    assert result["reference"].startswith("ko.local/x-")
    assert result["state"] == "loaded"


# --- platforms


def test_of_several_platforms_the_daemons_is_loaded(build_local, dockerd):
    one = build_local(dockerd.address, "--platform=linux/amd64")
    result = build_local(dockerd.address, "--platform=linux/arm64,linux/s390x,linux/amd64")
    assert result.ref == one.ref
    assert "arm64" not in result.stderr, "nothing is compiled that is not loaded"


def test_no_platform_that_fits(build_local, dockerd):
    result = build_local(dockerd.address, "--platform=linux/arm64,linux/s390x", status=1)
    assert "runs linux/amd64, the image is for linux/arm64, linux/s390x" in result.errors[0]
    result = build_local(dockerd.address, "--platform=windows/amd64", status=1)
    assert "runs linux/amd64, the image is for windows/amd64" in result.errors[0]


def test_one_foreign_platform_is_loaded_with_a_warning(build_local, dockerd):
    result = build_local(dockerd.address, "--platform=linux/s390x")
    assert "only under emulation" in result.stderr
    arch = dockerd.docker("image", "inspect", "--format", "{{.Architecture}}", result.ref)
    assert arch == "s390x"


@pytest.mark.parametrize(
    "machine, arch", [("aarch64", "arm64"), ("armv7l", "arm"), ("s390x", "s390x")]
)
def test_the_platform_is_what_a_scripted_daemon_says(build_local, scripted, tmp_path, machine, arch):
    daemon = scripted(info={"Architecture": machine})
    build_local(daemon.address)
    (tmp_path / "x.tar").write_bytes(daemon.loaded[-1])
    with tarfile.open(tmp_path / "x.tar") as tar:
        config = next(name for name in tar.getnames() if name.startswith("sha256:"))
        assert json.load(tar.extractfile(config))["architecture"] == arch


# --- where the daemon is


def test_tcp_with_tls(build_local, dockerd, pki, tmp_path):
    certificates = tmp_path / "certs"
    certificates.mkdir()
    shutil.copy(pki.ca, certificates / "ca.pem")
    pki.openssl(
        *"req -newkey rsa:2048 -nodes -subj /CN=client -keyout client.key -out client.csr".split()
    )
    (pki.folder / "client.ext").write_text("extendedKeyUsage=clientAuth\n")
    pki.openssl(
        *"x509 -req -in client.csr -CA ca.crt -CAkey ca.key -CAcreateserial".split(),
        *"-days 30 -out client.crt -extfile client.ext".split(),
    )
    shutil.copy(pki.folder / "client.crt", certificates / "cert.pem")
    shutil.copy(pki.folder / "client.key", certificates / "key.pem")
    env = {"DOCKER_CERT_PATH": certificates, "DOCKER_TLS_VERIFY": "1"}
    result = build_local(dockerd.tcp, env=env)
    assert dockerd.image_id(result.ref)

    (certificates / "key.pem").unlink()
    result = build_local(dockerd.tcp, env=env, status=1)
    assert "DOCKER_CERT_PATH: there is no" in result.errors[0]
    result = build_local(dockerd.tcp, env={"DOCKER_TLS_VERIFY": "1"}, status=1)
    assert "certificate" in result.errors[0]
    result = build_local(dockerd.tcp, status=1)  # plain HTTP to a TLS port
    assert result.errors


def test_docker_contexts(bare_koc, home, dockerd, program):
    docker = Tool(needed("docker"), home)
    docker("context", "create", "lab", "--docker", f"host={dockerd.address}")
    docker("context", "create", "far", "--docker", "host=ssh://somebody@example.test")
    words = ["build", "-L", "--base-image=scratch", "./cmd/x"]
    bare_koc(*words, cwd=program, env={"DOCKER_CONTEXT": "lab"})
    docker("context", "use", "lab")
    assert "Unchanged" in bare_koc(*words, cwd=program).stderr
    result = bare_koc(*words, cwd=program, env={"DOCKER_CONTEXT": "far"}, status=1)
    assert 'docker context far: "ssh://somebody@example.test"' in result.errors[0]
    assert "hint: forward its socket" in result.stderr
    result = bare_koc(*words, cwd=program, env={"DOCKER_CONTEXT": "gone"}, status=1)
    assert 'docker context "gone" does not exist' in result.errors[0]


@pytest.mark.parametrize("place", ["podman/podman.sock", "docker.sock"])
def test_sockets_are_found_where_they_are(bare_koc, podman_service, program, tmp_path, place):
    if engines.can_connect("/var/run/docker.sock"):
        pytest.skip("a daemon of this machine comes first")
    folder = pathlib.Path(f"/tmp/koc-run-{os.getpid()}")
    link = folder / place
    link.parent.mkdir(parents=True)
    link.symlink_to(podman_service.socket)
    try:
        words = ["build", "-L", "--base-image=scratch", "./cmd/x"]
        result = bare_koc(*words, cwd=program, env={"XDG_RUNTIME_DIR": folder})
    finally:
        shutil.rmtree(folder)
    assert podman_service.image_id(result.ref)


# --- daemons that cannot be used


@pytest.mark.parametrize(
    "address, said, hint",
    [
        ("unix:///nonexistent/docker.sock", "no daemon at /nonexistent/docker.sock", None),
        ("unix://relative", "names no absolute path", None),
        ("ssh://host", "a daemon behind ssh is not supported", "ssh -NL"),
        ("npipe:////./pipe/x", "a daemon behind npipe is not supported", "unix://"),
        ("tcp://", "names no host", None),
        ("tcp://127.0.0.1:1", "did not answer", "docker version"),
        ("unix:///" + "x" * 120, "no daemon at", None),
    ],
)
def test_addresses_that_lead_nowhere(build_local, address, said, hint):
    result = build_local(address, status=1)
    assert said in result.errors[0]
    assert hint is None or hint in result.stderr
    assert "Built" not in result.stderr, "the daemon is looked for before anything is built"


def test_no_daemon_at_all(bare_koc, program):
    if engines.can_connect("/var/run/docker.sock") or engines.can_connect(
        "/run/podman/podman.sock"
    ):
        pytest.skip("this machine has a daemon")
    result = bare_koc("build", "-L", "--base-image=scratch", "./cmd/x", cwd=program, status=1)
    assert "no Docker daemon was found" in result.errors[0]
    assert "hint: start one" in result.stderr


def test_a_socket_that_is_a_file_or_that_nobody_serves(build_local, tmp_path):
    (tmp_path / "file").write_text("")
    result = build_local(f"unix://{tmp_path}/file", status=1)
    assert "it is a file, not a socket" in result.errors[0]
    result = build_local(f"unix://{tmp_path}", status=1)
    assert "it is a directory, not a socket" in result.errors[0]
    with engines.socket.socket(engines.socket.AF_UNIX) as s:
        s.bind(f"/tmp/koc-dead-{os.getpid()}")
    result = build_local(f"unix:///tmp/koc-dead-{os.getpid()}", status=1)
    os.unlink(f"/tmp/koc-dead-{os.getpid()}")
    assert "no process listens there" in result.errors[0]
    assert "hint: is it running?" in result.stderr


def test_no_permission_names_the_group(bare_koc, program, scripted):
    """Root without the right to pass by permissions is anybody."""
    setpriv = find_tool("setpriv")
    if setpriv is None or os.geteuid() != 0:
        pytest.skip("setpriv and root are needed")
    daemon = scripted()
    os.chown(daemon.path, 65534, 65534)
    os.chmod(daemon.path, 0o600)
    first = ["--bounding-set", "-dac_override,-dac_read_search", bare_koc.path]
    koc = Tool(setpriv, bare_koc.home, first=first, DOCKER_HOST=daemon.address)
    result = koc("build", "-L", "--base-image=scratch", "./cmd/x", cwd=program, status=1)
    assert "no permission to use the daemon's socket" in result.errors[0]
    assert "usermod -aG docker" in result.stderr and "rootless" in result.stderr


@pytest.mark.parametrize(
    "ping, said",
    [
        ((200, {"Api-Version": "1.18"}, b"OK"), "is too old: it has API 1.18"),
        ((200, {}, b"<html>"), "is not a Docker daemon"),
        ((200, {"Api-Version": "x"}, b"OK"), "is not a Docker daemon"),
        ((404, {}, b"not here"), "is not a Docker daemon"),
        (
            (403, {"Api-Version": "1.41"}, b'{"message":"authorization denied by plugin"}'),
            "says: authorization denied by plugin",
        ),
    ],
)
def test_a_scripted_daemon_that_is_none(build_local, scripted, ping, said):
    assert said in build_local(scripted(ping=ping).address, status=1).errors[0]


@pytest.mark.parametrize(
    "load, said",
    [
        ((200, {}, b"garbage\n"), "not valid JSON"),
        ((200, {}, b'{"stream":"x"}\n{"errorDetail":{"message":"bad"},"error":"bad"}'), "says: bad"),
        ((200, {}, b'{"stream":"Error unpacking image x: why"}\n'), "says: Error unpacking"),
        ((500, {}, b'{"message":"no"}'), "says: no"),
        ((500, {}, b"\x00\xff"), "answered with status 500"),
        ((200, {"Content-Length": "99"}, b'{"stream":"x"}'), "closed the connection"),
    ],
)
def test_a_scripted_load_that_fails(build_local, scripted, load, said):
    result = build_local(scripted(load=load).address, status=1)
    assert said in result.errors[0] and result.stdout == ""


def test_a_daemon_that_dies_in_mid_load(build_local, dockerd, tap):
    result = build_local(tap(dockerd, cut_up=1_000_000).address, status=1)
    assert "the daemon at unix:///" in result.errors[0] and result.stdout == ""


def test_the_disk_of_the_daemon_is_full(build_local, go_env):
    small = session_engine(lambda: engines.Dockerd(tmpfs="4m", more=["--storage-driver=vfs"]))
    try:
        result = build_local(small.address, status=1)
    finally:
        small.close()
    assert "no space left on device" in result.errors[0]
    assert "hint: its disk is full" in result.stderr


def test_loading_can_be_stopped(bare_koc, program, dockerd, tap, home):
    slow = tap(dockerd, hold_load=True)
    koc = Tool(bare_koc.path, home, DOCKER_HOST=slow.address)
    process = koc.start("build", "-L", "--base-image=scratch", "./cmd/x", cwd=program)
    assert slow.held.wait(30)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130


# --- images of the daemon as bases


def test_an_image_of_the_daemon_is_a_base(bare_koc, build_local, engine, program, tmp_path, podman):
    first = build_local(engine.address, "-t", "base")
    base = first.ref.split(":")[0] + ":base"
    goapps.GoApp(tmp_path / "other").module("example.test/other").program(".", PROGRAM)
    env = {"DOCKER_HOST": engine.address}
    words = ["build", f"--base-image={base}", "--push=false", "--tarball=x.tar"]
    result = bare_koc(*words, ".", cwd=tmp_path / "other", env=env)
    assert "example.test/other" not in result.stderr
    with tarfile.open(tmp_path / "other/x.tar") as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))
        config = json.load(tar.extractfile(entry["Config"]))
    assert len(entry["Layers"]) == len(config["rootfs"]["diff_ids"]) == 4
    assert not list(bare_koc.home.tmp.iterdir()), "what was exported is gone"
    result = bare_koc(*words[:1], "--base-image=ko.local/none:1", cwd=tmp_path / "other", env=env,
                      status=1)
    assert "base image ko.local/none:1" in result.errors[0]
    assert re.search("not exist|not known|o such image", result.errors[0])


def test_taking_a_base_can_be_stopped(bare_koc, build_local, dockerd, program, tap, home):
    base = build_local(dockerd.address, "-t", "base").ref
    slow = tap(dockerd, hold_down=500_000)
    koc = Tool(bare_koc.path, home, DOCKER_HOST=slow.address)
    words = ["build", f"--base-image={base}", "--push=false", "./cmd/x"]
    process = koc.start(*words, cwd=program)
    assert slow.held.wait(30)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert not list(home.tmp.iterdir())


# --- containerd


def test_containerd_by_prefix_and_by_flag(bare_koc, containerd, program):
    env = {"CONTAINERD_ADDRESS": containerd.socket, "KO_DOCKER_REPO": "containerd.local"}
    words = ["build", "--base-image=scratch", "-B", "./cmd/x"]
    result = bare_koc(*words, cwd=program, env=env)
    assert result.ref.startswith("containerd.local/x:")
    digest = "sha256:" + result.ref.split(":")[1]
    assert digest in containerd.ctr("images", "ls", f"name=={result.ref}")
    again = bare_koc(*words, f"--into=containerd:{containerd.socket}", cwd=program)
    assert again.ref == result.ref and "Unchanged" in again.stderr
    runc = ["--runc-binary", str(containerd.runtime)]
    assert containerd.ctr("run", "--rm", *runc, result.ref, "t1") == "VERSION []\n"
    missing = bare_koc(*words, "--into=containerd:/nonexistent.sock", cwd=program, status=1)
    assert "containerd.local: no daemon at /nonexistent.sock" in missing.errors[0]


def test_into_what_is_not_known(bare_koc, program):
    result = bare_koc("build", "--into=swarm", "./cmd/x", cwd=program, status=2)
    assert '--into: "swarm" is not docker, kind' in result.errors[0]


def test_clusters_without_nodes(bare_koc, program, dockerd):
    env = {"DOCKER_HOST": dockerd.address, "KIND_EXPERIMENTAL_PROVIDER": "docker"}
    words = ["build", "--base-image=scratch", "./cmd/x"]
    for name, more in {"kind": "KIND_CLUSTER_NAME", "k3d": "K3D_CLUSTER"}.items():
        repository = {"KO_DOCKER_REPO": f"{name}.local", more: "none"}
        result = bare_koc(*words, cwd=program, env=env | repository, status=1)
        assert f'{name} cluster "none" has no nodes (asked docker)' in result.errors[0]
        assert more in result.stderr
    env["DOCKER_HOST"] = "unix:///nonexistent"
    result = bare_koc(*words, "--into=kind", cwd=program, env=env, status=1)
    assert "cannot list the nodes: docker:" in result.errors[0]


FAKE_MINIKUBE = """#!/bin/sh
# A stand-in for minikube, which cannot be had here: says that its node runs, keeps what it is given.
echo "$@" >> $HOME/minikube.log
case $1 in
status) echo "{\\"Name\\":\\"minikube\\",\\"Host\\":\\"$MINIKUBE_HOST\\"}"; exit ${MINIKUBE_EXIT:-0} ;;
image) cp "$5" $HOME/loaded.tar ;;
esac
"""


def test_a_fake_minikube_is_given_the_archive(bare_koc, home, program, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "minikube").write_text(FAKE_MINIKUBE)
    (folder / "minikube").chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "KO_DOCKER_REPO": "minikube.local"}
    words = ["build", "--base-image=scratch", "-B", "-t", "v1", "./cmd/x"]
    result = bare_koc(*words, cwd=program, env=env | {"MINIKUBE_HOST": "Running"})
    with tarfile.open(home.home / "loaded.tar") as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))
    assert sorted(entry["RepoTags"]) == sorted([result.ref, "minikube.local/x:v1"])
    stopped = env | {"MINIKUBE_HOST": "Stopped", "MINIKUBE_EXIT": "7"}
    result = bare_koc(*words, cwd=program, env=stopped, status=1)
    assert "node minikube of minikube profile" in result.errors[0]
    assert "hint: minikube start -p minikube" in result.stderr


# --- --run


def test_run_passes_all_through(bare_koc, engine, program):
    env = {"DOCKER_HOST": engine.address}
    words = ["build", "--run", "--base-image=scratch", "./cmd/x", "--"]
    result = bare_koc(*words, "cat", "-x", cwd=program, env=env, stdin="from stdin\n")
    assert result.stdout == "VERSION [cat -x]\nfrom stdin\n"
    assert "Running" in result.stderr
    assert bare_koc(*words, "fail", cwd=program, env=env, status=7).stdout == "VERSION [fail]\n"


def test_run_with_a_podman_that_has_no_daemon(bare_koc, home, podman_service, program):
    if engines.can_connect("/var/run/docker.sock") or engines.can_connect(
        "/run/podman/podman.sock"
    ):
        pytest.skip("this machine has a daemon")
    env = podman_service.settings()
    words = ["build", "-q", "--run", "--base-image=scratch", "./cmd/x", "--", "fail"]
    result = bare_koc(*words, cwd=program, env=env, status=7)
    assert result.stdout == "VERSION [fail]\n"
    assert not list(home.tmp.glob("koc-run*"))


def test_run_is_ended_by_an_interrupt(bare_koc, dockerd, home, program):
    koc = Tool(bare_koc.path, home, DOCKER_HOST=dockerd.address)
    words = ["build", "-q", "--run", "--base-image=scratch", "./cmd/x", "--", "wait"]
    process = koc.start(*words, cwd=program)
    assert process.stdout.readline() == "VERSION [wait]\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) != 0
    wait_until(lambda: dockerd.docker("ps", "-q") == "", 10)


def test_run_needs_one_image_and_stdout(bare_koc, dockerd, app):
    env = {"DOCKER_HOST": dockerd.address}
    words = ["build", "--run", "--base-image=scratch"]
    result = bare_koc(*words, "./cmd/app", "./cmd/tool", cwd=app, env=env, status=2)
    assert "--run starts one image, and 2 were built" in result.errors[0]
    result = bare_koc(*words, "--json", "./cmd/app", cwd=app, env=env, status=2)
    assert "--run and --json exclude each other" in result.errors[0]
    result = bare_koc(*words, "--into=kind", "./cmd/app", cwd=app, env=env, status=2)
    assert "excludes --into=kind" in result.errors[0]
