#include "core/common.h"

#include "core/str.h"
#include "core/text.h"
#include "test.h"

KOC_TEST(text_hex)
{
    const uint8_t bytes[] = {0x00, 0x7f, 0xa5, 0xff};
    uint8_t back[4];
    char text[9];
    koc__hex(bytes, 4, text);
    assert_string_equal(text, "007fa5ff");
    assert_true(koc__unhex(KOC__STR("007fa5ff"), back));
    assert_memory_equal(back, bytes, 4);
    assert_false(koc__unhex(KOC__STR("0"), back));
    assert_false(koc__unhex(KOC__STR("0G"), back));
    assert_false(koc__unhex(KOC__STR("FF"), back));
    assert_true(koc__unhex(KOC__STR(""), back));
}

static void check_base64(const char *plain, const char *encoded)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);
    assert_int_equal(koc__base64(&b, koc__str(plain), false, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&b), encoded);
    koc__dynbuf_clear(&b);
    assert_int_equal(koc__unbase64(&b, koc__str(encoded), NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&b), plain);
}

/* RFC 4648, section 10. */
KOC_TEST(text_base64_vectors)
{
    check_base64("", "");
    check_base64("f", "Zg==");
    check_base64("fo", "Zm8=");
    check_base64("foo", "Zm9v");
    check_base64("foob", "Zm9vYg==");
    check_base64("fooba", "Zm9vYmE=");
    check_base64("foobar", "Zm9vYmFy");
    check_base64("\xfb\xff", "+/8=");
}

KOC_TEST(text_base64_url_alphabet_and_no_padding)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);
    assert_int_equal(koc__base64(&b, KOC__STR("\xfb\xff\xfe"), true, NULL), KOC_OK);
    assert_string_equal(b.ptr, "-__-");
    koc__dynbuf_clear(&b);
    assert_int_equal(koc__unbase64(&b, KOC__STR("-__-"), NULL), KOC_OK);
    assert_string_equal(b.ptr, "\xfb\xff\xfe");
    koc__dynbuf_clear(&b);
    assert_int_equal(koc__unbase64(&b, KOC__STR("Zg"), NULL), KOC_OK);
    assert_string_equal(b.ptr, "f");
}

KOC_TEST(text_unbase64_refuses)
{
    static const char *const bad[] = {"Z",     "Zg=",    "Zg===",    "====", "Zh==",  "Zm9=",
                                      "Z m9v", "Zm9v\n", "Zg==Zg==", "=Zg=", "Zm9vY", "Zm.v"};
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);

    koc__dynbuf_puts(&b, "before", NULL);
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        assert_int_equal(koc__unbase64(&b, koc__str(bad[i]), NULL), KOC_EFORMAT);
        assert_string_equal(b.ptr, "before");
    }
}

KOC_TEST(text_base64_respects_the_limit)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(7);
    assert_int_equal(koc__base64(&b, KOC__STR("foobar"), false, NULL), KOC_ELIMIT);
    assert_int_equal(koc__base64(&b, KOC__STR("foo"), false, NULL), KOC_OK);
    assert_string_equal(b.ptr, "Zm9v");
}

KOC_TEST(text_percent)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);
    assert_int_equal(koc__percent(&b, koc__str_n("aZ0-._~ /:\xff\0?", 13), "/", NULL), KOC_OK);
    assert_string_equal(b.ptr, "aZ0-._~%20/%3A%FF%00%3F");
    koc__dynbuf_clear(&b);
    assert_int_equal(koc__percent(&b, KOC__STR("a/b"), NULL, NULL), KOC_OK);
    assert_string_equal(b.ptr, "a%2Fb");
}

static void check_time(int64_t seconds, const char *text)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);
    int64_t back = 0;
    assert_int_equal(koc__rfc3339(&b, seconds, NULL), KOC_OK);
    assert_string_equal(b.ptr, text);
    assert_true(koc__parse_rfc3339(koc__str(text), &back, NULL, NULL));
    assert_true(back == seconds);
}

KOC_TEST(time_rfc3339_both_ways)
{
    check_time(0, "1970-01-01T00:00:00Z");
    check_time(-1, "1969-12-31T23:59:59Z");
    check_time(1700000000, "2023-11-14T22:13:20Z");
    check_time(951782400, "2000-02-29T00:00:00Z");
    check_time(4107542400, "2100-03-01T00:00:00Z");
    check_time(-62135596800, "0001-01-01T00:00:00Z");
    check_time(-62167219200, "0000-01-01T00:00:00Z");
    check_time(253402300799, "9999-12-31T23:59:59Z");
}

KOC_TEST(time_rfc3339_every_day_of_eight_centuries)
{
    int64_t day = 0;
    for (int64_t n = -150000; n < 150000; n++) {
        KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);
        int64_t back = 0;

        day = n * 86400 + (n & 0xffff);
        assert_int_equal(koc__rfc3339(&b, day, NULL), KOC_OK);
        assert_true(koc__parse_rfc3339(koc__dynbuf_view(&b), &back, NULL, NULL));
        assert_true(back == day);
    }
}

KOC_TEST(time_rfc3339_refuses_other_years)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);
    assert_int_equal(koc__rfc3339(&b, 253402300800, NULL), KOC_EINVAL);
    assert_int_equal(koc__rfc3339(&b, -62167219201, NULL), KOC_EINVAL);
    assert_int_equal(koc__rfc3339(&b, INT64_MAX, NULL), KOC_EINVAL);
    assert_int_equal(koc__rfc3339(&b, INT64_MIN, NULL), KOC_EINVAL);
}

KOC_TEST(time_parse_rfc3339_parts)
{
    int64_t t = 0;
    uint32_t ns = 1;
    int offset = 1;
    assert_true(koc__parse_rfc3339(KOC__STR("2023-11-14T23:13:20.5+01:00"), &t, &ns, &offset));
    assert_true(t == 1700000000);
    assert_int_equal(ns, 500000000);
    assert_int_equal(offset, 60);
    assert_true(
        koc__parse_rfc3339(KOC__STR("2023-11-14t16:43:20.123456789987-05:30"), &t, &ns, &offset));
    assert_true(t == 1700000000);
    assert_int_equal(ns, 123456789);
    assert_int_equal(offset, -330);
}

KOC_TEST(time_parse_rfc3339_refuses)
{
    static const char *const bad[] = {
        "",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:20+0100",
        "2023-11-14T22:13:20+24:00",
        "2023-11-14 22:13:20Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-00-01T00:00:00Z",
        "2023-01-00T00:00:00Z",
        "2023-01-32T00:00:00Z",
        "2023-01-01T24:00:00Z",
        "2023-01-01T00:60:00Z",
        "2023-01-01T00:00:61Z",
        "2023-01-01T00:00:00.Z",
        "2023-01-01T00:00:00,5Z",
        "2023-01-01T00:00:00Zx",
        "-023-01-01T00:00:00Z",
        "+023-01-01T00:00:00Z",
    };
    int64_t t = 5;

    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        assert_false(koc__parse_rfc3339(koc__str(bad[i]), &t, NULL, NULL));
    }
    assert_true(t == 5);
}

KOC_TEST(time_http_date)
{
    int64_t t = 0;
    assert_true(koc__parse_http_date(KOC__STR("Sun, 06 Nov 1994 08:49:37 GMT"), &t));
    assert_true(t == 784111777);
    assert_false(koc__parse_http_date(KOC__STR("Sunday, 06-Nov-94 08:49:37 GMT"), &t));
    assert_false(koc__parse_http_date(KOC__STR("Sun Nov  6 08:49:37 1994"), &t));
    assert_false(koc__parse_http_date(KOC__STR("Sun, 31 Feb 1994 08:49:37 GMT"), &t));
    assert_false(koc__parse_http_date(KOC__STR("Sun, 06 Nov 1994 08:49:37 UTC"), &t));
    assert_false(koc__parse_http_date(KOC__STR(""), &t));
}

KOC_TEST(time_clocks_run)
{
    int64_t a = koc__monotonic_ns();
    assert_true(koc__monotonic_ns() >= a);
    assert_true(koc__now() > 1700000000);
}
