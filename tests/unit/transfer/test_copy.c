/* Copies between layouts and archives: same digests, all or nothing. */
#include "store/helper.h"

#include <koc/ext/transfer.h>

#include "core/alloc.h"

static const char *const texts[] = {"one", "two", "one", NULL};

static koc_place at(int32_t kind, const char *path, const char *name)
{
    koc_place p = KOC_PLACE_INIT;
    p.kind = kind;
    p.path = path;
    p.name = name;
    return p;
}

/* An index of two platforms in a layout, and its digest. */
static const char *make_layout(koc_ctx *ctx, koc_digest *digest)
{
    const char *dir = koc_test_path("from");
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, texts);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_NONE, texts);
    KOC__AUTO(koc_index_builder) build = NULL;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_layout) l = NULL;
    koc_error *err = NULL;
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &build, &err), err);
    ok(koc_index_builder_add_image(build, a, NULL, &err), err);
    ok(koc_index_builder_add_image(build, b, NULL, &err), err);
    ok(koc_index_builder_finish(build, &idx, &err), err);
    ok(koc_layout_open(ctx, dir, KOC_LAYOUT_CREATE, &l, &err), err);
    ok(koc_layout_put_index(l, idx, "app:1", NULL, &err), err);
    *digest = koc_index_descriptor(idx)->digest;
    return dir;
}

static int copy(koc_ctx *ctx, koc_place from, koc_place to, const char *platform,
                koc_copy_result *result, koc_error **err)
{
    const koc_copy_pair pair = {sizeof(pair), 0, &from, &to};
    const char *const platforms[] = {platform, NULL};
    koc_copy_options o = KOC_COPY_OPTIONS_INIT;
    o.platforms = platform ? platforms : NULL;
    return koc_copy(ctx, NULL, &pair, 1, &o, NULL, result, err);
}

KOC_TEST(copy_keeps_digests_from_place_to_place)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_digest digest;
    koc_copy_result r = KOC_COPY_RESULT_INIT;
    koc_error *err = NULL;
    KOC__AUTO_STR from = koc__strdup(make_layout(ctx, &digest));
    KOC__AUTO_STR tar = koc__strdup(koc_test_path("a.tar"));
    KOC__AUTO_STR back = koc__strdup(koc_test_path("back"));
    ok(copy(ctx, at(KOC_PLACE_LAYOUT, from, NULL), at(KOC_PLACE_OCI_ARCHIVE, tar, NULL), NULL, &r,
            &err),
       err);
    assert_true(koc_digest_equal(&r.digest, &digest));
    assert_int_equal(r.blobs,
                     6); /* two configs, and two layers of each: one of them is there twice */
    assert_int_equal(r.copied, 6);
    ok(copy(ctx, at(KOC_PLACE_ARCHIVE, tar, NULL), at(KOC_PLACE_LAYOUT, back, "app:2"), NULL, &r,
            &err),
       err);
    assert_true(koc_digest_equal(&r.digest, &digest));
    ok(copy(ctx, at(KOC_PLACE_ARCHIVE, tar, NULL), at(KOC_PLACE_LAYOUT, back, "app:3"), NULL, &r,
            &err),
       err);
    assert_int_equal(r.copied, 0);
}

/* Callers that were compiled with a later version: its structs are longer. */
KOC_TEST(copy_takes_pairs_and_results_that_have_grown)
{
    struct {
        koc_copy_pair known;
        uint64_t later;
    } pairs[2] = {{KOC_COPY_PAIR_INIT, 0}, {KOC_COPY_PAIR_INIT, 0}};
    struct {
        koc_copy_result known;
        uint64_t later;
    } results[2] = {{KOC_COPY_RESULT_INIT, 0}, {KOC_COPY_RESULT_INIT, 0}};
    KOC__AUTO(koc_ctx) ctx = context();
    koc_digest digest;
    koc_error *err = NULL;
    KOC__AUTO_STR dir = koc__strdup(make_layout(ctx, &digest));
    KOC__AUTO_STR target = koc__strdup(koc_test_path("to"));
    const koc_place from = at(KOC_PLACE_LAYOUT, dir, NULL);
    const koc_place to[2] = {at(KOC_PLACE_LAYOUT, target, "a"), at(KOC_PLACE_LAYOUT, target, "b")};
    for (size_t i = 0; i < 2; i++) {
        pairs[i].known.struct_size = sizeof(pairs[i]);
        pairs[i].known.from = &from;
        pairs[i].known.to = &to[i];
        results[i].known.struct_size = sizeof(results[i]);
    }
    ok(koc_copy(ctx, NULL, &pairs[0].known, 2, NULL, NULL, &results[0].known, &err), err);
    for (size_t i = 0; i < 2; i++) {
        assert_true(koc_digest_equal(&results[i].known.digest, &digest));
        assert_int_equal(results[i].known.struct_size, sizeof(results[i]));
        assert_int_equal(results[i].later, 0);
    }
    pairs[1].later = 1;
    fails(koc_copy(ctx, NULL, &pairs[0].known, 2, NULL, NULL, NULL, &err), KOC_EMISUSE, &err);
    results[0].known.struct_size = 0;
    fails(koc_copy(ctx, NULL, &pairs[0].known, 1, NULL, NULL, &results[0].known, &err), KOC_EMISUSE,
          &err);
}

KOC_TEST(copy_of_one_platform_is_the_image)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_digest digest;
    koc_copy_result r = KOC_COPY_RESULT_INIT;
    koc_error *err = NULL;
    KOC__AUTO_STR from = koc__strdup(make_layout(ctx, &digest));
    KOC__AUTO_STR to = koc__strdup(koc_test_path("docker.tar"));
    const koc_place source = at(KOC_PLACE_LAYOUT, from, NULL);
    ok(copy(ctx, source, at(KOC_PLACE_DOCKER_ARCHIVE, to, "app:arm"), "linux/arm64", &r, &err),
       err);
    assert_false(koc_digest_equal(&r.digest, &digest));
    fails(copy(ctx, source, at(KOC_PLACE_DOCKER_ARCHIVE, to, NULL), "linux/mips", &r, &err),
          KOC_EPLATFORM, &err);
    fails(copy(ctx, source, at(KOC_PLACE_LAYOUT, koc_test_path("x"), NULL), "linux/mips", &r, &err),
          KOC_EPLATFORM, &err);
    assert_false(koc__fs_exists(koc_test_path("x")));
    fails(copy(ctx, source, at(KOC_PLACE_ARCHIVE, to, NULL), NULL, &r, &err), KOC_EMISUSE, &err);
    assert_int_equal(koc_copy(NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL), KOC_EMISUSE);
}

/* Wherever memory ends: an error, no file, nothing lost. */
KOC_TEST(copy_survives_every_failed_allocation)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_digest digest;
    KOC__AUTO_STR from = koc__strdup(make_layout(ctx, &digest));
    const int32_t kinds[] = {KOC_PLACE_OCI_ARCHIVE, KOC_PLACE_DOCKER_ARCHIVE, KOC_PLACE_LAYOUT};
    for (size_t k = 0; k < KOC__COUNT(kinds); k++) {
        int rc = KOC_ENOMEM;
        for (unsigned n = 1; rc != KOC_OK && n < 5000; n++) {
            KOC__AUTO_STR name = koc__format("out-%zu-%u", k, n);
            KOC__AUTO_STR to = koc__strdup(koc_test_path(name));
            koc_error *err = NULL;
            koc__alloc_fail_after(n);
            rc = copy(ctx, at(KOC_PLACE_LAYOUT, from, NULL), at(kinds[k], to, NULL), NULL, NULL,
                      &err);
            koc__alloc_fail_after(0);
            if (rc != KOC_OK) {
                assert_int_equal(rc, KOC_ENOMEM);
                assert_true(kinds[k] == KOC_PLACE_LAYOUT || !koc__fs_exists(to));
            }
            koc_error_free(err);
        }
        assert_int_equal(rc, KOC_OK);
    }
}
