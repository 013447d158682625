"""koc apply, create, delete and run against a real kube-apiserver with real kubectl.

./dev test builds the server once (tests/kube/build.sh).
"""

import json
import os
import pathlib
import signal
import stat
import subprocess
import threading
import time

import pytest
from ports import free_port
from runner import Tool, find_tool, lacking, wait_until

LAB = pathlib.Path(__file__).resolve().parents[1] / "kube/lab.sh"

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: ko://example.test/app/cmd/tool # ours
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: settings}}
data: {image: "ko://example.test/app/cmd/tool"}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The kubeconfig of a cluster with controllers and without nodes."""
    programs = pathlib.Path(os.environ.get("KOC_TEST_TOOLS", "/nonexistent")) / "kube/bin"
    for tool in ("etcd", "kubectl", "openssl"):
        if find_tool(tool) is None:
            lacking(tool)
    for program in ("kube-apiserver", "kube-controller-manager"):
        if not (programs / program).exists():
            lacking(program, "is missing (tests/kube/build.sh makes it)")
    folder = tmp_path_factory.mktemp("kube")
    port = str(free_port(count=7))
    try:
        for part in ("api", "ctl"):
            subprocess.run([LAB, part, folder, programs, port], check=True, timeout=120)
        yield folder / "kubeconfig"
    finally:
        subprocess.run([LAB, "down", folder, programs, port], timeout=60)


@pytest.fixture
def kubectl(home, cluster):
    tool = Tool(find_tool("kubectl"), home, KUBECONFIG=cluster)
    tool("create", "namespace", "default", status=None)
    yield tool
    tool("delete", "deploy,configmap,pod,job,crd", "--all", "--now", "--wait=false", status=None)
    tool("delete", "deploy,configmap", "-n", "other", "--all", "--now", status=None)
    wait_until(lambda: not tool("get", "deploy,pod", "-o", "name").stdout, 30)


@pytest.fixture
def kube(koc, app, kubectl, cluster):
    """koc in the module `app`, with k.yaml, for the cluster."""
    (app / "k.yaml").write_text(DEPLOYMENT)
    koc.cwd = app.folder
    koc.extra |= {"KO_DEFAULTBASEIMAGE": "scratch", "KUBECONFIG": cluster}
    return koc


def image(kubectl, name="web"):
    return kubectl("get", "deploy", name, "-o", "jsonpath={.spec.template.spec.containers[0].image}").stdout


def test_apply_and_delete(kube, kubectl, registry):
    result = kube("apply", "-f", "k.yaml")
    assert result.stdout == "deployment.apps/web created\nconfigmap/settings created\n"
    assert image(kubectl).startswith(f"{registry.host}/koc/tool-") and "@sha256:" in image(kubectl)
    data = kubectl("get", "configmap", "settings", "-o", "jsonpath={.data.image}").stdout
    assert data == image(kubectl)
    assert "unchanged" in kube("apply", "-f", "k.yaml").stdout
    assert kube("delete", "-f", "k.yaml").stdout == 'deployment.apps "web" deleted\nconfigmap "settings" deleted\n'
    assert kubectl("get", "deploy", "-o", "name").stdout == ""


def test_selector_namespace_and_kubectls_flags(kube, kubectl):
    kubectl("create", "namespace", "other", status=None)
    out = kube("apply", "-f", "k.yaml", "-l", "app=settings", "-n", "other", "--server-side", "--",
               "--field-manager=lab").stdout
    assert out == "configmap/settings serverside-applied\n"
    found = json.loads(kubectl("get", "configmap", "settings", "-n", "other", "-o", "json",
                               "--show-managed-fields").stdout)
    assert found["metadata"]["managedFields"][0]["manager"] == "lab"
    assert kubectl("get", "deploy", "-o", "name").stdout == ""
    assert kube("apply", "-f", "k.yaml", "--dry-run").stdout.splitlines()[0].endswith("created (dry run)")
    assert kube("apply", "-f", "k.yaml", "--dry-run=server").stdout.splitlines()[0].endswith("(server dry run)")
    assert kubectl("get", "deploy", "-o", "name").stdout == ""


def test_custom_resources(kube, kubectl, app):
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.e.test"},
        "spec": {"group": "e.test", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                     "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
    (app / "crd.json").write_text(json.dumps(crd))
    kube("apply", "-f", "crd.json")
    kubectl("wait", "--for=condition=Established", "crd/things.e.test")
    (app / "thing.yaml").write_text("apiVersion: e.test/v1\nkind: Thing\nmetadata: {name: x}\n"
                                    "runner: ko://example.test/app/cmd/tool\n")
    kube("apply", "-f", "thing.yaml")
    assert "@sha256:" in kubectl("get", "things.e.test", "x", "-o", "jsonpath={.runner}").stdout


def test_create_passes_the_exit_code_on(kube):
    assert "deployment.apps/web created" in kube("create", "-f", "k.yaml").stdout
    again = kube("create", "-f", "k.yaml", status=1)
    assert "AlreadyExists" in again.stderr and again.errors == ["koc: kubectl create failed (exit 1)"]
    wrong = kube("apply", "-f", "k.yaml", "--", "--no-such-flag", status=1)
    assert wrong.errors == ["koc: kubectl apply failed (exit 1)"]


def test_nothing_is_sent_unless_everything_resolves(kube, kubectl, app):
    (app / "cmd/app/main.go").write_text("package main\n\nfunc main() { broken }\n")
    (app / "z.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z}\n"
                                "data: {i: ko://example.test/app/cmd/app}\n")
    result = kube("apply", "-f", "k.yaml", "-f", "z.yaml", status=1)
    assert "undefined: broken" in result.stderr and result.stdout == ""
    assert kubectl("get", "deploy", "-o", "name").stdout == ""


def script(folder, text):
    path = folder / "bin/kubectl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"{path.parent}:{os.environ['PATH']}"


def test_kubectl_missing_or_killed(kube, app, tmp_path, registry):
    mark = registry.mark()
    assert kube("apply", "-f", "k.yaml", env={"PATH": str(tmp_path)}, status=1).errors == [
        "koc: kubectl is needed, but is not on PATH"]
    assert not registry.since(mark)  # nothing was built for it
    killed = kube("apply", "-f", "k.yaml", env={"PATH": script(app.folder, "kill -9 $$\n")}, status=137)
    assert killed.errors == ["koc: kubectl apply was ended by signal 9"]
    deaf = kube("apply", "-f", "k.yaml", env={"PATH": script(app.folder, "exec <&-; exit 3\n")}, status=3)
    assert deaf.errors == ["koc: kubectl apply failed (exit 3)"]


def test_kubectl_too_old_or_refused(kube, app):
    """It may be as old as it likes while it works."""
    version = 'if [ "$1" = version ]; then echo \'{"clientVersion": {"gitVersion": "v1.%d.2"}}\'; exit; fi\ncat > /dev/null\n'
    old = kube("apply", "-f", "k.yaml", env={"PATH": script(app.folder, version % 17 + "exit 1\n")}, status=1)
    assert old.errors == ["koc: kubectl apply failed (exit 1): kubectl 1.17.2 is too old, koc needs 1.18 or later"]
    assert kube("apply", "-f", "k.yaml", env={"PATH": script(app.folder, version % 17)}).errors == []
    new = kube("apply", "-f", "k.yaml", env={"PATH": script(app.folder, version % 18 + "exit 4\n")}, status=4)
    assert new.errors == ["koc: kubectl apply failed (exit 4)"]
    path = script(app.folder, "")
    (app / "bin/kubectl").write_bytes(b"no program")
    broken = kube("apply", "-f", "k.yaml", env={"PATH": path}, status=None)
    assert broken.status != 0 and len(broken.errors) == 1, broken


# --- streaming -----------------------------------------------------------------------------------

KEEP = """n=$(ls "$PWD" | grep -c '^got')
cat > "$PWD/got.$n"
echo "kubectl $n"
exit $(cat "$PWD/status" 2> /dev/null || echo 0)
"""


def test_stream_sends_what_is_ready(kube, app):
    """The first document has no reference, the second is of a package that does not compile."""
    (app / "s.yaml").write_text("# text\n---\nkind: A\n---\nkind: B\nimage: ko://example.test/app/cmd/tool\n---\nkind: C\n"
                                "image: ko://example.test/app/cmd/app\n---\nkind: D\n")
    env = {"PATH": script(app.folder, KEEP)}

    def got():
        return "".join(path.read_text() for path in sorted(app.folder.glob("got.*")))

    result = kube("apply", "--stream", "-f", "s.yaml", env=env)
    text = got()
    assert [line for line in text.splitlines() if line.startswith("kind")] == ["kind: A", "kind: B", "kind: C", "kind: D"]
    assert text.count("@sha256:") == 2 and result.stdout.startswith("kubectl 0\n")
    for path in app.folder.glob("got.*"):
        path.unlink()
    (app / "cmd/tool/main.go").write_text("package main\n\nfunc main() { broken }\n")
    result = kube("apply", "--stream", "-f", "s.yaml", env=env, status=1)
    assert "kind: A" in got() and "kind: B" not in got() and "kind: D" not in got()
    assert len(result.errors) == 1 and "hint: some documents were already sent to kubectl" in result.stderr


def test_stream_ends_with_the_kubectl_that_fails(kube, app):
    (app / "status").write_text("7")
    result = kube("apply", "--stream", "-f", "k.yaml", env={"PATH": script(app.folder, KEEP)}, status=7)
    assert result.errors == ["koc: kubectl apply failed (exit 7)"]
    (app / "none.yaml").write_text("# nothing\n")
    none = kube("apply", "--stream", "-f", "none.yaml", env={"PATH": script(app.folder, KEEP)}, status=7)
    assert none.stdout.startswith("kubectl ")  # as without --stream: it is kubectl that says there is no object
    assert kube("apply", "--stream", "-f", "k.yaml", "--", "--prune", status=2).errors == [
        "koc: --stream: kubectl's --prune needs all documents at once"]


def test_stream_into_a_cluster(kube, kubectl, app):
    (app / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\n")
    result = kube("apply", "--stream", "-f", "a.yaml", "-f", "k.yaml")
    assert sorted(result.lines) == ["configmap/first created", "configmap/settings created", "deployment.apps/web created"]
    assert "@sha256:" in image(kubectl)
    again = kube("create", "--stream", "-f", "a.yaml", status=1)
    assert "AlreadyExists" in again.stderr


def test_interrupt_ends_kubectl_too(kube, app):
    path = script(app.folder, "echo $$ > pid\nexec sleep 60\n")
    process = kube.start("apply", "-f", "k.yaml", env={"PATH": path})
    wait_until(lambda: (app / "pid").exists() and (app / "pid").read_text().strip(), 60)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int((app / "pid").read_text()), 0)


def test_the_words_of_kubectl(kube, app, registry):
    """As ko's: samples of its argument vectors."""
    path = script(app.folder, 'cat > /dev/null\nfor word; do echo "<$word>"; done\n')

    def words(*args):
        return kube(*args, env={"PATH": path}).stdout.replace("\n", " ").strip()

    assert words("apply", "-f", "k.yaml", "-B", "pos1", "--", "--namespace=foo") == "<apply> <-f> <-> <pos1> <--namespace=foo>"
    assert words("create", "-f", "k.yaml", "--", "--save-config") == "<create> <-f> <-> <--save-config>"
    assert words("delete", "-f", "k.yaml", "--ignore-not-found", "-n", "foo", "--", "x", "y") == (
        "<delete> <-f> <k.yaml> <--ignore-not-found> <-n> <foo> <--> <x> <y>")
    out = words("run", "./cmd/tool", "-B", "--", "--labels=a=b", "--", "-v", "arg")
    ref = out.split()[3].strip("<>")
    assert ref.startswith(f"{registry.host}/koc/tool@sha256:")
    assert out == (f"<run> <tool> <--image> <{ref}> <--attach> <--rm> <--restart=Never> <--log-flush-frequency=1s> "
                   "<--labels=a=b> <--> <-v> <arg>")
    assert kube("run", env={"PATH": path}, status=2).errors == ["koc: koc run needs an import path: koc run ./cmd/job"]
    assert "without building" in kube("help", status=0).stdout and kube("delete", "-h").stdout.startswith("usage: koc")


def test_run_makes_a_pod(kube, kubectl):
    process = kube.start("run", "./cmd/tool", "-B", "--", "--labels=x=y", "--", "-v", "arg")
    try:
        wait_until(lambda: kubectl("get", "pod", "tool", status=None).status == 0, 60)
        pod = json.loads(kubectl("get", "pod", "tool", "-o", "json").stdout)
        assert pod["spec"]["containers"][0]["args"] == ["-v", "arg"]
        assert "@sha256:" in pod["spec"]["containers"][0]["image"] and pod["metadata"]["labels"] == {"x": "y"}
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


def test_watch_applies_a_second_digest(kube, kubectl, app):
    process = kube.start("apply", "-f", "k.yaml", "--watch", "-q")
    try:
        wait_until(lambda: kubectl("get", "deploy", "web", status=None).status == 0, 60)
        first = image(kubectl)
        source = app / "cmd/tool/main.go"
        source.write_text(source.read_text() + "\nvar more = 1\n")
        wait_until(lambda: image(kubectl) != first, 60)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


# --- waiting: there is no node, so the test says how pods are -------------------------------------

def set_pods(kubectl, stop, status):
    while not stop.wait(0.3):
        for name in kubectl("get", "pods", "-l", "app=web", "-o", "name").lines:
            kubectl("patch", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status(kubectl, name)}),
                    status=None)


def with_pods(kubectl, status, run):
    stop = threading.Event()
    setter = threading.Thread(target=set_pods, args=(kubectl, stop, status))
    setter.start()
    try:
        return run()
    finally:
        stop.set()
        setter.join()


def container(kubectl, name, **state):
    ref = kubectl("get", name, "-o", "jsonpath={.spec.containers[0].image}").stdout
    return [{"name": "main", "image": ref, "imageID": "", "restartCount": 0, **state}]


def test_wait_returns_when_the_pod_is_ready(kube, kubectl):
    def ready(kubectl, name):
        return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": container(kubectl, name, ready=True, state={"running": {"startedAt": "2026-01-01T00:00:00Z"}})}

    result = with_pods(kubectl, ready, lambda: kube("apply", "-f", "k.yaml", "--wait", "--timeout=60s"))
    assert "  Running Deployment/web\n" in result.stderr
    assert result.stdout.splitlines()[0] == "deployment.apps/web created"


def test_wait_names_the_reason_of_a_pod_that_cannot_start(kube, kubectl):
    def broken(kubectl, name):
        return {"phase": "Pending", "containerStatuses": container(
            kubectl, name, ready=False, state={"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})}

    started = time.time()
    result = with_pods(kubectl, broken, lambda: kube("apply", "-f", "k.yaml", "--wait", status=1))
    assert time.time() - started < 60
    assert len(result.errors) == 1
    assert result.errors[0].startswith("koc: Deployment/web does not run: pod web-")
    assert result.errors[0].endswith(', container main: ImagePullBackOff: "no such image"')


def test_wait_takes_no_pod_for_running_that_crashes_after_it_was_ready(kube, kubectl):
    """Ready, ended, started again, ready: success only when it has stayed up."""
    started = {}

    def crashing(kubectl, name):
        since = time.time() - started.setdefault(name, time.time())
        last = {"terminated": {"exitCode": 3, "reason": "Error"}}
        if since < 3 or 5 < since < 7:
            return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": container(kubectl, name, ready=True, restartCount=0 if since < 3 else 1,
                                                   state={"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                                                   lastState={} if since < 3 else last)}
        reason = "ContainerCreating" if since <= 5 else "CrashLoopBackOff"
        return {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": container(kubectl, name, ready=False, restartCount=1, lastState=last,
                                               state={"waiting": {"reason": reason, "message": "back-off"}})}

    result = with_pods(kubectl, crashing, lambda: kube("apply", "-f", "k.yaml", "--wait", "--timeout=60s", status=1))
    assert "  Running " not in result.stderr
    assert result.errors[-1].startswith("koc: Deployment/web does not run: pod web-")
    assert "CrashLoopBackOff" in result.errors[-1]


def test_wait_forgives_one_restart_when_the_pod_stays_up_then(kube, kubectl):
    started = {}

    def slow(kubectl, name):
        early = time.time() - started.setdefault(name, time.time()) < 3
        return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": container(kubectl, name, ready=True, restartCount=0 if early else 1,
                                               state={"running": {"startedAt": "2026-01-01T00:00:00Z"}})}

    result = with_pods(kubectl, slow, lambda: kube("apply", "-f", "k.yaml", "--wait", "--timeout=90s"))
    assert "  Running Deployment/web\n" in result.stderr


WORKLOADS = {
    "ReplicaSet": "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: w}\nspec:\n  replicas: 2\n"
                  "  selector: {matchLabels: {app: web}}\n  template: TEMPLATE\n",
    "StatefulSet": "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: w}\nspec:\n  serviceName: w\n"
                   "  selector: {matchLabels: {app: web}}\n  template: TEMPLATE\n",
    "DaemonSet": "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: w}\nspec:\n"
                 "  selector: {matchLabels: {app: web}}\n  template: TEMPLATE\n",
    "Job": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: w}\nspec:\n  backoffLimit: 0\n  template: TEMPLATE\n",
    "Pod": "apiVersion: v1\nkind: Pod\nmetadata: {name: w, labels: {app: web}}\nspec: SPEC\n",
}


def workload(kind):
    spec = "{restartPolicy: POLICY, containers: [{name: main, image: ko://example.test/app/cmd/tool}]}"
    spec = spec.replace("POLICY", "Never" if kind in ("Job", "Pod") else "Always")
    return WORKLOADS[kind].replace("TEMPLATE", "{metadata: {labels: {app: web}}, spec: %s}" % spec).replace("SPEC", spec)


def remove_workloads(kubectl):
    kubectl("delete", "rs,sts,ds,job,pod", "--all", "--now", "--wait=false", status=None)


def some(*quick):
    """These kinds in each run, the others with all tests."""
    return [kind if kind in quick else pytest.param(kind, marks=pytest.mark.slow) for kind in WORKLOADS]


@pytest.mark.parametrize("kind", some("Job", "Pod"))
def test_wait_for_each_kind(kube, kubectl, app, kind):
    def ready(kubectl, name):
        if kind == "Job":
            return {"phase": "Succeeded", "containerStatuses": container(
                kubectl, name, ready=False, state={"terminated": {"exitCode": 0, "reason": "Completed"}})}
        return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": container(kubectl, name, ready=True, state={"running": {"startedAt": "2026-01-01T00:00:00Z"}})}

    (app / "w.yaml").write_text(workload(kind))
    try:
        result = with_pods(kubectl, ready, lambda: kube("apply", "-f", "w.yaml", "--wait", "--timeout=1m"))
        assert f"  Running {kind}/w\n" in result.stderr
    finally:
        remove_workloads(kubectl)


@pytest.mark.parametrize("kind", some("Job")[:2] + some("Job")[3:])  # a DaemonSet wants nodes
def test_wait_names_the_reason_for_each_kind(kube, kubectl, app, kind):
    def failed(kubectl, name):
        if kind == "Job":
            return {"phase": "Failed", "containerStatuses": container(
                kubectl, name, ready=False, state={"terminated": {"exitCode": 3, "reason": "Error"}})}
        return {"phase": "Pending", "containerStatuses": container(
            kubectl, name, ready=False, state={"waiting": {"reason": "ErrImageNeverPull", "message": "no image"}})}

    (app / "w.yaml").write_text(workload(kind))
    try:
        result = with_pods(kubectl, failed, lambda: kube("apply", "-f", "w.yaml", "--wait", "--timeout=1m", status=1))
        why = "BackoffLimitExceeded: Job has reached" if kind == "Job" else ', container main: ErrImageNeverPull: "no image"'
        assert len(result.errors) == 1 and result.errors[0].startswith(f"koc: {kind}/w does not run: "), result
        assert why in result.errors[0]
    finally:
        remove_workloads(kubectl)


def test_wait_for_nothing_and_with_an_odd_time(kube, app):
    (app / "w.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n")
    assert "Running" not in kube("apply", "-f", "w.yaml", "--wait").stderr
    for text in ("5", "x", "-1s", "0s", "5y"):
        assert kube("apply", "-f", "w.yaml", "--wait", f"--timeout={text}", status=2).errors == [
            f'koc: --timeout: "{text}" is not a time like 90s, 5m or 1h30m']


def test_wait_says_when_the_time_is_over(kube, kubectl):
    result = kube("apply", "-f", "k.yaml", "--wait", "--timeout=3s", status=1)
    assert result.errors and result.errors[-1].startswith("koc: Deployment/web does not run: ")


# --- a node that runs pods -----------------------------------------------------------------------

WEB = """
    package main

    import (
        "fmt"
        "net/http"
    )

    func main() {
        http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello from a pod") })
        http.ListenAndServe(":8080", nil)
    }
"""

POD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
      - name: main
        image: ko://./cmd/NAME
"""


class Inside(Tool):
    """A program in the network namespace of the cluster."""

    def __init__(self, path, home, namespace, **options):
        super().__init__("/usr/bin/nsenter", home, first=[f"--net=/run/netns/{namespace}", path], **options)


@pytest.fixture
def node(koc_path, home, app, tmp_path_factory):
    """koc and kubectl for a whole cluster, with a registry, in a network of their own."""
    programs = pathlib.Path(os.environ.get("KOC_TEST_TOOLS", "/nonexistent")) / "kube/bin"
    for tool in ("etcd", "kubectl", "openssl", "containerd", "runc", "docker-registry", "ip"):
        if find_tool(tool) is None:
            lacking(tool)
    if os.geteuid() != 0:
        pytest.skip("a node needs root")
    for program in ("kubelet", "runc-lab"):
        if not (programs / program).exists():
            lacking(program, "is missing (tests/kube/build.sh makes it)")
    folder = tmp_path_factory.mktemp("node")
    name, port, reg = f"koc{os.getpid()}", str(free_port(count=7)), f"127.0.0.1:{free_port()}"
    enter = ["nsenter", f"--net=/run/netns/{name}"]
    config = folder / "registry.yml"
    config.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\nhttp: {{addr: '{reg}'}}\n")
    subprocess.run([LAB, "net", name], check=True)
    server = subprocess.Popen([*enter, "docker-registry", "serve", config], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        koc = Inside(koc_path, home, name, cwd=app.folder, KO_DEFAULTBASEIMAGE="scratch",
                     KO_DOCKER_REPO=f"{reg}/koc", KUBECONFIG=folder / "run/kubeconfig")
        time.sleep(1)
        koc("build", "--bare", "-t", "1", ".", cwd=LAB.parent / "pause", env={"KO_DOCKER_REPO": f"{reg}/lab/pause"})
        for part in ("api", "ctl", "node"):
            subprocess.run([*enter, LAB, part, folder / "run", programs, port, reg], check=True, timeout=120)
        koc.kubectl = Inside(find_tool("kubectl"), home, name, KUBECONFIG=folder / "run/kubeconfig")
        koc.curl = Inside("curl", home, name)
        yield koc
    finally:
        subprocess.run([*enter, LAB, "down", folder / "run", programs, port], timeout=120)
        server.terminate()
        server.wait()
        subprocess.run([LAB, "unnet", name])


@pytest.mark.slow
def test_real_pods_run_and_answer_or_say_why_not(node, app):
    app.program("cmd/web", WEB)
    app.program("cmd/crash", 'package main\n\nimport "os"\n\nfunc main() { println("no database"); os.Exit(3) }\n')
    (app / "web.yaml").write_text(POD.replace("NAME", "web"))
    (app / "crash.yaml").write_text(POD.replace("NAME", "crash"))
    (app / "missing.yaml").write_text(POD.replace("NAME", "missing").replace("ko://./cmd/missing", "127.0.0.1:9/x:1"))

    assert "  Running Deployment/web" in node("apply", "-f", "web.yaml", "--wait").stderr
    address = node.kubectl("get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].status.podIP}").stdout
    wait_until(lambda: node.curl("-s", f"http://{address}:8080/", status=None).stdout == "hello from a pod", 20)

    failed = node("apply", "-f", "crash.yaml", "--wait", "--timeout=2m", status=1)
    assert "no database" in failed.stderr and "container main: CrashLoopBackOff: " in failed.errors[-1]
    # Up for a moment, and then no more: a probe would take each moment for ready.
    app.program("cmd/moment", 'package main\n\nimport (\n\t"os"\n\t"time"\n)\n\nfunc main() '
                              '{ time.Sleep(3 * time.Second); println("no luck"); os.Exit(3) }\n')
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "Pod"):
        text = POD.replace("NAME", "moment") if kind == "Deployment" else workload(kind).replace(
            "cmd/tool", "cmd/moment").replace("app: web", "app: moment").replace("name: w", "name: moment")
        (app / "moment.yaml").write_text(text)
        failed = node("apply", "-f", "moment.yaml", "--wait", "--timeout=2m", status=1)
        assert "  Running " not in failed.stderr and f"{kind}/moment does not run: " in failed.errors[-1]
        node("delete", "-f", "moment.yaml")
    (app / "job.yaml").write_text(workload("Job").replace("cmd/tool", "cmd/crash"))
    failed = node("apply", "-f", "job.yaml", "--wait", "--timeout=2m", status=1)
    assert "no database" in failed.stderr and "Job/w does not run: BackoffLimitExceeded" in failed.errors[-1]
    (app / "pod.yaml").write_text(workload("Pod"))
    assert "  Running Pod/w" in node("apply", "-f", "pod.yaml", "--wait", "--timeout=2m").stderr  # it has ended well
    failed = node("apply", "-f", "missing.yaml", "--wait", "--timeout=2m", status=1)
    assert "container main: ImagePullBackOff: " in failed.errors[-1]
    node("delete", *(word for name in ("web", "crash", "missing", "job", "pod") for word in ("-f", f"{name}.yaml")))
