/* Lists of edits: adds, sorts and frees them. */
#include "core/common.h"

#include "resolve/resolve.h"

void koc__text_edit_dispose(koc__text_edit *e)
{
    koc__free(e->reference);
    koc__free(e->before);
    koc__free(e->after);
    koc__free(e->tag);
    *e = (koc__text_edit){0};
}

int koc__edits_add(koc__edits *l, koc__text_edit *e, koc_error **err)
{
    if (!koc__grow((void **)&l->items, &l->capacity, l->count + 1, sizeof(*l->items))) {
        koc__text_edit_dispose(e);
        return koc__oom(err);
    }
    l->items[l->count++] = *e;
    *e = (koc__text_edit){0};
    return KOC_OK;
}

void koc__edits_truncate(koc__edits *l, size_t count)
{
    while (l->count > count) {
        koc__text_edit_dispose(&l->items[--l->count]);
    }
}

void koc__edits_dispose(koc__edits *l)
{
    koc__edits_truncate(l, 0);
    koc__free(l->items);
    *l = (koc__edits){0};
}

static int by_place(const void *a, const void *b)
{
    const koc__text_edit *x = a;
    const koc__text_edit *y = b;
    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return (int)x->form - (int)y->form; /* newName before digest */
}

void koc__edits_sort(koc__edits *l, size_t first)
{
    for (size_t i = first + 1; i < l->count; i++) {
        if (by_place(&l->items[i - 1], &l->items[i]) > 0) {
            qsort(l->items + first, l->count - first, sizeof(*l->items), by_place);
            return;
        }
    }
}
