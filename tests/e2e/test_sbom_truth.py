"""Each field of an SBOM against what go, git, the cache of modules and the registry say.

koc must say nothing that they do not: where they are silent, so is the document.
"""

import base64
import hashlib
import json
import re
import subprocess
import urllib.parse
import zipfile

import oci
import pytest
import sbom_fixtures
from sbom_fixtures import ALL, git

PRIVATE = "github.com/google/uuid"


def build_info(program):
    """`go version -m`: the main module, dependencies as they were used, and settings."""
    text = subprocess.run(
        ["go", "version", "-m", program], capture_output=True, text=True, check=True
    ).stdout
    info = {"go": text.split("\n")[0].split(": ")[1].split()[0], "deps": [], "settings": {}}
    for line in text.split("\n")[1:]:
        words = line.strip("\n").split("\t")[1:]
        if words[:1] == ["path"]:
            info["path"] = words[1]
        elif words[:1] == ["mod"]:
            info["main"] = words[1:3]
        elif words[:1] == ["dep"]:
            path, version, *rest = words[1:]
            info["deps"].append({"path": path, "version": version, "sum": (rest or [""])[0]})
        elif words[:1] == ["=>"]:
            path, version, *rest = words[1:]
            info["deps"][-1]["by"] = {"path": path, "version": version, "sum": (rest or [""])[0]}
        elif words[:1] == ["build"]:
            key, _, value = words[1].partition("=")
            info["settings"][key] = value
    return info


def used(dep):
    """What was compiled: name, and version and sum, which a folder has not."""
    by = dep.get("by")
    if by is None:
        return dep["path"], dep["version"], dep["sum"]
    if by["version"] == "(devel)" or by["path"].startswith((".", "/")):
        return dep["path"], None, None
    return by["path"], by["version"], by["sum"]


def purl(path, version):
    text = "pkg:golang/" + urllib.parse.quote(path)
    released = version and version != "(devel)"
    return text + ("@" + urllib.parse.quote(version) if released else "")


def escaped(text):
    return re.sub("[A-Z]", lambda m: "!" + m.group(0).lower(), text)


def module_zip(cache, path, version):
    return cache / "cache/download" / escaped(path) / "@v" / f"{escaped(version)}.zip"


def directory_hash(path):
    """Go's h1 of a module's zip: a hash of the list of its files' hashes."""
    with zipfile.ZipFile(path) as z:
        names = sorted(n for n in z.namelist() if not n.endswith("/"))
        lines = "".join(f"{hashlib.sha256(z.read(n)).hexdigest()}  {n}\n" for n in names)
    return "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()


def references(package):
    return {r["referenceType"]: r["referenceLocator"] for r in package.get("externalRefs", [])}


class Case:
    """One built program: its image, its document, and what the tools say of it."""

    def __init__(self, name, koc, registry, bases, folder, cache):
        make, program, self.source = ALL[name]
        self.folder, self.name, self.cache = make(folder), name, cache
        env = {"KO_DEFAULTBASEIMAGE": bases["index"]}
        env["GOFLAGS"] = "-mod=mod" if name not in ("vendored", "workspace") else ""
        if name == "private":
            env["GOPRIVATE"] = PRIVATE
        self.ref = koc("build", "-B", ".", cwd=self.folder / program, env=env, timeout=600).ref
        match = oci.parse_reference(self.ref)
        self.repository, self.digest = f"{match['host']}/{match['repo']}", match["digest"]
        self.image = oci.from_registry(registry, self.ref)
        data, self.manifest = oci.sbom_of(registry, match["repo"], self.digest)
        self.document = json.loads(data)
        files = self.image.files(len(self.image.layers) - 1)
        (self.path,) = [n for n, content in files.items() if content and "/ko-app/" in "/" + n]
        self.program = files[self.path]
        (folder / "program.bin").write_bytes(self.program)
        self.info = build_info(folder / "program.bin")
        self.packages = {p["name"]: p for p in self.document["packages"]}

    def check_document(self):
        document = self.document
        assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0"
        creators = document["creationInfo"]["creators"]
        assert len(creators) == 1 and creators[0].startswith("Tool: koc-")  # nobody was told
        stamp = self.info["settings"].get("vcs.time")
        if stamp:
            assert document["creationInfo"]["created"] == stamp == sbom_fixtures.TIME
        else:
            assert document["creationInfo"]["created"] > "2025"

    def check_image(self):
        image = self.packages[self.repository]
        assert image["versionInfo"] == self.digest
        assert image["downloadLocation"] == "NOASSERTION"
        assert image["supplier"] == "NOASSERTION"
        assert self.digest == "sha256:" + image["checksums"][0]["checksumValue"]
        base = self.image.manifest["annotations"]["org.opencontainers.image.base.digest"]
        (other,) = [
            p
            for p in self.document["packages"]
            if p["primaryPackagePurpose"] == "CONTAINER" and p is not image
        ]
        assert base.split(":")[1] == other["checksums"][0]["checksumValue"]
        assert other["supplier"] == "NOASSERTION"

    def check_program(self):
        path, version = self.info["main"]
        main = self.packages[path]
        assert main.get("versionInfo") == version
        assert references(main)["purl"] == purl(path, version)
        assert main["supplier"] == "NOASSERTION"
        assert main["packageFileName"] == self.path.split("/")[-1]
        hashes = {c["algorithm"]: c["checksumValue"] for c in main.get("checksums", [])}
        for algorithm, value in hashes.items():
            assert value == hashlib.new(algorithm.lower(), self.program).hexdigest()
        settings = self.info["settings"]
        for key, value in settings.items():
            assert f"{key}={value}" in main["sourceInfo"]
        where = main["downloadLocation"]
        if self.source is None:
            assert where == "NOASSERTION"
            return
        assert settings["vcs.modified"] == "false"
        assert where == f"git+{self.source}@{settings['vcs.revision']}"
        contains = git(self.folder, "branch", "-r", "--contains", settings["vcs.revision"])
        assert contains.strip() == "origin/main"

    def check_dependencies(self):
        known = {self.info["main"][0], "stdlib", self.repository}
        for dep in self.info["deps"]:
            name, version, checksum = used(dep)
            known.add(name)
            package = self.packages[name]
            assert package.get("versionInfo") == version
            assert references(package)["purl"] == purl(name, version)
            assert references(package).get("go-module-h1") == (checksum or None)
            self.check_module(package, name, version, checksum)
            if "by" in dep:
                assert f"{dep['path']} {dep['version']} => " in package["sourceInfo"]
        names = {p["name"] for p in self.document["packages"] if p["SPDXID"].startswith("SPDXRef-Go-")}
        assert names <= known  # nothing that the program does not hold
        stdlib = self.packages["stdlib"]
        assert stdlib["versionInfo"] == self.info["go"]
        assert references(stdlib)["purl"] == f"pkg:golang/stdlib@{self.info['go'][2:]}"

    def check_edges(self):
        """Each edge between modules is one that go knows, and each module can be reached by them."""
        text = subprocess.run(
            ["go", "mod", "graph"], cwd=self.folder / ALL[self.name][1], capture_output=True, text=True
        ).stdout
        graph = {
            tuple(word.split("@")[0] for word in line.split()) for line in text.splitlines() if line
        }
        main = self.info["main"][0]
        original = {used(d)[0]: d["path"] for d in self.info["deps"]}
        names = {p["SPDXID"]: p["name"] for p in self.document["packages"]}
        edges = {
            (names[r["spdxElementId"]], names[r["relatedSpdxElement"]])
            for r in self.document["relationships"]
            if r["relationshipType"] == "DEPENDS_ON"
        }
        assert (main, "stdlib") in edges
        for a, b in edges - {(main, "stdlib")}:
            assert a == main or (original[a], original[b]) in graph, (a, b)
        reached = {main}
        while more := {b for a, b in edges if a in reached} - reached:
            reached |= more
        assert set(original) <= reached

    def check_module(self, package, name, version, checksum):
        where = package["downloadLocation"]
        hashes = {c["algorithm"]: c["checksumValue"] for c in package.get("checksums", [])}
        if not checksum or (self.name == "private" and name == PRIVATE):
            assert where == "NOASSERTION"
        else:
            wanted = f"/{urllib.parse.quote(escaped(name), safe='/!')}/@v/"
            wanted += urllib.parse.quote(escaped(version), safe="!") + ".zip"
            assert where.startswith("http") and where.endswith(wanted)
        if not checksum:
            assert not hashes
            return
        path = module_zip(self.cache, name, version)
        assert directory_hash(path) == checksum
        for algorithm, value in hashes.items():
            assert value == hashlib.new(algorithm.lower(), path.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def module_cache(go_env):
    import pathlib

    answer = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True)
    return pathlib.Path(answer.stdout.strip())


@pytest.mark.parametrize("name", ALL)
def test_every_field_is_what_the_tools_say(koc, registry, bases, module_cache, tmp_path, name):
    case = Case(name, koc, registry, bases, tmp_path / "app", module_cache)
    case.check_document()
    case.check_image()
    case.check_program()
    case.check_dependencies()
    case.check_edges()
    text = json.dumps(case.document)
    for secret in ("hunter2", "s3cret", "bot:"):
        assert secret not in text
