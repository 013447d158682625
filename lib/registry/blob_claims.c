#include "core/common.h"

#include "registry/blob_claims.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/map.h"
#include "core/run/timed_wait.h"
#include "core/str.h"

#define CHECK_MS  50 /* how soon a waiting thread notices that its call was cancelled */
#define ASK_UNTIL 32 /* missing blobs in a row after which asking is not worth it */
#define ASK_EACH  16

struct koc__blob_claims {
    pthread_mutex_t mutex; /* guards the map */
    pthread_cond_t changed;
    koc__map *marks;     /* "repository@digest": &uploading or &present; or NULL while empty */
    atomic_uint missing; /* blobs in a row that were asked for and not there */
};

/* The values of the map are the addresses of these two. */
static char uploading, present;

koc__blob_claims *koc__claims_new(void)
{
    koc__blob_claims *c = koc__calloc(1, sizeof(*c));
    if (c) {
        pthread_mutex_init(&c->mutex, NULL);
        koc__cond_init(&c->changed);
    }
    return c;
}

void koc__claims_free(koc__blob_claims *c)
{
    if (c) {
        koc__map_free(c->marks);
        pthread_mutex_destroy(&c->mutex);
        pthread_cond_destroy(&c->changed);
        koc__free(c);
    }
}

static char *claim_key(const char *repository, const koc_digest *d)
{
    return koc__format("%s@%s", repository, koc__digest_str(d).s);
}

/* Whether d is being uploaded somewhere and is in no repository yet. */
static bool is_first_under_way(const koc__blob_claims *c, const koc_digest *d)
{
    koc__digest_text text = koc__digest_str(d);
    bool under_way = false;
    size_t cursor = 0;
    koc_str key, name, digest;
    void *mark;
    while (c->marks && koc__map_next(c->marks, &cursor, &key, &mark)) {
        if (koc__str_cut(key, '@', &name, &digest) && koc__str_is(digest, text.s)) {
            if (mark == &present) {
                return false;
            }
            under_way = true;
        }
    }
    return under_way;
}

static int claim_locked(koc__blob_claims *c, koc_str key, const koc_digest *to_mount,
                        koc__claim *out, bool *wait, koc_error **err)
{
    if (!c->marks) {
        c->marks = koc__map_new(NULL);
        if (!c->marks) {
            return koc__oom(err);
        }
    }
    const char *mark = koc__map_get(c->marks, key);
    *wait = mark == &uploading;
    if (mark == &present) {
        *out = KOC__CLAIM_PRESENT;
        return KOC_OK;
    }
    if (!mark && to_mount && is_first_under_way(c, to_mount)) {
        *wait = true;
    } else if (!mark) {
        *out = KOC__CLAIM_MINE;
        return koc__map_set(c->marks, key, &uploading, err);
    }
    return KOC_OK;
}

int koc__claim_begin(koc__blob_claims *c, const char *repository, const koc_digest *d,
                     bool to_mount, koc__call *call, koc__claim *out, koc_error **err)
{
    KOC__AUTO_STR key = claim_key(repository, d);
    bool wait = true;
    if (!key) {
        return koc__oom(err);
    }
    while (wait) {
        pthread_mutex_lock(&c->mutex);
        int rc = claim_locked(c, koc__str(key), to_mount ? d : NULL, out, &wait, err);
        if (rc == KOC_OK && wait) {
            koc__cond_wait_ms(&c->changed, &c->mutex, CHECK_MS);
        }
        pthread_mutex_unlock(&c->mutex);
        KOC__TRY(rc);
        KOC__TRY(koc__call_check(call, err));
    }
    return KOC_OK;
}

void koc__claim_end(koc__blob_claims *c, const char *repository, const koc_digest *d, bool done)
{
    KOC__AUTO_STR key = claim_key(repository, d);
    pthread_mutex_lock(&c->mutex);
    if (key && (!done || koc__map_set(c->marks, koc__str(key), &present, NULL) != KOC_OK)) {
        koc__map_remove(c->marks, koc__str(key));
    }
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

bool koc__claim_is_known(koc__blob_claims *c, const char *repository, const koc_digest *d)
{
    KOC__AUTO_STR key = claim_key(repository, d);
    pthread_mutex_lock(&c->mutex);
    bool known = key && c->marks && koc__map_get(c->marks, koc__str(key)) == &present;
    pthread_mutex_unlock(&c->mutex);
    return known;
}

char *koc__claim_find_other(koc__blob_claims *c, const char *repository, const koc_digest *d)
{
    koc__digest_text text = koc__digest_str(d);
    char *found = NULL;
    size_t cursor = 0;
    koc_str key, name, digest;
    void *mark;
    pthread_mutex_lock(&c->mutex);
    while (!found && c->marks && koc__map_next(c->marks, &cursor, &key, &mark)) {
        if (mark == &present && koc__str_cut(key, '@', &name, &digest) &&
            koc__str_is(digest, text.s) && !koc__str_is(name, repository)) {
            found = koc__str_dup(name);
        }
    }
    pthread_mutex_unlock(&c->mutex);
    return found;
}

bool koc__claims_should_ask(koc__blob_claims *c)
{
    unsigned missing = c->missing;
    return missing < ASK_UNTIL || missing % ASK_EACH == 0;
}

void koc__claims_note_answer(koc__blob_claims *c, bool there)
{
    c->missing = there ? 0 : c->missing + 1;
}
