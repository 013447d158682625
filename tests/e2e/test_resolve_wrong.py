"""References that cannot be built: the place, the reason, and advice that helps."""

import pytest

from runner import Tool

ROWS = [  # the reference, what is said, the hint
    ("example.test/app/cmd/nope", "module example.test/app has no directory ./cmd/nope", None),
    ("example.test/app/cmd/tol", "module example.test/app has no directory ./cmd/tol",
     "did you mean example.test/app/cmd/tool?"),
    ("example.test/app/empty", "no Go files in ./empty of module example.test/app", None),
    ("example.test/app", "no Go files in ./ of module example.test/app", None),
    ("example.test/app/lib", 'package main not found there (package is "lib")', None),
    ("./cmd/nope", "no such directory", None),
    ("./cmd/tol", "no such directory", "did you mean ./cmd/tool?"),
    ("./lib", 'package main not found there (package is "lib")', None),
    ("example.test/application/x", "go get example.test/application/x", None),
    ("github.com/nobody/nothing", "go get github.com/nobody/nothing", None),
]


@pytest.fixture
def koc_here(koc_path, home, app):
    (app / "empty").mkdir()
    app.library("lib")
    return Tool(koc_path, home, KO_DOCKER_REPO="127.0.0.1:9/x", KO_DEFAULTBASEIMAGE="scratch", GOPROXY="off",
                cwd=app.folder)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r[0])
@pytest.mark.parametrize("stdin", [False, True], ids=["file", "stdin"])
def test_a_wrong_reference_has_a_place_and_the_reason(koc_here, app, row, stdin):
    name, says, hint = row
    text = f"# top\na: [ko://example.test/app/cmd/tool,\n  'ko://{name}']\nb: ko://{name}\n"
    (app / "in.yaml").write_text(text)
    said = koc_here("resolve", "-f", "-" if stdin else "in.yaml", stdin=text, status=1).stderr
    errors = [line for line in said.splitlines() if line.startswith("koc: ")]
    place = f"{'stdin' if stdin else 'in.yaml'}:3:3"
    assert len(errors) == 1 and errors[0].startswith(f"koc: {place}: cannot build ko://{name}: "), said
    assert says in said
    assert ("go get" in said) == ("go get" in says), said
    assert (f"hint: {hint}" in said) if hint else "did you mean" not in said, said


@pytest.mark.parametrize("verb", ["resolve", "apply"])
def test_no_reference_at_all_is_noted_once(koc_here, app, tmp_path, verb):
    (app / "in.yaml").write_text("kind: Pod\n---\nkind: Job\n")
    kubectl = tmp_path / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text("#!/bin/sh\ncat\n")
    kubectl.chmod(0o755)
    path = f"{kubectl.parent}:/usr/local/go/bin:/usr/bin:/bin"
    note = "note: no reference that begins with ko://: nothing is built\n"
    told = koc_here(verb, "-f", "in.yaml", env={"PATH": path})
    assert told.stderr.count(note) == 1 and "kind: Job" in told.stdout
    assert koc_here(verb, "-q", "-f", "in.yaml", env={"PATH": path}).stderr == ""
