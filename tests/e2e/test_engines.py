"""koc build --local and --into against what takes minutes to make: dockerd 28 in both of its image
stores, and nodes as kind and k3d have them: containers with a containerd of their own."""

import json
import os
import pathlib
import re
import tarfile

import engines
import goapps
import pytest
from engine_fixtures import DATA, PROGRAM, change, session_engine
from hints import hint_of
from runner import Tool, lacking, needed, wait_until

pytestmark = pytest.mark.slow
BUILT = pathlib.Path(os.environ.get("KOC_TEST_TOOLS", "/nonexistent")) / "engines"
STORES = {
    "graph": ["--storage-driver=overlay2"],
    "containerd": ["--feature", "containerd-snapshotter=true", "--storage-driver=overlayfs"],
}


def built(name):
    if not (BUILT / name).exists():
        lacking(name, "is missing (tests/engines/build.sh makes it)")
    return BUILT / name


@pytest.fixture(scope="module", params=STORES)
def modern(request, go_env):
    program = built("bin/dockerd28")
    engine = session_engine(lambda: engines.Dockerd(program, more=STORES[request.param]))
    engine.store = request.param
    yield engine
    engine.close()


def test_both_stores_of_a_modern_daemon(build_local, modern, program, tap):
    log = tap(modern)
    first = build_local(log.address, "-t", "latest,v1")
    assert modern.run(first.ref, "a") == "VERSION [a]"
    again = build_local(log.address)
    assert "Unchanged" in again.stderr and len(log.loads()) == 1
    change(program, "SECOND")
    second = build_local(log.address)
    assert modern.run(second.ref) == "SECOND []"
    whole, part = log.loads()
    if modern.store == "graph":
        assert whole - part > DATA
    else:  # which layers are there cannot be asked; but the image keeps its digest
        assert modern.image_id(second.ref) == "sha256:" + second.ref.split(":")[1]


def test_a_modern_daemons_image_is_a_base(bare_koc, build_local, modern, tmp_path):
    base = build_local(modern.address).ref
    goapps.GoApp(tmp_path / "other").module("example.test/other").program(".", PROGRAM)
    env = {"DOCKER_HOST": modern.address}
    words = ["build", f"--base-image={base}", "--push=false", "--tarball=x.tar", "."]
    bare_koc(*words, cwd=tmp_path / "other", env=env)
    with tarfile.open(tmp_path / "other/x.tar") as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))
    assert len(entry["Layers"]) == 4


class Cluster:
    """Containers that look like the nodes of a cluster: labels, and a containerd in each."""

    IMAGE = "koc.test/node:1"

    def __init__(self, engine, labels):
        self.engine, self.names = engine, []
        entry = ["-c", 'ENTRYPOINT ["/usr/bin/containerd"]']
        path = ["-c", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        engine.docker("import", *entry, *path, built("node.tar"), self.IMAGE)
        for name, own in labels.items():
            words = ["run", "-d", "--name", name, "--privileged", "--network=none"]
            for label in own:
                words += ["--label", label]
            words += ["--tmpfs", "/run", "--tmpfs", "/tmp", "-v", "/var/lib/containerd"]
            engine.docker(*words, self.IMAGE)
            self.names.append(name)
        for name in self.names:
            wait_until(lambda node=name: self.alive(node), 20, f"containerd in {name}")

    def alive(self, name):
        try:
            self.ctr(name, "version")
        except AssertionError:
            return False
        return True

    def ctr(self, node, *args):
        return self.engine.docker(
            "exec", "--privileged", node, "ctr", "--namespace=k8s.io", *args
        )

    def close(self):
        self.engine.docker("rm", "-f", "-v", *self.names)


@pytest.fixture
def cluster(dockerd):
    made = []

    def make(labels):
        made.append(Cluster(dockerd, labels))
        return made[-1]

    yield make
    for one in made:
        one.close()


def kind_labels(name, role):
    return [f"io.x-k8s.kind.cluster={name}", f"io.x-k8s.kind.role={role}"]


def test_kind(bare_koc, cluster, dockerd, program):
    nodes = cluster(
        {
            "lab-control-plane": kind_labels("lab", "control-plane"),
            "lab-worker": kind_labels("lab", "worker"),
        }
    )
    env = {"DOCKER_HOST": dockerd.address, "KIND_CLUSTER_NAME": "lab"}
    env |= {"KO_DOCKER_REPO": "kind.local"}
    words = ["build", "--base-image=scratch", "-B", "-t", "latest,v1", "./cmd/x"]
    result = bare_koc(*words, cwd=program, env=env)
    assert result.ref.startswith("kind.local/x:")
    for node in nodes.names:
        for n, reference in enumerate([result.ref, "kind.local/x:latest", "kind.local/x:v1"]):
            said = nodes.ctr(node, "run", "--rm", reference, f"t{n}", "/ko-app/x", "in", node)
            assert said == f"VERSION [in {node}]"
    assert "Unchanged" in bare_koc(*words, cwd=program, env=env).stderr

    change(program, "SECOND")
    nodes.ctr(nodes.names[0], "images", "rm", "kind.local/x:v1")
    second = bare_koc(*words, "--into=kind:lab", cwd=program, env=env | {"KIND_CLUSTER_NAME": ""})
    said = nodes.ctr("lab-worker", "run", "--rm", "kind.local/x:latest", "t9", "/ko-app/x")
    assert said == "SECOND []" and second.ref != result.ref

    dockerd.docker("stop", "-t1", "lab-worker")
    result = bare_koc(*words, cwd=program, env=env, status=1)
    assert 'node lab-worker of cluster "lab" is not running' in result.errors[0]
    dockerd.docker(*hint_of(result).removeprefix("docker ").split())
    wait_until(lambda: nodes.alive("lab-worker"), 20, "the node")
    assert bare_koc(*words, cwd=program, env=env).ref == second.ref

    wrong = env | {"KIND_CLUSTER_NAME": "lap"}
    name, flag = re.search(r"; (\w+) or (--into=kind:NAME) chooses one", hint_of(bare_koc(*words, cwd=program, env=wrong, status=1))).groups()
    assert bare_koc(*words, cwd=program, env=env | {name: "lab"}).ref
    assert bare_koc(*words, flag.replace("NAME", "lab"), cwd=program, env=wrong).ref


def test_kind_with_podman(bare_koc, podman_service, home, program):
    """A node that podman runs, which has a store of its own and no daemon."""
    env = podman_service.settings() | {"KIND_EXPERIMENTAL_PROVIDER": "podman"}
    podman = Tool(needed("podman"), home, **env)
    entry = ["-c", 'ENTRYPOINT ["/usr/bin/containerd"]']
    path = ["-c", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    podman("import", *entry, *path, built("node.tar"), "localhost/node:1")
    node = "pod-control-plane"
    labels = [w for label in kind_labels("pod", "control-plane") for w in ("--label", label)]
    mounts = ["--tmpfs", "/run", "--tmpfs", "/tmp", "-v", "/var/lib/containerd"]
    podman("run", "-d", "--name", node, "--privileged", *labels, *mounts, "localhost/node:1")
    ctr = ["exec", "--privileged", node, "ctr", "--namespace=k8s.io"]
    try:
        wait_until(lambda: podman(*ctr, "version", status=None).status == 0, 20)
        words = ["build", "--base-image=scratch", "-B", "--into=kind:pod", "./cmd/x"]
        result = bare_koc(*words, cwd=program, env=env)
        assert podman(*ctr, "run", "--rm", result.ref, "t", "/ko-app/x").stdout == "VERSION []\n"
        podman("stop", "-t1", node)
        stopped = bare_koc(*words, cwd=program, env=env, status=1)
        assert f"node {node} of cluster" in stopped.errors[0]
        podman(*hint_of(stopped).removeprefix("podman ").split())
        wait_until(lambda: podman(*ctr, "version", status=None).status == 0, 20)
        assert bare_koc(*words, cwd=program, env=env).ref == result.ref
    finally:
        podman("rm", "-f", "-v", "-t", "1", node)


def test_k3d(bare_koc, cluster, dockerd, program):
    labels = ["app=k3d", "k3d.cluster=lab3"]
    nodes = cluster(
        {
            "k3d-lab3-server-0": [*labels, "k3d.role=server"],
            "k3d-lab3-serverlb": [*labels, "k3d.role=loadbalancer"],
        }
    )
    dockerd.docker("stop", "-t1", "k3d-lab3-serverlb")  # it runs no pods: nobody asks it
    env = {"DOCKER_HOST": dockerd.address, "KO_DOCKER_REPO": "k3d.local", "K3D_CLUSTER": "lab3"}
    bare_koc("build", "--base-image=scratch", "-B", "./cmd/x", cwd=program, env=env)
    said = nodes.ctr("k3d-lab3-server-0", "run", "--rm", "k3d.local/x:latest", "t", "/ko-app/x")
    assert said == "VERSION []"

    args = ["build", "--base-image=scratch", "-B", "./cmd/x"]
    wrong = env | {"K3D_CLUSTER": "lab4"}
    name, flag = re.search(r"; (\w+) or (--into=k3d:NAME) chooses one", hint_of(bare_koc(*args, cwd=program, env=wrong, status=1))).groups()
    assert bare_koc(*args, cwd=program, env=env | {name: "lab3"}).ref
    assert bare_koc(*args, flag.replace("NAME", "lab3"), cwd=program, env=wrong).ref


def test_the_disk_of_a_node_is_full(bare_koc, dockerd, cluster, program):
    nodes = cluster({"full-control-plane": kind_labels("full", "control-plane")})
    node = nodes.names[0]
    store = "/var/lib/containerd/io.containerd.content.v1.content"
    inside = ["exec", "--privileged", node, "busybox"]
    dockerd.docker(*inside, "mount", "-t", "tmpfs", "-o", "size=1m", "x", store)
    dockerd.docker(*inside, "mkdir", "-p", f"{store}/ingest", f"{store}/blobs/sha256")
    env = {"DOCKER_HOST": dockerd.address, "KIND_CLUSTER_NAME": "full"}
    words = ["build", "--base-image=scratch", "--into=kind", "./cmd/x"]
    result = bare_koc(*words, cwd=program, env=env, status=1)
    assert f"into node {node}: docker: " in result.errors[0]
    assert "no space left" in result.errors[0]
