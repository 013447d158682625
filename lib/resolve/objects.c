/* Decides which documents are kept: a label selector removes documents and items of a List, as ko does. */
#include "core/common.h"

#include "core/path.h"
#include "resolve/resolve.h"

void koc__object_dispose(koc__object *o)
{
    koc_strlist_free(o->labels);
    o->labels = NULL;
}

koc__object *koc__object_now(koc__scan *s)
{
    return s->in_item ? &s->items[s->n_items - 1] : &s->document;
}

/* --- while a document is read --- */

static bool is_kustomization(koc_str kind)
{
    return koc__str_is(kind, "Kustomization") || koc__str_is(kind, "Component");
}

int koc__object_member(koc__scan *s, const koc__frame *f, const koc__yevent *e, koc_error **err)
{
    koc__object *o = koc__object_now(s);
    koc__node_pos at = koc__scan_position(s, e);
    bool top = f->role == KOC__ROLE_ROOT || f->role == KOC__ROLE_ITEM;
    if (top && f->key == KOC__KEY_KIND) {
        o->has_kind = at.filled;
        o->is_list = koc__str_is(e->value, "List");
        o->is_kustomization = is_kustomization(e->value);
    } else if (top && f->key == KOC__KEY_API_VERSION) {
        o->has_version = at.filled;
    } else if (f->role == KOC__ROLE_ROOT && f->key == KOC__KEY_ITEMS) {
        o->items = at;
        o->items_key_end = f->last_key.end;
    }
    bool has_labels = (top && f->key == KOC__KEY_METADATA) ||
                      (f->role == KOC__ROLE_METADATA && f->key == KOC__KEY_LABELS);
    if (s->selector && has_labels && e->type == KOC__YEVENT_ALIAS) {
        return koc__scan_fail(s, &at, KOC_EINVAL,
                              "a selector cannot see labels behind an alias; write them out", err);
    }
    return KOC_OK;
}

/* Called for keys and values alternately. */
int koc__object_label(koc__scan *s, koc_str text, koc_error **err)
{
    koc__object *o = koc__object_now(s);
    if (!o->labels) {
        KOC__TRY(koc__strlist_new(&o->labels, err));
    }
    return koc__strlist_add_n(o->labels, text.ptr ? text : koc__str_n("", 0), err);
}

int koc__object_begin_item(koc__scan *s, const koc__yevent *e, koc_error **err)
{
    size_t before = s->items_capacity;
    if (!koc__grow((void **)&s->items, &s->items_capacity, s->n_items + 1, sizeof(*s->items))) {
        return koc__oom(err);
    }
    for (size_t i = before; i < s->items_capacity; i++) {
        s->items[i] = (koc__object){0};
    }
    koc__object *o = &s->items[s->n_items++];
    koc__object_dispose(o);
    *o = (koc__object){.place = koc__scan_position(s, e), .content_end = s->base + e->end};
    s->in_item = e->type == KOC__YEVENT_MAPPING;
    return KOC_OK;
}

/* --- removal --- */

/* Removes bytes; joins adjacent removals. */
static int remove_bytes(koc__scan *s, size_t start, size_t end, koc_error **err)
{
    koc__text_edit *last = s->edits.count > 0 ? &s->edits.items[s->edits.count - 1] : NULL;
    if (last && last->form == KOC__FORM_NOTHING && last->end == start) {
        last->end = end;
        return KOC_OK;
    }
    koc__text_edit e = {.start = start, .end = end, .form = KOC__FORM_NOTHING};
    return koc__edits_add(&s->edits, &e, err);
}

static void remove_edits(koc__scan *s, size_t first,
                         bool (*unwanted)(const koc__scan *s, const koc__text_edit *e))
{
    size_t kept = first;
    for (size_t i = first; i < s->edits.count; i++) {
        koc__text_edit *e = &s->edits.items[i];
        if (unwanted(s, e)) {
            koc__text_edit_dispose(e);
        } else {
            koc__text_edit moved = *e;
            s->edits.items[kept++] = moved;
        }
    }
    s->edits.count = kept;
}

static bool in_other_kind(const koc__scan *s, const koc__text_edit *e)
{
    koc_str file = koc__path_base(koc__str(s->label));
    bool named = koc__str_is(file, "kustomization.yaml") ||
                 koc__str_is(file, "kustomization.yml") || koc__str_is(file, "Kustomization");
    bool yes = s->document.is_kustomization || (named && !s->document.has_kind);
    return e->only_in != 0 && !(e->only_in & (yes ? KOC__IN_KUSTOMIZATION : KOC__IN_OTHER));
}

static bool in_dropped_item(const koc__scan *s, const koc__text_edit *e)
{
    for (size_t i = 0; i < s->n_items; i++) {
        const koc__object *o = &s->items[i];
        if (o->dropped && e->start >= o->place.start && e->start < o->content_end) {
            return true;
        }
    }
    return false;
}

static int check_object(const koc__scan *s, const koc__object *o, koc_error **err)
{
    if (o->place.type == KOC__YEVENT_MAPPING && o->has_version && o->has_kind) {
        return KOC_OK;
    }
    return koc__scan_fail(s, &o->place, KOC_EINVAL,
                          "a selector needs objects, with apiVersion and kind", err);
}

/* --- items of a List --- */

static size_t line_start(const koc__scan *s, size_t at)
{
    while (at > s->document_start && s->text.ptr[at - 1] != '\n' && s->text.ptr[at - 1] != '\r') {
        at--;
    }
    return at;
}

/* A lone CR is a line break also, as for libyaml. */
static bool is_line_start(const koc__scan *s, size_t at)
{
    char before = at > 0 ? s->text.ptr[at - 1] : '\n';
    return before == '\n' || (before == '\r' && (at == s->end || s->text.ptr[at] != '\n'));
}

static size_t next_line(const koc__scan *s, size_t at)
{
    while (at < s->document_end && !is_line_start(s, at)) {
        at++;
    }
    return at;
}

static char first_character(const koc__scan *s, size_t at)
{
    while (at < s->end && s->text.ptr[at] == ' ') {
        at++;
    }
    return at < s->end ? s->text.ptr[at] : '\0';
}

/* The line of an item's dash, with the comment lines directly above it. */
static size_t block_item_start(const koc__scan *s, const koc__object *o, size_t bound)
{
    size_t at = line_start(s, o->place.start);
    while (at > bound && first_character(s, at) != '-') {
        at = line_start(s, at - 1);
    }
    while (at > bound) {
        size_t above = line_start(s, at - 1);
        if (above < bound || first_character(s, above) != '#') {
            break;
        }
        at = above;
    }
    return at;
}

static int drop_block_items(koc__scan *s, koc_error **err)
{
    for (size_t i = 0; i < s->n_items; i++) {
        const koc__object *o = &s->items[i];
        size_t bound = next_line(s, i > 0 ? o[-1].content_end : s->document.items_key_end);
        if (o->dropped) {
            KOC__TRY(
                remove_bytes(s, block_item_start(s, o, bound), next_line(s, o->content_end), err));
        }
    }
    return KOC_OK;
}

/* Removes one comma with each item: the one before it, or the one after it at the start of the list. */
static int drop_flow_items(koc__scan *s, koc_error **err)
{
    bool any = false; /* an item before is kept */
    for (size_t i = 0; i < s->n_items; i++) {
        const koc__object *o = &s->items[i];
        if (!o->dropped) {
            any = true;
        } else if (any) {
            KOC__TRY(remove_bytes(s, o[-1].content_end, o->content_end, err));
        } else {
            KOC__TRY(remove_bytes(s, o->place.start, o[1].place.start,
                                  err)); /* an item that is kept follows */
        }
    }
    return KOC_OK;
}

static int select_items(koc__scan *s, bool *any, koc_error **err)
{
    koc__object *d = &s->document;
    if (d->items.type != KOC__YEVENT_SEQUENCE) {
        return koc__scan_fail(s, &d->place, KOC_EINVAL, "a List without items", err);
    }
    bool all = true;
    for (size_t i = 0; i < s->n_items; i++) {
        KOC__TRY(check_object(s, &s->items[i], err));
        s->items[i].dropped = !koc__selector_matches(s->selector, s->items[i].labels);
        *any = *any || !s->items[i].dropped;
        all = all && !s->items[i].dropped;
    }
    if (!*any || all) {
        return KOC_OK;
    }
    remove_edits(s, s->first_edit, in_dropped_item);
    KOC__TRY(d->items.flow ? drop_flow_items(s, err) : drop_block_items(s, err));
    koc__edits_sort(&s->edits, s->first_edit);
    return KOC_OK;
}

/* --- documents --- */

static int is_selected(koc__scan *s, bool *out, koc_error **err)
{
    koc__object *d = &s->document;
    if (!s->selector) {
        *out = true;
        return KOC_OK;
    }
    bool null = d->place.type == KOC__YEVENT_SCALAR && !d->place.filled;
    if (null) {
        *out = false;
        return KOC_OK;
    }
    KOC__TRY(check_object(s, d, err));
    if (d->is_list) {
        *out = false;
        return select_items(s, out, err);
    }
    *out = koc__selector_matches(s->selector, d->labels);
    return KOC_OK;
}

/* A directive is valid only after the end of a document, which may have been removed. */
static int end_document_before_directive(koc__scan *s, koc_error **err)
{
    koc_str rest = koc__str_from(s->text, s->document_start);
    if (!s->previous_dropped || !s->any_kept || !koc__str_starts(rest, "%")) {
        return KOC_OK;
    }
    koc__text_edit *gap = &s->edits.items[s->first_edit - 1];
    koc__free(gap->before);
    gap->before = koc__strdup("...\n");
    return gap->before ? KOC_OK : koc__oom(err);
}

/* Two rules may write to one scalar: a digest beside both a repository and a newName. */
static int check_overlap(const koc__scan *s, koc_error **err)
{
    for (size_t i = s->first_edit + 1; i < s->edits.count; i++) {
        const koc__text_edit *e = &s->edits.items[i];
        bool same = e->start == e[-1].start &&
                    !(e->after && e[-1].after); /* two insertions at one place are fine */
        if (same || e->start < e[-1].end) {
            koc__node_pos at = {0};
            koc__ymarks_place(s->text, e->start, &at.line, &at.column);
            return koc__scan_fail(s, &at, KOC_EINVAL,
                                  "two references beside it write to this value", err);
        }
    }
    return KOC_OK;
}

int koc__object_end_document(koc__scan *s, size_t end, koc_error **err)
{
    bool stays = false;
    s->document_end = end;
    koc__edits_sort(&s->edits, s->first_edit);
    remove_edits(s, s->first_edit, in_other_kind);
    KOC__TRY(check_overlap(s, err));
    KOC__TRY(is_selected(s, &stays, err));
    if (!stays) {
        koc__edits_truncate(&s->edits, s->first_edit);
        KOC__TRY(remove_bytes(s, s->document_start, end, err));
    } else {
        KOC__TRY(end_document_before_directive(s, err));
        s->any_kept = true;
    }
    s->previous_dropped = !stays;
    return KOC_OK;
}
