#!/usr/bin/env python3
"""Every file of lib/ and cli/ compiles for macOS, FreeBSD, and 32-bit and big-endian Linux.

The compiler is the C compiler of the Python package ziglang, which brings the headers of all these
systems. The headers of the five packages come from this machine: only theirs are copied into a
folder, so that nothing of this machine's libc is seen.
"""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from common import ROOT, Missing, run_alone, sources

TARGETS = ["aarch64-macos", "x86_64-freebsd", "x86-linux-gnu", "s390x-linux-gnu"]

FLAGS = [
    "-std=gnu11",
    "-DKOC__BUILDING",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
    "-Wno-unused-command-line-argument",
    "-Wno-deprecated-declarations",
]

# One header of each package: where it is found, its folder (or the file alone) is copied.
PACKAGE_HEADERS = [
    "curl/curl.h",
    "cjson/cJSON.h",
    "mbedtls/version.h",
    "psa/crypto.h",
    "libdeflate.h",
    "yaml.h",
    "zstd.h",
    "microhttpd.h",
]


def find_compiler(tools):
    """The command of ziglang's C compiler: in the tools folder, or of this Python."""
    for python in [tools / "zig/bin/python", pathlib.Path(sys.executable)]:
        if (
            python.exists()
            and subprocess.run([python, "-c", "import ziglang"], capture_output=True).returncode
            == 0
        ):
            return [str(python), "-m", "ziglang", "cc"]
    raise Missing("the Python package ziglang")


def locate(header):
    """The full path of a system header, by asking the compiler; None when there is none."""
    modules = ["libcurl", "libcjson", "libdeflate", "yaml-0.1", "mbedcrypto", "libzstd", "libmicrohttpd"]
    flags = []
    for module in modules:
        result = subprocess.run(
            ["pkg-config", "--cflags-only-I", module], capture_output=True, text=True
        )
        flags += result.stdout.split()
    result = subprocess.run(
        ["cc", *flags, "-M", "-xc", "-"],
        input=f"#include <{header}>\n",
        capture_output=True,
        text=True,
    )
    for word in result.stdout.replace("\\\n", " ").split():
        if word.endswith("/" + header):
            return pathlib.Path(word)
    return None


def copy_headers(folder):
    for header in PACKAGE_HEADERS:
        path = locate(header)
        if path is None:
            continue
        if "/" in header:
            shutil.copytree(path.parent, folder / header.split("/")[0], dirs_exist_ok=True)
        else:
            shutil.copy(path, folder / header)


def compile_one(compiler, target, source, folders, output):
    command = [
        *compiler,
        "-target",
        target,
        *FLAGS,
        *[f"-I{f}" for f in folders[:-1]],
        "-isystem",
        str(folders[-1]),
        "-c",
        str(ROOT / source),
        "-o",
        output,
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        return f"{source} for {target}:\n{result.stderr.strip()}"
    return None


def check(context):
    compiler = find_compiler(context.tools)
    if context.tools.is_dir():
        os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(context.tools / "zig-cache"))
    files = sources("lib/**/*.c", "cli/**/*.c")
    with (
        tempfile.TemporaryDirectory() as scratch,
        concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        headers = pathlib.Path(scratch) / "include"
        headers.mkdir()
        copy_headers(headers)
        jobs = []
        for target in TARGETS:
            for source in files:
                library = [ROOT / "lib"] if source.parts[0] == "lib" else [ROOT / "cli"]
                folders = [*library, ROOT / "include", context.build / "include", headers]
                output = f"{scratch}/{target}-{str(source).replace('/', '-')}.o"
                jobs.append(pool.submit(compile_one, compiler, target, source, folders, output))
        return [problem for job in jobs if (problem := job.result())]


if __name__ == "__main__":
    sys.exit(run_alone(check))
