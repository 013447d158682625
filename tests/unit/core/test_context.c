#include "core/common.h"

#include <stdio.h>

#include "core/run/context.h"
#include "core/run/pool.h"
#include "test.h"

static int lines;
static char last_line[8192];
static int32_t last_level;

static void keep_line(int32_t level, const char *component, const char *message, void *payload)
{
    (void)component;
    (void)payload;
    lines++;
    last_level = level;
    snprintf(last_line, sizeof(last_line), "%s", message);
}

static koc_ctx *with_log(int32_t level)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    lines = 0;
    o.log = keep_line;
    o.log_payload = &lines;
    o.log_level = level;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    return ctx;
}

KOC_TEST(context_defaults)
{
    koc_ctx *ctx = NULL;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    assert_in_range(ctx->threads, 1, 16);
    assert_true(ctx->max_memory == ctx->threads * UINT64_C(2621440));
    assert_int_equal(koc__pool_threads(ctx->pool), ctx->threads);
    assert_null(ctx->cache);
    assert_ptr_equal(koc_ctx_ref(ctx), ctx);
    koc_ctx_unref(ctx);
    koc_ctx_unref(ctx);
    koc_ctx_unref(NULL);
    assert_null(koc_ctx_ref(NULL));
}

static void count(void *payload)
{
    ++*(int *)payload;
}

KOC_TEST(the_log_is_released_with_the_last_reference)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    int released = 0;
    o.log = keep_line;
    o.log_payload = &released;
    o.log_release = count;
    o.log_level = 9;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_EMISUSE);
    assert_int_equal(released, 0);
    o.log_level = 0;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    koc_ctx_unref(koc_ctx_ref(ctx));
    assert_int_equal(released, 0);
    koc_ctx_unref(ctx);
    assert_int_equal(released, 1);
}

KOC_TEST(context_refuses_nonsense)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    assert_int_equal(koc_ctx_new(NULL, NULL, NULL), KOC_EMISUSE);
    o.flags = 1;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_EMISUSE);
    o.flags = 0;
    o.log_level = 9;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_EMISUSE);
    o.log_level = 0;
    o.threads = 5000;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_EINVAL);
    o.threads = 3;
    o.struct_size = 0;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_EMISUSE);
    assert_null(ctx);
}

KOC_TEST(context_without_memory)
{
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; rc == KOC_ENOMEM; n++) {
        koc_ctx *ctx = NULL;

        koc__alloc_fail_after(n);
        rc = koc_ctx_new(NULL, &ctx, NULL);
        koc__alloc_fail_after(0);
        assert_int_equal(rc == KOC_OK, ctx != NULL);
        koc_ctx_unref(ctx);
    }
    assert_int_equal(rc, KOC_OK);
}

KOC_TEST(context_cache_that_cannot_be_opened_is_one_warning)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    lines = 0;
    o.log = keep_line;
    o.log_payload = &lines;
    o.log_level = KOC_LOG_WARN;
    o.cache_dir = "/dev/null/nowhere";
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    assert_null(ctx->cache);
    assert_int_equal(lines, 1);
    assert_int_equal(last_level, KOC_LOG_WARN);
    assert_non_null(strstr(last_line, "working without a cache: cannot"));
    koc_ctx_unref(ctx);
}

KOC_TEST(context_cache_opens)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    o.cache_dir = koc_test_path("cache");
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    assert_non_null(ctx->cache);
    koc_ctx_unref(ctx);
}

typedef struct options {
    uint32_t struct_size;
    uint32_t flags;
    uint64_t later;
} options;

KOC_TEST(options_copy_of_nothing_is_all_defaults)
{
    options local;
    memset(&local, 0xff, sizeof(local));
    assert_int_equal(koc__options_copy(&local, sizeof(local), NULL, "o", NULL), KOC_OK);
    assert_int_equal(local.struct_size, sizeof(local));
    assert_int_equal(local.flags, 0);
    assert_int_equal(local.later, 0);
}

KOC_TEST(options_copy_from_an_older_program)
{
    options local;
    uint32_t old[2] = {sizeof(old), 7};
    memset(&local, 0xff, sizeof(local));
    assert_int_equal(koc__options_copy(&local, sizeof(local), old, "o", NULL), KOC_OK);
    assert_int_equal(local.struct_size, sizeof(local));
    assert_int_equal(local.flags, 7);
    assert_int_equal(local.later, 0);
}

KOC_TEST(options_copy_from_a_newer_program)
{
    struct {
        options known;
        uint64_t news;
    } o = {{sizeof(o), 7, 9}, 0};
    options local;
    koc_error *e = NULL;

    assert_int_equal(koc__options_copy(&local, sizeof(local), &o, "o", NULL), KOC_OK);
    assert_int_equal(local.later, 9);
    o.news = UINT64_C(1) << 56;
    assert_int_equal(koc__options_copy(&local, sizeof(local), &o, "koc_x", &e), KOC_EMISUSE);
    assert_non_null(strstr(koc_error_message(e), "koc_x"));
    koc_error_free(e);
}

KOC_TEST(options_copy_refuses_bad_sizes)
{
    static const uint32_t bad[] = {0, 3, 70000, UINT32_MAX};
    options local = {0, 0, 0};
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        options o = {bad[i], 0, 0};

        assert_int_equal(koc__options_copy(&local, sizeof(local), &o, "o", NULL), KOC_EMISUSE);
    }
}

KOC_TEST(log_only_what_is_asked_for)
{
    koc_ctx *ctx = with_log(KOC_LOG_INFO);
    koc__log(ctx, KOC_LOG_DEBUG, "core", "no");
    assert_int_equal(lines, 0);
    koc__log(ctx, KOC_LOG_INFO, "core", "yes %d", 1);
    assert_int_equal(lines, 1);
    assert_string_equal(last_line, "yes 1");
    koc__log(NULL, KOC_LOG_ERROR, "core", "nobody");
    koc_ctx_unref(ctx);
}

KOC_TEST(log_lines_are_one_line_and_cut)
{
    koc_ctx *ctx = with_log(KOC_LOG_INFO);
    char text[6000];
    memset(text, 'x', sizeof(text));
    text[5999] = '\0';
    koc__log(ctx, KOC_LOG_INFO, "core", "a\nb\x1b%s", text);
    assert_int_equal(strncmp(last_line, "a?b?xxx", 7), 0);
    assert_int_equal(strlen(last_line), 4095);
    koc_ctx_unref(ctx);
}

static void check_redact(const char *line, const char *expected)
{
    char text[512];
    snprintf(text, sizeof(text), "%s", line);
    koc__redact(text);
    assert_string_equal(text, expected);
}

KOC_TEST(redact_headers)
{
    check_redact("> Authorization: Bearer abc.def", "> Authorization: ***");
    check_redact("authorization:x", "authorization:*");
    check_redact("Set-Cookie: a=b; c=d", "Set-Cookie: ***");
    check_redact("sent Bearer abcdefgh12345 to x", "sent Bearer *** to x");
    check_redact("Basic dXNlcjpwYXNz", "Basic ***");
    check_redact("WWW-Authenticate: Bearer realm=\"https://x/token\",service=\"y\"",
                 "WWW-Authenticate: Bearer realm=\"https://x/token\",service=\"y\"");
    check_redact("no Basic auth here", "no Basic auth here");
}

KOC_TEST(redact_values)
{
    check_redact("GET /x?token=abc&service=y", "GET /x?token=***&service=y");
    check_redact("refresh_token=abcd grant", "refresh_token=*** grant");
    check_redact("PASSWORD=hunter2", "PASSWORD=***");
    check_redact("{\"access_token\": \"a\\\"bc\", \"n\":1}",
                 "{\"access_token\": \"***\", \"n\":1}");
    check_redact("{\"auth\":\"dXNlcg==\"}", "{\"auth\":\"***\"}");
    check_redact("?X-Amz-Signature=abcdef&X-Amz-Date=1", "?X-Amz-Signature=***&X-Amz-Date=1");
    check_redact("/blob?sv=1&sig=a%2Fb&se=2", "/blob?sv=1&sig=***&se=2");
    check_redact("token=", "token=");
    check_redact("cannot get a token: HTTP 401", "cannot get a token: HTTP 401");
    check_redact("design=1", "design=1");
}

KOC_TEST(redact_user_info)
{
    check_redact("https://user:pass@host/x", "https://***@host/x");
    check_redact("https://us@er:p@host/x@y", "https://***@host/x@y");
    check_redact("https://host/x@sha256:1", "https://host/x@sha256:1");
    check_redact("see https://host, mail a@b", "see https://host, mail a@b");
}

KOC_TEST(redact_never_grows)
{
    char text[] = "token=a password=bc";
    koc__redact(text);
    assert_string_equal(text, "token=* password=**");
}

KOC_TEST(redact_takes_any_text)
{
    static const char *const pieces[] = {"token", "=",       "\"",      ":",        "://",
                                         "@",     "bearer ", "basic ",  "aaaaaaaa", " ",
                                         "\\",    "&sig",    "cookie:", "/",        "auth"};
    uint32_t random = 1;

    for (int round = 0; round < 20000; round++) {
        char *line = koc__malloc(100);
        size_t before;

        line[0] = '\0';
        for (int i = 0; i < 8; i++) {
            random = random * 1664525 + 1013904223;
            before = strlen(line);
            snprintf(line + before, 100 - before, "%s", pieces[(random >> 16) % 15]);
        }
        before = strlen(line);
        koc__redact(line);
        assert_true(strlen(line) <= before);
        koc__free(line);
    }
}

typedef struct item {
    uint32_t struct_size;
    uint32_t a;
    uint64_t b;
} item;

KOC_TEST(arrays_of_structs_step_by_the_size_that_the_caller_knows)
{
    const uint32_t older[][2] = {{8, 1}, {8, 2}};
    const uint64_t newer[][3] = {{24 | 1ull << 32, 5, 0}, {24 | 2ull << 32, 6, 0}};
    const uint32_t mixed[][2] = {{8, 1}, {4, 0}}, empty[][2] = {{0, 0}};
    void *list = NULL;
    assert_int_equal(koc__options_list(older, 2, sizeof(item), "item", &list, NULL), KOC_OK);
    assert_int_equal(((item *)list)[1].struct_size, sizeof(item));
    assert_int_equal(((item *)list)[1].a, 2);
    assert_int_equal(((item *)list)[1].b, 0);
    koc__free(list);
    assert_int_equal(koc__options_list(newer, 2, sizeof(item), "item", &list, NULL), KOC_OK);
    assert_int_equal(((item *)list)[1].b, 6);
    koc__free(list);
    list = NULL;
    assert_int_equal(koc__options_list(mixed, 2, sizeof(item), "item", &list, NULL), KOC_EMISUSE);
    assert_int_equal(koc__options_list(empty, 1, sizeof(item), "item", &list, NULL), KOC_EMISUSE);
    assert_null(list);
}

KOC_TEST(structs_of_older_callers_are_filled_in_as_far_as_they_go)
{
    const item known = {sizeof(item), 7, 9};
    uint32_t older[3] = {8, 0, 0};
    item same = {sizeof(item), 0, 0};
    koc__options_give(older, sizeof(known), &known);
    assert_int_equal(older[0], 8);
    assert_int_equal(older[1], 7);
    assert_int_equal(older[2], 0);
    koc__options_give(&same, sizeof(known), &known);
    assert_int_equal(same.b, 9);
}
