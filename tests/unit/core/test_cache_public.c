/* koc/ext/cache.h: what a caller sees of the cache, and what he may do to it. */
#include "core/common.h"

#include <koc/context.h>
#include <koc/ext/cache.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache_layout.h"
#include "core/run/context.h"
#include "core/str.h"
#include "core/text.h"
#include "helper.h"

typedef struct usage {
    char kinds[512];
    uint64_t bytes, limit;
} usage;

static int note(const char *kind, uint64_t entries, uint64_t bytes, void *payload)
{
    usage *u = payload;
    size_t used = strlen(u->kinds);
    snprintf(u->kinds + used, sizeof(u->kinds) - used, "%s %d;", kind, (int)entries);
    u->bytes += bytes;
    return --u->limit == 0;
}

static koc_ctx *context(const char *cache_dir)
{
    koc_ctx *ctx = NULL;
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    o.cache_dir = cache_dir;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    return ctx;
}

/* Two records and a blob. */
static koc_ctx *filled(void)
{
    static char block[65536];
    koc_ctx *ctx = context(koc_test_path("cache"));
    koc_digest d;
    koc__sha256_of(block, sizeof(block), &d);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(koc__cache_put(ctx->cache, "kind", i ? KOC__STR("a") : KOC__STR("b"),
                                        KOC__STR("value"), NULL),
                         KOC_OK);
    }
    assert_int_equal(koc__cache_put_bytes(ctx->cache, &d, koc__str_n(block, sizeof(block)), NULL),
                     KOC_OK);
    return ctx;
}

KOC_TEST(the_content_of_the_cache_is_reported_by_kind)
{
    KOC__AUTO(koc_ctx) ctx = filled();
    usage u = {{0}, 0, 0};
    assert_string_equal(koc_cache_dir(ctx), koc_test_path("cache"));
    assert_int_equal(koc_cache_usage(ctx, note, &u, NULL), KOC_OK);
    assert_string_equal(u.kinds, "blobs/sha256 1;records/kind 2;");
    assert_true(u.bytes >= 65536 && u.bytes < 1 << 20);
}

KOC_TEST(a_caller_may_end_the_report)
{
    KOC__AUTO(koc_ctx) ctx = filled();
    KOC__AUTO(koc_error) err = NULL;
    usage u = {{0}, 0, 1};
    assert_int_equal(koc_cache_usage(ctx, note, &u, &err), KOC_EUSER);
    assert_string_equal(koc_error_message(err), "ended by the caller");
    assert_string_equal(u.kinds, "blobs/sha256 1;");
}

KOC_TEST(a_cleared_cache_is_empty_and_can_be_used)
{
    KOC__AUTO(koc_ctx) ctx = filled();
    usage u = {{0}, 0, 0};
    assert_int_equal(koc_cache_clear(ctx, NULL), KOC_OK);
    assert_int_equal(koc_cache_usage(ctx, note, &u, NULL), KOC_OK);
    assert_string_equal(u.kinds, "");
    assert_int_equal(count_files(ctx->cache->root), 1); /* "tmp" */
    assert_int_equal(koc__cache_put(ctx->cache, "kind", KOC__STR("a"), KOC__STR("v"), NULL),
                     KOC_OK);
    assert_int_equal(koc_cache_usage(ctx, note, &u, NULL), KOC_OK);
    assert_string_equal(u.kinds, "records/kind 1;");
}

/* In a container each process may have the same id. */
KOC_TEST(what_a_killed_clear_left_does_not_stop_the_next)
{
    KOC__AUTO(koc_ctx) ctx = filled();
    usage u = {{0}, 0, 0};
    KOC__AUTO_STR left = koc__format("%s.%ld.cleared", ctx->cache->root, (long)getpid());
    KOC__AUTO_STR below = koc__format("%s/records/kind", left);
    assert_int_equal(koc__fs_mkdirs(below, 0700, NULL), KOC_OK);
    assert_int_equal(koc_cache_clear(ctx, NULL), KOC_OK);
    assert_false(koc__fs_exists(left));
    assert_int_equal(koc_cache_usage(ctx, note, &u, NULL), KOC_OK);
    assert_string_equal(u.kinds, "");
}

KOC_TEST(a_context_without_a_cache_says_so)
{
    KOC__AUTO(koc_ctx) ctx = context(NULL);
    usage u = {{0}, 0, 0};
    KOC__AUTO(koc_error) err = NULL;
    assert_null(koc_cache_dir(ctx));
    assert_int_equal(koc_cache_usage(ctx, note, &u, &err), KOC_ENOTFOUND);
    assert_string_equal(koc_error_message(err), "there is no cache");
    assert_int_equal(koc_cache_prune(ctx, 0, NULL, NULL), KOC_ENOTFOUND);
    assert_int_equal(koc_cache_clear(ctx, NULL), KOC_ENOTFOUND);
    assert_string_equal(u.kinds, "");
}

KOC_TEST(cache_calls_without_what_they_need_are_misuse)
{
    KOC__AUTO(koc_ctx) ctx = context(NULL);
    assert_null(koc_cache_dir(NULL));
    assert_int_equal(koc_cache_usage(NULL, note, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_cache_usage(ctx, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_cache_prune(NULL, 0, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_cache_clear(NULL, NULL), KOC_EMISUSE);
}

/* --- tidying --- */

static void make_old(const char *path, int64_t seconds)
{
    const struct timespec times[2] = {{koc__now() - seconds, 0}, {koc__now() - seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static bool marked_just_now(const char *mark)
{
    struct stat st;
    return stat(mark, &st) == 0 && koc__now() - (int64_t)st.st_mtime < 60;
}

/* Once a day; a mark from the future would put it off for ever. What a killed process left shows that it ran. */
KOC_TEST(the_cache_is_tidied_once_a_day)
{
    static const struct {
        int64_t age;
        bool tidies;
    } table[] = {{0, false}, {23 * 3600, false}, {25 * 3600, true}, {-3600, true}};
    KOC__AUTO(koc_ctx) ctx = filled();
    KOC__AUTO_STR mark = koc__format("%s/tidied", ctx->cache->root);
    KOC__AUTO_STR left = koc__format("%s/tmp/.koc-left", ctx->cache->root);
    koc__cache_tidy(NULL);
    koc__cache_tidy(ctx->cache);
    assert_true(marked_just_now(mark)); /* the first time it only notes the day */
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_int_equal(koc__fs_write_file(left, KOC__STR(""), 0600, NULL), KOC_OK);
        make_old(left, 30 * 24 * 3600);
        make_old(mark, table[i].age);
        koc__cache_tidy(ctx->cache);
        assert_int_equal(koc__fs_exists(left), !table[i].tidies);
        assert_int_equal(marked_just_now(mark), table[i].tidies || table[i].age == 0);
    }
}
