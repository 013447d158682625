#!/usr/bin/env python3
"""Static checks: clang-tidy (see .clang-tidy) over what the build folder compiles."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

from common import ROOT, Missing, run_alone, sources


def tidy(build, path):
    result = subprocess.run(
        ["clang-tidy", "--quiet", "-p", str(build), str(ROOT / path)],
        capture_output=True,
        text=True,
    )
    return [line for line in result.stdout.splitlines() if "warning:" in line or "error:" in line]


def check(context):
    if shutil.which("clang-tidy") is None:
        raise Missing("clang-tidy")
    if not (context.build / "compile_commands.json").exists():
        raise Missing(f"{context.build}/compile_commands.json")
    files = sources("lib/**/*.c", "cli/**/*.c")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda path: tidy(context.build, path), files)
        return sorted({problem for problems in found for problem in problems})


if __name__ == "__main__":
    sys.exit(run_alone(check))
