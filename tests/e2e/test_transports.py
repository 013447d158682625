"""skopeo's words for places: docker:// is a registry's everywhere, the others are never names on Docker Hub."""

import json

import pytest
from ports import free_port

DIGEST = "sha256:" + "0" * 64
FOREIGN = [
    "containers-storage:app",
    "docker-daemon:app:1",
    "dir:app",
    "dir:/tmp/app",
    "ostree:app@/repo",
    "sif:app.sif",
]
# Commands, with the foreign word as {}; none reaches a registry.
USES = {
    "inspect": ["inspect", "{}"],
    "manifest": ["manifest", "{}"],
    "config": ["config", "{}"],
    "digest": ["digest", "{}"],
    "validate": ["validate", "{}"],
    "ls": ["ls", "{}"],
    "export": ["export", "{}"],
    "copy from": ["copy", "{}", "oci:out"],
    "copy to": ["copy", "registry.invalid/x:1", "{}"],
    "copy -a": ["copy", "-a", "{}", "oci:out"],
    "push": ["push", "{}", "registry.invalid/x:1"],
    "push to": ["push", "oci:nothing", "{}"],
    "pull": ["pull", "{}", "out"],
    "pull to": ["pull", "registry.invalid/x:1", "{}"],
    "append": ["append", "-b", "{}", "-t", "oci:out", "file"],
    "append to": ["append", "-t", "{}", "file"],
    "mutate": ["mutate", "--label=a=b", "{}"],
    "rebase": ["rebase", "--new-base=registry.invalid/x", "{}"],
    "tag": ["tag", "{}", "v2"],
    "rm": ["rm", "{}"],
    "blob": ["blob", "{}"],
    "auth token": ["auth", "token", "{}"],
}


def refused(koc, word, args, **options):
    result = koc(*(a.format(word) for a in args), status=None, **options)
    assert result.status in (1, 2) and len(result.errors) == 1, str(result)
    transport = word.split(":")[0]
    assert f"images in {transport}: are not read or written" in result.errors[0], str(result)
    assert "docker.io" not in result.stderr and result.stdout == ""
    assert "\nhint: " in result.stderr, str(result)
    return result


@pytest.mark.parametrize("use", USES)
def test_no_verb_takes_them_for_names(bare_koc, tmp_path, use):
    (bare_koc.home.root / "file").write_text("x")
    for word in FOREIGN:
        refused(bare_koc, word, USES[use])
    assert not [p.name for p in bare_koc.home.root.iterdir() if p.name.split("-")[0] in ("docker", "containers", "dir")]


@pytest.mark.parametrize("word", [*FOREIGN, "oci-archive:base.tar"])
def test_no_base_is_one(bare_koc, app, word):
    def check(*args, **options):
        result = bare_koc("build", *args, "./cmd/tool", cwd=app, status=None, **options)
        assert result.status in (1, 2) and word.split(":")[0] + ":" in result.errors[0], str(result)
        assert "docker.io" not in result.stderr
        return result.errors[0]

    assert "--base-image" in check(f"--base-image={word}")
    assert "KO_DEFAULTBASEIMAGE" in check(env={"KO_DEFAULTBASEIMAGE": word})
    app.settings(f"defaultBaseImage: {word}\n")
    assert ".ko.yaml:1:19: defaultBaseImage" in check()
    app.settings(f"baseImageOverrides:\n  example.test/app/cmd/tool: {word}\n")
    assert ".ko.yaml:2:" in check() and "baseImageOverrides" in check()


def test_docker_is_a_registry_everywhere(koc, registry, bases, app, tmp_path):
    base = f"docker://{bases['oci']}"
    digest = koc("digest", bases["oci"]).ref
    for verb in ("inspect", "manifest", "config", "digest", "validate"):
        assert koc(verb, base).stdout.replace(base, bases["oci"]) == koc(verb, bases["oci"]).stdout, verb
    koc("copy", base, f"docker://{registry.host}/transports/app:1")
    koc("tag", f"docker://{registry.host}/transports/app:1", "2")
    assert koc("ls", f"docker://{registry.host}/transports/app").lines == ["1", "2"]
    assert "transports/app" in koc("ls", f"docker://{registry.host}").lines
    layer = json.loads(koc("manifest", base).stdout)["layers"][0]["digest"]
    koc("blob", "-o", tmp_path / "layer", f"docker://{registry.host}/transports/app@{layer}")
    koc("pull", f"docker://{registry.host}/transports/app:1", tmp_path / "out")
    koc("push", tmp_path / "out", f"docker://{registry.host}/transports/app:3")
    koc("append", "-b", base, "-t", f"docker://{registry.host}/transports/app:4", tmp_path / "layer")
    koc("mutate", "--label=a=b", "-t", f"docker://{registry.host}/transports/app:5", base)
    koc("rm", f"docker://{registry.host}/transports/app@{digest}")
    assert sorted(registry.tags("transports/app")) == ["4", "5"]


def test_docker_in_settings_and_destination(koc, registry, bases, app):
    plain = koc("build", "--bare", "./cmd/tool", cwd=app, env={"KO_DOCKER_REPO": f"{registry.host}/t/a", "KO_DEFAULTBASEIMAGE": bases["oci"]}).ref
    for args, env, settings in (
        ([f"--base-image=docker://{bases['oci']}"], {}, ""),
        ([], {"KO_DEFAULTBASEIMAGE": f"docker://{bases['oci']}"}, ""),
        ([], {}, f"defaultBaseImage: docker://{bases['oci']}\n"),
    ):
        app.settings(settings)
        env |= {"KO_DOCKER_REPO": f"docker://{registry.host}/t/a"}
        assert koc("build", "--bare", *args, "./cmd/tool", cwd=app, env=env).ref == plain


def test_a_file_that_is_called_so_is_a_file(bare_koc, app, tmp_path):
    """`koc push dir:x` means the file dir:x when there is one."""
    out = tmp_path / "here"
    out.mkdir()
    bare_koc("build", "--base-image=scratch", "--push=false", f"--tarball={out}/dir:x", "./cmd/tool", cwd=app)
    result = bare_koc("push", "dir:x", f"127.0.0.1:{free_port()}/x", cwd=out, status=1)
    assert "refused" in result.errors[0]


def test_a_name_of_docker_hub_says_so(bare_koc):
    """What is called like a transport there can be named in full."""
    result = bare_koc("digest", "docker.io/library/dir:x", status=1, env={"HTTPS_PROXY": f"http://127.0.0.1:{free_port()}"})
    assert "images in" not in result.stderr
