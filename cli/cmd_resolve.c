/* koc resolve: YAML in, YAML with images out. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "manifests.h"
#include "watch.h"

typedef struct resolve_options {
    manifest_flags manifests;
    const char *check, *diff;
} resolve_options;

static const cli_flag flags[] = {
    MANIFEST_FLAG_ROWS,
    {"check", 0, CLI_STRING, offsetof(resolve_options, check), "FILE", "Results",
     "print nothing; exit 1 when FILE is not what would be printed"},
    {"diff", 0, CLI_STRING, offsetof(resolve_options, diff), "FILE", "Results",
     "as --check, and show how it differs"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

/* --- output --- */

static int to_stdout(void *self, const void *data, size_t len, koc_error **err)
{
    (void)self;
    if (fwrite(data, 1, len, stdout) != len || fflush(stdout) != 0) {
        *err = koc_error_new(KOC_EIO, "cannot write the result to stdout");
        return KOC_EIO;
    }
    return KOC_OK;
}

static int show_difference(const cli *c, const char *file, const text_sink *want)
{
    const char *const argv[] = {"diff", "-u", "-L", file, "-L", "resolved", "--", file, "-", NULL};
    child ch = {.argv = argv, .input = want->text ? want->text : "", .input_len = want->len};
    return child_run(c, &ch) < 0 ? EXIT_FAILED : EXIT_OK;
}

static bool same_as_file(const char *file, const text_sink *want, bool *readable)
{
    FILE *f = fopen(file, "rb");
    char chunk[65536];
    size_t at = 0, n = 0;
    bool same = true;
    *readable = f != NULL;
    while (f && same && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        same = n <= want->len - at && memcmp(chunk, want->text + at, n) == 0;
        at += n;
    }
    *readable = *readable && !ferror(f);
    if (f) {
        fclose(f);
    }
    return same && at == want->len;
}

static int check(const cli *c, const resolve_options *o, const text_sink *want)
{
    const char *file = o->diff ? o->diff : o->check;
    bool readable = false;
    if (same_as_file(file, want, &readable)) {
        return EXIT_OK;
    }
    if (!readable) {
        cli_usage(c, "cannot read %s: %s", file, strerror(errno));
        return EXIT_FAILED;
    }
    if (o->diff && show_difference(c, file, want) != EXIT_OK) {
        return EXIT_FAILED;
    }
    cli_usage(c, "%s is not what the input resolves to now", file);
    return EXIT_FAILED;
}

/* --- the run --- */

/* On a terminal progress and result would mix, so nothing is streamed there. */
static int resolve_once(const cli *c, const resolve_options *o, manifests *m,
                        const koc_publish_options *p)
{
    koc_error *err = NULL;
    text_sink text = {0};
    bool compare = o->check || o->diff;
    const koc_writer out = {to_stdout, NULL};
    const koc_writer memory = {text_sink_write, &text};
    double start = cli_now();
    m->stream = compare || isatty(STDOUT_FILENO) ? NULL : &out;
    int rc = manifests_load(m, &err);
    rc = rc == KOC_OK ? manifests_build(m, p, &err) : rc;
    rc = rc == KOC_OK ? manifests_write(m, compare ? &memory : &out, &err) : rc;
    int code = EXIT_OK;
    if (rc != KOC_OK) {
        code = cli_error(c, err);
    } else if (compare) {
        code = check(c, o, &text);
    }
    if (rc == KOC_OK && m->n_built > 0) {
        cli_verb(c, "Resolved", "%zu image%s in %.1fs", m->n_built, m->n_built == 1 ? "" : "s",
                 cli_now() - start);
    }
    text_sink_free(&text);
    koc_error_free(err);
    return cli_finish_stdout(c, code);
}

static int run(cli *c, void *options, const cli_list *args)
{
    resolve_options *o = options;
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    publish_session session = {0};
    manifests m = {.session = &session, .flags = &o->manifests};
    koc_error *err = NULL;
    int code = manifests_check(c, &o->manifests);
    if (code == EXIT_OK && args->count > 0) {
        code = cli_usage(c, "koc resolve takes no arguments; input is named by -f");
    }
    code = code == EXIT_OK ? publish_flags_read(c, &o->manifests.publish, &p) : code;
    if (code == EXIT_OK &&
        publish_session_open(c, &o->manifests.publish, &session, &err) != KOC_OK) {
        code = cli_error(c, err);
        koc_error_free(err);
    } else if (code == EXIT_OK) {
        watch w = manifests_watch(&m);
        do {
            watch_look(&w);
            code = resolve_once(c, o, &m, &p);
            manifests_reset(&m);
        } while (o->manifests.watch && watch_wait(&w));
        code = o->manifests.watch ? 130 : code; /* ^C is the way out */
    }
    manifests_free(&m);
    publish_session_close(&session);
    manifest_flags_free(&o->manifests);
    return code;
}

static const cli_example examples[] = {
    {"koc resolve -f config/ > release.yaml",
     "build all that config/ names, and write YAML with digests"},
    {"koc resolve -f app.yaml --map images.json > app.lock.yaml",
     "the same, and which image stands for what"},
    {"koc resolve -f app.yaml --map-from images.json --check app.lock.yaml",
     "in CI: is the committed file right?"},
    {NULL, NULL},
};

static const char more[] =
    "References\n"
    "  A text that begins with ko:// names a main package: ko://example.com/app/cmd/api, or\n"
    "  ko://./cmd/api from here. Keys count as well as values. Each package is built once.\n"
    "\n"
    "Output\n"
    "  One input comes back byte for byte but for what was replaced: comments, quotes, order and line\n"
    "  breaks stay. Several are joined by a line of ---.\n"
    "\n"
    "Helm and kustomize\n"
    "  repository: ko://… beside tag: or digest:, and images: of a kustomization, get the digest where\n"
    "  the chart or kustomize looks for it; docs/resolve.md has each rule.\n"
    "\n"
    "Exit codes\n"
    "  0 success, 1 failure or a difference found, 2 wrong usage, 130 and 143 when stopped by a signal.\n";

const cli_command cli_resolve = {
    .name = "resolve",
    .group = "Kubernetes",
    .usage = "koc resolve -f FILE [flags]",
    .summary = "put the digests of built images into YAML",
    .description =
        "Finds ko:// references in Kubernetes YAML or JSON, builds and pushes what they name, and "
        "prints the input with the images in their place. Nothing else in it changes.",
    .more = more,
    .examples = examples,
    .flags = flags,
    .shared_flags = publish_flag_table,
    .options_size = sizeof(resolve_options),
    .defaults = manifest_flags_defaults,
    .run = run,
};
