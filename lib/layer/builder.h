/* The inside of the layer builder: builder.c collects, builder_finish.c writes. */
#ifndef KOC__BUILDER_H
#define KOC__BUILDER_H

#include "core/map.h"
#include "layer/layer.h"

typedef struct koc__layer_item {
    char *name; /* as in the tar; without VERBATIM it is clean and has no slash at either end */
    char *link;
    char type;
    bool implied; /* a parent that was not added by the caller */
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
    koc_layer_options opts; /* with defaults filled in; media_type points to the next member */
    char *media_type;
    char *what;
    koc__layer_item **items;
    size_t n, capacity;
    koc__map *by_name; /* without VERBATIM; borrowed items */
    bool finished;
};

#endif
