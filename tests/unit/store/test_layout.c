/* OCI layouts: what is written reads back, once each, whatever others do meanwhile. */
#include "helper.h"

#include <pthread.h>
#include <sys/stat.h>

static const char *const one[] = {"one", NULL};
static const char *const two[] = {"one", "two", "one", NULL};

static koc_layout *create(koc_ctx *ctx, const char *name)
{
    koc_layout *l = NULL;
    koc_error *err = NULL;
    ok(koc_layout_open(ctx, koc_test_path(name), KOC_LAYOUT_CREATE, &l, &err), err);
    return l;
}

static void layers_read(const koc_image *img)
{
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        KOC__AUTO(koc_reader) r = NULL;
        koc_error *err = NULL;
        char buf[4096];
        size_t n = 0;
        ok(koc_layer_open_tar(koc_image_layer(img, i), NULL, &r, &err), err);
        do {
            ok(koc_reader_read(r, buf, sizeof(buf), &n, &err), err);
        } while (n > 0);
    }
}

KOC_TEST(layout_gives_back_what_was_put)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) l = create(ctx, "new/deep");
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_image) back = NULL;
    KOC__AUTO(koc_index) list = NULL;
    KOC__AUTO_VAL(koc__dynbuf) mark = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    ok(koc_layout_put_image(l, img, "v1", NULL, &err), err);
    ok(koc_layout_get_image(l, &koc_image_descriptor(img)->digest, &back, &err), err);
    assert_true(koc__str_eq(koc_image_manifest(img), koc_image_manifest(back)));
    assert_int_equal(koc_image_layer_count(back), 3);
    layers_read(back);
    ok(koc_layout_list(l, &list, &err), err);
    assert_int_equal(koc_index_count(list), 1);
    const koc_descriptor *d = koc_index_get(list, 0);
    assert_string_equal(d->annotations[0].key, "org.opencontainers.image.ref.name");
    assert_string_equal(d->annotations[0].value, "v1");
    assert_string_equal(d->platform->arch, "amd64");
    read_file(koc_test_path("new/deep/oci-layout"), &mark);
    assert_string_equal(mark.ptr, "{\n    \"imageLayoutVersion\": \"1.0.0\"\n}");
    struct stat st;
    assert_int_equal(stat(koc_test_path("new/deep/index.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0022, 0644);
}

/* Blobs are content under its digest and nothing else lies about. */
KOC_TEST(layout_has_no_more_than_it_should)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) l = create(ctx, "l");
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_strlist) top = NULL;
    KOC__AUTO(koc_strlist) blobs = NULL;
    koc_error *err = NULL;
    ok(koc_layout_put_image(l, img, NULL, NULL, &err), err);
    ok(koc__fs_list(koc_test_path("l"), &top, &err), err);
    assert_int_equal(koc_strlist_count(top), 3);
    assert_string_equal(koc_strlist_get(top, 0), "blobs");
    assert_string_equal(koc_strlist_get(top, 1), "index.json");
    assert_string_equal(koc_strlist_get(top, 2), "oci-layout");
    ok(koc__fs_list(koc_test_path("l/blobs/sha256"), &blobs, &err), err);
    assert_int_equal(koc_strlist_count(blobs), 4);
    for (size_t i = 0; i < 4; i++) {
        KOC__AUTO_VAL(koc__dynbuf) content = KOC__DYNBUF_INIT(0);
        KOC__AUTO_STR path = koc__format("l/blobs/sha256/%s", koc_strlist_get(blobs, i));
        koc_digest d = {0};
        read_file(koc_test_path(path), &content);
        koc__sha256_of(content.ptr, content.len, &d);
        assert_string_equal(koc__digest_hex(&d).s, koc_strlist_get(blobs, i));
    }
}

static size_t entries(koc_layout *l)
{
    KOC__AUTO(koc_index) list = NULL;
    koc_error *err = NULL;
    ok(koc_layout_list(l, &list, &err), err);
    return koc_index_count(list);
}

KOC_TEST(layout_lists_each_name_and_image_once)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) l = create(ctx, "l");
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO_VAL(koc__dynbuf) index = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    ok(koc_layout_put_image(l, a, NULL, NULL, &err), err);
    ok(koc_layout_put_image(l, a, NULL, NULL, &err), err);
    assert_int_equal(entries(l), 1);
    ok(koc_layout_put_image(l, a, "x", NULL, &err), err); /* the nameless entry gets the name */
    assert_int_equal(entries(l), 1);
    ok(koc_layout_put_image(l, a, NULL, NULL, &err), err);
    assert_int_equal(entries(l), 1);
    ok(koc_layout_put_image(l, a, "y", NULL, &err), err); /* a second name */
    assert_int_equal(entries(l), 2);
    ok(koc_layout_put_image(l, b, "x", NULL, &err), err); /* the name moves */
    assert_int_equal(entries(l), 2);
    read_file(koc_test_path("l/index.json"), &index);
    assert_int_equal(count(index.ptr, "\"x\""), 1);
    assert_int_equal(count(index.ptr, koc__digest_str(&koc_image_descriptor(a)->digest).s), 1);
    assert_int_equal(count(index.ptr, koc__digest_str(&koc_image_descriptor(b)->digest).s), 1);
}

KOC_TEST(layout_keeps_what_it_does_not_know)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) l = create(ctx, "l");
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO_VAL(koc__dynbuf) index = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    static const char before[] =
        "{\"schemaVersion\":2,\"x-other\":1.50,\"manifests\":[{\"mediaType\":\"application/"
        "vnd.oci.image.manifest.v1+json\",\"size\":7,\"digest\":\"sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000\",\"x\":[1e3]}]}";
    koc_test_write("l/index.json", before, sizeof(before) - 1);
    ok(koc_layout_put_image(l, img, NULL, NULL, &err), err);
    read_file(koc_test_path("l/index.json"), &index);
    assert_non_null(strstr(index.ptr, "1.50"));
    assert_non_null(strstr(index.ptr, "1e3"));
    assert_int_equal(entries(l), 2);
}

KOC_TEST(layout_stores_indexes_with_their_images)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) l = create(ctx, "l");
    KOC__AUTO(koc_layout) other = create(ctx, "other");
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_NONE, two);
    KOC__AUTO(koc_index_builder) builder = NULL;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_index) back = NULL;
    KOC__AUTO(koc_index) bare = NULL;
    koc_error *err = NULL;
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &builder, &err), err);
    ok(koc_index_builder_add_image(builder, a, NULL, &err), err);
    ok(koc_index_builder_add_image(builder, b, NULL, &err), err);
    ok(koc_index_builder_finish(builder, &idx, &err), err);
    ok(koc_layout_put_index(l, idx, NULL, NULL, &err), err);
    assert_int_equal(entries(l), 1);
    ok(koc_layout_get_index(l, &koc_index_descriptor(idx)->digest, &back, &err), err);
    assert_true(koc__str_eq(koc_index_bytes(idx), koc_index_bytes(back)));
    layers_read(koc_index_image(back, 0));
    layers_read(koc_index_image(back, 1));
    /* An index that carries nothing goes only where its images are. */
    ok(koc_index_from_bytes(ctx, koc_index_bytes(idx), &bare, &err), err);
    fails(koc_layout_put_index(other, bare, NULL, NULL, &err), KOC_ENOTFOUND, &err);
    assert_int_equal(entries(other), 0);
    ok(koc_layout_put_index(other, back, NULL, NULL, &err), err);
    ok(koc_layout_put_index(other, bare, NULL, NULL, &err), err);
    assert_int_equal(entries(other), 1);
}

KOC_TEST(layout_refuses_what_is_none)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_layout *l = NULL;
    koc_error *err = NULL;
    fails(koc_layout_open(ctx, koc_test_path("no"), 0, &l, &err), KOC_ENOTFOUND, &err);
    koc_test_write("file", "x", 1);
    assert_int_not_equal(koc_layout_open(ctx, koc_test_path("file"), KOC_LAYOUT_CREATE, &l, &err),
                         0);
    koc__error_clear(&err);
    fails(koc_layout_open(ctx, koc_test_dir(), 0, &l, &err), KOC_EFORMAT, &err);
    koc_test_write("index.json", "{}", 2);
    fails(koc_layout_open(ctx, koc_test_dir(), KOC_LAYOUT_CREATE, &l, &err), KOC_EFORMAT, &err);
    koc_test_write("oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}", 30);
    fails(koc_layout_open(ctx, koc_test_dir(), 0, &l, &err), KOC_EFORMAT, &err);
    koc_test_write("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"", 29);
    fails(koc_layout_open(ctx, koc_test_dir(), 0, &l, &err), KOC_EFORMAT, &err);
    assert_null(l);
}

/* Changes the last byte of the blob of d. */
static void damage(const char *layout, const koc_digest *d)
{
    KOC__AUTO_VAL(koc__dynbuf) content = KOC__DYNBUF_INIT(0);
    KOC__AUTO_STR name = koc__format("%s/blobs/sha256/%s", layout, koc__digest_hex(d).s);
    read_file(koc_test_path(name), &content);
    content.ptr[content.len - 1] ^= 1;
    koc_test_write(name, content.ptr, content.len);
}

KOC_TEST(layout_notices_damaged_content)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) l = create(ctx, "l");
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) other = image(ctx, "arm64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_image) back = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    koc_error *err = NULL;
    koc_digest missing = {0};
    char buf[4096];
    size_t n = 1;
    ok(koc_layout_put_image(l, img, NULL, NULL, &err), err);
    ok(koc_layout_put_image(l, other, NULL, NULL, &err), err);
    damage("l", &koc_layer_descriptor(koc_image_layer(img, 0))->digest);
    ok(koc_layout_get_image(l, &koc_image_descriptor(img)->digest, &back, &err), err);
    ok(koc_layer_open(koc_image_layer(back, 0), NULL, &r, &err), err);
    int rc = KOC_OK;
    while (rc == KOC_OK && n > 0) {
        rc = koc_reader_read(r, buf, sizeof(buf), &n, &err);
    }
    fails(rc, KOC_EDIGEST, &err);
    damage("l", &koc_image_config_descriptor(img)->digest);
    koc_image_unref(koc__steal(&back));
    fails(koc_layout_get_image(l, &koc_image_descriptor(img)->digest, &back, &err), KOC_EDIGEST,
          &err);
    damage("l", &koc_image_descriptor(other)->digest);
    fails(koc_layout_get_image(l, &koc_image_descriptor(other)->digest, &back, &err), KOC_EDIGEST,
          &err);
    koc__sha256_of("x", 1, &missing);
    fails(koc_layout_get_image(l, &missing, &back, &err), KOC_ENOTFOUND, &err);
}

/* A blob that is not what its descriptor says never gets a name, and index.json stays. */
KOC_TEST(layout_takes_no_wrong_blob)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) l = create(ctx, "l");
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_blob) wrong = NULL;
    KOC__AUTO(koc_strlist) blobs = NULL;
    KOC__AUTO(koc_strlist) top = NULL;
    koc_error *err = NULL;
    const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(img, 0));
    char *other = koc__calloc(1, (size_t)d->size);
    ok(koc__blob_take(other, (size_t)d->size, NULL, &wrong, &err), err);
    ok(koc__image_attach(img, 0, wrong, NULL, &err), err);
    fails(koc_layout_put_image(l, img, NULL, NULL, &err), KOC_EDIGEST, &err);
    ok(koc__fs_list(koc_test_path("l/blobs/sha256"), &blobs, &err), err);
    assert_int_equal(koc_strlist_count(blobs), 0);
    ok(koc__fs_list(koc_test_path("l"), &top, &err), err);
    assert_int_equal(koc_strlist_count(top), 3);
    assert_int_equal(entries(l), 0);
}

typedef struct putter {
    koc_ctx *ctx;
    koc_layout *layout;
    unsigned number;
    int rc;
} putter;

static void *put_some(void *arg)
{
    putter *p = arg;
    for (unsigned i = 0; i < 5 && p->rc == KOC_OK; i++) {
        char text[32];
        const char *texts[] = {text, NULL};
        snprintf(text, sizeof(text), "%u of %u", i, p->number);
        koc_image *img = image(p->ctx, "amd64", KOC_COMPRESS_GZIP, texts);
        p->rc = koc_layout_put_image(p->layout, img, text, NULL, NULL);
        koc_image_unref(img);
    }
    return NULL;
}

KOC_TEST(layout_takes_many_writers_at_once)
{
    enum { THREADS = 6 };
    KOC__AUTO(koc_ctx) ctx = context();
    pthread_t threads[THREADS];
    putter putters[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        /* Each has a layout object of its own, as processes do. */
        putters[i] = (putter){ctx, create(ctx, "l"), i, KOC_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, put_some, &putters[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(putters[i].rc, KOC_OK);
    }
    assert_int_equal(entries(putters[0].layout), THREADS * 5);
    for (unsigned i = 0; i < THREADS; i++) {
        koc_layout_unref(putters[i].layout);
    }
}

typedef struct opener {
    koc_ctx *ctx;
    const char *dir;
    int rc;
} opener;

static void *open_new(void *arg)
{
    opener *o = arg;
    koc_layout *l = NULL;
    o->rc = koc_layout_open(o->ctx, o->dir, KOC_LAYOUT_CREATE, &l, NULL);
    koc_layout_unref(l);
    return NULL;
}

/* Once "has an index.json but no oci-layout file" came of two packages that were written side by side. */
KOC_TEST(layout_is_made_by_many_at_once)
{
    enum { THREADS = 4, ROUNDS = 40 };
    KOC__AUTO(koc_ctx) ctx = context();
    for (unsigned round = 0; round < ROUNDS; round++) {
        char name[32];
        pthread_t threads[THREADS];
        opener openers[THREADS];
        snprintf(name, sizeof(name), "new%u", round);
        for (unsigned i = 0; i < THREADS; i++) {
            openers[i] = (opener){ctx, koc_test_path(name), KOC_OK};
            assert_int_equal(pthread_create(&threads[i], NULL, open_new, &openers[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(openers[i].rc, KOC_OK);
        }
    }
}

/* Every allocation may fail: then the put fails, and the layout still reads. */
KOC_TEST(layout_survives_running_out_of_memory)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    for (uint64_t n = 1;; n++) {
        KOC__AUTO(koc_layout) l = NULL;
        KOC__AUTO(koc_image) back = NULL;
        koc_error *err = NULL;
        KOC__AUTO_STR dir = koc__format("%s/%d", koc_test_dir(), (int)n);
        koc__alloc_fail_after(n);
        int rc = koc_layout_open(ctx, dir, KOC_LAYOUT_CREATE, &l, &err);
        if (rc == KOC_OK) {
            rc = koc_layout_put_image(l, img, "x", NULL, &err);
        }
        if (rc == KOC_OK) {
            rc = koc_layout_get_image(l, &koc_image_descriptor(img)->digest, &back, &err);
        }
        koc__alloc_fail_after(0);
        assert_true(!l || entries(l) <= 1);
        if (rc == KOC_OK) {
            assert_true(n > 20);
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
        koc__error_clear(&err);
    }
}
