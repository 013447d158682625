/*
 * The inside of the transfer module: sources to read from (open_source.c, source.c, from_*.c), destinations to write to
 * (to_*.c), and the copy between them (copy.c, copy_tree.c), which depends on neither kind.
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

/* The bytes of a manifest or index, verified against its digest. */
typedef struct koc__document {
    koc_buf bytes;
    koc_buf media_type;
    koc_buf
        artifact_type; /* of a manifest that is copied: its own, or as the list of referrers says */
    koc_digest digest;
} koc__document;
/* clang-format off */
#define KOC__DOCUMENT_INIT { KOC_BUF_INIT, KOC_BUF_INIT, KOC_BUF_INIT, { 0 } }
/* clang-format on */
void koc__document_dispose(koc__document *d);
KOC__DEFINE_AUTO_VAL(koc__document, koc__document_dispose);
koc_descriptor koc__document_descriptor(const koc__document *d); /* borrows from d */
koc_str koc__document_text(const koc__document *d);
int koc__document_copy(const koc__document *from, koc__document *to, koc_error **err);
/* Fills the media type, and the digest if it is not known yet, from the bytes. */
int koc__document_describe(koc__document *d, const char *what, koc_error **err);

/* --- reading --- */

typedef struct koc__source_vt {
    /* Reads the manifest or index that the place names. */
    int (*top)(koc_source *s, const koc_place *p, koc__call *call, koc__document *out,
               koc_error **err);
    int (*manifest)(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                    koc_error **err);
    /* *out NULL: the place does not have it. */
    int (*blob)(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err);
    int (*referrers)(koc_source *s, const koc_digest *subject, const char *type, koc__call *call,
                     koc_index **out, koc_error **err);
    /* A repository that has the blob, borrowed from s. Or NULL: repo of the source. */
    const koc_reference *(*origin)(const koc_source *s, const koc_descriptor *d);
} koc__source_vt;

/* The copy of an archive that can be read only once: a pipe, a device, "-" for stdin. */
typedef struct koc__stream {
    char *name;      /* as it was given */
    char *directory; /* temporary */
    char *file;
} koc__stream;
bool koc__place_is_stream(const koc_place *p);
/* Copies and validates a caller's place. KOC_EMISUSE: not initialised, or a member that its kind needs is NULL. */
int koc__place_check(const koc_place *from, koc_client *client, koc_place *out, koc_error **err);
int koc__stream_keep(const char *name, koc__call *call, koc__stream *out, koc_error **err);
void koc__stream_dispose(koc__stream *s);

struct koc_source {
    const koc__source_vt *vt;
    koc_ctx *ctx;
    char *what; /* for messages */
    koc__document top;
    koc_descriptor *descriptor; /* of top */
    /* Each vt uses some of these. */
    koc_client *client;
    koc_reference *repo; /* without tag and digest */
    koc_layout *layout;
    koc__contents *contents;
    koc__stream stream;
    koc_image *image;
    koc_index *index;
    koc_artifact *artifact;
};
KOC__DEFINE_AUTO(koc_source, koc_source_free);

int koc__source_registry(koc_source *s, const koc_place *p, koc_error **err);
int koc__source_layout(koc_source *s, const koc_place *p, koc_error **err);
int koc__source_archive(koc_source *s, const koc_place *p, koc__call *call, koc_error **err);
void koc__source_memory(koc_source *s, const koc_place *p);
/* The content of an artifact's config or file; NULL: it has no such blob. Borrowed. */
koc_blob *koc__artifact_blob(const koc_artifact *a, const koc_digest *d);

int koc__source_open(koc_ctx *ctx, koc_client *client, const koc_place *p, koc__call *call,
                     koc_source **out, koc_error **err);
int koc__source_manifest(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                         koc_error **err);
/* The image of one manifest. KOC_EUNSUPPORTED: it is an artifact. */
int koc__source_image_of(koc_source *s, const koc__document *manifest, koc__call *call,
                         koc_image **out, koc_error **err);
/* The self of a walk that reads from a source. */
typedef struct koc__source_walk {
    koc_source *source;
} koc__source_walk;
koc__walk koc__source_walk_init(koc__source_walk *way, koc__call *call);
/* As koc_source_get_image. */
int koc__source_image(koc_source *s, const koc_platform *want, koc__call *call, koc_image **out,
                      koc_error **err);

/* The entry of a layout's index.json that p names; borrowed from list. *out NULL: no entry has p's digest, which may
 * belong to a manifest below one. */
int koc__select_entry(const koc_index *list, const koc_place *p, const char *what,
                      const koc_descriptor **out, koc_error **err);
/* The referrers of subject in list (index.json): reads each candidate for its subject. */
int koc__listed_referrers(koc_source *s, const koc_index *list, const koc_digest *subject,
                          const char *type, koc__call *call, koc_index **out, koc_error **err);
/* Replaces d by a document with only the wanted platforms and their attestations: one image, or a shorter index.
 * KOC_EPLATFORM. */
int koc__select_platforms(koc_source *s, const koc_strlist *wanted, koc__document *d,
                          koc__call *call, koc_error **err);

/* --- writing --- */

typedef struct koc__dest koc__dest;
typedef struct koc__dest_vt {
    /* Whether p names d already. The first two may be NULL: always false. */
    int (*has_top)(koc__dest *t, const koc_place *p, const koc_digest *d, koc__call *call,
                   bool *out, koc_error **err);
    /* Whether a manifest and everything below it is there. */
    int (*has_manifest)(koc__dest *t, const koc_place *p, const koc_digest *d, koc__call *call,
                        bool *out, koc_error **err);
    /* *state: KOC_STATE_FINISHED, _MOUNTED, _SKIPPED. */
    int (*put_blob)(koc__dest *t, const koc_place *p, const koc__known_blob *b, koc__call *call,
                    int32_t *state, koc_error **err);
    /* named: under the name that p gives, else by digest alone. listed: no other manifest leads to it (a
     * referrer). */
    int (*put_manifest)(koc__dest *t, const koc_place *p, const koc__document *d, bool named,
                        bool listed, koc__call *call, koc_error **err);
    /* Instead of all these, for a destination that can hold only whole images. Or NULL. */
    int (*put_image)(koc__dest *t, const koc_place *p, koc_image *img, const koc_place *from,
                     koc__call *call, koc_error **err);
    /* Called last. Or NULL. */
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

/* Nothing is created before the first put. */
int koc__dest_registry(koc_ctx *ctx, koc_client *client, koc__dest **out, koc_error **err);
int koc__dest_layout(koc_ctx *ctx, const char *path, koc__dest **out, koc_error **err);
int koc__dest_oci_archive(koc_ctx *ctx, const char *path, koc__call *call, koc__dest **out,
                          koc_error **err);
int koc__dest_docker_archive(koc_ctx *ctx, const char *path, koc__call *call, koc__dest **out,
                             koc_error **err);

/* koc_copy inside a running call; pairs has structs of this version. */
int koc__copy(koc_ctx *ctx, koc_client *client, const koc_copy_pair *pairs, size_t n,
              const koc_copy_options *o, koc_copy_result *results, koc__call *call,
              koc_error **err);

/* --- the copy of one image (copy_tree.c) --- */

typedef struct koc__transfer {
    koc_source *from;
    koc__dest *to;
    const koc_place *place; /* in to */
    koc__call *call;
    unsigned width; /* blobs in parallel */
    bool referrers;
    koc_copy_result result;
    pthread_mutex_t mutex; /* guards result */
} koc__transfer;
/* Copies top and everything below it. */
int koc__transfer_tree(koc__transfer *t, const koc__document *top, koc_error **err);

#endif
