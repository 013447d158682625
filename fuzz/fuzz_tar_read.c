/*
 * The tar reader: any bytes, in small and in large pieces, give the same entries; content never exceeds
 * what the header said, and what our writer takes reads back the same.
 */
#include "fuzz.h"
#include "trickle.h"

#include "core/dynbuf.h"
#include "core/hash/sha256.h"
#include "layer/tar.h"

enum { CONTENT_MAX = 1 << 20, ENTRIES_MAX = 10000 };

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

/* Appends one entry's name, link, metadata and content to out, for comparing. */
static int note(koc__tar_reader *r, const koc__tar_entry *e, koc__dynbuf *out, koc_error **err)
{
    char buf[1000];
    size_t n = 0;
    uint64_t got = 0;
    KOC__TRY(koc__dynbuf_printf(out, err, "%c %s -> %s %o %llu %llu %lld %llu\n", e->type, e->name,
                                e->link ? e->link : "", e->mode, (unsigned long long)e->uid,
                                (unsigned long long)e->gid, (long long)e->mtime,
                                (unsigned long long)e->size));
    do {
        KOC__TRY(koc__tar_read(r, buf, sizeof(buf), &n, err));
        KOC__TRY(koc__dynbuf_append(out, buf, n, err));
        got += n;
        FUZZ_CHECK(got <= e->size);
    } while (n > 0);
    FUZZ_CHECK(got == e->size);
    return KOC_OK;
}

static void check_header(const koc__tar_entry *e)
{
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(CONTENT_MAX * 4);
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &tar);
    koc_error *err = NULL;
    koc__tar_entry empty = *e;
    empty.size = 0;
    if (!fuzz_ok(koc__tar_header(&w, &empty, &err), &err) ||
        !fuzz_ok(koc__tar_end(&w, &err), &err)) {
        return;
    }
    trickle t = {koc__dynbuf_view(&tar), tar.len};
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc__tar_entry again = {0};
    bool more = false;
    FUZZ_CHECK(fuzz_ok(trickle_open(&t, &in, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__tar_reader_new(in, "ours", &r, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__tar_next(r, &again, &more, &err), &err));
    FUZZ_CHECK(more && koc__streq(again.name, e->name));
    FUZZ_CHECK(again.mtime == e->mtime && again.uid == e->uid && again.gid == e->gid);
}

static int read_all(koc_str tar, size_t step, bool write, koc__dynbuf *out, koc_error **err)
{
    trickle t = {tar, step};
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    KOC__TRY(trickle_open(&t, &in, err));
    KOC__TRY(koc__tar_reader_new(in, "input", &r, err));
    for (int i = 0; i < ENTRIES_MAX; i++) {
        koc__tar_entry e = {0};
        bool more = false;
        KOC__TRY(koc__tar_next(r, &e, &more, err));
        if (!more) {
            return KOC_OK;
        }
        FUZZ_CHECK(e.name);
        if (write) {
            check_header(&e);
        }
        KOC__TRY(note(r, &e, out, err));
    }
    return KOC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO_VAL(koc__dynbuf) large = KOC__DYNBUF_INIT(CONTENT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) small = KOC__DYNBUF_INIT(CONTENT_MAX);
    koc_error *err = NULL;
    int rc = read_all(fuzz_str(data, size), SIZE_MAX, true, &large, &err);
    fuzz_ok(rc, &err);
    int again = read_all(fuzz_str(data, size), 77, false, &small, &err);
    fuzz_ok(again, &err);
    FUZZ_CHECK(rc == again);
    FUZZ_CHECK(koc__str_eq(koc__dynbuf_view(&large), koc__dynbuf_view(&small)) || rc == KOC_ELIMIT);
    return 0;
}
