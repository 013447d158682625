#include "core/common.h"

#include <pthread.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif
#include <time.h>
#include <unistd.h>

#include "core/map.h"
#include "core/str.h"

/*
 * The entries are in one array in the order of insertion; an open-addressing table holds their positions. A
 * removed entry stays as a gap until the next rebuild.
 */
typedef struct entry {
    char *key; /* NULL: removed */
    size_t key_len;
    uint64_t hash;
    void *value;
} entry;

enum { EMPTY = 0 }; /* slots hold position + 1 */

struct koc__map {
    void (*free_value)(void *value);
    entry *entries;
    size_t used; /* entries, gaps included */
    size_t capacity;
    size_t live;
    size_t *slots;
    size_t n_slots; /* a power of two, or 0 */
};

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    struct timespec now;
    if (getentropy(seed, sizeof(seed)) == 0) {
        return;
    }
    /* Without randomness from the kernel, still different in each run. */
    clock_gettime(CLOCK_REALTIME, &now);
    seed[0] = (uint64_t)now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)getpid();
    seed[1] = (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)&now;
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* SipHash-1-3. */
static uint64_t hash_of(koc_str key)
{
    uint64_t v[4] = {
        seed[0] ^ UINT64_C(0x736f6d6570736575),
        seed[1] ^ UINT64_C(0x646f72616e646f6d),
        seed[0] ^ UINT64_C(0x6c7967656e657261),
        seed[1] ^ UINT64_C(0x7465646279746573),
    };
    uint64_t word = 0;
    size_t i = 0;

    for (; i + 8 <= key.len; i += 8) {
        memcpy(&word, key.ptr + i, 8);
        sip_word(v, word);
    }
    word = (uint64_t)key.len << 56;
    for (unsigned shift = 0; i < key.len; i++, shift += 8) {
        word |= (uint64_t)(unsigned char)key.ptr[i] << shift;
    }
    sip_word(v, word);
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

koc__map *koc__map_new(void (*free_value)(void *value))
{
    koc__map *m = koc__calloc(1, sizeof(*m));
    pthread_once(&seed_once, make_seed);
    if (m) {
        m->free_value = free_value;
    }
    return m;
}

static void drop_value(const koc__map *m, void *value)
{
    if (m->free_value && value) {
        m->free_value(value);
    }
}

void koc__map_free(koc__map *m)
{
    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].key) {
            koc__free(m->entries[i].key);
            drop_value(m, m->entries[i].value);
        }
    }
    koc__free(m->entries);
    koc__free(m->slots);
    koc__free(m);
}

static entry *find(const koc__map *m, koc_str key, uint64_t hash)
{
    size_t mask = m->n_slots - 1;
    if (m->n_slots == 0) {
        return NULL;
    }
    for (size_t at = (size_t)hash & mask; m->slots[at] != EMPTY; at = (at + 1) & mask) {
        entry *e = &m->entries[m->slots[at] - 1];

        if (e->key && e->hash == hash && koc__str_eq((koc_str){e->key, e->key_len}, key)) {
            return e;
        }
    }
    return NULL;
}

static void place(size_t *slots, size_t n_slots, uint64_t hash, size_t position)
{
    size_t at = (size_t)hash & (n_slots - 1);
    while (slots[at] != EMPTY) {
        at = (at + 1) & (n_slots - 1);
    }
    slots[at] = position + 1;
}

/* Makes room for one more: a table at most half full, without gaps. */
static bool rebuild(koc__map *m)
{
    size_t n_slots = 16;
    size_t *slots;
    size_t kept = 0;
    while (n_slots < (m->live + 1) * 4) {
        if (!koc__mul_size(n_slots, 2, &n_slots)) {
            return false;
        }
    }
    slots = koc__calloc(n_slots, sizeof(*slots));
    if (!slots) {
        return false;
    }
    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].key) {
            m->entries[kept] = m->entries[i];
            place(slots, n_slots, m->entries[kept].hash, kept);
            kept++;
        }
    }
    m->used = kept;
    koc__free(m->slots);
    m->slots = slots;
    m->n_slots = n_slots;
    return true;
}

int koc__map_set(koc__map *m, koc_str key, void *value, koc_error **err)
{
    uint64_t hash = hash_of(key);
    entry *e = find(m, key, hash);
    void *entries = m->entries;
    if (e) {
        void *old = e->value;

        e->value = value;
        if (old != value) {
            drop_value(m, old);
        }
        return KOC_OK;
    }
    if (m->used + 1 > m->n_slots / 2 && !rebuild(m)) {
        return koc__oom(err);
    }
    if (!koc__grow(&entries, &m->capacity, m->used + 1, sizeof(*m->entries))) {
        return koc__oom(err);
    }
    m->entries = entries;
    char *copy = koc__str_dup(key);
    if (!copy) {
        return koc__oom(err);
    }
    m->entries[m->used] = (entry){copy, key.len, hash, value};
    place(m->slots, m->n_slots, hash, m->used);
    m->used++;
    m->live++;
    return KOC_OK;
}

void *koc__map_get(const koc__map *m, koc_str key)
{
    entry *e = find(m, key, hash_of(key));
    return e ? e->value : NULL;
}

void koc__map_remove(koc__map *m, koc_str key)
{
    entry *e = find(m, key, hash_of(key));
    if (e) {
        void *value = e->value;

        koc__free(e->key);
        e->key = NULL;
        e->value = NULL;
        m->live--;
        drop_value(m, value);
    }
}

size_t koc__map_count(const koc__map *m)
{
    return m->live;
}

bool koc__map_next(const koc__map *m, size_t *cursor, koc_str *key, void **value)
{
    while (*cursor < m->used) {
        const entry *e = &m->entries[(*cursor)++];

        if (e->key) {
            *key = (koc_str){e->key, e->key_len};
            *value = e->value;
            return true;
        }
    }
    return false;
}
