/*
 * The inside of the build info reader: reads a program file in pieces and maps its addresses to file
 * offsets. It never maps or reads the whole file; headers come through a small window.
 */
#ifndef KOC__GOEXE_BUILDINFO_H
#define KOC__GOEXE_BUILDINFO_H

#include "core/str.h"
#include "goexe/goexe.h"

#define KOC__EXE_FILE_MAX     ((uint64_t)4 << 30)
#define KOC__EXE_RANGES_MAX   256
#define KOC__EXE_SECTIONS_MAX 65535
#define KOC__EXE_STRING_MAX   ((size_t)64 << 20)
#define KOC__EXE_WINDOW       4096

/* Addresses [addr, addr + size) are at offset in the file. */
typedef struct koc__exe_range {
    uint64_t addr, offset, size;
} koc__exe_range;

typedef struct koc__exe {
    int fd;           /* -1: the bytes are in memory */
    koc_str bytes;    /* used only then */
    uint64_t size;    /* of the file */
    uint64_t base;    /* offset of the program in the file: not 0 in universal Mach-O files */
    const char *what; /* names the file in errors */
    bool big;         /* header fields are big endian */
    koc__exe_range ranges[KOC__EXE_RANGES_MAX];
    size_t n_ranges;
    uint64_t data_addr, data_size; /* where to search for build info; size 0: nowhere */
    uint64_t window_offset;
    size_t window_len;
    uint8_t window[KOC__EXE_WINDOW];
} koc__exe;

/* Reads len bytes at offset (from base). KOC_EFORMAT: the file is truncated. */
int koc__exe_read(koc__exe *x, uint64_t offset, void *buf, size_t len, koc_error **err);
/* Numbers in the file's byte order. */
uint16_t koc__exe_u16(const koc__exe *x, const uint8_t *p);
uint32_t koc__exe_u32(const koc__exe *x, const uint8_t *p);
uint64_t koc__exe_u64(const koc__exe *x, const uint8_t *p);
/* Adds a range unless it is empty. KOC_EFORMAT: too many ranges. */
int koc__exe_add_range(koc__exe *x, uint64_t addr, uint64_t offset, uint64_t size, koc_error **err);
/* KOC_EFORMAT: the file is damaged; why names the wrong header. */
int koc__exe_damaged(const koc__exe *x, const char *why, koc_error **err);

/* Fill in ranges, data_addr and data_size of a file whose format has been recognised. */
int koc__exe_elf(koc__exe *x, koc_error **err);
int koc__exe_macho(koc__exe *x, koc_error **err);
int koc__exe_pe(koc__exe *x, koc_error **err);

/* The info from its two strings. Takes ownership of text (from koc__malloc, NUL after len) on success. */
int koc__exe_info_from_text(const char *what, const char *version, char *text, size_t len,
                            koc__exe_info **out, koc_error **err);

#endif
