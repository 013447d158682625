/*
 * Documents of images. An input that begins with "{" is an index. Else it is the rest of a manifest
 * (behind its config member), a line feed, and a config, so that the digest of the config always holds.
 * What is read is edited by a builder; what the builder makes must read as well.
 */
#include "fuzz.h"

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "model/model.h"

static void check_index(koc_str text)
{
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__AUTO(koc_index) made = NULL;
    koc_platform want = KOC_PLATFORM_INIT;
    koc_error *err = NULL;
    want.os = "linux";
    want.arch = "arm64";
    if (!fuzz_ok(koc_index_from_bytes(NULL, text, &idx, &err), &err)) {
        return;
    }
    FUZZ_CHECK(koc__str_eq(koc_index_bytes(idx), text));
    FUZZ_CHECK(!koc_index_get(idx, koc_index_count(idx)));
    const koc_descriptor *chosen = koc_index_select(idx, &want);
    FUZZ_CHECK(!chosen || koc_platform_matches(&want, chosen->platform));
    FUZZ_CHECK(fuzz_ok(koc_index_builder_new(NULL, KOC_FORMAT_OCI, &b, &err), &err));
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        fuzz_ok(koc_index_builder_add_descriptor(b, koc_index_get(idx, i), &err), &err);
    }
    FUZZ_CHECK(fuzz_ok(koc_index_builder_set_annotation(b, "k", "v", &err), &err));
    if (fuzz_ok(koc_index_builder_finish(b, &made, &err), &err)) {
        KOC__AUTO(koc_index) again = NULL;
        FUZZ_CHECK(fuzz_ok(koc_index_from_bytes(NULL, koc_index_bytes(made), &again, &err), &err));
        FUZZ_CHECK(koc_index_count(again) == koc_index_count(made));
    }
}

static void check_getters(const koc_image *img)
{
    KOC__AUTO_VAL(koc_buf) value = KOC_BUF_INIT;
    koc_error *err = NULL;
    FUZZ_CHECK(!koc_image_layer(img, koc_image_layer_count(img)));
    FUZZ_CHECK(koc_image_platform(img));
    koc_image_annotation(img, "org.opencontainers.image.base.name");
    koc_image_label(img, "a");
    koc_image_env(img, "PATH");
    fuzz_ok(koc_image_config_get(img, "/config/Env/0", &value, &err), &err);
}

/* The image edited, by koc's rules or ko's. */
static void check_builder(koc_image *img, bool compat)
{
    KOC__AUTO(koc_image_builder) b = NULL;
    KOC__AUTO(koc_image) made = NULL;
    KOC__AUTO(koc_image) again = NULL;
    const char *const argv[] = {"/ko-app/x", NULL};
    koc_error *err = NULL;
    FUZZ_CHECK(fuzz_ok(koc_image_builder_new(NULL, img, &b, &err), &err));
    if (compat) {
        koc__image_builder_set_compat(b);
    }
    FUZZ_CHECK(fuzz_ok(koc_image_builder_set_entrypoint(b, argv, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc_image_builder_set_env(b, "PATH", "/bin", &err), &err));
    FUZZ_CHECK(fuzz_ok(koc_image_builder_set_label(b, "a", "b", &err), &err));
    FUZZ_CHECK(fuzz_ok(koc_image_builder_set_annotation(b, "a", NULL, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc_image_builder_add_str(b, KOC_CFG_PORT, "80/tcp", &err), &err));
    if (fuzz_ok(koc_image_builder_finish(b, NULL, &made, &err), &err)) {
        int rc = koc_image_from_bytes(NULL, koc_image_manifest(made), koc_image_config(made),
                                      &again, &err);
        FUZZ_CHECK(fuzz_ok(rc, &err));
        FUZZ_CHECK(koc__streq(koc_image_env(again, "PATH"), "/bin"));
        FUZZ_CHECK(koc_image_layer_count(again) == koc_image_layer_count(img));
    }
}

static void check_image(koc_str rest, koc_str config)
{
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT((size_t)8 << 20);
    KOC__AUTO(koc_image) img = NULL;
    koc_digest digest = {0};
    koc_error *err = NULL;
    FUZZ_CHECK(fuzz_ok(koc_digest_of(config, &digest, &err), &err));
    int rc =
        koc__dynbuf_printf(&manifest, &err,
                           "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" KOC_MT_OCI_CONFIG
                           "\",\"size\":%zu,\"digest\":\"%s\"},",
                           config.len, koc__digest_str(&digest).s);
    FUZZ_CHECK(fuzz_ok(rc, &err));
    FUZZ_CHECK(fuzz_ok(koc__dynbuf_put(&manifest, rest, &err), &err));
    rc = koc_image_from_bytes(NULL, koc__dynbuf_view(&manifest), config, &img, &err);
    if (fuzz_ok(rc, &err)) {
        FUZZ_CHECK(koc__str_eq(koc_image_manifest(img), koc__dynbuf_view(&manifest)));
        check_getters(img);
        check_builder(img, false);
        check_builder(img, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str text = fuzz_str(data, size);
    koc_str rest = {0};
    koc_str config = {0};
    if (size > 0 && data[0] == '{') {
        check_index(text);
    } else if (koc__str_cut(text, '\n', &rest, &config)) {
        check_image(rest, config);
    }
    return 0;
}
