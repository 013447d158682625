/* Copying the content of a blob. */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/io.h"

enum { PIECE = 256 * 1024 };

static int copy_pieces(koc_reader *in, const koc_writer *to, koc_progress *event, koc__call *call,
                       koc_error **err)
{
    KOC__AUTO_STR buf = koc__malloc(PIECE);
    if (!buf) {
        return koc__oom(err);
    }
    for (;;) {
        size_t n = 0;
        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc_reader_read(in, buf, PIECE, &n, err));
        if (n == 0) {
            return KOC_OK;
        }
        KOC__TRY(to->write(to->self, buf, n, err));
        if (event) {
            event->done += n;
            event->state = KOC_STATE_ACTIVE;
            koc__call_progress(call, event);
        }
    }
}

int koc__blob_copy(koc_blob *b, uint64_t size, const koc_digest *digest, const koc_writer *to,
                   koc_progress *event, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_reader) raw = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    KOC__TRY(koc__blob_open(b, 0, call, &raw, err));
    KOC__TRY(koc__reader_verify(raw, size, digest, &in, err));
    koc__steal(&raw);
    return copy_pieces(in, to, event, call, err);
}

static void begin_event(koc_progress *event, uint64_t size, const koc_digest *digest,
                        const koc__digest_text *name, koc__call *call)
{
    *event = (koc_progress)KOC_PROGRESS_INIT;
    event->kind = KOC_PROGRESS_BLOB;
    event->what = name->s;
    event->digest = digest;
    event->total = size;
    event->id = koc__call_new_id(call);
}

void koc__blob_skipped(uint64_t size, const koc_digest *digest, koc__call *call)
{
    const koc__digest_text name = koc__digest_str(digest);
    koc_progress event;
    begin_event(&event, size, digest, &name, call);
    event.state = KOC_STATE_SKIPPED;
    koc__call_progress(call, &event);
}

int koc__blob_copy_reported(koc_blob *b, uint64_t size, const koc_digest *digest,
                            const koc_writer *to, koc__call *call, koc_error **err)
{
    const koc__digest_text name = koc__digest_str(digest);
    koc_progress event;
    begin_event(&event, size, digest, &name, call);
    event.state = KOC_STATE_STARTED;
    koc__call_progress(call, &event);
    int rc = koc__blob_copy(b, size, digest, to, &event, call, err);
    event.state = rc == KOC_OK ? KOC_STATE_FINISHED : KOC_STATE_FAILED;
    koc__call_progress(call, &event);
    return rc;
}

int koc__fd_write(void *self, const void *data, size_t len, koc_error **err)
{
    const koc__fd_target *t = self;
    return koc__fs_write_fd(t->fd, data, len, t->path, err);
}
