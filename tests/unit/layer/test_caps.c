/* linux_capabilities: names, clauses, the attribute's bytes. */
#include "helper.h"

#include "core/text.h"

static int encode(const char *a, const char *b, bool *any, char hex[2 * KOC__CAPS_SIZE + 1],
                  koc_error **err)
{
    KOC__AUTO(koc_strlist) terms = NULL;
    uint8_t out[KOC__CAPS_SIZE];
    KOC__TRY(koc__strlist_new(&terms, err));
    KOC__TRY(koc__strlist_add(terms, a, err));
    if (b) {
        KOC__TRY(koc__strlist_add(terms, b, err));
    }
    KOC__TRY(koc__caps_encode(terms, any, out, err));
    koc__hex(out, sizeof(out), hex);
    return KOC_OK;
}

static void gives(const char *a, const char *b, const char *expect)
{
    char hex[2 * KOC__CAPS_SIZE + 1];
    bool any = false;
    koc_error *err = NULL;
    ok(encode(a, b, &any, hex, &err), err);
    assert_string_equal(hex, expect);
    assert_true(any);
}

KOC_TEST(caps_names_go_to_permitted)
{
    gives("net_bind_service chown", NULL, "0000000201040000000000000000000000000000");
    gives("net_bind_service", "chown", "0000000201040000000000000000000000000000");
    gives("CAP_Net_Bind_Service", NULL, "0000000200040000000000000000000000000000");
    gives("checkpoint_restore", NULL, "0000000200000000000000000001000000000000");
    gives("63", NULL, "0000000200000000000000000000008000000000");
    gives("all", NULL, "00000002ffffffff00000000ff01000000000000");
}

KOC_TEST(caps_clauses_act_from_left_to_right)
{
    gives("chown=ep", NULL, "0100000201000000000000000000000000000000");
    gives("chown,kill+i", NULL, "0000000200000000210000000000000000000000");
    gives("=p", NULL, "00000002ffffffff00000000ff01000000000000");
    gives("=p chown-p", NULL, "00000002feffffff00000000ff01000000000000");
    gives("chown=p-p+i", NULL, "0000000200000000010000000000000000000000");
    gives("kill=p chown=e chown=p", NULL, "0000000221000000000000000000000000000000");
    gives("kill=ep chown=i", NULL, "0100000220000000010000000000000000000000");
    gives("chown=p=i", NULL, "0000000200000000010000000000000000000000");
}

KOC_TEST(caps_may_come_to_nothing)
{
    char hex[2 * KOC__CAPS_SIZE + 1];
    bool any = true;
    koc_error *err = NULL;
    ok(encode("chown=p", "chown-p", &any, hex, &err), err);
    assert_false(any);
    any = true;
    ok(encode("chown+e", NULL, &any, hex, &err), err);
    assert_false(any);
}

KOC_TEST(caps_refuse_what_they_do_not_know)
{
    static const char *const bad[] = {
        "chwon", "64", "chown,", "+p", "-p", "chown+x", ",chown=p", "cap_", "99999999999999999999"};
    char hex[2 * KOC__CAPS_SIZE + 1];
    bool any = false;
    koc_error *err = NULL;
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        fails(encode(bad[i], NULL, &any, hex, &err), KOC_EINVAL, &err);
    }
    assert_int_equal(encode("chwon", NULL, &any, hex, &err), KOC_EINVAL);
    assert_non_null(strstr(koc_error_message(err), "\"chwon\""));
    koc__error_clear(&err);
}
