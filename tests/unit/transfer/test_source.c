/* Reading: which of several images a place names, platforms, referrers, and what a check finds. */
#include "store/helper.h"

#include <koc/ext/transfer.h>

static const char *const one[] = {"one", NULL};
static const char *const two[] = {"two", NULL};

static koc_place at(const char *dir, const char *name)
{
    koc_place p = KOC_PLACE_INIT;
    p.kind = KOC_PLACE_LAYOUT;
    p.path = dir;
    p.name = name;
    return p;
}

/* Two images, the first under a whole reference. */
static const char *two_images(koc_ctx *ctx, koc_image *first, koc_image *second)
{
    const char *dir = koc_test_path("layout");
    KOC__AUTO(koc_layout) l = NULL;
    koc_error *err = NULL;
    ok(koc_layout_open(ctx, dir, KOC_LAYOUT_CREATE, &l, &err), err);
    ok(koc_layout_put_image(l, first, "example.com/app:v1", NULL, &err), err);
    ok(koc_layout_put_image(l, second, "v2", NULL, &err), err);
    return dir;
}

KOC_TEST(source_is_found_by_whole_and_short_names)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_GZIP, two);
    const char *dir = two_images(ctx, a, b);
    const struct {
        const char *name;
        const koc_image *want; /* NULL: there is none */
    } cases[] = {{"example.com/app:v1", a},
                 {"app:v1", a},
                 {"v1", a},
                 {"v2", b},
                 {"1", NULL},
                 {"pp:v1", NULL}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        const koc_place p = at(dir, cases[i].name);
        koc_source *s = NULL;
        koc_error *err = NULL;
        int rc = koc_source_open(ctx, NULL, &p, NULL, &s, &err);
        if (cases[i].want) {
            ok(rc, err);
            assert_true(koc_digest_equal(&koc_source_descriptor(s)->digest,
                                         &koc_image_descriptor(cases[i].want)->digest));
        } else {
            fails(rc, KOC_ENOTFOUND, &err);
        }
        koc_source_free(s);
    }
}

KOC_TEST(source_asks_which_one_is_meant)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_GZIP, two);
    koc_place p = at(two_images(ctx, a, b), NULL);
    koc_source *s = NULL;
    koc_error *err = NULL;
    assert_int_equal(koc_source_open(ctx, NULL, &p, NULL, &s, &err), KOC_EINVAL);
    assert_non_null(strstr(koc_error_message(err), "example.com/app:v1, v2"));
    assert_non_null(koc_error_hint(err));
    koc_error_free(err);
    err = NULL;
    p.digest = &koc_image_descriptor(b)->digest;
    ok(koc_source_open(ctx, NULL, &p, NULL, &s, &err), err);
    koc_source_free(s);
}

KOC_TEST(source_check_reads_every_layer)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_GZIP, two);
    const koc_place p = at(two_images(ctx, a, b), "v2");
    const koc_digest *layer = &koc_layer_descriptor(koc_image_layer(b, 0))->digest;
    KOC__AUTO_STR path = koc__format("layout/blobs/sha256/%s", koc__digest_hex(layer).s);
    KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT(0);
    koc_source *s = NULL;
    koc_error *err = NULL;
    ok(koc_source_open(ctx, NULL, &p, NULL, &s, &err), err);
    ok(koc_source_check(s, 0, NULL, NULL, NULL, &err), err);
    read_file(koc_test_path(path), &bytes);
    bytes.ptr[bytes.len - 1] ^= 1; /* the length that gzip keeps at its end */
    koc_test_write(path, bytes.ptr, bytes.len);
    ok(koc_source_check(s, KOC_CHECK_FAST, NULL, NULL, NULL, &err), err);
    fails(koc_source_check(s, 0, NULL, NULL, NULL, &err), KOC_EVERIFY, &err);
    koc_source_free(s);
}

KOC_TEST(source_refuses_what_is_not_set_up)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_place p = KOC_PLACE_INIT;
    koc_source *s = NULL;
    koc_error *err = NULL;
    fails(koc_source_open(ctx, NULL, &p, NULL, &s, &err), KOC_EMISUSE, &err);
    fails(koc_source_open(ctx, NULL, NULL, NULL, &s, &err), KOC_EMISUSE, &err);
    p.kind = KOC_PLACE_REGISTRY;
    fails(koc_source_open(ctx, NULL, &p, NULL, &s, &err), KOC_EMISUSE, &err);
    p.kind = KOC_PLACE_LAYOUT;
    p.path = "";
    fails(koc_source_open(ctx, NULL, &p, NULL, &s, &err), KOC_EMISUSE, &err);
    p.path = koc_test_path("none");
    fails(koc_source_open(ctx, NULL, &p, NULL, &s, &err), KOC_ENOTFOUND, &err);
    assert_int_equal(koc_source_open(ctx, NULL, &p, NULL, &s, NULL), KOC_ENOTFOUND);
    assert_null(s);
    assert_null(koc_source_descriptor(NULL));
    koc_source_free(NULL);
}
