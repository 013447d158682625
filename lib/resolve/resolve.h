/*
 * The inside of the resolver, which replaces references in Kubernetes YAML. The way of an input, file by
 * file:
 *   input_files.c      reads files and directories
 *   split_documents.c  cuts a long stream between documents, so that pieces are parsed in parallel
 *   scan_document.c    turns the events of a piece into edits: which bytes to replace, and by what
 *   scan_node.c        nodes of a document: position, errors, edits
 *   ko_reference.c     parses the text of a scalar
 *   values.c           Helm values and kustomizations: puts the digest where the consumer expects it
 *   objects.c          with a selector: which documents and List items are kept
 *   selector.c         the grammar of label selectors
 *   edits.c            lists of edits
 *   rewrite.c          writes the bytes of an edit with its replacement
 *   resolver.c         the public object
 */
#ifndef KOC__RESOLVE_H
#define KOC__RESOLVE_H

#include <koc/resolve.h>

#include "core/dynbuf.h"
#include "core/str.h"
#include "text/yaml_events.h"

/* --- edits --- */

enum {
    KOC__FORM_NOTHING,  /* the bytes are removed */
    KOC__FORM_WHOLE,    /* name[:tag][@digest] as set; if the edit has a tag: name:TAG@digest */
    KOC__FORM_NAME,     /* registry/repository */
    KOC__FORM_REGISTRY, /* registry */
    KOC__FORM_PATH,     /* repository */
    KOC__FORM_TAG,      /* TAG@digest: what a chart appends after a colon */
    KOC__FORM_DIGEST    /* sha256:… */
};

typedef struct koc__text_edit {
    size_t start; /* bytes of the input to replace; start equals end: insert */
    size_t end;
    char *reference; /* "ko://path", until index replaces it */
    size_t index;    /* in the references of the resolver */
    char *before;    /* before and after: written verbatim around the value; or NULL */
    char *after;
    char *tag; /* of KOC__FORM_WHOLE and _TAG; or NULL */
    uint8_t form;
    uint8_t style;   /* KOC__YSTYLE_* of the value; 0: a line of a block scalar */
    bool flow;       /* inside of brackets */
    uint8_t only_in; /* KOC__IN_*: in which kinds of document the edit applies; 0: in all */
} koc__text_edit;

typedef struct koc__edits {
    koc__text_edit *items;
    size_t count;
    size_t capacity;
} koc__edits;
/* Takes ownership of e's strings, also on failure. */
int koc__edits_add(koc__edits *l, koc__text_edit *e, koc_error **err);
/* Sorts by position, from item `first` on. */
void koc__edits_sort(koc__edits *l, size_t first);
void koc__text_edit_dispose(koc__text_edit *e);
void koc__edits_truncate(koc__edits *l, size_t count);
void koc__edits_dispose(koc__edits *l);
KOC__DEFINE_AUTO_VAL(koc__edits, koc__edits_dispose);

/* --- ko_reference.c --- */

/* Parses the text of a scalar. *out: "ko://path"; NULL: not a reference. *tag: the tag after it, or NULL.
 * KOC_EINVAL: it starts like a reference but is not valid; the message has no position. */
int koc__ko_reference_read(koc_str text, koc_str prefix, char **out, char **tag, koc_error **err);
/* Checks the beginning only. */
static inline bool koc__ko_reference_begins(koc_str text, koc_str prefix)
{
    return text.len >= prefix.len && text.ptr[0] == prefix.ptr[0] &&
           memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

/* --- the end of an input --- */

/* For an input that ends in a block scalar (| >) without a line break: another line after it would change
 * its value. `replace` replaces the bytes from start to end if another input follows; NULL: nothing to
 * do. */
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

/* --- scan_document.c, scan_node.c --- */

/* What the rules need to know about a node. */
typedef struct koc__node_pos {
    int type; /* KOC__YEVENT_*; 0: there is no node */
    int style;
    bool flow;
    bool bare;   /* has neither anchor nor tag */
    bool filled; /* a scalar that is neither empty nor null */
    size_t start;
    size_t text; /* where the text of a block scalar (| >) starts; else start */
    size_t end;  /* of a block scalar that is a reference: the end of the reference */
    size_t line;
    size_t column;
} koc__node_pos;

/* Keys that have a meaning. */
enum {
    KOC__KEY_OTHER,
    KOC__KEY_REPOSITORY,
    KOC__KEY_REGISTRY,
    KOC__KEY_TAG,
    KOC__KEY_DIGEST,
    KOC__KEY_NAME,
    KOC__KEY_NEW_NAME,
    KOC__KEY_NEW_TAG,
    KOC__KEY_MEMBERS, /* the keys before wait for the end of their mapping, the ones after act at once */
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
    char *reference; /* the value as a reference, or NULL */
    char *tag;       /* the tag after it, or NULL */
} koc__member;

/* The role of a collection in its document. */
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
    uint8_t key; /* KOC__KEY_* of the next value */
    uint8_t role;
    uint32_t has; /* one bit per member that is set */
    koc__node_pos last_key;
    koc__member members[KOC__KEY_MEMBERS];
} koc__frame;

/* A document, or an item of a List. */
typedef struct koc__object {
    koc__node_pos place; /* its node */
    koc__node_pos items; /* of a List document */
    size_t items_key_end;
    bool has_version;
    bool has_kind;
    bool is_list;
    bool is_kustomization;
    koc_strlist *labels; /* key, value, …; NULL: none */
    size_t content_end;  /* the end of its last node */
    bool dropped;
} koc__object;

typedef struct koc__scan {
    koc_str text; /* all of the input */
    size_t base;  /* start and end of the piece to scan */
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
    size_t document_end; /* set when the document has been read */
    size_t first_edit;   /* of the document */
    size_t last_end;     /* the end of the last event that is not empty */
    koc__tail tail;      /* after the last scalar */
    bool previous_dropped;
    bool any_kept;
} koc__scan;

/* Scans a piece (s->base to s->end). Afterwards s->edits are sorted and do not overlap. */
int koc__scan_run(koc__scan *s, koc_error **err);
void koc__scan_dispose(koc__scan *s);
KOC__DEFINE_AUTO_VAL(koc__scan, koc__scan_dispose);
/* koc__scan_fail: the message is "label:line:column: <text>". */
bool koc__scan_is_block(const koc__node_pos *p);
koc__node_pos koc__scan_position(const koc__scan *s, const koc__yevent *e);
int koc__scan_fail(const koc__scan *s, const koc__node_pos *at, int code, const char *text,
                   koc_error **err);
/* Adds an edit that replaces a scalar. Copies both strings; tag may be NULL. */
int koc__scan_replace(koc__scan *s, const koc__node_pos *at, const char *reference, const char *tag,
                      int form, int only_in, koc_error **err);

/* --- values.c --- */

enum { KOC__IN_KUSTOMIZATION = 1, KOC__IN_OTHER = 2 };
/* At the end of a mapping: turns its members with references into edits. */
int koc__values_apply(koc__scan *s, koc__frame *f, koc_error **err);

/* --- objects.c: which documents are kept --- */

void koc__object_dispose(koc__object *o);
/* The current object: an item, else the document. */
koc__object *koc__object_now(koc__scan *s);
/* A value of kind, apiVersion, labels, …; e is a scalar, an alias or the start of a collection. */
int koc__object_member(koc__scan *s, const koc__frame *f, const koc__yevent *e, koc_error **err);
int koc__object_label(koc__scan *s, koc_str text, koc_error **err);
int koc__object_begin_item(koc__scan *s, const koc__yevent *e, koc_error **err);
/* Ends a document at `end`, where the next one starts: keeps its edits, or removes it. */
int koc__object_end_document(koc__scan *s, size_t end, koc_error **err);

/* --- split_documents.c --- */

/* The end of the piece that starts at start: between two documents, after at least `least` bytes; else
 * the end of the text. */
size_t koc__split_next(koc_str text, size_t start, size_t least);
/* The start of the document that contains byte `at`: 0, or its "---". */
size_t koc__split_before(koc_str text, size_t at);
/* Whether the text can be split: it has no directives. */
bool koc__split_allowed(koc_str text);
/* The first byte that is neither white space nor comment; the text's length: there is none. */
size_t koc__split_first(koc_str text);
/* The end of the JSON value that starts at `at`; `at`: it has no end. */
size_t koc__split_json(koc_str text, size_t at);

/* --- rewrite.c --- */

/* Checks a replacement. */
int koc__rewrite_check(const char *replacement, koc_error **err);
/* Appends the bytes for an edit. */
int koc__rewrite_edit(const koc__text_edit *e, const char *replacement, koc__dynbuf *out,
                      koc_error **err);

#endif
