/* --compat=ko against documents that ko wrote. */
#include "core/common.h"

#include <limits.h>

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/str.h"
#include "sample.h"
#include "sbom/bom.h"

static void check_document(const koc_buf *doc, const char *recorded)
{
    KOC__AUTO_VAL(koc__dynbuf) want = KOC__DYNBUF_INIT(0);
    sample_read(recorded, &want);
    assert_string_equal(doc->ptr, koc__dynbuf_cstr(&want));
    assert_int_equal(doc->len, want.len);
}

KOC_TEST(spdx_ko_image_is_ko_s)
{
    KOC__AUTO(koc_image) img = sample_image();
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_module deps[1];
    koc__exe_info info = sample_info(deps);
    koc__sbom_options o = {.compat = true, .module_proxy = "https://goproxy.example"};
    assert_int_equal(koc__sbom_image(&o, img, &info, NULL, &doc, NULL), KOC_OK);
    check_document(&doc, "01-single/sbom.spdx.json");
}

KOC_TEST(spdx_ko_index_is_ko_s)
{
    static const struct {
        const char *index, *recorded;
        int64_t epoch;
    } cases[] = {
        {"02-index-oci/index.json", "02-index-oci/index.sbom.spdx.json", 1709296496},
        {"hello-index/index.json", "hello-index/index.sbom.spdx.json", 1700000000},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc_index) idx = sample_index(cases[i].index);
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__sbom_options o = {.compat = true, .has_epoch = true, .epoch = cases[i].epoch};
        assert_int_equal(koc__sbom_index(&o, idx, NULL, NULL, &doc, NULL), KOC_OK);
        check_document(&doc, cases[i].recorded);
    }
}

KOC_TEST(spdx_ko_keeps_ko_s_oddities)
{
    KOC__AUTO(koc_image) img = sample_image();
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_module other = {"example.com/other", "v2.0.0", "h1:AAAA", NULL};
    koc__exe_module deps[] = {
        {"GitHub.com/Foo/Bar", "v1.0.0+incompatible", "h1:////", NULL},
        {"Example.COM/Two", "v0.1.0", "not-a-sum", NULL},
        {"example.com/old", "v1.0.0", "", &other},
    };
    koc__exe_info info = {.main = {"m/<&>", "v1.0.0+dirty", "", NULL}, .deps = deps, .n_deps = 3};
    koc__sbom_options o = {.compat = true, .tool_version = "v9", .module_proxy = "https://p"};
    assert_int_equal(koc__sbom_image(&o, img, &info, NULL, &doc, NULL), KOC_OK);
    assert_non_null(strstr(doc.ptr, "\"Tool: ko v9\""));
    assert_non_null(strstr(doc.ptr, "SPDXRef-Package-m.\\u003c\\u0026\\u003e-v1.0.0+dirty"));
    assert_non_null(
        strstr(doc.ptr, "pkg:golang/github.com/foo/Bar@v1.0.0+incompatible?type=module"));
    assert_non_null(strstr(doc.ptr, "pkg:golang/Example.COM/Two@v0.1.0?type=module"));
    assert_non_null(strstr(doc.ptr, "\"checksumValue\": \"ffffff\""));
    assert_non_null(strstr(doc.ptr, "\"checksumValue\": \"\""));
    assert_non_null(strstr(doc.ptr, "\"https://p/example.com/old/@v/v1.0.0.zip\""));
    assert_null(strstr(doc.ptr, "example.com/other"));
}

KOC_TEST(spdx_ko_without_build_info_has_an_empty_module)
{
    KOC__AUTO(koc_image) img = sample_image();
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__sbom_options o = {.compat = true};
    assert_int_equal(koc__sbom_image(&o, img, NULL, NULL, &doc, NULL), KOC_OK);
    assert_non_null(strstr(doc.ptr, "\"SPDXRef-Package--\""));
    assert_non_null(strstr(doc.ptr, "\"downloadLocation\": \"https://\""));
}

/* Short of memory anywhere, the document is ko's or there is none. */
KOC_TEST(spdx_ko_image_is_whole_or_an_error)
{
    KOC__AUTO(koc_image) img = sample_image();
    koc__exe_module deps[1];
    koc__exe_info info = sample_info(deps);
    koc__sbom_options o = {.compat = true, .module_proxy = "https://goproxy.example"};
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; n < 300 && rc != KOC_OK; n++) {
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__alloc_fail_after(n);
        rc = koc__sbom_image(&o, img, &info, NULL, &doc, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || (rc == KOC_ENOMEM && doc.ptr == NULL));
        if (rc == KOC_OK) {
            check_document(&doc, "01-single/sbom.spdx.json");
        }
    }
    assert_int_equal(rc, KOC_OK);
}

KOC_TEST(spdx_ko_index_is_whole_or_an_error)
{
    KOC__AUTO(koc_index) idx = sample_index("02-index-oci/index.json");
    koc__sbom_options o = {.compat = true, .has_epoch = true, .epoch = 1709296496};
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; n < 300 && rc != KOC_OK; n++) {
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__alloc_fail_after(n);
        rc = koc__sbom_index(&o, idx, NULL, NULL, &doc, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || (rc == KOC_ENOMEM && doc.ptr == NULL));
        if (rc == KOC_OK) {
            check_document(&doc, "02-index-oci/index.sbom.spdx.json");
        }
    }
    assert_int_equal(rc, KOC_OK);
}

/* An image with this time and base; NULL: without. */
static koc_image *image_of(const char *created, const char *base)
{
    koc_digest d;
    koc_image *img = NULL;
    KOC__AUTO_STR time = created ? koc__format("\"created\":\"%s\",", created) : koc__strdup("");
    KOC__AUTO_STR config =
        koc__format("{%s\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
                    "\"layers\",\"diff_ids\":[]},\"config\":{}}",
                    time);
    KOC__AUTO_STR annotations =
        base
            ? koc__format("\"" KOC__BASE_NAME "\":\"%s\",\"" KOC__BASE_DIGEST "\":\"sha256:%064d\"",
                          base, 0)
            : koc__strdup("");
    koc__sha256_of(config, strlen(config), &d);
    KOC__AUTO_STR manifest =
        koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                    "\",\"config\":{\"mediaType\":\"" KOC_MT_OCI_CONFIG
                    "\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[],\"annotations\":{%s}}",
                    strlen(config), koc__digest_str(&d).s, annotations);
    assert_int_equal(koc_image_from_bytes(NULL, koc__str(manifest), koc__str(config), &img, NULL),
                     KOC_OK);
    return img;
}

KOC_TEST(spdx_ko_time_is_that_of_the_config)
{
    static const struct {
        const char *config;
        bool has_epoch;
        const char *want;
    } table[] = {
        {"2024-03-01T12:34:56.789Z", false, "2024-03-01T12:34:56Z"},
        {"2024-03-01T12:34:56+01:00", true, "2024-03-01T12:34:56Z"}, /* whatever the zone is */
        {"yesterday", true, "0001-01-01T00:00:00Z"},
        {NULL, true, "1970-01-01T00:00:05Z"},
        {NULL, false, "0001-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_image) img = image_of(table[i].config, NULL);
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__sbom_options o = {.compat = true, .has_epoch = table[i].has_epoch, .epoch = 5};
        KOC__AUTO_STR want = koc__format("\"created\": \"%s\"", table[i].want);
        assert_int_equal(koc__sbom_image(&o, img, NULL, NULL, &doc, NULL), KOC_OK);
        assert_non_null(strstr(doc.ptr, want));
    }
}

KOC_TEST(spdx_ko_base_is_a_reference_or_none)
{
    static const struct {
        const char *base, *purl;
    } table[] = {
        {"r.example/base:1", "?repository_url=r.example%2Fbase\\u0026tag=1"},
        {"r.example/base", "?repository_url=r.example%2Fbase\\u0026tag=latest"},
        {"r.example/base@sha256:0000000000000000000000000000000000000000000000000000000000000000",
         "?repository_url=r.example%2Fbase\""},
        {"oci:/Some/Where", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_image) img = image_of(NULL, table[i].base);
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__sbom_options o = {.compat = true};
        assert_int_equal(koc__sbom_image(&o, img, NULL, NULL, &doc, NULL), KOC_OK);
        assert_int_equal(strstr(doc.ptr, "DESCENDANT_OF") != NULL, table[i].purl != NULL);
        if (table[i].purl && !strstr(doc.ptr, table[i].purl)) {
            fail_msg("%s is not in %s", table[i].purl, doc.ptr);
        }
    }
}
