"""Go programs in each situation in which an SBOM could say something false."""

import os
import subprocess

import goapps

IDENTITY = ["-c", "user.name=lab", "-c", "user.email=lab@example.test"]
TIME = "2024-01-02T03:04:05Z"
UUID = 'import "github.com/google/uuid"\n\nfunc main() { println(uuid.Nil.String()) }\n'
PLAIN = "func main() { println(1) }\n"


def git(folder, *args):
    env = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_DATE": TIME,
        "GIT_COMMITTER_DATE": TIME,
    }
    command = ["git", *IDENTITY, *args]
    return subprocess.run(
        command, cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


def tidy(app):
    subprocess.run(["go", "mod", "tidy"], cwd=app, check=True, capture_output=True)
    return app


def program(folder, module, body=PLAIN, more=""):
    app = goapps.GoApp(folder).module(module, more=more)
    return app.write("main.go", f"package main\n\n{body}")


def committed(app, remote=None, pushed=True, tag=None):
    """One commit; with `remote` a clone of it that was pushed there, as far as git can tell."""
    git(app, "init", "-q", "-b", "main")
    git(app, "add", ".")
    git(app, "commit", "-qm", "all")
    if tag:
        git(app, "tag", tag)
    if remote:
        git(app, "remote", "add", "origin", remote)
        if pushed:
            git(app, "update-ref", "refs/remotes/origin/main", "HEAD")
    return app


def published(folder):
    app = program(folder, "github.com/acme/hello", UUID)
    return committed(tidy(app), "https://github.com/acme/hello.git", tag="v1.2.3")


def dirty(folder):
    app = published(folder)
    return app.write("main.go", f"package main\n\n{PLAIN}")


def fork(folder):
    app = program(folder, "github.com/acme/hello")
    return committed(app, "git@git.corp.dev:team/hello.git")


def secret(folder):
    app = program(folder, "github.com/acme/hello")
    return committed(app, "https://bot:hunter2@git.corp.dev/team/hello?token=s3cret")


def vanity(folder):
    return committed(program(folder, "go.acme.dev/hello"), "https://git.acme.dev/src/hello")


def unpushed(folder):
    app = program(folder, "github.com/acme/hello")
    return committed(app, "https://github.com/acme/hello", pushed=False)


def ahead(folder):
    """The remote has the first commit, not the one that is built."""
    app = committed(program(folder, "github.com/acme/hello"), "https://github.com/acme/hello")
    git(app, "commit", "-q", "--allow-empty", "-m", "more")
    return app


def fresh(folder):
    """A fresh repository of somebody else's code."""
    return committed(program(folder, "github.com/google/hello"))


def local_remote(folder):
    return committed(program(folder, "github.com/acme/hello"), "/srv/git/hello.git")


def no_git(folder):
    return tidy(program(folder, "github.com/acme/hello", UUID))


def local_replace(folder):
    app = program(
        folder,
        "example.test/app",
        'import "example.test/dep"\n\nfunc main() { println(dep.Name) }\n',
        "\nrequire example.test/dep v1.2.3\n\nreplace example.test/dep => ./dep\n",
    )
    return committed(app.module("example.test/dep", "dep").library("dep", "dep"))


def version_replace(folder):
    more = (
        "\nrequire github.com/google/uuid v1.6.0\n"
        "\nreplace github.com/google/uuid => github.com/google/uuid v1.5.0\n"
    )
    return tidy(program(folder, "example.test/app", UUID, more))


def module_replace(folder):
    more = (
        "\nrequire github.com/pborman/uuid v1.2.1\n"
        "\nreplace github.com/pborman/uuid => github.com/google/uuid v1.6.0\n"
    )
    body = 'import "github.com/pborman/uuid"\n\nfunc main() { println(uuid.Nil.String()) }\n'
    return tidy(program(folder, "example.test/app", body, more))


def incompatible(folder):
    body = 'import "github.com/blang/semver"\n\nfunc main() { println(semver.SpecVersion.String()) }\n'
    more = "\nrequire github.com/blang/semver v3.5.1+incompatible\n"
    return tidy(program(folder, "example.test/app", body, more))


def second_major(folder):
    body = (
        'import "github.com/cespare/xxhash/v2"\n\nfunc main() { println(xxhash.Sum64String("a")) }\n'
    )
    more = "\nrequire github.com/cespare/xxhash/v2 v2.3.0\n"
    return tidy(program(folder, "example.test/app/v2", body, more))


def pseudo_version(folder):
    body = 'import "github.com/davecgh/go-spew/spew"\n\nfunc main() { spew.Dump(1) }\n'
    more = "\nrequire github.com/davecgh/go-spew v1.1.2-0.20180830191138-d8f796af33cc\n"
    return tidy(program(folder, "example.test/app", body, more))


def retracted(folder):
    """The module says in its go.mod that this release was withdrawn."""
    body = 'import "github.com/klauspost/compress/snappy"\n\nfunc main() { println(len(snappy.Encode(nil, nil))) }\n'
    more = "\nrequire github.com/klauspost/compress v1.14.3\n"
    return tidy(program(folder, "example.test/app", body, more))


def private(folder):
    """The environment of the test names uuid a private module."""
    return tidy(program(folder, "example.test/app", UUID))


def vendored(folder):
    app = tidy(program(folder, "example.test/app", UUID))
    subprocess.run(["go", "mod", "vendor"], cwd=app, check=True, capture_output=True)
    return app


def workspace(folder):
    app = goapps.GoApp(folder).write("go.work", "go 1.19\n\nuse (\n\t./app\n\t./dep\n)\n")
    app.module("example.test/app", "app").module("example.test/dep", "dep").library("dep", "dep")
    app.write(
        "app/main.go",
        'package main\n\nimport "example.test/dep"\n\nfunc main() { println(dep.Name) }\n',
    )
    return app


# name -> (how to make it, folder of the program, the URL of its commit or None)
ALL = {
    "published": (published, ".", "https://github.com/acme/hello.git"),
    "dirty": (dirty, ".", None),
    "fork": (fork, ".", "ssh://git@git.corp.dev/team/hello.git"),
    "secret": (secret, ".", "https://git.corp.dev/team/hello"),
    "vanity": (vanity, ".", "https://git.acme.dev/src/hello"),
    "unpushed": (unpushed, ".", None),
    "ahead": (ahead, ".", None),
    "fresh": (fresh, ".", None),
    "local-remote": (local_remote, ".", None),
    "no-git": (no_git, ".", None),
    "local-replace": (local_replace, ".", None),
    "version-replace": (version_replace, ".", None),
    "module-replace": (module_replace, ".", None),
    "incompatible": (incompatible, ".", None),
    "second-major": (second_major, ".", None),
    "pseudo-version": (pseudo_version, ".", None),
    "retracted": (retracted, ".", None),
    "private": (private, ".", None),
    "vendored": (vendored, ".", None),
    "workspace": (workspace, "app", None),
}
