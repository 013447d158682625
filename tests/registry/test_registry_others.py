"""The same operations on an image, an index and an artifact at every available registry, in each
of its kinds of access; and every other client reads what we wrote there."""

import json
import subprocess

import pytest

import registry as registries
import servers
from runner import Tool, needed

SMALL = ["200000", "1", "2"]


@pytest.fixture
def open_server(request, tmp_path, registry):
    """By name, without access control."""
    if request.param == "docker-registry":
        yield registry
        return
    server = getattr(servers, request.param)(tmp_path / "server")
    yield server
    server.close()


OPEN = ["docker-registry", "cue", "ggcr", pytest.param("distribution3", marks=pytest.mark.slow)]


def life(regtool, host, *flags):
    """Push, tag, index, mount, pull, list, refer, delete."""
    def run(*args):
        return regtool(*flags, *args)
    target = f"{host}/others/app"
    pushed = run("push", *SMALL, f"{target}:v1", "v2").ref
    assert run("pull", f"{target}:v1").ref == pushed
    assert run("pull", f"{target}:v2").ref == pushed
    run("push-index", "50000", "5", f"{target}:index")
    run("pull", f"{target}:index", "linux/arm64")
    assert run("copy", f"{target}:v1", f"{host}/others/copy:v1").ref == pushed
    assert run("tags", target).lines == ["index", "v1", "v2"]
    attached = run("attach", "7", f"{target}:v1").ref
    assert run("referrers", f"{target}:v1").lines == [attached]
    run("delete", f"{target}@{attached}")
    assert run("referrers", f"{target}:v1").lines == []
    return pushed


@pytest.mark.parametrize("open_server", OPEN, indirect=True)
def test_life(regtool, open_server):
    life(regtool, open_server.host)


def test_life_with_tls(regtool, tls_registry, pki):
    life(regtool, tls_registry.host, "--ca", pki.ca)


def test_life_with_htpasswd(regtool, basic_registry, home):
    registries.docker_config(home, basic_registry.host)
    life(regtool, basic_registry.host)


def test_life_with_bearer(regtool, bearer_registry, home):
    registries.docker_config(home, bearer_registry.host)
    life(regtool, bearer_registry.host)


def test_cue_with_tls(regtool, tmp_path, pki):
    server = servers.cue(tmp_path / "cue", "-cert", pki.folder / "server.crt", "-key", pki.folder / "server.key",
                         host="localhost")
    life(regtool, server.host, "--ca", pki.ca)
    server.close()


@pytest.mark.parametrize("flag", ["-no-single-post", "-no-tag-digest", "-no-link", "-immutable-tags"])
def test_cue_with_a_quirk(regtool, tmp_path, flag):
    """R-112, R-114, R-140, R-163, R-181: features that other registries do not have."""
    server = servers.cue(tmp_path / "cue", flag)
    if flag == "-immutable-tags":
        target = f"{server.host}/others/fixed:v1"
        pushed = regtool("push", *SMALL, target).ref
        assert regtool("push", *SMALL, target).ref == pushed
        assert "KOC_" in regtool("push", "300", "9", "1", target, status=1).stderr
    else:
        life(regtool, server.host)
    server.close()


@pytest.mark.slow
def test_the_rust_one(regtool, tmp_path, home):
    """No digest in HEAD, no ranges, 500 to a PUT of a whole blob, an exclusive end in Range; no indexes."""
    server = servers.rust(tmp_path / "rust")
    registries.docker_config(home, server.host)
    target = f"{server.host}/others/app"
    pushed = regtool("push", *SMALL, f"{target}:v1", "v2").ref
    assert regtool("pull", f"{target}:v1").ref == pushed
    assert regtool("push", *SMALL, f"{target}:v1").ref == pushed
    regtool("copy", f"{target}:v1", f"{server.host}/others/copy:v1")
    server.close()


# --- other clients ------------------------------------------------------------------------------------

@pytest.fixture
def skopeo(home):
    return Tool(needed("skopeo"), home)


@pytest.fixture
def oras(home):
    return Tool(needed("oras"), home)


@pytest.fixture
def crane(home):
    return Tool(needed("crane"), home)


def test_skopeo_reads_all_we_write(regtool, registry, skopeo, tmp_path):
    """Images, indexes, artifacts: copied whole by skopeo, digests unchanged."""
    host = registry.host
    regtool("push", *SMALL, f"{host}/read/image:v1")
    regtool("push-index", "50000", "5", f"{host}/read/index:v1")
    artifact = regtool("attach", "6", f"{host}/read/image:v1").ref
    for name in ("image:v1", "index:v1", f"image@{artifact}"):
        raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/read/{name}").stdout
        assert raw == regtool("manifest", f"{host}/read/{name}").stdout
        skopeo("copy", "-q", "--all", "--src-tls-verify=false", f"docker://{host}/read/{name}",
               f"oci:{tmp_path}/out:{name.split(':')[0]}")


@pytest.mark.slow
@pytest.mark.parametrize("open_server", OPEN, indirect=True)
def test_crane_and_oras_read_all_we_write(regtool, open_server, crane, oras, tmp_path):
    host = open_server.host
    image = regtool("push", *SMALL, f"{host}/read/image:v1").ref
    regtool("push-index", "50000", "5", f"{host}/read/index:v1")
    artifact = regtool("attach", "6", f"{host}/read/image:v1").ref
    crane("validate", "--remote", f"{host}/read/image:v1")
    crane("validate", "--remote", f"{host}/read/index:v1")
    assert crane("digest", f"{host}/read/image:v1").ref == image
    crane("pull", "--format=oci", f"{host}/read/index:v1", tmp_path / "layout")
    found = json.loads(oras("discover", "--plain-http", "--format", "json", f"{host}/read/image:v1").stdout)
    entries = found.get("referrers") or found.get("manifests")
    assert [e["digest"] for e in entries] == [artifact]
    oras("copy", "--from-plain-http", "--to-plain-http", "-r", f"{host}/read/image:v1", f"{host}/read/again:v1")
    assert regtool("referrers", f"{host}/read/again:v1").lines == [artifact]


def nested(server, regtool):
    """An index in an index, Docker's types beside OCI's."""
    name = "read/nested"
    regtool("push-index", "50000", "8", f"{server.host}/{name}:inner")
    inner = regtool("manifest", f"{server.host}/{name}:inner").stdout.encode()
    outer = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json", "size": len(inner),
                       "digest": subprocess.run(["sha256sum"], input=inner, capture_output=True,
                                                check=True).stdout.decode().split()[0].join(["sha256:", ""])}],
    }).encode()
    server.put_manifest(name, "outer", outer, "application/vnd.oci.image.index.v1+json")
    return f"{server.host}/{name}:outer"


def test_index_in_an_index(regtool, registry):
    """R-115, R-116"""
    target = nested(registry, regtool)
    assert regtool("pull", target, "linux/arm64").ref == regtool(
        "pull", target.replace("outer", "inner"), "linux/arm64").ref


@pytest.mark.slow
@pytest.mark.parametrize("open_server", OPEN, indirect=True)
def test_we_read_what_oras_and_crane_write(regtool, open_server, crane, oras, home):
    """Artifacts, attestations beside images, Docker's types."""
    host = open_server.host
    (home.root / "note.txt").write_text("hello")
    regtool("push", *SMALL, f"{host}/write/image:v1")
    oras("push", "--plain-http", f"{host}/write/artifact:v1", "--artifact-type", "application/vnd.test",
         "note.txt:text/plain")
    assert '"application/vnd.test"' in regtool("manifest", f"{host}/write/artifact:v1").stdout
    oras("attach", "--plain-http", f"{host}/write/image:v1", "--artifact-type", "application/vnd.note",
         "note.txt:text/plain")
    assert len(regtool("referrers", f"{host}/write/image:v1").lines) == 1
    assert len(regtool("referrers", f"{host}/write/image:v1", "application/vnd.note").lines) == 1
    assert regtool("referrers", f"{host}/write/image:v1", "application/vnd.other").lines == []
    crane("mutate", f"{host}/write/image:v1", "--label", "a=b", "-t", f"{host}/write/image:crane")
    regtool("pull", f"{host}/write/image:crane")
    crane("index", "append", "-m", f"{host}/write/image:v1", "-m", f"{host}/write/image:crane", "-t",
          f"{host}/write/index:v1", "--docker-empty-base")
    regtool("pull", f"{host}/write/index:v1")
