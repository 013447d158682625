#include "core/common.h"

#include <stdatomic.h>

#include "core/alloc_faults.h"

/* The number of allocations so far, and of the first one that fails (0: none) and that succeeds again, which
 * only tests set. */
static atomic_uint_fast64_t count;
static atomic_uint_fast64_t fail_from;
static atomic_uint_fast64_t fail_until;

static bool may_allocate(size_t size)
{
    uint64_t n = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) + 1;
    uint64_t from = atomic_load_explicit(&fail_from, memory_order_relaxed);
    return size <= PTRDIFF_MAX &&
           (from == 0 || n < from || n >= atomic_load_explicit(&fail_until, memory_order_relaxed));
}

void *koc__malloc(size_t size)
{
    return may_allocate(size) ? malloc(size ? size : 1) : NULL;
}

void *koc__calloc(size_t n, size_t size)
{
    size_t total;
    if (!koc__mul_size(n, size, &total) || !may_allocate(total)) {
        return NULL;
    }
    return calloc(1, total ? total : 1);
}

void *koc__realloc(void *ptr, size_t size)
{
    return may_allocate(size) ? realloc(ptr, size ? size : 1) : NULL;
}

bool koc__grow(void **ptr, size_t *capacity, size_t need, size_t element_size)
{
    size_t wanted = *capacity < 8 ? 8 : *capacity;
    size_t bytes;
    if (need <= *capacity) {
        return true;
    }
    if (wanted < need && !koc__add_size(wanted, wanted / 2, &wanted)) {
        return false;
    }
    if (wanted < need) {
        wanted = need;
    }
    if (!koc__mul_size(wanted, element_size, &bytes)) {
        return false;
    }
    void *grown = koc__realloc(*ptr, bytes);
    if (!grown) {
        return false;
    }
    *ptr = grown;
    *capacity = wanted;
    return true;
}

char *koc__strdup(const char *s)
{
    return s ? koc__strndup(s, strlen(s)) : NULL;
}

char *koc__strndup(const char *s, size_t n)
{
    size_t size;
    if (!koc__add_size(n, 1, &size)) {
        return NULL;
    }
    char *copy = koc__malloc(size);
    if (!copy) {
        return NULL;
    }
    if (n > 0) {
        memcpy(copy, s, n);
    }
    copy[n] = '\0';
    return copy;
}

void koc__free(void *ptr)
{
    free(ptr);
}

void koc__wipe(void *ptr, size_t size)
{
    if (size > 0) {
        memset(ptr, 0, size);
        /* Otherwise the compiler may drop the memset, since the program never reads the zeros. */
        __asm__ __volatile__("" : : "r"(ptr) : "memory");
    }
}

void koc__alloc_fail_after(uint64_t n)
{
    uint64_t now = atomic_load(&count);
    atomic_store(&fail_until, UINT64_MAX);
    atomic_store(&fail_from, n == 0 ? 0 : now + n);
}

void koc__alloc_fail_only(uint64_t n)
{
    koc__alloc_fail_after(n);
    atomic_store(&fail_until, atomic_load(&fail_from) + 1);
}

uint64_t koc__alloc_count(void)
{
    return atomic_load(&count);
}
