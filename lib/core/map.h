/* A hash map from strings to pointers, seeded per process so that input cannot choose collisions. */
#ifndef KOC__MAP_H
#define KOC__MAP_H

#include <koc/base.h>

#include "core/cleanup.h"

typedef struct koc__map koc__map;

/* free_value (or NULL) releases values that are replaced, removed or left at the end. */
koc__map *koc__map_new(void (*free_value)(void *value)); /* NULL: out of memory */
void koc__map_free(koc__map *m);
int koc__map_set(koc__map *m, koc_str key, void *value,
                 koc_error **err);                  /* copies key; takes value on success */
void *koc__map_get(const koc__map *m, koc_str key); /* NULL: absent */
void koc__map_remove(koc__map *m, koc_str key);
size_t koc__map_count(const koc__map *m);
/* Walks the entries in insertion order; start with *cursor = 0. false: the end. */
bool koc__map_next(const koc__map *m, size_t *cursor, koc_str *key, void **value);

KOC__DEFINE_AUTO(koc__map, koc__map_free);

#endif
