#include "core/common.h"

#include "registry/upload_state.h"
#include "test.h"

/* */
KOC_TEST(upload_verdicts)
{
    static const struct {
        int status;
        const char *code;
        koc__failure why;
        koc__verdict verdict;
    } table[] = {
        {201, "", KOC__FAIL_NONE, KOC__UPLOAD_DONE},
        {200, "", KOC__FAIL_NONE, KOC__UPLOAD_DONE},
        {204, "", KOC__FAIL_NONE, KOC__UPLOAD_DONE},
        {202, "", KOC__FAIL_NONE, KOC__UPLOAD_CONFIRM},
        {404, "BLOB_UPLOAD_UNKNOWN", KOC__FAIL_NONE, KOC__UPLOAD_RESTART},
        {400, "BLOB_UPLOAD_INVALID", KOC__FAIL_NONE, KOC__UPLOAD_RESTART},
        {400, "DIGEST_INVALID", KOC__FAIL_NONE, KOC__UPLOAD_REHASH},
        {400, "UNKNOWN", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {400, "", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {400, "DENIED", KOC__FAIL_NONE, KOC__UPLOAD_FAIL},
        {404, "DENIED", KOC__FAIL_NONE, KOC__UPLOAD_FAIL},
        {405, "", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {409, "", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {411, "", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {412, "", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {415, "", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {501, "", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {507, "", KOC__FAIL_NONE, KOC__UPLOAD_OTHER},
        {413, "", KOC__FAIL_NONE, KOC__UPLOAD_SMALLER},
        {416, "", KOC__FAIL_NONE, KOC__UPLOAD_SMALLER},
        {401, "", KOC__FAIL_NONE, KOC__UPLOAD_FAIL},
        {402, "", KOC__FAIL_NONE, KOC__UPLOAD_FAIL},
        {403, "DENIED", KOC__FAIL_NONE, KOC__UPLOAD_FAIL},
        {429, "", KOC__FAIL_NONE, KOC__UPLOAD_FAIL},
        {451, "", KOC__FAIL_NONE, KOC__UPLOAD_FAIL},
        {500, "", KOC__FAIL_NONE, KOC__UPLOAD_CONFIRM},
        {504, "", KOC__FAIL_NONE, KOC__UPLOAD_CONFIRM},
        {0, "", KOC__FAIL_BROKEN, KOC__UPLOAD_CONFIRM},
        {0, "", KOC__FAIL_SILENT, KOC__UPLOAD_CONFIRM},
        {0, "", KOC__FAIL_CERT, KOC__UPLOAD_FAIL},
        {0, "", KOC__FAIL_LOCAL, KOC__UPLOAD_FAIL},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_int_equal(koc__upload_verdict(table[i].status, table[i].code, table[i].why),
                         table[i].verdict);
    }
}

/* a chunk of [100, 200) was accepted. */
KOC_TEST(upload_after_chunk_R148)
{
    static const struct {
        const char *range;
        uint64_t at;
    } table[] = {
        {"0-199", 200},
        {"bytes=0-199", 200},
        {NULL, 200},
        {"", 200},
        {"0-0", 200},
        {"0--1", 200},
        {"0-200", 200} /* exclusive end */,
        {"0-99", 200} /* stale: before this chunk */,
        {"0-149", 150},
        {"0-500", KOC__OFFSET_LOST},
        {"5-199", 200},
        {"garbage", 200},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_true(koc__upload_after_chunk(table[i].range, 100, 200) == table[i].at);
    }
}

/* only a sane Range goes on. */
KOC_TEST(upload_resume_R150)
{
    assert_true(koc__upload_resume("0-99", 1000) == 100);
    assert_true(koc__upload_resume("0-999", 1000) == 1000);
    assert_true(koc__upload_resume("0-0", 1000) == 0);
    assert_true(koc__upload_resume("0--1", 1000) == 0);
    assert_true(koc__upload_resume("0-1000", 1000) == KOC__OFFSET_LOST);
    assert_true(koc__upload_resume(NULL, 1000) == KOC__OFFSET_LOST);
    assert_true(koc__upload_resume("0-18446744073709551615", 1000) == KOC__OFFSET_LOST);
}

/* */
KOC_TEST(chunk_sizes_R146)
{
    const uint64_t mib = 1 << 20;
    assert_true(koc__chunk_size("registry.example", 0, 0) == 16 * mib);
    assert_true(koc__chunk_size("ghcr.io", 0, 0) < 4 * mib);
    assert_true(koc__chunk_size("1.dkr.ecr.eu-west-1.amazonaws.com", 0, 0) >= 5 * mib);
    assert_true(koc__chunk_size("registry.example", mib, 0) == mib);
    assert_true(koc__chunk_size("registry.example", mib, 3 * mib) == 3 * mib);
    assert_true(koc__chunk_shrink(16 * mib, 3 * mib, 0) == 3 * mib / 2);
    assert_true(koc__chunk_shrink(16 * mib, 0, 0) == KOC__CHUNK_SMALLEST);
    assert_true(koc__chunk_shrink(16 * mib, 3 * mib, 5 * mib) == 5 * mib);
    assert_true(koc__chunk_shrink(KOC__CHUNK_SMALLEST, 10, 0) == 0);
}
