/* Artifacts: their manifests by the specification, what is refused, and copies with subject. */
#include "store/helper.h"

#include <koc/ext/transfer.h>

#include "core/alloc.h"
#include "served.h"

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

static koc_artifact *new_report(koc_ctx *ctx, const koc_descriptor *subject)
{
    koc_artifact *a = NULL;
    koc_error *err = NULL;
    const koc_artifact_options o = report_of(subject);
    ok(koc_artifact_new(ctx, &o, &a, &err), err);
    return a;
}

static void copy_one(koc_ctx *ctx, koc_client *client, const koc_place *from, const koc_place *to)
{
    const koc_copy_pair pair = {sizeof(pair), 0, from, to};
    koc_error *err = NULL;
    ok(koc_copy(ctx, client, &pair, 1, NULL, NULL, NULL, &err), err);
}

/* What a place without a name holds is the only image, else the only artifact. */
static void holds(koc_ctx *ctx, const koc_place *p, const koc_digest *digest)
{
    koc_source *s = NULL;
    koc_error *err = NULL;
    ok(koc_source_open(ctx, NULL, p, NULL, &s, &err), err);
    assert_true(koc_digest_equal(&koc_source_descriptor(s)->digest, digest));
    koc_source_free(s);
}

KOC_TEST(artifact_alone_is_found_without_a_name)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_artifact *a = new_report(ctx, NULL);
    koc_place from = KOC_PLACE_INIT, to = KOC_PLACE_INIT;
    from.kind = KOC_PLACE_MEMORY;
    from.artifact = a;
    to.kind = KOC_PLACE_LAYOUT;
    to.path = koc_test_path("l");
    copy_one(ctx, NULL, &from, &to);
    holds(ctx, &to, &koc_artifact_descriptor(a)->digest);
    koc_artifact_unref(a);
}

/* Wherever an artifact comes from, a layout says what it is. */
KOC_TEST(artifact_of_a_registry_or_layout_is_no_second_image)
{
    static const char *const one[] = {"one", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_reference) plain = NULL;
    KOC__AUTO(koc_reference) by_digest = NULL;
    koc_client *client = NULL;
    koc_error *err = NULL;
    koc_place memory = KOC_PLACE_INIT, there = KOC_PLACE_INIT, to = KOC_PLACE_INIT;
    koc_artifact *a = new_report(ctx, koc_image_descriptor(img));
    KOC__AUTO_STR name = koc__format("%s/app", serve_begin(0));
    ok(koc_client_new(ctx, NULL, &client, &err), err);
    ok(koc_reference_parse(name, 0, &plain, &err), err);
    ok(koc_reference_with_digest(plain, &koc_artifact_descriptor(a)->digest, &by_digest, &err),
       err);
    memory.kind = KOC_PLACE_MEMORY;
    memory.artifact = a;
    there.kind = KOC_PLACE_REGISTRY;
    there.reference = by_digest;
    copy_one(ctx, client, &memory, &there);
    memory.artifact = NULL;
    memory.image = img;
    to.kind = KOC_PLACE_LAYOUT;
    for (int from_layout = 0; from_layout < 2; from_layout++) {
        KOC__AUTO_STR path = koc__strdup(koc_test_path(from_layout ? "second" : "first"));
        const koc_place first = to;
        koc_place from = there;
        to.path = path;
        if (from_layout) {
            from = first;
            from.path = koc_test_path("first");
            from.digest = &koc_artifact_descriptor(a)->digest;
        }
        copy_one(ctx, NULL, &memory, &to);
        copy_one(ctx, client, &from, &to);
        holds(ctx, &to, &koc_image_descriptor(img)->digest);
    }
    koc_client_unref(client);
    koc_artifact_unref(a);
    serve_end();
}

KOC_TEST(artifact_of_an_archive_is_no_second_image)
{
    static const char *const one[] = {"one", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    koc_artifact *a = new_report(ctx, koc_image_descriptor(img));
    koc_place from[2] = {KOC_PLACE_INIT, KOC_PLACE_INIT}, to = KOC_PLACE_INIT;
    koc_error *err = NULL;
    from[0].kind = from[1].kind = KOC_PLACE_MEMORY;
    from[0].image = img;
    from[1].artifact = a;
    to.kind = KOC_PLACE_OCI_ARCHIVE;
    to.path = koc_test_path("a.tar");
    const koc_copy_pair pairs[] = {{sizeof(koc_copy_pair), 0, &from[0], &to},
                                   {sizeof(koc_copy_pair), 0, &from[1], &to}};
    ok(koc_copy(ctx, NULL, pairs, 2, NULL, NULL, NULL, &err), err);
    holds(ctx, &to, &koc_image_descriptor(img)->digest);
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
