/*
 * The inside of koc_publish. The way of a build, file by file:
 *   plan.c     options, environment and .ko.yaml become one koc__plan
 *   base.c     a base image by its name: which platforms, which digests
 *   start.c    what goes on at the same time: bases, questions to the target, the compile
 *   compile.c  every distinct platform is one `go build` for all its packages; then their layers
 *   debug.c    Delve and its layer, for --debug
 *   image.c    layers and config edits become an image; several images an index
 *   ahead.c    what the target has already
 *   attach.c   their SBOMs
 *   send.c     what goes out while others still compile
 *   output.c   where they go: registry, layout, tarball, nowhere;  local.c  daemon and nodes
 *   report.c   the JSON report;  publish.c  the order of all this
 *   inputs.c   which files all this was made from, for those who watch them
 *   facts.c    koc_publish_settings: what all this would work with
 *   image_facts.c  what koc adds to an image, for koc explain
 *   explain.c  koc_explain: which inputs changed;  timings.c  where the time went
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

/* The zero time of Go, which ko writes where it has no better: 0001-01-01T00:00:00Z. */
#define KOC__GO_ZERO_TIME INT64_C(-62135596800)

/* How long the parts of a call took, in nanoseconds. */
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
    char *repository;           /* "" when there is none */
    char *sbom_repository;      /* COSIGN_REPOSITORY, or NULL */
    char *layout_path;          /* where a layout goes, or NULL */
    bool to_registry;           /* at least one of the outputs is a registry */
    bool default_platform;      /* nobody named one */
    koc__local_kind local_kind; /* not NONE: images go there and nowhere else */
    const char *local_rest;     /* of koc_publish_options.into, after its colon */
    koc__local *local;          /* once it was found */
    bool compat, debug;
    bool has_epoch, has_data_epoch;
    int64_t epoch, data_epoch;
    koc_kv *labels, *annotations;
    size_t n_labels, n_annotations;
    koc_strlist *warnings;
    koc__timings times;
} koc__plan;
int koc__plan_make(koc_ctx *ctx, const koc_publish_options *o, koc__plan **out, koc_error **err);
/* Adds the warnings that p does not have yet. */
int koc__plan_warnings(koc__plan *p, const koc_strlist *warnings, koc_error **err);
void koc__plan_free(koc__plan *p);
KOC__DEFINE_AUTO(koc__plan, koc__plan_free);

/* --- base.c --- */
typedef struct koc__base_item { /* one platform that the base has and that is wanted */
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
/* That of a package: the flag's, else what the settings say. */
int koc__base_of(const koc__plan *p, const char *import_path, koc__base **out, koc_error **err);
/* The same base, not opened. */
int koc__base_again(const koc__base *b, koc__base **out, koc_error **err);
void koc__base_free(koc__base *b);
KOC__DEFINE_AUTO(koc__base, koc__base_free);
/* Fetches what is needed to build on it: manifests and configs, no layers. */
int koc__base_open(koc__plan *p, koc__base *b, koc__call *call, koc_error **err);
/* As it was when it was last looked up, from the cache alone. Fails when anything is missing there. */
int koc__base_recall(koc__plan *p, koc__base *b, koc__call *call, koc_error **err);
/* Whether looking it up asks a registry. */
bool koc__base_is_remote(const koc__base *b);

/* --- compile.c, image.c, attach.c --- */
typedef struct koc__unit { /* one package on one platform */
    struct koc__work *work;
    const koc__base_item *on;
    koc__go_binary *binary;
    koc__go_binary *debugger; /* Delve, or NULL */
    koc_layer *kodata, *app;
    koc_layer *delve; /* or NULL */
    koc_image *image;
    bool unchanged;      /* linked file and layers came from the cache */
    unsigned parts_left; /* layers still to be made; under the mutex of koc__sends */
    int64_t begun_at;    /* koc__monotonic_ms */
    int64_t build_ms, layers_ms;
} koc__unit;
typedef struct koc__sbom_doc {
    const koc_digest *subject; /* borrowed from the image or index */
    koc_buf text;
    char *file_name;
    koc_reference *target; /* where the registry gets it; NULL, as the next two: it has it */
    koc_image *artifact;
    koc__push *push;
} koc__sbom_doc;
typedef struct koc__ahead {   /* what the target had when the bases were looked up */
    bool has_image, has_sbom; /* false: it was not there, or is not known */
    bool lacks_image;         /* the target says that a tag is not there */
    koc_digest image;         /* what all tags name */
    koc_digest sbom;          /* the artifact beside it */
} koc__ahead;
typedef struct koc__work { /* one package: one printed reference */
    koc__plan *plan;
    koc__go_target *target;
    koc__base *base;
    char *app;        /* the binary's name in the image */
    koc__unit *units; /* one for each item of the base */
    size_t n_units;
    koc_index *index; /* when there are several */
    koc__sbom_doc *sboms;
    size_t n_sboms;
    char *name; /* the image's repository */
    char *printed;
    const char *state; /* "pushed", "unchanged", "written", "built": for the report */
    koc__ahead ahead;
    struct koc__sends *sends; /* NULL: nothing is sent before the end */
    unsigned parts_left;      /* of all units; under the mutex of sends */
    atomic_flag told;         /* that sending began */
    bool early;               /* others were still compiled when it was sent */
    koc_reference *to;        /* repository and first tag */
    koc__push *push;          /* NULL: nothing is to be sent */
    koc__push_result pushed;
    int64_t build_ms, layers_ms, push_ms;
} koc__work;
/* Compiles all units and makes their layers, platforms side by side. */
int koc__compile(koc__plan *p, koc__work *works, size_t n, koc__call *call, koc_error **err);
/* --- debug.c --- */
/* Whether images for platform get the debugger. */
bool koc__debug_fits(const koc__plan *p, const koc_platform *platform);
/* A warning for each platform that was asked for and has none. */
int koc__debug_warn(koc__plan *p, const koc__work *works, size_t n, koc_error **err);
/* *out stays NULL where koc__debug_fits is false. */
int koc__debug_build(koc__plan *p, const koc_platform *platform, koc__call *call,
                     koc__go_binary **out, koc_error **err);
int koc__debug_layer(koc__unit *u, koc__go_binary *delve, const koc__go_layer_options *o,
                     koc__call *call, koc_error **err);

/* Layers to image, images to index. */
int koc__assemble(koc__work *w, koc__call *call, koc_error **err);
/* The documents about w's images, kept in the cache by digest. Nothing under KOC_SBOM_NONE. */
int koc__sboms_make(koc__work *w, koc__call *call, koc_error **err);
/* Pushes them beside the images, tag sha256-<hex>.sbom: first all but the tag, which is the second step. */
int koc__sboms_push_begin(koc__work *w, koc__call *call, koc_error **err);
int koc__sboms_push_names(koc__work *w, koc_error **err);
/* Writes them to --sbom-dir. */
int koc__sboms_write(koc__work *w, koc_error **err);

/* --- start.c --- */
typedef struct koc__run { /* everything of one call */
    koc__plan *plan;
    koc__go_targets *targets;
    koc__base **bases;
    size_t n_bases;
    koc__work *works;
    size_t n_works;
    int64_t compiled_at; /* koc__monotonic_ns */
} koc__run;
/* Side by side: bases, what the target has of each image, the right to push, the compile with its layers, and, to a
 * registry, sending what is complete. Makes the units of all works. */
int koc__start(koc__run *r, koc__call *call, koc_error **err);
/* Frees what compiling made of w. */
void koc__work_reset(koc__work *w);

/* --- ahead.c --- */
/* A koc__task_fn: fills work->ahead. Only cancelling is a failure. */
int koc__ahead_task(void *work, koc__call *call, koc_error **err);
/* Whether nothing of the image, or of the SBOM of subject, is to be sent. */
bool koc__ahead_has_image(const koc__work *w);
bool koc__ahead_has_sbom(const koc__work *w, const koc_digest *subject, const koc_digest *sbom);
int koc__work_sbom_reference(const koc__work *w, const koc_digest *subject, koc_reference **out,
                             koc_error **err);

/* --- send.c --- */
typedef struct koc__sends {
    koc__run *run;
    koc__group group;
    pthread_mutex_t mutex; /* guards what follows */
    unsigned parts_left;   /* of all works */
    bool allowed;
} koc__sends;
int koc__sends_begin(koc__sends *s, koc__run *r, koc__call *call, koc_error **err);
/* Waits for what is on its way; takes one that was never begun. */
void koc__sends_end(koc__sends *s);
/* The units of all works were made, none is compiled yet. What their bases hold may go out already. */
int koc__sends_expect(koc__sends *s, koc_error **err);
/* One more part of u is complete; on any thread. Nothing where nothing is sent early. */
int koc__sends_ready(koc__unit *u, koc_error **err);
/* Bases and target are known: what is complete goes out now, the rest as it becomes so. On any thread. */
int koc__sends_allow(koc__sends *s, koc_error **err);

/* --- output.c --- */
/* Sends all of w but its names to the registry, after koc__assemble and koc__sboms_make. */
int koc__early_push_begin(koc__work *w, koc__call *call, koc_error **err);
/* Sends w where the plan says and fills w->printed. */
int koc__output(koc__work *w, koc__call *call, koc_error **err);
/* What is written once for all: tarball and list of references. */
int koc__output_together(koc__plan *p, koc__work *works, size_t n, koc__call *call,
                         koc_error **err);

/* --- local.c --- */
/* Finds the daemon or the nodes that the plan names. */
int koc__output_local_prepare(koc__plan *p, koc__call *call, koc_error **err);
/* Of w's units keeps the one that runs there. */
int koc__output_local_choose(koc__work *w, koc_error **err);
int koc__output_local(koc__work *w, koc__call *call, koc_error **err);

/* --- image_facts.c --- */
/* Keeps what koc put into u's image. A cache that cannot be written costs an explanation, not the build. */
void koc__fingerprint_keep(const koc__unit *u, koc__call *call);
/* Which of it is different now, a line each. */
int koc__fingerprint_explain(koc__plan *p, koc__go_target *t, const koc_platform *platform,
                             koc__call *call, koc_strlist *lines, koc_error **err);

/* --- report.c --- */
int koc__report(const koc__plan *p, const koc__work *works, size_t n, int64_t total_ms,
                koc_buf *out, koc_error **err);

/* --- inputs.c --- */
/* What koc_published_inputs tells; *out stays NULL when not everything is known. */
int koc__published_paths(const koc__plan *p, const koc__work *works, size_t n, koc_strlist **out,
                         koc_error **err);

/* --- timings.c --- */
/* The time since *since in nanoseconds; *since becomes now. */
int64_t koc__lap(int64_t *since);
int koc__timings_text(const koc__plan *p, const koc__work *works, size_t n, koc_buf *out,
                      koc_error **err);

/* --- publish_progress.c --- */
/* One event of kind and state; all ids are 0 but those that koc__call_new_id gave. */
void koc__report_event(koc__call *call, int32_t kind, int32_t state, const char *what,
                       uint64_t done);
/* The same about the whole image of w. */
void koc__report_image(const koc__work *w, koc__call *call, int32_t state);
/* The result of w: the index, else the one image. Borrowed. */
const koc_descriptor *koc__work_descriptor(const koc__work *w);
/* "api linux/arm64", for progress. NULL: out of memory. */
char *koc__unit_label(const koc__unit *u);

/* --- loader.c --- */
/* Warns of programs that their base cannot start. */
int koc__warn_loaders(koc__plan *p, const koc__work *works, size_t n, koc_error **err);

#endif
