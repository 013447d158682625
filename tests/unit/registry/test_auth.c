#include "core/common.h"

#include "core/str.h"
#include "registry/auth.h"
#include "test.h"

static koc_credential *basic(const char *user, const char *secret)
{
    koc_credential *c = NULL;

    assert_int_equal(koc_credential_new(KOC_CRED_BASIC, user, secret, &c, NULL), KOC_OK);
    return c;
}

KOC_TEST(credential_refuses_line_ends_and_unknown_kinds)
{
    koc_credential *c = NULL;

    assert_int_equal(koc_credential_new(KOC_CRED_BASIC, "u", "a\r\nb", &c, NULL), KOC_EINVAL);
    assert_int_equal(koc_credential_new(KOC_CRED_BASIC, "u\n", "a", &c, NULL), KOC_EINVAL);
    assert_int_equal(koc_credential_new(9, "u", "a", &c, NULL), KOC_EMISUSE);
    assert_int_equal(koc_credential_new(KOC_CRED_BASIC, NULL, "a", &c, NULL), KOC_EMISUSE);
    assert_int_equal(koc_credential_new(KOC_CRED_BEARER, NULL, NULL, &c, NULL), KOC_EMISUSE);
    assert_null(c);
}

/* a credential is for its host alone. */
KOC_TEST(auth_static_serves_one_host_R69)
{
    KOC__AUTO(koc_credential) c = basic("u", "s");
    KOC__AUTO(koc_auth) a = NULL;
    KOC__AUTO(koc_credential) found = NULL;

    assert_int_equal(koc_auth_static("r.example:5000", c, &a, NULL), KOC_OK);
    assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &found, NULL), KOC_OK);
    assert_null(found);
    assert_int_equal(koc_auth_lookup(a, "r.example:5000", NULL, NULL, &found, NULL), KOC_OK);
    assert_string_equal(koc_credential_secret(found), "s");
}

KOC_TEST(auth_chain_takes_the_first)
{
    KOC__AUTO(koc_credential) c1 = basic("one", "1");
    KOC__AUTO(koc_credential) c2 = basic("two", "2");
    koc_auth *list[3] = {NULL, NULL, NULL};
    KOC__AUTO(koc_auth) chain = NULL;
    KOC__AUTO(koc_credential) found = NULL;

    assert_int_equal(koc_auth_static("a.example", c1, &list[0], NULL), KOC_OK);
    assert_int_equal(koc_auth_static("b.example", c1, &list[1], NULL), KOC_OK);
    assert_int_equal(koc_auth_static("b.example", c2, &list[2], NULL), KOC_OK);
    assert_int_equal(koc_auth_chain(list, 3, &chain, NULL), KOC_OK);
    for (size_t i = 0; i < 3; i++) {
        koc_auth_unref(list[i]);
    }
    assert_int_equal(koc_auth_lookup(chain, "b.example", "x", NULL, &found, NULL), KOC_OK);
    assert_string_equal(koc_credential_username(found), "one");
}

static int failing_get(void *self, const char *registry, const char *repository, const koc_op *op,
                       koc_credential **out, koc_error **err)
{
    (*(int *)self)++;
    (void)koc_credential_new(KOC_CRED_BASIC, "u", "s", out, NULL);
    *err = koc_error_new(KOC_EIO, "vault sealed");
    return KOC_EIO;
}

static void count_release(void *self)
{
    *(int *)self += 100;
}

KOC_TEST(auth_of_the_program_fails_as_such)
{
    int calls = 0;
    koc_auth_ops ops = {sizeof(ops), 0, failing_get, NULL, count_release};
    koc_auth *a = NULL;
    koc_credential *found = NULL;
    koc_error *err = NULL;

    assert_int_equal(koc_auth_new(&ops, &calls, &a, NULL), KOC_OK);
    assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &found, &err), KOC_EUSER);
    assert_null(found);
    assert_non_null(strstr(koc_error_message(err), "vault sealed"));
    assert_int_equal(calls, 1);
    koc_error_free(err);
    koc_auth_unref(a);
    assert_int_equal(calls, 101);
}

static koc_auth *docker(const char *text)
{
    koc_auth *a = NULL;

    assert_int_equal(koc_auth_docker(koc_test_write("config.json", text, strlen(text)), &a, NULL),
                     KOC_OK);
    return a;
}

KOC_TEST(auth_docker_reads_its_file_and_names_it)
{
    KOC__AUTO(koc_auth)
    a = docker(
        "{\"auths\":{\"r.example\":{\"auth\":\"dTpw\"},\"decoy.example\":{\"auth\":\"ZDpk\"}}}");
    KOC__AUTO(koc_credential) found = NULL;
    KOC__AUTO(koc_credential) none = NULL;

    assert_int_equal(koc_auth_lookup(a, "r.example", "x/y", NULL, &found, NULL), KOC_OK);
    assert_string_equal(koc_credential_username(found), "u");
    assert_non_null(strstr(found->source, "config.json"));
    assert_int_equal(koc_auth_lookup(a, "other.example", "x/y", NULL, &none, NULL), KOC_OK);
    assert_null(none);
}

/* a broken place is an error that names it and shows nothing of it. */
KOC_TEST(auth_docker_broken_file_is_an_error_R41_R46)
{
    static const char *const table[] = {"{\"auths\": planted", "[]", "\"planted\"",
                                        "{\"a\":1,\"a\":2}"};

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_auth) a = docker(table[i]);
        koc_credential *found = NULL;
        koc_error *err = NULL;
        assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &found, &err), KOC_EFORMAT);
        assert_non_null(strstr(koc_error_message(err), "config.json"));
        assert_null(strstr(koc_error_message(err), "planted"));
        koc_error_free(err);
    }
}

KOC_TEST(auth_docker_empty_file_is_no_credential)
{
    KOC__AUTO(koc_auth) a = docker("\n");
    koc_credential *found = NULL;

    assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &found, NULL), KOC_OK);
    assert_null(found);
}

KOC_TEST(auth_docker_missing_or_folder_is_an_error)
{
    koc_credential *found = NULL;
    KOC__AUTO(koc_auth) missing = NULL;
    KOC__AUTO(koc_auth) folder = NULL;

    assert_int_equal(koc_auth_docker(koc_test_path("none.json"), &missing, NULL), KOC_OK);
    assert_int_equal(koc_auth_lookup(missing, "r.example", "x", NULL, &found, NULL), KOC_ENOTFOUND);
    assert_int_equal(koc_auth_docker(koc_test_dir(), &folder, NULL), KOC_OK);
    assert_true(koc_auth_lookup(folder, "r.example", "x", NULL, &found, NULL) != KOC_OK);
    assert_null(found);
}

/* a helper that is not there stops everything; the auths beside it are not used. */
KOC_TEST(auth_docker_missing_helper_is_an_error_R41)
{
    KOC__AUTO(koc_auth)
    a = docker("{\"credsStore\":\"koc-none\",\"auths\":{\"r.example\":{\"auth\":\"dTpw\"}}}");
    koc_credential *found = NULL;
    koc_error *err = NULL;

    assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &found, &err), KOC_EPROCESS);
    assert_non_null(strstr(koc_error_message(err), "docker-credential-koc-none"));
    assert_null(found);
    koc_error_free(err);
}

/* no path can be made of a helper's name. */
KOC_TEST(auth_docker_helper_names_R48)
{
    KOC__AUTO(koc_auth) a = docker("{\"credsStore\":\"../../bin/sh\"}");
    koc_credential *found = NULL;

    assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &found, NULL), KOC_EPROCESS);
    assert_null(found);
}
