/* The tar reader: dialects, limits, damage. */
#include "helper.h"

#include "core/run/proc.h"

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

/* Reads a whole archive; counts entries. */
static int read_all(const void *data, size_t len, size_t step, size_t *entries, koc_error **err)
{
    KOC__AUTO(koc_reader) in = trickle(data, len, step);
    KOC__AUTO(koc__tar_reader) r = NULL;
    KOC__TRY(koc__tar_reader_new(in, "test.tar", &r, err));
    for (*entries = 0;; *entries += 1) {
        koc__tar_entry e = {0};
        bool more = false;
        char buf[100];
        size_t n = 0;
        KOC__TRY(koc__tar_next(r, &e, &more, err));
        if (!more) {
            return KOC_OK;
        }
        KOC__TRY(koc__tar_read(r, buf, sizeof(buf), &n, err));
    }
}

KOC_TEST(tar_reader_gives_back_what_go_wrote)
{
    KOC__AUTO_VAL(koc__dynbuf) packed = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) again = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &again);
    koc_error *err = NULL;
    golden("tar/expect.tar.gz", &packed);
    ok(gunzip(packed.ptr, packed.len, 5000, TEST_MAX, &tar, &err), err);
    KOC__AUTO(koc_reader) in = trickle(tar.ptr, tar.len, 777);
    ok(koc__tar_reader_new(in, "go", &r, &err), err);
    /* Written again the archive must be the same: so everything was read. */
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        char buf[4];
        size_t n = 0;
        ok(koc__tar_next(r, &e, &more, &err), err);
        if (!more) {
            break;
        }
        ok(koc__tar_header(&w, &e, &err), err);
        if (e.size > 0) {
            ok(koc__tar_read(r, buf, sizeof(buf), &n, &err), err);
            assert_int_equal(n, 3);
            ok(koc__tar_data(&w, buf, n, &err), err);
            ok(koc__tar_read(r, buf, sizeof(buf), &n, &err), err);
            assert_int_equal(n, 0);
        }
    }
    ok(koc__tar_end(&w, &err), err);
    assert_int_equal(again.len, tar.len);
    assert_memory_equal(again.ptr, tar.ptr, tar.len);
}

/* A file with a long name and a link with a long target, as the system's tar writes them. */
static void check_dialect(const char *format)
{
    char name[180];
    char member[220];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    const char *const argv[] = {"tar", format, "-cf", "-", "-C", koc_test_dir(), "d", NULL};
    koc__proc p = {.argv = argv};
    KOC__AUTO_VAL(koc__proc_result) tar = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc_error *err = NULL;
    koc__tar_entry e = {0};
    bool more = false;
    char content[10] = {0};
    size_t n = 0;
    ok(koc__fs_mkdirs(koc_test_path("d"), 0755, &err), err);
    snprintf(member, sizeof(member), "d/%s", name);
    koc_test_write(member, "content", 7);
    snprintf(member, sizeof(member), "d/z");
    unlink(koc_test_path(member));
    assert_int_equal(symlink(name, koc_test_path(member)), 0);
    ok(koc__proc_run(&p, NULL, &tar, &err), err);
    assert_int_equal(tar.exit_code, 0);
    KOC__AUTO(koc_reader) in = trickle(tar.output.ptr, tar.output.len, 100);
    ok(koc__tar_reader_new(in, format, &r, &err), err);
    unsigned seen = 0;
    for (;;) {
        ok(koc__tar_next(r, &e, &more, &err), err);
        if (!more) {
            break;
        }
        if (e.type == KOC__TAR_DIR) {
            assert_string_equal(e.name, "d/");
            seen |= 1;
        } else if (e.type == KOC__TAR_SYMLINK) {
            assert_string_equal(e.link, name);
            seen |= 2;
        } else {
            assert_int_equal(e.type, KOC__TAR_FILE);
            assert_string_equal(e.name + 2, name);
            ok(koc__tar_read(r, content, sizeof(content), &n, &err), err);
            assert_int_equal(n, 7);
            assert_memory_equal(content, "content", 7);
            seen |= 4;
        }
    }
    assert_int_equal(seen, 7);
}

KOC_TEST(tar_reader_reads_gnu_long_names)
{
    check_dialect("--format=gnu");
}

KOC_TEST(tar_reader_reads_pax)
{
    check_dialect("--format=pax");
}

static void make_archive(koc__dynbuf *out)
{
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, out);
    koc__tar_record record = {"SCHILY.xattr.user.x", KOC__STR("value")};
    koc_error *err = NULL;
    koc__tar_entry e = {.name = "\xc3\xbc",
                        .type = KOC__TAR_FILE,
                        .size = 700,
                        .mtime = -3,
                        .records = &record,
                        .n_records = 1};
    char content[700] = {0};
    ok(koc__tar_header(&w, &e, &err), err);
    ok(koc__tar_data(&w, content, sizeof(content), &err), err);
    e = (koc__tar_entry){.name = "plain", .type = KOC__TAR_DIR};
    ok(koc__tar_header(&w, &e, &err), err);
    ok(koc__tar_end(&w, &err), err);
}

KOC_TEST(tar_reader_notices_truncation)
{
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    make_archive(&tar);
    assert_int_equal(tar.len, 512 * (3 + 2 + 1 + 2));
    for (size_t len = 1; len < tar.len; len++) {
        koc_error *err = NULL;
        size_t n = 0;
        int rc = read_all(tar.ptr, len, 600, &n, &err);
        /* Only without its end mark, or with half of it, is it whole. */
        bool whole = len == tar.len - 1024 || len == tar.len - 512;
        bool before_second = len == 512 * 5;
        if (whole || before_second) {
            ok(rc, err);
            assert_int_equal(n, whole ? 2 : 1);
        } else {
            fails(rc, KOC_EFORMAT, &err);
        }
    }
}

KOC_TEST(tar_reader_survives_any_flipped_bit)
{
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    make_archive(&tar);
    for (size_t bit = 0; bit < 512 * 3 * 8; bit++) {
        koc_error *err = NULL;
        size_t n = 0;
        tar.ptr[bit / 8] ^= (char)(1 << bit % 8);
        int rc = read_all(tar.ptr, tar.len, 10000, &n, &err);
        /* A space for a NUL beside the checksum's digits is still right. */
        bool header = bit / 8 / 512 != 1 && (bit / 8 % 512 < 148 || bit / 8 % 512 > 155);
        assert_true(rc != KOC_OK || !header);
        koc__error_clear(&err);
        tar.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
}

/* Sets the checksum anew. */
static void seal(uint8_t *block)
{
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++) {
        sum += block[i];
    }
    snprintf((char *)block + 148, 8, "%06o", sum);
}

static void header(koc__dynbuf *out, char type, const char *size)
{
    uint8_t block[512] = {0};
    koc_error *err = NULL;
    memcpy(block, "name", 4);
    memcpy(block + 124, size, strlen(size));
    block[156] = (uint8_t)type;
    seal(block);
    ok(koc__dynbuf_append(out, block, sizeof(block), &err), err);
}

static void records(koc__dynbuf *out, const char *text, size_t len)
{
    char size[24];
    char block[1024] = {0};
    koc_error *err = NULL;
    assert_true(len <= sizeof(block));
    snprintf(size, sizeof(size), "%zo", len);
    header(out, 'x', size);
    memcpy(block, text, len);
    ok(koc__dynbuf_append(out, block, (len + 511) / 512 * 512, &err), err);
}

KOC_TEST(tar_reader_refuses_broken_records)
{
    static const char *const bad[] = {
        "7 a=b",        "6 a=b",          "x a=b\n",
        " 6 a=b\n",     "6 ab\n\n",       "99999999999999999999 a=b\n",
        "5 =b\n",       "100 path=b\n",   "12 size=-1\n",
        "12 size=1x\n", "14 mtime=1.x\n", "0 ",
        "3 \n",         "11 uid=abc\n",
    };
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
        koc_error *err = NULL;
        size_t n = 0;
        records(&tar, bad[i], strlen(bad[i]));
        header(&tar, '0', "0");
        if (read_all(tar.ptr, tar.len, 1000, &n, &err) != KOC_EFORMAT) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        koc__error_clear(&err);
    }
    KOC__AUTO_VAL(koc__dynbuf) nul = KOC__DYNBUF_INIT(TEST_MAX);
    koc_error *err = NULL;
    size_t n = 0;
    records(&nul, "10 path=\0\n", 10);
    header(&nul, '0', "0");
    fails(read_all(nul.ptr, nul.len, 1000, &n, &err), KOC_EFORMAT, &err);
}

KOC_TEST(tar_reader_has_limits)
{
    KOC__AUTO_VAL(koc__dynbuf) many = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) large = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) huge = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) alone = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) sparse = KOC__DYNBUF_INIT(TEST_MAX);
    koc_error *err = NULL;
    size_t n = 0;
    for (int i = 0; i < 20; i++) {
        records(&many, "6 a=b\n", 6);
    }
    fails(read_all(many.ptr, many.len, 1000, &n, &err), KOC_ELIMIT, &err);
    header(&large, 'L', "77777777");
    fails(read_all(large.ptr, large.len, 1000, &n, &err), KOC_EFORMAT, &err);
    header(&huge, '0', "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    memcpy(huge.ptr + 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
    seal((uint8_t *)huge.ptr);
    fails(read_all(huge.ptr, huge.len, 1000, &n, &err), KOC_EFORMAT, &err);
    records(&alone, "6 a=b\n", 6);
    fails(read_all(alone.ptr, alone.len, 1000, &n, &err), KOC_EFORMAT, &err);
    header(&sparse, 'S', "0");
    fails(read_all(sparse.ptr, sparse.len, 1000, &n, &err), KOC_EUNSUPPORTED, &err);
}

KOC_TEST(tar_reader_jumps_over_content_of_blobs)
{
    enum { BIG = 1 << 20 };
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &tar);
    koc__tar_entry e = {.name = "big", .type = KOC__TAR_FILE, .size = BIG + 1};
    koc_error *err = NULL;
    bool more = false;
    char c = 0;
    size_t n = 0;
    char *content = koc__calloc(1, BIG + 1);
    ok(koc__tar_header(&w, &e, &err), err);
    ok(koc__tar_data(&w, content, BIG + 1, &err), err);
    e = (koc__tar_entry){.name = "small", .type = KOC__TAR_FILE, .size = 1};
    ok(koc__tar_header(&w, &e, &err), err);
    ok(koc__tar_data(&w, "!", 1, &err), err);
    ok(koc__tar_end(&w, &err), err);
    koc__free(content);
    ok(koc_blob_from_bytes(koc__dynbuf_view(&tar), &blob, &err), err);
    ok(koc__tar_reader_open(blob, "blob", NULL, &r, &err), err);
    ok(koc__tar_next(r, &e, &more, &err), err);
    assert_true(more);
    assert_int_equal(koc__tar_content_offset(r), 512);
    ok(koc__tar_next(r, &e, &more, &err), err);
    assert_true(more);
    assert_string_equal(e.name, "small");
    assert_int_equal(koc__tar_content_offset(r), tar.len - 1024 - 512);
    ok(koc__tar_read(r, &c, 1, &n, &err), err);
    assert_int_equal(c, '!');
    ok(koc__tar_next(r, &e, &more, &err), err);
    assert_false(more);
}

KOC_TEST(tar_reader_forgets_the_records_of_the_entry_before)
{
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc_error *err = NULL;
    koc__tar_entry e = {0};
    bool more = false;
    records(&tar, "16 path=renamed\n27 SCHILY.xattr.user.a=one\n", 43);
    header(&tar, '0', "0");
    header(&tar, '0', "0");
    KOC__AUTO(koc_reader) in = trickle(tar.ptr, tar.len, 512);
    ok(koc__tar_reader_new(in, "x.tar", &r, &err), err);
    ok(koc__tar_next(r, &e, &more, &err), err);
    assert_string_equal(e.name, "renamed");
    assert_int_equal(e.n_records, 1);
    ok(koc__tar_next(r, &e, &more, &err), err);
    assert_true(more);
    assert_string_equal(e.name, "name");
    assert_int_equal(e.n_records, 0);
}

/* POSIX continues the name at 345; GNU has times there. */
KOC_TEST(tar_reader_takes_a_prefix_from_posix_headers_only)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *name;
    } cases[] = {{"ustar\00000", 8, "pre/fix/name"}, {"ustar  \0", 8, "name"}, {"", 0, "name"}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
        KOC__AUTO(koc__tar_reader) r = NULL;
        koc_error *err = NULL;
        koc__tar_entry e = {0};
        bool more = false;
        header(&tar, '0', "0");
        memcpy(tar.ptr + 257, cases[i].magic, cases[i].len);
        memcpy(tar.ptr + 345, "pre/fix", 7);
        seal((uint8_t *)tar.ptr);
        KOC__AUTO(koc_reader) in = trickle(tar.ptr, tar.len, 512);
        ok(koc__tar_reader_new(in, "x.tar", &r, &err), err);
        ok(koc__tar_next(r, &e, &more, &err), err);
        assert_string_equal(e.name, cases[i].name);
    }
}
