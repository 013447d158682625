"""Other clients read images of koc, koc reads theirs, and another registry accepts both."""

import pytest

import servers
from runner import Tool, needed

SMALL = ["200000", "1", "2"]


@pytest.fixture
def crane(home):
    return Tool(needed("crane"), home)


@pytest.fixture
def skopeo(home):
    return Tool(needed("skopeo"), home)


@pytest.fixture
def ggcr(tmp_path):
    server = servers.ggcr(tmp_path / "ggcr")
    yield server.host
    server.close()


def test_crane_and_skopeo_read_ours(regtool, registry, crane, skopeo):
    target = f"{registry.host}/peers/ours:v1"
    digest = regtool("push", *SMALL, target).ref
    crane("validate", "--remote", target)
    assert crane("digest", target).ref == digest
    skopeo("inspect", "--tls-verify=false", f"docker://{target}")


def test_we_read_skopeos(regtool, registry, skopeo):
    """Docker's types too."""
    regtool("push", *SMALL, f"{registry.host}/peers/from:v1")
    for kind in ("v2s2", "oci"):
        target = f"{registry.host}/peers/skopeo-{kind}:v1"
        skopeo("copy", "-q", f"--format={kind}", "--src-tls-verify=false", "--dest-tls-verify=false",
               f"docker://{registry.host}/peers/from:v1", f"docker://{target}")
        regtool("pull", target)
        regtool("copy", target, f"{registry.host}/peers/again-{kind}:v1")


def test_we_read_cranes(regtool, registry, crane):
    regtool("push-index", "200000", "7", f"{registry.host}/peers/index:v1")
    target = f"{registry.host}/peers/crane:v1"
    crane("copy", f"{registry.host}/peers/index:v1", target)
    regtool("pull", target, "linux/arm64")


def test_another_registry(regtool, ggcr, crane):
    """One that refuses open ranges, cannot mount, and answers 400 to unknown content."""
    regtool("push", *SMALL, f"{ggcr}/a/b:v1", "v2")
    regtool("push-index", "200000", "3", f"{ggcr}/a/i:v1")
    regtool("copy", f"{ggcr}/a/i:v1", f"{ggcr}/c/d:v1")
    crane("validate", "--remote", f"{ggcr}/c/d:v1")
    assert regtool("tags", f"{ggcr}/a/b").lines == ["v1", "v2"]
    attached = regtool("attach", "5", f"{ggcr}/a/b:v1").ref
    assert regtool("referrers", f"{ggcr}/a/b:v1").lines == [attached]
    regtool("delete", f"{ggcr}/a/b:v2")
    assert "v2" not in regtool("tags", f"{ggcr}/a/b").lines
