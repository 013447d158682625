/* Collects the bytes of a new layer, and makes a blob of them. */
#include "core/common.h"

#include "core/io/cache.h"
#include "core/io/io.h"
#include "layer/packer.h"

enum { MEMORY_MAX = 1 << 30 };

static int open_nameless(koc__spool *s, koc_error **err)
{
    s->cached = false;
    return koc__tempfile_nameless(&s->file, err);
}

static int open_file(koc__spool *s, koc_error **err)
{
    s->cached = koc__cache_is_on(s->ctx->cache) &&
                koc__cache_tempfile(s->ctx->cache, &s->file, NULL) == KOC_OK;
    return s->cached ? KOC_OK : open_nameless(s, err);
}

/* Moves the data to a file outside the cache. */
static int leave_cache(koc__spool *s, koc_error **err)
{
    KOC__AUTO_VAL(koc__tempfile) old = s->file;
    char chunk[64 * 1024];
    s->file = (koc__tempfile)KOC__TEMPFILE_INIT;
    if (old.fd < 0) { /* it was complete, but could not be renamed */
        KOC__TRY(koc__fs_open_read(old.path, &old.fd, err));
    }
    KOC__TRY(open_nameless(s, err));
    for (uint64_t at = 0; at < s->size;) {
        ssize_t n = pread(old.fd, chunk, KOC__MIN(sizeof(chunk), s->size - at), (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return koc__error_errno(err, n < 0 ? errno : EIO, "cannot read %s", old.path);
        }
        KOC__TRY(koc__fs_write_fd(s->file.fd, chunk, (size_t)n, "a layer's temporary file", err));
        at += (uint64_t)n;
    }
    return KOC_OK;
}

int koc__spool_init(koc__spool *s, koc_ctx *ctx, bool in_memory, koc_error **err)
{
    *s = (koc__spool){.ctx = ctx,
                      .in_memory = in_memory,
                      .file = KOC__TEMPFILE_INIT,
                      .memory = KOC__DYNBUF_INIT(MEMORY_MAX)};
    koc__sha256_init(&s->hash);
    return in_memory ? KOC_OK : open_file(s, err);
}

int koc__spool_write(koc__spool *s, const void *data, size_t len, koc_error **err)
{
    koc__sha256_update(&s->hash, data, len);
    if (s->in_memory) {
        s->size += len;
        return koc__dynbuf_append(&s->memory, data, len, err);
    }
    if (s->cached && koc__fs_write_fd(s->file.fd, data, len, "", NULL) == KOC_OK) {
        s->size += len;
        return KOC_OK;
    }
    KOC__TRY(s->cached ? leave_cache(s, err) : KOC_OK);
    s->size += len;
    return koc__fs_write_fd(s->file.fd, data, len, "a layer's temporary file", err);
}

static int memory_blob(koc__spool *s, const koc_digest *digest, koc_blob **out, koc_error **err)
{
    size_t len = s->memory.len;
    char *data = koc__dynbuf_steal(&s->memory);
    if (!data) {
        return koc__oom(err);
    }
    int rc = koc__blob_take(data, len, digest, out, err);
    if (rc != KOC_OK) {
        koc__free(data);
    }
    return rc;
}

int koc__spool_finish(koc__spool *s, koc_blob **out, koc_digest *digest, koc_error **err)
{
    koc_digest d = {0};
    koc__sha256_digest(&s->hash, &d);
    if (s->in_memory) {
        KOC__TRY(memory_blob(s, &d, out, err));
    } else if (!s->cached || koc__cache_put_file(s->ctx->cache, &d, &s->file, NULL) != KOC_OK) {
        KOC__TRY(s->cached ? leave_cache(s, err) : KOC_OK);
        KOC__TRY(koc__blob_from_nameless(&s->file, s->size, &d, out, err));
    } else {
        KOC__TRY(koc__cache_fresh_blob(s->ctx->cache, &d, s->size, out, err));
    }
    *digest = d;
    return KOC_OK;
}

void koc__spool_dispose(koc__spool *s)
{
    koc__tempfile_dispose(&s->file);
    koc__dynbuf_dispose(&s->memory);
}
