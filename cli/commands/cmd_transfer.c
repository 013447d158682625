/* koc push, koc pull and koc copy: copy images between places. */
#include "args/client_flags.h"
#include "args/place_words.h"
#include "commands/commands.h"
#include "term/json_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct transfer_options {
    client_flags client;
    cli_list platforms;
    const char *format, *from_file;
    int32_t jobs;
    bool referrers, all_tags, json, keep_going;
} transfer_options;

enum { PAIRS_MAX = 64 << 20 };

#define AT(member) offsetof(transfer_options, member)
/* clang-format off */
#define FLAG_ROWS \
    {"platform", 0, CLI_CSV, AT(platforms), "LIST", "Selection", \
     "only these platforms of an index: os[/arch[/variant]][:os.version] (default all)", CLI_PLATFORMS}, \
    {"referrers", 0, CLI_BOOL, AT(referrers), NULL, "Selection", \
     "also copy signatures, SBOMs and everything else that refers to the images"}, \
    {"json", 0, CLI_BOOL, AT(json), NULL, "Results", "print a JSON report instead of references"}, \
    CLIENT_FLAG_ROWS(transfer_options, client, "Registries")
/* clang-format on */

static const cli_flag push_flags[] = {FLAG_ROWS, {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL}};
static const cli_flag pull_flags[] = {
    {"format", 0, CLI_STRING, AT(format), "FORMAT", "Results",
     "layout (a directory; the default), oci (as crane: a directory, or a tar file if PATH ends in .tar) or "
     "docker (as docker save)",
     "layout oci docker"},
    FLAG_ROWS,
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_flag copy_flags[] = {
    {"all-tags", 'a', CLI_BOOL, AT(all_tags), NULL, "Selection",
     "copy every tag of the repository SRC to the repository or layout DST"},
    {"from-file", 0, CLI_STRING, AT(from_file), "FILE", "Selection",
     "read pairs SRC DST from FILE (- is stdin), one per line", CLI_FILES},
    {"jobs", 'j', CLI_INT, AT(jobs), "N", "Run", "copy N images in parallel (default 8)"},
    {"keep-going", 'k', CLI_BOOL, AT(keep_going), NULL, "Run",
     "continue after a failure; the exit code is still 1"},
    FLAG_ROWS,
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

/* --- pairs --- */

typedef struct copy_run {
    const cli *c;
    const transfer_options *o;
    cli_session session;
    cli_source *sources; /* two for each pair */
    size_t n, capacity;
    koc_copy_result *results;
} copy_run;

/* Makes room for a pair. koc_copy_pair points into this list, so pairs are made once it is complete. */
static cli_source *new_pair(copy_run *r)
{
    if (r->n + 2 > r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 16;
        cli_source *grown = realloc(r->sources, capacity * sizeof(*grown));
        if (!grown) {
            return NULL;
        }
        r->sources = grown;
        r->capacity = capacity;
    }
    return &r->sources[r->n];
}

typedef struct words { /* a pair on the command line, with CLI_SOURCE_* for each word */
    const char *from, *to;
    uint32_t from_flags, to_flags;
} words;

static int add_pair(copy_run *r, const words *x, koc_error **err)
{
    cli_source *pair = new_pair(r);
    if (!pair) {
        return cli_fail_memory(err);
    }
    CLI_TRY(cli_source_parse(x->from, x->from_flags, &pair[0], err));
    r->n++;
    CLI_TRY(cli_source_parse(x->to, x->to_flags, &pair[1], err));
    r->n++;
    koc_place *target = &pair[1].place;
    target->kind = target->kind == KOC_PLACE_ARCHIVE ? KOC_PLACE_OCI_ARCHIVE : target->kind;
    return KOC_OK;
}

/* Reads "SRC DST"; skips blank lines and lines that begin with #. */
static int read_pair(copy_run *r, const char *path, unsigned number, const char *line,
                     koc_error **err)
{
    char from[2048], to[2048], more[2];
    int n = sscanf(line, "%2047s %2047s %1s", from, to, more);
    if (n < 1 || from[0] == '#') {
        return KOC_OK;
    }
    if (n != 2 || strlen(from) == sizeof(from) - 1 || strlen(to) == sizeof(to) - 1) {
        return cli_fail(err, KOC_EINVAL, "%.150s:%u: not a pair SRC DST", path, number);
    }
    const words x = {.from = from, .to = to};
    return add_pair(r, &x, err);
}

static int read_pairs(copy_run *r, const char *path, koc_error **err)
{
    CLI_AUTO(koc_blob) blob = NULL;
    CLI_AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    CLI_TRY(koc_blob_from_stream(path, &r->session.op, &blob, err));
    CLI_TRY(koc_blob_read_all(blob, PAIRS_MAX, &r->session.op, &text, err));
    char *rest = text.ptr;
    for (unsigned number = 1; rest; number++) {
        CLI_TRY(read_pair(r, path, number, strsep(&rest, "\n"), err));
    }
    return r->n > 0 ? KOC_OK : cli_reject(err, "from_file", "%s has no pair SRC DST", path);
}

static int add_tag(copy_run *r, const cli_source *from, const cli_source *to, const char *tag,
                   koc_error **err)
{
    cli_source *pair = new_pair(r);
    if (!pair) {
        return cli_fail_memory(err);
    }
    CLI_TRY(cli_source_tag(from, tag, &pair[0], err));
    r->n++;
    CLI_TRY(cli_source_tag(to, tag, &pair[1], err));
    r->n++;
    return KOC_OK;
}

static int add_all_tags(copy_run *r, const cli_list *args, koc_error **err)
{
    CLI_AUTO_VAL(cli_source) from = {0};
    CLI_AUTO_VAL(cli_source) to = {0};
    CLI_AUTO(koc_strlist) tags = NULL;
    CLI_TRY(cli_source_parse(args->items[0], CLI_SOURCE_REFERENCE, &from, err));
    CLI_TRY(cli_source_parse(args->items[1], 0, &to, err));
    CLI_TRY(
        koc_client_list_tags(r->session.client, from.place.reference, &r->session.op, &tags, err));
    for (size_t i = 0; i < koc_strlist_count(tags); i++) {
        CLI_TRY(add_tag(r, &from, &to, koc_strlist_get(tags, i), err));
    }
    return r->n > 0 ? KOC_OK : cli_fail(err, KOC_ENOTFOUND, "the repository has no tags");
}

/* --- the run --- */

static int copy(copy_run *r, koc_error **err)
{
    size_t n = r->n / 2;
    koc_copy_options o = KOC_COPY_OPTIONS_INIT;
    koc_copy_pair *pairs = calloc(n + 1, sizeof(*pairs)); /* calloc(0) may return NULL */
    r->results = calloc(n + 1, sizeof(*r->results));
    if (!pairs || !r->results) {
        free(pairs);
        return cli_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        pairs[i] = (koc_copy_pair){sizeof(koc_copy_pair), 0, &r->sources[2 * i].place,
                                   &r->sources[2 * i + 1].place};
        r->results[i] = (koc_copy_result)KOC_COPY_RESULT_INIT;
    }
    o.flags =
        (r->o->referrers ? KOC_COPY_REFERRERS : 0) | (r->o->keep_going ? KOC_COPY_KEEP_GOING : 0);
    o.platforms = cli_list_argv(&r->o->platforms);
    o.jobs = (uint32_t)r->o->jobs;
    int rc = koc_copy(r->session.ctx, r->session.client, pairs, n, &o,
                      cli_session_start(&r->session), r->results, err);
    cli_session_settle(&r->session);
    free(pairs);
    return rc;
}

static void print_summary(const copy_run *r, double seconds)
{
    uint64_t bytes = 0, blobs = 0, copied = 0;
    char size[24];
    for (size_t i = 0; i < r->n / 2; i++) {
        bytes += r->results[i].bytes;
        blobs += r->results[i].blobs;
        copied += r->results[i].copied;
    }
    cli_verb(r->c, "Copied", "%zu image%s, %llu of %llu blobs, %s in %.1fs", r->n / 2,
             r->n == 2 ? "" : "s", (unsigned long long)copied, (unsigned long long)blobs,
             cli_size(bytes, size), seconds);
}

static bool is_copied(const copy_run *r, size_t i)
{
    return r->results[i].digest.algorithm != KOC_DIGEST_NONE;
}

/* Whether an image itself was written to stdout. */
static bool is_stdout_taken(const copy_run *r)
{
    for (size_t i = 1; i < r->n; i += 2) {
        const char *path = r->sources[i].place.path;
        if (path && strcmp(path, "-") == 0) {
            return true;
        }
    }
    return false;
}

static void print_result(const copy_run *r, size_t i)
{
    const koc_copy_result *result = &r->results[i];
    CLI_AUTO_STR from = cli_source_text(&r->sources[2 * i]);
    CLI_AUTO_STR to = cli_source_text(&r->sources[2 * i + 1]);
    if (!r->o->json) {
        char text[KOC_DIGEST_TEXT_MAX] = "";
        koc_digest_format(&result->digest, text, sizeof(text), NULL);
        printf("%s@%s\n", to ? to : "", text);
        return;
    }
    cli_json_open(NULL, '{');
    cli_json_text("from", from);
    cli_json_text("to", to);
    cli_json_digest("digest", &result->digest);
    cli_json_bool("unchanged", result->unchanged != 0);
    cli_json_number("blobs", result->blobs);
    cli_json_number("blobsCopied", result->copied);
    cli_json_number("blobsMounted", result->mounted);
    cli_json_number("bytesCopied", result->bytes);
    cli_json_close('}');
}

static void print_results(const copy_run *r)
{
    if (is_stdout_taken(r)) {
        return;
    }
    if (r->o->json) {
        cli_json_open(NULL, '{');
        cli_json_text("schema", "koc-copy-1");
        cli_json_open("results", '[');
    }
    for (size_t i = 0; i < r->n / 2; i++) {
        if (is_copied(r, i)) {
            print_result(r, i);
        }
    }
    if (r->o->json) {
        cli_json_close(']');
        cli_json_close('}');
    }
}

static void run_dispose(copy_run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        cli_source_free(&r->sources[i]);
    }
    free(r->sources);
    free(r->results);
    cli_session_close(&r->session);
}
CLI_DEFINE_AUTO_VAL(copy_run, run_dispose);

/* Copies the pairs if rc is KOC_OK, prints the results. Returns an exit code. */
static int copy_and_print(copy_run *r, int rc, koc_error **err)
{
    double start = cli_now();
    rc = rc == KOC_OK ? copy(r, err) : rc;
    if (rc == KOC_OK && r->n > 2) {
        print_summary(r, cli_now() - start);
    }
    if (rc == KOC_OK || (r->results && r->o->keep_going)) {
        print_results(r);
    }
    return cli_exit_code(r->c, rc, *err);
}

static int run_push(cli *c, void *options, const cli_list *args)
{
    const transfer_options *o = options;
    CLI_AUTO_VAL(copy_run) r = {.c = c, .o = o};
    CLI_AUTO(koc_error) err = NULL;
    if (args->count < 2) {
        return cli_usage(c, "koc push takes a PATH and one or more references");
    }
    int rc = cli_session_open(c, &o->client, 0, &r.session, &err);
    for (size_t i = 1; rc == KOC_OK && i < args->count; i++) {
        const words x = {args->items[0], args->items[i], CLI_SOURCE_PATH, CLI_SOURCE_REFERENCE};
        rc = add_pair(&r, &x, &err);
    }
    return copy_and_print(&r, rc, &err);
}

static int read_format(const cli *c, const char *format, int32_t *out)
{
    static const struct {
        const char *name;
        int32_t kind;
    } formats[] = {{"layout", KOC_PLACE_LAYOUT},
                   {"oci", KOC_PLACE_OCI_ARCHIVE},
                   {"docker", KOC_PLACE_DOCKER_ARCHIVE}};
    *out = 0;
    for (size_t i = 0; format && i < 3; i++) {
        if (strcmp(format, formats[i].name) == 0) {
            *out = formats[i].kind;
        }
    }
    return !format || *out ? EXIT_OK
                           : cli_usage(c, "--format: \"%s\" is not layout, oci or docker", format);
}

/* crane's --format=oci writes a directory; koc writes a tar file if the path is one. */
static bool is_archive(const char *path)
{
    struct stat st;
    size_t len = strlen(path);
    bool named = len > 4 && strcmp(path + len - 4, ".tar") == 0;
    return stat(path, &st) == 0 ? !S_ISDIR(st.st_mode) : named || strcmp(path, "-") == 0;
}

static int run_pull(cli *c, void *options, const cli_list *args)
{
    const transfer_options *o = options;
    CLI_AUTO_VAL(copy_run) r = {.c = c, .o = o};
    CLI_AUTO(koc_error) err = NULL;
    int32_t kind = 0;
    CLI_TRY(read_format(c, o->format, &kind));
    if (args->count < 2) {
        return cli_usage(c, "koc pull takes one or more references and a PATH");
    }
    const char *path = args->items[args->count - 1];
    if (kind == KOC_PLACE_OCI_ARCHIVE && !is_archive(path)) {
        kind = KOC_PLACE_LAYOUT;
    }
    int rc = cli_session_open(c, &o->client, 0, &r.session, &err);
    for (size_t i = 0; rc == KOC_OK && i + 1 < args->count; i++) {
        const words x = {args->items[i], path, CLI_SOURCE_REFERENCE, CLI_SOURCE_PATH};
        rc = add_pair(&r, &x, &err);
        if (rc == KOC_OK && kind) {
            r.sources[r.n - 1].place.kind = kind;
        }
    }
    return copy_and_print(&r, rc, &err);
}

static int add_pairs(copy_run *r, const cli_list *args, koc_error **err)
{
    CLI_TRY(cli_session_open(r->c, &r->o->client, 0, &r->session, err));
    if (r->o->all_tags) {
        return add_all_tags(r, args, err);
    }
    if (r->o->from_file) {
        return read_pairs(r, r->o->from_file, err);
    }
    for (size_t i = 0; i < args->count; i += 2) {
        const words x = {.from = args->items[i], .to = args->items[i + 1]};
        CLI_TRY(add_pair(r, &x, err));
    }
    return KOC_OK;
}

static int run_copy(cli *c, void *options, const cli_list *args)
{
    const transfer_options *o = options;
    CLI_AUTO_VAL(copy_run) r = {.c = c, .o = o};
    CLI_AUTO(koc_error) err = NULL;
    if (o->jobs < 0) {
        return cli_usage(c, "--jobs: %d is negative", (int)o->jobs);
    }
    bool fits = o->all_tags    ? args->count == 2 && !o->from_file
                : o->from_file ? args->count == 0
                               : args->count > 0 && args->count % 2 == 0;
    if (!fits) {
        return cli_usage(c, "koc copy takes pairs SRC DST, or --from-file and no arguments");
    }
    int rc = add_pairs(&r, args, &err);
    return copy_and_print(&r, rc, &err);
}

/* --- tables --- */

static const char places[] =
    "Places\n"
    "  example.com/app:1               in a registry (also with docker:// in front)\n"
    "  oci:DIR[:NAME][@DIGEST]         in an OCI layout\n"
    "  oci-archive:FILE[:NAME]         in a tar file of an OCI layout\n"
    "  docker-archive:FILE[:NAME]      in a tar file of docker save\n"
    "  ./DIR, ./FILE.tar               one of these, by what the path is\n"
    "  -                               an archive, from stdin or to stdout\n"
    "  NAME is a tag or a full reference; it may be omitted if there is only one image.\n"
    "\n"
    "Bytes\n"
    "  Manifests and blobs are copied byte for byte, so digests and signatures stay valid. Blobs that the\n"
    "  target already has are not sent; within one registry blobs are mounted. A manifest is written\n"
    "  after everything it references, and an archive appears only when it is complete.\n";

static const cli_example push_examples[] = {
    {"koc push out/ registry.example/app:1", "the image in the OCI layout out/"},
    {"koc push app.tar registry.example/app:1 registry.example/app:latest",
     "an archive, to two references"},
    {NULL, NULL},
};
const cli_command cli_push = {
    .name = "push",
    .group = "Images",
    .usage = "koc push [flags] PATH REF [REF...]",
    .summary = "push an image layout or archive to a registry",
    .description =
        "Pushes the image or index in an OCI layout, in a tar file of docker save, or in a "
        "tar file of an OCI layout. Prints the references with their digests.",
    .more = places,
    .examples = push_examples,
    .complete = CLI_FILES,
    .flags = push_flags,
    .options_size = sizeof(transfer_options),
    .run = run_push,
};

static const cli_example pull_examples[] = {
    {"koc pull registry.example/app:1 out/", "all platforms, into the OCI layout out/"},
    {"koc pull --format=docker --platform=linux/arm64 registry.example/app:1 app.tar",
     "an archive for docker load"},
    {NULL, NULL},
};
const cli_command cli_pull = {
    .name = "pull",
    .group = "Images",
    .usage = "koc pull [flags] REF [REF...] PATH",
    .summary = "pull images into a layout or archive",
    .description =
        "Pulls images with all their platforms into an OCI layout or a tar file, and verifies "
        "every digest.",
    .more = places,
    .examples = pull_examples,
    .complete = CLI_FILES,
    .flags = pull_flags,
    .options_size = sizeof(transfer_options),
    .run = run_pull,
};

static const cli_example copy_examples[] = {
    {"koc copy old.example/app:1 new.example/app:1", "from registry to registry"},
    {"koc copy -a old.example/app new.example/app", "every tag of a repository"},
    {"koc copy --referrers registry.example/app:1 oci:out:app", "with signatures and SBOMs"},
    {NULL, NULL},
};
const cli_command cli_copy = {
    .name = "copy",
    .alias = "cp",
    .transferred = "Copied",
    .group = "Images",
    .usage = "koc copy [flags] SRC DST [SRC DST...]",
    .summary = "copy images between registries, layouts and archives",
    .description =
        "Copies images and indexes byte for byte, several in parallel. Blobs are streamed "
        "from source to target without touching the disk.",
    .more = places,
    .examples = copy_examples,
    .complete = CLI_FILES,
    .flags = copy_flags,
    .options_size = sizeof(transfer_options),
    .run = run_copy,
};
