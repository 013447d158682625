/* One request through redirects, retries and pauses, against a scripted server. */
#include "bed.h"

#define OK                                                                                         \
    {                                                                                              \
        "GET", "/manifests/", 200, .fields = OCI_TYPE, .body = MANIFEST                            \
    }

static void attempts(bed *b, const scripted_rule *rules, uint32_t n)
{
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    o.max_attempts = n;
    bed_open(b, rules, &o);
}

KOC_TEST(a_request_that_is_slowed_down_gets_three_times_the_attempts)
{
    KOC__AUTO_VAL(bed) b;
    attempts(&b, (scripted_rule[]){{"GET", NULL, 429, .fields = "Retry-After: 0\r\n"}, {0}}, 2);
    assert_int_equal(bed_get_manifest(&b), KOC_ERATE);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 6);
    assert_true(koc_error_is_retryable(b.err));
}

KOC_TEST(a_request_that_fails_gets_its_attempts_and_no_more)
{
    KOC__AUTO_VAL(bed) b;
    attempts(&b, (scripted_rule[]){{"GET", NULL, 503}, {0}}, 2);
    assert_int_equal(bed_get_manifest(&b), KOC_EHTTP);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
    assert_string_equal(b.waits, "503 Service Unavailable (1, known)\nstate 1\nstate 6\n");
}

KOC_TEST(the_last_attempt_counts)
{
    KOC__AUTO_VAL(bed) b;
    attempts(&b, (scripted_rule[]){{"GET", NULL, 503, .times = 2}, OK, {0}}, 3);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
    assert_string_equal(b.waits, "503 Service Unavailable (1, known)\nstate 1\n"
                                 "503 Service Unavailable (2, known)\nstate 1\nstate 5\n");
}

KOC_TEST(a_pause_that_the_server_asks_for_holds_for_other_requests_too)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(
        &b,
        (scripted_rule[]){{"GET", "/manifests/", 429, .fields = "Retry-After: 1\r\n", .times = 1},
                          {"GET", "/tags/", 200, .body = "{\"tags\":[\"a\"]}"},
                          {0}},
        NULL);
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/other");
    koc_strlist *tags = NULL;
    b.op.timeout_ms = 500;
    assert_int_equal(bed_get_manifest(&b), KOC_ETIMEOUT);
    b.op.timeout_ms = 20000;
    b.waits[0] = '\0';
    assert_int_equal(koc_client_list_tags(b.client, r, &b.op, &tags, NULL), KOC_OK);
    koc_strlist_free(tags);
    const scripted_request *first = scripted_get(b.server, "GET", "/manifests/", 0);
    const scripted_request *other = scripted_get(b.server, "GET", "/tags/", 0);
    assert_true(other->at_ms - first->at_ms >= 990);
    assert_non_null(strstr(b.waits, "the registry asked for a pause"));
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
}

KOC_TEST(a_pause_above_the_limit_ends_the_request_at_once)
{
    static const struct {
        const char *field;
        int rc;
    } cases[] = {{"Retry-After: 60\r\n", KOC_ETIMEOUT}, {"Retry-After: 61\r\n", KOC_ERATE}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b, (scripted_rule[]){{"GET", NULL, 429, .fields = cases[i].field}, {0}}, NULL);
        b.op.timeout_ms = i == 0 ? 500 : 20000; /* it begins to wait, or it does not */
        assert_int_equal(bed_get_manifest(&b), cases[i].rc);
        assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
        assert_string_equal(bed_hint(&b), i == 0 ? "" : "the registry asks to retry in 61 s");
    }
}

KOC_TEST(a_broken_connection_is_tried_again_by_a_new_one)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){OK, {0}}, NULL);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    /* libcurl repeats a request itself when a kept connection breaks. */
    scripted_set(b.server, (scripted_rule[]){{"GET", NULL, 0, .times = 2}, OK, {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 4);
    assert_int_equal(scripted_get(b.server, NULL, NULL, 3)->connection, 3);
}

KOC_TEST(a_new_host_that_breaks_each_connection_is_given_up_after_the_attempts)
{
    KOC__AUTO_VAL(bed) b;
    attempts(&b, (scripted_rule[]){{"GET", NULL, 0}, {0}}, 8);
    assert_int_equal(bed_get_manifest(&b), KOC_ENET);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
    assert_non_null(strstr(bed_message(&b), "(3 attempts)"));
    assert_non_null(strstr(bed_message(&b), b.host));
    assert_true(koc_error_is_retryable(b.err));
}

/* --- redirects --- */

/* Two servers: a and b are different origins, by their ports. */
static void redirect_to(bed *b, scripted *other, int status)
{
    static char field[128];
    snprintf(field, sizeof(field), "Location: http://%s/stored\r\n", scripted_host(other));
    scripted_set(b->server,
                 (scripted_rule[]){{"GET", "/manifests/", status, .fields = field}, {0}});
}

KOC_TEST(a_challenge_of_another_host_gets_no_credentials)
{
    static const char *const challenges[] = {
        "WWW-Authenticate: Basic realm=\"x\"\r\n",
        "WWW-Authenticate: Bearer realm=\"http://@HOST@/token\",service=\"s\"\r\n"};
    for (size_t i = 0; i < KOC__COUNT(challenges); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open_login(&b, (scripted_rule[]){{0}}, KOC_CRED_BASIC, "me", "planted-secret");
        scripted *thief = scripted_start((scripted_rule[]){
            {NULL, "/token", 200, .body = "{\"token\":\"given\"}"},
            {NULL, NULL, 200, .fields = OCI_TYPE, .body = MANIFEST, .needs = "Authorization:"},
            {NULL, NULL, 401, .fields = challenges[i]},
            {0}});
        redirect_to(&b, thief, 307);
        assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
        assert_int_equal(scripted_count(thief, NULL, NULL), 1);
        assert_string_equal(scripted_field(scripted_get(thief, NULL, NULL, 0), "Authorization"),
                            "");
        assert_non_null(strstr(bed_message(&b), "127.0.0.1"));
        assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
        scripted_stop(thief);
    }
}

KOC_TEST(credentials_and_fields_of_the_registry_do_not_follow_a_redirect)
{
    KOC__AUTO_VAL(bed) b;
    koc__host *h = NULL;
    bed_open_login(&b, (scripted_rule[]){{0}}, KOC_CRED_BASIC, "me", "planted-secret");
    scripted *store = scripted_start(
        (scripted_rule[]){{"GET", "/stored", 200, .fields = OCI_TYPE, .body = MANIFEST}, {0}});
    KOC__AUTO_STR location = koc__format("Location: http://%s/stored\r\n", scripted_host(store));
    assert_int_equal(koc__client_host(b.client, b.host, &h, NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&h->fields, "X-Lab", "own", NULL), KOC_OK);
    scripted_set(b.server,
                 (scripted_rule[]){{"GET", "/manifests/", 307, .fields = location,
                                    .needs = "Authorization: Basic bWU6cGxhbnRlZC1zZWNyZXQ="},
                                   {"GET", "/manifests/", 401,
                                    .fields = "WWW-Authenticate: Basic realm=\"x\"\r\n"},
                                   {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_string_equal(scripted_field(scripted_get(b.server, NULL, NULL, 1), "X-Lab"), "own");
    const scripted_request *r = scripted_get(store, NULL, NULL, 0);
    assert_string_equal(scripted_field(r, "Authorization"), "");
    assert_string_equal(scripted_field(r, "X-Lab"), "");
    assert_non_null(strstr(scripted_field(r, "Accept"), KOC_MT_OCI_MANIFEST));
    assert_null(strstr(b.log, "planted"));
    scripted_stop(store);
}

KOC_TEST(a_link_that_expired_is_asked_for_once_more)
{
    KOC__AUTO_VAL(bed) b;
    attempts(&b, (scripted_rule[]){{0}}, 8);
    scripted *store = scripted_start((scripted_rule[]){{"GET", "/stored", 403}, {0}});
    redirect_to(&b, store, 307);
    assert_int_equal(bed_get_manifest(&b), KOC_EDENIED);
    assert_int_equal(scripted_count(store, NULL, NULL), 2);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
    scripted_set(store,
                 (scripted_rule[]){{"GET", "/stored", 403, .times = 1},
                                   {"GET", "/stored", 200, .fields = OCI_TYPE, .body = MANIFEST},
                                   {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    scripted_stop(store);
}

KOC_TEST(a_403_of_the_registry_itself_is_final)
{
    KOC__AUTO_VAL(bed) b;
    attempts(&b, (scripted_rule[]){{"GET", NULL, 403}, {0}}, 8);
    assert_int_equal(bed_get_manifest(&b), KOC_EDENIED);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
}

KOC_TEST(ten_redirects_are_followed)
{
    for (int hops = 10; hops <= 11; hops++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){{"GET", NULL, 307, .fields = "Location: /v2/x/manifests/v1\r\n",
                                    .times = hops},
                                   OK,
                                   {0}},
                 NULL);
        assert_int_equal(bed_get_manifest(&b), hops == 10 ? KOC_OK : KOC_ELIMIT);
        assert_int_equal(scripted_count(b.server, NULL, NULL), 11);
    }
}

KOC_TEST(redirects_are_followed_by_their_kind)
{
    /* A GET follows each kind; 300 and 304 are none. */
    static const int kinds[] = {301, 302, 303, 307, 308}, none[] = {300, 304};
    for (size_t i = 0; i < KOC__COUNT(kinds) + KOC__COUNT(none); i++) {
        bool follows = i < KOC__COUNT(kinds);
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){{"GET", "/manifests/",
                                    follows ? kinds[i] : none[i - KOC__COUNT(kinds)],
                                    .fields = "Location: /stored\r\n"},
                                   {"GET", "/stored", 200, .fields = OCI_TYPE, .body = MANIFEST},
                                   {0}},
                 NULL);
        assert_int_equal(bed_get_manifest(&b), follows ? KOC_OK : KOC_EHTTP);
        assert_int_equal(scripted_count(b.server, "GET", "/stored"), follows);
    }
}

/* --- what is sent --- */

KOC_TEST(a_request_says_who_asks_and_what_it_takes)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){OK, {0}}, NULL);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    const scripted_request *r = scripted_get(b.server, NULL, NULL, 0);
    assert_string_equal(r->target, "/v2/x/manifests/v1");
    assert_string_equal(scripted_field(r, "User-Agent"), "koc/" KOC_VERSION_STRING);
    assert_string_equal(scripted_field(r, "Accept-Encoding"), "identity");
    assert_string_equal(scripted_field(r, "Host"), b.host);
    assert_string_equal(scripted_field(r, "Authorization"), "");
    assert_string_equal(scripted_field(r, "Range"), "");
    assert_string_equal(scripted_field(r, "Content-Type"), "");
}

KOC_TEST(an_encoding_that_nobody_asked_for_is_refused)
{
    static const struct {
        const char *field;
        int rc;
    } cases[] = {{"Content-Encoding: gzip\r\n" OCI_TYPE, KOC_EFORMAT},
                 {"Content-Encoding: identity\r\n" OCI_TYPE, KOC_OK},
                 {"Content-Encoding:\r\n" OCI_TYPE, KOC_OK}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(
            &b,
            (scripted_rule[]){{"GET", NULL, 200, .fields = cases[i].field, .body = MANIFEST}, {0}},
            NULL);
        assert_int_equal(bed_get_manifest(&b), cases[i].rc);
    }
}

KOC_TEST(a_warning_is_shown_once)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(
        &b,
        (scripted_rule[]){{"GET", NULL, 200, .fields = "Warning: 299 - \"it is old\"\r\n" OCI_TYPE,
                           .body = MANIFEST},
                          {0}},
        NULL);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    const char *first = strstr(b.log, "says: it is old");
    assert_non_null(first);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_null(strstr(first + 1, "says: it is old"));
}

KOC_TEST(a_host_that_is_silent_is_given_up_in_time)
{
    KOC__AUTO_VAL(bed) b;
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    o.max_attempts = 2;
    o.response_timeout_ms = 700;
    bed_open(&b, (scripted_rule[]){{"GET", NULL, 200, .delay_ms = -1, .times = 1}, OK, {0}}, &o);
    assert_int_equal(bed_get_manifest(&b), KOC_ETIMEOUT);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1); /* it never answered: not again */
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    scripted_set(b.server,
                 (scripted_rule[]){{"GET", NULL, 200, .delay_ms = -1, .times = 1}, OK, {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 4);
}

KOC_TEST(each_exchange_has_a_line_in_the_log)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){{"GET", NULL, 503, .times = 1}, OK, {0}}, NULL);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    KOC__AUTO_STR failed = koc__format("registry: GET http://%s/v2/x/manifests/v1: 503 (", b.host);
    KOC__AUTO_STR done = koc__format("registry: GET http://%s/v2/x/manifests/v1: 200 (", b.host);
    assert_non_null(strstr(b.log, failed));
    assert_non_null(strstr(b.log, done));
    scripted_set(b.server, (scripted_rule[]){{"GET", NULL, 0}, {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_ENET);
    KOC__AUTO_STR broke =
        koc__format("registry: GET http://%s/v2/x/manifests/v1: the connection was closed", b.host);
    assert_non_null(strstr(b.log, broke));
}

KOC_TEST(a_long_text_of_an_error_is_cut)
{
    static char page[300000];
    KOC__AUTO_VAL(bed) b;
    memset(page, 'x', sizeof(page) - 1);
    bed_open(&b, (scripted_rule[]){{"GET", NULL, 403, .body = page}, {0}}, NULL);
    assert_int_equal(bed_get_manifest(&b), KOC_EDENIED);
    assert_true(strlen(bed_message(&b)) < 1000);
}

KOC_TEST(hints_belong_to_their_status)
{
    static const struct {
        int status;
        const char *body;
        int rc;
        const char *hint;
    } cases[] = {
        {404, NULL, KOC_ENOTFOUND, "list the tags of 127.0.0.1"},
        {404, "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}", KOC_ENOTFOUND, "log in to 127.0.0.1"},
        {400, "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}", KOC_EHTTP, ""},
        {403, NULL, KOC_EDENIED, "log in to 127.0.0.1"},
        {500, NULL, KOC_EHTTP, ""},
        {410, NULL, KOC_EHTTP, ""},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b, (scripted_rule[]){{"GET", NULL, cases[i].status, .body = cases[i].body}, {0}},
                 NULL);
        assert_int_equal(bed_get_manifest(&b), cases[i].rc);
        assert_non_null(strstr(bed_hint(&b), cases[i].hint));
        assert_int_equal(bed_hint(&b)[0] != '\0', cases[i].hint[0] != '\0');
    }
}

KOC_TEST(the_prefix_of_a_host_takes_the_place_of_v2)
{
    KOC__AUTO_VAL(bed) b;
    koc__host *h = NULL;
    bed_open(&b, (scripted_rule[]){OK, {0}}, NULL);
    assert_int_equal(koc__client_host(b.client, b.host, &h, NULL), KOC_OK);
    h->prefix = koc__strdup("/own/v2");
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_string_equal(scripted_get(b.server, NULL, NULL, 0)->target, "/own/v2/x/manifests/v1");
}

/* by https first; what is found out is asked once, and a failure leaves the question open. */
KOC_TEST(the_scheme_of_a_local_host_is_found_out)
{
    KOC__AUTO_VAL(bed) b;
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    koc_client *fresh = NULL;
    o.flags = KOC_CLIENT_NO_PROXY_ENV;
    o.max_attempts = 1;
    bed_open(&b, (scripted_rule[]){OK, {0}}, NULL);
    assert_int_equal(koc_client_new(b.ctx, &o, &fresh, NULL), KOC_OK);
    koc_client_unref(b.client);
    b.client = fresh;
    for (int i = 0; i < 2; i++) {
        KOC__AUTO(koc_reference) closed = NULL;
        koc_buf bytes = KOC_BUF_INIT;
        assert_int_equal(koc_reference_parse("127.0.0.1:1/x:v1", 0, &closed, NULL), KOC_OK);
        bed_forget_error(&b);
        assert_int_equal(
            koc_client_get_manifest(b.client, closed, &b.op, &bytes, NULL, NULL, &b.err), KOC_ENET);
        assert_non_null(strstr(bed_message(&b), "connection refused"));
    }
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
    const char *first = strstr(b.log, "GET https://127.0.0.1");
    assert_non_null(first);
    assert_non_null(strstr(b.log, "GET http://127.0.0.1"));
}
