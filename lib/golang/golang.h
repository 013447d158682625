/*
 * The inside of the golang module: from arguments and .ko.yaml to linked binaries and their layers.
 * Facts about ko's behaviour that it keeps: docs/ko.md.
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

/* --- settings (settings.c): .ko.yaml / .ko.json and their KO_* overrides --- */
typedef struct koc__go_config { /* an entry of builds: */
    char *id, *dir, *main;      /* defaults "."; dir cleaned, main as it is in the file */
    koc_strlist *flags, *ldflags, *env, *capabilities; /* never NULL, may be empty */
    size_t line, column;                               /* of the entry */
    koc_error *why; /* the entry is invalid; reported only if an argument needs it. Or NULL */
} koc__go_config;
typedef struct koc__go_base { /* a base image and who asks for it */
    char *path;               /* of an override: the import path in lower case; else NULL */
    char *name;               /* never NULL */
    char *
        where; /* ".ko.yaml:3:19: defaultBaseImage"; NULL: nobody does, it is the built-in default */
} koc__go_base;
typedef struct koc__go_settings { /* does not change once it is loaded */
    char *path;                   /* of the file, or NULL */
    koc__go_base base;
    koc__go_base *overrides;
    size_t n_overrides;
    koc_strlist *platforms, *env, *flags, *ldflags; /* default*: never NULL */
    koc__go_config *builds;
    size_t n_builds;
    koc_strlist *warnings; /* about the file; never NULL */
    bool offline;          /* go must not download anything */
    /* Memo of what go and git answered, for whoever runs go with these settings. It has its own lock and is
     * the one part that is filled in later (go_env.h). */
    struct koc__go_env *go_env;
} koc__go_settings;
/* path NULL: KO_CONFIG_PATH, else .ko.json / .ko.yaml / .ko.yml in the working directory, else defaults. */
int koc__go_settings_load(const char *path, bool offline, koc__go_settings **out, koc_error **err);
void koc__go_settings_free(koc__go_settings *s);
KOC__DEFINE_AUTO(koc__go_settings, koc__go_settings_free);
/* The base for an import path: override, else default. Borrowed. */
const koc__go_base *koc__go_settings_base(const koc__go_settings *s, const char *import_path);
/* The platforms to build for, as ko chooses them: requested (split at commas; NULL or empty: none), else
 * s->platforms, else GOOS/GOARCH if both are set, else linux/amd64. KOC_EINVAL: GOOS, GOARCH or GOARM is
 * set although platforms were requested or configured. */
int koc__go_settings_platforms(const koc__go_settings *s, const char *const *requested,
                               koc_strlist **out, koc_error **err);

/* --- targets (package.c): arguments to packages --- */
typedef struct koc__go_target {
    char *argument;               /* as given */
    char *reference;              /* "ko://…", what history entries name */
    char *import_path;            /* what `go list` prints, however it was spelled */
    koc_strlist *spellings;       /* other ko:// references that led here, without the scheme */
    char *package_dir;            /* absolute: where kodata lies; NULL until known */
    char *work_dir;               /* where go runs; NULL: here */
    const koc__go_config *config; /* the entry of builds: that applies, or NULL */
} koc__go_target;
typedef struct koc__go_targets {
    koc__go_target **items; /* distinct import paths, in the order given */
    size_t count;
    koc_strlist *warnings; /* about entries that cannot be loaded and packages that were left out */
} koc__go_targets;
/* Qualifies args ("./..." gives every main package below) and checks that each is a main package. As few
 * `go list` as can be: answers are kept in the cache and used while go.mod, go.work and the environment
 * of go are unchanged; a stale answer is found out by the build (koc__go_build looks at the build info).
 * Entries of builds: that cannot be loaded and that no argument needs become warnings of s, and so do main
 * packages that a pattern leaves out. Without arguments only the entries are looked at. */
int koc__go_targets_find(koc_ctx *ctx, const koc__go_settings *s, const char *platform,
                         const char *const *args, koc__call *call, koc__go_targets **out,
                         koc_error **err);
void koc__go_targets_free(koc__go_targets *t);
KOC__DEFINE_AUTO(koc__go_targets, koc__go_targets_free);

/* --- building (command.c, build.c) --- */
struct koc__go_binary;
typedef struct koc__go_options {
    const char *const *ldflags; /* --ldflags, or NULL */
    bool disable_optimizations;
    bool force;    /* forget what is cached */
    bool inputs;   /* tell what was read, also where that costs a `go list` */
    unsigned jobs; /* `go build`s at once; 0: as many as the context has threads */
    /* Called when a `go build` is about to start, on whatever thread that is. May be NULL. */
    void (*starting)(void *self);
    void *starting_self;
    /* The next two are called on any thread, with the index of a job. May be NULL: both, or linked alone.
     * begun: its batch has left the queue. linked: its program is complete, while go may still link the others
     * of the batch. b is borrowed: koc__go_binary_ref. */
    void (*begun)(void *self, size_t job);
    int (*linked)(void *self, size_t job, struct koc__go_binary *b, koc_error **err);
    void *jobs_self; /* of both */
} koc__go_options;
typedef struct koc__go_binary {
    atomic_uint refs;
    char *path;        /* the linked file */
    char *key;         /* hex: identifies target + platform + arguments + environment */
    bool from_cache;   /* the file is byte for byte what the last build with this key made */
    bool go_skipped;   /* no go was started: every input is as it was */
    koc_digest digest; /* SHA-256 of the file when known without reading, else none */
    koc__stamp stamp;  /* of the file: it stays as it is while the object lives */
    char *build_id;    /* Go's, which holds a hash of the content; NULL: none */
    char *package_path;
    bool inputs_known;   /* where asked for: all that was read is in the lists of this build ... */
    koc_strlist *inputs; /* ... one of which is here: see koc_published_inputs; or NULL */
    struct koc__go_lock *lock; /* while it is held nobody builds into the file or removes it */
} koc__go_binary;
typedef struct koc__go_job {
    koc__go_target *target;
    const koc_platform *platform;
    koc__go_binary *binary; /* NULL until koc__go_build succeeds; then the caller's */
} koc__go_job;
/* Runs one `go build` for all jobs that agree in platform, work_dir, arguments and environment and differ in the
 * name of the program. Sets all binaries or none. A compile error is KOC_EPROCESS with go's output as detail. */
int koc__go_build(koc_ctx *ctx, const koc__go_settings *s, koc__go_job *jobs, size_t n,
                  const koc__go_options *o, koc__call *call, koc_error **err);
/* Tells the digest of b's file once somebody has read it, so that it is known next time. */
int koc__go_binary_set_digest(koc_ctx *ctx, koc__go_binary *b, const koc_digest *d,
                              koc_error **err);
koc__go_binary *koc__go_binary_ref(koc__go_binary *b);
void koc__go_binary_free(koc__go_binary *b); /* gives a reference back */
KOC__DEFINE_AUTO(koc__go_binary, koc__go_binary_free);
/* The directory of the package (kodata's parent); asks `go list` only when target->package_dir is NULL. */
int koc__go_package_dir(koc_ctx *ctx, koc__go_target *t, koc__call *call, koc_error **err);

/* What differs from the last build of t for p, a line each, for people. Nothing is built. */
int koc__go_explain(const koc__go_settings *s, koc__go_target *t, const koc_platform *p,
                    const koc__go_options *o, koc__call *call, koc_strlist *out, koc_error **err);

/* --- the debugger (delve.c) --- */
#define KOC__DELVE_VERSION "v1.27.2"
/* dlv of version (NULL: ours) for p, out of the cache or built with the go tool. KOC_EINVAL: version is
 * none; KOC_EPROCESS with go's output when it cannot be had. */
int koc__go_delve(koc_ctx *ctx, const koc__go_settings *s, const char *version,
                  const koc_platform *p, koc__call *call, koc__go_binary **out, koc_error **err);

/* Compares lists of "name value": "changed: name", "new: name", "removed: name". */
int koc__go_compare_fingerprints(const koc_strlist *then, const koc_strlist *now, koc_strlist *out,
                                 koc_error **err);

/* --- layers (layers.c, kodata.c) --- */
typedef struct koc__go_layer_options {
    const koc_platform *platform;
    int32_t format; /* KOC_FORMAT_OCI or _DOCKER */
    int32_t compression, level;
} koc__go_layer_options;
/* The layer with /ko-app/<base>, in ko's tar dialect; digests come from the cache when the file is the
 * same, and then nothing is read. */
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
/* The value that one of go's own variables (GOFLAGS, GOPROXY) has for a go with env (NULL: ours), without
 * running it: the environment, the user's file (GOENV, `go env -w`), go.env beside the toolchain of tool (NULL:
 * none is known). What counts is asked here and nowhere else. *out NULL: not set, or empty. */
int koc__go_value(const char *tool, const koc_strlist *env, const char *name, char **out,
                  koc_error **err);
/* Adds the paths of those two files, also of ones that are not there. */
int koc__go_value_files(const char *tool, const koc_strlist *env, koc_strlist *out,
                        koc_error **err);
/* The same for our own environment and the go of s; defaults: what the toolchain came with. */
int koc__go_variable(const koc__go_settings *s, const char *name, bool defaults, char **out,
                     koc_error **err);

/* --- epochs --- */
/* SOURCE_DATE_EPOCH or KO_DATA_DATE_EPOCH; *found false when unset or empty. KOC_EINVAL: no integer. */
int koc__go_epoch(const char *variable, bool *found, int64_t *out, koc_error **err);

#endif
