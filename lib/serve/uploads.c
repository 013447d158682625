#include "core/common.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>

#include "core/hash/crypto.h"
#include "core/hash/digests.h"
#include "core/io/fs.h"
#include "core/io/fs_open.h"
#include "core/map.h"
#include "core/text.h"
#include "serve/route.h"
#include "serve/uploads.h"
#include "store/layout.h"

KOC__DEFINE_AUTO(koc_hasher, koc_hasher_free);

enum { OPEN_MAX_UPLOADS = 256, LOCK_TRIES = 100, LOCK_WAIT_MS = 20 };
enum { READ = 256 * 1024, BLOB_MODE = 0644, DIR_MODE = 0755 };
/* Age after which an abandoned upload is removed: usually; when the server starts; if empty; on a full disk.
 * */
enum { OLD_S = 24 * 60 * 60, OLD_AT_START_S = 60 * 60, OLD_EMPTY_S = 60, OLD_WHEN_FULL_S = 5 * 60 };

/* A hash that continues with the next chunk. */
typedef struct running {
    koc_hasher *sha256;
    uint64_t size; /* bytes in it */
} running;

struct koc__served_uploads {
    koc_layout *layout;
    koc__content *content; /* borrowed */
    char *dir;
    pthread_mutex_t making; /* held while uploads are counted and a new one is created */
    pthread_mutex_t mutex;  /* guards hashes */
    koc__map *hashes;       /* id -> running */
};

static void running_free(void *value)
{
    running *r = value;
    koc_hasher_free(r->sha256);
    koc__free(r);
}

static void forget_hash(koc__served_uploads *u, const char *id)
{
    pthread_mutex_lock(&u->mutex);
    koc__map_remove(u->hashes, koc__str(id));
    pthread_mutex_unlock(&u->mutex);
}

/* Removes an upload unless a request is writing to it. */
static bool evict(koc__served_uploads *u, const char *id, const char *path)
{
    KOC__AUTO_FD fd = koc__fs_open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return false;
    }
    forget_hash(u, id);
    return unlink(path) == 0;
}

/* An upload found on disk. */
typedef struct leftover {
    char *path;
    const char *id; /* the end of path */
    int64_t changed_ns;
    uint64_t size;
} leftover;

typedef struct leftovers {
    leftover *items;
    size_t n;
} leftovers;

static void leftovers_dispose(leftovers *l)
{
    for (size_t i = 0; i < l->n; i++) {
        koc__free(l->items[i].path);
    }
    koc__free(l->items);
}
KOC__DEFINE_AUTO_VAL(leftovers, leftovers_dispose);

static int compare_age(const void *a, const void *b)
{
    const leftover *x = a;
    const leftover *y = b;
    return x->changed_ns < y->changed_ns ? -1 : x->changed_ns > y->changed_ns;
}

/* All uploads, the one that was abandoned longest ago first. */
static int list_leftovers(const koc__served_uploads *u, leftovers *out, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    if (!koc__fs_exists(u->dir)) {
        return KOC_OK;
    }
    KOC__TRY(koc__fs_list(u->dir, &names, err));
    out->items = koc__calloc(koc_strlist_count(names) + 1, sizeof(*out->items));
    if (!out->items) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        const char *name = koc_strlist_get(names, i);
        KOC__AUTO_STR path = koc__format("%s/%s", u->dir, name);
        koc__stamp st;
        if (!path) {
            return koc__oom(err);
        }
        if (koc__served_is_upload_id(koc__str(name)) &&
            koc__fs_stamp(path, false, &st, NULL) == KOC_OK && S_ISREG(st.mode)) {
            const char *id = path + strlen(path) - KOC__UPLOAD_ID_LEN;
            out->items[out->n++] = (leftover){koc__steal(&path), id, st.mtime_ns, st.size};
        }
    }
    qsort(out->items, out->n, sizeof(*out->items), compare_age);
    return KOC_OK;
}

/* Removes uploads that are older than this. *left: the number of those that stay. */
static int purge(koc__served_uploads *u, int64_t old_s, int64_t empty_s, size_t *left,
                 koc_error **err)
{
    KOC__AUTO_VAL(leftovers) all = {0};
    KOC__TRY(list_leftovers(u, &all, err));
    *left = all.n;
    for (size_t i = 0; i < all.n; i++) {
        int64_t age = koc__now() - all.items[i].changed_ns / 1000000000;
        if (age > (all.items[i].size > 0 ? old_s : empty_s) &&
            evict(u, all.items[i].id, all.items[i].path)) {
            (*left)--;
        }
    }
    return KOC_OK;
}

/* Clients that abandon uploads must not lock out others. */
static int make_room(koc__served_uploads *u, koc_error **err)
{
    KOC__AUTO_VAL(leftovers) all = {0};
    size_t left = 0;
    KOC__TRY(purge(u, OLD_S, OLD_S, &left, err));
    if (left < OPEN_MAX_UPLOADS) {
        return KOC_OK;
    }
    KOC__TRY(list_leftovers(u, &all, err));
    left = all.n;
    for (size_t i = 0; i < all.n && left >= OPEN_MAX_UPLOADS; i++) {
        left -= evict(u, all.items[i].id, all.items[i].path) ? 1 : 0;
    }
    if (left < OPEN_MAX_UPLOADS) {
        return KOC_OK;
    }
    return koc__error(err, KOC_ELIMIT, "%d uploads are being written already", OPEN_MAX_UPLOADS);
}

/* A link in an untrusted layout must not redirect uploads to another place. */
static int check_dir(const koc__served_uploads *u, koc_error **err)
{
    struct stat st;
    if (lstat(u->dir, &st) == 0 && !S_ISDIR(st.st_mode)) {
        return koc__error(err, KOC_EFORMAT, "%s is not a directory", u->dir);
    }
    return KOC_OK;
}

static int prepare_dir(koc__served_uploads *u, koc_error **err)
{
    size_t left = 0;
    KOC__TRY(check_dir(u, err));
    return purge(u, OLD_AT_START_S, OLD_EMPTY_S, &left, err);
}

int koc__served_uploads_new(koc_layout *l, koc__content *content, koc__served_uploads **out,
                            koc_error **err)
{
    koc__served_uploads *u = koc__calloc(1, sizeof(*u));
    if (!u) {
        return koc__oom(err);
    }
    pthread_mutex_init(&u->mutex, NULL);
    pthread_mutex_init(&u->making, NULL);
    u->layout = koc_layout_ref(l);
    u->content = content;
    u->dir = koc__format("%s/.koc-uploads", l->dir);
    u->hashes = koc__map_new(running_free);
    int rc = u->dir && u->hashes ? prepare_dir(u, err) : koc__oom(err);
    if (rc != KOC_OK) {
        koc__served_uploads_free(u);
        return rc;
    }
    *out = u;
    return KOC_OK;
}

void koc__served_uploads_free(koc__served_uploads *u)
{
    if (!u) {
        return;
    }
    if (u->dir) {
        (void)rmdir(u->dir); /* uploads to be resumed keep it */
    }
    koc__map_free(u->hashes);
    koc__free(u->dir);
    koc_layout_unref(u->layout);
    pthread_mutex_destroy(&u->mutex);
    pthread_mutex_destroy(&u->making);
    koc__free(u);
}

/* --- one upload --- */

static int new_upload(koc__served_uploads *u, const char *id, koc__served_upload **out,
                      koc_error **err)
{
    koc__served_upload *up = koc__calloc(1, sizeof(*up));
    if (!up) {
        return koc__oom(err);
    }
    up->home = u;
    up->fd = -1;
    memcpy(up->id, id, KOC__UPLOAD_ID_LEN);
    up->path = koc__format("%s/%s", u->dir, id);
    if (!up->path) {
        koc__served_upload_close(up);
        return koc__oom(err);
    }
    *out = up;
    return KOC_OK;
}

/* Creates and locks the file of a new upload. One at a time, so that the limit holds. */
static int open_new(koc__served_upload *up, koc_error **err)
{
    koc__served_uploads *u = up->home;
    KOC__TRY(make_room(u, err));
    KOC__TRY(koc__fs_mkdirs(u->dir, DIR_MODE, err));
    up->fd = koc__fs_open(up->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (up->fd < 0) {
        return koc__error_errno(err, errno, "cannot make %s", up->path);
    }
    (void)flock(up->fd, LOCK_EX | LOCK_NB); /* no other request knows its name */
    return KOC_OK;
}

int koc__served_upload_create(koc__served_uploads *u, koc__served_upload **out, koc_error **err)
{
    KOC__AUTO(koc__served_upload) up = NULL;
    uint8_t random[KOC__UPLOAD_ID_LEN / 2];
    char id[KOC__UPLOAD_ID_LEN + 1];
    KOC__TRY(check_dir(u, err));
    KOC__TRY(koc__random(random, sizeof(random), err));
    koc__hex(random, sizeof(random), id);
    KOC__TRY(new_upload(u, id, &up, err));
    KOC__TRY(koc_hasher_new(KOC_DIGEST_SHA256, &up->sha256, err));
    pthread_mutex_lock(&u->making);
    int rc = open_new(up, err);
    pthread_mutex_unlock(&u->making);
    if (rc != KOC_OK) {
        return rc;
    }
    *out = koc__steal(&up);
    return KOC_OK;
}

/* A client that lost its connection retries at once, perhaps before the server has noticed the loss. */
static int lock_upload(koc__served_upload *up, koc__call *call, koc_error **err)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(up->fd, LOCK_EX | LOCK_NB) == 0) {
            return KOC_OK;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return koc__error_errno(err, errno, "cannot lock %s", up->path);
        }
        KOC__TRY(koc__call_sleep(call, LOCK_WAIT_MS, err));
    }
    return koc__error(err, KOC_ECONFLICT, "another request writes to this upload");
}

/* Takes over the hash if it is that of the whole file. */
static void adopt_hash(koc__served_upload *up)
{
    koc__served_uploads *u = up->home;
    pthread_mutex_lock(&u->mutex);
    running *r = koc__map_get(u->hashes, koc__str(up->id));
    if (r && r->size == up->size) {
        up->sha256 = koc__steal(&r->sha256);
    }
    koc__map_remove(u->hashes, koc__str(up->id));
    pthread_mutex_unlock(&u->mutex);
}

/* Whether the name still leads to the file: another request may have removed it or made it a blob while this
 * one waited for the lock. */
static bool is_still_there(const koc__served_upload *up, const struct stat *st)
{
    struct stat now;
    return S_ISREG(st->st_mode) && lstat(up->path, &now) == 0 && now.st_ino == st->st_ino &&
           now.st_dev == st->st_dev;
}

int koc__served_upload_open(koc__served_uploads *u, const char *id, koc__call *call,
                            koc__served_upload **out, koc_error **err)
{
    KOC__AUTO(koc__served_upload) up = NULL;
    struct stat st;
    KOC__TRY(new_upload(u, id, &up, err));
    up->fd = koc__fs_open(up->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (up->fd < 0 && errno == ENOENT) {
        return koc__error(err, KOC_ENOTFOUND, "there is no upload %s", id);
    }
    if (up->fd < 0) {
        return koc__error_errno(err, errno, "cannot open %s", up->path);
    }
    KOC__TRY(lock_upload(up, call, err));
    if (fstat(up->fd, &st) != 0 || lseek(up->fd, 0, SEEK_END) < 0) {
        return koc__error_errno(err, errno, "cannot look at %s", up->path);
    }
    if (!is_still_there(up, &st)) {
        return koc__error(err, KOC_ENOTFOUND, "there is no upload %s", id);
    }
    up->size = (uint64_t)st.st_size;
    adopt_hash(up);
    *out = koc__steal(&up);
    return KOC_OK;
}

int koc__served_upload_append(koc__served_upload *up, const void *data, size_t len, koc_error **err)
{
    KOC__TRY(koc__fs_write_fd(up->fd, data, len, up->path, err));
    up->size += len;
    if (up->sha256) {
        koc_hasher_update(up->sha256, koc__str_n(data, len));
    }
    return KOC_OK;
}

int koc__served_upload_truncate(koc__served_upload *up, uint64_t size, koc_error **err)
{
    if (ftruncate(up->fd, (off_t)size) != 0 || lseek(up->fd, 0, SEEK_END) < 0) {
        return koc__error_errno(err, errno, "cannot shorten %s", up->path);
    }
    koc_hasher_free(koc__steal(&up->sha256));
    up->size = size;
    return KOC_OK;
}

/* Reads the file again: for SHA-512, and if chunks went to different processes. */
static int hash_file(const koc__served_upload *up, int32_t algorithm, koc__call *call,
                     koc_digest *out, koc_error **err)
{
    KOC__AUTO(koc_hasher) h = NULL;
    KOC__AUTO_STR buf = koc__malloc(READ);
    size_t n = 1;
    if (!buf) {
        return koc__oom(err);
    }
    KOC__TRY(koc_hasher_new(algorithm, &h, err));
    if (lseek(up->fd, 0, SEEK_SET) < 0) {
        return koc__error_errno(err, errno, "cannot read %s", up->path);
    }
    while (n > 0) {
        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc__fs_read_fd(up->fd, buf, READ, &n, up->path, err));
        koc_hasher_update(h, koc__str_n(buf, n));
    }
    return koc_hasher_finish(h, out, err);
}

int koc__served_upload_commit(koc__served_upload *up, const koc_digest *d, koc__call *call,
                              koc_error **err)
{
    koc_layout *l = up->home->layout;
    KOC__AUTO_STR path = koc__layout_blob_path(l, d);
    koc_digest have;
    if (!path) {
        return koc__oom(err);
    }
    if (d->algorithm == KOC_DIGEST_SHA256 && up->sha256) {
        KOC__TRY(koc_hasher_finish(up->sha256, &have, err));
        koc_hasher_free(koc__steal(&up->sha256));
    } else {
        KOC__TRY(hash_file(up, d->algorithm, call, &have, err));
    }
    if (!koc_digest_equal(&have, d)) {
        koc__served_upload_remove(up);
        return koc__error(err, KOC_EDIGEST, "the content has the digest %s",
                          koc__digest_str(&have).s);
    }
    KOC__TRY(koc__content_prepare(up->home->content, d->algorithm, err));
    /* The file is closed before it gets its name; until then no other request may lock it. */
    int lock = fcntl(up->fd, F_DUPFD_CLOEXEC, 0);
    if (lock < 0) {
        return koc__error_errno(err, errno, "cannot finish %s", up->path);
    }
    koc__tempfile t = {koc__steal_fd(&up->fd), koc__steal(&up->path), NULL, lock, true};
    int rc = koc__tempfile_publish(&t, path, BLOB_MODE, err);
    koc__tempfile_dispose(&t);
    return rc;
}

/* A file without a name keeps its space until it is closed. */
void koc__served_upload_remove(koc__served_upload *up)
{
    if (up->path) {
        (void)unlink(up->path);
    }
    if (up->fd >= 0) {
        close(koc__steal_fd(&up->fd));
    }
    koc_hasher_free(koc__steal(&up->sha256));
    koc__free(koc__steal(&up->path));
}

void koc__served_upload_give_up(koc__served_upload *up)
{
    size_t left = 0;
    koc__served_upload_remove(up);
    (void)purge(up->home, OLD_WHEN_FULL_S, OLD_WHEN_FULL_S, &left, NULL);
}

/* Without memory the file is read again at the end. */
static void keep_hash(koc__served_upload *up)
{
    koc__served_uploads *u = up->home;
    running *r = koc__malloc(sizeof(*r));
    if (!r) {
        return;
    }
    *r = (running){up->sha256, up->size};
    pthread_mutex_lock(&u->mutex);
    bool kept = koc__map_count(u->hashes) < OPEN_MAX_UPLOADS &&
                koc__map_set(u->hashes, koc__str(up->id), r, NULL) == KOC_OK;
    pthread_mutex_unlock(&u->mutex);
    if (kept) {
        up->sha256 = NULL;
    } else {
        koc__free(r);
    }
}

void koc__served_upload_close(koc__served_upload *up)
{
    if (!up) {
        return;
    }
    if (up->sha256 && up->path) {
        keep_hash(up);
    }
    koc_hasher_free(up->sha256);
    if (up->fd >= 0) {
        close(up->fd);
    }
    koc__free(up->path);
    koc__free(up);
}
