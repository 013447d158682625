/* Images from bytes: what is kept, and what is refused. */
#include "model_test.h"

#define CONFIG                                                                                                    \
    "{ \"architecture\":\"arm64\", \"os\":\"linux\",\"variant\":\"v8\",\"config\":{\"Env\":[\"A=1\",\"PATH=/x\"," \
    "\"PATH=/y\"],\"Labels\":{\"l\":\"v\"}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF_A              \
    "\"]}}"

#define NO_LAYERS_CONFIG "{\"architecture\":\"amd64\",\"os\":\"linux\"}"

KOC_TEST(image_keeps_the_bytes_it_was_made_of)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    KOC__AUTO_STR manifest = manifest_text(
        KOC_MT_OCI_CONFIG, KOC__STR(CONFIG),
        OCI_LAYER_MEMBER ", \"annotations\": {\"k\":\"v\"},\n\"artifactType\":\"a/b\",\"odd\":1e2");
    must(koc_image_from_bytes(NULL, koc__str(manifest), KOC__STR(CONFIG), &img, &err), err);
    assert_text(koc_image_manifest(img), koc__str(manifest));
    assert_text(koc_image_config(img), KOC__STR(CONFIG));

    const koc_descriptor *d = koc_image_descriptor(img);
    koc_digest expected = digest_of(koc__str(manifest));
    assert_true(koc_digest_equal(&d->digest, &expected));
    assert_int_equal(d->size, strlen(manifest));
    assert_string_equal(d->media_type, KOC_MT_OCI_MANIFEST);
    assert_string_equal(d->artifact_type, "a/b");
    assert_string_equal(d->platform->variant, "v8");
    assert_string_equal(koc_image_platform(img)->arch, "arm64");
    assert_string_equal(koc_image_config_descriptor(img)->media_type, KOC_MT_OCI_CONFIG);
    assert_int_equal(koc_image_config_descriptor(img)->size, strlen(CONFIG));

    assert_int_equal(koc_image_layer_count(img), 1);
    assert_null(koc_image_layer(img, 1));
    koc_layer *l = koc_image_layer(img, 0);
    koc_digest diff = {0};
    must(koc_layer_diff_id(l, NULL, &diff, &err), err);
    assert_string_equal(koc__digest_str(&diff).s, DIFF_A);
    assert_int_equal(koc_layer_descriptor(l)->size, 7);

    assert_string_equal(koc_image_annotation(img, "k"), "v");
    assert_null(koc_image_annotation(img, "x"));
    assert_string_equal(koc_image_label(img, "l"), "v");
    assert_string_equal(koc_image_env(img, "PATH"), "/x");
    assert_null(koc_image_env(img, "PAT"));
    assert_ptr_equal(koc_image_ref(img), img);
    koc_image_unref(img);
    koc_image_unref(img);
}

KOC_TEST(image_reads_members_of_the_config)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    koc_buf out = KOC_BUF_INIT;
    must(image_of(KOC_MT_OCI_CONFIG, CONFIG, OCI_LAYER_MEMBER, &img, &err), err);
    must(koc_image_config_get(img, "/config/Labels", &out, &err), err);
    assert_string_equal(out.ptr, "{\"l\":\"v\"}");
    must(koc_image_config_get(img, "/config/Env/0", &out, &err), err);
    assert_string_equal(out.ptr, "\"A=1\"");
    int code = koc_image_config_get(img, "/config/User", &out, &err);
    assert_error(code, &err, KOC_ENOTFOUND, "has no \"/config/User\"");
    koc_buf_dispose(&out);
    koc_image_unref(img);
}

KOC_TEST(image_takes_no_media_type_and_dockers)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    must(image_of(KOC_MT_DOCKER_CONFIG, CONFIG, OCI_LAYER_MEMBER, &img, &err), err);
    assert_true(koc__image_is_docker(img));
    assert_string_equal(koc_image_descriptor(img)->media_type, KOC_MT_DOCKER_MANIFEST);
    koc_image_unref(img);
    must(image_of(KOC_MT_OCI_CONFIG, NO_LAYERS_CONFIG, "\"layers\":[]", &img, &err), err);
    assert_false(koc__image_is_docker(img));
    koc_image_unref(img);
}

static void refuse(const char *config_type, const char *config, const char *members, int expected,
                   const char *words)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    int code = image_of(config_type, config, members, &img, &err);
    assert_error(code, &err, expected, words);
    assert_null(img);
    assert_int_equal(image_of(config_type, config, members, &img, NULL), expected);
}

KOC_TEST(image_refuses_broken_or_hostile_documents)
{
    refuse(KOC_MT_OCI_CONFIG, CONFIG, "\"layers\":[]", KOC_EFORMAT,
           "has 0 layers, but its config has 1 DiffIDs");
    refuse(KOC_MT_OCI_CONFIG, NO_LAYERS_CONFIG, OCI_LAYER_MEMBER, KOC_EFORMAT, "has 1 layers, but");
    refuse(KOC_MT_OCI_CONFIG, NO_LAYERS_CONFIG, "\"layers\":[],\"layers\":[]", KOC_EFORMAT,
           "duplicate ");
    refuse(KOC_MT_OCI_CONFIG, NO_LAYERS_CONFIG, "\"layers\":[],\"manifests\":[]", KOC_EFORMAT,
           "at once");
    refuse(KOC_MT_OCI_CONFIG, NO_LAYERS_CONFIG, "", KOC_EUNSUPPORTED,
           "neither an image nor an index");
    refuse("application/vnd.cncf.helm.config.v1+json", "{}", "\"layers\":[]", KOC_EUNSUPPORTED,
           "is an artifact (its config is application/vnd.cncf.helm.config.v1+json), not an image");
    refuse(KOC_MT_OCI_EMPTY, "{}", "\"layers\":[],\"artifactType\":\"a/b\"", KOC_EUNSUPPORTED,
           "is an artifact");
    refuse(KOC_MT_OCI_CONFIG, "[]", "\"layers\":[]", KOC_EFORMAT,
           "the platform is not a JSON object");
    refuse(KOC_MT_OCI_CONFIG, "{\"os\":5}", "\"layers\":[]", KOC_EFORMAT, "the platform's \"os\"");
    refuse(KOC_MT_OCI_CONFIG, "{\"os\":\"a\",\"os\":\"b\"}", "\"layers\":[]", KOC_EFORMAT,
           "duplicate ");
    refuse(KOC_MT_OCI_CONFIG, "{", "\"layers\":[]", KOC_EFORMAT, "config sha256:");
    refuse(KOC_MT_OCI_CONFIG, "{\"rootfs\":{\"diff_ids\":[\"sha256:0\"]}}", OCI_LAYER_MEMBER,
           KOC_EFORMAT, "its DiffID \"sha256:0\" is not a digest");
    refuse(KOC_MT_OCI_CONFIG, "{\"rootfs\":{\"diff_ids\":{\"a\":\"b\"}}}", OCI_LAYER_MEMBER,
           KOC_EFORMAT, "has 0 DiffIDs");
    refuse(KOC_MT_OCI_CONFIG, CONFIG,
           "\"layers\":[{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"x\"}]", KOC_EFORMAT,
           "layers[0] of manifest sha256:");
}

KOC_TEST(image_refuses_another_config)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    KOC__AUTO_STR manifest =
        manifest_text(KOC_MT_OCI_CONFIG, KOC__STR(NO_LAYERS_CONFIG), "\"layers\":[]");
    int code =
        koc_image_from_bytes(NULL, koc__str(manifest), KOC__STR(NO_LAYERS_CONFIG " "), &img, &err);
    assert_error(code, &err, KOC_EDIGEST, "bytes, not the");
    KOC__AUTO_STR other = koc__strdup(NO_LAYERS_CONFIG);
    other[strlen(other) - 2] = 'X';
    code = koc_image_from_bytes(NULL, koc__str(manifest), koc__str(other), &img, &err);
    assert_error(code, &err, KOC_EDIGEST, "has the digest sha256:");
    assert_null(img);
}

KOC_TEST(image_refuses_other_kinds_of_documents)
{
    static const struct {
        const char *manifest;
        int code;
        const char *words;
    } cases[] = {
        {"{\"schemaVersion\":2,\"manifests\":[]}", KOC_EUNSUPPORTED, "is an index, not an image"},
        {"{\"schemaVersion\":1,\"fsLayers\":[]}", KOC_EUNSUPPORTED, "schema 1"},
        {"", KOC_EFORMAT, "not valid JSON"},
        {"{\"schemaVersion\":2,\"layers\":[],\"config\":{}}", KOC_EFORMAT,
         "\"mediaType\" is missing"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_image *img = NULL;
        koc_error *err = NULL;
        int code =
            koc_image_from_bytes(NULL, koc__str(cases[i].manifest), KOC__STR("{}"), &img, &err);
        assert_error(code, &err, cases[i].code, cases[i].words);
    }
    koc_image *img = NULL;
    assert_int_equal(koc_image_from_bytes(NULL, KOC__STR("{}"), KOC__STR("{}"), NULL, NULL),
                     KOC_EMISUSE);
    assert_int_equal(koc_image_from_bytes(NULL, koc__str_n("{", KOC__MANIFEST_MAX + 1),
                                          KOC__STR(""), &img, NULL),
                     KOC_ELIMIT);
}

KOC_TEST(image_refuses_more_than_a_thousand_layers)
{
    koc__dynbuf layers = KOC__DYNBUF_INIT(1 << 20);
    koc__dynbuf diff_ids = KOC__DYNBUF_INIT(1 << 20);
    for (int i = 0; i <= KOC__DESCRIPTORS_MAX; i++) {
        const char *comma = i ? "," : "";
        must(koc__dynbuf_printf(&layers, NULL,
                                "%s{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"%s\"}", comma,
                                LAYER_A),
             NULL);
        must(koc__dynbuf_printf(&diff_ids, NULL, "%s\"%s\"", comma, DIFF_A), NULL);
    }
    KOC__AUTO_STR config =
        koc__format("{\"rootfs\":{\"diff_ids\":[%s]}}", koc__dynbuf_cstr(&diff_ids));
    KOC__AUTO_STR members = koc__format("\"layers\":[%s]", koc__dynbuf_cstr(&layers));
    refuse(KOC_MT_OCI_CONFIG, config, members, KOC_ELIMIT, "has 1001 layers, more than 1000");
    koc__dynbuf_dispose(&layers);
    koc__dynbuf_dispose(&diff_ids);
}

KOC_TEST(image_accepts_a_sha512_config)
{
    koc_hasher *h = NULL;
    koc_digest d = {0};
    koc_image *img = NULL;
    koc_error *err = NULL;
    must(koc_hasher_new(KOC_DIGEST_SHA512, &h, &err), err);
    koc_hasher_update(h, KOC__STR(NO_LAYERS_CONFIG));
    must(koc_hasher_finish(h, &d, &err), err);
    koc_hasher_free(h);
    KOC__AUTO_STR manifest =
        koc__format("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"size\":%zu,"
                    "\"digest\":\"%s\"},\"layers\":[]}",
                    KOC_MT_OCI_CONFIG, strlen(NO_LAYERS_CONFIG), koc__digest_str(&d).s);
    must(koc_image_from_bytes(NULL, koc__str(manifest), KOC__STR(NO_LAYERS_CONFIG), &img, &err),
         err);
    koc_image_unref(img);
}

KOC_TEST(image_layers_get_their_content)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    koc_blob *blob = NULL;
    koc_reference *origin = NULL;
    koc_reader *r = NULL;
    must(image_of(KOC_MT_OCI_CONFIG, CONFIG, OCI_LAYER_MEMBER, &img, &err), err);
    must(koc_blob_from_bytes(KOC__STR("1234567"), &blob, &err), err);
    must(koc_reference_parse("localhost:1/x", 0, &origin, &err), err);
    must(koc__image_attach(img, 0, blob, origin, &err), err);
    must(koc__image_attach(img, 0, blob, origin, &err), err);
    assert_int_equal(koc__image_attach(img, 1, blob, origin, NULL), KOC_EMISUSE);
    koc_blob_unref(blob);
    koc_reference_unref(origin);
    must(koc_layer_open(koc_image_layer(img, 0), NULL, &r, &err), err);
    koc_reader_free(r);
    koc_image_unref(img);
}

KOC_TEST(image_getters_take_null)
{
    assert_null(koc_image_descriptor(NULL));
    assert_null(koc_image_platform(NULL));
    assert_null(koc_image_layer(NULL, 0));
    assert_null(koc_image_env(NULL, "x"));
    assert_int_equal(koc_image_layer_count(NULL), 0);
    assert_int_equal(koc_image_manifest(NULL).len, 0);
    assert_null(koc_image_ref(NULL));
    koc_image_unref(NULL);
}

KOC_TEST(image_survives_every_failing_allocation)
{
    KOC__AUTO_STR manifest = manifest_text(KOC_MT_OCI_CONFIG, KOC__STR(CONFIG), OCI_LAYER_MEMBER);
    for (uint64_t n = 1;; n++) {
        koc_image *img = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int code = koc_image_from_bytes(NULL, koc__str(manifest), KOC__STR(CONFIG), &img, &err);
        koc__alloc_fail_after(0);
        koc_error_free(err);
        if (code == KOC_OK) {
            koc_image_unref(img);
            assert_true(n > 15);
            return;
        }
        assert_int_equal(code, KOC_ENOMEM);
        assert_null(img);
    }
}

/* Every prefix and many one-byte changes of a manifest: refused or read, never worse. */
KOC_TEST(image_survives_damage)
{
    static const char changes[] = "\"{}[],:0-e\\ \x80";
    KOC__AUTO_STR manifest = manifest_text(KOC_MT_OCI_CONFIG, KOC__STR(CONFIG), OCI_LAYER_MEMBER);
    size_t len = strlen(manifest);
    for (size_t i = 0; i < len; i++) {
        koc_image *img = NULL;
        assert_int_not_equal(
            koc_image_from_bytes(NULL, koc__str_n(manifest, i), KOC__STR(CONFIG), &img, NULL),
            KOC_OK);
        char kept = manifest[i];
        for (size_t k = 0; k < strlen(changes); k++) {
            manifest[i] = changes[k];
            if (koc_image_from_bytes(NULL, koc__str(manifest), KOC__STR(CONFIG), &img, NULL) ==
                KOC_OK) {
                koc_image_unref(img);
            }
        }
        manifest[i] = kept;
    }
}
