"""The checks that every set of man pages stands."""

import subprocess

from runner import needed


def assert_clean(folder, names):
    """mandoc's lint and groff find nothing."""
    needed("mandoc")
    needed("groff")
    lint = subprocess.run(["mandoc", "-Tlint", *names], cwd=folder, capture_output=True, text=True)
    assert lint.stdout + lint.stderr == ""
    for name in names:
        command = ["groff", "-ww", "-mdoc", "-Tutf8", name]
        shown = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert shown.stderr == "" and shown.returncode == 0, name
