/* Logins, tokens for programs, and images that come with or without a cache. */
#include "bed.h"

#include "core/io/fs.h"

#undef setenv

#define BASIC  "WWW-Authenticate: Basic realm=\"x\"\r\n"
#define BEARER "WWW-Authenticate: Bearer realm=\"http://@HOST@/token\",service=\"s\"\r\n"
#define CONFIG                                                                                     \
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"

KOC_TEST(a_login_is_checked_at_the_root)
{
    static const struct {
        scripted_rule rules[3];
        bool login;
        int rc;
        bool asked;
        const char *words;
    } cases[] = {
        {{{"GET", "/v2/", 200}}, true, KOC_OK, false, ""},
        {{{"GET", "/v2/", 404}}, true, KOC_OK, false, ""},
        {{{"GET", "/v2/", 405}}, true, KOC_OK, false, ""},
        {{{"GET", "/v2/", 403}}, true, KOC_EDENIED, false, "cannot log in to 127.0.0.1"},
        {{{"GET", "/v2/", 200, .needs = "Authorization: Basic"},
          {"GET", "/v2/", 401, .fields = BASIC}},
         true,
         KOC_OK,
         true,
         ""},
        {{{"GET", "/v2/", 401, .fields = BASIC}},
         true,
         KOC_EAUTH,
         false,
         "wrong user name or password"},
        {{{"GET", "/v2/", 401, .fields = BASIC}}, false, KOC_EAUTH, false, "no credentials for"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bool asked = false;
        if (cases[i].login) {
            bed_open_login(&b, cases[i].rules, KOC_CRED_BASIC, "me", "secret");
        } else {
            bed_open(&b, cases[i].rules, NULL);
        }
        assert_int_equal(koc_client_check_login(b.client, b.host, &b.op, &asked, &b.err),
                         cases[i].rc);
        assert_non_null(strstr(bed_message(&b), cases[i].words));
        assert_int_equal(asked, cases[i].asked);
        assert_string_equal(scripted_get(b.server, NULL, NULL, 0)->target, "/v2/");
    }
}

KOC_TEST(the_name_of_a_registry_in_all_its_forms)
{
    static const struct {
        const char *text, *name; /* NULL: it is none */
        const char *hint;
    } cases[] = {
        {"r.example", "r.example", ""},
        {" R.Example:5000 ", "r.example:5000", ""},
        {"https://r.example/", "r.example", ""},
        {"http://r.example/v2/", "r.example", ""},
        {"https://r.example/v1", "r.example", ""},
        {"r.example/v1/", "r.example", ""},
        {"r.example/v2", "r.example", ""},
        {"docker.io", "index.docker.io", ""},
        {"https://index.docker.io/v1/", "index.docker.io", ""},
        {"r.example/team/app", NULL, "the registry is r.example"},
        {"ftp://r.example", NULL, ""},
        {"", NULL, ""},
        {"a b", NULL, ""},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc_buf) name = KOC_BUF_INIT;
        koc_error *err = NULL;
        int rc = koc_auth_registry(cases[i].text, &name, &err);
        assert_int_equal(rc, cases[i].name ? KOC_OK : KOC_EINVAL);
        assert_true(koc__streq(name.ptr, cases[i].name));
        if (err) {
            assert_true(koc__streq(koc_error_hint(err) ? koc_error_hint(err) : "", cases[i].hint));
        }
        koc_error_free(err);
    }
}

static int token_of(bed *b, uint32_t access, const char *const *mounts, koc_buf *token,
                    int64_t *lifetime)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, "/x");
    bed_forget_error(b);
    return koc_client_get_token(b->client, r, access, mounts, &b->op, token, lifetime, &b->err);
}

KOC_TEST(a_program_gets_a_token_with_the_access_that_it_names)
{
    static const struct {
        uint32_t access;
        const char *mounts[3];
        const char *scopes;
    } cases[] = {
        {KOC_ACCESS_PULL, {NULL}, "&scope=repository:x:pull&"},
        {KOC_ACCESS_PULL | KOC_ACCESS_PUSH, {NULL}, "&scope=repository:x:pull%2Cpush&"},
        {KOC_ACCESS_PULL,
         {"a", "b", NULL},
         "&scope=repository:a:pull&scope=repository:b:pull&scope=repository:x:pull&"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        KOC__AUTO_VAL(koc_buf) token = KOC_BUF_INIT;
        int64_t lifetime = 0;
        bed_open_login(&b,
                       (scripted_rule[]){{NULL, "/token", 200,
                                          .body = "{\"token\":\"given\",\"expires_in\":300}"},
                                         {"GET", "/v2/", 200, .needs = "Bearer given"},
                                         {"GET", "/v2/", 401, .fields = BEARER},
                                         {0}},
                       KOC_CRED_BASIC, "me", "secret");
        assert_int_equal(token_of(&b, cases[i].access, cases[i].mounts, &token, &lifetime), KOC_OK);
        assert_string_equal(token.ptr, "given");
        assert_int_equal(lifetime, 270000);
        size_t n = scripted_count(b.server, NULL, "/token");
        assert_non_null(
            strstr(scripted_get(b.server, NULL, "/token", n - 1)->target, cases[i].scopes));
    }
}

KOC_TEST(a_registry_without_tokens_says_so)
{
    static const struct {
        scripted_rule rules[3];
        int rc;
        const char *words;
    } cases[] = {
        {{{"GET", NULL, 200}}, KOC_EUNSUPPORTED, "works without tokens (it asks for no login)"},
        {{{"GET", NULL, 200, .needs = "Authorization"}, {"GET", NULL, 401, .fields = BASIC}},
         KOC_EUNSUPPORTED,
         "works without tokens (it takes the password with every request)"},
        {{{"GET", NULL, 403}}, KOC_EDENIED, "cannot get a token for 127.0.0.1"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        KOC__AUTO_VAL(koc_buf) token = KOC_BUF_INIT;
        bed_open_login(&b, cases[i].rules, KOC_CRED_BASIC, "me", "secret");
        assert_int_equal(token_of(&b, KOC_ACCESS_PULL, NULL, &token, NULL), cases[i].rc);
        assert_non_null(strstr(bed_message(&b), cases[i].words));
    }
}

KOC_TEST(a_token_of_the_user_is_given_as_it_is)
{
    KOC__AUTO_VAL(bed) b;
    KOC__AUTO_VAL(koc_buf) token = KOC_BUF_INIT;
    bed_open_login(&b,
                   (scripted_rule[]){{"GET", NULL, 200, .needs = "Bearer own"},
                                     {"GET", NULL, 401, .fields = BEARER},
                                     {0}},
                   KOC_CRED_BEARER, NULL, "own");
    assert_int_equal(token_of(&b, KOC_ACCESS_PULL, NULL, &token, NULL), KOC_OK);
    assert_string_equal(token.ptr, "own");
    assert_int_equal(scripted_count(b.server, NULL, "/token"), 0);
}

KOC_TEST(repositories_to_mount_from_are_names)
{
    KOC__AUTO_VAL(bed) b;
    KOC__AUTO_VAL(koc_buf) token = KOC_BUF_INIT;
    const char *bad[] = {"a b", NULL}, *many[34] = {NULL};
    for (size_t i = 0; i < 33; i++) {
        many[i] = "a";
    }
    bed_open(&b, (scripted_rule[]){{0}}, NULL);
    assert_int_equal(token_of(&b, KOC_ACCESS_PULL, bad, &token, NULL), KOC_EINVAL);
    assert_int_equal(token_of(&b, KOC_ACCESS_PULL, many, &token, NULL), KOC_ELIMIT);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 0);
}

/* --- pulls --- */

static char *image_text(void)
{
    return koc__format(
        "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
        "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"size\":%zu,"
        "\"digest\":\"%s\"},\"layers\":[]}",
        strlen(CONFIG), bed_digest(CONFIG));
}

static int pull(bed *b, const char *rest, const char *platform)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, rest);
    koc_platform p = KOC_PLATFORM_INIT;
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_image *img = NULL;
    if (platform) {
        assert_int_equal(koc_platform_parse(platform, &storage, &p, NULL), KOC_OK);
    }
    bed_forget_error(b);
    int rc = koc_client_get_image(b->client, r, platform ? &p : NULL, &b->op, &img, &b->err);
    koc_image_unref(img);
    return rc;
}

KOC_TEST(an_image_must_be_for_the_platform)
{
    KOC__AUTO_VAL(bed) b;
    KOC__AUTO_STR text = image_text();
    bed_open(&b,
             (scripted_rule[]){{"GET", "/manifests/", 200, .fields = OCI_TYPE, .body = text},
                               {"GET", "/blobs/", 200, .body = CONFIG},
                               {0}},
             NULL);
    assert_int_equal(pull(&b, "/x:v1", NULL), KOC_OK);
    assert_int_equal(pull(&b, "/x:v1", "linux/amd64"), KOC_OK);
    assert_int_equal(pull(&b, "/x:v1", "linux/arm64"), KOC_EPLATFORM);
    assert_non_null(
        strstr(bed_message(&b), "there is no linux/arm64 (it is an image for linux/amd64 alone)"));
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x:v1");
    koc_index *idx = NULL;
    bed_forget_error(&b);
    assert_int_equal(koc_client_get_index(b.client, r, &b.op, &idx, &b.err), KOC_EFORMAT);
    assert_non_null(strstr(bed_message(&b), "it is an image, not an index"));
}

KOC_TEST(a_config_with_other_bytes_is_asked_for_once_more)
{
    KOC__AUTO_STR text = image_text();
    KOC__AUTO_STR other = koc__strdup(CONFIG);
    other[strlen(other) - 2] = ' ';
    for (int wrong = 1; wrong <= 2; wrong++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){{"GET", "/manifests/", 200, .fields = OCI_TYPE, .body = text},
                                   {"GET", "/blobs/", 200, .body = other, .times = wrong},
                                   {"GET", "/blobs/", 200, .body = CONFIG},
                                   {0}},
                 NULL);
        assert_int_equal(pull(&b, "/x:v1", NULL), wrong == 1 ? KOC_OK : KOC_EDIGEST);
        assert_int_equal(scripted_count(b.server, "GET", "/blobs/"), 2);
        assert_int_equal(strstr(bed_message(&b), "its config") != NULL, wrong == 2);
    }
}

KOC_TEST(with_a_cache_a_tag_is_resolved_and_the_rest_is_there)
{
    KOC__AUTO_VAL(bed) b;
    KOC__AUTO_STR text = image_text();
    KOC__AUTO_STR head =
        koc__format(OCI_TYPE "%sContent-Length: %zu\r\n", bed_digest_field(text), strlen(text));
    KOC__AUTO_STR exact = koc__format("/x@%s", bed_digest(text));
    bed_open_cached(
        &b,
        (scripted_rule[]){{"HEAD", "/manifests/v1", 200, .fields = head},
                          {"GET", "/manifests/sha256:", 200, .fields = OCI_TYPE, .body = text},
                          {"GET", "/blobs/", 200, .body = CONFIG},
                          {0}},
        NULL);
    assert_int_equal(pull(&b, "/x:v1", NULL), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
    assert_int_equal(pull(&b, "/x:v1", NULL), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 4); /* the HEAD alone */
    assert_int_equal(pull(&b, exact, NULL), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 4);
    /* The HEAD counts: what it says is pulled, or is not there. */
    scripted_set(b.server, (scripted_rule[]){{0}});
    assert_int_equal(pull(&b, "/x:v1", NULL), KOC_ENOTFOUND);
    assert_non_null(strstr(bed_message(&b), "no such image"));
    KOC__AUTO_STR moved =
        koc__format(OCI_TYPE "%sContent-Length: 5\r\n", bed_digest_field("other"));
    scripted_set(b.server, (scripted_rule[]){{"HEAD", "/manifests/v1", 200, .fields = moved}, {0}});
    assert_int_equal(pull(&b, "/x:v1", NULL), KOC_ENOTFOUND);
    assert_int_equal(scripted_count(b.server, "GET", "/manifests/"), 2);
}

/* --- mirrors --- */

/* The registry "own.test" is the bed's server, and `mirror` is asked before it. */
static int pull_mirrored(bed *b, scripted *mirror, const char *capabilities)
{
    KOC__AUTO_STR directory = koc__format("%s/containerd/certs.d/own.test", koc_test_dir());
    KOC__AUTO_STR file = koc__format("%s/hosts.toml", directory);
    KOC__AUTO_STR toml =
        koc__format("server = \"http://%s\"\n[host.\"http://%s\"]\ncapabilities = [%s]\n", b->host,
                    scripted_host(mirror), capabilities);
    KOC__AUTO(koc_reference) r = NULL;
    koc_image *img = NULL;
    assert_int_equal(setenv("XDG_CONFIG_HOME", koc_test_dir(), 1), 0);
    assert_int_equal(koc__fs_mkdirs(directory, 0700, NULL), KOC_OK);
    assert_int_equal(koc__fs_write_file(file, koc__str(toml), 0600, NULL), KOC_OK);
    assert_int_equal(koc_reference_parse("own.test/x:v1", 0, &r, NULL), KOC_OK);
    bed_forget_error(b);
    int rc = koc_client_get_image(b->client, r, NULL, &b->op, &img, &b->err);
    koc_image_unref(img);
    return rc;
}

KOC_TEST(a_mirror_is_asked_for_what_it_can_do_R15)
{
    static const struct {
        const char *capabilities;
        size_t manifests, blobs; /* at the mirror */
    } cases[] = {{"\"pull\", \"resolve\"", 1, 1},
                 {"\"pull\"", 0, 1},
                 {"\"resolve\"", 1, 0},
                 {"\"push\"", 0, 0}};
    KOC__AUTO_STR text = image_text();
    const scripted_rule rules[] = {{"GET", "/manifests/", 200, .fields = OCI_TYPE, .body = text},
                                   {"GET", "/blobs/", 200, .body = CONFIG},
                                   {0}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        scripted *mirror = scripted_start(rules);
        bed_open(&b, rules, NULL);
        assert_int_equal(pull_mirrored(&b, mirror, cases[i].capabilities), KOC_OK);
        assert_int_equal(scripted_count(mirror, NULL, "/manifests/"), cases[i].manifests);
        assert_int_equal(scripted_count(mirror, NULL, "/blobs/"), cases[i].blobs);
        assert_int_equal(scripted_count(mirror, NULL, "?ns=own.test"),
                         cases[i].manifests + cases[i].blobs);
        assert_int_equal(scripted_count(b.server, NULL, "/manifests/"), 1 - cases[i].manifests);
        assert_int_equal(scripted_count(b.server, NULL, "/blobs/"), 1 - cases[i].blobs);
        assert_int_equal(scripted_count(b.server, NULL, "?ns="), 0);
        scripted_stop(mirror);
    }
}

KOC_TEST(a_mirror_that_fails_is_left_for_the_registry_R15)
{
    static const struct {
        int status;
        const char *body; /* of its config */
        size_t manifests, blobs;
    } cases[] = {{404, "", 1, 1}, {503, "", 1, 1}, {0, "", 1, 1}, {200, "other bytes", 1, 1}};
    KOC__AUTO_STR text = image_text();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        const char *body = cases[i].status == 200 ? text : NULL;
        scripted *mirror = scripted_start((scripted_rule[]){
            {"GET", "/manifests/", cases[i].status, .fields = OCI_TYPE, .body = body},
            {"GET", "/blobs/", cases[i].status, .body = cases[i].body},
            {0}});
        bed_open(&b,
                 (scripted_rule[]){{"GET", "/manifests/", 200, .fields = OCI_TYPE, .body = text},
                                   {"GET", "/blobs/", 200, .body = CONFIG},
                                   {0}},
                 NULL);
        assert_int_equal(pull_mirrored(&b, mirror, "\"pull\", \"resolve\""), KOC_OK);
        assert_int_equal(scripted_count(mirror, NULL, "/manifests/"), cases[i].manifests);
        assert_int_equal(scripted_count(b.server, NULL, "/blobs/"), 1);
        assert_int_equal(strstr(b.log, "trying the next host") != NULL, cases[i].status != 200);
        scripted_stop(mirror);
    }
}
