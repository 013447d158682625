/* Reads, changes and writes an image or every image of an index. */
#include "commands/cmd_edit_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/cmd_inspect_common.h"
#include "term/json_output.h"

/* --- reading --- */

/* BuildKit's attestations look like images for the platform unknown/unknown. */
static bool is_attestation(const koc_descriptor *d)
{
    return d->platform && d->platform->os && strcmp(d->platform->os, "unknown") == 0;
}

static int read_entry(cli_session *s, edited *e, size_t i, koc_error **err)
{
    const koc_descriptor *d = koc_index_get(e->index, i);
    CLI_AUTO(koc_error) why = NULL;
    if (is_index_type(d->media_type) && !is_attestation(d)) {
        return cli_fail(err, KOC_EUNSUPPORTED,
                        "cannot change an index in an index: name the inner one by digest");
    }
    int rc = is_attestation(d) || !is_manifest_type(d->media_type)
                 ? KOC_EUNSUPPORTED
                 : koc_source_get_image_by(e->source, &d->digest, &s->op, &e->images[i], &why);
    if (rc == KOC_EUNSUPPORTED) {
        e->skipped++;
        return KOC_OK;
    }
    if (rc != KOC_OK) {
        *err = why;
        why = NULL;
    }
    return rc;
}

int edited_open(cli_session *s, const char *word, edited *out, koc_error **err)
{
    *out = (edited){0};
    CLI_TRY(cli_source_parse(word, 0, &out->place, err));
    CLI_TRY(koc_source_open(s->ctx, s->client, &out->place.place, &s->op, &out->source, err));
    const koc_descriptor *top = koc_source_descriptor(out->source);
    if (is_index_type(top->media_type)) {
        CLI_TRY(koc_index_from_bytes(s->ctx, koc_source_manifest(out->source), &out->index, err));
    }
    size_t n = out->index ? koc_index_count(out->index) : 1;
    out->images = calloc(n + 1, sizeof(koc_image *));
    if (!out->images) {
        return cli_fail_memory(err);
    }
    out->n = n;
    if (!out->index) {
        return koc_source_get_image_by(out->source, &top->digest, &s->op, &out->images[0], err);
    }
    for (size_t i = 0; i < n; i++) {
        CLI_TRY(read_entry(s, out, i, err));
    }
    return KOC_OK;
}

void edited_close(edited *e)
{
    for (size_t i = 0; i < e->n; i++) {
        koc_image_unref(e->images[i]);
    }
    free(e->images);
    koc_index_unref(e->index);
    koc_source_free(e->source);
    cli_source_free(&e->place);
    *e = (edited){0};
}

/* --- changing --- */

void base_annotations(const koc_place *place, const koc_digest *d, char digest[KOC_DIGEST_TEXT_MAX],
                      koc_kv out[2])
{
    (void)koc_digest_format(d, digest, KOC_DIGEST_TEXT_MAX, NULL);
    out[0] = (koc_kv){BASE_DIGEST, digest};
    out[1] = (koc_kv){BASE_NAME, NULL};
    if (place->kind == KOC_PLACE_REGISTRY) {
        out[1].value = koc_reference_string(place->reference);
    }
}

/* word is "all" or a platform. *matches: whether it selects have. */
static int match_platform(const char *word, const koc_platform *have, bool *matches,
                          koc_error **err)
{
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_platform want = KOC_PLATFORM_INIT;
    *matches = strcmp(word, "all") == 0;
    if (!*matches) {
        CLI_TRY(koc_platform_parse(word, &storage, &want, err));
        *matches = koc_platform_matches(&want, have);
    }
    return KOC_OK;
}

static bool is_wanted(const cli_list *platforms, const koc_platform *have)
{
    bool found = platforms->count == 0;
    for (size_t i = 0; i < platforms->count && !found; i++) {
        (void)match_platform(platforms->items[i], have, &found, NULL);
    }
    return found;
}

static int check_platforms(const edited *e, const cli_list *platforms, koc_error **err)
{
    for (size_t i = 0; i < platforms->count; i++) {
        bool found = false;
        for (size_t k = 0; k < e->n && !found; k++) {
            if (e->images[k]) {
                CLI_TRY(match_platform(platforms->items[i], koc_image_platform(e->images[k]),
                                       &found, err));
            }
        }
        if (!found && strcmp(platforms->items[i], "all") != 0) {
            return cli_fail(err, KOC_EPLATFORM, "there is no image for %s", platforms->items[i]);
        }
    }
    return KOC_OK;
}

/* Only those who run an unchanged platform would notice that it was not changed. */
static void warn_of_unchanged(const cli_session *s, const edited *e, const cli_list *platforms)
{
    char names[512] = "";
    size_t len = 0;
    for (size_t i = 0; e->index && i < e->n; i++) {
        CLI_AUTO_VAL(koc_buf) name = KOC_BUF_INIT;
        const koc_platform *have = e->images[i] ? koc_image_platform(e->images[i]) : NULL;
        if (have && !is_wanted(platforms, have) && len < sizeof(names) - 1 &&
            koc_platform_format(have, &name, NULL) == KOC_OK) {
            len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
                                    name.ptr);
        }
    }
    if (len > 0) {
        cli_warn(s->c, "not changed: %s (--platform)", names);
    }
}

int edited_apply(cli_session *s, edited *e, const edit_change *change, koc_error **err)
{
    CLI_TRY(check_platforms(e, change->platforms, err));
    warn_of_unchanged(s, e, change->platforms);
    for (size_t i = 0; i < e->n; i++) {
        koc_image *new = NULL;
        if (!e->images[i] || !is_wanted(change->platforms, koc_image_platform(e->images[i]))) {
            continue;
        }
        CLI_TRY(change->fn(s, e->images[i], change->payload, &new, err));
        koc_image_unref(e->images[i]);
        e->images[i] = new;
    }
    if (!e->index) {
        return KOC_OK;
    }
    koc_index *index = NULL;
    CLI_TRY(
        koc_index_with_images(e->index, e->images, change->annotations, change->n, &index, err));
    koc_index_unref(e->index);
    e->index = index;
    if (e->skipped > 0) {
        cli_warn(s->c,
                 "dropped %zu entr%s of the index about the old images (attestations and the like)",
                 e->skipped, e->skipped == 1 ? "y" : "ies");
    }
    return KOC_OK;
}

/* --- writing --- */

static const koc_descriptor *descriptor_of(const edited *e)
{
    return e->index ? koc_index_descriptor(e->index) : koc_image_descriptor(e->images[0]);
}

static int push(cli_session *s, const edited *e, koc_reference *ref, koc_error **err)
{
    koc_digest digest;
    return e->index
               ? koc_client_push_index(s->client, ref, e->index, NULL, &s->op, &digest, err)
               : koc_client_push_image(s->client, ref, e->images[0], NULL, &s->op, &digest, err);
}

static int store_in_registry(cli_session *s, const edited *e, const koc_place *to, koc_error **err)
{
    CLI_AUTO(koc_reference) ref = NULL;
    bool bare = !koc_reference_tag(to->reference) && !koc_reference_digest(to->reference);
    CLI_TRY(bare ? koc_reference_with_tag(to->reference, "latest", &ref, err)
                 : koc_reference_with_digest(to->reference, NULL, &ref, err));
    return push(s, e, ref, err);
}

static int store_in_layout(cli_session *s, const edited *e, const char *dir, const char *name,
                           koc_error **err)
{
    CLI_AUTO(koc_layout) layout = NULL;
    CLI_TRY(koc_layout_open(s->ctx, dir, KOC_LAYOUT_CREATE, &layout, err));
    return e->index ? koc_layout_put_index(layout, e->index, name, &s->op, err)
                    : koc_layout_put_image(layout, e->images[0], name, &s->op, err);
}

static int store(cli_session *s, const edited *e, const koc_place *to, koc_error **err)
{
    switch (to->kind) {
    case KOC_PLACE_REGISTRY: return store_in_registry(s, e, to, err);
    case KOC_PLACE_LAYOUT: return store_in_layout(s, e, to->path, to->name, err);
    default:
        return cli_fail(err, KOC_EUNSUPPORTED,
                        "cannot write to an archive: write to a layout (oci:DIR) and use koc copy");
    }
}

/* "registry.example/app@sha256:…", "oci:DIR@sha256:…" */
static int format_name(const koc_place *at, const koc_digest *digest, char *out, size_t size,
                       koc_error **err)
{
    char text[KOC_DIGEST_TEXT_MAX];
    CLI_TRY(koc_digest_format(digest, text, sizeof(text), err));
    if (at->kind == KOC_PLACE_REGISTRY) {
        snprintf(out, size, "%s/%s@%s", koc_reference_registry(at->reference),
                 koc_reference_repository(at->reference), text);
    } else {
        snprintf(out, size, "oci:%s@%s", at->path, text);
    }
    return KOC_OK;
}

static void print_json(const edited *e, const char *name)
{
    const koc_descriptor *d = descriptor_of(e);
    cli_json_open(NULL, '{');
    cli_json_text("schema", "koc-edit-1");
    cli_json_text("reference", name);
    cli_json_digest("digest", &d->digest);
    cli_json_text("mediaType", d->media_type);
    cli_json_open("images", '[');
    for (size_t i = 0; i < e->n; i++) {
        CLI_AUTO_VAL(koc_buf) platform = KOC_BUF_INIT;
        if (e->images[i] &&
            koc_platform_format(koc_image_platform(e->images[i]), &platform, NULL) == KOC_OK) {
            cli_json_open(NULL, '{');
            cli_json_text("platform", platform.ptr);
            cli_json_digest("digest", &koc_image_descriptor(e->images[i])->digest);
            cli_json_digest("config", &koc_image_config_descriptor(e->images[i])->digest);
            cli_json_number("layers", koc_image_layer_count(e->images[i]));
            cli_json_close('}');
        }
    }
    cli_json_close(']');
    cli_json_close('}');
}

int edited_store(cli_session *s, edited *e, const edit_flags *f, koc_error **err)
{
    char name[4096];
    CLI_AUTO_VAL(cli_source) target = {0};
    const koc_place *to = &e->place.place;
    if (f->target) {
        CLI_TRY(cli_source_parse(f->target, 0, &target, err));
        to = &target.place;
    }
    (void)cli_session_start(s);
    int rc = store(s, e, to, err);
    cli_session_settle(s);
    CLI_TRY(rc);
    CLI_TRY(format_name(to, &descriptor_of(e)->digest, name, sizeof(name), err));
    if (f->json) {
        print_json(e, name);
    } else {
        printf("%s\n", name);
    }
    return KOC_OK;
}
