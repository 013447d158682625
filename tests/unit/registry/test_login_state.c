#include "core/common.h"

#include "registry/host/login_state.h"
#include "test.h"

static koc_credential *credential(const char *user, const char *secret)
{
    koc_credential *cred = NULL;
    assert_int_equal(koc_credential_new(KOC_CRED_BASIC, user, secret, &cred, NULL), KOC_OK);
    return cred;
}

KOC_TEST(login_state_keeps_a_credential_for_each_repository)
{
    koc__login_state *s = koc__login_new();
    koc_credential *found = NULL;
    char text[128];
    bool known = true;
    assert_int_equal(koc__login_find(s, "a", &known, &found, NULL), KOC_OK);
    assert_false(known);
    assert_int_equal(koc__login_add(s, "a", credential("u", "secret"), NULL), KOC_OK);
    assert_int_equal(koc__login_add(s, "b", NULL, NULL), KOC_OK);
    assert_int_equal(koc__login_find(s, "a", &known, &found, NULL), KOC_OK);
    assert_true(known && found);
    assert_string_equal(koc_credential_secret(found), "secret");
    koc_credential_free(found);
    assert_true(koc__login_is_anonymous(s, "b") && !koc__login_is_anonymous(s, "a"));
    assert_true(koc__login_describe(s, "a", text, sizeof(text)));
    assert_string_equal(text, "given by the program, user u");
    assert_false(koc__login_describe(s, "b", text, sizeof(text)));
    koc__login_free(s);
}

KOC_TEST(login_state_finds_tokens_that_cover_the_actions)
{
    koc__login_state *s = koc__login_new();
    char fresh[] = "t0ken", old[] = "old";
    koc__token_reply reply = {fresh, 60000}, expired = {old, -1};
    assert_int_equal(koc__login_add_token(s, "a|", KOC__ACT_PULL, &reply, NULL), KOC_OK);
    assert_int_equal(koc__login_add_token(s, "b|", KOC__ACT_PULL, &expired, NULL), KOC_OK);
    char *token = koc__login_find_token(s, "a|", KOC__ACT_PULL);
    assert_string_equal(token, "t0ken");
    koc__free(token);
    assert_null(koc__login_find_token(s, "a|", KOC__ACT_PULL | KOC__ACT_PUSH));
    assert_null(koc__login_find_token(s, "b|", KOC__ACT_PULL));
    koc__login_drop_tokens(s, "a|");
    assert_null(koc__login_find_token(s, "a|", KOC__ACT_PULL));
    koc__login_free(s);
}

/* In every form in which a server may repeat it. */
KOC_TEST(login_state_removes_secrets_from_texts)
{
    koc__login_state *s = koc__login_new();
    char text[] = "p@ss word, p%40ss%20word, dTpwQHNzIHdvcmQ=, t0kent0kent0ken, abc";
    char fresh[] = "t0ken";
    koc__token_reply reply = {fresh, 60000};
    assert_int_equal(koc__login_add(s, "a", credential("u", "p@ss word"), NULL), KOC_OK);
    assert_int_equal(koc__login_add(s, "b", credential("u", "abc"), NULL), KOC_OK);
    assert_int_equal(koc__login_add_token(s, "a|", KOC__ACT_PULL, &reply, NULL), KOC_OK);
    koc__login_scrub(s, text);
    assert_string_equal(text,
                        "..., ..., ..., ........., abc"); /* too short to tell from other text */
    koc__login_free(s);
}
