#include "core/common.h"

#include "core/str.h"
#include "test.h"

KOC_TEST(error_null_is_no_error)
{
    assert_int_equal(koc_error_code(NULL), KOC_OK);
    assert_string_equal(koc_error_message(NULL), "no error");
    assert_null(koc_error_hint(NULL));
    assert_null(koc_error_detail(NULL));
    assert_null(koc_error_cause(NULL));
    assert_null(koc_error_registry_code(NULL));
    assert_int_equal(koc_error_http_status(NULL), 0);
    assert_false(koc_error_is_retryable(NULL));
    koc_error_free(NULL);
}

KOC_TEST(error_formats_and_replaces)
{
    koc_error *e = NULL;
    assert_int_equal(koc__error(&e, KOC_EINVAL, "no %s", "tag"), KOC_EINVAL);
    assert_string_equal(koc_error_message(e), "no tag");
    assert_int_equal(koc__error(&e, KOC_EIO, "again: %s", koc_error_message(e)), KOC_EIO);
    assert_string_equal(koc_error_message(e), "again: no tag");
    assert_int_equal(koc_error_code(e), KOC_EIO);
    koc__error_clear(&e);
    assert_null(e);
    koc__error_clear(NULL);
}

KOC_TEST(error_message_is_one_harmless_line)
{
    koc_error *e = NULL;
    koc__error(&e, KOC_EINVAL, "a\nb\x1b[31m\x7f \xc2\x9b \xe2\x80\xae \xff caf\xc3\xa9");
    assert_string_equal(koc_error_message(e), "a?b?[31m? ? ? ? caf\xc3\xa9");
    koc_error_free(e);
}

KOC_TEST(error_message_is_cut)
{
    char *text = koc__malloc(10001);
    koc_error *e = NULL;
    memset(text, 'x', 10000);
    text[10000] = '\0';
    koc__error(&e, KOC_EINVAL, "%s", text);
    assert_int_equal(strlen(koc_error_message(e)), 4096);
    assert_string_equal(koc_error_message(e) + 4092, "x...");
    koc_error_free(e);
    koc__free(text);
}

KOC_TEST(error_errno_maps_and_says_why)
{
    koc_error *e = NULL;
    assert_int_equal(koc__error_errno(&e, ENOENT, "cannot open %s", "x"), KOC_ENOTFOUND);
    assert_string_equal(koc_error_message(e), "cannot open x: No such file or directory");
    assert_int_equal(koc__error_errno(&e, EEXIST, "x"), KOC_EEXISTS);
    assert_int_equal(koc__error_errno(&e, ENOMEM, "x"), KOC_ENOMEM);
    assert_int_equal(koc__error_errno(&e, EACCES, "x"), KOC_EIO);
    assert_int_equal(koc__error_errno(NULL, ENOENT, "x"), KOC_ENOTFOUND);
    koc_error_free(e);
}

KOC_TEST(error_of_a_callback_keeps_what_the_cause_knows)
{
    koc_error *inner = NULL;
    koc_error *e = NULL;
    koc__error(&inner, KOC_EHTTP, "HTTP 404");
    koc__error_http(&inner, 404, "MANIFEST_UNKNOWN");
    koc__error_hint_on(&inner, KOC_HINT_ONLINE, "x", "try %d", 1);
    koc__error_blame(&inner, "offline");
    koc__error_detail(&inner, KOC__STR("two\nlines"));
    koc__error_retryable(&inner, true);
    assert_int_equal(koc__error_user(&e, &inner, "the reader"), KOC_EUSER);
    assert_null(inner);
    assert_string_equal(koc_error_message(e), "the reader: HTTP 404");
    assert_int_equal(koc_error_code(e), KOC_EUSER);
    assert_int_equal(koc_error_http_status(e), 404);
    assert_string_equal(koc_error_registry_code(e), "MANIFEST_UNKNOWN");
    assert_string_equal(koc_error_hint(e), "try 1");
    assert_int_equal(koc_error_hint_kind(e), KOC_HINT_ONLINE);
    assert_string_equal(koc_error_hint_argument(e), "x");
    assert_string_equal(koc_error_option(e), "offline");
    assert_string_equal(koc_error_detail(e), "two\nlines");
    assert_true(koc_error_is_retryable(e));
    assert_string_equal(koc_error_message(koc_error_cause(e)), "HTTP 404");
    assert_null(koc_error_cause(koc_error_cause(e)));
    koc_error_free(e);
}

KOC_TEST(error_prefix_keeps_everything_else)
{
    koc_error *e = NULL;
    koc__error(&e, KOC_EIO, "disk full");
    koc__error_hint(&e, "free some");
    assert_int_equal(koc__error_prefix(&e, KOC_EIO, "writing %s", "x"), KOC_EIO);
    assert_string_equal(koc_error_message(e), "writing x: disk full");
    assert_string_equal(koc_error_hint(e), "free some");
    assert_null(koc_error_cause(e));
    koc_error_free(e);
}

KOC_TEST(error_prefix_leaves_a_success_alone)
{
    koc_error *e = NULL;
    assert_int_equal(koc__error_prefix(&e, KOC_OK, "x"), KOC_OK);
    assert_null(e);
    koc__error(&e, KOC_EIO, "of an earlier call");
    assert_int_equal(koc__error_prefix(&e, KOC_OK, "x"), KOC_OK);
    assert_string_equal(koc_error_message(e), "of an earlier call");
    koc_error_free(e);
}

KOC_TEST(error_option_names_what_was_refused)
{
    koc_error *e = NULL;
    assert_int_equal(koc__error_option(&e, "jobs", "%d is negative", -1), KOC_EINVAL);
    assert_string_equal(koc_error_message(e), "jobs: -1 is negative");
    assert_string_equal(koc_error_option(e), "jobs");
    koc_error_free(e);
    assert_int_equal(koc__error_option(NULL, "jobs", "x"), KOC_EINVAL);
    assert_null(koc_error_option(NULL));
}

KOC_TEST(error_hint_says_what_it_is_about)
{
    koc_error *e = NULL;
    koc__error(&e, KOC_EAUTH, "no");
    assert_int_equal(koc_error_hint_kind(e), KOC_HINT_NONE);
    koc__error_hint_on(&e, KOC_HINT_LOGIN, "r.example", "log in to %s", "r.example");
    assert_string_equal(koc_error_hint(e), "log in to r.example");
    assert_int_equal(koc_error_hint_kind(e), KOC_HINT_LOGIN);
    assert_string_equal(koc_error_hint_argument(e), "r.example");
    koc__error_hint(&e, "or else");
    assert_int_equal(koc_error_hint_kind(e), KOC_HINT_NONE);
    assert_null(koc_error_hint_argument(e));
    assert_int_equal(koc_error_hint_kind(NULL), KOC_HINT_NONE);
    for (uint64_t n = 1; n < 3; n++) {
        koc__error(&e, KOC_EAUTH, "no");
        koc__alloc_fail_after(n);
        koc__error_hint_on(&e, KOC_HINT_LOGIN, "r.example", "log in");
        koc__alloc_fail_after(0);
        assert_int_equal(koc_error_hint_kind(e), KOC_HINT_NONE);
    }
    koc_error_free(e);
}

KOC_TEST(error_suffix_keeps_everything_else)
{
    koc_error *e = NULL;
    koc__error(&e, KOC_ENET, "connection refused");
    koc__error_hint(&e, "is it running?");
    koc__error_suffix(&e, " (%u attempts)", 3u);
    assert_string_equal(koc_error_message(e), "connection refused (3 attempts)");
    assert_string_equal(koc_error_hint(e), "is it running?");
    koc_error_free(e);
    koc__error_suffix(NULL, "x");
}

static int fails_then_cleans_up(koc_code code, koc_error **err)
{
    int rc = koc__error(err, code, "inner");
    koc__error(NULL, KOC_ENET, "the clean-up fails too");
    return koc__error_prefix(err, rc, "outer");
}

KOC_TEST(error_code_is_the_same_without_an_object)
{
    koc_error *e = NULL;
    assert_int_equal(fails_then_cleans_up(KOC_EDENIED, &e), KOC_EDENIED);
    assert_int_equal(koc_error_code(e), KOC_EDENIED);
    koc_error_free(e);
    assert_int_equal(fails_then_cleans_up(KOC_EDENIED, NULL), KOC_EDENIED);
    koc__oom(NULL);
    assert_int_equal(koc__error_prefix(NULL, KOC_EAUTH, "x"), KOC_EAUTH);
}

KOC_TEST(error_move)
{
    koc_error *from = NULL;
    koc_error *to = NULL;
    koc__error(&to, KOC_EIO, "old");
    koc__error(&from, KOC_ENET, "new");
    assert_int_equal(koc__error_move(&to, &from), KOC_ENET);
    assert_null(from);
    assert_string_equal(koc_error_message(to), "new");
    assert_int_equal(koc__error_move(NULL, &to), KOC_ENET);
    assert_null(to);
    koc__error(NULL, KOC_EIO, "somebody else's");
    assert_int_equal(koc__error_move(NULL, &to), KOC_EMISUSE);
}

KOC_TEST(error_out_of_memory_is_static_and_cannot_be_changed)
{
    koc_error *e = NULL;
    koc_error *f = NULL;
    assert_int_equal(koc__oom(&e), KOC_ENOMEM);
    koc__error_hint(&e, "buy some");
    koc__error_detail(&e, KOC__STR("x"));
    koc__error_http(&e, 500, "X");
    koc__error_retryable(&e, true);
    koc__error_prefix(&e, KOC_ENOMEM, "pushing");
    koc__error_suffix(&e, "!");
    assert_string_equal(koc_error_message(e), "out of memory");
    assert_null(koc_error_hint(e));
    assert_false(koc_error_is_retryable(e));
    koc__oom(&f);
    assert_ptr_equal(e, f);
    assert_int_equal(koc__error_user(&f, &e, "on top"), KOC_EUSER);
    assert_string_equal(koc_error_message(f), "on top: out of memory");
    koc__oom(&e);
    assert_ptr_equal(koc_error_cause(f), e);
    koc_error_free(e);
    koc_error_free(e);
    koc_error_free(f);
}

KOC_TEST(error_without_memory_still_returns_its_code)
{
    for (uint64_t n = 1; n < 12; n++) {
        koc_error *e = NULL;
        int rc;

        koc__alloc_fail_after(n);
        rc = koc__error(&e, KOC_EDIGEST, "wrong");
        koc__error_hint(&e, "h");
        koc__error_detail(&e, KOC__STR("d"));
        koc__error_http(&e, 400, "C");
        koc__error_prefix(&e, rc, "p");
        koc__error_suffix(&e, "s");
        koc__alloc_fail_after(0);
        assert_int_equal(rc, KOC_EDIGEST);
        assert_non_null(e);
        assert_true(koc_error_code(e) == KOC_EDIGEST || koc_error_code(e) == KOC_ENOMEM);
        koc_error_free(e);
    }
}

KOC_TEST(error_new_for_callbacks)
{
    koc_error *e = koc_error_new(KOC_EAUTH, "bad\npassword");
    assert_int_equal(koc_error_code(e), KOC_EAUTH);
    assert_string_equal(koc_error_message(e), "bad?password");
    koc_error_free(e);
    e = koc_error_new(KOC_OK, NULL);
    assert_int_equal(koc_error_code(e), KOC_EUSER);
    koc_error_free(e);
    koc__alloc_fail_after(1);
    e = koc_error_new(KOC_EAUTH, "x");
    koc__alloc_fail_after(0);
    assert_int_equal(koc_error_code(e), KOC_ENOMEM);
    koc_error_free(e);
}

KOC_TEST(error_long_cause_chains_do_not_eat_the_stack)
{
    koc_error *e = NULL;
    koc__error(&e, KOC_EIO, "0");
    for (int i = 0; i < 100000; i++) {
        koc_error *inner = koc__steal(&e);
        koc__error_user(&e, &inner, "x");
    }
    koc_error_free(e);
}

KOC_TEST(error_code_names)
{
    for (koc_code c = 0; c >= KOC_EVERIFY; c--) {
        assert_int_equal(strncmp(koc_code_name(c), "KOC_", 4), 0);
        assert_string_not_equal(koc_code_name(c), "KOC_E?");
    }
    assert_string_equal(koc_code_name(KOC_EDIGEST), "KOC_EDIGEST");
    assert_string_equal(koc_code_name(KOC_EUSER), "KOC_EUSER");
    assert_string_equal(koc_code_name(-29), "KOC_E?");
    assert_string_equal(koc_code_name(1), "KOC_E?");
}

KOC_TEST(error_some_codes_are_worth_a_retry)
{
    koc_error *e = NULL;
    koc__error(&e, KOC_ENET, "x");
    assert_true(koc_error_is_retryable(e));
    koc__error(&e, KOC_EINVAL, "x");
    assert_false(koc_error_is_retryable(e));
    koc_error_free(e);
}
