"""koc login, logout and auth, with real registries and the tools that share docker's files."""

import base64
import json
import os
import pty
import select
import signal
import time

import bases as base_images
import oci
import pytest
from registry import PASSWORD, USER
from runner import children_of, wait_until

SECRETS = (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())


def secretless(result):
    """Nothing that koc said holds a secret."""
    for secret in SECRETS:
        assert secret not in result.stdout + result.stderr, str(result)
    return result


def config_of(home):
    return home.home / ".docker/config.json"


def login(koc, host, *more, password=PASSWORD, status=0):
    return secretless(
        koc("login", "-vvv", "-u", USER, "--password-stdin", *more, host, stdin=password, status=status)
    )


@pytest.mark.parametrize("kind", ["basic_registry", "bearer_registry"])
def test_login_then_logout(bare_koc, home, kind, request):
    host = request.getfixturevalue(kind).host
    said = login(bare_koc, host, password=PASSWORD + "\r\n")
    path = config_of(home)
    assert f"Logged in to {host} as {USER}, stored in {path}" in said.stderr
    assert f"stored unencrypted in {path}" in said.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"auths": {host: {"auth": SECRETS[1]}}}
    out = bare_koc("logout", host)
    assert f"Logged out of {host} in {path}" in out.stderr
    assert json.loads(path.read_text()) == {"auths": {}}


@pytest.mark.parametrize("kind", ["basic_registry", "bearer_registry"])
def test_a_wrong_password_is_not_kept(bare_koc, home, kind, request):
    host = request.getfixturevalue(kind).host
    refused = bare_koc("login", "-vv", "-u", USER, "--password-stdin", host, stdin="planted", status=1)
    assert refused.errors == [f"koc: cannot log in to {host}: wrong user name or password"]
    assert "planted" not in refused.stderr
    assert not config_of(home).exists()


def test_without_asking_the_registry(bare_koc, home):
    login(bare_koc, "nowhere.example", "--check=false")
    assert "nowhere.example" in json.loads(config_of(home).read_text())["auths"]


def test_a_registry_that_asks_nobody(bare_koc, home, registry):
    said = login(bare_koc, registry.host)
    assert f"{registry.host} requires no login" in said.stderr


def test_ways_to_write_docker_hub(bare_koc, home):
    for name in ("docker.io", "index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"):
        login(bare_koc, name, "--check=false")
        assert list(json.loads(config_of(home).read_text())["auths"]) == ["https://index.docker.io/v1/"]
    assert json.loads(bare_koc("auth", "get", "docker.io").stdout) == {"Username": USER, "Secret": PASSWORD}
    bare_koc("logout", "docker.io")
    assert json.loads(config_of(home).read_text()) == {"auths": {}}


@pytest.mark.parametrize(
    "args, words",
    [
        ((), "needs one registry"),
        (("a.example", "b.example"), "needs one registry"),
        (("a.example/team/app",), "is a repository"),
        (("http://",), "is not a registry"),
        (("a b",), "is not a registry"),
        (("-u", "me", "a.example"), "stdin is not a terminal"),
        (("--password-stdin", "a.example"), "needs a user name"),
        (("-u", "me", "-p", "x", "--password-stdin", "a.example"), "exclude each other"),
        (("-u", "m:e", "-p", "planted", "a.example"), "colon"),
        (("-u", "me", "-p", "", "a.example"), "empty"),
        (("-u", "me", "--password-stdin", "a.example"), "empty"),
        (("-u", "me\nyou", "-p", "planted", "a.example"), "line end"),
        (("-u", "me", "-p", "plan\rted", "a.example"), "line end"),
    ],
)
def test_what_login_refuses(bare_koc, home, args, words):
    refused = bare_koc("login", "-vv", *args, status=None)
    assert refused.status in (1, 2)
    assert len(refused.errors) == 1 and words in refused.errors[0]
    assert "planted" not in refused.stderr
    assert not config_of(home).exists()


@pytest.mark.parametrize("text", ["pass\nword\n", "pass\0word", "x" * 70000], ids=["line", "nul", "long"])
def test_passwords_that_cannot_be(bare_koc, home, text):
    refused = bare_koc("login", "-vv", "-u", "me", "--password-stdin", "a.example", stdin=text, status=None)
    assert refused.status in (1, 2) and len(refused.errors) == 1
    assert text[:4] not in refused.stderr.replace("password", "")
    assert not config_of(home).exists()


def test_password_on_the_command_line_is_warned_of(bare_koc, basic_registry):
    said = secretless(bare_koc("login", basic_registry.host, "-u", USER, "-p", PASSWORD))
    assert "warning: other users of this machine can see a password" in said.stderr
    quiet = secretless(bare_koc("login", "-q", basic_registry.host, "-u", USER, "-p", PASSWORD))
    assert quiet.stderr == ""


def test_on_a_terminal(koc_path, home, basic_registry):
    """The password is not shown while it is typed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(koc_path, ["koc", "login", basic_registry.host], home.env())
    seen, deadline = b"", time.monotonic() + 30
    replies = [(b"User name: ", USER), (b"Password: ", PASSWORD)]
    while time.monotonic() < deadline:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
        if replies and replies[0][0] in seen:
            os.write(fd, replies.pop(0)[1].encode() + b"\n")
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 0, seen
    assert b"Logged in" in seen and PASSWORD.encode() not in seen


# --- beside other programs ----------------------------------------------------------------------------


def helper(home, name="lab"):
    """A credential helper that keeps its secrets in a folder."""
    folder = home.root / "bin"
    folder.mkdir(exist_ok=True)
    path = folder / f"docker-credential-{name}"
    kept = home.root / "kept"
    kept.mkdir(exist_ok=True)
    path.write_text(
        f"""#!/bin/sh
cd {kept}
case $1 in
store) cat > new; sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' new | tr / _ > name; mv new "$(cat name)" ;;
get) f=$(tr / _); cat "$f" 2>/dev/null || {{ echo credentials not found in native keychain; exit 1; }} ;;
erase) rm -f "$(tr / _)" ;;
esac
"""
    )
    path.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_with_a_helper_program(bare_koc, home, basic_registry, key):
    env, host = helper(home), basic_registry.host
    config_of(home).parent.mkdir()
    config_of(home).write_text(json.dumps({key: "lab" if key == "credsStore" else {host: "lab"}}))
    said = secretless(bare_koc("login", "-vv", "-u", USER, "--password-stdin", host, stdin=PASSWORD, env=env))
    assert "unencrypted" not in said.stderr
    assert PASSWORD not in config_of(home).read_text()
    assert json.loads(bare_koc("auth", "get", host, env=env).stdout)["Secret"] == PASSWORD
    bare_koc("logout", host, env=env)
    assert bare_koc("auth", "get", host, env=env, status=1).stdout == "credentials not found in native keychain\n"


def test_other_tools_use_it(bare_koc, crane, skopeo, ko, home, basic_registry):
    host = basic_registry.host
    base_images.bake_all(basic_registry)
    name = basic_registry.repositories()[0]
    image = f"{host}/{name}:{basic_registry.tags(name)[0]}"
    assert crane("digest", image, status=None).status != 0
    assert skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{image}", status=None).status != 0
    login(bare_koc, host)
    digest = crane("digest", image).stdout.strip()
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{image}").stdout
    assert oci.digest_of(raw.encode()) == digest
    assert json.loads(ko("auth", "get", host).stdout)["Secret"] == PASSWORD
    bare_koc("logout", host)
    assert crane("digest", image, status=None).status != 0


def test_podman_uses_it(bare_koc, podman, home, basic_registry):
    host = basic_registry.host
    login(bare_koc, host)
    assert podman("login", "--get-login", host).stdout.strip() == USER
    bare_koc("logout", host)
    podman("login", "--tls-verify=false", "-u", USER, "-p", PASSWORD, host)
    assert json.loads(bare_koc("auth", "get", host).stdout)["Secret"] == PASSWORD


@pytest.mark.parametrize("tool", ["skopeo", "ko", "crane"])
def test_what_other_tools_keep_is_used(bare_koc, home, basic_registry, tool, request):
    host, program = basic_registry.host, request.getfixturevalue(tool)
    if tool == "skopeo":
        program("login", "--tls-verify=false", "-u", USER, "-p", PASSWORD, host)
        assert (home.root / "run/containers/auth.json").exists()
    else:
        words = ("auth", "login") if tool == "crane" else ("login",)
        program(*words, host, "-u", USER, "-p", PASSWORD)
    found = json.loads(bare_koc("auth", "get", host).stdout)
    assert found == {"Username": USER, "Secret": PASSWORD}
    out = bare_koc("logout", host, status=1 if tool == "skopeo" else 0)
    assert ("there are still credentials" in out.stderr) == (tool == "skopeo")


def test_something_else_goes_first(bare_koc, home, basic_registry):
    """Said at once, not found out at the next push."""
    other = {"auths": {basic_registry.host: {"auth": base64.b64encode(b"other:one").decode()}}}
    env = {"DOCKER_AUTH_CONFIG": json.dumps(other)}
    said = bare_koc(
        "login", "-u", USER, "--password-stdin", basic_registry.host, stdin=PASSWORD, env=env
    )
    assert "other credentials for" in said.stderr and "DOCKER_AUTH_CONFIG" in said.stderr


def test_a_file_of_ones_own(bare_koc, home, basic_registry, skopeo):
    path = home.root / "own/auth.json"
    login(bare_koc, basic_registry.host, f"--authfile={path}")
    assert not config_of(home).exists()
    skopeo("login", "--get-login", "--authfile", path, basic_registry.host)
    env = {"KOC_AUTH_FILE": str(path)}
    assert bare_koc("auth", "get", basic_registry.host, env=env).stdout.count(PASSWORD) == 1
    bare_koc("logout", basic_registry.host, env=env)
    assert json.loads(path.read_text()) == {"auths": {}}


def test_config_that_is_a_link(bare_koc, home):
    real = home.root / "dotfiles.json"
    real.write_text('{"detachKeys": "ctrl-x", "auths": {}}')
    config_of(home).parent.mkdir()
    config_of(home).symlink_to(real)
    login(bare_koc, "a.example", "--check=false")
    assert config_of(home).is_symlink()
    kept = json.loads(real.read_text())
    assert kept["detachKeys"] == "ctrl-x" and "a.example" in kept["auths"]


@pytest.mark.parametrize("make", ["folder", "garbage", "list"])
def test_config_that_cannot_be_changed(bare_koc, home, make):
    path = config_of(home)
    path.parent.mkdir()
    if make == "folder":
        path.mkdir()
    else:
        path.write_text('{"auths": planted' if make == "garbage" else "[]")
    refused = login(bare_koc, "a.example", "--check=false", status=1)
    assert len(refused.errors) == 1 and str(path) in refused.errors[0]
    assert "planted" not in refused.stderr
    assert make == "folder" or path.read_text() in ('{"auths": planted', "[]")


def test_logout_of_nothing(bare_koc, home):
    """A typo is no logout: what is kept stays, and the exit code says so."""
    refused = bare_koc("logout", "a.example", status=1)
    assert refused.stderr == f"koc: not logged in to a.example: {config_of(home)} has no entry for it\n"
    assert not config_of(home).exists()
    login(bare_koc, "b.example", "--check=false")
    before = config_of(home).read_bytes()
    refused = bare_koc("logout", "a.example", status=1)
    assert len(refused.errors) == 1 and "not logged in to a.example" in refused.errors[0]
    assert "not logged in to docker.io" in bare_koc("logout", "docker.io", status=1).errors[0]
    assert config_of(home).read_bytes() == before
    bare_koc("logout", "b.example")
    bare_koc("logout", "b.example", status=1)


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_logout_of_nothing_with_a_helper_program(bare_koc, home, key):
    env = helper(home)
    config_of(home).parent.mkdir()
    config_of(home).write_text(json.dumps({key: "lab" if key == "credsStore" else {"a.example": "lab"}}))
    refused = bare_koc("logout", "a.example", status=1, env=env)
    assert "not logged in to a.example: docker-credential-lab has no entry for it" in refused.errors[0]


# --- koc auth -----------------------------------------------------------------------------------------


def test_auth_get_is_that_of_ko(bare_koc, ko, home):
    config_of(home).parent.mkdir()
    auth = base64.b64encode(b"u:p<&>\"\\:q").decode()
    config_of(home).write_text(
        json.dumps(
            {"auths": {"a.example:5000": {"auth": auth}, "t.example": {"auth": "dTo=", "identitytoken": "idt"}}}
        )
    )
    for host, status in (("a.example:5000", 0), ("t.example", 0), ("none.example", 1)):
        theirs = ko("auth", "get", host, status=status)
        assert bare_koc("auth", "get", host, status=status).stdout.rstrip() == theirs.stdout.rstrip()
        assert bare_koc("auth", "get", stdin=f"{host}\n", status=status).stdout.rstrip() == theirs.stdout.rstrip()
    assert bare_koc("auth", "get", stdin="https://a.example:5000/v2/").status == 0
    assert bare_koc("auth", "get", stdin="a b", status=1).stdout == ""


def test_auth_token(bare_koc, ko, bearer_registry, home):
    host = bearer_registry.host
    login(bare_koc, host)
    tokens = bearer_registry.tokens.requests
    tokens.clear()
    ours = json.loads(bare_koc("auth", "token", "--push", "-m", f"{host}/base,lib/x", f"{host}/team/app").stdout)
    assert tokens[-1]["known"]
    assert sorted(tokens[-1]["scopes"]) == [
        "repository:base:pull", "repository:lib/x:pull", "repository:team/app:pull,push"]
    theirs = json.loads(ko("auth", "token", f"{host}/team/app").stdout)
    assert ours["token"].count(".") == theirs["token"].count(".") == 2
    assert 0 < ours["expires_in"] <= theirs["expires_in"]
    header = bare_koc("auth", "token", "-H", f"{host}/team/app").ref
    assert header.startswith("Authorization: Bearer ")
    name, value = header.split(": ", 1)
    import urllib.error
    import urllib.request

    request = urllib.request.Request(f"http://{host}/v2/team/app/tags/list", headers={name: value})
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(request)
    assert answer.value.code == 404  # let in; there is no such repository yet


def test_auth_token_where_there_are_none(bare_koc, basic_registry, registry):
    login(bare_koc, basic_registry.host)
    refused = bare_koc("auth", "token", f"{basic_registry.host}/x", status=1)
    assert "works without tokens" in refused.errors[0]
    assert "asks for no login" in bare_koc("auth", "token", f"{registry.host}/x", status=1).errors[0]
    assert "is not in" in bare_koc(
        "auth", "token", "-m", "b.example/y", f"{registry.host}/x", status=2).errors[0]


def test_auth_as_a_helper_of_docker(bare_koc, home, koc_path):
    """Also where it is told to ask itself: it ends, and finds nothing."""
    folder = home.root / "bin"
    folder.mkdir()
    script = folder / "docker-credential-koc"
    script.write_text(f'#!/bin/sh\necho run >> {home.root}/runs\nexec {koc_path} auth "$@"\n')
    script.chmod(0o755)
    config_of(home).parent.mkdir()
    config_of(home).write_text('{"credsStore": "koc"}')
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    begin = time.monotonic()
    missing = bare_koc("auth", "get", "a.example", env=env, status=1)
    assert missing.stdout == "credentials not found in native keychain\n"
    assert time.monotonic() - begin < 20
    assert (home.root / "runs").read_text().count("run") == 1


def test_words_of_auth(bare_koc):
    near = bare_koc("auth", "gett", status=2)
    assert "did you mean koc auth get?" in near.stderr
    assert "needs one of" in bare_koc("auth", status=2).stderr
    refused = bare_koc("auth", "login", "a.example", "-u", "me", "-p", "x", "--check=false")
    assert "Logged in" in refused.stderr


@pytest.mark.slow
def test_a_helper_that_hangs(bare_koc, home):
    """R-50: ended after 30 s, with all that it started."""
    env = helper(home)
    (home.root / "bin/docker-credential-lab").write_text("#!/bin/sh\nsleep 600 & sleep 600\n")
    config_of(home).parent.mkdir()
    config_of(home).write_text('{"credsStore": "lab"}')
    begin = time.monotonic()
    refused = bare_koc("auth", "get", "-vv", "a.example", env=env, status=1, timeout=60)
    assert 25 < time.monotonic() - begin < 45
    assert len(refused.errors) == 1 and "docker-credential-lab" in refused.errors[0]


def test_a_helper_that_hangs_and_a_person_who_does_not_wait(bare_koc, home):
    env = helper(home)
    (home.root / "bin/docker-credential-lab").write_text("#!/bin/sh\ntouch $HOME/running\nexec sleep 600\n")
    config_of(home).parent.mkdir()
    config_of(home).write_text('{"credsStore": "lab"}')
    process = bare_koc.start("auth", "get", "a.example", env=env)
    wait_until((home.home / "running").exists)
    below = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130 and said == "koc: cancelled\n"
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in below))


def test_auth_get_says_why_a_cloud_gave_nothing(bare_koc):
    env = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "planted", "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1"}
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    quiet = bare_koc("auth", "get", host, env=env, status=1)
    assert quiet.stderr == ""
    told = bare_koc("auth", "get", "-v", host, env=env, status=1)
    assert "continuing without credentials: 127.0.0.1" in told.stderr and "planted" not in told.stderr


def test_a_denied_build_says_who_we_were(bare_koc, home, basic_registry, app):
    """The hint names the file, the user and what to type."""
    config = {"auths": {basic_registry.host: {"auth": base64.b64encode(b"koc:planted-wrong").decode()}}}
    config_of(home).parent.mkdir()
    config_of(home).write_text(json.dumps(config))
    refused = bare_koc(
        "build", "-vv", "--base-image=scratch", "./cmd/tool", cwd=app, status=1,
        env={"KO_DOCKER_REPO": f"{basic_registry.host}/team"},
    )
    assert len(refused.errors) == 1 and "planted" not in refused.stderr
    [hint] = [line for line in refused.stderr.splitlines() if line.startswith("hint: ")]
    assert f"{config_of(home)}), user koc, for {basic_registry.host}; try: koc login" in hint
