/* The grammar of label selectors; the cases are those of kubectl's own documentation. */
#include "core/common.h"

#include "test.h"

#include "resolve/resolve.h"

/* labels: "k=v k=v". */
static bool matches(const char *selector, const char *labels)
{
    KOC__AUTO(koc__selector) s = NULL;
    KOC__AUTO(koc_strlist) l = NULL;
    koc_error *err = NULL;
    if (koc__selector_parse(selector, &s, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    assert_int_equal(koc__strlist_new(&l, NULL), KOC_OK);
    koc_str rest = koc__str(labels);
    koc_str word;
    while (koc__str_word(&rest, &word)) {
        koc_str key;
        koc_str value;
        assert_true(koc__str_cut(word, '=', &key, &value));
        koc__strlist_add_n(l, key, NULL);
        koc__strlist_add_n(l, value, NULL);
    }
    return koc__selector_matches(s, l);
}

KOC_TEST(selectors_match_as_in_kubernetes)
{
    static const struct {
        const char *selector;
        const char *labels;
        bool want;
    } cases[] = {
        {"", "", true},
        {"", "a=b", true},
        {"a", "a=b", true},
        {"a", "b=a", false},
        {"!a", "b=a", true},
        {"! a", "a=", false},
        {"a=b", "a=b", true},
        {"a = b", "a=b", true},
        {"a==b", "a=c", false},
        {"a=", "a=", true},
        {"a=", "b=", false},
        {"a=,b", "a= b=1", true},
        {"a!=b", "a=c", true},
        {"a!=b", "", true},
        {"a!=b", "a=b", false},
        {"a!=", "a=", false},
        {"a in (b)", "a=b", true},
        {"a in (b,c)", "a=c", true},
        {"a in ( b , c )", "a=d", false},
        {"a in (b,c)", "", false},
        {"a in ()", "a=", true},
        {"a in (b,)", "a=", true},
        {"a notin (b,c)", "a=d", true},
        {"a notin (b,c)", "a=b", false},
        {"a notin (b,c)", "", true},
        {"a notin (b,c)", "a=", true},
        {"a>1", "a=2", true},
        {"a>1", "a=1", false},
        {"a<10", "a=9", true},
        {"a<10", "a=x", false},
        {"a<10", "", false},
        {"a=b,c!=d,e in (f),!g", "a=b e=f", true},
        {"a=b,c!=d,e in (f),!g", "a=b e=f g=", false},
        {"app.kubernetes.io/name=x_1.y", "app.kubernetes.io/name=x_1.y", true},
        {"in", "in=1", true},
        {"in in (in,notin)", "in=notin", true},
        {"a,b", "a=1", false},
        {"a=two", "a=one a=two", true}, /* the last of equal keys, as in a parsed mapping */
        {"a=one", "a=one a=two", false},
        {"azAZ09=azAZ09", "azAZ09=azAZ09", true},
        {"a!=b", "b=1 a=b", false},
        {"a<0", "a=-1", true},
        {"a>-1", "a=0", true},
        {"a<1", "a=1", false},
        {"!a,!b", "", true},
        {"!a,!b", "b=", false},
        {"a\t=\r\nb", "a=b", true},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        if (matches(cases[i].selector, cases[i].labels) != cases[i].want) {
            fail_msg("\"%s\" on \"%s\"", cases[i].selector, cases[i].labels);
        }
    }
}

KOC_TEST(selectors_that_do_not_parse_say_why)
{
    static const struct {
        const char *selector;
        const char *why;
    } cases[] = {
        {"a b", "an operator (= == != in notin > <) is needed, not \"b\""},
        {"a,", "a label's key is needed"},
        {",a", "a label's key is needed, not \",\""},
        {"=b", "a label's key is needed, not \"=\""},
        {"a in b", "\"(\" is needed after in and notin, not \"b\""},
        {"a in (b", "\",\" or \")\" is needed in a list of values"},
        {"a in (b c)", "\",\" or \")\" is needed in a list of values, not \"c\""},
        {"a=b=c", "\",\" or the end is needed, not \"=\""},
        {"a=b c", "\",\" or the end is needed, not \"c\""},
        {"a>b", "\">\" and \"<\" need a whole number, not \"b\""},
        {"!a=b", "\",\" or the end is needed, not \"=\""},
        {"a=", NULL},
        {"a=b,", "a label's key is needed"},
        {"!", "a label's key is needed"},
        {"a!", "an operator (= == != in notin > <) is needed, not \"!\""},
        {"a in", "\"(\" is needed after in and notin"},
        {"a>", "\">\" and \"<\" need a whole number"},
        {"a.-/b", "\"a.-/b\" cannot be a label's key"},
        {"a./b", "\"a./b\" cannot be a label's key"},
        {"a_b/c", "\"a_b/c\" cannot be a label's key"},
        {"x/", "\"x/\" cannot be a label's key"},
        {"a-", "\"a-\" cannot be a label's key"},
        {"a=b[", "\"b[\" cannot be a label's value"},
        {"a=b@", "\"b@\" cannot be a label's value"},
        {"-a", "\"-a\" cannot be a label's key"},
        {"x/y/z", "\"x/y/z\" cannot be a label's key"},
        {"/y", "\"/y\" cannot be a label's key"},
        {"X.y/z", "\"X.y/z\" cannot be a label's key"},
        {"a=-b", "\"-b\" cannot be a label's value"},
        {"a=b/c", "\"b/c\" cannot be a label's value"},
        {"a=1234567890123456789012345678901234567890123456789012345678901234",
         "\"1234567890123456789012345678901234567890123456789012345678901234\" cannot be a label's value"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__selector *s = NULL;
        koc_error *err = NULL;
        if (!cases[i].why) {
            assert_int_equal(koc__selector_parse(cases[i].selector, &s, &err), KOC_OK);
            koc__selector_free(s);
            continue;
        }
        assert_int_equal(koc__selector_parse(cases[i].selector, &s, &err), KOC_EINVAL);
        KOC__AUTO_STR want = koc__format("selector \"%s\": %s", cases[i].selector, cases[i].why);
        assert_string_equal(koc_error_message(err), want);
        koc_error_free(err);
    }
}

KOC_TEST(selectors_have_names_and_texts_of_limited_length)
{
    char text[66000];
    static const struct {
        size_t domain, name;
        int rc;
    } table[] = {{0, 63, KOC_OK}, {0, 64, KOC_EINVAL}, {253, 1, KOC_OK}, {254, 1, KOC_EINVAL}};
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__selector *s = NULL;
        size_t n = 0;
        for (; n < table[i].domain; n++) {
            text[n] = n % 60 == 59 ? '.' : 'a';
        }
        text[n] = '/';
        n += n > 0 ? 1 : 0;
        memset(text + n, 'b', table[i].name);
        text[n + table[i].name] = '\0';
        assert_int_equal(koc__selector_parse(text, &s, NULL), table[i].rc);
        koc__selector_free(s);
    }
    for (size_t extra = 0; extra < 2; extra++) {
        koc__selector *s = NULL;
        memset(text, ' ', sizeof(text));
        text[0] = 'a';
        text[65536 + extra] = '\0';
        assert_int_equal(koc__selector_parse(text, &s, NULL), extra ? KOC_ELIMIT : KOC_OK);
        koc__selector_free(s);
    }
}
