/* koc push, koc pull, koc copy: images from place to place. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "args/client_flags.h"
#include "args/place_words.h"
#include "term/json_output.h"

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
    {"platform", 0, CLI_CSV, AT(platforms), "LIST", "What", \
     "only these of an index: os[/arch[/variant]][:os.version] (default all)", CLI_PLATFORMS}, \
    {"referrers", 0, CLI_BOOL, AT(referrers), NULL, "What", \
     "signatures, SBOMs and whatever else refers to the images, too"}, \
    {"json", 0, CLI_BOOL, AT(json), NULL, "Results", "print a JSON report instead of references"}, \
    CLIENT_FLAG_ROWS(transfer_options, client, "Registries")
/* clang-format on */

static const cli_flag push_flags[] = {FLAG_ROWS, {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL}};
static const cli_flag pull_flags[] = {
    {"format", 0, CLI_STRING, AT(format), "FORMAT", "What",
     "layout (a folder; the default), oci (as crane's: a folder, or for PATH.tar a tar file of one) or "
     "docker (as docker save)",
     "layout oci docker"},
    FLAG_ROWS,
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_flag copy_flags[] = {
    {"all-tags", 'a', CLI_BOOL, AT(all_tags), NULL, "What",
     "every tag of the repository SRC, to the repository or layout DST"},
    {"from-file", 0, CLI_STRING, AT(from_file), "FILE", "What",
     "read pairs SRC DST from FILE (- is stdin), one a line", CLI_FILES},
    {"jobs", 'j', CLI_INT, AT(jobs), "N", "What", "images at once (default 8)"},
    {"keep-going", 'k', CLI_BOOL, AT(keep_going), NULL, "What",
     "copy what can be had; the rest is told, and is a failure in the end"},
    FLAG_ROWS,
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

/* --- what is to be copied --- */

typedef struct work {
    const cli *c;
    const transfer_options *o;
    cli_session session;
    cli_source *sources; /* two for each pair */
    size_t n, capacity;
    koc_copy_result *results;
} work;

static int no_memory(koc_error **err)
{
    return cli_fail(err, KOC_ENOMEM, "out of memory");
}

/* Room for two more; pairs are made of it only when all are known. */
static cli_source *new_pair(work *w)
{
    if (w->n + 2 > w->capacity) {
        size_t capacity = w->capacity ? w->capacity * 2 : 16;
        cli_source *grown = realloc(w->sources, capacity * sizeof(*grown));
        if (!grown) {
            return NULL;
        }
        w->sources = grown;
        w->capacity = capacity;
    }
    return &w->sources[w->n];
}

static int add_pair(work *w, const char *from, uint32_t from_flags, const char *to,
                    uint32_t to_flags, koc_error **err)
{
    cli_source *pair = new_pair(w);
    if (!pair) {
        return no_memory(err);
    }
    int rc = cli_source_parse(from, from_flags, &pair[0], err);
    if (rc == KOC_OK) {
        w->n++;
        rc = cli_source_parse(to, to_flags, &pair[1], err);
    }
    if (rc == KOC_OK) {
        w->n++;
        koc_place *target = &pair[1].place;
        target->kind = target->kind == KOC_PLACE_ARCHIVE ? KOC_PLACE_OCI_ARCHIVE : target->kind;
    }
    return rc;
}

/* "SRC DST"; blank lines and those that begin with # are left out. */
static int read_pair(work *w, const char *path, unsigned number, const char *line, koc_error **err)
{
    char from[2048], to[2048], more[2];
    int words = sscanf(line, "%2047s %2047s %1s", from, to, more);
    if (words < 1 || from[0] == '#') {
        return KOC_OK;
    }
    if (words != 2 || strlen(from) == sizeof(from) - 1 || strlen(to) == sizeof(to) - 1) {
        return cli_fail(err, KOC_EINVAL, "%.150s:%u: not a pair SRC DST", path, number);
    }
    return add_pair(w, from, 0, to, 0, err);
}

static int read_pairs(work *w, const char *path, koc_error **err)
{
    koc_blob *blob = NULL;
    koc_buf text = KOC_BUF_INIT;
    int rc = koc_blob_from_stream(path, &w->session.op, &blob, err);
    rc = rc == KOC_OK ? koc_blob_read_all(blob, PAIRS_MAX, &w->session.op, &text, err) : rc;
    char *rest = text.ptr;
    for (unsigned number = 1; rc == KOC_OK && rest; number++) {
        char *line = strsep(&rest, "\n");
        rc = read_pair(w, path, number, line, err);
    }
    koc_buf_dispose(&text);
    koc_blob_unref(blob);
    return rc;
}

static int add_tag(work *w, const cli_source *from, const cli_source *to, const char *tag,
                   koc_error **err)
{
    cli_source *pair = new_pair(w);
    if (!pair) {
        return no_memory(err);
    }
    int rc = cli_source_tag(from, tag, &pair[0], err);
    if (rc == KOC_OK) {
        w->n++;
        rc = cli_source_tag(to, tag, &pair[1], err);
    }
    w->n += rc == KOC_OK;
    return rc;
}

static int add_all_tags(work *w, const cli_list *args, koc_error **err)
{
    cli_source from = {0}, to = {0};
    koc_strlist *tags = NULL;
    int rc = cli_source_parse(args->items[0], CLI_SOURCE_REFERENCE, &from, err);
    rc = rc == KOC_OK ? cli_source_parse(args->items[1], 0, &to, err) : rc;
    if (rc == KOC_OK) {
        rc = koc_client_list_tags(w->session.client, from.place.reference, &w->session.op, &tags,
                                  err);
    }
    for (size_t i = 0; rc == KOC_OK && i < koc_strlist_count(tags); i++) {
        rc = add_tag(w, &from, &to, koc_strlist_get(tags, i), err);
    }
    if (rc == KOC_OK && koc_strlist_count(tags) == 0) {
        rc = cli_fail(err, KOC_ENOTFOUND, "the repository has no tags");
    }
    koc_strlist_free(tags);
    cli_source_free(&from);
    cli_source_free(&to);
    return rc;
}

/* --- the run --- */

static int copy(work *w, koc_error **err)
{
    size_t n = w->n / 2;
    koc_copy_options o = KOC_COPY_OPTIONS_INIT;
    koc_copy_pair *pairs = calloc(n, sizeof(*pairs));
    w->results = calloc(n, sizeof(*w->results));
    if (!pairs || !w->results) {
        free(pairs);
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        pairs[i] = (koc_copy_pair){sizeof(koc_copy_pair), 0, &w->sources[2 * i].place,
                                   &w->sources[2 * i + 1].place};
        w->results[i] = (koc_copy_result)KOC_COPY_RESULT_INIT;
    }
    o.flags =
        (w->o->referrers ? KOC_COPY_REFERRERS : 0) | (w->o->keep_going ? KOC_COPY_KEEP_GOING : 0);
    o.platforms = cli_list_argv(&w->o->platforms);
    o.jobs = (uint32_t)w->o->jobs;
    int rc = koc_copy(w->session.ctx, w->session.client, pairs, n, &o,
                      cli_session_start(&w->session), w->results, err);
    cli_session_settle(&w->session);
    free(pairs);
    return rc;
}

static void summary(const work *w, double seconds)
{
    uint64_t bytes = 0, blobs = 0, copied = 0;
    char size[24];
    for (size_t i = 0; i < w->n / 2; i++) {
        bytes += w->results[i].bytes;
        blobs += w->results[i].blobs;
        copied += w->results[i].copied;
    }
    cli_verb(w->c, "Copied", "%zu image%s, %llu of %llu blobs, %s in %.1fs", w->n / 2,
             w->n == 2 ? "" : "s", (unsigned long long)copied, (unsigned long long)blobs,
             cli_size(bytes, size), seconds);
}

static bool is_copied(const work *w, size_t i)
{
    return w->results[i].digest.algorithm != KOC_DIGEST_NONE;
}

/* The images themselves went to stdout. */
static bool is_stdout_taken(const work *w)
{
    for (size_t i = 1; i < w->n; i += 2) {
        const char *path = w->sources[i].place.path;
        if (path && strcmp(path, "-") == 0) {
            return true;
        }
    }
    return false;
}

static void print_results(const work *w)
{
    if (is_stdout_taken(w)) {
        return;
    }
    if (!w->o->json) {
        for (size_t i = 0; i < w->n / 2; i++) {
            if (!is_copied(w, i)) {
                continue;
            }
            char text[KOC_DIGEST_TEXT_MAX] = "";
            char *name = cli_source_text(&w->sources[2 * i + 1]);
            koc_digest_format(&w->results[i].digest, text, sizeof(text), NULL);
            printf("%s@%s\n", name ? name : "", text);
            free(name);
        }
        return;
    }
    cli_json_open(NULL, '{');
    cli_json_text("schema", "koc-copy-1");
    cli_json_open("results", '[');
    for (size_t i = 0; i < w->n / 2; i++) {
        const koc_copy_result *r = &w->results[i];
        if (!is_copied(w, i)) {
            continue;
        }
        char *from = cli_source_text(&w->sources[2 * i]);
        char *to = cli_source_text(&w->sources[2 * i + 1]);
        cli_json_open(NULL, '{');
        cli_json_text("from", from);
        cli_json_text("to", to);
        cli_json_digest("digest", &r->digest);
        cli_json_bool("unchanged", r->unchanged != 0);
        cli_json_number("blobs", r->blobs);
        cli_json_number("blobsCopied", r->copied);
        cli_json_number("blobsMounted", r->mounted);
        cli_json_number("bytesCopied", r->bytes);
        cli_json_close('}');
        free(from);
        free(to);
    }
    cli_json_close(']');
    cli_json_close('}');
}

static int open_work(work *w, cli *c, transfer_options *o, koc_error **err)
{
    *w = (work){.c = c, .o = o};
    return cli_session_open(c, &o->client, 0, &w->session, err);
}

/* Releases what the flags hold; gives code back. */
static int drop(transfer_options *o, int code)
{
    cli_list_free(&o->platforms);
    client_flags_free(&o->client);
    return code;
}

/* Copies unless rc is a failure already; prints; releases. */
static int finish(work *w, int rc, transfer_options *o, koc_error *err)
{
    double start = cli_now();
    int code = EXIT_OK;
    rc = rc == KOC_OK ? copy(w, &err) : rc;
    if (rc == KOC_OK) {
        if (w->n > 2) {
            summary(w, cli_now() - start);
        }
        print_results(w);
        code = cli_finish_stdout(w->c, EXIT_OK);
    } else {
        if (w->results && o->keep_going) {
            print_results(w);
        }
        code = cli_error(w->c, err);
    }
    koc_error_free(err);
    for (size_t i = 0; i < w->n; i++) {
        cli_source_free(&w->sources[i]);
    }
    free(w->sources);
    free(w->results);
    cli_session_close(&w->session);
    return drop(o, code);
}

static int run_push(cli *c, void *options, const cli_list *args)
{
    transfer_options *o = options;
    koc_error *err = NULL;
    work w;
    if (args->count < 2) {
        return drop(o, cli_usage(c, "koc push takes a PATH and one or more references"));
    }
    int rc = open_work(&w, c, o, &err);
    for (size_t i = 1; rc == KOC_OK && i < args->count; i++) {
        rc = add_pair(&w, args->items[0], CLI_SOURCE_PATH, args->items[i], CLI_SOURCE_REFERENCE,
                      &err);
    }
    return finish(&w, rc, o, err);
}

static int pull_kind(const cli *c, const char *format, int32_t *out)
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

/* crane's --format=oci makes a folder; a tar file where the path is one. */
static bool is_archive(const char *path)
{
    struct stat st;
    size_t len = strlen(path);
    bool named = len > 4 && strcmp(path + len - 4, ".tar") == 0;
    return stat(path, &st) == 0 ? !S_ISDIR(st.st_mode) : named || strcmp(path, "-") == 0;
}

static int run_pull(cli *c, void *options, const cli_list *args)
{
    transfer_options *o = options;
    koc_error *err = NULL;
    int32_t kind = 0;
    work w;
    int code = pull_kind(c, o->format, &kind);
    if (code == EXIT_OK && args->count < 2) {
        code = cli_usage(c, "koc pull takes one or more references and a PATH");
    }
    if (code != EXIT_OK) {
        return drop(o, code);
    }
    if (kind == KOC_PLACE_OCI_ARCHIVE && !is_archive(args->items[args->count - 1])) {
        kind = KOC_PLACE_LAYOUT;
    }
    int rc = open_work(&w, c, o, &err);
    for (size_t i = 0; rc == KOC_OK && i + 1 < args->count; i++) {
        rc = add_pair(&w, args->items[i], CLI_SOURCE_REFERENCE, args->items[args->count - 1],
                      CLI_SOURCE_PATH, &err);
        if (rc == KOC_OK && kind) {
            w.sources[w.n - 1].place.kind = kind;
        }
    }
    return finish(&w, rc, o, err);
}

static int run_copy(cli *c, void *options, const cli_list *args)
{
    transfer_options *o = options;
    koc_error *err = NULL;
    work w;
    if (o->jobs < 0) {
        return drop(o, cli_usage(c, "--jobs: %d is negative", (int)o->jobs));
    }
    bool fits = o->all_tags    ? args->count == 2 && !o->from_file
                : o->from_file ? args->count == 0
                               : args->count > 0 && args->count % 2 == 0;
    if (!fits) {
        return drop(o,
                    cli_usage(c, "koc copy takes pairs SRC DST, or --from-file and no arguments"));
    }
    int rc = open_work(&w, c, o, &err);
    if (rc == KOC_OK && o->all_tags) {
        rc = add_all_tags(&w, args, &err);
    } else if (rc == KOC_OK && o->from_file) {
        rc = read_pairs(&w, o->from_file, &err);
        if (rc == KOC_OK && w.n == 0) {
            rc = cli_refuse(&err, "from_file", "%s has no pair SRC DST", o->from_file);
        }
    }
    for (size_t i = 0; rc == KOC_OK && i < args->count && !o->all_tags; i += 2) {
        rc = add_pair(&w, args->items[i], 0, args->items[i + 1], 0, &err);
    }
    return finish(&w, rc, o, err);
}

/* --- tables --- */

static const char places[] =
    "Places\n"
    "  example.com/app:1               in a registry (docker:// in front of it is fine)\n"
    "  oci:DIR[:NAME][@DIGEST]         in an OCI layout\n"
    "  oci-archive:FILE[:NAME]         in a tar file of an OCI layout\n"
    "  docker-archive:FILE[:NAME]      in a tar file of docker save\n"
    "  ./DIR, ./FILE.tar               one of these, by what is there\n"
    "  -                               an archive, from stdin or to stdout\n"
    "  NAME is a tag or a whole reference; it may be left out where there is one image.\n"
    "\n"
    "Bytes\n"
    "  Manifests and blobs are copied as they are, so digests and signatures stay. What the target has\n"
    "  is not sent; within one registry blobs are mounted. Manifests come after all that they name, and\n"
    "  an archive appears when it is whole.\n";

static const cli_example push_examples[] = {
    {"koc push out/ registry.example/app:1", "the image in the OCI layout out/"},
    {"koc push app.tar registry.example/app:1 registry.example/app:latest",
     "an archive, under two names"},
    {NULL, NULL},
};
const cli_command cli_push = {
    .name = "push",
    .group = "Images",
    .usage = "koc push [flags] PATH REF [REF...]",
    .summary = "push an image layout or archive to a registry",
    .description = "Pushes the image or index in an OCI layout, or in a tar file of docker save or "
                   "of an OCI layout. Prints the references with their digests.",
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
        "Pulls images with all their platforms into an OCI layout, or into a tar file. Every "
        "digest is checked on the way.",
    .more = places,
    .examples = pull_examples,
    .complete = CLI_FILES,
    .flags = pull_flags,
    .options_size = sizeof(transfer_options),
    .run = run_pull,
};

static const cli_example copy_examples[] = {
    {"koc copy old.example/app:1 new.example/app:1", "from registry to registry"},
    {"koc copy -a old.example/app new.example/app", "every tag of it"},
    {"koc copy --referrers registry.example/app:1 oci:out:app", "with signatures and SBOMs"},
    {NULL, NULL},
};
const cli_command cli_copy = {
    .name = "copy",
    .alias = "cp",
    .group = "Images",
    .usage = "koc copy [flags] SRC DST [SRC DST...]",
    .summary = "copy images between registries, layouts and archives",
    .description = "Copies images and indexes byte for byte, many at once. Blobs go from one side "
                   "to the other without touching the disk.",
    .more = places,
    .examples = copy_examples,
    .complete = CLI_FILES,
    .flags = copy_flags,
    .options_size = sizeof(transfer_options),
    .run = run_copy,
};
