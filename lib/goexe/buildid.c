/*
 * Reads Go's build ID, "<action>/…/<content>": from a note of ELF files, or the first bytes of the code
 * of others. The last part is a hash of the whole file, by which go itself decides whether it has to
 * link.
 */
#include "core/common.h"

#include "core/io/fs.h"
#include "core/str.h"
#include "goexe/goexe.h"

#define HEAD_MAX ((size_t)64 << 10)
#define ID_MAX   512

static uint32_t read_u32(const uint8_t *p, bool big)
{
    return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
               : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* A note: name size 4, description size, type 4, "Go\0\0", description. */
static bool find_note(koc_str head, bool big, koc_str *out)
{
    for (size_t i = 0; i + 16 <= head.len; i += 4) {
        const uint8_t *p = (const uint8_t *)head.ptr + i;
        uint32_t size = read_u32(p + 4, big);
        if (memcmp(p + 12, "Go\0\0", 4) == 0 && read_u32(p, big) == 4 &&
            read_u32(p + 8, big) == 4 && size < ID_MAX && size <= head.len - i - 16) {
            *out = koc__str_n(head.ptr + i + 16, size);
            return true;
        }
    }
    return false;
}

static bool find_text(koc_str head, koc_str *out)
{
    static const char start[] = "\xff Go build ID: \"";
    static const char end[] = "\"\n \xff";
    const char *at = memmem(head.ptr, head.len, start, sizeof(start) - 1);
    if (!at) {
        return false;
    }
    koc_str rest = koc__str_from(head, (size_t)(at - head.ptr) + sizeof(start) - 1);
    const char *stop = memmem(rest.ptr, KOC__MIN(rest.len, (size_t)ID_MAX), end, sizeof(end) - 1);
    if (!stop) {
        return false;
    }
    *out = koc__str_n(rest.ptr, (size_t)(stop - rest.ptr));
    return true;
}

/* True for the four parts of the linker's default; one set by -ldflags=-buildid has no hash of the
 * content. */
static bool has_content_hash(koc_str id)
{
    size_t slashes = 0;
    for (size_t i = 0; i < id.len; i++) {
        slashes += id.ptr[i] == '/';
    }
    return slashes == 3 && id.len > 0 && id.ptr[id.len - 1] != '/';
}

int koc__exe_build_id(const char *path, char **out, koc_error **err)
{
    *out = NULL;
    KOC__AUTO_FD fd = -1;
    if (koc__fs_open_read(path, &fd, NULL) != KOC_OK) {
        return KOC_OK;
    }
    KOC__AUTO_STR bytes = koc__malloc(HEAD_MAX);
    size_t n = 0;
    if (!bytes) {
        return koc__oom(err);
    }
    if (koc__fs_read_fd(fd, bytes, HEAD_MAX, &n, path, NULL) != KOC_OK) {
        return KOC_OK;
    }
    koc_str head = koc__str_n(bytes, n);
    koc_str id;
    bool elf = n > 16 && memcmp(bytes,
                                "\x7f"
                                "ELF",
                                4) == 0;
    bool found = elf ? find_note(head, bytes[5] == 2, &id) : find_text(head, &id);
    if (found && has_content_hash(id)) {
        *out = koc__str_dup(id);
        return *out ? KOC_OK : koc__oom(err);
    }
    return KOC_OK;
}
