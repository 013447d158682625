/* Hashes the linked program. Builds do not use it yet: they set no koc__sbom_options.binary. */
#include "core/common.h"

#include "core/hash/crypto.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/io/fs.h"
#include "core/str.h"
#include "sbom/bom.h"

#define KIND  "sha1" /* of records; their key is the SHA-256, so they never expire */
#define PIECE ((size_t)64 << 10)

KOC__DEFINE_AUTO(koc__sha1_state, koc__sha1_free);

static koc__cache *cache_of(const koc__call *call)
{
    return call && call->ctx ? call->ctx->cache : NULL;
}

static bool from_cache(koc__cache *c, const koc_digest *known, uint8_t sha1[20])
{
    KOC__AUTO_VAL(koc_buf) record = KOC_BUF_INIT;
    bool found = false;
    koc__digest_text key = koc__digest_str(known);
    if (koc__cache_get(c, KIND, koc__str(key.s), 20, &found, &record, NULL) != KOC_OK || !found ||
        record.len != 20) {
        return false;
    }
    memcpy(sha1, record.ptr, 20);
    return true;
}

static int hash_fd(int fd, const char *path, koc__call *call, uint8_t sha256[32], uint8_t sha1[20],
                   koc_error **err)
{
    KOC__AUTO(koc__sha1_state) one = NULL;
    KOC__AUTO_STR piece = koc__malloc(PIECE);
    koc__sha256 two;
    size_t n;
    if (!piece) {
        return koc__oom(err);
    }
    KOC__TRY(koc__sha1_new(&one, err));
    koc__sha256_init(&two);
    do {
        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc__fs_read_fd(fd, piece, PIECE, &n, path, err));
        koc__sha256_update(&two, piece, n);
        KOC__TRY(koc__sha1_update(one, piece, n, err));
    } while (n == PIECE);
    koc__sha256_final(&two, sha256);
    return koc__sha1_finish(one, sha1, err);
}

int koc__sbom_hash_file(const char *path, const koc_digest *known, koc__call *call,
                        uint8_t sha256[32], uint8_t sha1[20], koc_error **err)
{
    koc__cache *cache = cache_of(call);
    KOC__AUTO_FD fd = -1;
    if (known && known->algorithm != KOC_DIGEST_SHA256) {
        known = NULL;
    }
    if (cache && known && from_cache(cache, known, sha1)) {
        memcpy(sha256, known->bytes, 32);
        return KOC_OK;
    }
    KOC__TRY(koc__fs_open_read(path, &fd, err));
    KOC__TRY(hash_fd(fd, path, call, sha256, sha1, err));
    if (known && memcmp(known->bytes, sha256, 32) != 0) {
        return koc__error(err, KOC_EDIGEST, "%s changed while it was packed", path);
    }
    if (cache) {
        koc_digest d = {.algorithm = KOC_DIGEST_SHA256, .len = 32};
        memcpy(d.bytes, sha256, 32);
        koc__digest_text key = koc__digest_str(&d);
        (void)koc__cache_put(cache, KIND, koc__str(key.s), koc__str_n((const char *)sha1, 20),
                             NULL);
    }
    return KOC_OK;
}
