/* koc rebase: puts an image on another base image. */
#include "commands/cmd_edit_common.h"
#include "commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct rebase_options {
    edit_flags edit;
    const char *old_base, *new_base;
} rebase_options;

#define AT(member) offsetof(rebase_options, member)
static const cli_flag flags[] = {
    {"old-base", 0, CLI_STRING, AT(old_base), "IMAGE", "Bases",
     "the base of the image (default: as recorded in its annotations)"},
    {"new-base", 0, CLI_STRING, AT(new_base), "IMAGE", "Bases",
     "the base to put it on (default: what the name in its annotations refers to now)"},
    EDIT_FLAG_ROWS(rebase_options, edit),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

typedef struct bases {
    koc_source *old_source; /* NULL: each image names its base in its annotations */
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
CLI_DEFINE_AUTO_VAL(bases, bases_close);

static const char *base_name(const edited *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const char *value = p->images[i] ? koc_image_annotation(p->images[i], BASE_NAME) : NULL;
        if (value) {
            return value;
        }
    }
    return NULL;
}

/* "name@digest" from the annotations of an image, without the tag. The digest is that of the base of one platform, or
 * of the base's index. */
static int old_base_word(const koc_image *img, char *out, size_t size, koc_error **err)
{
    const char *name = koc_image_annotation(img, BASE_NAME);
    const char *digest = koc_image_annotation(img, BASE_DIGEST);
    CLI_AUTO(koc_reference) ref = NULL;
    if (!name || !digest) {
        return cli_fail(err, KOC_EINVAL,
                        "the image does not record its base: name it with --old-base");
    }
    CLI_TRY(koc_reference_parse(name, 0, &ref, err));
    snprintf(out, size, "%s/%s@%s", koc_reference_registry(ref), koc_reference_repository(ref),
             digest);
    return KOC_OK;
}

static int open_base(cli_session *s, const char *word, cli_source *place, koc_source **out,
                     koc_error **err)
{
    CLI_TRY(cli_source_parse(word, 0, place, err));
    return koc_source_open(s->ctx, s->client, &place->place, &s->op, out, err);
}

static int open_bases(cli_session *s, const rebase_options *o, const edited *p, bases *out,
                      koc_error **err)
{
    const char *new = o->new_base ? o->new_base : base_name(p);
    if (!new) {
        return cli_fail(err, KOC_EINVAL,
                        "the image does not record its base: name it with --new-base");
    }
    if (o->old_base) {
        CLI_TRY(open_base(s, o->old_base, &out->old_place, &out->old_source, err));
    }
    return open_base(s, new, &out->new_place, &out->new_source, err);
}

/* The base of img for img's platform. */
static int get_old_base(cli_session *s, const bases *b, koc_image *img, koc_image **out,
                        koc_error **err)
{
    char word[4096];
    CLI_AUTO_VAL(cli_source) place = {0};
    CLI_AUTO(koc_source) own = NULL;
    if (!b->old_source) {
        CLI_TRY(old_base_word(img, word, sizeof(word), err));
        CLI_TRY(open_base(s, word, &place, &own, err));
    }
    return koc_source_get_image(own ? own : b->old_source, koc_image_platform(img), &s->op, out,
                                err);
}

static int rebase_image(cli_session *s, koc_image *old, void *payload, koc_image **out,
                        koc_error **err)
{
    const bases *b = payload;
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_kv annotations[2];
    CLI_AUTO(koc_image) old_base = NULL;
    CLI_AUTO(koc_image) new_base = NULL;
    CLI_TRY(get_old_base(s, b, old, &old_base, err));
    CLI_TRY(koc_source_get_image(b->new_source, koc_image_platform(old), &s->op, &new_base, err));
    base_annotations(&b->new_place.place, &koc_image_descriptor(new_base)->digest, digest,
                     annotations);
    return koc_image_rebase(old, old_base, new_base, annotations, 2, out, err);
}

static int rebase(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    const rebase_options *o = options;
    CLI_AUTO_VAL(edited) e = {0};
    CLI_AUTO_VAL(bases) b = {0};
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_kv annotations[2];
    CLI_TRY(edited_open(s, args->items[0], &e, err));
    CLI_TRY(open_bases(s, o, &e, &b, err));
    base_annotations(&b.new_place.place, &koc_source_descriptor(b.new_source)->digest, digest,
                     annotations);
    const edit_change change = {.platforms = &o->edit.platforms,
                                .fn = rebase_image,
                                .payload = &b,
                                .annotations = annotations,
                                .n = 2};
    CLI_TRY(edited_apply(s, &e, &change, err));
    return edited_store(s, &e, &o->edit, err);
}

static int run(cli *c, void *options, const cli_list *args)
{
    const rebase_options *o = options;
    if (args->count != 1) {
        return cli_usage(c, "koc rebase takes one image, got %zu", args->count);
    }
    return cli_session_run(c, &o->edit.client, rebase, o, args);
}

static const cli_example examples[] = {
    {"koc rebase registry.example/app:1", "on the current version of its base, under the same tag"},
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
        "Replaces the layers of an image's base by those of a new base. The image's own layers "
        "stay as they are, and nothing is built.",
    .more =
        "The layers of the old base must be the lowest layers of the image. The config of the image\n"
        "stays, including its environment; the history and the annotations that name the base are\n"
        "updated. In an index, each platform is put on the same platform of the new base.\n",
    .examples = examples,
    .flags = flags,
    .options_size = sizeof(rebase_options),
    .run = run,
};
