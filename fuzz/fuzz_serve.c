/* What clients send to koc serve: targets, queries, ranges; the first byte picks the reader. */
#include "fuzz.h"

#include "core/hash/digests.h"
#include "serve/route.h"

/* A route's parts can be put into paths and headers as they are. */
static void target(koc_str in)
{
    static const char *const keys[] = {"digest", "mount",        "from", "n",
                                       "last",   "artifactType", "tag"};
    koc__route r;
    koc_error *err = NULL;
    koc__route_read(in, &r);
    if (r.kind == KOC__ROUTE_NONE || r.kind == KOC__ROUTE_PING || r.kind == KOC__ROUTE_CATALOG) {
        return;
    }
    FUZZ_CHECK(koc__is_repository(koc__str(r.name)));
    FUZZ_CHECK(!strstr(r.name, "..") && !strpbrk(r.name, " \r\n%\\") && r.name[0] != '/');
    FUZZ_CHECK(!*r.tag || koc__is_tag(koc__str(r.tag)));
    FUZZ_CHECK(!*r.upload || koc__served_is_upload_id(koc__str(r.upload)));
    if (r.kind == KOC__ROUTE_BLOB || r.kind == KOC__ROUTE_REFERRERS) {
        FUZZ_CHECK(r.digest.len == 32 || r.digest.len == 64);
    }
    for (size_t i = 0; i < KOC__COUNT(keys); i++) {
        KOC__AUTO_STR value = NULL;
        FUZZ_CHECK(fuzz_ok(koc__query_get(r.query, keys[i], i & 1, &value, &err), &err));
        FUZZ_CHECK(!value || strlen(value) <= r.query.len);
    }
}

static void ranges(koc_str in)
{
    static const uint64_t sizes[] = {0, 1, 100, INT64_MAX};
    uint64_t first = 0;
    uint64_t length = 0;
    for (size_t i = 0; i < KOC__COUNT(sizes); i++) {
        if (koc__range_read(in, sizes[i], &first, &length) == KOC__RANGE_PART) {
            FUZZ_CHECK(length > 0 && first < sizes[i] && length <= sizes[i] - first);
        }
    }
    if (koc__served_chunk_range(in, &first, &length)) {
        FUZZ_CHECK(length > 0 && first <= INT64_MAX && length - 1 <= INT64_MAX - first);
    }
}

static void name(koc_str in)
{
    koc_str repository = {0};
    koc_str tag = {0};
    if (koc__served_name_split(in, "dir", &repository, &tag)) {
        FUZZ_CHECK(koc__is_repository(repository) && koc__is_tag(tag));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    koc_str in = fuzz_str(data + 1, size - 1);
    switch (data[0]) {
    case 't': target(in); break;
    case 'r': ranges(in); break;
    default: name(in); break;
    }
    return 0;
}
