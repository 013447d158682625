/*
 * A struct and everything that it points to in one block, which one free releases. The copier runs twice with
 * the same calls: first with base NULL to measure, then to fill.
 */
#ifndef KOC__PACK_H
#define KOC__PACK_H

#include <koc/image.h>

#include "core/alloc.h"

typedef struct koc__pack {
    char *base; /* NULL while measuring */
    size_t used;
} koc__pack;

/* The next size bytes, aligned for any member; NULL while measuring. */
void *koc__pack_take(koc__pack *p, size_t size);
/* Copies of a string and of a NULL-terminated list; NULL for NULL and while measuring. */
const char *koc__pack_str(koc__pack *p, const char *s);
const char *const *koc__pack_list(koc__pack *p, const char *const *list);
/* A platform inside a larger block; NULL for NULL. */
const koc_platform *koc__pack_platform(koc__pack *p, const koc_platform *platform);

#endif
