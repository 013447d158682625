/* Writes JSON: deterministic, integers as integers, never a double, optionally with Go's escapes. */
#ifndef KOC__JSON_WRITE_H
#define KOC__JSON_WRITE_H

#include <koc/base.h>

#include "core/dynbuf.h"
#include "text/json.h"

enum {
    KOC__JW_GO = 1u << 0 /* < > & U+2028 U+2029 escaped as Go's encoding/json does */
};
typedef struct koc__jw {
    koc__dynbuf *out;
    uint32_t flags;
    int indent; /* spaces per level; 0: compact */
    int depth;
    uint64_t has;   /* one bit per level: something was written there */
    uint64_t array; /* one bit per level: it is an array */
    bool after_key;
    int status; /* sticky: the first failure; checked once by koc__jw_end */
    koc_error *error;
} koc__jw;

void koc__jw_begin(koc__jw *w, koc__dynbuf *out, int indent, uint32_t flags);
/* Returns the first failure, or KOC_OK if the document is complete. Frees the memory of w. */
int koc__jw_end(koc__jw *w, koc_error **err);
void koc__jw_object(koc__jw *w);
void koc__jw_object_end(koc__jw *w);
void koc__jw_array(koc__jw *w);
void koc__jw_array_end(koc__jw *w);
void koc__jw_key(koc__jw *w, const char *name);
void koc__jw_str(koc__jw *w, const char *value); /* invalid UTF-8 becomes U+FFFD; NULL is null */
void koc__jw_str_n(koc__jw *w, koc_str value);
void koc__jw_u64(koc__jw *w, uint64_t value);
void koc__jw_i64(koc__jw *w, int64_t value);
void koc__jw_bool(koc__jw *w, bool value);
void koc__jw_null(koc__jw *w);
/* A copy of a parsed value: numbers in their source text, members in source order. */
void koc__jw_node(koc__jw *w, const koc__jnode *n);
/* Key and string; nothing if value is NULL. */
void koc__jw_kv(koc__jw *w, const char *name, const char *value);

#endif
