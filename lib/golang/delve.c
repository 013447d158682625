/*
 * Builds Delve, the debugger, at one version and for one platform: from a module that requires only
 * Delve. The cache keeps the program (docs/decisions.md).
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/cache.h"
#include "core/io/io.h"
#include "core/path.h"
#include "core/run/proc.h"
#include "golang/go_build.h"
#include "golang/go_command.h"
#include "model/model.h"

#define KIND       "delve" /* of the cache's directories, locks and records */
#define RECORD_MAX 256
#define MODULE     "github.com/go-delve/delve"
#define PACKAGE    MODULE "/cmd/dlv"

typedef struct delve {
    koc_ctx *ctx;
    const koc__go_settings *s;
    const char *version;
    const koc_platform *platform;
    char *key;
    char *dir;
    koc__go_lock *lock;
} delve;

static void delve_dispose(delve *d)
{
    koc__free(d->key);
    koc__free(d->dir);
    koc__go_lock_unref(d->lock);
}
KOC__DEFINE_AUTO_VAL(delve, delve_dispose);

/* "v1.2.3" with an optional suffix. The text goes into a go.mod, so the characters are limited. */
static int check_version(const char *version, koc_error **err)
{
    bool fine = version[0] == 'v' && version[1] >= '0' && version[1] <= '9' && strlen(version) < 80;
    for (const char *s = version; fine && *s; s++) {
        fine = (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
               strchr(".-+", *s);
    }
    if (fine) {
        return KOC_OK;
    }
    return koc__error_option(err, "delve_version", "\"%s\" is not a version like %s", version,
                             KOC__DELVE_VERSION);
}

/* --- the build directory --- */

static int open_dir(delve *d, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__go_lock) h = koc__calloc(1, sizeof(*h));
    if (!h) {
        return koc__oom(err);
    }
    atomic_init(&h->refs, 1);
    h->fd = -1;
    koc__cache *cache = d->ctx->cache;
    koc_str key = koc__str(d->key);
    if (cache && koc__cache_directory(cache, KIND, key, &d->dir, NULL) == KOC_OK) {
        KOC__TRY(koc__cache_lock(cache, KIND, key, call, &h->fd, err));
    } else {
        KOC__TRY(koc__fs_tempdir("koc-delve-", &h->temporary, err));
        d->dir = koc__strdup(h->temporary);
    }
    d->lock = koc__steal(&h);
    return d->dir ? KOC_OK : koc__oom(err);
}

static int digest_of(const char *path, uint64_t size, koc__call *call, koc_digest *out,
                     koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__TRY(koc__blob_from_file_part(path, 0, size, NULL, &blob, err));
    return koc__blob_digest(blob, call, out, err);
}

/* --- go --- */

/* The platform's variables and koc's; what the settings say for the user's own modules does not apply. */
static int make_env(const delve *d, koc_strlist **out, koc_error **err)
{
    static const char *const own[] = {"CGO_ENABLED=0", "GO111MODULE=on", "GOWORK=off",
                                      "GOFLAGS=-mod=mod -buildvcs=false"};
    KOC__AUTO(koc_strlist) env = NULL;
    KOC__TRY(koc__strlist_new(&env, err));
    for (size_t i = 0; i < KOC__COUNT(own); i++) {
        KOC__TRY(koc__strlist_add(env, own[i], err));
    }
    const koc__go_settings settings = {
        .env = env, .offline = d->s->offline, .go_env = d->s->go_env};
    return koc__go_command_env(&settings, NULL, d->dir, d->platform, out, err);
}

/* The detail is go's output, the message one line about what failed. */
static int report_failure(const delve *d, const koc__proc_result *result, koc_error **err)
{
    koc_str said = koc__dynbuf_view(&result->errors);
    KOC__AUTO_STR inside = koc__format("@%s/", d->version); /* in the path of a file of Delve */
    bool fetched = inside && said.ptr && strstr(said.ptr, inside);
    int rc;
    if (d->s->offline) {
        rc = koc__error(err, KOC_EPROCESS,
                        "cannot build Delve %s, the debugger: it is not in the module cache",
                        d->version);
        koc__error_hint_on(err, KOC_HINT_ONLINE, NULL,
                           "one build that is not offline brings it there");
    } else if (said.ptr && !fetched && strstr(said.ptr, d->version)) {
        rc = koc__error(err, KOC_EPROCESS, "cannot get Delve %s, the debugger: see go's answer",
                        d->version);
        koc__error_hint_on(err, KOC_HINT_OPTION, "delve_version",
                           "go list -m -versions %s lists those that delve_version can name",
                           MODULE);
    } else {
        rc = koc__error(err, KOC_EPROCESS,
                        "cannot build Delve %s, the debugger: go build failed (exit %d)",
                        d->version, result->exit_code);
        koc__error_hint_on(err, KOC_HINT_OPTION, "delve_version",
                           "delve_version names another version");
    }
    koc__error_detail(err, said);
    return rc;
}

static int write_module(const delve *d, koc_error **err)
{
    KOC__AUTO_STR text =
        koc__format("module koc.invalid/delve\n\ngo 1.17\n\nrequire %s %s\n", MODULE, d->version);
    KOC__AUTO_STR path = koc__path_join(d->dir, "go.mod");
    if (!text || !path) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_remove(d->dir, err)); /* left by a killed build */
    KOC__TRY(koc__fs_mkdirs(d->dir, 0700, err));
    return koc__fs_write_file(path, koc__str(text), 0600, err);
}

static int run_build(const delve *d, const char *path, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_strlist) env = NULL;
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    const char *tool = NULL;
    KOC__TRY(koc__go_tool(d->s->go_env, &tool, NULL, err));
    KOC__TRY(make_env(d, &env, err));
    KOC__TRY(write_module(d, err));
    /* None of the user's flags. */
    static const char ldflags[] = "-ldflags=-s -w";
    static const char package[] = PACKAGE; /* a literal of two parts looks like a missing comma */
    const char *const argv[] = {tool, "build", "-trimpath", ldflags, "-o", path, package, NULL};
    const koc__proc proc = {.argv = argv, .env = koc__strlist_argv(env), .dir = d->dir};
    KOC__TRY(koc__proc_run(&proc, call, &result, err));
    return result.exit_code == 0 ? KOC_OK : report_failure(d, &result, err);
}

/* --- the cache --- */

/* Sets bin->from_cache if the program in the cache is unchanged since it was built. */
static int find_cached(const delve *d, koc__go_binary *bin, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) record = KOC_BUF_INIT;
    koc_digest wanted, is;
    bool found = false;
    if (d->lock->fd < 0 || koc__fs_stamp(bin->path, false, &bin->stamp, NULL) != KOC_OK) {
        return KOC_OK;
    }
    KOC__TRY(
        koc__cache_get(d->ctx->cache, KIND, koc__str(d->key), RECORD_MAX, &found, &record, err));
    if (!found || !koc__digest_read(koc__str_n(record.ptr, record.len), &wanted)) {
        return KOC_OK;
    }
    KOC__TRY(digest_of(bin->path, bin->stamp.size, call, &is, err));
    if (koc_digest_equal(&is, &wanted)) {
        bin->digest = is;
        bin->from_cache = true;
    }
    return KOC_OK;
}

static int build_and_record(const delve *d, koc__go_binary *bin, koc__call *call, koc_error **err)
{
    KOC__TRY(run_build(d, bin->path, call, err));
    KOC__TRY(koc__fs_stamp(bin->path, false, &bin->stamp, err));
    KOC__TRY(digest_of(bin->path, bin->stamp.size, call, &bin->digest, err));
    if (d->lock->fd >= 0) {
        (void)koc__cache_put(d->ctx->cache, KIND, koc__str(d->key),
                             koc__str(koc__digest_str(&bin->digest).s), NULL);
    }
    return KOC_OK;
}

int koc__go_delve(koc_ctx *ctx, const koc__go_settings *s, const char *version,
                  const koc_platform *p, koc__call *call, koc__go_binary **out, koc_error **err)
{
    KOC__AUTO_VAL(delve)
    d = {.ctx = ctx, .s = s, .version = version ? version : KOC__DELVE_VERSION, .platform = p};
    KOC__AUTO(koc__go_binary) bin = koc__calloc(1, sizeof(*bin));
    KOC__AUTO_STR platform = koc__platform_str(p);
    if (!bin) {
        return koc__oom(err);
    }
    atomic_init(&bin->refs, 1);
    if (!platform) {
        return koc__oom(err);
    }
    KOC__TRY(check_version(d.version, err));
    d.key = koc__format("%s %s", d.version, platform);
    if (!d.key) {
        return koc__oom(err);
    }
    KOC__TRY(open_dir(&d, call, err));
    bin->path = koc__path_join(d.dir, "dlv");
    bin->key = koc__strdup(d.key);
    bin->package_path = koc__strdup(PACKAGE);
    if (!bin->path || !bin->key || !bin->package_path) {
        return koc__oom(err);
    }
    KOC__TRY(find_cached(&d, bin, call, err));
    if (!bin->from_cache) {
        KOC__TRY(build_and_record(&d, bin, call, err));
    }
    KOC__TRY(koc__exe_build_id(bin->path, &bin->build_id, err));
    bin->lock = koc__steal(&d.lock);
    *out = koc__steal(&bin);
    return KOC_OK;
}
