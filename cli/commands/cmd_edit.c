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

/* --- layers --- */

typedef struct layers {
    koc_layer **list;
    size_t n;
    const koc_place *base; /* the base to record in the annotations, or NULL */
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

static koc_layer_options layer_options(bool docker)
{
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    o.flags = docker ? KOC_LAYER_DOCKER_TYPES : 0;
    o.mtime = epoch();
    return o;
}

static int import_tar(cli_session *s, const char *path, bool docker, koc_layer **out,
                      koc_error **err)
{
    CLI_AUTO(koc_blob) blob = NULL;
    koc_layer_options o = layer_options(docker);
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    CLI_TRY(koc_blob_from_stream(path, &s->op, &blob, err));
    return koc_layer_import(s->ctx, blob, name, &o, &s->op, out, err);
}

/* word: "path", "path:/dest" or "path:/dest/". */
static int add_path(koc_layer_builder *b, const char *word, koc_error **err)
{
    char source[4096];
    char dest[8192];
    struct stat st;
    koc_entry e = KOC_ENTRY_INIT;
    const char *colon = strrchr(word, ':');
    bool named = colon && colon[1] == '/';
    int n = snprintf(source, sizeof(source), "%.*s",
                     named ? (int)(colon - word) : (int)strlen(word), word);
    if (n <= 0 || (size_t)n >= sizeof(source) || stat(source, &st) != 0) {
        return cli_fail(err, KOC_ENOTFOUND, "cannot add %s: there is no such file", source);
    }
    while (n > 1 && source[n - 1] == '/') {
        source[--n] = '\0';
    }
    const char *slash = strrchr(source, '/');
    const char *base = slash ? slash + 1 : source;
    bool into = !named || (colon[strlen(colon) - 1] == '/' && !S_ISDIR(st.st_mode));
    snprintf(dest, sizeof(dest), "%s%s", named ? colon + 1 : "/", into ? base : "");
    if (S_ISDIR(st.st_mode)) {
        return koc_layer_builder_add_tree(b, dest, source, NULL, err);
    }
    e.mode = st.st_mode & 0111 ? 0755 : 0644;
    return koc_layer_builder_add_file(b, dest, source, &e, err);
}

static int build_layer(cli_session *s, const cli_list *words, bool docker, koc_layer **out,
                       koc_error **err)
{
    koc_layer_options o = layer_options(docker);
    CLI_AUTO(koc_layer_builder) b = NULL;
    CLI_TRY(koc_layer_builder_new(s->ctx, &o, &b, err));
    for (size_t i = 0; i < words->count; i++) {
        CLI_TRY(add_path(b, words->items[i], err));
    }
    return koc_layer_builder_finish(b, &s->op, out, err);
}

static int build_layers(cli_session *s, const change_options *o, const cli_list *words, bool docker,
                        layers *out, koc_error **err)
{
    out->list = calloc(o->tars.count + 2, sizeof(koc_layer *));
    if (!out->list) {
        return cli_fail_memory(err);
    }
    for (size_t i = 0; i < o->tars.count; i++) {
        CLI_TRY(import_tar(s, o->tars.items[i], docker, &out->list[out->n], err));
        out->n++;
    }
    if (words->count > 0) {
        CLI_TRY(build_layer(s, words, docker, &out->list[out->n], err));
        out->n++;
    }
    return KOC_OK;
}

/* --- append --- */

static int append_layers(cli_session *s, koc_image *old, void *payload, koc_image **out,
                         koc_error **err)
{
    const layers *l = payload;
    CLI_AUTO(koc_image_builder) b = NULL;
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_kv base[2];
    koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
    o.created_by = "koc append";
    o.created = epoch();
    CLI_TRY(koc_image_builder_new(s->ctx, old, &b, err));
    for (size_t i = 0; i < l->n; i++) {
        CLI_TRY(koc_image_builder_add_layer(b, l->list[i], &o, err));
    }
    if (l->base) {
        base_annotations(l->base, &koc_image_descriptor(old)->digest, digest, base);
        CLI_TRY(koc_image_builder_set_annotation(b, base[0].key, base[0].value, err));
        CLI_TRY(koc_image_builder_set_annotation(b, base[1].key, base[1].value, err));
    }
    return koc_image_builder_finish(b, &s->op, out, err);
}

/* Makes an empty image for the wanted platform. */
static int start_from_scratch(cli_session *s, const cli_list *platforms, edited *e, koc_error **err)
{
    const char *text = platforms->count > 0 ? platforms->items[0] : "linux/amd64";
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    CLI_AUTO(koc_image_builder) b = NULL;
    koc_platform platform = KOC_PLATFORM_INIT;
    if (platforms->count > 1) {
        return cli_reject(err, "platform", "scratch is for one platform at a time");
    }
    CLI_TRY(koc_platform_parse(text, &storage, &platform, err));
    e->images = calloc(2, sizeof(koc_image *));
    if (!e->images) {
        return cli_fail_memory(err);
    }
    CLI_TRY(koc_image_builder_new(s->ctx, NULL, &b, err));
    CLI_TRY(koc_image_builder_set_platform(b, &platform, err));
    CLI_TRY(koc_image_builder_finish(b, &s->op, &e->images[0], err));
    e->n = 1;
    return KOC_OK;
}

static bool is_docker(const edited *e)
{
    for (size_t i = 0; i < e->n; i++) {
        if (e->images[i]) {
            const char *type = koc_image_descriptor(e->images[i])->media_type;
            return strcmp(type, KOC_MT_DOCKER_MANIFEST) == 0;
        }
    }
    return false;
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

static int append(cli_session *s, const void *options, const cli_list *words, koc_error **err)
{
    const change_options *o = options;
    CLI_AUTO_VAL(edited) e = {0};
    CLI_AUTO_VAL(layers) l = {0};
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_kv base[2];
    bool bare = !o->base || strcmp(o->base, "scratch") == 0;
    CLI_TRY(bare ? start_from_scratch(s, &o->edit.platforms, &e, err)
                 : edited_open(s, o->base, &e, err));
    CLI_TRY(build_layers(s, o, words, is_docker(&e), &l, err));
    if (!bare && !is_same_place(o->edit.target, &e.place)) {
        l.base = &e.place.place;
        base_annotations(l.base, &koc_source_descriptor(e.source)->digest, digest, base);
    }
    const edit_change change = {.platforms = &o->edit.platforms,
                                .fn = append_layers,
                                .payload = &l,
                                .annotations = base,
                                .n = l.base ? 2 : 0};
    CLI_TRY(edited_apply(s, &e, &change, err));
    return edited_store(s, &e, &o->edit, err);
}

/* --- mutate --- */

typedef int (*pair_fn)(koc_image_builder *b, const char *key, const char *value, koc_error **err);

/* Each item is "key=value", or "key" alone to remove it. */
static int set_pairs(koc_image_builder *b, const cli_list *list, pair_fn fn, koc_error **err)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *word = list->items[i];
        const char *equals = strchr(word, '=');
        CLI_AUTO_STR key = strndup(word, equals ? (size_t)(equals - word) : strlen(word));
        if (!key) {
            return cli_fail_memory(err);
        }
        if (!*key) {
            return cli_fail(err, KOC_EINVAL, "\"%s\": the name before the = is missing", word);
        }
        CLI_TRY(fn(b, key, equals ? equals + 1 : NULL, err));
    }
    return KOC_OK;
}

/* A list that was given as "" is empty. */
static const char *const *argv_of(const cli_list *list)
{
    return list->count == 0 || (list->count == 1 && !list->items[0][0]) ? NULL
                                                                        : cli_list_argv(list);
}

static int set_command(koc_image_builder *b, const change_options *o, koc_error **err)
{
    if (o->entrypoint.items) {
        CLI_TRY(koc_image_builder_set_entrypoint(b, argv_of(&o->entrypoint), err));
    }
    /* As docker does: the cmd of the old entrypoint means nothing to the new one. */
    if (o->cmd.items || o->entrypoint.items) {
        CLI_TRY(koc_image_builder_set_cmd(b, argv_of(&o->cmd), err));
    }
    return KOC_OK;
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

/* Makes *err an error about the value of an option. */
static int name_option(const char *option, int rc, koc_error **err)
{
    if (rc != KOC_EINVAL || !*err) {
        return rc;
    }
    CLI_AUTO(koc_error) why = *err;
    *err = NULL;
    return cli_reject(err, option, "%s", koc_error_message(why));
}

static int set_string(koc_image_builder *b, int32_t setting, const char *option, const char *value,
                      koc_error **err)
{
    return value ? name_option(option, koc_image_builder_set_str(b, setting, value, err), err)
                 : KOC_OK;
}

static int set_ports(koc_image_builder *b, const cli_list *ports, koc_error **err)
{
    for (size_t i = 0; i < ports->count; i++) {
        int rc = koc_image_builder_add_str(b, KOC_CFG_PORT, ports->items[i], err);
        CLI_TRY(name_option("exposed_port", rc, err));
    }
    return KOC_OK;
}

static int set_platform(koc_image_builder *b, const char *text, koc_error **err)
{
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_platform platform = KOC_PLATFORM_INIT;
    CLI_TRY(koc_platform_parse(text, &storage, &platform, err));
    return koc_image_builder_set_platform(b, &platform, err);
}

static int set_created(koc_image_builder *b, const char *text, koc_error **err)
{
    int64_t created = 0;
    CLI_TRY(read_time(text, &created, err));
    return koc_image_builder_set_created(b, created, err);
}

static int mutate_image(cli_session *s, koc_image *old, void *payload, koc_image **out,
                        koc_error **err)
{
    const change_options *o = payload;
    CLI_AUTO(koc_image_builder) b = NULL;
    CLI_TRY(koc_image_builder_new(s->ctx, old, &b, err));
    CLI_TRY(set_pairs(b, &o->env, koc_image_builder_set_env, err));
    CLI_TRY(set_pairs(b, &o->labels, koc_image_builder_set_label, err));
    CLI_TRY(set_pairs(b, &o->annotations, koc_image_builder_set_annotation, err));
    CLI_TRY(set_command(b, o, err));
    CLI_TRY(set_string(b, KOC_CFG_USER, "user", o->user, err));
    CLI_TRY(set_string(b, KOC_CFG_WORKDIR, "workdir", o->workdir, err));
    CLI_TRY(set_ports(b, &o->ports, err));
    if (o->platform) {
        CLI_TRY(set_platform(b, o->platform, err));
    }
    if (o->created) {
        CLI_TRY(set_created(b, o->created, err));
    }
    return koc_image_builder_finish(b, &s->op, out, err);
}

/* The annotations as pairs, for the index. */
typedef struct annotations {
    koc_kv *pairs; /* ends with a NULL key; the keys are owned */
} annotations;

static void annotations_free(annotations *a)
{
    for (size_t i = 0; a->pairs && a->pairs[i].key; i++) {
        free((void *)(uintptr_t)a->pairs[i].key);
    }
    free(a->pairs);
}
CLI_DEFINE_AUTO_VAL(annotations, annotations_free);

static int split_annotations(const cli_list *list, annotations *out, koc_error **err)
{
    out->pairs = calloc(list->count + 1, sizeof(*out->pairs));
    for (size_t i = 0; out->pairs && i < list->count; i++) {
        const char *equals = strchr(list->items[i], '=');
        size_t len = equals ? (size_t)(equals - list->items[i]) : strlen(list->items[i]);
        out->pairs[i] = (koc_kv){strndup(list->items[i], len), equals ? equals + 1 : NULL};
    }
    return out->pairs ? KOC_OK : cli_fail_memory(err);
}

static int mutate(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    const change_options *o = options;
    CLI_AUTO_VAL(edited) e = {0};
    CLI_AUTO_VAL(annotations) a = {0};
    CLI_TRY(edited_open(s, args->items[0], &e, err));
    CLI_TRY(split_annotations(&o->annotations, &a, err));
    const edit_change change = {.platforms = &o->edit.platforms,
                                .fn = mutate_image,
                                .payload = (void *)(uintptr_t)o,
                                .annotations = a.pairs,
                                .n = o->annotations.count};
    CLI_TRY(edited_apply(s, &e, &change, err));
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
