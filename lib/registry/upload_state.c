#include "core/common.h"

#include "registry/upload_state.h"

#include "core/str.h"
#include "registry/registry_error.h"

#define MIB ((uint64_t)1 << 20)

static koc__verdict verdict_of_status(int status)
{
    switch (status) {
    case 200:
    case 201:
    case 204: return KOC__UPLOAD_DONE;
    case 202: return KOC__UPLOAD_CONFIRM;
    case 401:
    case 402:
    case 403:
    case 407:
    case 429:
    case 451: return KOC__UPLOAD_FAIL;
    case 404: return KOC__UPLOAD_RESTART;
    case 413:
    case 416: return KOC__UPLOAD_SMALLER;
    case 501:
    case 505:
    case 507:
    case 511: return KOC__UPLOAD_OTHER;
    default: return status >= 500 ? KOC__UPLOAD_CONFIRM : KOC__UPLOAD_OTHER;
    }
}

koc__verdict koc__upload_verdict(int status, const char *code, koc__failure why)
{
    static const char *const rights[] = {"DENIED", "UNAUTHORIZED", NULL};
    static const char *const lost[] = {"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", NULL};
    if (status == 0) {
        return why == KOC__FAIL_BROKEN || why == KOC__FAIL_SILENT ? KOC__UPLOAD_CONFIRM
                                                                  : KOC__UPLOAD_FAIL;
    }
    if (status >= 400 && koc__regerror_code_in(code, rights)) {
        return KOC__UPLOAD_FAIL;
    }
    if (status == 400 && strcmp(code, "DIGEST_INVALID") == 0) {
        return KOC__UPLOAD_REHASH;
    }
    if (status == 400 && koc__regerror_code_in(code, lost)) {
        return KOC__UPLOAD_RESTART;
    }
    return verdict_of_status(status);
}

bool koc__upload_is_about_form(int status)
{
    return status == 404 || status == 405 || status == 411 || status == 501;
}

/* Range of an upload ("0-499", "bytes=0-499"): how many bytes the registry has. An empty session
 * sends "0-0" too: *none_or_one. False: nothing usable. */
static bool read_range(const char *value, uint64_t *have, bool *none_or_one)
{
    koc_str text = koc__str_trim(koc__str(value)), first, last;
    uint64_t a, b;
    if (koc__str_starts(text, "bytes=")) {
        text = koc__str_from(text, 6);
    } else if (koc__str_starts(text, "bytes ")) {
        text = koc__str_trim(koc__str_from(text, 6));
    }
    if (!koc__str_cut(text, '-', &first, &last) || !koc__str_u64(first, &a) || a != 0) {
        return false;
    }
    if (koc__str_is(last, "-1")) {
        *have = 0; /* Gitea's empty session */
        *none_or_one = false;
        return true;
    }
    if (!koc__str_u64(last, &b) || b >= UINT64_MAX - 1) {
        return false;
    }
    *none_or_one = b == 0;
    *have = b + 1;
    return true;
}

uint64_t koc__upload_after_chunk(const char *range, uint64_t start, uint64_t end)
{
    uint64_t have;
    bool small;
    if (!read_range(range, &have, &small) || small) {
        return end;
    }
    if (have == end || have == end + 1) {
        return end; /* the second: an exclusive end */
    }
    if (have > end) {
        return KOC__OFFSET_LOST;
    }
    /* A range that ends before this chunk began is stale (ECR): the chunk was accepted. */
    return have > start ? have : end;
}

uint64_t koc__upload_resume(const char *range, uint64_t sent)
{
    uint64_t have;
    bool small;
    if (!read_range(range, &have, &small)) {
        return KOC__OFFSET_LOST;
    }
    if (small) {
        return 0;
    }
    return have <= sent ? have : KOC__OFFSET_LOST;
}

uint64_t koc__chunk_size(const char *host, uint64_t known, uint64_t minimum)
{
    koc_str h = koc__str(host);
    uint64_t size = 16 * MIB;
    if (known > 0) {
        size = known;
    } else if (koc__str_is(h, "ghcr.io")) {
        size = 4 * MIB - (64 << 10);
    } else if (koc__str_ends(h, ".amazonaws.com")) {
        size = 10 * MIB;
    }
    return KOC__MAX(size, minimum);
}

uint64_t koc__chunk_shrink(uint64_t tried, uint64_t got, uint64_t minimum)
{
    uint64_t floor = KOC__MAX(KOC__CHUNK_SMALLEST, minimum);
    uint64_t next = KOC__MIN(got, tried) / 2;
    if (tried <= floor) {
        return 0;
    }
    return KOC__MAX(next, floor);
}

/* --- habits of a host --- */

bool koc__upload_prefers_patch(const koc__upload_habits *h)
{
    return h->prefers_patch;
}

void koc__upload_set_patch(koc__upload_habits *h, bool prefer)
{
    h->prefers_patch = prefer;
}

uint64_t koc__upload_body_max(const koc__upload_habits *h)
{
    return h->body_max;
}

uint64_t koc__upload_smaller(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void koc__upload_limit_body(koc__upload_habits *h, uint64_t max)
{
    uint_fast64_t known = h->body_max;
    while (koc__upload_smaller(known, max) != known &&
           !atomic_compare_exchange_weak(&h->body_max, &known, max)) {
        /* the exchange has read known again */
    }
}
