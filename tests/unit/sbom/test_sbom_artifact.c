/* The artifact under the .sbom tag, and the names of files. */
#include "core/common.h"

#include "core/io/io.h"
#include "core/str.h"
#include "sample.h"

KOC_TEST(attach_makes_ko_s_image)
{
    KOC__AUTO_VAL(koc__dynbuf) doc = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) config = KOC__DYNBUF_INIT(0);
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO_VAL(koc_buf) back = KOC_BUF_INIT;
    KOC__AUTO(koc_reader) reader = NULL;
    char content[8192];
    size_t n;
    sample_read("02-index-oci/index.sbom.spdx.json", &doc);
    sample_read("02-index-oci/index.sbom.manifest.json", &manifest);
    sample_read("02-index-oci/index.sbom.config.json", &config);
    assert_int_equal(koc__sbom_artifact(NULL, koc__dynbuf_view(&doc), KOC__SBOM_SPDX, &img, NULL),
                     KOC_OK);
    assert_true(koc__str_eq(koc_image_manifest(img), koc__dynbuf_view(&manifest)));
    assert_true(koc__str_eq(koc_image_config(img), koc__dynbuf_view(&config)));
    assert_int_equal(koc_image_layer_count(img), 1);
    assert_string_equal(koc_layer_descriptor(koc_image_layer(img, 0))->media_type,
                        "text/spdx+json");
    assert_int_equal(koc_layer_open(koc_image_layer(img, 0), NULL, &reader, NULL), KOC_OK);
    assert_int_equal(koc__reader_fill(reader, content, sizeof(content), &n, NULL), KOC_OK);
    assert_true(koc__str_eq(koc__str_n(content, n), koc__dynbuf_view(&doc)));
}

/* Short of memory anywhere, the image is whole or there is none. */
KOC_TEST(attach_makes_a_whole_image_or_none)
{
    int rc = KOC_ENOMEM;
    KOC__AUTO(koc_image) want = NULL;
    assert_int_equal(koc__sbom_artifact(NULL, KOC__STR("{}"), KOC__SBOM_SPDX, &want, NULL), KOC_OK);
    for (uint64_t n = 1; n < 500 && rc != KOC_OK; n++) {
        KOC__AUTO(koc_image) img = NULL;
        KOC__AUTO(koc_reader) reader = NULL;
        koc__alloc_fail_after(n);
        rc = koc__sbom_artifact(NULL, KOC__STR("{}"), KOC__SBOM_SPDX, &img, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || (rc == KOC_ENOMEM && !img));
        if (rc == KOC_OK) {
            assert_true(koc__str_eq(koc_image_manifest(img), koc_image_manifest(want)));
            assert_true(koc__str_eq(koc_image_config(img), koc_image_config(want)));
            assert_int_equal(koc_layer_open(koc_image_layer(img, 0), NULL, &reader, NULL), KOC_OK);
        }
    }
    assert_int_equal(rc, KOC_OK);
    for (uint64_t n = 1; n < 4; n++) {
        koc__alloc_fail_after(n);
        KOC__AUTO_STR name = koc__sbom_file_name("app", NULL, KOC__SBOM_SPDX);
        koc__alloc_fail_after(0);
        assert_true(!name || koc__streq(name, "app-index.spdx.json"));
    }
}

KOC_TEST(attach_names_files_as_ko_does)
{
    static const struct {
        koc_platform p;
        const char *want;
    } cases[] = {
        {{sizeof(koc_platform), 0, "linux", "arm64", "v8", NULL, NULL},
         "app-linux-arm64-v8.spdx.json"},
        {{sizeof(koc_platform), 0, "windows", "amd64", NULL, "10.0.20348.1234", NULL},
         "app-windows-amd64-10.0.20348.1234.spdx.json"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_STR name = koc__sbom_file_name("app", &cases[i].p, KOC__SBOM_SPDX);
        assert_string_equal(name, cases[i].want);
    }
    KOC__AUTO_STR name = koc__sbom_file_name("app", NULL, KOC__SBOM_SPDX);
    assert_string_equal(name, "app-index.spdx.json");
}
