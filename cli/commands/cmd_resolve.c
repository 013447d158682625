/* koc resolve: YAML in, YAML with images out. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child_program.h"
#include "kube/kube_manifests.h"

typedef struct resolve_options {
    manifest_flags manifests;
    const char *check, *diff;
} resolve_options;

static const cli_flag flags[] = {
    MANIFEST_FLAG_ROWS,
    WATCH_FLAG_ROW,
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
        return cli_fail(err, KOC_EIO, "cannot write the result to stdout: %s", strerror(errno));
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

typedef struct resolve_run {
    const cli *c;
    const resolve_options *o;
    text_sink text, printed; /* watching: what was printed last */
} resolve_run;

/* Streams where it can: on a terminal progress and result would mix, and what is compared must be whole. */
static int resolve(resolve_run *r, manifests *m, koc_error **err)
{
    const koc_writer out = {to_stdout, NULL};
    const koc_writer memory = {text_sink_write, &r->text};
    bool whole = r->o->check || r->o->diff || r->o->manifests.watch;
    m->stream = whole || isatty(STDOUT_FILENO) ? NULL : &out;
    int rc = manifests_load(m, err);
    rc = rc == KOC_OK ? manifests_build(m, err) : rc;
    return rc == KOC_OK ? manifests_write(m, whole ? &memory : &out, err) : rc;
}

/* When watching the same again is not printed. */
static int show(resolve_run *r)
{
    if (r->o->check || r->o->diff) {
        return check(r->c, r->o, &r->text);
    }
    if (r->text.len > 0 && (r->text.len != r->printed.len ||
                            memcmp(r->text.text, r->printed.text, r->text.len) != 0)) {
        fwrite(r->text.text, 1, r->text.len, stdout);
        text_sink_free(&r->printed);
        r->printed = r->text;
        r->text = (text_sink){0};
    }
    return EXIT_OK;
}

static int resolve_once(manifests *m, void *self)
{
    resolve_run *r = self;
    koc_error *err = NULL;
    double start = cli_now();
    int rc = resolve(r, m, &err);
    int code = rc == KOC_OK ? show(r) : cli_error(r->c, err);
    if (rc == KOC_OK && m->n_built > 0) {
        cli_verb(r->c, "Resolved", "%zu image%s in %.1fs", m->n_built, m->n_built == 1 ? "" : "s",
                 cli_now() - start);
    }
    text_sink_free(&r->text);
    koc_error_free(err);
    return cli_finish_stdout(r->c, code);
}

static int run(cli *c, void *options, const cli_list *args)
{
    resolve_options *o = options;
    resolve_run r = {.c = c, .o = o};
    const manifests_command what = {.round = resolve_once, .self = &r};
    if (args->count > 0) {
        manifest_flags_free(&o->manifests);
        return cli_usage(c, "koc resolve takes no arguments; input is named by -f");
    }
    int code = manifests_run(c, &o->manifests, &what);
    text_sink_free(&r.printed);
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
