/* Hashes the linked program: one pass, and none if the cache has the hashes of the program that go identifies so. */
#include "core/common.h"

#include "core/hash/crypto.h"
#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/io/fs.h"
#include "core/str.h"
#include "sbom/bom.h"

#define KIND  "program"
#define PIECE ((size_t)256 << 10)

KOC__DEFINE_AUTO(koc__sha512_state, koc__sha512_free);

static int hash_fd(int fd, const char *path, koc__call *call, koc__sbom_hashes *out,
                   koc_error **err)
{
    KOC__AUTO(koc__sha512_state) big = NULL;
    KOC__AUTO_STR piece = koc__malloc(PIECE);
    koc__sha256 small;
    size_t n;
    if (!piece) {
        return koc__oom(err);
    }
    KOC__TRY(koc__sha512_new(&big, err));
    koc__sha256_init(&small);
    do {
        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc__fs_read_fd(fd, piece, PIECE, &n, path, err));
        koc__sha256_update(&small, piece, n);
        KOC__TRY(koc__sha512_update(big, piece, n, err));
    } while (n == PIECE);
    koc__sha256_final(&small, out->sha256);
    return koc__sha512_finish(big, out->sha512, err);
}

int koc__sbom_hash_file(const char *path, const char *build_id, koc__call *call,
                        koc__sbom_hashes *out, koc_error **err)
{
    koc__cache *cache = call && call->ctx ? call->ctx->cache : NULL;
    KOC__AUTO_FD fd = -1;
    KOC__AUTO_VAL(koc_buf) record = KOC_BUF_INIT;
    bool found = false;
    koc__sbom_hashes hashes;
    koc_str key = koc__str(build_id ? build_id : "");
    if (key.len > 0 &&
        koc__cache_get(cache, KIND, key, sizeof(hashes), &found, &record, NULL) == KOC_OK &&
        found && record.len == sizeof(hashes)) {
        memcpy(out, record.ptr, sizeof(hashes));
        return KOC_OK;
    }
    KOC__TRY(koc__fs_open_read(path, &fd, err));
    KOC__TRY(hash_fd(fd, path, call, &hashes, err));
    if (key.len > 0) {
        (void)koc__cache_put(cache, KIND, key, koc__str_n((const char *)&hashes, sizeof(hashes)),
                             NULL);
    }
    *out = hashes;
    return KOC_OK;
}
