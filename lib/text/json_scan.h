/* The strict scan that every JSON document passes before cJSON sees it. For text/json.c and tests. */
#ifndef KOC__JSON_SCAN_H
#define KOC__JSON_SCAN_H

#include <koc/base.h>

#include "core/cleanup.h"

enum {
    KOC__JSON_DEPTH = 64,          /* containers in containers */
    KOC__JSON_VALUES = 1024 * 1024 /* values in one document: bounds the tree's memory */
};

/* The position of a number. */
typedef struct koc__json_span {
    size_t start;
    size_t len;
} koc__json_span;

typedef struct koc__json_scan {
    koc__json_span *numbers; /* in source order */
    size_t n_numbers;
    size_t capacity;
    size_t values;
    const char *reason; /* after a failure: why, static */
    size_t at;          /* after a failure: the position in bytes */
} koc__json_scan;

/* Accepts strict RFC 8259 in valid UTF-8 without U+0000 and lone surrogates. KOC_EFORMAT, KOC_ELIMIT,
 * KOC_ENOMEM; reason and at replace an error object. Does not look for duplicate names. */
int koc__json_scan_text(koc_str text, koc__json_scan *out);
void koc__json_scan_dispose(koc__json_scan *s);
KOC__DEFINE_AUTO_VAL(koc__json_scan, koc__json_scan_dispose);

#endif
