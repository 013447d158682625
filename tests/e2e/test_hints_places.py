"""Hints about daemons, registries and layouts, followed as in test_hints.py."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import threading

import bases as base_images
import engines
import oci
import pytest
from engine_fixtures import session_engine
from hints import flag_of, hint_of, hints_of, variable_of
from lan import Forwarder, join
from ports import free_port
from registry import Pki, Registry
from runner import Tool, find_tool, needed, wait_until
from test_hints import bake

THIS_MACHINE = ("/var/run/docker.sock", "/run/podman/podman.sock")


@pytest.fixture
def no_daemon():
    if any(map(engines.can_connect, THIS_MACHINE)):
        pytest.skip("this machine has a daemon")


def last_hint(result):
    hints = hints_of(result)
    assert hints, str(result)
    return hints[-1]


# --- daemons ---


def test_a_scheme_that_is_not_supported(build_local, dockerd, docker_certificates):
    hint = hint_of(build_local("npipe:////./pipe/docker", status=1))
    unix, tcp = re.fullmatch(r"supported are (unix://)PATH and (tcp://)HOST:PORT", hint).groups()
    assert build_local(f"{unix}{dockerd.socket}").ref
    env = {"DOCKER_CERT_PATH": docker_certificates, "DOCKER_TLS_VERIFY": "1"}
    assert build_local(tcp + dockerd.tcp.removeprefix("tcp://"), env=env).ref


def test_no_daemon_is_named(bare_koc, program, podman_service, no_daemon):
    args = ["build", "-L", "--base-image=scratch", "./cmd/x"]
    hint = hint_of(bare_koc(*args, cwd=program, status=1))
    env = variable_of(hint, "DOCKER_HOST", **{"/PATH": str(podman_service.socket)})
    assert bare_koc(*args, cwd=program, env=env).ref


def test_a_socket_that_no_process_serves(build_local, tmp_path, go_env):
    """podman is started as the hint says, with a store of its own."""
    store = pathlib.Path(f"/tmp/koc-dead-{os.getpid()}")
    store.mkdir()
    path = store / "s"
    process = None
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(path))
        hint = hint_of(build_local(f"unix://{path}", status=1))
        words = re.search(r"or: podman (system service \S+ unix://\S+)$", hint)[1].split()
        path.unlink()
        first = [needed("podman"), "--root", store / "root", "--runroot", store / "run", "--storage-driver", "vfs"]
        first += ["--runtime", engines.runtime(store), "--cgroup-manager", "cgroupfs"]
        with open(store / "log", "wb") as log:
            process = subprocess.Popen([*map(str, first), *words], stdout=log, stderr=log)
        wait_until(lambda: engines.can_connect(path), 20, "podman")
        assert build_local(f"unix://{path}").ref
    finally:
        if process:
            engines.stop(process)
        shutil.rmtree(store, ignore_errors=True)


def test_a_rootless_daemon_in_place_of_a_group(bare_koc, program, scripted, podman_service):
    setpriv = find_tool("setpriv")
    if setpriv is None or os.geteuid() != 0:
        pytest.skip("setpriv and root are needed")
    denied = scripted()
    os.chown(denied.path, 65534, 65534)
    os.chmod(denied.path, 0o600)
    runtime_directory = pathlib.Path(f"/tmp/koc-run-{os.getpid()}")
    first = ["--bounding-set", "-dac_override,-dac_read_search", bare_koc.path]
    koc = Tool(setpriv, bare_koc.home, first=first, XDG_RUNTIME_DIR=runtime_directory)
    args = ["build", "-L", "--base-image=scratch", "./cmd/x"]
    hint = hint_of(koc(*args, cwd=program, env={"DOCKER_HOST": denied.address}, status=1))
    one, other = re.search(r"DOCKER_HOST=(\S+) or …(\S+)$", hint).groups()
    one = one.replace("$XDG_RUNTIME_DIR", str(runtime_directory))
    for address in (one, f"unix://{runtime_directory}{other}"):
        link = pathlib.Path(address.removeprefix("unix://"))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(podman_service.socket)
        try:
            assert koc(*args, cwd=program, env={"DOCKER_HOST": address}).ref
        finally:
            shutil.rmtree(runtime_directory)


def client_of(pki, folder):
    """ca.pem, cert.pem and key.pem of a client that an authority knows."""
    folder.mkdir()
    pki.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=me", "-keyout", "client.key", "-out", "client.csr")
    (pki.folder / "client.ext").write_text("extendedKeyUsage=clientAuth\n")
    pki.openssl(*"x509 -req -in client.csr -CA ca.crt -CAkey ca.key -CAcreateserial".split(),
                *"-days 30 -out client.crt -extfile client.ext".split())
    for file, name in (("ca.crt", "ca.pem"), ("client.crt", "cert.pem"), ("client.key", "key.pem")):
        shutil.copy(pki.folder / file, folder / name)
    return folder


@pytest.fixture
def docker_certificates(pki, tmp_path):
    return client_of(pki, tmp_path / "certificates")


@pytest.mark.parametrize("verify", ["1", None])
def test_a_daemon_that_requires_tls(build_local, dockerd, docker_certificates, tmp_path, verify):
    env = {"DOCKER_TLS_VERIFY": verify} if verify else {}
    hint = last_hint(build_local(dockerd.tcp, env=env, status=1))
    *files, name = re.search(r"put (\S+), (\S+) and (\S+) into a directory and name it in (\w+)", hint).groups()
    place = tmp_path / "mine"
    place.mkdir()
    for file in files:
        shutil.copy(docker_certificates / file, place / file)
    assert build_local(dockerd.tcp, env=env | {name: place}).ref


def test_certificates_of_another_daemon(build_local, dockerd, docker_certificates, tmp_path):
    other = client_of(Pki(tmp_path / "other-authority"), tmp_path / "other")
    env = {"DOCKER_TLS_VERIFY": "1"}
    hint = last_hint(build_local(dockerd.tcp, env=env | {"DOCKER_CERT_PATH": other}, status=1))
    name = re.fullmatch(r"the certificates in (\w+) are not those of this daemon", hint)[1]
    assert build_local(dockerd.tcp, env=env | {name: docker_certificates}).ref


class Door(Forwarder):
    """A daemon's socket at a TCP port, without TLS."""

    def __init__(self, engine):
        self.engine = engine
        super().__init__("127.0.0.1:1")

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.engine.socket))
                threading.Thread(target=join, args=(client, server), daemon=True).start()


def test_a_daemon_without_tls(build_local, podman_service, docker_certificates):
    door = Door(podman_service)
    env = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": docker_certificates}
    hint = last_hint(build_local(f"tcp://{door.host}", env=env, status=1))
    for name in re.search(r"unset (\w+) and (\w+)$", hint).groups():
        del env[name]
    assert build_local(f"tcp://{door.host}", env=env).ref
    door.close()


def test_a_port_without_a_daemon(build_local, podman_service, home):
    address = f"tcp://127.0.0.1:{free_port()}"
    command = re.search(r"is it running\? (docker version) connects", hint_of(build_local(address, status=1)))[1]
    said = subprocess.run([needed("docker"), *command.split()[1:]], env=home.env(DOCKER_HOST=address), capture_output=True, text=True)
    assert said.returncode != 0 and address in said.stderr
    subprocess.run([needed("docker"), *command.split()[1:]], env=home.env(DOCKER_HOST=podman_service.address), check=True, capture_output=True)


def test_a_server_that_is_not_a_daemon(build_local, scripted, podman_service):
    hint = hint_of(build_local(scripted(ping=(404, {}, b"not here")).address, status=1))
    name = re.fullmatch(r"(\w+) names the daemon to use", hint)[1]
    assert build_local("unix:///nonexistent", env={name: podman_service.address}).ref


def test_a_context_that_does_not_exist(bare_koc, home, dockerd, program, no_daemon):
    docker = Tool(needed("docker"), home)
    docker("context", "create", "lab", "--docker", f"host={dockerd.address}")
    args = ["build", "-L", "--base-image=scratch", "./cmd/x"]
    hint = hint_of(bare_koc(*args, cwd=program, env={"DOCKER_CONTEXT": "lap"}, status=1))
    command = re.match(r"docker (context ls) lists", hint)[1]
    assert "lab" in docker(*command.split(), "--format", "{{.Name}}").lines
    assert bare_koc(*args, cwd=program, env={"DOCKER_CONTEXT": "lab"}).ref
    env = variable_of(hint, "DOCKER_CONTEXT")
    link = pathlib.Path(f"/tmp/koc-ctx-{os.getpid()}") / "docker.sock"
    link.parent.mkdir()
    link.symlink_to(dockerd.socket)
    try:
        assert bare_koc(*args, cwd=program, env=env | {"XDG_RUNTIME_DIR": link.parent}).ref
    finally:
        shutil.rmtree(link.parent)


def test_a_daemon_whose_disk_is_full(build_local, tmp_path, go_env):
    """An image without a name fills it."""
    small = session_engine(lambda: engines.Dockerd(tmpfs="40m", more=["--storage-driver=vfs"]))
    try:
        (tmp_path / "big.tar").write_bytes(base_images.tar_of({"big": os.urandom(30_000_000)}))
        small.docker("import", tmp_path / "big.tar")
        hint = last_hint(build_local(small.address, status=1))
        usage, prune = re.search(r"docker (system df) shows the usage, docker (image prune) removes", hint).groups()
        assert "30MB" in small.docker(*usage.split())
        small.docker(*prune.split(), "--force")
        assert build_local(small.address).ref
    finally:
        small.close()


def test_an_image_for_another_platform(build_local, podman_service):
    other = ["--platform=linux/s390x,linux/riscv64"]
    hint = last_hint(build_local(podman_service.address, *other, status=1))
    assert re.match(r"leave --platform out: ", hint), hint
    assert build_local(podman_service.address).ref


def test_a_containerd_that_is_named(bare_koc, containerd, program):
    args = ["build", "--base-image=scratch", "./cmd/x"]
    bad = {"CONTAINERD_ADDRESS": "/nonexistent/containerd.sock"}
    hint = last_hint(bare_koc(*args, "--into=containerd", cwd=program, env=bad, status=1))
    name, flag = re.match(r"(\w+) or (--into=containerd:/PATH) names its socket", hint).groups()
    assert bare_koc(*args, "--into=containerd", cwd=program, env={name: containerd.socket}).ref
    assert bare_koc(*args, flag.replace("/PATH", str(containerd.socket)), cwd=program).ref


# --- registries ---


def test_a_registry_that_requires_a_client_certificate(bare_koc, pki, tmp_path, registry):
    tls = f", tls: {{certificate: {pki.folder}/server.crt, key: {pki.folder}/server.key, clientcas: [{pki.ca}]}}"
    client = client_of(pki, tmp_path / "client")
    server = Registry(tmp_path / "mutual", scheme="https", name="localhost", ca=pki.ca, http=tls)
    try:
        args = ["copy", f"--registry-ca={pki.ca}", bake(registry), f"{server.host}/hints/x:1"]
        hint = hint_of(bare_koc(*args, status=1))
        cert, key, place = re.fullmatch(r"put (\S+) and (\S+) into (/\S+?)/?", hint).groups()
        pathlib.Path(place).mkdir(parents=True)
        shutil.copy(client / "cert.pem", pathlib.Path(place) / cert)
        shutil.copy(client / "key.pem", pathlib.Path(place) / key)
        bare_koc(*args)
    finally:
        server.close()


class TlsFront(Forwarder):
    """Ends TLS before a registry on plain HTTP. `fields` replace those of each request; a connection has one."""

    def __init__(self, upstream, pki):
        self.fields = {"Host": upstream, "Connection": "close"}
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pki.folder / "server.crt", pki.folder / "server.key")
        super().__init__(upstream)

    def carry(self, client, server):
        with contextlib.suppress(OSError), self.context.wrap_socket(client, server_side=True) as inner:
            stream = inner.makefile("rb")
            names = tuple(f"{name}:".lower().encode() for name in self.fields)
            head = [line for line in iter(stream.readline, b"\r\n") if not line.lower().startswith(names)]
            head += [f"{name}: {value}\r\n".encode() for name, value in self.fields.items()]
            length = next((int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:")), 0)
            server.sendall(b"".join(head) + b"\r\n" + stream.read(length))
            while data := server.recv(65536):
                inner.sendall(data)
            server.close()


def test_a_proxy_that_hides_https(bare_koc, registry, pki):
    image = bake(registry)
    front = TlsFront(registry.host, pki)
    args = ["copy", f"--registry-ca={pki.ca}", image, f"{front.host.replace('127.0.0.1', 'localhost')}/hints/front:1"]
    hint = last_hint(bare_koc(*args, status=1))
    kept, new = re.fullmatch(r"the proxy in front of \S+ should keep (\S+) and set (\S+)", hint).groups()
    del front.fields[kept]
    front.fields[new] = "https"
    bare_koc(*args)
    front.close()


def test_a_credential_helper_that_fails(bare_koc, home, basic_registry):
    image = bake(basic_registry)
    program = home.root / "bin/docker-credential-lab"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\ncat >/dev/null\necho 'the keyring is locked' >&2\nexit 1\n")
    program.chmod(0o755)
    config = home.home / ".docker/config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps({"credHelpers": {basic_registry.host: "lab"}}))
    env = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    hint = last_hint(bare_koc("digest", image, env=env, status=1))
    command = re.search(r"to see its output: (.*)$", hint)[1]
    said = subprocess.run(["sh", "-c", command], env=home.env(**env), capture_output=True, text=True)
    assert said.returncode == 1 and "the keyring is locked" in said.stdout + said.stderr


def test_a_push_offline(bare_koc, app, tmp_path):
    args = ["build", "--offline", "--base-image=scratch", "./cmd/tool"]
    hint = hint_of(bare_koc(*args, cwd=app, env={"KO_DOCKER_REPO": "registry.lab.invalid"}, status=None))
    first, *places = re.search(r"with (\S+), images can go to (\S+) or (\S+)", hint).groups()
    for place in places:
        out = tmp_path / place.strip("-")
        env = {"KO_DOCKER_REPO": "registry.lab.invalid"}
        assert bare_koc(*args, first, f"{place}={out}", cwd=app, env=env).ref and out.exists()


def test_layers_that_are_not_in_the_cache(bare_koc, app, registry, tmp_path):
    base = bake(registry)
    args = ["build", f"--base-image={base}", "--push=false", "./cmd/tool"]
    bare_koc(*args, cwd=app)
    layout = f"--oci-layout-path={tmp_path}/out"
    hint = last_hint(bare_koc(*args, "--offline", layout, cwd=app, status=None))
    assert re.search(r"build once without --offline into the same OCI layout, or on a base in a layout \(oci:DIR\)", hint)
    bare_koc(*args, layout, cwd=app)
    assert bare_koc(*args, "--offline", layout, cwd=app).ref
    bare_koc("pull", base, tmp_path / "base")
    args[1] = f"--base-image=oci:{tmp_path}/base"
    assert bare_koc(*args, "--offline", f"--oci-layout-path={tmp_path}/other", cwd=app).ref


def test_a_tag_that_a_registry_does_not_delete(bare_koc, registry, tmp_path):
    """What answers 405 is the registry itself: Debian's deletes manifests by digest alone."""
    image = bake(registry, "hints/tagged")
    result = bare_koc("rm", image, status=None)
    if result.status == 0:
        pytest.skip("this registry deletes tags")
    assert re.fullmatch(r"deleting it by digest removes all its tags", hint_of(result))
    bare_koc("rm", f"{image.rsplit(':', 1)[0]}@{bare_koc('digest', image).ref}")
    assert registry.tags("hints/tagged") == []


# --- files ---


def test_a_copy_of_several_that_stops(bare_koc, registry, tmp_path):
    image = bake(registry)
    (tmp_path / "pairs").write_text("".join(f"{image}{wrong} oci:{tmp_path}/{n}\n" for n, wrong in enumerate(["", "x", ""])))
    args = ["copy", "--jobs=1", "--from-file", tmp_path / "pairs"]
    flag = flag_of(last_hint(bare_koc(*args, status=1)), "keep-going")
    assert len(bare_koc(*args, flag, status=1).lines) == 2
    assert bare_koc("digest", f"oci:{tmp_path}/2").ref == bare_koc("digest", image).ref


def test_the_store_of_docker(bare_koc, build_local, dockerd, tmp_path):
    image = build_local(dockerd.address).ref
    hint = hint_of(bare_koc("config", f"docker-daemon:{image}", status=1))
    place, save, load = re.fullmatch(r"(\S+) is what docker (save .*) writes and docker (load .*) reads", hint).groups()
    file = str(tmp_path / "x.tar")
    dockerd.docker(*save.replace("FILE", file).replace("NAME", image).split())
    place = place.replace("FILE", file)
    assert json.loads(bare_koc("config", place).stdout)["os"] == "linux"
    dockerd.docker(*load.replace("FILE", file).split())


def test_a_foreign_layer(bare_koc, tmp_path):
    """Docker's archives need each layer's content; the two places that the hint names do not."""
    config = {"architecture": "amd64", "os": "linux", "config": {},
              "rootfs": {"type": "layers", "diff_ids": [oci.digest_of(b"x")]}}
    data = json.dumps(config).encode()
    kind = "application/vnd.oci.image"
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", "size": len(data), "digest": oci.digest_of(data)},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": 1, "digest": oci.digest_of(b"x"),
                    "urls": ["https://mcr.example/layer"]}],
    }).encode()
    allow = "validation: {manifests: {urls: {allow: ['^https://mcr[.]example/']}}}\n"
    server = Registry(tmp_path / "registry", auth=allow)
    try:
        server.put_blob("foreign", data, oci.digest_of(data))
        server.put_manifest("foreign", "1", manifest, f"{kind}.manifest.v1+json")
        image = f"{server.host}/foreign:1"
        hint = hint_of(bare_koc("copy", image, f"docker-archive:{tmp_path}/d.tar", status=1))
        assert re.fullmatch("registries and OCI layouts accept the image without this layer", hint)
        bare_koc("copy", image, f"oci:{tmp_path}/layout")
        bare_koc("copy", image, f"{server.host}/foreign:2")
    finally:
        server.close()
