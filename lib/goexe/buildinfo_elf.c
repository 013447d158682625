/* ELF, both classes and byte orders: reads the program headers and finds the section .go.buildinfo. */
#include "core/common.h"

#include "goexe/buildinfo.h"

#define SECTION ".go.buildinfo"

enum { PT_LOAD_TYPE = 1, PF_EXECUTE = 1, PF_WRITE = 2 };

typedef struct header {
    bool wide; /* 64 bit */
    uint64_t ph_offset, sh_offset;
    unsigned ph_size, ph_count, sh_size, sh_count, sh_names;
} header;

static int read_header(koc__exe *x, header *h, koc_error **err)
{
    uint8_t b[64] = {0};
    KOC__TRY(koc__exe_read(x, 0, b, 16, err));
    if ((b[4] != 1 && b[4] != 2) || (b[5] != 1 && b[5] != 2)) {
        return koc__exe_damaged(x, "unknown ELF class or byte order", err);
    }
    h->wide = b[4] == 2;
    x->big = b[5] == 2;
    KOC__TRY(koc__exe_read(x, 0, b, h->wide ? 64 : 52, err));
    h->ph_offset = h->wide ? koc__exe_u64(x, b + 32) : koc__exe_u32(x, b + 28);
    h->sh_offset = h->wide ? koc__exe_u64(x, b + 40) : koc__exe_u32(x, b + 32);
    const uint8_t *counts = b + (h->wide ? 54 : 42);
    h->ph_size = koc__exe_u16(x, counts);
    h->ph_count = koc__exe_u16(x, counts + 2);
    h->sh_size = koc__exe_u16(x, counts + 4);
    h->sh_count = koc__exe_u16(x, counts + 6);
    h->sh_names = koc__exe_u16(x, counts + 8);
    return KOC_OK;
}

static int read_segments(koc__exe *x, const header *h, koc_error **err)
{
    uint8_t b[56] = {0};
    unsigned size = h->wide ? 56 : 32;
    if (h->ph_count > KOC__EXE_RANGES_MAX || (h->ph_count > 0 && h->ph_size < size)) {
        return koc__exe_damaged(x, "bad ELF program headers", err);
    }
    for (unsigned i = 0; i < h->ph_count; i++) {
        uint64_t at = 0;
        if (__builtin_add_overflow(h->ph_offset, (uint64_t)i * h->ph_size, &at)) {
            return koc__exe_damaged(x, "bad ELF program headers", err);
        }
        KOC__TRY(koc__exe_read(x, at, b, size, err));
        if (koc__exe_u32(x, b) != PT_LOAD_TYPE) {
            continue;
        }
        uint32_t flags = koc__exe_u32(x, b + (h->wide ? 4 : 24));
        uint64_t offset = h->wide ? koc__exe_u64(x, b + 8) : koc__exe_u32(x, b + 4);
        uint64_t addr = h->wide ? koc__exe_u64(x, b + 16) : koc__exe_u32(x, b + 8);
        uint64_t in_file = h->wide ? koc__exe_u64(x, b + 32) : koc__exe_u32(x, b + 16);
        uint64_t in_memory = h->wide ? koc__exe_u64(x, b + 40) : koc__exe_u32(x, b + 20);
        KOC__TRY(koc__exe_add_range(x, addr, offset, in_file, err));
        if (x->data_size == 0 && (flags & (PF_EXECUTE | PF_WRITE)) == PF_WRITE) {
            x->data_addr = addr;
            x->data_size = in_memory;
        }
    }
    return KOC_OK;
}

typedef struct section {
    uint32_t name;
    uint64_t addr, offset, size;
} section;

static int read_section(koc__exe *x, const header *h, unsigned i, section *s, koc_error **err)
{
    uint8_t b[64] = {0};
    uint64_t at = 0;
    if (__builtin_add_overflow(h->sh_offset, (uint64_t)i * h->sh_size, &at)) {
        return koc__exe_damaged(x, "bad ELF section headers", err);
    }
    KOC__TRY(koc__exe_read(x, at, b, h->wide ? 64 : 40, err));
    s->name = koc__exe_u32(x, b);
    s->addr = h->wide ? koc__exe_u64(x, b + 16) : koc__exe_u32(x, b + 12);
    s->offset = h->wide ? koc__exe_u64(x, b + 24) : koc__exe_u32(x, b + 16);
    s->size = h->wide ? koc__exe_u64(x, b + 32) : koc__exe_u32(x, b + 20);
    return KOC_OK;
}

static int has_name(koc__exe *x, const section *names, const section *s, bool *yes, koc_error **err)
{
    char name[sizeof(SECTION)] = "";
    uint64_t at = 0;
    *yes = false;
    if (s->name >= names->size || names->size - s->name < sizeof(name)) {
        return KOC_OK; /* too short for the name */
    }
    if (__builtin_add_overflow(names->offset, (uint64_t)s->name, &at)) {
        return koc__exe_damaged(x, "bad ELF section names", err);
    }
    KOC__TRY(koc__exe_read(x, at, name, sizeof(name), err));
    *yes = memcmp(name, SECTION, sizeof(name)) == 0;
    return KOC_OK;
}

static int find_section(koc__exe *x, const header *h, koc_error **err)
{
    section names = {0}, s = {0};
    if (h->sh_offset == 0) {
        return KOC_OK; /* all sections are stripped: use the segment */
    }
    if (h->sh_count == 0 || h->sh_size < (h->wide ? 64U : 40U) || h->sh_names >= h->sh_count) {
        return koc__exe_damaged(x, "bad ELF section headers", err);
    }
    KOC__TRY(read_section(x, h, h->sh_names, &names, err));
    for (unsigned i = 0; i < h->sh_count; i++) {
        bool yes = false;
        KOC__TRY(read_section(x, h, i, &s, err));
        KOC__TRY(has_name(x, &names, &s, &yes, err));
        if (yes) {
            x->data_addr = s.addr;
            x->data_size = s.size;
            return KOC_OK;
        }
    }
    return KOC_OK;
}

int koc__exe_elf(koc__exe *x, koc_error **err)
{
    header h = {0};
    KOC__TRY(read_header(x, &h, err));
    KOC__TRY(read_segments(x, &h, err));
    return find_section(x, &h, err);
}
