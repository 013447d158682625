/*
 * Records of the inputs of a `go build`. The cache keeps one after a build, so that the next build need
 * not start go if no input changed. docs/decisions.md says what is trusted and why.
 *
 *   input_record.c  the record: its format, reading and writing
 *   inputs_check.c  compares a record with the disk
 *   inputs_list.c   finds the inputs by `go list -deps`, and the gatherer that collects them:
 *                   inputs_gather.c (files, directories), inputs_embed.c (go:embed), inputs_vcs.c (git)
 *   inputs_flags.c  decides for which builds no record is kept
 *   source_header.c (one directory up) the part of a Go file that decides which other files are read
 *   build_inputs.c  uses all this before and after a build; explain_inputs.c for koc explain
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

enum {
    /* files */
    KOC__INPUT_ABSENT = 'n', /* must not exist */
    KOC__INPUT_OPAQUE = 'f', /* any change counts */
    KOC__INPUT_SOURCE =
        'g', /* Go source of the user: its header decides whether other files are read */
    KOC__INPUT_CONTENT = 'c', /* embedded: a change of content has no effect on other inputs */
    /* directories: what counts of them */
    KOC__INPUT_FILES = '-',   /* nothing; it only groups its files */
    KOC__INPUT_PACKAGE = 'p', /* the names of source files in it */
    KOC__INPUT_WHOLE = 'w'    /* all names in it */
};

typedef struct koc__input_file {
    const char *name; /* relative to its directory, or absolute */
    char kind;
    koc__stamp stamp;
    koc__hash header;  /* of a source */
    koc__hash content; /* of a file that changed shortly before the build */
} koc__input_file;

typedef struct koc__input_dir {
    const char *path; /* "": the files have absolute names */
    char kind;
    koc__stamp stamp;
    koc__hash listing;
    size_t first, count; /* of its files in koc__inputs.files */
} koc__input_dir;

typedef struct koc__input_repo { /* the commit that go stamped into a program */
    const char *root, *revision;
    bool modified;
} koc__input_repo;

typedef struct koc__inputs {
    int64_t time_ns;    /* when the build began, by the clock of the stamps */
    koc_strlist *lines; /* "name value": what counts besides files */
    koc__input_dir *dirs;
    size_t n_dirs, dirs_capacity;
    koc__input_file *files;
    size_t n_files, files_capacity;
    koc__input_repo *repos;
    size_t n_repos, repos_capacity;
    char **strings; /* own the names above, unless these point into text */
    size_t n_strings, strings_capacity;
    char *text;    /* of a record that was read */
    bool complete; /* lists every input, though some stamps may not be trusted */
} koc__inputs;

int koc__inputs_new(koc__inputs **out, koc_error **err);
void koc__inputs_free(koc__inputs *in);
KOC__DEFINE_AUTO(koc__inputs, koc__inputs_free);

/* --- input_record.c --- */
/* *out stays NULL: there is no record. One without files is of a build that linked (decisions.md, 60); it
 * serves koc explain only and never means that nothing changed. */
int koc__inputs_recall(koc__cache *cache, koc_str key, koc__inputs **out, koc_error **err);
int koc__inputs_keep(koc__cache *cache, koc_str key, const koc__inputs *in, koc_error **err);
/* Add to a record. Text is copied. */
int koc__inputs_add_dir(koc__inputs *in, const char *path, char kind, koc__input_dir **out,
                        koc_error **err);
int koc__inputs_add_file(koc__inputs *in, const char *name, char kind, koc__input_file **out,
                         koc_error **err);
int koc__inputs_add_repo(koc__inputs *in, const char *root, const char *revision, bool modified,
                         koc_error **err);

/* --- inputs_check.c --- */
typedef struct koc__inputs_verdict {
    bool same;        /* go would make the same program */
    bool refreshable; /* only contents changed, so the list of inputs is still valid */
    bool moved;      /* a stamp changed but its file did not: keep the record with the new stamps */
    char first[256]; /* the first difference, for people */
    koc_strlist
        *changes; /* receives one line per difference; NULL: the first difference ends the check */
} koc__inputs_verdict;
/* Compares a record with the disk. Updates its stamps, so that it can be kept again if the build succeeds and
 * koc__inputs_settled agrees. env: for git. */
int koc__inputs_check(koc__inputs *in, const koc_strlist *env, koc__call *call,
                      koc__inputs_verdict *out, koc_error **err);
/* After a build: whether the files still are as koc__inputs_check saw them. */
bool koc__inputs_settled(const koc__inputs *in);
/* Adds the names in a directory that count (kind p: sources, w: all) to names, which may be NULL; *out:
 * their hash. */
int koc__inputs_listing(const char *path, char kind, koc_strlist *names, koc__hash *out,
                        koc_error **err);
bool koc__inputs_is_source(const char *name);
/* Whether the file changed so shortly before time_ns that another change could leave the same stamp. */
bool koc__inputs_is_racy(const koc__stamp *s, int64_t time_ns);
bool koc__hash_equal(const koc__hash *a, const koc__hash *b);
/* The hashes of a file: of its content and, for Go, of its header. */
int koc__inputs_hash_file(const char *path, koc__hash *content, koc__hash *header, koc_error **err);

/* --- inputs_list.c --- */
/* Adds everything that the build of b read, with stamps, as go lists it. *usable false: no record can be
 * kept. */
int koc__inputs_list(const koc__go_batch *b, koc__inputs *in, koc__call *call, bool *usable,
                     koc_error **err);

/* --- inputs_gather.c --- */
/* A record while it is gathered. */
typedef struct koc__inputs_gather {
    const koc__go_batch *b;
    koc__inputs *in;
    koc__call *call;
    koc__map *seen;            /* what has been added: kind and path */
    koc_strlist *single_files; /* recorded by path, whether they exist or not */
    char *goroot;
    bool usable;
    const char *why; /* the first reason why it is not usable */
} koc__inputs_gather;
/* Whether path is a directory, and not a symbolic link to one. */
bool koc__inputs_is_dir(const char *path);
void koc__inputs_give_up(koc__inputs_gather *g, const char *why);
int koc__inputs_gather_single(koc__inputs_gather *g, const char *path, koc_error **err);
int koc__inputs_gather_single_in(koc__inputs_gather *g, const char *dir, const char *name,
                                 koc_error **err);
/* Adds a directory with its stamp and listing, once. names: receives the listing if it was added; or NULL. */
int koc__inputs_gather_dir(koc__inputs_gather *g, const char *path, char kind, koc_strlist *names,
                           bool *added, koc_error **err);
/* Adds a file with its stamp to the last directory. */
int koc__inputs_gather_file(koc__inputs_gather *g, const char *dir, const char *name, char kind,
                            koc_error **err);

/* --- inputs_embed.c --- */
/* Adds the directories in which a pattern of the package in dir would embed new files. */
int koc__inputs_gather_embed(koc__inputs_gather *g, const char *dir, const char *pattern,
                             koc_error **err);
/* Adds path and all directories below. */
int koc__inputs_gather_tree(koc__inputs_gather *g, const char *path, bool with_files,
                            koc_error **err);

/* --- inputs_vcs.c --- */
/* Adds the commit that go stamped into the program of u, whose package is in dir. */
int koc__inputs_gather_vcs(koc__inputs_gather *g, const koc__go_unit *u, const char *dir,
                           koc_error **err);
/* Replaces it after a build by what go stamped now. *usable false: the record must not be kept. */
int koc__inputs_refresh_vcs(const koc__go_batch *b, koc__inputs *in, bool *usable, koc_error **err);

/* --- inputs_flags.c --- */
/* Whether a record covers everything that go reads with these arguments and variables; else *why is the
 * reason. */
int koc__inputs_allowed(const koc__go_batch *b, bool *out, char **why, koc_error **err);
/* Whether the flags turn the stamp of the commit off. */
int koc__inputs_without_vcs(const koc__go_batch *b, bool *out, koc_error **err);

/* --- source_header.c --- */
/* The hash of a Go file's text up to its last import and of all its //go: lines. False: the text does not
 * parse. */
bool koc__go_source_header(koc_str text, koc__hash *out);

/* --- build_inputs.c: records in a build --- */
typedef struct koc__go_inputs {
    koc__cache *cache;        /* NULL: no record is used or kept */
    koc_strlist *fingerprint; /* "kind name value": what counts besides files */
    koc__hash key;
    koc__inputs *last; /* the record of the last build; NULL: none */
    koc__inputs_verdict verdict;
    int64_t began_ns;
} koc__go_inputs;
void koc__go_inputs_dispose(koc__go_inputs *x);
KOC__DEFINE_AUTO_VAL(koc__go_inputs, koc__go_inputs_dispose);
/* Before the build of b, whose units have their binaries: reads and checks the last record. */
int koc__go_inputs_begin(const koc__go_batch *b, koc__call *call, koc__go_inputs *out,
                         koc_error **err);
/* After it. linked: go linked at least one program. */
int koc__go_inputs_finish(const koc__go_batch *b, koc__go_inputs *x, bool linked, koc__call *call,
                          koc_error **err);
/* If the options ask for inputs: gives b's binaries the paths in a record. */
int koc__go_inputs_attach_paths(const koc__go_batch *b, const koc__inputs *in, koc_error **err);
/* The record of the last build of u; *out stays NULL: there is none. */
int koc__go_inputs_last(const koc__go_batch *b, const koc__go_unit *u, koc__inputs **out,
                        koc_error **err);
/* Adds what counts besides files, as it is now: "kind name value". */
int koc__go_inputs_fingerprint(const koc__go_batch *b, koc_strlist *out, koc_error **err);

#endif
