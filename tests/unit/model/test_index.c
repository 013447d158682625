/* Indexes: reading, choosing, building. */
#include "model_test.h"

#define ENTRY(digest, rest)                                                                        \
    "{\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"size\":5,\"digest\":\"" digest "\"" rest "}"
#define PLATFORM(os, arch) ",\"platform\":{\"architecture\":\"" arch "\",\"os\":\"" os "\"}"

static koc_index *index_of(const char *text)
{
    koc_index *idx = NULL;
    koc_error *err = NULL;
    must(koc_index_from_bytes(NULL, koc__str(text), &idx, &err), err);
    return idx;
}

static koc_image *image_for(const char *arch)
{
    KOC__AUTO_STR config = koc__format("{\"architecture\":\"%s\",\"os\":\"linux\"}", arch);
    koc_image *img = NULL;
    koc_error *err = NULL;
    must(image_of(KOC_MT_OCI_CONFIG, config, "\"layers\":[]", &img, &err), err);
    return img;
}

KOC_TEST(index_keeps_its_bytes_and_finds_platforms)
{
    static const char text[] = "{ \"schemaVersion\":2, \"manifests\":[" ENTRY(
        DIFF_A,
        PLATFORM("unknown",
                 "unknown")) "," ENTRY(LAYER_A,
                                       PLATFORM(
                                           "linux",
                                           "amd64")) "," ENTRY(LAYER_B,
                                                               PLATFORM(
                                                                   "linux",
                                                                   "arm64")) "," ENTRY(DIFF_B,
                                                                                       "") "]}";
    koc_index *idx = index_of(text);
    koc_platform want = KOC_PLATFORM_INIT;
    assert_text(koc_index_bytes(idx), KOC__STR(text));
    assert_string_equal(koc_index_descriptor(idx)->media_type, KOC_MT_OCI_INDEX);
    assert_int_equal(koc_index_descriptor(idx)->size, strlen(text));
    assert_int_equal(koc_index_count(idx), 4);
    assert_null(koc_index_get(idx, 4));
    assert_null(koc_index_get(idx, 3)->platform);
    assert_null(koc_index_image(idx, 0));
    want.os = "linux";
    want.arch = "arm64";
    assert_ptr_equal(koc_index_select(idx, &want), koc_index_get(idx, 2));
    want.arch = "s390x";
    assert_null(koc_index_select(idx, &want));
    want.arch = NULL;
    want.os = NULL;
    assert_ptr_equal(koc_index_select(idx, &want), koc_index_get(idx, 1));
    assert_ptr_equal(koc_index_ref(idx), idx);
    koc_index_unref(idx);
    koc_index_unref(idx);
    koc_index_unref(NULL);
}

KOC_TEST(index_refuses_other_documents)
{
    static const struct {
        const char *text;
        int code;
        const char *words;
    } cases[] = {
        {"{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", KOC_EFORMAT,
         "is an image, not an index"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", KOC_EFORMAT, "at once"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"manifests\":[]}", KOC_EFORMAT, "duplicate "},
        {"{\"schemaVersion\":2,\"manifests\":[5]}", KOC_EFORMAT, "manifests[0] of index sha256:"},
        {"{\"schemaVersion\":2,\"manifests\":[{}]}", KOC_EFORMAT, "\"mediaType\" is missing"},
        {"[", KOC_EFORMAT, "not valid JSON"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_index *idx = NULL;
        koc_error *err = NULL;
        int code = koc_index_from_bytes(NULL, koc__str(cases[i].text), &idx, &err);
        assert_error(code, &err, cases[i].code, cases[i].words);
        assert_null(idx);
    }
}

KOC_TEST(index_refuses_more_than_a_thousand_entries)
{
    koc__dynbuf text = KOC__DYNBUF_INIT(1 << 20);
    koc_index *idx = NULL;
    koc_error *err = NULL;
    must(koc__dynbuf_puts(&text, "{\"schemaVersion\":2,\"manifests\":[", NULL), NULL);
    for (int i = 0; i <= KOC__DESCRIPTORS_MAX; i++) {
        must(koc__dynbuf_printf(&text, NULL, "%s" ENTRY(LAYER_A, ""), i ? "," : ""), NULL);
    }
    must(koc__dynbuf_puts(&text, "]}", NULL), NULL);
    int code = koc_index_from_bytes(NULL, koc__dynbuf_view(&text), &idx, &err);
    assert_error(code, &err, KOC_ELIMIT, "has 1001 entries, more than 1000");
    koc__dynbuf_dispose(&text);
}

KOC_TEST(index_is_built_in_order)
{
    koc_image *a = image_for("amd64");
    koc_image *c = image_for("arm64");
    koc_index_builder *b = NULL;
    koc_index *idx = NULL;
    koc_error *err = NULL;
    koc_platform v8 = *koc_image_platform(c);
    v8.variant = "v8";
    must(koc_index_builder_new(NULL, KOC_FORMAT_OCI, &b, &err), err);
    must(koc_index_builder_add_image(b, a, NULL, &err), err);
    must(koc_index_builder_add_image(b, c, &v8, &err), err);
    must(koc_index_builder_set_annotation(b, "z", "<1>", &err), err);
    must(koc_index_builder_set_annotation(b, "a", "2", &err), err);
    must(koc_index_builder_set_annotation(b, "gone", NULL, &err), err);
    must(koc_index_builder_finish(b, &idx, &err), err);
    assert_int_equal(koc_index_builder_finish(b, &idx, NULL), KOC_EMISUSE);
    koc_index_builder_free(b);
    KOC__AUTO_STR expected = koc__format(
        "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
        "\",\"manifests\":[{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
        "\",\"size\":%zu,\"digest\":\"%s\",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}},{\"mediaType\":"
        "\"" KOC_MT_OCI_MANIFEST
        "\",\"size\":%zu,\"digest\":\"%s\",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\","
        "\"variant\":\"v8\"}}],\"annotations\":{\"a\":\"2\",\"z\":\"<1>\"}}",
        koc_image_manifest(a).len, koc__digest_str(&koc_image_descriptor(a)->digest).s,
        koc_image_manifest(c).len, koc__digest_str(&koc_image_descriptor(c)->digest).s);
    assert_text(koc_index_bytes(idx), koc__str(expected));
    koc_image_unref(a);
    assert_string_equal(koc_image_platform(koc_index_image(idx, 0))->arch, "amd64");
    assert_ptr_equal(koc_index_image(idx, 1), c);
    koc_image_unref(c);
    koc_index_unref(idx);
}

KOC_TEST(index_entry_like_another_keeps_its_members)
{
    koc_image *img = image_for("amd64");
    koc_index *base =
        index_of("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                 "\",\"size\":5,\"digest\":\"" LAYER_A
                 "\",\"urls\":[\"u\"],\"annotations\":{\"k\":\"v\"}}]}");
    for (int compat = 0; compat < 2; compat++) {
        koc_index_builder *b = NULL;
        koc_index *idx = NULL;
        koc_error *err = NULL;
        must(koc_index_builder_new(NULL, KOC_FORMAT_DOCKER, &b, &err), err);
        must(koc__index_builder_add_like(b, img, koc_index_get(base, 0), compat, &err), err);
        must(koc_index_builder_finish(b, &idx, &err), err);
        const koc_descriptor *d = koc_index_get(idx, 0);
        assert_true(koc__index_is_docker(idx));
        assert_null(d->platform);
        assert_string_equal(d->urls[0], "u");
        assert_string_equal(d->annotations[0].value, "v");
        assert_true(koc__streq(d->artifact_type, compat ? KOC_MT_OCI_CONFIG : NULL));
        assert_true(koc_digest_equal(&d->digest, &koc_image_descriptor(img)->digest));
        koc_index_builder_free(b);
        koc_index_unref(idx);
    }
    koc_index_unref(base);
    koc_image_unref(img);
}

KOC_TEST(index_builder_refuses_bad_arguments)
{
    koc_index_builder *b = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    assert_int_equal(koc_index_builder_new(NULL, KOC_FORMAT_SAME_AS_BASE, &b, NULL), KOC_EMISUSE);
    must(koc_index_builder_new(NULL, KOC_FORMAT_OCI, &b, NULL), NULL);
    assert_int_equal(koc_index_builder_add_image(b, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_index_builder_add_descriptor(b, &d, NULL), KOC_EMISUSE);
    assert_int_equal(koc_index_builder_set_annotation(b, "", "x", NULL), KOC_EINVAL);
    assert_int_equal(koc_index_builder_finish(NULL, NULL, NULL), KOC_EMISUSE);
    koc_index_builder_free(b);
    koc_index_builder_free(NULL);
}

static int build_something(koc_image *img, koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__TRY(koc_index_builder_new(NULL, KOC_FORMAT_OCI, &b, err));
    KOC__TRY(koc_index_builder_add_image(b, img, NULL, err));
    KOC__TRY(koc_index_builder_set_annotation(b, "k", "v", err));
    return koc_index_builder_finish(b, out, err);
}

KOC_TEST(index_survives_every_failing_allocation)
{
    koc_image *img = image_for("amd64");
    for (uint64_t n = 1;; n++) {
        koc_index *idx = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int code = build_something(img, &idx, &err);
        koc__alloc_fail_after(0);
        koc_error_free(err);
        if (code == KOC_OK) {
            koc_index_unref(idx);
            assert_true(n > 15);
            break;
        }
        assert_int_equal(code, KOC_ENOMEM);
        assert_null(idx);
    }
    koc_image_unref(img);
}
