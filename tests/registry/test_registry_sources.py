"""Each place that credentials may come from, on the wire: what a recording proxy before the registry saw is
the right secret and nothing else, with decoys for other hosts beside it everywhere."""

import base64
import json

import pytest

import faulty as faults
import registry as registries
from faulty import Faulty, Rule
from test_registry_auth import SMALL, helper, login, write_config
from tokens import MoodyTokens

RIGHT = base64.b64encode(f"{registries.USER}:{registries.PASSWORD}".encode()).decode()


def entry(user=registries.USER, password=registries.PASSWORD):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def wrong(host):
    return login(host, password="decoy-behind")


class Source:
    """Where things are put for one test."""

    def __init__(self, home, tmp_path, host):
        self.home, self.tmp_path, self.host = home, tmp_path, host

    def config(self, content, name=".docker/config.json"):
        return str(write_config(self.home, content, name))

    def helper(self, user=registries.USER, secret=registries.PASSWORD, key=None):
        """Answers for the one host, and gives decoys for all others."""
        reply, decoy = json.dumps({"Username": user, "Secret": secret}), '{"Username":"decoy","Secret":"decoy"}'
        return helper(self.tmp_path, f"[ $1 = get ] || exit 1\nif [ \"$(cat)\" = '{key or self.host}' ]; "
                      f"then echo '{reply}'; else echo '{decoy}'; fi\n")


SOURCES = {}


def source(make):
    SOURCES[make.__name__] = make
    return make


@source
def docker_config(s):
    s.config(login(s.host))


@source
def docker_config_in_plain_words(s):
    decoys = login(s.host)["auths"]
    del decoys[s.host]
    s.config({"auths": decoys | {s.host: {"username": registries.USER, "password": registries.PASSWORD}}})


@source
def legacy_key_with_scheme_and_path(s):
    """R-43"""
    s.config({"auths": {f"https://{s.host}/v1/": entry(), f"https://{s.host}0/v1/": entry(password="decoy")}})


@source
def exact_key_before_a_legacy_one(s):
    s.config({"auths": {f"http://{s.host}/v2/": entry(password="decoy"), s.host: entry()}})


@source
def path_scoped_key(s):
    """R-44: the longest path wins over the host's own entry."""
    decoy = entry(password="decoy")
    s.config({"auths": {s.host: decoy, f"{s.host}/team": decoy, f"{s.host}/team/app": entry(),
                        f"{s.host}/team/application": decoy, f"{s.host}/tea": decoy}})


@source
def docker_config_variable(s):
    s.config(wrong(s.host))
    return {"DOCKER_CONFIG": s.config(login(s.host), "elsewhere/config.json").rsplit("/", 1)[0]}


@source
def docker_auth_config_goes_first(s):
    """R-42"""
    s.config(wrong(s.host))
    return {"DOCKER_AUTH_CONFIG": json.dumps(login(s.host))}


@source
def docker_auth_config_falls_back(s):
    """R-42: what it lacks comes from the file."""
    s.config(login(s.host))
    return {"DOCKER_AUTH_CONFIG": json.dumps({"auths": {"other.example": entry(password="decoy")}})}


@source
def registry_auth_file(s):
    s.config(wrong(s.host))
    return {"REGISTRY_AUTH_FILE": s.config(login(s.host), "podman.json")}


@source
def podman_runtime_file(s):
    s.config(wrong(s.host), ".config/containers/auth.json")
    folder = s.home.root / "run/containers"
    folder.mkdir(parents=True)
    (folder / "auth.json").write_text(json.dumps(login(s.host)))


@source
def podman_config_file(s):
    s.config(login(s.host), ".config/containers/auth.json")


@source
def podman_config_file_without_xdg(s):
    s.config(login(s.host), ".config/containers/auth.json")
    return {"XDG_CONFIG_HOME": ""}


@source
def legacy_dockercfg(s):
    s.config(login(s.host)["auths"], ".dockercfg")


@source
def koc_auth_file(s):
    s.config(wrong(s.host))
    return {"KOC_AUTH_FILE": s.config(login(s.host), "own.json"),
            "DOCKER_AUTH_CONFIG": json.dumps(wrong(s.host))}


@source
def creds_store(s):
    s.config(wrong(s.host) | {"credsStore": "lab"})
    return {"PATH": s.helper()}


@source
def cred_helper_of_the_host(s):
    s.config(wrong(s.host) | {"credsStore": "missing", "credHelpers": {f"{s.host}0": "missing", s.host: "lab"}})
    return {"PATH": s.helper()}


@source
def helper_without_an_answer_leaves_auths(s):
    """R-41: "not found" is not a failure."""
    s.config(login(s.host) | {"credsStore": "lab"})
    return {"PATH": helper(s.tmp_path, "echo 'credentials not found in native keychain'; exit 1\n")}


@pytest.fixture
def front(basic_registry):
    proxy = Faulty(basic_registry.host)
    yield proxy
    proxy.close()


def sent(proxy):
    return {e.headers["authorization"] for e in proxy.log if "authorization" in e.headers}


@pytest.mark.parametrize("name", SOURCES)
def test_source(regtool, front, home, tmp_path, name):
    env = SOURCES[name](Source(home, tmp_path, front.host)) or {}
    result = regtool("-v", "-v", "-v", "push", *SMALL, f"{front.host}/team/app:v1", env=env)
    assert sent(front) == {f"Basic {RIGHT}"}
    for secret in ("decoy", registries.PASSWORD, RIGHT):
        assert secret not in result.stdout + result.stderr


@pytest.mark.parametrize("name", [n for n in SOURCES if n not in ("helper_without_an_answer_leaves_auths", "creds_store")])
def test_source_has_nothing_for_a_stranger(regtool, basic_registry, front, home, tmp_path, name):
    """Set up for one registry, asked for another: that one sees no secret of the first."""
    env = SOURCES[name](Source(home, tmp_path, basic_registry.host)) or {}
    result = regtool("push", *SMALL, f"{front.host}/team/app:v1", status=1, env=env)
    # That helper knows one registry, and fails for any other.
    assert ("KOC_EPROCESS" if name == "cred_helper_of_the_host" else "KOC_EAUTH") in result.stderr
    assert RIGHT not in str(sent(front))


def test_http_headers_are_not_sent(regtool, front, home):
    """R-45: they are for the Docker daemon."""
    write_config(home, login(front.host) | {"HttpHeaders": {"X-Meta": "planted", "Authorization": "Basic planted"}})
    regtool("push", *SMALL, f"{front.host}/app:v1")
    assert "planted" not in str([e.headers for e in front.log])
    assert sent(front) == {f"Basic {RIGHT}"}


# --- tokens -------------------------------------------------------------------------------------------

@pytest.fixture
def tokens(pki):
    server = MoodyTokens(pki, refresh="planted-refresh")
    yield server
    server.close()


@pytest.fixture
def bearer_front(tmp_path, pki, tokens):
    server = registries.bearer_registry(tmp_path / "bearer", pki, tokens)
    proxy = Faulty(server.host)
    yield proxy
    proxy.close()
    server.close()


@pytest.mark.parametrize("kind", ["identitytoken", "helper"])
def test_identity_token(regtool, bearer_front, tokens, home, tmp_path, kind):
    """R-40, R-49, R-70: to the token server only; the registry sees what that gives."""
    s = Source(home, tmp_path, bearer_front.host)
    env = {}
    if kind == "helper":
        s.config(wrong(s.host) | {"credsStore": "lab"})
        env = {"PATH": s.helper("<token>", "planted-refresh")}
    else:
        s.config({"auths": {s.host: {"identitytoken": "planted-refresh"}, f"{s.host}0": {"identitytoken": "decoy"}}})
    result = regtool("-v", "-v", "-v", "push", *SMALL, f"{s.host}/team/app:v1", env=env)
    assert all(r["known"] for r in tokens.requests if "known" in r)
    seen = sent(bearer_front)
    assert seen and all(value.startswith("Bearer ") for value in seen)
    assert "planted" not in result.stderr + str(seen)


def test_registry_token(regtool, bearer_front, tokens, home, tmp_path):
    """R-84: sent as it is; the token server is not asked."""
    ready = tokens.sign("koc-lab", [{"type": "repository", "name": "team/app", "actions": ["pull", "push"]}])
    Source(home, tmp_path, bearer_front.host).config(
        {"auths": {bearer_front.host: {"registrytoken": ready}, f"{bearer_front.host}0": {"registrytoken": "decoy"}}})
    result = regtool("-v", "-v", "-v", "push", *SMALL, f"{bearer_front.host}/team/app:v1")
    assert sent(bearer_front) == {f"Bearer {ready}"} and tokens.requests == []
    assert ready not in result.stderr


# --- bad input ----------------------------------------------------------------------------------------

def refused(regtool, host, words, env=None):
    """One line that says words, nothing secret at the highest level, soon."""
    result = regtool("-v", "-v", "-v", "push", *SMALL, f"{host}/app:v1", status=1, env=env, timeout=20)
    lines = [line for line in result.stderr.splitlines() if line.startswith("regtool: ")]
    assert len(lines) == 1 and words in lines[0], str(result)
    assert "planted" not in result.stderr, str(result)
    return result


def test_no_config_at_all_and_links_to_nowhere(regtool, front, home):
    path = home.home / ".docker/config.json"
    path.parent.mkdir()
    path.symlink_to("nowhere")
    refused(regtool, front.host, "no credentials for")
    path.unlink()
    path.symlink_to("config.json")
    refused(regtool, front.host, "no credentials for")
    assert sent(front) == set()


@pytest.mark.parametrize("target, words", [("/dev/zero", "more than 1048576 bytes"), ("/", "config.json"), ("/proc/self/mem", "config.json")])
def test_config_that_is_something_else(regtool, front, home, target, words):
    path = home.home / ".docker/config.json"
    path.parent.mkdir()
    path.symlink_to(target)
    refused(regtool, front.host, words)


@pytest.mark.parametrize("value", ["{", "planted", "[]", '"planted"', '{"auths": {"planted": }}'])
def test_docker_auth_config_that_is_no_json(regtool, front, home, value):
    write_config(home, login(front.host))
    refused(regtool, front.host, "DOCKER_AUTH_CONFIG", env={"DOCKER_AUTH_CONFIG": value})
    assert sent(front) == set()


def test_config_past_its_limit(regtool, front, home):
    """R-46"""
    write_config(home, login(front.host) | {"x": "planted" * 200000})
    refused(regtool, front.host, "config.json")


@pytest.mark.parametrize("broken", [
    {"auth": "planted!"}, {"auth": base64.b64encode(b"planted").decode()},
    {"auth": base64.b64encode(b"koc:plan\r\nX-Evil: planted").decode()},
    {"auth": base64.b64encode(b"k\noc:planted").decode()},
    {"auth": base64.b64encode(b"koc:plan\0ted").decode()}, {"auth": 7}, {"Auth": "planted!"}, {"password": 7},
    7, "planted", []])
def test_entries_that_cannot_be_read(regtool, front, home, broken):
    """An error that names the host and the file, and does not show what stands there."""
    write_config(home, {"auths": {front.host: broken, f"{front.host}0": entry(password="decoy")}})
    refused(regtool, front.host, f"the entry for {front.host} in {home.home}/.docker/config.json cannot be read")
    assert sent(front) == set()


@pytest.mark.parametrize("empty", [None, {}, {"username": "planted"}, {"auth": ""}, {"Auth": None}])
def test_entries_that_say_nothing(regtool, front, home, empty):
    write_config(home, {"auths": {front.host: empty, f"{front.host}0": entry(password="decoy")}})
    refused(regtool, front.host, "no credentials for")
    assert sent(front) == set()


AUTH = base64.b64encode(b"koc:s3cret").decode()


@pytest.mark.parametrize("config", [
    {"Auths": {"H": {"Auth": AUTH}}}, {"AUTHS": {"H": {"AUTH": AUTH}}},
    {"auths": {"H": {"Username": "koc", "Password": "s3cret"}}},
    {"auths": {"x": {}}, "Auths": {"H": {"auth": AUTH}}},
    {"auths": {"H": {"auth": "planted!", "Auth": AUTH}}}])
def test_members_in_any_case(regtool, front, home, config):
    """As Go's reader takes them: docker, ko and crane accept such files."""
    write_config(home, json.loads(json.dumps(config).replace('"H"', f'"{front.host}"')))
    regtool("push", 300, 70, 1, f"{front.host}/sources/folded:v1")


@pytest.mark.parametrize("names", [{"credsStore": "absent"}, {"CredsStore": "absent"}, {"credHelpers": {"H": "absent"}}])
def test_helper_that_is_not_installed_leaves_the_entry_beside_it(regtool, front, home, names):
    """Configurations are copied into containers and CI: the inline entry is used, and that is said once."""
    config = {**names, "auths": {"H": {"auth": AUTH}}}
    write_config(home, json.loads(json.dumps(config).replace('"H"', f'"{front.host}"')))
    result = regtool("push", 300, 71, 1, f"{front.host}/sources/absent:v1")
    assert result.stderr.count("docker-credential-absent is not installed; using the entry in") == 1
    write_config(home, json.loads(json.dumps({**names, "auths": {"H": {}}}).replace('"H"', f'"{front.host}"')))
    refused(regtool, front.host, "docker-credential-absent is not installed")


@pytest.mark.parametrize("entry_of", [{"identitytoken": "plan\nted"}, {"registrytoken": "plan\r\nted: x"},
                                      {"username": "u\r\nx", "password": "planted"}])
def test_tokens_with_line_ends(regtool, front, home, entry_of):
    write_config(home, {"auths": {front.host: entry_of}})
    refused(regtool, front.host, "line end")
    assert sent(front) == set()


HELPERS = {
    "fails with words": ("echo 'keychain locked'; exit 1", "keychain locked"),
    "fails on stderr": ("echo 'planted' >&2; exit 1", "docker-credential-lab failed"),
    "fails in silence": ("exit 7", "docker-credential-lab failed"),
    "fails with its secret": ("echo '{\"Username\":\"u\",\"Secret\":\"planted\"}'; exit 1",
                              "docker-credential-lab failed"),
    "prints a word": ("echo planted", "did not print JSON"),
    "prints two documents": ("echo '{}{\"Secret\":\"planted\"}'", "did not print JSON"),
    "prints 100 MB": ("yes planted | head -c 100000000", "docker-credential-lab"),
    "prints 100 MB on stderr": ("yes noise | head -c 100000000 >&2; exit 1", "docker-credential-lab failed"),
    "is killed": ("kill -9 $$", "docker-credential-lab failed"),
    "gives a user with a line end": ('echo \'{"Username":"u\\\\r\\\\nx","Secret":"planted"}\'', "line end"),
    "gives a secret with a NUL": ('echo \'{"Username":"u","Secret":"plan\\\\u0000ted"}\'', "docker-credential-lab"),
    "escapes": ("printf '\\033]0;title\\007\\033[31mred'; exit 1", "docker-credential-lab failed"),
}


@pytest.mark.parametrize("name", HELPERS)
def test_helper_that(regtool, front, home, tmp_path, name):
    """R-41, R-49, R-50: an error; the auths beside it are not used."""
    script, words = HELPERS[name]
    path = helper(tmp_path, f"{script}\n") if script else "/usr/bin:/bin"
    write_config(home, login(front.host) | {"credHelpers": {front.host: "lab"}})
    result = refused(regtool, front.host, words, env={"PATH": path})
    assert sent(front) == set() and "\033" not in result.stderr


@pytest.mark.parametrize("name", ["../lab", "lab/../x", "la b", "lab;true", "-lab\n"])
def test_helper_names_that_may_not_be(regtool, front, home, name):
    """R-48"""
    write_config(home, login(front.host) | {"credsStore": name})
    refused(regtool, front.host, "characters")


# --- realms -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("realm, words", [
    ("ftp://127.0.0.1/token", "token server"), ("https://u:planted@127.0.0.1/token", "token server"),
    ("https://", "token server"), ("http://[::1", "token server"), ("javascript:planted", "token server")])
def test_realms_that_are_none(regtool, front, home, realm, words):
    """R-65"""
    front.add(Rule("*", "/v2/", faults.header("WWW-Authenticate", lambda v: f'Bearer realm="{realm}",service="x"')))
    write_config(home, login(front.host))
    refused(regtool, front.host, "")
    assert sent(front) == set()


# --- what is said -------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["file", "store", "none", "variable"])
def test_denied_says_who_we_were(regtool, front, home, tmp_path, kind):
    """Where the credentials are from and whose, what to type; never the secret."""
    s, env = Source(home, tmp_path, front.host), {}
    if kind == "file":
        whose = f"credentials used: docker config ({s.config(wrong(s.host))}), user koc, for {s.host}"
    elif kind == "store":
        s.config({"credsStore": "lab"})
        env, whose = {"PATH": s.helper(secret="planted")}, 'docker config (credsStore "lab"), user koc, for'
    elif kind == "variable":
        env, whose = {"DOCKER_AUTH_CONFIG": json.dumps(wrong(s.host))}, "docker config (DOCKER_AUTH_CONFIG), user koc"
    else:
        whose = f"log in to {s.host}"
    result = refused(regtool, s.host, "no credentials for" if kind == "none" else "not authorised", env=env)
    [hint] = [line for line in result.stderr.splitlines() if line.startswith("hint: ")]
    assert whose in hint and hint.endswith(f"{'log in to' if kind == 'none' else ', for'} {s.host}")
    assert "decoy-behind" not in result.stderr


@pytest.mark.parametrize("how", ["message", "page", "warning", "redirect"])
def test_servers_that_repeat_what_they_were_sent(regtool, front, home, how):
    """A debug page, a proxy's error: the secret is taken out of it, in each of its forms."""
    secret = "planted&secret"
    basic = base64.b64encode(f"koc:{secret}".encode()).decode()
    write_config(home, login(front.host, password=secret))

    def repeat(x):
        sent_now = x.entry.headers.get("authorization", "none").split()[-1]
        said = f"you sent {sent_now}, {secret}"
        if sent_now == "none":
            return False
        if how == "redirect":
            return x.respond(307, {"Location": f"http://127.0.0.9:1/{basic}/planted%26secret"}) or True
        fields = {"Warning": f'299 - "{said}"'} if how == "warning" else {}
        body = json.dumps({"errors": [{"code": "DENIED", "message": said}]}) if how == "message" else f"<b>{said}</b>"
        return x.respond(403, fields, body.encode()) or True

    front.add(Rule("*", "/v2/", repeat))
    result = regtool("-v", "-v", "-v", "--attempts", "1", "resolve", f"{front.host}/app:v1", status=1)
    assert sent(front) == {f"Basic {basic}"}
    for form in (secret, basic, "planted%26secret"):
        assert form not in result.stderr, str(result)
    assert how == "redirect" or "you sent ..., ..." in result.stderr, str(result)
