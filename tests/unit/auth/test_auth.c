#include "core/common.h"

#include "auth/auth.h"
#include "core/io/fs.h"
#include "core/str.h"
#include "test.h"

#undef setenv

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

KOC_TEST(auth_docker_missing_or_directory_is_an_error)
{
    koc_credential *found = NULL;
    KOC__AUTO(koc_auth) missing = NULL;
    KOC__AUTO(koc_auth) directory = NULL;
    assert_int_equal(koc_auth_docker(koc_test_path("none.json"), NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_auth_docker(koc_test_path("none.json"), &missing, NULL), KOC_OK);
    assert_int_equal(koc_auth_lookup(missing, "r.example", "x", NULL, &found, NULL), KOC_ENOTFOUND);
    assert_int_equal(koc_auth_docker(koc_test_dir(), &directory, NULL), KOC_OK);
    assert_true(koc_auth_lookup(directory, "r.example", "x", NULL, &found, NULL) != KOC_OK);
    assert_null(found);
}

/* a helper that is not there is an error, unless something stands beside it in the file. */
KOC_TEST(auth_docker_missing_helper_R41)
{
    KOC__AUTO(koc_auth)
    a = docker("{\"credsStore\":\"koc-none\",\"auths\":{\"r.example\":{\"auth\":\"dTpw\"},"
               "\"kept.example\":{}}}");
    koc_credential *found = NULL;
    koc_error *err = NULL;

    assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &found, NULL), KOC_OK);
    assert_string_equal(koc_credential_username(found), "u");
    koc_credential_free(found);
    found = NULL;
    assert_int_equal(koc_auth_lookup(a, "kept.example", "x", NULL, &found, &err), KOC_EPROCESS);
    assert_non_null(strstr(koc_error_message(err), "docker-credential-koc-none"));
    assert_null(found);
    koc_error_free(err);
}

static koc_credential *lookup(const char *path, const char *registry)
{
    KOC__AUTO(koc_auth) a = NULL;
    koc_credential *found = NULL;
    assert_int_equal(koc_auth_docker(path, &a, NULL), KOC_OK);
    assert_int_equal(koc_auth_lookup(a, registry, "x", NULL, &found, NULL), KOC_OK);
    return found;
}

/* Logging in changes one entry; every other member stays, in its place. */
KOC_TEST(auth_store_keeps_all_else)
{
    const char *old =
        "{\"HttpHeaders\":{\"X\":\"y\"},\"auths\":{\"a.example\":{\"auth\":\"dTpw\",\"email\":1e3},"
        "\"https://r.example/v1/\":{\"auth\":\"b2xkOm9sZA==\"}},\"zz\":[1,2.50]}";
    const char *path = koc_test_write("config.json", old, strlen(old));
    KOC__AUTO(koc_credential) cred = basic("me", "s3:cret");
    KOC__AUTO_VAL(koc_buf) where = KOC_BUF_INIT;

    assert_int_equal(koc_auth_docker_store(path, "r.example", cred, NULL, &where, NULL), KOC_OK);
    assert_string_equal(where.ptr, path);
    KOC__AUTO(koc_credential) mine = lookup(path, "r.example");
    KOC__AUTO(koc_credential) other = lookup(path, "a.example");
    assert_string_equal(koc_credential_secret(mine), "s3:cret");
    assert_string_equal(koc_credential_secret(other), "p");
    KOC__AUTO_VAL(koc__dynbuf) now = KOC__DYNBUF_INIT(65536);
    assert_int_equal(koc__fs_read_file(path, &now, NULL), KOC_OK);
    assert_string_equal(
        koc__dynbuf_cstr(&now),
        "{\n\t\"HttpHeaders\": {\n\t\t\"X\": \"y\"\n\t},\n\t\"auths\": {\n\t\t\"a.example\": {\n"
        "\t\t\t\"auth\": \"dTpw\",\n\t\t\t\"email\": 1e3\n\t\t},\n\t\t\"r.example\": {\n"
        "\t\t\t\"auth\": \"bWU6czM6Y3JldA==\"\n\t\t}\n\t},\n\t\"zz\": [\n\t\t1,\n\t\t2.50\n\t]\n}");
    assert_int_equal(koc_auth_docker_erase(path, "r.example", NULL, NULL, NULL), KOC_OK);
    KOC__AUTO(koc_credential) gone = lookup(path, "r.example");
    KOC__AUTO(koc_credential) stays = lookup(path, "a.example");
    assert_null(gone);
    assert_non_null(stays);
}

KOC_TEST(auth_store_makes_a_private_file)
{
    KOC__AUTO(koc_credential) cred = basic("me", "s");
    const char *path = koc_test_path("new/folder/config.json");
    struct stat st;
    assert_int_equal(koc_auth_docker_store(path, "index.docker.io", cred, NULL, NULL, NULL),
                     KOC_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    KOC__AUTO(koc_credential) found = lookup(path, "index.docker.io");
    assert_string_equal(koc_credential_username(found), "me");
}

KOC_TEST(auth_store_leaves_a_broken_file_alone)
{
    const char *path = koc_test_write("config.json", "{broken", 7);
    KOC__AUTO(koc_credential) cred = basic("me", "s");
    KOC__AUTO_VAL(koc__dynbuf) now = KOC__DYNBUF_INIT(100);
    assert_int_equal(koc_auth_docker_store(path, "r.example", cred, NULL, NULL, NULL), KOC_EFORMAT);
    assert_int_equal(koc__fs_read_file(path, &now, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&now), "{broken");
}

/* no path can be made of a helper's name. */
KOC_TEST(auth_docker_helper_names_R48)
{
    KOC__AUTO(koc_auth) a = docker("{\"credsStore\":\"../../bin/sh\"}");
    koc_credential *found = NULL;
    assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &found, NULL), KOC_EPROCESS);
    assert_null(found);
}

KOC_TEST(auth_registry_names)
{
    static const char *const cases[][2] = {
        {"ghcr.io", "ghcr.io"},
        {" Registry.Example:5000\n", "registry.example:5000"},
        {"https://r.example/v2/", "r.example"},
        {"http://r.example:80/", "r.example:80"},
        {"docker.io", "index.docker.io"},
        {"https://index.docker.io/v1/", "index.docker.io"},
        {"registry-1.docker.io", "index.docker.io"},
        {"[::1]:5000", "[::1]:5000"},
        {"r.example/team", NULL},
        {"", NULL},
        {"https://", NULL},
        {"a b", NULL},
        {"u:p@r.example", NULL},
        {"r.example:99999", NULL},
        {"r.exa\rmple", NULL},
    };

    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc_buf) out = KOC_BUF_INIT;
        int rc = koc_auth_registry(cases[i][0], &out, NULL);
        assert_int_equal(rc, cases[i][1] ? KOC_OK : KOC_EINVAL);
        if (cases[i][1]) {
            assert_string_equal(out.ptr, cases[i][1]);
        }
    }
    assert_int_equal(koc_auth_registry(NULL, NULL, NULL), KOC_EMISUSE);
}

KOC_TEST(credential_that_runs_out)
{
    KOC__AUTO(koc_credential) c = NULL;
    assert_int_equal(koc_credential_new(KOC_CRED_BASIC, "u", "s", &c, NULL), KOC_OK);
    assert_false(koc__credential_expired(NULL) || koc__credential_expired(c));
    koc__credential_lasts(c, 60000);
    assert_false(koc__credential_expired(c));
    koc__credential_lasts(c, -1);
    assert_true(koc__credential_expired(c));
    KOC__AUTO(koc_credential) copy = koc__credential_dup(c);
    assert_true(koc__credential_expired(copy));
}

/* "docker.io" is what people write, "index.docker.io" what is asked. */
KOC_TEST(auth_static_for_docker_io_serves_its_host)
{
    KOC__AUTO(koc_credential) c = basic("u", "s");
    KOC__AUTO(koc_auth) a = NULL;
    KOC__AUTO(koc_credential) found = NULL;
    assert_int_equal(koc_auth_static("docker.io", c, &a, NULL), KOC_OK);
    assert_int_equal(koc_auth_lookup(a, "index.docker.io", "library/x", NULL, &found, NULL),
                     KOC_OK);
    assert_non_null(found);
}

KOC_TEST(auth_docker_own_file_wins_over_the_environment)
{
    static const char other[] = "{\"auths\":{\"r.example\":{\"auth\":\"b3RoZXI6cA==\"}}}";
    setenv("KOC_AUTH_FILE", koc_test_write("other.json", other, sizeof(other) - 1), 1);
    KOC__AUTO(koc_auth) a = docker("{\"auths\":{\"r.example\":{\"auth\":\"dTpw\"}}}");
    KOC__AUTO(koc_credential) mine = NULL;
    KOC__AUTO(koc_credential) theirs = NULL;
    KOC__AUTO(koc_auth) b = NULL;
    assert_int_equal(koc_auth_lookup(a, "r.example", "x", NULL, &mine, NULL), KOC_OK);
    assert_string_equal(koc_credential_username(mine), "u");
    assert_int_equal(koc_auth_docker(NULL, &b, NULL), KOC_OK);
    assert_int_equal(koc_auth_lookup(b, "r.example", "x", NULL, &theirs, NULL), KOC_OK);
    assert_string_equal(koc_credential_username(theirs), "other");
    unsetenv("KOC_AUTH_FILE");
}
