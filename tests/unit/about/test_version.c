#include "core/common.h"

#include <pthread.h>
#include <stdio.h>

#include <koc/context.h>

#include "test.h"

KOC_TEST(version_number_and_text_agree)
{
    char text[32];
    uint32_t n = koc_version_number();
    snprintf(text, sizeof(text), "%u.%u.%u", (unsigned)(n / 1000000), (unsigned)(n / 1000 % 1000),
             (unsigned)(n % 1000));
    assert_string_equal(koc_version_string(), text);
    assert_int_equal(n, KOC_VERSION_NUMBER);
    assert_string_equal(text, KOC_VERSION_STRING);
}

KOC_TEST(version_features_have_details)
{
    const uint64_t always = KOC_FEATURE_CURL | KOC_FEATURE_DEFLATE | KOC_FEATURE_CRYPTO |
                            KOC_FEATURE_CJSON | KOC_FEATURE_YAML;
    uint64_t have = koc_features();

    assert_true((have & always) == always);
    for (unsigned bit = 0; bit < 64; bit++) {
        const char *detail = koc_feature_detail(UINT64_C(1) << bit);

        assert_int_equal((have >> bit & 1) != 0, detail != NULL);
        assert_true(!detail || detail[0] != '\0');
    }
    assert_null(koc_feature_detail(0));
    assert_null(koc_feature_detail(KOC_FEATURE_CURL | KOC_FEATURE_YAML));
    assert_non_null(strstr(koc_feature_detail(KOC_FEATURE_CURL), "curl"));
    assert_non_null(strstr(koc_feature_detail(KOC_FEATURE_DEFLATE), "libdeflate"));
}

static void *init(void *arg)
{
    *(int *)arg = koc_init(NULL);
    return NULL;
}

KOC_TEST(init_from_several_threads_and_again)
{
    pthread_t threads[4];
    int codes[4];
    for (size_t i = 0; i < KOC__COUNT(threads); i++) {
        codes[i] = 1;
        assert_int_equal(pthread_create(&threads[i], NULL, init, &codes[i]), 0);
    }
    for (size_t i = 0; i < KOC__COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(codes[i], KOC_OK);
    }
    assert_int_equal(koc_init(NULL), KOC_OK);
}
