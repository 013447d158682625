/* koc inspect: what an image is made of, for people and as JSON. */
#include "commands/cmd_inspect_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <koc/layer.h>

#include "term/fit_line.h"

enum { DEPTH_MAX = 6, LABEL = 17 };

static const cli_flag flags[] = {
    {"platform", 0, CLI_STRING, offsetof(look_options, platform), "PLATFORM", "What",
     "only this image of an index", CLI_PLATFORMS},
    {"json", 0, CLI_BOOL, offsetof(look_options, json), NULL, "Results",
     "print one JSON document (docs/json.md)"},
    CLIENT_FLAG_ROWS(look_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

/* --- lines --- */

static void digest_line(const char *label, const koc_digest *d, const char *after)
{
    char text[KOC_DIGEST_TEXT_MAX], line[512];
    snprintf(line, sizeof(line), "%s%s%s", label, fit_digest(d, text), after);
    fit_cut(line);
}

/* JSON, but a text without its quotes. */
static void print_value(const char *label, const koc_buf *value)
{
    bool text = value->len >= 2 && value->ptr[0] == '"';
    printf("    %-12s ", label);
    fit_value(value->ptr + (text ? 1 : 0), text ? value->len - 2 : value->len, LABEL);
}

/* A member of the config, when it is there and says something. */
static void config_line(const koc_image *img, const char *label, const char *pointer)
{
    koc_buf value = KOC_BUF_INIT;
    if (koc_image_config_get(img, pointer, &value, NULL) == KOC_OK &&
        strcmp(value.ptr, "null") != 0 && strcmp(value.ptr, "\"\"") != 0 &&
        strcmp(value.ptr, "{}") != 0 && strcmp(value.ptr, "[]") != 0) {
        print_value(label, &value);
    }
    koc_buf_dispose(&value);
}

static void config_list(const koc_image *img, const char *label, const char *pointer)
{
    char at[128];
    koc_buf value = KOC_BUF_INIT;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(at, sizeof(at), "%s/%u", pointer, i);
        if (koc_image_config_get(img, at, &value, NULL) != KOC_OK) {
            break;
        }
        print_value(i == 0 ? label : "", &value);
    }
    koc_buf_dispose(&value);
}

static bool is_empty_step(const koc_image *img, unsigned i, koc_buf *value)
{
    char at[64];
    snprintf(at, sizeof(at), "/history/%u/empty_layer", i);
    return koc_image_config_get(img, at, value, NULL) == KOC_OK && strcmp(value->ptr, "true") == 0;
}

static void history_line(const char *label, const char *number, const koc_buf *step)
{
    size_t size = step->len + 64;
    char *line = malloc(size);
    if (line) {
        snprintf(line, size, "    %-12s %3s  %.*s", label, number, (int)(step->len - 2),
                 step->ptr + 1);
        fit_cut(line);
    }
    free(line);
}

/* The steps that say what they did, with the number of the layer that came of each. */
static void history_lines(const koc_image *img)
{
    char at[64];
    koc_buf value = KOC_BUF_INIT;
    const char *label = "history";
    size_t layer = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char number[24] = "-";
        snprintf(at, sizeof(at), "/history/%u", i);
        if (koc_image_config_get(img, at, &value, NULL) != KOC_OK) {
            break;
        }
        if (!is_empty_step(img, i, &value)) {
            snprintf(number, sizeof(number), "%zu", ++layer);
        }
        snprintf(at, sizeof(at), "/history/%u/created_by", i);
        if (koc_image_config_get(img, at, &value, NULL) == KOC_OK && value.len > 2) {
            history_line(label, number, &value);
            label = "";
        }
    }
    koc_buf_dispose(&value);
}

static void layer_lines(const koc_image *img)
{
    char size[24], text[KOC_DIGEST_TEXT_MAX], line[512];
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(img, i));
        snprintf(line, sizeof(line), "    %-12s %3zu  %s  %9s  %s", i == 0 ? "layers" : "", i + 1,
                 fit_digest(&d->digest, text), cli_size(d->size, size), d->media_type);
        fit_cut(line);
    }
}

static void image_lines(const koc_image *img)
{
    koc_buf name = KOC_BUF_INIT;
    uint64_t total = koc_image_config_descriptor(img)->size;
    char size[24];
    const koc_platform *p = koc_image_platform(img);
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        total += koc_layer_descriptor(koc_image_layer(img, i))->size;
    }
    bool named = p && koc_platform_format(p, &name, NULL) == KOC_OK && name.len > 0;
    printf("  %s, %zu layer%s, %s\n", named ? name.ptr : "no platform", koc_image_layer_count(img),
           koc_image_layer_count(img) == 1 ? "" : "s", cli_size(total, size));
    digest_line("    digest       ", &koc_image_descriptor(img)->digest, "");
    digest_line("    config       ", &koc_image_config_descriptor(img)->digest, "");
    config_line(img, "created", "/created");
    config_line(img, "author", "/author");
    config_line(img, "user", "/config/User");
    config_line(img, "workdir", "/config/WorkingDir");
    config_line(img, "entrypoint", "/config/Entrypoint");
    config_line(img, "cmd", "/config/Cmd");
    config_line(img, "ports", "/config/ExposedPorts");
    config_line(img, "volumes", "/config/Volumes");
    config_list(img, "env", "/config/Env");
    config_line(img, "labels", "/config/Labels");
    layer_lines(img);
    history_lines(img);
    koc_buf_dispose(&name);
}

/* --- the tree --- */

typedef struct walk {
    const look *l;
    const koc_platform *want; /* or NULL */
} walk;

static int one_image(walk *w, const koc_digest *d, koc_error **err)
{
    koc_image *img = NULL;
    koc_error *why = NULL;
    int rc = koc_source_get_image_by(w->l->source, d, &w->l->session->op, &img, &why);
    if (rc == KOC_EUNSUPPORTED) {
        digest_line("  artifact ", d, "");
        koc_error_free(why);
        return KOC_OK;
    }
    if (rc != KOC_OK) {
        *err = why;
        return rc;
    }
    if (!w->want ||
        (koc_image_platform(img) && koc_platform_matches(w->want, koc_image_platform(img)))) {
        image_lines(img);
    }
    koc_image_unref(img);
    return KOC_OK;
}

static bool is_index(const char *media_type)
{
    return media_type && (strcmp(media_type, KOC_MT_OCI_INDEX) == 0 ||
                          strcmp(media_type, KOC_MT_DOCKER_LIST) == 0);
}

static bool is_manifest(const char *media_type)
{
    return media_type && (strcmp(media_type, KOC_MT_OCI_MANIFEST) == 0 ||
                          strcmp(media_type, KOC_MT_DOCKER_MANIFEST) == 0);
}

static int tree(walk *w, koc_str bytes, int depth, koc_error **err)
{
    koc_index *idx = NULL;
    int rc = koc_index_from_bytes(w->l->session->ctx, bytes, &idx, err);
    for (size_t i = 0; rc == KOC_OK && i < koc_index_count(idx); i++) {
        const koc_descriptor *d = koc_index_get(idx, i);
        koc_buf child = KOC_BUF_INIT;
        bool unknown = d->platform && d->platform->os && strcmp(d->platform->os, "unknown") == 0;
        if (is_index(d->media_type) && depth >= DEPTH_MAX) {
            rc = cli_fail(err, KOC_ELIMIT, "indexes are nested more than 6 deep");
        } else if (is_index(d->media_type)) {
            rc = koc_source_get_manifest(w->l->source, &d->digest, &w->l->session->op, &child, NULL,
                                         err);
            rc = rc == KOC_OK ? tree(w, (koc_str){child.ptr, child.len}, depth + 1, err) : rc;
        } else if (unknown && !w->want) {
            digest_line("  attestation ", &d->digest, "");
        } else if (!unknown && !is_manifest(d->media_type)) {
            char after[200];
            snprintf(after, sizeof(after), "  %s", d->media_type ? d->media_type : "");
            digest_line("  artifact ", &d->digest, after);
        } else if (!unknown) {
            rc = one_image(w, &d->digest, err);
        }
        koc_buf_dispose(&child);
    }
    koc_index_unref(idx);
    return rc;
}

static int referrer_lines(const look *l, koc_error **err)
{
    koc_index *list = NULL;
    const koc_descriptor *top = koc_source_descriptor(l->source);
    int rc = koc_source_list_referrers(l->source, &top->digest, NULL, &l->session->op, &list, err);
    for (size_t i = 0; rc == KOC_OK && i < koc_index_count(list); i++) {
        const koc_descriptor *d = koc_index_get(list, i);
        char after[200];
        snprintf(after, sizeof(after), "  %s", d->artifact_type ? d->artifact_type : "");
        digest_line("  referrer ", &d->digest, after);
    }
    koc_index_unref(list);
    return rc;
}

/* Before anything is printed, with the names of those that are there. */
static int check_platform(const look *l, const koc_platform *want, koc_error **err)
{
    koc_image *img = NULL;
    koc_buf have = KOC_BUF_INIT;
    int rc = koc_source_get_image(l->source, want, &l->session->op, &img, err);
    const koc_platform *p = rc == KOC_OK ? koc_image_platform(img) : NULL;
    if (rc == KOC_OK && !(p && koc_platform_matches(want, p))) {
        bool named = p && koc_platform_format(p, &have, NULL) == KOC_OK;
        rc = cli_fail(err, KOC_EPLATFORM, "%.300s is an image for %.100s alone", l->name,
                      named ? have.ptr : "no platform");
    }
    koc_buf_dispose(&have);
    koc_image_unref(img);
    return rc;
}

static int for_people(const look *l, const koc_platform *want, koc_error **err)
{
    const koc_descriptor *top = koc_source_descriptor(l->source);
    walk w = {l, want};
    char after[160];
    printf("%s\n", l->name);
    snprintf(after, sizeof(after), "  %s", top->media_type);
    digest_line("  ", &top->digest, after);
    int rc = is_index(top->media_type) ? tree(&w, koc_source_manifest(l->source), 0, err)
                                       : one_image(&w, &top->digest, err);
    return rc == KOC_OK ? referrer_lines(l, err) : rc;
}

static int inspect(const look *l, koc_error **err)
{
    const look_options *o = l->options;
    koc_platform want = KOC_PLATFORM_INIT;
    koc_buf storage = KOC_BUF_INIT, json = KOC_BUF_INIT;
    int rc = o->platform ? koc_platform_parse(o->platform, &storage, &want, err) : KOC_OK;
    const koc_platform *p = o->platform ? &want : NULL;
    if (rc == KOC_OK && p) {
        rc = check_platform(l, p, err);
    }
    if (rc == KOC_OK && o->json) {
        rc = koc_source_inspect(l->source, p, &l->session->op, &json, err);
    } else if (rc == KOC_OK) {
        rc = for_people(l, p, err);
    }
    if (json.ptr) {
        fwrite(json.ptr, 1, json.len, stdout);
        putchar('\n');
    }
    koc_buf_dispose(&storage);
    koc_buf_dispose(&json);
    return rc;
}

static int run(cli *c, void *options, const cli_list *args)
{
    return look_each(c, options, args, inspect);
}

static const cli_example examples[] = {
    {"koc inspect registry.example/app:1", "platforms, layers, settings, history, referrers"},
    {"koc inspect --json oci:out | jq '.images[].platform'", "for programs"},
    {NULL, NULL},
};
const cli_command cli_inspect = {
    .name = "inspect",
    .group = "Images",
    .usage = "koc inspect [flags] SRC...",
    .summary = "say what images are made of",
    .description = "Shows manifests, platforms, layers, sizes, settings, history and referrers of "
                   "an image or index. No layer is fetched. A terminal gets short digests; a pipe, "
                   "--json and koc digest have whole ones.",
    .more = look_places,
    .examples = examples,
    .complete = CLI_FILES,
    .flags = flags,
    .options_size = sizeof(look_options),
    .run = run,
};
