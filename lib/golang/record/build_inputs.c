/*
 * Uses and writes input records in a build. If nothing changed, go is not started. If only contents
 * changed, the record is kept with new stamps after the build. A new record (its `go list` costs a fifth
 * of a small build) is made only after a build in which go had nothing to link.
 */
#include "core/common.h"

#include <koc/version.h>
#include <time.h>

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/path.h"
#include "core/text.h"
#include "golang/go_command.h"
#include "golang/package/package.h"
#include "golang/record/input_record.h"
#include "model/model.h"

#define LAST_KIND "inputslast"

/* Raise it when the same inputs lead to another program or another record. The library's version alone
 * does not distinguish development builds. */
enum { DIALECT = 3 };

void koc__go_inputs_dispose(koc__go_inputs *x)
{
    koc__inputs_free(x->last);
    koc_strlist_free(x->fingerprint);
}

/* --- inputs that are not files --- */

static int add_hashed(koc_strlist *fingerprint, const char *what, koc_str name, const char *value,
                      koc_error **err)
{
    koc_digest d;
    koc__sha256_of(value, strlen(value), &d);
    return koc__strlist_addf(fingerprint, err, "%s %.*s %.24s", what, KOC__FMT(name),
                             koc__digest_hex(&d).s);
}

static bool is_input(const char *variable)
{
    koc_str v = koc__str(variable);
    return koc__go_var_matters(variable) || koc__str_starts(v, "GIT_") ||
           koc__str_starts(v, "PATH=");
}

/* Values are hashed: some are secrets. */
static int add_words(const koc__go_unit *u, koc_strlist *fingerprint, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(u->args); i++) {
        char number[24];
        snprintf(number, sizeof(number), "%zu", i);
        KOC__TRY(add_hashed(fingerprint, "argument", koc__str(number), koc_strlist_get(u->args, i),
                            err));
    }
    for (size_t i = 0; i < koc_strlist_count(u->env); i++) {
        const char *item = koc_strlist_get(u->env, i);
        koc_str name, value;
        if (is_input(item) && koc__str_cut(koc__str(item), '=', &name, &value)) {
            KOC__TRY(add_hashed(fingerprint, "variable", name, value.ptr, err));
        }
    }
    return KOC_OK;
}

static int make_fingerprint(const koc__go_batch *b, koc_strlist *fingerprint, koc_error **err)
{
    const koc__go_unit *first = b->units[0];
    const char *tool = NULL;
    koc__stamp s;
    KOC__AUTO_STR dir = NULL;
    KOC__AUTO_STR platform = koc__platform_str(b->platform);
    KOC__TRY(koc__go_tool(b->s->go_env, &tool, &s, err));
    KOC__TRY(koc__path_abs(first->target->work_dir ? first->target->work_dir : ".", &dir, err));
    KOC__TRY(koc__strlist_addf(fingerprint, err, "koc %s/%d", KOC_VERSION_STRING, DIALECT));
    KOC__TRY(koc__strlist_addf(fingerprint, err, "go %s %llu %lld %lld %llu", tool,
                               (unsigned long long)s.size, (long long)s.mtime_ns,
                               (long long)s.ctime_ns, (unsigned long long)s.inode));
    KOC__TRY(koc__strlist_addf(fingerprint, err, "folder %s", dir));
    KOC__TRY(koc__strlist_addf(fingerprint, err, "platform %s", platform ? platform : ""));
    for (size_t i = 0; i < b->n; i++) {
        KOC__TRY(
            koc__strlist_addf(fingerprint, err, "package %s", b->units[i]->target->import_path));
    }
    return add_words(first, fingerprint, err);
}

static void make_key(const koc__go_batch *b, const koc_strlist *fingerprint, koc__hash *out)
{
    koc__sha256 h;
    uint8_t sum[32];
    koc__sha256_init(&h);
    koc__sha256_update(&h, b->dir, strlen(b->dir) + 1);
    for (size_t i = 0; i < koc_strlist_count(fingerprint); i++) {
        const char *line = koc_strlist_get(fingerprint, i);
        koc__sha256_update(&h, line, strlen(line) + 1);
    }
    koc__sha256_final(&h, sum);
    memcpy(out->bytes, sum, sizeof(out->bytes));
}

static koc_str key_of(const koc__go_inputs *x)
{
    return koc__str_n((const char *)x->key.bytes, sizeof(x->key.bytes));
}

static bool any_newline(const koc_strlist *fingerprint)
{
    for (size_t i = 0; i < koc_strlist_count(fingerprint); i++) {
        if (strchr(koc_strlist_get(fingerprint, i), '\n')) {
            return true;
        }
    }
    return false;
}

/* --- the last record of a package, for koc explain --- */

static char *last_key(const koc__go_batch *b, const koc__go_unit *u)
{
    KOC__AUTO_STR dir = NULL;
    KOC__AUTO_STR platform = koc__platform_str(b->platform);
    if (!platform || koc__path_abs(u->target->work_dir ? u->target->work_dir : ".", &dir, NULL)) {
        return NULL;
    }
    return koc__format("%s\n%s\n%s", dir, platform, u->target->import_path);
}

/* Makes koc explain compare with the record of x from now on. Usually it does already, and nothing is
 * written. */
static int mark_last(const koc__go_batch *b, const koc__go_inputs *x, koc_error **err)
{
    for (size_t i = 0; i < b->n; i++) {
        KOC__AUTO_STR key = last_key(b, b->units[i]);
        KOC__AUTO_VAL(koc_buf) then = KOC_BUF_INIT;
        bool found = false;
        if (!key) {
            return koc__oom(err);
        }
        int rc = koc__cache_get(x->cache, LAST_KIND, koc__str(key), 64, &found, &then, NULL);
        if (rc != KOC_OK || !found || !koc__str_eq(koc__str_n(then.ptr, then.len), key_of(x))) {
            (void)koc__cache_put(x->cache, LAST_KIND, koc__str(key), key_of(x), NULL);
        }
    }
    return KOC_OK;
}

static int keep_record(const koc__go_batch *b, koc__go_inputs *x, koc__inputs *in, koc_error **err)
{
    KOC__TRY(koc__inputs_keep(x->cache, key_of(x), in, err));
    return mark_last(b, x, err);
}

int koc__go_inputs_last(const koc__go_batch *b, const koc__go_unit *u, koc__inputs **out,
                        koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    KOC__AUTO_STR key = last_key(b, u);
    bool found = false;
    if (!key) {
        return koc__oom(err);
    }
    KOC__TRY(koc__cache_get(b->ctx->cache, LAST_KIND, koc__str(key), 64, &found, &text, err));
    return found ? koc__inputs_recall(b->ctx->cache, koc__str_n(text.ptr, text.len), out, err)
                 : KOC_OK;
}

int koc__go_inputs_fingerprint(const koc__go_batch *b, koc_strlist *fingerprint, koc_error **err)
{
    return make_fingerprint(b, fingerprint, err);
}

/* --- paths for koc_published_inputs --- */

/* Directories whose names count are in the list, since a new file in them is a change. */
static int list_paths(const koc__inputs *in, koc_strlist *out, koc_error **err)
{
    for (size_t i = 0; i < in->n_dirs; i++) {
        const koc__input_dir *d = &in->dirs[i];
        if (d->kind != KOC__INPUT_FILES) {
            KOC__TRY(koc__strlist_add(out, d->path, err));
        }
        for (size_t k = d->first; k < d->first + d->count; k++) {
            KOC__AUTO_STR path = koc__path_join(d->path, in->files[k].name);
            if (!path) {
                return koc__oom(err);
            }
            KOC__TRY(koc__strlist_add(out, path, err));
        }
    }
    return KOC_OK;
}

int koc__go_inputs_attach_paths(const koc__go_batch *b, const koc__inputs *in, koc_error **err)
{
    KOC__AUTO(koc_strlist) paths = NULL;
    if (!b->options->inputs || !in->complete) {
        return KOC_OK;
    }
    KOC__TRY(koc__strlist_new(&paths, err));
    KOC__TRY(list_paths(in, paths, err));
    for (size_t i = 0; i < b->n; i++) {
        b->units[i]->binary->inputs_known = true;
    }
    b->units[0]->binary->inputs = koc__steal(&paths);
    return KOC_OK;
}

/* --- before and after --- */

/* For -v: why go is started. */
static void log_reason(const koc__go_batch *b, const char *why)
{
    koc__log(b->ctx, KOC_LOG_INFO, "golang", "go is started for %s%s: %s",
             b->units[0]->target->import_path, b->n > 1 ? " and others" : "", why);
}

int koc__go_inputs_begin(const koc__go_batch *b, koc__call *call, koc__go_inputs *out,
                         koc_error **err)
{
    struct timespec now;
    bool allowed = false;
    KOC__AUTO_STR why = NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    out->began_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (!b->ctx || !b->ctx->cache || b->lock->temporary) {
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_allowed(b, &allowed, &why, err));
    if (!allowed) {
        log_reason(b, why);
        return KOC_OK;
    }
    KOC__TRY(koc__strlist_new(&out->fingerprint, err));
    KOC__TRY(make_fingerprint(b, out->fingerprint, err));
    if (any_newline(out->fingerprint)) {
        return KOC_OK;
    }
    make_key(b, out->fingerprint, &out->key);
    out->cache = b->ctx->cache;
    if (b->options->force) {
        log_reason(b, "the build is forced");
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_recall(out->cache, key_of(out), &out->last, err));
    if (!out->last || out->last->n_files == 0) {
        log_reason(b, out->last ? "the last build linked, so its inputs are not on record"
                                : "no build with these flags and variables is on record");
        koc__inputs_free(out->last);
        out->last = NULL;
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_check(out->last, b->units[0]->env, call, &out->verdict, err));
    if (!out->verdict.same) {
        log_reason(b, out->verdict.first);
        return KOC_OK;
    }
    if (out->verdict.moved) {
        KOC__TRY(koc__inputs_keep(out->cache, key_of(out), out->last, err));
    }
    return mark_last(b, out, err);
}

/* Adds the commit that go stamped, as koc__inputs_gather_vcs would. */
static int add_commit(const koc__go_unit *u, koc__inputs *in, koc_error **err)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    KOC__AUTO_STR root = NULL;
    if (!u->target->package_dir || koc__exe_info_read(u->binary->path, &info, NULL) != KOC_OK) {
        return KOC_OK;
    }
    const char *revision = koc__exe_setting(info, "vcs.revision");
    bool modified = koc__streq(koc__exe_setting(info, "vcs.modified"), "true");
    KOC__TRY(koc__git_root(u->target->package_dir, &root, err));
    return revision && root && !strchr(root, '\n')
               ? koc__inputs_add_repo(in, root, revision, modified, err)
               : KOC_OK;
}

/* After a build that linked: records flags, variables, commit and time, for koc explain, which finds
 * changed files by their times. Listing the inputs would cost a `go list` per edit. */
static int keep_light_record(const koc__go_batch *b, koc__go_inputs *x, koc_error **err)
{
    KOC__AUTO(koc__inputs) in = NULL;
    KOC__TRY(koc__inputs_new(&in, err));
    in->time_ns = x->began_ns;
    for (size_t i = 0; i < koc_strlist_count(x->fingerprint); i++) {
        KOC__TRY(koc__strlist_add(in->lines, koc_strlist_get(x->fingerprint, i), err));
    }
    KOC__TRY(add_commit(b->units[0], in, err));
    return keep_record(b, x, in, err);
}

/* go has just read what koc__inputs_check saw, so the old record is valid with the new stamps. */
static int refresh_record(const koc__go_batch *b, koc__go_inputs *x, koc_error **err)
{
    bool usable = koc__inputs_settled(x->last);
    if (usable) {
        KOC__TRY(koc__inputs_refresh_vcs(b, x->last, &usable, err));
    }
    return usable ? keep_record(b, x, x->last, err) : keep_light_record(b, x, err);
}

static int make_record(const koc__go_batch *b, koc__go_inputs *x, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__inputs) in = NULL;
    KOC__AUTO(koc_error) why = NULL;
    bool usable = false;
    KOC__TRY(koc__inputs_new(&in, err));
    in->time_ns = x->began_ns;
    for (size_t i = 0; i < koc_strlist_count(x->fingerprint); i++) {
        KOC__TRY(koc__strlist_add(in->lines, koc_strlist_get(x->fingerprint, i), err));
    }
    int rc = koc__inputs_list(b, in, call, &usable, &why);
    if (rc == KOC_ECANCELLED || rc == KOC_ENOMEM || rc == KOC_ETIMEOUT) {
        return koc__error_move(err, &why);
    }
    KOC__TRY(koc__go_inputs_attach_paths(b, in, err));
    return rc == KOC_OK && usable ? keep_record(b, x, in, err) : keep_light_record(b, x, err);
}

int koc__go_inputs_finish(const koc__go_batch *b, koc__go_inputs *x, bool linked, koc__call *call,
                          koc_error **err)
{
    if (!x->cache) {
        return KOC_OK;
    }
    if (x->last && x->verdict.same) { /* only the program was missing */
        return koc__go_inputs_attach_paths(b, x->last, err);
    }
    if (x->last && x->verdict.refreshable) {
        KOC__TRY(koc__go_inputs_attach_paths(b, x->last, err));
        return refresh_record(b, x, err);
    }
    return linked && !b->options->inputs ? keep_light_record(b, x, err)
                                         : make_record(b, x, call, err);
}
