/*
 * Scoped release. KOC__AUTO(koc_image) img = NULL; runs koc_image's release function at the end of the
 * scope; koc__steal(&p) hands ownership out.
 */
#ifndef KOC__CLEANUP_H
#define KOC__CLEANUP_H

#include <stdio.h>
#include <unistd.h>

#include "core/alloc.h"

/* Declares how a pointer type is released: KOC__DEFINE_AUTO(koc_image, koc_image_unref). */
#define KOC__DEFINE_AUTO(type, release)                                                            \
    static inline __attribute__((unused)) void koc__auto_##type(type **p)                          \
    {                                                                                              \
        release(*p);                                                                               \
    }                                                                                              \
    struct koc__semicolon
/* KOC__AUTO(koc_image) img = NULL; */
#define KOC__AUTO(type) __attribute__((cleanup(koc__auto_##type))) type *

/* The same for a struct held by value: KOC__DEFINE_AUTO_VAL(koc__dynbuf, koc__dynbuf_dispose). */
#define KOC__DEFINE_AUTO_VAL(type, release)                                                        \
    static inline __attribute__((unused)) void koc__autoval_##type(type *p)                        \
    {                                                                                              \
        release(p);                                                                                \
    }                                                                                              \
    struct koc__semicolon
#define KOC__AUTO_VAL(type) __attribute__((cleanup(koc__autoval_##type))) type

static inline __attribute__((unused)) void koc__auto_free(char **p)
{
    koc__free(*p);
}
/* KOC__AUTO_STR s = NULL; */
#define KOC__AUTO_STR __attribute__((cleanup(koc__auto_free))) char *

static inline __attribute__((unused)) void koc__auto_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}
/* KOC__AUTO_FD fd = -1; */
#define KOC__AUTO_FD __attribute__((cleanup(koc__auto_fd))) int

/* The pointer's value, leaving NULL behind; keeps the type. */
#define koc__steal(p)                                                                              \
    __extension__({                                                                                \
        __typeof__(p) koc__pp = (p);                                                               \
        __typeof__(*koc__pp) koc__v = *koc__pp;                                                    \
        *koc__pp = NULL;                                                                           \
        koc__v;                                                                                    \
    })

static inline int koc__steal_fd(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}

#endif
