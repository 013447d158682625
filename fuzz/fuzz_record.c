/*
 * Records of the cache: what a build read. Any bytes are a record or none; one that is kept again reads back
 * the same.
 */
#include "directory.h"

#include "core/io/cache.h"
#include "golang/record/input_record.h"

static bool same(const koc__inputs *a, const koc__inputs *b)
{
    bool equal = a->n_dirs == b->n_dirs && a->n_files == b->n_files && a->n_repos == b->n_repos &&
                 koc_strlist_count(a->lines) == koc_strlist_count(b->lines) &&
                 a->time_ns == b->time_ns;
    for (size_t i = 0; equal && i < a->n_files; i++) {
        equal = koc__streq(a->files[i].name, b->files[i].name) &&
                a->files[i].kind == b->files[i].kind &&
                koc__stamp_equal(&a->files[i].stamp, &b->files[i].stamp);
    }
    for (size_t i = 0; equal && i < a->n_dirs; i++) {
        equal = koc__streq(a->dirs[i].path, b->dirs[i].path) &&
                a->dirs[i].first == b->dirs[i].first && a->dirs[i].count == b->dirs[i].count;
    }
    return equal;
}

/* Every file belongs to a directory, and no directory has files that do not exist. */
static void check(const koc__inputs *in)
{
    for (size_t i = 0; i < in->n_dirs; i++) {
        FUZZ_CHECK(in->dirs[i].first <= in->n_files);
        FUZZ_CHECK(in->dirs[i].count <= in->n_files - in->dirs[i].first);
        FUZZ_CHECK(in->dirs[i].path);
    }
    for (size_t i = 0; i < in->n_files; i++) {
        FUZZ_CHECK(in->files[i].name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static koc__cache *cache; /* one for all runs */
    static const koc_str keys[] = {{"record", 6}, {"again", 5}};
    KOC__AUTO(koc__inputs) in = NULL;
    KOC__AUTO(koc__inputs) back = NULL;
    koc_error *err = NULL;
    if (!cache) {
        FUZZ_CHECK(koc__cache_open(fuzz_directory(), &cache, &err) == KOC_OK);
    }
    FUZZ_CHECK(fuzz_ok(koc__cache_put(cache, "inputs", keys[0], fuzz_str(data, size), &err), &err));
    if (!fuzz_ok(koc__inputs_recall(cache, keys[0], &in, &err), &err) || !in) {
        return 0;
    }
    check(in);
    FUZZ_CHECK(fuzz_ok(koc__inputs_keep(cache, keys[1], in, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__inputs_recall(cache, keys[1], &back, &err), &err));
    FUZZ_CHECK(back && same(in, back));
    return 0;
}
