#include "core/common.h"

#include <pthread.h>

#include "core/digests.h"
#include "core/fs.h"
#include "core/path.h"
#include "serve/names.h"
#include "serve/route.h"
#include "store/layout.h"

#define CONTAINERD_NAME "io.containerd.image.name"

enum { INDENT = 3, FILE_MODE = 0644 };

/* A line of index.json. */
typedef struct line {
    char *repository; /* NULL: no name */
    char *tag;
    koc_digest digest;
} line;

struct koc__names {
    koc_layout *layout;
    char *path; /* of index.json */
    char *fallback;
    pthread_mutex_t mutex; /* guards what follows */
    koc__stamp stamp;      /* of the index.json that the lines are from */
    line *lines;
    size_t n;
};

static void free_lines(line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        koc__free(lines[i].repository);
        koc__free(lines[i].tag);
    }
    koc__free(lines);
}

/* The folder's name as a repository: lower case, one dash for each run of what may not be there. */
static char *name_of_folder(const char *dir)
{
    koc_str base = koc__path_base(koc__str(dir));
    KOC__AUTO_STR name = koc__calloc(1, base.len + 1);
    size_t n = 0;
    if (!name) {
        return NULL;
    }
    for (size_t i = 0; i < base.len; i++) {
        char c = base.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            name[n++] = c;
        } else if (n > 0 && name[n - 1] != '-') {
            name[n++] = '-';
        }
    }
    while (n > 0 && name[n - 1] == '-') {
        n--;
    }
    name[n] = '\0';
    return koc__is_repository(koc__str(name)) ? koc__steal(&name) : koc__strdup("image");
}

int koc__names_new(koc_layout *l, const char *fallback, koc__names **out, koc_error **err)
{
    koc__names *n = koc__calloc(1, sizeof(*n));
    if (!n) {
        return koc__oom(err);
    }
    pthread_mutex_init(&n->mutex, NULL);
    n->layout = koc_layout_ref(l);
    n->path = koc__format("%s/index.json", l->dir);
    n->fallback = fallback ? koc__strdup(fallback) : name_of_folder(l->dir);
    if (!n->path || !n->fallback) {
        koc__names_free(n);
        return koc__oom(err);
    }
    *out = n;
    return KOC_OK;
}

void koc__names_free(koc__names *n)
{
    if (!n) {
        return;
    }
    free_lines(n->lines, n->n);
    koc__free(n->path);
    koc__free(n->fallback);
    koc_layout_unref(n->layout);
    pthread_mutex_destroy(&n->mutex);
    koc__free(n);
}

const char *koc__names_default(const koc__names *n)
{
    return n->fallback;
}

/* --- reading --- */

/* false: the entry has no name that can be served. */
static bool name_of(const koc__names *n, const koc__jnode *entry, koc_str *repository, koc_str *tag)
{
    const koc__jnode *annotations = koc__json_get(entry, "annotations");
    const char *full = koc__json_get_str(annotations, CONTAINERD_NAME);
    const char *name = koc__json_get_str(annotations, KOC__REF_NAME);
    if (full && !koc__is_tag(koc__str(full)) &&
        koc__name_split(koc__str(full), n->fallback, repository, tag)) {
        return true;
    }
    return name && koc__name_split(koc__str(name), n->fallback, repository, tag);
}

static bool is_nameless(const koc__jnode *entry)
{
    const koc__jnode *annotations = koc__json_get(entry, "annotations");
    return !koc__json_get(annotations, KOC__REF_NAME) &&
           !koc__json_get(annotations, CONTAINERD_NAME);
}

static bool digest_of(const koc__jnode *entry, koc_digest *out)
{
    const char *text = koc__json_get_str(entry, "digest");
    return text && koc__digest_read(koc__str(text), out);
}

static int read_line(const koc__names *n, const koc__jnode *entry, bool only, line *out,
                     koc_error **err)
{
    koc_str repository = {0};
    koc_str tag = {0};
    if (only && is_nameless(entry)) {
        repository = koc__str(n->fallback);
        tag = KOC__STR("latest");
    } else if (!name_of(n, entry, &repository, &tag)) {
        return KOC_OK;
    }
    out->repository = koc__str_dup(repository);
    out->tag = koc__str_dup(tag);
    return out->repository && out->tag ? KOC_OK : koc__oom(err);
}

static int read_lines(const koc__names *n, const koc__json *doc, line **out, size_t *count,
                      koc_error **err)
{
    const koc__jnode *list = koc__json_get(koc__json_root(doc), "manifests");
    size_t total = koc__json_count(list);
    size_t used = 0;
    line *lines = koc__calloc(total + 1, sizeof(*lines));
    if (!lines) {
        return koc__oom(err);
    }
    for (const koc__jnode *e = koc__json_child(list); e; e = koc__json_next(e)) {
        if (!digest_of(e, &lines[used].digest)) {
            continue; /* of an algorithm that nobody here can check */
        }
        int rc = read_line(n, e, total == 1, &lines[used], err);
        used++;
        if (rc != KOC_OK) {
            free_lines(lines, used);
            return rc;
        }
    }
    *out = lines;
    *count = used;
    return KOC_OK;
}

/* Under the mutex. The stamp is taken first: a file that changes in between is read again next time. */
static int refresh(koc__names *n, koc_error **err)
{
    koc__stamp now;
    KOC__AUTO(koc__json) doc = NULL;
    line *lines = NULL;
    size_t count = 0;
    KOC__TRY(koc__fs_stamp(n->path, true, &now, err));
    if (n->lines && koc__stamp_equal(&now, &n->stamp)) {
        return KOC_OK;
    }
    KOC__TRY(koc__layout_read_index(n->layout, NULL, &doc, err));
    KOC__TRY(read_lines(n, doc, &lines, &count, err));
    free_lines(n->lines, n->n);
    n->lines = lines;
    n->n = count;
    n->stamp = now;
    return KOC_OK;
}

static int find(const koc__names *n, const char *repository, const char *tag, koc_digest *out,
                koc_error **err)
{
    for (size_t i = n->n; i > 0; i--) {
        const line *l = &n->lines[i - 1];
        if (koc__streq(l->repository, repository) && koc__streq(l->tag, tag)) {
            *out = l->digest;
            return KOC_OK;
        }
    }
    return koc__error(err, KOC_ENOTFOUND, "there is no %s:%s", repository, tag);
}

int koc__names_find(koc__names *n, const char *repository, const char *tag, koc_digest *out,
                    koc_error **err)
{
    pthread_mutex_lock(&n->mutex);
    int rc = refresh(n, err);
    if (rc == KOC_OK) {
        rc = find(n, repository, tag, out, err);
    }
    pthread_mutex_unlock(&n->mutex);
    return rc;
}

/* All tags of a repository, or all repositories, sorted, each once. */
static int collect(const koc__names *n, const char *repository, koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) all = NULL;
    KOC__TRY(koc__strlist_new(&all, err));
    for (size_t i = 0; i < n->n; i++) {
        const line *l = &n->lines[i];
        if (l->repository && (!repository || koc__streq(l->repository, repository))) {
            KOC__TRY(koc__strlist_add(all, repository ? l->tag : l->repository, err));
        }
    }
    koc__strlist_sort(all);
    *out = koc__steal(&all);
    return KOC_OK;
}

static int page(const koc_strlist *all, const char *last, size_t max, koc_strlist *out, bool *more,
                koc_error **err)
{
    const char *before = NULL;
    *more = false;
    for (size_t i = 0; i < koc_strlist_count(all); i++) {
        const char *s = koc_strlist_get(all, i);
        if (koc__streq(s, before) || (last && strcmp(s, last) <= 0)) {
            continue;
        }
        if (koc_strlist_count(out) == max) {
            *more = true;
            return KOC_OK;
        }
        KOC__TRY(koc__strlist_add(out, s, err));
        before = s;
    }
    return KOC_OK;
}

int koc__names_list(koc__names *n, const char *repository, const char *last, size_t max,
                    koc_strlist **out, bool *more, koc_error **err)
{
    KOC__AUTO(koc_strlist) all = NULL;
    KOC__AUTO(koc_strlist) list = NULL;
    pthread_mutex_lock(&n->mutex);
    int rc = refresh(n, err);
    if (rc == KOC_OK) {
        rc = collect(n, repository, &all, err);
    }
    pthread_mutex_unlock(&n->mutex);
    if (rc != KOC_OK) {
        return rc;
    }
    if (repository && koc_strlist_count(all) == 0) {
        return koc__error(err, KOC_ENOTFOUND, "there is no repository %s", repository);
    }
    KOC__TRY(koc__strlist_new(&list, err));
    KOC__TRY(page(all, last, max, list, more, err));
    *out = koc__steal(&list);
    return KOC_OK;
}

int koc__names_digests(koc__names *n, koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) all = NULL;
    KOC__AUTO(koc_strlist) list = NULL;
    bool more = false;
    KOC__TRY(koc__strlist_new(&all, err));
    KOC__TRY(koc__strlist_new(&list, err));
    pthread_mutex_lock(&n->mutex);
    int rc = refresh(n, err);
    for (size_t i = 0; rc == KOC_OK && i < n->n; i++) {
        rc = koc__strlist_add(all, koc__digest_str(&n->lines[i].digest).s, err);
    }
    pthread_mutex_unlock(&n->mutex);
    if (rc != KOC_OK) {
        return rc;
    }
    koc__strlist_sort(all);
    KOC__TRY(page(all, NULL, SIZE_MAX, list, &more, err));
    *out = koc__steal(&list);
    return KOC_OK;
}

/* --- changing --- */

/* What a change is about, and what it did. */
typedef struct edit {
    koc__names *names;
    const char *repository;
    const char *tag;
    const koc_digest *digest;
    const koc_strlist *children;
    size_t dropped;
    size_t others; /* lines of digest that stay */
} edit;

typedef bool (*drop_fn)(const edit *e, const koc__jnode *entry);

static bool has_name(const edit *e, const koc__jnode *entry)
{
    koc_str repository = {0};
    koc_str tag = {0};
    return name_of(e->names, entry, &repository, &tag) && koc__str_is(repository, e->repository) &&
           (!e->tag || koc__str_is(tag, e->tag));
}

static bool has_digest(const edit *e, const koc__jnode *entry)
{
    koc_digest d;
    return digest_of(entry, &d) && koc_digest_equal(&d, e->digest);
}

/* A new name: its old line goes, and lines without a name for the same thing or for its children. */
static bool makes_room(const edit *e, const koc__jnode *entry)
{
    const char *digest = koc__json_get_str(entry, "digest");
    if (is_nameless(entry)) {
        return (e->tag && has_digest(e, entry)) ||
               (e->children && digest && koc__strlist_has(e->children, digest));
    }
    return e->tag && has_name(e, entry);
}

static bool is_tag_line(const edit *e, const koc__jnode *entry)
{
    return has_name(e, entry) || (is_nameless(entry) && has_digest(e, entry));
}

static bool is_digest_line(const edit *e, const koc__jnode *entry)
{
    return has_digest(e, entry) && (is_nameless(entry) || has_name(e, entry));
}

/* "v1" in the default repository, else "team/app:v1". Where the name would read as that of a registry,
 * one is put in front of it. */
static char *ref_name_for(const koc__names *n, const char *repository, const char *tag)
{
    koc_str back = {0};
    koc_str back_tag = {0};
    if (koc__streq(repository, n->fallback)) {
        return koc__strdup(tag);
    }
    KOC__AUTO_STR name = koc__format("%s:%s", repository, tag);
    if (name && koc__name_split(koc__str(name), n->fallback, &back, &back_tag) &&
        koc__str_is(back, repository)) {
        return koc__steal(&name);
    }
    return name ? koc__format("localhost/%s", name) : NULL;
}

static int add_line(const edit *e, koc__jnode *list, const koc_descriptor *d, const char *tag,
                    koc_error **err)
{
    KOC__AUTO_STR name = tag ? ref_name_for(e->names, e->repository, tag) : NULL;
    koc__jnode *entry = koc__json_make_object();
    if ((tag && !name) || !entry) {
        koc__json_node_free(entry);
        return koc__oom(err);
    }
    const koc__digest_text digest = koc__digest_str(&d->digest);
    int rc = koc__json_put(entry, "mediaType", koc__json_make_str(d->media_type), err);
    if (rc == KOC_OK) {
        rc = koc__json_put(entry, "digest", koc__json_make_str(digest.s), err);
    }
    if (rc == KOC_OK) {
        rc = koc__json_put(entry, "size", koc__json_make_u64(d->size), err);
    }
    koc__jnode *annotations = rc == KOC_OK && name ? koc__json_make_object() : NULL;
    if (annotations) {
        rc = koc__json_put(annotations, KOC__REF_NAME, koc__json_make_str(name), err);
        if (rc == KOC_OK) {
            rc = koc__json_put(entry, "annotations", annotations, err);
        } else {
            koc__json_node_free(annotations);
        }
    } else if (rc == KOC_OK && name) {
        rc = koc__oom(err);
    }
    if (rc != KOC_OK) {
        koc__json_node_free(entry);
        return rc;
    }
    return koc__json_push(list, entry, err);
}

static int write_index(const koc__names *n, const koc__json *doc, koc_error **err)
{
    KOC__AUTO_VAL(koc__buf) out = KOC__BUF_INIT(KOC__MANIFEST_MAX);
    koc__jw w;
    koc__jw_begin(&w, &out, INDENT, 0);
    koc__jw_node(&w, koc__json_root(doc));
    KOC__TRY(koc__jw_end(&w, err));
    return koc__fs_write_file(n->path, koc__buf_view(&out), FILE_MODE, err);
}

/* Takes the lines out that drop says. */
static void take_out(edit *e, drop_fn drop, koc__jnode *list)
{
    koc__jnode *next = NULL;
    for (koc__jnode *entry = koc__json_child(list); entry; entry = next) {
        next = koc__json_next(entry);
        if (drop(e, entry)) {
            koc__json_remove(list, entry);
            e->dropped++;
        } else if (e->digest && has_digest(e, entry)) {
            e->others++;
        }
    }
}

static int open_index(koc__names *n, koc__op *op, int *fd, koc__json **doc, koc__jnode **list,
                      koc_error **err)
{
    KOC__TRY(koc__layout_lock(n->layout, op, fd, err));
    KOC__TRY(koc__layout_read_index(n->layout, NULL, doc, err));
    *list = koc__json_get(koc__json_root(*doc), "manifests");
    return koc__json_is(*list, KOC__JSON_ARRAY)
               ? KOC_OK
               : koc__error(err, KOC_EFORMAT, "%s has no \"manifests\"", n->path);
}

int koc__names_put(koc__names *n, const char *repository, const char *tag, const koc_descriptor *d,
                   const koc_strlist *children, koc__op *op, koc_error **err)
{
    edit e = {n, repository, tag, &d->digest, children, 0, 0};
    KOC__AUTO_FD fd = -1;
    KOC__AUTO(koc__json) doc = NULL;
    koc__jnode *list = NULL;
    KOC__TRY(open_index(n, op, &fd, &doc, &list, err));
    take_out(&e, makes_room, list);
    if (!tag && e.others > 0 && e.dropped == 0) {
        return KOC_OK;
    }
    if (tag || e.others == 0) {
        KOC__TRY(add_line(&e, list, d, tag, err));
    }
    return write_index(n, doc, err);
}

/* What the tag names now. Under the layout's lock. */
static int read_tagged(const edit *e, const koc__jnode *list, koc_descriptor **out, koc_error **err)
{
    const koc__jnode *found = NULL;
    for (const koc__jnode *entry = koc__json_child(list); entry; entry = koc__json_next(entry)) {
        found = has_name(e, entry) ? entry : found;
    }
    if (!found) {
        return koc__error(err, KOC_ENOTFOUND, "there is no %s:%s", e->repository, e->tag);
    }
    return koc__descriptor_read(found, "an entry of index.json", out, err);
}

int koc__names_remove_tag(koc__names *n, const char *repository, const char *tag, koc__op *op,
                          koc_error **err)
{
    edit e = {n, repository, tag, NULL, NULL, 0, 0};
    KOC__AUTO_FD fd = -1;
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_descriptor) d = NULL;
    koc__jnode *list = NULL;
    KOC__TRY(open_index(n, op, &fd, &doc, &list, err));
    KOC__TRY(read_tagged(&e, list, &d, err));
    e.digest = &d->digest;
    take_out(&e, is_tag_line, list);
    if (e.others == 0) {
        KOC__TRY(add_line(&e, list, d, NULL, err));
    }
    return write_index(n, doc, err);
}

int koc__names_remove_digest(koc__names *n, const char *repository, const koc_digest *d,
                             koc__op *op, bool *other, koc_error **err)
{
    edit e = {n, repository, NULL, d, NULL, 0, 0};
    KOC__AUTO_FD fd = -1;
    KOC__AUTO(koc__json) doc = NULL;
    koc__jnode *list = NULL;
    KOC__TRY(open_index(n, op, &fd, &doc, &list, err));
    take_out(&e, is_digest_line, list);
    if (e.dropped > 0) {
        KOC__TRY(write_index(n, doc, err));
    }
    *other = e.others > 0;
    return KOC_OK;
}
