/* Renders one text; the arena; errors with a position. */
#include "core/common.h"

#include <stdarg.h>

#include "template/template.h"

#define ARENA_MAX ((size_t)16 << 20)

struct koc__arena_block {
    struct koc__arena_block *next;
    max_align_t data[];
};

void *koc__arena_take(koc__arena *a, size_t size, koc_error **err)
{
    if (size > a->left) {
        koc__error(err, KOC_ENOMEM, "template: needs more than %zu MiB", ARENA_MAX >> 20);
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

int koc__template_render(const char *source, const char *what, const koc__tmap *data,
                         koc__dynbuf *out, koc_error **err)
{
    if (!strstr(source, "{{")) {
        return koc__dynbuf_puts(out, source, err);
    }
    koc__template t = {.what = what, .source = koc__str(source), .arena = {NULL, ARENA_MAX}};
    if (t.source.len > KOC__TEMPLATE_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s: template of more than %zu bytes", what,
                          KOC__TEMPLATE_MAX);
    }
    int rc = koc__template_lex(&t, err);
    if (rc == KOC_OK) {
        rc = koc__template_parse(&t, err);
    }
    if (rc == KOC_OK) {
        rc = koc__template_exec(&t, data, out, err);
    }
    koc__arena_dispose(&t.arena);
    return rc;
}
