/* Words that name an image: what they are read as, and how they are printed. */
#include "args/place_words.h"
#include "test.h"

#include <string.h>

static int32_t kind_of(const char *word, uint32_t flags)
{
    CLI_AUTO_VAL(cli_source) s = {0};
    return cli_source_parse(word, flags, &s, NULL) == KOC_OK ? s.place.kind : -1;
}

KOC_TEST(words_name_registries_layouts_and_archives)
{
    assert_int_equal(kind_of("example.com/app:1", 0), KOC_PLACE_REGISTRY);
    assert_int_equal(kind_of("docker://example.com/app:1", 0), KOC_PLACE_REGISTRY);
    assert_int_equal(kind_of("oci:out:v1", 0), KOC_PLACE_LAYOUT);
    assert_int_equal(kind_of("oci-archive:a.tar", 0), KOC_PLACE_OCI_ARCHIVE);
    assert_int_equal(kind_of("docker-archive:a.tar", 0), KOC_PLACE_DOCKER_ARCHIVE);
    assert_int_equal(kind_of("./out", 0), KOC_PLACE_LAYOUT);
    assert_int_equal(kind_of("x.tar", 0), KOC_PLACE_ARCHIVE);
}

KOC_TEST(flags_decide_about_plain_words)
{
    assert_int_equal(kind_of("app", CLI_SOURCE_PATH), KOC_PLACE_LAYOUT);
    assert_int_equal(kind_of("app", CLI_SOURCE_REFERENCE), KOC_PLACE_REGISTRY);
    assert_int_equal(kind_of("./out", CLI_SOURCE_REFERENCE), -1);
}

KOC_TEST(names_and_digests_are_cut_off_the_path)
{
    CLI_AUTO_VAL(cli_source) s = {0};
    char word[128] = "oci:out:v1@sha256:";
    memset(word + strlen(word), 'a', 64);
    assert_int_equal(cli_source_parse(word, 0, &s, NULL), KOC_OK);
    assert_string_equal(s.place.path, "out");
    assert_string_equal(s.place.name, "v1");
    assert_non_null(s.place.digest);
    CLI_AUTO_STR text = cli_source_text(&s);
    assert_string_equal(text, "oci:out:v1");
}

KOC_TEST(wrong_words_say_what_is_wrong)
{
    CLI_AUTO_VAL(cli_source) s = {0};
    CLI_AUTO(koc_error) err = NULL;
    assert_int_equal(cli_source_parse("oci:out@sha256:abc", 0, &s, &err), KOC_EINVAL);
    assert_non_null(strstr(koc_error_message(err), "digest"));
    assert_int_equal(kind_of("oci:", 0), -1);
}

KOC_TEST(a_tag_replaces_tag_and_digest)
{
    CLI_AUTO_VAL(cli_source) s = {0};
    CLI_AUTO_VAL(cli_source) tagged = {0};
    assert_int_equal(cli_source_parse("example.com/app:1", 0, &s, NULL), KOC_OK);
    assert_int_equal(cli_source_tag(&s, "2", &tagged, NULL), KOC_OK);
    CLI_AUTO_STR text = cli_source_text(&tagged);
    assert_string_equal(text, "example.com/app:2");
}
