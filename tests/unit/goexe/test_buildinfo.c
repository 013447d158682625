/* Build info: programs of several formats compared with `go version -m`, generated old ones, damaged
 * files. */
#include "core/common.h"

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "core/run/proc.h"
#include "core/str.h"
#include "golang/golang.h"
#include "test.h"

/* --- running go --- */

/* Runs argv in dir, which must succeed; its output goes to output (or NULL). */
static bool run(const char *dir, const char *const *argv, koc__dynbuf *output)
{
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    const koc__proc p = {.argv = argv, .dir = dir};
    if (koc__proc_run(&p, NULL, &result, NULL) != KOC_OK || result.exit_code != 0) {
        return false;
    }
    return !output || koc__dynbuf_put(output, koc__dynbuf_view(&result.output), NULL) == KOC_OK;
}

static const char go_mod[] = "module example.com/Team/hello\n\ngo 1.19\n\n"
                             "require example.com/lib_a v1.2.3\n\n"
                             "replace example.com/lib_a v1.2.3 => ./lib\n";
static const char main_go[] = "package main\n\nimport _ \"example.com/lib_a\"\n\n"
                              "var x string\n\nfunc main() { println(x) }\n";

/* The source tree in the test's directory, and whether there is a go to build it. */
static void make_module(void)
{
    char lib[4096];
    const char *const argv[] = {"go", "version", NULL};
    if (!run("/", argv, NULL)) {
        print_message("skipped: there is no go\n");
        skip();
    }
    koc_test_write("go.mod", go_mod, sizeof(go_mod) - 1);
    koc_test_write("main.go", main_go, sizeof(main_go) - 1);
    snprintf(lib, sizeof(lib), "%s", koc_test_path("lib"));
    assert_int_equal(koc__fs_mkdirs(lib, 0700, NULL), KOC_OK);
    koc_test_write("lib/go.mod", "module example.com/lib_a\n", 25);
    koc_test_write("lib/a.go", "package a\n", 10);
}

/* Builds the module; the path of the program. */
static const char *build(const char *os, const char *arch)
{
    char goos[64], goarch[64], output[4096];
    snprintf(goos, sizeof(goos), "GOOS=%s", os);
    snprintf(goarch, sizeof(goarch), "GOARCH=%s", arch);
    snprintf(output, sizeof(output), "%s", koc_test_path("program"));
    const char *const argv[] = {"env",
                                goos,
                                goarch,
                                "CGO_ENABLED=0",
                                "GOFLAGS=-mod=mod",
                                "GOTOOLCHAIN=local",
                                "GOPROXY=off",
                                "GOWORK=off",
                                "go",
                                "build",
                                "-buildvcs=false",
                                "-tags=one,two",
                                "-ldflags",
                                "-s -X 'main.x=a \"b\"'",
                                "-o",
                                output,
                                ".",
                                NULL};
    assert_true(run(koc_test_dir(), argv, NULL));
    return koc_test_path("program");
}

/* The output of go itself without the first line; version: the end of that line. */
static void ask_go(const char *program, koc__dynbuf *text, char *version, size_t size)
{
    const char *const argv[] = {"go", "version", "-m", program, NULL};
    KOC__AUTO_VAL(koc__dynbuf) all = KOC__DYNBUF_INIT(1 << 20);
    assert_true(run("/", argv, &all));
    koc_str first, rest, before, last;
    assert_true(koc__str_cut(koc__dynbuf_view(&all), '\n', &first, &rest));
    assert_true(koc__str_rcut(first, ' ', &before, &last));
    snprintf(version, size, "%.*s", KOC__FMT(last));
    assert_int_equal(koc__dynbuf_put(text, rest, NULL), KOC_OK);
}

static const char *setting(const koc__exe_info *i, const char *key)
{
    for (size_t k = 0; k < i->n_settings; k++) {
        if (strcmp(i->settings[k].key, key) == 0) {
            return i->settings[k].value;
        }
    }
    return NULL;
}

static void check_program(const char *os, const char *arch)
{
    char version[64];
    KOC__AUTO(koc__exe_info) info = NULL;
    KOC__AUTO(koc__exe_info) again = NULL;
    KOC__AUTO_VAL(koc__dynbuf) want = KOC__DYNBUF_INIT(1 << 20);
    KOC__AUTO_VAL(koc__dynbuf) whole = KOC__DYNBUF_INIT((size_t)64 << 20);
    const char *program = build(os, arch);
    ask_go(program, &want, version, sizeof(version));

    assert_int_equal(koc__exe_info_read(program, &info, NULL), KOC_OK);
    assert_string_equal(info->go_version, version);
    assert_string_equal(info->text, koc__dynbuf_cstr(&want));
    assert_string_equal(info->path, "example.com/Team/hello");
    assert_string_equal(info->main.path, "example.com/Team/hello");
    assert_int_equal(info->n_deps, 1);
    assert_string_equal(info->deps[0].path, "example.com/lib_a");
    assert_string_equal(info->deps[0].version, "v1.2.3");
    assert_string_equal(info->deps[0].replace->path, "./lib");
    assert_string_equal(setting(info, "-ldflags"), "-s -X 'main.x=a \"b\"'");
    assert_string_equal(setting(info, "-tags"), "one,two");
    assert_string_equal(setting(info, "GOOS"), os);

    assert_int_equal(koc__fs_read_file(program, &whole, NULL), KOC_OK);
    assert_int_equal(koc__exe_info_parse(koc__dynbuf_view(&whole), &again, NULL), KOC_OK);
    assert_string_equal(again->text, info->text);
}

KOC_TEST(buildinfo_equals_go_version_m_in_every_format)
{
    static const char *const platforms[][2] = {
        {"linux", "amd64"},   {"linux", "386"},   {"linux", "arm64"},  {"linux", "s390x"},
        {"windows", "amd64"}, {"windows", "386"}, {"darwin", "arm64"}, {"darwin", "amd64"},
    };
    make_module();
    for (size_t i = 0; i < KOC__COUNT(platforms); i++) {
        check_program(platforms[i][0], platforms[i][1]);
    }
}

/* --- programs made by hand --- */

typedef struct bytes {
    unsigned char b[(size_t)80 << 10];
    size_t len;
    bool big;
} bytes;

static void put(bytes *p, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        unsigned shift = 8 * (p->big ? size - 1 - i : i);
        p->b[p->len++] = (unsigned char)(value >> shift);
    }
}

static void put_bytes(bytes *p, const void *data, size_t len)
{
    memcpy(p->b + p->len, data, len);
    p->len += len;
}

static void pad(bytes *p, size_t to)
{
    assert_true(p->len <= to);
    memset(p->b + p->len, 0, to - p->len);
    p->len = to;
}

#define DATA_OFFSET 256
#define DATA_ADDR   0x10000

/* The header of an ELF file with one writable segment from DATA_OFFSET to the end, and no sections. */
static void elf(bytes *p, unsigned pointer, size_t data_size)
{
    unsigned wide = pointer == 8;
    put_bytes(p,
              "\x7f"
              "ELF",
              4);
    put_bytes(p, wide ? "\2" : "\1", 1);
    put_bytes(p, p->big ? "\2\1" : "\1\1", 2);
    pad(p, 16);
    put(p, 2, 2), put(p, 62, 2), put(p, 1, 4);
    put(p, 0, pointer), put(p, wide ? 64 : 52, pointer), put(p, 0, pointer);
    put(p, 0, 4), put(p, wide ? 64 : 52, 2), put(p, wide ? 56 : 32, 2), put(p, 1, 2);
    put(p, 0, 2), put(p, 0, 2), put(p, 0, 2);
    put(p, 1, 4);
    if (wide) {
        put(p, 6, 4);
    }
    put(p, DATA_OFFSET, pointer), put(p, DATA_ADDR, pointer), put(p, DATA_ADDR, pointer);
    put(p, data_size, pointer), put(p, data_size, pointer);
    if (!wide) {
        put(p, 6, 4);
    }
    pad(p, DATA_OFFSET);
}

#define FRAME_START "0123456789abcdef"
#define TEXT        "path\tx/y\nmod\tx/y\tv1.0.0\t\ndep\ta/b\tv2.0.0\th1:s=\n"

/* A program from before Go 1.18: the block has pointers to string headers. */
static void old_program(bytes *p, unsigned pointer, bool big)
{
    const char text[] = FRAME_START TEXT FRAME_START;
    uint64_t headers = DATA_ADDR + 32, strings = headers + 4 * (uint64_t)pointer;
    p->len = 0;
    p->big = big;
    elf(p, pointer, 1024);
    put_bytes(p, "\xff Go buildinf:", 14);
    put(p, pointer, 1), put(p, big ? 1 : 0, 1);
    put(p, headers, pointer), put(p, headers + 2 * (uint64_t)pointer, pointer);
    pad(p, DATA_OFFSET + 32);
    put(p, strings, pointer), put(p, 8, pointer);
    put(p, strings + 16, pointer), put(p, sizeof(text) - 1, pointer);
    put_bytes(p, "go1.17.3", 8);
    pad(p, DATA_OFFSET + (size_t)(strings + 16 - DATA_ADDR));
    put_bytes(p, text, sizeof(text) - 1);
    pad(p, DATA_OFFSET + 1024);
}

/* A program of Go 1.18 or newer with text as its module text; skip: bytes before the block. */
static void new_program(bytes *p, const char *text, size_t skip)
{
    size_t n = strlen(text) + 32;
    p->len = 0;
    p->big = false;
    elf(p, 8, skip + 3072);
    pad(p, DATA_OFFSET + skip);
    put_bytes(p, "\xff Go buildinf:", 14);
    put(p, 8, 1), put(p, 2, 1);
    pad(p, DATA_OFFSET + skip + 32);
    put(p, 8, 1), put_bytes(p, "go1.20.1", 8);
    put(p, (n & 0x7f) | 0x80, 1), put(p, n >> 7, 1);
    put_bytes(p, FRAME_START, 16), put_bytes(p, text, strlen(text)), put_bytes(p, FRAME_START, 16);
    pad(p, DATA_OFFSET + skip + 3072);
}

static int parse(const bytes *p, koc__exe_info **out, koc_error **err)
{
    /* A copy of the exact size, so that a read past the end is seen. */
    char *copy = koc__malloc(KOC__MAX(p->len, 1));
    assert_non_null(copy);
    memcpy(copy, p->b, p->len);
    int rc = koc__exe_info_parse(koc__str_n(copy, p->len), out, err);
    koc__free(copy);
    return rc;
}

KOC_TEST(buildinfo_reads_pointers_of_old_programs)
{
    for (unsigned i = 0; i < 4; i++) {
        bytes p;
        KOC__AUTO(koc__exe_info) info = NULL;
        old_program(&p, i & 1 ? 8 : 4, (i & 2) != 0);
        assert_int_equal(parse(&p, &info, NULL), KOC_OK);
        assert_string_equal(info->go_version, "go1.17.3");
        assert_string_equal(info->main.version, "v1.0.0");
        assert_int_equal(info->n_deps, 1);
        assert_string_equal(info->deps[0].sum, "h1:s=");
        assert_string_equal(info->text,
                            "\tpath\tx/y\n\tmod\tx/y\tv1.0.0\t\n\tdep\ta/b\tv2.0.0\th1:s=\n");
    }
}

KOC_TEST(buildinfo_takes_only_an_aligned_block)
{
    bytes p;
    KOC__AUTO(koc__exe_info) info = NULL;
    new_program(&p, TEXT, 16);
    assert_int_equal(parse(&p, &info, NULL), KOC_OK);
    new_program(&p, TEXT, 8);
    assert_int_equal(parse(&p, &info, NULL), KOC_ENOTFOUND);
}

/* The block is searched in parts of 64 KiB. */
KOC_TEST(buildinfo_is_found_far_into_the_segment)
{
    static const size_t skips[] = {65536 - 16, 65536, 65536 + 16, 65536 + 8192};
    for (size_t i = 0; i < KOC__COUNT(skips); i++) {
        bytes p;
        KOC__AUTO(koc__exe_info) info = NULL;
        new_program(&p, TEXT, skips[i]);
        assert_int_equal(parse(&p, &info, NULL), KOC_OK);
        assert_string_equal(info->main.version, "v1.0.0");
    }
}

KOC_TEST(buildinfo_is_searched_in_the_first_segment_that_can_be_written)
{
    bytes p, headers = {.len = 0};
    KOC__AUTO(koc__exe_info) info = NULL;
    new_program(&p, TEXT, 0);
    put(&headers, 1, 4), put(&headers, 6, 4);
    put(&headers, DATA_OFFSET + 2048, 8), put(&headers, DATA_ADDR + 0x100000, 8);
    put(&headers, DATA_ADDR + 0x100000, 8), put(&headers, 1024, 8), put(&headers, 1024, 8);
    put(&headers, 4096, 8);
    memcpy(p.b + 64 + 56, headers.b, headers.len);
    p.b[56] = 2; /* program headers */
    assert_int_equal(parse(&p, &info, NULL), KOC_OK);
    assert_string_equal(info->main.version, "v1.0.0");
}

KOC_TEST(buildinfo_without_framing_has_no_modules)
{
    bytes p;
    KOC__AUTO(koc__exe_info) info = NULL;
    new_program(&p, "path\tx", 0); /* no line end before the frame */
    assert_int_equal(parse(&p, &info, NULL), KOC_OK);
    assert_null(info->path);
    assert_null(info->main.path);
    assert_string_equal(info->text, "");
    assert_string_equal(info->go_version, "go1.20.1");
}

static int parse_text(const char *text, koc__exe_info **out, koc_error **err)
{
    bytes p;
    new_program(&p, text, 0);
    return parse(&p, out, err);
}

KOC_TEST(buildinfo_unquotes_build_lines)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    assert_int_equal(parse_text("build\ta=b\nbuild\t\"k =\"=\"v\\t\\x41\\101\\u00e9\\U0001F600\"\n"
                                "build\tr=`a\"\\n b`\nbuild\te=\nfuture\tthing\n",
                                &info, NULL),
                     KOC_OK);
    assert_int_equal(info->n_settings, 4);
    assert_string_equal(info->settings[0].value, "b");
    assert_string_equal(info->settings[1].key, "k =");
    assert_string_equal(info->settings[1].value, "v\tAA\xc3\xa9\xf0\x9f\x98\x80");
    assert_string_equal(info->settings[2].value, "a\"\\n b");
    assert_string_equal(info->settings[3].value, "");
    assert_string_equal(info->text, "\tbuild\ta=b\n"
                                    "\tbuild\t\"k =\"=\"v\\tAA\xc3\xa9\xf0\x9f\x98\x80\"\n"
                                    "\tbuild\tr=\"a\\\"\\\\n b\"\n\tbuild\te=\n");
}

KOC_TEST(buildinfo_escapes_have_digits_of_either_case)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    assert_int_equal(parse_text("build\tk=\"\\x4A\\x4a\\u00AF\\u00af\\x4F\\x4f\"\n", &info, NULL),
                     KOC_OK);
    assert_string_equal(info->settings[0].value, "JJ\xc2\xaf\xc2\xafOO");
}

KOC_TEST(buildinfo_quotes_what_cannot_be_printed)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    assert_int_equal(parse_text("build\tk=\" \\x01\\x7f\\xff\\u200b\\ufeff\"\n", &info, NULL),
                     KOC_OK);
    assert_string_equal(info->text, "\tbuild\tk=\" \\x01\\x7f\\xff\\u200b\\ufeff\"\n");
}

KOC_TEST(buildinfo_follows_replacements)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    assert_int_equal(parse_text("mod\tm\t(devel)\n=>\tother\tv1\t\n"
                                "dep\ta\tv1\n=>\tb\tv2\th1:x\n\ndep\tc\tv3\th1:y\n",
                                &info, NULL),
                     KOC_OK);
    assert_string_equal(info->main.replace->path, "other");
    assert_int_equal(info->n_deps, 2);
    assert_string_equal(info->deps[0].replace->version, "v2");
    assert_string_equal(info->deps[0].sum, "");
    assert_null(info->deps[1].replace);
    assert_string_equal(info->text, "\tmod\tm\t(devel)\n\t=>\tother\tv1\t\n\t\n"
                                    "\tdep\ta\tv1\n\t=>\tb\tv2\th1:x\n\t\n\tdep\tc\tv3\th1:y\n");
}

KOC_TEST(buildinfo_refuses_damaged_text)
{
    static const char *const bad[] = {
        "mod\tonly\n",
        "dep\ta\tb\tc\td\n",
        "=>\ta\tb\tc\n",
        "dep\ta\tv\n=>\tb\tv2\n",
        "dep\ta\tv\n=>\tb\tv\ts\n=>\tb\tv\ts\n",
        "build\tnothing\n",
        "build\t=v\n",
        "build\t\"k\n",
        "build\t\"k\"x=v\n",
        "build\tk=\"v\n",
        "build\tk=\"v\"x\n",
        "build\tk=a b\n",
        "build\ta b=c\n",
        "build\tk=\"\\q\"\n",
        "build\tk=\"\\x0\"\n",
        "build\tk=\"\\x00\"\n",
        "build\tk=\"\\ud800\"\n",
        "build\tk=\"\\400\"\n",
    };
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        KOC__AUTO(koc__exe_info) info = NULL;
        KOC__AUTO(koc_error) err = NULL;
        int rc = parse_text(bad[i], &info, &err);
        if (rc != KOC_EFORMAT) {
            fail_msg("accepted: %s", bad[i]);
        }
        assert_null(info);
        assert_non_null(strstr(koc_error_message(err), "damaged: line"));
    }
}

KOC_TEST(buildinfo_refuses_a_long_path_and_a_nul)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    bytes p;
    new_program(&p, TEXT, 0);
    p.b[DATA_OFFSET + 32 + 9 + 2 + 16 + 3] = 0;
    assert_int_equal(parse(&p, &info, NULL), KOC_EFORMAT);
    assert_null(info);
}

KOC_TEST(buildinfo_says_when_there_is_none)
{
    static const char *const files[] = {
        "", "#!/bin/sh\necho hello, world\n",
        "\x7f"
        "ELF",
        "MZ", "MZ..............................................................."};
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        KOC__AUTO(koc__exe_info) info = NULL;
        const char *path = koc_test_write("file", files[i], strlen(files[i]));
        int rc = koc__exe_info_read(path, &info, NULL);
        assert_true(rc == KOC_ENOTFOUND || rc == KOC_EFORMAT);
    }
    KOC__AUTO(koc__exe_info) info = NULL;
    KOC__AUTO(koc_error) err = NULL;
    assert_int_equal(koc__exe_info_read("/bin/sh", &info, &err), KOC_ENOTFOUND);
    assert_string_equal(koc_error_message(err), "/bin/sh has no Go build info");
    assert_int_equal(koc__exe_info_read(koc_test_path("missing"), &info, NULL), KOC_ENOTFOUND);
}

/* Every truncation and many flipped bytes: an error or a result, never a fault. */
KOC_TEST(buildinfo_survives_damage)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    bytes good[3];
    old_program(&good[0], 8, false);
    old_program(&good[1], 4, true);
    new_program(&good[2], TEXT "build\t\"a b\"=\"c\\u00e9\"\n", 48);
    for (size_t g = 0; g < KOC__COUNT(good); g++) {
        for (size_t len = 0; len < good[g].len; len += 7) {
            bytes p = good[g];
            KOC__AUTO(koc__exe_info) info = NULL;
            p.len = len;
            (void)parse(&p, &info, NULL);
        }
        for (unsigned round = 0; round < 4000; round++) {
            bytes p = good[g];
            KOC__AUTO(koc__exe_info) info = NULL;
            for (unsigned k = 0; k < 1 + round % 4; k++) {
                seed = seed * 6364136223846793005U + 1442695040888963407U;
                size_t at = (size_t)(seed >> 33) % (round % 2 ? 128 : p.len);
                p.b[at] = (unsigned char)(seed >> 25);
            }
            (void)parse(&p, &info, NULL);
        }
    }
}

KOC_TEST(buildinfo_survives_damage_of_a_real_program)
{
    static const char *const platforms[][2] = {
        {"linux", "amd64"}, {"windows", "amd64"}, {"darwin", "arm64"}};
    uint64_t seed = 1;
    make_module();
    for (size_t i = 0; i < KOC__COUNT(platforms); i++) {
        KOC__AUTO_VAL(koc__dynbuf) file = KOC__DYNBUF_INIT((size_t)64 << 20);
        const char *program = build(platforms[i][0], platforms[i][1]);
        assert_int_equal(koc__fs_read_file(program, &file, NULL), KOC_OK);
        for (unsigned round = 0; round < 500; round++) {
            KOC__AUTO(koc__exe_info) info = NULL;
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            size_t at = (size_t)(seed >> 33) % 2048;
            char old = file.ptr[at];
            file.ptr[at] = (char)(seed >> 25);
            (void)koc__exe_info_parse(koc__dynbuf_view(&file), &info, NULL);
            file.ptr[at] = old;
        }
    }
}

KOC_TEST(buildinfo_survives_lack_of_memory)
{
    bytes p;
    new_program(&p, TEXT "dep\tq\tv1\n=>\tw\tv2\t\nbuild\ta=b\n", 0);
    for (uint64_t n = 1; n < 100; n++) {
        KOC__AUTO(koc__exe_info) info = NULL;
        char *copy = koc__malloc(p.len);
        memcpy(copy, p.b, p.len);
        koc__alloc_fail_after(n);
        int rc = koc__exe_info_parse(koc__str_n(copy, p.len), &info, NULL);
        koc__alloc_fail_after(0);
        koc__free(copy);
        if (rc == KOC_OK) {
            assert_true(n > 5);
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
        assert_null(info);
    }
    fail_msg("never enough memory");
}
