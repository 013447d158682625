/*
 * The inside of the manifest-resolver. An input's way, file by file:
 *   split.c      a long stream is cut between documents, for parsing side by side
 *   scan.c       the events of a piece become edits: which bytes are replaced, and by which form of what
 *   reference.c  what stands in a scalar
 *   values.c     Helm values and kustomizations: the digest lands where the consumer looks
 *   objects.c    with a selector: which documents and List items stay
 *   selector.c   the grammar of label selectors
 *   rewrite.c    edits and replacements become bytes
 *   inputs.c     files and directories;  resolver.c  the public object
 */
#ifndef KOC__RESOLVE_H
#define KOC__RESOLVE_H

#include <koc/resolve.h>

#include "core/dynbuf.h"
#include "core/str.h"
#include "text/yaml_events.h"

/* --- edits --- */

enum {
    KOC__FORM_NOTHING, /* the bytes go */
    KOC__FORM_WHOLE, /* name[:tag][@digest], as it was set; with a tag of its own: name:TAG@digest */
    KOC__FORM_NAME,  /* registry/repository */
    KOC__FORM_REGISTRY, /* registry */
    KOC__FORM_PATH,     /* repository */
    KOC__FORM_TAG,      /* TAG@digest: what a chart puts behind a colon */
    KOC__FORM_DIGEST    /* sha256:… */
};

typedef struct koc__edit {
    size_t start; /* bytes of the input; equal: something is put in */
    size_t end;
    char *reference; /* "ko://path", until it is known by its index */
    size_t index;    /* of the resolver's references */
    char *before;    /* written as they are, around the value; or NULL */
    char *after;
    char *tag; /* of KOC__FORM_WHOLE and _TAG; or NULL */
    uint8_t form;
    uint8_t style;   /* KOC__YSTYLE_*: how the value is written; 0: as a literal line */
    bool flow;       /* within brackets */
    uint8_t only_in; /* a bit per kind of document; see values.c */
} koc__edit;

typedef struct koc__edits {
    koc__edit *items;
    size_t count;
    size_t capacity;
} koc__edits;
/* Takes e's strings in all cases. */
int koc__edits_add(koc__edits *l, koc__edit *e, koc_error **err);
/* By place, from item `first` on. */
void koc__edits_sort(koc__edits *l, size_t first);
void koc__edit_dispose(koc__edit *e);
void koc__edits_truncate(koc__edits *l, size_t count);
void koc__edits_dispose(koc__edits *l);
KOC__DEFINE_AUTO_VAL(koc__edits, koc__edits_dispose);

/* --- reference.c --- */

/* Takes a scalar's text apart. *out stays NULL when it is no reference; else "ko://path", with the tag that
 * stood behind it or NULL. KOC_EINVAL: it begins like one and is none; the message has no place. */
int koc__ko_reference_read(koc_str text, koc_str prefix, char **out, char **tag, koc_error **err);
/* Looks at the beginning only. */
static inline bool koc__ko_reference_begins(koc_str text, koc_str prefix)
{
    return text.len >= prefix.len && text.ptr[0] == prefix.ptr[0] &&
           memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

/* --- the end of an input --- */

/* An input whose last bytes are a block scalar (| >) that no line break ends: one more line would change its
 * value. Then `replace` stands for the bytes between; both 0: nothing has to be done. */
typedef struct koc__tail {
    size_t start;
    size_t end;
    const char *replace;
} koc__tail;

/* --- selector.c --- */

typedef struct koc__selector koc__selector;
int koc__selector_parse(const char *text, koc__selector **out, koc_error **err);
void koc__selector_free(koc__selector *s);
KOC__DEFINE_AUTO(koc__selector, koc__selector_free);
/* labels: key, value, key, value. */
bool koc__selector_matches(const koc__selector *s, const koc_strlist *labels);

/* --- scan.c --- */

/* A node as the rules need it: where it stands. */
typedef struct koc__node_pos {
    int type; /* KOC__YEVENT_*; 0: not there */
    int style;
    bool flow;
    bool bare;   /* without anchor and tag */
    bool filled; /* a scalar with text that is not null */
    size_t start;
    size_t text; /* of a block scalar (| >): where its text begins; else start */
    size_t end;  /* of a block scalar that is a reference: behind the reference */
    size_t line;
    size_t column;
} koc__node_pos;

/* Keys that mean something. */
enum {
    KOC__KEY_OTHER,
    KOC__KEY_REPOSITORY,
    KOC__KEY_REGISTRY,
    KOC__KEY_TAG,
    KOC__KEY_DIGEST,
    KOC__KEY_NAME,
    KOC__KEY_NEW_NAME,
    KOC__KEY_NEW_TAG,
    KOC__KEY_MEMBERS, /* of the rules; what follows is looked at at once */
    KOC__KEY_KIND = KOC__KEY_MEMBERS,
    KOC__KEY_API_VERSION,
    KOC__KEY_METADATA,
    KOC__KEY_LABELS,
    KOC__KEY_ITEMS,
    KOC__KEY_IMAGES
};

typedef struct koc__member {
    koc__node_pos key;
    koc__node_pos value;
    char *reference; /* the value is one; or NULL */
    char *tag;       /* that stood behind it */
} koc__member;

/* What a collection is in its document. */
enum {
    KOC__ROLE_NONE,
    KOC__ROLE_ROOT,
    KOC__ROLE_METADATA, /* of the document or of an item */
    KOC__ROLE_LABELS,
    KOC__ROLE_ITEMS,
    KOC__ROLE_ITEM,
    KOC__ROLE_IMAGES,
    KOC__ROLE_IMAGE
};

typedef struct koc__frame {
    bool mapping;
    bool flow;
    bool key_next;
    uint8_t key; /* KOC__KEY_* of the value that comes next */
    uint8_t role;
    uint32_t has; /* a bit for each member that is set */
    koc__node_pos last_key;
    koc__member members[KOC__KEY_MEMBERS];
} koc__frame;

/* A document, or an item of a List. */
typedef struct koc__object {
    koc__node_pos place; /* its node */
    koc__node_pos items; /* of a document */
    size_t items_key_end;
    bool has_version;
    bool has_kind;
    bool is_list;
    bool is_kustomization;
    koc_strlist *labels; /* key, value, ...; NULL: none */
    size_t content_end;  /* where its last node ends */
    bool dropped;
} koc__object;

typedef struct koc__scan {
    koc_str text; /* all of the input */
    size_t base;  /* where the piece that is scanned begins */
    size_t end;
    const char *label;
    koc_str prefix;
    const koc__selector *selector; /* or NULL */
    uint32_t max_depth;
    koc__edits edits; /* the result */

    koc__frame *frames;
    size_t depth, frames_capacity;
    koc__object document;
    bool has_document;
    koc__object *items;
    size_t n_items, items_capacity;
    bool in_item;
    size_t document_start;
    size_t document_end; /* known once it is read */
    size_t first_edit;   /* of the document */
    size_t last_end;     /* of the last event with an extent */
    koc__tail tail;      /* as it is after the last scalar */
    bool previous_dropped;
    bool any_kept;
} koc__scan;

/* Reads a piece (s->base to s->end); s->edits are sorted and do not overlap. */
int koc__scan_run(koc__scan *s, koc_error **err);
void koc__scan_dispose(koc__scan *s);
KOC__DEFINE_AUTO_VAL(koc__scan, koc__scan_dispose);
/* "label:line:column: <text>". */
bool koc__scan_is_block(const koc__node_pos *p);
koc__node_pos koc__scan_position(const koc__scan *s, const koc__yevent *e);
int koc__scan_fail(const koc__scan *s, const koc__node_pos *at, int code, const char *text,
                   koc_error **err);
/* The scalar at a place is to be replaced. Copies both strings; tag may be NULL. */
int koc__scan_replace(koc__scan *s, const koc__node_pos *at, const char *reference, const char *tag,
                      int form, int only_in, koc_error **err);

/* --- values.c --- */

enum { KOC__IN_KUSTOMIZATION = 1, KOC__IN_OTHER = 2 };
/* A mapping ends: its members with references become edits. */
int koc__values_apply(koc__scan *s, koc__frame *f, koc_error **err);

/* --- objects.c: everything about which documents stay --- */

void koc__object_dispose(koc__object *o);
/* The object that is being read: an item, else the document. */
koc__object *koc__object_now(koc__scan *s);
/* A value of kind, apiVersion, labels, …: e is a scalar, alias or the start of a collection. */
int koc__object_member(koc__scan *s, const koc__frame *f, const koc__yevent *e, koc_error **err);
int koc__object_label(koc__scan *s, koc_str text, koc_error **err);
int koc__object_begin_item(koc__scan *s, const koc__yevent *e, koc_error **err);
/* The document ends where the next one begins: its edits are kept, or it goes. */
int koc__object_end_document(koc__scan *s, size_t end, koc_error **err);

/* --- split.c --- */

/* Where the piece that begins at start ends: behind at least `least` bytes, between two documents; the
 * text's end when there is no such place. */
size_t koc__split_next(koc_str text, size_t start, size_t least);
/* Where the document with the byte at begins: 0, or at its "---". */
size_t koc__split_before(koc_str text, size_t at);
/* Whether pieces can be read on their own: no directives. */
bool koc__split_allowed(koc_str text);
/* Where the first byte is that is neither white space nor comment; the text's length when there is none. */
size_t koc__split_first(koc_str text);
/* Where the JSON value that begins at `at` ends; `at` when it does not end. */
size_t koc__split_json(koc_str text, size_t at);

/* --- rewrite.c --- */

/* Checks what is to stand for references. */
int koc__rewrite_check(const char *replacement, koc_error **err);
/* The bytes for an edit. label and text: for messages. */
int koc__rewrite_edit(const koc__edit *e, const char *replacement, koc__dynbuf *out,
                      koc_error **err);

#endif
