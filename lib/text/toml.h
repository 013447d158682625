/*
 * The part of TOML 1.0 that hosts.toml files use: tables, bare and quoted keys, strings on one line,
 * booleans, integers, arrays of those (two levels). Everything else is rejected with file and line. No I/O.
 */
#ifndef KOC__TOML_H
#define KOC__TOML_H

#include <koc/base.h>
#include <koc/error.h>

#define KOC__TOML_DEPTH 4
#define KOC__TOML_TEXT  4096

typedef enum koc__toml_kind { KOC__TOML_STRING, KOC__TOML_BOOL, KOC__TOML_INTEGER } koc__toml_kind;

/* The start of a table (key NULL), or one value; each element of an array is one value. Strings are borrowed
 * until the call returns. */
typedef struct koc__toml_item {
    const char *table[KOC__TOML_DEPTH]; /* [host."https://x"]: "host", "https://x" */
    size_t depth;
    const char *key;
    int index[2]; /* the index in each array, from 0; -1: not in an array */
    koc__toml_kind kind;
    const char *text; /* of a string */
    bool truth;
    int64_t number;
} koc__toml_item;

/* A failure ends the parse; its message gets the prefix "<file>:<line>: ". */
typedef int (*koc__toml_fn)(void *self, const koc__toml_item *item, koc_error **err);

/* file: for messages. KOC_EFORMAT. A duplicate key is reported twice. */
int koc__toml_read(koc_str text, const char *file, koc__toml_fn fn, void *self, koc_error **err);

#endif
