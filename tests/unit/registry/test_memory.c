/* Whole operations of the client while memory runs out at each allocation: no crash, no leak, no false success. */
#include "bed.h"

#define BEARER "WWW-Authenticate: Bearer realm=\"http://@HOST@/token\",service=\"s\"\r\n"
#define LAST   3000

/* One operation of a new client. */
typedef int operation(bed *b, koc_reference *r);

static koc_client *new_client(bed *b, koc_auth *auth)
{
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    koc_client *c = NULL;
    koc__host *h = NULL;
    o.flags = KOC_CLIENT_NO_PROXY_ENV;
    o.auth = auth;
    o.max_attempts = 1;
    assert_int_equal(koc_client_new(b->ctx, &o, &c, NULL), KOC_OK);
    assert_int_equal(koc__client_host(c, b->host, &h, NULL), KOC_OK);
    koc__reach_set_scheme(h->reach, false);
    return c;
}

static void fail_each(const scripted_rule *rules, operation *run)
{
    KOC__AUTO_VAL(bed) b;
    bool done = false;
    bed_open_login(&b, rules, KOC_CRED_BASIC, "me", "secret");
    KOC__AUTO(koc_auth) auth = koc_auth_ref(b.client->auth);
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x:v1");
    b.op.progress = NULL;
    for (uint64_t n = 1; n < LAST && !done; n++) {
        koc_client_unref(b.client);
        b.client = new_client(&b, auth);
        bed_forget_error(&b);
        koc__alloc_fail_after(n);
        int rc = run(&b, r);
        koc__alloc_fail_after(0);
        done = rc == KOC_OK;
        if (!done && rc != KOC_ENOMEM) {
            fail_msg("allocation %d: %d, %s", (int)n, rc, bed_message(&b));
        }
    }
    assert_true(done);
}

static int get_manifest(bed *b, koc_reference *r)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    int rc = koc_client_get_manifest(b->client, r, &b->op, &bytes, NULL, NULL, &b->err);
    assert_true(rc != KOC_OK || strcmp(bytes.ptr, MANIFEST) == 0);
    return rc;
}

KOC_TEST(a_manifest_without_memory)
{
    fail_each((scripted_rule[]){{NULL, "/token", 200, .body = "{\"token\":\"given\"}"},
                                {"GET", "/manifests/", 200, .fields = OCI_TYPE, .body = MANIFEST,
                                 .needs = "Bearer given"},
                                {"GET", NULL, 401, .fields = BEARER},
                                {0}},
              get_manifest);
}

static int list_tags(bed *b, koc_reference *r)
{
    koc_strlist *tags = NULL;
    int rc = koc_client_list_tags(b->client, r, &b->op, &tags, &b->err);
    assert_int_equal(koc_strlist_count(tags), rc == KOC_OK ? 2 : 0);
    koc_strlist_free(tags);
    return rc;
}

KOC_TEST(tags_without_memory)
{
    fail_each((scripted_rule[]){{"GET", "last=b", 200, .body = "{\"tags\":[\"c\"]}"},
                                {"GET", NULL, 200, .body = "{\"tags\":[\"b\"]}",
                                 .fields = "Link: </v2/x/tags/list?last=b>; rel=\"next\"\r\n"},
                                {0}},
              list_tags);
}

static int put_blob(bed *b, koc_reference *r)
{
    koc_blob *blob = NULL;
    int rc = koc_blob_from_bytes(KOC__STR("0123456789"), &blob, &b->err);
    rc = rc ? rc : koc_client_put_blob(b->client, r, blob, &b->op, &b->err);
    koc_blob_unref(blob);
    return rc;
}

/* By the form that needs more steps. */
KOC_TEST(an_upload_without_memory)
{
    fail_each(
        (scripted_rule[]){
            {"HEAD", NULL, 404},
            {"POST", NULL, 202, .fields = "Location: /v2/x/blobs/uploads/1\r\n"},
            {"PATCH", NULL, 202, .fields = "Range: 0-9\r\nLocation: /v2/x/blobs/uploads/1?a=b\r\n"},
            {"PUT", NULL, 201, .needs = "Content-Length: 0\r\n"},
            {"PUT", NULL, 405},
            {"DELETE", NULL, 204},
            {0}},
        put_blob);
}
