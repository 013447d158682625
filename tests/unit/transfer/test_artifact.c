/* Artifacts: their manifests by the specification, what is refused, and copies with subject. */
#include "store/helper.h"

#include <koc/ext/transfer.h>

#include "core/alloc.h"

#define TYPE "application/vnd.example.report"

static koc_artifact_options report_of(const koc_descriptor *subject)
{
    static koc_artifact_file files[2];
    static const koc_kv annotations[] = {{"b", "2"}, {"a", "1"}};
    koc_artifact_options o = KOC_ARTIFACT_OPTIONS_INIT;
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        files[i] = (koc_artifact_file)KOC_ARTIFACT_FILE_INIT;
        files[i].media_type = "text/plain";
    }
    files[0].title = "report.txt";
    files[0].content = koc__str("all is well\n");
    files[1].content = koc__str("more\n");
    o.artifact_type = TYPE;
    o.files = files;
    o.n_files = KOC__COUNT(files);
    o.annotations = annotations;
    o.n_annotations = KOC__COUNT(annotations);
    o.subject = subject;
    return o;
}

KOC_TEST(artifact_is_written_as_the_specification_says)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_artifact *a = NULL;
    koc_error *err = NULL;
    const koc_artifact_options o = report_of(NULL);
    ok(koc_artifact_new(ctx, &o, &a, &err), err);
    const char *text = koc_artifact_manifest(a).ptr;
    assert_non_null(strstr(text, "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                                 "\",\"artifactType\":\"" TYPE "\""));
    assert_non_null(strstr(text, KOC_MT_OCI_EMPTY));
    assert_non_null(strstr(text, "\"org.opencontainers.image.title\":\"report.txt\""));
    assert_non_null(strstr(text, "\"annotations\":{\"a\":\"1\",\"b\":\"2\"}}"));
    assert_null(strstr(text, "subject"));
    assert_string_equal(koc_artifact_descriptor(a)->artifact_type, TYPE);
    koc_artifact_unref(a);
    koc_artifact_options empty = KOC_ARTIFACT_OPTIONS_INIT;
    empty.artifact_type = TYPE;
    ok(koc_artifact_new(ctx, &empty, &a, &err), err);
    assert_int_equal(count(koc_artifact_manifest(a).ptr, KOC_MT_OCI_EMPTY), 2);
    koc_artifact_unref(a);
}

KOC_TEST(artifact_becomes_a_referrer_of_its_subject)
{
    static const char *const one[] = {"one", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_index) list = NULL;
    koc_artifact *a = NULL;
    koc_source *s = NULL;
    koc_error *err = NULL;
    koc_place from = KOC_PLACE_INIT, to = KOC_PLACE_INIT;
    const koc_copy_pair pair = {sizeof(pair), 0, &from, &to};
    const koc_artifact_options o = report_of(koc_image_descriptor(img));
    from.kind = KOC_PLACE_MEMORY;
    from.image = img;
    to.kind = KOC_PLACE_LAYOUT;
    to.path = koc_test_path("l");
    to.name = "app";
    ok(koc_copy(ctx, NULL, &pair, 1, NULL, NULL, NULL, &err), err);
    ok(koc_artifact_new(ctx, &o, &a, &err), err);
    from.image = NULL;
    from.artifact = a;
    to.name = NULL;
    ok(koc_copy(ctx, NULL, &pair, 1, NULL, NULL, NULL, &err), err);
    to.name = "app";
    ok(koc_source_open(ctx, NULL, &to, NULL, &s, &err), err);
    ok(koc_source_list_referrers(s, &koc_image_descriptor(img)->digest, TYPE, NULL, &list, &err),
       err);
    assert_int_equal(koc_index_count(list), 1);
    koc_source_free(s);
    to.name = NULL; /* the artifact is no second image of the layout */
    ok(koc_source_open(ctx, NULL, &to, NULL, &s, &err), err);
    assert_true(
        koc_digest_equal(&koc_source_descriptor(s)->digest, &koc_image_descriptor(img)->digest));
    assert_true(
        koc_digest_equal(&koc_index_get(list, 0)->digest, &koc_artifact_descriptor(a)->digest));
    koc_source_free(s);
    koc_artifact_unref(a);
}

KOC_TEST(artifact_refuses_what_is_not_a_media_type)
{
    static const char *const types[] = {NULL,    "",      "text",  "/plain",
                                        "text/", "a b/c", "a/b/c", "a/b;c"};
    KOC__AUTO(koc_ctx) ctx = context();
    for (size_t i = 0; i < KOC__COUNT(types); i++) {
        koc_artifact_options o = report_of(NULL);
        koc_artifact *a = NULL;
        koc_error *err = NULL;
        o.artifact_type = types[i];
        assert_int_equal(koc_artifact_new(ctx, &o, &a, &err), KOC_EINVAL);
        assert_string_equal(koc_error_option(err), "artifact_type");
        koc_error_free(err);
        assert_null(a);
    }
    koc_artifact_options o = report_of(NULL);
    koc_artifact_file both = KOC_ARTIFACT_FILE_INIT;
    koc_artifact *a = NULL;
    koc_error *err = NULL;
    both.media_type = "text/plain";
    both.source = "x";
    both.content = koc__str("x");
    o.files = &both;
    o.n_files = 1;
    fails(koc_artifact_new(ctx, &o, &a, &err), KOC_EMISUSE, &err);
    both.content = (koc_str){NULL, 0};
    both.source = "/no/such";
    fails(koc_artifact_new(ctx, &o, &a, &err), KOC_ENOTFOUND, &err);
}

KOC_TEST(artifact_survives_every_failing_allocation)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_artifact_options o = report_of(NULL);
    for (uint64_t n = 1;; n++) {
        koc_artifact *a = NULL;
        koc__alloc_fail_after(n);
        int rc = koc_artifact_new(ctx, &o, &a, NULL);
        koc__alloc_fail_after(0);
        koc_artifact_unref(a);
        if (rc == KOC_OK) {
            assert_true(n > 20);
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
    }
}
