/* Images on another base, indexes with other images. */
#include "model_test.h"

#include <koc/ext/edit.h>

#define CONFIG(diff_ids, history, more)                                                            \
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"   \
    "[" diff_ids "]},\"history\":[" history "]" more "}"
#define LAYER(digest)                                                                              \
    "{\"mediaType\":\"" KOC_MT_OCI_LAYER_GZIP "\",\"size\":5,\"digest\":\"" digest "\"}"
#define LAYERS(list) "\"layers\":[" list "]"
#define Q(text)      "\"" text "\""

static koc_image *make(const char *config, const char *layers)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    must(image_of(KOC_MT_OCI_CONFIG, config, layers, &img, &err), err);
    return img;
}

typedef struct three {
    koc_image *app, *old_base, *new_base;
} three;

static three make_three(void)
{
    return (three){
        make(CONFIG(Q(DIFF_A) "," Q(DIFF_B),
                    "{\"created_by\":\"old\"},{\"empty_layer\":true},{\"created_by\":\"app\"}",
                    ",\"x-unknown\":1.50,\"config\":{\"Env\":[\"A=b\"]}"),
             LAYERS(LAYER(LAYER_A) "," LAYER(LAYER_B)) ",\"annotations\":{\"keep\":\"me\"}"),
        make(CONFIG(Q(DIFF_A), "{\"created_by\":\"old\"},{\"empty_layer\":true}", ""),
             LAYERS(LAYER(LAYER_A))),
        make(CONFIG(Q(DIFF_B) "," Q(DIFF_A), "{\"created_by\":\"n1\"},{\"created_by\":\"n2\"}", ""),
             LAYERS(LAYER(LAYER_B) "," LAYER(LAYER_A)))};
}

static void free_three(three *t)
{
    koc_image_unref(t->app);
    koc_image_unref(t->old_base);
    koc_image_unref(t->new_base);
}
KOC__DEFINE_AUTO_VAL(three, free_three);

KOC_TEST(rebase_puts_the_new_base_below)
{
    KOC__AUTO_VAL(three) t = make_three();
    KOC__AUTO(koc_image) img = NULL;
    const koc_kv notes[] = {{"base", "new"}, {"gone", NULL}};
    koc_error *err = NULL;
    must(koc_image_rebase(t.app, t.old_base, t.new_base, notes, 2, &img, &err), err);
    assert_text(koc_image_config(img),
                KOC__STR(CONFIG(Q(DIFF_B) "," Q(DIFF_A) "," Q(DIFF_B),
                                "{\"created_by\":\"n1\"},{\"created_by\":\"n2\"},"
                                "{\"created_by\":\"app\"}",
                                ",\"x-unknown\":1.50,\"config\":{\"Env\":[\"A=b\"]}")));
    assert_int_equal(koc_image_layer_count(img), 3);
    assert_string_equal(koc_image_annotation(img, "keep"), "me");
    assert_string_equal(koc_image_annotation(img, "base"), "new");
}

KOC_TEST(rebase_refuses_another_base)
{
    KOC__AUTO_VAL(three) t = make_three();
    KOC__AUTO(koc_image) img = NULL;
    koc_error *err = NULL;
    int rc = koc_image_rebase(t.app, t.new_base, t.old_base, NULL, 0, &img, &err);
    assert_error(rc, &err, KOC_EINVAL, "not built on that base: its layer 1");
    rc = koc_image_rebase(t.old_base, t.app, t.new_base, NULL, 0, &img, &err);
    assert_error(rc, &err, KOC_EINVAL, "it has 1 layers, the base 2");
    rc = koc_image_rebase(t.app, NULL, t.new_base, NULL, 0, &img, &err);
    assert_error(rc, &err, KOC_EMISUSE, "NULL");
    assert_null(img);
}

KOC_TEST(rebase_without_memory)
{
    KOC__AUTO_VAL(three) t = make_three();
    for (uint64_t n = 1; n < 2000; n++) {
        koc_image *img = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int rc = koc_image_rebase(t.app, t.old_base, t.new_base, NULL, 0, &img, &err);
        koc__alloc_fail_after(0);
        koc_error_free(err);
        koc_image_unref(img);
        if (rc == KOC_OK) {
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
    }
    fail_msg("it never succeeds");
}

#define ENTRY(digest, arch, more)                                                                  \
    "{\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"size\":5,\"digest\":\"" digest                   \
    "\",\"platform\":{\"architecture\":\"" arch "\",\"os\":\"linux\"}" more "}"

KOC_TEST(index_with_other_images_keeps_the_rest)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
        "\",\"manifests\":[" ENTRY(LAYER_A, "amd64", ",\"annotations\":{\"a\":\"b\"}") "," ENTRY(
            LAYER_B, "arm64", "") "],\"x-unknown\":[1,2]}";
    KOC__AUTO_VAL(three) t = make_three();
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_index) out = NULL;
    koc_image *const images[] = {t.app, NULL};
    koc_error *err = NULL;
    must(koc_index_from_bytes(NULL, KOC__STR(text), &idx, &err), err);
    must(koc_index_with_images(idx, images, NULL, 0, &out, &err), err);
    assert_int_equal(koc_index_count(out), 1);
    assert_ptr_equal(koc_index_image(out, 0), t.app);
    const koc_descriptor *d = koc_index_get(out, 0);
    assert_true(koc_digest_equal(&d->digest, &koc_image_descriptor(t.app)->digest));
    assert_string_equal(d->annotations[0].value, "b");
    assert_non_null(strstr(koc_index_bytes(out).ptr, "\"x-unknown\":[1,2]"));
}

/* "data" is the content of the old manifest. */
KOC_TEST(index_with_other_images_drops_embedded_content)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
        "\",\"manifests\":[" ENTRY(LAYER_A, "amd64", ",\"data\":\"aGVsbG8=\"") "]}";
    KOC__AUTO_VAL(three) t = make_three();
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_index) out = NULL;
    koc_image *const images[] = {t.app};
    koc_error *err = NULL;
    must(koc_index_from_bytes(NULL, KOC__STR(text), &idx, &err), err);
    must(koc_index_with_images(idx, images, NULL, 0, &out, &err), err);
    assert_null(strstr(koc_index_bytes(out).ptr, "\"data\""));
}

KOC_TEST(rebase_refuses_a_base_of_another_platform_or_family)
{
    KOC__AUTO_VAL(three) t = make_three();
    KOC__AUTO(koc_image)
    arm = make("{\"architecture\":\"arm64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
               "\"layers\",\"diff_ids\":[" Q(DIFF_B) "]}}",
               LAYERS(LAYER(LAYER_B)));
    KOC__AUTO(koc_image) img = NULL;
    koc_error *err = NULL;
    int rc = koc_image_rebase(t.app, t.old_base, arm, NULL, 0, &img, &err);
    assert_error(rc, &err, KOC_EINVAL,
                 "the image is for linux/amd64, the new base for linux/arm64");
    assert_null(img);
}
