"""koc doctor: each finding, on a machine that is made so."""

import json
import socket

import pytest
import registry as registries


@pytest.fixture
def doctor(bare_koc, bases, app):
    """Findings by check: lists of (state, text, hint). The base is there, unless a test says otherwise."""

    def run(*args, status=0, env=None, cwd=None, **options):
        env = {"KO_DEFAULTBASEIMAGE": bases["oci"], **(env or {})}
        result = bare_koc(
            "doctor", "--json", *args, cwd=cwd or app, env=env, status=status, **options
        )
        document = json.loads(result.stdout)
        assert document["schema"] == "koc-doctor-1"
        assert document["healthy"] == (status == 0)
        found = {}
        for each in document["findings"]:
            found.setdefault(each["check"], []).append(
                (each["state"], each["text"], each.get("hint"))
            )
        return found

    return run


def program(folder, name, text):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_machine_that_is_fine(doctor, bare_koc, registry, bases, home, app):
    repository = f"{registry.host}/team"
    found = doctor(env={"KO_DOCKER_REPO": repository})
    assert found["go"][0][0] == found["git"][0][0] == "ok" and "go1." in found["go"][0][1]
    assert found["cache"][0][0] == "ok" and str(home.cache) in found["cache"][0][1]
    assert found["settings"] == [("ok", "no .ko.yaml here: defaults; builds for linux/amd64", None)]
    assert found["destination"] == [("ok", repository, None)]
    assert found["credentials"] == [
        ("ok", f"{registry.host}: none; koc is anonymous there", None)
    ]
    assert found["registry"] == [("ok", f"{registry.host} answers and requires no login", None)]
    assert found["base"][0][0] == "ok" and "sha256:" in found["base"][0][1]
    text = bare_koc("doctor", cwd=app, env={"KO_DEFAULTBASEIMAGE": bases["oci"]})
    assert text.stderr == "" and max(map(len, text.lines)) < 200
    assert all(line.split()[0] in ("ok", "note", "warning", "hint:") for line in text.lines)


def test_nothing_is_made(doctor, home):
    before = home.listing()
    doctor()
    assert home.listing() == before


def test_go(doctor, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    state, text, hint = doctor(status=1, env={"PATH": str(empty)})["go"][0]
    assert (state, text) == ("broken", "go is not on PATH") and "go.dev/dl" in hint
    assert doctor(status=1, env={"KO_GO_PATH": "/nowhere/go"})["go"][0][0] == "broken"
    mute = program(tmp_path / "bin", "mute", "exit 1")
    assert "does not report its version" in doctor(status=1, env={"KO_GO_PATH": mute})["go"][0][1]
    old = program(tmp_path / "bin", "old", "echo go version go1.16.3 linux/amd64")
    assert doctor(env={"KO_GO_PATH": old})["go"][0][0] == "warning"
    devel = program(tmp_path / "bin", "devel", "echo go version devel go1.99-abc linux/amd64")
    assert doctor(env={"KO_GO_PATH": devel})["go"][0][0] == "ok"


def test_programs_that_are_not_needed_by_all(doctor, tmp_path):
    go = program(tmp_path / "bin", "go", "echo go version go1.22.1 linux/amd64")
    found = doctor(env={"PATH": str(go.parent)})
    assert found["git"][0][0] == "warning" and found["git"][0][2] == "install git"
    assert found["kubectl"][0][0] == "note"
    program(go.parent, "kubectl", "echo kind-dev")
    found = doctor(env={"PATH": str(go.parent)})
    assert found["kubectl"][0][0] == "ok" and "context kind-dev" in found["kubectl"][0][1]
    program(go.parent, "kubectl", "exit 1")
    assert doctor(env={"PATH": str(go.parent)})["kubectl"][0][0] == "note"


def test_engine(doctor, tmp_path):
    assert doctor(env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})["engine"][0][0] == "warning"
    path = tmp_path / "file.sock"
    path.write_text("")
    state, text, _ = doctor(env={"DOCKER_HOST": f"unix://{path}"})["engine"][0]
    assert state == "warning" and str(path) in text


def test_settings(doctor, app):
    app.settings("defaultPlatforms: [linux/arm64, linux/amd64]\n")
    found = doctor()
    assert found["settings"] == [("ok", ".ko.yaml; builds for linux/arm64, linux/amd64", None)]
    app.settings("surprise: 1\n")
    assert any(f[0] == "warning" and "surprise" in f[1] for f in doctor()["settings"])
    app.settings("defaultPlatforms: {not: a list}\n")
    state, text, _ = doctor(status=1)["settings"][0]
    assert state == "broken" and ".ko.yaml:1" in text
    app.settings("")
    state, text, _ = doctor(status=1, env={"KO_CONFIG_PATH": "/nowhere/x.yaml"})["settings"][0]
    assert state == "broken" and "/nowhere" in text


def test_cache(doctor, tmp_path):
    path = tmp_path / "a-file"
    path.write_text("")
    assert doctor(env={"KOCACHE": str(path / "below")})["cache"][0][0] == "warning"


def test_proxies_are_shown_without_passwords(doctor, registry):
    env = {"no_proxy": "127.0.0.1", "https_proxy": "http://me:s3cret@proxy.example:3128"}
    found = doctor(env=env)
    texts = [text for _, text, _ in found["proxy"]]
    assert "https_proxy=http://***@proxy.example:3128" in texts and "no_proxy=127.0.0.1" in texts
    found = doctor(env={"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"})
    assert any(f[0] == "warning" and "differ" in f[1] for f in found["proxy"])


def test_destination_without_a_repository(doctor, home):
    state, text, hint = doctor()["destination"][0]
    assert state == "note" and str(home.data) in text and "KO_DOCKER_REPO=" in hint


def test_credentials(doctor, basic_registry, home):
    env = {"KO_DOCKER_REPO": f"{basic_registry.host}/team"}
    found = doctor(status=1, env=env)
    state, _, hint = found["registry"][0]
    assert state == "broken" and hint == f"koc login {basic_registry.host}"
    config = home.home / ".docker/config.json"
    config.parent.mkdir()
    user, password = registries.USER, registries.PASSWORD
    auths = {basic_registry.host: {"username": user, "password": password}}
    config.write_text(json.dumps({"auths": auths}))
    found = doctor(env=env)
    assert found["registry"][0][0] == "ok" and "accepts the credentials" in found["registry"][0][1]
    assert f"user {user}" in found["credentials"][0][1]
    assert password not in json.dumps(found)
    config.write_text("{not json")
    assert doctor(status=1, env=env)["credentials"][0][0] == "broken"


def test_registry_that_does_not_answer(doctor):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    state, text, _ = doctor(status=1, env={"KO_DOCKER_REPO": f"{host}/x"})["registry"][0]
    assert state == "broken" and "connection refused" in text


def test_bases(doctor, registry, app, tmp_path):
    missing = f"{registry.host}/base/none:1"
    state, text, hint = doctor(status=1, env={"KO_DEFAULTBASEIMAGE": missing})["base"][0]
    assert state == "broken" and missing in text and "scratch" in hint
    assert doctor(env={"KO_DEFAULTBASEIMAGE": "scratch"})["base"][0][0] == "ok"
    name = f"oci:{tmp_path}/no-layout"
    assert doctor(status=1, env={"KO_DEFAULTBASEIMAGE": name})["base"][0][0] == "broken"
    app.settings(f"baseImageOverrides:\n  example.test/app/cmd/app: {missing}\n")
    assert [f[0] for f in doctor(status=1)["base"]] == ["ok", "broken"]


def test_exit_code_and_summary(bare_koc, app):
    result = bare_koc(
        "doctor", cwd=app, env={"KO_DEFAULTBASEIMAGE": "127.0.0.1:1/none"}, status=1
    )
    assert result.errors == ["koc: 1 thing that a build needs is broken"]
    assert bare_koc("doctor", "x", status=2).errors
