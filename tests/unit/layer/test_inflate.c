/* Reading gzip: members, damage, bombs; and the deflate code under it against libdeflate. */
#include "helper.h"

#include <libdeflate.h>

#include "layer/deflate.h"

/* A member with the given flags and content. */
static void member(koc__dynbuf *out, uint8_t flags, const char *extra, size_t extra_len,
                   const void *data, size_t len)
{
    uint8_t header[10] = {0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3};
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    size_t bound = libdeflate_deflate_compress_bound(c, len) + 16;
    uint8_t *body = koc__malloc(bound);
    koc_error *err = NULL;
    size_t n = libdeflate_deflate_compress(c, data, len, body, bound);
    uint32_t crc = libdeflate_crc32(0, data, len);
    uint8_t trailer[8];
    assert_true(n > 0);
    for (int i = 0; i < 4; i++) {
        trailer[i] = (uint8_t)(crc >> 8 * i);
        trailer[4 + i] = (uint8_t)(len >> 8 * i);
    }
    ok(koc__dynbuf_append(out, header, sizeof(header), &err), err);
    ok(koc__dynbuf_append(out, extra, extra_len, &err), err);
    ok(koc__dynbuf_append(out, body, n, &err), err);
    ok(koc__dynbuf_append(out, trailer, sizeof(trailer), &err), err);
    koc__free(body);
    libdeflate_free_compressor(c);
}

static void decodes_to(const koc__dynbuf *gz, const void *expect, size_t len)
{
    static const size_t steps[] = {1, 3, 1000000};
    for (size_t i = 0; i < KOC__COUNT(steps); i++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
        koc_error *err = NULL;
        ok(gunzip(gz->ptr, gz->len, steps[i], len, &out, &err), err);
        assert_int_equal(out.len, len);
        if (len > 0) {
            assert_memory_equal(out.ptr, expect, len);
        }
    }
}

KOC_TEST(gunzip_reads_all_members_and_optional_fields)
{
    KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(TEST_MAX);
    member(&gz, 0, "", 0, "one", 3);
    member(&gz, 4, "\x03\0abc", 5, "", 0);
    member(&gz, 8 | 16, "name\0a comment\0", 15, " two", 4);
    member(&gz, 2, "\x12\x34", 2, " three", 6);
    member(&gz, 4 | 8 | 2, "\0\0n\0xx", 6, "", 0);
    decodes_to(&gz, "one two three", 13);
}

/* eStargz: a member for every file and a last, empty one with the footer in its extra field. */
KOC_TEST(gunzip_reads_estargz_shaped_layers)
{
    enum { FILES = 300, EACH = 700 };
    KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(TEST_MAX);
    uint8_t *data = koc__malloc((size_t)FILES * EACH);
    noise(data, (size_t)FILES * EACH, 5, true);
    for (size_t i = 0; i < FILES; i++) {
        member(&gz, 0, "", 0, data + i * EACH, EACH);
    }
    member(&gz, 4,
           "\x1a\0SG\x16\0"
           "000000000000cafeSTARGZ",
           28, "", 0);
    decodes_to(&gz, data, (size_t)FILES * EACH);
    koc__free(data);
}

KOC_TEST(gunzip_refuses_what_follows_the_end)
{
    static const char *const tails[] = {"x", "\x1f", "\x1f\x8c", "garbage garbage garbage"};
    for (size_t i = 0; i < KOC__COUNT(tails); i++) {
        KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(TEST_MAX);
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
        koc_error *err = NULL;
        member(&gz, 0, "", 0, "abc", 3);
        ok(koc__dynbuf_puts(&gz, tails[i], &err), err);
        fails(gunzip(gz.ptr, gz.len, 5, TEST_MAX, &out, &err), KOC_EFORMAT, &err);
    }
}

KOC_TEST(gunzip_notices_every_truncation)
{
    uint8_t data[3000];
    KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(TEST_MAX);
    noise(data, sizeof(data), 1, true);
    member(&gz, 4, "\x02\0ab", 4, data, sizeof(data));
    for (size_t len = 0; len < gz.len; len++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
        koc_error *err = NULL;
        fails(gunzip(gz.ptr, len, 1000, TEST_MAX, &out, &err), KOC_EFORMAT, &err);
    }
}

KOC_TEST(gunzip_notices_a_wrong_checksum_and_length)
{
    for (size_t back = 1; back <= 8; back++) {
        KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(TEST_MAX);
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
        koc_error *err = NULL;
        member(&gz, 0, "", 0, "abcabcabc", 9);
        gz.ptr[gz.len - back] ^= 0x40;
        fails(gunzip(gz.ptr, gz.len, 1000, TEST_MAX, &out, &err), KOC_EFORMAT, &err);
    }
}

KOC_TEST(gunzip_survives_any_flipped_bit)
{
    uint8_t data[2000];
    KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(TEST_MAX);
    noise(data, sizeof(data), 8, true);
    member(&gz, 0, "", 0, data, sizeof(data));
    for (size_t bit = 0; bit < gz.len * 8; bit++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
        koc_error *err = NULL;
        gz.ptr[bit / 8] ^= (char)(1 << bit % 8);
        int rc = gunzip(gz.ptr, gz.len, 1000, 1 << 20, &out, &err);
        if (rc == KOC_OK) { /* a bit that nobody looks at: MTIME, XFL, OS, FTEXT, padding */
            assert_int_equal(out.len, sizeof(data));
            assert_memory_equal(out.ptr, data, sizeof(data));
        }
        koc__error_clear(&err);
        gz.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
}

KOC_TEST(gunzip_stops_at_its_ceiling)
{
    enum { SIZE = 8 << 20 };
    KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) all = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    char *zeros = koc__calloc(1, SIZE);
    member(&gz, 0, "", 0, zeros, SIZE);
    assert_true(gz.len < SIZE / 500);
    fails(gunzip(gz.ptr, gz.len, 1000, SIZE - 1, &out, &err), KOC_ELIMIT, &err);
    assert_true(out.len < SIZE);
    ok(gunzip(gz.ptr, gz.len, 1000, SIZE, &all, &err), err);
    assert_int_equal(all.len, SIZE);
    koc__free(zeros);
}

static int broken_read(void *self KOC__UNUSED, void *buf, size_t len KOC__UNUSED, size_t *n_read,
                       koc_error **err)
{
    static int calls = 0;
    if (calls++ == 0) {
        memcpy(buf, "\x1f\x8b\x08\0", 4);
        *n_read = 4;
        return KOC_OK;
    }
    return koc__error(err, KOC_ENET, "the line is dead");
}

KOC_TEST(gunzip_passes_on_why_its_input_failed)
{
    static const koc__reader_vt vt = {broken_read, NULL};
    KOC__AUTO(koc_reader) gz = NULL;
    koc_reader *in = NULL;
    koc_error *err = NULL;
    char buf[10];
    size_t n = 0;
    ok(koc__reader_make(&vt, NULL, &in, &err), err);
    ok(koc__gunzip_new(in, TEST_MAX, &gz, &err), err);
    fails(koc_reader_read(gz, buf, sizeof(buf), &n, &err), KOC_ENET, &err);
    fails(koc_reader_read(gz, buf, sizeof(buf), &n, &err), KOC_ENET, &err);
}

/* --- below gzip --- */

static int scan(const uint8_t *data, size_t len, koc__deflate_scan *out)
{
    koc_error *err = NULL;
    koc__deflate_codes *codes = koc__malloc(sizeof(*codes));
    int rc = koc__deflate_scan_run(data, len, codes, out, &err);
    koc__free(codes);
    koc__error_clear(&err);
    return rc;
}

/* Streams made by hand: stored, fixed, and what no encoder should make. */
KOC_TEST(scan_reads_each_kind_of_block)
{
    static const uint8_t empty_fixed[] = {0x03, 0x00};
    static const uint8_t stored[] = {0x01, 0x03, 0x00, 0xfc, 0xff, 'a', 'b', 'c'};
    static const uint8_t two[] = {0x00, 0x01, 0x00, 0xfe, 0xff, 'a', 0x03, 0x00};
    static const uint8_t fixed_a[] = {0x4b, 0x04, 0x00}; /* "a" */
    koc__deflate_scan s = {0};
    assert_int_equal(scan(empty_fixed, sizeof(empty_fixed), &s), KOC_OK);
    assert_int_equal(s.out_size, 0);
    assert_int_equal(s.final_bit, 0);
    assert_int_equal(s.end_bit, 10);
    assert_int_equal(scan(stored, sizeof(stored), &s), KOC_OK);
    assert_int_equal(s.out_size, 3);
    assert_int_equal(s.end_bit, 64);
    assert_int_equal(scan(two, sizeof(two), &s), KOC_OK);
    assert_int_equal(s.final_bit, 48);
    assert_int_equal(s.out_size, 1);
    assert_int_equal(scan(fixed_a, sizeof(fixed_a), &s), KOC_OK);
    assert_int_equal(s.out_size, 1);
    assert_int_equal(s.end_bit, 18);
}

KOC_TEST(scan_refuses_broken_streams)
{
    static const uint8_t reserved[] = {0x07, 0x00};
    static const uint8_t bad_stored[] = {0x01, 0x03, 0x00, 0xfc, 0xfe, 'a', 'b', 'c'};
    static const uint8_t short_stored[] = {0x01, 0x03, 0x00, 0xfc, 0xff, 'a', 'b'};
    static const uint8_t longer[] = {0x03, 0x00, 0x00};
    static const uint8_t no_end[] = {0x02, 0x00};
    koc__deflate_scan s = {0};
    assert_int_equal(scan(reserved, sizeof(reserved), &s), KOC_EFORMAT);
    assert_int_equal(scan(bad_stored, sizeof(bad_stored), &s), KOC_EFORMAT);
    assert_int_equal(scan(short_stored, sizeof(short_stored), &s), KOC_EFORMAT);
    assert_int_equal(scan(longer, sizeof(longer), &s), KOC_EFORMAT);
    assert_int_equal(scan(no_end, sizeof(no_end), &s), KOC_EFORMAT);
    assert_int_equal(scan(NULL, 0, &s), KOC_EFORMAT);
}

/* Whatever the bytes: our decoder takes what libdeflate takes, with the same result. */
KOC_TEST(inflate_agrees_with_libdeflate_on_noise)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    koc__inflate inflate;
    koc_error *err = NULL;
    static uint8_t theirs[1 << 20];
    unsigned good = 0;
    ok(koc__inflate_init(&inflate, &err), err);
    for (uint32_t seed = 0; seed < 20000; seed++) {
        uint8_t data[64];
        noise(data, sizeof(data), seed, false);
        data[0] = (uint8_t)(data[0] & ~7u) | (seed % 3 == 0 ? 3 : 5);
        size_t used = 0;
        size_t made = 0;
        enum libdeflate_result expect = libdeflate_deflate_decompress_ex(
            d, data, sizeof(data), theirs, sizeof(theirs), &used, &made);
        koc__inflate_reset(&inflate);
        inflate.bits = (koc__bits){.next = data, .end = data + sizeof(data)};
        size_t total = 0;
        const char *wrong = NULL;
        for (;;) {
            const uint8_t *out = NULL;
            size_t n = 0;
            wrong = koc__inflate_next(&inflate, &out, &n);
            if (wrong || n == 0) {
                break;
            }
            if (expect == LIBDEFLATE_SUCCESS) {
                assert_true(total + n <= made);
                assert_memory_equal(out, theirs + total, n);
            }
            total += n;
        }
        /* The fixed code has four codes that mean nothing; libdeflate gives them a meaning, zlib does not. */
        bool meaningless =
            seed % 3 == 0 && wrong && (strstr(wrong, "unknown") || strstr(wrong, "nowhere"));
        if (!meaningless && (wrong == NULL) != (expect == LIBDEFLATE_SUCCESS)) {
            fail_msg("seed %u: libdeflate says %d, we say %s", seed, expect,
                     wrong ? wrong : "fine");
        }
        if (!wrong) {
            assert_int_equal(total, made);
            assert_int_equal((size_t)(inflate.bits.next - data) - inflate.bits.count / 8, used);
            good++;
        }
    }
    assert_true(good > 100);
    koc__inflate_dispose(&inflate);
    libdeflate_free_decompressor(d);
}
