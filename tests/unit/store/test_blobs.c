/* Archives as blobs: the same bytes as those that are written, and layers that are left out. */
#include "helper.h"

#include "layer/tar.h"

static const char *const two[] = {"one", "two", NULL};
static const char *const twice[] = {"one", "one", NULL};

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

static koc_reference *reference(const char *text)
{
    koc_reference *r = NULL;
    koc_error *err = NULL;
    ok(koc_reference_parse(text, 0, &r, &err), err);
    return r;
}

/* The names of a tar's entries, one a line; all of it must be readable. */
static void names_of(koc_blob *blob, koc__dynbuf *names)
{
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc_error *err = NULL;
    names->max = TEST_MAX;
    ok(koc__tar_reader_open(blob, "archive", NULL, &r, &err), err);
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        ok(koc__tar_next(r, &e, &more, &err), err);
        if (!more) {
            return;
        }
        ok(koc__dynbuf_printf(names, &err, "%s\n", e.name), err);
    }
}

KOC_TEST(archive_blob_has_the_bytes_that_are_written)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_reference) name = reference("ko.local/x:1");
    KOC__AUTO_VAL(koc__dynbuf) written = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc_buf) read = KOC_BUF_INIT;
    KOC__AUTO(koc_blob) blob = NULL;
    const koc_archive_image one = {sizeof(koc_archive_image), 0, img, &name, 1};
    const koc_writer w = {to_buf, &written};
    koc_error *err = NULL;
    ok(koc_archive_write(ctx, &one, 1, &w, NULL, &err), err);
    ok(koc__archive_blob(&one, 0, NULL, &blob, &err), err);
    assert_int_equal(koc_blob_size(blob), written.len);
    ok(koc__blob_read_all(blob, TEST_MAX, NULL, &read, &err), err);
    assert_memory_equal(read.ptr, written.ptr, written.len);
    for (uint64_t offset = 0; offset <= written.len; offset += 511) {
        KOC__AUTO(koc_reader) in = NULL;
        char rest[16384];
        size_t n = 0;
        ok(koc__blob_open(blob, offset, NULL, &in, &err), err);
        ok(koc__reader_fill(in, rest, sizeof(rest), &n, &err), err);
        assert_int_equal(n, KOC__MIN(written.len - offset, sizeof(rest)));
        assert_memory_equal(rest, written.ptr + offset, n);
    }
}

KOC_TEST(archive_blob_leaves_out_the_first_layers)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_reference) name = reference("ko.local/x:1");
    const koc_archive_image one = {sizeof(koc_archive_image), 0, img, &name, 1};
    koc_error *err = NULL;
    for (size_t skip = 0; skip <= 2; skip++) {
        KOC__AUTO(koc_blob) blob = NULL;
        KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(0);
        ok(koc__archive_blob(&one, skip, NULL, &blob, &err), err);
        names_of(blob, &names);
        assert_int_equal(count(names.ptr, ".tar.gz\n"), 2 - skip);
        assert_int_equal(count(names.ptr, "manifest.json\n"), 1);
    }
}

KOC_TEST(layout_blob_names_the_image_each_way)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, twice);
    KOC__AUTO(koc_reference) a = reference("kind.local/x:1");
    KOC__AUTO(koc_reference) b = reference("kind.local/x:latest");
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc_buf) all = KOC_BUF_INIT;
    koc_reference *both[] = {a, b};
    const koc_archive_image one = {sizeof(koc_archive_image), 0, img, both, 2};
    koc_error *err = NULL;
    ok(koc__layout_blob(&one, 0, &blob, &err), err);
    names_of(blob, &names);
    koc__digest_text manifest = koc__digest_hex(&koc_image_descriptor(img)->digest);
    koc__digest_text config = koc__digest_hex(&koc_image_config_descriptor(img)->digest);
    koc__digest_text layer =
        koc__digest_hex(&koc_layer_descriptor(koc_image_layer(img, 0))->digest);
    KOC__AUTO_STR expect =
        koc__format("oci-layout\nindex.json\nblobs/sha256/%s\nblobs/sha256/%s\nblobs/sha256/%s\n",
                    manifest.s, config.s, layer.s);
    assert_string_equal(names.ptr, expect); /* the layer that stands twice: once */
    ok(koc__blob_read_all(blob, TEST_MAX, NULL, &all, &err), err);
    const char *index = memmem(all.ptr, all.len, "{\"schemaVersion\"", 16);
    assert_non_null(index);
    assert_non_null(strstr(index, "\"io.containerd.image.name\":\"kind.local/x:1\""));
    assert_non_null(strstr(index, "\"io.containerd.image.name\":\"kind.local/x:latest\""));
    assert_non_null(strstr(index, "\"org.opencontainers.image.ref.name\":\"latest\""));
}

/* Every file of the layout is the content of its name, and index.json finds the image. */
KOC_TEST(layout_blob_holds_what_its_names_say)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_reference) a = reference("kind.local/x:1");
    const koc_archive_image one = {sizeof(koc_archive_image), 0, img, &a, 1};
    koc_error *err = NULL;
    for (size_t skip = 0; skip <= 2; skip++) {
        KOC__AUTO(koc_blob) blob = NULL;
        KOC__AUTO(koc__tar_reader) r = NULL;
        size_t blobs = 0;
        ok(koc__layout_blob(&one, skip, &blob, &err), err);
        ok(koc__tar_reader_open(blob, "layout", NULL, &r, &err), err);
        for (;;) {
            koc__tar_entry e = {0};
            bool more = false;
            char content[8192];
            size_t n = 0;
            size_t got = 1;
            ok(koc__tar_next(r, &e, &more, &err), err);
            if (!more) {
                break;
            }
            assert_int_equal(e.mode, 0644);
            while (got > 0) {
                ok(koc__tar_read(r, content + n, sizeof(content) - n, &got, &err), err);
                n += got;
            }
            if (strncmp(e.name, "blobs/sha256/", 13) == 0) {
                koc_digest d = {0};
                koc__sha256_of(content, n, &d);
                assert_string_equal(e.name + 13, koc__digest_hex(&d).s);
                blobs++;
            } else if (koc__streq(e.name, "oci-layout")) {
                assert_true(
                    koc__str_is(koc__str_n(content, n), "{\"imageLayoutVersion\":\"1.0.0\"}"));
            } else {
                assert_string_equal(e.name, "index.json");
                assert_non_null(
                    memmem(content, n, koc__digest_str(&koc_image_descriptor(img)->digest).s, 71));
            }
        }
        assert_int_equal(blobs, 4 - skip);
    }
}

KOC_TEST(blobs_of_images_without_content_are_errors)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_image) bare = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    koc_error *err = NULL;
    ok(koc_image_from_bytes(ctx, koc_image_manifest(img), koc_image_config(img), &bare, &err), err);
    const koc_archive_image one = {sizeof(koc_archive_image), 0, bare, NULL, 0};
    fails(koc__layout_blob(&one, 0, &blob, &err), KOC_ENOTFOUND, &err);
    fails(koc__layout_blob(&one, 1, &blob, &err), KOC_ENOTFOUND, &err);
    fails(koc__archive_blob(&one, 1, NULL, &blob, &err), KOC_ENOTFOUND, &err);
    ok(koc__archive_blob(&one, 2, NULL, &blob, &err), err);
}

KOC_TEST(blobs_survive_running_out_of_memory)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_reference) a = reference("kind.local/x:1");
    const koc_archive_image one = {sizeof(koc_archive_image), 0, img, &a, 1};
    for (int layout = 0; layout < 2; layout++) {
        for (uint64_t n = 1;; n++) {
            KOC__AUTO(koc_blob) blob = NULL;
            koc_error *err = NULL;
            koc__alloc_fail_after(n);
            int rc = layout ? koc__layout_blob(&one, 0, &blob, &err)
                            : koc__archive_blob(&one, 0, NULL, &blob, &err);
            koc__alloc_fail_after(0);
            if (rc == KOC_OK) {
                assert_true(n > 10);
                break;
            }
            assert_null(blob);
            fails(rc, KOC_ENOMEM, &err);
        }
    }
}

KOC_TEST(a_blob_of_no_parts_is_empty)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    koc_error *err = NULL;
    char c;
    size_t n = 1;
    ok(koc__blob_concat(NULL, 0, &blob, &err), err);
    assert_int_equal(koc_blob_size(blob), 0);
    ok(koc__blob_open(blob, 0, NULL, &in, &err), err);
    ok(koc_reader_read(in, &c, 1, &n, &err), err);
    assert_int_equal(n, 0);
}
