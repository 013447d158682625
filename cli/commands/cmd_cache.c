/* koc cache: what the cache holds, making room in it, emptying it. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <koc/ext/cache.h>

typedef struct cache_options {
    const char *max_size;
} cache_options;

static const cli_flag flags[] = {
    {"max-size", 0, CLI_STRING, offsetof(cache_options, max_size), "SIZE", "Room",
     "what prune leaves: bytes, or with K, M or G (default 10G)"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static int print_kind(const char *kind, uint64_t entries, uint64_t bytes, void *payload)
{
    uint64_t *total = payload;
    char size[24];
    printf("%-24s %8llu %10s\n", kind, (unsigned long long)entries, cli_size(bytes, size));
    *total += bytes;
    return 0;
}

static int list(koc_ctx *ctx, koc_error **err)
{
    uint64_t total = 0;
    char size[24];
    int rc = koc_cache_usage(ctx, print_kind, &total, err);
    if (rc == KOC_OK) {
        printf("%-24s %8s %10s\n", "all", "", cli_size(total, size));
        printf("%s\n", koc_cache_dir(ctx));
    }
    return rc;
}

/* "500M"; 0: it is no size. */
static bool read_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMG";
    char *end = NULL;
    unsigned long long n = strtoull(text, &end, 10);
    const char *unit = end != text && *end ? strchr(units, *end) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    if (end == text || *text == '-' || (*end && (!unit || end[1])) || n > UINT64_MAX >> shift) {
        return false;
    }
    *out = (uint64_t)n << shift;
    return true;
}

static int prune(const cli *c, koc_ctx *ctx, uint64_t max, koc_error **err)
{
    uint64_t freed = 0;
    char size[24];
    int rc = koc_cache_prune(ctx, max, &freed, err);
    if (rc == KOC_OK) {
        cli_verb(c, "Freed", "%s", cli_size(freed, size));
    }
    return rc;
}

static int run(cli *c, void *options, const cli_list *args)
{
    static const char *const words[] = {"ls", "prune", "clear", NULL};
    const cache_options *o = options;
    const char *word = args->count > 0 ? args->items[0] : "";
    uint64_t max = (uint64_t)10 << 30;
    if (args->count != 1 ||
        (strcmp(word, "ls") != 0 && strcmp(word, "prune") != 0 && strcmp(word, "clear") != 0)) {
        const char *near = args->count == 1 ? cli_nearest(word, words) : NULL;
        int code = cli_usage(c, "koc cache needs one of ls, prune, clear");
        if (near) {
            cli_hint(c, "did you mean koc cache %s?", near);
        }
        return code;
    }
    if (o->max_size && !read_size(o->max_size, &max)) {
        return cli_usage(c, "--max-size: \"%s\" is not a size like 500M or 10G", o->max_size);
    }
    koc_ctx_options co = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    koc_error *err = NULL;
    co.cache_dir = "";
    int rc = koc_ctx_new(&co, &ctx, &err);
    if (rc == KOC_OK) {
        rc = strcmp(word, "ls") == 0      ? list(ctx, &err)
             : strcmp(word, "prune") == 0 ? prune(c, ctx, max, &err)
                                          : koc_cache_clear(ctx, &err);
    }
    int code = rc == KOC_OK ? cli_finish_stdout(c, EXIT_OK) : cli_error(c, err);
    koc_error_free(err);
    koc_ctx_unref(ctx);
    return code;
}

static const cli_example examples[] = {
    {"koc cache ls", "what the cache holds, and where it is"},
    {"koc cache prune --max-size=2G", "remove what was not used for longest"},
    {NULL, NULL},
};

const cli_command cli_cache = {
    .name = "cache",
    .group = "Other",
    .usage = "koc cache ls|prune|clear [flags]",
    .summary = "show, trim or empty koc's cache",
    .description =
        "The cache keeps linked programs, layers' digests, base images' documents and what builds "
        "read. All of it can be made again. It is trimmed to 10 GiB once a day by itself.",
    .examples = examples,
    .flags = flags,
    .complete = "ls prune clear",
    .options_size = sizeof(cache_options),
    .run = run,
};
