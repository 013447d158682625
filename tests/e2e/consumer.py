"""A program of somebody else's, compiled against the installed library."""

import os
import pathlib
import subprocess

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


class Consumer:
    """Compiles a program against the installed library, knowing only what pkg-config says."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        (pc,) = root.rglob("libkoc.pc")
        (self.library,) = [p.parent for p in root.rglob("libkoc.so")]
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}
        (prefix,) = [
            line.split("=")[1] for line in pc.read_text().splitlines() if line.startswith("prefix=")
        ]
        self.prefix = f"--define-variable=prefix={root}{prefix}"
        symbols = subprocess.run(
            ["nm", "-D", self.library / "libkoc.so"], capture_output=True, text=True
        )
        # A sanitized library wants its runtime in the program.
        self.sanitize = ["-fsanitize=address,undefined"] if "__asan" in symbols.stdout else []

    def pkg_config(self, *args, package="libkoc"):
        return subprocess.run(
            ["pkg-config", self.prefix, *args, package],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    def compile(self, source, *libraries):
        program = self.folder / pathlib.Path(source).stem
        subprocess.run(
            [
                "cc",
                "-std=c99",
                *WARNINGS,
                *self.sanitize,
                *self.pkg_config("--cflags"),
                "-o",
                program,
                source,
                *(libraries or self.pkg_config("--libs")),
            ],
            check=True,
        )
        return program
