/* Nodes of a document: their positions, errors about them, edits that replace them. */
#include "core/common.h"

#include "resolve/resolve.h"

static bool is_null(const koc__yevent *e)
{
    koc_str v = e->value;
    return v.len == 0 || (e->style == KOC__YSTYLE_PLAIN &&
                          (koc__str_is(v, "~") || koc__str_ieq(v, koc__str("null"))));
}

koc__node_pos koc__scan_position(const koc__scan *s, const koc__yevent *e)
{
    koc__node_pos p = {
        .type = e->type,
        .style = e->style,
        .flow = e->flow,
        .bare = !e->anchor && !e->tag,
        .filled = e->type == KOC__YEVENT_SCALAR && !is_null(e),
        .start = s->base + e->start,
        .text = s->base + e->start,
        .end = s->base + e->end,
        .line = e->line,
        .column = e->column,
    };
    return p;
}

int koc__scan_fail(const koc__scan *s, const koc__node_pos *at, int code, const char *text,
                   koc_error **err)
{
    return koc__error(err, code, "%s:%zu:%zu: %s", s->label, at->line, at->column, text);
}

bool koc__scan_is_block(const koc__node_pos *p)
{
    return p->style == KOC__YSTYLE_LITERAL || p->style == KOC__YSTYLE_FOLDED;
}

/* The header of a block with "-", and its indentation: ko trims the value, so it must not end in a line
 * break. */
static char *block_header(const koc__scan *s, const koc__node_pos *p)
{
    const char *t = s->text.ptr;
    size_t at = p->start + 1;
    char digit[2] = "";
    while (strchr("+-0123456789", t[at])) {
        if (t[at] != '+' && t[at] != '-') {
            digit[0] = t[at];
        }
        at++;
    }
    size_t rest = p->text - at;
    char *header = koc__malloc(rest + 4);
    if (header) {
        size_t n = 0;
        header[n++] = t[p->start];
        if (digit[0]) {
            header[n++] = digit[0];
        }
        header[n++] = '-';
        memcpy(header + n, t + at, rest);
        header[n + rest] = '\0';
    }
    return header;
}

/* Whether text must be written before a value: the header of a block; a space after a colon or an anchor.
 * Most references need none, and there may be a million of them. */
static bool needs_before(const koc__scan *s, const koc__node_pos *p)
{
    bool close = p->start > 0 && !strchr(" \t\r\n", s->text.ptr[p->start - 1]);
    return koc__scan_is_block(p) || (close && (!p->bare || p->start == p->end));
}

int koc__scan_replace(koc__scan *s, const koc__node_pos *at, const char *reference, const char *tag,
                      int form, int only_in, koc_error **err)
{
    bool before = needs_before(s, at);
    koc__text_edit e = {
        .start = at->start,
        .end = at->end,
        .reference = koc__strdup(reference),
        .tag = koc__strdup(tag),
        .before = !before                  ? NULL
                  : koc__scan_is_block(at) ? block_header(s, at)
                                           : koc__strdup(" "),
        .form = (uint8_t)form,
        .style = koc__scan_is_block(at) ? 0 : (uint8_t)at->style,
        .flow = at->flow,
        .only_in = (uint8_t)only_in,
    };
    if (!e.reference || (tag && !e.tag) || (before && !e.before)) {
        koc__text_edit_dispose(&e);
        return koc__oom(err);
    }
    return koc__edits_add(&s->edits, &e, err);
}
