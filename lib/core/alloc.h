/* All allocations go through these functions, so that tests can make the n-th one fail. Sizes are checked for
 * overflow. */
#ifndef KOC__ALLOC_H
#define KOC__ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *koc__malloc(size_t size);
void *koc__calloc(size_t count, size_t size);
void *koc__realloc(void *ptr, size_t size);
/* Grows an array so that need elements fit; *capacity is in elements. false: out of memory or overflow. */
bool koc__grow(void **ptr, size_t *capacity, size_t need, size_t element_size);
char *koc__strdup(const char *s);            /* NULL for NULL */
char *koc__strndup(const char *s, size_t n); /* always NUL-terminated */
void koc__free(void *ptr);                   /* free(); takes NULL */
/* Overwrites memory; the compiler does not optimise it away. */
void koc__wipe(void *ptr, size_t size);

/* Tests only: let the n-th allocation from now (1 = the next) and all after it fail; 0: none. */
void koc__alloc_fail_after(uint64_t n);
uint64_t koc__alloc_count(void);

static inline bool koc__add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool koc__mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

#endif
