/*
 * The inside of the transfer module: places to read from (from_*.c), places to write to (to_*.c), and the
 * copy between them, which knows neither.
 */
#ifndef KOC__TRANSFER_H
#define KOC__TRANSFER_H

#include <koc/ext/transfer.h>

#include "core/run/call.h"
#include "model/model.h"
#include "model/walk.h"
#include "registry/registry.h"
#include "store/store.h"
#include "store/tar_contents.h"

/* A manifest or index as it is, checked against its digest. */
typedef struct koc__document {
    koc_buf bytes;
    koc_buf media_type;
    koc_buf artifact_type; /* of a referrer, as what lists it says; else empty */
    koc_digest digest;
} koc__document;
/* clang-format off */
#define KOC__DOCUMENT_INIT { KOC_BUF_INIT, KOC_BUF_INIT, KOC_BUF_INIT, { 0 } }
/* clang-format on */
void koc__document_dispose(koc__document *d);
KOC__DEFINE_AUTO_VAL(koc__document, koc__document_dispose);
koc_descriptor koc__document_descriptor(const koc__document *d); /* borrows from d */
koc_str koc__document_text(const koc__document *d);
/* Finds media type and, unless that is known, digest of bytes that came without. */
int koc__document_describe(koc__document *d, const char *what, koc_error **err);

/* --- reading --- */

typedef struct koc__source_vt {
    /* What the place names. */
    int (*top)(koc_source *s, const koc_place *p, koc__call *call, koc__document *out,
               koc_error **err);
    int (*manifest)(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                    koc_error **err);
    /* *out NULL: it is not here. */
    int (*blob)(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err);
    int (*referrers)(koc_source *s, const koc_digest *subject, const char *type, koc__call *call,
                     koc_index **out, koc_error **err);
} koc__source_vt;

/* An archive that can be read only once (a pipe, a device, "-" for stdin), as a file. */
typedef struct koc__stream {
    char *name;   /* as it was given */
    char *folder; /* of our own, in $TMPDIR */
    char *file;
} koc__stream;
bool koc__place_is_stream(const koc_place *p);
/* A caller's place, not NULL, as this version knows it. KOC_EMISUSE: not set up, or what its kind needs is NULL. */
int koc__place_check(const koc_place *from, koc_client *client, koc_place *out, koc_error **err);
int koc__stream_keep(const char *name, koc__call *call, koc__stream *out, koc_error **err);
void koc__stream_dispose(koc__stream *s);

struct koc_source {
    const koc__source_vt *vt;
    koc_ctx *ctx;
    char *what; /* for messages */
    koc__document top;
    koc_descriptor *descriptor; /* of top */
    /* What vt needs of these. */
    koc_client *client;
    koc_reference *repo; /* without tag and digest */
    koc_layout *layout;
    koc__contents *contents;
    koc__stream stream;
    koc_image *image;
};
KOC__DEFINE_AUTO(koc_source, koc_source_free);

int koc__source_registry(koc_source *s, const koc_place *p, koc_error **err);
int koc__source_layout(koc_source *s, const koc_place *p, koc_error **err);
int koc__source_archive(koc_source *s, const koc_place *p, koc__call *call, koc_error **err);

int koc__source_open(koc_ctx *ctx, koc_client *client, const koc_place *p, koc__call *call,
                     koc_source **out, koc_error **err);
int koc__source_manifest(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                         koc_error **err);
/* The image of one manifest. KOC_EUNSUPPORTED: it is an artifact. */
int koc__source_image_of(koc_source *s, const koc__document *manifest, koc__call *call,
                         koc_image **out, koc_error **err);
/* The self of a walk that reads from a source, and that walk. */
typedef struct koc__source_walk {
    koc_source *source;
} koc__source_walk;
koc__walk koc__source_walk_init(koc__source_walk *way, koc__call *call);
int koc__source_image(koc_source *s, const koc_platform *want, koc__call *call, koc_image **out,
                      koc_error **err);

/* The entry of a layout's index.json that p names; borrowed from list. *out NULL: none is listed with
 * p's digest, which then may be that of something below. */
int koc__pick(const koc_index *list, const koc_place *p, const char *what,
              const koc_descriptor **out, koc_error **err);
/* What of list (index.json) refers to subject: read tells the subject of each candidate. */
int koc__listed_referrers(koc_source *s, const koc_index *list, const koc_digest *subject,
                          const char *type, koc__call *call, koc_index **out, koc_error **err);
/* d with only the platforms wanted, and what belongs to them: one image, or a shorter index.
 * KOC_EPLATFORM. d is replaced. */
int koc__pick_platforms(koc_source *s, const koc_strlist *wanted, koc__document *d, koc__call *call,
                        koc_error **err);

/* --- writing --- */

typedef struct koc__dest koc__dest;
typedef struct koc__dest_vt {
    /* Whether p names d already. */
    int (*has_top)(koc__dest *t, const koc_place *p, const koc_digest *d, koc__call *call,
                   bool *out, koc_error **err);
    /* Whether a manifest and all it needs is there. */
    int (*has_manifest)(koc__dest *t, const koc_place *p, const koc_digest *d, koc__call *call,
                        bool *out, koc_error **err);
    /* blob may be NULL when the target has it. *state: KOC_STATE_FINISHED, _MOUNTED, _SKIPPED. */
    int (*put_blob)(koc__dest *t, const koc_place *p, const koc_descriptor *d, koc_blob *blob,
                    const koc_reference *origin, koc__call *call, int32_t *state, koc_error **err);
    /* named: under the name that p gives, else by digest alone. listed: it is something that nothing else
     * leads to (a referrer). */
    int (*put_manifest)(koc__dest *t, const koc_place *p, const koc__document *d, bool named,
                        bool listed, koc__call *call, koc_error **err);
    /* Instead of all that, where only whole images can be kept. Or NULL. */
    int (*put_image)(koc__dest *t, const koc_place *p, koc_image *img, const koc_place *from,
                     koc__call *call, koc_error **err);
    /* After all. Or NULL. */
    int (*finish)(koc__dest *t, koc__call *call, koc_error **err);
    void (*release)(koc__dest *t);
} koc__dest_vt;

struct koc__dest {
    const koc__dest_vt *vt;
    koc_ctx *ctx;
    koc_client *client;
    int32_t kind;
    char *path; /* NULL for registries, which share one */
};

/* Nothing is made before the first put. The first gives a koc__dest too, of that kind. */
int koc__dest_registry(koc_ctx *ctx, koc_client *client, koc__dest **out, koc_error **err);
int koc__dest_layout(koc_ctx *ctx, const char *path, koc__dest **out, koc_error **err);
int koc__dest_oci_archive(koc_ctx *ctx, const char *path, koc__call *call, koc__dest **out,
                          koc_error **err);
int koc__dest_docker_archive(koc_ctx *ctx, const char *path, koc__call *call, koc__dest **out,
                             koc_error **err);

/* --- the copy of one image (tree.c) --- */

typedef struct koc__transfer {
    koc_source *from;
    koc__dest *to;
    const koc_place *place; /* in to */
    koc__call *call;
    unsigned width; /* blobs at once */
    bool referrers;
    koc_copy_result result;
    pthread_mutex_t mutex; /* guards result */
} koc__transfer;
/* Copies top and all below it. */
int koc__transfer_tree(koc__transfer *t, const koc__document *top, koc_error **err);

#endif
