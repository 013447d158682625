#include "core/common.h"

#include "core/io/fs.h"
#include "http/client_certs.h"
#include "test.h"

#undef setenv

/* Writes $XDG_CONFIG_HOME/containers/certs.d/<name>. */
static void put(const char *name, const char *text)
{
    KOC__AUTO_STR path = koc__format("%s/config/containers/certs.d/%s", koc_test_dir(), name);
    KOC__AUTO_STR directory = koc__strdup(path);
    KOC__AUTO_STR config = koc__format("%s/config", koc_test_dir());
    *strrchr(directory, '/') = '\0';
    assert_int_equal(setenv("XDG_CONFIG_HOME", config, 1), 0);
    assert_int_equal(koc__fs_mkdirs(directory, 0700, NULL), KOC_OK);
    assert_int_equal(koc__fs_write_file(path, koc__str(text), 0600, NULL), KOC_OK);
}

static int certs_of(const char *host, koc__certs *out, koc_error **err)
{
    *out = (koc__certs)KOC__CERTS_INIT;
    return koc__certs_of(host, out, err);
}

KOC_TEST(certificates_of_a_host_R21)
{
    KOC__AUTO_VAL(koc__certs) c;
    put("r.example:5000/a.crt", "one");
    put("r.example:5000/b.crt", "two");
    put("r.example:5000/me.cert", "cert");
    put("r.example:5000/me.key", "key");
    put("r.example:5000/you.cert", "cert");
    put("r.example:5000/you.key", "key");
    put("r.example:5000/notes.txt", "text");
    assert_int_equal(certs_of("r.example:5000", &c, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&c.authorities), "one\ntwo\n");
    KOC__AUTO_STR cert =
        koc__format("%s/config/containers/certs.d/r.example:5000/me.cert", koc_test_dir());
    KOC__AUTO_STR key =
        koc__format("%s/config/containers/certs.d/r.example:5000/me.key", koc_test_dir());
    assert_string_equal(c.client_cert, cert);
    assert_string_equal(c.client_key, key);
}

KOC_TEST(half_a_pair_names_the_other_half_R23)
{
    static const char *const there[] = {"r.example/me.cert", "s.example/me.key"};
    static const char *const missing[] = {"certs.d/r.example/me.key is missing",
                                          "certs.d/s.example/me.cert is missing"};
    static const char *const hosts[] = {"r.example", "s.example"};
    for (size_t i = 0; i < 2; i++) {
        KOC__AUTO_VAL(koc__certs) c;
        koc_error *err = NULL;
        put(there[i], "text");
        assert_int_equal(certs_of(hosts[i], &c, &err), KOC_ENOTFOUND);
        assert_non_null(strstr(koc_error_message(err), missing[i]));
        assert_null(c.client_cert);
        koc_error_free(err);
    }
}

KOC_TEST(a_host_without_certificates_has_none)
{
    static const char *const hosts[] = {"other.example", ".", "..", ".hidden"};
    put("a.crt", "not a host's"); /* what "." would name */
    put(".hidden/a.crt", "not a host's");
    put("docker.io/a.crt", "hub");
    for (size_t i = 0; i < KOC__COUNT(hosts); i++) {
        KOC__AUTO_VAL(koc__certs) c;
        assert_int_equal(certs_of(hosts[i], &c, NULL), KOC_OK);
        assert_int_equal(c.authorities.len, 0);
    }
    KOC__AUTO_VAL(koc__certs) hub;
    assert_int_equal(certs_of("index.docker.io", &hub, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&hub.authorities), "hub\n");
}
