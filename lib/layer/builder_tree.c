/* Adds a whole directory to a layer. */
#include "core/common.h"

#include "layer/layer.h"

typedef struct adder {
    koc_layer_builder *builder;
    const char *path; /* in the image */
    koc_tree_options options;
    koc_entry defaults;
} adder;

/* Of the mode only the executable bit is kept: the rest depends on the umask of the checkout. */
static koc_entry entry_of(const adder *a, const koc__tree_item *item)
{
    koc_entry e = a->defaults;
    if (!e.mode && item->type == KOC__TAR_FILE) {
        e.mode = item->st->st_mode & 0111 ? 0755 : 0644;
    }
    if (a->options.flags & KOC_TREE_KEEP_OWNER) {
        e.uid = (uint32_t)item->st->st_uid;
        e.gid = (uint32_t)item->st->st_gid;
    }
    return e;
}

static int add_item(const koc__tree_item *item, void *payload, koc_error **err)
{
    adder *a = payload;
    koc_entry e = entry_of(a, item);
    int verdict = a->options.filter ? a->options.filter(item->path, &e, a->options.payload) : 0;
    if (verdict > 0) {
        return verdict;
    }
    if (verdict < 0) {
        return koc__error(err, KOC_EUSER, "%s: the filter ended the build", item->source);
    }
    KOC__AUTO_STR path = NULL;
    KOC__TRY(koc__formatf(&path, err, "%s/%s", a->path, item->path));
    switch (item->type) {
    case KOC__TAR_DIR: return koc_layer_builder_add_dir(a->builder, path, &e, err);
    case KOC__TAR_SYMLINK:
        return koc_layer_builder_add_symlink(a->builder, path, item->target, &e, err);
    default: return koc_layer_builder_add_file(a->builder, path, item->source, &e, err);
    }
}

int koc_layer_builder_add_tree(koc_layer_builder *b, const char *path, const char *source_dir,
                               const koc_tree_options *opts, koc_error **err)
{
    if (!b || !path || !source_dir) {
        return koc__misuse(err, "koc_layer_builder_add_tree: b, path or source_dir is NULL");
    }
    adder a = {b, path, KOC_TREE_OPTIONS_INIT, KOC_ENTRY_INIT};
    KOC__TRY(koc__options_copy(&a.options, sizeof(a.options), opts, "koc_tree_options", err));
    KOC__TRY(
        koc__options_copy(&a.defaults, sizeof(a.defaults), a.options.defaults, "koc_entry", err));
    if (a.options.flags & ~(uint32_t)(KOC_TREE_FOLLOW_LINKS_INSIDE | KOC_TREE_KEEP_OWNER)) {
        return koc__misuse(err, "koc_tree_options: unknown flags");
    }
    KOC__TRY(koc_layer_builder_add_dir(b, path, opts ? opts->defaults : NULL, err));
    uint32_t flags = a.options.flags & KOC_TREE_FOLLOW_LINKS_INSIDE ? KOC__TREE_FOLLOW : 0;
    return koc__tree_walk(source_dir, NULL, flags, add_item, &a, NULL, err);
}
