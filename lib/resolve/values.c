/*
 * Puts the parts of a reference where the consumer expects them. A chart joins two values of its
 * values.yaml, kustomize has members of its own; a complete reference in one of them would be wrong.
 * docs/resolve.md has each rule with an example.
 */
#include "core/common.h"

#include "resolve/resolve.h"

static bool has(const koc__frame *f, int key)
{
    return f->has >> key & 1;
}

static bool is_scalar(const koc__frame *f, int key)
{
    return has(f, key) && f->members[key].value.type == KOC__YEVENT_SCALAR;
}

static const char *reference_of(const koc__frame *f, int key)
{
    return has(f, key) ? f->members[key].reference : NULL;
}

/* Reads the text of an earlier scalar again from its bytes. */
static int read_text(const koc__scan *s, const koc__node_pos *p, char **out, koc_error **err)
{
    koc_str bytes = koc__str_n(s->text.ptr + p->start, p->end - p->start);
    KOC__AUTO(koc__yevents) events = NULL;
    koc__yevent e = {0};
    KOC__TRY(koc__yevents_open(bytes, bytes.len, s->label, &events, err));
    while (p->filled && e.type != KOC__YEVENT_SCALAR) {
        KOC__TRY(koc__yevents_next(events, &e, err));
        if (e.type == KOC__YEVENT_END) {
            break;
        }
    }
    *out = koc__str_dup(p->filled ? koc__str_trim(e.value) : koc__str_n("", 0));
    return *out ? KOC_OK : koc__oom(err);
}

/* Replaces a scalar by a part of the image's name, also if it is empty ("tag:"). */
static int replace_member(koc__scan *s, const koc__member *m, const char *reference, int form,
                          int only_in, koc_error **err)
{
    KOC__AUTO_STR tag = NULL;
    koc__node_pos at = m->value;
    if (m->reference && m->reference != reference) {
        return koc__scan_fail(s, &at, KOC_EINVAL,
                              "a reference here, where the one beside it puts its tag or digest",
                              err);
    }
    if (form == KOC__FORM_TAG) {
        KOC__TRY(read_text(s, &at, &tag, err));
    }
    if (koc__scan_is_block(&at) && at.text == at.start) {
        return koc__scan_fail(
            s, &at, KOC_EINVAL,
            "the image's tag or digest is written here, which a block cannot take", err);
    }
    if (at.start == at.end && at.bare && (at.start == 0 || s->text.ptr[at.start - 1] != ':')) {
        return koc__scan_fail(s, &m->key, KOC_EINVAL, "a value must be written here: \"\" will do",
                              err);
    }
    return koc__scan_replace(s, &at, reference, tag, form, only_in, err);
}

/* --- a missing member --- */

/* Inserts "digest: VALUE" before the key of m, in the style of m's mapping. */
static int insert_member(koc__scan *s, const koc__member *m, const char *key, const char *reference,
                         int form, int only_in, koc_error **err)
{
    const koc__node_pos *at = &m->key;
    bool quoted = at->style == KOC__YSTYLE_DOUBLE;
    const char *quote = quoted ? "\"" : at->style == KOC__YSTYLE_SINGLE ? "'" : "";
    const char *eol = memmem(s->text.ptr, s->text.len, "\r\n", 2) ? "\r\n" : "\n";
    if (!at->bare || at->text != at->start) {
        return koc__error(err, KOC_EINVAL,
                          "%s:%zu:%zu: \"%s\" is missing here and cannot be inserted before an "
                          "anchor or tag; add it",
                          s->label, at->line, at->column, key);
    }
    koc__text_edit e = {
        .start = at->start,
        .end = at->start,
        .reference = koc__strdup(reference),
        .before = koc__format("%s%s%s: ", quote, key, quote),
        .after = at->flow
                     ? koc__format(", ")
                     : koc__format("%s%*s", eol, (int)KOC__MIN(at->column - 1, (size_t)4096), ""),
        .form = (uint8_t)form,
        .style = quoted ? KOC__YSTYLE_DOUBLE : KOC__YSTYLE_PLAIN,
        .flow = at->flow,
        .only_in = (uint8_t)only_in,
    };
    if (!e.reference || !e.before || !e.after) {
        koc__text_edit_dispose(&e);
        return koc__oom(err);
    }
    return koc__edits_add(&s->edits, &e, err);
}

/* --- Helm: repository, beside registry, tag or digest --- */

static int apply_repository(koc__scan *s, koc__frame *f, koc_error **err)
{
    koc__member *m = &f->members[KOC__KEY_REPOSITORY];
    bool digest = is_scalar(f, KOC__KEY_DIGEST);
    bool tag = is_scalar(f, KOC__KEY_TAG);
    if ((has(f, KOC__KEY_DIGEST) && !digest) || (has(f, KOC__KEY_TAG) && !tag)) {
        return koc__scan_fail(s, &m->value, KOC_EINVAL,
                              "the tag or digest beside it must be a string", err);
    }
    if (!digest && !tag) {
        return KOC_OK;
    }
    if (m->tag) {
        return koc__scan_fail(s, &m->value, KOC_EINVAL,
                              "a tag after the reference, and another beside it", err);
    }
    bool registry = is_scalar(f, KOC__KEY_REGISTRY) && f->members[KOC__KEY_REGISTRY].value.filled;
    const char *reference = m->reference;
    KOC__TRY(replace_member(s, m, reference, registry ? KOC__FORM_PATH : KOC__FORM_NAME, 0, err));
    if (registry) {
        KOC__TRY(replace_member(s, &f->members[KOC__KEY_REGISTRY], reference, KOC__FORM_REGISTRY, 0,
                                err));
    }
    KOC__TRY(
        digest
            ? replace_member(s, &f->members[KOC__KEY_DIGEST], reference, KOC__FORM_DIGEST, 0, err)
            : replace_member(s, &f->members[KOC__KEY_TAG], reference, KOC__FORM_TAG, 0, err));
    koc__free(m->reference);
    m->reference = NULL;
    return KOC_OK;
}

/* --- kustomize: name, newName, newTag, digest --- */

static int apply_digest(koc__scan *s, koc__frame *f, const koc__member *beside,
                        const char *reference, int only_in, koc_error **err)
{
    if (is_scalar(f, KOC__KEY_DIGEST)) {
        return replace_member(s, &f->members[KOC__KEY_DIGEST], reference, KOC__FORM_DIGEST, only_in,
                              err);
    }
    if (is_scalar(f, KOC__KEY_NEW_TAG)) {
        return replace_member(s, &f->members[KOC__KEY_NEW_TAG], reference, KOC__FORM_TAG, only_in,
                              err);
    }
    return insert_member(s, beside, "digest", reference, KOC__FORM_DIGEST, only_in, err);
}

static int apply_new_name(koc__scan *s, koc__frame *f, koc_error **err)
{
    koc__member *m = &f->members[KOC__KEY_NEW_NAME];
    if (m->tag) {
        return koc__scan_fail(s, &m->value, KOC_EINVAL, "a tag belongs into newTag", err);
    }
    KOC__TRY(replace_member(s, m, m->reference, KOC__FORM_NAME, 0, err));
    KOC__TRY(apply_digest(s, f, m, m->reference, 0, err));
    koc__free(m->reference);
    m->reference = NULL;
    return KOC_OK;
}

/* images: of a kustomization: kustomize searches the resources for name, so it stays. In another document
 * the same bytes are a plain reference. Which kind of document it is, is known at its end. */
static int apply_name(koc__scan *s, koc__frame *f, koc_error **err)
{
    koc__member *m = &f->members[KOC__KEY_NAME];
    KOC__TRY(
        koc__scan_replace(s, &m->value, m->reference, m->tag, KOC__FORM_WHOLE, KOC__IN_OTHER, err));
    if (!has(f, KOC__KEY_NEW_NAME)) {
        KOC__TRY(insert_member(s, m, "newName", m->reference, KOC__FORM_NAME, KOC__IN_KUSTOMIZATION,
                               err));
        KOC__TRY(apply_digest(s, f, m, m->reference, KOC__IN_KUSTOMIZATION, err));
    }
    koc__free(m->reference);
    m->reference = NULL;
    return KOC_OK;
}

int koc__values_apply(koc__scan *s, koc__frame *f, koc_error **err)
{
    if (reference_of(f, KOC__KEY_REPOSITORY)) {
        KOC__TRY(apply_repository(s, f, err));
    }
    if (reference_of(f, KOC__KEY_NEW_NAME)) {
        KOC__TRY(apply_new_name(s, f, err));
    }
    if (reference_of(f, KOC__KEY_NAME) && f->role == KOC__ROLE_IMAGE) {
        KOC__TRY(apply_name(s, f, err));
    }
    for (int k = 0; k < KOC__KEY_MEMBERS; k++) {
        const koc__member *m = &f->members[k];
        if (reference_of(f, k)) {
            KOC__TRY(
                koc__scan_replace(s, &m->value, m->reference, m->tag, KOC__FORM_WHOLE, 0, err));
        }
    }
    return KOC_OK;
}
