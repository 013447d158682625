/*
 * The inside of the image model, for the modules above it. Nothing here does I/O.
 */
#ifndef KOC__MODEL_H
#define KOC__MODEL_H

#include <stdatomic.h>

#include <koc/image.h>
#include <koc/layer.h>
#include <koc/reference.h>

#include "core/io/io.h"
#include "core/run/context.h"
#include "text/json.h"
#include "text/json_write.h"

/* Limits for untrusted documents (docs/registry.md, limits). */
#define KOC__MANIFEST_MAX    ((size_t)4 << 20)
#define KOC__CONFIG_MAX      ((size_t)8 << 20)
#define KOC__DESCRIPTORS_MAX 1000
/* The same for the index.json of a layout. It is an image index that grows with every image; writers reject
 * what koc__index_make_listing would reject. */
#define KOC__LISTING_MAX ((size_t)64 << 20)
#define KOC__LISTED_MAX  100000

/* --- media types (mediatype.c) --- */
bool koc__mt_is_valid(const char *media_type); /* RFC 6838, 4.2; false for NULL */
bool koc__mt_is_index(const char *media_type);
bool koc__mt_is_manifest(const char *media_type); /* an image manifest, OCI or Docker */
bool koc__mt_is_config(const char *media_type);   /* of an image, OCI or Docker */
bool koc__mt_is_docker(const char *media_type);   /* of Docker's family */
bool koc__mt_is_foreign(const char *media_type);  /* a layer that is not pushed */
int32_t koc__mt_compression(
    const char *media_type); /* KOC_COMPRESS_*; -1: not a known layer type */
/* The layer type of a family (KOC_FORMAT_*) and compression; NULL: there is none (Docker has no zstd). */
const char *koc__mt_layer(int32_t format, int32_t compression);
/* The type of a document from Content-Type and its own members; An error if they contradict each other or the
 * document is of an unsupported kind (schema 1, artifact manifest). content_type may be NULL or generic. */
int koc__mt_of_document(const koc__json *doc, const char *content_type, const char *what,
                        const char **out, koc_error **err);

/* --- platforms (platform.c) --- */
/* Deep copies: free with koc__platform_free. */
koc_platform *koc__platform_dup(const koc_platform *p);
void koc__platform_free(koc_platform *p);
KOC__DEFINE_AUTO(koc_platform, koc__platform_free);
/* From a config's top level or a descriptor's "platform" object ("os.version", "os.features"). */
int koc__platform_read(const koc__jnode *n, koc_platform **out, koc_error **err);
void koc__platform_write(koc__jw *w, const koc_platform *p);
/* "linux/arm/v7", for messages and file names; ":os.version" as ko adds it. NULL: out of memory. */
char *koc__platform_str(const koc_platform *p);
/* KOC_EINVAL: p has no text form. */
int koc__platform_check(const koc_platform *p, koc_error **err);
/* Whether both are written the same. NULL equals NULL alone. */
bool koc__platform_equal(const koc_platform *a, const koc_platform *b);
/* p in the spelling of Go and of registries: amd64 for x86_64, v7 for 7. The strings are those of p or
 * constants. */
koc_platform koc__platform_spelled(const koc_platform *p);
/* ko's list semantics (--platform): "all", partial items, Windows versions. items empty: false. */
bool koc__platform_wanted(const koc_strlist *items, const koc_platform *have);
bool koc__platform_is_unknown(const koc_platform *p); /* unknown/unknown */

/* --- descriptors (descriptor.c) --- */
koc_descriptor *koc__descriptor_dup(const koc_descriptor *d);
void koc__descriptor_free(koc_descriptor *d);
KOC__DEFINE_AUTO(koc_descriptor, koc__descriptor_free);
/* what: "layers[2] of x". Checks digest, size (integer up to 2^53), media type. */
int koc__descriptor_read(const koc__jnode *n, const char *what, koc_descriptor **out,
                         koc_error **err);
/* Member order: mediaType, size, digest, data, urls, annotations (sorted), platform, artifactType. */
void koc__descriptor_write(koc__jw *w, const koc_descriptor *d);
/* The value of an annotation, or NULL. */
const char *koc__descriptor_annotation(const koc_descriptor *d, const char *key);

/* --- layers (layer.c) --- */
/* Finds the DiffID by reading the content: the model cannot decompress, layer/read.c can. */
typedef int (*koc__find_diff_id_fn)(koc_layer *l, koc__call *call, koc_digest *out,
                                    koc_error **err);
struct koc_layer {
    atomic_uint refs;
    pthread_mutex_t mutex; /* guards diff_id while it is found */
    koc_descriptor *descriptor;
    bool has_diff_id;
    koc_digest diff_id;
    koc__find_diff_id_fn find_diff_id; /* NULL: has_diff_id is true from the start */
    uint64_t tar_size;                 /* UINT64_MAX: not known */
    koc_blob *blob;                    /* the compressed bytes, or NULL: no content here */
    koc_reference *origin; /* a repository that has the blob (mounts, copies), or NULL */
};
/* Copies d; refs blob and origin (both may be NULL). diff_id NULL: set find_diff_id. */
int koc__layer_new(const koc_descriptor *d, const koc_digest *diff_id, uint64_t tar_size,
                   koc_blob *blob, koc_reference *origin, koc_layer **out, koc_error **err);
/* A layer with the DiffID of l, known or not, under another descriptor. blob, origin: as for koc__layer_new.
 * */
int koc__layer_twin(koc_layer *l, const koc_descriptor *d, koc_blob *blob, koc_reference *origin,
                    koc_layer **out, koc_error **err);
KOC__DEFINE_AUTO(koc_layer, koc_layer_unref);
/* The error that l has no content here, and where the content of a foreign layer is. KOC_ENOTFOUND. */
int koc__layer_missing(const koc_layer *l, koc_error **err);
int koc__layer_diff_id(koc_layer *l, koc__call *call, koc_digest *out, koc_error **err);

/* --- images (image.c, image_build.c) --- */
/* Writes the begin of an index, up to its first entry, and its end. */
void koc__index_write_head(koc__jw *w, koc__dynbuf *out);
int koc__index_write_end(koc__jw *w, koc_error **err);
/* Sets the content of layer i; only before the image is shared. */
int koc__image_attach(koc_image *img, size_t i, koc_blob *blob, koc_reference *origin,
                      koc_error **err);
const koc__json *koc__image_manifest_json(const koc_image *img);
const koc__json *koc__image_config_json(const koc_image *img);
bool koc__image_is_docker(const koc_image *img);
/* Whether layer i has the digest of an earlier one. */
bool koc__image_repeats_layer(const koc_image *img, size_t i);
/* The name of the image in errors; by default its digest. */
KOC__DEFINE_AUTO(koc_image, koc_image_unref);
KOC__DEFINE_AUTO(koc_image_builder, koc_image_builder_free);
/* Whether JSON can hold text, which is `what`; KOC_EINVAL. NULL: yes. */
int koc__image_config_check_utf8(const char *what, const char *text, koc_error **err);
/* Whether runtimes accept value for KOC_CFG_USER, _WORKDIR, _STOPSIGNAL; KOC_EINVAL. NULL and "": yes. */
int koc__image_config_check_text(int32_t field, const char *value, koc_error **err);
int koc__image_config_check_port(const char *value, koc_error **err);
int koc__image_config_check_volume(const char *value, koc_error **err);
/* ko's bytes: config re-serialised in Go's member order, unknown members dropped (spec: ko 10.5, 10.6). */
void koc__image_builder_set_compat(koc_image_builder *b);
/* Appends "KEY=value" to Env even if KEY exists. */
int koc__image_builder_append_env(koc_image_builder *b, const char *item, koc_error **err);
int koc__image_builder_finish(koc_image_builder *b, koc__call *call, koc_image **out,
                              koc_error **err);

/* --- indexes (index.c) --- */
KOC__DEFINE_AUTO(koc_index, koc_index_unref);
KOC__DEFINE_AUTO(koc_index_builder, koc_index_builder_free);
const koc__json *koc__index_json(const koc_index *idx);
/* index.json of a layout as an index: see KOC__LISTED_MAX. Takes bytes on success. */
int koc__index_make_listing(koc_ctx *ctx, koc_buf *bytes, koc_index **out, koc_error **err);
bool koc__index_is_docker(const koc_index *idx);
/* Adds img with media type, urls, annotations and platform of like (an entry of the base index), and, with
 * compat, artifactType = the config media type of the image. */
int koc__index_builder_add_like(koc_index_builder *b, koc_image *img, const koc_descriptor *like,
                                bool compat, koc_error **err);
/* The digest that ko records for an OCI base index (its quirk Q1): that of the index serialised again with
 * annotations merged. */
int koc__index_ko_digest(const koc_index *base, const koc_kv *annotations, size_t n,
                         koc_digest *out, koc_error **err);

/* --- references (reference.c) --- */
KOC__DEFINE_AUTO(koc_reference, koc_reference_unref);
/* "registry/repository" without tag and digest; borrowed from r. */
enum { KOC__NAME_MAX = 255, KOC__TAG_MAX = 128 };
bool koc__is_repository(koc_str s); /* distribution-spec, "Pulling manifests": <name> */
bool koc__is_tag(koc_str s);        /* ... <reference> as a tag */
const char *koc__reference_context(const koc_reference *r);
/* KOC_OK if text, a registry or repository, may come before "/name". what: for the error "what: why". */
int koc__reference_check_prefix(const char *text, const char *what, koc_error **err);
/* A reference to a repository: text must have neither tag nor digest. */
int koc__reference_parse_repository(const char *text, koc_reference **out, koc_error **err);

#endif
