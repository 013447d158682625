/*
 * YAML as events, each with its exact place in the bytes. The settings tree is built from them, and text
 * that is rewritten in place (ko:// references in manifests) is found with them.
 */
#ifndef KOC__YAML_EVENTS_H
#define KOC__YAML_EVENTS_H

#include <koc/base.h>

#include "core/cleanup.h"

/* --- from characters to bytes (yaml_marks.c) --- */

/* libyaml counts characters, and counts from after a byte order mark at the very beginning. */
typedef struct koc__ymarks {
    koc_str text;
    size_t index; /* a character ... */
    size_t byte;  /* ... and where it begins */
    bool ascii;   /* there is nothing to convert */
} koc__ymarks;
/* Where the first character is: 0, or after a byte order mark. */
size_t koc__ymarks_begin(koc_str text);
void koc__ymarks_init(koc__ymarks *m, koc_str text);
/* The first byte of character number index; the text's length when there are not so many. The text must be
 * valid UTF-8. Cheap when the numbers of one cursor grow. */
size_t koc__ymarks_walk(koc__ymarks *m, size_t index);
static inline size_t koc__ymarks_byte(koc__ymarks *m, size_t index)
{
    if (!m->ascii) {
        return koc__ymarks_walk(m, index);
    }
    return index < m->text.len ? index : m->text.len;
}
/* Line and column, from 1, of a byte; columns count characters. Any bytes. */
void koc__ymarks_place(koc_str text, size_t byte, size_t *line, size_t *column);

/* --- events (yaml.c) --- */

enum {
    KOC__YEVENT_END = 0, /* of the stream: nothing comes after it */
    KOC__YEVENT_DOCUMENT,
    KOC__YEVENT_DOCUMENT_END,
    KOC__YEVENT_ALIAS,
    KOC__YEVENT_SCALAR,
    KOC__YEVENT_SEQUENCE,
    KOC__YEVENT_SEQUENCE_END,
    KOC__YEVENT_MAPPING,
    KOC__YEVENT_MAPPING_END
};
enum {
    KOC__YSTYLE_PLAIN = 1,
    KOC__YSTYLE_SINGLE,  /* '...' */
    KOC__YSTYLE_DOUBLE,  /* "..." */
    KOC__YSTYLE_LITERAL, /* | */
    KOC__YSTYLE_FOLDED   /* > */
};

typedef struct koc__yevent {
    int type;
    int style;          /* of a scalar */
    bool flow;          /* stands inside [] or {}; for a collection: is written so itself */
    koc_str value;      /* a scalar's text, an alias's name */
    const char *anchor; /* or NULL */
    const char *tag;    /* resolved ("tag:yaml.org,2002:str"), or NULL */
    /* Bytes of the text. For a scalar those of the scalar alone, quotes included, without anchor and tag.
     * The end of a block scalar (| >) comes after the line breaks that follow it. */
    size_t start;
    size_t end;
    size_t line; /* of start, from 1, in characters */
    size_t column;
} koc__yevent;

typedef struct koc__yevents koc__yevents;
/* text must stay. Anything but UTF-8 is refused. KOC_EFORMAT "<what>:<line>:<column>: ...", KOC_ELIMIT. */
int koc__yevents_open(koc_str text, size_t max, const char *what, koc__yevents **out,
                      koc_error **err);
/* Strings of *out are valid until the next call. Filled in place, as this is called for each word of a
 * file: after a failure *out means nothing. */
int koc__yevents_next(koc__yevents *r, koc__yevent *out, koc_error **err);
void koc__yevents_free(koc__yevents *r);
KOC__DEFINE_AUTO(koc__yevents, koc__yevents_free);

#endif
