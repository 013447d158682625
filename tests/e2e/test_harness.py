"""The harness itself: it must be able to see what the other tests look for."""

import json

import oci
import registry as registries


def test_bases_can_be_read_back(registry, bases):
    index = oci.from_registry(registry, bases["index"])
    assert index.platforms[:3] == ["linux/amd64", "linux/arm64/v8", "linux/arm/v7"]
    assert index.children[0].files(0)["etc/base-linux-amd64-0"] == b"base\n"


def test_access_log_shows_uploads(registry):
    mark = registry.mark()
    assert registry.uploads_since(mark) == []
    registry.put_blob("harness", b"x", oci.digest_of(b"x"))
    assert [r.method for r in registry.uploads_since(mark)] == ["POST", "PUT"]


def test_basic_registry_refuses_and_accepts(basic_registry, crane, home):
    refused = crane("catalog", basic_registry.host, status=None)
    assert refused.status != 0 and "UNAUTHORIZED" in refused.stderr
    registries.docker_config(home, basic_registry.host)
    crane("catalog", basic_registry.host)


def test_bearer_registry_gives_tokens(bearer_registry, crane, home, bases, registry):
    registries.docker_config(home, bearer_registry.host)
    crane("copy", bases["oci"], f"{bearer_registry.host}/base:oci")
    assert any(r["known"] for r in bearer_registry.tokens.requests)
    manifest = json.loads(crane("manifest", f"{bearer_registry.host}/base:oci").stdout)
    assert manifest["layers"]


def test_tls_registry_is_trusted_through_its_own_authority(tls_registry, pki, crane):
    assert crane("catalog", tls_registry.host, status=None).status != 0
    crane("catalog", tls_registry.host, env={"SSL_CERT_FILE": pki.ca})


def test_ko_builds_here(ko, registry, bases, app):
    ref = ko("build", "./cmd/app", cwd=app, env={"KO_DEFAULTBASEIMAGE": bases["index"]}).ref
    image = oci.from_registry(registry, ref)
    assert image.files(1)["/var/run/ko/a.txt"] == b"a\n"
