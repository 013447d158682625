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
        assert_int_equal(koc__selector_parse(cases[i].selector, &s, &err), KOC_EINVAL);
        KOC__AUTO_STR want = koc__format("selector \"%s\": %s", cases[i].selector, cases[i].why);
        assert_string_equal(koc_error_message(err), want);
        koc_error_free(err);
    }
}
