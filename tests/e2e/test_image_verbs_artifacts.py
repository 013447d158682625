"""Artifacts: what oras pushes and reads, in registries and layouts."""

import json

import oci
import pytest
import schemas
from runner import Tool, needed

TYPE = "application/vnd.example.report.v1"


@pytest.fixture
def oras(home):
    return Tool(needed("oras"), home)


@pytest.fixture
def pushed(oras, registry, tmp_path):
    """An artifact of two files, and one that refers to it."""
    for name in ("a.txt", "b.json"):
        (tmp_path / name).write_text(f'"{name}"')
    name = f"{registry.host}/verbs/artifact:1"
    plain = ["--plain-http", "--no-tty"]
    oras("push", *plain, "--artifact-type", TYPE, name, "a.txt:text/plain", "b.json", cwd=tmp_path)
    about = ["--artifact-type", "application/vnd.example.about", name, "a.txt"]
    oras("attach", *plain, *about, cwd=tmp_path)
    return name


def test_artifact_of_oras_goes_through_every_place(bare_koc, oras, registry, pushed, tmp_path):
    raw = registry.manifest("verbs/artifact", "1")
    layout, tar, target = tmp_path / "lay", tmp_path / "a.tar", f"{registry.host}/verbs/artifact2:1"
    bare_koc("pull", "--referrers", pushed, layout)
    bare_koc("copy", "--referrers", layout, f"oci-archive:{tar}:1")
    bare_koc("push", "--referrers", tar, target)
    assert registry.manifest("verbs/artifact2", "1") == raw
    bare_koc("validate", target, layout, tar)
    (tmp_path / "back").mkdir()
    oras("pull", "--plain-http", "--no-tty", "-o", tmp_path / "back", target)
    assert (tmp_path / "back/b.json").read_text() == '"b.json"'
    seen = oras("discover", "--plain-http", "--format=json", target).stdout
    assert "application/vnd.example.about" in seen


def test_inspect_of_an_artifact(bare_koc, registry, pushed):
    report = schemas.valid(bare_koc("inspect", "--json", pushed).stdout, "koc-inspect-1")
    (artifact,) = report["artifacts"]
    assert report["images"] == [] and artifact["artifactType"] == TYPE
    assert [layer["mediaType"] for layer in artifact["layers"]][0] == "text/plain"
    assert [r["artifactType"] for r in report["referrers"]] == ["application/vnd.example.about"]
    text = bare_koc("inspect", pushed).stdout
    assert "  artifact sha256:" in text and "  referrer sha256:" in text
    wrong = bare_koc("config", pushed, status=1)
    assert "is an artifact" in wrong.errors[0]


def test_layout_that_oras_wrote(bare_koc, oras, registry, pushed, tmp_path):
    oras("copy", "--from-plain-http", "--no-tty", "--to-oci-layout", pushed, f"{tmp_path}/made:v1")
    ref = bare_koc("push", f"oci:{tmp_path}/made:v1", f"{registry.host}/verbs/artifact3:1").ref
    assert ref.endswith(oci.digest_of(registry.manifest("verbs/artifact", "1")))
    files = [
        layer["annotations"]["org.opencontainers.image.title"]
        for layer in json.loads(bare_koc("manifest", ref).stdout)["layers"]
    ]
    assert files == ["a.txt", "b.json"]
