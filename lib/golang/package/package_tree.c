/*
 * Caches answers of `go list` for patterns like ./cmd/..., as a record of inputs with every directory and
 * Go file of the tree. The packages depend on names, package clauses and constraints only, so an edit
 * below the header of a file does not change the answer.
 */
#include "core/common.h"

#include "core/path.h"
#include "golang/package/package.h"
#include "golang/record/input_record.h"

#define FILES_MAX  20000
#define DEPTH_MAX  64
#define SOURCE_MAX ((size_t)64 << 20)

typedef struct tree {
    koc__inputs *in;
    uint64_t device;
    bool usable;
} tree;

/* The directory of "./x/...", absolute. *out stays NULL for patterns of other forms. */
static int root_of(const koc__go_list_question *q, const char *pattern, char **out, koc_error **err)
{
    static const char dots[] = "/...";
    koc_str p = koc__str(pattern);
    if (!koc__go_is_local(pattern) || !koc__str_ends(p, dots)) {
        return KOC_OK;
    }
    KOC__AUTO_STR below = koc__strndup(pattern, p.len - strlen(dots));
    if (!below || strstr(below, "...")) {
        return below ? KOC_OK : koc__oom(err);
    }
    *out = koc__path_join(q->dir, below);
    return *out ? KOC_OK : koc__oom(err);
}

static bool trusted(tree *t, const koc__stamp *s)
{
    return s->device == t->device && !koc__inputs_is_racy(s, t->in->time_ns);
}

static int add_file(tree *t, const char *dir, const char *name, char kind, koc_error **err)
{
    koc__input_file *f = NULL;
    koc__hash content;
    KOC__AUTO_STR path = koc__path_join(dir, name);
    if (!path) {
        return koc__oom(err);
    }
    KOC__TRY(koc__inputs_add_file(t->in, name, kind, &f, err));
    bool there = koc__fs_stamp(path, true, &f->stamp, NULL) == KOC_OK;
    if (!there && kind == KOC__INPUT_OPAQUE) {
        f->kind = KOC__INPUT_ABSENT;
        return KOC_OK;
    }
    t->usable = t->usable && there && t->in->n_files < FILES_MAX && !strchr(path, '\n') &&
                (kind == KOC__INPUT_OPAQUE ? !koc__inputs_is_racy(&f->stamp, t->in->time_ns)
                                           : trusted(t, &f->stamp));
    if (t->usable && kind == KOC__INPUT_SOURCE) {
        t->usable = koc__inputs_hash_file(path, &content, &f->header, NULL) == KOC_OK;
    }
    return KOC_OK;
}

static bool is_skipped(const char *name)
{
    return *name == '.' || *name == '_' || koc__streq(name, "testdata") ||
           koc__streq(name, "vendor");
}

static int add_tree(tree *t, const char *dir, unsigned depth, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    koc__input_dir *d = NULL;
    koc__stamp stamp;
    KOC__TRY(koc__strlist_new(&names, err));
    KOC__TRY(koc__inputs_add_dir(t->in, dir, KOC__INPUT_WHOLE, &d, err));
    t->usable = t->usable && depth < DEPTH_MAX && !strchr(dir, '\n') &&
                koc__fs_stamp(dir, true, &stamp, NULL) == KOC_OK && trusted(t, &stamp) &&
                koc__inputs_listing(dir, d->kind, names, &d->listing, NULL) == KOC_OK;
    if (!t->usable) {
        return KOC_OK;
    }
    d->stamp = stamp;
    for (size_t i = 0; i < koc_strlist_count(names) && t->usable; i++) {
        const char *name = koc_strlist_get(names, i);
        if (koc__inputs_is_source(name) && koc__str_ends(koc__str(name), ".go")) {
            KOC__TRY(add_file(t, dir, name, KOC__INPUT_SOURCE, err));
        } else if (koc__streq(name, "go.mod")) { /* of a module in a go.work */
            KOC__TRY(add_file(t, dir, name, KOC__INPUT_OPAQUE, err));
        }
    }
    for (size_t i = 0; i < koc_strlist_count(names) && t->usable; i++) {
        KOC__AUTO_STR below = koc__path_join(dir, koc_strlist_get(names, i));
        if (!below) {
            return koc__oom(err);
        }
        if (!is_skipped(koc_strlist_get(names, i)) && koc__inputs_is_dir(below)) {
            KOC__TRY(add_tree(t, below, depth + 1, err));
        }
    }
    return KOC_OK;
}

static int add_module_files(tree *t, const koc__go_list_question *q, const char *root,
                            koc_error **err)
{
    KOC__AUTO(koc_strlist) files = NULL;
    koc__input_dir *d = NULL;
    KOC__TRY(koc__go_module_files(q, root, &files, err));
    KOC__TRY(koc__inputs_add_dir(t->in, "", KOC__INPUT_FILES, &d, err));
    for (size_t i = 0; i < koc_strlist_count(files); i++) {
        KOC__TRY(add_file(t, "", koc_strlist_get(files, i), KOC__INPUT_OPAQUE, err));
    }
    return KOC_OK;
}

/* "import path<tab>directory" for each main package; "!" before the path: the package needs cgo. */
static int add_answers(tree *t, const char *pattern, const koc__go_listing *l, koc_error **err)
{
    for (size_t i = 0; i < l->count; i++) {
        const koc__go_package *p = &l->items[i];
        if (koc__streq(p->pattern, pattern) && koc__streq(p->name, "main") && !p->error) {
            t->usable = t->usable && !strpbrk(p->import_path, "\t\n") && !strchr(p->dir, '\n');
            KOC__TRY(koc__strlist_addf(t->in->lines, err, "%s%s\t%s", p->needs_cgo ? "!" : "",
                                       p->import_path, p->dir));
        }
    }
    t->usable = t->usable && koc_strlist_count(t->in->lines) > 0;
    return KOC_OK;
}

int koc__go_tree_keep(const koc__go_list_question *q, const char *pattern, koc_str key,
                      int64_t began_ns, const koc__go_listing *l, koc_error **err)
{
    KOC__AUTO(koc__inputs) in = NULL;
    KOC__AUTO_STR root = NULL;
    koc__stamp stamp;
    KOC__TRY(root_of(q, pattern, &root, err));
    if (!root || !q->cache || !koc__fs_has_ctime(root) ||
        koc__fs_stamp(root, true, &stamp, NULL) != KOC_OK) {
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_new(&in, err));
    in->time_ns = began_ns;
    tree t = {in, stamp.device, true};
    KOC__TRY(add_answers(&t, pattern, l, err));
    KOC__TRY(add_tree(&t, root, 0, err));
    if (t.usable) {
        KOC__TRY(add_module_files(&t, q, root, err));
    }
    return t.usable ? koc__inputs_keep(q->cache, key, in, err) : KOC_OK;
}

static int list_answers(const koc__inputs *in, const char *pattern, koc__go_listing *out,
                        koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(in->lines); i++) {
        koc_str path, dir;
        if (!koc__str_cut(koc__str(koc_strlist_get(in->lines, i)), '\t', &path, &dir)) {
            continue;
        }
        koc__go_package *p = koc__go_listing_add(out);
        if (!p) {
            return koc__oom(err);
        }
        p->needs_cgo = koc__str_starts(path, "!");
        path = koc__str_from(path, p->needs_cgo ? 1 : 0);
        p->pattern = koc__strdup(pattern);
        p->name = koc__strdup("main");
        p->import_path = koc__str_dup(path);
        p->dir = koc__str_dup(dir);
        if (!p->pattern || !p->name || !p->import_path || !p->dir) {
            return koc__oom(err);
        }
    }
    return KOC_OK;
}

int koc__go_tree_recall(const koc__go_list_question *q, const char *pattern, koc_str key,
                        koc__call *call, bool *found, koc__go_listing *out, koc_error **err)
{
    KOC__AUTO(koc__inputs) in = NULL;
    KOC__AUTO_STR root = NULL;
    koc__inputs_verdict verdict = {0};
    KOC__TRY(root_of(q, pattern, &root, err));
    if (!root || !q->cache) {
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_recall(q->cache, key, &in, err));
    if (!in || in->n_files == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_check(in, q->env, call, &verdict, err));
    if (!verdict.same && !verdict.refreshable) {
        return KOC_OK;
    }
    if (verdict.moved) {
        KOC__TRY(koc__inputs_keep(q->cache, key, in, err));
    }
    *found = true;
    return list_answers(in, pattern, out, err);
}

/* --- cgo --- */

static bool imports_c(const char *path)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(SOURCE_MAX);
    return koc__fs_read_file(path, &text, NULL) == KOC_OK && text.len > 0 &&
           memmem(text.ptr, text.len, "\"C\"", 3) != NULL;
}

static int search_cgo(const char *dir, unsigned depth, koc__call *call, bool *found,
                      koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    KOC__TRY(koc__call_check(call, err));
    if (depth == DEPTH_MAX || koc__fs_list(dir, &names, NULL) != KOC_OK) {
        return KOC_OK; /* go list has reported the error */
    }
    for (size_t i = 0; i < koc_strlist_count(names) && !*found; i++) {
        const char *name = koc_strlist_get(names, i);
        KOC__AUTO_STR path = koc__path_join(dir, name);
        if (!path) {
            return koc__oom(err);
        }
        if (koc__inputs_is_source(name) && koc__str_ends(koc__str(name), ".go")) {
            *found = imports_c(path);
        } else if (!is_skipped(name) && koc__inputs_is_dir(path)) {
            KOC__TRY(search_cgo(path, depth + 1, call, found, err));
        }
    }
    return KOC_OK;
}

int koc__go_tree_has_cgo(const koc__go_list_question *q, const char *pattern, koc__call *call,
                         bool *out, koc_error **err)
{
    KOC__AUTO_STR root = NULL;
    KOC__TRY(root_of(q, pattern, &root, err));
    *out = !root;
    return root ? search_cgo(root, 0, call, out, err) : KOC_OK;
}
