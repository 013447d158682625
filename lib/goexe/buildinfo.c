/*
 * Reads Go build info from a linked program: what `go version -m` prints, without starting go.
 *
 * The linker writes a block that begins with a 14-byte magic at a 16-byte-aligned address, in a section
 * of its own or in the first writable segment. Since Go 1.18 the two strings (toolchain version, module
 * text) follow the block; earlier versions have pointers to Go string headers in it.
 */
#include "core/common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io/fs.h"
#include "goexe/buildinfo.h"

#define MAGIC        "\xff Go buildinf:"
#define MAGIC_LEN    14
#define HEADER_LEN   32
#define ALIGNMENT    16
#define SEARCH_CHUNK ((size_t)64 << 10)
#define FRAME        16 /* bytes of framing on both sides of the module text */
#define VARINT_MAX   10
#define VERSION_MAX  4096

/* The file offset of addr, and how many bytes its range has left. False: addr is in no range. */
static bool locate(const koc__exe *x, uint64_t addr, uint64_t *offset, uint64_t *left)
{
    for (size_t i = 0; i < x->n_ranges; i++) {
        const koc__exe_range *r = &x->ranges[i];
        if (addr >= r->addr && addr - r->addr < r->size) {
            uint64_t skip = addr - r->addr;
            if (__builtin_add_overflow(r->offset, skip, offset)) {
                return false;
            }
            *left = r->size - skip;
            return true;
        }
    }
    return false;
}

static int report_no_info(const koc__exe *x, koc_error **err)
{
    return koc__error(err, KOC_ENOTFOUND, "%s has no Go build info", x->what);
}

/* Reads len bytes at addr. KOC_ENOTFOUND: its range ends before. */
static int read_addr(koc__exe *x, uint64_t addr, void *buf, size_t len, koc_error **err)
{
    uint64_t offset = 0, left = 0;
    if (!locate(x, addr, &offset, &left) || len > left) {
        return report_no_info(x, err);
    }
    return koc__exe_read(x, offset, buf, len, err);
}

/* The offset of the first aligned magic in n bytes; n: there is none. */
static size_t scan(const uint8_t *data, size_t n)
{
    for (size_t i = 0; i + MAGIC_LEN <= n; i += ALIGNMENT) {
        if (memcmp(data + i, MAGIC, MAGIC_LEN) == 0) {
            return i;
        }
    }
    return n;
}

static int search_chunks(koc__exe *x, uint64_t start, uint64_t end, uint8_t *chunk, uint64_t *found,
                         koc_error **err)
{
    while (end - start >= HEADER_LEN) {
        uint64_t offset = 0, left = 0;
        if (!locate(x, start, &offset, &left)) {
            break;
        }
        size_t n = (size_t)KOC__MIN(KOC__MIN(left, end - start), (uint64_t)SEARCH_CHUNK);
        KOC__TRY(koc__exe_read(x, offset, chunk, n, err));
        size_t at = scan(chunk, n);
        if (at < n && end - (start + at) >= HEADER_LEN) {
            *found = start + at;
            return KOC_OK;
        }
        if (at < n || n < SEARCH_CHUNK) {
            break;
        }
        start += n;
    }
    return report_no_info(x, err);
}

/* Finds the block. */
static int search(koc__exe *x, uint64_t *found, koc_error **err)
{
    uint64_t end = 0, start = 0;
    if (__builtin_add_overflow(x->data_addr, x->data_size, &end) ||
        __builtin_add_overflow(x->data_addr, (uint64_t)ALIGNMENT - 1, &start)) {
        return koc__exe_damaged(x, "its data segment has no end", err);
    }
    start &= ~(uint64_t)(ALIGNMENT - 1);
    if (x->data_size == 0 || start >= end) {
        return report_no_info(x, err);
    }
    KOC__AUTO_STR chunk = koc__malloc(SEARCH_CHUNK);
    if (!chunk) {
        return koc__oom(err);
    }
    return search_chunks(x, start, end, (uint8_t *)chunk, found, err);
}

/* Copies len bytes at addr. */
static int read_text(koc__exe *x, uint64_t addr, uint64_t len, size_t max, char **out,
                     koc_error **err)
{
    uint64_t offset = 0, left = 0;
    if (len > 0 && (!locate(x, addr, &offset, &left) || len > left)) {
        return report_no_info(x, err);
    }
    if (len > max) {
        return koc__error(err, KOC_ELIMIT, "the Go build info of %s is too large", x->what);
    }
    KOC__AUTO_STR text = koc__malloc((size_t)len + 1);
    if (!text) {
        return koc__oom(err);
    }
    KOC__TRY(read_addr(x, addr, text, (size_t)len, err));
    text[len] = '\0';
    *out = koc__steal(&text);
    return KOC_OK;
}

/* Reads a length in groups of 7 bits and the string after it; *addr moves past both. */
static int read_inline(koc__exe *x, uint64_t *addr, size_t max, char **out, size_t *out_len,
                       koc_error **err)
{
    uint64_t len = 0;
    for (unsigned i = 0;; i++) {
        uint8_t byte = 0;
        if (i == VARINT_MAX) {
            return report_no_info(x, err);
        }
        KOC__TRY(read_addr(x, *addr, &byte, 1, err));
        (*addr)++;
        if (i == VARINT_MAX - 1 && byte > 1) {
            return report_no_info(x, err);
        }
        len |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            break;
        }
    }
    KOC__TRY(read_text(x, *addr, len, max, out, err));
    *out_len = (size_t)len;
    return __builtin_add_overflow(*addr, len, addr) ? report_no_info(x, err) : KOC_OK;
}

/* Before Go 1.18: reads the string whose Go header is at addr; an invalid pointer gives "". */
static int read_pointed(koc__exe *x, unsigned pointer, uint64_t addr, size_t max, char **out,
                        size_t *out_len, koc_error **err)
{
    uint8_t header[16] = {0};
    uint64_t offset, left, data = 0, len = 0;
    if (locate(x, addr, &offset, &left) && left >= 2 * (uint64_t)pointer) {
        KOC__TRY(koc__exe_read(x, offset, header, 2 * (size_t)pointer, err));
        data = pointer == 8 ? koc__exe_u64(x, header) : koc__exe_u32(x, header);
        len = pointer == 8 ? koc__exe_u64(x, header + 8) : koc__exe_u32(x, header + 4);
        if (len > 0 && (!locate(x, data, &offset, &left) || left < len)) {
            len = 0;
        }
    }
    if (len == 0) {
        *out = koc__strdup("");
        *out_len = 0;
        return *out ? KOC_OK : koc__oom(err);
    }
    KOC__TRY(read_text(x, data, len, max, out, err));
    *out_len = (size_t)len;
    return KOC_OK;
}

/* Reads both strings of the block at addr. */
static int read_strings(koc__exe *x, uint64_t addr, char **version, char **text, size_t *text_len,
                        koc_error **err)
{
    uint8_t header[HEADER_LEN] = {0};
    size_t version_len = 0;
    KOC__TRY(read_addr(x, addr, header, sizeof(header), err));
    unsigned pointer = header[14], flags = header[15];
    if (flags & 2) {
        addr += HEADER_LEN;
        KOC__TRY(read_inline(x, &addr, VERSION_MAX, version, &version_len, err));
        KOC__TRY(read_inline(x, &addr, KOC__EXE_STRING_MAX, text, text_len, err));
    } else {
        if (pointer != 4 && pointer != 8) {
            return report_no_info(x, err);
        }
        x->big = (flags & 1) != 0;
        const uint8_t *p = header + 16, *q = p + pointer;
        uint64_t first = pointer == 8 ? koc__exe_u64(x, p) : koc__exe_u32(x, p);
        uint64_t second = pointer == 8 ? koc__exe_u64(x, q) : koc__exe_u32(x, q);
        KOC__TRY(read_pointed(x, pointer, first, VERSION_MAX, version, &version_len, err));
        KOC__TRY(read_pointed(x, pointer, second, KOC__EXE_STRING_MAX, text, text_len, err));
    }
    if (version_len == 0) {
        return report_no_info(x, err);
    }
    return strlen(*version) == version_len
               ? KOC_OK
               : koc__exe_damaged(x, "its Go version is not a string", err);
}

/* Removes the framing. Text without it is not a module text and is dropped. */
static size_t unframe(char *text, size_t len)
{
    if (len < 2 * FRAME + 1 || text[len - FRAME - 1] != '\n') {
        text[0] = '\0';
        return 0;
    }
    len -= 2 * (size_t)FRAME;
    memmove(text, text + FRAME, len);
    text[len] = '\0';
    return len;
}

/* Detects the format and fills in the ranges. */
static int open_exe(koc__exe *x, koc_error **err)
{
    uint8_t id[16] = {0};
    if (x->size > KOC__EXE_FILE_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s is larger than 4 GiB: its build info is not read",
                          x->what);
    }
    if (x->size >= sizeof(id)) {
        KOC__TRY(koc__exe_read(x, 0, id, sizeof(id), err));
        if (memcmp(id,
                   "\x7f"
                   "ELF",
                   4) == 0) {
            return koc__exe_elf(x, err);
        }
        if (memcmp(id, "MZ", 2) == 0) {
            return koc__exe_pe(x, err);
        }
        if (memcmp(id, "\xfe\xed\xfa", 3) == 0 || memcmp(id + 1, "\xfa\xed\xfe", 3) == 0 ||
            memcmp(id, "\xca\xfe\xba\xbe", 4) == 0) {
            return koc__exe_macho(x, err);
        }
    }
    return koc__error(err, KOC_ENOTFOUND, "%s is not a program file (ELF, Mach-O or PE)", x->what);
}

static int read_info(koc__exe *x, koc__exe_info **out, koc_error **err)
{
    KOC__AUTO_STR version = NULL;
    KOC__AUTO_STR text = NULL;
    size_t len = 0;
    uint64_t addr = 0;
    KOC__TRY(open_exe(x, err));
    KOC__TRY(search(x, &addr, err));
    KOC__TRY(read_strings(x, addr, &version, &text, &len, err));
    assert(version && text);
    len = unframe(text, len);
    KOC__TRY(koc__exe_info_from_text(x->what, version, text, len, out, err));
    text = NULL;
    return KOC_OK;
}

static koc__exe *exe_new(const char *what, int fd, koc_str bytes, uint64_t size)
{
    koc__exe *x = koc__calloc(1, sizeof(*x));
    if (x) {
        x->what = what;
        x->fd = fd;
        x->bytes = bytes;
        x->size = size;
    }
    return x;
}

int koc__exe_info_read(const char *path, koc__exe_info **out, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    struct stat st;
    KOC__TRY(koc__fs_open_read(path, &fd, err));
    if (fstat(fd, &st) != 0) {
        return koc__error_errno(err, errno, "cannot read %s", path);
    }
    koc__exe *x = exe_new(path, fd, (koc_str){NULL, 0}, (uint64_t)st.st_size);
    int rc = x ? read_info(x, out, err) : koc__oom(err);
    koc__free(x);
    return rc;
}

int koc__exe_info_parse(koc_str file, koc__exe_info **out, koc_error **err)
{
    koc__exe *x = exe_new("the program", -1, file, file.len);
    int rc = x ? read_info(x, out, err) : koc__oom(err);
    koc__free(x);
    return rc;
}
