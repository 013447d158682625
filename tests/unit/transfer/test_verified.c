/*
 * What is used was verified: whatever byte of an image is changed, the result is an error or the same. The steps
 * are no divisors of 512, so that they meet every field of a tar.
 */
#include "store/helper.h"

#include <koc/ext/edit.h>
#include <koc/ext/transfer.h>

static const char *const texts[] = {"GOOD one", "two", NULL};

typedef struct form {
    const char *path;      /* of what is opened */
    const char *directory; /* of the files that are changed, or NULL: path is the file */
    int32_t kind;
} form;

static int hash_data(void *self, const void *data, size_t len, koc_error **err)
{
    (void)err;
    koc__sha256_update(self, data, len);
    return KOC_OK;
}

static int open_form(koc_ctx *ctx, const form *f, koc_source **out, koc_error **err)
{
    koc_place p = KOC_PLACE_INIT;
    p.kind = f->kind;
    p.path = f->path;
    return koc_source_open(ctx, NULL, &p, NULL, out, err);
}

/* As koc export does. */
static int flatten(koc_ctx *ctx, const form *f, koc_digest *out, koc_error **err)
{
    KOC__AUTO(koc_image) img = NULL;
    koc_source *s = NULL;
    koc__sha256 h;
    koc_writer w = {hash_data, &h};
    koc__sha256_init(&h);
    int rc = open_form(ctx, f, &s, err);
    rc = rc == KOC_OK ? koc_source_get_image(s, NULL, NULL, &img, err) : rc;
    rc = rc == KOC_OK ? koc_image_flatten(img, &w, NULL, err) : rc;
    koc_source_free(s);
    koc__sha256_digest(&h, out);
    return rc;
}

/* As a push does: all content, and the manifest that names it. */
static int append(koc_ctx *ctx, const form *f, koc_digest *out, koc_error **err)
{
    KOC__AUTO(koc_image) img = NULL;
    koc_source *s = NULL;
    int rc = open_form(ctx, f, &s, err);
    rc = rc == KOC_OK ? koc_source_get_image(s, NULL, NULL, &img, err) : rc;
    for (size_t i = 0; rc == KOC_OK && i < koc_image_layer_count(img); i++) {
        KOC__AUTO(koc_reader) in = NULL;
        rc = koc_layer_open(koc_image_layer(img, i), NULL, &in, err);
        rc = rc == KOC_OK ? koc_reader_finish(in, err) : rc;
    }
    if (rc == KOC_OK) {
        *out = koc_image_descriptor(img)->digest;
    }
    koc_source_free(s);
    return rc;
}

static int validate(koc_ctx *ctx, const form *f, koc_error **err)
{
    koc_source *s = NULL;
    int rc = open_form(ctx, f, &s, err);
    rc = rc == KOC_OK ? koc_source_check(s, 0, NULL, NULL, NULL, err) : rc;
    koc_source_free(s);
    return rc;
}

static void write_at(const char *path, size_t at, char c)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fputc(c, file), (unsigned char)c);
    assert_int_equal(fclose(file), 0);
}

static void same_or_refused(int rc, const koc_digest *now, const koc_digest *before,
                            koc_error **err, const char *what, const char *path, size_t at)
{
    if (rc == KOC_OK && !koc_digest_equal(now, before)) {
        fail_msg("%s was given other content: byte %zu of %s", what, at, path);
    }
    koc__error_clear(err);
}

static void each_byte(koc_ctx *ctx, const form *f, const char *path, size_t step)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(0);
    koc_digest flat = {0}, appended = {0};
    koc_error *err = NULL;
    read_file(path, &text);
    ok(flatten(ctx, f, &flat, &err), err);
    ok(append(ctx, f, &appended, &err), err);
    ok(validate(ctx, f, &err), err);
    for (size_t i = 0; i < text.len; i += step) {
        koc_digest now = {0};
        write_at(path, i, (char)(text.ptr[i] ^ 1));
        int rc = flatten(ctx, f, &now, &err);
        same_or_refused(rc, &now, &flat, &err, "export", path, i);
        rc = append(ctx, f, &now, &err);
        same_or_refused(rc, &now, &appended, &err, "append", path, i);
        write_at(path, i, text.ptr[i]);
    }
    ok(flatten(ctx, f, &flat, &err), err);
}

static void each_file(koc_ctx *ctx, const form *f, size_t step)
{
    KOC__AUTO(koc_strlist) names = NULL;
    koc_error *err = NULL;
    ok(koc__fs_list(f->directory, &names, &err), err);
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        KOC__AUTO_STR path = koc__format("%s/%s", f->directory, koc_strlist_get(names, i));
        each_byte(ctx, f, path, step);
    }
}

static void put(koc_ctx *ctx, koc_image *img, const char *dir)
{
    KOC__AUTO(koc_layout) l = NULL;
    koc_error *err = NULL;
    ok(koc_layout_open(ctx, dir, KOC_LAYOUT_CREATE, &l, &err), err);
    ok(koc_layout_put_image(l, img, "x:1", NULL, &err), err);
}

static void as_archive(koc_ctx *ctx, const char *dir, int32_t kind, const char *path)
{
    koc_place from = KOC_PLACE_INIT, to = KOC_PLACE_INIT;
    const koc_copy_pair pair = {sizeof(pair), 0, &from, &to};
    koc_error *err = NULL;
    from.kind = KOC_PLACE_LAYOUT;
    from.path = dir;
    to.kind = kind;
    to.path = path;
    ok(koc_copy(ctx, NULL, &pair, 1, NULL, NULL, NULL, &err), err);
}

static void in_every_form(int32_t compression, size_t step, size_t archive_step)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", compression, texts);
    KOC__AUTO_STR dir = koc__strdup(koc_test_path("layout"));
    KOC__AUTO_STR blobs = koc__strdup(koc_test_path("layout/blobs/sha256"));
    KOC__AUTO_STR oci = koc__strdup(koc_test_path("oci.tar"));
    KOC__AUTO_STR docker = koc__strdup(koc_test_path("docker.tar"));
    put(ctx, img, dir);
    const form layout = {dir, blobs, KOC_PLACE_LAYOUT};
    each_file(ctx, &layout, step);
    as_archive(ctx, dir, KOC_PLACE_OCI_ARCHIVE, oci);
    const form oci_archive = {oci, NULL, KOC_PLACE_OCI_ARCHIVE};
    each_byte(ctx, &oci_archive, oci, archive_step);
    if (compression != KOC_COMPRESS_ZSTD) {
        as_archive(ctx, dir, KOC_PLACE_DOCKER_ARCHIVE, docker);
        const form docker_archive = {docker, NULL, KOC_PLACE_DOCKER_ARCHIVE};
        each_byte(ctx, &docker_archive, docker, archive_step);
    }
}

KOC_TEST(what_is_used_was_verified_in_gzip)
{
    in_every_form(KOC_COMPRESS_GZIP, 3, 29);
}

KOC_TEST(what_is_used_was_verified_in_plain_tars)
{
    in_every_form(KOC_COMPRESS_NONE, 29, 61);
}

/* Behind its end mark a tar of Python's or GNU's has up to 10 kB of zeros. */
KOC_TEST(tampering_in_front_of_padding_is_seen)
{
    enum { TAR = 10240, CONTENT = 512 };
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image_builder) b = NULL;
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_layer) layer = NULL;
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO(koc_reader) in = NULL;
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_error *err = NULL;
    koc_digest now = {0};
    KOC__AUTO(koc_image) small = image(ctx, "amd64", KOC_COMPRESS_NONE, texts);
    ok(koc_layer_open_tar(koc_image_layer(small, 0), NULL, &in, &err), err);
    ok(koc__dynbuf_reserve(&tar, TAR, &err), err);
    memset(tar.ptr, 0, TAR);
    ok(koc__reader_fill(in, tar.ptr, TAR, &tar.len, &err), err);
    ok(koc_blob_from_bytes(koc__str_n(tar.ptr, TAR), &blob, &err), err);
    o.compression = KOC_COMPRESS_NONE;
    ok(koc_layer_from_tar(ctx, blob, &o, NULL, &layer, &err), err);
    ok(koc_image_builder_new(ctx, NULL, &b, &err), err);
    ok(koc_image_builder_set_platform(b, koc_image_platform(small), &err), err);
    ok(koc_image_builder_add_layer(b, layer, NULL, &err), err);
    ok(koc_image_builder_finish(b, NULL, &img, &err), err);
    KOC__AUTO_STR dir = koc__strdup(koc_test_path("l"));
    put(ctx, img, dir);
    const form layout = {dir, NULL, KOC_PLACE_LAYOUT};
    KOC__AUTO_STR path = koc__format("%s/blobs/sha256/%s", dir,
                                     koc__digest_hex(&koc_layer_descriptor(layer)->digest).s);
    ok(flatten(ctx, &layout, &now, &err), err);
    write_at(path, CONTENT, 'E');
    fails(flatten(ctx, &layout, &now, &err), KOC_EDIGEST, &err);
    write_at(path, CONTENT, tar.ptr[CONTENT]);
    write_at(path, TAR - 1, 'x');
    fails(flatten(ctx, &layout, &now, &err), KOC_EDIGEST, &err);
}

/* The public reader: who stops at the tar's end is told by koc_reader_finish. */
KOC_TEST(reader_that_stops_early_can_finish)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_NONE, texts);
    KOC__AUTO(koc_layer) layer = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc_reader) good = NULL;
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    koc_error *err = NULL;
    char head[600];
    size_t n = 0;
    const koc_layer *l = koc_image_layer(img, 0);
    ok(koc_blob_read_all(l->blob, TEST_MAX, NULL, &text, &err), err);
    text.ptr[512] ^= 1;
    ok(koc_blob_from_bytes(koc__str_n(text.ptr, text.len), &blob, &err), err);
    ok(koc_layer_from_blob(ctx, koc_layer_descriptor(l), NULL, blob, &layer, &err), err);
    ok(koc_layer_open_tar(layer, NULL, &in, &err), err);
    ok(koc__reader_fill(in, head, sizeof(head), &n, &err), err);
    fails(koc_reader_finish(in, &err), KOC_EDIGEST, &err);
    ok(koc_layer_open_tar(koc_image_layer(img, 0), NULL, &good, &err), err);
    ok(koc_reader_finish(good, &err), err);
    ok(koc_reader_finish(good, &err), err);
}
