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
extern "Python" int koc_py_setting(const char *, const char *, void *);
extern "Python" int koc_py_checked(const char *, const char *, void *);
extern "Python" int koc_py_usage(const char *, uint64_t, uint64_t, void *);
extern "Python" int koc_py_ready(const char *, void *);
extern "Python" int koc_py_filter(const char *, koc_entry *, void *);
extern "Python" int koc_py_trace(const koc_trace *, void *);
extern "Python" void koc_py_log(int32_t, const char *, const char *, void *);
extern "Python" int koc_py_write(void *, const void *, size_t, koc_error **);
extern "Python" int koc_py_read(void *, void *, size_t, size_t *, koc_error **);
extern "Python" int koc_py_open(void *, uint64_t, const koc_op *, koc_reader **, koc_error **);
extern "Python" int koc_py_send(void *, const koc_transport_request *, koc_transport_reply *, koc_error **);
extern "Python" int koc_py_auth_get(void *, const char *, const char *, const koc_op *, koc_credential **,
                                    koc_error **);
extern "Python" void koc_py_auth_rejected(void *, const char *);
extern "Python" void koc_py_close(void *);
extern "Python" void koc_py_release(void *);
void koc_py_interrupts_begin(koc_cancel *);
int koc_py_interrupts_end(koc_cancel *);
"""

# Python runs its handlers of signals between two lines of Python only, and a call may take long: SIGINT triggers the
# tokens of the calls that run in the main thread, and those alone.
INCLUDES = "".join(f"#include <koc/{name}>\n" for name in cdef.HEADERS)
SOURCE = """
#include <signal.h>

enum { KOC_PY_CALLS = 16 }; /* nested: a callback makes a call in turn */
static koc_cancel *volatile koc_py_tokens[KOC_PY_CALLS];
static volatile sig_atomic_t koc_py_interrupted[KOC_PY_CALLS];
static struct sigaction koc_py_before; /* Python's */

static void koc_py_interrupt(int number, siginfo_t *info, void *context)
{
    /* Python first: what the tokens end finds the interrupt pending. */
    if (koc_py_before.sa_flags & SA_SIGINFO) {
        koc_py_before.sa_sigaction(number, info, context);
    } else {
        koc_py_before.sa_handler(number);
    }
    for (int i = 0; i < KOC_PY_CALLS; i++) {
        koc_py_interrupted[i] = koc_py_tokens[i] != NULL;
        koc_cancel_trigger(koc_py_tokens[i]);
    }
}

static void koc_py_interrupts_begin(koc_cancel *c)
{
    struct sigaction now;
    int i = 0;

    while (i < KOC_PY_CALLS && koc_py_tokens[i]) {
        i++;
    }
    sigaction(SIGINT, NULL, &now);
    if (i == KOC_PY_CALLS) {
        return;
    }
    koc_py_interrupted[i] = 0;
    koc_py_tokens[i] = koc_cancel_ref(c);
    if (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)) {
        return;
    }
    if (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != koc_py_interrupt) {
        koc_py_before = now;
        now.sa_flags |= SA_SIGINFO;
        now.sa_sigaction = koc_py_interrupt;
        sigaction(SIGINT, &now, NULL);
    }
}

/* Returns whether the call of c was interrupted. */
static int koc_py_interrupts_end(koc_cancel *c)
{
    struct sigaction now;
    int left = 0;
    int interrupted = 0;

    for (int i = 0; i < KOC_PY_CALLS; i++) {
        if (koc_py_tokens[i] == c) {
            koc_py_tokens[i] = NULL;
            interrupted |= koc_py_interrupted[i];
            koc_cancel_unref(c);
        }
        left += koc_py_tokens[i] != NULL;
    }
    sigaction(SIGINT, NULL, &now);
    if (left == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == koc_py_interrupt) {
        sigaction(SIGINT, &koc_py_before, NULL);
    }
    return interrupted;
}
"""


def pkg_config(*words):
    result = subprocess.run(["pkg-config", *words], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr.strip() or f"pkg-config {shlex.join(words)} failed")
    return result.stdout.strip()


def run_path():
    """For a prefix of the user's own. The loader knows the system's directories, and a staged library will be elsewhere."""
    directory = pkg_config("--variable=libdir", "libkoc")
    if "PKG_CONFIG_SYSROOT_DIR" in os.environ or directory.startswith(("/usr/lib", "/usr/local/lib")):
        return []
    return [f"-Wl,-rpath,{directory}"]


def link_options():
    """What to give to the linker. KOC_STATIC means libkoc; what it stands on stays shared."""
    if os.environ.get("KOC_STATIC", "0") in ("", "0"):
        return shlex.split(pkg_config("--libs", "libkoc")) + run_path()
    return shlex.split(pkg_config("--libs", "libkoc-static"))


def make():
    if subprocess.run(["pkg-config", f"libkoc >= {MINIMUM}", f"libkoc < {BELOW}"]).returncode:
        sys.exit(
            f"libkoc {MINIMUM} or newer, below {BELOW}, is needed (pkg-config does not find it)"
        )
    directory = pkg_config("--variable=includedir", "libkoc")
    ffi = cffi.FFI()
    ffi.cdef(cdef.cdef(directory) + CALLBACKS)
    ffi.set_source(
        "koc._native",
        INCLUDES + SOURCE,
        include_dirs=[directory],
        extra_link_args=link_options(),
        py_limited_api=True,
    )
    return ffi


builder = make()
