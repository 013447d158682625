#include "core/common.h"

#include <stdarg.h>

#include "core/dynbuf.h"
#include "core/str.h"

struct koc_strlist {
    char **items; /* items[count] is NULL; NULL while nothing was ever added */
    size_t count;
    size_t capacity;
};

int koc__strlist_new(koc_strlist **out, koc_error **err)
{
    koc_strlist *l = koc__calloc(1, sizeof(*l));
    if (!l) {
        return koc__oom(err);
    }
    *out = l;
    return KOC_OK;
}

/* Takes text; NULL: out of memory. */
static int add_owned(koc_strlist *l, char *text, koc_error **err)
{
    void *items = l->items;
    if (!text || !koc__grow(&items, &l->capacity, l->count + 2, sizeof(*l->items))) {
        koc__free(text);
        return koc__oom(err);
    }
    l->items = items;
    l->items[l->count++] = text;
    l->items[l->count] = NULL;
    return KOC_OK;
}

int koc__strlist_add(koc_strlist *l, const char *s, koc_error **err)
{
    return add_owned(l, koc__strdup(s), err);
}

int koc__strlist_add_n(koc_strlist *l, koc_str s, koc_error **err)
{
    return add_owned(l, koc__str_dup(s), err);
}

int koc__strlist_addf(koc_strlist *l, koc_error **err, const char *fmt, ...)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(INT32_MAX);
    va_list args;
    va_start(args, fmt);
    int rc = koc__dynbuf_vprintf(&b, err, fmt, args);
    va_end(args);
    return rc == KOC_OK ? add_owned(l, koc__dynbuf_steal(&b), err) : rc;
}

bool koc__strlist_has(const koc_strlist *l, const char *s)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->items[i], s) == 0) {
            return true;
        }
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

void koc__strlist_sort(koc_strlist *l)
{
    if (l->count > 1) {
        qsort(l->items, l->count, sizeof(*l->items), compare);
    }
}

void koc__strlist_clear(koc_strlist *l)
{
    while (l->count > 0) {
        koc__free(l->items[--l->count]);
        l->items[l->count] = NULL;
    }
}

const char *const *koc__strlist_argv(const koc_strlist *l)
{
    static const char *const nothing[] = {NULL};
    return l->items ? (const char *const *)l->items : nothing;
}

size_t koc_strlist_count(const koc_strlist *l)
{
    return l ? l->count : 0;
}

const char *koc_strlist_get(const koc_strlist *l, size_t i)
{
    return l && i < l->count ? l->items[i] : NULL;
}

void koc_strlist_free(koc_strlist *l)
{
    if (l) {
        koc__strlist_clear(l);
        koc__free(l->items);
        koc__free(l);
    }
}
