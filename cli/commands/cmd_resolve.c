/* koc resolve: replaces ko:// references in YAML by images. */
#include "commands/commands.h"

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
     "print nothing; exit with 1 if FILE differs from the result"},
    {"diff", 0, CLI_STRING, offsetof(resolve_options, diff), "FILE", "Results",
     "as --check, and show the differences"},
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
        return cli_failure(c, "cannot read %s: %s", file, strerror(errno));
    }
    if (o->diff && show_difference(c, file, want) != EXIT_OK) {
        return EXIT_FAILED;
    }
    return cli_failure(c, "%s differs from the result of resolving the input", file);
}

/* --- the run --- */

typedef struct resolve_run {
    const cli *c;
    const resolve_options *o;
    text_sink text, printed; /* the last result that was printed, for watching */
} resolve_run;

/* Streams the result if possible: not to a terminal, where progress and result would mix, and not if the result is
 * compared. */
static int resolve(resolve_run *r, manifests *m, koc_error **err)
{
    const koc_writer out = {to_stdout, NULL};
    const koc_writer memory = {text_sink_write, &r->text};
    bool whole = r->o->check || r->o->diff || r->o->manifests.watch;
    m->stream = whole || isatty(STDOUT_FILENO) ? NULL : &out;
    return manifests_resolve(m, whole ? &memory : &out, err);
}

/* Prints or compares the result; while watching, an unchanged result is not printed again. */
static int print_result(resolve_run *r)
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
    CLI_AUTO(koc_error) err = NULL;
    double start = cli_now();
    int rc = resolve(r, m, &err);
    int code = rc == KOC_OK ? print_result(r) : cli_error(r->c, err);
    if (rc == KOC_OK && m->n_built > 0) {
        cli_verb(r->c, "Resolved", "%zu image%s in %.1fs", m->n_built, m->n_built == 1 ? "" : "s",
                 cli_now() - start);
    }
    text_sink_free(&r->text);
    return cli_finish_stdout(r->c, code);
}

static int run(cli *c, void *options, const cli_list *args)
{
    resolve_options *o = options;
    resolve_run r = {.c = c, .o = o};
    const manifests_command command = {.round = resolve_once, .self = &r};
    if (args->count > 0) {
        return cli_usage(c, "koc resolve takes no arguments; name the input with -f");
    }
    int code = manifests_run(c, &o->manifests, &command);
    text_sink_free(&r.printed);
    return code;
}

static const cli_example examples[] = {
    {"koc resolve -f config/ > release.yaml",
     "build everything that config/ references and write YAML with digests"},
    {"koc resolve -f app.yaml --map images.json > app.lock.yaml",
     "the same, and record which image replaced which reference"},
    {"koc resolve -f app.yaml --map-from images.json --check app.lock.yaml",
     "in CI: check that the committed file is up to date"},
    {NULL, NULL},
};

static const char more[] =
    "References\n"
    "  A string that begins with ko:// names a main package: ko://example.com/app/cmd/api, or\n"
    "  ko://./cmd/api relative to the working directory. It may be a value or a key. Each package\n"
    "  is built once.\n"
    "\n"
    "Output\n"
    "  A single input is printed byte for byte except for the replaced references: comments, quotes,\n"
    "  order and line breaks stay. Several inputs are separated by a line of ---.\n"
    "\n"
    "Helm and kustomize\n"
    "  For repository: ko://… next to tag: or digest:, and for images: in a kustomization, the digest\n"
    "  is written where the chart or kustomize expects it; docs/resolve.md lists the rules.\n"
    "\n"
    "Exit codes\n"
    "  0 success, 1 failure or a difference found, 2 wrong usage, 130 and 143 if a signal stopped koc.\n";

const cli_command cli_resolve = {
    .name = "resolve",
    .group = "Kubernetes",
    .usage = "koc resolve -f FILE [flags]",
    .summary = "write the digests of built images into YAML",
    .description =
        "Finds ko:// references in Kubernetes YAML or JSON, builds and pushes the packages they "
        "name, and prints the input with the references replaced by images. Nothing else changes.",
    .more = more,
    .examples = examples,
    .flags = flags,
    .shared_flags = publish_flag_table,
    .builds = true,
    .options_size = sizeof(resolve_options),
    .defaults = manifest_flags_defaults,
    .run = run,
};
