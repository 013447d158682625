"""R-15: mirrors and the other settings of hosts.toml, with real registries."""

import time

import pytest

import faulty as faults
import registry as registries
from faulty import Faulty, Rule

SMALL = ["30000", "1", "2"]


@pytest.fixture
def mirror(tmp_path):
    server = registries.Registry(tmp_path / "mirror")
    yield server
    server.close()


@pytest.fixture
def hosts_toml(home):
    """Writes the hosts.toml of a registry."""
    def write(host, text, folder="containerd"):
        folder = home.home / ".config" / folder / "certs.d" / host
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts.toml").write_text(text)
        return folder / "hosts.toml"
    return write


def test_pull_from_a_mirror(regtool, registry, mirror, hosts_toml):
    """R-15: everything comes from the mirror, which gets the registry's name (`ns`)."""
    proxy = Faulty(mirror.host)
    pushed = regtool("push", *SMALL, f"{mirror.host}/mirrored:v1")
    hosts_toml(registry.host, f'[host."http://{proxy.host}"]\n')
    mark = registry.mark()
    assert regtool("pull", f"{registry.host}/mirrored:v1").ref == pushed.ref
    assert registry.since(mark) == []
    assert proxy.log and all(e.path.endswith(f"?ns={registry.host}") for e in proxy.log)
    proxy.close()


@pytest.mark.parametrize("trouble", ["missing", "503", "404", "refused", "flipped"])
def test_fall_back_to_the_registry(regtool, registry, mirror, hosts_toml, trouble):
    """R-15: whatever is wrong with the mirror, koc asks the registry; wrong bytes are never used."""
    proxy = Faulty(mirror.host)
    pushed = regtool("push", *SMALL, f"{registry.host}/mirrors/fall:v1")
    if trouble == "flipped":
        regtool("push", *SMALL, f"{mirror.host}/mirrors/fall:v1")
        proxy.add(Rule("GET", "/manifests/", faults.flip(40)))
    elif trouble.isdigit():
        proxy.add(Rule("*", "", faults.answer(int(trouble))))
    where = "127.0.0.1:1" if trouble == "refused" else proxy.host
    hosts_toml(registry.host, f'[host."http://{where}"]\n')
    pulled = regtool("-v", "-v", "pull", f"{registry.host}/mirrors/fall:v1@{pushed.ref}")
    assert pulled.ref == pushed.ref
    if trouble == "refused":
        assert pulled.stderr.count("trying the next host") == 1, "it is left alone afterwards"
    proxy.close()


def test_tags_only_from_mirrors_that_may_resolve(regtool, registry, mirror, hosts_toml):
    """R-15: a mirror that may only pull does not resolve tags."""
    old = regtool("push", "300", "5", "1", f"{mirror.host}/mirrors/tags:v1")
    new = regtool("push", "300", "6", "1", f"{registry.host}/mirrors/tags:v1")
    assert old.ref != new.ref
    hosts_toml(registry.host, f'[host."http://{mirror.host}"]\ncapabilities = ["pull"]\n')
    assert regtool("pull", f"{registry.host}/mirrors/tags:v1").ref == new.ref
    hosts_toml(registry.host, f'[host."http://{mirror.host}"]\ncapabilities = ["pull", "resolve"]\n')
    assert regtool("pull", f"{registry.host}/mirrors/tags:v1").ref == old.ref


def test_pushes_go_to_the_registry(regtool, registry, mirror, hosts_toml):
    """R-15: never to a mirror, unless its capabilities include push."""
    hosts_toml(registry.host, f'[host."http://{mirror.host}"]\n')
    mark = mirror.mark()
    regtool("push", *SMALL, f"{registry.host}/mirrors/push:v1")
    assert mirror.since(mark) == []
    hosts_toml(registry.host, f'[host."http://{mirror.host}"]\ncapabilities = ["push"]\n')
    mark = registry.mark()
    regtool("push", *SMALL, f"{registry.host}/mirrors/elsewhere:v1")
    assert registry.since(mark) == []
    assert mirror.tags("mirrors/elsewhere") == ["v1"]


def test_credentials_of_the_registry_stay_there(regtool, basic_registry, home, hosts_toml):
    """R-15, R-69: the mirror also requires a login, and gets only its own credentials."""
    proxy = Faulty(basic_registry.host, host="127.0.0.2")
    registries.docker_config(home, basic_registry.host)
    pushed = regtool("push", *SMALL, f"{basic_registry.host}/app:v1")
    hosts_toml(basic_registry.host, f'[host."http://{proxy.host}"]\n')
    assert regtool("pull", f"{basic_registry.host}/app:v1").ref == pushed.ref
    assert proxy.log
    assert not any("authorization" in e.headers for e in proxy.log)
    proxy.close()


def test_alias_path_and_fields(regtool, registry, hosts_toml):
    """R-15: server names another host, override_path another path; header fields go only there."""
    proxy, store = Faulty(registry.host), Faulty(registry.host, host="127.0.0.2")
    pushed = regtool("push", *SMALL, f"{registry.host}/v2/moved:v1")

    def strip(x):
        x.head = x.head.replace(b" /base/", b" /v2/", 1)
        x.entry.path = x.entry.path.replace("/base/", "/v2/", 1)
        return False
    seen = []
    proxy.add(Rule("*", "^/base/", lambda x: seen.append(x.entry.path) or strip(x)))

    def away(x):
        x.respond(307, {"Location": f"http://{store.host}{x.entry.path.replace('/base/', '/v2/')}"})
        return True
    proxy.rules.insert(0, Rule("GET", "/blobs/", away))
    hosts_toml("reg.test", f'server = "http://{proxy.host}/base"\noverride_path = true\n[header]\nX-Team = "blue"\n')
    assert regtool("pull", "reg.test/v2/moved:v1").ref == pushed.ref
    assert seen
    assert all(e.headers.get("x-team") == "blue" for e in proxy.log)
    assert store.log and not any("x-team" in e.headers for e in store.log)
    proxy.close()
    store.close()


def test_authority_of_a_mirror(regtool, registry, tls_registry, hosts_toml, pki):
    """R-15, R-20: its own authority, for it alone."""
    pushed = regtool("--ca", pki.ca, "push", *SMALL, f"{tls_registry.host}/app:v1")
    path = hosts_toml(registry.host, f'[host."https://{tls_registry.host}"]\nca = "own.crt"\n')
    (path.parent / "own.crt").write_bytes(pki.ca.read_bytes())
    assert regtool("pull", f"{registry.host}/app:v1").ref == pushed.ref
    hosts_toml(registry.host, f'[host."https://{tls_registry.host}"]\nskip_verify = true\n')
    assert regtool("pull", f"{registry.host}/app:v1").ref == pushed.ref
    hosts_toml(registry.host, f'[host."https://{tls_registry.host}"]\n')
    refused = regtool("-v", "-v", "pull", f"{registry.host}/app:v1", status=1)
    assert "unknown authority" in refused.stderr


def test_requests_a_second(regtool, faulty, hosts_toml):
    """The rate of hosts.toml is kept in every second."""
    hosts_toml(faulty.host, "requests_per_second = 10\n")
    begin = time.monotonic()
    regtool("push", 300, 3, 3, f"{faulty.host}/mirrors/rate:v1")
    times = sorted(e.at for e in faulty.log)
    assert time.monotonic() - begin > (len(times) - 1) / 10 * 0.9
    assert max(sum(t <= u < t + 1 for u in times) for t in times) <= 11


@pytest.mark.parametrize("text, words", [
    ("server = ", ":1: unsupported value: expected a string"),
    ("\n[host.\"gopher://planted\"]", ":2: not the address of a registry"),
    ("ca = '/nowhere/planted.crt'", "No such file"),
    ("[header]\nAuthorization = 'planted'", ":2: the header field Authorization cannot be set"),
])
def test_what_is_not_understood(regtool, registry, hosts_toml, text, words):
    path = hosts_toml(registry.host, text)
    result = regtool("pull", f"{registry.host}/x:v1", status=1)
    assert words in result.stderr
    assert str(path) in result.stderr or "nowhere" in result.stderr
