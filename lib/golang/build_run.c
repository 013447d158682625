/*
 * Runs one `go build`. With a cache, linked programs stay in the build directory, so that go sees from
 * their build IDs whether it has to link again. A file stays only if the record of the last build
 * confirms it: go would take a truncated one for complete.
 *
 *   <dir>/<hash of the package>/<name>   one program per target
 *   <dir>/run-XXXXXX/<name>              where one go works; files are moved in and out
 *
 * Each run has a directory that no other build knows. If koc is killed, its go continues and may still
 * write when another koc has the lock on <dir>.
 */
#include "core/common.h"

#include <stdio.h>

#include "core/env.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/path.h"
#include "core/run/proc.h"
#include "golang/go_build.h"
#include "golang/go_command.h"
#include "golang/package/package.h"
#include "golang/record/input_record.h"
#include "model/model.h"
#include "text/json.h"
#include "text/json_write.h"

#define DIRS       "bin"
#define RECORDS    "gobin"
#define RECORD_MAX ((size_t)64 << 10)
#define RUN_PREFIX "run-"
#define WATCH_MS   5

/* What is known of a program file before go runs. */
typedef struct before {
    bool known; /* the file is as the last build left it */
    koc__stamp stamp;
    char *build_id;
    koc_digest digest;
} before;

static void before_dispose(before *b)
{
    koc__free(b->build_id);
}

/* --- the lock --- */

void koc__go_lock_unref(koc__go_lock *h)
{
    if (!h || atomic_fetch_sub(&h->refs, 1) != 1) {
        return;
    }
    if (h->temporary) {
        (void)koc__fs_remove(h->temporary, NULL);
        koc__free(h->temporary);
    }
    if (h->fd >= 0) {
        close(h->fd);
    }
    koc__free(h);
}

koc__go_binary *koc__go_binary_ref(koc__go_binary *b)
{
    atomic_fetch_add(&b->refs, 1);
    return b;
}

void koc__go_binary_free(koc__go_binary *b)
{
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1) {
        return;
    }
    koc__go_lock_unref(b->lock);
    koc__free(b->path);
    koc__free(b->key);
    koc__free(b->build_id);
    koc__free(b->package_path);
    koc_strlist_free(b->inputs);
    koc__free(b);
}

/* --- keys --- */

static void hash_str(koc__sha256 *h, const char *s)
{
    koc__sha256_update(h, s ? s : "", strlen(s ? s : "") + 1);
}

/* Hashes what all builds of these targets have in common: the key of the build directory. */
static int hash_common(koc__sha256 *h, const koc__go_batch *b, const koc__go_unit *u,
                       const koc_strlist *args, koc_error **err)
{
    const koc__go_target *t = u->target;
    KOC__AUTO_STR dir = NULL;
    KOC__TRY(koc__path_abs(t->work_dir ? t->work_dir : ".", &dir, err));
    const char *tool = NULL;
    KOC__TRY(koc__go_tool(b->s->go_env, &tool, NULL, err));
    hash_str(h, "koc-go-1");
    hash_str(h, tool);
    hash_str(h, dir);
    hash_str(h, u->platform_text);
    for (size_t i = 0; i < koc_strlist_count(args); i++) {
        hash_str(h, koc_strlist_get(args, i));
    }
    hash_str(h, "");
    for (size_t i = 0; i < koc_strlist_count(u->env); i++) {
        if (koc__go_var_matters(koc_strlist_get(u->env, i))) {
            hash_str(h, koc_strlist_get(u->env, i));
        }
    }
    hash_str(h, "");
    const koc_strlist *own = t->config ? t->config->env : NULL;
    for (size_t i = 0; own && i < koc_strlist_count(own); i++) {
        hash_str(h, koc_strlist_get(own, i));
    }
    return KOC_OK;
}

static int unit_key(const koc__go_batch *b, const koc__go_unit *u, char **out, koc_error **err)
{
    koc__sha256 h;
    koc_digest d;
    koc__stamp stamp;
    const char *tool = NULL;
    KOC__TRY(koc__go_tool(b->s->go_env, &tool, &stamp, err));
    koc__sha256_init(&h);
    KOC__TRY(hash_common(&h, b, u, u->args, err));
    const uint64_t numbers[] = {stamp.size, (uint64_t)stamp.mtime_ns, stamp.inode};
    koc__sha256_update(&h, numbers, sizeof(numbers));
    hash_str(&h, u->target->import_path);
    koc__sha256_digest(&h, &d);
    *out = koc__strdup(koc__digest_hex(&d).s);
    return *out ? KOC_OK : koc__oom(err);
}

/* --- directories --- */

/* Removes what killed builds left. A go that still runs there finds its directory gone and fails. */
static void sweep_runs(const char *dir)
{
    KOC__AUTO(koc_strlist) names = NULL;
    if (koc__fs_list(dir, &names, NULL) != KOC_OK) {
        return;
    }
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        const char *name = koc_strlist_get(names, i);
        KOC__AUTO_STR path = koc__path_join(dir, name);
        if (path && koc__str_starts(koc__str(name), RUN_PREFIX)) {
            (void)koc__fs_remove(path, NULL);
        }
    }
}

/* Opens the build directory: that of the cache, or a temporary one if another build uses it now. */
static int open_dir(koc__go_batch *b, koc_error **err)
{
    KOC__AUTO(koc__go_lock) h = koc__calloc(1, sizeof(*h));
    if (!h) {
        return koc__oom(err);
    }
    atomic_init(&h->refs, 1);
    h->fd = -1;
    koc__cache *cache = b->ctx ? b->ctx->cache : NULL;
    if (cache) {
        koc__sha256 hash;
        koc_digest d;
        koc__sha256_init(&hash);
        KOC__TRY(hash_common(&hash, b, b->units[0], b->units[0]->raw, err));
        koc__sha256_digest(&hash, &d);
        koc_str key = koc__str_n((const char *)d.bytes, d.len);
        /* If the cache fails here, the build continues without it. */
        if (koc__cache_lock_now(cache, DIRS, key, &h->fd, NULL) != KOC_OK) {
            h->fd = -1;
        } else if (h->fd >= 0 && koc__cache_directory(cache, DIRS, key, &b->dir, NULL) == KOC_OK) {
            sweep_runs(b->dir);
            b->lock = koc__steal(&h);
            return KOC_OK;
        }
    }
    KOC__TRY(koc__fs_tempdir("koc-go-", &h->temporary, err));
    b->dir = koc__strdup(h->temporary);
    if (!b->dir) {
        return koc__oom(err);
    }
    b->lock = koc__steal(&h);
    return KOC_OK;
}

int koc__go_batch_open(koc__go_batch *b, const koc__go_batch *like, koc_error **err)
{
    if (!like) {
        return open_dir(b, err);
    }
    b->dir = koc__strdup(like->dir);
    if (!b->dir) {
        return koc__oom(err);
    }
    b->lock = like->lock;
    atomic_fetch_add(&b->lock->refs, 1);
    return KOC_OK;
}

static int new_binary(const koc__go_batch *b, const koc__go_unit *u, koc__go_binary **out,
                      koc_error **err)
{
    KOC__AUTO(koc__go_binary) bin = koc__calloc(1, sizeof(*bin));
    if (!bin) {
        return koc__oom(err);
    }
    atomic_init(&bin->refs, 1);
    const char *package = u->target->import_path;
    koc_digest d;
    koc__sha256_of(package, strlen(package), &d);
    KOC__AUTO_STR dir = koc__format("%s/%.16s", b->dir, koc__digest_hex(&d).s);
    if (!dir) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_mkdirs(dir, 0700, err));
    bin->path = koc__path_join(dir, u->name);
    bin->package_path = koc__strdup(package);
    if (!bin->path || !bin->package_path) {
        return koc__oom(err);
    }
    KOC__TRY(unit_key(b, u, &bin->key, err));
    atomic_fetch_add(&b->lock->refs, 1);
    bin->lock = b->lock;
    *out = koc__steal(&bin);
    return KOC_OK;
}

/* --- records --- */

static bool u64_member(const koc__jnode *n, const char *name, uint64_t *out)
{
    const char *text = koc__json_get_str(n, name);
    return text && koc__str_u64(koc__str(text), out);
}

static bool i64_member(const koc__jnode *n, const char *name, int64_t *out)
{
    const char *text = koc__json_get_str(n, name);
    return text && koc__str_i64(koc__str(text), out);
}

/* Fills in was from the record if the file is still as recorded. A record that cannot be read counts as
 * none. */
static int recall_binary(koc__cache *cache, const koc__go_binary *bin, before *was, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    bool found = false;
    KOC__TRY(koc__cache_get(cache, RECORDS, koc__str(bin->path), RECORD_MAX, &found, &text, err));
    koc_str json = koc__str_n(text.ptr, text.len);
    if (!found || koc__json_parse(json, RECORD_MAX, RECORDS, &doc, NULL) != KOC_OK) {
        return KOC_OK;
    }
    const koc__jnode *n = koc__json_root(doc);
    koc__stamp then = {0};
    uint64_t mode = 0;
    bool valid = u64_member(n, "size", &then.size) && i64_member(n, "mtime", &then.mtime_ns) &&
                 i64_member(n, "ctime", &then.ctime_ns) && u64_member(n, "inode", &then.inode) &&
                 u64_member(n, "device", &then.device) && u64_member(n, "mode", &mode);
    then.mode = (uint32_t)mode;
    koc__stamp now;
    if (!valid || koc__fs_stamp(bin->path, false, &now, NULL) != KOC_OK ||
        !koc__stamp_equal(&now, &then)) {
        return KOC_OK;
    }
    const char *id = koc__json_get_str(n, "build_id");
    const char *digest = koc__json_get_str(n, "digest");
    was->build_id = koc__strdup(id);
    if (id && !was->build_id) {
        return koc__oom(err);
    }
    if (digest && koc_digest_parse(digest, &was->digest, NULL) != KOC_OK) {
        was->digest = (koc_digest){0};
    }
    was->stamp = now;
    was->known = true;
    return KOC_OK;
}

static int record_binary(koc__cache *cache, const koc__go_binary *bin, koc_error **err)
{
    if (!cache || !bin->lock || bin->lock->temporary) {
        return KOC_OK;
    }
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(RECORD_MAX);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"size", bin->stamp.size},
                   {"inode", bin->stamp.inode},
                   {"device", bin->stamp.device},
                   {"mode", bin->stamp.mode}};
    char number[32];
    koc__jw w;
    koc__jw_begin(&w, &text, 0, 0);
    koc__jw_object(&w);
    for (size_t i = 0; i < KOC__COUNT(numbers);
         i++) { /* as text: JSON numbers are exact up to 2^53 only */
        snprintf(number, sizeof(number), "%llu", (unsigned long long)numbers[i].value);
        koc__jw_kv(&w, numbers[i].name, number);
    }
    snprintf(number, sizeof(number), "%lld", (long long)bin->stamp.mtime_ns);
    koc__jw_kv(&w, "mtime", number);
    snprintf(number, sizeof(number), "%lld", (long long)bin->stamp.ctime_ns);
    koc__jw_kv(&w, "ctime", number);
    koc__jw_kv(&w, "build_id", bin->build_id);
    if (bin->digest.algorithm != KOC_DIGEST_NONE) {
        koc__jw_kv(&w, "digest", koc__digest_str(&bin->digest).s);
    }
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    (void)koc__cache_put(cache, RECORDS, koc__str(bin->path), koc__dynbuf_view(&text), NULL);
    return KOC_OK;
}

int koc__go_binary_set_digest(koc_ctx *ctx, koc__go_binary *b, const koc_digest *d, koc_error **err)
{
    b->digest = *d;
    return record_binary(ctx ? ctx->cache : NULL, b, err);
}

/* --- running go --- */

/* Fails if the package is not a main package; the error says what it is. */
static int check_is_main(const koc__go_batch *b, const koc__go_unit *u, koc__call *call,
                         koc_error **err)
{
    const koc__go_list_options o = {.dir = u->target->work_dir, .env = u->env, .fresh = true};
    KOC__AUTO_VAL(koc__go_listing) l = {0};
    KOC__AUTO(koc_strlist) patterns = NULL;
    KOC__TRY(koc__strlist_new(&patterns, err));
    KOC__TRY(koc__strlist_add(patterns, u->binary->package_path, err));
    KOC__TRY(koc__go_list(b->ctx, b->s->go_env, patterns, &o, call, &l, err));
    if (l.count == 0 || !koc__streq(l.items[0].name, "main") || l.items[0].error) {
        return koc__go_not_main(u->target->argument, l.count ? &l.items[0] : NULL, err);
    }
    return KOC_OK; /* a main package, though its program has no build info */
}

static bool says(koc_str output, const char *words)
{
    return output.ptr && memmem(output.ptr, output.len, words, strlen(words)) != NULL;
}

/* A hint where go's message does not help or misleads: its advice -buildvcs=false would drop the commit. */
static void hint_cause(const koc__go_batch *b, koc_str output, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_error) why = NULL;
    const char *cgo = koc__go_var_get(b->units[0]->env, "CGO_ENABLED");
    if (says(output, "unsupported GOOS/GOARCH pair")) {
        koc__error_hint(err, "`go tool dist list` names the platforms that Go knows");
    } else if (says(output, "build constraints exclude all Go files") && koc__streq(cgo, "0")) {
        koc__error_hint(err,
                        "a package that needs cgo is built with CGO_ENABLED=1, in the env of its "
                        "entry in builds or in the environment");
    } else if (says(output, "error obtaining VCS status") &&
               koc__git_check(b->units[0]->target->work_dir, call, &why) == KOC_EPROCESS) {
        const char *command = koc_error_hint(why);
        if (command) {
            koc__error_hint(err, "%s (%s)", command, koc_error_message(why));
        } else {
            koc__error_hint(err, "%s", koc_error_message(why));
        }
    }
}

/* Names the targets in go's output ("# example.com/cmd/api"), or the first few targets. */
static int report_failure(const koc__go_batch *b, const koc__proc_result *result, koc__call *call,
                          koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(4096);
    koc_str output = koc__dynbuf_view(&result->output);
    for (int pass = 0; pass < 2 && names.len == 0; pass++) {
        for (size_t i = 0; i < b->n && names.len < 200; i++) {
            const koc__go_target *t = b->units[i]->target;
            KOC__AUTO_STR mark = koc__format("# %s\n", b->units[i]->binary->package_path);
            bool named = mark && output.len > 0 &&
                         memmem(output.ptr, output.len, mark, strlen(mark)) != NULL;
            if (named || pass == 1) {
                (void)koc__dynbuf_printf(&names, NULL, "%s%.150s", names.len ? ", " : "",
                                         t->argument);
            }
        }
    }
    int rc = result->signal
                 ? koc__error(err, KOC_EPROCESS, "cannot build %s: go build was ended by signal %d",
                              koc__dynbuf_cstr(&names), result->signal)
                 : koc__error(err, KOC_EPROCESS, "cannot build %s: go build failed (exit %d)",
                              koc__dynbuf_cstr(&names), result->exit_code);
    koc__error_detail(err, output);
    hint_cause(b, output, call, err);
    return rc;
}

/* GOTMPDIR for the batch; *out NULL: go uses the default directory. */
static int get_gotmpdir(const koc__go_batch *b, char **out, koc_error **err)
{
    const char *tool = NULL;
    KOC__TRY(koc__go_tool(b->s->go_env, &tool, NULL, err));
    return koc__go_value(tool, b->units[0]->env, "GOTMPDIR", out, err);
}

/* Makes a directory for go's temporary files, which go leaves behind if a signal ends it. *env: a copy of
 * the unit's environment with GOTMPDIR. */
static int make_tempdir(const koc__go_batch *b, koc_strlist **env, char **dir, koc_error **err)
{
    const koc__go_unit *u = b->units[0];
    KOC__AUTO(koc_strlist) list = NULL;
    KOC__AUTO_STR parent = NULL;
    KOC__TRY(get_gotmpdir(b, &parent, err));
    KOC__TRY(koc__fs_tempdir_in(parent && *parent ? parent : NULL, "koc-go-", dir, err));
    KOC__TRY(koc__strlist_new(&list, err));
    for (size_t i = 0; i < koc_strlist_count(u->env); i++) {
        const char *item = koc_strlist_get(u->env, i);
        if (!koc__str_starts(koc__str(item), "GOTMPDIR=")) {
            KOC__TRY(koc__strlist_add(list, item, err));
        }
    }
    KOC__TRY(koc__strlist_addf(list, err, "GOTMPDIR=%s", *dir));
    *env = koc__steal(&list);
    return KOC_OK;
}

static int run_in(const koc__go_batch *b, const koc_strlist *argv, const koc_strlist *env,
                  koc__call *call, koc__proc_result *result, koc_error **err)
{
    const koc__proc proc = {.argv = koc__strlist_argv(argv),
                            .env = koc__strlist_argv(env),
                            .dir = b->units[0]->target->work_dir,
                            .flags = KOC__PROC_MERGE};
    return koc__proc_run(&proc, call, result, err);
}

/* output: a file, or a directory with a slash at the end. */
static int run_go(const koc__go_batch *b, const char *output, koc__call *call, koc_error **err)
{
    const koc__go_unit *first = b->units[0];
    const char *tool = NULL;
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__TRY(koc__go_tool(b->s->go_env, &tool, NULL, err));
    KOC__TRY(koc__strlist_new(&argv, err));
    KOC__TRY(koc__strlist_add(argv, tool, err));
    for (size_t i = 0; i < koc_strlist_count(first->args); i++) {
        KOC__TRY(koc__strlist_add(argv, koc_strlist_get(first->args, i), err));
    }
    KOC__TRY(koc__strlist_add(argv, "-o", err));
    KOC__TRY(koc__strlist_add(argv, output, err));
    for (size_t i = 0; i < b->n; i++) {
        KOC__TRY(koc__strlist_add(argv, b->units[i]->target->import_path, err));
    }
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc_strlist) env = NULL;
    KOC__AUTO_STR scratch = NULL;
    int rc = make_tempdir(b, &env, &scratch, err);
    if (rc == KOC_OK) {
        rc = run_in(b, argv, env, call, &result, err);
    }
    if (scratch) {
        (void)koc__fs_remove(scratch, NULL);
    }
    KOC__TRY(rc);
    if (result.exit_code == 0) {
        return KOC_OK;
    }
    if (koc__dynbuf_view(&result.output).len > 0 &&
        strstr(koc__dynbuf_cstr(&result.output), "no main packages to build")) {
        for (size_t i = 0; i < b->n; i++) {
            KOC__TRY(check_is_main(b, b->units[i], call, err));
        }
    }
    return report_failure(b, &result, call, err);
}

/* The file that go writes for u. If it builds several programs, go chooses the names itself. */
static char *run_path(const koc__go_batch *b, const koc__go_unit *u, const char *run)
{
    bool exe = b->n > 1 && koc__streq(b->platform->os, "windows");
    return koc__format("%s/%s%s", run, u->name, exe ? ".exe" : "");
}

/* Moves the files to where go looks for them (in), or back; skips those that do not exist. */
static int move_files(const koc__go_batch *b, const char *run, bool in, koc_error **err)
{
    for (size_t i = 0; i < b->n; i++) {
        KOC__AUTO_STR theirs = run_path(b, b->units[i], run);
        const char *own = b->units[i]->binary->path;
        if (!theirs) {
            return koc__oom(err);
        }
        int rc = in ? rename(own, theirs) : rename(theirs, own);
        if (rc != 0 && errno != ENOENT) {
            return koc__error_errno(err, errno, "cannot move %s", in ? own : theirs);
        }
    }
    return KOC_OK;
}

/* --- after go --- */

/* Fails if the file is not a program of the package. */
static int check_program(const koc__go_batch *b, const koc__go_unit *u, koc__call *call,
                         koc_error **err)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    int rc = koc__exe_info_read(u->binary->path, &info, NULL);
    if (rc == KOC_OK && koc__streq(info->path, u->binary->package_path)) {
        return KOC_OK;
    }
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    return check_is_main(b, u, call, err);
}

static int finish_unit(const koc__go_batch *b, koc__go_unit *u, const before *was, koc__call *call,
                       koc_error **err)
{
    koc__go_binary *bin = u->binary;
    KOC__TRY(koc__exe_build_id(bin->path, &bin->build_id, err));
    bool there = koc__fs_stamp(bin->path, false, &bin->stamp, NULL) == KOC_OK;
    bin->from_cache = there && was->known && bin->build_id && bin->stamp.size == was->stamp.size &&
                      koc__streq(bin->build_id, was->build_id);
    /* go sets the time of a file that it finds up to date, so the stamp changes though the content does
     * not. A file with the old time may be left over: of several packages go builds the main ones and
     * silently skips the others. */
    bool marked = bin->stamp.mtime_ns != was->stamp.mtime_ns;
    if (!bin->from_cache) {
        KOC__TRY(check_program(b, u, call, err));
    } else if (!marked) {
        KOC__TRY(check_is_main(b, u, call, err));
    }
    if (bin->from_cache) {
        bin->digest = was->digest;
    }
    if (!there) {
        return koc__error(err, KOC_EPROCESS, "cannot build %s: go build made no program",
                          u->target->argument);
    }
    return record_binary(b->ctx ? b->ctx->cache : NULL, bin, err);
}

static int deliver(const koc__go_batch *b, koc__go_unit *u, koc_error **err)
{
    u->delivered = true;
    return b->options->linked ? b->options->linked(b->options->jobs_self, u->index, u->binary, err)
                              : KOC_OK;
}

/* --- several programs --- */

/*
 * go links a program in its temporary directory and renames it into place when it is complete, while it
 * may link others for seconds. koc collects it at once and builds its layer meanwhile. Between two file
 * systems go would copy, and the file could be incomplete: then nothing is collected early.
 */
typedef struct watch {
    koc__go_batch *b;
    const before *was;
    const char *run;
    int rc; /* of go */
    atomic_bool over;
} watch;

static int collect_early(const watch *w, size_t i, koc__call *call, koc_error **err)
{
    koc__go_unit *u = w->b->units[i];
    koc__stamp s;
    KOC__AUTO_STR theirs = run_path(w->b, u, w->run);
    if (!theirs) {
        return koc__oom(err);
    }
    if (koc__fs_stamp(theirs, false, &s, NULL) != KOC_OK || !S_ISREG(s.mode) ||
        (w->was[i].known && s.inode == w->was[i].stamp.inode)) {
        return KOC_OK;
    }
    if (rename(theirs, u->binary->path) != 0) {
        return koc__error_errno(err, errno, "cannot move %s", theirs);
    }
    KOC__TRY(finish_unit(w->b, u, &w->was[i], call, err));
    return deliver(w->b, u, err);
}

static int watch_dir(void *arg, koc__call *call, koc_error **err)
{
    watch *w = arg;
    while (!atomic_load(&w->over)) {
        KOC__TRY(koc__call_sleep(call, WATCH_MS, err));
        for (size_t i = 0; i < w->b->n; i++) {
            if (!w->b->units[i]->delivered) {
                KOC__TRY(collect_early(w, i, call, err));
            }
        }
    }
    return KOC_OK;
}

static int run_go_into(void *arg, koc__call *call, koc_error **err)
{
    watch *w = arg;
    KOC__AUTO_STR output = koc__format("%s/", w->run);
    w->rc = output ? run_go(w->b, output, call, err) : koc__oom(err);
    atomic_store(&w->over, true);
    return w->rc;
}

/* Whether go renames programs from its temporary directory into dir. A wrapper around go may copy or
 * change them. */
static bool may_watch(const koc__go_batch *b, const char *dir)
{
    KOC__AUTO_STR own = NULL;
    const char *tool = NULL;
    struct stat from, to;
    if (!b->options->linked || koc__go_tool(b->s->go_env, &tool, NULL, NULL) != KOC_OK ||
        !koc__go_is_toolchain(tool) || get_gotmpdir(b, &own, NULL) != KOC_OK) {
        return false;
    }
    const char *usual = koc__env_nonempty("TMPDIR");
    const char *parent = own && *own ? own : usual ? usual : "/tmp";
    return stat(parent, &from) == 0 && stat(dir, &to) == 0 && from.st_dev == to.st_dev &&
           !(to.st_mode & S_ISGID);
}

static int run_and_collect(koc__go_batch *b, const before *was, const char *run, koc__call *call,
                           koc_error **err)
{
    watch w = {.b = b, .was = was, .run = run};
    KOC__AUTO_VAL(koc__group) group = {0};
    KOC__TRY(koc__group_begin(&group, call, 2, err));
    int rc = koc__group_add(&group, run_go_into, &w, err);
    if (rc == KOC_OK && may_watch(b, run)) {
        rc = koc__group_add(&group, watch_dir, &w, err);
    }
    rc = rc == KOC_OK ? koc__group_wait(&group, err) : rc;
    koc__group_end(&group);
    return rc;
}

static int run_single(const koc__go_batch *b, const char *run, koc__call *call, koc_error **err)
{
    KOC__AUTO_STR output = run_path(b, b->units[0], run);
    return output ? run_go(b, output, call, err) : koc__oom(err);
}

/* Runs go in a directory that no other build knows (see the top of this file). */
static int run_in_private_dir(koc__go_batch *b, const before *was, koc__call *call, koc_error **err)
{
    KOC__AUTO_STR run = NULL;
    KOC__TRY(koc__fs_tempdir_in(b->dir, RUN_PREFIX, &run, err));
    int rc = move_files(b, run, true, err);
    if (rc == KOC_OK) {
        rc = b->n == 1 ? run_single(b, run, call, err) : run_and_collect(b, was, run, call, err);
    }
    int moved = move_files(b, run, false, rc == KOC_OK ? err : NULL);
    (void)koc__fs_remove(run, NULL);
    return rc == KOC_OK ? moved : rc;
}

/* A program that was collected early must be what go left in the end. */
static int check_collected(const koc__go_batch *b, const koc__go_unit *u, koc_error **err)
{
    koc__stamp now;
    if (koc__fs_stamp(u->binary->path, false, &now, err) == KOC_OK &&
        koc__stamp_equal(&now, &u->binary->stamp)) {
        return KOC_OK;
    }
    return koc__error(err, KOC_ECONFLICT, "cannot build %s: %s was changed after go had made it",
                      u->target->argument, u->binary->path);
}

/* --- one batch --- */

static int prepare(const koc__go_batch *b, before *was, bool *all_known, koc_error **err)
{
    koc__cache *cache = b->ctx ? b->ctx->cache : NULL;
    *all_known = true;
    for (size_t i = 0; i < b->n; i++) {
        koc__go_unit *u = b->units[i];
        KOC__TRY(new_binary(b, u, &u->binary, err));
        if (cache && !b->lock->temporary && !b->options->force) {
            KOC__TRY(recall_binary(cache, u->binary, &was[i], err));
        }
        *all_known = *all_known && was[i].known;
    }
    return KOC_OK;
}

/* No input changed, so go would make the same programs. */
static void reuse_binaries(const koc__go_batch *b, before *was)
{
    for (size_t i = 0; i < b->n; i++) {
        koc__go_binary *bin = b->units[i]->binary;
        bin->stamp = was[i].stamp;
        bin->build_id = koc__steal(&was[i].build_id);
        bin->digest = was[i].digest;
        bin->from_cache = bin->go_skipped = true;
    }
}

static int deliver_all(const koc__go_batch *b, koc_error **err)
{
    for (size_t i = 0; i < b->n; i++) {
        KOC__TRY(deliver(b, b->units[i], err));
    }
    return KOC_OK;
}

/* If one package does not compile, the others need not be linked again. Their files were moved and go set
 * their time; inode, size and build ID show that they are the same. */
static void rerecord_known(const koc__go_batch *b, const before *was)
{
    for (size_t i = 0; i < b->n; i++) {
        koc__go_binary *bin = b->units[i]->binary;
        const koc__stamp *then = &was[i].stamp;
        koc__stamp now;
        if (was[i].known && koc__fs_stamp(bin->path, false, &now, NULL) == KOC_OK &&
            now.inode == then->inode && now.device == then->device && now.size == then->size &&
            koc__exe_build_id(bin->path, &bin->build_id, NULL) == KOC_OK && bin->build_id &&
            koc__streq(bin->build_id, was[i].build_id)) {
            bin->stamp = now;
            bin->digest = was[i].digest;
            (void)record_binary(b->ctx ? b->ctx->cache : NULL, bin, NULL);
        }
    }
}

static int run_batch(koc__go_batch *b, before *was, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__go_inputs) inputs = {0};
    bool all_known = false, linked = false;
    KOC__TRY(prepare(b, was, &all_known, err));
    KOC__TRY(koc__go_inputs_begin(b, call, &inputs, err));
    if (all_known && inputs.last && inputs.verdict.same) {
        reuse_binaries(b, was);
        KOC__TRY(koc__go_inputs_attach_paths(b, inputs.last, err));
        return deliver_all(b, err);
    }
    for (size_t i = 0; i < b->n; i++) {
        if (!was[i].known) {
            KOC__TRY(koc__fs_remove(b->units[i]->binary->path, err));
        }
    }
    if (b->options->starting) {
        b->options->starting(b->options->starting_self);
    }
    int rc = run_in_private_dir(b, was, call, err);
    if (rc != KOC_OK) {
        rerecord_known(b, was);
        return rc;
    }
    for (size_t i = 0; i < b->n; i++) {
        koc__go_unit *u = b->units[i];
        if (u->delivered) {
            KOC__TRY(check_collected(b, u, err));
        } else {
            KOC__TRY(finish_unit(b, u, &was[i], call, err));
            KOC__TRY(deliver(b, u, err));
        }
        linked = linked || !u->binary->from_cache;
    }
    return koc__go_inputs_finish(b, &inputs, linked, call, err);
}

int koc__go_batch_run(void *batch, koc__call *call, koc_error **err)
{
    koc__go_batch *b = batch;
    before *was = koc__calloc(b->n, sizeof(*was));
    if (!was) {
        return koc__oom(err);
    }
    for (size_t i = 0; b->options->begun && i < b->n; i++) {
        b->options->begun(b->options->jobs_self, b->units[i]->index);
    }
    int rc = run_batch(b, was, call, err);
    for (size_t i = 0; i < b->n; i++) {
        before_dispose(&was[i]);
    }
    koc__free(was);
    return rc;
}
