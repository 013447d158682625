/* Limits that readers and writers share: what is written at the limit reads back, one more is refused. */
#include "helper.h"

#include "layer/tar.h"

static const char *const texts[] = {"one", NULL};

/* --- the list of a layout --- */

static void write_listing(const char *dir, size_t n)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_STR path = koc__format("%s/index.json", dir);
    koc_error *err = NULL;
    ok(koc__dynbuf_puts(&out, "{\"schemaVersion\":2,\"manifests\":[", &err), err);
    for (size_t i = 0; i < n; i++) {
        ok(koc__dynbuf_printf(&out, &err,
                              "%s{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                              "\",\"digest\":\"sha256:%064zx\",\"size\":2}",
                              i ? "," : "", i),
           err);
    }
    ok(koc__dynbuf_puts(&out, "]}", &err), err);
    ok(koc__fs_write_file(path, koc__dynbuf_view(&out), 0644, &err), err);
}

static int list_of_a_layout(koc_ctx *ctx, bool over, koc_error **err)
{
    KOC__AUTO(koc_layout) l = NULL;
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, texts);
    KOC__AUTO(koc_index) list = NULL;
    ok(koc_layout_open(ctx, koc_test_path("l"), KOC_LAYOUT_CREATE, &l, err), *err);
    write_listing(koc_test_path("l"), KOC__LISTED_MAX - !over);
    KOC__TRY(koc_layout_put_image(l, img, "last", NULL, err));
    ok(koc_layout_list(l, &list, err), *err);
    assert_int_equal(koc_index_count(list), KOC__LISTED_MAX);
    return KOC_OK;
}

/* --- the entries of an index --- */

static int entries_of_an_index(koc_ctx *ctx, bool over, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_index) back = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    d.media_type = KOC_MT_OCI_MANIFEST;
    d.size = 2;
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &b, err), *err);
    for (int i = 0; i < KOC__DESCRIPTORS_MAX + over; i++) {
        koc__sha256_of(&i, sizeof(i), &d.digest);
        KOC__TRY(koc_index_builder_add_descriptor(b, &d, err));
    }
    KOC__TRY(koc_index_builder_finish(b, &idx, err));
    ok(koc_index_from_bytes(ctx, koc_index_bytes(idx), &back, err), *err);
    return KOC_OK;
}

/* --- the layers of an image: those of its base count --- */

static int layers_of_an_image(koc_ctx *ctx, bool over, koc_error **err)
{
    KOC__AUTO(koc_image) base = image(ctx, "amd64", KOC_COMPRESS_GZIP, texts);
    KOC__AUTO(koc_image_builder) b = NULL;
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO(koc_image) back = NULL;
    ok(koc_image_builder_new(ctx, base, &b, err), *err);
    for (int i = 0; i < KOC__DESCRIPTORS_MAX - !over; i++) {
        KOC__TRY(koc_image_builder_add_layer(b, koc_image_layer(base, 0), NULL, err));
    }
    KOC__TRY(koc_image_builder_finish(b, NULL, &img, err));
    ok(koc_image_from_bytes(ctx, koc_image_manifest(img), koc_image_config(img), &back, err), *err);
    return KOC_OK;
}

/* --- the extended header of a tar entry --- */

static int sink(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

static int records_of_a_tar_entry(koc_ctx *ctx, bool over, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
    koc__tar_writer w = KOC__TAR_WRITER_INIT(sink, &out);
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    const char *const key = "SCHILY.xattr.user.x";
    size_t len = KOC__TAR_EXTENSION_MAX - strlen(key) - strlen("1048064 =\n") + over;
    KOC__AUTO_STR value = koc__malloc(len);
    bool more = false;
    (void)ctx;
    memset(value, 'x', len);
    const koc__tar_record record = {key, koc__str_n(value, len)};
    koc__tar_entry e = {.name = "f", .type = KOC__TAR_FILE, .records = &record, .n_records = 1};
    KOC__TRY(koc__tar_header(&w, &e, err));
    ok(koc__tar_end(&w, err), *err);
    ok(koc_blob_from_bytes(koc__dynbuf_view(&out), &blob, err), *err);
    ok(koc__tar_reader_open(blob, "ours", NULL, &r, err), *err);
    ok(koc__tar_next(r, &e, &more, err), *err);
    assert_true(more);
    return KOC_OK;
}

KOC_TEST(what_is_written_at_a_limit_reads_back_and_one_more_is_refused)
{
    static const struct {
        const char *what;
        int (*write)(koc_ctx *ctx, bool over, koc_error **err);
    } writers[] = {
        {"the list of a layout", list_of_a_layout},
        {"the entries of an index", entries_of_an_index},
        {"the layers of an image", layers_of_an_image},
        {"the records of a tar entry", records_of_a_tar_entry},
    };
    KOC__AUTO(koc_ctx) ctx = context();
    for (size_t i = 0; i < KOC__COUNT(writers); i++) {
        koc_error *err = NULL;
        print_message("%s\n", writers[i].what);
        ok(writers[i].write(ctx, false, &err), err);
        fails(writers[i].write(ctx, true, &err), KOC_ELIMIT, &err);
    }
}
