/* koc_image_spec: its members, its targets and tags, and who talks to a registry. */
#include "compose_test.h"

#include <koc/transport.h>

#include "served.h"

static koc_image_spec spec_with(const koc_image_file *file)
{
    koc_image_spec spec = KOC_IMAGE_SPEC_INIT;
    spec.files = file;
    spec.n_files = 1;
    return spec;
}

static koc_image_file a_file(void)
{
    koc_image_file f = KOC_IMAGE_FILE_INIT;
    f.path = "/f";
    f.content = koc__str("content");
    return f;
}

static koc_built *build(koc_ctx *ctx, const koc_image_spec *spec)
{
    koc_built *built = NULL;
    koc_error *err = NULL;
    ok(koc_build_image(ctx, spec, NULL, &built, &err), err);
    return built;
}

static const char *digest_of(const koc_built *b)
{
    static char text[KOC_DIGEST_TEXT_MAX];
    koc_error *err = NULL;
    ok(koc_digest_format(&koc_built_descriptor(b)->digest, text, sizeof(text), &err), err);
    return text;
}

KOC_TEST(unknown_flags_and_lists_that_are_null_are_misuse)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc_image_spec spec[3];
    for (size_t i = 0; i < KOC__COUNT(spec); i++) {
        spec[i] = (koc_image_spec)KOC_IMAGE_SPEC_INIT;
    }
    spec[0].flags = KOC_SPEC_NO_BASE_RECORD << 1;
    spec[1].n_layers = 1;
    spec[2].n_files = 1;
    for (size_t i = 0; i < KOC__COUNT(spec); i++) {
        fails(koc_build_image(ctx, &spec[i], NULL, NULL, &err), KOC_EMISUSE, &err);
    }
    const koc_image_file f = a_file();
    spec[2] = spec_with(&f);
    spec[2].flags = KOC_SPEC_NO_BASE_RECORD;
    ok(koc_build_image(ctx, &spec[2], NULL, NULL, &err), err);
}

KOC_TEST(time_compression_and_history_are_those_of_the_spec)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_image_file f = a_file();
    koc_image_spec spec = spec_with(&f);
    koc_history h = KOC_HISTORY_INIT;
    koc_error *err = NULL;
    koc_built *b = build(ctx, &spec);
    ok(koc_image_history(koc_built_image(b, 0), 0, &h, &err), err);
    assert_string_equal(h.created, "1970-01-01T00:00:00Z");
    assert_string_equal(h.created_by, "koc");
    assert_non_null(strstr(
        koc_layer_descriptor(koc_image_layer(koc_built_image(b, 0), 0))->media_type, "gzip"));
    koc_built_free(b);
    spec.mtime = 86400;
    spec.compression = KOC_COMPRESS_NONE;
    spec.created_by = "make";
    b = build(ctx, &spec);
    koc_image *img = koc_built_image(b, 0);
    h = (koc_history)KOC_HISTORY_INIT;
    ok(koc_image_history(img, 0, &h, &err), err);
    assert_string_equal(h.created, "1970-01-02T00:00:00Z");
    assert_string_equal(h.created_by, "make");
    assert_null(strstr(koc_layer_descriptor(koc_image_layer(img, 0))->media_type, "gzip"));
    koc_built_free(b);
}

KOC_TEST(layers_of_the_caller_are_below_the_files)
{
    static const char *const texts[] = {"below", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) other = image(ctx, "amd64", KOC_COMPRESS_NONE, texts);
    koc_layer *layer = koc_image_layer(other, 0);
    const koc_image_file f = a_file();
    koc_image_spec spec = spec_with(&f);
    spec.layers = &layer;
    spec.n_layers = 1;
    koc_built *b = build(ctx, &spec);
    koc_image *img = koc_built_image(b, 0);
    assert_int_equal(koc_image_layer_count(img), 2);
    assert_true(koc_digest_equal(&koc_layer_descriptor(koc_image_layer(img, 0))->digest,
                                 &koc_layer_descriptor(layer)->digest));
    assert_string_equal(file_of(img, "/f"), "content");
    koc_built_free(b);
}

KOC_TEST(scratch_is_no_base_or_its_name)
{
    static const char *const two[] = {"linux/arm64", "linux/s390x", NULL};
    static const char *const none[] = {NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_image_file f = a_file();
    koc_image_spec spec = spec_with(&f);
    char first[KOC_DIGEST_TEXT_MAX];
    koc_built *b = build(ctx, &spec);
    assert_string_equal(koc_image_platform(koc_built_image(b, 0))->arch, "amd64");
    assert_null(
        koc_image_annotation(koc_built_image(b, 0), "org.opencontainers.image.base.digest"));
    snprintf(first, sizeof(first), "%s", digest_of(b));
    koc_built_free(b);
    spec.base = "scratch";
    spec.platforms = none;
    b = build(ctx, &spec);
    assert_string_equal(digest_of(b), first);
    koc_built_free(b);
    spec.platforms = two;
    b = build(ctx, &spec);
    assert_int_equal(koc_built_count(b), 2);
    assert_string_equal(koc_built_descriptor(b)->media_type, KOC_MT_OCI_INDEX);
    koc_built_free(b);
}

/* What reads back from a place has the digest of the image. */
static void holds(koc_ctx *ctx, koc_client *client, const char *text, const koc_built *b)
{
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_place p = KOC_PLACE_INIT;
    koc_source *s = NULL;
    koc_error *err = NULL;
    ok(koc_place_parse(text, 0, &storage, &p, &err), err);
    ok(koc_source_open(ctx, client, &p, NULL, &s, &err), err);
    assert_true(
        koc_digest_equal(&koc_source_descriptor(s)->digest, &koc_built_descriptor(b)->digest));
    koc_source_free(s);
    koc_reference_unref(p.reference);
}

KOC_TEST(each_target_gets_each_tag)
{
    static const char *const tags[] = {"v2", "v3", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_image_file f = a_file();
    koc_image_spec spec = spec_with(&f);
    char layout[4096], archive[4096], place[4200];
    snprintf(layout, sizeof(layout), "oci:%s:v1", koc_test_path("l"));
    snprintf(archive, sizeof(archive), "oci-archive:%s:v1", koc_test_path("a.tar"));
    const char *const targets[] = {layout, archive, NULL};
    spec.targets = targets;
    koc_built *b = build(ctx, &spec);
    assert_non_null(strstr(koc_built_reference(b, 0), "oci:"));
    assert_non_null(strstr(koc_built_reference(b, 1), "oci-archive:"));
    assert_non_null(strstr(koc_built_reference(b, 1), digest_of(b)));
    assert_null(koc_built_reference(b, 2));
    holds(ctx, NULL, archive, b);
    koc_built_free(b);
    const char *const one[] = {layout, NULL};
    spec.targets = one;
    spec.tags = tags;
    b = build(ctx, &spec);
    for (char v = '1'; v <= '3'; v++) {
        snprintf(place, sizeof(place), "oci:%s:v%c", koc_test_path("l"), v);
        holds(ctx, NULL, place, b);
    }
    koc_built_free(b);
}

KOC_TEST(a_plain_archive_is_one_of_oci_and_a_docker_archive_has_one_name)
{
    static const char *const tags[] = {"v2", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_error) err = NULL;
    const koc_image_file f = a_file();
    koc_image_spec spec = spec_with(&f);
    char docker[4096], plain[4096];
    snprintf(docker, sizeof(docker), "docker-archive:%s:app:v1", koc_test_path("d.tar"));
    snprintf(plain, sizeof(plain), "%s", koc_test_path("p.tar"));
    const char *targets[] = {docker, NULL};
    spec.targets = targets;
    koc_built *b = build(ctx, &spec);
    assert_non_null(strstr(koc_built_reference(b, 0), "docker-archive:"));
    koc_built_free(b);
    assert_int_equal(unlink(koc_test_path("d.tar")), 0);
    spec.tags = tags;
    assert_int_equal(koc_build_image(ctx, &spec, NULL, NULL, &err), KOC_EINVAL);
    assert_string_equal(koc_error_option(err), "tags");
    assert_int_equal(access(koc_test_path("d.tar"), F_OK), -1);
}

KOC_TEST(a_target_that_is_no_place_fails_before_anything_is_built)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc_image_file f = a_file();
    koc_image_spec spec = spec_with(&f);
    static const char *const targets[] = {"oci:", NULL};
    f.source = "/no/such/file"; /* would be KOC_EMISUSE */
    spec.targets = targets;
    fails(koc_build_image(ctx, &spec, NULL, NULL, &err), KOC_EINVAL, &err);
}

static int count_request(const koc_trace *event, void *payload)
{
    *(int *)payload += event->kind == KOC_TRACE_REQUEST;
    return 0;
}

KOC_TEST(base_and_target_are_reached_by_the_callers_client)
{
    static const char *const tags[] = {"v2", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    koc_client *client = NULL;
    koc_error *err = NULL;
    int calls = 0;
    char to[256], base[256], want[256];
    const char *host = serve_begin(0);
    snprintf(base, sizeof(base), "%s/base:v1", host);
    snprintf(to, sizeof(to), "%s/app:v1", host);
    o.trace = count_request;
    o.trace_payload = &calls;
    ok(koc_client_new(ctx, &o, &client, &err), err);
    const koc_image_file f = a_file();
    koc_image_spec spec = spec_with(&f);
    const char *targets[] = {base, NULL};
    spec.targets = targets;
    spec.tags = tags;
    koc_built *b = build(ctx, &spec); /* without a client: docker's credentials */
    snprintf(want, sizeof(want), "%s/base@%s", host, digest_of(b));
    assert_string_equal(koc_built_reference(b, 0), want);
    holds(ctx, client, base, b);
    base[strlen(base) - 1] = '2';
    holds(ctx, client, base, b);
    koc_built_free(b);
    calls = 0;
    spec.client = client;
    spec.base = base;
    targets[0] = to;
    b = build(ctx, &spec);
    assert_true(calls > 0);
    assert_string_equal(
        koc_image_annotation(koc_built_image(b, 0), "org.opencontainers.image.base.name"), base);
    holds(ctx, client, to, b);
    koc_built_free(b);
    calls = 0;
    spec.base = NULL; /* a client for the target alone */
    b = build(ctx, &spec);
    assert_true(calls > 0);
    koc_built_free(b);
    spec.base = base;
    spec.flags = KOC_SPEC_NO_BASE_RECORD;
    spec.targets = NULL;
    b = build(ctx, &spec);
    assert_null(koc_image_annotation(koc_built_image(b, 0), "org.opencontainers.image.base.name"));
    koc_built_free(b);
    koc_client_unref(client);
    serve_end();
}
