/*
 * The cache (decisions.md: on by default in the CLI, safe for several processes and for kill -9).
 *
 *   <dir>/v1/blobs/sha256/<hex>     content by digest
 *   <dir>/v1/records/<kind>/<key>   small records; each carries a checksum of itself
 *   <dir>/v1/files/<kind>/<key>/…   files that other programs write (linked binaries)
 *   <dir>/v1/locks/<kind>.<key>     empty files for koc__cache_lock
 *   <dir>/v1/tmp                    files in the making
 * A blob or record is complete or not there. A record that does not check out is not there.
 * Kinds are short lower-case words ("manifest"). Nothing is synced to disk: checksums answer for that.
 */
#ifndef KOC__CACHE_H
#define KOC__CACHE_H

#include <koc/base.h>
#include <koc/digest.h>
#include <koc/io.h>

#include "core/dynbuf.h"
#include "core/io/fs.h"

typedef struct koc__cache koc__cache;

/* dir NULL: ${KOCACHE}/koc, else ${XDG_CACHE_HOME:-~/.cache}/koc. */
int koc__cache_open(const char *dir, koc__cache **out, koc_error **err);
void koc__cache_free(koc__cache *c);
/* off: nothing is found and nothing kept from now on. Threads that use the cache continue without it. */
void koc__cache_set_off(koc__cache *c, bool off);
/* Whether c may be used; false also for NULL. */
bool koc__cache_is_on(const koc__cache *c);
/* Whether an error names a file in the cache: the call may succeed without the cache. */
bool koc__cache_is_to_blame(const koc__cache *c, const koc_error *e);

/* Records: key is any bytes (hashed). If there is none, that is KOC_OK with *found false. A record that
 * cannot be read, is incomplete or has more than max bytes counts as missing. With c NULL nothing is found
 * and nothing kept. */
int koc__cache_get(koc__cache *c, const char *kind, koc_str key, size_t max, bool *found,
                   koc_buf *out, koc_error **err);
int koc__cache_put(koc__cache *c, const char *kind, koc_str key, koc_str value, koc_error **err);
int koc__cache_drop(koc__cache *c, const char *kind, koc_str key, koc_error **err);

/* Blobs. The content is verified as it is read, and a damaged file is removed. c may be NULL, but not for
 * temporary files. A blob that was looked up stays for at least half an hour. */
bool koc__cache_has_blob(koc__cache *c, const koc_digest *d, uint64_t size);
/* KOC_ENOTFOUND; a file of the wrong size is removed. */
int koc__cache_blob(koc__cache *c, const koc_digest *d, uint64_t size, koc_blob **out,
                    koc_error **err);
/* The same for a blob that this process has just hashed and put: readers do not hash it again. */
int koc__cache_fresh_blob(koc__cache *c, const koc_digest *d, uint64_t size, koc_blob **out,
                          koc_error **err);
int koc__cache_put_bytes(koc__cache *c, const koc_digest *d, koc_str data, koc_error **err);
/* A temporary file on the cache's file system, and its renaming to a blob under the digest that the caller
 * computed while writing. */
int koc__cache_tempfile(koc__cache *c, koc__tempfile *out, koc_error **err);
int koc__cache_put_file(koc__cache *c, const koc_digest *d, koc__tempfile *t, koc_error **err);

/* The directory <dir>/v1/files/<kind>/<hash of key>, created if it is missing. */
int koc__cache_directory(koc__cache *c, const char *kind, koc_str key, char **out, koc_error **err);
/* An exclusive lock between processes and threads; waits within call. Released by closing the descriptor. */
struct koc__call;
int koc__cache_lock(koc__cache *c, const char *kind, koc_str key, struct koc__call *call,
                    int *out_fd, koc_error **err);
/* The same without waiting: *out_fd is -1 if another holder has it. */
int koc__cache_lock_now(koc__cache *c, const char *kind, koc_str key, int *out_fd, koc_error **err);
/* Removes leftovers of killed processes, then least recently used entries until the cache has at most
 * max_bytes, but none that was used within the hour or is locked. Does nothing while another process prunes.
 * freed may be NULL. */
int koc__cache_prune(koc__cache *c, uint64_t max_bytes, uint64_t *freed, koc_error **err);
/* Limits the size of the cache: prunes it to 10 GiB once a day. c may be NULL. */
void koc__cache_tidy(koc__cache *c);

#endif
