#include "core/common.h"

#include <pthread.h>

#include "core/hash/digests.h"
#include "core/path.h"
#include "serve/route.h"
#include "serve/served_names.h"
#include "store/layout.h"

#define CONTAINERD_NAME "io.containerd.image.name"

enum { INDENT = 3, FILE_MODE = 0644 };

struct koc__names {
    koc_layout *layout;
    koc__content *content;
    char *path; /* of index.json */
    char *fallback;
    pthread_mutex_t mutex; /* guards what follows */
    koc__stamp stamp;      /* of the index.json that the listing was read from */
    koc__served_listing *listing;
};

/* --- listings --- */

koc__served_listing *koc__served_listing_ref(koc__served_listing *l)
{
    if (l) {
        atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    }
    return l;
}

void koc__served_listing_unref(koc__served_listing *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        koc__free(l->lines[i].repository);
        koc__free(l->lines[i].tag);
    }
    koc__free(l->lines);
    koc_strlist_free(l->emptied);
    koc__free(l);
}

bool koc__served_listing_has(const koc__served_listing *l, const char *repository,
                             const koc_digest *d)
{
    for (size_t i = 0; i < l->n; i++) {
        if (koc_digest_equal(&l->lines[i].digest, d) &&
            koc__streq(l->lines[i].repository, repository)) {
            return true;
        }
    }
    return false;
}

char *koc__served_listing_where(const koc__served_listing *l, const koc_digest *d)
{
    const koc__served_line *found = NULL;
    for (size_t i = 0; i < l->n; i++) {
        const koc__served_line *line = &l->lines[i];
        if (koc_digest_equal(&line->digest, d) && (!found || (line->tag && !found->tag))) {
            found = line;
        }
    }
    if (!found) {
        return NULL;
    }
    return koc__format("%s%s%s", found->repository, found->tag ? ":" : "",
                       found->tag ? found->tag : "");
}

/* The name of the directory as a repository: lower case, one dash for each run of characters that are not
 * allowed. */
static char *name_of_dir(const char *dir)
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

int koc__names_new(koc_layout *l, koc__content *content, const char *fallback, koc__names **out,
                   koc_error **err)
{
    koc__names *n = koc__calloc(1, sizeof(*n));
    if (!n) {
        return koc__oom(err);
    }
    pthread_mutex_init(&n->mutex, NULL);
    n->layout = koc_layout_ref(l);
    n->content = content;
    n->path = koc__format("%s/index.json", l->dir);
    n->fallback = fallback ? koc__strdup(fallback) : name_of_dir(l->dir);
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
    koc__served_listing_unref(n->listing);
    koc__free(n->path);
    koc__free(n->fallback);
    koc_layout_unref(n->layout);
    pthread_mutex_destroy(&n->mutex);
    koc__free(n);
}

/* --- reading --- */

/* The repository and tag of an entry. */
typedef struct place {
    koc_str repository;
    koc_str tag; /* empty: none */
} place;

/* false: the entry has no name that can be served. */
static bool name_of(const char *fallback, const koc__jnode *annotations, place *out)
{
    const char *full = koc__json_get_str(annotations, CONTAINERD_NAME);
    const char *name = koc__json_get_str(annotations, KOC__REF_NAME);
    if (full && !koc__is_tag(koc__str(full)) &&
        koc__served_name_split(koc__str(full), fallback, &out->repository, &out->tag)) {
        return true;
    }
    return name && koc__served_name_split(koc__str(name), fallback, &out->repository, &out->tag);
}

static place place_of(const char *fallback, const koc__jnode *entry)
{
    const koc__jnode *annotations = koc__json_get(entry, "annotations");
    const char *repository = koc__json_get_str(annotations, KOC__REPOSITORY);
    place p = {0};
    if (name_of(fallback, annotations, &p)) {
        return p;
    }
    bool known = repository && koc__is_repository(koc__str(repository));
    return (place){koc__str(known ? repository : fallback), {0}};
}

/* An entry of a tool that writes no names. */
static bool is_nameless(const koc__jnode *entry)
{
    const koc__jnode *annotations = koc__json_get(entry, "annotations");
    return !koc__json_get(annotations, KOC__REF_NAME) &&
           !koc__json_get(annotations, CONTAINERD_NAME) &&
           !koc__json_get(annotations, KOC__REPOSITORY);
}

static bool digest_of(const koc__jnode *entry, koc_digest *out)
{
    const char *text = koc__json_get_str(entry, "digest");
    return text && koc__digest_read(koc__str(text), out);
}

static int read_line(const koc__names *n, const koc__jnode *entry, bool only, koc__served_line *out,
                     koc_error **err)
{
    place p = place_of(n->fallback, entry);
    if (only && is_nameless(entry)) {
        p.tag = KOC__STR("latest");
    }
    out->repository = koc__str_dup(p.repository);
    out->tag = p.tag.len > 0 ? koc__str_dup(p.tag) : NULL;
    return out->repository && (out->tag || p.tag.len == 0) ? KOC_OK : koc__oom(err);
}

static int read_lines(const koc__names *n, const koc__jnode *list, koc__served_listing *out,
                      koc_error **err)
{
    size_t total = koc__json_count(list);
    out->lines = koc__calloc(total + 1, sizeof(*out->lines));
    if (!out->lines) {
        return koc__oom(err);
    }
    for (const koc__jnode *e = koc__json_child(list); e; e = koc__json_next(e)) {
        koc__served_line *line = &out->lines[out->n];
        if (!digest_of(e, &line->digest)) {
            continue; /* an algorithm that koc does not know */
        }
        out->n++;
        KOC__TRY(read_line(n, e, total == 1, line, err));
    }
    return KOC_OK;
}

/* The emptied repositories that index.json lists. */
static int read_emptied(const koc__json *doc, koc_strlist **out, koc_error **err)
{
    const koc__jnode *annotations = koc__json_get(koc__json_root(doc), "annotations");
    koc_str rest = koc__str(koc__json_get_str(annotations, KOC__REPOSITORIES));
    koc_str word = {0};
    KOC__TRY(koc__strlist_new(out, err));
    while (koc__str_word(&rest, &word)) {
        if (koc__is_repository(word)) {
            KOC__TRY(koc__strlist_add_n(*out, word, err));
        }
    }
    return KOC_OK;
}

static int read_listing(const koc__names *n, const koc__json *doc, koc__served_listing **out,
                        koc_error **err)
{
    KOC__AUTO(koc__served_listing) l = koc__calloc(1, sizeof(*l));
    if (!l) {
        return koc__oom(err);
    }
    atomic_init(&l->refs, 1);
    KOC__TRY(read_lines(n, koc__json_get(koc__json_root(doc), "manifests"), l, err));
    KOC__TRY(read_emptied(doc, &l->emptied, err));
    *out = koc__steal(&l);
    return KOC_OK;
}

/* Under the mutex. */
static int refresh(koc__names *n, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    koc__served_listing *fresh = NULL;
    koc__stamp stamp = n->stamp;
    KOC__TRY(koc__content_index(n->content, &stamp, &doc, err));
    if (!doc) {
        return KOC_OK;
    }
    KOC__TRY(read_listing(n, doc, &fresh, err));
    koc__served_listing_unref(n->listing);
    n->listing = fresh;
    n->stamp = stamp;
    return KOC_OK;
}

int koc__names_listing(koc__names *n, koc__served_listing **out, koc_error **err)
{
    pthread_mutex_lock(&n->mutex);
    int rc = refresh(n, err);
    if (rc == KOC_OK) {
        *out = koc__served_listing_ref(n->listing);
    }
    pthread_mutex_unlock(&n->mutex);
    return rc;
}

int koc__names_find(koc__names *n, const char *repository, const char *tag, koc_digest *out,
                    koc_error **err)
{
    KOC__AUTO(koc__served_listing) l = NULL;
    KOC__TRY(koc__names_listing(n, &l, err));
    for (size_t i = l->n; i > 0; i--) {
        const koc__served_line *line = &l->lines[i - 1];
        if (koc__streq(line->tag, tag) && koc__streq(line->repository, repository)) {
            *out = line->digest;
            return KOC_OK;
        }
    }
    return koc__error(err, KOC_ENOTFOUND, "there is no %s:%s", repository, tag);
}

/* All tags of a repository (*exists: there is one), or all repositories; sorted, some twice. */
static int collect_names(const koc__served_listing *l, const char *repository, koc_strlist *all,
                         bool *exists, koc_error **err)
{
    *exists = !repository || koc__strlist_has(l->emptied, repository);
    for (size_t i = 0; i < l->n; i++) {
        const koc__served_line *line = &l->lines[i];
        if (repository && !koc__streq(line->repository, repository)) {
            continue;
        }
        const char *word = repository ? line->tag : line->repository;
        *exists = true;
        if (word) {
            KOC__TRY(koc__strlist_add(all, word, err));
        }
    }
    for (size_t i = 0; !repository && i < koc_strlist_count(l->emptied); i++) {
        KOC__TRY(koc__strlist_add(all, koc_strlist_get(l->emptied, i), err));
    }
    koc__strlist_sort(all);
    return KOC_OK;
}

static int fill_page(const koc_strlist *all, const char *last, size_t max, koc_strlist *out,
                     bool *more, koc_error **err)
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
    KOC__AUTO(koc__served_listing) l = NULL;
    KOC__AUTO(koc_strlist) all = NULL;
    KOC__AUTO(koc_strlist) list = NULL;
    bool exists = false;
    KOC__TRY(koc__names_listing(n, &l, err));
    KOC__TRY(koc__strlist_new(&all, err));
    KOC__TRY(koc__strlist_new(&list, err));
    KOC__TRY(collect_names(l, repository, all, &exists, err));
    if (!exists) {
        return koc__error(err, KOC_ENOTFOUND, "there is no repository %s", repository);
    }
    KOC__TRY(fill_page(all, last, max, list, more, err));
    *out = koc__steal(&list);
    return KOC_OK;
}

/* --- changing --- */

/* index.json while it is changed. */
typedef struct edit {
    koc__names *names;
    const char *repository; /* the one that is changed */
    koc__json *doc;
    koc__jnode *list; /* "manifests" */
    size_t before;    /* entries that there were */
} edit;

static void edit_dispose(edit *e)
{
    koc__json_free(e->doc);
}
KOC__DEFINE_AUTO_VAL(edit, edit_dispose);

static int edit_begin(edit *e, koc_error **err)
{
    koc__stamp none = {0};
    KOC__TRY(koc__content_index(e->names->content, &none, &e->doc, err));
    e->list = koc__json_get(koc__json_root(e->doc), "manifests");
    e->before = koc__json_count(e->list);
    return koc__json_is(e->list, KOC__JSON_ARRAY)
               ? KOC_OK
               : koc__error(err, KOC_EFORMAT, "%s has no \"manifests\"", e->names->path);
}

/* A list must not grow beyond the limit of readers. */
static int edit_end(const edit *e, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(KOC__LISTING_MAX);
    koc__jw w;
    size_t n = koc__json_count(e->list);
    if (n > KOC__LISTED_MAX && n > e->before) {
        return koc__error(err, KOC_ELIMIT, "index.json lists %zu images, and may list no more",
                          e->before);
    }
    koc__jw_begin(&w, &out, INDENT, 0);
    koc__jw_node(&w, koc__json_root(e->doc));
    KOC__TRY(koc__jw_end(&w, err));
    return koc__fs_replace_file(e->names->path, koc__dynbuf_view(&out), FILE_MODE, err);
}

/* Whether an entry belongs to the repository, and under which tag. */
static bool is_ours(const edit *e, const koc__jnode *entry, place *p)
{
    *p = place_of(e->names->fallback, entry);
    return koc__str_is(p->repository, e->repository);
}

static bool has_digest(const koc__jnode *entry, const koc_digest *d)
{
    koc_digest have;
    return digest_of(entry, &have) && koc_digest_equal(&have, d);
}

/* Whether the repository has a line of d. */
static bool is_listed(const edit *e, const koc_digest *d)
{
    place p;
    for (const koc__jnode *n = koc__json_child(e->list); n; n = koc__json_next(n)) {
        if (has_digest(n, d) && is_ours(e, n, &p)) {
            return true;
        }
    }
    return false;
}

/* Adds this repository to the list of emptied ones, or removes it. */
static int note_emptied(const edit *e, bool emptied, koc_error **err)
{
    KOC__AUTO(koc_strlist) words = NULL;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__LISTING_MAX);
    koc__jnode *root = koc__json_root(e->doc);
    koc__jnode *annotations = koc__json_get(root, "annotations");
    KOC__TRY(read_emptied(e->doc, &words, err));
    if (koc__strlist_has(words, e->repository) == emptied) {
        return KOC_OK;
    }
    if (emptied) {
        KOC__TRY(koc__strlist_add(words, e->repository, err));
    }
    for (size_t i = 0; i < koc_strlist_count(words); i++) {
        const char *word = koc_strlist_get(words, i);
        if (emptied || !koc__streq(word, e->repository)) {
            KOC__TRY(koc__dynbuf_printf(&text, err, "%s%s", text.len ? " " : "", word));
        }
    }
    if (!koc__json_is(annotations, KOC__JSON_OBJECT)) {
        KOC__TRY(koc__json_put(root, "annotations", koc__json_make_object(), err));
        annotations = koc__json_get(root, "annotations");
    }
    if (text.len > 0) {
        koc__jnode *value = koc__json_make_str(koc__dynbuf_cstr(&text));
        return koc__json_put(annotations, KOC__REPOSITORIES, value, err);
    }
    koc__json_drop(annotations, KOC__REPOSITORIES);
    if (koc__json_count(annotations) == 0) {
        koc__json_drop(root, "annotations");
    }
    return KOC_OK;
}

/* "v1" in the default repository, else "team/app:v1". A name that would read as that of a registry gets a
 * registry in front of it. */
static char *ref_name_for(const koc__names *n, const char *repository, const char *tag)
{
    koc_str back = {0};
    koc_str back_tag = {0};
    if (koc__streq(repository, n->fallback)) {
        return koc__strdup(tag);
    }
    KOC__AUTO_STR name = koc__format("%s:%s", repository, tag);
    if (name && koc__served_name_split(koc__str(name), n->fallback, &back, &back_tag) &&
        koc__str_is(back, repository)) {
        return koc__steal(&name);
    }
    return name ? koc__format("localhost/%s", name) : NULL;
}

/* The members of an entry. tag NULL: none. */
static int fill_line(const edit *e, koc__jnode *entry, const koc_descriptor *d, const char *tag,
                     koc_error **err)
{
    KOC__AUTO_STR name = tag ? ref_name_for(e->names, e->repository, tag) : NULL;
    const koc__digest_text digest = koc__digest_str(&d->digest);
    const char *value = tag ? name : e->repository;
    KOC__TRY(koc__json_put(entry, "mediaType", koc__json_make_str(d->media_type), err));
    KOC__TRY(koc__json_put(entry, "digest", koc__json_make_str(digest.s), err));
    KOC__TRY(koc__json_put(entry, "size", koc__json_make_u64(d->size), err));
    KOC__TRY(koc__json_put(entry, "annotations", koc__json_make_object(), err));
    return koc__json_put(koc__json_get(entry, "annotations"), tag ? KOC__REF_NAME : KOC__REPOSITORY,
                         value ? koc__json_make_str(value) : NULL, err);
}

static int add_line(const edit *e, const koc_descriptor *d, const char *tag, koc_error **err)
{
    koc__jnode *entry = koc__json_make_object();
    if (!entry) {
        return koc__oom(err);
    }
    int rc = fill_line(e, entry, d, tag, err);
    if (rc != KOC_OK) {
        koc__json_node_free(entry);
        return rc;
    }
    return koc__json_push(e->list, entry, err);
}

/* Adds a line without a tag if the repository has no line of d. */
static int keep_line(const edit *e, const koc_descriptor *d, koc_error **err)
{
    return is_listed(e, &d->digest) ? KOC_OK : add_line(e, d, NULL, err);
}

/* Removes the lines of a tag; *was: what it named, or NULL. */
static int remove_tag_lines(const edit *e, const char *tag, koc_descriptor **was, koc_error **err)
{
    koc__jnode *next = NULL;
    place p;
    *was = NULL;
    for (koc__jnode *entry = koc__json_child(e->list); entry; entry = next) {
        next = koc__json_next(entry);
        if (!is_ours(e, entry, &p) || !koc__str_is(p.tag, tag)) {
            continue;
        }
        koc__descriptor_free(koc__steal(was));
        KOC__TRY(koc__descriptor_read(entry, "an entry of index.json", was, err));
        koc__json_remove(e->list, entry);
    }
    return KOC_OK;
}

/* Removes the lines without a tag that d (or NULL) and its entries make unnecessary. */
static void remove_untagged_lines(const edit *e, const koc_digest *d, const koc_strlist *children)
{
    koc__jnode *next = NULL;
    place p;
    for (koc__jnode *entry = koc__json_child(e->list); entry; entry = next) {
        const char *digest = koc__json_get_str(entry, "digest");
        next = koc__json_next(entry);
        if (!digest || !is_ours(e, entry, &p) || p.tag.len > 0) {
            continue;
        }
        if ((d && has_digest(entry, d)) || (children && koc__strlist_has(children, digest))) {
            koc__json_remove(e->list, entry);
        }
    }
}

int koc__names_put(koc__names *n, const char *repository, const char *tag, const koc_descriptor *d,
                   const koc_strlist *children, koc_error **err)
{
    KOC__AUTO_VAL(edit) e = {n, repository, NULL, NULL, 0};
    KOC__AUTO(koc_descriptor) was = NULL;
    KOC__TRY(edit_begin(&e, err));
    if (tag) {
        KOC__TRY(remove_tag_lines(&e, tag, &was, err));
    }
    remove_untagged_lines(&e, tag ? &d->digest : NULL, children);
    bool replaced = was && !koc_digest_equal(&was->digest, &d->digest);
    if (replaced && !(children && koc__strlist_has(children, koc__digest_str(&was->digest).s))) {
        KOC__TRY(keep_line(&e, was, err));
    }
    KOC__TRY(tag ? add_line(&e, d, tag, err) : keep_line(&e, d, err));
    KOC__TRY(note_emptied(&e, false, err));
    return edit_end(&e, err);
}

int koc__names_remove_tag(koc__names *n, const char *repository, const char *tag, koc_error **err)
{
    KOC__AUTO_VAL(edit) e = {n, repository, NULL, NULL, 0};
    KOC__AUTO(koc_descriptor) was = NULL;
    KOC__TRY(edit_begin(&e, err));
    KOC__TRY(remove_tag_lines(&e, tag, &was, err));
    if (!was) {
        return koc__error(err, KOC_ENOTFOUND, "there is no %s:%s", repository, tag);
    }
    KOC__TRY(keep_line(&e, was, err));
    return edit_end(&e, err);
}

/* Whether the repository has any line left. */
static bool has_lines(const edit *e)
{
    place p;
    for (const koc__jnode *n = koc__json_child(e->list); n; n = koc__json_next(n)) {
        if (is_ours(e, n, &p)) {
            return true;
        }
    }
    return false;
}

int koc__names_remove_digest(koc__names *n, const char *repository, const koc_digest *d,
                             const koc_descriptor *keep, size_t n_keep, koc_error **err)
{
    KOC__AUTO_VAL(edit) e = {n, repository, NULL, NULL, 0};
    koc__jnode *next = NULL;
    place p;
    KOC__TRY(edit_begin(&e, err));
    for (koc__jnode *entry = koc__json_child(e.list); entry; entry = next) {
        next = koc__json_next(entry);
        if (has_digest(entry, d) && is_ours(&e, entry, &p)) {
            koc__json_remove(e.list, entry);
        }
    }
    for (size_t i = 0; i < n_keep; i++) {
        KOC__TRY(keep_line(&e, &keep[i], err));
    }
    KOC__TRY(note_emptied(&e, !has_lines(&e), err));
    return edit_end(&e, err);
}
