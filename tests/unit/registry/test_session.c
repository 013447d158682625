/* Logins of a request: challenges, tokens, what is sent again and what is not. */
#include "bed.h"

#define BASIC  "WWW-Authenticate: Basic realm=\"x\"\r\n"
#define BEARER "WWW-Authenticate: Bearer realm=\"http://@HOST@/token\",service=\"s\"\r\n"
#define ME     "Authorization: Basic bWU6cGxhbnRlZC1zZWNyZXQ=" /* me:planted-secret */
#define OK                                                                                         \
    {                                                                                              \
        "GET", "/manifests/", 200, .fields = OCI_TYPE, .body = MANIFEST                            \
    }
#define OK_WITH(text)                                                                              \
    {                                                                                              \
        "GET", "/manifests/", 200, .fields = OCI_TYPE, .body = MANIFEST, .needs = text             \
    }
#define TOKEN(text)                                                                                \
    {                                                                                              \
        NULL, "/token", 200, .body = "{\"token\":\"" text "\"}"                                    \
    }

static void open_me(bed *b, const scripted_rule *rules)
{
    bed_open_login(b, rules, KOC_CRED_BASIC, "me", "planted-secret");
}

static size_t with_credentials(bed *b, const char *path)
{
    size_t n = 0;
    for (size_t i = 0; i < scripted_count(b->server, NULL, path); i++) {
        n += scripted_field(scripted_get(b->server, NULL, path, i), "Authorization")[0] != '\0';
    }
    return n;
}

KOC_TEST(a_password_is_sent_when_it_is_asked_for_and_kept)
{
    KOC__AUTO_VAL(bed) b;
    open_me(&b, (scripted_rule[]){OK_WITH(ME), {"GET", NULL, 401, .fields = BASIC}, {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
    assert_int_equal(with_credentials(&b, NULL), 2);
}

KOC_TEST(a_password_that_is_refused_is_not_sent_again)
{
    KOC__AUTO_VAL(bed) b;
    open_me(&b, (scripted_rule[]){{"GET", NULL, 401, .fields = BASIC}, {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_int_equal(with_credentials(&b, NULL), 1);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
    assert_non_null(strstr(bed_message(&b), "not authorised"));
    assert_non_null(strstr(bed_hint(&b), "credentials used: given by the program, user me"));
    assert_null(strstr(b.log, "planted"));
}

static int give_me(void *self, const char *registry, const char *repository, const koc_op *op,
                   koc_credential **out, koc_error **err)
{
    (void)self, (void)registry, (void)repository, (void)op;
    return koc_credential_new(KOC_CRED_BASIC, "me", "planted-secret", out, err);
}

static void count_refusal(void *self, const char *registry)
{
    (void)registry;
    ++*(int *)self;
}

KOC_TEST(a_source_of_credentials_learns_that_a_password_was_refused)
{
    KOC__AUTO_VAL(bed) b;
    int refusals = 0;
    koc_auth_ops ops = KOC_AUTH_OPS_INIT;
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    ops.get = give_me;
    ops.rejected = count_refusal;
    assert_int_equal(koc_auth_new(&ops, &refusals, &o.auth, NULL), KOC_OK);
    bed_open(&b, (scripted_rule[]){{"GET", NULL, 401, .fields = BASIC}, {0}}, &o);
    koc_auth_unref(o.auth);
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_int_equal(refusals, 1);
}

KOC_TEST(without_credentials_a_challenge_is_the_end)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){{"GET", NULL, 401, .fields = BASIC}, {0}}, NULL);
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
    assert_non_null(strstr(bed_message(&b), "no credentials for 127.0.0.1"));
    assert_non_null(strstr(bed_hint(&b), "log in to 127.0.0.1"));
}

KOC_TEST(a_password_goes_to_no_other_registry)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){OK_WITH("Authorization:"), {"GET", NULL, 401, .fields = BASIC}, {0}},
             NULL);
    koc_credential *cred = NULL;
    assert_int_equal(koc_credential_new(KOC_CRED_BASIC, "me", "planted", &cred, NULL), KOC_OK);
    assert_int_equal(koc_auth_static("127.0.0.1:1", cred, &b.client->auth, NULL), KOC_OK);
    koc_credential_free(cred);
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_int_equal(with_credentials(&b, NULL), 0);
}

/* --- tokens --- */

KOC_TEST(a_token_is_fetched_with_the_password_and_used_until_it_ends)
{
    KOC__AUTO_VAL(bed) b;
    open_me(&b, (scripted_rule[]){TOKEN("planted-token"),
                                  OK_WITH("Authorization: Bearer planted-token"),
                                  {"GET", NULL, 401, .fields = BEARER},
                                  {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, "GET", "/token"), 1);
    const scripted_request *r = scripted_get(b.server, "GET", "/token", 0);
    assert_string_equal(r->target,
                        "/token?service=s&scope=repository:x:pull&account=me&client_id=koc");
    assert_non_null(strstr(r->head, ME));
    assert_string_equal(scripted_field(r, "User-Agent"), "koc/" KOC_VERSION_STRING);
    assert_string_equal(scripted_field(r, "Accept-Encoding"), "identity");
    assert_string_equal(scripted_field(r, "Content-Type"), "");
    assert_int_equal(scripted_count(b.server, "GET", "/manifests/"), 3);
    assert_null(strstr(b.log, "planted"));
}

KOC_TEST(a_token_that_is_refused_is_renewed_once)
{
    KOC__AUTO_VAL(bed) b;
    open_me(&b, (scripted_rule[]){TOKEN("planted"), {"GET", NULL, 401, .fields = BEARER}, {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_int_equal(scripted_count(b.server, "GET", "/token"), 2);
    assert_int_equal(scripted_count(b.server, "GET", "/manifests/"), 3);
}

KOC_TEST(a_scope_that_a_token_lacks_is_asked_for)
{
    static const char more[] =
        "WWW-Authenticate: Bearer realm=\"http://@HOST@/token\",service=\"s\","
        "scope=\"repository:y:pull\",error=\"insufficient_scope\"\r\n";
    static const char other[] =
        "WWW-Authenticate: Bearer realm=\"http://@HOST@/token\",service=\"s\","
        "scope=\"repository:y:pull\",error=\"invalid_token\"\r\n";
    for (int i = 0; i < 2; i++) {
        KOC__AUTO_VAL(bed) b;
        open_me(&b, (scripted_rule[]){
                        {NULL, "/token", 200, .body = "{\"token\":\"first\"}", .times = 1},
                        TOKEN("second"),
                        OK_WITH("Bearer second"),
                        {"GET", NULL, 401, .fields = i ? other : more, .needs = "Bearer"},
                        {"GET", NULL, 401, .fields = BEARER},
                        {0}});
        assert_int_equal(bed_get_manifest(&b), KOC_OK);
        const char *asked = scripted_get(b.server, "GET", "/token", 1)->target;
        assert_string_equal(asked,
                            i ? "/token?service=s&scope=repository:x:pull&account=me&client_id=koc"
                              : "/token?service=s&scope=repository:y:pull&scope=repository:x:pull"
                                "&account=me&client_id=koc");
    }
}

KOC_TEST(a_token_of_the_user_is_sent_as_it_is_and_not_renewed)
{
    KOC__AUTO_VAL(bed) b;
    bed_open_login(&b, (scripted_rule[]){TOKEN("other"), {"GET", NULL, 401, .fields = BEARER}, {0}},
                   KOC_CRED_BEARER, NULL, "planted-own");
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_int_equal(scripted_count(b.server, NULL, "/token"), 0);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
    assert_string_equal(scripted_field(scripted_get(b.server, NULL, NULL, 1), "Authorization"),
                        "Bearer planted-own");
}

KOC_TEST(a_token_of_the_user_answers_a_basic_challenge_too)
{
    KOC__AUTO_VAL(bed) b;
    bed_open_login(
        &b, (scripted_rule[]){OK_WITH("Bearer own"), {"GET", NULL, 401, .fields = BASIC}, {0}},
        KOC_CRED_BEARER, NULL, "own");
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
}

KOC_TEST(a_refresh_token_does_not_answer_a_basic_challenge)
{
    KOC__AUTO_VAL(bed) b;
    bed_open_login(
        &b, (scripted_rule[]){OK_WITH("Authorization:"), {"GET", NULL, 401, .fields = BASIC}, {0}},
        KOC_CRED_IDENTITY_TOKEN, "me", "planted-refresh");
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
}

KOC_TEST(a_refresh_token_goes_by_post)
{
    KOC__AUTO_VAL(bed) b;
    bed_open_login(
        &b,
        (scripted_rule[]){{"POST", "/token", 200, .body = "{\"access_token\":\"given\"}"},
                          OK_WITH("Bearer given"),
                          {"GET", NULL, 401, .fields = BEARER},
                          {0}},
        KOC_CRED_IDENTITY_TOKEN, NULL, "planted-refresh");
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    const scripted_request *r = scripted_get(b.server, NULL, "/token", 0);
    assert_string_equal(r->target, "/token");
    assert_string_equal(
        r->body, "grant_type=refresh_token&refresh_token=planted-refresh&service=s&client_id=koc"
                 "&scope=repository%3Ax%3Apull");
    assert_string_equal(scripted_field(r, "Content-Type"), "application/x-www-form-urlencoded");
    assert_string_equal(scripted_field(r, "Authorization"), "");
    assert_int_equal(scripted_count(b.server, NULL, "/token"), 1);
    assert_null(strstr(b.log, "planted"));
}

KOC_TEST(a_server_without_post_is_asked_by_get)
{
    static const struct {
        int status;
        const char *user;
        size_t gets;
    } cases[] = {{404, NULL, 1}, {405, NULL, 1}, {401, "me", 1}, {401, NULL, 0}, {401, "", 0}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open_login(&b,
                       (scripted_rule[]){{"POST", "/token", cases[i].status},
                                         TOKEN("given"),
                                         OK_WITH("Bearer given"),
                                         {"GET", NULL, 401, .fields = BEARER},
                                         {0}},
                       KOC_CRED_IDENTITY_TOKEN, cases[i].user, "refresh");
        assert_int_equal(bed_get_manifest(&b), cases[i].gets ? KOC_OK : KOC_EAUTH);
        assert_int_equal(scripted_count(b.server, "GET", "/token"), cases[i].gets);
    }
}

KOC_TEST(a_token_server_that_refuses_says_why)
{
    static const struct {
        int status;
        bool login;
        int rc;
        const char *words;
    } cases[] = {
        {401, true, KOC_EAUTH, "the credentials were not accepted (no \x1b[31mway)"},
        {403, true, KOC_EAUTH, "the credentials were not accepted"},
        {400, true, KOC_EAUTH, "the credentials were not accepted"},
        {401, false, KOC_EAUTH, "it requires a login"},
        {403, false, KOC_EAUTH, "it requires a login"},
        {400, false, KOC_EHTTP, "token server 127.0.0.1"},
        {404, true, KOC_ENOTFOUND, "token server 127.0.0.1"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        const scripted_rule rules[] = {
            {NULL, "/token", cases[i].status,
             .body = "{\"errors\":[{\"code\":\"NOPE\",\"message\":\"no planted-secret\"}]}"},
            {"GET", NULL, 401, .fields = BEARER},
            {0}};
        if (cases[i].login) {
            open_me(&b, rules);
        } else {
            bed_open(&b, rules, NULL);
        }
        assert_int_equal(bed_get_manifest(&b), cases[i].rc);
        char words[80];
        snprintf(words, sizeof(words), "%.40s", cases[i].words);
        words[strcspn(words, "(")] = '\0';
        assert_non_null(strstr(bed_message(&b), words));
        assert_int_equal(strstr(bed_message(&b), "planted-secret") == NULL, cases[i].login);
        assert_int_equal(koc_error_http_status(b.err), cases[i].status);
        assert_string_equal(koc_error_registry_code(b.err), "NOPE");
        assert_int_equal(scripted_count(b.server, NULL, "/token"), 1);
        if (cases[i].rc == KOC_EAUTH) {
            assert_non_null(
                strstr(bed_hint(&b), cases[i].login ? "credentials used" : "log in to"));
        }
    }
}

KOC_TEST(a_token_server_that_fails_is_asked_five_times)
{
    KOC__AUTO_VAL(bed) b;
    open_me(&b,
            (scripted_rule[]){{NULL, "/token", 503}, {"GET", NULL, 401, .fields = BEARER}, {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_EHTTP);
    assert_int_equal(scripted_count(b.server, NULL, "/token"), 5);
    assert_non_null(strstr(b.waits, "token server: 503 Service Unavailable (1, known)\nstate 1\n"));
    assert_non_null(strstr(b.waits, "(4, known)\nstate 1\nstate 5\n"));
    assert_null(strstr(b.waits, "(5,"));
    scripted_set(b.server, (scripted_rule[]){{NULL, "/token", 0, .times = 2},
                                             TOKEN("given"),
                                             OK_WITH("Bearer given"),
                                             {"GET", NULL, 401, .fields = BEARER},
                                             {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
}

KOC_TEST(a_token_server_decides_how_long_to_wait)
{
    static const struct {
        const char *field;
        int rc;
    } cases[] = {{"Retry-After: 60\r\n", KOC_ETIMEOUT}, {"Retry-After: 61\r\n", KOC_ERATE}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        open_me(&b, (scripted_rule[]){{NULL, "/token", 429, .fields = cases[i].field},
                                      {"GET", NULL, 401, .fields = BEARER},
                                      {0}});
        b.op.timeout_ms = i == 0 ? 500 : 20000;
        assert_int_equal(bed_get_manifest(&b), cases[i].rc);
        assert_int_equal(scripted_count(b.server, NULL, "/token"), 1);
        assert_int_equal(strstr(b.waits, "Retry-After: 60") != NULL, i == 0);
    }
}

KOC_TEST(a_token_server_elsewhere_gets_the_password_but_its_redirects_do_not)
{
    KOC__AUTO_VAL(bed) b;
    scripted *other = scripted_start((scripted_rule[]){TOKEN("given"), {0}});
    KOC__AUTO_STR location = koc__format("Location: http://%s/token?n=1\r\n", scripted_host(other));
    open_me(&b, (scripted_rule[]){{NULL, "/token", 307, .fields = location},
                                  OK_WITH("Bearer given"),
                                  {"GET", NULL, 401, .fields = BEARER},
                                  {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(with_credentials(&b, "/token"), 1);
    assert_int_equal(scripted_count(other, NULL, NULL), 1);
    assert_string_equal(scripted_field(scripted_get(other, NULL, NULL, 0), "Authorization"), "");
    scripted_stop(other);

    scripted *named = scripted_start((scripted_rule[]){TOKEN("given"), {0}});
    KOC__AUTO_STR realm =
        koc__format("WWW-Authenticate: Bearer realm=\"http://%s/token\"\r\n", scripted_host(named));
    KOC__AUTO_VAL(bed) c;
    open_me(&c,
            (scripted_rule[]){OK_WITH("Bearer given"), {"GET", NULL, 401, .fields = realm}, {0}});
    assert_int_equal(bed_get_manifest(&c), KOC_OK);
    assert_non_null(strstr(scripted_get(named, NULL, NULL, 0)->head, ME));
    scripted_stop(named);
}

KOC_TEST(a_scheme_that_koc_does_not_know_is_named)
{
    KOC__AUTO_VAL(bed) b;
    open_me(&b, (scripted_rule[]){{"GET", NULL, 401, .fields = "WWW-Authenticate: Negotiate\r\n"},
                                  {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_EUNSUPPORTED);
    assert_non_null(strstr(bed_message(&b), "requires Negotiate authentication"));
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
}

KOC_TEST(a_401_without_a_challenge_is_explained_by_the_root)
{
    KOC__AUTO_VAL(bed) b;
    open_me(&b, (scripted_rule[]){OK_WITH(ME),
                                  {"GET", "/manifests/", 401},
                                  {"GET", "/v2/", 401, .fields = BASIC},
                                  {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
    const scripted_request *ping = scripted_get(b.server, "GET", NULL, 1);
    assert_string_equal(ping->target, "/v2/");
    assert_string_equal(scripted_field(ping, "Authorization"), "");
    assert_string_equal(scripted_field(ping, "User-Agent"), "koc/" KOC_VERSION_STRING);
    /* With credentials on it, the answer is final. */
    scripted_set(b.server, (scripted_rule[]){{"GET", "/manifests/", 401}, {0}});
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 4);
}

KOC_TEST(a_token_server_that_refuses_the_source_of_a_mount_is_asked_without_it)
{
    KOC__AUTO_VAL(bed) b;
    koc_digest d;
    koc__call call = {0};
    bool mounted = false;
    open_me(&b, (scripted_rule[]){{NULL, "repository:from:pull", 403},
                                  TOKEN("given"),
                                  {"POST", "mount=", 201, .needs = "Bearer given"},
                                  {"POST", NULL, 401, .fields = BEARER},
                                  {0}});
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x");
    koc__sha256_of("a", 1, &d);
    koc__blob_upload up = {.client = b.client, .repo = r, .digest = &d};
    assert_int_equal(koc__call_begin(&call, b.ctx, &b.op, NULL), KOC_OK);
    assert_int_equal(koc__mount(&up, "from", &call, &mounted, NULL), KOC_OK);
    koc__call_end(&call);
    assert_true(mounted);
    assert_int_equal(scripted_count(b.server, NULL, "/token"), 2);
    assert_non_null(strstr(scripted_get(b.server, NULL, "/token", 0)->target,
                           "scope=repository:x:pull%2Cpush&scope=repository:from:pull&"));
    assert_null(strstr(scripted_get(b.server, NULL, "/token", 1)->target, "from"));
}

/* A token for two repositories is worth more than one for a plain request: neither stands for the other. */
KOC_TEST(the_token_of_a_mount_is_not_that_of_a_plain_request)
{
    KOC__AUTO_VAL(bed) b;
    koc_digest d;
    koc__call call = {0};
    bool mounted = false;
    open_me(&b,
            (scripted_rule[]){{NULL, "repository:from:pull", 200, .body = "{\"token\":\"both\"}"},
                              TOKEN("plain"),
                              {"POST", "mount=", 201, .needs = "Bearer both"},
                              {"GET", "/manifests/", 404, .needs = "Bearer plain"},
                              {NULL, NULL, 401, .fields = BEARER},
                              {0}});
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x");
    koc__sha256_of("a", 1, &d);
    koc__blob_upload up = {.client = b.client, .repo = r, .digest = &d};
    assert_int_equal(bed_get_manifest(&b), KOC_ENOTFOUND);
    bed_forget_error(&b);
    assert_int_equal(koc__call_begin(&call, b.ctx, &b.op, NULL), KOC_OK);
    assert_int_equal(koc__mount(&up, "from", &call, &mounted, NULL), KOC_OK);
    koc__call_end(&call);
    assert_true(mounted);
    assert_int_equal(bed_get_manifest(&b), KOC_ENOTFOUND);
    assert_int_equal(scripted_count(b.server, NULL, "/token"), 2);
}

KOC_TEST(a_token_that_would_split_the_head_is_not_sent)
{
    KOC__AUTO_VAL(bed) b;
    bed_open_login(
        &b, (scripted_rule[]){OK_WITH("Authorization:"), {"GET", NULL, 401, .fields = BEARER}, {0}},
        KOC_CRED_BEARER, NULL, "a b");
    assert_int_equal(bed_get_manifest(&b), KOC_EAUTH);
    assert_non_null(strstr(bed_message(&b), "characters that no token may have"));
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
}

KOC_TEST(a_form_with_a_refresh_token_stays_at_its_origin)
{
    KOC__AUTO_VAL(bed) b;
    scripted *thief = scripted_start((scripted_rule[]){TOKEN("given"), {0}});
    KOC__AUTO_STR location = koc__format("Location: http://%s/token\r\n", scripted_host(thief));
    bed_open_login(&b,
                   (scripted_rule[]){{"POST", "/token", 307, .fields = location},
                                     OK_WITH("Bearer given"),
                                     {"GET", NULL, 401, .fields = BEARER},
                                     {0}},
                   KOC_CRED_IDENTITY_TOKEN, NULL, "planted-refresh");
    assert_int_equal(bed_get_manifest(&b), KOC_EDENIED);
    assert_non_null(
        strstr(bed_message(&b), "the token server redirects to http://127.0.0.1: refused"));
    assert_int_equal(scripted_count(thief, NULL, NULL), 0);
    scripted_stop(thief);
}

KOC_TEST(a_token_server_redirects_three_times_and_no_more)
{
    for (int hops = 3; hops <= 4; hops++) {
        KOC__AUTO_VAL(bed) b;
        open_me(&b, (scripted_rule[]){
                        {NULL, "/token", 307, .fields = "Location: /token?n=1\r\n", .times = hops},
                        TOKEN("given"),
                        OK_WITH("Bearer given"),
                        {"GET", NULL, 401, .fields = BEARER},
                        {0}});
        assert_int_equal(bed_get_manifest(&b), hops == 3 ? KOC_OK : KOC_ELIMIT);
        assert_int_equal(scripted_count(b.server, NULL, "/token"), 4);
    }
}
