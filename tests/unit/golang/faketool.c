#include "core/common.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/path.h"
#include "faketool.h"
#include "gotest.h"
#include "test.h"

#undef setenv

static const char script[] =
    "#!/bin/sh\n"
    "fake=${0%/bin/go}\n"
    "echo \"$*\" >>\"$fake/log\"\n"
    "if [ \"$1\" = list ]; then cat \"$fake/list\"; fi\n"
    "if [ -f \"$fake/errors\" ]; then cat \"$fake/errors\" >&2; fi\n"
    "status=$(cat \"$fake/status\")\n"
    "if [ -n \"$status\" ]; then exit \"$status\"; fi\n"
    "if [ \"$1\" != build ]; then exit 0; fi\n"
    "while [ $# -gt 0 ] && [ \"$1\" != -o ]; do shift; done\n"
    "out=$2\n"
    "shift 2\n"
    "for package; do\n"
    "  name=${package##*/} to=$out\n"
    "  case $out in */) to=$out$name;; esac\n"
    "  if cmp -s \"$fake/programs/$name\" \"$to\"; then touch \"$to\"\n"
    "  else cp \"$fake/programs/$name\" \"$to.new\" && mv \"$to.new\" \"$to\"; fi\n"
    "done\n";

void fake_begin(void)
{
    static const char *const cleared[] = {"GOOS",
                                          "GOARCH",
                                          "GOARM",
                                          "GOAMD64",
                                          "CGO_ENABLED",
                                          "GOFLAGS",
                                          "GOWORK",
                                          "GOROOT",
                                          "GO111MODULE",
                                          "GOPACKAGESDRIVER",
                                          "GOTMPDIR",
                                          "KO_CONFIG_PATH",
                                          "KO_DEFAULTFLAGS",
                                          "KO_DEFAULTENV",
                                          "KO_DEFAULTLDFLAGS",
                                          "KO_DEFAULTPLATFORMS",
                                          "SOURCE_DATE_EPOCH"};
    for (size_t i = 0; i < KOC__COUNT(cleared); i++) {
        unsetenv(cleared[i]);
    }
    assert_int_equal(chdir(koc_test_dir()), 0);
    gotest_write("fake/bin/go", script);
    gotest_write("fake/src/runtime/runtime.go", "package runtime\n");
    gotest_write("fake/programs/README", "");
    fake_list("");
    fake_status("");
    assert_int_equal(chmod("fake/bin/go", 0755), 0);
    setenv("KO_GO_PATH", koc_test_path("fake/bin/go"), 1);
    setenv("GOENV", "off", 1);
}

const char *fake_runs(void)
{
    static char out[16384];
    KOC__AUTO_VAL(koc__dynbuf) log = KOC__DYNBUF_INIT(sizeof(out));
    (void)koc__fs_read_file("fake/log", &log, NULL);
    snprintf(out, sizeof(out), "%s", koc__dynbuf_cstr(&log));
    (void)unlink("fake/log");
    return out;
}

/* --- programs --- */

typedef struct bytes {
    uint8_t b[8192];
    size_t len;
} bytes;

static void put(bytes *p, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        p->b[p->len++] = (uint8_t)(value >> 8 * i);
    }
}

static void put_text(bytes *p, const char *text)
{
    memcpy(p->b + p->len, text, strlen(text));
    p->len += strlen(text);
}

static void pad(bytes *p, size_t to)
{
    assert_true(p->len <= to && to <= sizeof(p->b));
    p->len = to;
}

#define DATA_OFFSET 1024
#define FRAME       "0123456789abcdef"

/* An ELF file with one writable segment, which has the build info, and before that the note of the ID. */
void fake_write_program(const char *path, const char *build_id, const char *text)
{
    bytes p = {{0}, 0};
    size_t n = strlen(text) + 2 * strlen(FRAME);
    put_text(&p, "\x7f"
                 "ELF\2\1\1");
    pad(&p, 16);
    put(&p, 2, 2), put(&p, 62, 2), put(&p, 1, 4);
    put(&p, 0, 8), put(&p, 64, 8), put(&p, 0, 8);
    put(&p, 0, 4), put(&p, 64, 2), put(&p, 56, 2), put(&p, 1, 2);
    pad(&p, 64);
    put(&p, 1, 4), put(&p, 6, 4);
    put(&p, DATA_OFFSET, 8), put(&p, 0x10000, 8), put(&p, 0x10000, 8);
    put(&p, 4096, 8), put(&p, 4096, 8);
    pad(&p, 128);
    if (build_id) {
        put(&p, 4, 4), put(&p, strlen(build_id), 4), put(&p, 4, 4);
        put_text(&p, "Go");
        put(&p, 0, 2);
        put_text(&p, build_id);
    }
    pad(&p, DATA_OFFSET);
    put_text(&p, "\xff Go buildinf:");
    put(&p, 8, 1), put(&p, 2, 1);
    pad(&p, DATA_OFFSET + 32);
    put(&p, 8, 1);
    put_text(&p, "go1.26.8");
    put(&p, (n & 0x7f) | 0x80, 1), put(&p, n >> 7, 1);
    put_text(&p, FRAME);
    put_text(&p, text);
    put_text(&p, FRAME);
    pad(&p, DATA_OFFSET + 4096);
    assert_int_equal(koc__fs_write_file(path, koc__str_n((const char *)p.b, p.len), 0755, NULL),
                     KOC_OK);
}

void fake_program(const char *name, const char *build_id, const char *text)
{
    KOC__AUTO_STR path = koc__path_join("fake/programs", name);
    fake_write_program(path, build_id, text);
}

void fake_list(const char *json)
{
    gotest_write("fake/list", json);
}

void fake_status(const char *status)
{
    gotest_write("fake/status", status);
}

void fake_failure(const char *errors)
{
    gotest_write("fake/errors", errors);
    fake_status("1");
}
