/*
 * YAML as events, each with its exact position in bytes. The settings tree is built from them, and they
 * locate text to rewrite (ko:// references in manifests).
 */
#ifndef KOC__YAML_EVENTS_H
#define KOC__YAML_EVENTS_H

#include <koc/base.h>

#include "core/cleanup.h"

/* --- from characters to bytes (yaml_marks.c) --- */

/* Converts libyaml's positions, which count characters and do not count a byte order mark at the beginning.
 * */
typedef struct koc__ymarks {
    koc_str text;
    size_t index; /* a character ... */
    size_t byte;  /* ... and where it begins */
    bool ascii;   /* all characters are ASCII: nothing to convert */
} koc__ymarks;
/* The position of the first character: 0, or after a byte order mark. */
size_t koc__ymarks_begin(koc_str text);
void koc__ymarks_init(koc__ymarks *m, koc_str text);
/* The first byte of character number index, or the length of the text if there are fewer. The text must be
 * valid UTF-8. Fast if the indexes of one cursor increase. */
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
    bool flow;          /* inside [] or {}; a collection: written with brackets itself */
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
/* text is borrowed. Anything but UTF-8 is rejected. KOC_EFORMAT "<what>:<line>:<column>: ...", KOC_ELIMIT. */
int koc__yevents_open(koc_str text, size_t max, const char *what, koc__yevents **out,
                      koc_error **err);
/* Strings of *out are valid until the next call. Filled in place for speed, as this is called for each word
 * of a file: undefined after a failure. */
int koc__yevents_next(koc__yevents *r, koc__yevent *out, koc_error **err);
void koc__yevents_free(koc__yevents *r);
KOC__DEFINE_AUTO(koc__yevents, koc__yevents_free);

#endif
