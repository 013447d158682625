/* Adds layers with files to images. */
#include "core/common.h"

#include <sys/stat.h>

#include "compose/compose.h"

#include "core/options.h"
#include "layer/layer.h"

/* One layer: the files of one number, for one platform or for all. */
typedef struct group {
    const koc_image_file *files;
    size_t n_files;
    koc_layer_options layer;
    const koc_add_layer_options *history; /* or NULL */
    uint32_t number;
    const koc_platform *platform; /* NULL: no file of the layer is for one platform */
} group;

static int is_for(const koc_image_file *f, const koc_platform *have, bool *out, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_platform want = KOC_PLATFORM_INIT;
    *out = true;
    if (f->platform && have) {
        KOC__TRY(koc_platform_parse(f->platform, &storage, &want, err));
        *out = koc_platform_matches(&want, have);
    }
    return KOC_OK;
}

/* --- files --- */

static int add_source(koc_layer_builder *b, const koc_image_file *f, koc_error **err)
{
    koc_entry e = KOC_ENTRY_INIT;
    koc_tree_options tree = KOC_TREE_OPTIONS_INIT;
    struct stat st;
    if (stat(f->source, &st) != 0) {
        return koc__error_errno(err, errno, "cannot add %s", f->source);
    }
    if (S_ISDIR(st.st_mode)) {
        tree.defaults = f->entry;
        return koc_layer_builder_add_tree(b, f->path, f->source, &tree, err);
    }
    e.mode = st.st_mode & 0111 ? 0755 : 0644;
    return koc_layer_builder_add_file(b, f->path, f->source, f->entry ? f->entry : &e, err);
}

static int add_file(koc_layer_builder *b, const koc_image_file *f, koc_error **err)
{
    if (!f->path || (f->source && f->link) || ((f->source || f->link) && f->content.ptr)) {
        return koc__misuse(err,
                           "koc_image_file: path is NULL, or source, link and content are not one");
    }
    if (f->source) {
        return add_source(b, f, err);
    }
    return f->link ? koc_layer_builder_add_symlink(b, f->path, f->link, f->entry, err)
                   : koc_layer_builder_add_bytes(b, f->path, f->content, f->entry, err);
}

/* *out NULL: the layer has no file for this platform. */
static int build_layer(koc_edit *e, const group *g, koc__call *call, koc_layer **out,
                       koc_error **err)
{
    KOC__AUTO(koc_layer_builder) b = NULL;
    size_t n = 0;
    KOC__TRY(koc_layer_builder_new(e->ctx, &g->layer, &b, err));
    for (size_t i = 0; i < g->n_files; i++) {
        bool wanted = false;
        if (g->files[i].layer != g->number) {
            continue;
        }
        KOC__TRY(is_for(&g->files[i], g->platform, &wanted, err));
        if (wanted) {
            KOC__TRY(add_file(b, &g->files[i], err));
            n++;
        }
    }
    return n > 0 ? koc__layer_builder_finish(b, call, out, err) : KOC_OK;
}

/* --- layers --- */

static int add_layer(koc_edit *e, const group *g, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_layer) layer = NULL;
    KOC__TRY(build_layer(e, g, call, &layer, err));
    return layer ? koc__edit_add_layers(e, &layer, 1, g->history, call, err) : KOC_OK;
}

/* A layer with files of one platform is made for each image on its own. */
static int add_layer_for_each(koc_edit *e, group *g, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_strlist) selected = koc__steal(&e->selected);
    int rc = koc__strlist_new(&e->selected, err);
    for (size_t i = 0; i < e->n && rc == KOC_OK; i++) {
        KOC__AUTO(koc_image) old = koc_image_ref(e->images[i]);
        KOC__AUTO_STR name = koc__platform_str(koc_image_platform(old));
        g->platform = koc_image_platform(old);
        if (!koc__edit_selects(selected, g->platform)) {
            continue;
        }
        koc__strlist_clear(e->selected);
        rc = name ? koc__strlist_add(e->selected, name, err) : koc__oom(err);
        rc = rc == KOC_OK ? add_layer(e, g, call, err) : rc;
    }
    koc_strlist_free(e->selected);
    e->selected = koc__steal(&selected);
    return rc;
}

/* The smallest number of a layer that is at least from; false: there is none. */
static bool next_number(const group *g, uint64_t from, uint32_t *out)
{
    bool found = false;
    for (size_t i = 0; i < g->n_files; i++) {
        if (g->files[i].layer >= from && (!found || g->files[i].layer < *out)) {
            *out = g->files[i].layer;
            found = true;
        }
    }
    return found;
}

static bool is_by_platform(const group *g)
{
    for (size_t i = 0; i < g->n_files; i++) {
        if (g->files[i].layer == g->number && g->files[i].platform) {
            return true;
        }
    }
    return false;
}

int koc__edit_add_files(koc_edit *e, const koc_image_file *files, size_t n,
                        const koc_layer_options *layer, const koc_add_layer_options *o,
                        koc__call *call, koc_error **err)
{
    group g = {.files = files, .n_files = n, .history = o};
    KOC__TRY(koc__options_copy(&g.layer, sizeof(g.layer), layer, "koc_layer_options", err));
    if (e->n > 0 && koc__image_is_docker(e->images[0])) {
        g.layer.flags |= KOC_LAYER_DOCKER_TYPES;
    }
    for (uint64_t from = 0; next_number(&g, from, &g.number); from = g.number + 1ull) {
        g.platform = NULL;
        KOC__TRY(is_by_platform(&g) ? add_layer_for_each(e, &g, call, err)
                                    : add_layer(e, &g, call, err));
    }
    return KOC_OK;
}

int koc_edit_add_files(koc_edit *e, const koc_image_file *files, size_t n,
                       const koc_layer_options *layer, const koc_add_layer_options *o,
                       const koc_op *op, koc_error **err)
{
    void *list = NULL;
    if (!e || !files || n == 0) {
        return koc__misuse(err, "koc_edit_add_files: e or files is NULL, or n is 0");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, e->ctx, op, err));
    KOC__TRY(koc__options_list(files, n, sizeof(*files), "koc_image_file", &list, err));
    int rc = koc__edit_add_files(e, list, n, layer, o, &call, err);
    koc__free(list);
    return rc;
}
