#include "core/common.h"

#include "core/str.h"
#include "registry/upload_journal.h"
#include "test.h"

KOC_TEST(journal_counts_for_a_day_R150)
{
    static const struct {
        const char *record;
        bool good;
    } table[] = {
        {"1 1000 http://h/v2/a/blobs/uploads/x?_state=y", true},
        {"1 999 http://h/", false},   /* over */
        {"1 87400 http://h/", true},  /* a day from now */
        {"1 87401 http://h/", false}, /* from a clock that was wrong */
        {"2 1000 http://h/", false},  /* another version */
        {"1 x http://h/", false},
        {"1 1000", false},
        {"", false},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc_str address;
        assert_int_equal(
            koc__journal_read(koc__str(table[i].record), i == 0 ? 999 : 1000, &address),
            table[i].good);
        if (table[i].good) {
            assert_true(koc__str_starts(address, "http://h/"));
        }
    }
}

KOC_TEST(journal_keeps_no_secret_R99)
{
    assert_false(koc__journal_looks_secret("/v2/a/blobs/uploads/x"));
    assert_false(
        koc__journal_looks_secret("/v2/a/blobs/uploads/x?_state=abc&_nouploadcache=false"));
    assert_true(koc__journal_looks_secret("/x?a=b&X-Amz-Signature=1"));
    assert_true(koc__journal_looks_secret("/x?sig=1"));
    assert_true(koc__journal_looks_secret("/x?Upload_Token=1"));
    assert_true(koc__journal_looks_secret("/x?access_key=1"));
}
