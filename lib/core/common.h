/* The first include of every .c file: feature macros before any system header, then the headers that all code
 * uses. */
#ifndef KOC__COMMON_H
#define KOC__COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#ifdef __APPLE__
#define _DARWIN_C_SOURCE 1
#endif
#define _FILE_OFFSET_BITS 64

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <koc/base.h>
#include <koc/error.h>

#include "core/alloc.h"
#include "core/cleanup.h"
#include "core/errors.h"

/* Leaves the function with the code of a failed call; *err has been filled by it. */
#define KOC__TRY(expr)                                                                             \
    do {                                                                                           \
        int koc__rc = (expr);                                                                      \
        if (koc__rc != KOC_OK) {                                                                   \
            return koc__rc;                                                                        \
        }                                                                                          \
    } while (0)

#define KOC__COUNT(array)      (sizeof(array) / sizeof((array)[0]))
#define KOC__UNUSED            __attribute__((unused))
#define KOC__PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define KOC__MIN(a, b)         ((a) < (b) ? (a) : (b))
#define KOC__MAX(a, b)         ((a) > (b) ? (a) : (b))

#include "core/banned.h"

#endif
