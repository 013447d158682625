"""What koc says it did is what it did: published, loaded, written; with the tags, and where."""

import re

import pytest


def said(result):
    """The verbs of the lines that stay, and the last line."""
    lines = result.stderr.splitlines()
    return [line.split()[0] for line in lines], lines[-1]


def test_a_push_names_its_tags(koc, bases, app):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    verbs, last = said(koc("build", "-t", "v1,v2", "./cmd/tool", cwd=app, env=env))
    assert "Pushed" in verbs and re.fullmatch(r"Published 1 image as v1, v2 in \d+\.\ds", last.strip())
    assert "as latest in" in said(koc("build", "./cmd/app", cwd=app, env=env))[1]


def test_a_push_of_a_manifest_alone_is_a_push(koc, bases, app):
    """All blobs are there already: it was "Wrote"."""
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    koc("build", "--sbom=none", "./cmd/tool", cwd=app, env=env)
    verbs, _ = said(koc("build", "--sbom=none", "--image-annotation=a=b", "./cmd/tool", cwd=app, env=env))
    assert "Pushed" in verbs and "Wrote" not in verbs


@pytest.mark.parametrize(
    "args, where",
    [
        (["--oci-layout-path=out"], " to out"),
        (["--push=false", "--tarball=x.tar"], " to x.tar"),
        (["--oci-layout-path=out", "--tarball=x.tar"], " to out and x.tar"),
        ([], ""),
    ],
)
def test_files_are_written_and_not_published(bare_koc, app, args, where):
    result = bare_koc("build", "--base-image=scratch", *args, "./cmd/tool", cwd=app)
    assert re.search(rf"(?m)^ *Wrote 1 image{where} in \d+\.\ds$", result.stderr), str(result)
    assert "Published" not in result.stderr
