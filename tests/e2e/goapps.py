"""Small Go modules, each a case: kodata with links, capabilities, several programs, workspaces."""

import os
import pathlib
import subprocess
import textwrap

UUID_SUMS = (
    "github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n"
    "github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n"
)

# Prints its version, its arguments, and with "data" the names and contents of its data files.
MAIN = """
    package main

    import (
        "fmt"
        "os"
        "path/filepath"
    )

    var version = "dev"

    func main() {
        fmt.Println("hello", version)
        if len(os.Args) < 2 || os.Args[1] != "data" {
            return
        }
        root := os.Getenv("KO_DATA_PATH")
        filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
            if err != nil || info.IsDir() {
                return err
            }
            content, _ := os.ReadFile(path)
            name, _ := filepath.Rel(root, path)
            fmt.Printf("%s=%s\\n", name, content)
            return nil
        })
    }
"""


class GoApp:
    """A folder with Go code; methods add to it and give the app back, so that they chain."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def __fspath__(self):
        return str(self.folder)

    def __truediv__(self, name):
        return self.folder / name

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return self

    def module(self, name="example.test/app", folder=".", more=""):
        return self.write(f"{folder}/go.mod", f"module {name}\n\ngo 1.19\n{more}")

    def program(self, folder, text=MAIN):
        return self.write(f"{folder}/main.go", text)

    def library(self, folder, name="lib"):
        return self.write(f"{folder}/{name}.go", f'package {name}\n\nconst Name = "{name}"\n')

    def kodata(self, folder):
        """Files, folders, an empty folder, a hidden file, and links of both kinds inside."""
        data = self.folder / folder / "kodata"
        for name, text in {
            "a.txt": "a\n",
            "sub/b.txt": "b\n",
            ".hidden": "h\n",
            "B": "",
            "a-b": "1",
            "grüße.txt": "umlaut",
            "x" * 60 + "/" + "y" * 60: "long",
        }.items():
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_text(text)
        (data / "a.txt").chmod(0o600)
        (data / "empty").mkdir()
        os.symlink("a.txt", data / "link.txt")
        os.symlink("sub", data / "linkdir")
        return self

    def settings(self, text):
        return self.write(".ko.yaml", text)

    def git(self, tag=None):
        """Makes it a repository with one commit of a fixed time."""
        env = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_DATE": "2024-01-02T03:04:05Z",
            "GIT_COMMITTER_DATE": "2024-01-02T03:04:05Z",
        }
        identity = ["-c", "user.name=lab", "-c", "user.email=lab@example.test"]
        for command in [
            ["init", "-q", "-b", "main"],
            ["add", "."],
            ["commit", "-qm", "all"],
            *([["tag", tag]] if tag else []),
        ]:
            subprocess.run(["git", *identity, *command], cwd=self.folder, env=env, check=True)
        return self


def plain(folder):
    """One module: ./cmd/app with kodata, ./cmd/tool without, ./pkg/lib that is no program."""
    app = GoApp(folder).module()
    return app.program("cmd/app").kodata("cmd/app").program("cmd/tool").library("pkg/lib")


def with_dependency(folder):
    """./cmd/app needs a published module and one that go.mod replaces by a folder."""
    app = GoApp(folder).module(
        more=textwrap.dedent("""
        require (
            example.test/dep v1.2.3
            github.com/google/uuid v1.6.0
        )

        replace example.test/dep => ./dep
        """)
    )
    app.write("go.sum", UUID_SUMS).module("example.test/dep", "dep").library("dep", "dep")
    return app.program(
        "cmd/app",
        """
        package main

        import (
            "fmt"

            "example.test/dep"
            "github.com/google/uuid"
        )

        func main() { fmt.Println("hello", dep.Name, uuid.Nil) }
        """,
    )


def with_folder_dependency(folder):
    """./cmd/app needs a module of this folder: nothing is downloaded."""
    more = "\nrequire example.test/dep v1.2.3\n\nreplace example.test/dep => ./dep\n"
    app = GoApp(folder).module(more=more).module("example.test/dep", "dep").library("dep", "dep")
    return app.program(
        "cmd/app",
        """
        package main

        import "example.test/dep"

        func main() { println(dep.Name) }
        """,
    )
