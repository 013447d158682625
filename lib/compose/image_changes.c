/* Applies a koc_image_changes to an image builder. An error names the member that is wrong. */
#include "core/common.h"

#include "compose/compose.h"

/* Makes *err an error about the value of a member. */
static int blame(const char *member, int rc, koc_error **why, koc_error **err)
{
    if (rc != KOC_EINVAL) {
        return rc == KOC_OK ? KOC_OK : koc__error_move(err, why);
    }
    rc = koc__error_option(err, member, "%s", koc_error_message(*why));
    koc__error_clear(why);
    return rc;
}

typedef int (*pair_fn)(koc_image_builder *b, const char *key, const char *value, koc_error **err);

static int put_pairs(koc_image_builder *b, const koc_kv *pairs, size_t n, pair_fn put,
                     koc_error **err)
{
    if (n > 0 && !pairs) {
        return koc__misuse(err,
                           "koc_image_changes: a list of pairs is NULL, and its count is not 0");
    }
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(put(b, pairs[i].key, pairs[i].value, err));
    }
    return KOC_OK;
}

static int put_text(koc_image_builder *b, const char *member, int32_t field, const char *value,
                    koc_error **err)
{
    koc_error *why = NULL;
    return value ? blame(member, koc_image_builder_set_str(b, field, value, &why), &why, err)
                 : KOC_OK;
}

/* "8080/tcp" adds, "-8080/tcp" removes. */
static int put_items(koc_image_builder *b, const char *member, int32_t field,
                     const char *const *items, koc_error **err)
{
    for (size_t i = 0; items && items[i]; i++) {
        koc_error *why = NULL;
        int rc = items[i][0] == '-' ? koc_image_builder_remove_str(b, field, items[i] + 1, &why)
                                    : koc_image_builder_add_str(b, field, items[i], &why);
        KOC__TRY(blame(member, rc, &why, err));
    }
    return KOC_OK;
}

static const char *const *argv_of(const char *const *list)
{
    return list && list[0] ? list : NULL;
}

static int put_command(const koc_image_changes *c, koc_image_builder *b, koc_error **err)
{
    if (c->entrypoint) {
        KOC__TRY(koc_image_builder_set_entrypoint(b, argv_of(c->entrypoint), err));
    }
    /* As docker does: the cmd of the old entrypoint means nothing to the new one. */
    if (c->cmd || c->entrypoint) {
        KOC__TRY(koc_image_builder_set_cmd(b, argv_of(c->cmd), err));
    }
    return KOC_OK;
}

int koc__changes_apply(const koc_image_changes *c, koc_image_builder *b, koc_error **err)
{
    KOC__TRY(put_pairs(b, c->env, c->n_env, koc_image_builder_set_env, err));
    KOC__TRY(put_pairs(b, c->labels, c->n_labels, koc_image_builder_set_label, err));
    KOC__TRY(put_pairs(b, c->annotations, c->n_annotations, koc_image_builder_set_annotation, err));
    KOC__TRY(put_command(c, b, err));
    KOC__TRY(put_text(b, "user", KOC_CFG_USER, c->user, err));
    KOC__TRY(put_text(b, "workdir", KOC_CFG_WORKDIR, c->workdir, err));
    KOC__TRY(put_text(b, "stopsignal", KOC_CFG_STOPSIGNAL, c->stopsignal, err));
    KOC__TRY(put_text(b, "author", KOC_CFG_AUTHOR, c->author, err));
    KOC__TRY(put_items(b, "ports", KOC_CFG_PORT, c->ports, err));
    KOC__TRY(put_items(b, "volumes", KOC_CFG_VOLUME, c->volumes, err));
    if (c->platform) {
        KOC__TRY(koc_image_builder_set_platform(b, c->platform, err));
    }
    if (c->created != 0 || c->flags & KOC_CHANGE_CREATED) {
        KOC__TRY(koc_image_builder_set_created(b, c->created, err));
    }
    return put_pairs(b, c->config, c->n_config, koc_image_builder_set_config, err);
}
