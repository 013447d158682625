/* Blocks with a struct and everything that it points to. */
#include "core/common.h"

#include "model/pack.h"

void *koc__pack_take(koc__pack *p, size_t size)
{
    size_t align = sizeof(uint64_t);
    size_t start = (p->used + align - 1) / align * align;
    p->used = start + size;
    return p->base ? p->base + start : NULL;
}

const char *koc__pack_str(koc__pack *p, const char *s)
{
    if (!s) {
        return NULL;
    }
    size_t size = strlen(s) + 1;
    size_t start = p->used;
    p->used += size;
    return p->base ? memcpy(p->base + start, s, size) : NULL;
}

const char *const *koc__pack_list(koc__pack *p, const char *const *list)
{
    if (!list) {
        return NULL;
    }
    size_t n = 0;
    while (list[n]) {
        n++;
    }
    const char **copy = koc__pack_take(p, (n + 1) * sizeof(*copy));
    for (size_t i = 0; i < n; i++) {
        const char *s = koc__pack_str(p, list[i]);
        if (copy) {
            copy[i] = s;
        }
    }
    if (copy) {
        copy[n] = NULL;
    }
    return copy;
}

const koc_platform *koc__pack_platform(koc__pack *p, const koc_platform *platform)
{
    if (!platform) {
        return NULL;
    }
    koc_platform *block = koc__pack_take(p, sizeof(*block));
    koc_platform copy = KOC_PLATFORM_INIT;
    copy.os = koc__pack_str(p, platform->os);
    copy.arch = koc__pack_str(p, platform->arch);
    copy.variant = koc__pack_str(p, platform->variant);
    copy.os_version = koc__pack_str(p, platform->os_version);
    copy.os_features = koc__pack_list(p, platform->os_features);
    if (block) {
        *block = copy;
    }
    return block;
}
