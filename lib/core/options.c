#include "core/common.h"

#include "core/options.h"

enum { STRUCT_MAX = 64 << 10 };

int koc__options_copy(void *local, size_t known, const void *from, const char *what,
                      koc_error **err)
{
    uint32_t own = (uint32_t)known;
    uint32_t given;
    if (!from) {
        memset(local, 0, known);
        memcpy(local, &own, sizeof(own));
        return KOC_OK;
    }
    memcpy(&given, from, sizeof(given));
    if (given < sizeof(given) || given > STRUCT_MAX) {
        return koc__error(err, KOC_EMISUSE,
                          "%s: struct_size is %u (set the struct up with its _INIT macro)", what,
                          (unsigned)given);
    }
    for (size_t i = known; i < given; i++) {
        if (((const char *)from)[i] != 0) {
            return koc__error(err, KOC_EMISUSE,
                              "%s: a member that this version of libkoc does not know is set",
                              what);
        }
    }
    memset(local, 0, known);
    memcpy(local, from, KOC__MIN(known, given));
    memcpy(local, &own, sizeof(own));
    return KOC_OK;
}

int koc__options_list(const void *list, size_t n, size_t known, const char *what, void **out,
                      koc_error **err)
{
    char *copy = koc__calloc(n, known);
    uint32_t each, given;
    int rc = copy ? KOC_OK : koc__oom(err);
    memcpy(&each, list, sizeof(each));
    for (size_t i = 0; rc == KOC_OK && i < n; i++) {
        const char *from = (const char *)list + i * each;
        memcpy(&given, from, sizeof(given));
        rc = given == each
                 ? koc__options_copy(copy + i * known, known, from, what, err)
                 : koc__error(err, KOC_EMISUSE, "%s: struct_size differs within an array", what);
    }
    if (rc != KOC_OK) {
        koc__free(copy);
        return rc;
    }
    *out = copy;
    return KOC_OK;
}

void koc__options_give(void *to, size_t known, const void *local)
{
    uint32_t room;
    memcpy(&room, to, sizeof(room));
    memcpy((char *)to + sizeof(room), (const char *)local + sizeof(room),
           KOC__MIN(room, known) - sizeof(room));
}
