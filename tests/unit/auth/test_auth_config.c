#include "core/common.h"

#include "auth/auth_config.h"
#include "auth/auth_helper.h"
#include "cloud/cloud_logins.h"
#include "core/str.h"
#include "test.h"
#include "text/ini.h"

static koc__json *parse(const char *text)
{
    koc__json *doc = NULL;
    assert_int_equal(koc__json_parse(koc__str(text), 1 << 20, "config", &doc, NULL), KOC_OK);
    return doc;
}

static void check_entry(const char *auths, const char *registry, const char *repository,
                        const char *key)
{
    KOC__AUTO(koc__json) doc = parse(auths);
    const koc__jnode *n = koc__config_entry(koc__json_root(doc), true, registry, repository);
    assert_true(koc__streq(n ? koc__json_name(n) : NULL, key));
}

/* exact, then by host, Docker Hub's names all equal. */
KOC_TEST(config_entry_by_host_R43)
{
    check_entry("{\"r.example\":{}}", "r.example", "a", "r.example");
    check_entry("{\"https://r.example\":{}}", "r.example", "a", "https://r.example");
    check_entry("{\"https://r.example/v1/\":{}}", "r.example", "a", "https://r.example/v1/");
    check_entry("{\"r.example/v2/\":{}}", "r.example", "a", "r.example/v2/");
    check_entry("{\"http://R.Example:5000/x\":{}}", "r.example:5000", "a",
                "http://R.Example:5000/x");
    check_entry("{\"https://r.example\":{},\"r.example\":{}}", "r.example", "a", "r.example");
    check_entry("{\"r.example:5000\":{}}", "r.example", "a", NULL);
    check_entry("{\"evil.r.example\":{},\"r.example.evil\":{}}", "r.example", "a", NULL);
    check_entry("{\"https://index.docker.io/v1/\":{}}", "index.docker.io", "library/x",
                "https://index.docker.io/v1/");
    check_entry("{\"docker.io\":{}}", "index.docker.io", "library/x", "docker.io");
    check_entry("{\"registry-1.docker.io\":{}}", "index.docker.io", "library/x",
                "registry-1.docker.io");
    check_entry("{}", "r.example", "a", NULL);
}

/* Go adds up what stands under each spelling of "auths". */
KOC_TEST(config_entry_in_any_case)
{
    KOC__AUTO(koc__json)
    doc = parse("{\"Auths\":{\"a.io\":{}},\"auths\":{\"b.io\":{}},\"other\":{\"c.io\":{}}}");
    const koc__jnode *root = koc__json_root(doc);

    assert_non_null(koc__config_entry(root, false, "a.io", "x"));
    assert_non_null(koc__config_entry(root, false, "b.io", "x"));
    assert_null(koc__config_entry(root, false, "c.io", "x"));
}

/* the longest path that fits, whole components; another path's entry never. */
KOC_TEST(config_entry_by_path_R44)
{
    const char *all = "{\"q.io\":{},\"q.io/team\":{},\"q.io/team/api\":{},\"q.io/other\":{}}";
    check_entry(all, "q.io", "team/api", "q.io/team/api");
    check_entry(all, "q.io", "team/api/x", "q.io/team/api");
    check_entry(all, "q.io", "team/apix", "q.io/team");
    check_entry(all, "q.io", "teamx/api", "q.io");
    check_entry("{\"q.io/team\":{}}", "q.io", "other/x", NULL);
    check_entry("{\"docker.io/team\":{}}", "index.docker.io", "team/x", "docker.io/team");
}

/* helpers for the host, then the store. */
KOC_TEST(config_helper_R41)
{
    KOC__AUTO(koc__json)
    doc = parse("{\"credsStore\":\"desktop\",\"credHelpers\":"
                "{\"gcr.io\":\"gcloud\",\"docker.io\":\"hub\",\"empty.io\":\"\"}}");
    KOC__AUTO(koc__json) none = parse("{\"credsStore\":\"\"}");
    const char *how;

    assert_string_equal(koc__config_helper(koc__json_root(doc), "gcr.io", &how), "gcloud");
    assert_string_equal(how, "credHelpers");
    assert_string_equal(koc__config_helper(koc__json_root(doc), "index.docker.io", &how), "hub");
    assert_string_equal(koc__config_helper(koc__json_root(doc), "eu.gcr.io", &how), "desktop");
    assert_string_equal(how, "credsStore");
    assert_string_equal(koc__config_helper(koc__json_root(doc), "empty.io", &how), "desktop");
    assert_null(koc__config_helper(koc__json_root(none), "gcr.io", &how));
    KOC__AUTO(koc__json)
    folded = parse("{\"CredsStore\":\"desktop\",\"credhelpers\":{\"gcr.io\":\"gcloud\"}}");
    assert_string_equal(koc__config_helper(koc__json_root(folded), "gcr.io", &how), "gcloud");
    assert_string_equal(koc__config_helper(koc__json_root(folded), "x.io", &how), "desktop");
    assert_string_equal(koc__config_helper_key("index.docker.io"), "https://index.docker.io/v1/");
    assert_string_equal(koc__config_helper_key("r.example:5000"), "r.example:5000");
}

typedef struct row {
    const char *entry;
    int32_t kind; /* 0: nothing */
    const char *user;
    const char *secret;
    bool broken;
} row;

/* */
KOC_TEST(config_credential_R40)
{
    static const row table[] = {
        {"{\"auth\":\"dXNlcjpwYXNzOndvcmQ=\"}", KOC_CRED_BASIC, "user", "pass:word", false},
        {"{\"auth\":\"dXNlcjpwYXNzAAA=\"}", KOC_CRED_BASIC, "user", "pass", false},
        {"{\"auth\":\" dTpw \"}", KOC_CRED_BASIC, "u", "p", false},
        {"{\"username\":\"u\",\"password\":\"p\"}", KOC_CRED_BASIC, "u", "p", false},
        {"{\"auth\":\"dTpw\",\"identitytoken\":\"t\"}", KOC_CRED_IDENTITY_TOKEN, "u", "t", false},
        {"{\"identitytoken\":\"t\"}", KOC_CRED_IDENTITY_TOKEN, NULL, "t", false},
        {"{\"registrytoken\":\"b\",\"auth\":\"dTpw\"}", KOC_CRED_BEARER, NULL, "b", false},
        {"{\"auth\":\"PHRva2VuPjpyZWY=\"}", KOC_CRED_IDENTITY_TOKEN, NULL, "ref", false},
        {"{}", 0, NULL, NULL, false},
        {"{\"auth\":\"\"}", 0, NULL, NULL, false},
        {"{\"auth\":\"Og==\"}", 0, NULL, NULL, false},
        {"{\"auth\":\"!!!\"}", 0, NULL, NULL, true},
        {"{\"auth\":\"bm9jb2xvbg==\"}", 0, NULL, NULL, true},
        {"{\"auth\":\"dTpwDQpY\"}", 0, NULL, NULL, true},
        {"{\"username\":\"u\"}", 0, NULL, NULL, false},
        {"null", 0, NULL, NULL, false},
        {"[]", 0, NULL, NULL, true},
        {"{\"auth\":5}", 0, NULL, NULL, true},
        {"{\"password\":{}}", 0, NULL, NULL, true},
        /* Go's reader takes names in any case, and of several the last one. */
        {"{\"Auth\":\"dTpw\"}", KOC_CRED_BASIC, "u", "p", false},
        {"{\"Username\":\"u\",\"PASSWORD\":\"p\"}", KOC_CRED_BASIC, "u", "p", false},
        {"{\"identityToken\":\"t\"}", KOC_CRED_IDENTITY_TOKEN, NULL, "t", false},
        {"{\"RegistryToken\":\"b\"}", KOC_CRED_BEARER, NULL, "b", false},
        {"{\"auth\":\"dTpw\",\"Auth\":\"djpx\"}", KOC_CRED_BASIC, "v", "q", false},
        {"{\"Auth\":\"djpx\",\"auth\":\"dTpw\"}", KOC_CRED_BASIC, "u", "p", false},
        {"{\"auth\":\"dTpw\",\"Auth\":null}", KOC_CRED_BASIC, "u", "p", false},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc__json) doc = parse(table[i].entry);
        KOC__AUTO(koc_credential) c = NULL;
        const char *broken = "not said";
        assert_int_equal(koc__config_credential(koc__json_root(doc), "test", &broken, &c, NULL),
                         KOC_OK);
        assert_int_equal(broken != NULL, table[i].broken);
        assert_int_equal(koc_credential_kind(c), table[i].kind);
        assert_true(koc__streq(koc_credential_username(c), table[i].user));
        assert_true(koc__streq(koc_credential_secret(c), table[i].secret));
    }
}

/* */
KOC_TEST(helper_replies_R49)
{
    static const struct {
        int exit_code;
        const char *output;
        int rc;
        int32_t kind;
        const char *user, *secret;
    } table[] = {
        {0, "{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":\"s\"}\n", KOC_OK, KOC_CRED_BASIC,
         "u", "s"},
        {0, "{\"Username\":\"<token>\",\"Secret\":\"s\"}", KOC_OK, KOC_CRED_IDENTITY_TOKEN, NULL,
         "s"},
        {0, "{\"Username\":\"\",\"Secret\":\"\"}", KOC_OK, 0, NULL, NULL},
        {0, "{\"serverURL\":\"x\",\"username\":\"u\",\"SECRET\":\"s\"}", KOC_OK, KOC_CRED_BASIC,
         "u", "s"},
        {0, "{}", KOC_OK, 0, NULL, NULL},
        {1, " credentials not found in native keychain\n", KOC_OK, 0, NULL, NULL},
        {1, "no credentials server URL", KOC_EPROCESS, 0, NULL, NULL},
        {1, "", KOC_EPROCESS, 0, NULL, NULL},
        {0, "planted-secret", KOC_EPROCESS, 0, NULL, NULL},
        {0, "", KOC_EPROCESS, 0, NULL, NULL},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_credential) c = NULL;
        koc_error *err = NULL;
        assert_int_equal(koc__helper_reply("lab", "r.example", table[i].exit_code,
                                           koc__str(table[i].output), "test", &c, &err),
                         table[i].rc);
        assert_int_equal(koc_credential_kind(c), table[i].kind);
        assert_true(koc__streq(koc_credential_username(c), table[i].user));
        assert_true(koc__streq(koc_credential_secret(c), table[i].secret));
        if (err) {
            assert_non_null(strstr(koc_error_message(err), "docker-credential-lab"));
            assert_null(strstr(koc_error_message(err), "planted"));
        }
        koc_error_free(err);
    }
}

/* only the cloud's own names. */
KOC_TEST(cloud_hosts_R47)
{
    static const char *const bad[] = {"12345678901.dkr.ecr.us-east-1.amazonaws.com",
                                      "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example",
                                      "x23456789012.dkr.ecr.us-east-1.amazonaws.com",
                                      "123456789012.dkr.ecr.amazonaws.com",
                                      "amazonaws.com",
                                      ""};
    koc__ecr_host h;

    assert_true(koc__cloud_is_ecr("123456789012.dkr.ecr.us-east-1.amazonaws.com", &h));
    assert_true(koc__str_is(h.region, "us-east-1") && !h.china);
    assert_true(koc__cloud_is_ecr("123456789012.dkr.ecr-fips.cn-north-1.amazonaws.com.cn", &h));
    assert_true(koc__str_is(h.region, "cn-north-1") && h.china);
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        assert_false(koc__cloud_is_ecr(bad[i], &h));
    }
    assert_true(koc__cloud_is_ecr("public.ecr.aws", &h));
    assert_true(koc__str_is(h.region, "us-east-1") && h.public);
    assert_true(koc__cloud_is_azure("lab.azurecr.io") && koc__cloud_is_azure("lab.azurecr.cn"));
    assert_false(koc__cloud_is_azure("azurecr.io") || koc__cloud_is_azure(".azurecr.io"));
    assert_false(koc__cloud_is_azure("lab.azurecr.io.evil.example"));
    assert_false(koc__cloud_is_azure("x.lab.azurecr.io"));
    assert_true(koc__cloud_is_google("gcr.io") && koc__cloud_is_google("eu.gcr.io"));
    assert_true(koc__cloud_is_google("europe-docker.pkg.dev"));
    assert_false(koc__cloud_is_google("notgcr.io") || koc__cloud_is_google("gcr.io.evil.example"));
}

KOC_TEST(ini_values)
{
    koc_str text =
        KOC__STR("x=outside\n[default]\r\n a = 1 \n#a=2\n[ work ]\na=3\nb=c=d\n[default\na=4");

    assert_true(koc__str_is(koc__ini_value(text, "default", "a"), "1"));
    assert_true(koc__str_is(koc__ini_value(text, "work", "b"), "c=d"));
    assert_int_equal(koc__ini_value(text, "work", "x").len, 0);
    assert_int_equal(koc__ini_value(text, "none", "a").len, 0);
    assert_int_equal(koc__ini_value(KOC__STR(""), "default", "a").len, 0);
}

KOC_TEST(xml_texts)
{
    koc_str text = KOC__STR("<a><b> one </b><c></c><b>two</b></a><d>open");
    assert_true(koc__str_is(koc__xml_text(text, "b"), "one"));
    assert_int_equal(koc__xml_text(text, "c").len, 0);
    assert_int_equal(koc__xml_text(text, "d").len, 0);
    assert_int_equal(koc__xml_text(text, "e").len, 0);
    assert_int_equal(koc__xml_text(KOC__STR(""), "b").len, 0);
}
