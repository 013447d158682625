/* PE, 32 and 64 bit: finds the first section of initialised, readable and writable data. */
#include "core/common.h"

#include "goexe/buildinfo.h"

#define DATA_READ_WRITE 0xc0000040U
#define ALIGNMENT_BITS  0x600000U

static int image_base(koc__exe *x, uint64_t at, unsigned size, uint64_t *out, koc_error **err)
{
    uint8_t b[32] = {0};
    *out = 0;
    if (size == 0) {
        return KOC_OK;
    }
    if (size < sizeof(b)) {
        return koc__exe_damaged(x, "bad PE optional header", err);
    }
    KOC__TRY(koc__exe_read(x, at, b, sizeof(b), err));
    switch (koc__exe_u16(x, b)) {
    case 0x10b: *out = koc__exe_u32(x, b + 28); return KOC_OK;
    case 0x20b: *out = koc__exe_u64(x, b + 24); return KOC_OK;
    default: return koc__exe_damaged(x, "unknown PE optional header", err);
    }
}

static int visit_section(koc__exe *x, uint64_t at, uint64_t base, koc_error **err)
{
    uint8_t b[40] = {0};
    uint64_t addr = 0;
    KOC__TRY(koc__exe_read(x, at, b, sizeof(b), err));
    uint32_t in_memory = koc__exe_u32(x, b + 8), relative = koc__exe_u32(x, b + 12);
    uint32_t in_file = koc__exe_u32(x, b + 16), offset = koc__exe_u32(x, b + 20);
    uint32_t flags = koc__exe_u32(x, b + 36);
    if (__builtin_add_overflow(base, (uint64_t)relative, &addr)) {
        return koc__exe_damaged(x, "bad PE section", err);
    }
    KOC__TRY(koc__exe_add_range(x, addr, offset, in_file, err));
    if (x->data_size == 0 && relative != 0 && in_file != 0 &&
        (flags & ~ALIGNMENT_BITS) == DATA_READ_WRITE) {
        x->data_addr = addr;
        x->data_size = in_memory;
    }
    return KOC_OK;
}

int koc__exe_pe(koc__exe *x, koc_error **err)
{
    uint8_t b[24] = {0};
    uint64_t base = 0;
    x->big = false;
    KOC__TRY(koc__exe_read(x, 0x3c, b, 4, err));
    uint64_t at = koc__exe_u32(x, b);
    KOC__TRY(koc__exe_read(x, at, b, sizeof(b), err));
    if (memcmp(b, "PE\0\0", 4) != 0) {
        return koc__error(err, KOC_ENOTFOUND, "%s is not a program file (DOS header without PE)",
                          x->what);
    }
    unsigned sections = koc__exe_u16(x, b + 6), optional = koc__exe_u16(x, b + 20);
    KOC__TRY(image_base(x, at + 24, optional, &base, err));
    at += 24 + (uint64_t)optional;
    for (unsigned i = 0; i < sections; i++) {
        KOC__TRY(visit_section(x, at + (uint64_t)i * 40, base, err));
    }
    return KOC_OK;
}
