/* Names of images (docs/registry.md, R-1 to R-6). */
#include "model_test.h"

#define HEX64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX128 HEX64 HEX64

static koc_reference *parse(const char *text)
{
    koc_reference *r = NULL;
    koc_error *err = NULL;
    must(koc_reference_parse(text, 0, &r, &err), err);
    return r;
}

static void check(const char *text, const char *registry, const char *repository, const char *tag,
                  const char *whole)
{
    KOC__AUTO(koc_reference) r = parse(text);
    assert_string_equal(koc_reference_registry(r), registry);
    assert_string_equal(koc_reference_repository(r), repository);
    assert_string_equal(koc_reference_string(r), whole);
    assert_true(koc__streq(koc_reference_tag(r), tag));
    KOC__AUTO(koc_reference) again = parse(whole);
    assert_string_equal(koc_reference_string(again), whole);
}

KOC_TEST(reference_finds_the_registry)
{
    check("localhost:5000/x", "localhost:5000", "x", NULL, "localhost:5000/x");
    check("localhost/x", "localhost", "x", NULL, "localhost/x");
    check("127.0.0.1:5000/a/b:t", "127.0.0.1:5000", "a/b", "t", "127.0.0.1:5000/a/b:t");
    check("[::1]:5000/x", "[::1]:5000", "x", NULL, "[::1]:5000/x");
    check("[fe80::1]/x:y", "[fe80::1]", "x", "y", "[fe80::1]/x:y");
    check("gcr.io/p/i", "gcr.io", "p/i", NULL, "gcr.io/p/i");
    check("Reg.Example.COM/x", "Reg.Example.COM", "x", NULL, "Reg.Example.COM/x");
    check("x:5000", "index.docker.io", "library/x", "5000", "index.docker.io/library/x:5000");
    check("ko.local/app", "ko.local", "app", NULL, "ko.local/app");
}

KOC_TEST(reference_knows_docker_hub_in_all_spellings)
{
    static const char *const spellings[] = {"busybox",
                                            "library/busybox",
                                            "docker.io/busybox",
                                            "docker.io/library/busybox",
                                            "index.docker.io/busybox",
                                            "index.docker.io/library/busybox",
                                            "Docker.IO/busybox"};
    for (size_t i = 0; i < KOC__COUNT(spellings); i++) {
        KOC__AUTO(koc_reference) r = parse(spellings[i]);
        assert_string_equal(koc_reference_string(r), "index.docker.io/library/busybox");
    }
    check("a/b", "index.docker.io", "a/b", NULL, "index.docker.io/a/b");
    check("registry-1.docker.io/x", "registry-1.docker.io", "x", NULL, "registry-1.docker.io/x");
}

KOC_TEST(reference_knows_the_transports_of_skopeo)
{
    static const struct {
        const char *text, *says, *hint; /* hint NULL: none */
    } cases[] = {
        {"containers-storage:x", "images in containers-storage:", "podman save -o FILE"},
        {"docker-daemon:x:1", "images in docker-daemon:", "docker save -o FILE"},
        {"dir:x", "images in dir:", "skopeo copy dir:x oci:"},
        {"dir:/tmp/x", "images in dir:", "skopeo copy dir:/tmp/x oci:"},
        {"ostree:x@/repo", "images in ostree:", "skopeo copy"},
        {"sif:x.sif", "images in sif:", "skopeo copy"},
        {"oci:x", "oci: names a directory", NULL},
        {"oci-archive:x.tar", "oci-archive: names a file", NULL},
        {"docker-archive:x.tar:y", "docker-archive: names a file", NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc_reference) r = NULL;
        KOC__AUTO(koc_error) err = NULL;
        assert_int_equal(koc_reference_parse(cases[i].text, KOC_REFERENCE_TRANSPORTS, &r, &err),
                         KOC_EINVAL);
        assert_non_null(strstr(koc_error_message(err), cases[i].says));
        assert_non_null(strstr(koc_error_message(err), cases[i].text));
        assert_true(cases[i].hint ? strstr(koc_error_hint(err), cases[i].hint) != NULL
                                  : koc_error_hint(err) == NULL);
    }
    /* Without the flag they are names like any other, and so are those that only look like one. */
    check("dir:x", "index.docker.io", "library/dir", "x", "index.docker.io/library/dir:x");
    static const char *const names[] = {
        "docker://gcr.io/p/i:1", "directory:x", "docker.io/dir:x", "dir", "dir/x:1", "docker:24"};
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        KOC__AUTO(koc_reference) r = NULL;
        koc_error *err = NULL;
        must(koc_reference_parse(names[i], KOC_REFERENCE_TRANSPORTS, &r, &err), err);
    }
}

KOC_TEST(reference_prefixes_are_told_by_their_own_text)
{
    static const struct {
        const char *text, *says; /* says NULL: it is one */
    } cases[] = {
        {"registry.example", NULL},
        {"registry.example/team", NULL},
        {"127.0.0.1:5000", NULL},
        {"user", NULL},
        {"localhost:5000/a/b", NULL},
        {"127.0.0.1:5000/Shop", "\"Shop\" is not"},
        {"registry.example/a/Team/b", "\"Team\" is not"},
        {"registry.example/a:1", "it ends in a tag"},
        {"registry.example/a@sha256:00", "it ends in a digest"},
        {"https://registry.example/a", "leave out the scheme"},
        {"registry.example/a b", "white space"},
        {"registry.example//a", "nothing between"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc_error) err = NULL;
        int rc = koc__reference_check_prefix(cases[i].text, "what", &err);
        assert_int_equal(rc, cases[i].says ? KOC_EINVAL : KOC_OK);
        assert_true(!cases[i].says || strstr(koc_error_message(err), cases[i].says));
        assert_true(!cases[i].says || !strstr(koc_error_message(err), "/x"));
    }
}

KOC_TEST(reference_keeps_tag_and_digest)
{
    check("localhost:5000/x:v1@sha256:" HEX64, "localhost:5000", "x", "v1",
          "localhost:5000/x:v1@sha256:" HEX64);
    KOC__AUTO(koc_reference) r = parse("a/b@sha512:" HEX128);
    assert_int_equal(koc_reference_digest(r)->algorithm, KOC_DIGEST_SHA512);
    assert_null(koc_reference_tag(r));
    assert_string_equal(koc__reference_context(r), "index.docker.io/a/b");
    KOC__AUTO(koc_reference) plain = parse("a/b");
    assert_null(koc_reference_digest(plain));
}

static const char *const good_names[] = {"a.b",     "a_b",   "a__b",    "a-b",      "a--b",
                                         "a---b",   "0",     "a/b/c/d", "a:_",      "a:A.b-c_d",
                                         "a-0.b_1", "x.y/z", "x.y:1/z", "l.i.b/a_1"};
static const char *const bad_names[] = {
    "",
    " ",
    "a ",
    "a b",
    "a\n",
    "a/",
    "/a",
    "a//b",
    "a..b",
    "a___b",
    "a._b",
    "a-_b",
    "-a",
    "a-",
    ".a",
    "a.",
    "_a",
    "a_",
    "a/.",
    "a/..",
    "../a",
    "a/../b",
    "a:",
    "a:-b",
    "a:.b",
    "a:b c",
    "a:b/c:",
    "a@",
    "a@b",
    "a@sha256:",
    "a@sha256:" HEX128,
    "a@sha512:" HEX64,
    "a@md5:00",
    "a:b@",
    "@sha256:" HEX64,
    ":tag",
    "x.y:/z",
    "x.y:99999/z",
    "x.y:a/z",
    "x..y/z",
    "-x.y/z",
    "x-.y/z",
    "[::1/z",
    "[]/z",
    "[g::]/z",
    "[::1]x/z",
    "localhost/",
    "%2e%2e/a",
    "a?b",
    "a#b",
    "a\\b",
    "caf\xC3\xA9",
    "a:caf\xC3\xA9",
    "a,b",
    HEX64,
    "a:b:c",
};

KOC_TEST(reference_follows_the_grammar)
{
    for (size_t i = 0; i < KOC__COUNT(good_names); i++) {
        koc_reference_unref(parse(good_names[i]));
    }
    for (size_t i = 0; i < KOC__COUNT(bad_names); i++) {
        koc_reference *r = NULL;
        koc_error *err = NULL;
        int code = koc_reference_parse(bad_names[i], 0, &r, &err);
        if (code == KOC_OK) {
            fail_msg("\"%s\" was accepted as %s", bad_names[i], koc_reference_string(r));
        }
        assert_error(code, &err, KOC_EINVAL, "is not an image name: ");
    }
}

KOC_TEST(reference_says_what_is_wrong)
{
    static const char *const cases[][2] = {
        {"localhost:5000/Foo", "repository names are lower case"},
        {"Foo", "repository names are lower case"},
        {"https://gcr.io/x", "leave out the scheme"},
        {"a b", "white space"},
        {HEX64, "an image ID"},
        {"x.y:z/a", "the registry is not a host"},
        {"a:", "a tag has 1 to 128"},
        {"a@sha1:00", "after \"@\" comes"},
        {"gcr.io/", "the repository is missing"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_reference *r = NULL;
        koc_error *err = NULL;
        int code = koc_reference_parse(cases[i][0], 0, &r, &err);
        assert_error(code, &err, KOC_EINVAL, cases[i][1]);
    }
}

KOC_TEST(reference_is_bounded)
{
    char text[2000];
    koc_reference *r = NULL;
    koc_error *err = NULL;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    int code = koc_reference_parse(text, 0, &r, &err);
    assert_error(code, &err, KOC_EINVAL, "it is too long");

    memcpy(text, "x.y/", 4);
    text[255] = '\0';
    koc_reference_unref(parse(text));
    text[255] = 'a';
    text[256] = '\0';
    code = koc_reference_parse(text, 0, &r, &err);
    assert_error(code, &err, KOC_EINVAL, "more than 255");

    memcpy(text, "a:aa", 4);
    text[130] = '\0';
    koc_reference_unref(parse(text));
    text[130] = 'a';
    text[131] = '\0';
    code = koc_reference_parse(text, 0, &r, &err);
    assert_error(code, &err, KOC_EINVAL, "a tag has 1 to 128");
}

KOC_TEST(reference_copies_with_another_tag_or_digest)
{
    KOC__AUTO(koc_reference) r = parse("localhost:5000/x:v1");
    koc_reference *other = NULL;
    koc_error *err = NULL;
    koc_digest d = {0};
    assert_true(koc__digest_read(KOC__STR("sha256:" HEX64), &d));
    must(koc_reference_with_tag(r, "v2", &other, &err), err);
    assert_string_equal(koc_reference_string(other), "localhost:5000/x:v2");
    koc_reference_unref(other);
    must(koc_reference_with_digest(r, &d, &other, &err), err);
    assert_string_equal(koc_reference_string(other), "localhost:5000/x:v1@sha256:" HEX64);
    KOC__AUTO(koc_reference) without = NULL;
    must(koc_reference_with_tag(other, NULL, &without, &err), err);
    koc_reference_unref(other);
    assert_string_equal(koc_reference_string(without), "localhost:5000/x@sha256:" HEX64);
    other = NULL;
    int code = koc_reference_with_tag(r, "a b", &other, &err);
    assert_error(code, &err, KOC_EINVAL, "\"a b\" is not a tag");
    code = koc_reference_with_tag(r, "", &other, &err);
    assert_error(code, &err, KOC_EINVAL, "is not a tag");
    assert_null(other);
    assert_int_equal(koc_reference_with_tag(NULL, "x", &other, NULL), KOC_EMISUSE);
    assert_int_equal(koc_reference_parse("x", 2, &other, NULL), KOC_EMISUSE);
    assert_int_equal(koc_reference_parse(NULL, 0, &other, NULL), KOC_EMISUSE);
    koc_reference_unref(NULL);
}

KOC_TEST(reference_repository_has_neither_tag_nor_digest)
{
    koc_reference *r = NULL;
    koc_error *err = NULL;
    must(koc__reference_parse_repository("localhost:5000/a/b", &r, &err), err);
    assert_string_equal(koc__reference_context(r), "localhost:5000/a/b");
    koc_reference_unref(r);
    r = NULL;
    int code = koc__reference_parse_repository("localhost:5000", &r, &err);
    assert_error(code, &err, KOC_EINVAL, "is not a repository: it has a tag");
    code = koc__reference_parse_repository("a/b@sha256:" HEX64, &r, &err);
    assert_error(code, &err, KOC_EINVAL, "is not a repository: it has a digest");
}

KOC_TEST(reference_survives_every_failing_allocation)
{
    for (uint64_t n = 1;; n++) {
        koc_reference *r = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int code = koc_reference_parse("busybox:v1@sha256:" HEX64, 0, &r, &err);
        koc__alloc_fail_after(0);
        koc_error_free(err);
        if (code == KOC_OK) {
            koc_reference_unref(r);
            assert_true(n > 5);
            return;
        }
        assert_int_equal(code, KOC_ENOMEM);
        assert_null(r);
    }
}
