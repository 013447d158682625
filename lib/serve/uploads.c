#include "core/common.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>

#include "core/crypto.h"
#include "core/digests.h"
#include "core/fs.h"
#include "core/map.h"
#include "core/text.h"
#include "serve/route.h"
#include "serve/uploads.h"
#include "store/layout.h"

KOC__DEFINE_AUTO(koc_hasher, koc_hasher_free);

enum { OPEN_MAX_UPLOADS = 256, OLD_S = 24 * 60 * 60, LOCK_TRIES = 100, LOCK_WAIT_MS = 20 };
enum { READ = 256 * 1024, BLOB_MODE = 0644, DIR_MODE = 0755 };

/* A hash that goes on when the next chunk comes. */
typedef struct running {
    koc_hasher *sha256;
    uint64_t size; /* bytes in it */
} running;

struct koc__uploads {
    koc_layout *layout;
    char *dir;
    pthread_mutex_t mutex; /* guards hashes */
    koc__map *hashes;      /* id -> running */
};

static void running_free(void *value)
{
    running *r = value;
    koc_hasher_free(r->sha256);
    koc__free(r);
}

/* How many there are, after those that nobody came back for are gone. */
static int purge(koc__uploads *u, size_t *left, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    *left = 0;
    if (!koc__fs_exists(u->dir)) {
        return KOC_OK;
    }
    KOC__TRY(koc__fs_list(u->dir, &names, err));
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        const char *name = koc_strlist_get(names, i);
        KOC__AUTO_STR path = koc__format("%s/%s", u->dir, name);
        struct stat st;
        if (!path) {
            return koc__oom(err);
        }
        if (!koc__is_upload_id(koc__str(name)) || lstat(path, &st) != 0) {
            continue;
        }
        if (koc__now() - (int64_t)st.st_mtime > OLD_S) {
            (void)unlink(path);
        } else {
            (*left)++;
        }
    }
    return KOC_OK;
}

int koc__uploads_new(koc_layout *l, koc__uploads **out, koc_error **err)
{
    koc__uploads *u = koc__calloc(1, sizeof(*u));
    if (!u) {
        return koc__oom(err);
    }
    size_t left = 0;
    pthread_mutex_init(&u->mutex, NULL);
    u->layout = koc_layout_ref(l);
    u->dir = koc__format("%s/.koc-uploads", l->dir);
    u->hashes = koc__map_new(running_free);
    int rc = u->dir && u->hashes ? purge(u, &left, err) : koc__oom(err);
    if (rc != KOC_OK) {
        koc__uploads_free(u);
        return rc;
    }
    *out = u;
    return KOC_OK;
}

void koc__uploads_free(koc__uploads *u)
{
    if (!u) {
        return;
    }
    if (u->dir) {
        (void)rmdir(u->dir); /* uploads that go on later keep it */
    }
    koc__map_free(u->hashes);
    koc__free(u->dir);
    koc_layout_unref(u->layout);
    pthread_mutex_destroy(&u->mutex);
    koc__free(u);
}

/* --- one upload --- */

static int make(koc__uploads *u, const char *id, koc__upload **out, koc_error **err)
{
    koc__upload *up = koc__calloc(1, sizeof(*up));
    if (!up) {
        return koc__oom(err);
    }
    up->home = u;
    up->fd = -1;
    memcpy(up->id, id, KOC__UPLOAD_ID_LEN);
    up->path = koc__format("%s/%s", u->dir, id);
    if (!up->path) {
        koc__upload_close(up);
        return koc__oom(err);
    }
    *out = up;
    return KOC_OK;
}

int koc__upload_create(koc__uploads *u, koc__upload **out, koc_error **err)
{
    KOC__AUTO(koc__upload) up = NULL;
    uint8_t random[KOC__UPLOAD_ID_LEN / 2];
    char id[KOC__UPLOAD_ID_LEN + 1];
    size_t left = 0;
    KOC__TRY(purge(u, &left, err));
    if (left >= OPEN_MAX_UPLOADS) {
        return koc__error(err, KOC_ELIMIT, "%d uploads are open already", OPEN_MAX_UPLOADS);
    }
    KOC__TRY(koc__fs_mkdirs(u->dir, DIR_MODE, err));
    KOC__TRY(koc__random(random, sizeof(random), err));
    koc__hex(random, sizeof(random), id);
    KOC__TRY(make(u, id, &up, err));
    up->fd = open(up->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (up->fd < 0) {
        return koc__error_errno(err, errno, "cannot make %s", up->path);
    }
    (void)flock(up->fd, LOCK_EX | LOCK_NB); /* nobody else knows its name */
    KOC__TRY(koc_hasher_new(KOC_DIGEST_SHA256, &up->sha256, err));
    *out = koc__steal(&up);
    return KOC_OK;
}

/* A client that lost its connection comes back at once, while the other end is still being noticed. */
static int lock(koc__upload *up, koc__op *op, koc_error **err)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(up->fd, LOCK_EX | LOCK_NB) == 0) {
            return KOC_OK;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return koc__error_errno(err, errno, "cannot lock %s", up->path);
        }
        KOC__TRY(koc__op_sleep(op, LOCK_WAIT_MS, err));
    }
    return koc__error(err, KOC_ECONFLICT, "another request writes to this upload");
}

/* Takes over the hash if it is that of the whole file. */
static void take_hash(koc__upload *up)
{
    koc__uploads *u = up->home;
    pthread_mutex_lock(&u->mutex);
    running *r = koc__map_get(u->hashes, koc__str(up->id));
    if (r && r->size == up->size) {
        up->sha256 = koc__steal(&r->sha256);
    }
    koc__map_remove(u->hashes, koc__str(up->id));
    pthread_mutex_unlock(&u->mutex);
}

int koc__upload_open(koc__uploads *u, const char *id, koc__op *op, koc__upload **out,
                     koc_error **err)
{
    KOC__AUTO(koc__upload) up = NULL;
    struct stat st;
    KOC__TRY(make(u, id, &up, err));
    up->fd = open(up->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (up->fd < 0 && errno == ENOENT) {
        return koc__error(err, KOC_ENOTFOUND, "there is no upload %s", id);
    }
    if (up->fd < 0) {
        return koc__error_errno(err, errno, "cannot open %s", up->path);
    }
    KOC__TRY(lock(up, op, err));
    if (fstat(up->fd, &st) != 0 || lseek(up->fd, 0, SEEK_END) < 0) {
        return koc__error_errno(err, errno, "cannot look at %s", up->path);
    }
    if (st.st_nlink == 0 || !S_ISREG(st.st_mode)) { /* finished while the lock was waited for */
        return koc__error(err, KOC_ENOTFOUND, "there is no upload %s", id);
    }
    up->size = (uint64_t)st.st_size;
    take_hash(up);
    *out = koc__steal(&up);
    return KOC_OK;
}

int koc__upload_append(koc__upload *up, const void *data, size_t len, koc_error **err)
{
    KOC__TRY(koc__fs_write_fd(up->fd, data, len, up->path, err));
    up->size += len;
    if (up->sha256) {
        koc_hasher_update(up->sha256, koc__str_n(data, len));
    }
    return KOC_OK;
}

int koc__upload_truncate(koc__upload *up, uint64_t size, koc_error **err)
{
    if (ftruncate(up->fd, (off_t)size) != 0 || lseek(up->fd, 0, SEEK_END) < 0) {
        return koc__error_errno(err, errno, "cannot shorten %s", up->path);
    }
    koc_hasher_free(koc__steal(&up->sha256));
    up->size = size;
    return KOC_OK;
}

/* Reads the file again: for SHA-512, and where chunks came to different processes. */
static int hash_file(const koc__upload *up, int32_t algorithm, koc__op *op, koc_digest *out,
                     koc_error **err)
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
        KOC__TRY(koc__op_check(op, err));
        KOC__TRY(koc__fs_read_fd(up->fd, buf, READ, &n, up->path, err));
        koc_hasher_update(h, koc__str_n(buf, n));
    }
    return koc_hasher_finish(h, out, err);
}

int koc__upload_commit(koc__upload *up, const koc_digest *d, koc__op *op, koc_error **err)
{
    koc_layout *l = up->home->layout;
    KOC__AUTO_STR path = koc__layout_blob_path(l, d);
    KOC__AUTO_STR folder = koc__format("%s/blobs/sha512", l->dir);
    koc_digest have;
    if (!path || !folder) {
        return koc__oom(err);
    }
    if (d->algorithm == KOC_DIGEST_SHA256 && up->sha256) {
        KOC__TRY(koc_hasher_finish(up->sha256, &have, err));
        koc_hasher_free(koc__steal(&up->sha256));
    } else {
        KOC__TRY(hash_file(up, d->algorithm, op, &have, err));
    }
    if (!koc_digest_equal(&have, d)) {
        koc__upload_remove(up);
        return koc__error(err, KOC_EDIGEST, "the content has the digest %s",
                          koc__digest_str(&have).s);
    }
    if (d->algorithm == KOC_DIGEST_SHA512) {
        KOC__TRY(koc__fs_mkdirs(folder, DIR_MODE, err));
    }
    koc__tempfile t = {koc__steal_fd(&up->fd), koc__steal(&up->path), NULL};
    int rc = koc__tempfile_publish(&t, path, BLOB_MODE, err);
    koc__tempfile_dispose(&t);
    return rc;
}

void koc__upload_remove(koc__upload *up)
{
    (void)unlink(up->path);
    koc_hasher_free(koc__steal(&up->sha256));
    koc__free(koc__steal(&up->path));
}

/* Without memory the file is read again at the end, and that is all. */
static void keep_hash(koc__upload *up)
{
    koc__uploads *u = up->home;
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

void koc__upload_close(koc__upload *up)
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
