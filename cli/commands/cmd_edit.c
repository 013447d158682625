/* koc append adds layers to images, koc mutate changes their settings. */
#include "commands/cmd_edit_common.h"
#include "commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef struct change_options {
    edit_flags edit;
    const char *base;
    cli_list tars;
    cli_list env, labels, annotations, entrypoint, cmd, ports;
    const char *user, *workdir, *platform, *created;
} change_options;

#define AT(member) offsetof(change_options, member)
#define ARGV_HELP  "comma-separated words; \"\" for none"
static const cli_flag append_flags[] = {
    {"base", 'b', CLI_STRING, AT(base), "IMAGE", "Content",
     "the image to add layers to (default scratch)"},
    {"tar", 0, CLI_LIST, AT(tars), "FILE", "Content",
     "add this tar file as a layer; a compressed one is not compressed again", CLI_FILES},
    EDIT_FLAG_ROWS(change_options, edit),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_flag mutate_flags[] = {
    {"env", 'e', CLI_LIST, AT(env), "NAME=VALUE", "Settings",
     "set an environment variable; NAME alone removes it"},
    {"label", 'l', CLI_LIST, AT(labels), "KEY=VALUE", "Settings",
     "set a label; KEY alone removes it"},
    {"annotation", 'a', CLI_LIST, AT(annotations), "KEY=VALUE", "Settings",
     "set an annotation of the manifest, and of the index; KEY alone removes it"},
    {"entrypoint", 0, CLI_CSV, AT(entrypoint), "WORDS", "Settings",
     ARGV_HELP "; removes the cmd unless --cmd is given"},
    {"cmd", 0, CLI_CSV, AT(cmd), "WORDS", "Settings", ARGV_HELP},
    {"user", 'u', CLI_STRING, AT(user), "USER", "Settings", "user to run as; \"\" for the default"},
    {"workdir", 'w', CLI_STRING, AT(workdir), "DIR", "Settings", "working directory"},
    {"exposed-port", 0, CLI_LIST, AT(ports), "PORT", "Settings", "add a port such as 8080/tcp"},
    {"set-platform", 0, CLI_STRING, AT(platform), "PLATFORM", "Settings",
     "set the platform: os/arch[/variant]", CLI_PLATFORMS},
    {"created", 0, CLI_STRING, AT(created), "TIME", "Settings",
     "set the creation time: 2026-01-31T12:00:00Z, or seconds since 1970"},
    EDIT_FLAG_ROWS(change_options, edit),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

/* --- append --- */

typedef struct layers {
    koc_layer **list;
    size_t n;
} layers;

static void layers_free(layers *l)
{
    for (size_t i = 0; i < l->n; i++) {
        koc_layer_unref(l->list[i]);
    }
    free(l->list);
}
CLI_DEFINE_AUTO_VAL(layers, layers_free);

static int64_t epoch(void)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    return text && *text ? strtoll(text, NULL, 10) : 0;
}

static int import_tar(cli_session *s, const char *path, const koc_layer_options *o, koc_layer **out,
                      koc_error **err)
{
    CLI_AUTO(koc_blob) blob = NULL;
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    CLI_TRY(koc_blob_from_stream(path, &s->op, &blob, err));
    return koc_layer_import(s->ctx, blob, name, o, &s->op, out, err);
}

static int add_tars(cli_session *s, koc_edit *e, const cli_list *tars, const koc_layer_options *o,
                    const koc_add_layer_options *history, koc_error **err)
{
    CLI_AUTO_VAL(layers) l = {calloc(tars->count + 1, sizeof(koc_layer *)), 0};
    if (!l.list) {
        return cli_fail_memory(err);
    }
    for (size_t i = 0; i < tars->count; i++) {
        CLI_TRY(import_tar(s, tars->items[i], o, &l.list[i], err));
        l.n++;
    }
    return koc_edit_add_layers(e, l.list, l.n, history, &s->op, err);
}

/* The files that the words name, and the text that they point to. */
typedef struct files {
    koc_image_file *list;
    char **texts; /* source and path of each */
    size_t n;
} files;

static void files_free(files *f)
{
    for (size_t i = 0; f->texts && i < 2 * f->n; i++) {
        free(f->texts[i]);
    }
    free(f->texts);
    free(f->list);
}
CLI_DEFINE_AUTO_VAL(files, files_free);

/* word: "path", "path:/dest" or "path:/dest/". */
static int read_path(const char *word, char **source, char **dest, koc_error **err)
{
    struct stat st;
    const char *colon = strrchr(word, ':');
    bool named = colon && colon[1] == '/';
    *source = strndup(word, named ? (size_t)(colon - word) : strlen(word));
    if (!*source) {
        return cli_fail_memory(err);
    }
    if (!**source || stat(*source, &st) != 0) {
        return cli_fail(err, KOC_ENOTFOUND, "cannot add %s: there is no such file", *source);
    }
    for (size_t n = strlen(*source); n > 1 && (*source)[n - 1] == '/'; n--) {
        (*source)[n - 1] = '\0';
    }
    const char *slash = strrchr(*source, '/');
    const char *base = slash ? slash + 1 : *source;
    bool into = !named || (colon[strlen(colon) - 1] == '/' && !S_ISDIR(st.st_mode));
    const char *directory = named ? colon + 1 : "/";
    size_t size = strlen(directory) + strlen(base) + 1;
    *dest = malloc(size);
    if (!*dest) {
        return cli_fail_memory(err);
    }
    snprintf(*dest, size, "%s%s", directory, into ? base : "");
    return KOC_OK;
}

static int read_paths(const cli_list *words, files *out, koc_error **err)
{
    out->list = calloc(words->count + 1, sizeof(*out->list));
    out->texts = calloc(2 * words->count + 1, sizeof(char *));
    if (!out->list || !out->texts) {
        return cli_fail_memory(err);
    }
    for (size_t i = 0; i < words->count; i++) {
        char **text = &out->texts[2 * i];
        out->n++;
        CLI_TRY(read_path(words->items[i], &text[0], &text[1], err));
        out->list[i] = (koc_image_file)KOC_IMAGE_FILE_INIT;
        out->list[i].source = text[0];
        out->list[i].path = text[1];
    }
    return KOC_OK;
}

static bool is_docker(const koc_edit *e)
{
    const koc_image *first = koc_edit_image(e, 0);
    return first && strcmp(koc_image_descriptor(first)->media_type, KOC_MT_DOCKER_MANIFEST) == 0;
}

/* An image that replaces its own base must not record it: the base's name would lead to the image itself. */
static bool is_same_place(const char *word, const cli_source *base)
{
    CLI_AUTO_VAL(cli_source) target = {0};
    if (cli_source_parse(word, 0, &target, NULL) != KOC_OK) {
        return false;
    }
    CLI_AUTO_STR a = cli_source_text(&target);
    CLI_AUTO_STR b = cli_source_text(base);
    return a && b && strcmp(a, b) == 0;
}

static int open_base(cli_session *s, const change_options *o, edited *e, koc_error **err)
{
    if (!o->base || strcmp(o->base, "scratch") == 0) {
        return koc_edit_new(s->ctx, cli_list_argv(&o->edit.platforms), &e->edit, err);
    }
    CLI_TRY(edited_open(s, o->base, &o->edit, e, err));
    return is_same_place(o->edit.target, &e->place) ? KOC_OK
                                                    : koc_edit_record_base(e->edit, &s->op, err);
}

static int append(cli_session *s, const void *options, const cli_list *words, koc_error **err)
{
    const change_options *o = options;
    CLI_AUTO_VAL(edited) e = {0};
    CLI_AUTO_VAL(files) f = {0};
    koc_layer_options layer = KOC_LAYER_OPTIONS_INIT;
    koc_add_layer_options history = KOC_ADD_LAYER_OPTIONS_INIT;
    history.created_by = "koc append";
    history.created = layer.mtime = epoch();
    CLI_TRY(read_paths(words, &f, err));
    CLI_TRY(open_base(s, o, &e, err));
    if (is_docker(e.edit)) {
        layer.flags = KOC_LAYER_DOCKER_TYPES;
    }
    if (o->tars.count > 0) {
        CLI_TRY(add_tars(s, e.edit, &o->tars, &layer, &history, err));
    }
    if (f.n > 0) {
        CLI_TRY(koc_edit_add_files(e.edit, f.list, f.n, &layer, &history, &s->op, err));
    }
    return edited_store(s, &e, &o->edit, err);
}

/* --- mutate --- */

/* The items as pairs: "key=value", or "key" alone to remove it. */
typedef struct pairs {
    koc_kv *list;
    char **keys;
    size_t n;
} pairs;

static void pairs_free(pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->keys[i]);
    }
    free(p->keys);
    free(p->list);
}
CLI_DEFINE_AUTO_VAL(pairs, pairs_free);

static int read_pairs(const cli_list *list, pairs *out, koc_error **err)
{
    out->list = calloc(list->count + 1, sizeof(*out->list));
    out->keys = calloc(list->count + 1, sizeof(char *));
    if (!out->list || !out->keys) {
        return cli_fail_memory(err);
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *word = list->items[i];
        const char *equals = strchr(word, '=');
        char *key = strndup(word, equals ? (size_t)(equals - word) : strlen(word));
        if (!key) {
            return cli_fail_memory(err);
        }
        out->keys[out->n++] = key;
        out->list[i] = (koc_kv){key, equals ? equals + 1 : NULL};
        if (!*key) {
            return cli_fail(err, KOC_EINVAL, "\"%s\": the name before the = is missing", word);
        }
    }
    return KOC_OK;
}

/* NULL: the flag was not given. A list that was given as "" is empty. */
static const char *const *argv_of(const cli_list *list)
{
    static const char *const none[] = {NULL};
    if (!list->items) {
        return NULL;
    }
    return list->count == 1 && !list->items[0][0] ? none : cli_list_argv(list);
}

static int read_time(const char *text, int64_t *out, koc_error **err)
{
    struct tm tm = {0};
    char *end = NULL;
    *out = strtoll(text, &end, 10);
    if (end != text && !*end) {
        return KOC_OK;
    }
    int n = 0;
    int got = sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                     &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    struct tm same = tm;
    *out = (int64_t)timegm(&same); /* normalizes 31 April, which the comparison below detects */
    if (got != 6 || n == 0 || text[n] || same.tm_mday != tm.tm_mday || same.tm_mon != tm.tm_mon ||
        same.tm_hour != tm.tm_hour || same.tm_min != tm.tm_min || same.tm_sec != tm.tm_sec) {
        return cli_reject(err, "created", "\"%.100s\" is not a time like 2026-01-31T12:00:00Z",
                          text);
    }
    return KOC_OK;
}

static int mutate(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    const change_options *o = options;
    CLI_AUTO_VAL(edited) e = {0};
    CLI_AUTO_VAL(pairs) env = {0};
    CLI_AUTO_VAL(pairs) labels = {0};
    CLI_AUTO_VAL(pairs) annotations = {0};
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    koc_platform platform = KOC_PLATFORM_INIT;
    CLI_TRY(read_pairs(&o->env, &env, err));
    CLI_TRY(read_pairs(&o->labels, &labels, err));
    CLI_TRY(read_pairs(&o->annotations, &annotations, err));
    c.env = env.list, c.n_env = env.n;
    c.labels = labels.list, c.n_labels = labels.n;
    c.annotations = annotations.list, c.n_annotations = annotations.n;
    c.entrypoint = argv_of(&o->entrypoint);
    c.cmd = argv_of(&o->cmd);
    c.user = o->user;
    c.workdir = o->workdir;
    c.ports = argv_of(&o->ports);
    if (o->platform) {
        CLI_TRY(koc_platform_parse(o->platform, &storage, &platform, err));
        c.platform = &platform;
    }
    if (o->created) {
        CLI_TRY(read_time(o->created, &c.created, err));
        c.flags = KOC_CHANGE_CREATED;
    }
    CLI_TRY(edited_open(s, args->items[0], &o->edit, &e, err));
    CLI_TRY(koc_edit_change(e.edit, &c, &s->op, err));
    return edited_store(s, &e, &o->edit, err);
}

/* --- commands --- */

static int run_append(cli *c, void *options, const cli_list *args)
{
    const change_options *o = options;
    if (args->count + o->tars.count == 0 || !o->edit.target) {
        return cli_usage(c, o->edit.target ? "koc append: there is nothing to append"
                                           : "koc append needs -t DST");
    }
    return cli_session_run(c, &o->edit.client, append, o, args);
}

static int run_mutate(cli *c, void *options, const cli_list *args)
{
    const change_options *o = options;
    if (args->count != 1) {
        return cli_usage(c, "koc mutate takes one image, got %zu", args->count);
    }
    return cli_session_run(c, &o->edit.client, mutate, o, args);
}

static const cli_example append_examples[] = {
    {"koc append -b registry.example/base:1 -t registry.example/app:1 ./app:/usr/bin/app www:/srv/www",
     "a program and a directory on a base"},
    {"koc append --tar rootfs.tar.gz -t oci:out:app",
     "an image with one tar file as its only layer"},
    {NULL, NULL},
};
const cli_command cli_append = {
    .name = "append",
    .group = "Images",
    .usage = "koc append [flags] -t DST [PATH[:DEST]...]",
    .summary = "add files or tar files to an image as layers",
    .description =
        "Adds layers to a base image: one for each --tar, and one with all PATHs. In an index "
        "every platform gets them.",
    .more =
        "PATH is a file or directory; it goes to DEST, or to the root under its own name. Files get the\n"
        "owner 0:0, the mode 0755 or 0644, and the time $SOURCE_DATE_EPOCH (default 1970), so that the\n"
        "same files always make the same layer. Everything that is not changed keeps its bytes.\n",
    .examples = append_examples,
    .flags = append_flags,
    .complete = CLI_FILES,
    .options_size = sizeof(change_options),
    .run = run_append,
};

static const cli_example mutate_examples[] = {
    {"koc mutate -e LOG=debug --entrypoint=/app,serve -t registry.example/app:2 registry.example/app:1",
     "set a variable and an entrypoint, and write to another tag"},
    {"koc mutate -a org.opencontainers.image.source=https://example.com/app oci:out:app",
     "set an annotation, in place"},
    {NULL, NULL},
};
const cli_command cli_mutate = {
    .name = "mutate",
    .group = "Images",
    .usage = "koc mutate [flags] IMAGE",
    .summary = "change the settings of an image",
    .description =
        "Changes the config and the annotations of an image, or of each image of an index. "
        "Layers and everything else stay as they are.",
    .more =
        "Without -t the new image replaces the old one: it takes its tag, or its name in a layout.\n",
    .examples = mutate_examples,
    .flags = mutate_flags,
    .options_size = sizeof(change_options),
    .run = run_mutate,
};
