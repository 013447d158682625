/*
 * The inside of the layer module, for the modules above it: a builder that writes entries unchanged to the
 * tar, a deterministic walk of a directory, file capabilities.
 */
#ifndef KOC__LAYER_H
#define KOC__LAYER_H

#include <koc/layer.h>

#include "core/io/fs.h"
#include "core/run/call.h"
#include "layer/tar.h"
#include "model/model.h"

/* --- options (packer.c) --- */
/* Checks the options and fills in defaults: compression, level, chunk size, media type. */
int koc__layer_options_fill(const koc_layer_options *from, koc_layer_options *out, koc_error **err);

/* --- builder (builder.c, builder_finish.c) --- */
KOC__DEFINE_AUTO(koc_layer_builder, koc_layer_builder_free);

/* An entry of a layer made with KOC_LAYER_VERBATIM: nothing is cleaned, added, sorted or defaulted. */
typedef struct koc__layer_entry {
    const char *name; /* "/ko-app/x", "ko-app": exactly what the tar gets */
    char type;        /* KOC__TAR_* */
    uint32_t mode;    /* 0555 */
    uint32_t uid, gid;
    int64_t mtime;                  /* seconds since 1970; 0 is 0 */
    const char *link;               /* target of a link, else NULL */
    const koc__tar_record *records; /* pax records with any bytes as value, copied */
    size_t n_records;
    /* A file's content, one of three: a path, a blob, or bytes (copied). */
    const char *source;
    koc_blob *blob;
    koc_str bytes;
    /* NULL, or gets the SHA-256 of the content when the layer is written; borrowed until then. */
    koc_digest *digest;
} koc__layer_entry;
/* KOC_EMISUSE unless b was made with KOC_LAYER_VERBATIM. Everything but digest is copied. */
int koc__layer_builder_add_raw(koc_layer_builder *b, const koc__layer_entry *e, koc_error **err);
/* The name of the layer in progress events: "api linux/amd64". Default: "layer". */
int koc__layer_builder_set_name(koc_layer_builder *b, const char *name, koc_error **err);
/* koc_layer_builder_finish inside a running call. */
int koc__layer_builder_finish(koc_layer_builder *b, koc__call *call, koc_layer **out,
                              koc_error **err);
/* koc_layer_from_tar inside a running call. */
int koc__layer_from_tar(koc_ctx *ctx, koc_blob *tar, const koc_layer_options *opts, koc__call *call,
                        koc_layer **out, koc_error **err);
/* koc_layer_open_tar inside a running call: call must outlive the reader. */
int koc__layer_open_tar(koc_layer *l, koc__call *call, koc_reader **out, koc_error **err);

/* Reads l to its end and checks that the tar is valid, its names stay below the root, and digest and DiffID
 * match. whole: nothing may follow the end of the tar. what names it in errors. */
int koc__layer_check(koc_layer *l, const char *what, bool whole, koc__call *call, koc_error **err);

/* --- directories (walk_tree.c) --- */
enum {
    KOC__TREE_FOLLOW = 1u << 0, /* links are followed; else they are reported as links */
    KOC__TREE_SKIP_LINKS =
        1u << 1 /* links are skipped, after a call of fn with type KOC__TAR_SYMLINK */
};
typedef struct koc__tree_item {
    const char *path;      /* below the root, "a/b"; never empty */
    const char *source;    /* its path on disk, with links unresolved except for gitdir: */
    char type;             /* KOC__TAR_FILE, _DIR, _SYMLINK */
    const char *target;    /* of a symlink */
    const struct stat *st; /* of the stored file (FOLLOW: the target of the link) */
    bool is_link;          /* it is a link, even if its target is stored */
} koc__tree_item;
/* > 0 skips the item and, if it is a directory, everything below it; < 0 ends the walk with that code. */
typedef int (*koc__tree_fn)(const koc__tree_item *item, void *payload, koc_error **err);
/* Walks root: a directory before its content, names in byte order. With FOLLOW the target of a link must be
 * within boundary (NULL: root resolved), else KOC_EINVAL; loops are KOC_EINVAL; anything but files,
 * directories and links is KOC_EUNSUPPORTED. */
int koc__tree_walk(const char *root, const char *boundary, uint32_t flags, koc__tree_fn fn,
                   void *payload, koc__call *call, koc_error **err);

/* The target of a link to .git/HEAD in a work tree or submodule, whose .git is a file with "gitdir: ...": the
 * file in the directory that it names, or in the one that all work trees share. *out stays NULL if target
 * does not lead through such a file below boundary. (tree_git.c) */
int koc__tree_git_path(const char *link, const char *target, const char *boundary, char **out,
                       koc_error **err);

/* --- file capabilities (caps.c) --- */
#define KOC__CAPS_SIZE   20
#define KOC__CAPS_RECORD "SCHILY.xattr.security.capability"
/* Encodes the terms of linux_capabilities ("chown", "cap_net_raw=ep"). *any false: there are none, so nothing
 * is stored. */
int koc__caps_encode(const koc_strlist *terms, bool *any, uint8_t out[KOC__CAPS_SIZE],
                     koc_error **err);

/* The encoders; static. */
const char *koc__deflate_version(void); /* "libdeflate/1.14" */
const char *koc__zstd_version(void);    /* "libzstd/1.5.4"; NULL in a build without */

#endif
