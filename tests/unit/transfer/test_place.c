/* The texts that name a place: prefixes, names, digests, paths, references. */
#include "store/helper.h"

#include <koc/ext/transfer.h>

#include "core/io/fs.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { PATH = KOC_PARSE_PATH, NO_PATH = KOC_PARSE_NO_PATH };

/* A directory with the layout "laid", the file "a:b" and the file "x". */
static void go_to_places(void)
{
    assert_int_equal(koc__fs_mkdirs(koc_test_path("places/laid"), 0700, NULL), KOC_OK);
    assert_int_equal(chdir(koc_test_path("places")), 0);
    const char *const files[] = {"laid/oci-layout", "a:b", "x"};
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        assert_int_equal(koc__fs_write_file(files[i], koc__str(""), 0600, NULL), KOC_OK);
    }
}

KOC_TEST(place_is_parsed)
{
    const struct {
        const char *text;
        uint32_t flags;
        int32_t kind;
        const char *path, *name; /* path: the reference of a place in a registry */
        bool digest;
    } cases[] = {
        {"oci:dir", 0, KOC_PLACE_LAYOUT, "dir", NULL, false},
        {"oci:dir", NO_PATH, KOC_PLACE_LAYOUT, "dir", NULL, false},
        {"oci:dir:v1", 0, KOC_PLACE_LAYOUT, "dir", "v1", false},
        {"oci:dir:", 0, KOC_PLACE_LAYOUT, "dir", NULL, false},
        {"oci:dir:h:5/app:v1", 0, KOC_PLACE_LAYOUT, "dir", "h:5/app:v1", false},
        {"oci:dir:v1@sha256:" HEX, 0, KOC_PLACE_LAYOUT, "dir", "v1", true},
        {"oci:dir@sha256:" HEX, 0, KOC_PLACE_LAYOUT, "dir", NULL, true},
        {"oci:me@home", 0, KOC_PLACE_LAYOUT, "me@home", NULL, false},
        {"oci:a:b", 0, KOC_PLACE_LAYOUT, "a:b", NULL, false}, /* there is such a file */
        {"oci:a:b:v1", 0, KOC_PLACE_LAYOUT, "a", "b:v1", false},
        {"oci-archive:f.tar:v1", 0, KOC_PLACE_OCI_ARCHIVE, "f.tar", "v1", false},
        {"docker-archive:f.tar", 0, KOC_PLACE_DOCKER_ARCHIVE, "f.tar", NULL, false},
        {"docker-archive:-", 0, KOC_PLACE_DOCKER_ARCHIVE, "-", NULL, false},
        {"./dir:v1", 0, KOC_PLACE_LAYOUT, "./dir", "v1", false},
        {"/no/such", 0, KOC_PLACE_LAYOUT, "/no/such", NULL, false},
        {"./x", 0, KOC_PLACE_ARCHIVE, "./x", NULL, false},
        {"new.tar", 0, KOC_PLACE_ARCHIVE, "new.tar", NULL, false},
        {"-", 0, KOC_PLACE_ARCHIVE, "-", NULL, false},
        {"laid", 0, KOC_PLACE_LAYOUT, "laid", NULL, false},
        {"laid", NO_PATH, KOC_PLACE_REGISTRY, "index.docker.io/library/laid", NULL, false},
        {"x", 0, KOC_PLACE_REGISTRY, "index.docker.io/library/x", NULL, false},
        {"x", PATH, KOC_PLACE_ARCHIVE, "x", NULL, false},
        {"none", PATH, KOC_PLACE_LAYOUT, "none", NULL, false},
        {"docker://x", PATH, KOC_PLACE_REGISTRY, "index.docker.io/library/x", NULL, false},
        {"example.com/a.tar", 0, KOC_PLACE_ARCHIVE, "example.com/a.tar", NULL, false},
        {"example.com/a:1", 0, KOC_PLACE_REGISTRY, "example.com/a:1", NULL, false},
    };
    go_to_places();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
        koc_place p = KOC_PLACE_INIT;
        koc_error *err = NULL;
        ok(koc_place_parse(cases[i].text, cases[i].flags, &storage, &p, &err), err);
        const char *where = p.reference ? koc_reference_string(p.reference) : p.path;
        if (p.kind != cases[i].kind || !koc__streq(where, cases[i].path) ||
            !koc__streq(p.name, cases[i].name) || !p.digest == cases[i].digest) {
            fail_msg("%s: kind %d, \"%s\", name %s", cases[i].text, (int)p.kind, where,
                     p.name ? p.name : "NULL");
        }
        if (p.digest) {
            char text[KOC_DIGEST_TEXT_MAX];
            assert_int_equal(koc_digest_format(p.digest, text, sizeof(text), NULL), KOC_OK);
            assert_string_equal(text, "sha256:" HEX);
        }
        koc_reference_unref(p.reference);
    }
}

KOC_TEST(place_that_cannot_be_parsed_changes_nothing)
{
    const struct {
        const char *text, *message;
    } cases[] = {{"oci:", "there is no path in it"},
                 {"oci::v1", "there is no path in it"},
                 {"oci:d@sha256:12", "what follows @ is not a digest"},
                 {"docker-daemon:x", "images in docker-daemon: are not read or written"},
                 {"UPPER", "lower case"}};
    go_to_places();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
        koc_place p = KOC_PLACE_INIT;
        KOC__AUTO(koc_error) err = NULL;
        assert_int_equal(koc_place_parse(cases[i].text, 0, &storage, &p, &err), KOC_EINVAL);
        if (!strstr(koc_error_message(err), cases[i].message)) {
            fail_msg("%s: %s", cases[i].text, koc_error_message(err));
        }
        assert_int_equal(p.kind, 0);
        assert_null(p.path);
        assert_null(storage.ptr);
    }
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_place p = KOC_PLACE_INIT;
    assert_int_equal(koc_place_parse("x", 4, &storage, &p, NULL), KOC_EMISUSE);
}
