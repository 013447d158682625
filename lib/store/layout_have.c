/*
 * Whether a layout has a blob, by its content: a size does not show a flipped byte, and a blob that counts as
 * present is never written again. To read every blob would cost more than a build that changes nothing, so
 * the cache records the stamp of each verified file.
 */
#include "core/common.h"

#include "core/io/cache.h"
#include "core/io/fs.h"
#include "core/io/io.h"
#include "core/str.h"
#include "core/text.h"
#include "store/layout.h"

#define RECORD "layoutblob"

enum { SETTLED_S = 2 }; /* a second change so soon after the first may not change the stamp */

static bool recorded(const koc_layout *l, const char *path, const koc__stamp *now)
{
    KOC__AUTO_VAL(koc_buf) kept = KOC_BUF_INIT;
    bool found = false;
    if (koc__cache_get(l->ctx->cache, RECORD, koc__str(path), sizeof(*now), &found, &kept, NULL) !=
            KOC_OK ||
        !found || kept.len != sizeof(*now)) {
        return false;
    }
    koc__stamp then;
    memcpy(&then, kept.ptr, sizeof(then));
    return koc__stamp_equal(&then, now) && koc__fs_has_ctime(path);
}

/* Only saves work next time, so failing to keep it is not an error. */
static void record(const koc_layout *l, const char *path, const koc__stamp *before)
{
    koc__stamp after;
    int64_t changed_s = before->ctime_ns / 1000000000;
    if (koc__fs_stamp(path, true, &after, NULL) == KOC_OK && koc__stamp_equal(before, &after) &&
        koc__now() - changed_s > SETTLED_S) {
        (void)koc__cache_put(l->ctx->cache, RECORD, koc__str(path),
                             koc__str_n((const char *)before, sizeof(*before)), NULL);
    }
}

int koc__layout_has(const koc_layout *l, const char *path, const koc_digest *d, uint64_t size,
                    koc__call *call, bool *out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    koc__stamp stamp;
    koc_error *why = NULL;
    *out = false;
    if (koc__fs_stamp(path, true, &stamp, NULL) != KOC_OK || !S_ISREG(stamp.mode) ||
        stamp.size != size) {
        return KOC_OK;
    }
    if (recorded(l, path, &stamp)) {
        *out = true;
        return KOC_OK;
    }
    int rc = koc_blob_from_file(path, d, &blob, &why);
    rc = rc == KOC_OK ? koc__blob_open(blob, 0, call, &in, &why) : rc;
    rc = rc == KOC_OK ? koc_reader_finish(in, &why) : rc;
    if (rc != KOC_OK && rc != KOC_EDIGEST && rc != KOC_ENOTFOUND) {
        return koc__error_move(err, &why);
    }
    koc__error_clear(&why);
    *out = rc == KOC_OK;
    if (*out) {
        record(l, path, &stamp);
    }
    return KOC_OK;
}
