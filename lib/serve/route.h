/* Parses the path, query and ranges of a request. Pure functions over hostile bytes. */
#ifndef KOC__ROUTE_H
#define KOC__ROUTE_H

#include "core/str.h"
#include "model/model.h"

enum { KOC__UPLOAD_ID_LEN = 32 };

/* distribution-spec, "Endpoints". */
enum {
    KOC__ROUTE_NONE,
    KOC__ROUTE_PING,
    KOC__ROUTE_CATALOG,
    KOC__ROUTE_TAGS,
    KOC__ROUTE_MANIFEST,
    KOC__ROUTE_BLOB,
    KOC__ROUTE_UPLOADS, /* where uploads begin */
    KOC__ROUTE_UPLOAD,
    KOC__ROUTE_REFERRERS
};
/* Why there is no route, for the reply. */
enum { KOC__BAD_NOTHING, KOC__BAD_NAME, KOC__BAD_TAG, KOC__BAD_DIGEST, KOC__BAD_UPLOAD };

typedef struct koc__route {
    int kind;    /* KOC__ROUTE_* */
    int problem; /* KOC__BAD_*, with KOC__ROUTE_NONE */
    char name[KOC__NAME_MAX + 1];
    char tag[KOC__TAG_MAX + 1]; /* of a manifest; empty: by digest */
    koc_digest digest;
    char upload[KOC__UPLOAD_ID_LEN + 1];
    koc_str query; /* borrowed from the target, still encoded */
} koc__route;

/* Reads a request target ("/v2/a/b/manifests/v1?x=y"). The members of a route follow the grammars of the
 * specification, so they are safe in a path or a header. */
void koc__route_read(koc_str target, koc__route *out);
/* The nth value of a query's key, decoded. *out stays NULL if there is none, it has a NUL or it is not
 * percent-encoded. */
int koc__query_get(koc_str query, const char *key, size_t nth, char **out, koc_error **err);

bool koc__served_is_upload_id(koc_str s);

/* RFC 9110, 14.2, one range. KOC__RANGE_WHOLE: there is none, or one that servers may ignore. */
enum { KOC__RANGE_WHOLE, KOC__RANGE_PART, KOC__RANGE_OUTSIDE };
int koc__range_read(koc_str header, uint64_t size, uint64_t *first, uint64_t *length);
/* "0-1023" of a chunk (also with the "bytes " and the "/…" of RFC 9110). */
bool koc__served_chunk_range(koc_str header, uint64_t *first, uint64_t *length);

/* Splits the name that a layout gives an image: "v1" is a tag in the repository fallback; "team/app:v1" and
 * "registry.example/team/app:v1" are tag v1 of team/app; without a tag it is "latest". false: it is not such
 * a name. */
bool koc__served_name_split(koc_str ref_name, const char *fallback, koc_str *repository,
                            koc_str *tag);

#endif
