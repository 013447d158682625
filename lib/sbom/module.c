/* Reads licence and hashes of a module once, and keeps them in the cache. */
#include "core/common.h"

#include <koc/version.h>

#include "core/dynbuf.h"
#include "core/hash/crypto.h"
#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "core/str.h"
#include "core/text.h"
#include "sbom/module.h"

#define KIND       "module"
#define RECORD_MAX ((size_t)256 << 10)
#define GO_MOD_MAX ((size_t)16 << 20)  /* as in go */
#define ZIP_MAX    ((size_t)512 << 20) /* go refuses larger ones */

/* Raise it when the record has another form, or a licence is recognised in another way. */
enum { DIALECT = 2 };

void koc__module_facts_dispose(koc__module_facts *f)
{
    koc__license_dispose(&f->license);
    koc_strlist_free(f->requires);
    f->requires = NULL;
}

/* --- places --- */

/* In the cache of modules a capital is '!' and the small letter. */
static int put_escaped(koc__dynbuf *out, const char *text, koc_error **err)
{
    for (const char *p = text; *p; p++) {
        bool capital = *p >= 'A' && *p <= 'Z';
        KOC__TRY(capital ? koc__dynbuf_putc(out, '!', err) : KOC_OK);
        KOC__TRY(koc__dynbuf_putc(out, capital ? (char)(*p + 32) : *p, err));
    }
    return KOC_OK;
}

/* A path from a program may not lead out of the cache. */
static bool is_safe(const char *path)
{
    return *path && *path != '/' && !strstr(path, "..") && strlen(path) < 1024;
}

/* suffix NULL: the directory with the module's files; else a file about it, ".zip" or ".mod". */
static int format_place(const koc__module_places *p, const char *path, const char *version,
                        const char *suffix, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(16384);
    KOC__TRY(koc__dynbuf_printf(&text, err, "%s/%s", p->cache, suffix ? "cache/download/" : ""));
    KOC__TRY(put_escaped(&text, path, err));
    KOC__TRY(koc__dynbuf_puts(&text, suffix ? "/@v/" : "@", err));
    KOC__TRY(put_escaped(&text, version, err));
    KOC__TRY(koc__dynbuf_puts(&text, suffix ? suffix : "", err));
    *out = koc__dynbuf_steal(&text);
    return *out ? KOC_OK : koc__oom(err);
}

/* --- the record --- */

static char *record_key(const char *dir, const char *sum, const koc__stamp *s)
{
    return koc__format("%s/%d|%s|%s|%llu %lld %llu", KOC_VERSION_STRING, DIALECT, dir, sum,
                       (unsigned long long)s->size, (long long)s->mtime_ns,
                       (unsigned long long)s->inode);
}

static int write_record(const koc__module_facts *f, koc__dynbuf *out, koc_error **err)
{
    const koc__license *l = &f->license;
    char sha256[65], sha512[129];
    koc__hex(f->sha256, sizeof(f->sha256), sha256);
    koc__hex(f->sha512, sizeof(f->sha512), sha512);
    KOC__TRY(koc__dynbuf_printf(out, err, "%d %d %d\n%s\n%s\n%s\n%s\n%s\n%s\n", f->hashed,
                                f->altered, l->single, sha256, sha512,
                                l->expression ? l->expression : "", l->file ? l->file : "",
                                l->copyright ? l->copyright : "", l->holder ? l->holder : ""));
    for (size_t i = 0; i < koc_strlist_count(f->requires); i++) {
        KOC__TRY(koc__dynbuf_printf(out, err, "%s\n", koc_strlist_get(f->requires, i)));
    }
    return KOC_OK;
}

static bool take_text(koc_str *rest, char **out)
{
    koc_str line;
    if (!koc__str_split(rest, '\n', &line)) {
        return false;
    }
    if (line.len > 0) {
        *out = koc__str_dup(line);
    }
    return line.len == 0 || *out;
}

static bool take_list(koc_str rest, koc_strlist **out)
{
    koc_str line;
    int rc = koc__strlist_new(out, NULL);
    while (rc == KOC_OK && koc__str_split(&rest, '\n', &line)) {
        rc = line.len > 0 ? koc__strlist_add_n(*out, line, NULL) : KOC_OK;
    }
    return rc == KOC_OK;
}

static bool read_record(koc_str rest, koc__module_facts *f)
{
    koc__license *l = &f->license;
    koc_str line;
    if (!koc__str_split(&rest, '\n', &line) || line.len != 5) {
        return false;
    }
    f->hashed = line.ptr[0] == '1';
    f->altered = line.ptr[2] == '1';
    l->single = line.ptr[4] == '1';
    return koc__str_split(&rest, '\n', &line) && line.len == 64 && koc__unhex(line, f->sha256) &&
           koc__str_split(&rest, '\n', &line) && line.len == 128 && koc__unhex(line, f->sha512) &&
           take_text(&rest, &l->expression) && take_text(&rest, &l->file) &&
           take_text(&rest, &l->copyright) && take_text(&rest, &l->holder) &&
           take_list(rest, &f->requires);
}

/* --- facts --- */

KOC__DEFINE_AUTO(koc__sha512_state, koc__sha512_free);

static int hash_zip(const char *path, const char *sum, koc__module_facts *f, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) zip = KOC__DYNBUF_INIT(ZIP_MAX);
    KOC__AUTO(koc__sha512_state) h = NULL;
    KOC__AUTO_STR found = NULL;
    int rc = koc__fs_read_file(path, &zip, NULL);
    if (rc != KOC_OK) {
        return rc == KOC_ENOMEM ? koc__oom(err) : KOC_OK;
    }
    rc = koc__module_zip_sum(koc__dynbuf_view(&zip), &found, NULL);
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    if (rc != KOC_OK || !koc__streq(found, sum)) {
        f->altered = true;
        return KOC_OK;
    }
    koc_digest d;
    koc__sha256_of(zip.ptr, zip.len, &d);
    memcpy(f->sha256, d.bytes, sizeof(f->sha256));
    KOC__TRY(koc__sha512_new(&h, err));
    KOC__TRY(koc__sha512_update(h, zip.ptr, zip.len, err));
    KOC__TRY(koc__sha512_finish(h, f->sha512, err));
    f->hashed = true;
    return KOC_OK;
}

static int read_requires(const char *path, koc_strlist **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(GO_MOD_MAX);
    KOC__AUTO(koc_strlist) list = NULL;
    int rc = koc__fs_read_file(path, &text, NULL);
    if (rc != KOC_OK) {
        return rc == KOC_ENOMEM ? koc__oom(err) : KOC_OK;
    }
    KOC__TRY(koc__strlist_new(&list, err));
    KOC__TRY(koc__module_requires(koc__dynbuf_view(&text), list, err));
    *out = koc__steal(&list);
    return KOC_OK;
}

int koc__module_requires_of_dir(const char *dir, koc_strlist **out, koc_error **err)
{
    KOC__AUTO_STR path = koc__path_join(dir, "go.mod");
    return path ? read_requires(path, out, err) : koc__oom(err);
}

static int read_cached(const char *dir, const char *mod, const char *zip, const char *sum,
                       koc__call *call, koc__module_facts *out, koc_error **err)
{
    koc__cache *cache = call && call->ctx ? call->ctx->cache : NULL;
    KOC__AUTO_VAL(koc__module_facts) f = {0};
    KOC__AUTO_VAL(koc_buf) record = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(RECORD_MAX);
    koc__stamp s = {0};
    bool found = false;
    (void)koc__fs_stamp(zip, true, &s, NULL);
    KOC__AUTO_STR key = record_key(dir, sum, &s);
    if (!key) {
        return koc__oom(err);
    }
    if (koc__cache_get(cache, KIND, koc__str(key), RECORD_MAX, &found, &record, NULL) == KOC_OK &&
        found && read_record(koc__str_n(record.ptr, record.len), out)) {
        return KOC_OK;
    }
    koc__module_facts_dispose(out);
    KOC__TRY(koc__call_check(call, err));
    KOC__TRY(koc__license_of_dir(dir, &f.license, err));
    KOC__TRY(s.size > 0 ? hash_zip(zip, sum, &f, err) : KOC_OK);
    KOC__TRY(read_requires(mod, &f.requires, err));
    if (f.requires && koc__fs_is_dir(dir) && write_record(&f, &text, NULL) == KOC_OK) {
        (void)koc__cache_put(cache, KIND, koc__str(key), koc__dynbuf_view(&text), NULL);
    }
    *out = f;
    f = (koc__module_facts){0};
    return KOC_OK;
}

int koc__module_facts_of(const koc__module_places *p, const char *path, const char *version,
                         const char *sum, koc__call *call, koc__module_facts *out, koc_error **err)
{
    KOC__AUTO_STR dir = NULL;
    KOC__AUTO_STR zip = NULL;
    KOC__AUTO_STR mod = NULL;
    if (!is_safe(path) || (version && strchr(version, '/'))) {
        return KOC_OK;
    }
    if (sum && *sum && version && p->cache) {
        KOC__TRY(format_place(p, path, version, NULL, &dir, err));
        KOC__TRY(format_place(p, path, version, ".zip", &zip, err));
        KOC__TRY(format_place(p, path, version, ".mod", &mod, err));
        return read_cached(dir, mod, zip, sum, call, out, err);
    }
    dir = p->vendor ? koc__path_join(p->vendor, path) : NULL;
    return dir ? koc__license_of_dir(dir, &out->license, err) : KOC_OK;
}
