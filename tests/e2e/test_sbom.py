"""SBOMs of real Go projects: valid for the SPDX tools, complete by the NTIA's minimum elements."""

import datetime
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import zipfile

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
        # Suppliers are not asked for: a document names none that no source names.
        for part in ("componentNames", "componentVersions", "componentIdentifiers"):
            assert found[part]["allProvided"], json.dumps(found, indent=1)[:4000]
        for part in ("authorName", "timestamp", "dependencyRelationships"):
            assert found[f"{part}Provided"], json.dumps(found, indent=1)[:4000]

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
    modules = [
        package
        for path in files
        for package in json.loads(path.read_text())["packages"]
        if package["primaryPackagePurpose"] == "LIBRARY"
    ]
    licensed = [m for m in modules if m["licenseDeclared"] != "NOASSERTION"]
    assert len(licensed) >= 0.98 * len(modules) > 0
    assert all(m["licenseComments"].startswith("found in: ") for m in licensed if m["name"] != "stdlib")
    for document in (json.loads(path.read_text()) for path in files):
        kinds = {p["SPDXID"]: p["primaryPackagePurpose"] for p in document["packages"]}
        between = [
            r
            for r in document["relationships"]
            if r["relationshipType"] == "DEPENDS_ON" and kinds[r["spdxElementId"]] == "LIBRARY"
        ]
        assert between or len(modules) < 8 or "APPLICATION" not in kinds.values()
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
    assert [c["algorithm"] for c in uuid["checksums"]] == ["SHA256", "SHA512"]  # of the zip, not h1
    assert uuid["licenseDeclared"] == "BSD-3-Clause" and uuid["supplier"].endswith("Google Inc")
    # What go.mod says is not what was compiled: the folder has no location that others can fetch.
    dep = packages["example.test/dep"]
    assert dep["downloadLocation"] == "NOASSERTION" and "./dep" in dep["sourceInfo"]
    assert "versionInfo" not in dep


@pytest.mark.parametrize("damage", ["other", "cut off", "missing", "no zip"])
def test_hashes_of_an_altered_module_are_not_published(koc, bases, tmp_path, damage):
    app = goapps.with_dependency(tmp_path / "app")
    env = {
        "KO_DEFAULTBASEIMAGE": bases["oci"],
        "GOMODCACHE": tmp_path / "modules",
        "GOFLAGS": "-modcacherw",
    }
    args = ["build", "--push=false", f"--sbom-dir={tmp_path}/sbom", "./cmd/app"]

    def checksums(*more):
        result = koc(*args, *more, cwd=app, env=env)
        (path,) = (tmp_path / "sbom").iterdir()
        packages = {p["name"]: p for p in json.loads(path.read_text())["packages"]}
        return result, packages["github.com/google/uuid"].get("checksums", [])

    _, before = checksums()
    assert len(before) == 2
    folder = tmp_path / "modules/cache/download/github.com/google/uuid/@v"
    zip_file = folder / "v1.6.0.zip"
    data = zip_file.read_bytes()
    if damage == "missing":
        zip_file.unlink()
    else:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(zip_file, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name) + b"\n")
        if damage == "cut off":
            zip_file.write_bytes(data[:-1000])
        if damage == "no zip":
            zip_file.write_bytes(b"PK\5\6")
    result, after = checksums("--no-cache")
    assert after == []
    told = "the module cache has another github.com/google/uuid v1.6.0" in result.stderr
    assert told == (damage != "missing"), result


def test_files_of_kodata_are_there_with_their_hashes(koc, registry, bases, app, validate, tmp_path):
    out = tmp_path / "sbom"
    koc(
        "build",
        "--push=false",
        "--sbom=spdx,cyclonedx,spdx3",
        f"--sbom-dir={out}",
        "./cmd/app",
        cwd=app,
        env={"KO_DEFAULTBASEIMAGE": bases["oci"]},
    )
    document = json.loads((out / "app-linux-amd64.spdx.json").read_text())
    files = {p["name"]: p for p in document["packages"] if p["primaryPackagePurpose"] == "FILE"}
    data = app / "cmd/app/kodata"
    wanted = {
        f"var/run/ko/{os.path.relpath(os.path.join(at, name), data)}": pathlib.Path(at, name)
        for at, _, names in os.walk(data, followlinks=True)
        for name in names
    }
    assert set(files) == set(wanted) and len(files) > 5
    for name, path in wanted.items():
        for checksum in files[name]["checksums"]:
            algorithm, value = checksum["algorithm"].lower(), checksum["checksumValue"]
            assert value == hashlib.new(algorithm, path.read_bytes()).hexdigest()
    cyclonedx = check_cyclonedx(out / "app-linux-amd64.cdx.json")
    assert {c["name"] for c in cyclonedx["components"] if c["type"] == "file"} == set(wanted)
    names = [type(e).__name__ for e in check_spdx3(out / "app-linux-amd64.spdx3.json")]
    assert names.count("software_File") == len(wanted) + 1  # and the program


def test_same_document_twice(koc, registry, bases, app):
    app.git()
    one = document_of(koc, registry, bases, app)
    assert document_of(koc, registry, bases, app, "--no-cache") == one


def test_same_document_while_nothing_changes(koc, registry, bases, app):
    """Without a commit the document has the time of the build, which a build of nothing keeps."""
    one = document_of(koc, registry, bases, app)
    time.sleep(1.1)
    assert document_of(koc, registry, bases, app) == one
    assert abs(datetime.datetime.now(datetime.UTC) - when(one)).total_seconds() < 600


def when(document):
    return datetime.datetime.fromisoformat(document["creationInfo"]["created"])


# --- the other formats ---


def check_cyclonedx(path):
    """By the schema, and as the reference library reads it."""
    pytest.importorskip("cyclonedx")
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = path.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert len(Bom.from_json(document).components) == len(document["components"])
    refs = [document["metadata"]["component"]["bom-ref"]]
    refs += [c["bom-ref"] for c in document["components"]]
    assert len(set(refs)) == len(refs) and {d["ref"] for d in document["dependencies"]} == set(refs)
    return document


def check_spdx3(path):
    """As the model of the specification reads it; each element that is named must be there."""
    model = pytest.importorskip("spdx_python_model").v3_0_1
    objects = model.SHACLObjectSet()
    with path.open("rb") as file:
        model.JSONLDDeserializer().read(file, objects)
    assert not objects.missing_ids
    return list(objects.foreach())


def test_formats_say_the_same_and_are_valid(koc, registry, bases, validate, tmp_path):
    app = goapps.with_dependency(tmp_path / "app")
    out = tmp_path / "sbom"
    ref = koc(
        "build",
        "--sbom=cyclonedx,spdx,spdx3",
        "--sbom-author=Acme <https://acme.test>",
        f"--sbom-dir={out}",
        "--platform=linux/amd64,linux/arm64",
        "./cmd/app",
        cwd=app,
        env={"KO_DEFAULTBASEIMAGE": bases["index"]},
    ).ref
    kinds = [p.name.removesuffix(".spdx.json") for p in out.glob("*.spdx.json")]
    assert len(kinds) == 3
    for kind in kinds:
        spdx = json.loads((out / f"{kind}.spdx.json").read_text())
        cyclonedx = check_cyclonedx(out / f"{kind}.cdx.json")
        spdx3 = check_spdx3(out / f"{kind}.spdx3.json")
        names = sorted(p["name"] for p in spdx["packages"])
        components = [cyclonedx["metadata"]["component"], *cyclonedx["components"]]
        assert sorted(c["name"] for c in components) == names
        assert sorted(e.name for e in spdx3 if type(e).__name__ == "software_Package") == names
        versions = {p["name"]: p.get("versionInfo") for p in spdx["packages"]}
        assert {c["name"]: c.get("version") for c in components} == versions
        assert spdx["creationInfo"]["created"] == cyclonedx["metadata"]["timestamp"]
        assert "Organization: Acme" in spdx["creationInfo"]["creators"]
        assert cyclonedx["metadata"]["manufacturer"]["url"] == ["https://acme.test"]
    repo, digest = oci.parse_reference(ref)["repo"], ref.split("@")[1]
    data, manifest = oci.sbom_of(registry, repo, digest)
    assert data == (out / "app-index.cdx.json").read_bytes()  # the first that was named
    assert manifest["layers"][0]["mediaType"] == "application/vnd.cyclonedx+json"


def test_settings_name_formats_and_author(koc, bases, app, tmp_path):
    app.settings('sbom: [cyclonedx]\nsbomAuthor: "Person: Jane <jane@acme.test>"\n')
    args = ["build", "--push=false", f"--sbom-dir={tmp_path}/a", "./cmd/tool"]
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    koc(*args, cwd=app, env=env)
    (path,) = (tmp_path / "a").iterdir()
    assert check_cyclonedx(path)["metadata"]["authors"] == [
        {"name": "Jane", "email": "jane@acme.test"}
    ]
    args[2] = f"--sbom-dir={tmp_path}/b"
    koc(*args, "--sbom=spdx", cwd=app, env={**env, "KOC_SBOM_AUTHOR": "Acme"})
    (path,) = (tmp_path / "b").iterdir()
    assert json.loads(path.read_text())["creationInfo"]["creators"][1] == "Organization: Acme"


def test_author_is_the_owner_of_the_workflow_or_the_user_of_git(koc, bases, app, tmp_path):
    app.git()
    subprocess.run(["git", "config", "user.name", "Jane Roe"], cwd=app, check=True)
    subprocess.run(["git", "config", "user.email", "jane@acme.test"], cwd=app, check=True)
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}

    def creators(folder, *args, **more):
        command = ["build", "--push=false", f"--sbom-dir={tmp_path}/{folder}", *args, "./cmd/tool"]
        koc(*command, cwd=app, env={**env, **more})
        (path,) = (tmp_path / folder).iterdir()
        document = json.loads(path.read_text())
        return document["creationInfo"]["creators"][1:], document["packages"][0]["supplier"]

    assert creators("git") == (["Person: Jane Roe (jane@acme.test)"], "NOASSERTION")
    assert creators("ci", GITHUB_REPOSITORY_OWNER="acme") == (
        ["Organization: acme"],
        "Organization: acme",
    )
    assert creators("none", "--sbom-author=none") == ([], "NOASSERTION")


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
