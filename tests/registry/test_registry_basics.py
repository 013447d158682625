"""Push, pull and resolve against real registries, and how many requests they take."""

import base64
import json

import registry as registries
from faulty import Faulty

SMALL = ["300000", "1", "2"]  # bytes of a layer, seed, layers


def paths(requests):
    return [f"{r.method} {r.path.split('?')[0]}" for r in requests]


def test_push_then_pull(regtool, registry):
    """R-130, R-133, R-137, R-160: HEAD, POST, PUT of each blob, the manifest last."""
    mark = registry.mark()
    pushed = regtool("push", *SMALL, f"{registry.host}/basics/app:v1")
    requests = registry.since(mark)
    assert [r.method for r in requests if r.status == 201 and "manifests" in r.path] == ["PUT"]
    assert requests[-1].path.endswith("/manifests/v1")
    assert sum(r.method == "PUT" and "uploads" in r.path for r in requests) == 3
    assert not any(r.path == "/v2/" for r in requests), "no ping is needed (R-14)"
    pulled = regtool("pull", f"{registry.host}/basics/app:v1")
    assert pulled.ref == pushed.ref


def test_second_push_is_one_request(regtool, registry):
    target = f"{registry.host}/basics/again:v1"
    regtool("push", *SMALL, target)
    mark = registry.mark()
    regtool("push", *SMALL, target)
    assert paths(registry.since(mark)) == ["HEAD /v2/basics/again/manifests/v1"]


def test_another_tag_sends_no_blob(regtool, registry):
    target = f"{registry.host}/basics/tags:v1"
    regtool("push", *SMALL, target)
    mark = registry.mark()
    regtool("push", *SMALL, target, "v2", "v3")
    assert sorted(paths(registry.uploads_since(mark))) == [
        "PUT /v2/basics/tags/manifests/v2", "PUT /v2/basics/tags/manifests/v3"]


def test_copy_in_one_registry_mounts(regtool, registry):
    """R-132: layers are mounted; only the config and the manifest are sent."""
    regtool("push", *SMALL, f"{registry.host}/basics/from:v1")
    mark = registry.mark()
    regtool("copy", f"{registry.host}/basics/from:v1", f"{registry.host}/basics/to:v1")
    requests = registry.since(mark)
    assert sum(r.method == "POST" and "mount=" in r.path and r.status == 201 for r in requests) == 2
    assert sum(r.method == "PUT" and "uploads" in r.path for r in requests) == 1


def test_copy_between_registries_streams(regtool, registry, relative_registry):
    """R-132: never a mount across registries; relative Locations (R-134) work too."""
    regtool("push", *SMALL, f"{registry.host}/basics/far:v1")
    mark = relative_registry.mark()
    copied = regtool("copy", f"{registry.host}/basics/far:v1", f"{relative_registry.host}/far:v1")
    assert not any("mount" in r.path for r in relative_registry.since(mark))
    assert regtool("pull", f"{relative_registry.host}/far:v1").ref == copied.ref


def test_index(regtool, registry):
    target = f"{registry.host}/basics/index:v1"
    regtool("push-index", "200000", "5", target)
    children = {regtool("pull", target, p).ref for p in ("linux/amd64", "linux/arm64")}
    assert len(children) == 2
    bad = regtool("pull", target, "linux/riscv64", status=1)
    assert "there is no linux/riscv64 (it has linux/amd64, linux/arm64)" in bad.stderr
    mark = registry.mark()
    regtool("push-index", "200000", "5", target)
    assert paths(registry.since(mark)) == ["HEAD /v2/basics/index/manifests/v1"]


def test_scheme_is_remembered_between_runs(regtool, registry, home):
    """R-11: the second process begins with plain http."""
    regtool("push", *SMALL, f"{registry.host}/basics/scheme:v1")
    first = regtool("-v", "-v", "--cache", home.cache, "resolve", f"{registry.host}/basics/scheme:v1")
    second = regtool("-v", "-v", "--cache", home.cache, "resolve", f"{registry.host}/basics/scheme:v1")
    assert "https://" in first.stderr
    assert "https://" not in second.stderr


def test_manifests_by_digest_come_from_the_cache(regtool, registry, home):
    """R-114: with a cache a tag costs one HEAD."""
    target = f"{registry.host}/basics/cached:v1"
    regtool("push", *SMALL, target)
    regtool("--cache", home.cache, "pull", target)
    mark = registry.mark()
    regtool("--cache", home.cache, "pull", target)
    methods = [r.method for r in registry.since(mark) if "manifests" in r.path]
    assert methods == ["HEAD"]


def test_tls_with_own_authority(regtool, tls_registry):
    """R-20, R-23: an unknown authority is named; --ca adds one."""
    target = f"{tls_registry.host}/app:v1"
    refused = regtool("push", *SMALL, target, status=1)
    assert "certificate is signed by an unknown authority (CN = koc lab)" in refused.stderr
    assert "http://" not in refused.stderr
    regtool("--ca", tls_registry.ca, "push", *SMALL, target)
    regtool("--insecure", "pull", target)


def test_basic(regtool, basic_registry, home):
    """R-61, R-83: without credentials the error says so; after the first challenge they are sent preemptively."""
    target = f"{basic_registry.host}/app:v1"
    anonymous = regtool("push", *SMALL, target, status=1)
    assert f"no credentials for {basic_registry.host}" in anonymous.stderr
    registries.docker_config(home, basic_registry.host)
    mark = basic_registry.mark()
    regtool("push", *SMALL, target)
    assert sum(r.status == 401 for r in basic_registry.since(mark)) == 1


def test_basic_with_wrong_password(regtool, basic_registry, home):
    """The wrong password goes once to the registry, and ends the push."""
    front = Faulty(basic_registry.host)
    registries.docker_config(home, front.host, password="wrong-secret")
    result = regtool("-v", "-v", "-v", "push", *SMALL, f"{front.host}/app:v1", status=1)
    front.close()
    assert [(e.method, "authorization" in e.headers) for e in front.log] == [("HEAD", False), ("HEAD", True)]
    assert "KOC_EAUTH" in result.stderr
    assert "credentials used: docker config" in result.stderr
    assert "wrong-secret" not in result.stderr
    assert base64.b64encode(b"koc:wrong-secret").decode() not in result.stderr


def test_bearer(regtool, bearer_registry, home):
    """R-70, R-77, R-78: one token with push from the start serves the whole push."""
    registries.docker_config(home, bearer_registry.host)
    target = f"{bearer_registry.host}/team/app:v1"
    regtool("push", *SMALL, target)
    assert [r["scopes"] for r in bearer_registry.tokens.requests] == [["repository:team/app:pull,push"]]
    regtool("pull", target)
    regtool("copy", target, f"{bearer_registry.host}/team/copy:v1")
    mounts = [r["scopes"] for r in bearer_registry.tokens.requests if len(r["scopes"]) > 1]
    assert mounts == [["repository:team/copy:pull,push", "repository:team/app:pull"]]


def test_bearer_without_credentials(regtool, bearer_registry):
    result = regtool("push", *SMALL, f"{bearer_registry.host}/team/app:v1", status=1)
    assert f"no credentials for {bearer_registry.host}" in result.stderr
    assert f"log in to {bearer_registry.host}" in result.stderr


def test_bearer_with_refused_credentials(regtool, bearer_registry, home):
    """R-76: the same password is never sent twice."""
    registries.docker_config(home, bearer_registry.host, password="wrong-secret")
    result = regtool("-v", "-v", "-v", "push", *SMALL, f"{bearer_registry.host}/team/app:v1", status=1)
    assert "the credentials were not accepted" in result.stderr
    assert "wrong-secret" not in result.stderr
    assert len(bearer_registry.tokens.requests) == 1


def test_helper(regtool, basic_registry, home, tmp_path):
    """R-41, R-48, R-50: the helper is asked for the host, once."""
    folder = tmp_path / "bin"
    folder.mkdir()
    helper = folder / "docker-credential-lab"
    helper.write_text("#!/bin/sh\n"
                      f"read -r server; echo \"$1 $server\" >> {tmp_path}/asked\n"
                      f"[ \"$server\" = {basic_registry.host} ] || exit 1\n"
                      f"echo '{{\"ServerURL\":\"x\",\"Username\":\"koc\",\"Secret\":\"s3cret\"}}'\n")
    helper.chmod(0o755)
    (home.home / ".docker").mkdir()
    (home.home / ".docker/config.json").write_text(json.dumps({"credsStore": "lab"}))
    path = f"{folder}:/usr/bin:/bin"
    regtool("push", *SMALL, f"{basic_registry.host}/app:v1", env={"PATH": path})
    assert (tmp_path / "asked").read_text() == f"get {basic_registry.host}\n"


def test_errors_name_what_failed(regtool, registry):
    missing = regtool("pull", f"{registry.host}/basics/none:v9", status=1)
    assert f"cannot pull {registry.host}/basics/none:v9: no such" in missing.stderr
    refused = regtool("pull", "127.0.0.1:1/x:y", status=1)
    assert "127.0.0.1:1: connection refused (3 attempts)" in refused.stderr
