/* koc append, koc mutate: images with more layers, images with other settings. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <koc/layer.h>

#include "commands/cmd_edit_common.h"

typedef struct change_options {
    edit_flags edit;
    const char *base;
    cli_list tars;
    cli_list env, labels, annotations, entrypoint, cmd, ports;
    const char *user, *workdir, *platform, *created;
} change_options;

#define AT(member) offsetof(change_options, member)
#define ARGV_HELP  "its words, with commas between them; \"\" for none"
static const cli_flag append_flags[] = {
    {"base", 'b', CLI_STRING, AT(base), "IMAGE", "What", "what the layers go on (default scratch)"},
    {"tar", 0, CLI_LIST, AT(tars), "FILE", "What",
     "a layer that is a tar file already; one that is compressed stays as it is", CLI_FILES},
    EDIT_FLAG_ROWS(change_options, edit),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_flag mutate_flags[] = {
    {"env", 'e', CLI_LIST, AT(env), "NAME=VALUE", "Settings",
     "set a variable; NAME alone removes it"},
    {"label", 'l', CLI_LIST, AT(labels), "KEY=VALUE", "Settings",
     "set a label; KEY alone removes it"},
    {"annotation", 'a', CLI_LIST, AT(annotations), "KEY=VALUE", "Settings",
     "set an annotation of the manifest, and of the index; KEY alone removes it"},
    {"entrypoint", 0, CLI_CSV, AT(entrypoint), "WORDS", "Settings", ARGV_HELP "; takes --cmd away"},
    {"cmd", 0, CLI_CSV, AT(cmd), "WORDS", "Settings", ARGV_HELP},
    {"user", 'u', CLI_STRING, AT(user), "USER", "Settings",
     "who runs it; \"\" for nobody in particular"},
    {"workdir", 'w', CLI_STRING, AT(workdir), "DIR", "Settings", "where it starts"},
    {"exposed-port", 0, CLI_LIST, AT(ports), "PORT", "Settings", "add a port, 8080/tcp"},
    {"set-platform", 0, CLI_STRING, AT(platform), "PLATFORM", "Settings",
     "what it runs on, os/arch[/variant]", CLI_PLATFORMS},
    {"created", 0, CLI_STRING, AT(created), "TIME", "Settings",
     "when it was made: 2026-01-31T12:00:00Z, or seconds since 1970"},
    EDIT_FLAG_ROWS(change_options, edit),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

/* --- layers --- */

typedef struct layers {
    koc_layer **list;
    size_t n;
    const koc_place *base; /* what they are put on, if the image is to say so */
} layers;

static void layers_free(layers *l)
{
    for (size_t i = 0; i < l->n; i++) {
        koc_layer_unref(l->list[i]);
    }
    free(l->list);
}

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

static int layer_of_tar(cli_session *s, const char *path, bool docker, koc_layer **out,
                        koc_error **err)
{
    koc_blob *blob = NULL;
    koc_layer_options o = layer_options(docker);
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    int rc = koc_blob_from_stream(path, &s->op, &blob, err);
    rc = rc == KOC_OK ? koc_layer_import(s->ctx, blob, name, &o, &s->op, out, err) : rc;
    koc_blob_unref(blob);
    return rc;
}

/* "path", "path:/dest", "path:/dest/". */
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

static int layer_of_files(cli_session *s, const cli_list *words, bool docker, koc_layer **out,
                          koc_error **err)
{
    koc_layer_options o = layer_options(docker);
    koc_layer_builder *b = NULL;
    int rc = koc_layer_builder_new(s->ctx, &o, &b, err);
    for (size_t i = 0; rc == KOC_OK && i < words->count; i++) {
        rc = add_path(b, words->items[i], err);
    }
    rc = rc == KOC_OK ? koc_layer_builder_finish(b, &s->op, out, err) : rc;
    koc_layer_builder_free(b);
    return rc;
}

static int make_layers(cli_session *s, const change_options *o, const cli_list *words, bool docker,
                       layers *out, koc_error **err)
{
    int rc = KOC_OK;
    out->list = calloc(o->tars.count + 2, sizeof(koc_layer *));
    if (!out->list) {
        return cli_fail(err, KOC_ENOMEM, "out of memory");
    }
    for (size_t i = 0; rc == KOC_OK && i < o->tars.count; i++) {
        rc = layer_of_tar(s, o->tars.items[i], docker, &out->list[out->n], err);
        out->n += rc == KOC_OK;
    }
    if (rc == KOC_OK && words->count > 0) {
        rc = layer_of_files(s, words, docker, &out->list[out->n], err);
        out->n += rc == KOC_OK;
    }
    return rc;
}

/* --- append --- */

static int append(cli_session *s, koc_image *old, void *payload, koc_image **out, koc_error **err)
{
    const layers *l = payload;
    koc_image_builder *b = NULL;
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_kv base[2];
    koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
    o.created_by = "koc append";
    o.created = epoch();
    int rc = koc_image_builder_new(s->ctx, old, &b, err);
    for (size_t i = 0; rc == KOC_OK && i < l->n; i++) {
        rc = koc_image_builder_add_layer(b, l->list[i], &o, err);
    }
    if (l->base) {
        base_annotations(l->base, &koc_image_descriptor(old)->digest, digest, base);
    }
    for (size_t i = 0; rc == KOC_OK && l->base && i < 2; i++) {
        rc = koc_image_builder_set_annotation(b, base[i].key, base[i].value, err);
    }
    rc = rc == KOC_OK ? koc_image_builder_finish(b, &s->op, out, err) : rc;
    koc_image_builder_free(b);
    return rc;
}

/* An image with nothing in it, for the platform asked for. */
static int scratch(cli_session *s, const cli_list *platforms, picture *p, koc_error **err)
{
    const char *text = platforms->count > 0 ? platforms->items[0] : "linux/amd64";
    koc_buf storage = KOC_BUF_INIT;
    koc_platform platform = KOC_PLATFORM_INIT;
    koc_image_builder *b = NULL;
    int rc = platforms->count > 1
                 ? cli_refuse(err, "platform", "scratch is for one platform at a time")
                 : koc_platform_parse(text, &storage, &platform, err);
    p->images = calloc(2, sizeof(koc_image *));
    if (rc == KOC_OK && !p->images) {
        rc = cli_fail(err, KOC_ENOMEM, "out of memory");
    }
    rc = rc == KOC_OK ? koc_image_builder_new(s->ctx, NULL, &b, err) : rc;
    rc = rc == KOC_OK ? koc_image_builder_set_platform(b, &platform, err) : rc;
    rc = rc == KOC_OK ? koc_image_builder_finish(b, &s->op, &p->images[0], err) : rc;
    p->n = rc == KOC_OK ? 1 : 0;
    koc_image_builder_free(b);
    koc_buf_dispose(&storage);
    return rc;
}

static bool is_docker(const picture *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->images[i]) {
            const char *type = koc_image_descriptor(p->images[i])->media_type;
            return strcmp(type, KOC_MT_DOCKER_MANIFEST) == 0;
        }
    }
    return false;
}

/* What takes the place of its base cannot be put on a newer one: its name leads to itself. */
static bool is_same_place(const char *word, const cli_source *base)
{
    cli_source target = {0};
    bool same = false;
    if (cli_source_parse(word, 0, &target, NULL) == KOC_OK) {
        char *a = cli_source_text(&target);
        char *b = cli_source_text(base);
        same = a && b && strcmp(a, b) == 0;
        free(a);
        free(b);
    }
    cli_source_free(&target);
    return same;
}

static int append_all(cli_session *s, const change_options *o, const cli_list *words,
                      koc_error **err)
{
    picture p = {0};
    layers l = {0};
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_kv base[2];
    bool bare = !o->base || strcmp(o->base, "scratch") == 0;
    int rc = bare ? scratch(s, &o->edit.platforms, &p, err) : picture_open(s, o->base, &p, err);
    rc = rc == KOC_OK ? make_layers(s, o, words, is_docker(&p), &l, err) : rc;
    l.base = bare || is_same_place(o->edit.target, &p.place) ? NULL : &p.place.place;
    if (rc == KOC_OK && l.base) {
        base_annotations(l.base, &koc_source_descriptor(p.source)->digest, digest, base);
    }
    if (rc == KOC_OK) {
        rc = picture_edit(s, &p, &o->edit.platforms, append, &l, base, l.base ? 2 : 0, err);
    }
    rc = rc == KOC_OK ? picture_store(s, &p, &o->edit, err) : rc;
    layers_free(&l);
    picture_close(&p);
    return rc;
}

/* --- mutate --- */

typedef int (*pair_fn)(koc_image_builder *b, const char *key, const char *value, koc_error **err);

/* "key=value", or "key" alone for none. */
static int set_pairs(koc_image_builder *b, const cli_list *list, pair_fn fn, koc_error **err)
{
    int rc = KOC_OK;
    for (size_t i = 0; rc == KOC_OK && i < list->count; i++) {
        const char *word = list->items[i];
        const char *equals = strchr(word, '=');
        char *key = strndup(word, equals ? (size_t)(equals - word) : strlen(word));
        if (!key) {
            return cli_fail(err, KOC_ENOMEM, "out of memory");
        }
        rc = *key ? fn(b, key, equals ? equals + 1 : NULL, err)
                  : cli_fail(err, KOC_EINVAL, "\"%s\": there is no name in front of the =", word);
        free(key);
    }
    return rc;
}

/* A list that was given as "" is an empty one. */
static const char *const *argv_of(const cli_list *list)
{
    return list->count == 0 || (list->count == 1 && !list->items[0][0]) ? NULL
                                                                        : cli_list_argv(list);
}

static int set_argv(koc_image_builder *b, const change_options *o, koc_error **err)
{
    int rc = KOC_OK;
    if (o->entrypoint.items) {
        rc = koc_image_builder_set_entrypoint(b, argv_of(&o->entrypoint), err);
        /* As docker does: the words of the old command are nothing for the new program. */
        rc = rc == KOC_OK && !o->cmd.items ? koc_image_builder_set_cmd(b, NULL, err) : rc;
    }
    return rc == KOC_OK && o->cmd.items ? koc_image_builder_set_cmd(b, argv_of(&o->cmd), err) : rc;
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
    *out = (int64_t)timegm(&same); /* puts 31 April in order, and that is seen */
    if (got != 6 || n == 0 || text[n] || same.tm_mday != tm.tm_mday || same.tm_mon != tm.tm_mon ||
        same.tm_hour != tm.tm_hour || same.tm_min != tm.tm_min || same.tm_sec != tm.tm_sec) {
        return cli_refuse(err, "created", "\"%.100s\" is not a time like 2026-01-31T12:00:00Z",
                          text);
    }
    return KOC_OK;
}

/* Says which flag had the value that was refused. */
static int of_option(const char *option, int rc, koc_error **err)
{
    if (rc != KOC_EINVAL || !*err) {
        return rc;
    }
    koc_error *why = *err;
    *err = NULL;
    rc = cli_refuse(err, option, "%s", koc_error_message(why));
    koc_error_free(why);
    return rc;
}

static int set_rest(koc_image_builder *b, const change_options *o, koc_error **err)
{
    koc_buf storage = KOC_BUF_INIT;
    koc_platform platform = KOC_PLATFORM_INIT;
    int64_t created = 0;
    int rc = o->user ? koc_image_builder_set_str(b, KOC_CFG_USER, o->user, err) : KOC_OK;
    rc = of_option("user", rc, err);
    if (rc == KOC_OK && o->workdir) {
        rc = koc_image_builder_set_str(b, KOC_CFG_WORKDIR, o->workdir, err);
        rc = of_option("workdir", rc, err);
    }
    for (size_t i = 0; rc == KOC_OK && i < o->ports.count; i++) {
        rc = koc_image_builder_add_str(b, KOC_CFG_PORT, o->ports.items[i], err);
        rc = of_option("exposed_port", rc, err);
    }
    if (rc == KOC_OK && o->platform) {
        rc = koc_platform_parse(o->platform, &storage, &platform, err);
        rc = rc == KOC_OK ? koc_image_builder_set_platform(b, &platform, err) : rc;
    }
    if (rc == KOC_OK && o->created) {
        rc = read_time(o->created, &created, err);
        rc = rc == KOC_OK ? koc_image_builder_set_created(b, created, err) : rc;
    }
    koc_buf_dispose(&storage);
    return rc;
}

static int mutate(cli_session *s, koc_image *old, void *payload, koc_image **out, koc_error **err)
{
    const change_options *o = payload;
    koc_image_builder *b = NULL;
    int rc = koc_image_builder_new(s->ctx, old, &b, err);
    rc = rc == KOC_OK ? set_pairs(b, &o->env, koc_image_builder_set_env, err) : rc;
    rc = rc == KOC_OK ? set_pairs(b, &o->labels, koc_image_builder_set_label, err) : rc;
    rc = rc == KOC_OK ? set_pairs(b, &o->annotations, koc_image_builder_set_annotation, err) : rc;
    rc = rc == KOC_OK ? set_argv(b, o, err) : rc;
    rc = rc == KOC_OK ? set_rest(b, o, err) : rc;
    rc = rc == KOC_OK ? koc_image_builder_finish(b, &s->op, out, err) : rc;
    koc_image_builder_free(b);
    return rc;
}

/* The annotations once more, for the index. The keys are to be freed. */
static int index_annotations(const cli_list *list, koc_kv **out, koc_error **err)
{
    koc_kv *kv = calloc(list->count + 1, sizeof(*kv));
    for (size_t i = 0; kv && i < list->count; i++) {
        const char *equals = strchr(list->items[i], '=');
        size_t len = equals ? (size_t)(equals - list->items[i]) : strlen(list->items[i]);
        kv[i] = (koc_kv){strndup(list->items[i], len), equals ? equals + 1 : NULL};
    }
    *out = kv;
    return kv ? KOC_OK : cli_fail(err, KOC_ENOMEM, "out of memory");
}

static void free_annotations(koc_kv *kv)
{
    for (size_t i = 0; kv && kv[i].key; i++) {
        free((void *)(uintptr_t)kv[i].key);
    }
    free(kv);
}

static int mutate_all(cli_session *s, const change_options *o, const char *word, koc_error **err)
{
    picture p = {0};
    koc_kv *annotations = NULL;
    int rc = picture_open(s, word, &p, err);
    rc = rc == KOC_OK ? index_annotations(&o->annotations, &annotations, err) : rc;
    if (rc == KOC_OK) {
        rc = picture_edit(s, &p, &o->edit.platforms, mutate, (void *)(uintptr_t)o, annotations,
                          o->annotations.count, err);
    }
    rc = rc == KOC_OK ? picture_store(s, &p, &o->edit, err) : rc;
    free_annotations(annotations);
    picture_close(&p);
    return rc;
}

/* --- commands --- */

static int finish(cli *c, cli_session *s, change_options *o, int rc, koc_error *err)
{
    int code = rc == KOC_OK ? cli_finish_stdout(c, EXIT_OK) : cli_error(c, err);
    koc_error_free(err);
    cli_session_close(s);
    cli_list *lists[] = {&o->tars,       &o->env, &o->labels, &o->annotations,
                         &o->entrypoint, &o->cmd, &o->ports};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        cli_list_free(lists[i]);
    }
    edit_flags_free(&o->edit);
    return code;
}

static int run_append(cli *c, void *options, const cli_list *args)
{
    change_options *o = options;
    cli_session session = {0};
    koc_error *err = NULL;
    if (args->count + o->tars.count == 0 || !o->edit.target) {
        return cli_usage(c, o->edit.target ? "koc append: there is nothing to append"
                                           : "koc append needs -t DST");
    }
    int rc = cli_session_open(c, &o->edit.client, 0, &session, &err);
    rc = rc == KOC_OK ? append_all(&session, o, args, &err) : rc;
    return finish(c, &session, o, rc, err);
}

static int run_mutate(cli *c, void *options, const cli_list *args)
{
    change_options *o = options;
    cli_session session = {0};
    koc_error *err = NULL;
    if (args->count != 1) {
        return cli_usage(c, "koc mutate takes one image, got %zu", args->count);
    }
    int rc = cli_session_open(c, &o->edit.client, 0, &session, &err);
    rc = rc == KOC_OK ? mutate_all(&session, o, args->items[0], &err) : rc;
    return finish(c, &session, o, rc, err);
}

static const cli_example append_examples[] = {
    {"koc append -b registry.example/base:1 -t registry.example/app:1 ./app:/usr/bin/app www:/srv/www",
     "a program and a folder on a base"},
    {"koc append --tar rootfs.tar.gz -t oci:out:app", "an image of nothing but a tar file"},
    {NULL, NULL},
};
const cli_command cli_append = {
    .name = "append",
    .group = "Images",
    .usage = "koc append [flags] -t DST [PATH[:DEST]...]",
    .summary = "add files or tar files to an image as layers",
    .description =
        "Puts layers on a base: one for each --tar, and one with all PATHs. Of an index each "
        "platform gets them.",
    .more =
        "PATH is a file or folder; it goes to DEST, or to the root under its own name. Files have the\n"
        "owner 0:0, the modes 0755 or 0644 and the time of $SOURCE_DATE_EPOCH, else 1970, so that the\n"
        "same files make the same layer. What is not changed keeps its bytes.\n",
    .examples = append_examples,
    .flags = append_flags,
    .complete = CLI_FILES,
    .options_size = sizeof(change_options),
    .run = run_append,
};

static const cli_example mutate_examples[] = {
    {"koc mutate -e LOG=debug --entrypoint=/app,serve -t registry.example/app:2 registry.example/app:1",
     "another variable and entrypoint, under another tag"},
    {"koc mutate -a org.opencontainers.image.source=https://example.com/app oci:out:app",
     "an annotation, in place"},
    {NULL, NULL},
};
const cli_command cli_mutate = {
    .name = "mutate",
    .group = "Images",
    .usage = "koc mutate [flags] IMAGE",
    .summary = "change the settings of an image",
    .description =
        "Changes configuration and annotations of an image, or of each image of an index. "
        "Layers and all else stay as they are.",
    .more =
        "Without -t the new image takes the place of the old one: its tag, or its name in a layout.\n",
    .examples = mutate_examples,
    .flags = mutate_flags,
    .options_size = sizeof(change_options),
    .run = run_mutate,
};
