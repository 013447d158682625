"""The compiled half of the package (cffi, API mode): the C compiler checks every declaration.

libkoc is found with pkg-config. KOC_STATIC=1 links its archive instead of the shared library.
"""

import os
import pathlib
import shlex
import subprocess
import sys

import cffi

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cdef  # noqa: E402

MINIMUM, BELOW = "0.1.0", "0.2.0"  # the C API may change in a minor version until 1.0

CALLBACKS = """
extern "Python" int koc_py_progress(const koc_progress *, void *);
extern "Python" int koc_py_published(const char *, const char *, void *);
extern "Python" int koc_py_write(void *, const void *, size_t, koc_error **);
extern "Python" void koc_py_log(int32_t, const char *, const char *, void *);
"""


def pkg_config(*words):
    result = subprocess.run(["pkg-config", *words], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr.strip() or f"pkg-config {shlex.join(words)} failed")
    return result.stdout.strip()


def link_options():
    """What to give to the linker. KOC_STATIC means libkoc; what it stands on stays shared."""
    folder = pkg_config("--variable=libdir", "libkoc")
    if os.environ.get("KOC_STATIC", "0") in ("", "0"):
        return shlex.split(pkg_config("--libs", "libkoc")) + [f"-Wl,-rpath,{folder}"]
    below = pkg_config("--print-requires-private", "libkoc").splitlines()
    shared = pkg_config("--libs", *[line.split()[0] for line in below])
    return [f"{folder}/libkoc.a", "-lmbedcrypto", "-pthread", *shlex.split(shared)]


def make():
    if subprocess.run(["pkg-config", f"libkoc >= {MINIMUM}", f"libkoc < {BELOW}"]).returncode:
        sys.exit(
            f"libkoc {MINIMUM} or newer, below {BELOW}, is needed (pkg-config does not find it)"
        )
    folder = pkg_config("--variable=includedir", "libkoc")
    ffi = cffi.FFI()
    ffi.cdef(cdef.cdef(folder) + CALLBACKS)
    ffi.set_source(
        "koc._native",
        "#include <koc/koc.h>\n#include <koc/ext/publish.h>\n",
        include_dirs=[folder],
        extra_link_args=link_options(),
        py_limited_api=True,
    )
    return ffi


builder = make()
