#!/usr/bin/env python3
"""Run by `meson install`: writes the man pages and completions that koc prints.

usage: install_docs.py KOC MANDIR DATADIR
"""

import os
import pathlib
import re
import subprocess
import sys

SCRIPTS = {
    "bash": "bash-completion/completions/koc",
    "zsh": "zsh/site-functions/_koc",
    "fish": "fish/vendor_completions.d/koc.fish",
}


def below_destdir(folder):
    destdir = os.environ.get("DESTDIR")
    return pathlib.Path(destdir, folder.lstrip("/")) if destdir else pathlib.Path(folder)


def write(path, text):
    if not os.environ.get("MESON_INSTALL_QUIET"):
        print(f"Installing {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(koc, mandir, datadir):
    def ask(*args):
        return subprocess.run([koc, *args], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout

    # Each page begins with a comment that names its file.
    for page in re.split(r'(?m)^(?=\.\\" koc\S*\.1$)', ask("help", "--format=man"))[1:]:
        write(below_destdir(mandir) / "man1" / page[3:].split("\n", 1)[0].strip(), page)
    for shell, path in SCRIPTS.items():
        write(below_destdir(datadir) / path, ask("completion", shell))


if __name__ == "__main__":
    main(*sys.argv[1:])
