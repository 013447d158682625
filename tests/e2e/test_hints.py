"""Every hint is followed: what it says is read out of stderr and done, nothing but placeholders is filled
in, and what failed before then works. The registries, proxies and tools are real ones."""

import json
import pathlib
import re
import shlex
import shutil

import bases as base_images
import pytest
from hints import flag_of, hint_of, hints_of, variable_of
from lan import Forwarder, Proxy, own_address
from ports import free_port
from registry import PASSWORD, USER
from runner import needed


def log_in(koc, hint):
    """Does the `koc login HOST` of a hint."""
    command = re.search(r"koc login \S+$", hint)
    assert command, hint
    words = command[0].split()[1:]
    koc(*words, "-u", USER, "--password-stdin", stdin=PASSWORD)


def bake(registry, repository="hints/base"):
    baker = base_images.Baker(registry, repository)
    baker.image("latest")
    return baker.name("latest")


@pytest.fixture
def build(bare_koc, app, registry):
    """koc build ./cmd/tool on a base, to the open registry."""

    def run(*args, base=None, env=None, status=0):
        env = {"KO_DOCKER_REPO": f"{registry.host}/hints"} | (env or {})
        flags = [f"--base-image={base}"] if base else []
        return bare_koc("build", *flags, *args, "./cmd/tool", cwd=app, env=env, status=status)

    return run


# --- who may ------------------------------------------------------------------------------------------


@pytest.fixture(params=["basic_registry", "bearer_registry"])
def protected(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("verb", ["digest", "pull", "ls", "copy", "tag", "rm", "push"])
def test_no_credentials(bare_koc, registry, basic_registry, tmp_path, verb):
    image = bake(basic_registry, "hints/app")
    open_image = bake(registry, "hints/open")
    bare_koc("pull", open_image, tmp_path / "layout")
    args = {
        "digest": ["digest", image],
        "pull": ["pull", image, tmp_path / "out"],
        "ls": ["ls", image.rsplit(":", 1)[0]],
        "copy": ["copy", open_image, f"{basic_registry.host}/hints/copy:1"],
        "tag": ["tag", image, "other"],
        "rm": ["rm", "--manifest", image],
        "push": ["push", tmp_path / "layout", f"{basic_registry.host}/hints/push:1"],
    }[verb]
    log_in(bare_koc, hint_of(bare_koc(*args, status=1)))
    bare_koc(*args)


def test_wrong_stored_password(bare_koc, basic_registry):
    image = bake(basic_registry)
    bare_koc("login", "--check=false", "-u", USER, "--password-stdin", basic_registry.host, stdin="planted")
    hint = hint_of(bare_koc("digest", image, status=1))
    assert "config.json" in hint and "planted" not in hint
    log_in(bare_koc, hint)
    bare_koc("digest", image)


def test_private_target(bare_koc, build, registry, protected):
    env = {"KO_DOCKER_REPO": f"{protected.host}/team"}
    hint = hint_of(build(base="scratch", env=env, status=1))
    log_in(bare_koc, hint)
    assert build(base="scratch", env=env).ref


@pytest.mark.parametrize("asked", ["flag", "variable", "settings", "override"])
def test_private_base(bare_koc, build, app, basic_registry, asked):
    """Not "--base-image=scratch", which would leave out the CA certificates; and who asks for the base is told."""
    base = bake(basic_registry)
    package = "example.test/app/cmd/tool"
    env, flag, by = {}, None, f", for {package})"
    if asked == "flag":
        flag, by = base, ""
    elif asked == "variable":
        env, by = {"KO_DEFAULTBASEIMAGE": base}, f"(KO_DEFAULTBASEIMAGE{by}"
    elif asked == "settings":
        app.settings(f"# ours\ndefaultBaseImage: {base}\n")
        by = f"(.ko.yaml:2:19: defaultBaseImage{by}"
    else:
        app.settings(f"baseImageOverrides:\n  {package}: {base}\n")
        by = f"(.ko.yaml:2:{len(package) + 5}: baseImageOverrides: {package}{by}"
    result = build(base=flag, env=env, status=1)
    assert f"base image {base}: " in result.errors[0] and by in result.errors[0], str(result)
    hint = hint_of(result)
    assert "scratch" not in hint
    log_in(bare_koc, hint)
    assert build(base=flag, env=env).ref


def test_login_itself_says_no_hint_to_log_in(bare_koc, basic_registry):
    result = bare_koc("login", "-u", USER, "--password-stdin", basic_registry.host, stdin="wrong", status=1)
    assert "hint" not in result.stderr


def test_login_to_a_repository(bare_koc, basic_registry):
    hint = hint_of(bare_koc("login", f"{basic_registry.host}/team", status=2))
    registry = re.fullmatch(r"the registry is (\S+)", hint)[1]
    bare_koc("login", registry, "-u", USER, "--password-stdin", stdin=PASSWORD)


def test_login_without_a_name(bare_koc, basic_registry, tmp_path):
    hint = hint_of(bare_koc("login", basic_registry.host, status=2))
    words = shlex.split(hint)
    assert words[:2] == ["koc", "login"] and words[-2:] == ["<", "file"]
    words = [{"NAME": USER, "REGISTRY": basic_registry.host}.get(w, w) for w in words[1:-2]]
    bare_koc(*words, stdin=PASSWORD)


def test_login_without_a_password(bare_koc, basic_registry):
    args = ["login", "-u", USER, basic_registry.host]
    bare_koc(*args, flag_of(hint_of(bare_koc(*args, status=2)), "password-stdin"), stdin=PASSWORD)


# --- certificates and plain HTTP ----------------------------------------------------------------------


def test_unknown_authority_by_flag(bare_koc, serve_tls):
    server = serve_tls()
    image = bake(server)
    hint = hint_of(bare_koc("digest", image, status=1))
    bare_koc("digest", flag_of(hint, "registry-ca", FILE=server.ca), image)


def test_unknown_authority_by_folder(bare_koc, home, serve_tls):
    """The folder has the port in its name: without it nothing is read."""
    server = serve_tls()
    image = bake(server)
    hint = hint_of(bare_koc("digest", image, status=1))
    folder = pathlib.Path(re.search(r"into (/\S+)/ca\.crt", hint)[1])
    assert folder.name == server.host and home.home in folder.parents
    folder.mkdir(parents=True)
    shutil.copy(server.ca, folder / "ca.crt")
    bare_koc("digest", image)


def test_unknown_authority_of_a_base(build, serve_tls):
    server = serve_tls()
    base = bake(server)
    hint = hint_of(build(base=base, status=1))
    assert "scratch" not in hint
    assert build(flag_of(hint, "registry-ca", FILE=server.ca), base=base).ref


def test_another_name_in_the_certificate(bare_koc, serve_tls):
    server = serve_tls("DNS:other.example,DNS:localhost")
    image = bake(server)
    wrong = image.replace("localhost", "127.0.0.1")
    hint = hint_of(bare_koc("digest", f"--registry-ca={server.ca}", wrong, status=1))
    names = re.search(r"name the registry as its certificate does: (.*)", hint)[1].split(", ")
    assert f"localhost:{server.host.split(':')[1]}" in names
    bare_koc("digest", f"--registry-ca={server.ca}", wrong.replace(server.host.replace("localhost", "127.0.0.1"), names[1]))


@pytest.fixture
def lan(registry):
    """The open registry at an address that is not loopback: it speaks plain HTTP there."""
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but loopback")
    forwarder = Forwarder(registry.host, address)
    yield forwarder
    forwarder.close()


def test_plain_http(bare_koc, registry, lan):
    image = bake(registry).replace(registry.host, lan.host)
    hint = hint_of(bare_koc("digest", image, status=1))
    bare_koc("digest", flag_of(hint, "allow-http"), image)


def test_plain_http_of_a_base(build, registry, lan):
    base = bake(registry).replace(registry.host, lan.host)
    hint = hint_of(build(base=base, status=1))
    assert "scratch" not in hint
    assert build(flag_of(hint, "allow-http"), base=base).ref


def test_plain_http_is_told_where_it_is(bare_koc, serve_tls):
    """A handshake that fails for another reason gets no hint at HTTP."""
    server = serve_tls(end=-1, start=-3)
    assert "allow-http" not in bare_koc("digest", f"{server.host}/x:1", status=1).stderr


# --- names, networks, proxies -------------------------------------------------------------------------


NAME = "registry.lab.invalid"


@pytest.fixture
def behind_proxy(serve_tls):
    """A registry by a name that only a proxy knows: image, flags, and the proxy."""
    server = serve_tls(f"DNS:localhost,DNS:{NAME}")
    bake(server)
    proxy = Proxy({f"{NAME}:443": server.host.replace("localhost", "127.0.0.1")})
    yield f"{NAME}/hints/base:latest", f"--registry-ca={server.ca}", proxy
    proxy.close()


def no_proxy(**more):
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    return dict.fromkeys([*names, *map(str.upper, names)], "") | more


def test_a_name_that_only_a_proxy_knows(bare_koc, behind_proxy):
    image, flag, proxy = behind_proxy
    hint = hint_of(bare_koc("digest", flag, image, status=1, env=no_proxy()))
    env = no_proxy(**variable_of(hint, "HTTPS_PROXY", HOST="127.0.0.1", PORT=proxy.host.split(":")[1]))
    bare_koc("digest", flag, image, env=env)


def test_a_base_with_a_slip_in_its_name(build, app, registry):
    """No scratch: the place where the name stands is told, and mending it is the cure."""
    base = bake(registry)
    app.settings(f"defaultBaseImage: {base.replace(registry.host, 'registry.lab.invalid')}\n")
    result = build(status=1, env=no_proxy())
    assert "no such host" in result.errors[0] and "scratch" not in result.stderr
    file, line, column = re.search(r"\((\.ko\.yaml):(\d+):(\d+): defaultBaseImage", result.errors[0]).groups()
    lines = (app / file).read_text().splitlines()
    at = int(column) - 1
    assert lines[int(line) - 1][at:].startswith("registry.lab.invalid/")
    assert "check the name" in hint_of(result)
    (app / file).write_text(lines[int(line) - 1][:at] + base + "\n")
    assert build().ref


def test_a_proxy_that_wants_a_password(bare_koc, behind_proxy):
    image, flag, proxy = behind_proxy
    strict = Proxy(proxy.names, user="me:p4ss")
    env = no_proxy(HTTPS_PROXY=f"http://{strict.host}")
    result = bare_koc("digest", flag, image, status=1, env=env)
    assert re.search(rf"the proxy http://{strict.host}\b.* requires credentials", result.errors[0])
    host, port = strict.host.split(":")
    filled = variable_of(hint_of(result), "HTTPS_PROXY", USER="me", PASSWORD="p4ss", HOST=host, PORT=port)
    bare_koc("digest", flag, image, env=no_proxy(**filled))
    wrong = no_proxy(HTTPS_PROXY=f"http://me:planted@{strict.host}")
    assert "planted" not in bare_koc("digest", "-vvv", flag, image, status=1, env=wrong).stderr
    strict.close()


@pytest.mark.parametrize("how", ["refuses", "closed", "unknown"])
def test_a_proxy_that_does_not_help(bare_koc, registry, lan, how):
    """The proxy is what failed, and that is told; the registry can be reached without it."""
    image = bake(registry).replace(registry.host, lan.host)
    strict = Proxy()
    proxy = {"refuses": strict.host, "closed": f"127.0.0.1:{free_port()}", "unknown": "proxy.lab.invalid:3128"}[how]
    env = no_proxy(HTTPS_PROXY=f"http://{proxy}", HTTP_PROXY=f"http://{proxy}")
    args = ["digest", image] if how == "refuses" else ["digest", f"--allow-http={lan.host}", image]
    result = bare_koc(*args, status=1, env=env)
    assert f"the proxy http://{proxy}" in result.errors[0], str(result)
    env |= variable_of(hint_of(result), "NO_PROXY")
    bare_koc("digest", f"--allow-http={lan.host}", image, env=env)
    strict.close()


def test_localhost_without_a_port(bare_koc, build, registry):
    """Only where nothing listens at port 443 or 80, as here."""
    image = bake(registry).replace(registry.host, "localhost")
    hint = hint_of(bare_koc("digest", image, status=1))
    named = re.search(r"localhost:PORT", hint)
    assert named, hint
    bare_koc("digest", image.replace("localhost", named[0].replace("PORT", registry.host.split(":")[1])))
    assert "localhost:PORT" in hint_of(build(base="scratch", env={"KO_DOCKER_REPO": "localhost"}, status=1))


# --- bases: what is there, and where ------------------------------------------------------------------


def test_a_tag_that_is_not_there(bare_koc, build, registry):
    base = bake(registry)
    missing = base.replace(":latest", ":lastest")
    for result in (bare_koc("digest", missing, status=1), build(base=missing, status=1)):
        hint = hint_of(result)
        command = re.search(r"koc ls \S+", hint)[0].split()
        tags = bare_koc(*command[1:]).lines
        assert "latest" in tags
    assert build(base=missing.replace("lastest", tags[tags.index("latest")])).ref
    assert build(flag_of(hint, "base-image")).ref


def test_offline_with_a_base_that_is_not_cached(build, registry):
    base = bake(registry)
    args = ["--push=false"]
    hint = hint_of(build("--offline", *args, base=base, status=1))
    assert "without --offline" in hint
    build(*args, base=base)
    assert build("--offline", *args, base=base).ref


def test_a_network_that_is_gone(build, registry, serve_tls):
    """What the last build fetched is still in the cache, and the hint says how to use it."""
    server = serve_tls()
    base, flag = bake(server), f"--registry-ca={server.ca}"
    build("--push=false", flag, base=base)
    server.close()
    hint = hint_of(build("--push=false", flag, base=base, status=1))
    assert build("--push=false", flag_of(hint, "offline"), base=base).ref


def test_the_default_base_without_a_network(build):
    """Nobody asked for a base: then none at all is a cure."""
    env = no_proxy(HTTPS_PROXY=f"http://127.0.0.1:{free_port()}")
    result = build("--push=false", env=env, status=1)
    assert "cgr.dev/chainguard/static" in result.errors[0] and "the default, for" in result.errors[0]
    hint = hint_of(result)
    assert build("--push=false", flag_of(hint, "base-image"), env=env).ref


# --- places and destinations --------------------------------------------------------------------------


def test_no_destination(bare_koc, app, registry):
    (app / "in.yaml").write_text("image: ko://example.test/app/cmd/tool\n")
    args = ["resolve", "-f", "in.yaml"]
    env = {"KO_DEFAULTBASEIMAGE": "scratch"}
    hint = hint_of(bare_koc(*args, cwd=app, env=env, status=1))
    example = variable_of(hint, "KO_DOCKER_REPO")["KO_DOCKER_REPO"]
    env["KO_DOCKER_REPO"] = example.replace("registry.example", registry.host)
    assert registry.host in bare_koc(*args, cwd=app, env=env).stdout


def test_the_layout_that_nobody_asked_for(bare_koc, app, registry, podman):
    """The two hints of a build without a destination: to push, and to run."""
    args = ["build", "--base-image=scratch", "./cmd/tool"]
    to_push, to_run = hints_of(bare_koc(*args, cwd=app))
    env = variable_of(to_push, "KO_DOCKER_REPO")
    env["KO_DOCKER_REPO"] = env["KO_DOCKER_REPO"].replace("registry.example", registry.host)
    assert bare_koc(*args, cwd=app, env=env).ref.startswith(registry.host)
    first, second = to_run.removeprefix("to run: ").split(" && ")
    words = [a for w in first.split()[1:] for a in (args[1:] if w == "…" else [w])]
    bare_koc(*words, cwd=app)
    assert second.startswith("podman load ")
    podman(*second.split()[1:], cwd=app)


def test_several_images_in_a_layout(bare_koc, registry, tmp_path):
    for name in ("one", "two"):
        baker = base_images.Baker(registry, f"hints/{name}")
        baker.image("latest", arch="amd64" if name == "one" else "arm64")
        bare_koc("pull", baker.name("latest"), tmp_path / "out")
    hint = hint_of(bare_koc("digest", f"oci:{tmp_path}/out", status=1))
    for form in re.findall(r"oci:\S+?(?=[,\s]|$)", hint):
        names = dict(line.split("  ") for line in bare_koc("ls", f"oci:{tmp_path}/out").lines)
        for name, digest in names.items():
            assert bare_koc("digest", form.replace("NAME", name).replace("DIGEST", digest)).ref == digest


def test_skopeos_dir(bare_koc, skopeo, registry, tmp_path):
    image = bake(registry)
    skopeo("copy", "--src-tls-verify=false", f"docker://{image}", f"dir:{tmp_path}/dir")
    hint = hint_of(bare_koc("digest", f"dir:{tmp_path}/dir", status=1))
    command = re.search(r"skopeo (copy \S+ \S+)", hint)[1].replace("DIR", f"{tmp_path}/out")
    skopeo(*command.split())
    assert bare_koc("digest", f"oci:{tmp_path}/out").ref == bare_koc("digest", image).ref


def test_podmans_storage(bare_koc, podman, registry, tmp_path):
    image = bake(registry)
    podman("pull", "--tls-verify=false", image)
    hint = hint_of(bare_koc("config", f"containers-storage:{image}", status=1))
    place, command = re.search(r"(docker-archive:FILE) is what (podman save -o FILE NAME) writes", hint).groups()
    fill = lambda text: text.replace("FILE", f"{tmp_path}/x.tar").replace("NAME", image)  # noqa: E731
    podman(*fill(command).split()[1:])
    assert json.loads(bare_koc("config", fill(place)).stdout)["os"] == "linux"


def test_docker_hub_without_a_namespace(bare_koc, app):
    """As far as it goes without an account there: the name that the hint gives is one that can be pushed to."""
    args = ["build", "--base-image=scratch", "./cmd/tool"]
    hint = hint_of(bare_koc(*args, cwd=app, env={"KO_DOCKER_REPO": "docker.io"}, status=1))
    env = variable_of(hint, "KO_DOCKER_REPO", NAME="octocat")
    assert "docker.io/octocat/" in bare_koc(*args, "--push=false", cwd=app, env=env).ref


# --- words and packages -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ["biuld", "--base-image=scratch", "./cmd/tool"],
        ["build", "--bas-image=scratch", "./cmd/tool"],
        ["build", "--base-image=scratch", "./cmd/tol"],
        ["build", "--base-image=scratch", "example.test/app/cmd/tol"],
        ["build", "--base-image=scratch", "cmd/tool"],
        ["build", "--base-image=scratch", "cmd/..."],
        ["build", "--base-image=scratch", "cmd/api"],  # a package of Go's own
        ["build", "--base-image=scratch", "tool"],  # a set of packages
    ],
    ids=" ".join,
)
def test_did_you_mean(bare_koc, app, args):
    """The suggestion takes the place of the word that was wrong, and the rest stays."""
    if args[-1] in ("cmd/api", "tool"):
        app.program(args[-1])
    meant = re.fullmatch(r"did you mean (.*)\?", hint_of(bare_koc(*args, cwd=app, status=None)))[1]
    if meant.startswith("koc "):
        args[0] = meant.removeprefix("koc ")
    elif meant.startswith("--"):
        args[1] = meant + "=scratch"
    else:
        args[2] = meant
    assert len(bare_koc(*args, cwd=app).lines) == (2 if "..." in args[2] else 1)


@pytest.mark.parametrize("words", [["cache", "lst"], ["auth", "gett"]])
def test_did_you_mean_this_sub_command(bare_koc, words):
    meant = re.fullmatch(r"did you mean koc (.*)\?", hint_of(bare_koc(*words, status=2)))[1]
    assert bare_koc(*meant.split(), stdin="", status=None).status in (0, 1)


VERBS = "lists|repositories|removes|copies|writes|pushes|shows|prints|serves|builds|empties|trims|checks|adds|needs|starts"


def commands_for(koc, word):
    """The commands that koc names for the word of another tool."""
    hint = hint_of(koc(word, status=2))
    found = re.findall(rf"koc ((?:(?!, |; |koc ).)+?) (?:{VERBS})\b", hint)
    assert found, hint
    return [command.split() for command in found]


def test_commands_of_other_tools(bare_koc, app, registry, tmp_path):
    image = bake(registry, "hints/words")
    repository = image.rsplit(":", 1)[0]
    layer = json.loads(registry.manifest("hints/words", "latest"))["layers"][0]["digest"]
    names = {"REPOSITORY": repository, "REPOSITORY@DIGEST": f"{repository}@{layer}", "REGISTRY": registry.host,
             "REF": image, "SRC": repository, "DST": f"{repository}-copy", "FILE.tar": tmp_path / "image.tar",
             "--sbom-dir=DIR": f"--sbom-dir={tmp_path}/sbom"}
    env = {"KO_DOCKER_REPO": f"{registry.host}/hints", "KO_DEFAULTBASEIMAGE": "scratch"}
    bare_koc("login", "--check=false", "-u", USER, "--password-stdin", registry.host, stdin=PASSWORD)
    for word in ("images", "catalog", "history", "manifest-digest", "layer", "sync", "save", "load", "whoami",
                 "buildx", "deps", "check", "clean", "init", "rmi"):
        if word == "rmi":  # this registry deletes by digest alone
            names["REF"] = f"{repository}@{bare_koc('digest', image).ref}"
        for command in commands_for(bare_koc, word):
            if command == ["append"]:
                continue  # it needs a file and an image, which its help names
            command = [str(names.get(part, part)) for part in command]
            if command[-1].startswith("--sbom-dir"):
                command.append("./cmd/app")
            bare_koc(*command, cwd=app, env=env)
    assert (tmp_path / "image.tar").exists() and list((tmp_path / "sbom").iterdir())
    assert registry.tags("hints/words-copy") == ["latest"] and registry.tags("hints/words") == []


def test_lists_of_commands_and_flags(bare_koc):
    for args, wanted in ((["frobnicate"], "build"), (["build", "--frobnicate"], "--base-image")):
        command = re.match(r"koc (.*) lists? ?the", hint_of(bare_koc(*args, status=2)).replace("lists the", "list the"))[1]
        assert wanted in bare_koc(*command.split()).stdout


def test_input_in_sub_folders(bare_koc, app, registry):
    (app / "config/deep").mkdir(parents=True)
    (app / "config/deep/a.yaml").write_text("image: ko://example.test/app/cmd/tool\n")
    args = ["resolve", "-f", "config"]
    env = {"KO_DOCKER_REPO": registry.host, "KO_DEFAULTBASEIMAGE": "scratch"}
    hint = hint_of(bare_koc(*args, cwd=app, env=env, status=1))
    assert re.match("-R |--recursive", hint), hint
    assert registry.host in bare_koc(*args, hint.split()[0], cwd=app, env=env).stdout


@pytest.mark.parametrize("name, value", [("GOOS", "windows"), ("GOARCH", "arm64")])
def test_ambient_goos(bare_koc, app, name, value):
    args = ["build", "--base-image=scratch", "--platform=linux/amd64", "./cmd/tool"]
    env = {name: value, "GOFLAGS": "-trimpath"}
    hint = hint_of(bare_koc(*args, cwd=app, env=env, status=None))
    del env[re.fullmatch(r"unset (\w+)", hint)[1]]
    assert bare_koc(*args, cwd=app, env=env).ref


def test_no_go(bare_koc, app, tmp_path):
    (tmp_path / "bin").mkdir()
    for tool in ("git", "sh", "env"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    args = ["build", "--base-image=scratch", "./cmd/tool"]
    env = {"PATH": str(tmp_path / "bin")}
    hint = hint_of(bare_koc(*args, cwd=app, env=env, status=1))
    assert "KO_GO_PATH" in hint
    assert bare_koc(*args, cwd=app, env=env | {"KO_GO_PATH": needed("go")}).ref
    bad = {"KO_GO_PATH": "/nonexistent/go"}
    hint = hint_of(bare_koc(*args, cwd=app, env=bad, status=1))
    assert "unset it" in hint
    assert bare_koc(*args, cwd=app).ref


def test_settings_in_another_language(bare_koc, app):
    (app / ".ko.toml").write_text('defaultBaseImage = "scratch"\n')
    args = ["build", "--push=false", "./cmd/tool"]
    hint = hint_of(bare_koc(*args, cwd=app, status=1))
    file = re.search(r"write the same keys to (\S+)", hint)[1]
    (app / ".ko.toml").unlink()
    (app / file).write_text("defaultBaseImage: scratch\n")
    assert bare_koc(*args, cwd=app).ref


def test_delete_of_an_image(bare_koc, registry, tmp_path):
    image = bake(registry, "hints/gone")
    digest = bare_koc("digest", image).ref
    (tmp_path / "kubectl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "kubectl").chmod(0o755)
    result = bare_koc("delete", f"{image.rsplit(':', 1)[0]}@{digest}", env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, status=1)
    command = re.search(r"koc (rm \S+)", hints_of(result)[0])[1]
    bare_koc(*command.split())
    assert registry.tags("hints/gone") == []
