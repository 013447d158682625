/* docker-save archives: ko's shape, the same bytes each time, and those that others wrote. */
#include "helper.h"

#include "layer/tar.h"

static const char *const one[] = {"one", NULL};
static const char *const two[] = {"one", "two", NULL};

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

static void write_archive(koc_ctx *ctx, const koc_archive_image *list, size_t n, koc__dynbuf *out)
{
    koc_writer w = {to_buf, out};
    koc_error *err = NULL;
    out->max = TEST_MAX;
    ok(koc_archive_write(ctx, list, n, &w, NULL, &err), err);
}

/* The names in an archive, one a line; content of manifest.json in *manifest. */
static void contents(const koc__dynbuf *tar, koc__dynbuf *names, koc__dynbuf *manifest)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc_error *err = NULL;
    names->max = manifest->max = TEST_MAX;
    ok(koc_blob_from_bytes(koc__dynbuf_view(tar), &blob, &err), err);
    ok(koc__tar_reader_open(blob, "archive", NULL, &r, &err), err);
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        ok(koc__tar_next(r, &e, &more, &err), err);
        if (!more) {
            return;
        }
        assert_int_equal(e.mode, 0644);
        assert_int_equal(e.mtime, 0);
        ok(koc__dynbuf_printf(names, &err, "%s\n", e.name), err);
        char buf[4096];
        size_t n = 0;
        ok(koc__tar_read(r, buf, sizeof(buf), &n, &err), err);
        if (koc__streq(e.name, "manifest.json")) {
            ok(koc__dynbuf_append(manifest, buf, n, &err), err);
        }
    }
}

KOC_TEST(archive_has_ko_s_shape)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_reference) x = reference("localhost:5000/out/tool:s08");
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(0);
    koc_archive_image list = {sizeof(koc_archive_image), 0, a, &x, 1};
    write_archive(ctx, &list, 1, &tar);
    contents(&tar, &names, &manifest);
    koc__digest_text config = koc__digest_hex(&koc_image_config_descriptor(a)->digest);
    koc__digest_text first = koc__digest_hex(&koc_layer_descriptor(koc_image_layer(a, 0))->digest);
    koc__digest_text second = koc__digest_hex(&koc_layer_descriptor(koc_image_layer(a, 1))->digest);
    KOC__AUTO_STR expect = koc__format("sha256:%s\n%s.tar.gz\n%s.tar.gz\nmanifest.json\n", config.s,
                                       first.s, second.s);
    assert_string_equal(names.ptr, expect);
    KOC__AUTO_STR json =
        koc__format("[{\"Config\":\"sha256:%s\",\"RepoTags\":[\"localhost:5000/out/tool:s08\"],"
                    "\"Layers\":[\"%s.tar.gz\",\"%s.tar.gz\"]}]",
                    config.s, first.s, second.s);
    assert_string_equal(manifest.ptr, json);
}

KOC_TEST(archive_does_not_depend_on_the_order_of_the_list)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_NONE, two);
    KOC__AUTO(koc_reference) x = reference("r.example/b:1");
    KOC__AUTO(koc_reference) y = reference("r.example/a:2");
    KOC__AUTO(koc_reference) z = reference("r.example/a:1");
    koc_reference *yz[] = {y, z};
    KOC__AUTO_VAL(koc__dynbuf) first = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) second = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(0);
    koc_archive_image forth[] = {{sizeof(koc_archive_image), 0, a, &x, 1},
                                 {sizeof(koc_archive_image), 0, b, yz, 2}};
    koc_archive_image back[] = {{sizeof(koc_archive_image), 0, b, &z, 1},
                                {sizeof(koc_archive_image), 0, a, &x, 1},
                                {sizeof(koc_archive_image), 0, b, &y, 1}};
    write_archive(ctx, forth, 2, &first);
    write_archive(ctx, back, 3, &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.ptr, second.ptr, first.len);
    contents(&first, &names, &manifest);
    assert_int_equal(count(names.ptr, ".tar.gz\n"), 1);
    assert_int_equal(count(names.ptr, ".tar\n"), 2);
    assert_non_null(strstr(manifest.ptr, "\"RepoTags\":[\"r.example/a:1\",\"r.example/a:2\"]"));
}

KOC_TEST(archive_reads_back)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_NONE, two);
    KOC__AUTO(koc_reference) x = reference("r.example/a:1");
    KOC__AUTO(koc_reference) y = reference("r.example/b:2");
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(0);
    koc_archive_image list[] = {{sizeof(koc_archive_image), 0, a, &x, 1},
                                {sizeof(koc_archive_image), 0, b, &y, 1}};
    koc_image *images[] = {a, b};
    koc_error *err = NULL;
    size_t n = 0;
    write_archive(ctx, list, 2, &tar);
    const char *path = koc_test_write("images.tar", tar.ptr, tar.len);
    ok(koc_archive_read(ctx, path, 0, NULL, NULL, &n, &err), err);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        KOC__AUTO(koc_image) img = NULL;
        ok(koc_archive_read(ctx, path, i, NULL, &img, NULL, &err), err);
        assert_true(koc__str_eq(koc_image_config(img), koc_image_config(images[i])));
        for (size_t k = 0; k < koc_image_layer_count(img); k++) {
            KOC__AUTO(koc_blob) content = koc_blob_ref(koc_image_layer(img, k)->blob);
            KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
            ok(koc_blob_read_all(content, TEST_MAX, NULL, &bytes, &err), err);
            assert_true(
                koc_digest_equal(&koc_layer_descriptor(koc_image_layer(img, k))->digest,
                                 &koc_layer_descriptor(koc_image_layer(images[i], k))->digest));
        }
    }
    koc_image *none = NULL;
    fails(koc_archive_read(ctx, path, 2, NULL, &none, NULL, &err), KOC_ENOTFOUND, &err);
}

/* --- what other programs write --- */

static void add(koc__tar_writer *w, char type, const char *name, const char *link, koc_str data)
{
    koc_error *err = NULL;
    koc__tar_entry e = {.name = name, .type = type, .link = link, .mode = 0644, .size = data.len};
    ok(koc__tar_header(w, &e, &err), err);
    if (data.len > 0) {
        ok(koc__tar_data(w, data.ptr, data.len, &err), err);
    }
}

/* Docker before 1.25: a directory a layer, plain tars, links where layers are equal. */
KOC_TEST(archive_reads_docker_s_old_form)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &tar);
    koc_digest d = {0};
    koc_error *err = NULL;
    koc__sha256_of("layer content", 13, &d);
    KOC__AUTO_STR config =
        koc__format("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
                    "\"diff_ids\":[\"%s\",\"%s\"]}}",
                    koc__digest_str(&d).s, koc__digest_str(&d).s);
    add(&w, '5', "aaa/", NULL, KOC__STR(""));
    add(&w, '0', "aaa/layer.tar", NULL, KOC__STR("layer content"));
    add(&w, '2', "bbb/layer.tar", "../aaa/layer.tar", KOC__STR(""));
    add(&w, '0', "c.json", NULL, koc__str(config));
    add(&w, '0', "manifest.json", NULL,
        KOC__STR("[{\"Config\":\"c.json\",\"RepoTags\":null,\"Layers\":[\"aaa/layer.tar\","
                 "\"bbb/layer.tar\"]}]"));
    ok(koc__tar_end(&w, &err), err);
    const char *path = koc_test_write("old.tar", tar.ptr, tar.len);
    ok(koc_archive_read(ctx, path, 0, NULL, &img, NULL, &err), err);
    assert_int_equal(koc_image_layer_count(img), 2);
    for (size_t i = 0; i < 2; i++) {
        KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
        koc_layer *l = koc_image_layer(img, i);
        assert_string_equal(koc_layer_descriptor(l)->media_type, KOC_MT_DOCKER_LAYER);
        assert_true(koc_digest_equal(&koc_layer_descriptor(l)->digest, &d));
        ok(koc_blob_read_all(l->blob, 100, NULL, &bytes, &err), err);
        assert_string_equal(bytes.ptr, "layer content");
    }
}

static void refused(koc_ctx *ctx, koc_code code, const char *manifest, const char *config)
{
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &tar);
    koc_image *img = NULL;
    koc_error *err = NULL;
    if (config) {
        add(&w, '0', "c", NULL, koc__str(config));
    }
    add(&w, '2', "loop", "loop", KOC__STR(""));
    if (manifest) {
        add(&w, '0', "manifest.json", NULL, koc__str(manifest));
    }
    ok(koc__tar_end(&w, &err), err);
    const char *path = koc_test_write("bad.tar", tar.ptr, tar.len);
    fails(koc_archive_read(ctx, path, 0, NULL, &img, NULL, &err), code, &err);
}

KOC_TEST(archive_refuses_what_does_not_add_up)
{
    static const char config[] =
        "{\"architecture\":\"a\",\"os\":\"l\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"x\"]}}";
    KOC__AUTO(koc_ctx) ctx = context();
    koc_image *img = NULL;
    koc_error *err = NULL;
    refused(ctx, KOC_EFORMAT, NULL, NULL);
    refused(ctx, KOC_EFORMAT, "{}", NULL);
    refused(ctx, KOC_EFORMAT, "[", NULL);
    refused(ctx, KOC_ENOTFOUND, "[]", NULL);
    refused(ctx, KOC_EFORMAT, "[{}]", NULL);
    refused(ctx, KOC_EFORMAT, "[{\"Config\":\"none\",\"Layers\":[]}]", NULL);
    refused(ctx, KOC_EFORMAT, "[{\"Config\":\"loop\",\"Layers\":[]}]", NULL);
    refused(ctx, KOC_EFORMAT, "[{\"Config\":\"c\",\"Layers\":[]}]", config);
    refused(ctx, KOC_EFORMAT, "[{\"Config\":\"c\",\"Layers\":[3]}]", config);
    refused(ctx, KOC_EFORMAT, "[{\"Config\":\"c\",\"Layers\":[\"none\"]}]", config);
    const char *path = koc_test_write("x.tar.gz", "\x1f\x8b\x08\0", 4);
    fails(koc_archive_read(ctx, path, 0, NULL, &img, NULL, &err), KOC_EUNSUPPORTED, &err);
    fails(koc_archive_read(ctx, koc_test_path("none"), 0, NULL, &img, NULL, &err), KOC_ENOTFOUND,
          &err);
}

static int full(void *self KOC__UNUSED, const void *data KOC__UNUSED, size_t len KOC__UNUSED,
                koc_error **err)
{
    if (err) {
        *err = koc_error_new(KOC_EIO, "the disk is full");
    }
    return KOC_EIO;
}

KOC_TEST(archive_needs_tags_content_and_room)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) bare = NULL;
    KOC__AUTO(koc_reference) untagged = reference("r.example/a");
    KOC__AUTO(koc_reference) tagged = reference("r.example/a:1");
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
    koc_writer w = {to_buf, &out};
    koc_writer none = {full, NULL};
    koc_error *err = NULL;
    koc_archive_image list = {sizeof(koc_archive_image), 0, img, &untagged, 1};
    fails(koc_archive_write(ctx, &list, 1, &w, NULL, &err), KOC_EINVAL, &err);
    list.tags = &tagged;
    fails(koc_archive_write(ctx, &list, 1, &none, NULL, &err), KOC_EIO, &err);
    ok(koc_image_from_bytes(ctx, koc_image_manifest(img), koc_image_config(img), &bare, &err), err);
    list.image = bare;
    fails(koc_archive_write(ctx, &list, 1, &w, NULL, &err), KOC_ENOTFOUND, &err);
}

KOC_TEST(archive_is_not_written_from_what_is_missing)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_reference) tag = reference("r.example/a:1");
    koc_reference *holes[] = {tag, NULL};
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
    const koc_writer w = {to_buf, &out};
    const koc_writer no_writer = {NULL, &out};
    const koc_archive_image whole = {sizeof(koc_archive_image), 0, img, &tag, 1};
    const koc_archive_image bad[] = {
        {sizeof(koc_archive_image), 0, NULL, &tag, 1},
        {sizeof(koc_archive_image), 0, img, NULL, 1},
        {sizeof(koc_archive_image), 0, img, holes, 2},
        {sizeof(koc_archive_image), 1, img, &tag, 1},
        {0, 0, img, &tag, 1},
    };
    koc_error *err = NULL;
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        const koc_archive_image list[] = {whole, bad[i]};
        fails(koc_archive_write(ctx, &bad[i], 1, &w, NULL, &err), KOC_EMISUSE, &err);
        fails(koc_archive_write(ctx, list, 2, &w, NULL, &err), KOC_EMISUSE, &err);
    }
    fails(koc_archive_write(ctx, NULL, 1, &w, NULL, &err), KOC_EMISUSE, &err);
    fails(koc_archive_write(ctx, &whole, 0, &w, NULL, &err), KOC_EMISUSE, &err);
    fails(koc_archive_write(ctx, &whole, 1, NULL, NULL, &err), KOC_EMISUSE, &err);
    fails(koc_archive_write(ctx, &whole, 1, &no_writer, NULL, &err), KOC_EMISUSE, &err);
    assert_int_equal(out.len, 0);
}

KOC_TEST(archive_names_are_tags_once_each_in_order)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_reference) a = reference("r.example/a:1");
    KOC__AUTO(koc_reference) b = reference("r.example/b:1");
    KOC__AUTO(koc_reference)
    both = reference(
        "r.example/a:1@sha256:0000000000000000000000000000000000000000000000000000000000000000");
    koc_reference *tags[] = {b, a, b};
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(0);
    koc_archive_image list = {sizeof(koc_archive_image), 0, img, tags, 3};
    const koc_writer w = {to_buf, &tar};
    koc_error *err = NULL;
    write_archive(ctx, &list, 1, &tar);
    contents(&tar, &names, &manifest);
    assert_non_null(strstr(manifest.ptr, "\"RepoTags\":[\"r.example/a:1\",\"r.example/b:1\"]"));
    list.tags = &both;
    list.n_tags = 1;
    fails_saying(koc_archive_write(ctx, &list, 1, &w, NULL, &err), KOC_EINVAL,
                 "in an archive an image is named by a tag", &err);
}

KOC_TEST(archive_orders_images_without_names)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_ZSTD, two);
    const koc_archive_image forth[] = {{sizeof(koc_archive_image), 0, a, NULL, 0},
                                       {sizeof(koc_archive_image), 0, b, NULL, 0}};
    const koc_archive_image back[] = {forth[1], forth[0]};
    KOC__AUTO_VAL(koc__dynbuf) first = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) second = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(0);
    write_archive(ctx, forth, 2, &first);
    write_archive(ctx, back, 2, &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.ptr, second.ptr, first.len);
    contents(&first, &names, &manifest);
    assert_int_equal(count(manifest.ptr, "\"RepoTags\":[]"), 2);
    assert_int_equal(count(names.ptr, ".tar.zst\n"), 2);
    assert_int_equal(count(names.ptr, "manifest.json\n"), 1);
    assert_string_equal(names.ptr + names.len - strlen("manifest.json\n"), "manifest.json\n");
}

/* Docker finds the URLs of a foreign layer under its DiffID. */
KOC_TEST(archive_says_where_foreign_layers_come_from)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) base = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(0);
    koc_digest diff_id = {0};
    koc_error *err = NULL;
    /* The second layer is foreign. */
    const koc_str whole = koc_image_manifest(base);
    const char *at =
        memmem(whole.ptr, whole.len, KOC_MT_OCI_LAYER_GZIP, strlen(KOC_MT_OCI_LAYER_GZIP));
    assert_non_null(at);
    at = memmem(at + 1, whole.len - (size_t)(at + 1 - whole.ptr), KOC_MT_OCI_LAYER_GZIP,
                strlen(KOC_MT_OCI_LAYER_GZIP));
    assert_non_null(at);
    const char *rest = at + strlen(KOC_MT_OCI_LAYER_GZIP);
    ok(koc__dynbuf_append(&text, whole.ptr, (size_t)(at - whole.ptr), &err), err);
    ok(koc__dynbuf_puts(&text, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                        &err),
       err);
    ok(koc__dynbuf_append(&text, rest, whole.len - (size_t)(rest - whole.ptr), &err), err);
    ok(koc_image_from_bytes(ctx, koc__dynbuf_view(&text), koc_image_config(base), &img, &err), err);
    for (size_t i = 0; i < 2; i++) {
        ok(koc__image_attach(img, i, koc_image_layer(base, i)->blob, NULL, &err), err);
    }
    koc_archive_image list = {sizeof(koc_archive_image), 0, img, NULL, 0};
    write_archive(ctx, &list, 1, &tar);
    contents(&tar, &names, &manifest);
    ok(koc_layer_diff_id(koc_image_layer(base, 1), NULL, &diff_id, &err), err);
    KOC__AUTO_STR expect = koc__format(
        "\"LayerSources\":{\"%s\":{\"mediaType\":\"application/"
        "vnd.oci.image.layer.nondistributable.v1.tar+gzip\",\"size\":%llu,\"digest\":\"%s\"}}}]",
        koc__digest_str(&diff_id).s,
        (unsigned long long)koc_layer_descriptor(koc_image_layer(base, 1))->size,
        koc__digest_str(&koc_layer_descriptor(koc_image_layer(base, 1))->digest).s);
    if (!strstr(manifest.ptr, expect)) {
        fail_msg("%s\n%s", manifest.ptr, expect);
    }
}

static int gives_five(void *self KOC__UNUSED, const void *data KOC__UNUSED, size_t len KOC__UNUSED,
                      koc_error **err KOC__UNUSED)
{
    return 5;
}

KOC_TEST(archive_writer_may_fail_in_its_own_way)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    const koc_archive_image list = {sizeof(koc_archive_image), 0, img, NULL, 0};
    const koc_writer w = {gives_five, NULL};
    koc_error *err = NULL;
    fails_saying(koc_archive_write(ctx, &list, 1, &w, NULL, &err), KOC_EUSER,
                 "the writer of the archive gave 5", &err);
}

KOC_TEST(archive_survives_running_out_of_memory)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, two);
    KOC__AUTO(koc_reference) tag = reference("r.example/a:1");
    koc_archive_image list = {sizeof(koc_archive_image), 0, img, &tag, 1};
    const char *path = NULL;
    for (uint64_t n = 1; !path; n++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
        koc_writer w = {to_buf, &out};
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int rc = koc_archive_write(ctx, &list, 1, &w, NULL, &err);
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            assert_true(n > 10);
            path = koc_test_write("a.tar", out.ptr, out.len);
        } else {
            fails(rc, KOC_ENOMEM, &err);
        }
    }
    for (uint64_t n = 1;; n++) {
        KOC__AUTO(koc_image) back = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int rc = koc_archive_read(ctx, path, 0, NULL, &back, NULL, &err);
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            assert_true(n > 10);
            return;
        }
        assert_null(back);
        fails(rc, KOC_ENOMEM, &err);
    }
}
