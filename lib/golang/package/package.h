/* `go list`: which packages an argument means. */
#ifndef KOC__GOLANG_PACKAGE_H
#define KOC__GOLANG_PACKAGE_H

#include "golang/go_env.h"
#include "golang/golang.h"

/* One package that matches a pattern. */
typedef struct koc__go_package {
    char *pattern; /* cleaned, as given to koc__go_list */
    char *name;    /* of the package clause; "": none */
    char *import_path;
    char *dir;      /* absolute; "": none */
    char *error;    /* go's words on one line; NULL: the package can be loaded */
    bool excluded;  /* all its files are for other platforms, so it may still be built */
    bool standard;  /* a part of Go itself */
    bool needs_cgo; /* a main package that matches the pattern only with CGO_ENABLED=1 */
} koc__go_package;
typedef struct koc__go_listing {
    koc__go_package *items;
    size_t count, capacity;
} koc__go_listing;
void koc__go_listing_dispose(koc__go_listing *l);
KOC__DEFINE_AUTO_VAL(koc__go_listing, koc__go_listing_dispose);
/* Adds an empty item. NULL: out of memory. */
koc__go_package *koc__go_listing_add(koc__go_listing *l);

typedef struct koc__go_list_options {
    const char *dir;        /* where go runs; NULL: the working directory */
    const koc_strlist *env; /* as koc__go_command_env makes it; NULL: koc's own */
    bool fresh;             /* do not use answers from the cache */
} koc__go_list_options;
/* Adds the packages that patterns (cleaned by koc__go_clean) match. Runs one `go list` for all patterns that
 * the cache has no answer for. KOC_EPROCESS: go list failed; its first words are the message, all of its
 * output is the detail. */
int koc__go_list(koc_ctx *ctx, koc__go_env *go_env, const koc_strlist *patterns,
                 const koc__go_list_options *o, koc__call *call, koc__go_listing *out,
                 koc_error **err);

/* Whether path is "." or "..", or starts with one of them. */
bool koc__go_is_local(const char *path);
/* The form in which go prints a pattern: "./cmd/x" for "./cmd/x/". NULL: out of memory. */
char *koc__go_clean(const char *path);

/* Records of main packages (package_cache.c). They are valid while the go tool, its environment, go.mod,
 * go.work and vendor/modules.txt are unchanged. */
typedef struct koc__go_list_question {
    koc__cache *cache; /* NULL: none */
    const char *tool;
    koc__stamp tool_stamp;
    const char *dir; /* absolute */
    const koc_strlist *env;
} koc__go_list_question;
/* The files that decide what package_dir means to a go that runs in q->dir, whether they exist or not. */
int koc__go_module_files(const koc__go_list_question *q, const char *package_dir, koc_strlist **out,
                         koc_error **err);
int koc__go_list_recall(const koc__go_list_question *q, const char *pattern, bool *found,
                        koc__go_listing *out, koc_error **err);
int koc__go_list_keep(const koc__go_list_question *q, const koc__go_package *p, koc_error **err);

bool koc__go_list_may_keep(const koc__go_list_question *q);
/* The cache key for pattern. */
int koc__go_list_key(const koc__go_list_question *q, const char *pattern, koc__dynbuf *key,
                     koc_error **err);

/* The same for patterns like ./cmd/... (package_tree.c); nothing for others. began_ns: when go list
 * started. */
int koc__go_tree_recall(const koc__go_list_question *q, const char *pattern, koc_str key,
                        koc__call *call, bool *found, koc__go_listing *out, koc_error **err);
int koc__go_tree_keep(const koc__go_list_question *q, const char *pattern, koc_str key,
                      int64_t began_ns, const koc__go_listing *l, koc_error **err);

/* Whether a Go file below the directory of a pattern like ./cmd/... imports "C". True for other patterns. */
int koc__go_tree_has_cgo(const koc__go_list_question *q, const char *pattern, koc__call *call,
                         bool *out, koc_error **err);

/* package_modules.c: adds the packages in the main modules below the directory of pattern; *found: there
 * are such modules. For "...", and for directories that contain modules of a go.work but are in none of
 * them. */
int koc__go_list_modules(const koc__go_list_question *q, const char *pattern, koc__call *call,
                         bool *found, koc__go_listing *out, koc_error **err);
/* Adds the packages in the output of `go list -json`. */
int koc__go_list_read(koc_str text, koc__go_listing *out, koc_error **err);
/* Runs one `go list` without the cache; adds to out. */
int koc__go_list_run(const koc__go_list_question *q, const koc_strlist *patterns, koc__call *call,
                     koc__go_listing *out, koc_error **err);

/* The error for an argument that is not a main package. p NULL: go list printed no package for it. */
int koc__go_not_main(const char *argument, const koc__go_package *p, koc_error **err);
/* The first line of go's message; if it ends in ":", the next line is joined to it. */
char *koc__go_first_words(koc_str text);

#endif
