/*
 * Go's text/template for the values that ko has: fields, pipelines, variables, if, with, range, named
 * templates, and the functions listed in template_func.c. Anything else is an error that names it.
 *
 * template_lex.c makes tokens, template_parse.c makes a tree of them, template_exec.c runs the tree.
 * Values, tree and tokens are allocated in one arena and freed together.
 */
#ifndef KOC__TEMPLATE_H
#define KOC__TEMPLATE_H

#include <koc/base.h>

#include "core/dynbuf.h"
#include "core/str.h"

#define KOC__TEMPLATE_MAX   ((size_t)1 << 20)
#define KOC__TEMPLATE_ARENA ((size_t)16 << 20)
#define KOC__TEMPLATE_DEPTH 64
#define KOC__TEMPLATE_CALLS 100      /* nested lists at run time, over all templates */
#define KOC__TEMPLATE_STEPS 1000000u /* texts, actions and iterations of loops */

/* --- values --- */
typedef enum koc__tkind {
    KOC__T_NIL,
    KOC__T_BOOL,
    KOC__T_INT,
    KOC__T_STRING,
    KOC__T_MAP
} koc__tkind;
typedef struct koc__tmap koc__tmap;
typedef struct koc__tvalue {
    koc__tkind kind;
    int64_t number; /* of an int; a bool is 0 or 1 */
    koc_str text;
    const koc__tmap *map;
} koc__tvalue;
/* A map whose values may be computed when a template uses them. */
struct koc__tmap {
    /* KOC_OK with *found false: no such key. Strings live as long as the map. */
    int (*get)(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out, koc_error **err);
    void *payload;
    bool of_strings;          /* a missing key gives "" in `index`, else nothing */
    const char *const *names; /* all keys, for a hint; NULL-terminated. NULL: too many to list */
    /* Adds all keys in any order. NULL: the keys are the names. */
    int (*keys)(const koc__tmap *self, koc_strlist *out, koc_error **err);
};

/* --- arena --- */
typedef struct koc__arena {
    struct koc__arena_block *blocks;
    size_t left; /* bytes that can still be allocated */
} koc__arena;
void *koc__arena_take(koc__arena *a, size_t size,
                      koc_error **err); /* zeroed; NULL: KOC_ENOMEM is set */
void koc__arena_dispose(koc__arena *a);

/* --- tokens --- */
typedef enum koc__ttoken {
    KOC__TT_TEXT,
    KOC__TT_OPEN,
    KOC__TT_CLOSE,
    KOC__TT_SPACE,
    KOC__TT_WORD,     /* function or keyword */
    KOC__TT_FIELD,    /* ".Name"; text is "Name" */
    KOC__TT_VARIABLE, /* "$name" with its $ */
    KOC__TT_DOT,
    KOC__TT_NUMBER,
    KOC__TT_CHAR,
    KOC__TT_STRING, /* text is the content, unescaped */
    KOC__TT_PUNCT,  /* one of ( ) | , = and ":=" */
    KOC__TT_END
} koc__ttoken;
typedef struct koc__ttok {
    koc__ttoken kind;
    size_t pos;
    koc_str text;
} koc__ttok;

/* --- the tree --- */
typedef enum koc__tnode_kind {
    KOC__TN_TEXT,
    KOC__TN_ACTION, /* a = pipe */
    KOC__TN_IF,     /* a = pipe, b = list, c = else list */
    KOC__TN_WITH,   /* the same */
    KOC__TN_RANGE,  /* the same */
    KOC__TN_BREAK,
    KOC__TN_CONTINUE,
    KOC__TN_TEMPLATE, /* text = name, a = pipe or NULL */
    KOC__TN_PIPE,     /* a = commands, text = variable it sets, or empty; second = that of range */
    KOC__TN_COMMAND,  /* a = operands */
    KOC__TN_CHAIN,    /* a = operand, b = names */
    KOC__TN_NAME,     /* text */
    KOC__TN_FUNCTION,
    KOC__TN_VARIABLE,
    KOC__TN_DOT,
    KOC__TN_NIL,
    KOC__TN_VALUE /* a constant */
} koc__tnode_kind;
typedef struct koc__tnode {
    koc__tnode_kind kind;
    size_t pos, end; /* in the source */
    koc_str text, second;
    koc__tvalue value;
    bool assign; /* "=" instead of ":=" */
    struct koc__tnode *a, *b, *c, *next;
} koc__tnode;

typedef struct koc__tdefinition { /* {{define}} and {{block}} */
    koc_str name;
    koc__tnode *root;
    struct koc__tdefinition *next;
} koc__tdefinition;

typedef struct koc__template {
    const char *what; /* the text's name in messages: "ldflags[1] of example.com/app" */
    koc_str source;
    koc__arena arena;
    koc__ttok *tokens;
    size_t n_tokens;
    koc__tnode *root; /* a list */
    koc__tdefinition *definitions;
} koc__template;
koc__tdefinition *koc__template_named(const koc__template *t, koc_str name); /* NULL: none */

int koc__template_lex(koc__template *t, koc_error **err);
int koc__template_parse(koc__template *t, koc_error **err);
/* "<what>:<line>:<column>: <message>" for position pos. KOC_EINVAL. */
int koc__template_error(const koc__template *t, size_t pos, koc_error **err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A call of a template function; name is for messages. The function may change args. */
typedef struct koc__tcall {
    koc__template *t;
    size_t pos;
    koc_str name;
    koc__tvalue *args;
    size_t n_args;
} koc__tcall;
bool koc__template_known(koc_str name); /* whether there is a function of that name */
int koc__template_call(koc__tcall *call, koc__tvalue *out, koc_error **err);
bool koc__template_truth(const koc__tvalue *v);
/* The keys of a map in byte order, as Go walks it. The strings live in t. */
int koc__template_keys(koc__template *t, const koc__tmap *map, koc_str **out, size_t *n,
                       koc_error **err);
int koc__template_print(koc__template *t, const koc__tvalue *v, koc__dynbuf *out, koc_error **err);
const char *koc__template_type(const koc__tvalue *v); /* Go's name of the type, for messages */

/* Appends source with its templates rendered from data. Text without "{{" is copied. */
int koc__template_render(const char *source, const char *what, const koc__tmap *data,
                         koc__dynbuf *out, koc_error **err);

#endif
