"""Programs that their base cannot start: a warning that names the loader and the cure."""

import pytest

from bases import Baker

PLAIN = "package main\n\nfunc main() {}\n"
CGO = "package main\n\n// int one(void) { return 1; }\nimport \"C\"\n\nfunc main() { println(C.one()) }\n"
NET = 'package main\n\nimport _ "os/user"\n\nfunc main() {}\n'


@pytest.fixture
def named(registry):
    def base(repository):
        baker = Baker(registry, repository)
        baker.image("t")
        return baker.name("t")
    return base


@pytest.mark.parametrize("row", [
    # program, CGO_ENABLED, flags, base, what the warning says (None: there is none)
    (PLAIN, "0", "", "team/static", None),
    (PLAIN, "1", "", "team/static", None),
    (CGO, "1", "", "team/static", "build with CGO_ENABLED=0"),
    (CGO, "1", "", "team/static-debian12", "build with CGO_ENABLED=0"),
    (CGO, "1", "", "scratch", "build with CGO_ENABLED=0"),
    (NET, "1", "", "team/static", "build with CGO_ENABLED=0"),
    (NET, "0", "", "team/static", None),
    (CGO, "1", "", "team/base", None),
    (CGO, "1", "", "static/glibc", None),
    (CGO, "1", "-ldflags=-extldflags=-static", "team/static", None),
    (PLAIN, "0", "-buildmode=pie", "scratch", "build without -buildmode=pie"),
], ids=lambda r: " ".join([{PLAIN: "plain", CGO: "C", NET: "os/user"}[r[0]], *r[1:4]]))
def test_a_program_that_cannot_start_is_warned_of(koc, app, named, row):
    text, cgo, flags, base, says = row
    app.program("cmd/p", text)
    env = {"CGO_ENABLED": cgo, "GOFLAGS": flags}
    base = base if base == "scratch" else named(base)
    for _ in range(2):  # the second time nothing is linked
        said = koc("build", "--push=false", f"--base-image={base}", "./cmd/p", cwd=app, env=env).stderr
        warnings = [line for line in said.splitlines() if "to start, which base" in line]
        assert len(warnings) == (1 if says else 0), said
        if says:
            assert says in warnings[0] and "needs /lib" in warnings[0] and base in warnings[0]


def test_a_library_is_no_program(koc, app):
    app.program("cmd/p", CGO)
    said = koc("build", "--push=false", "--base-image=scratch", "./cmd/p", cwd=app,
               env={"CGO_ENABLED": "1", "GOFLAGS": "-buildmode=c-shared"}, status=None).stderr
    assert "-buildmode=c-shared: a library cannot be started" in said or "cannot build" in said, said
