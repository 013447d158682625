/* koc cache: lists, trims or empties the cache. */
#include "cleanup_macros.h"
#include "commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <koc/ext/cache.h>

typedef struct cache_options {
    const char *max_size;
} cache_options;

static const cli_flag flags[] = {
    {"max-size", 0, CLI_STRING, offsetof(cache_options, max_size), "SIZE", "Size",
     "the size that prune leaves: bytes, or with K, M or G (default 10G)"},
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
    CLI_TRY(koc_cache_usage(ctx, print_kind, &total, err));
    printf("%-24s %8s %10s\n", "all", "", cli_size(total, size));
    printf("%s\n", koc_cache_dir(ctx));
    return KOC_OK;
}

/* Reads "500M"; false: it is not a size. */
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
    CLI_TRY(koc_cache_prune(ctx, max, &freed, err));
    cli_verb(c, "Freed", "%s", cli_size(freed, size));
    return KOC_OK;
}

static int reject_words(const cli *c, const cli_list *args)
{
    static const char *const words[] = {"ls", "prune", "clear", NULL};
    const char *near = args->count == 1 ? cli_nearest(args->items[0], words) : NULL;
    cli_usage(c, "koc cache needs one of ls, prune, clear");
    if (near) {
        cli_hint(c, "did you mean koc cache %s?", near);
    }
    return EXIT_USAGE;
}

static int run(cli *c, void *options, const cli_list *args)
{
    const cache_options *o = options;
    const char *word = args->count == 1 ? args->items[0] : "";
    bool lists = strcmp(word, "ls") == 0, prunes = strcmp(word, "prune") == 0;
    uint64_t max = (uint64_t)10 << 30;
    if (!lists && !prunes && strcmp(word, "clear") != 0) {
        return reject_words(c, args);
    }
    if (o->max_size && !read_size(o->max_size, &max)) {
        return cli_usage(c, "--max-size: \"%s\" is not a size like 500M or 10G", o->max_size);
    }
    CLI_AUTO(koc_ctx) ctx = NULL;
    CLI_AUTO(koc_error) err = NULL;
    koc_ctx_options co = KOC_CTX_OPTIONS_INIT;
    co.cache_dir = "";
    int rc = koc_ctx_new(&co, &ctx, &err);
    if (rc == KOC_OK) {
        rc = lists    ? list(ctx, &err)
             : prunes ? prune(c, ctx, max, &err)
                      : koc_cache_clear(ctx, &err);
    }
    return cli_exit_code(c, rc, err);
}

static const cli_example examples[] = {
    {"koc cache ls", "show the content of the cache and its directory"},
    {"koc cache prune --max-size=2G", "remove the least recently used entries"},
    {NULL, NULL},
};

const cli_command cli_cache = {
    .name = "cache",
    .group = "Other",
    .usage = "koc cache ls|prune|clear [flags]",
    .summary = "show, trim or empty koc's cache",
    .description =
        "The cache keeps linked programs, the digests of layers, the manifests of base images and "
        "the inputs of builds. All of it can be recreated. koc trims it to 10 GiB once a day.",
    .examples = examples,
    .flags = flags,
    .complete = "ls prune clear",
    .options_size = sizeof(cache_options),
    .run = run,
};
