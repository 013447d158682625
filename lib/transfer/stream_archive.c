/* Copies an archive that can be read only once into a temporary file. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/io/outfile.h"

int koc__stream_keep(const char *name, koc__call *call, koc__stream *out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO_VAL(koc__outfile) file = KOC__OUTFILE_INIT;
    char buf[64 * 1024];
    size_t n = 1;
    out->name = koc__strdup(name);
    KOC__TRY(koc__blob_from_stream(name, call, &blob, err));
    KOC__TRY(koc__fs_tempdir("koc-archive-", &out->directory, err));
    out->file = koc__format("%s/archive.tar", out->directory);
    if (!out->name || !out->file) {
        return koc__oom(err);
    }
    KOC__TRY(koc__outfile_open(out->file, 0600, NULL, &file, err));
    KOC__TRY(koc__blob_open(blob, 0, call, &in, err));
    while (n > 0) {
        KOC__TRY(koc_reader_read(in, buf, sizeof(buf), &n, err));
        KOC__TRY(koc__outfile_write(&file, buf, n, err));
    }
    return koc__outfile_finish(&file, err);
}

void koc__stream_dispose(koc__stream *s)
{
    if (s->directory) {
        (void)koc__fs_remove(s->directory, NULL);
    }
    koc__free(s->name);
    koc__free(s->directory);
    koc__free(s->file);
    *s = (koc__stream){0};
}
