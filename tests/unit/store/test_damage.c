/* Layouts that are damaged, each piece in each way: what is read is verified, what is written again is whole. */
#include "helper.h"

#include <sys/stat.h>

#include "store/layout.h"

static const char *const one[] = {"one", NULL};
static const char *const two[] = {"one", "two", NULL};

static koc_layout *create(koc_ctx *ctx, const char *dir)
{
    koc_layout *l = NULL;
    koc_error *err = NULL;
    ok(koc_layout_open(ctx, dir, KOC_LAYOUT_CREATE, &l, &err), err);
    return l;
}

static int read_layer(koc_image *img, size_t i, koc_error **err)
{
    KOC__AUTO(koc_reader) r = NULL;
    KOC__TRY(koc_layer_open(koc_image_layer(img, i), NULL, &r, err));
    return koc_reader_finish(r, err);
}

static koc_index *index_of(koc_ctx *ctx, koc_image *const *images, size_t n)
{
    KOC__AUTO(koc_index_builder) builder = NULL;
    koc_index *idx = NULL;
    koc_error *err = NULL;
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &builder, &err), err);
    for (size_t i = 0; i < n; i++) {
        ok(koc_index_builder_add_image(builder, images[i], NULL, &err), err);
    }
    ok(koc_index_builder_finish(builder, &idx, &err), err);
    return idx;
}

/* --- blobs --- */

typedef struct outcome {
    int32_t get, read; /* of the image; of its layer, if there is an image */
} outcome;

/* By kind of damage. A manifest without one of its layers is an image: layers may be elsewhere. */
static const outcome of_layer[DAMAGES] = {
    [DAMAGE_FLIP] = {KOC_OK, KOC_EDIGEST},
    [DAMAGE_CUT] = {KOC_EDIGEST, 0},
    [DAMAGE_LONGER] = {KOC_EDIGEST, 0},
    [DAMAGE_EMPTY] = {KOC_EDIGEST, 0},
    [DAMAGE_MISSING] = {KOC_OK, KOC_ENOTFOUND},
    [DAMAGE_DIRECTORY] = {KOC_EINVAL, 0},
    [DAMAGE_DANGLING] = {KOC_OK, KOC_ENOTFOUND},
    [DAMAGE_CIRCLE] = {KOC_OK, KOC_ENOTFOUND},
    [DAMAGE_FIFO] = {KOC_EINVAL, 0},
};
static const int32_t of_document[DAMAGES] = {
    [DAMAGE_FLIP] = KOC_EDIGEST,       [DAMAGE_CUT] = KOC_EDIGEST,
    [DAMAGE_LONGER] = KOC_EDIGEST,     [DAMAGE_EMPTY] = KOC_EDIGEST,
    [DAMAGE_MISSING] = KOC_ENOTFOUND,  [DAMAGE_DIRECTORY] = KOC_EINVAL,
    [DAMAGE_DANGLING] = KOC_ENOTFOUND, [DAMAGE_CIRCLE] = KOC_ENOTFOUND,
    [DAMAGE_FIFO] = KOC_EINVAL,
};

enum { LAYER, CONFIG, MANIFEST, PIECES };

static const koc_digest *piece_of(koc_image *img, int piece)
{
    return piece == LAYER    ? &koc_layer_descriptor(koc_image_layer(img, 1))->digest
           : piece == CONFIG ? &koc_image_config_descriptor(img)->digest
                             : &koc_image_descriptor(img)->digest;
}

static int read_image(koc_layout *l, const koc_digest *d, koc_error **err)
{
    KOC__AUTO(koc_image) back = NULL;
    KOC__TRY(koc_layout_get_image(l, d, &back, err));
    for (size_t i = 0; i < koc_image_layer_count(back); i++) {
        KOC__TRY(read_layer(back, i, err));
    }
    return KOC_OK;
}

static koc_code expected(int piece, int damage)
{
    if (piece != LAYER) {
        return of_document[damage];
    }
    return of_layer[damage].get != KOC_OK ? of_layer[damage].get : of_layer[damage].read;
}

/* What is put again replaces what is damaged; only a directory cannot be replaced. */
KOC_TEST(a_damaged_blob_is_noticed_and_replaced)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    for (int piece = LAYER; piece < PIECES; piece++) {
        for (int damage = 0; damage < DAMAGES; damage++) {
            KOC__AUTO_STR dir = koc__format("%s/%d-%d", koc_test_dir(), piece, damage);
            KOC__AUTO(koc_layout) l = create(ctx, dir);
            KOC__AUTO(koc_image) back = NULL;
            KOC__AUTO_STR path = blob_path(dir, piece_of(img, piece));
            koc_error *err = NULL;
            print_message("%s of piece %d\n", damage_name(damage), piece);
            ok(koc_layout_put_image(l, img, NULL, NULL, &err), err);
            ok(read_image(l, &koc_image_descriptor(img)->digest, &err), err);
            damage_file(path, damage);
            int rc = koc_layout_get_image(l, &koc_image_descriptor(img)->digest, &back, &err);
            if (piece == LAYER && of_layer[damage].get == KOC_OK) {
                ok(rc, err);
                rc = read_layer(back, 1, &err);
            }
            fails(rc, expected(piece, damage), &err);
            rc = koc_layout_put_image(l, img, NULL, NULL, &err);
            if (damage == DAMAGE_DIRECTORY) {
                assert_int_not_equal(rc, KOC_OK);
                koc__error_clear(&err);
            } else {
                ok(rc, err);
                ok(read_image(l, &koc_image_descriptor(img)->digest, &err), err);
            }
        }
    }
}

/* A link may lead to content that is kept elsewhere; what is read there is verified as well. */
KOC_TEST(a_link_to_a_blob_is_verified)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    const char *dir = koc_test_path("l");
    KOC__AUTO(koc_layout) l = create(ctx, dir);
    KOC__AUTO_STR path = blob_path(dir, &koc_layer_descriptor(koc_image_layer(img, 0))->digest);
    KOC__AUTO_STR elsewhere = koc__strdup(koc_test_path("elsewhere"));
    koc_error *err = NULL;
    ok(koc_layout_put_image(l, img, NULL, NULL, &err), err);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    ok(read_image(l, &koc_image_descriptor(img)->digest, &err), err);
    damage_file(elsewhere, DAMAGE_FLIP);
    fails(read_image(l, &koc_image_descriptor(img)->digest, &err), KOC_EDIGEST, &err);
    ok(koc_layout_put_image(l, img, NULL, NULL, &err), err);
    ok(read_image(l, &koc_image_descriptor(img)->digest, &err), err);
}

/* A verified blob is not read again, unless it has changed since. */
KOC_TEST(a_blob_that_was_verified_counts_until_it_changes)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    const char *dir = koc_test_path("l");
    KOC__AUTO(koc_layout) l = create(ctx, dir);
    const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(img, 0));
    koc_error *err = NULL;
    int32_t was = 0;
    ok(koc__layout_put_blob(l, d, koc_image_layer(img, 0)->blob, NULL, &was, &err), err);
    assert_int_equal(was, KOC_STATE_FINISHED);
    ok(koc__layout_put_blob(l, d, NULL, NULL, &was, &err), err);
    assert_int_equal(was, KOC_STATE_SKIPPED);
    KOC__AUTO_STR path = blob_path(dir, &d->digest);
    damage_file(path, DAMAGE_FLIP);
    fails_saying(koc__layout_put_blob(l, d, NULL, NULL, &was, &err), KOC_ENOTFOUND,
                 "is not in the layout", &err);
    ok(koc__layout_put_blob(l, d, koc_image_layer(img, 0)->blob, NULL, &was, &err), err);
    assert_int_equal(was, KOC_STATE_FINISHED);
}

/* --- the images of an index --- */

KOC_TEST(a_damaged_image_of_an_index_is_noticed)
{
    static const int32_t of_child[DAMAGES] = {
        [DAMAGE_FLIP] = KOC_EDIGEST,  [DAMAGE_CUT] = KOC_EDIGEST, [DAMAGE_LONGER] = KOC_EDIGEST,
        [DAMAGE_EMPTY] = KOC_EDIGEST, [DAMAGE_MISSING] = KOC_OK,  [DAMAGE_DIRECTORY] = KOC_EINVAL,
        [DAMAGE_DANGLING] = KOC_OK,   [DAMAGE_CIRCLE] = KOC_OK,   [DAMAGE_FIFO] = KOC_EINVAL,
    };
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_GZIP, two);
    koc_image *both[] = {a, b};
    KOC__AUTO(koc_index) idx = index_of(ctx, both, 2);
    for (int damage = 0; damage < DAMAGES; damage++) {
        KOC__AUTO_STR dir = koc__format("%s/%d", koc_test_dir(), damage);
        KOC__AUTO(koc_layout) l = create(ctx, dir);
        KOC__AUTO(koc_index) back = NULL;
        KOC__AUTO(koc_index) bare = NULL;
        KOC__AUTO_STR path = blob_path(dir, &koc_image_descriptor(b)->digest);
        koc_error *err = NULL;
        print_message("%s\n", damage_name(damage));
        ok(koc_layout_put_index(l, idx, NULL, NULL, &err), err);
        damage_file(path, damage);
        int rc = koc_layout_get_index(l, &koc_index_descriptor(idx)->digest, &back, &err);
        if (of_child[damage] == KOC_OK) { /* an index may be copied for some platforms only */
            ok(rc, err);
            assert_non_null(koc_index_image(back, 0));
            assert_null(koc_index_image(back, 1));
        } else {
            fails(rc, of_child[damage], &err);
            assert_null(back);
        }
        ok(koc_index_from_bytes(ctx, koc_index_bytes(idx), &bare, &err), err);
        fails(koc_layout_put_index(l, bare, NULL, NULL, &err), KOC_ENOTFOUND, &err);
    }
}

/* The config of a child is as much a part of it as its manifest is. */
KOC_TEST(an_index_whose_image_lost_its_config_is_an_error)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_index) idx = index_of(ctx, &a, 1);
    KOC__AUTO(koc_index) back = NULL;
    const char *dir = koc_test_path("l");
    KOC__AUTO(koc_layout) l = create(ctx, dir);
    KOC__AUTO_STR path = blob_path(dir, &koc_image_config_descriptor(a)->digest);
    koc_error *err = NULL;
    ok(koc_layout_put_index(l, idx, NULL, NULL, &err), err);
    damage_file(path, DAMAGE_MISSING);
    fails_saying(koc_layout_get_index(l, &koc_index_descriptor(idx)->digest, &back, &err),
                 KOC_ENOTFOUND, koc__digest_str(&koc_image_config_descriptor(a)->digest).s, &err);
    assert_null(back);
}

/* An artifact (an attestation, say) is no image, and its index is whole. */
KOC_TEST(an_index_may_name_what_is_no_image)
{
    static const char artifact[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
        "\",\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"sha256:"
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2},\"layers\":"
        "[{\"mediaType\":\"text/plain\",\"digest\":\"sha256:"
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2}]}";
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_layout) l = create(ctx, koc_test_path("l"));
    KOC__AUTO(koc_index_builder) builder = NULL;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_index) back = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_descriptor empty = KOC_DESCRIPTOR_INIT;
    koc_error *err = NULL;
    d.media_type = KOC_MT_OCI_MANIFEST;
    d.size = strlen(artifact);
    koc__sha256_of(artifact, strlen(artifact), &d.digest);
    empty.size = 2;
    koc__sha256_of("{}", 2, &empty.digest);
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &builder, &err), err);
    ok(koc_index_builder_add_image(builder, a, NULL, &err), err);
    ok(koc_index_builder_add_descriptor(builder, &d, &err), err);
    ok(koc_index_builder_finish(builder, &idx, &err), err);
    ok(koc__layout_put_bytes(l, KOC__STR("{}"), &empty, &err), err);
    fails_saying(koc_layout_put_index(l, idx, NULL, NULL, &err), KOC_ENOTFOUND, "the index names",
                 &err);
    ok(koc__layout_put_bytes(l, koc__str(artifact), &d, &err), err);
    ok(koc_layout_put_index(l, idx, NULL, NULL, &err), err);
    ok(koc_layout_get_index(l, &koc_index_descriptor(idx)->digest, &back, &err), err);
    assert_int_equal(koc_index_count(back), 2);
    assert_non_null(koc_index_image(back, 0));
    assert_null(koc_index_image(back, 1));
}

KOC_TEST(an_index_is_not_an_image_and_an_image_is_no_index)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_index) idx = index_of(ctx, &a, 1);
    KOC__AUTO(koc_layout) l = create(ctx, koc_test_path("l"));
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO(koc_index) back = NULL;
    koc_error *err = NULL;
    ok(koc_layout_put_index(l, idx, NULL, NULL, &err), err);
    fails_saying(koc_layout_get_image(l, &koc_index_descriptor(idx)->digest, &img, &err),
                 KOC_EUNSUPPORTED, "is an index, not an image", &err);
    fails_saying(koc_layout_get_index(l, &koc_image_descriptor(a)->digest, &back, &err),
                 KOC_EFORMAT, "is an image, not an index", &err);
    fails(koc_layout_get_index(l, &koc_image_config_descriptor(a)->digest, &back, &err),
          KOC_EFORMAT, &err);
    assert_null(img);
    assert_null(back);
}

/* --- index.json and oci-layout --- */

#define ENTRY(more_)                                                                               \
    "{\"mediaType\":\"" KOC_MT_OCI_MANIFEST                                                        \
    "\",\"digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\","   \
    "\"size\":" more_ "}"
#define LISTING(entry_) "{\"schemaVersion\":2,\"manifests\":[" entry_ "]}"

/* None of them is touched by a put, so that nothing is lost which a person could still mend. */
KOC_TEST(a_damaged_index_json_is_an_error_and_stays)
{
    static const char *const cases[] = {
        "",
        "[",
        "[]",
        "null",
        "{}",
        "{\"schemaVersion\":2,\"manifests\":",
        "{\"schemaVersion\":2,\"manifests\":[]} x",
        "{\"schemaVersion\":2,\"manifests\":{}}",
        "{\"schemaVersion\":2,\"manifests\":null}",
        LISTING("3"),
        LISTING("{}"),
        LISTING(ENTRY("-1")),
        LISTING(ENTRY("\"2\"")),
        LISTING("{\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"digest\":\"sha256:00\",\"size\":2}"),

    };
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_layout) l = create(ctx, koc_test_path("l"));
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc_index) list = NULL;
        KOC__AUTO_VAL(koc__dynbuf) after = KOC__DYNBUF_INIT(0);
        koc_error *err = NULL;
        const char *path = koc_test_write("l/index.json", cases[i], strlen(cases[i]));
        print_message("%s\n", cases[i]);
        fails(koc_layout_list(l, &list, &err), KOC_EFORMAT, &err);
        fails_saying(koc_layout_put_image(l, img, "x", NULL, &err), KOC_EFORMAT, "index.json",
                     &err);
        read_file(path, &after);
        assert_true(koc__str_is(koc__dynbuf_view(&after), cases[i]));
    }
}

KOC_TEST(an_index_json_that_is_no_file_is_an_error)
{
    static const int32_t codes[DAMAGES] = {
        [DAMAGE_CUT] = KOC_EFORMAT,   [DAMAGE_FLIP] = KOC_EFORMAT,
        [DAMAGE_EMPTY] = KOC_EFORMAT, [DAMAGE_MISSING] = KOC_ENOTFOUND,
        [DAMAGE_DIRECTORY] = KOC_EIO, [DAMAGE_DANGLING] = KOC_ENOTFOUND,
        [DAMAGE_CIRCLE] = KOC_EIO,    [DAMAGE_FIFO] = KOC_EINVAL,
    };
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    for (int damage = 0; damage < DAMAGES; damage++) {
        if (damage == DAMAGE_LONGER) {
            continue; /* white space at its end is none */
        }
        KOC__AUTO_STR dir = koc__format("%s/%d", koc_test_dir(), damage);
        KOC__AUTO(koc_layout) l = create(ctx, dir);
        KOC__AUTO(koc_index) list = NULL;
        KOC__AUTO_STR path = koc__format("%s/index.json", dir);
        koc_error *err = NULL;
        print_message("%s\n", damage_name(damage));
        damage_file(path, damage);
        fails(koc_layout_list(l, &list, &err), codes[damage], &err);
        fails(koc_layout_put_image(l, img, NULL, NULL, &err), codes[damage], &err);
    }
}

KOC_TEST(an_oci_layout_file_of_another_version_is_refused)
{
    static const struct {
        const char *text;
        koc_code code;
        const char *word;
    } cases[] = {
        {"{\"imageLayoutVersion\":\"1.0.0\"}", KOC_OK, ""},
        {"{\"imageLayoutVersion\":\"1.1.0\",\"more\":[]}", KOC_OK, ""},
        {"{\"imageLayoutVersion\":\"2.0.0\"}", KOC_EFORMAT, "version 2.0.0; koc reads 1.0.0"},
        {"{\"imageLayoutVersion\":\"10.0.0\"}", KOC_EFORMAT, "version 10.0.0"},
        {"{\"imageLayoutVersion\":\"\"}", KOC_EFORMAT, "version "},
        {"{\"imageLayoutVersion\":1.0}", KOC_EFORMAT, "version (none)"},
        {"{}", KOC_EFORMAT, "version (none)"},
        {"[]", KOC_EFORMAT, "version (none)"},
        {"", KOC_EFORMAT, "oci-layout"},
        {"{\"imageLayoutVersion\":\"1.0.0\"", KOC_EFORMAT, "oci-layout"},
    };
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_STR dir = koc__strdup(koc_test_path("l"));
    koc_layout_unref(create(ctx, dir));
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_layout *l = NULL;
        koc_error *err = NULL;
        print_message("%s\n", cases[i].text);
        koc_test_write("l/oci-layout", cases[i].text, strlen(cases[i].text));
        for (uint32_t flags = 0; flags <= KOC_LAYOUT_CREATE; flags++) {
            int rc = koc_layout_open(ctx, dir, flags, &l, &err);
            if (cases[i].code == KOC_OK) {
                ok(rc, err);
                koc_layout_unref(koc__steal(&l));
            } else {
                fails_saying(rc, cases[i].code, cases[i].word, &err);
                assert_null(l);
            }
        }
    }
    char large[5000];
    koc_layout *l = NULL;
    koc_error *err = NULL;
    memset(large, ' ', sizeof(large));
    koc_test_write("l/oci-layout", large, sizeof(large));
    fails(koc_layout_open(ctx, dir, 0, &l, &err), KOC_ELIMIT, &err);
}

/* A directory with either file alone is made whole only where nothing of another's can be lost. */
KOC_TEST(a_layout_that_lacks_a_file)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_layout *l = NULL;
    KOC__AUTO(koc_index) list = NULL;
    KOC__AUTO_STR dir = koc__strdup(koc_test_path("l"));
    koc_error *err = NULL;
    koc_layout_unref(create(ctx, dir));
    assert_int_equal(unlink(koc_test_path("l/index.json")), 0);
    ok(koc_layout_open(ctx, dir, 0, &l, &err), err);
    fails_saying(koc_layout_list(l, &list, &err), KOC_ENOTFOUND, "index.json", &err);
    koc_layout_unref(koc__steal(&l));
    assert_false(koc__fs_exists(koc_test_path("l/index.json")));
    l = create(ctx, dir);
    ok(koc_layout_list(l, &list, &err), err);
    assert_int_equal(koc_index_count(list), 0);
    koc_layout_unref(koc__steal(&l));
    assert_int_equal(unlink(koc_test_path("l/oci-layout")), 0);
    for (uint32_t flags = 0; flags <= KOC_LAYOUT_CREATE; flags++) {
        fails_saying(koc_layout_open(ctx, dir, flags, &l, &err), KOC_EFORMAT,
                     "has an index.json but no oci-layout file", &err);
    }
    assert_int_equal(unlink(koc_test_path("l/index.json")), 0);
    fails_saying(koc_layout_open(ctx, dir, 0, &l, &err), KOC_EFORMAT, "it has no oci-layout file",
                 &err);
    fails_saying(koc_layout_open(ctx, koc_test_path("none"), 0, &l, &err), KOC_ENOTFOUND,
                 "there is no such OCI layout", &err);
    assert_false(koc__fs_exists(koc_test_path("none")));
    assert_null(l);
}

/* An image that is listed twice, as `cp` of two index.json files would make it, stays so until it is put. */
KOC_TEST(entries_that_stand_twice_become_one)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) other = image(ctx, "arm64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_layout) l = create(ctx, koc_test_path("l"));
    KOC__AUTO_VAL(koc__dynbuf) after = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    const koc__digest_text a = koc__digest_str(&koc_image_descriptor(img)->digest);
    const koc__digest_text b = koc__digest_str(&koc_image_descriptor(other)->digest);
    static const char entry[] =
        "{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
        "\",\"size\":2,\"digest\":\"%s\",\"annotations\":{\"" KOC__REF_NAME "\":\"x\"}}";
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(0);
    text.max = TEST_MAX;
    ok(koc__dynbuf_puts(&text, "{\"schemaVersion\":2,\"manifests\":[", &err), err);
    ok(koc__dynbuf_printf(&text, &err, entry, a.s), err);
    ok(koc__dynbuf_puts(&text, ",", &err), err);
    ok(koc__dynbuf_printf(&text, &err, entry, b.s), err);
    ok(koc__dynbuf_puts(&text, "]}", &err), err);
    koc_test_write("l/index.json", text.ptr, text.len);
    ok(koc_layout_put_image(l, img, "x", NULL, &err), err);
    read_file(koc_test_path("l/index.json"), &after);
    assert_int_equal(count(after.ptr, a.s), 1);
    assert_int_equal(count(after.ptr, b.s), 0);
    assert_int_equal(count(after.ptr, "\"x\""), 1);
}

KOC_TEST(layout_functions_refuse_what_is_missing)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_layout) l = create(ctx, koc_test_path("l"));
    KOC__AUTO(koc_index) idx = index_of(ctx, &img, 1);
    const koc_digest *d = &koc_image_descriptor(img)->digest;
    koc_layout *none = NULL;
    koc_index *list = NULL;
    koc_image *back = NULL;
    koc_error *err = NULL;
    const char *dir = koc_test_path("l");
    const int calls[] = {
        koc_layout_open(NULL, dir, 0, &none, NULL),
        koc_layout_open(ctx, NULL, 0, &none, NULL),
        koc_layout_open(ctx, "", 0, &none, NULL),
        koc_layout_open(ctx, dir, 0, NULL, NULL),
        koc_layout_open(ctx, dir, 2, &none, NULL),
        koc_layout_list(NULL, &list, NULL),
        koc_layout_list(l, NULL, NULL),
        koc_layout_get_image(NULL, d, &back, NULL),
        koc_layout_get_image(l, NULL, &back, NULL),
        koc_layout_get_image(l, d, NULL, NULL),
        koc_layout_get_index(NULL, d, &list, NULL),
        koc_layout_get_index(l, NULL, &list, NULL),
        koc_layout_get_index(l, d, NULL, NULL),
        koc_layout_put_image(NULL, img, 0, 0, NULL),
        koc_layout_put_image(l, NULL, NULL, 0, NULL),
        koc_layout_put_index(NULL, idx, 0, 0, NULL),
        koc_layout_put_index(l, NULL, NULL, 0, NULL),
    };
    for (size_t i = 0; i < KOC__COUNT(calls); i++) {
        assert_int_equal(calls[i], KOC_EMISUSE);
    }
    fails_saying(koc_layout_list(NULL, &list, &err), KOC_EMISUSE, "koc_layout_list", &err);
    koc_layout_unref(NULL);
    assert_null(koc_layout_ref(NULL));
    koc_layout_unref(koc_layout_ref(l));
    ok(koc_layout_list(l, &list, &err), err);
    koc_index_unref(list);
}
