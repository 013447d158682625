/* Where the daemon is: addresses, contexts, sockets. */
#include "core/common.h"

#include "daemon/endpoint.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "core/io/fs.h"
#include "core/path.h"
#include "core/str.h"
#include "test.h"

#undef setenv
#undef unsetenv

static koc__endpoint *parsed(const char *address)
{
    koc__endpoint *e = NULL;
    assert_int_equal(koc__endpoint_parse(address, "DOCKER_HOST", &e, NULL), KOC_OK);
    return e;
}

static void refused(const char *address, koc_code code, const char *said)
{
    koc__endpoint *e = NULL;
    koc_error *err = NULL;
    assert_int_equal(koc__endpoint_parse(address, "DOCKER_HOST", &e, &err), code);
    assert_non_null(strstr(koc_error_message(err), said));
    assert_null(e);
    koc_error_free(err);
}

KOC_TEST(endpoint_reads_addresses)
{
    static const struct {
        const char *address, *socket, *authority;
        bool tls;
    } cases[] = {
        {"unix:///var/run/docker.sock", "/var/run/docker.sock", NULL, false},
        {"tcp://10.0.0.1", NULL, "10.0.0.1:2375", false},
        {"tcp://10.0.0.1:99", NULL, "10.0.0.1:99", false},
        {"tcp://10.0.0.1:99/", NULL, "10.0.0.1:99", false},
        {"http://host", NULL, "host:2375", false},
        {"https://host", NULL, "host:2376", true},
        {"tcp://[::1]", NULL, "[::1]:2375", false},
        {"tcp://[::1]:99", NULL, "[::1]:99", false},
        {"host:99", NULL, "host:99", false},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc__endpoint) e = parsed(cases[i].address);
        assert_true(koc__streq(e->socket, cases[i].socket));
        assert_true(koc__streq(e->authority, cases[i].authority));
        assert_int_equal(e->tls, cases[i].tls);
        assert_string_equal(e->source, "DOCKER_HOST");
    }
}

KOC_TEST(endpoint_refuses_what_it_cannot_reach)
{
    refused("ssh://me@host", KOC_EUNSUPPORTED, "ssh");
    refused("npipe:////./pipe/docker", KOC_EUNSUPPORTED, "npipe");
    refused("fd://", KOC_EUNSUPPORTED, "fd");
    refused("unix://relative", KOC_EINVAL, "no absolute path");
    refused("unix://", KOC_EINVAL, "no absolute path");
    refused("tcp://", KOC_EINVAL, "no host");
    refused("", KOC_EINVAL, "no host");
    refused("tcp://host/path", KOC_EINVAL, "a path");
}

static void probe(const char *path, koc_code code, const char *said)
{
    koc_error *err = NULL;
    assert_int_equal(koc__endpoint_probe(path, &err), code);
    assert_non_null(strstr(koc_error_message(err), said));
    koc_error_free(err);
}

KOC_TEST(endpoint_probe_says_what_is_wrong)
{
    probe("/nonexistent/sock", KOC_ENOTFOUND, "no daemon at");
    probe(koc_test_write("file", "x", 1), KOC_EINVAL, "it is a file");
    probe(koc_test_dir(), KOC_EINVAL, "it is a directory");
}

KOC_TEST(endpoint_probe_tells_the_living_from_the_dead)
{
    KOC__AUTO_STR directory = NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_int_equal(koc__fs_tempdir("koc-", &directory, NULL), KOC_OK);
    KOC__AUTO_STR path = koc__path_join(directory, "s");
    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    KOC__AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    probe(path, KOC_ENET, "no process listens");
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(koc__endpoint_probe(path, NULL), KOC_OK);
    koc__fs_remove(directory, NULL);
}

static koc__endpoint *found(const char *host, const char *verify)
{
    koc__endpoint *e = NULL;
    setenv("DOCKER_HOST", host, 1);
    unsetenv("DOCKER_CERT_PATH");
    if (verify) {
        setenv("DOCKER_TLS_VERIFY", verify, 1);
    } else {
        unsetenv("DOCKER_TLS_VERIFY");
    }
    assert_int_equal(koc__endpoint_find(&e, NULL), KOC_OK);
    unsetenv("DOCKER_HOST");
    unsetenv("DOCKER_TLS_VERIFY");
    return e;
}

/* https means verified, whatever else is said. */
KOC_TEST(endpoint_https_is_verified)
{
    static const struct {
        const char *host, *verify;
        bool tls, insecure;
    } table[] = {
        {"https://127.0.0.1:9", NULL, true, false},
        {"https://127.0.0.1:9", "1", true, false},
        {"tcp://127.0.0.1:9", "1", true, false},
        {"tcp://127.0.0.1:9", NULL, false, false},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc__endpoint) e = found(table[i].host, table[i].verify);
        assert_int_equal(e->tls, table[i].tls);
        assert_int_equal(e->insecure, table[i].insecure);
    }
}

/* --- contexts --- */

/* The SHA-256 of "lab" names the directory of that context. */
#define LAB "a51146d38077ff992eba84cf1d5e9b249073503eb74868699016153b031a38f7"

static void in_directory(const char *context)
{
    setenv("DOCKER_CONFIG", koc_test_dir(), 1);
    if (context) {
        setenv("DOCKER_CONTEXT", context, 1);
    } else {
        unsetenv("DOCKER_CONTEXT");
    }
}

static void write_below(const char *directory, const char *name, const char *text)
{
    KOC__AUTO_STR path = koc__format("%s/%s", koc_test_dir(), directory);
    KOC__AUTO_STR file = koc__format("%s/%s", path, name);
    assert_int_equal(koc__fs_mkdirs(path, 0700, NULL), KOC_OK);
    assert_int_equal(koc__fs_write_file(file, koc__str(text), 0600, NULL), KOC_OK);
}

static void context_fails(const char *meta, koc_code code, const char *said)
{
    KOC__AUTO(koc__endpoint) e = NULL;
    koc_error *err = NULL;
    if (meta) {
        write_below("contexts/meta/" LAB, "meta.json", meta);
    }
    in_directory("lab");
    assert_int_equal(koc__endpoint_of_context(&e, &err), code);
    assert_non_null(strstr(koc_error_message(err), said));
    koc_error_free(err);
}

KOC_TEST(no_context_is_no_endpoint)
{
    KOC__AUTO(koc__endpoint) e = NULL;
    static const char *const configs[] = {NULL, "{}", "{\"currentContext\":\"default\"}",
                                          "not json"};
    for (size_t i = 0; i < KOC__COUNT(configs); i++) {
        if (configs[i]) {
            write_below(".", "config.json", configs[i]);
        }
        in_directory(NULL);
        assert_int_equal(koc__endpoint_of_context(&e, NULL), KOC_OK);
        assert_null(e);
    }
    in_directory("default");
    assert_int_equal(koc__endpoint_of_context(&e, NULL), KOC_OK);
    assert_null(e);
}

KOC_TEST(a_context_names_host_and_certificates)
{
    KOC__AUTO(koc__endpoint) e = NULL;
    write_below(".", "config.json", "{\"currentContext\":\"lab\"}");
    write_below("contexts/meta/" LAB, "meta.json",
                "{\"Name\":\"lab\",\"Endpoints\":{\"docker\":{\"Host\":\"tcp://10.0.0.1:2376\"}}}");
    write_below("contexts/tls/" LAB "/docker", "ca.pem", "x");
    in_directory(NULL);
    assert_int_equal(koc__endpoint_of_context(&e, NULL), KOC_OK);
    assert_string_equal(e->authority, "10.0.0.1:2376");
    assert_string_equal(e->source, "docker context lab");
    assert_true(e->tls && !e->insecure && e->ca_file && !e->cert_file);
}

KOC_TEST(a_context_that_cannot_be_used_is_an_error)
{
    context_fails(NULL, KOC_ENOTFOUND, "does not exist");
    context_fails("{}", KOC_EFORMAT, "names no daemon");
    context_fails("{", KOC_EFORMAT, "meta.json");
    context_fails("{\"Endpoints\":{\"docker\":{\"Host\":\"ssh://x\"}}}", KOC_EUNSUPPORTED,
                  "docker context lab");
}

KOC_TEST(the_environment_wins_over_the_context)
{
    KOC__AUTO(koc__endpoint) e = NULL;
    write_below(".", "config.json", "{\"currentContext\":\"lab\"}");
    write_below("contexts/meta/" LAB, "meta.json",
                "{\"Name\":\"lab\",\"Endpoints\":{\"docker\":{\"Host\":\"tcp://10.0.0.1:2376\"}}}");
    in_directory("lab");
    setenv("DOCKER_HOST", "tcp://10.0.0.2:2375", 1);
    int rc = koc__endpoint_find(&e, NULL);
    unsetenv("DOCKER_HOST");
    assert_int_equal(rc, KOC_OK);
    assert_string_equal(e->authority, "10.0.0.2:2375");
    koc__endpoint_free(e);
    e = NULL;
    assert_int_equal(koc__endpoint_find(&e, NULL), KOC_OK);
    assert_string_equal(e->authority, "10.0.0.1:2376");
}
