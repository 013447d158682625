/*
 * Turns events into edits. The stack of open collections has only what the rules need: whether a scalar
 * is a key, which known key it belongs to, and the role of the collection in its document.
 */
#include "core/common.h"

#include "resolve/resolve.h"

#define STR_TAG "tag:yaml.org,2002:str"

/* --- references --- */

/* Finds the text of a block scalar with one line in the bytes of the input. */
static bool find_block_text(const koc__scan *s, koc_str value, koc__node_pos *p)
{
    const char *t = s->text.ptr;
    size_t at = p->start;
    while (at < p->end && t[at] != '\n' && t[at] != '\r') {
        at++;
    }
    while (at < p->end && strchr("\r\n ", t[at])) {
        at++;
    }
    koc_str text = koc__str_trim(value);
    if (p->end - at < text.len || memcmp(t + at, text.ptr, text.len) != 0) {
        return false;
    }
    p->text = at;
    p->end = at + text.len;
    return true;
}

/* Reads a scalar that is a string. *out stays NULL: it is not a reference. */
static int read_reference(const koc__scan *s, const koc__yevent *e, koc__node_pos *p, char **out,
                          char **tag, koc_error **err)
{
    bool string = !e->tag || strcmp(e->tag, "!") == 0 || strcmp(e->tag, STR_TAG) == 0;
    if (!string || !koc__ko_reference_begins(e->value, s->prefix)) {
        return KOC_OK;
    }
    int rc = koc__ko_reference_read(e->value, s->prefix, out, tag, err);
    if (rc == KOC_EINVAL) {
        return koc__error_prefix(err, rc, "%s:%zu:%zu", s->label, p->line, p->column);
    }
    KOC__TRY(rc);
    if (koc__scan_is_block(p) && !find_block_text(s, e->value, p)) {
        koc__free(*out);
        koc__free(*tag);
        *out = NULL;
        *tag = NULL;
        return koc__scan_fail(s, p, KOC_EINVAL, "a reference in a block must be on one line", err);
    }
    return KOC_OK;
}

/* How to end a block scalar if another input follows. If its value ends in a line break, only white space
 * can follow, and that is removed; if not, the header has to say so ("|-"). */
static koc__tail make_tail(const koc__scan *s, const koc__yevent *e)
{
    koc_str t = s->text;
    koc__node_pos p = koc__scan_position(s, e);
    if (!koc__scan_is_block(&p) || s->end != t.len || t.len == 0 || t.ptr[t.len - 1] == '\n') {
        return (koc__tail){0};
    }
    for (size_t i = p.end; i < t.len; i++) {
        if (t.ptr[i] != ' ' && t.ptr[i] != '\t') {
            return (koc__tail){0};
        }
    }
    if (e->value.len == 0 || strchr("\r\n", e->value.ptr[e->value.len - 1])) {
        size_t end = t.len;
        while (end > p.start && (t.ptr[end - 1] == ' ' || t.ptr[end - 1] == '\t')) {
            end--;
        }
        bool at_line = t.ptr[end - 1] == '\n' || t.ptr[end - 1] == '\r';
        return at_line ? (koc__tail){end, t.len, ""} : (koc__tail){0};
    }
    size_t digit = p.start + 1;
    while (digit < t.len && strchr("+-", t.ptr[digit])) {
        digit++;
    }
    size_t after = digit;
    while (after < t.len && strchr("+-0123456789", t.ptr[after])) {
        after++;
    }
    /* The digit keeps its place: "|2+" and "|+2" are "|-2". */
    size_t number = digit < after ? digit + 1 : digit;
    return number == after ? (koc__tail){p.start + 1, digit, "-"} : (koc__tail){number, after, "-"};
}

/* A scalar to which no rule applies. */
static int on_text(koc__scan *s, const koc__yevent *e, koc_error **err)
{
    if (!koc__ko_reference_begins(e->value, s->prefix)) {
        return KOC_OK;
    }
    KOC__AUTO_STR reference = NULL;
    KOC__AUTO_STR tag = NULL;
    koc__node_pos p = koc__scan_position(s, e);
    KOC__TRY(read_reference(s, e, &p, &reference, &tag, err));
    return reference ? koc__scan_replace(s, &p, reference, tag, KOC__FORM_WHOLE, 0, err) : KOC_OK;
}

/* --- members --- */

/* Called for each key of a file; the length decides first, so that few keys are compared. */
static int find_key(koc_str k)
{
#define IS(name) (memcmp(k.ptr, name, sizeof(name) - 1) == 0)
    switch (k.len) {
    case 3: return IS("tag") ? KOC__KEY_TAG : KOC__KEY_OTHER;
    case 4: return IS("name") ? KOC__KEY_NAME : IS("kind") ? KOC__KEY_KIND : KOC__KEY_OTHER;
    case 5: return IS("items") ? KOC__KEY_ITEMS : KOC__KEY_OTHER;
    case 6:
        return IS("images")   ? KOC__KEY_IMAGES
               : IS("labels") ? KOC__KEY_LABELS
               : IS("digest") ? KOC__KEY_DIGEST
               : IS("newTag") ? KOC__KEY_NEW_TAG
                              : KOC__KEY_OTHER;
    case 7: return IS("newName") ? KOC__KEY_NEW_NAME : KOC__KEY_OTHER;
    case 8:
        return IS("metadata")   ? KOC__KEY_METADATA
               : IS("registry") ? KOC__KEY_REGISTRY
                                : KOC__KEY_OTHER;
    case 10:
        return IS("apiVersion")   ? KOC__KEY_API_VERSION
               : IS("repository") ? KOC__KEY_REPOSITORY
                                  : KOC__KEY_OTHER;
    default: return KOC__KEY_OTHER;
    }
#undef IS
}

static void forget_members(koc__frame *f)
{
    for (int k = 0; f->has != 0 && k < KOC__KEY_MEMBERS; k++) {
        if (f->has >> k & 1) {
            koc__free(f->members[k].reference);
            koc__free(f->members[k].tag);
        }
    }
    f->has = 0;
}

/* Keeps members for the end of their mapping, since their edits depend on their neighbours. */
static int on_member(koc__scan *s, koc__frame *f, const koc__yevent *e, koc_error **err)
{
    koc__member m = {.key = f->last_key, .value = koc__scan_position(s, e)};
    koc__member *old = &f->members[f->key];
    if (e->type == KOC__YEVENT_SCALAR) {
        KOC__TRY(read_reference(s, e, &m.value, &m.reference, &m.tag, err));
    }
    int rc = KOC_OK;
    if (f->has >> f->key & 1) { /* a duplicate key: each value is replaced on its own */
        if (old->reference) {
            rc = koc__scan_replace(s, &old->value, old->reference, old->tag, KOC__FORM_WHOLE, 0,
                                   err);
        }
        koc__free(old->reference);
        koc__free(old->tag);
    }
    *old = m;
    f->has |= 1u << f->key;
    return rc;
}

static int on_key(koc__scan *s, koc__frame *f, const koc__yevent *e, koc_error **err)
{
    f->key_next = false;
    f->key = KOC__KEY_OTHER;
    if (e->type != KOC__YEVENT_SCALAR) {
        return KOC_OK;
    }
    f->key = (uint8_t)find_key(e->value);
    if (f->key != KOC__KEY_OTHER) {
        f->last_key = koc__scan_position(s, e);
    }
    if (f->role == KOC__ROLE_LABELS) {
        KOC__TRY(koc__object_label(s, e->value, err));
    }
    return on_text(s, e, err);
}

static int on_value(koc__scan *s, koc__frame *f, const koc__yevent *e, koc_error **err)
{
    f->key_next = true;
    if (f->role == KOC__ROLE_LABELS) {
        KOC__TRY(koc__object_label(s, e->value, err));
    }
    if (f->key != KOC__KEY_OTHER && f->key < KOC__KEY_MEMBERS) {
        return on_member(s, f, e, err);
    }
    if (f->key != KOC__KEY_OTHER) {
        KOC__TRY(koc__object_member(s, f, e, err));
    }
    return e->type == KOC__YEVENT_SCALAR ? on_text(s, e, err) : KOC_OK;
}

/* --- nodes --- */

static koc__frame *top(koc__scan *s)
{
    return s->depth > 0 ? &s->frames[s->depth - 1] : NULL;
}

/* The role of a collection, which follows from its parent. */
static int find_role(const koc__scan *s, const koc__frame *parent)
{
    if (!parent) {
        return KOC__ROLE_ROOT;
    }
    bool object = parent->role == KOC__ROLE_ROOT || parent->role == KOC__ROLE_ITEM;
    int key = parent->mapping ? parent->key : KOC__KEY_OTHER;
    if (object && key == KOC__KEY_METADATA) {
        return KOC__ROLE_METADATA;
    }
    if (parent->role == KOC__ROLE_METADATA && key == KOC__KEY_LABELS) {
        return s->selector ? KOC__ROLE_LABELS : KOC__ROLE_NONE;
    }
    if (parent->role == KOC__ROLE_ROOT && key == KOC__KEY_ITEMS) {
        return KOC__ROLE_ITEMS;
    }
    if (parent->role == KOC__ROLE_ROOT && key == KOC__KEY_IMAGES) {
        return KOC__ROLE_IMAGES;
    }
    if (parent->role == KOC__ROLE_ITEMS && s->selector) {
        return KOC__ROLE_ITEM;
    }
    return parent->role == KOC__ROLE_IMAGES ? KOC__ROLE_IMAGE : KOC__ROLE_NONE;
}

static int push(koc__scan *s, const koc__yevent *e, int role, koc_error **err)
{
    if (s->depth == s->max_depth) {
        return koc__error(err, KOC_ELIMIT, "%s:%zu:%zu: nested more than %u levels deep", s->label,
                          e->line, e->column, (unsigned)s->max_depth);
    }
    if (!koc__grow((void **)&s->frames, &s->frames_capacity, s->depth + 1, sizeof(*s->frames))) {
        return koc__oom(err);
    }
    koc__frame *f = &s->frames[s->depth++];
    f->mapping = e->type == KOC__YEVENT_MAPPING;
    f->flow = e->flow;
    f->key_next = f->mapping;
    f->key = KOC__KEY_OTHER;
    f->role = (uint8_t)role;
    f->has = 0;
    return KOC_OK;
}

static int pop(koc__scan *s, const koc__yevent *e, koc_error **err)
{
    koc__frame *f = top(s);
    int rc = f->has ? koc__values_apply(s, f, err) : KOC_OK;
    if (e->flow) {
        s->last_end = s->base + e->end; /* the end of a block is the start of the next node */
    }
    if (f->role == KOC__ROLE_ITEM) {
        koc__object_now(s)->content_end = s->last_end;
        s->in_item = false;
    }
    forget_members(f);
    s->depth--;
    return rc;
}

/* The start of a node. Frames may move when a collection is pushed. */
static int on_node(koc__scan *s, const koc__yevent *e, koc_error **err)
{
    koc__frame *f = top(s);
    bool collection = e->type == KOC__YEVENT_MAPPING || e->type == KOC__YEVENT_SEQUENCE;
    bool as_key = f && f->mapping && f->key_next;
    int role = as_key ? KOC__ROLE_NONE : find_role(s, f);
    if (!f) {
        s->document.place = koc__scan_position(s, e);
    } else if (f->role == KOC__ROLE_ITEMS && !f->mapping && s->selector) {
        KOC__TRY(koc__object_begin_item(s, e, err));
    }
    if (!collection) {
        s->last_end = s->base + e->end;
    }
    if (collection || e->type == KOC__YEVENT_ALIAS || e->end > e->start) {
        s->tail = e->type == KOC__YEVENT_SCALAR ? make_tail(s, e) : (koc__tail){0};
    }
    if (f && f->mapping) {
        KOC__TRY(as_key ? on_key(s, f, e, err) : on_value(s, f, e, err));
    } else if (e->type == KOC__YEVENT_SCALAR) {
        KOC__TRY(on_text(s, e, err));
    }
    return collection ? push(s, e, role, err) : KOC_OK;
}

/* --- documents --- */

static int begin_document(koc__scan *s, const koc__yevent *e, koc_error **err)
{
    size_t start = s->base + e->start;
    bool first = !s->has_document;
    while (start > s->base && s->text.ptr[start - 1] == ' ') {
        start--;
    }
    if (!first) {
        KOC__TRY(koc__object_end_document(s, start, err));
    } else {
        start = s->base > 0 ? s->base : koc__ymarks_begin(s->text);
    }
    koc__object_dispose(&s->document);
    s->document = (koc__object){0};
    s->has_document = true;
    s->document_start = start;
    s->first_edit = s->edits.count;
    s->n_items = 0;
    return KOC_OK;
}

static int on_event(koc__scan *s, const koc__yevent *e, koc_error **err)
{
    switch (e->type) {
    case KOC__YEVENT_DOCUMENT: return begin_document(s, e, err);
    case KOC__YEVENT_SEQUENCE_END:
    case KOC__YEVENT_MAPPING_END: return pop(s, e, err);
    case KOC__YEVENT_DOCUMENT_END: return KOC_OK;
    case KOC__YEVENT_END:
        return s->has_document ? koc__object_end_document(s, s->end, err) : KOC_OK;
    default: return on_node(s, e, err);
    }
}

/* The writer relies on this order, so it is checked whatever the rules did. */
static int check_order(const koc__scan *s, koc_error **err)
{
    size_t at = s->base;
    for (size_t i = 0; i < s->edits.count; i++) {
        const koc__text_edit *e = &s->edits.items[i];
        if (e->start < at || e->end < e->start || e->end > s->end) {
            return koc__error(err, KOC_EFORMAT,
                              "%s: the edits of document bytes %zu to %zu overlap", s->label,
                              e->start, e->end);
        }
        at = e->end;
    }
    return KOC_OK;
}

int koc__scan_run(koc__scan *s, koc_error **err)
{
    KOC__AUTO(koc__yevents) events = NULL;
    koc_str piece = koc__str_n(s->text.ptr + s->base, s->end - s->base);
    KOC__TRY(koc__yevents_open(piece, piece.len, s->label, &events, err));
    koc__yevent e;
    do {
        KOC__TRY(koc__yevents_next(events, &e, err));
        KOC__TRY(on_event(s, &e, err));
    } while (e.type != KOC__YEVENT_END);
    return check_order(s, err);
}

void koc__scan_dispose(koc__scan *s)
{
    while (s->depth > 0) {
        forget_members(top(s));
        s->depth--;
    }
    for (size_t i = 0; i < s->items_capacity; i++) {
        koc__object_dispose(&s->items[i]);
    }
    koc__free(s->items);
    koc__free(s->frames);
    koc__object_dispose(&s->document);
    koc__edits_dispose(&s->edits);
}
