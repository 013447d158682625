/* Manifests: what a registry may say about them, and what it may not. */
#include "bed.h"

#define OTHER "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\"}"

static int put_manifest(bed *b, const char *rest, koc_digest *out)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, rest);
    bed_forget_error(b);
    return koc_client_put_manifest(b->client, r, KOC_MT_OCI_MANIFEST, KOC__STR(MANIFEST), &b->op,
                                   out, &b->err);
}

KOC_TEST(a_refused_manifest_put_is_an_error)
{
    static const struct {
        int status, rc;
        bool asks; /* whether it names this digest already */
        const char *words;
    } cases[] = {
        {400, KOC_EHTTP, true, "400"},
        {401, KOC_EAUTH, false, "not authorised"},
        {403, KOC_EDENIED, false, "denied"},
        {404, KOC_ENOTFOUND, false, "not found"},
        {409, KOC_ECONFLICT, true, "the tag cannot be moved to another image"},
        {413, KOC_ELIMIT, false, "too large"},
        {415, KOC_EUNSUPPORTED, false, "media type"},
        {500, KOC_EHTTP, true, "500"},
        {503, KOC_EHTTP, true, "503"},
        {0, KOC_ENET, true, "127.0.0.1"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        const char *field = bed_digest_field(OTHER);
        KOC__AUTO_STR fields = koc__format("%sContent-Length: 5\r\n", field);
        bed_open(&b,
                 (scripted_rule[]){
                     {"PUT", NULL, cases[i].status}, {"HEAD", NULL, 200, .fields = fields}, {0}},
                 NULL);
        assert_int_equal(put_manifest(&b, "/x:v1", NULL), cases[i].rc);
        assert_non_null(strstr(bed_message(&b), cases[i].words));
        assert_non_null(strstr(bed_message(&b), "cannot write 127.0.0.1"));
        assert_int_equal(scripted_count(b.server, "HEAD", NULL), cases[i].asks);
    }
}

KOC_TEST(a_refused_put_of_what_is_there_already_is_a_success)
{
    static const int statuses[] = {400, 409, 500, 502};
    for (size_t i = 0; i < KOC__COUNT(statuses); i++) {
        KOC__AUTO_VAL(bed) b;
        koc_digest d = {0};
        KOC__AUTO_STR fields = koc__format("%sContent-Length: 5\r\n", bed_digest_field(MANIFEST));
        bed_open(&b,
                 (scripted_rule[]){
                     {"PUT", NULL, statuses[i]}, {"HEAD", NULL, 200, .fields = fields}, {0}},
                 NULL);
        assert_int_equal(put_manifest(&b, "/x:v1", &d), KOC_OK);
        assert_string_equal(koc__digest_str(&d).s, bed_digest(MANIFEST));
        assert_null(b.err);
    }
}

KOC_TEST(an_invalid_tag_is_told_as_such)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){
                 {"PUT", NULL, 400, .body = "{\"errors\":[{\"code\":\"TAG_INVALID\"}]}"}, {0}},
             NULL);
    assert_int_equal(put_manifest(&b, "/x:v1", NULL), KOC_EHTTP);
    assert_non_null(strstr(bed_message(&b), "the tag cannot be moved to another image"));
}

KOC_TEST(a_manifest_is_sent_as_it_is)
{
    KOC__AUTO_VAL(bed) b;
    koc_digest d = {0};
    bed_open(&b, (scripted_rule[]){{"PUT", NULL, 201, .fields = bed_digest_field(MANIFEST)}, {0}},
             NULL);
    assert_int_equal(put_manifest(&b, "/x:v1", &d), KOC_OK);
    assert_string_equal(koc__digest_str(&d).s, bed_digest(MANIFEST));
    const scripted_request *r = scripted_get(b.server, NULL, NULL, 0);
    assert_string_equal(r->target, "/v2/x/manifests/v1");
    assert_string_equal(r->body, MANIFEST);
    assert_string_equal(scripted_field(r, "Content-Type"), KOC_MT_OCI_MANIFEST);
    assert_int_equal(put_manifest(&b, "/x", NULL), KOC_OK);
    assert_string_equal(scripted_get(b.server, NULL, NULL, 1)->target, "/v2/x/manifests/latest");
}

KOC_TEST(a_registry_that_stored_another_manifest_is_told)
{
    static const struct {
        const char *field;
        int rc;
    } cases[] = {
        {"Docker-Content-Digest: sha256:1111111111111111111111111111111111111111111111111111111111111111\r\n",
         KOC_EDIGEST},
        {"Docker-Content-Digest: sha512:11\r\n", KOC_OK},
        {"", KOC_OK},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b, (scripted_rule[]){{"PUT", NULL, 201, .fields = cases[i].field}, {0}}, NULL);
        assert_int_equal(put_manifest(&b, "/x:v1", NULL), cases[i].rc);
        assert_int_equal(strstr(bed_message(&b), "the registry stored sha256:1111") != NULL,
                         cases[i].rc != KOC_OK);
    }
}

KOC_TEST(a_manifest_is_not_written_under_the_digest_of_another)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){{"PUT", NULL, 201}, {0}}, NULL);
    KOC__AUTO_STR wrong = koc__format("/x@%s", bed_digest(OTHER));
    KOC__AUTO_STR right = koc__format("/x@%s", bed_digest(MANIFEST));
    assert_int_equal(put_manifest(&b, wrong, NULL), KOC_EDIGEST);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 0);
    assert_int_equal(put_manifest(&b, right, NULL), KOC_OK);
}

/* --- reading --- */

static int get_by(bed *b, const char *rest, koc_buf *type)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, rest);
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    koc_digest d;
    bed_forget_error(b);
    int rc = koc_client_get_manifest(b->client, r, &b->op, &bytes, type, &d, &b->err);
    if (rc == KOC_OK) {
        assert_string_equal(bytes.ptr, MANIFEST);
        assert_string_equal(koc__digest_str(&d).s, bed_digest(MANIFEST));
    }
    return rc;
}

/* Each of the two digests alone: the one of the reference, the one in the field. */
KOC_TEST(a_manifest_has_the_digest_that_was_asked_for_and_the_one_that_was_said)
{
    KOC__AUTO_STR right = koc__format("/x@%s", bed_digest(MANIFEST));
    KOC__AUTO_STR wrong = koc__format("/x@%s", bed_digest(OTHER));
    KOC__AUTO_STR said = koc__format(OCI_TYPE "%s", bed_digest_field(MANIFEST));
    KOC__AUTO_STR lie = koc__format(OCI_TYPE "%s", bed_digest_field(OTHER));
    const struct {
        const char *rest, *fields;
        int rc;
        const char *words;
    } cases[] = {
        {"/x:v1", said, KOC_OK, ""},
        {"/x:v1", lie, KOC_EDIGEST, "the registry says sha256:"},
        {right, said, KOC_OK, ""},
        {right, OCI_TYPE, KOC_OK, ""},
        {right, lie, KOC_EDIGEST, "the registry says sha256:"},
        {wrong, OCI_TYPE, KOC_EDIGEST, "the registry sent a manifest with the digest"},
        {wrong, lie, KOC_EDIGEST, "the registry sent a manifest with the digest"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        KOC__AUTO_VAL(koc_buf) type = KOC_BUF_INIT;
        bed_open(
            &b,
            (scripted_rule[]){{"GET", NULL, 200, .fields = cases[i].fields, .body = MANIFEST}, {0}},
            NULL);
        assert_int_equal(get_by(&b, cases[i].rest, &type), cases[i].rc);
        assert_non_null(strstr(bed_message(&b), cases[i].words));
        if (cases[i].rc == KOC_OK) {
            assert_string_equal(type.ptr, KOC_MT_OCI_MANIFEST);
        }
        assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
    }
}

/* --- resolving --- */

static int resolve(bed *b, const char *rest, koc_descriptor *d, koc_buf *storage)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, rest);
    bed_forget_error(b);
    *d = (koc_descriptor)KOC_DESCRIPTOR_INIT;
    return koc_client_resolve(b->client, r, &b->op, storage, d, &b->err);
}

KOC_TEST(a_head_that_says_all_is_enough)
{
    KOC__AUTO_VAL(bed) b;
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_descriptor d;
    KOC__AUTO_STR fields =
        koc__format(OCI_TYPE "%sContent-Length: 77\r\n", bed_digest_field(OTHER));
    bed_open(&b, (scripted_rule[]){{"HEAD", NULL, 200, .fields = fields}, {0}}, NULL);
    assert_int_equal(resolve(&b, "/x:v1", &d, &storage), KOC_OK);
    assert_string_equal(koc__digest_str(&d.digest).s, bed_digest(OTHER));
    assert_int_equal(d.size, 77);
    assert_string_equal(d.media_type, KOC_MT_OCI_MANIFEST);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
    assert_non_null(strstr(scripted_field(scripted_get(b.server, NULL, NULL, 0), "Accept"),
                           KOC_MT_DOCKER_LIST));
    /* By digest it must be this one. */
    KOC__AUTO_STR other = koc__format("/x@%s", bed_digest(MANIFEST));
    KOC__AUTO_STR same = koc__format("/x@%s", bed_digest(OTHER));
    assert_int_equal(resolve(&b, other, &d, &storage), KOC_EDIGEST);
    assert_non_null(strstr(bed_message(&b), "the registry answers with sha256:"));
    assert_int_equal(resolve(&b, same, &d, &storage), KOC_OK);
}

KOC_TEST(a_head_that_lacks_something_is_followed_by_a_get)
{
    KOC__AUTO_STR no_size = koc__format("%sTransfer-Encoding: chunked\r\nX: content-length:\r\n",
                                        bed_digest_field(MANIFEST));
    const struct {
        int status;
        const char *fields;
    } heads[] = {{200, OCI_TYPE}, {400, NULL}, {403, NULL}, {405, NULL}, {200, no_size}};
    for (size_t i = 0; i < KOC__COUNT(heads); i++) {
        KOC__AUTO_VAL(bed) b;
        KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
        koc_descriptor d;
        bed_open(&b,
                 (scripted_rule[]){{"HEAD", NULL, heads[i].status, .fields = heads[i].fields},
                                   {"GET", NULL, 200, .fields = OCI_TYPE, .body = MANIFEST},
                                   {0}},
                 NULL);
        assert_int_equal(resolve(&b, "/x:v1", &d, &storage), KOC_OK);
        assert_int_equal(d.size, strlen(MANIFEST));
        assert_string_equal(koc__digest_str(&d.digest).s, bed_digest(MANIFEST));
        assert_string_equal(d.media_type, KOC_MT_OCI_MANIFEST);
        assert_int_equal(scripted_count(b.server, "GET", NULL), 1);
    }
}

KOC_TEST(an_image_that_is_not_there_has_a_hint)
{
    KOC__AUTO_VAL(bed) b;
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_descriptor d;
    bed_open(&b, (scripted_rule[]){{"HEAD", NULL, 404}, {0}}, NULL);
    assert_int_equal(resolve(&b, "/x:v1", &d, &storage), KOC_ENOTFOUND);
    assert_non_null(strstr(bed_message(&b), "/x:v1: no such image"));
    assert_int_equal(koc_error_http_status(b.err), 404);
    assert_non_null(strstr(bed_hint(&b), "list the tags of 127.0.0.1"));
    assert_int_equal(scripted_count(b.server, "GET", NULL), 0);
    KOC__AUTO_STR exact = koc__format("/x@%s", bed_digest(MANIFEST));
    assert_int_equal(resolve(&b, exact, &d, &storage), KOC_ENOTFOUND);
    assert_string_equal(bed_hint(&b), "");
    /* The HEAD is not allowed, and then it is not there. */
    scripted_set(b.server, (scripted_rule[]){{"HEAD", NULL, 405}, {0}});
    assert_int_equal(resolve(&b, "/x:v1", &d, &storage), KOC_ENOTFOUND);
    scripted_set(b.server, (scripted_rule[]){{"HEAD", NULL, 401}, {0}});
    assert_int_equal(resolve(&b, "/x:v1", &d, &storage), KOC_EAUTH);
    assert_non_null(strstr(bed_message(&b), "cannot resolve 127.0.0.1"));
}

KOC_TEST(for_a_push_a_403_means_not_there)
{
    KOC__AUTO_VAL(bed) b;
    koc__call call = {0};
    koc__found f = {.found = true};
    bed_open(&b, (scripted_rule[]){{"HEAD", NULL, 403}, {"GET", NULL, 403}, {0}}, NULL);
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x:v1");
    assert_int_equal(koc__call_begin(&call, b.ctx, &b.op, NULL), KOC_OK);
    assert_int_equal(koc__client_head_manifest(b.client, r, true, &call, &f, NULL), KOC_OK);
    assert_false(f.found);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
    assert_int_equal(koc__client_head_manifest(b.client, r, false, &call, &f, NULL), KOC_EDENIED);
    koc__call_end(&call);
}

/* --- deleting --- */

static int delete_it(bed *b, const char *rest)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, rest);
    bed_forget_error(b);
    return koc_client_delete_manifest(b->client, r, &b->op, &b->err);
}

KOC_TEST(what_a_registry_does_not_delete_is_told)
{
    KOC__AUTO_STR exact = koc__format("/x@%s", bed_digest(MANIFEST));
    const struct {
        const char *rest;
        int status, rc;
        const char *words, *hint;
    } cases[] = {
        {"/x:v1", 202, KOC_OK, "", ""},
        {exact, 202, KOC_OK, "", ""},
        {"/x:v1", 404, KOC_ENOTFOUND, "/x:v1: no such image", ""},
        {"/x:v1", 405, KOC_EUNSUPPORTED, "the registry does not delete tags",
         "deleting it by digest removes all its tags"},
        {"/x:v1", 400, KOC_EUNSUPPORTED, "the registry does not delete tags",
         "deleting it by digest removes all its tags"},
        {exact, 405, KOC_EUNSUPPORTED, "the registry does not delete manifests", ""},
        {"/x:v1", 403, KOC_EDENIED, "cannot delete 127.0.0.1", "log in"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){{"DELETE", NULL, cases[i].status},
                                   {"GET", NULL, 200, .fields = OCI_TYPE, .body = MANIFEST},
                                   {0}},
                 NULL);
        assert_int_equal(delete_it(&b, cases[i].rest), cases[i].rc);
        assert_non_null(strstr(bed_message(&b), cases[i].words));
        assert_non_null(strstr(bed_hint(&b), cases[i].hint));
        assert_int_equal(bed_hint(&b)[0] != '\0', cases[i].hint[0] != '\0');
        assert_int_equal(scripted_count(b.server, "DELETE", NULL), 1);
        assert_int_equal(scripted_count(b.server, "GET", NULL), strchr(cases[i].rest, '@') != NULL);
    }
}

/* --- tags --- */

static int tags_of(bed *b, koc_strlist **out)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, "/x");
    bed_forget_error(b);
    *out = NULL;
    return koc_client_list_tags(b->client, r, &b->op, out, &b->err);
}

KOC_TEST(tags_come_in_pages)
{
    KOC__AUTO_VAL(bed) b;
    koc_strlist *tags;
    bed_open(&b,
             (scripted_rule[]){{"GET", "last=b", 200, .body = "{\"tags\":[\"c\",\"a\"]}"},
                               {"GET", "/v2/x/tags/list", 200, .body = "{\"tags\":[\"d\",\"b\"]}",
                                .fields = "Link: </v2/x/tags/list?last=b>; rel=\"next\"\r\n"},
                               {0}},
             NULL);
    assert_int_equal(tags_of(&b, &tags), KOC_OK);
    assert_int_equal(koc_strlist_count(tags), 4);
    assert_string_equal(koc_strlist_get(tags, 0), "a");
    assert_string_equal(koc_strlist_get(tags, 3), "d");
    koc_strlist_free(tags);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
}

KOC_TEST(pages_that_mean_harm_are_refused)
{
    static const struct {
        const char *body, *fields;
        int rc;
        size_t requests;
        const char *words;
    } cases[] = {
        {"{\"tags\":[]}", "Link: </v2/x/tags/list?n=2>; rel=\"next\"\r\n", KOC_EFORMAT, 2,
         "form a circle"},
        {"{\"tags\":[]}", "Link: <http://127.0.0.1:1/>; rel=\"next\"\r\n", KOC_EDENIED, 1,
         "names another host (127.0.0.1)"},
        {"{\"tags\":[]}", "Link: <ftp://127.0.0.1/>; rel=\"next\"\r\n", KOC_EINVAL, 1,
         "the link to the next page"},
        {"{\"tags\":[\"a/b\"]}", NULL, KOC_EFORMAT, 1, "contains an invalid name: a/b"},
        {"{\"tags\":[5]}", NULL, KOC_EFORMAT, 1, "contains an invalid name: not a string"},
        {"{\"tags\":", NULL, KOC_EFORMAT, 1, "cannot list the tags of 127.0.0.1"},
        {"{\"tags\":null}", NULL, KOC_OK, 1, ""},
        {"{}", NULL, KOC_OK, 1, ""},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        koc_strlist *tags;
        bed_open(&b,
                 (scripted_rule[]){
                     {"GET", NULL, 200, .fields = cases[i].fields, .body = cases[i].body}, {0}},
                 NULL);
        assert_int_equal(tags_of(&b, &tags), cases[i].rc);
        koc_strlist_free(tags);
        assert_non_null(strstr(bed_message(&b), cases[i].words));
        assert_int_equal(scripted_count(b.server, NULL, NULL), cases[i].requests);
    }
}

KOC_TEST(a_registry_without_a_catalogue_says_so)
{
    static const struct {
        int status;
        const char *body;
        int rc;
        const char *words;
    } cases[] = {
        {200, "{\"repositories\":[\"b\",\"a/c\"]}", KOC_OK, ""},
        {200, "{\"repositories\":[\"A\"]}", KOC_EFORMAT, "contains an invalid name: A"},
        {404, NULL, KOC_EUNSUPPORTED, "does not list its repositories"},
        {405, NULL, KOC_EUNSUPPORTED, "does not list its repositories"},
        {403, NULL, KOC_EDENIED, "cannot list the repositories of 127.0.0.1"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        koc_strlist *names = NULL;
        bed_open(&b, (scripted_rule[]){{"GET", NULL, cases[i].status, .body = cases[i].body}, {0}},
                 NULL);
        assert_int_equal(koc_client_list_repositories(b.client, b.host, &b.op, &names, &b.err),
                         cases[i].rc);
        assert_non_null(strstr(bed_message(&b), cases[i].words));
        assert_string_equal(scripted_get(b.server, NULL, NULL, 0)->target, "/v2/_catalog?n=1000");
        if (names) {
            assert_int_equal(koc_strlist_count(names), 2);
            assert_string_equal(koc_strlist_get(names, 0), "a/c");
        }
        koc_strlist_free(names);
        bed_forget_error(&b);
        assert_int_equal(koc_client_list_repositories(b.client, "a/b", &b.op, &names, &b.err),
                         KOC_EINVAL);
        assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
    }
}

KOC_TEST(a_manifest_that_is_no_json_is_told)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){{"GET", NULL, 200, .fields = OCI_TYPE, .body = "<html>"}, {0}},
             NULL);
    assert_int_equal(bed_get_manifest(&b), KOC_EFORMAT);
    assert_non_null(strstr(bed_message(&b), "manifest: not valid JSON"));
}

KOC_TEST(a_manifest_may_be_named_by_sha512)
{
    KOC__AUTO_VAL(bed) b;
    koc_hasher *h = NULL;
    koc_digest d;
    assert_int_equal(koc_hasher_new(KOC_DIGEST_SHA512, &h, NULL), KOC_OK);
    koc_hasher_update(h, KOC__STR(MANIFEST));
    assert_int_equal(koc_hasher_finish(h, &d, NULL), KOC_OK);
    koc_hasher_free(h);
    bed_open(&b,
             (scripted_rule[]){
                 {"GET", NULL, 200, .fields = OCI_TYPE, .body = MANIFEST}, {"PUT", NULL, 201}, {0}},
             NULL);
    KOC__AUTO_STR rest = koc__format("/x@%s", koc__digest_str(&d).s);
    KOC__AUTO(koc_reference) r = bed_reference(&b, rest);
    koc_buf bytes = KOC_BUF_INIT;
    koc_digest got;
    assert_int_equal(koc_client_get_manifest(b.client, r, &b.op, &bytes, NULL, &got, &b.err),
                     KOC_OK);
    assert_true(koc_digest_equal(&got, &d));
    koc_buf_dispose(&bytes);
    assert_int_equal(koc_client_put_manifest(b.client, r, KOC_MT_OCI_MANIFEST, KOC__STR(MANIFEST),
                                             &b.op, &got, &b.err),
                     KOC_OK);
    assert_true(koc_digest_equal(&got, &d));
    assert_int_equal(koc_client_put_manifest(b.client, r, KOC_MT_OCI_MANIFEST, KOC__STR(OTHER),
                                             &b.op, &got, &b.err),
                     KOC_EDIGEST);
}
