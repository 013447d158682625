"""koc --compat=ko against the real ko: the same app on the same base gives the same image.

Held for each case: the same printed names; the same config digest, and with it the same DiffIDs;
and a manifest equal byte for byte but for the digest and size of the layers that are compressed
here (an index: of its children). The SBOM is equal but for the digests of the image.
"""

import dataclasses
import json
import re
import shutil
import tarfile

import goapps
import oci
import pytest
from runner import Home, Tool


@dataclasses.dataclass
class Case:
    """One build, made by both. `base` names a base image, `app` makes the module."""

    name: str
    base: str
    args: list
    app: object = goapps.plain
    env: dict = dataclasses.field(default_factory=dict)
    added: int = 2  # layers on top of the base's

    def __str__(self):
        return self.name


def with_settings(text, more=None):
    def make(folder):
        app = goapps.plain(folder).settings(text)
        return more(app) if more else app

    return make


CAPABILITIES = """
    builds:
      - id: app
        dir: .
        main: ./cmd/app
        linux_capabilities: [net_bind_service, chown]
"""

TEMPLATES = """
    defaultLdflags: ["-X main.version=default"]
    builds:
      - id: app
        main: ./cmd/app
        env: ["GREETING=hi", "CGO_ENABLED=0"]
        flags: ["-tags", "{{if .Git.IsClean}}clean{{else}}dirty{{end}}"]
        ldflags:
          - -s -w
          - -X main.version={{.Env.GREETING}}-{{.Git.Tag}}-{{.Git.ShortCommit}}-{{.Timestamp}}
          - -X main.date={{.Date}}
          - '{{with .Git.Branch}}-X main.branch={{.}}{{end}}'
"""

EPOCHS = {"SOURCE_DATE_EPOCH": "1700000000", "KO_DATA_DATE_EPOCH": "1600000000"}

CASES = [
    Case("single", "index", ["./cmd/app"]),
    Case("program-without-kodata", "index", ["./cmd/tool"]),
    Case(
        "platforms-of-an-oci-index",
        "index",
        ["--platform=linux/amd64,linux/arm64,linux/arm/v7", "./cmd/app"],
    ),
    Case("all-of-a-docker-list", "list", ["--platform=all", "./cmd/tool"]),
    Case("one-of-a-docker-list", "list", ["--platform=linux/arm64", "./cmd/app"]),
    Case("windows", "windows", ["--platform=windows/amd64:10.0.20348", "./cmd/app"]),
    Case("all-of-windows", "windows", ["--platform=all", "./cmd/tool"]),
    Case("capabilities", "index", ["./cmd/app"], with_settings(CAPABILITIES)),
    Case("epochs", "index", ["./cmd/app"], env=EPOCHS),
    Case("epochs-of-an-index", "list", ["--platform=all", "./cmd/app"], env=EPOCHS),
    Case(
        "labels-annotations-user",
        "index",
        [
            "--image-label=a=b",
            "--image-label=base=no,z=<&>",
            "--image-annotation=k1=v1,k2=v=2",
            "--image-user=1000:1000",
            "./cmd/app",
        ],
    ),
    Case(
        "annotations-of-an-index",
        "index",
        ["--platform=linux/amd64,linux/s390x", "--image-annotation=k1=über", "./cmd/tool"],
    ),
    Case("single-oci-base", "oci", ["./cmd/app"]),
    Case("single-docker-base", "docker", ["./cmd/app"]),
    Case("two-layer-base", "two", ["./cmd/app"]),
    Case("odd-base", "odd", ["./cmd/app"]),
    Case("empty-base", "empty", ["./cmd/app"]),
    Case("base-names", "index", ["-B", "./cmd/app"]),
    Case("import-path-names", "index", ["-P", "./cmd/app"]),
    Case("bare", "index", ["--bare", "./cmd/tool"]),
    Case("one-tag", "index", ["-t", "v1", "./cmd/tool"]),
    Case("two-tags", "index", ["-t", "v1,v2", "-t", "v1", "./cmd/tool"]),
    Case("tag-only", "index", ["-B", "-t", "v9", "--tag-only", "./cmd/tool"]),
    Case("full-import-path", "index", ["example.test/app/cmd/tool"]),
    Case("scheme", "index", ["ko://example.test/app/cmd/tool"]),
    Case("ldflags-flag", "index", ["--ldflags=-s", "--ldflags=-X main.version=cli", "./cmd/app"]),
    Case("no-optimizations", "index", ["--disable-optimizations", "./cmd/tool"]),
    Case(
        "templates",
        "index",
        ["./cmd/app"],
        with_settings(TEMPLATES, lambda a: a.git("v1.2.3")),
        EPOCHS,
    ),
    Case("dependencies", "index", ["./cmd/app"], goapps.with_dependency),
    Case(
        "upper-case-path",
        "index",
        ["./cmd/UpperCase"],
        with_settings("", lambda a: a.program("cmd/UpperCase")),
    ),
]


def build_both(case, ko, koc, bases, folder):
    app = case.app(folder)
    env = {"KO_DEFAULTBASEIMAGE": bases[case.base], **case.env}
    theirs = ko("build", *case.args, cwd=app, env=env)
    ours = koc("build", "--compat=ko", *case.args, cwd=app, env=env)
    return theirs, ours


def without_compression(image, added):
    """The manifest's text with digest and size of its own layers blanked out."""
    text = image.raw.decode()
    for layer in image.layers[len(image.layers) - added :]:
        text = text.replace(
            f'"size":{layer["size"]},"digest":"{layer["digest"]}"', '"OWN LAYER"', 1
        )
    assert text.count("OWN LAYER") == added
    return text


def check_image(theirs, ours, added):
    assert ours.config_raw == theirs.config_raw
    assert without_compression(ours, added) == without_compression(theirs, added)
    for n in range(len(ours.layers) - added, len(ours.layers)):
        assert ours.tar(n) == theirs.tar(n)


def check_index(theirs, ours, added):
    assert len(theirs.children) == len(ours.children)
    text = {}
    for who, index in (("theirs", theirs), ("ours", ours)):
        text[who] = index.raw.decode()
        for n, entry in enumerate(index.index["manifests"]):
            text[who] = text[who].replace(
                f'"size":{entry["size"]},"digest":"{entry["digest"]}"', f'"CHILD {n}"', 1
            )
    assert text["ours"] == text["theirs"]
    for child, other in zip(theirs.children, ours.children):
        check_image(child, other, added)


def check(theirs, ours, added):
    if isinstance(theirs, oci.Index):
        check_index(theirs, ours, added)
    else:
        check_image(theirs, ours, added)


def name_only(line, tool):
    """A printed reference without the repository of its tool and without the digest's digits."""
    prefix, _, rest = line.partition(f"/{tool}")
    return prefix + re.sub(r"sha256:[0-9a-f]{64}", "sha256:…", rest)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_image(case, ko, koc, registry, bases, tmp_path):
    theirs, ours = build_both(case, ko, koc, bases, tmp_path / "app")
    assert name_only(ours.ref, "koc") == name_only(theirs.ref, "ko")
    check(
        oci.from_registry(registry, theirs.ref), oci.from_registry(registry, ours.ref), case.added
    )


def test_kodata_links_out_of_kodata_make_what_copies_make(ko, koc, registry, bases, tmp_path):
    """ko refuses such links; koc makes of them what ko makes of copies."""
    env = {"KO_DEFAULTBASEIMAGE": bases["index"], "GOFLAGS": "-buildvcs=false"}
    linked = goapps.plain(tmp_path / "linked").write("third_party/LICENSES/a", "free\n").git()
    copied = goapps.plain(tmp_path / "copied")
    for name, target in (
        ("HEAD", ".git/HEAD"),
        ("refs", ".git/refs"),
        ("mod", "go.mod"),
        ("LICENSES", "third_party/LICENSES"),
    ):
        (linked / "cmd/app/kodata" / name).symlink_to(f"../../../{target}")
        copy = shutil.copytree if (linked / target).is_dir() else shutil.copy
        copy(linked / target, copied / "cmd/app/kodata" / name)
    refused = ko("build", "./cmd/app", cwd=linked, env=env, status=1)
    assert "outside the kodata root" in refused.stderr
    theirs = ko("build", "./cmd/app", cwd=copied, env=env)
    ours = koc("build", "--compat=ko", "./cmd/app", cwd=linked, env=env)
    check(*(oci.from_registry(registry, result.ref) for result in (theirs, ours)), 2)


def sbom_text(registry, image, repository):
    data, manifest = oci.sbom_of(registry, repository, image.digest)
    text = data.decode().replace(image.digest.removeprefix("sha256:"), "IMAGE")
    if isinstance(image, oci.Index):
        for n, child in enumerate(image.children):
            text = text.replace(child.digest.removeprefix("sha256:"), f"CHILD {n}")
    text = re.sub(r'"Tool: ko [^"]*"', '"Tool: ko"', text)
    # Only the attached bytes' own digest and size may differ, and the config that names them.
    shape = {
        **manifest,
        "layers": [{**manifest["layers"][0], "digest": "", "size": 0}],
        "config": {**manifest["config"], "digest": ""},
    }
    return text, json.dumps(shape)


@pytest.mark.parametrize(
    "args",
    [["./cmd/app"], ["--platform=linux/amd64,linux/arm/v7", "./cmd/app"]],
    ids=["image", "index"],
)
@pytest.mark.parametrize(
    "make", [goapps.plain, goapps.with_dependency], ids=["plain", "dependencies"]
)
def test_same_sbom(args, make, ko, koc, registry, bases, tmp_path):
    case = Case("sbom", "index", ["-B", *args], make)
    theirs, ours = build_both(case, ko, koc, bases, tmp_path / "app")
    images = [oci.from_registry(registry, r.ref) for r in (theirs, ours)]
    texts = [
        sbom_text(registry, image, f"{tool}/app") for image, tool in zip(images, ("ko", "koc"))
    ]
    assert texts[1] == texts[0]


def test_same_sbom_files(ko, koc, bases, tmp_path):
    case = Case(
        "sbom-dir",
        "index",
        ["--sbom-dir", str(tmp_path / "ko"), "--platform=linux/amd64,linux/arm64", "./cmd/app"],
    )
    app = case.app(tmp_path / "app")
    env = {"KO_DEFAULTBASEIMAGE": bases["index"]}
    ko("build", *case.args, cwd=app, env=env)
    koc("build", "--compat=ko", "--sbom-dir", tmp_path / "koc", *case.args[2:], cwd=app, env=env)
    names = {p.name for p in (tmp_path / "ko").iterdir()}
    assert names == {
        "app-linux-amd64.spdx.json",
        "app-linux-arm64-v8.spdx.json",
        "app-index.spdx.json",
    }
    assert {p.name for p in (tmp_path / "koc").iterdir()} == names


def test_same_layout_and_tarball(go_env, koc_path, ko, registry, bases, tmp_path):
    """--oci-layout-path and --tarball with --push=false, each tool as a user of its own."""
    app = goapps.plain(tmp_path / "app")
    koc = Tool(koc_path, Home(tmp_path / "koc-user", go_env), KO_DOCKER_REPO=f"{registry.host}/ko")
    printed, images, tarballs = [], [], []
    for name, tool, more in (("ko", ko, []), ("koc", koc, ["--compat=ko"])):
        layout, tarball = tmp_path / f"layout-{name}", tmp_path / f"{name}.tar"
        result = tool(
            "build",
            *more,
            "--push=false",
            f"--oci-layout-path={layout}",
            f"--tarball={tarball}",
            "-t",
            "v1,v2",
            "./cmd/tool",
            cwd=app,
            env={"KO_DEFAULTBASEIMAGE": bases["oci"]},
        )
        printed.append(re.sub("sha256:.*", "", result.ref))
        images.append(oci.from_layout(layout))
        with tarfile.open(tarball) as tar:
            (manifest,) = json.load(tar.extractfile("manifest.json"))
            manifest["RepoTags"].sort()
            manifest["Layers"] = manifest["Layers"][:-2]
            tarballs.append((manifest, [len(m.name) for m in tar], {m.mode for m in tar}))
    assert printed[1] == printed[0]
    assert tarballs[1] == tarballs[0]
    check(images[0], images[1], 2)


@pytest.mark.parametrize(
    "args",
    [[], ["-t", "test"], ["-t", "test", "--tag-only"], ["-B"], ["-P"], ["--bare"]],
    ids=" ".join,
)
def test_same_names_without_push(args, ko, koc, registry, bases, app):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    theirs = ko("build", "--push=false", *args, "./cmd/tool", cwd=app, env=env)
    ours = koc("build", "--compat=ko", "--push=false", *args, "./cmd/tool", cwd=app, env=env)
    assert name_only(ours.ref, "koc") == name_only(theirs.ref, "ko")


def test_same_image_refs_file(ko, koc, registry, bases, app, tmp_path):
    env = {"KO_DEFAULTBASEIMAGE": bases["index"]}
    args = ["--platform=linux/amd64,linux/arm64", "-B", "-t", "v1", "./cmd/app", "./cmd/tool"]
    ko("build", f"--image-refs={tmp_path}/ko.refs", *args, cwd=app, env=env)
    koc("build", "--compat=ko", f"--image-refs={tmp_path}/koc.refs", *args, cwd=app, env=env)
    lines = [
        sorted(name_only(line, tool) for line in (tmp_path / f"{tool}.refs").read_text().split())
        for tool in ("ko", "koc")
    ]
    assert lines[1] == lines[0] and len(lines[0]) == 6


def test_several_images_are_printed_as_a_set(ko, koc, registry, bases, app):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    theirs = ko("build", "-B", "./cmd/app", "./cmd/tool", cwd=app, env=env)
    ours = koc("build", "--compat=ko", "-B", "./cmd/app", "./cmd/tool", cwd=app, env=env)
    assert {name_only(x, "koc") for x in ours.lines} == {name_only(x, "ko") for x in theirs.lines}
    # koc keeps the order of the arguments.
    assert ["/app@" in ours.lines[0], "/tool@" in ours.lines[1]] == [True, True]
