/* Descriptors: reading, writing, copies; finished layers. */
#include "model_test.h"

static int read_text(const char *text, koc_descriptor **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    must(koc__json_parse(koc__str(text), 1 << 16, "x", &doc, NULL), NULL);
    return koc__descriptor_read(koc__json_root(doc), "layers[2] of x", out, err);
}

static const char full[] =
    "{\"mediaType\":\"a/b\",\"size\":9007199254740991,\"digest\":\"" LAYER_A
    "\",\"urls\":[\"https://u/\",\"v\"],"
    "\"annotations\":{\"a\":\"1\",\"b\":\"<2>\"},\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\","
    "\"os.features\":[\"f\"],\"variant\":\"v1\"},\"artifactType\":\"c/d\"}";

static void assert_written(const koc_descriptor *d, const char *expected)
{
    koc__dynbuf out = KOC__DYNBUF_INIT(4096);
    koc__jw w;
    koc__jw_begin(&w, &out, 0, 0);
    koc__descriptor_write(&w, d);
    must(koc__jw_end(&w, NULL), NULL);
    assert_string_equal(koc__dynbuf_cstr(&out), expected);
    koc__dynbuf_dispose(&out);
}

KOC_TEST(descriptor_is_read_and_written)
{
    KOC__AUTO(koc_descriptor) d = NULL;
    koc_error *err = NULL;
    must(read_text(full, &d, &err), err);
    assert_int_equal(d->struct_size, sizeof(*d));
    assert_string_equal(d->annotations[1].value, "<2>");
    assert_string_equal(d->urls[1], "v");
    assert_null(d->urls[2]);
    assert_written(d, full);
    KOC__AUTO(koc_descriptor) copy = koc__descriptor_dup(d);
    koc__descriptor_free(koc__steal(&d));
    assert_written(copy, full);
}

KOC_TEST(descriptor_sorts_annotations_and_leaves_out_what_is_absent)
{
    static const koc_kv annotations[] = {{"b", "2"}, {"B", "1"}, {"a", NULL}};
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    assert_true(koc__digest_read(KOC__STR(LAYER_B), &d.digest));
    d.media_type = "a/b";
    assert_written(&d, "{\"mediaType\":\"a/b\",\"size\":0,\"digest\":\"" LAYER_B "\"}");
    d.annotations = annotations;
    d.n_annotations = KOC__COUNT(annotations);
    assert_written(&d, "{\"mediaType\":\"a/b\",\"size\":0,\"digest\":\"" LAYER_B
                       "\",\"annotations\":{\"B\":\"1\",\"a\":\"\",\"b\":\"2\"}}");
}

KOC_TEST(descriptor_takes_null_for_absent)
{
    KOC__AUTO(koc_descriptor) d = NULL;
    koc_error *err = NULL;
    must(read_text("{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"" LAYER_A
                   "\",\"urls\":null,\"platform\":null,"
                   "\"annotations\":null,\"artifactType\":null,\"x\":[]}",
                   &d, &err),
         err);
    assert_null(d->urls);
    assert_null(d->platform);
    assert_null(d->artifact_type);
    assert_int_equal(d->n_annotations, 0);
}

#define TYPED "{\"mediaType\":\"a/b\","
#define SIZED TYPED "\"size\":1,"
#define GOOD  SIZED "\"digest\":\"" LAYER_A "\","

KOC_TEST(descriptor_refuses_hostile_members)
{
    static const char *const cases[][2] = {
        {"[]", "layers[2] of x is not a descriptor"},
        {"{}", "\"mediaType\" is missing"},
        {"{\"mediaType\":5}", "\"mediaType\" is not a media type"},
        {"{\"mediaType\":\"\"}", "not a media type"},
        {"{\"mediaType\":\"ab\"}", "not a media type"},
        {"{\"mediaType\":\"a/b\\r\\nX: y\"}", "not a media type"},
        {"{\"mediaType\":\"a/b, c/d\"}", "not a media type"},
        {"{\"mediaType\":\"a/\\u00e9\"}", "not a media type"},
        {SIZED "\"x\":1}", "the digest \"\" is not valid"},
        {SIZED "\"digest\":\"sha256:../../x\"}", "the digest \"sha256:../../x\" is not valid"},
        {SIZED
         "\"digest\":\"SHA256:1111111111111111111111111111111111111111111111111111111111111111\"}",
         "is not valid"},
        {SIZED "\"digest\":\"md5:11111111111111111111111111111111\"}", "is not valid"},
        {TYPED "\"digest\":\"" LAYER_A "\"}", "the size is missing"},
        {TYPED "\"digest\":\"" LAYER_A "\",\"size\":-1}", "the size -1 is not"},
        {TYPED "\"digest\":\"" LAYER_A "\",\"size\":1.5}", "the size 1.5 is not"},
        {TYPED "\"digest\":\"" LAYER_A "\",\"size\":1e3}", "the size 1e3 is not"},
        {TYPED "\"digest\":\"" LAYER_A "\",\"size\":9007199254740992}", "is not a whole number"},
        {TYPED "\"digest\":\"" LAYER_A "\",\"size\":\"1\"}", "the size is missing"},
        {GOOD "\"urls\":\"u\"}", "\"urls\" is not a list"},
        {GOOD "\"urls\":{\"a\":\"b\"}}", "\"urls\" is not a list"},
        {GOOD "\"urls\":[1]}", "\"urls\" is not a list"},
        {GOOD "\"annotations\":[]}", "\"annotations\" does not map"},
        {GOOD "\"annotations\":[\"a\"]}", "\"annotations\" does not map"},
        {GOOD "\"annotations\":{\"a\":1}}", "\"annotations\" does not map"},
        {GOOD "\"annotations\":\"a\"}", "\"annotations\" does not map"},
        {GOOD "\"platform\":[]}", "layers[2] of x: the platform is not a JSON object"},
        {GOOD "\"platform\":{\"os\":1}}", "layers[2] of x: the platform's \"os\""},
        {GOOD "\"artifactType\":\"a b\"}", "\"artifactType\" is not a media type"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_descriptor *d = NULL;
        koc_error *err = NULL;
        int code = read_text(cases[i][0], &d, &err);
        assert_error(code, &err, KOC_EFORMAT, cases[i][1]);
        assert_null(d);
        assert_int_equal(read_text(cases[i][0], &d, NULL), KOC_EFORMAT);
    }
}

KOC_TEST(descriptor_survives_every_failing_allocation)
{
    KOC__AUTO(koc__json) doc = NULL;
    must(koc__json_parse(KOC__STR(full), 1 << 16, "x", &doc, NULL), NULL);
    for (uint64_t n = 1;; n++) {
        koc_descriptor *d = NULL;
        koc__alloc_fail_after(n);
        int code = koc__descriptor_read(koc__json_root(doc), "x", &d, NULL);
        koc__alloc_fail_after(0);
        if (code == KOC_OK) {
            koc__descriptor_free(d);
            assert_true(n > 4);
            return;
        }
        assert_int_equal(code, KOC_ENOMEM);
        assert_null(d);
    }
}

/* --- layers --- */

KOC_TEST(layer_from_a_blob)
{
    koc_blob *blob = NULL;
    koc_layer *l = NULL;
    koc_error *err = NULL;
    koc_reader *r = NULL;
    koc_digest diff = {0};
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    d.media_type = KOC_MT_OCI_LAYER;
    d.size = 5;
    d.digest = digest_of(KOC__STR("hello"));
    must(koc_blob_from_bytes(KOC__STR("hello"), &blob, &err), err);
    must(koc_layer_from_blob(NULL, &d, &d.digest, blob, &l, &err), err);
    koc_blob_unref(blob);
    must(koc_layer_diff_id(l, NULL, &diff, &err), err);
    assert_true(koc_digest_equal(&diff, &d.digest));
    assert_true(koc_layer_uncompressed_size(l) == UINT64_MAX);
    must(koc_layer_open(l, NULL, &r, &err), err);
    char text[8] = {0};
    size_t n = 0;
    must(koc_reader_read(r, text, sizeof(text), &n, &err), err);
    assert_int_equal(n, 5);
    assert_string_equal(text, "hello");
    koc_reader_free(r);
    assert_ptr_equal(koc_layer_ref(l), l);
    koc_layer_unref(l);
    assert_string_equal(koc_layer_descriptor(l)->media_type, KOC_MT_OCI_LAYER);
    koc_layer_unref(l);
    koc_layer_unref(NULL);
}

KOC_TEST(layer_without_content_says_so)
{
    koc_layer *l = layer_of(KOC_MT_OCI_LAYER, LAYER_A, 7, DIFF_A);
    koc_reader *r = NULL;
    koc_error *err = NULL;
    int code = koc_layer_open(l, NULL, &r, &err);
    assert_error(code, &err, KOC_ENOTFOUND, "layer " LAYER_A " has no content here");
    koc_layer_unref(l);
}

KOC_TEST(layer_refuses_a_blob_of_another_size)
{
    koc_blob *blob = NULL;
    koc_layer *l = NULL;
    koc_error *err = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    d.media_type = KOC_MT_OCI_LAYER;
    d.size = 4;
    assert_int_equal(koc_layer_from_blob(NULL, &d, NULL, NULL, &l, NULL), KOC_EMISUSE);
    d.digest = digest_of(KOC__STR("hello"));
    must(koc_blob_from_bytes(KOC__STR("hello"), &blob, &err), err);
    int code = koc_layer_from_blob(NULL, &d, NULL, blob, &l, &err);
    assert_error(code, &err, KOC_EINVAL, "has 5 bytes, not the 4");
    koc_blob_unref(blob);
}
