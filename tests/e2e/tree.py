"""A copy of the source tree, for tests that build it elsewhere."""

import os
import shutil
import subprocess

from runner import ROOT


def run(*command, **options):
    """What the program printed; the test fails unless it ended well."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


def copy_tree(target):
    """The files that git knows, or would add: nothing that an earlier build left."""
    listed = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    return target


def without_sanitizers():
    return {name: value for name, value in os.environ.items() if not name.endswith("SAN_OPTIONS")}
