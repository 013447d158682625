/* What a document is, and the families of layers. */
#include "model_test.h"

KOC_TEST(mediatype_names_layers_by_family_and_compression)
{
    assert_string_equal(koc__mt_layer(KOC_FORMAT_OCI, KOC_COMPRESS_ZSTD), KOC_MT_OCI_LAYER_ZSTD);
    assert_string_equal(koc__mt_layer(KOC_FORMAT_OCI, KOC_COMPRESS_NONE), KOC_MT_OCI_LAYER);
    assert_string_equal(koc__mt_layer(KOC_FORMAT_DOCKER, KOC_COMPRESS_GZIP),
                        KOC_MT_DOCKER_LAYER_GZIP);
    assert_null(koc__mt_layer(KOC_FORMAT_DOCKER, KOC_COMPRESS_ZSTD));
    assert_int_equal(koc__mt_compression(KOC_MT_OCI_LAYER_ZSTD), KOC_COMPRESS_ZSTD);
    assert_int_equal(koc__mt_compression("text/plain"), -1);
    assert_int_equal(koc__mt_compression(NULL), -1);
    assert_true(koc__mt_is_foreign("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"));
    assert_true(koc__mt_is_foreign("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"));
    assert_false(koc__mt_is_foreign(KOC_MT_DOCKER_LAYER_GZIP));
    assert_true(koc__mt_is_docker(KOC_MT_DOCKER_LIST));
    assert_false(koc__mt_is_docker(KOC_MT_OCI_INDEX));
    assert_true(koc__mt_is_index(KOC_MT_DOCKER_LIST));
    assert_true(koc__mt_is_manifest(KOC_MT_DOCKER_MANIFEST));
    assert_false(koc__mt_is_manifest(KOC_MT_OCI_INDEX));
}

static int type_of(const char *text, const char *content_type, const char **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    must(koc__json_parse(koc__str(text), 4096, "x", &doc, NULL), NULL);
    return koc__mt_of_document(doc, content_type, "x", out, err);
}

static void check(const char *text, const char *content_type, const char *expected)
{
    const char *type = NULL;
    koc_error *err = NULL;
    must(type_of(text, content_type, &type, &err), err);
    assert_string_equal(type, expected);
}

#define IMAGE "\"config\":{},\"layers\":[]"
#define INDEX "\"manifests\":[]"

KOC_TEST(mediatype_of_a_document)
{
    check("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\"," IMAGE "}", NULL,
          KOC_MT_OCI_MANIFEST);
    check("{\"schemaVersion\":2," IMAGE "}", KOC_MT_DOCKER_MANIFEST, KOC_MT_DOCKER_MANIFEST);
    check("{\"schemaVersion\":2," IMAGE "}", NULL, KOC_MT_OCI_MANIFEST);
    check("{\"schemaVersion\":2," INDEX "}", "application/json; charset=utf-8", KOC_MT_OCI_INDEX);
    check("{\"schemaVersion\":2," INDEX "}",
          "Application/Vnd.docker.distribution.manifest.LIST.v2+json ; x=y", KOC_MT_DOCKER_LIST);
    check("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" KOC_MT_DOCKER_CONFIG
          "\"},\"layers\":[]}",
          "", KOC_MT_DOCKER_MANIFEST);
    check("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_DOCKER_LIST "\"," INDEX "}", "text/plain",
          KOC_MT_DOCKER_LIST);
}

KOC_TEST(mediatype_refuses_what_is_not_clear)
{
    static const struct {
        const char *text;
        const char *content_type;
        int code;
        const char *words;
    } cases[] = {
        {"[]", NULL, KOC_EFORMAT, "x is not a JSON object"},
        {"{\"schemaVersion\":1}", NULL, KOC_EUNSUPPORTED, "schema 1"},
        {"{\"schemaVersion\":2," IMAGE "}",
         "application/vnd.docker.distribution.manifest.v1+prettyjws", KOC_EUNSUPPORTED, "schema 1"},
        {"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.artifact.manifest.v1+json\"}",
         NULL, KOC_EUNSUPPORTED, "artifact"},
        {"{\"schemaVersion\":2," IMAGE "," INDEX "}", NULL, KOC_EFORMAT,
         "an index and an image at once"},
        {"{\"schemaVersion\":2,\"config\":null," INDEX "}", NULL, KOC_EFORMAT, "at once"},
        {"{" IMAGE "}", NULL, KOC_EFORMAT, "schemaVersion none"},
        {"{\"schemaVersion\":2.0," IMAGE "}", NULL, KOC_EFORMAT, "schemaVersion 2.0"},
        {"{\"schemaVersion\":\"2\"," IMAGE "}", NULL, KOC_EFORMAT, "schemaVersion none"},
        {"{\"schemaVersion\":3," IMAGE "}", NULL, KOC_EFORMAT, "schemaVersion 3"},
        {"{\"schemaVersion\":2,\"mediaType\":5," IMAGE "}", NULL, KOC_EFORMAT, "not a string"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\"," IMAGE "}",
         KOC_MT_OCI_INDEX, KOC_EFORMAT,
         "was served as " KOC_MT_OCI_INDEX " but its mediaType is " KOC_MT_OCI_MANIFEST},
        {"{\"schemaVersion\":2," IMAGE "}", KOC_MT_OCI_INDEX, KOC_EFORMAT, "has no \"manifests\""},
        {"{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
         "\",\"layers\":{},\"config\":{}}",
         NULL, KOC_EFORMAT, "has no \"config\" and \"layers\""},
        {"{\"schemaVersion\":2,\"manifests\":{}}", NULL, KOC_EFORMAT, "has no \"manifests\""},
        {"{\"schemaVersion\":2,\"mediaType\":\"a/b\"," IMAGE "}", NULL, KOC_EUNSUPPORTED,
         "media type is a/b"},
        {"{\"schemaVersion\":2}", "text/html", KOC_EUNSUPPORTED, "media type is text/html"},
        {"{\"schemaVersion\":2}", NULL, KOC_EUNSUPPORTED, "not given"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        const char *type = NULL;
        koc_error *err = NULL;
        int code = type_of(cases[i].text, cases[i].content_type, &type, &err);
        assert_error(code, &err, cases[i].code, cases[i].words);
        assert_null(type);
    }
}
