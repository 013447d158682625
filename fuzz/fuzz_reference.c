/* References, digests and platforms: what is read prints as a text that reads as the same. */
#include "fuzz.h"

#include <koc/image.h>
#include <koc/reference.h>

#include "core/dynbuf.h"
#include "model/model.h"

static void check_reference(const char *text)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__AUTO(koc_reference) again = NULL;
    KOC__AUTO(koc_reference) bare = NULL;
    koc_error *err = NULL;
    if (!fuzz_ok(koc_reference_parse(text, 0, &r, &err), &err)) {
        return;
    }
    const char *printed = koc_reference_string(r);
    FUZZ_CHECK(fuzz_ok(koc_reference_parse(printed, 0, &again, &err), &err));
    FUZZ_CHECK(koc__streq(koc_reference_string(again), printed));
    FUZZ_CHECK(koc__streq(koc_reference_registry(again), koc_reference_registry(r)));
    FUZZ_CHECK(koc__streq(koc_reference_repository(again), koc_reference_repository(r)));
    FUZZ_CHECK(koc__streq(koc_reference_tag(again), koc_reference_tag(r)));
    /* Without tag and digest only the repository is left. */
    KOC__AUTO(koc_reference) untagged = NULL;
    FUZZ_CHECK(fuzz_ok(koc_reference_with_tag(r, NULL, &untagged, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc_reference_with_digest(untagged, NULL, &bare, &err), &err));
    FUZZ_CHECK(koc__streq(koc_reference_string(bare), koc__reference_context(r)));
}

static void check_digest(const char *text)
{
    koc_digest d = {0};
    char printed[KOC_DIGEST_TEXT_MAX];
    koc_error *err = NULL;
    if (fuzz_ok(koc_digest_parse(text, &d, &err), &err)) {
        FUZZ_CHECK(fuzz_ok(koc_digest_format(&d, printed, sizeof(printed), &err), &err));
        FUZZ_CHECK(strcmp(printed, text) == 0);
    }
}

static void check_platform(const char *text)
{
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) printed = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) again_storage = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) again = KOC_BUF_INIT;
    koc_platform p = KOC_PLATFORM_INIT;
    koc_error *err = NULL;
    if (!fuzz_ok(koc_platform_parse(text, &storage, &p, &err), &err)) {
        return;
    }
    FUZZ_CHECK(fuzz_ok(koc_platform_format(&p, &printed, &err), &err));
    koc_platform q = KOC_PLATFORM_INIT;
    FUZZ_CHECK(fuzz_ok(koc_platform_parse(printed.ptr, &again_storage, &q, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc_platform_format(&q, &again, &err), &err));
    FUZZ_CHECK(strcmp(printed.ptr, again.ptr) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO_STR text = fuzz_text(data, size);
    check_reference(text);
    check_digest(text);
    check_platform(text);
    return 0;
}
