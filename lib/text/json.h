/*
 * Reads JSON. A strict scan (RFC 8259, UTF-8, no NUL, no duplicate names, depth 64) runs before cJSON, so
 * that all readers understand the same document. Numbers keep their source text.
 */
#ifndef KOC__JSON_H
#define KOC__JSON_H

#include <koc/base.h>

#include "core/cleanup.h"

typedef struct koc__json koc__json; /* a document: owns all its nodes */
typedef struct cJSON koc__jnode;    /* one value; borrowed from the document */
enum {
    KOC__JSON_NULL = 1,
    KOC__JSON_BOOL,
    KOC__JSON_NUMBER,
    KOC__JSON_STRING,
    KOC__JSON_ARRAY,
    KOC__JSON_OBJECT
};

/* what names the document in errors ("manifest of x"): "what: not valid JSON at byte 17: ...".
 * KOC_EFORMAT, KOC_ELIMIT (more than max bytes). */
int koc__json_parse(koc_str text, size_t max, const char *what, koc__json **out, koc_error **err);
void koc__json_free(koc__json *doc);
KOC__DEFINE_AUTO(koc__json, koc__json_free);
koc__jnode *koc__json_root(const koc__json *doc);

/* All of these accept NULL and return NULL, 0 or false for it. */
int koc__json_type(const koc__jnode *n); /* 0 for NULL */
bool koc__json_is(const koc__jnode *n, int type);
koc__jnode *koc__json_get(const koc__jnode *object,
                          const char *name); /* exact name; NULL: absent */
/* As Go reads members into a struct: the case of the name is ignored, the last one that is not null wins. */
koc__jnode *koc__json_get_folded(const koc__jnode *object, const char *name);
bool koc__json_name_folds(const koc__jnode *member, const char *name);
koc__jnode *koc__json_child(const koc__jnode *n); /* first element or member */
koc__jnode *koc__json_next(const koc__jnode *n);  /* the one after, in source order */
size_t koc__json_count(const koc__jnode *n);
const char *koc__json_name(const koc__jnode *n);        /* a member's name */
const char *koc__json_str(const koc__jnode *n);         /* NULL unless a string */
bool koc__json_true(const koc__jnode *n);               /* a true literal */
const char *koc__json_number(const koc__jnode *n);      /* a number's source text or NULL */
bool koc__json_u64(const koc__jnode *n, uint64_t *out); /* plain digits up to 2^53-1 */
bool koc__json_i64(const koc__jnode *n, int64_t *out);  /* with a sign */
const char *koc__json_get_str(const koc__jnode *object,
                              const char *name); /* string member or NULL */
/* koc__json_at(doc root, "/config/Env/0"): RFC 6901; NULL: absent. */
koc__jnode *koc__json_at(const koc__jnode *n, const char *pointer);
const char *koc__cjson_version(void);

/* --- changing a document --- */
/* A new document whose root is an empty object. */
int koc__json_new(koc__json **out, koc_error **err);
/* A document whose root is a copy of n. */
int koc__json_copy(const koc__jnode *n, koc__json **out, koc_error **err);
/* New nodes; NULL: out of memory. The caller owns them until koc__json_put or _push takes them. */
koc__jnode *koc__json_make_object(void);
koc__jnode *koc__json_make_array(void);
koc__jnode *koc__json_make_str(const char *value);
koc__jnode *koc__json_make_u64(uint64_t value);
koc__jnode *koc__json_make_copy(const koc__jnode *n);
void koc__json_node_free(koc__jnode *n); /* a new node that was not taken */
/* Sets a member of object: replaces the one of that name, or appends it. Takes value, also on failure; value
 * NULL is KOC_ENOMEM, so the result of a _make call can be passed unchecked. */
int koc__json_put(koc__jnode *object, const char *name, koc__jnode *value, koc_error **err);
/* Appends to an array; otherwise as koc__json_put. */
int koc__json_push(koc__jnode *array, koc__jnode *value, koc_error **err);
/* Replaces old, a child of parent, by value, which it takes in all cases. */
int koc__json_replace(koc__jnode *parent, koc__jnode *old, koc__jnode *value, koc_error **err);
/* Removes a child, or a member by its name; does nothing for NULL or an absent name. */
void koc__json_remove(koc__jnode *parent, koc__jnode *child);
void koc__json_drop(koc__jnode *object, const char *name);

#endif
