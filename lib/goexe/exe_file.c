/* Reads a program file in pieces: bytes at an offset, and numbers in the byte order of its headers. */
#include "core/common.h"

#include <unistd.h>

#include "goexe/buildinfo.h"

int koc__exe_damaged(const koc__exe *x, const char *why, koc_error **err)
{
    return koc__error(err, KOC_EFORMAT, "%s is not a sound program file: %s", x->what, why);
}

uint16_t koc__exe_u16(const koc__exe *x, const uint8_t *p)
{
    return (uint16_t)(x->big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

uint32_t koc__exe_u32(const koc__exe *x, const uint8_t *p)
{
    uint32_t first = koc__exe_u16(x, p), second = koc__exe_u16(x, p + 2);
    return x->big ? first << 16 | second : second << 16 | first;
}

uint64_t koc__exe_u64(const koc__exe *x, const uint8_t *p)
{
    uint64_t first = koc__exe_u32(x, p), second = koc__exe_u32(x, p + 4);
    return x->big ? first << 32 | second : second << 32 | first;
}

static int read_file(const koc__exe *x, uint64_t offset, void *buf, size_t len, koc_error **err)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(x->fd, (char *)buf + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return koc__error_errno(err, errno, "cannot read %s", x->what);
        }
        if (n == 0) {
            return koc__error(err, KOC_EFORMAT, "%s became shorter while it was read", x->what);
        }
        done += (size_t)n;
    }
    return KOC_OK;
}

/* Serves small reads from the window, which has the bytes from the last such read on. */
static int read_window(koc__exe *x, uint64_t offset, void *buf, size_t len, koc_error **err)
{
    bool inside = offset >= x->window_offset && offset - x->window_offset <= x->window_len &&
                  len <= x->window_len - (size_t)(offset - x->window_offset);
    if (!inside) {
        size_t fill = (size_t)KOC__MIN((uint64_t)KOC__EXE_WINDOW, x->size - offset);
        x->window_len = 0;
        KOC__TRY(read_file(x, offset, x->window, fill, err));
        x->window_offset = offset;
        x->window_len = fill;
    }
    memcpy(buf, x->window + (offset - x->window_offset), len);
    return KOC_OK;
}

int koc__exe_read(koc__exe *x, uint64_t offset, void *buf, size_t len, koc_error **err)
{
    uint64_t at;
    if (__builtin_add_overflow(x->base, offset, &at) || at > x->size || len > x->size - at) {
        return koc__exe_damaged(x, "it is truncated", err);
    }
    if (len == 0) {
        return KOC_OK;
    }
    if (x->bytes.ptr) {
        memcpy(buf, x->bytes.ptr + at, len);
        return KOC_OK;
    }
    if (len > KOC__EXE_WINDOW) {
        return read_file(x, at, buf, len, err);
    }
    return read_window(x, at, buf, len, err);
}

int koc__exe_add_range(koc__exe *x, uint64_t addr, uint64_t offset, uint64_t size, koc_error **err)
{
    if (size == 0) {
        return KOC_OK;
    }
    if (x->n_ranges == KOC__EXE_RANGES_MAX) {
        return koc__exe_damaged(x, "it has too many segments", err);
    }
    x->ranges[x->n_ranges++] = (koc__exe_range){addr, offset, size};
    return KOC_OK;
}
