"""What stands around the cache: --offline, koc cache, koc explain, --timings."""

import json
import time

import pytest

from runner import Tool

QUIET = ("--push=false", "--base-image=scratch")


@pytest.fixture
def local(koc_path, home):
    return Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")


def test_offline_takes_the_base_from_the_cache(koc, app, bases, tmp_path):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    refused = koc("build", "--offline", "--push=false", "./cmd/tool", cwd=app, env=env, status=1)
    assert "not in the cache" in refused.stderr and "without --offline" in refused.stderr
    online = koc("build", "--json", "--push=false", "./cmd/tool", cwd=app, env=env)
    offline = koc("build", "--json", "--offline", "--push=false", "./cmd/tool", cwd=app, env=env)
    first, second = (json.loads(r.stdout)["results"][0] for r in (online, offline))
    assert first["digest"] == second["digest"] and first["base"] == second["base"]


def test_offline_names_the_layers_that_are_missing(koc, app, bases, tmp_path):
    env = {"KO_DEFAULTBASEIMAGE": bases["oci"]}
    koc("build", "--push=false", "./cmd/tool", cwd=app, env=env)  # no layer of the base is needed
    output = ["--push=false", f"--oci-layout-path={tmp_path}/layout"]
    refused = koc("build", "--offline", *output, "./cmd/tool", cwd=app, env=env, status=1)
    assert "not in the cache" in refused.stderr and "layer sha256:" in refused.stderr
    assert "without --offline" in refused.stderr
    online = koc("build", *output, "./cmd/tool", cwd=app, env=env)
    offline = koc("build", "--offline", *output, "./cmd/tool", cwd=app, env=env)
    assert offline.stdout == online.stdout


def test_offline_does_not_push(koc, app):
    result = koc("build", "--offline", "--base-image=scratch", "./cmd/tool", cwd=app, status=2)
    assert "--offline: cannot push" in result.stderr


def test_offline_downloads_no_module(local, app, tmp_path):
    app.module(more="\nrequire github.com/google/uuid v1.6.0\n")
    app.write("cmd/tool/uuid.go", 'package main\n\nimport _ "github.com/google/uuid"\n')
    result = local("build", "--offline", *QUIET, "./cmd/tool", cwd=app, status=1,
                   env={"GOMODCACHE": str(tmp_path / "modules"), "GOFLAGS": "-mod=mod -modcacherw"})
    assert "GOPROXY=off" in result.stderr or "module lookup disabled" in result.stderr


def test_cache_ls_prune_clear(local, app):
    local("build", *QUIET, "./cmd/tool", cwd=app)
    listed = local("cache", "ls").stdout
    assert "files/bin" in listed and "records/gobin" in listed and str(local.home.cache) in listed
    local("cache", "prune", "--max-size=1K")  # all of it is young
    assert local("cache", "ls").stdout == listed
    local("cache", "clear")
    assert "files/bin" not in local("cache", "ls").stdout
    local("build", *QUIET, "./cmd/tool", cwd=app)
    assert local("cache", "lss", status=2).stderr.count("koc cache ls") == 1
    assert "not a size" in local("cache", "prune", "--max-size=many", status=2).stderr


def test_explain(local, app):
    assert "nothing is known" in local("explain", *QUIET, "./cmd/tool", cwd=app).stdout
    time.sleep(0.2)
    for _ in range(2):
        local("build", *QUIET, "./cmd/tool", cwd=app)
    assert "nothing changed" in local("explain", *QUIET, "./cmd/tool", cwd=app).stdout
    app.write("cmd/tool/new.go", "package main\n")
    main = app / "cmd/tool/main.go"
    main.write_text(main.read_text() + "// more\n")
    told = local("explain", *QUIET, "./cmd/tool", cwd=app, env={"GOFLAGS": "-v"}).lines
    assert told[0] == "example.test/app/cmd/tool linux/amd64"
    assert any("variable GOFLAGS" in line for line in told)
    assert f"  changed: {main}" in told
    assert any("files were added or removed" in line for line in told)


def test_explain_tells_what_koc_adds(local, app):
    app.kodata("cmd/tool")
    build = ("--image-label=a=1", "--image-annotation=b=1", "--tags=one", *QUIET)
    time.sleep(0.2)
    for _ in range(2):
        local("build", *build, "./cmd/tool", cwd=app)
    assert "nothing changed" in local("explain", *build, "./cmd/tool", cwd=app).stdout
    app.write("cmd/tool/kodata/new.txt", "new")
    other = ("--image-label=a=2", "--image-annotation=c=1", "--tags=two", *QUIET)
    env = {"SOURCE_DATE_EPOCH": "1"}
    told = local("explain", *other, "./cmd/tool", cwd=app, env=env).lines
    for line in ("changed: label a", "new: annotation c", "removed: annotation b", "new: tag two",
                 "removed: tag one", "changed: kodata", "changed: SOURCE_DATE_EPOCH"):
        assert f"  {line}" in told, told
    assert not any("variable" in line or "main.go" in line for line in told)


def test_timings(local, app):
    result = local("build", "--timings", "--json", *QUIET, "./cmd/tool", cwd=app)
    assert "packages" in result.stderr and "tool: go" in result.stderr
    document = json.loads(result.stdout)
    assert document["timings"]["buildUs"] > 0 and "layersMs" in document["results"][0]["timings"]
