/*
 * From tar bytes to a finished layer, in one pass:
 *
 *     tar bytes ──► koc__packer: SHA-256 (DiffID) ──► encoder: gzip, zstd or none ──► koc__spool: SHA-256
 *                                                                                   (digest), file
 * Bytes are written straight into the encoder's buffers (koc__packer_space, koc__packer_commit).
 */
#ifndef KOC__PACKER_H
#define KOC__PACKER_H

#include <koc/layer.h>

#include "core/dynbuf.h"
#include "core/hash/sha256.h"
#include "core/io/fs.h"
#include "core/run/call.h"

/* --- spool (spool.c): where a compressed layer goes --- */
/* In the cache's directory, else a file without a name, else memory. If a write to the cache fails, the data
 * moves to a file without a name. */
typedef struct koc__spool {
    koc_ctx *ctx; /* borrowed */
    bool in_memory;
    bool cached; /* the file will become a blob of the cache */
    koc__tempfile file;
    koc__dynbuf memory;
    koc__sha256 hash;
    uint64_t size;
} koc__spool;
int koc__spool_init(koc__spool *s, koc_ctx *ctx, bool in_memory, koc_error **err);
int koc__spool_write(koc__spool *s, const void *data, size_t len, koc_error **err);
/* Returns the written bytes as a blob. s is empty afterwards. */
int koc__spool_finish(koc__spool *s, koc_blob **out, koc_digest *digest, koc_error **err);
void koc__spool_dispose(koc__spool *s);

/* --- encoders --- */
typedef struct koc__encoder koc__encoder;
typedef struct koc__encoder_vt {
    /* Room for at least one byte, until the next call. */
    int (*space)(koc__encoder *e, uint8_t **ptr, size_t *len, koc_error **err);
    /* Takes n bytes that were written there. */
    int (*commit)(koc__encoder *e, size_t n, koc_error **err);
    int (*finish)(koc__encoder *e, koc_error **err);
    void (*free)(koc__encoder *e);
} koc__encoder_vt;
struct koc__encoder {
    const koc__encoder_vt *vt; /* the first member of every encoder */
};
/* Checks the level. KOC_EINVAL: there is no such level. KOC_EUNSUPPORTED: a build without libzstd. The calls
 * below do not check again. */
int koc__gzip_check(int level, koc_error **err);
int koc__zstd_check(int level, koc_error **err);
/* out is borrowed and gets the encoded bytes on this thread. chunk: bytes that are compressed as a unit. */
int koc__gzip_new(koc_ctx *ctx, int level, size_t chunk, koc__spool *out, koc__encoder **encoder,
                  koc_error **err);
/* KOC_EUNSUPPORTED in a build without libzstd. */
int koc__zstd_new(int level, koc__spool *out, koc__encoder **encoder, koc_error **err);

/* --- the whole (packer.c) --- */
typedef struct koc__packer koc__packer;
/* opts may be NULL; what names the layer for progress events; total: bytes of tar about to come, or 0. */
int koc__packer_new(koc_ctx *ctx, const koc_layer_options *opts, const char *what, uint64_t total,
                    koc__call *call, koc__packer **out, koc_error **err);
int koc__packer_space(koc__packer *p, uint8_t **ptr, size_t *len, koc_error **err);
int koc__packer_commit(koc__packer *p, size_t n, koc_error **err);
/* A koc__tar_sink: copies. */
int koc__packer_write(void *packer, const void *data, size_t len, koc_error **err);
int koc__packer_finish(koc__packer *p, koc_layer **out, koc_error **err);
void koc__packer_free(koc__packer *p); /* reports FAILED unless it was finished */
KOC__DEFINE_AUTO(koc__packer, koc__packer_free);

/* --- decoders (inflate.c, zstd.c): readers over readers --- */
/* A gzip stream of any number of members, up to max bytes of content. Takes in on success. */
int koc__gunzip_new(koc_reader *in, uint64_t max, koc_reader **out, koc_error **err);
/* A zstd stream of any number of frames. Takes in on success. KOC_EUNSUPPORTED without libzstd. */
int koc__unzstd_new(koc_reader *in, uint64_t max, koc_reader **out, koc_error **err);

#endif
