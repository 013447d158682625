"""What a build tells the CI system that runs it: --github-output and --dotenv."""

import json
import pathlib
import re

import pytest

REFERENCE = re.compile(r"^(?P<name>[\w.:/-]+)@(?P<digest>sha256:[0-9a-f]{64})$")


@pytest.fixture
def ci(koc, app, tmp_path):
    """koc in a module, on no base, with the file that a step of GitHub Actions has."""
    koc.cwd = app.folder
    output = tmp_path / "output"
    output.write_text("before=1\n")
    koc.extra |= {"KO_DEFAULTBASEIMAGE": "scratch", "GITHUB_OUTPUT": str(output)}
    koc.output = output
    return koc


def values(text):
    return dict(line.split("=", 1) for line in text.splitlines())


def test_one_image_sets_what_the_attest_action_takes(ci, tmp_path):
    sboms, dotenv = tmp_path / "sboms", tmp_path / "build.env"
    flags = ["--github-output", f"--dotenv={dotenv}", f"--sbom-dir={sboms}"]
    reference = ci("build", *flags, "./cmd/app").stdout.strip()
    match = REFERENCE.match(reference)
    outputs = values(ci.output.read_text())
    assert outputs.pop("before") == "1"  # the file belongs to all steps
    sbom = outputs.pop("sbom-path")
    assert json.loads(pathlib.Path(sbom).read_text())["spdxVersion"] == "SPDX-2.3"
    assert json.loads(outputs.pop("images")) == [reference]
    assert outputs == {"subject-name": match["name"], "subject-digest": match["digest"]}
    assert values(dotenv.read_text()) == {
        "KOC_IMAGE": reference,
        "KOC_IMAGES": reference,
        "KOC_SUBJECT_NAME": match["name"],
        "KOC_SUBJECT_DIGEST": match["digest"],
        "KOC_SBOM_PATH": sbom,
    }
    # Nothing changed: the same is told again.
    ci.output.write_text("")
    ci("build", *flags, "./cmd/app")
    assert values(ci.output.read_text())["subject-digest"] == match["digest"]


def test_the_sbom_of_an_index_is_that_of_the_whole(ci, tmp_path):
    flags = ["--platform=linux/amd64,linux/arm64", "--github-output", f"--sbom-dir={tmp_path / 'sboms'}"]
    reference = ci("build", *flags, "./cmd/app").stdout.strip()
    document = pathlib.Path(values(ci.output.read_text())["sbom-path"]).read_text()
    assert reference.rpartition(":")[2] in document  # the digest of the index


def test_several_images_are_a_list(ci, tmp_path):
    dotenv = tmp_path / "build.env"
    dotenv.write_text("OLD=1\n")
    printed = ci("build", "--github-output", f"--dotenv={dotenv}", "./cmd/app", "./cmd/tool").stdout.split()
    outputs = values(ci.output.read_text())
    assert len(printed) == 2 and json.loads(outputs["images"]) == printed
    assert "subject-name" not in outputs and "sbom-path" not in outputs
    assert values(dotenv.read_text()) == {"KOC_IMAGES": " ".join(printed)}


def test_an_image_in_an_engine_has_no_digest_and_is_no_subject(ci, podman_service, tmp_path):
    dotenv = tmp_path / "build.env"
    ci.extra |= {"DOCKER_HOST": podman_service.address}
    reference = ci("build", "--local", "--github-output", f"--dotenv={dotenv}", "./cmd/app").stdout.strip()
    outputs = values(ci.output.read_text())
    assert "@" not in reference and json.loads(outputs["images"]) == [reference]
    assert "subject-name" not in outputs and "subject-digest" not in outputs
    assert values(dotenv.read_text()) == {"KOC_IMAGE": reference, "KOC_IMAGES": reference}


def test_outside_of_github_it_is_wrong_usage_before_anything_is_built(ci):
    del ci.extra["GITHUB_OUTPUT"]
    failed = ci("build", "--github-output", "./cmd/app", status=2)
    assert "GITHUB_OUTPUT is not set" in failed.stderr
    assert not failed.stdout


def test_an_output_that_cannot_be_written_fails(ci, tmp_path):
    ci.extra["GITHUB_OUTPUT"] = str(tmp_path / "no/such/file")
    failed = ci("build", "--github-output", "./cmd/app", status=1)
    assert "cannot write to GITHUB_OUTPUT" in failed.stderr
