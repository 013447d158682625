"""The main job: a Go package becomes an image that other tools accept and that runs."""

import hashlib
import json
import socket
import subprocess
import time
import urllib.request

import goapps
import oci
import pytest
import registry as registries
from ports import free_port
from runner import Tool, lacking, stop

# runc may not raise hard limits in a container without CAP_SYS_RESOURCE; the host's own will do.
LIMITS = ["--rm", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]


def build(koc, app, bases, *args, base="index", **options):
    return koc("build", *args, cwd=app, env={"KO_DEFAULTBASEIMAGE": bases[base]}, **options)


def test_one_digest_reference_on_stdout(koc, registry, bases, app):
    ref = build(koc, app, bases, "./cmd/app").ref
    match = oci.parse_reference(ref)
    md5 = hashlib.md5(b"example.test/app/cmd/app").hexdigest()
    assert match["host"] == registry.host and match["repo"] == f"koc/app-{md5}"
    assert match["tag"] is None and match["digest"]


def test_crane_and_skopeo_accept_it(koc, crane, skopeo, bases, app):
    for args in (["./cmd/app"], ["--platform=linux/amd64,linux/arm64", "./cmd/app"]):
        ref = build(koc, app, bases, *args).ref
        assert "PASS" in crane("validate", "--remote", ref).stdout
        seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{ref}").stdout)
        assert seen["Architecture"] == "amd64"


def test_image_has_what_the_program_needs(koc, registry, bases, app):
    image = oci.from_registry(registry, build(koc, app, bases, "./cmd/app").ref)
    config = image.config["config"]
    assert config["Entrypoint"] == ["/ko-app/app"]
    assert "KO_DATA_PATH=/var/run/ko" in config["Env"]
    assert "Cmd" not in config and config["User"] == "65532"
    assert image.config["author"] != "github.com/ko-build/ko" and "koc" in image.config["author"]
    data = image.files(1)
    assert data["/var/run/ko/link.txt"] == b"a\n" and data["/var/run/ko/linkdir/b.txt"] == b"b\n"
    (program,) = [e for e in image.entries(2) if e.isfile()]
    assert program.name == "/ko-app/app" and program.mode == 0o555 and program.mtime == 0


def run_server(podman, image):
    """Starts the hello image and gives what / and /hello answer."""
    port = free_port()
    server = podman.start("run", *LIMITS, "--network=host", "-e", f"PORT={port}", image)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                return page, urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/hello?name=koc"
                ).read()
            except (OSError, socket.timeout):
                assert server.poll() is None, server.communicate()
                assert time.monotonic() < deadline, "the container did not answer"
                time.sleep(0.1)
    finally:
        stop(server)


def test_pushed_image_runs_and_serves(koc, podman, bases, hello):
    ref = build(koc, hello, bases, ".", base="oci").ref
    podman("pull", "-q", "--tls-verify=false", ref)
    page, greeting = run_server(podman, ref)
    assert b"Hello from an image" in page and b"Hello, koc." in greeting


def test_scratch_image_from_a_tarball_runs(koc, podman, hello, tmp_path):
    tarball = tmp_path / "hello.tar"
    koc(
        "build",
        "--base-image=scratch",
        "--push=false",
        f"--tarball={tarball}",
        "-B",
        ".",
        cwd=hello,
    )
    name = podman("load", "-q", "-i", tarball).stdout.split(":", 1)[1].strip()
    page, _ = run_server(podman, name)
    assert b"Hello from an image" in page


def test_second_push_uploads_nothing(koc, registry, bases, app):
    first = build(koc, app, bases, "./cmd/app").ref
    mark = registry.mark()
    assert build(koc, app, bases, "./cmd/app").ref == first
    assert registry.uploads_since(mark) == []


def test_second_push_without_cache_uploads_nothing(koc, registry, bases, app):
    koc.extra |= {"SOURCE_DATE_EPOCH": "86400"}  # without one and without a commit, an SBOM has the time of the build
    first = build(koc, app, bases, "./cmd/app", "--no-cache").ref
    mark = registry.mark()
    assert build(koc, app, bases, "./cmd/app", "--no-cache").ref == first
    assert registry.uploads_since(mark) == []


def test_base_layers_are_mounted_not_downloaded(koc, registry, bases, app):
    mark = registry.mark()
    image = oci.from_registry(registry, build(koc, app, bases, "./cmd/app", base="two").ref)
    base_layers = {layer["digest"] for layer in image.layers[:2]}
    requests = registry.since(mark)
    fetched = {
        r.path.rsplit("/", 1)[1]
        for r in requests
        if r.method == "GET" and "/blobs/sha256:" in r.path and "/koc/" not in r.path
    }
    assert not fetched & base_layers
    assert [r for r in requests if r.method == "POST" and "mount=" in r.path and r.status == 201]


def test_basic_credentials_of_a_docker_config(bare_koc, basic_registry, home, bases, app):
    registries.docker_config(home, basic_registry.host)
    env = {"KO_DOCKER_REPO": f"{basic_registry.host}/x", "KO_DEFAULTBASEIMAGE": bases["index"]}
    ref = bare_koc("build", "./cmd/app", cwd=app, env=env).ref
    assert oci.from_registry(basic_registry, ref).files(2)


def test_bearer_credentials_of_a_docker_config(bare_koc, bearer_registry, crane, home, bases, app):
    registries.docker_config(home, bearer_registry.host)
    env = {"KO_DOCKER_REPO": f"{bearer_registry.host}/x", "KO_DEFAULTBASEIMAGE": bases["index"]}
    ref = bare_koc("build", "./cmd/app", cwd=app, env=env).ref
    crane("validate", "--remote", ref)
    scopes = [scope for r in bearer_registry.tokens.requests for scope in r["scopes"]]
    assert any("repository:x/app-" in scope and "push" in scope for scope in scopes)


def test_credential_helper(bare_koc, basic_registry, home, bases, app, tmp_path):
    helper = tmp_path / "bin/docker-credential-lab"
    helper.parent.mkdir()
    helper.write_text(
        "#!/bin/sh\nread host\n"
        'printf \'{"ServerURL":"%s","Username":"koc","Secret":"s3cret"}\' "$host"\n'
    )
    helper.chmod(0o755)
    (home.home / ".docker").mkdir()
    (home.home / ".docker/config.json").write_text(json.dumps({"credsStore": "lab"}))
    env = {
        "KO_DOCKER_REPO": f"{basic_registry.host}/x",
        "KO_DEFAULTBASEIMAGE": bases["oci"],
        "PATH": f"{helper.parent}:{home.env()['PATH']}",
    }
    bare_koc("build", "./cmd/app", cwd=app, env=env)
    assert basic_registry.tags([r for r in basic_registry.repositories()][0])


def test_tls_with_an_own_authority(bare_koc, tls_registry, pki, bases, app):
    env = {
        "KO_DOCKER_REPO": f"{tls_registry.host}/x",
        "KO_DEFAULTBASEIMAGE": bases["oci"],
        "SSL_CERT_FILE": str(pki.ca),
    }
    oci.from_registry(tls_registry, bare_koc("build", "./cmd/app", cwd=app, env=env).ref)


def test_relative_locations(bare_koc, relative_registry, bases, app):
    env = {"KO_DOCKER_REPO": f"{relative_registry.host}/x", "KO_DEFAULTBASEIMAGE": bases["oci"]}
    oci.from_registry(relative_registry, bare_koc("build", "./cmd/app", cwd=app, env=env).ref)


def test_no_destination_means_a_layout_of_the_user(bare_koc, home, app):
    result = bare_koc("build", "--base-image=scratch", "./cmd/app", cwd=app)
    folder = home.data / "koc/images"
    assert result.ref.startswith(f"oci:{folder}@sha256:")
    image = oci.from_layout(folder, result.ref.split("@")[1])
    assert image.config["architecture"] == "amd64" and len(image.layers) == 2
    assert "KO_DOCKER_REPO" in result.stderr  # says how to push it


def test_layout_does_not_grow_duplicates(bare_koc, home, app):
    for _ in range(2):
        bare_koc("build", "--base-image=scratch", "./cmd/app", cwd=app)
    oci.from_layout(home.data / "koc/images")  # exactly one manifest


def test_scratch_makes_every_platform_asked_for(bare_koc, home, app):
    ref = bare_koc(
        "build",
        "--base-image=scratch",
        "--platform=linux/amd64,linux/arm64,linux/riscv64",
        "./cmd/app",
        cwd=app,
    ).ref
    index = oci.from_layout(home.data / "koc/images", ref.split("@")[1])
    assert index.platforms == ["linux/amd64", "linux/arm64", "linux/riscv64"]
    assert not any(
        "base" in key for child in index.children for key in child.manifest.get("annotations", {})
    )


def test_layout_as_base(bare_koc, home, app):
    """oci:DIR is a base: build on what was built."""
    first = bare_koc("build", "--base-image=scratch", "./cmd/tool", cwd=app).ref
    second = bare_koc("build", f"--base-image={first}", "./cmd/app", cwd=app).ref
    image = oci.from_layout(home.data / "koc/images", second.split("@")[1])
    assert len(image.layers) == 4 and image.config["config"]["Entrypoint"] == ["/ko-app/app"]


def test_archive_as_base(bare_koc, home, app, tmp_path):
    bare_koc(
        "build",
        "--base-image=scratch",
        "--push=false",
        f"--tarball={tmp_path}/b.tar",
        "-B",
        "./cmd/tool",
        cwd=app,
    )
    ref = bare_koc(
        "build", f"--base-image=docker-archive:{tmp_path}/b.tar", "./cmd/app", cwd=app
    ).ref
    image = oci.from_layout(home.data / "koc/images", ref.split("@")[1])
    assert len(image.layers) == 4


def test_source_tree_stays_clean(koc, bases, tmp_path):
    app = goapps.plain(tmp_path / "app").git()
    build(koc, app, bases, "./cmd/app")
    status = subprocess.run(
        ["git", "status", "--porcelain", "--ignored"],
        cwd=app,
        capture_output=True,
        text=True,
        check=True,
    )
    assert status.stdout == ""


def test_every_main_package_below(koc, bases, app):
    lines = build(koc, app, bases, "-B", "./...").lines
    assert [line.split("@")[0].rsplit("/", 1)[1] for line in lines] == ["app", "tool"]


def test_vendored_and_workspace_modules(koc, registry, bases, tmp_path):
    vendored = goapps.with_folder_dependency(tmp_path / "vendored")
    subprocess.run(["go", "mod", "vendor"], cwd=vendored, env=koc.home.env(), check=True)
    build(koc, vendored, bases, "./cmd/app")

    work = goapps.GoApp(tmp_path / "work")
    work.write("go.work", "go 1.19\n\nuse (\n\t./one\n\t./two\n)\n")
    work.module("example.test/one", "one").program("one/cmd/one")
    work.module("example.test/two", "two").program("two/cmd/two")
    build(koc, work, bases, "./one/cmd/one", "./two/cmd/two")
    build(koc, work, bases, "example.test/two/cmd/two")


def test_modules_without_a_workspace_need_builds(koc, bases, tmp_path):
    app = goapps.GoApp(tmp_path / "two")
    app.module("example.test/one", "one").program("one/cmd/one")
    app.module("example.test/two", "two").program("two/cmd/two")
    app.settings("""
        builds:
          - id: one
            dir: one
            main: ./cmd/one
          - id: two
            dir: two
            main: ./cmd/two
            ldflags: -X main.version=two
        """)
    for _ in range(3):  # ko picks a random builder here
        build(koc, app, bases, "example.test/one/cmd/one", "example.test/two/cmd/two")


def test_layers_of_all_compressions_hold_the_same(koc, registry, bases, app):
    images = [
        oci.from_registry(registry, build(koc, app, bases, f"--compression={c}", "./cmd/app").ref)
        for c in ("gzip", "gzip:9", "none")
    ]
    assert len({tuple(image.diff_ids) for image in images}) == 1
    assert len({image.layers[-1]["size"] for image in images}) == 3
    assert images[2].layers[-1]["mediaType"].endswith(".tar")


def test_zstd(koc, registry, bases, app):
    result = build(koc, app, bases, "--compression=zstd", "./cmd/app", status=None)
    if "built without zstd" in result.stderr:
        lacking("libzstd", "is missing in this build")
    assert result.status == 0, str(result)
    image = oci.from_registry(registry, result.ref)
    assert image.layers[-1]["mediaType"].endswith("tar+zstd")
    data = registry.blob(oci.parse_reference(result.ref)["repo"], image.layers[-1]["digest"])
    assert data[:4] == b"\x28\xb5\x2f\xfd"


def test_cgo_app_follows_its_env(koc, registry, bases, app):
    """KO_GO_PATH names the go tool, and it is used for everything."""
    wrapper = app / "go-wrapper"
    wrapper.write_text('#!/bin/sh\necho "$*" >> "$GO_LOG"\nexec go "$@"\n')
    wrapper.chmod(0o755)
    log = koc.home.root / "go.log"
    build(
        Tool(koc.path, koc.home, **koc.extra, KO_GO_PATH=wrapper, GO_LOG=log),
        app,
        bases,
        "./cmd/tool",
    )
    assert any(line.startswith("build ") for line in log.read_text().splitlines())


def test_capabilities_are_written_for_linux(koc, registry, bases, app):
    app.settings("builds: [{main: ./cmd/app, linux_capabilities: [net_bind_service, chown]}]\n")
    image = oci.from_registry(registry, build(koc, app, bases, "./cmd/app").ref)
    (program,) = [e for e in image.entries(2) if e.isfile()]
    value = program.pax_headers["SCHILY.xattr.security.capability"].encode(
        "utf-8", "surrogateescape"
    )
    assert value == bytes([0, 0, 0, 2, 1, 4, 0, 0]) + bytes(12)


def test_git_data_link_outside_kodata(koc, registry, bases, tmp_path):
    """A link from kodata to .git/HEAD stays inside the repository: the documented trick works."""
    app = goapps.plain(tmp_path / "app").git()
    (app / "cmd/app/kodata/HEAD").symlink_to("../../../.git/HEAD")
    image = oci.from_registry(registry, build(koc, app, bases, "./cmd/app").ref)
    assert image.files(1)["/var/run/ko/HEAD"] == b"ref: refs/heads/main\n"
