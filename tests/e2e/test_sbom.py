"""SBOMs of real Go projects: valid for the SPDX tools, complete by the NTIA's minimum elements."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import goapps
import oci
import pytest
from runner import lacking

# Real projects, each fetched as a Go module: (module@version, its program).
PROJECTS = [
    ("github.com/google/go-containerregistry@v0.21.7", "./cmd/crane"),
    ("github.com/mikefarah/yq/v4@v4.44.3", "."),
    ("filippo.io/age@v1.2.1", "./cmd/age"),
]


def validator(name):
    """A program of the tests' Python; the test is skipped without it."""
    for folder in (
        pathlib.Path(sys.executable).parent,
        pathlib.Path(os.environ.get("KOC_TEST_TOOLS", "/nonexistent")) / "venv/bin",
    ):
        if (folder / name).exists():
            return str(folder / name)
    lacking(name)


@pytest.fixture
def validate(tmp_path):
    """Checks one SPDX document with both programs."""
    spdx, ntia = validator("pyspdxtools"), validator("ntia-checker")

    def run(path):
        result = subprocess.run([spdx, "-i", str(path)], capture_output=True, text=True)
        assert result.returncode == 0 and "not valid" not in result.stderr + result.stdout, (
            result.stdout + result.stderr
        )
        report = tmp_path / "ntia.json"
        result = subprocess.run(
            [ntia, str(path), "--output", "json", "--output-file", str(report)],
            capture_output=True,
            text=True,
        )
        assert "floating" not in result.stdout + result.stderr, result.stderr
        found = json.loads(report.read_text())
        assert found["isNtiaConformant"] is True, json.dumps(found, indent=1)[:4000]

    return run


@pytest.fixture(scope="session")
def project(tmp_path_factory, go_env):
    """A writable copy of a module, as `go` downloads it."""

    def fetch(module):
        result = subprocess.run(
            ["go", "mod", "download", "-json", module], capture_output=True, text=True
        )
        if result.returncode != 0:
            lacking(module, "cannot be downloaded here")
        folder = tmp_path_factory.mktemp("project") / "src"
        shutil.copytree(json.loads(result.stdout)["Dir"], folder)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
        return folder

    return fetch


@pytest.mark.parametrize("module, program", PROJECTS, ids=[m for m, _ in PROJECTS])
def test_real_projects(koc, registry, bases, project, validate, tmp_path, module, program):
    folder = project(module)
    ref = koc(
        "build",
        "-B",
        f"--sbom-dir={tmp_path}/sbom",
        "--platform=linux/amd64,linux/arm64",
        program,
        cwd=folder,
        env={"KO_DEFAULTBASEIMAGE": bases["index"]},
        timeout=900,
    ).ref
    files = sorted((tmp_path / "sbom").iterdir())
    assert len(files) == 3
    for path in files:
        validate(path)
    index = oci.from_registry(registry, ref)
    repo = oci.parse_reference(ref)["repo"]
    attached = {
        oci.sbom_of(registry, repo, d)[0]
        for d in [index.digest, *[child.digest for child in index.children]]
    }
    assert attached == {path.read_bytes() for path in files}


def document_of(koc, registry, bases, app, *args):
    ref = koc("build", *args, "./cmd/app", cwd=app, env={"KO_DEFAULTBASEIMAGE": bases["index"]}).ref
    return json.loads(oci.sbom_of(registry, oci.parse_reference(ref)["repo"], ref.split("@")[1])[0])


def test_ids_are_valid_and_all_is_reachable(koc, registry, bases, tmp_path):
    document = document_of(koc, registry, bases, goapps.with_dependency(tmp_path / "app"))
    ids = {p["SPDXID"] for p in document["packages"]}
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")
    assert all(set(i.removeprefix("SPDXRef-")) <= allowed for i in ids)
    reached, todo = set(), ["SPDXRef-DOCUMENT"]
    edges = {(r["spdxElementId"], r["relatedSpdxElement"]) for r in document["relationships"]}
    while todo:
        one = todo.pop()
        reached.add(one)
        todo += [b for a, b in edges if a == one and b not in reached]
        todo += [a for a, b in edges if b == one and a not in reached]
    assert ids <= reached


def test_replace_is_honoured_and_versions_are_there(koc, registry, bases, tmp_path):
    document = document_of(koc, registry, bases, goapps.with_dependency(tmp_path / "app"))
    packages = {p["name"]: p for p in document["packages"]}
    uuid = packages["github.com/google/uuid"]
    assert uuid["versionInfo"] == "v1.6.0"
    assert not [
        c for c in uuid.get("checksums", []) if c["algorithm"] == "SHA256"
    ]  # h1 is no file hash
    assert all(p.get("versionInfo") and p.get("supplier") for p in document["packages"])
    # What go.mod says is not what was compiled: the folder has no location that others can fetch.
    dep = packages["example.test/dep"]
    assert dep["downloadLocation"] == "NOASSERTION" and "./dep" in dep["sourceInfo"]


def test_same_document_twice(koc, registry, bases, app):
    one = document_of(koc, registry, bases, app)
    assert document_of(koc, registry, bases, app, "--no-cache") == one


def test_none_attaches_nothing(koc, registry, bases, app):
    ref = koc(
        "build",
        "--sbom=none",
        "-B",
        "-t",
        "none",
        "./cmd/tool",
        cwd=app,
        env={"KO_DEFAULTBASEIMAGE": bases["oci"], "KO_DOCKER_REPO": f"{registry.host}/nosbom"},
    ).ref
    assert registry.tags("nosbom/tool") == ["none"] and ref
