/* Names of images and programs, and the references that are printed. */
#include "core/common.h"

#include <koc/ext/publish.h>

#include "publish/naming.h"
#include "test.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

KOC_TEST(naming_mode_follows_the_precedence_of_the_flags)
{
    const uint32_t P = KOC_PUBLISH_PRESERVE_IMPORT_PATHS, B = KOC_PUBLISH_BASE_IMPORT_PATHS,
                   bare = KOC_PUBLISH_BARE;
    const struct {
        uint32_t flags;
        koc__namer want;
    } cases[] = {{0, KOC__NAME_MD5},
                 {P, KOC__NAME_PRESERVE},
                 {B, KOC__NAME_BASE},
                 {bare, KOC__NAME_BARE},
                 {P | B, KOC__NAME_PRESERVE},
                 {B | bare, KOC__NAME_BASE},
                 {P | B | bare, KOC__NAME_PRESERVE}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        assert_int_equal(koc__namer_of(cases[i].flags), cases[i].want);
    }
}

KOC_TEST(naming_of_images)
{
    const struct {
        koc__namer namer;
        const char *base, *import_path;
        bool lower;
        const char *want;
    } cases[] = {
        {KOC__NAME_PRESERVE, "r.io/t", "example.com/App/Cmd", true, "r.io/t/example.com/app/cmd"},
        {KOC__NAME_PRESERVE, "r.io/t", "example.com/App", false, "r.io/t/example.com/App"},
        {KOC__NAME_PRESERVE, "", "example.com/app", true, "example.com/app"},
        {KOC__NAME_BASE, "r.io/t", "example.com/App/Cmd", true, "r.io/t/cmd"},
        {KOC__NAME_BASE, "", "example.com/app", true, "app"},
        {KOC__NAME_BARE, "r.io/t", "example.com/app", true, "r.io/t"},
        {KOC__NAME_BARE, "", "example.com/app", true, ""},
        /* md5 of "example.com/app" */
        {KOC__NAME_MD5, "r.io/t", "example.com/app", true,
         "r.io/t/app-263362754691983312e964463bd3e953"},
        {KOC__NAME_MD5, "r.io/t", "example.com/App", true,
         "r.io/t/app-263362754691983312e964463bd3e953"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_STR name = NULL;
        assert_int_equal(koc__name_image(cases[i].namer, cases[i].base, cases[i].import_path,
                                         cases[i].lower, &name, NULL),
                         KOC_OK);
        assert_string_equal(name, cases[i].want);
    }
}

KOC_TEST(naming_of_programs)
{
    const char *const cases[][2] = {{"example.com/app", "app"},
                                    {"example.com/cmd/Api", "Api"},
                                    {"app", "app"},
                                    {".", "ko-app"},
                                    {"/", "ko-app"}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_STR name = koc__name_app(cases[i][0]);
        assert_string_equal(name, cases[i][1]);
    }
}

KOC_TEST(naming_of_what_is_printed)
{
    const char *const none[] = {NULL}, *const latest[] = {"latest", NULL},
                      *const one[] = {"v1", NULL}, *const two[] = {"v1", "v2", NULL},
                      *const latest_first[] = {"latest", "v1", NULL};
    koc_digest digest;
    assert_int_equal(koc_digest_parse("sha256:" HEX, &digest, NULL), KOC_OK);
    const struct {
        const char *const *tags;
        bool tag_only, pushed;
        const char *want;
    } cases[] = {
        {NULL, false, true, "r.io/app@sha256:" HEX},
        {none, false, true, "r.io/app@sha256:" HEX},
        {none, true, true, "r.io/app@sha256:" HEX}, /* without a tag the digest stays */
        {latest, false, true, "r.io/app@sha256:" HEX},
        {latest, false, false, "r.io/app:latest@sha256:" HEX},
        {one, false, true, "r.io/app:v1@sha256:" HEX},
        {one, true, true, "r.io/app:v1"},
        {two, false, true, "r.io/app@sha256:" HEX},
        {two, false, false, "r.io/app:v1@sha256:" HEX},
        {two, true, false, "r.io/app:v1"},
        {latest_first, false, true, "r.io/app@sha256:" HEX},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        const koc__name_result r = {"r.io/app", cases[i].tags, &digest, cases[i].tag_only,
                                    cases[i].pushed};
        KOC__AUTO_STR printed = NULL;
        assert_int_equal(koc__name_printed(&r, &printed, NULL), KOC_OK);
        if (!koc__streq(printed, cases[i].want)) {
            fail_msg("case %zu: %s, not %s", i, printed, cases[i].want);
        }
    }
}
