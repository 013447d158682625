/* Referrers: by the API, and by the tag that lists them. */
#include "bed.h"

#define HEX     "1111111111111111111111111111111111111111111111111111111111111111"
#define SUBJECT "sha256:" HEX
#define TAG     "sha256-" HEX
#define ENTRY(digit, type)                                                                         \
    "{\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"size\":5,\"digest\":\"sha256:" digit             \
    "000000000000000000000000000000000000000000000000000000000000000\",\"artifactType\":\"" type   \
    "\"}"
#define LIST(entries)                                                                              \
    "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX "\",\"manifests\":[" entries "]}"
#define INDEX "Content-Type: " KOC_MT_OCI_INDEX "\r\n"
/* A manifest that refers to the subject. */
#define REFERRER                                                                                   \
    "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"artifactType\":\"a/b\","     \
    "\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"size\":2,\"digest\":"       \
    "\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"},\"layers\":[],"  \
    "\"subject\":{\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"size\":7,\"digest\":\"" SUBJECT      \
    "\"},\"annotations\":{\"k\":\"v\"}}"

/* The first digits of the digests in the list, or "" after an error. */
static int list(bed *b, const char *type, char out[16])
{
    KOC__AUTO(koc_reference) r = bed_reference(b, "/x@" SUBJECT);
    KOC__AUTO(koc_index) idx = NULL;
    bed_forget_error(b);
    int rc = koc_client_list_referrers(b->client, r, type, &b->op, &idx, &b->err);
    size_t n = rc == KOC_OK ? koc_index_count(idx) : 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = koc__digest_hex(&koc_index_get(idx, i)->digest).s[0];
    }
    out[n] = '\0';
    return rc;
}

KOC_TEST(referrers_come_by_the_api)
{
    KOC__AUTO_VAL(bed) b;
    char got[16];
    bed_open(&b,
             (scripted_rule[]){{"GET", "/referrers/", 200, .fields = INDEX,
                                .body = LIST(ENTRY("2", "a/b") "," ENTRY("3", "c/d"))},
                               {0}},
             NULL);
    assert_int_equal(list(&b, NULL, got), KOC_OK);
    assert_string_equal(got, "23");
    assert_string_equal(scripted_get(b.server, NULL, NULL, 0)->target, "/v2/x/referrers/" SUBJECT);
    assert_string_equal(scripted_field(scripted_get(b.server, NULL, NULL, 0), "Accept"),
                        KOC_MT_OCI_INDEX);
    /* A server may ignore the filter. */
    assert_int_equal(list(&b, "a/b", got), KOC_OK);
    assert_string_equal(got, "2");
    assert_string_equal(scripted_get(b.server, NULL, NULL, 1)->target,
                        "/v2/x/referrers/" SUBJECT "?artifactType=a%2Fb");
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
}

KOC_TEST(without_the_api_a_tag_lists_them)
{
    static const struct {
        int status;
        const char *fields;
    } answers[] = {{404, NULL}, {400, NULL}, {403, NULL},
                   {405, NULL}, {501, NULL}, {200, "Content-Type: text/html\r\n"}};
    for (size_t i = 0; i < KOC__COUNT(answers); i++) {
        KOC__AUTO_VAL(bed) b;
        char got[16];
        bed_open(&b,
                 (scripted_rule[]){
                     {"GET", "/referrers/", answers[i].status, .fields = answers[i].fields},
                     {"GET", "/manifests/" TAG, 200, .fields = INDEX,
                      .body = LIST(ENTRY("4", "a/b") "," ENTRY("5", "c/d"))},
                     {0}},
                 NULL);
        assert_int_equal(list(&b, "c/d", got), KOC_OK);
        assert_string_equal(got, "5");
        assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
        scripted_set(b.server, (scripted_rule[]){{0}});
        assert_int_equal(list(&b, NULL, got), KOC_OK);
        assert_string_equal(got, "");
    }
}

KOC_TEST(a_list_of_referrers_that_is_none)
{
    static const struct {
        int api;
        const char *body;
        int tag;
        const char *tagged;
        int rc;
        size_t requests;
    } cases[] = {
        {200, "{\"schemaVersion\":2,\"manifests\":null}", 404, "", KOC_OK, 1},
        {200, LIST(""), 404, "", KOC_OK, 1},
        {200, "{", 404, "", KOC_EFORMAT, 1},
        {500, "", 404, "", KOC_EHTTP, 2},
        {404, "", 200, MANIFEST, KOC_OK, 2}, /* ignored, with a warning */
        {404, "", 403, "", KOC_EDENIED, 2},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        char got[16];
        bed_open(&b,
                 (scripted_rule[]){
                     {"GET", "/referrers/", cases[i].api, .fields = INDEX, .body = cases[i].body},
                     {"GET", "/manifests/", cases[i].tag, .body = cases[i].tagged},
                     {0}},
                 NULL);
        assert_int_equal(list(&b, NULL, got), cases[i].rc);
        assert_string_equal(got, "");
        assert_int_equal(scripted_count(b.server, NULL, NULL), cases[i].requests);
        assert_int_equal(strstr(b.log, "is not a list of referrers") != NULL,
                         cases[i].tagged[0] != '\0');
        assert_int_equal(strstr(bed_message(&b), "cannot list the referrers of 127.0.0.1") != NULL,
                         cases[i].rc != KOC_OK);
    }
}

/* --- writing --- */

static int put_referrer(bed *b)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, "/x:v1");
    bed_forget_error(b);
    return koc_client_put_manifest(b->client, r, KOC_MT_OCI_MANIFEST, KOC__STR(REFERRER), &b->op,
                                   NULL, &b->err);
}

KOC_TEST(a_registry_with_the_api_lists_a_referrer_itself)
{
    for (int i = 0; i < 2; i++) {
        KOC__AUTO_VAL(bed) b;
        /* It says so when the manifest is written, or it has the API. */
        bed_open(&b,
                 (scripted_rule[]){
                     {"PUT", NULL, 201, .fields = i ? NULL : "OCI-Subject: " SUBJECT "\r\n"},
                     {"GET", "/referrers/", 200, .fields = INDEX, .body = LIST("")},
                     {0}},
                 NULL);
        assert_int_equal(put_referrer(&b), KOC_OK);
        assert_int_equal(scripted_count(b.server, "PUT", NULL), 1);
        assert_int_equal(scripted_count(b.server, "GET", NULL), i);
    }
}

KOC_TEST(a_referrer_is_added_to_the_tag_in_order)
{
    KOC__AUTO_VAL(bed) b;
    const char *own = bed_digest(REFERRER);
    KOC__AUTO_STR after = koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
                                      "\",\"manifests\":[{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                                      "\",\"size\":%zu,\"digest\":\"%s\"}]}",
                                      strlen(REFERRER), own);
    bed_open(&b,
             (scripted_rule[]){{"PUT", NULL, 201},
                               {"GET", "/manifests/" TAG, 200, .fields = INDEX,
                                .body = LIST(ENTRY("0", "a/b") "," ENTRY("f", "a/b")), .times = 1},
                               {"GET", "/manifests/" TAG, 200, .fields = INDEX, .body = after},
                               {0}},
             NULL);
    assert_int_equal(put_referrer(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 2);
    const scripted_request *put = scripted_get(b.server, "PUT", TAG, 0);
    assert_string_equal(scripted_field(put, "Content-Type"), KOC_MT_OCI_INDEX);
    const char *first = strstr(put->body, "\"sha256:0000"), *mine = strstr(put->body, own),
               *last = strstr(put->body, "sha256:f000");
    assert_true(first && mine && last);
    assert_int_equal(first < mine && mine<last, own[7]> '0' && own[7] < 'f');
    assert_non_null(strstr(mine, "\"artifactType\":\"a/b\""));
    assert_non_null(strstr(mine, "\"annotations\":{\"k\":\"v\"}"));
    KOC__AUTO_STR size = koc__format("\"size\":%zu", strlen(REFERRER));
    assert_non_null(strstr(put->body, size));
}

KOC_TEST(a_list_that_others_change_each_time_is_a_conflict)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){{"PUT", NULL, 201},
                               {"GET", "/manifests/" TAG, 200, .fields = INDEX, .body = LIST("")},
                               {0}},
             NULL);
    assert_int_equal(put_referrer(&b), KOC_ECONFLICT);
    assert_int_equal(scripted_count(b.server, "PUT", TAG), 5);
    assert_non_null(strstr(bed_message(&b),
                           "the image was written, but not added to the referrers of " SUBJECT));
    assert_non_null(strstr(bed_message(&b), "other clients keep changing the list of referrers"));
}

KOC_TEST(a_tag_that_lists_nothing_is_not_overwritten)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(
        &b,
        (scripted_rule[]){{"PUT", NULL, 201},
                          {"GET", "/manifests/" TAG, 200, .fields = OCI_TYPE, .body = MANIFEST},
                          {0}},
        NULL);
    assert_int_equal(put_referrer(&b), KOC_EFORMAT);
    assert_int_equal(scripted_count(b.server, "PUT", TAG), 0);
    assert_non_null(strstr(bed_message(&b), "is not a list of referrers"));
}

/* --- deleting --- */

KOC_TEST(a_deleted_referrer_leaves_the_list)
{
    KOC__AUTO_VAL(bed) b;
    const char *own = bed_digest(REFERRER);
    KOC__AUTO_STR rest = koc__format("/x@%s", own);
    KOC__AUTO_STR listed =
        koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
                    "\",\"manifests\":[" ENTRY("0", "a/b") ",{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                                                           "\",\"size\":%zu,\"digest\":\"%s\"}]}",
                    strlen(REFERRER), own);
    bed_open(&b,
             (scripted_rule[]){
                 {"DELETE", NULL, 202},
                 {"PUT", NULL, 201},
                 {"GET", "/manifests/sha256:", 200, .fields = OCI_TYPE, .body = REFERRER},
                 {"GET", "/manifests/" TAG, 200, .fields = INDEX, .body = listed, .times = 1},
                 {"GET", "/manifests/" TAG, 200, .fields = INDEX, .body = LIST(ENTRY("0", "a/b"))},
                 {0}},
             NULL);
    KOC__AUTO(koc_reference) r = bed_reference(&b, rest);
    assert_int_equal(koc_client_delete_manifest(b.client, r, &b.op, &b.err), KOC_OK);
    const scripted_request *put = scripted_get(b.server, "PUT", TAG, 0);
    assert_non_null(put);
    assert_null(strstr(put->body, own));
    assert_non_null(strstr(put->body, "sha256:0000"));
    /* It is not in the list. */
    assert_int_equal(koc_client_delete_manifest(b.client, r, &b.op, &b.err), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 1);
    scripted_set(
        b.server,
        (scripted_rule[]){{"DELETE", NULL, 202},
                          {"PUT", NULL, 403},
                          {"GET", "/manifests/sha256:", 200, .fields = OCI_TYPE, .body = REFERRER},
                          {"GET", "/manifests/" TAG, 200, .fields = INDEX, .body = listed},
                          {0}});
    assert_int_equal(koc_client_delete_manifest(b.client, r, &b.op, &b.err), KOC_EDENIED);
    assert_non_null(
        strstr(bed_message(&b), "is deleted, but the list of referrers still names it"));
}

KOC_TEST(a_registry_with_the_api_drops_a_referrer_itself)
{
    KOC__AUTO_VAL(bed) b;
    KOC__AUTO_STR rest = koc__format("/x@%s", bed_digest(REFERRER));
    bed_open(
        &b,
        (scripted_rule[]){{"DELETE", NULL, 202},
                          {"GET", "/manifests/sha256:", 200, .fields = OCI_TYPE, .body = REFERRER},
                          {"GET", "/referrers/", 200, .fields = INDEX, .body = LIST("")},
                          {0}},
        NULL);
    KOC__AUTO(koc_reference) r = bed_reference(&b, rest);
    assert_int_equal(koc_client_delete_manifest(b.client, r, &b.op, &b.err), KOC_OK);
    assert_int_equal(scripted_count(b.server, "GET", TAG), 0);
    /* Without the API, and the tag cannot be read. */
    scripted_set(b.server, (scripted_rule[]){{"DELETE", NULL, 202},
                                             {"GET", "/manifests/sha256:", 200, .fields = OCI_TYPE,
                                              .body = REFERRER},
                                             {"GET", TAG, 403},
                                             {0}});
    assert_int_equal(koc_client_delete_manifest(b.client, r, &b.op, &b.err), KOC_EDENIED);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 0);
}

KOC_TEST(a_subject_that_is_none_is_told)
{
    static const char bad[] =
        "{\"schemaVersion\":2,\"subject\":{\"mediaType\":\"a/b\",\"size\":7,\"digest\":\"nonsense\"}}";
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){{"PUT", NULL, 201}, {0}}, NULL);
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x:v1");
    assert_int_equal(koc_client_put_manifest(b.client, r, KOC_MT_OCI_MANIFEST, KOC__STR(bad), &b.op,
                                             NULL, &b.err),
                     KOC_EFORMAT);
    assert_non_null(strstr(bed_message(&b), "subject of the manifest"));
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
}

KOC_TEST(the_tag_of_a_subject_has_its_algorithm_and_the_length_of_a_tag)
{
    koc_digest d = {.algorithm = KOC_DIGEST_SHA512, .len = 64};
    memset(d.bytes, 0xab, sizeof(d.bytes));
    KOC__AUTO_STR long_one = koc__subject_tag(&d, ".sig");
    char want[80] = "sha512-";
    for (size_t i = 0; i < 32; i++) {
        memcpy(want + 7 + 2 * i, "ab", 2);
    }
    assert_int_equal(strlen(long_one), 7 + 64 + 4);
    assert_memory_equal(long_one, want, 7 + 64);
    assert_string_equal(long_one + 7 + 64, ".sig");
    d.algorithm = KOC_DIGEST_SHA256;
    d.len = 32;
    KOC__AUTO_STR usual = koc__subject_tag(&d, "");
    assert_int_equal(strlen(usual), 7 + 64);
    assert_memory_equal(usual, "sha256-abab", 11);
}
