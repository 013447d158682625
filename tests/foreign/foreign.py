"""Tests on other machines: compiled by ziglang's C compiler, run under qemu-user."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lint"))

import common  # noqa: E402
import portability  # noqa: E402

# target -> (qemu, the SHA-256 back-end that must have run)
MACHINES = {
    "aarch64-linux-musl": ("aarch64", "armv8"),
    "s390x-linux-musl": ("s390x", "portable"),
    "x86-linux-musl": ("i386", None),
}


def emulator(machine):
    for name in (f"qemu-{machine}-static", f"qemu-{machine}"):
        if shutil.which(name):
            return name
    raise common.Missing(f"qemu-{machine}")


def check(context):
    """SHA-256 on each machine; a list of problems."""
    compiler = portability.find_compiler(context.tools)
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        for target, (machine, backend) in MACHINES.items():
            program = f"{scratch}/{target}"
            sources = [
                ROOT / "tests/foreign/sha256.c",
                *sorted((ROOT / "lib/core/hash").glob("sha256*.c")),
            ]
            folders = [
                f"-I{folder}"
                for folder in (ROOT / "lib", ROOT / "include", context.build / "include")
            ]
            built = subprocess.run(
                [
                    *compiler,
                    "-target",
                    target,
                    "-std=gnu11",
                    "-O2",
                    *folders,
                    *map(str, sources),
                    "-o",
                    program,
                ],
                capture_output=True,
                text=True,
            )
            if built.returncode != 0:
                problems.append(f"{target}: {built.stderr.strip()}")
                continue
            ran = subprocess.run([emulator(machine), program], capture_output=True, text=True)
            said = ran.stdout.strip()
            if ran.returncode != 0 or (backend and said != backend):
                problems.append(f"{target}: {said or ran.stderr.strip() or ran.returncode}")
    return problems


if __name__ == "__main__":
    sys.exit(common.run_alone(check))
