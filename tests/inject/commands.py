"""The commands whose calls are made to fail: each small, and with an old result at its target."""

import dataclasses
import json

import goapps
from bases import Baker


@dataclasses.dataclass
class Command:
    argv: list
    stdin: str = "/dev/null"
    cwd: str = "/"
    go: bool = False       # it needs go, and was run once before
    dear: bool = False     # a run takes seconds: only a sample of its calls fail


class Nowhere:
    """Stands for a world where only the names of commands are asked for."""

    root, host = "", ""
    registry = property(lambda self: self)


NOWHERE = Nowhere()


def bake(registry, repository, tag, text):
    """An image of two layers in the registry; `text` makes it another one."""
    baker = Baker(registry, repository)

    def edit(config):
        config["config"]["Labels"] = {"text": text}

    baker.image(tag, layers=2, edit_config=edit)
    return baker.name(tag)


def prepare(world, run):
    """The images that the commands start from. `run(*argv)` is koc, undisturbed."""
    registry = world.registry
    docker = world / "home/.docker"
    docker.mkdir()
    auths = {"other.example": {"auth": "eDp5"}, registry.host: {"auth": registry.secret}}
    (docker / "config.json").write_text(json.dumps({"auths": auths, "mine": 1}))
    (docker / "config.json").chmod(0o600)
    new = bake(registry, "app", "new", "new")
    old = bake(registry, "app", "old", "old")
    bake(registry, "other/app", "new", "old")
    for place in ("in/layout", "target/layout"):
        run("pull", new if place == "in/layout" else old, world / place)
    (world / "in/files/sub").mkdir(parents=True)
    (world / "in/files/a").write_text("a\n")
    (world / "in/files/sub/b").write_text("b\n" * 9000)
    (world / "target/fs.tar").write_text("an old file\n")
    (world / "target/app.tar").write_text("an old file\n")
    (world / "in/app.yaml").write_text("kind: Pod\nspec:\n  containers:\n  - image: ko://example.test/app/cmd/app\n" * 3)
    (world / "in/map.json").write_text(json.dumps({"ko://example.test/app/cmd/app": new}))
    goapps.plain(world / "in/app")
    (world / "in/password").write_text("s3cret")


def commands(world):
    host = world.registry.host
    layout, target, app = f"{world.root}/in/layout", f"{world.root}/target", f"{world.root}/in/app"
    files, pods = f"{world.root}/in/files:/srv", f"{world.root}/in/app.yaml"
    build = ["build", f"--base-image={host}/app:new", "--platform=linux/amd64"]
    return {
        "push": Command(["push", layout, f"{host}/other/app:new"]),
        "pull": Command(["pull", f"{host}/app:new", f"{target}/layout"]),
        "pull-docker": Command(["pull", "--format=docker", f"{host}/app:new", f"{target}/app.tar"]),
        "copy": Command(["copy", f"{host}/app:new", f"{host}/other/app:new"]),
        "copy-layout": Command(["copy", f"oci:{layout}", f"oci:{target}/layout:new"]),
        "resolve": Command(["resolve", "-f", pods, f"--map-from={world.root}/in/map.json"]),
        "export": Command(["export", f"oci:{layout}", f"{target}/fs.tar"]),
        "append": Command(["append", "-b", f"oci:{layout}", "-t", f"oci:{target}/layout:app", files]),
        "append-push": Command(["append", "-b", f"{host}/app:new", "-t", f"{host}/other/app:new", files]),
        "mutate": Command(["mutate", "-e", "A=b", "-t", f"oci:{target}/layout:app", f"oci:{layout}"]),
        "login": Command(["login", "-u", "koc", "--password-stdin", host.replace("127.0.0.1", "localhost")], stdin=f"{world.root}/in/password"),
        "validate": Command(["validate", f"oci:{layout}"]),
        "cache": Command(["cache", "prune", "--max-size=1"]),
        "build": Command([*build, "./cmd/app"], cwd=app, go=True),
        "build-layout": Command(
            [*build, "--push=false", f"--oci-layout-path={target}/built", f"--tarball={target}/app.tar", "./cmd/app"],
            cwd=app,
            go=True,
        ),
        "build-forced": Command([*build, "--force", "./cmd/app"], cwd=app, go=True, dear=True),
        "resolve-build": Command(["resolve", "-f", pods, *build[1:]], cwd=app, go=True),
    }


def is_dear(name):
    return commands(NOWHERE)[name].dear
