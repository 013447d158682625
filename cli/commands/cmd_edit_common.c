#include "commands/cmd_edit_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <koc/ext/edit.h>
#include <koc/store.h>

#include "term/json_output.h"

void edit_flags_free(edit_flags *f)
{
    cli_list_free(&f->platforms);
    client_flags_free(&f->client);
}

/* --- reading --- */

static bool is_index(const char *type)
{
    return strcmp(type, KOC_MT_OCI_INDEX) == 0 || strcmp(type, KOC_MT_DOCKER_LIST) == 0;
}

static bool is_manifest(const char *type)
{
    return strcmp(type, KOC_MT_OCI_MANIFEST) == 0 || strcmp(type, KOC_MT_DOCKER_MANIFEST) == 0;
}

/* BuildKit's attestations have the form of images, for the platform unknown/unknown. */
static bool is_attestation(const koc_descriptor *d)
{
    return d->platform && d->platform->os && strcmp(d->platform->os, "unknown") == 0;
}

static int read_images(cli_session *s, picture *p, koc_error **err)
{
    size_t n = koc_index_count(p->index);
    p->images = calloc(n + 1, sizeof(koc_image *));
    if (!p->images) {
        return cli_fail(err, KOC_ENOMEM, "out of memory");
    }
    p->n = n;
    for (size_t i = 0; i < n; i++) {
        const koc_descriptor *d = koc_index_get(p->index, i);
        koc_error *why = NULL;
        if (is_attestation(d) || (!is_index(d->media_type) && !is_manifest(d->media_type))) {
            p->left_out++;
            continue;
        }
        if (is_index(d->media_type)) {
            return cli_fail(err, KOC_EUNSUPPORTED,
                            "cannot change an index in an index: name the inner one by digest");
        }
        int rc = koc_source_get_image_by(p->source, &d->digest, &s->op, &p->images[i], &why);
        if (rc == KOC_EUNSUPPORTED) {
            p->left_out++;
            koc_error_free(why);
        } else if (rc != KOC_OK) {
            *err = why;
            return rc;
        }
    }
    return KOC_OK;
}

int picture_open(cli_session *s, const char *word, picture *out, koc_error **err)
{
    *out = (picture){0};
    int rc = cli_source_parse(word, 0, &out->place, err);
    if (rc == KOC_OK) {
        rc = koc_source_open(s->ctx, s->client, &out->place.place, &s->op, &out->source, err);
    }
    if (rc == KOC_OK && is_index(koc_source_descriptor(out->source)->media_type)) {
        rc = koc_index_from_bytes(s->ctx, koc_source_manifest(out->source), &out->index, err);
        return rc == KOC_OK ? read_images(s, out, err) : rc;
    }
    if (rc == KOC_OK) {
        out->images = calloc(2, sizeof(koc_image *));
        rc = out->images
                 ? koc_source_get_image_by(out->source, &koc_source_descriptor(out->source)->digest,
                                           &s->op, &out->images[0], err)
                 : cli_fail(err, KOC_ENOMEM, "out of memory");
        out->n = rc == KOC_OK ? 1 : 0;
    }
    return rc;
}

void picture_close(picture *p)
{
    for (size_t i = 0; i < p->n; i++) {
        koc_image_unref(p->images[i]);
    }
    free(p->images);
    koc_index_unref(p->index);
    koc_source_free(p->source);
    cli_source_free(&p->place);
    *p = (picture){0};
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

bool picture_wanted(const cli_list *platforms, const koc_platform *have)
{
    if (platforms->count == 0) {
        return true;
    }
    bool found = false;
    for (size_t i = 0; i < platforms->count && !found; i++) {
        koc_buf storage = KOC_BUF_INIT;
        koc_platform want = KOC_PLATFORM_INIT;
        found = strcmp(platforms->items[i], "all") == 0 ||
                (koc_platform_parse(platforms->items[i], &storage, &want, NULL) == KOC_OK &&
                 koc_platform_matches(&want, have));
        koc_buf_dispose(&storage);
    }
    return found;
}

static int check_platforms(const picture *p, const cli_list *platforms, koc_error **err)
{
    for (size_t i = 0; i < platforms->count; i++) {
        koc_buf storage = KOC_BUF_INIT;
        koc_platform want = KOC_PLATFORM_INIT;
        bool found = strcmp(platforms->items[i], "all") == 0;
        int rc = found ? KOC_OK : koc_platform_parse(platforms->items[i], &storage, &want, err);
        for (size_t k = 0; rc == KOC_OK && k < p->n && !found; k++) {
            found = p->images[k] && koc_platform_matches(&want, koc_image_platform(p->images[k]));
        }
        koc_buf_dispose(&storage);
        if (rc == KOC_OK && !found) {
            rc = cli_fail(err, KOC_EPLATFORM, "there is no image for %s", platforms->items[i]);
        }
        if (rc != KOC_OK) {
            return rc;
        }
    }
    return KOC_OK;
}

/* A part of an index that stays behind is seen only by those who run it. */
static void warn_of_kept(const cli_session *s, const picture *p, const cli_list *platforms)
{
    char names[512] = "";
    size_t len = 0;
    for (size_t i = 0; p->index && i < p->n; i++) {
        koc_buf name = KOC_BUF_INIT;
        const koc_platform *have = p->images[i] ? koc_image_platform(p->images[i]) : NULL;
        if (have && !picture_wanted(platforms, have) && len < sizeof(names) - 1 &&
            koc_platform_format(have, &name, NULL) == KOC_OK) {
            len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
                                    name.ptr);
        }
        koc_buf_dispose(&name);
    }
    if (len > 0) {
        cli_warn(s->c, "not changed: %s (--platform)", names);
    }
}

int picture_edit(cli_session *s, picture *p, const cli_list *platforms, edit_fn fn, void *payload,
                 const koc_kv *index_annotations, size_t n, koc_error **err)
{
    int rc = check_platforms(p, platforms, err);
    if (rc == KOC_OK) {
        warn_of_kept(s, p, platforms);
    }
    for (size_t i = 0; rc == KOC_OK && i < p->n; i++) {
        koc_image *new = NULL;
        if (!p->images[i] || !picture_wanted(platforms, koc_image_platform(p->images[i]))) {
            continue;
        }
        rc = fn(s, p->images[i], payload, &new, err);
        if (rc == KOC_OK) {
            koc_image_unref(p->images[i]);
            p->images[i] = new;
        }
    }
    if (rc != KOC_OK || !p->index) {
        return rc;
    }
    koc_index *index = NULL;
    rc = koc_index_with_images(p->index, p->images, index_annotations, n, &index, err);
    if (rc == KOC_OK) {
        koc_index_unref(p->index);
        p->index = index;
    }
    if (rc == KOC_OK && p->left_out > 0) {
        cli_warn(s->c, "left out %zu of the index that are no images: they are about the old ones",
                 p->left_out);
    }
    return rc;
}

/* --- writing --- */

static const koc_descriptor *descriptor_of(const picture *p)
{
    return p->index ? koc_index_descriptor(p->index) : koc_image_descriptor(p->images[0]);
}

static int push(cli_session *s, const picture *p, koc_reference *ref, koc_error **err)
{
    koc_digest digest;
    return p->index
               ? koc_client_push_index(s->client, ref, p->index, NULL, &s->op, &digest, err)
               : koc_client_push_image(s->client, ref, p->images[0], NULL, &s->op, &digest, err);
}

static int store_in_registry(cli_session *s, const picture *p, const koc_place *to, koc_error **err)
{
    koc_reference *ref = NULL;
    bool bare = !koc_reference_tag(to->reference) && !koc_reference_digest(to->reference);
    int rc = bare ? koc_reference_with_tag(to->reference, "latest", &ref, err)
                  : koc_reference_with_digest(to->reference, NULL, &ref, err);
    rc = rc == KOC_OK ? push(s, p, ref, err) : rc;
    koc_reference_unref(ref);
    return rc;
}

static int store_in_layout(cli_session *s, const picture *p, const char *dir, const char *name,
                           koc_error **err)
{
    koc_layout *layout = NULL;
    int rc = koc_layout_open(s->ctx, dir, KOC_LAYOUT_CREATE, &layout, err);
    if (rc == KOC_OK) {
        rc = p->index ? koc_layout_put_index(layout, p->index, name, &s->op, err)
                      : koc_layout_put_image(layout, p->images[0], name, &s->op, err);
    }
    koc_layout_unref(layout);
    return rc;
}

static int store(cli_session *s, const picture *p, const koc_place *to, koc_error **err)
{
    switch (to->kind) {
    case KOC_PLACE_REGISTRY: return store_in_registry(s, p, to, err);
    case KOC_PLACE_LAYOUT: return store_in_layout(s, p, to->path, to->name, err);
    default:
        return cli_fail(err, KOC_EUNSUPPORTED,
                        "cannot write to an archive: write to a layout (oci:DIR), then koc copy");
    }
}

/* "registry.example/app@sha256:…", "oci:DIR@sha256:…" */
static int name_of(const koc_place *at, const koc_digest *digest, char *out, size_t size,
                   koc_error **err)
{
    char text[KOC_DIGEST_TEXT_MAX];
    int rc = koc_digest_format(digest, text, sizeof(text), err);
    if (rc == KOC_OK && at->kind == KOC_PLACE_REGISTRY) {
        snprintf(out, size, "%s/%s@%s", koc_reference_registry(at->reference),
                 koc_reference_repository(at->reference), text);
    } else if (rc == KOC_OK) {
        snprintf(out, size, "oci:%s@%s", at->path, text);
    }
    return rc;
}

static void print_json(const picture *p, const char *name)
{
    const koc_descriptor *d = descriptor_of(p);
    cli_json_open(NULL, '{');
    cli_json_text("schema", "koc-edit-1");
    cli_json_text("reference", name);
    cli_json_digest("digest", &d->digest);
    cli_json_text("mediaType", d->media_type);
    cli_json_open("images", '[');
    for (size_t i = 0; i < p->n; i++) {
        koc_buf platform = KOC_BUF_INIT;
        if (p->images[i] &&
            koc_platform_format(koc_image_platform(p->images[i]), &platform, NULL) == KOC_OK) {
            cli_json_open(NULL, '{');
            cli_json_text("platform", platform.ptr);
            cli_json_digest("digest", &koc_image_descriptor(p->images[i])->digest);
            cli_json_digest("config", &koc_image_config_descriptor(p->images[i])->digest);
            cli_json_number("layers", koc_image_layer_count(p->images[i]));
            cli_json_close('}');
        }
        koc_buf_dispose(&platform);
    }
    cli_json_close(']');
    cli_json_close('}');
}

int picture_store(cli_session *s, picture *p, const edit_flags *f, koc_error **err)
{
    char name[4096];
    cli_source target = {0};
    const koc_place *to = &p->place.place;
    int rc = KOC_OK;
    if (f->target) {
        rc = cli_source_parse(f->target, 0, &target, err);
        to = &target.place;
    }
    if (rc == KOC_OK) {
        (void)cli_session_start(s);
        rc = store(s, p, to, err);
        cli_session_settle(s);
    }
    if (rc == KOC_OK) {
        rc = name_of(to, &descriptor_of(p)->digest, name, sizeof(name), err);
    }
    if (rc == KOC_OK && f->json) {
        print_json(p, name);
    } else if (rc == KOC_OK) {
        printf("%s\n", name);
    }
    cli_source_free(&target);
    return rc;
}
