/*
 * The inside of koc_publish. The files in the order of a build:
 *   plan.c               options, environment and .ko.yaml become one koc__plan
 *   base.c               opens a base image: platforms and digests
 *   schedule.c           what runs in parallel: base lookups, questions to the target, the compile
 *   target_state.c       what the target has already
 *   compile.c            builds all packages for all platforms, then their layers
 *   debug.c              Delve and its layer
 *   assemble_image.c     layers and config edits become an image, several images an index
 *   sbom_create.c, sbom_output.c   their SBOMs
 *   early_push.c         what is sent while other packages still compile
 *   output.c             destinations: registry, layout, tarball, none
 *   local_output.c       destinations: the Docker daemon, cluster nodes
 *   naming.c             names of images, printed references
 *   report.c, timings.c  the JSON report and the lines of --timings
 *   publish_progress.c   progress events
 *   publish.c            runs all of this
 * and beside the build:
 *   published_inputs.c     the files that the images were built from
 *   settings_in_effect.c   koc_publish_settings
 *   image_fingerprint.c    what koc adds to an image, for koc_explain
 *   explain_build.c        koc_explain
 *   check_loader.c         warnings about programs that cannot start
 */
#ifndef KOC__PUBLISH_H
#define KOC__PUBLISH_H

#include <pthread.h>
#include <stdatomic.h>

#include <koc/ext/publish.h>
#include <koc/ext/transfer.h>
#include <koc/image.h>
#include <koc/store.h>

#include "core/run/call.h"
#include "core/str.h"
#include "daemon/daemon.h"
#include "golang/golang.h"
#include "publish/naming.h"
#include "registry/registry.h"
#include "sbom/sbom.h"

/* Go's zero time, 0001-01-01T00:00:00Z: ko writes it when it has no other time. */
#define KOC__GO_ZERO_TIME INT64_C(-62135596800)

/* Durations of the parts of a call, in nanoseconds. */
typedef struct koc__timings {
    int64_t settings, packages, bases, build, images, total;
} koc__timings;

/* --- plan.c --- */
typedef struct koc__plan {
    koc_ctx *ctx;       /* borrowed for the call */
    koc_client *client; /* a reference */
    koc_publish_options o;
    koc__go_settings *settings;
    koc_strlist *platforms; /* to build for, in one spelling; at least one, or "all" */
    koc__go_options go;
    koc_strlist *tags;
    char *repository;      /* "" when there is none */
    char *sbom_repository; /* COSIGN_REPOSITORY, or NULL */
    koc__sbom_format sbom_formats[KOC__SBOM_FORMATS];
    size_t n_sbom_formats; /* 0: no SBOM */
    bool sbom_author_told; /* else git is asked */
    koc__sbom_author sbom_author;
    char *sbom_author_text; /* what names it; sbom_author_storage owns the strings */
    char *sbom_author_storage;
    char *layout_path;          /* of the layout to write, or NULL */
    bool to_registry;           /* at least one of the outputs is a registry */
    bool default_platform;      /* no option, setting or variable names a platform */
    koc__local_kind local_kind; /* not NONE: the only destination */
    const char *local_rest;     /* of koc_publish_options.into, after its colon */
    koc__local *local;          /* NULL until koc__output_local_prepare opens it */
    bool compat, debug;
    bool has_epoch, has_data_epoch;
    int64_t epoch, data_epoch;
    koc_kv *labels, *annotations;
    size_t n_labels, n_annotations;
    koc_strlist *warnings;
    koc__timings times;
} koc__plan;
int koc__plan_new(koc_ctx *ctx, const koc_publish_options *o, koc__plan **out, koc_error **err);
/* Adds the warnings that p does not have yet. */
int koc__plan_add_warnings(koc__plan *p, const koc_strlist *warnings, koc_error **err);
void koc__plan_free(koc__plan *p);
KOC__DEFINE_AUTO(koc__plan, koc__plan_free);

/* --- base.c --- */
typedef struct koc__base_item { /* one wanted platform of the base */
    koc_platform *platform;
    koc_descriptor *entry; /* of the base's index; NULL: the base is one image, or scratch */
    koc_image *image;      /* NULL on scratch */
} koc__base_item;
typedef enum koc__base_kind {
    KOC__BASE_REMOTE, /* in a registry */
    KOC__BASE_SCRATCH,
    KOC__BASE_FILE,  /* a layout or an archive */
    KOC__BASE_DAEMON /* ko.local/…: in the Docker daemon */
} koc__base_kind;
typedef struct koc__base {
    char *name;      /* as configured, without docker:// */
    char *asked_by;  /* ".ko.yaml:3:19: defaultBaseImage, for example.com/app"; NULL: an option */
    bool by_default; /* the built-in default: nothing names a base */
    koc__base_kind kind;
    koc_place place;       /* KOC__BASE_FILE */
    koc_buf storage;       /* of place */
    bool docker;           /* media types of Docker, not of OCI */
    koc_index *index;      /* or NULL */
    koc_digest digest;     /* of the index or the image */
    char *annotation;      /* org.opencontainers.image.base.name; NULL: none (scratch, files) */
    koc_source *source;    /* of a file; its layers are read from there */
    char *directory;       /* temporary: holds the export of a daemon's image */
    koc__base_item *items; /* at least one once opened */
    size_t n_items;
} koc__base;
/* The base of a package: that of the options, else that of the settings. */
int koc__base_of(const koc__plan *p, const char *import_path, koc__base **out, koc_error **err);
/* The same base, not opened. */
int koc__base_copy_unopened(const koc__base *b, koc__base **out, koc_error **err);
void koc__base_free(koc__base *b);
KOC__DEFINE_AUTO(koc__base, koc__base_free);
/* Reads manifests and configs, no layers. */
int koc__base_open(koc__plan *p, koc__base *b, koc__call *call, koc_error **err);
/* Opens the base as it was at the last lookup. Reads the cache only and fails if something is missing there. */
int koc__base_recall(koc__plan *p, koc__base *b, koc__call *call, koc_error **err);
/* Whether opening it sends requests to a registry. */
bool koc__base_is_remote(const koc__base *b);

/* --- compile.c, assemble_image.c, sbom_output.c --- */
typedef struct koc__unit { /* one package on one platform */
    struct koc__work *work;
    const koc__base_item *on;
    koc__go_binary *binary;
    koc__go_binary *debugger; /* Delve, or NULL */
    koc_layer *kodata, *app;
    koc_layer *delve; /* or NULL */
    koc_image *image;
    bool unchanged;      /* the program and its layers came from the cache */
    unsigned parts_left; /* layers that are not built yet; guarded by koc__early_pushes.mutex */
    int64_t begun_at;    /* koc__monotonic_ms */
    int64_t build_ms, layers_ms;
} koc__unit;
typedef struct koc__sbom_doc {
    const koc_digest *subject; /* borrowed from the image or index */
    koc__sbom_format format;
    koc_buf text;
    char *file_name;
    koc_reference *target; /* NULL, like the next two, if the registry has the document */
    koc_image *artifact;
    koc__push *push;
} koc__sbom_doc;
typedef struct koc__target_state { /* what the target had when the bases were looked up */
    bool has_image, has_sbom;      /* false: missing or not known */
    bool lacks_image;              /* the target answered that a tag does not exist */
    koc_digest image;              /* what all tags name */
    koc_digest sbom;               /* the artifact beside it */
} koc__target_state;
typedef enum koc__work_state {
    KOC__WORK_OPEN,  /* not finished */
    KOC__WORK_BUILT, /* and sent nowhere */
    KOC__WORK_PUSHED,
    KOC__WORK_UNCHANGED, /* the target had it */
    KOC__WORK_WRITTEN,   /* to a layout or a tarball */
    KOC__WORK_LOADED     /* into the daemon or the nodes */
} koc__work_state;
typedef struct koc__work { /* one package: one printed reference */
    koc__plan *plan;
    koc__go_target *target;
    koc__base *base;
    char *app;        /* the binary's name in the image */
    koc__unit *units; /* one for each item of the base */
    size_t n_units;
    koc_index *index; /* when there are several */
    koc__sbom_doc *sboms;
    size_t n_sboms, sboms_capacity;
    char *name; /* the image's repository */
    char *printed;
    koc__work_state state;
    koc__target_state target_state;
    struct koc__early_pushes *pushes; /* NULL: the image is sent at the end */
    unsigned parts_left;              /* of all units; guarded by pushes->mutex */
    atomic_flag push_reported;
    bool early;        /* it was sent while other packages still compiled */
    koc_reference *to; /* repository and first tag */
    koc__push *push;   /* NULL: the target has the image */
    koc__push_result pushed;
    int64_t build_ms, layers_ms, push_ms;
} koc__work;
/* Compiles all units and builds their layers, platforms in parallel. */
int koc__compile(koc__plan *p, koc__work *works, size_t n, koc__call *call, koc_error **err);
/* --- debug.c --- */
/* Whether images for platform get the debugger. */
bool koc__debug_supports(const koc__plan *p, const koc_platform *platform);
/* Adds a warning for each platform without a debugger. */
int koc__debug_warn(koc__plan *p, const koc__work *works, size_t n, koc_error **err);
/* *out stays NULL if koc__debug_supports is false. */
int koc__debug_build(koc__plan *p, const koc_platform *platform, koc__call *call,
                     koc__go_binary **out, koc_error **err);
int koc__debug_layer(koc__unit *u, koc__go_binary *delve, const koc__go_layer_options *o,
                     koc__call *call, koc_error **err);

/* Layers to image, images to index. */
int koc__assemble(koc__work *w, koc__call *call, koc_error **err);
/* Creates the documents about w's images, in each format, and keeps them in the cache by digest. */
int koc__sboms_create(koc__work *w, koc__call *call, koc_error **err);
/* Pushes those of the first format beside the images, with the tag sha256-<hex>.sbom: the first step everything but
 * the tags, the second the tags. */
int koc__sboms_push_begin(koc__work *w, koc__call *call, koc_error **err);
int koc__sboms_push_names(koc__work *w, koc_error **err);
/* Writes them to --sbom-dir. */
int koc__sboms_write(koc__work *w, koc_error **err);
/* Adds the file with the first SBOM of the whole image to list; "" if none was written. */
int koc__work_list_sbom(const koc__work *w, koc_strlist *list, koc_error **err);

/* --- schedule.c --- */
typedef struct koc__run { /* everything of one call */
    koc__plan *plan;
    koc__go_targets *targets;
    koc__base **bases;
    size_t n_bases;
    koc__work *works;
    size_t n_works;
    int64_t compiled_at; /* koc__monotonic_ns */
} koc__run;
/* Runs in parallel: base lookups, questions to the target, the check of push permission, the compile with its layers,
 * and pushes of what is complete. Returns when all is compiled and the bases are known. */
int koc__run_builds(koc__run *r, koc__call *call, koc_error **err);
/* Frees the units of w and everything built for them. */
void koc__work_reset(koc__work *w);

/* --- target_state.c --- */
/* A koc__task_fn: fills work->target_state. Fails only if the call ends early or memory runs out. */
int koc__target_state_fetch(void *work, koc__call *call, koc_error **err);
/* Whether the target has the image, or the SBOM of subject, so that nothing of it is sent. */
bool koc__target_has_image(const koc__work *w);
bool koc__target_has_sbom(const koc__work *w, const koc_digest *subject, const koc_digest *sbom);
int koc__work_sbom_reference(const koc__work *w, const koc_digest *subject, koc_reference **out,
                             koc_error **err);

/* --- early_push.c --- */
typedef struct koc__early_pushes {
    koc__run *run;
    koc__group group;
    pthread_mutex_t mutex; /* guards what follows */
    unsigned parts_left;   /* of all works */
    bool allowed;
} koc__early_pushes;
int koc__early_pushes_begin(koc__early_pushes *s, koc__run *r, koc__call *call, koc_error **err);
/* Waits for running pushes; takes one that was never begun. */
void koc__early_pushes_end(koc__early_pushes *s);
/* Counts the parts of all units, none of which is compiled yet. May start to push the layers of bases. */
int koc__early_pushes_expect(koc__early_pushes *s, koc_error **err);
/* One more part of u is complete. On any thread; does nothing if nothing is pushed early. */
int koc__early_pushes_part_ready(koc__unit *u, koc_error **err);
/* Bases and target are known: starts to push what is complete, now and from now on. On any thread. */
int koc__early_pushes_allow(koc__early_pushes *s, koc_error **err);

/* --- output.c --- */
/* Pushes everything of w but its names, after koc__assemble and koc__sboms_create. */
int koc__output_content(koc__work *w, koc__call *call, koc_error **err);
/* Sends w to the destinations of the plan and fills w->printed. */
int koc__output(koc__work *w, koc__call *call, koc_error **err);
/* Writes what covers all works: tarball and list of references. */
int koc__output_together(koc__plan *p, koc__work *works, size_t n, koc__call *call,
                         koc_error **err);

/* --- local_output.c --- */
/* Finds the daemon or the nodes that the plan names. */
int koc__output_local_prepare(koc__plan *p, koc__call *call, koc_error **err);
/* Keeps the one unit of w that can run there. */
int koc__output_local_choose(koc__work *w, koc_error **err);
int koc__output_local(koc__work *w, koc__call *call, koc_error **err);

/* --- image_fingerprint.c --- */
/* Records in the cache what koc put into u's image. A failure is ignored: koc explain then knows less. */
void koc__fingerprint_record(const koc__unit *u, koc__call *call);
/* Adds a line for each part that would be different now. */
int koc__fingerprint_explain(koc__plan *p, koc__go_target *t, const koc_platform *platform,
                             koc__call *call, koc_strlist *lines, koc_error **err);

/* --- report.c --- */
int koc__report(const koc__plan *p, const koc__work *works, size_t n, int64_t total_ms,
                koc_buf *out, koc_error **err);

/* --- published_inputs.c --- */
/* The result of koc_published_inputs; *out stays NULL when not everything is known. */
int koc__published_paths(const koc__plan *p, const koc__work *works, size_t n, koc_strlist **out,
                         koc_error **err);

/* --- timings.c --- */
/* Nanoseconds since *since, which becomes now. */
int64_t koc__lap(int64_t *since);
int koc__timings_text(const koc__plan *p, const koc__work *works, size_t n, koc_buf *out,
                      koc_error **err);

/* --- publish_progress.c --- */
/* Reports that a program is built for a platform. */
void koc__report_build(koc__call *call, int32_t state, const char *name, const char *platform);
/* Reports the lookup of a base image; what (or NULL) is its text for people. */
void koc__report_base(koc__call *call, int32_t state, const char *name, const char *what);
/* Reports an event about the whole image of w, of which so many bytes were sent. */
void koc__report_image(const koc__work *w, uint64_t sent, koc__call *call, int32_t state);
/* The result of w: the index, else the one image. Borrowed. */
static inline const koc_descriptor *koc__work_descriptor(const koc__work *w)
{
    return w->index ? koc_index_descriptor(w->index) : koc_image_descriptor(w->units[0].image);
}
/* "api linux/arm64", for progress. NULL: out of memory. */
char *koc__unit_label(const koc__unit *u);

/* --- check_loader.c --- */
/* Warns about programs that cannot start on their base. */
int koc__warn_loaders(koc__plan *p, const koc__work *works, size_t n, koc_error **err);

#endif
