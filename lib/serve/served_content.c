#include "core/common.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/hash/digests.h"
#include "core/io/fs_open.h"
#include "core/map.h"
#include "core/str.h"
#include "model/model.h"
#include "serve/served_content.h"
#include "store/layout.h"

KOC__DEFINE_AUTO(koc_hasher, koc_hasher_free);

enum { READ = 256 * 1024, DIR_MODE = 0755, TRIES = 3 };
/* A file that changed this recently may change again within the same tick of the file system's clock, which
 * its times do not show. */
#define YOUNG_NS ((int64_t)50 * 1000 * 1000)

enum { OPEN_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
enum { OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* The result of hashing a file. */
typedef struct verdict {
    koc__stamp stamp;
    bool right;
} verdict;

struct koc__content {
    koc_layout *layout;
    atomic_bool stopped;
    pthread_mutex_t mutex; /* guards verdicts */
    koc__map *verdicts;    /* digest -> verdict */
};

int koc__content_new(koc_layout *l, koc__content **out, koc_error **err)
{
    koc__content *c = koc__calloc(1, sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    pthread_mutex_init(&c->mutex, NULL);
    c->layout = koc_layout_ref(l);
    c->verdicts = koc__map_new(koc__free);
    if (!c->verdicts) {
        koc__content_free(c);
        return koc__oom(err);
    }
    *out = c;
    return KOC_OK;
}

void koc__content_free(koc__content *c)
{
    if (!c) {
        return;
    }
    koc__map_free(c->verdicts);
    koc_layout_unref(c->layout);
    pthread_mutex_destroy(&c->mutex);
    koc__free(c);
}

void koc__content_stop(koc__content *c)
{
    atomic_store(&c->stopped, true);
}

/* --- opening --- */

static const char *algorithm_of(int32_t algorithm)
{
    return algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256";
}

/* Opens a directory in the directory at; what: its path in the layout. */
static int open_dir(int at, const char *name, const char *what, int *out, koc_error **err)
{
    int fd = koc__fs_openat(at, name, OPEN_DIR, 0);
    if (fd >= 0) {
        *out = fd;
        return KOC_OK;
    }
    if (errno == ELOOP || errno == ENOTDIR || errno == EMLINK) {
        return koc__error(err, KOC_EFORMAT,
                          "%s of the layout is not a directory: links are not followed", what);
    }
    return koc__error_errno(err, errno, "cannot open the directory %s of the layout", what);
}

static int open_layout(const koc__content *c, int *out, koc_error **err)
{
    int fd = koc__fs_open(c->layout->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot open the directory %s", c->layout->dir);
    }
    *out = fd;
    return KOC_OK;
}

/* blobs/<algorithm> of the layout. */
static int open_blobs(const koc__content *c, int32_t algorithm, int *out, koc_error **err)
{
    KOC__AUTO_FD top = -1;
    KOC__AUTO_FD blobs = -1;
    bool is_512 = algorithm == KOC_DIGEST_SHA512;
    KOC__TRY(open_layout(c, &top, err));
    KOC__TRY(open_dir(top, "blobs", "blobs", &blobs, err));
    return open_dir(blobs, algorithm_of(algorithm), is_512 ? "blobs/sha512" : "blobs/sha256", out,
                    err);
}

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFLNK: return "a link";
    case S_IFDIR: return "a directory";
    case S_IFIFO: return "a pipe";
    case S_IFSOCK: return "a socket";
    default: return "a device";
    }
}

/* Checks the type before it opens: to open a FIFO or a device can have side effects. what: for messages. */
static int open_file(int dir, const char *name, const char *what, int *out, struct stat *st,
                     koc_error **err)
{
    if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) != 0) {
        return koc__error_errno(err, errno, "cannot look at %s", what);
    }
    if (!S_ISREG(st->st_mode)) {
        return koc__error(err, KOC_EFORMAT, "%s is %s, which is not served", what,
                          kind_of(st->st_mode));
    }
    KOC__AUTO_FD fd = koc__fs_openat(dir, name, OPEN_FILE, 0);
    if (fd < 0 || fstat(fd, st) != 0) {
        return koc__error_errno(err, errno, "cannot open %s", what);
    }
    if (!S_ISREG(st->st_mode)) { /* replaced meanwhile */
        return koc__error(err, KOC_EFORMAT, "%s is %s, which is not served", what,
                          kind_of(st->st_mode));
    }
    *out = koc__steal_fd(&fd);
    return KOC_OK;
}

static int open_blob(const koc__content *c, const koc_digest *d, int *out, struct stat *st,
                     koc_error **err)
{
    KOC__AUTO_FD dir = -1;
    KOC__TRY(open_blobs(c, d->algorithm, &dir, err));
    return open_file(dir, koc__digest_hex(d).s, koc__digest_str(d).s, out, st, err);
}

/* --- checking --- */

static bool is_young(const koc__stamp *s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    return KOC__MAX(s->ctime_ns, s->mtime_ns) > ns - YOUNG_NS;
}

/* Algorithms differ in length. */
static koc_str key_of(const koc_digest *d)
{
    return koc__str_n((const char *)d->bytes, d->len);
}

/* Whether the result for this state of the file is known. */
static bool recall(koc__content *c, const koc_digest *d, const koc__stamp *now, bool *right)
{
    pthread_mutex_lock(&c->mutex);
    const verdict *v = koc__map_get(c->verdicts, key_of(d));
    bool known = v && koc__stamp_equal(&v->stamp, now);
    *right = known && v->right;
    pthread_mutex_unlock(&c->mutex);
    return known;
}

/* Without memory the file is hashed again next time. */
static void remember(koc__content *c, const koc_digest *d, const koc__stamp *stamp, bool right)
{
    verdict *v = koc__malloc(sizeof(*v));
    if (!v) {
        return;
    }
    *v = (verdict){*stamp, right};
    pthread_mutex_lock(&c->mutex);
    int rc = koc__map_set(c->verdicts, key_of(d), v, NULL);
    pthread_mutex_unlock(&c->mutex);
    if (rc != KOC_OK) {
        koc__free(v);
    }
}

static int hash_file(const koc__content *c, int fd, const koc_digest *d, bool *right,
                     koc_error **err)
{
    KOC__AUTO(koc_hasher) h = NULL;
    KOC__AUTO_STR buf = koc__malloc(READ);
    koc_digest have;
    off_t at = 0;
    if (!buf) {
        return koc__oom(err);
    }
    KOC__TRY(koc_hasher_new(d->algorithm, &h, err));
    for (;;) {
        if (atomic_load(&c->stopped)) {
            return koc__error(err, KOC_ECANCELLED, "cancelled");
        }
        ssize_t n = pread(fd, buf, READ, at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return koc__error_errno(err, errno, "cannot read %s", koc__digest_str(d).s);
        }
        if (n == 0) {
            break;
        }
        koc_hasher_update(h, koc__str_n(buf, (size_t)n));
        at += n;
    }
    KOC__TRY(koc_hasher_finish(h, &have, err));
    *right = koc_digest_equal(&have, d);
    return KOC_OK;
}

/* *steady: the file did not change while it was read. */
static int check_bytes(koc__content *c, const koc_digest *d, int fd, const struct stat *before,
                       bool *right, bool *steady, koc_error **err)
{
    koc__stamp stamp;
    koc__stamp after;
    struct stat st;
    koc__stamp_of(before, &stamp);
    *steady = true;
    if (recall(c, d, &stamp, right)) {
        return KOC_OK;
    }
    bool young = is_young(&stamp);
    KOC__TRY(hash_file(c, fd, d, right, err));
    if (fstat(fd, &st) != 0) {
        return koc__error_errno(err, errno, "cannot look at %s", koc__digest_str(d).s);
    }
    koc__stamp_of(&st, &after);
    *steady = koc__stamp_equal(&stamp, &after);
    if (*steady && !young) {
        remember(c, d, &stamp, *right);
    }
    return KOC_OK;
}

int koc__content_open(koc__content *c, const koc_digest *d, int *out_fd, uint64_t *size,
                      koc_error **err)
{
    for (int i = 0; i < TRIES; i++) {
        KOC__AUTO_FD fd = -1;
        struct stat st;
        bool right = false;
        bool steady = false;
        KOC__TRY(open_blob(c, d, &fd, &st, err));
        KOC__TRY(check_bytes(c, d, fd, &st, &right, &steady, err));
        if (!steady) {
            continue; /* it was replaced, perhaps by the same bytes */
        }
        if (!right) {
            break;
        }
        *size = (uint64_t)st.st_size;
        *out_fd = koc__steal_fd(&fd);
        return KOC_OK;
    }
    return koc__error(err, KOC_EDIGEST,
                      "%s is damaged in this layout: its file has other bytes; push it again",
                      koc__digest_str(d).s);
}

int koc__content_check(koc__content *c, const koc_digest *d, uint64_t *size, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    return koc__content_open(c, d, &fd, size, err);
}

/* --- documents --- */

/* Reads a file of known size. */
static int read_all(int fd, const struct stat *st, size_t max, const char *what, koc__dynbuf *out,
                    koc_error **err)
{
    if ((uintmax_t)st->st_size > max) {
        return koc__error(err, KOC_ELIMIT, "%s has more than %zu bytes", what, max);
    }
    size_t n = 0;
    size_t size = (size_t)st->st_size;
    KOC__TRY(koc__dynbuf_reserve(out, size + 1, err));
    KOC__TRY(koc__fs_read_fd(fd, out->ptr, size, &n, what, err));
    out->len = n;
    out->ptr[n] = '\0';
    return KOC_OK;
}

int koc__content_read(const koc__content *c, const koc_digest *d, size_t max, koc_buf *out,
                      koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(max + 1);
    KOC__AUTO(koc_hasher) h = NULL;
    koc_digest have;
    struct stat st;
    const koc__digest_text name = koc__digest_str(d);
    KOC__TRY(open_blob(c, d, &fd, &st, err));
    KOC__TRY(read_all(fd, &st, max, name.s, &text, err));
    KOC__TRY(koc_hasher_new(d->algorithm, &h, err));
    koc_hasher_update(h, koc__dynbuf_view(&text));
    KOC__TRY(koc_hasher_finish(h, &have, err));
    if (!koc_digest_equal(&have, d)) {
        return koc__error(err, KOC_EDIGEST,
                          "%s is damaged in this layout: its file has other bytes; push it again",
                          name.s);
    }
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}

bool koc__content_present(const koc__content *c, const koc_digest *d)
{
    KOC__AUTO_FD dir = -1;
    struct stat st;
    return open_blobs(c, d->algorithm, &dir, NULL) == KOC_OK &&
           fstatat(dir, koc__digest_hex(d).s, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

int koc__content_remove(const koc__content *c, const koc_digest *d, koc_error **err)
{
    KOC__AUTO_FD dir = -1;
    KOC__TRY(open_blobs(c, d->algorithm, &dir, err));
    return unlinkat(dir, koc__digest_hex(d).s, 0) == 0
               ? KOC_OK
               : koc__error_errno(err, errno, "cannot remove %s", koc__digest_str(d).s);
}

int koc__content_prepare(const koc__content *c, int32_t algorithm, koc_error **err)
{
    KOC__AUTO_FD dir = -1;
    koc_error *why = NULL;
    int rc = open_blobs(c, algorithm, &dir, &why);
    if (rc != KOC_ENOTFOUND) {
        return rc == KOC_OK ? rc : koc__error_move(err, &why);
    }
    koc__error_clear(&why);
    KOC__AUTO_STR path = NULL;
    KOC__TRY(koc__formatf(&path, err, "%s/blobs/%s", c->layout->dir, algorithm_of(algorithm)));
    KOC__TRY(koc__fs_mkdirs(path, DIR_MODE, err));
    return open_blobs(c, algorithm, &dir, err);
}

int koc__content_index(const koc__content *c, koc__stamp *stamp, koc__json **out, koc_error **err)
{
    KOC__AUTO_FD dir = -1;
    KOC__AUTO_FD fd = -1;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__LISTING_MAX + 1);
    struct stat st;
    koc__stamp now;
    *out = NULL;
    KOC__TRY(open_layout(c, &dir, err));
    KOC__TRY(open_file(dir, "index.json", "index.json", &fd, &st, err));
    koc__stamp_of(&st, &now);
    if (koc__stamp_equal(&now, stamp)) {
        return KOC_OK;
    }
    bool young = is_young(&now);
    KOC__TRY(read_all(fd, &st, KOC__LISTING_MAX, "index.json", &text, err));
    KOC__TRY(koc__json_parse(koc__dynbuf_view(&text), KOC__LISTING_MAX, "index.json", out, err));
    *stamp = young ? (koc__stamp){0} : now;
    return KOC_OK;
}
