/*
 * The inside of the golang module: from arguments and .ko.yaml to linked binaries and their layers.
 * docs/ko.md describes the behaviour of ko that it reproduces.
 */
#ifndef KOC__GOLANG_H
#define KOC__GOLANG_H

#include <koc/image.h>
#include <koc/layer.h>

#include <stdatomic.h>

#include "core/io/fs.h"
#include "core/run/call.h"
#include "core/str.h"
#include "goexe/goexe.h"

/* --- settings (config/): .ko.yaml / .ko.json and the KO_* variables that override them --- */
typedef struct koc__go_config { /* an entry of builds: */
    char *id, *dir, *main;      /* dir is cleaned, main is as in the file; both default to "." */
    koc_strlist *flags, *ldflags, *env, *capabilities; /* never NULL, may be empty */
    size_t line, column;                               /* of the entry */
    koc_error *why; /* the entry is invalid; reported only if an argument needs it. Or NULL */
} koc__go_config;
typedef struct koc__go_base { /* a base image and where it is configured */
    char *path;               /* of an override: the import path in lower case; else NULL */
    char *name;               /* never NULL */
    char *where;              /* ".ko.yaml:3:19: defaultBaseImage"; NULL: the built-in default */
} koc__go_base;
typedef struct koc__go_settings { /* does not change once it is loaded */
    char *path;                   /* of the file, or NULL */
    koc__go_base base;
    koc__go_base *overrides;
    size_t n_overrides;
    koc_strlist *platforms, *env, *flags, *ldflags; /* default*: never NULL */
    koc__go_config *builds;
    size_t n_builds;
    koc_strlist *sbom;     /* formats; never NULL */
    char *sbom_author;     /* or NULL */
    koc_strlist *warnings; /* about the file; never NULL */
    bool offline;          /* go must not download anything */
    /* Memo of the answers of go and git (go_env.h), the one part that is filled in later. It has its own
     * lock. */
    struct koc__go_env *go_env;
} koc__go_settings;
/* path NULL: KO_CONFIG_PATH, else .ko.json / .ko.yaml / .ko.yml in the working directory, else defaults. */
int koc__go_settings_load(const char *path, bool offline, koc__go_settings **out, koc_error **err);
void koc__go_settings_free(koc__go_settings *s);
KOC__DEFINE_AUTO(koc__go_settings, koc__go_settings_free);
/* The base for an import path: its override, else the default. Borrowed. */
const koc__go_base *koc__go_settings_base(const koc__go_settings *s, const char *import_path);
/* The platforms to build for, as ko chooses them: requested (split at commas; NULL or empty: none), else
 * s->platforms, else GOOS/GOARCH if both are set, else linux/amd64. KOC_EINVAL: GOOS, GOARCH or GOARM is
 * set although platforms were requested or configured. */
int koc__go_settings_platforms(const koc__go_settings *s, const char *const *requested,
                               koc_strlist **out, koc_error **err);

/* --- targets (package/): from arguments to packages --- */
typedef struct koc__go_target {
    char *argument;               /* as given */
    char *reference;              /* "ko://…", as in history entries */
    char *import_path;            /* as `go list` prints it, however the argument spells it */
    koc_strlist *spellings;       /* other ko:// references to the package, without the scheme */
    char *package_dir;            /* absolute: the directory with kodata; NULL until known */
    char *work_dir;               /* where go runs; NULL: the working directory */
    const koc__go_config *config; /* the entry of builds: that applies, or NULL */
} koc__go_target;
typedef struct koc__go_targets {
    koc__go_target **items; /* distinct import paths, in the order given */
    size_t count;
    koc_strlist *warnings; /* about entries that cannot be loaded and packages that were left out */
} koc__go_targets;
/* Finds the package of each argument ("./...": every main package below) and checks that it is a main
 * package. platform: packages are loaded for it (ko loads them for the host); NULL or "all": linux/amd64.
 * Runs `go list` as rarely as possible: the cache keeps answers while go.mod, go.work and the environment
 * of go are unchanged, and the build detects stale ones (koc__go_build reads the build info). Entries of
 * builds: that cannot be loaded and that no argument needs become warnings, as do main packages that a
 * pattern leaves out. Without arguments only the entries are checked. */
int koc__go_targets_find(koc_ctx *ctx, const koc__go_settings *s, const char *platform,
                         const char *const *args, koc__call *call, koc__go_targets **out,
                         koc_error **err);
void koc__go_targets_free(koc__go_targets *t);
KOC__DEFINE_AUTO(koc__go_targets, koc__go_targets_free);

/* --- building (go_command.c, go_build.c, build_run.c, record/) --- */
struct koc__go_binary;
typedef struct koc__go_options {
    const char *const *ldflags; /* --ldflags, or NULL */
    bool disable_optimizations;
    bool force;    /* use no cached program */
    bool inputs;   /* fill in koc__go_binary.inputs, even if that costs a `go list` */
    unsigned jobs; /* number of `go build`s in parallel; 0: as many as the context has threads */
    /* Called when a `go build` is about to start, on any thread. May be NULL. */
    void (*starting)(void *self);
    void *starting_self;
    /* The next two are called on any thread, with the index of a job. May be NULL: both, or linked alone.
     * begun: its batch has left the queue. linked: its program is complete, while go may still link the
     * others of the batch. b is borrowed: koc__go_binary_ref. */
    void (*begun)(void *self, size_t job);
    int (*linked)(void *self, size_t job, struct koc__go_binary *b, koc_error **err);
    void *jobs_self; /* of both */
} koc__go_options;
typedef struct koc__go_binary {
    atomic_uint refs;
    char *path;        /* the linked file */
    char *key;         /* hex: identifies target, platform, arguments and environment */
    bool from_cache;   /* the file is byte for byte the one of the last build with this key */
    bool go_skipped;   /* go was not started, since no input changed */
    koc_digest digest; /* SHA-256 of the file if known without reading it, else none */
    koc__stamp stamp;  /* of the file, which does not change while the object lives */
    char *build_id;    /* Go's, which has a hash of the content in it; NULL: none */
    char *package_path;
    bool
        inputs_known; /* koc__go_options.inputs was set, and the inputs of the batch are complete */
    koc_strlist *inputs; /* of the whole batch; only its first binary has the list, others NULL */
    struct koc__go_lock *lock; /* while it is held, no build overwrites or removes the file */
} koc__go_binary;
typedef struct koc__go_job {
    koc__go_target *target;
    const koc_platform *platform;
    koc__go_binary *binary; /* NULL until koc__go_build succeeds; then the caller's */
} koc__go_job;
/* Runs one `go build` for all jobs that agree in platform, work_dir, arguments and environment and differ
 * in the name of the program. Sets all binaries or none. A compile error is KOC_EPROCESS with go's output
 * as detail. */
int koc__go_build(koc_ctx *ctx, const koc__go_settings *s, koc__go_job *jobs, size_t n,
                  const koc__go_options *o, koc__call *call, koc_error **err);
/* Sets the digest of b's file and records it for later builds. */
int koc__go_binary_set_digest(koc_ctx *ctx, koc__go_binary *b, const koc_digest *d,
                              koc_error **err);
koc__go_binary *koc__go_binary_ref(koc__go_binary *b);
void koc__go_binary_free(koc__go_binary *b); /* gives a reference back */
KOC__DEFINE_AUTO(koc__go_binary, koc__go_binary_free);
/* Fills in t->package_dir unless it is known, by a `go list`. */
int koc__go_package_dir(koc_ctx *ctx, koc__go_target *t, koc__call *call, koc_error **err);

/* Adds one line for people per difference to the last build of t for p. Builds nothing. call: with a
 * context. */
int koc__go_explain(const koc__go_settings *s, koc__go_target *t, const koc_platform *p,
                    const koc__go_options *o, koc__call *call, koc_strlist *out, koc_error **err);

/* --- the debugger (delve.c) --- */
#define KOC__DELVE_VERSION "v1.27.2"
/* dlv of version (NULL: KOC__DELVE_VERSION) for p, from the cache or built with the go tool. KOC_EINVAL:
 * not a version. KOC_EPROCESS with go's output: go cannot get or build it. */
int koc__go_delve(koc_ctx *ctx, const koc__go_settings *s, const char *version,
                  const koc_platform *p, koc__call *call, koc__go_binary **out, koc_error **err);

/* Compares lists of "name value"; adds "changed: name", "new: name" and "removed: name". */
int koc__go_compare_fingerprints(const koc_strlist *then, const koc_strlist *now, koc_strlist *out,
                                 koc_error **err);

/* --- layers (layers.c, kodata.c) --- */
typedef struct koc__go_layer_options {
    const koc_platform *platform;
    int32_t format; /* KOC_FORMAT_OCI or _DOCKER */
    int32_t compression, level;
} koc__go_layer_options;
/* The layer with /ko-app/<base>, in ko's tar dialect. If the cache has the layer of this file, nothing is
 * read. */
int koc__go_binary_layer(koc_ctx *ctx, const koc__go_target *t, koc__go_binary *b,
                         const koc__go_layer_options *o, koc__call *call, koc_layer **out,
                         koc_error **err);
/* The layer with kodata below /var/run/ko; epoch: KO_DATA_DATE_EPOCH. */
int koc__go_kodata_layer(koc_ctx *ctx, const koc__go_target *t, const koc__go_layer_options *o,
                         koc__call *call, koc_layer **out, koc_error **err);

/* --- go's variables (go_variables.c) --- */
/* The value of name in a list of NAME=value; NULL: it is not in the list. */
const char *koc__go_var_get(const koc_strlist *env, const char *name);
/* Whether a variable (NAME=value) can change what go builds or finds. */
bool koc__go_var_matters(const char *item);
/* The value of one of go's own variables (GOFLAGS, GOPROXY) for a go with env (NULL: koc's own), without
 * running go: from the environment, the user's file (GOENV, `go env -w`), or go.env of the toolchain of
 * tool (NULL: not known). All code that needs such a value calls this. *out NULL: not set, or empty. */
int koc__go_value(const char *tool, const koc_strlist *env, const char *name, char **out,
                  koc_error **err);
/* Adds the paths of those two files, whether they exist or not. */
int koc__go_value_files(const char *tool, const koc_strlist *env, koc_strlist *out,
                        koc_error **err);
/* The same for koc's own environment and the go of s. defaults: only the value that the toolchain came
 * with. */
int koc__go_variable(const koc__go_settings *s, const char *name, bool defaults, char **out,
                     koc_error **err);

/* --- git, for bills of materials (git_remote.c) --- */
/* The URL of a remote of the repository around dir that has revision, as far as git knows without asking
 * it: one of its remote-tracking branches contains it. *url stays NULL: there is none, or it is a local
 * path. */
int koc__git_published(const char *dir, const char *revision, koc__call *call, char **url,
                       koc_error **err);
/* A remote's URL in one spelling, without user names, passwords and queries. NULL: not a URL that other
 * people can use, or out of memory. */
char *koc__git_public_url(const char *url);
/* user.name and user.email of git's settings; they stay NULL if they are not set. */
int koc__git_user(const char *dir, koc__call *call, char **name, char **email, koc_error **err);

/* --- epochs --- */
/* SOURCE_DATE_EPOCH or KO_DATA_DATE_EPOCH; *found false: unset or empty. KOC_EINVAL: not an integer. */
int koc__go_epoch(const char *variable, bool *found, int64_t *out, koc_error **err);

#endif
