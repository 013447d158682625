/* Reads the name of the dynamic loader (PT_INTERP) from a linked program. */
#include "core/common.h"

#include "core/io/fs.h"
#include "goexe/buildinfo.h"

enum { PT_INTERP_TYPE = 3, HEADERS_MAX = 256, NAME_MAX_BYTES = 4096 };

/* Finds the name; *size 0: there is none. */
static int find_name(koc__exe *x, uint64_t *offset, uint64_t *size, koc_error **err)
{
    uint8_t b[64] = {0};
    *size = 0;
    KOC__TRY(koc__exe_read(x, 0, b, 52, err));
    if (memcmp(b, "\177ELF", 4) != 0) {
        return KOC_OK;
    }
    bool wide = b[4] == 2;
    x->big = b[5] == 2;
    KOC__TRY(koc__exe_read(x, 0, b, wide ? 64 : 52, err));
    uint64_t at = wide ? koc__exe_u64(x, b + 32) : koc__exe_u32(x, b + 28);
    unsigned each = koc__exe_u16(x, b + (wide ? 54 : 42));
    unsigned count = koc__exe_u16(x, b + (wide ? 56 : 44));
    for (unsigned i = 0; i < count && i < HEADERS_MAX && *size == 0; i++, at += each) {
        KOC__TRY(koc__exe_read(x, at, b, wide ? 56 : 32, err));
        if (koc__exe_u32(x, b) == PT_INTERP_TYPE) {
            *offset = wide ? koc__exe_u64(x, b + 8) : koc__exe_u32(x, b + 4);
            *size = wide ? koc__exe_u64(x, b + 32) : koc__exe_u32(x, b + 16);
        }
    }
    return KOC_OK;
}

int koc__exe_loader(const char *path, char **out, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    struct stat st;
    uint64_t offset = 0, size = 0;
    KOC__TRY(koc__fs_open_read(path, &fd, err));
    if (fstat(fd, &st) != 0) {
        return koc__error_errno(err, errno, "cannot read %s", path);
    }
    koc__exe *x = koc__calloc(1, sizeof(*x));
    if (!x) {
        return koc__oom(err);
    }
    x->fd = fd;
    x->size = (uint64_t)st.st_size;
    x->what = path;
    int rc = find_name(x, &offset, &size, err);
    char *name =
        rc == KOC_OK && size > 1 && size <= NAME_MAX_BYTES ? koc__calloc(1, size + 1) : NULL;
    if (name) {
        rc = koc__exe_read(x, offset, name, size, err);
    }
    koc__free(x);
    if (rc != KOC_OK) {
        koc__free(name);
        return rc;
    }
    *out = name;
    return KOC_OK;
}
