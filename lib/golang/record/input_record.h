/*
 * What a `go build` read: kept in the cache after a build, so that the next one need not start go when
 * every input is as it was. docs/decisions.md says what is trusted and why.
 *
 *   inputs.c        the record: its form, reading and writing it
 *   inputs_check.c  is everything as the record says, and if not, what changed
 *   inputs_list.c   what there is to record: asks `go list -deps`
 *   inputs_flags.c  builds of which no record is kept
 *   source_header.c the part of a Go file that decides what else is read
 */
#ifndef KOC__GOLANG_INPUTS_H
#define KOC__GOLANG_INPUTS_H

#include "core/io/cache.h"
#include "core/io/fs.h"
#include "core/map.h"
#include "core/run/call.h"
#include "core/str.h"
#include "golang/go_build.h"

typedef struct koc__hash {
    uint8_t bytes[16]; /* the first half of a SHA-256; all zero: none */
} koc__hash;

enum {                          /* what is known of a file */
       KOC__INPUT_ABSENT = 'n', /* it is not there */
       KOC__INPUT_OPAQUE = 'f', /* any change counts */
       KOC__INPUT_SOURCE =
           'g', /* Go that people edit: the header tells whether other files are read */
       KOC__INPUT_CONTENT = 'c', /* embedded: its content changes nothing else */
       /* what is known of a directory */
       KOC__INPUT_FILES = '-',   /* nothing: it only holds the names of files */
       KOC__INPUT_PACKAGE = 'p', /* which source files are in it */
       KOC__INPUT_WHOLE = 'w'    /* which names are in it */
};

typedef struct koc__input_file {
    const char *name; /* below its directory, or absolute */
    char kind;
    koc__stamp stamp;
    koc__hash header;  /* of a source */
    koc__hash content; /* of one that was changed shortly before the build */
} koc__input_file;

typedef struct koc__input_dir { /* its files follow each other */
    const char *path;           /* "": the files have absolute names */
    char kind;
    koc__stamp stamp;
    koc__hash listing;
    size_t first, count;
} koc__input_dir;

typedef struct koc__input_repo { /* what Go stamped into a program */
    const char *root, *revision;
    bool modified;
} koc__input_repo;

typedef struct koc__inputs {
    int64_t time_ns;    /* when the build began, by the clock of the file system's stamps */
    koc_strlist *lines; /* "name value": what counts besides files */
    koc__input_dir *dirs;
    size_t n_dirs, dirs_capacity;
    koc__input_file *files;
    size_t n_files, files_capacity;
    koc__input_repo *repos;
    size_t n_repos, repos_capacity;
    char **strings; /* what the names above point to */
    size_t n_strings, strings_capacity;
    char *text;
    bool complete; /* lists every input, though some stamps may not be trusted */
} koc__inputs;

int koc__inputs_new(koc__inputs **out, koc_error **err);
void koc__inputs_free(koc__inputs *in);
KOC__DEFINE_AUTO(koc__inputs, koc__inputs_free);

/* --- inputs.c --- */
/* *out stays NULL when there is no record. One without files is of a build that linked (decisions.md, 60): it
 * is for people, and never says that nothing changed. */
int koc__inputs_recall(koc__cache *cache, koc_str key, koc__inputs **out, koc_error **err);
int koc__inputs_keep(koc__cache *cache, koc_str key, const koc__inputs *in, koc_error **err);
void koc__inputs_drop(koc__cache *cache, koc_str key);
/* Building one up. Text is copied. */
int koc__inputs_add_dir(koc__inputs *in, const char *path, char kind, koc__input_dir **out,
                        koc_error **err);
int koc__inputs_add_file(koc__inputs *in, const char *name, char kind, koc__input_file **out,
                         koc_error **err);
int koc__inputs_add_repo(koc__inputs *in, const char *root, const char *revision, bool modified,
                         koc_error **err);

/* --- inputs_check.c --- */
typedef struct koc__inputs_verdict {
    bool same;            /* go would make the same again */
    bool refreshable;     /* only contents changed, and none that decides what else is read */
    bool moved;           /* stamps are new, what they stand for is not: worth keeping again */
    char first[256];      /* the first difference, for people */
    koc_strlist *changes; /* one line each, for people; NULL: the first difference ends the check */
} koc__inputs_verdict;
/* Compares with the disk and updates stamps in `in`, so that it can be kept again when the build has gone
 * well and koc__inputs_settled says so. env: for git. */
int koc__inputs_check(koc__inputs *in, const koc_strlist *env, koc__call *call,
                      koc__inputs_verdict *out, koc_error **err);
/* After a build: whether what koc__inputs_check saw is still there. */
bool koc__inputs_settled(const koc__inputs *in);
/* The names in an open directory that count (kind p: sources, w: all), and their hash. *names may be NULL. */
int koc__inputs_listing(const char *path, char kind, koc_strlist *names, koc__hash *out,
                        koc_error **err);
bool koc__inputs_is_source(const char *name);
/* Whether the file changed so shortly before time_ns that a second change could bear the same stamp. */
bool koc__inputs_is_racy(const koc__stamp *s, int64_t time_ns);
bool koc__hash_equal(const koc__hash *a, const koc__hash *b);
/* Content and, for Go files, header of a file. */
int koc__inputs_hash_file(const char *path, koc__hash *content, koc__hash *header, koc_error **err);

/* --- inputs_list.c --- */
/* Asks go what the build of b read and adds it with its stamps. *usable false: no record can be kept. */
int koc__inputs_list(const koc__go_batch *b, koc__inputs *in, koc__call *call, bool *usable,
                     koc_error **err);

/* What is gathered on the way to a record. */
typedef struct koc__inputs_gather {
    const koc__go_batch *b;
    koc__inputs *in;
    koc__call *call;
    koc__map *seen;            /* directories and single files that are in already */
    koc_strlist *single_files; /* recorded by path, whether they exist or not */
    char *goroot;
    bool usable;
    const char *why; /* the first reason why not */
} koc__inputs_gather;
void koc__inputs_give_up(koc__inputs_gather *g, const char *why);
int koc__inputs_gather_single(koc__inputs_gather *g, const char *path, koc_error **err);
int koc__inputs_gather_single_in(koc__inputs_gather *g, const char *dir, const char *name,
                                 koc_error **err);
/* Adds a directory with its stamp and listing unless it is in. *names may be NULL. */
int koc__inputs_gather_dir(koc__inputs_gather *g, const char *path, char kind, koc_strlist *names,
                           bool *added, koc_error **err);
/* Adds a file of the last directory with its stamp. */
int koc__inputs_gather_file(koc__inputs_gather *g, const char *dir, const char *name, char kind,
                            koc_error **err);

/* --- inputs_embed.c --- */
/* The directories in which new files would be embedded by a pattern of the package in dir. */
int koc__inputs_gather_embed(koc__inputs_gather *g, const char *dir, const char *pattern,
                             koc_error **err);
/* path and all directories below. */
int koc__inputs_gather_tree(koc__inputs_gather *g, const char *path, bool with_files,
                            koc_error **err);

/* --- inputs_vcs.c --- */
/* What go stamped into the program of u, whose package is in dir. */
int koc__inputs_gather_vcs(koc__inputs_gather *g, const koc__go_unit *u, const char *dir,
                           koc_error **err);
/* The same once more after a build: for a record that is kept again. *usable false: it must not. */
int koc__inputs_refresh_vcs(const koc__go_batch *b, koc__inputs *in, bool *usable, koc_error **err);

/* --- inputs_flags.c --- */
/* Whether all that the arguments and variables make go read is known here; else *why says what is not. */
int koc__inputs_allowed(const koc__go_batch *b, bool *out, char **why, koc_error **err);
/* Whether go is told to stamp no commit. */
int koc__inputs_without_vcs(const koc__go_batch *b, bool *out, koc_error **err);

/* --- source_header.c --- */
/* The hash of a Go file's text up to its last import and of all its go: lines. False: it cannot be told. */
bool koc__go_source_header(koc_str text, koc__hash *out);

/* --- build_inputs.c: their part in a build --- */
typedef struct koc__go_inputs {
    koc__cache *cache;        /* NULL: no record is used or kept */
    koc_strlist *fingerprint; /* "kind name value": what counts besides files */
    koc__hash key;
    koc__inputs *last; /* NULL: none */
    koc__inputs_verdict verdict;
    int64_t began_ns;
} koc__go_inputs;
void koc__go_inputs_dispose(koc__go_inputs *x);
KOC__DEFINE_AUTO_VAL(koc__go_inputs, koc__go_inputs_dispose);
/* Before the build of b, whose units have their binaries. */
int koc__go_inputs_begin(const koc__go_batch *b, koc__call *call, koc__go_inputs *out,
                         koc_error **err);
/* After it. linked: go made at least one program anew. */
int koc__go_inputs_finish(const koc__go_batch *b, koc__go_inputs *x, bool linked, koc__call *call,
                          koc_error **err);
/* Where options ask for it: gives b's binaries the paths that are in a record. */
int koc__go_inputs_attach_paths(const koc__go_batch *b, const koc__inputs *in, koc_error **err);
/* The record that the last build of u left; *out stays NULL without one. */
int koc__go_inputs_last(const koc__go_batch *b, const koc__go_unit *u, koc__inputs **out,
                        koc_error **err);
/* What counts besides files, "kind name value", as it is now. */
int koc__go_inputs_fingerprint(const koc__go_batch *b, koc_strlist *out, koc_error **err);

#endif
