/* koc rebase: an image on another base. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <koc/ext/edit.h>

#include "commands/cmd_edit_common.h"

typedef struct rebase_options {
    edit_flags edit;
    const char *old_base, *new_base;
} rebase_options;

#define AT(member) offsetof(rebase_options, member)
static const cli_flag flags[] = {
    {"old-base", 0, CLI_STRING, AT(old_base), "IMAGE", "Bases",
     "what the image stands on (default: as its annotations say)"},
    {"new-base", 0, CLI_STRING, AT(new_base), "IMAGE", "Bases",
     "what it is to stand on (default: the name in its annotations, as it is now)"},
    EDIT_FLAG_ROWS(rebase_options, edit),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

typedef struct bases {
    koc_source *old_source; /* NULL: each image says by itself what it stands on */
    koc_source *new_source;
    cli_source old_place, new_place;
} bases;

static void bases_close(bases *b)
{
    koc_source_free(b->old_source);
    koc_source_free(b->new_source);
    cli_source_free(&b->old_place);
    cli_source_free(&b->new_place);
}

static const char *base_name(const picture *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const char *value = p->images[i] ? koc_image_annotation(p->images[i], BASE_NAME) : NULL;
        if (value) {
            return value;
        }
    }
    return NULL;
}

/* "name@digest" of the image's annotations, without the tag. The digest is that of one platform's base, or of
 * the base's index. */
static int old_base_word(const koc_image *img, char *out, size_t size, koc_error **err)
{
    const char *name = koc_image_annotation(img, BASE_NAME);
    const char *digest = koc_image_annotation(img, BASE_DIGEST);
    koc_reference *ref = NULL;
    if (!name || !digest) {
        return cli_fail(err, KOC_EINVAL,
                        "the image does not say what it stands on: name it with --old-base");
    }
    int rc = koc_reference_parse(name, 0, &ref, err);
    if (rc == KOC_OK) {
        snprintf(out, size, "%s/%s@%s", koc_reference_registry(ref), koc_reference_repository(ref),
                 digest);
    }
    koc_reference_unref(ref);
    return rc;
}

static int open_one(cli_session *s, const char *word, cli_source *place, koc_source **out,
                    koc_error **err)
{
    int rc = cli_source_parse(word, 0, place, err);
    return rc == KOC_OK ? koc_source_open(s->ctx, s->client, &place->place, &s->op, out, err) : rc;
}

static int open_bases(cli_session *s, const rebase_options *o, const picture *p, bases *out,
                      koc_error **err)
{
    const char *new = o->new_base ? o->new_base : base_name(p);
    if (!new) {
        return cli_fail(err, KOC_EINVAL,
                        "the image does not say what it stands on: name it with --new-base");
    }
    int rc = KOC_OK;
    if (o->old_base) {
        rc = open_one(s, o->old_base, &out->old_place, &out->old_source, err);
    }
    return rc == KOC_OK ? open_one(s, new, &out->new_place, &out->new_source, err) : rc;
}

/* What img stands on, as it is for img's platform. */
static int get_old_base(cli_session *s, const bases *b, koc_image *img, koc_image **out,
                        koc_error **err)
{
    char word[4096];
    cli_source place = {0};
    koc_source *own = NULL;
    int rc = KOC_OK;
    if (!b->old_source) {
        rc = old_base_word(img, word, sizeof(word), err);
        rc = rc == KOC_OK ? open_one(s, word, &place, &own, err) : rc;
    }
    if (rc == KOC_OK) {
        rc = koc_source_get_image(own ? own : b->old_source, koc_image_platform(img), &s->op, out,
                                  err);
    }
    koc_source_free(own);
    cli_source_free(&place);
    return rc;
}

static int rebase(cli_session *s, koc_image *old, void *payload, koc_image **out, koc_error **err)
{
    const bases *b = payload;
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_kv annotations[2];
    koc_image *old_base = NULL;
    koc_image *new_base = NULL;
    int rc = get_old_base(s, b, old, &old_base, err);
    if (rc == KOC_OK) {
        rc = koc_source_get_image(b->new_source, koc_image_platform(old), &s->op, &new_base, err);
    }
    if (rc == KOC_OK) {
        base_annotations(&b->new_place.place, &koc_image_descriptor(new_base)->digest, digest,
                         annotations);
        rc = koc_image_rebase(old, old_base, new_base, annotations, 2, out, err);
    }
    koc_image_unref(old_base);
    koc_image_unref(new_base);
    return rc;
}

static int rebase_all(cli_session *s, const rebase_options *o, const char *word, koc_error **err)
{
    picture p = {0};
    bases b = {0};
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_kv annotations[2];
    int rc = picture_open(s, word, &p, err);
    rc = rc == KOC_OK ? open_bases(s, o, &p, &b, err) : rc;
    if (rc == KOC_OK) {
        base_annotations(&b.new_place.place, &koc_source_descriptor(b.new_source)->digest, digest,
                         annotations);
        rc = picture_edit(s, &p, &o->edit.platforms, rebase, &b, annotations, 2, err);
    }
    rc = rc == KOC_OK ? picture_store(s, &p, &o->edit, err) : rc;
    bases_close(&b);
    picture_close(&p);
    return rc;
}

static int run(cli *c, void *options, const cli_list *args)
{
    rebase_options *o = options;
    cli_session session = {0};
    koc_error *err = NULL;
    if (args->count != 1) {
        return cli_usage(c, "koc rebase takes one image, got %zu", args->count);
    }
    int rc = cli_session_open(c, &o->edit.client, 0, &session, &err);
    rc = rc == KOC_OK ? rebase_all(&session, o, args->items[0], &err) : rc;
    int code = rc == KOC_OK ? cli_finish_stdout(c, EXIT_OK) : cli_error(c, err);
    koc_error_free(err);
    cli_session_close(&session);
    edit_flags_free(&o->edit);
    return code;
}

static const cli_example examples[] = {
    {"koc rebase registry.example/app:1", "on the newest form of its base, under the same tag"},
    {"koc rebase --old-base=r.example/base:1 --new-base=r.example/base:2 r.example/app:1",
     "from one base to another"},
    {NULL, NULL},
};

const cli_command cli_rebase = {
    .name = "rebase",
    .group = "Images",
    .usage = "koc rebase [flags] IMAGE",
    .summary = "put an image on another base",
    .description =
        "Puts the layers of a new base in the place of those of the old one. The layers of "
        "the image itself stay as they are, and nothing is built.",
    .more =
        "The layers of the old base must be the lowest of the image. The configuration of the image\n"
        "stays, its environment included; history and the annotations that name the base are brought\n"
        "up to date. Of an index each platform is put on that platform of the new base.\n",
    .examples = examples,
    .flags = flags,
    .options_size = sizeof(rebase_options),
    .run = run,
};
