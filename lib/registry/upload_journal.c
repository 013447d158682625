#include "core/common.h"

#include "registry/upload_journal.h"

#include "core/hash/digests.h"
#include "core/io/cache.h"
#include "core/text.h"
#include "registry/client.h"

#define KIND       "uploads"
#define VERSION    "1"
#define LIFE_S     (24 * 3600)
#define RECORD_MAX (KOC__URL_MAX + 64)

void koc__journal_open(koc__journal *j, const koc__host *h, const char *repository,
                       const koc_digest *d, uint64_t size)
{
    koc__cache *cache = h->client->ctx->cache;
    if (!cache || size < KOC__JOURNAL_SMALLEST) {
        return;
    }
    j->key = koc__format("%s/%s@%s %llu", h->wire, repository, koc__digest_str(d).s,
                         (unsigned long long)size);
    if (j->key && koc__cache_lock_now(cache, KIND, koc__str(j->key), &j->lock, NULL) == KOC_OK &&
        j->lock >= 0) {
        j->cache = cache;
    }
}

bool koc__journal_read(koc_str record, int64_t now, koc_str *address)
{
    koc_str version, rest, expires;
    uint64_t at;
    return koc__str_cut(record, ' ', &version, &rest) && koc__str_is(version, VERSION) &&
           koc__str_cut(rest, ' ', &expires, address) && koc__str_u64(expires, &at) &&
           now < (int64_t)KOC__MIN(at, (uint64_t)INT64_MAX) && (int64_t)at - now <= LIFE_S;
}

bool koc__journal_looks_secret(const char *target)
{
    static const char *const words[] = {"sig", "token", "secret", "key", "cred", "auth", "pass"};
    koc_str path, query = {"", 0}, parameter;
    koc__str_cut(koc__str(target), '?', &path, &query);
    while (koc__str_split(&query, '&', &parameter)) {
        koc_str name = parameter, value;
        koc__str_cut(parameter, '=', &name, &value);
        KOC__AUTO_STR lower = koc__str_lower(name);
        for (size_t i = 0; i < KOC__COUNT(words); i++) {
            if (!lower || strstr(lower, words[i])) {
                return true;
            }
        }
    }
    return false;
}

/* Whether u has the origin of h. */
static bool is_of_host(const koc__host *h, const koc__url *u)
{
    KOC__AUTO_STR origin = koc__url_origin(u);
    return origin && strcmp(origin + (u->https ? 8 : 7), h->wire) == 0;
}

void koc__journal_recall(koc__journal *j, const koc__host *h, koc__url *out)
{
    koc_buf record = KOC_BUF_INIT;
    koc__url u = KOC__URL_INIT;
    koc_str address;
    bool found = false;
    if (j->cache &&
        koc__cache_get(j->cache, KIND, koc__str(j->key), RECORD_MAX, &found, &record, NULL) ==
            KOC_OK &&
        found) {
        if (koc__journal_read(koc__str_n(record.ptr, record.len), koc__now(), &address) &&
            koc__url_parse(address, &u, NULL) == KOC_OK && is_of_host(h, &u)) {
            *out = u;
        } else {
            koc__url_dispose(&u);
            koc__journal_forget(j);
        }
    }
    koc_buf_dispose(&record);
}

void koc__journal_note(koc__journal *j, const koc__host *h, const koc__url *session)
{
    if (!j->cache) {
        return;
    }
    if (!is_of_host(h, session) || koc__journal_looks_secret(session->target)) {
        koc__journal_forget(j);
        return;
    }
    KOC__AUTO_STR address = koc__url_string(session);
    KOC__AUTO_STR record =
        address ? koc__format("%s %lld %s", VERSION, (long long)koc__now() + LIFE_S, address)
                : NULL;
    /* A failure to keep it does no harm. */
    if (record) {
        (void)koc__cache_put(j->cache, KIND, koc__str(j->key), koc__str(record), NULL);
    }
}

void koc__journal_forget(koc__journal *j)
{
    if (j->cache) {
        (void)koc__cache_drop(j->cache, KIND, koc__str(j->key), NULL);
    }
}

void koc__journal_close(koc__journal *j)
{
    if (j->lock >= 0) {
        close(j->lock);
    }
    koc__free(j->key);
    *j = (koc__journal)KOC__JOURNAL_INIT;
}
