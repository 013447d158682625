#include "core/common.h"

#include "registry/host/retry.h"
#include "test.h"

/* the table. */
KOC_TEST(retry_of_status_R193)
{
    static const int yes[] = {408, 425, 499, 500, 502, 503, 504, 520, 522, 527, 529};
    static const int no[] = {400, 401, 403, 404, 405, 409, 412, 413,
                             414, 415, 416, 431, 501, 505, 507, 511};

    for (size_t i = 0; i < KOC__COUNT(yes); i++) {
        assert_int_equal(koc__retry_of_status(yes[i], ""), KOC__RETRY_YES);
    }
    for (size_t i = 0; i < KOC__COUNT(no); i++) {
        assert_int_equal(koc__retry_of_status(no[i], "DENIED"), KOC__RETRY_NO);
    }
    assert_int_equal(koc__retry_of_status(429, ""), KOC__RETRY_THROTTLE);
    assert_int_equal(koc__retry_of_status(403, "TOOMANYREQUESTS"), KOC__RETRY_THROTTLE);
    assert_int_equal(koc__retry_of_status(400, "BLOB_UPLOAD_INVALID"), KOC__RETRY_ONCE);
    assert_int_equal(koc__retry_of_status(400, "UNKNOWN"), KOC__RETRY_ONCE);
    assert_int_equal(koc__retry_of_status(404, "UNAVAILABLE"), KOC__RETRY_YES);
}

/* before anything was asked always; after, only what may be repeated; certificates never. */
KOC_TEST(retry_of_failure_R95_R193)
{
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_CONNECT, false, false), KOC__RETRY_YES);
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_RESOLVE, false, false), KOC__RETRY_YES);
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_CERT, true, true), KOC__RETRY_NO);
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_PROXY, true, true), KOC__RETRY_NO);
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_LOCAL, true, true), KOC__RETRY_NO);
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_BROKEN, true, true), KOC__RETRY_YES);
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_BROKEN, false, true), KOC__RETRY_NO);
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_SILENT, true, false), KOC__RETRY_NO);
    assert_int_equal(koc__retry_of_failure(KOC__FAIL_SILENT, true, true), KOC__RETRY_YES);
}

/* seconds or a date; past and nonsense mean our own back-off. */
KOC_TEST(retry_after_R193)
{
    const int64_t now = 1700000000; /* Tue, 14 Nov 2023 22:13:20 GMT */
    int64_t s = 0;
    assert_true(koc__retry_after("7", now, &s) && s == 7);
    assert_true(koc__retry_after(" 0 ", now, &s) && s == 0);
    assert_true(koc__retry_after("1000000000000", now, &s) && s == 1000000000);
    assert_true(koc__retry_after("Tue, 14 Nov 2023 22:13:50 GMT", now, &s) && s == 30);
    assert_false(koc__retry_after("Tue, 14 Nov 2023 22:13:19 GMT", now, &s));
    assert_false(koc__retry_after("soon", now, &s));
    assert_false(koc__retry_after("-5", now, &s));
    assert_false(koc__retry_after("", now, &s));
    assert_false(koc__retry_after(NULL, now, &s));
}

KOC_TEST(retry_delay_grows_to_its_cap_R193)
{
    assert_int_equal(koc__retry_delay_ms(0, 100), 100);
    assert_int_equal(koc__retry_delay_ms(0, 101), 0);
    assert_int_equal(koc__retry_delay_ms(3, 800), 800);
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        for (uint32_t r = 0; r < 50000; r += 1234) {
            int64_t d = koc__retry_delay_ms(attempt, r);
            assert_true(d >= 0 && d <= 5000);
        }
    }
}
