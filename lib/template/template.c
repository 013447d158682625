/* What the parts of the module share: the arena, errors with a position, values. */
#include "core/common.h"

#include <inttypes.h>
#include <stdarg.h>

#include "template/template.h"

struct koc__arena_block {
    struct koc__arena_block *next;
    max_align_t data[];
};

void *koc__arena_take(koc__arena *a, size_t size, koc_error **err)
{
    if (size > a->left) {
        koc__error(err, KOC_ENOMEM, "template: needs more than %zu MiB", KOC__TEMPLATE_ARENA >> 20);
        return NULL;
    }
    struct koc__arena_block *b = koc__calloc(1, sizeof(*b) + size);
    if (!b) {
        koc__oom(err);
        return NULL;
    }
    a->left -= size;
    b->next = a->blocks;
    a->blocks = b;
    return b->data;
}

void koc__arena_dispose(koc__arena *a)
{
    while (a->blocks) {
        struct koc__arena_block *next = a->blocks->next;
        koc__free(a->blocks);
        a->blocks = next;
    }
}

int koc__template_error(const koc__template *t, size_t pos, koc_error **err, const char *fmt, ...)
{
    size_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < pos && i < t->source.len; i++) {
        if (t->source.ptr[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    return koc__error(err, KOC_EINVAL, "%s:%zu:%zu: %s", t->what, line, pos - start + 1, message);
}

/* --- values --- */

const char *koc__template_type(const koc__tvalue *v)
{
    static const char *const names[] = {"nil", "bool", "int", "string", "map"};
    return names[v->kind];
}

bool koc__template_truth(const koc__tvalue *v)
{
    switch (v->kind) {
    case KOC__T_STRING: return v->text.len > 0;
    case KOC__T_MAP: return true; /* no map is empty */
    case KOC__T_NIL: return false;
    default: return v->number != 0;
    }
}

koc__tdefinition *koc__template_named(const koc__template *t, koc_str name)
{
    koc__tdefinition *d = t->definitions;
    while (d && !koc__str_eq(d->name, name)) {
        d = d->next;
    }
    return d;
}

int koc__template_keys(koc__template *t, const koc__tmap *map, koc_str **out, size_t *n,
                       koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    KOC__TRY(koc__strlist_new(&names, err));
    for (size_t i = 0; map->names && map->names[i]; i++) {
        KOC__TRY(koc__strlist_add(names, map->names[i], err));
    }
    if (map->keys) {
        KOC__TRY(map->keys(map, names, err));
    }
    koc__strlist_sort(names);
    *n = koc_strlist_count(names);
    *out = koc__arena_take(&t->arena, (*n + 1) * sizeof(**out), err);
    for (size_t i = 0; *out && i < *n; i++) {
        koc_str name = koc__str(koc_strlist_get(names, i));
        char *copy = koc__arena_take(&t->arena, name.len + 1, err);
        if (!copy) {
            return KOC_ENOMEM;
        }
        memcpy(copy, name.ptr, name.len);
        (*out)[i] = koc__str_n(copy, name.len);
    }
    return *out ? KOC_OK : KOC_ENOMEM;
}

/* As fmt prints a map: "map[a:1 b:2]". Only the root contains maps, so the recursion ends. */
static int print_map(koc__template *t, const koc__tmap *map, koc__dynbuf *out, koc_error **err)
{
    koc_str *keys = NULL;
    size_t n = 0;
    KOC__TRY(koc__template_keys(t, map, &keys, &n, err));
    KOC__TRY(koc__dynbuf_puts(out, "map[", err));
    for (size_t i = 0; i < n; i++) {
        koc__tvalue value = {KOC__T_NIL, 0, {0}, NULL};
        bool found = false;
        KOC__TRY(map->get(map, keys[i], &found, &value, err));
        KOC__TRY(koc__dynbuf_printf(out, err, "%s%.*s:", i > 0 ? " " : "", KOC__FMT(keys[i])));
        KOC__TRY(koc__template_print(t, &value, out, err));
    }
    return koc__dynbuf_putc(out, ']', err);
}

int koc__template_print(koc__template *t, const koc__tvalue *v, koc__dynbuf *out, koc_error **err)
{
    switch (v->kind) {
    case KOC__T_STRING: return koc__dynbuf_put(out, v->text, err);
    case KOC__T_INT: return koc__dynbuf_printf(out, err, "%" PRId64, v->number);
    case KOC__T_BOOL: return koc__dynbuf_puts(out, v->number ? "true" : "false", err);
    case KOC__T_NIL: return koc__dynbuf_puts(out, "<nil>", err);
    default: return print_map(t, v->map, out, err);
    }
}
