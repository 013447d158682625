"""The image verbs at registries that want a login: with the right one they work, without it they say in one
line and a hint what to do, and no secret is in what they say."""

import base64
import json

import bases as base_images
import pytest
from registry import PASSWORD, USER


def write_config(home, **logins):
    path = home.home / ".docker/config.json"
    path.parent.mkdir(exist_ok=True)
    auths = {
        host: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
        for host, (user, password) in logins.items()
    }
    path.write_text(json.dumps({"auths": auths}))
    path.chmod(0o600)
    return path


@pytest.fixture(params=["basic_registry", "bearer_registry"])
def protected(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def image(protected, registry, bases, bare_koc, home):
    """An image at the protected registry, put there with the right login."""
    source = bases["docker"]
    write_config(home, **{protected.host: (USER, PASSWORD)})
    bare_koc("copy", source, f"{protected.host}/team/app:v1")
    bare_koc("pull", f"{protected.host}/team/app:v1", home.root / "layout")
    return f"{protected.host}/team/app:v1"


def verbs(image, home, registry):
    repository = image.rsplit(":", 1)[0]
    return {
        "push": ("push", home.root / "layout", f"{repository}:pushed"),
        "pull": ("pull", image, home.root / "pulled"),
        "copy from": ("copy", image, f"{registry.host}/denied/app:v1"),
        "copy to": ("copy", f"oci:{home.root}/layout", f"{repository}:copied"),
        "inspect": ("inspect", image),
        "manifest": ("manifest", image),
        "config": ("config", image),
        "digest": ("digest", image),
        "validate": ("validate", image),
        "ls": ("ls", repository),
        "tag": ("tag", image, "other"),
        "rm": ("rm", "--manifest", image),
    }


def test_verbs_with_the_right_login(bare_koc, home, image, registry):
    for name, args in verbs(image, home, registry).items():
        said = bare_koc(*args, "-vvv")
        for secret in (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()):
            assert secret not in said.stdout + said.stderr, name


@pytest.mark.parametrize("kind", ["wrong", "none"])
def test_verbs_without_it(bare_koc, home, image, registry, kind):
    host = image.split("/")[0]
    wrong = {host: (USER, "planted-wrong")} if kind == "wrong" else {f"{host}0": (USER, "planted-decoy")}
    path = write_config(home, **wrong)
    for name, args in verbs(image, home, registry).items():
        said = bare_koc(*args, "-vvv", status=1)
        assert len(said.errors) == 1, str(said)
        assert "planted" not in said.stdout + said.stderr, str(said)
        assert base64.b64encode(b"koc:planted-wrong").decode() not in said.stderr
        [hint] = [line for line in said.stderr.splitlines() if line.startswith("hint: ")] or [""]
        assert f"koc login {host}" in hint, str(said)
        if kind == "wrong":
            assert f"{path}), user {USER}, for {host}" in hint, str(said)
        assert said.stdout == "", str(said)
    assert not (home.root / "pulled").exists()
