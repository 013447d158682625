#!/usr/bin/env python3
"""The formatter: every C file is as .clang-format wants it; --fix rewrites those that are not."""

import shutil
import subprocess
import sys

from common import ROOT, Missing, run_alone, sources


def check(context):
    if shutil.which("clang-format") is None:
        raise Missing("clang-format")
    files = [
        str(p)
        for p in sources(
            "lib/**/*.[ch]",
            "cli/**/*.[ch]",
            "include/**/*.h",
            "tests/**/*.[ch]",
            "examples/**/*.[ch]",
            "fuzz/*.[ch]",
        )
    ]
    if not files:
        return []
    if context.fix:
        subprocess.run(["clang-format", "-i", *files], cwd=ROOT, check=True)
        return []
    result = subprocess.run(
        ["clang-format", "--dry-run", "-ferror-limit=1", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return [line for line in result.stderr.splitlines() if "warning:" in line]


if __name__ == "__main__":
    sys.exit(run_alone(check))
