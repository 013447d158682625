/* Inside the layer builder: what builder.c collects and builder_finish.c writes. */
#ifndef KOC__BUILDER_H
#define KOC__BUILDER_H

#include "core/map.h"
#include "layer/layer.h"

typedef struct koc__layer_item {
    char *name; /* as it goes into the tar; without VERBATIM clean, without slashes at either end */
    char *link;
    char type;
    bool implied; /* a parent that nobody asked for */
    uint32_t mode, uid, gid;
    int64_t mtime;
    uint64_t size;
    koc__tar_record *records; /* keys and values are in the same allocation */
    size_t n_records;
    char *source; /* the content: a file with its stamp, */
    koc__stamp stamp;
    koc_blob *blob;     /* a blob, */
    char *bytes;        /* or bytes */
    koc_digest *digest; /* the caller's, or NULL */
} koc__layer_item;

struct koc_layer_builder {
    koc_ctx *ctx;
    koc_layer_options opts; /* filled in; media_type is ours */
    char *media_type;
    char *what;
    koc__layer_item **items;
    size_t n, capacity;
    koc__map *by_name; /* without VERBATIM; borrowed items */
    bool finished;
};

#endif
