/* A push: what is asked, what is sent, in which order, and what is not. */
#include "bed.h"
#include "model/model.h"

#define SESSION "Location: /v2/x/blobs/uploads/1\r\n"
#define TAKES_ALL                                                                                  \
    {"HEAD", NULL, 404}, {"POST", NULL, 202, .fields = SESSION},                                   \
    {                                                                                              \
        "PUT", NULL, 201                                                                           \
    }

static koc_layer *make_layer(bed *b, const char *text)
{
    koc_layer_builder *builder = NULL;
    koc_layer *l = NULL;
    assert_int_equal(koc_layer_builder_new(b->ctx, NULL, &builder, NULL), KOC_OK);
    assert_int_equal(koc_layer_builder_add_bytes(builder, "/a", koc__str(text), NULL, NULL),
                     KOC_OK);
    assert_int_equal(koc_layer_builder_finish(builder, NULL, &l, NULL), KOC_OK);
    koc_layer_builder_free(builder);
    return l;
}

/* An image for linux of one layer. */
static koc_image *make_image(bed *b, const char *text, const char *arch)
{
    KOC__AUTO(koc_layer) l = make_layer(b, text);
    koc_image_builder *builder = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    koc_image *img = NULL;
    p.os = "linux";
    p.arch = arch;
    assert_int_equal(koc_image_builder_new(b->ctx, NULL, &builder, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_add_layer(builder, l, NULL, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_set_platform(builder, &p, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_finish(builder, NULL, &img, NULL), KOC_OK);
    koc_image_builder_free(builder);
    return img;
}

static int push(bed *b, const char *rest, koc_image *img, const char *const *tags)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, rest);
    koc_push_options o = KOC_PUSH_OPTIONS_INIT;
    koc_digest d;
    o.extra_tags = tags;
    bed_forget_error(b);
    int rc = koc_client_push_image(b->client, r, img, &o, &b->op, &d, &b->err);
    if (rc == KOC_OK) {
        assert_true(koc_digest_equal(&d, &koc_image_descriptor(img)->digest));
    }
    return rc;
}

static size_t events(const bed *b, const char *which)
{
    size_t n = 0;
    for (const char *at = strstr(b->events, which); at; at = strstr(at + 1, which)) {
        n++;
    }
    return n;
}

/* The position of a request among all; they may run in parallel, but not these. */
static size_t position(bed *b, const scripted_request *r)
{
    size_t n = 0;
    while (scripted_get(b->server, NULL, NULL, n) != r) {
        n++;
    }
    return n;
}

KOC_TEST(names_are_written_after_all_that_they_need)
{
    KOC__AUTO_VAL(bed) b;
    const char *tags[] = {"v2", "v1", NULL};
    bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_image) img = make_image(&b, "one", "amd64");
    assert_int_equal(push(&b, "/x:v1", img, tags), KOC_OK);
    assert_int_equal(scripted_count(b.server, "HEAD", "/manifests/"), 2);
    assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), 2);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/v1"), 1);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/v2"), 1);
    size_t last_head = position(&b, scripted_get(b.server, "HEAD", "/manifests/", 1));
    size_t last_blob = position(&b, scripted_get(b.server, "PUT", "/blobs/", 1));
    size_t first_name = position(&b, scripted_get(b.server, "PUT", "/manifests/", 0));
    assert_true(last_head < position(&b, scripted_get(b.server, "POST", NULL, 0)) &&
                last_blob < first_name);
    const scripted_request *put = scripted_get(b.server, "PUT", "/manifests/", 0);
    assert_string_equal(scripted_field(put, "Content-Type"), KOC_MT_OCI_MANIFEST);
    assert_memory_equal(put->body, koc_image_manifest(img).ptr, koc_image_manifest(img).len);
    assert_int_equal(events(&b, "blob 1\n"), 2);
    assert_int_equal(events(&b, "blob 5\n"), 2);
    assert_int_equal(events(&b, "manifest 1\n"), 2);
    assert_int_equal(events(&b, "manifest 5\n"), 2);
}

/* The lower layer is known by its digest alone, as one of a base in another registry is. */
KOC_TEST(a_layer_that_is_listed_twice_is_sent_from_where_its_content_is)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_layer) l = make_layer(&b, "one");
    KOC__AUTO(koc_layer) bare = NULL;
    KOC__AUTO(koc_image) img = NULL;
    koc_image_builder *builder = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    koc_digest diff_id;
    p.os = "linux";
    p.arch = "amd64";
    assert_int_equal(koc_layer_diff_id(l, NULL, &diff_id, NULL), KOC_OK);
    assert_int_equal(
        koc_layer_from_blob(b.ctx, koc_layer_descriptor(l), &diff_id, NULL, &bare, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_new(b.ctx, NULL, &builder, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_add_layer(builder, bare, NULL, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_add_layer(builder, l, NULL, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_set_platform(builder, &p, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_finish(builder, NULL, &img, NULL), KOC_OK);
    koc_image_builder_free(builder);
    assert_int_equal(push(&b, "/x:v1", img, NULL), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), 2);
}

/* "v1" has this digest or another one, and "v2" has none. */
KOC_TEST(only_the_names_that_are_missing_are_written)
{
    const char *tags[] = {"v2", NULL};
    for (int there = 0; there < 3; there++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
        KOC__AUTO(koc_image) img = make_image(&b, "one", "amd64");
        KOC__AUTO_STR same = koc__format("Docker-Content-Digest: %s\r\nContent-Length: 5\r\n",
                                         koc__digest_str(&koc_image_descriptor(img)->digest).s);
        KOC__AUTO_STR other = koc__format("%sContent-Length: 5\r\n", bed_digest_field("other"));
        scripted_set(
            b.server,
            (scripted_rule[]){{"HEAD", "/manifests/v1", 200, .fields = there ? same : other},
                              {"HEAD", "/manifests/v2", there == 2 ? 200 : 404, .fields = same},
                              TAKES_ALL,
                              {0}});
        assert_int_equal(push(&b, "/x:v1", img, tags), KOC_OK);
        assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), there ? 0 : 2);
        assert_int_equal(scripted_count(b.server, "PUT", "/manifests/v1"), there ? 0 : 1);
        assert_int_equal(scripted_count(b.server, "PUT", "/manifests/v2"), there == 2 ? 0 : 1);
        assert_int_equal(events(&b, "manifest 3\n"), there == 2);
    }
}

KOC_TEST(without_a_tag_the_digest_is_the_name)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_image) img = make_image(&b, "one", "amd64");
    const char *digest = koc__digest_str(&koc_image_descriptor(img)->digest).s;
    KOC__AUTO_STR right = koc__format("/x@%s", digest);
    KOC__AUTO_STR both = koc__format("/x:v1@%s", digest);
    KOC__AUTO_STR wrong = koc__format("/x@%s", bed_digest("other"));
    assert_int_equal(push(&b, wrong, img, NULL), KOC_EDIGEST);
    assert_non_null(strstr(bed_message(&b), "the image has the digest sha256:"));
    assert_int_equal(scripted_count(b.server, NULL, NULL), 0);
    assert_int_equal(push(&b, "/x", img, NULL), KOC_OK);
    KOC__AUTO_STR target = koc__format("/v2/x/manifests/%s", digest);
    assert_string_equal(scripted_get(b.server, "PUT", "/manifests/", 0)->target, target);
    assert_int_equal(push(&b, right, img, NULL), KOC_OK);
    assert_string_equal(scripted_get(b.server, "PUT", "/manifests/", 1)->target, target);
    assert_int_equal(push(&b, both, img, NULL), KOC_OK);
    assert_string_equal(scripted_get(b.server, "PUT", "/manifests/", 2)->target,
                        "/v2/x/manifests/v1");
    assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), 2);
}

KOC_TEST(blobs_that_the_registry_lost_are_sent_again)
{
    static const char *const codes[] = {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN",
                                        "MANIFEST_INVALID"};
    for (int i = 0; i < 3; i++) {
        KOC__AUTO_VAL(bed) b;
        KOC__AUTO_STR body = koc__format("{\"errors\":[{\"code\":\"%s\"}]}", codes[i]);
        bed_open(&b,
                 (scripted_rule[]){
                     {"PUT", "/manifests/", 404, .body = body, .times = 1}, TAKES_ALL, {0}},
                 NULL);
        KOC__AUTO(koc_image) img = make_image(&b, "one", "amd64");
        assert_int_equal(push(&b, "/x:v1", img, NULL), i < 2 ? KOC_OK : KOC_ENOTFOUND);
        assert_int_equal(scripted_count(b.server, "PUT", "/manifests/"), i < 2 ? 2 : 1);
        assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), i < 2 ? 4 : 2);
        KOC__AUTO_STR wait =
            koc__format("the registry lacks a blob of it (%s) (1, known)\nstate 5\n", codes[i]);
        assert_string_equal(b.waits, i < 2 ? wait : "");
    }
}

KOC_TEST(blobs_that_the_registry_loses_each_time_are_an_error)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){{"PUT", "/manifests/", 404,
                                .body = "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}"},
                               TAKES_ALL,
                               {0}},
             NULL);
    KOC__AUTO(koc_image) img = make_image(&b, "one", "amd64");
    assert_int_equal(push(&b, "/x:v1", img, NULL), KOC_ENOTFOUND);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/"), 3);
    assert_non_null(strstr(bed_message(&b), "cannot push 127.0.0.1"));
    assert_non_null(strstr(bed_message(&b), "the registry lacks a blob of it"));
}

KOC_TEST(a_refused_blob_ends_the_push_before_any_name)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){{"PUT", "/blobs/", 403}, TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_image) img = make_image(&b, "one", "amd64");
    assert_int_equal(push(&b, "/x:v1", img, NULL), KOC_EDENIED);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/"), 0);
}

/* --- mounts --- */

/* Pushes to /x what was read from `from`. */
static void push_from(bed *b, const char *from)
{
    KOC__AUTO(koc_image) img = make_image(b, "one", "amd64");
    KOC__AUTO(koc_reference) r = NULL;
    koc_layer *l = koc_image_layer(img, 0);
    assert_int_equal(koc_reference_parse(from, 0, &r, NULL), KOC_OK);
    assert_int_equal(koc__image_attach(img, 0, l->blob, r, NULL), KOC_OK);
    assert_int_equal(push(b, "/x:v1", img, NULL), KOC_OK);
}

KOC_TEST(a_layer_of_the_same_registry_is_mounted)
{
    static const struct {
        const char *from; /* below the registry; NULL: another one */
        int mount;        /* the answer */
        size_t mounts, uploads;
    } cases[] = {
        {"other", 201, 1, 1}, {"other", 202, 1, 2}, /* the session that it opened is used */
        {"other", 404, 1, 2}, {"x", 201, 0, 2},     {NULL, 201, 0, 2},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){
                     {"POST", "mount=", cases[i].mount, .fields = SESSION}, TAKES_ALL, {0}},
                 NULL);
        KOC__AUTO_STR from = cases[i].from ? koc__format("%s/%s", b.host, cases[i].from)
                                           : koc__strdup("127.0.0.1:1/other");
        push_from(&b, from);
        assert_int_equal(scripted_count(b.server, "POST", "mount="), cases[i].mounts);
        assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), cases[i].uploads);
        assert_int_equal(scripted_count(b.server, "POST", NULL),
                         cases[i].mount == 202 ? 2 : cases[i].mounts + cases[i].uploads);
        if (cases[i].mounts) {
            assert_non_null(
                strstr(scripted_get(b.server, "POST", "mount=", 0)->target, "&from=other"));
        }
    }
}

/* --- indexes --- */

static koc_index *make_index(bed *b, koc_image *one, koc_image *two)
{
    koc_index_builder *builder = NULL;
    koc_index *idx = NULL;
    assert_int_equal(koc_index_builder_new(b->ctx, KOC_FORMAT_OCI, &builder, NULL), KOC_OK);
    assert_int_equal(koc_index_builder_add_image(builder, one, NULL, NULL), KOC_OK);
    if (two) {
        assert_int_equal(koc_index_builder_add_image(builder, two, NULL, NULL), KOC_OK);
    }
    assert_int_equal(koc_index_builder_finish(builder, &idx, NULL), KOC_OK);
    koc_index_builder_free(builder);
    return idx;
}

static int push_index(bed *b, koc_index *idx)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, "/x:v1");
    koc_digest d;
    bed_forget_error(b);
    int rc = koc_client_push_index(b->client, r, idx, NULL, &b->op, &d, &b->err);
    if (rc == KOC_OK) {
        assert_true(koc_digest_equal(&d, &koc_index_descriptor(idx)->digest));
    }
    return rc;
}

KOC_TEST(an_index_is_written_after_its_images)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_image) one = make_image(&b, "one", "amd64");
    KOC__AUTO(koc_image) two = make_image(&b, "two", "arm64");
    KOC__AUTO(koc_index) idx = make_index(&b, one, two);
    assert_int_equal(push_index(&b, idx), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), 4);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/sha256:"), 2);
    const scripted_request *last = scripted_get(b.server, "PUT", "/manifests/", 2);
    assert_string_equal(last->target, "/v2/x/manifests/v1");
    assert_string_equal(scripted_field(last, "Content-Type"), KOC_MT_OCI_INDEX);
    assert_memory_equal(last->body, koc_index_bytes(idx).ptr, koc_index_bytes(idx).len);
    assert_true(position(&b, scripted_get(b.server, "PUT", "/blobs/", 3)) <
                position(&b, scripted_get(b.server, "PUT", "/manifests/", 0)));
}

KOC_TEST(an_image_of_an_index_that_is_there_is_not_sent)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_image) one = make_image(&b, "one", "amd64");
    KOC__AUTO(koc_image) two = make_image(&b, "two", "arm64");
    KOC__AUTO(koc_index) idx = make_index(&b, one, two);
    const char *digest = koc__digest_str(&koc_image_descriptor(one)->digest).s;
    KOC__AUTO_STR fields =
        koc__format("Docker-Content-Digest: %s\r\nContent-Length: 5\r\n", digest);
    KOC__AUTO_STR there = koc__format("/manifests/%s", digest);
    scripted_set(b.server,
                 (scripted_rule[]){{"HEAD", there, 200, .fields = fields}, TAKES_ALL, {0}});
    assert_int_equal(push_index(&b, idx), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), 2);
    assert_int_equal(scripted_count(b.server, "PUT", there), 0);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/"), 2);
}

KOC_TEST(an_index_whose_images_are_nowhere_is_not_written)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_image) one = make_image(&b, "one", "amd64");
    KOC__AUTO(koc_index) whole = make_index(&b, one, NULL);
    KOC__AUTO(koc_index) bare = NULL;
    assert_int_equal(koc_index_from_bytes(b.ctx, koc_index_bytes(whole), &bare, NULL), KOC_OK);
    assert_int_equal(push_index(&b, bare), KOC_ENOTFOUND);
    assert_non_null(strstr(bed_message(&b), "which the index lists, is not at the target"));
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 0);
}

/* --- single blobs --- */

KOC_TEST(what_a_copy_of_a_blob_did_is_told)
{
    static const struct {
        const char *from;
        int head, mount;
        bool local;
        int rc, state;
    } cases[] = {
        {NULL, 404, 0, true, KOC_OK, KOC_STATE_FINISHED},
        {NULL, 200, 0, true, KOC_OK, KOC_STATE_SKIPPED},
        {NULL, 200, 0, false, KOC_OK, KOC_STATE_SKIPPED},
        {NULL, 404, 0, false, KOC_ENOTFOUND, 0},
        {"other", 404, 201, false, KOC_OK, KOC_STATE_MOUNTED},
        {"other", 404, 202, false, KOC_ENOTFOUND, 0},
        {"other", 404, 202, true, KOC_OK, KOC_STATE_FINISHED},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        KOC__AUTO(koc_reference) from = NULL;
        koc_descriptor d = KOC_DESCRIPTOR_INIT;
        koc_blob *blob = NULL;
        koc__call call = {0};
        int32_t did = 0;
        bed_open(&b,
                 (scripted_rule[]){
                     {"POST", "mount=", cases[i].mount ? cases[i].mount : 500, .fields = SESSION},
                     {"HEAD", NULL, cases[i].head},
                     TAKES_ALL,
                     {0}},
                 NULL);
        KOC__AUTO(koc_reference) r = bed_reference(&b, "/x");
        if (cases[i].from) {
            from = bed_reference(&b, "/other");
        }
        koc__sha256_of("text", 4, &d.digest);
        d.size = 4;
        assert_int_equal(koc_blob_from_bytes(KOC__STR("text"), &blob, NULL), KOC_OK);
        koc__known_blob known = {&d, cases[i].local ? blob : NULL, from};
        assert_int_equal(koc__call_begin(&call, b.ctx, &b.op, NULL), KOC_OK);
        assert_int_equal(koc__client_copy_blob(b.client, r, &known, &call, &did, &b.err),
                         cases[i].rc);
        koc__call_end(&call);
        koc_blob_unref(blob);
        assert_int_equal(did, cases[i].state);
        assert_int_equal(
            strstr(bed_message(&b), "is not at the target, and there is no local content") != NULL,
            cases[i].rc != KOC_OK);
        assert_int_equal(scripted_count(b.server, "PUT", NULL), did == KOC_STATE_FINISHED);
    }
}

/* The steps that a build makes one by one. */
KOC_TEST(a_push_in_steps_writes_the_digest_before_the_names)
{
    KOC__AUTO_VAL(bed) b;
    koc__call call = {0};
    koc__push *p = NULL;
    koc__push_result sum = {0};
    bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_image) img = make_image(&b, "one", "amd64");
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x:v1");
    koc__push_source what = {.image = img};
    assert_int_equal(koc__call_begin(&call, b.ctx, &b.op, NULL), KOC_OK);
    assert_int_equal(
        koc__client_push_layer(b.client, r, koc_image_layer(img, 0), &call, &sum, NULL), KOC_OK);
    assert_int_equal(sum.blobs_sent, 1);
    assert_int_equal(sum.bytes_sent, koc_layer_descriptor(koc_image_layer(img, 0))->size);
    assert_int_equal(koc__push_new(b.client, r, &what, NULL, &call, &p, NULL), KOC_OK);
    assert_int_equal(koc__push_content(p, NULL), KOC_OK);
    koc__push_add_result(p, &sum);
    assert_int_equal(sum.blobs, 2);
    assert_int_equal(sum.blobs_sent, 2); /* the layer came before */
    assert_false(sum.unchanged);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/"), 0);
    assert_int_equal(koc__push_unnamed(p, NULL), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/sha256:"), 1);
    assert_int_equal(koc__push_names(p, true, NULL), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/v1"), 1);
    assert_int_equal(scripted_count(b.server, "PUT", "/blobs/"), 2);
    koc__push_free(p);
    koc__call_end(&call);
}

KOC_TEST(a_name_that_was_there_is_looked_at_again)
{
    KOC__AUTO_VAL(bed) b;
    koc__call call = {0};
    koc__push *p = NULL;
    koc__push_result sum = {0};
    bed_open(&b, (scripted_rule[]){TAKES_ALL, {0}}, NULL);
    KOC__AUTO(koc_image) img = make_image(&b, "one", "amd64");
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x:v1");
    KOC__AUTO_STR same = koc__format("Docker-Content-Digest: %s\r\nContent-Length: 5\r\n",
                                     koc__digest_str(&koc_image_descriptor(img)->digest).s);
    koc__push_source what = {.image = img};
    scripted_set(b.server,
                 (scripted_rule[]){
                     {"HEAD", "/manifests/v1", 200, .fields = same, .times = 1}, TAKES_ALL, {0}});
    assert_int_equal(koc__call_begin(&call, b.ctx, &b.op, NULL), KOC_OK);
    assert_int_equal(koc__push_new(b.client, r, &what, NULL, &call, &p, NULL), KOC_OK);
    assert_int_equal(koc__push_content(p, NULL), KOC_OK);
    koc__push_add_result(p, &sum);
    assert_true(sum.unchanged);
    assert_int_equal(koc__push_unnamed(p, NULL), KOC_OK);
    assert_int_equal(koc__push_names(p, false, NULL), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 0);
    /* Somebody removed it meanwhile. */
    assert_int_equal(koc__push_names(p, true, NULL), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", "/manifests/v1"), 1);
    koc__push_free(p);
    koc__call_end(&call);
}
