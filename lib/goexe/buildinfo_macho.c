/* Mach-O, both sizes and byte orders: finds the section of build info, or the first writable segment. Of
 * a universal file it reads the first program. */
#include "core/common.h"

#include "goexe/buildinfo.h"

#define SECTION "__go_buildinfo"

enum { LC_SEGMENT_32 = 0x1, LC_SEGMENT_64BIT = 0x19, PROTECTION_RW = 3 };
#define FAT_MAGIC    0xcafebabeU
#define COMMANDS_MAX 65536

typedef struct walk {
    bool wide;         /* 64 bit */
    bool have_section; /* the section by name was found; it wins over the segment */
    bool have_segment; /* the first readable and writable segment was found */
} walk;

/* Whether a field of 16 bytes, padded with NUL, is name. */
static bool is_name(const uint8_t *field, const char *name)
{
    size_t n = strlen(name);
    return n < 16 && memcmp(field, name, n + 1) == 0;
}

static int visit_sections(koc__exe *x, uint64_t at, uint32_t count, uint64_t end, walk *w,
                          koc_error **err)
{
    uint8_t b[80] = {0};
    size_t size = w->wide ? 80 : 68;
    if (count > KOC__EXE_SECTIONS_MAX || (uint64_t)count * size > end - at) {
        return koc__exe_damaged(x, "bad Mach-O sections", err);
    }
    for (uint32_t i = 0; i < count && !w->have_section; i++) {
        KOC__TRY(koc__exe_read(x, at + (uint64_t)i * size, b, size, err));
        if (is_name(b, SECTION)) {
            x->data_addr = w->wide ? koc__exe_u64(x, b + 32) : koc__exe_u32(x, b + 32);
            x->data_size = w->wide ? koc__exe_u64(x, b + 40) : koc__exe_u32(x, b + 36);
            w->have_section = true;
        }
    }
    return KOC_OK;
}

static int visit_segment(koc__exe *x, uint64_t at, uint64_t end, walk *w, koc_error **err)
{
    uint8_t b[72] = {0};
    size_t size = w->wide ? 72 : 56;
    if (end - at < size) {
        return koc__exe_damaged(x, "bad Mach-O segment", err);
    }
    KOC__TRY(koc__exe_read(x, at, b, size, err));
    uint64_t addr = w->wide ? koc__exe_u64(x, b + 24) : koc__exe_u32(x, b + 24);
    uint64_t in_memory = w->wide ? koc__exe_u64(x, b + 32) : koc__exe_u32(x, b + 28);
    uint64_t offset = w->wide ? koc__exe_u64(x, b + 40) : koc__exe_u32(x, b + 32);
    uint64_t in_file = w->wide ? koc__exe_u64(x, b + 48) : koc__exe_u32(x, b + 36);
    const uint8_t *rest = b + (w->wide ? 56 : 40);
    bool writable =
        koc__exe_u32(x, rest) == PROTECTION_RW && koc__exe_u32(x, rest + 4) == PROTECTION_RW;
    if (!is_name(b + 8, "__PAGEZERO")) {
        KOC__TRY(koc__exe_add_range(x, addr, offset, in_file, err));
    }
    if (writable && addr != 0 && in_file != 0 && !w->have_segment && !w->have_section) {
        x->data_addr = addr;
        x->data_size = in_memory;
        w->have_segment = true;
    }
    return visit_sections(x, at + size, koc__exe_u32(x, rest + 8), end, w, err);
}

static int visit_commands(koc__exe *x, uint32_t count, uint32_t total, walk *w, koc_error **err)
{
    uint64_t at = w->wide ? 32 : 28, limit = at + total;
    uint8_t b[8] = {0};
    if (count > COMMANDS_MAX) {
        return koc__exe_damaged(x, "too many Mach-O commands", err);
    }
    for (uint32_t i = 0; i < count; i++) {
        KOC__TRY(koc__exe_read(x, at, b, sizeof(b), err));
        uint32_t kind = koc__exe_u32(x, b), size = koc__exe_u32(x, b + 4);
        if (size < 8 || limit < at || size > limit - at) {
            return koc__exe_damaged(x, "bad Mach-O command", err);
        }
        if (kind == (w->wide ? LC_SEGMENT_64BIT : LC_SEGMENT_32)) {
            KOC__TRY(visit_segment(x, at, at + size, w, err));
        }
        at += size;
    }
    return KOC_OK;
}

/* Goes to the first program of a universal file. */
static int enter_universal(koc__exe *x, koc_error **err)
{
    uint8_t b[28] = {0};
    x->big = true;
    KOC__TRY(koc__exe_read(x, 0, b, sizeof(b), err));
    uint64_t offset = koc__exe_u32(x, b + 16), size = koc__exe_u32(x, b + 20);
    if (koc__exe_u32(x, b + 4) == 0 || offset > x->size || size > x->size - offset) {
        return koc__exe_damaged(x, "bad universal header", err);
    }
    x->base = offset;
    x->size = offset + size;
    x->window_len = 0;
    return KOC_OK;
}

int koc__exe_macho(koc__exe *x, koc_error **err)
{
    uint8_t b[32] = {0};
    walk w = {0};
    x->big = true;
    KOC__TRY(koc__exe_read(x, 0, b, 4, err));
    if (koc__exe_u32(x, b) == FAT_MAGIC) {
        KOC__TRY(enter_universal(x, err));
    }
    KOC__TRY(koc__exe_read(x, 0, b, 28, err));
    x->big = b[0] == 0xfe;
    uint32_t magic = koc__exe_u32(x, b);
    if (magic != 0xfeedfaceU && magic != 0xfeedfacfU) {
        return koc__exe_damaged(x, "unknown Mach-O magic", err);
    }
    w.wide = magic == 0xfeedfacfU;
    return visit_commands(x, koc__exe_u32(x, b + 16), koc__exe_u32(x, b + 20), &w, err);
}
