#include "core/common.h"

#include <koc/context.h>

#include "core/clean.h"
#include "core/dynbuf.h"

int koc_printable(koc_str text, bool colors, koc_buf *out, koc_error **err)
{
    size_t size;
    if (!out) {
        return koc__misuse(err, "koc_printable: out is NULL");
    }
    if (!text.ptr && text.len > 0) {
        return koc__misuse(err, "koc_printable: text is NULL");
    }
    char *clean = koc__add_size(text.len, KOC__CLEAN_MORE, &size) ? koc__malloc(size) : NULL;
    if (!clean) {
        return koc__oom(err);
    }
    size_t len = koc__clean_output(text, colors, clean);
    koc_buf_dispose(out); /* after the copy: text may be part of out */
    *out = (koc_buf){clean, len, size};
    return KOC_OK;
}
