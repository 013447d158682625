/* Views of text, and lists of strings. Nothing here depends on the locale. */
#ifndef KOC__STR_H
#define KOC__STR_H

#include <string.h>

#include <koc/base.h>
#include <koc/context.h>

#include "core/cleanup.h"

#define KOC__STR(literal) ((koc_str){(literal), sizeof(literal) - 1})
static inline koc_str koc__str(const char *s)
{
    return (koc_str){s, s ? strlen(s) : 0};
}
static inline koc_str koc__str_n(const char *s, size_t n)
{
    return (koc_str){s, n};
}
/* For printf("%.*s", KOC__FMT(s)). */
#define KOC__FMT(s)     (int)KOC__STR_CAP((s).len), (s).ptr
#define KOC__STR_CAP(n) ((n) > 4096 ? 4096 : (n))

bool koc__str_eq(koc_str a, koc_str b);
bool koc__str_is(koc_str a, const char *b);    /* equal to a C string */
bool koc__streq(const char *a, const char *b); /* both may be NULL */
bool koc__str_ieq(koc_str a, koc_str b);       /* ASCII case folded */
int koc__str_cmp(koc_str a, koc_str b);        /* byte order */
bool koc__str_starts(koc_str s, const char *prefix);
bool koc__str_ends(koc_str s, const char *suffix);
koc_str koc__str_from(koc_str s, size_t start); /* the rest from start; empty past the end */
koc_str koc__str_trim(koc_str s);               /* ASCII white space on both sides */
/* Cuts at the first (last) c: before and after without c. false: no c, outputs untouched. */
bool koc__str_cut(koc_str s, char c, koc_str *before, koc_str *after);
bool koc__str_rcut(koc_str s, char c, koc_str *before, koc_str *after);
/* Walks the pieces between separators; false: there are no more. Start with rest = s. Pieces may be empty; an
 * empty s has none. */
bool koc__str_split(koc_str *rest, char separator, koc_str *piece);
/* Walks words separated by ASCII white space; never empty. */
bool koc__str_word(koc_str *rest, koc_str *word);
bool koc__str_u64(koc_str s, uint64_t *out); /* decimal digits only, no overflow */
bool koc__str_i64(koc_str s, int64_t *out);  /* optional sign, digits */
char *koc__str_dup(koc_str s);               /* NULL: out of memory */
char *koc__str_lower(koc_str s);             /* ASCII; NULL: out of memory */
bool koc__str_utf8(koc_str s);               /* valid UTF-8 */
/* Length of the UTF-8 sequence that s starts with, and its code point; 0: not valid, or s is empty. */
size_t koc__str_rune(koc_str s, uint32_t *code_point);
/* The edit distance of two short words, for "did you mean"; large if either has more than 64 bytes. */
size_t koc__str_distance(const char *a, const char *b);

/* koc_strlist, the writable side. */
int koc__strlist_new(koc_strlist **out, koc_error **err);
int koc__strlist_add(koc_strlist *l, const char *s, koc_error **err);
int koc__strlist_add_n(koc_strlist *l, koc_str s, koc_error **err);
int koc__strlist_addf(koc_strlist *l, koc_error **err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool koc__strlist_has(const koc_strlist *l, const char *s);
void koc__strlist_sort(koc_strlist *l);
void koc__strlist_clear(koc_strlist *l);
/* NULL-terminated view, valid until the list changes. */
const char *const *koc__strlist_argv(const koc_strlist *l);

KOC__DEFINE_AUTO(koc_strlist, koc_strlist_free);

#endif
