#include "core/common.h"

#include <koc/context.h>

#include "core/hash/sha256.h"
#include "registry/blob_claims.h"
#include "test.h"

static void call_begin(koc__call *call, koc_ctx *ctx)
{
    koc_op op = KOC_OP_INIT;
    op.timeout_ms = 100;
    assert_int_equal(koc__call_begin(call, ctx, &op, NULL), KOC_OK);
}

static int claim(koc__blob_claims *c, koc_ctx *ctx, const char *repository, const koc_digest *d,
                 bool to_mount, koc__claim *out)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    call_begin(&call, ctx);
    return koc__claim_begin(c, repository, d, to_mount, &call, out, NULL);
}

/* one blob is uploaded once to a repository, and mounted in the next one. */
KOC_TEST(claims_keep_uploads_apart_R131)
{
    koc_ctx *ctx = NULL;
    koc__blob_claims *c = koc__claims_new();
    koc__claim mine;
    koc_digest d;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    koc__sha256_of("x", 1, &d);
    assert_int_equal(claim(c, ctx, "a", &d, false, &mine), KOC_OK);
    assert_int_equal(mine, KOC__CLAIM_MINE);
    assert_int_equal(claim(c, ctx, "a", &d, false, &mine), KOC_ETIMEOUT);
    assert_int_equal(claim(c, ctx, "b", &d, true, &mine), KOC_ETIMEOUT);
    assert_false(koc__claim_is_known(c, "a", &d));
    assert_null(koc__claim_find_other(c, "b", &d)); /* half of it is no source */
    koc__claim_end(c, "a", &d, true);
    assert_int_equal(claim(c, ctx, "a", &d, false, &mine), KOC_OK);
    assert_int_equal(mine, KOC__CLAIM_PRESENT);
    assert_true(koc__claim_is_known(c, "a", &d));

    char *other = koc__claim_find_other(c, "b", &d);
    assert_string_equal(other, "a");
    koc__free(other);
    assert_null(koc__claim_find_other(c, "a", &d));
    assert_int_equal(claim(c, ctx, "b", &d, true, &mine), KOC_OK);
    assert_int_equal(mine, KOC__CLAIM_MINE);
    koc__claim_end(c, "b", &d, false);
    assert_false(koc__claim_is_known(c, "b", &d));
    koc__claims_free(c);
    koc_ctx_unref(ctx);
}

KOC_TEST(claims_stop_asking_while_blobs_are_missing)
{
    koc__blob_claims *c = koc__claims_new();
    unsigned asked = 0;
    for (int i = 0; i < 96; i++) {
        asked += koc__claims_should_ask(c);
        koc__claims_note_answer(c, false);
    }
    assert_int_equal(asked, 32 + 4); /* then every 16th */
    koc__claims_note_answer(c, true);
    assert_true(koc__claims_should_ask(c));
    koc__claims_free(c);
}
