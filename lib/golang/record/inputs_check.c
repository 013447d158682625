/* Compares a record of inputs with the disk. */
#include "core/common.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>

#include "core/hash/sha256.h"
#include "core/io/fs_open.h"
#include "core/path.h"
#include "core/run/proc.h"
#include "golang/record/input_record.h"

#define SOURCE_MAX  ((size_t)64 << 20)
#define STATUS_MAX  ((size_t)64 << 20)
#define CHANGES_MAX 100

typedef struct checker {
    koc__inputs *in;
    const koc_strlist *env;
    koc__call *call;
    koc__inputs_verdict *verdict;
} checker;

bool koc__hash_equal(const koc__hash *a, const koc__hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool stamps_equal(const koc__stamp *a, const koc__stamp *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
           a->inode == b->inode && a->mode == b->mode;
}

/* The clock of stamps ticks at least every 10 ms; if it seems to give whole seconds, every 2 s. Only
 * ctime counts, since programs can set mtime. */
bool koc__inputs_is_racy(const koc__stamp *s, int64_t time_ns)
{
    const int64_t ms = 1000000;
    int64_t window = s->ctime_ns % (1000 * ms) == 0 ? 2000 * ms : 100 * ms;
    return s->ctime_ns >= time_ns - window;
}

static bool is_racy(const koc__inputs *in, const koc__stamp *s)
{
    return koc__inputs_is_racy(s, in->time_ns);
}

/* --- listings and hashes --- */

/* Whether go may read the file as source, even if a constraint excludes it now. */
bool koc__inputs_is_source(const char *name)
{
    static const char *const endings[] = {
        ".go", ".c", ".cc",  ".cpp", ".cxx", ".m", ".h",  ".hh",   ".hpp",  ".hxx",
        ".f",  ".F", ".for", ".f90", ".s",   ".S", ".sx", ".swig", ".syso", ".swigcxx"};
    koc_str s = koc__str(name);
    if (*name == '.' || *name == '_' || koc__str_ends(s, "_test.go")) {
        return false;
    }
    for (size_t i = 0; i < KOC__COUNT(endings); i++) {
        if (koc__str_ends(s, endings[i])) {
            return true;
        }
    }
    return false;
}

int koc__inputs_listing(const char *path, char kind, koc_strlist *names, koc__hash *out,
                        koc_error **err)
{
    KOC__AUTO(koc_strlist) all = NULL;
    koc__sha256 h;
    uint8_t sum[32];
    KOC__TRY(koc__fs_list(path, &all, err));
    koc__sha256_init(&h);
    for (size_t i = 0; i < koc_strlist_count(all); i++) {
        const char *name = koc_strlist_get(all, i);
        if (kind == KOC__INPUT_WHOLE || koc__inputs_is_source(name)) {
            koc__sha256_update(&h, name, strlen(name) + 1);
            if (names) {
                KOC__TRY(koc__strlist_add(names, name, err));
            }
        }
    }
    koc__sha256_final(&h, sum);
    memcpy(out->bytes, sum, sizeof(out->bytes));
    return KOC_OK;
}

int koc__inputs_hash_file(const char *path, koc__hash *content, koc__hash *header, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(SOURCE_MAX);
    koc_digest d;
    KOC__TRY(koc__fs_read_file(path, &text, err));
    koc__sha256_of(text.ptr ? text.ptr : "", text.len, &d);
    memcpy(content->bytes, d.bytes, sizeof(content->bytes));
    *header = (koc__hash){0};
    if (koc__str_ends(koc__str(path), ".go")) {
        (void)koc__go_source_header(koc__dynbuf_view(&text), header);
    }
    return KOC_OK;
}

/* --- differences --- */

static int report_change(checker *c, bool refreshable, koc_error **err, const char *what,
                         const char *path, const char *name)
{
    c->verdict->same = false;
    c->verdict->refreshable = c->verdict->refreshable && refreshable;
    if (!*c->verdict->first) {
        snprintf(c->verdict->first, sizeof(c->verdict->first), "%s: %s%s%s", what, path,
                 *path && name ? "/" : "", name ? name : "");
    }
    koc_strlist *list = c->verdict->changes;
    if (!list || koc_strlist_count(list) >= CHANGES_MAX) {
        return KOC_OK;
    }
    return koc__strlist_addf(list, err, "%s: %s%s%s", what, path, *path && name ? "/" : "",
                             name ? name : "");
}

/* No further difference can change the verdict, and the caller wants no list of them. */
static bool is_decided(const checker *c)
{
    return !c->verdict->same && !c->verdict->refreshable && !c->verdict->changes;
}

/* Compares the content of a file whose stamp is new or cannot be trusted. */
static int check_content(checker *c, const koc__input_dir *d, koc__input_file *f,
                         const koc__stamp *now, koc_error **err)
{
    koc__hash content = {{0}}, header = {{0}};
    KOC__AUTO_STR path = koc__path_join(d->path, f->name);
    if (!path) {
        return koc__oom(err);
    }
    if (!S_ISREG(now->mode) || !S_ISREG(f->stamp.mode) ||
        koc__inputs_hash_file(path, &content, &header, NULL) != KOC_OK) {
        return report_change(c, false, err, "changed", d->path, f->name);
    }
    static const koc__hash none;
    bool proven = stamps_equal(now, &f->stamp) && koc__hash_equal(&content, &f->content);
    bool same_header = f->kind == KOC__INPUT_CONTENT ||
                       (koc__hash_equal(&header, &f->header) && !koc__hash_equal(&header, &none));
    f->content = content;
    f->stamp = *now;
    c->verdict->moved = true;
    return proven ? KOC_OK : report_change(c, same_header, err, "changed", d->path, f->name);
}

static int check_file(checker *c, int at, const koc__input_dir *d, koc__input_file *f,
                      koc_error **err)
{
    struct stat st;
    koc__stamp now;
    int rc = fstatat(at, f->name, &st, 0);
    if (rc != 0) {
        bool gone = errno == ENOENT || errno == ENOTDIR;
        if (f->kind == KOC__INPUT_ABSENT && gone) {
            return KOC_OK;
        }
        return report_change(c, false, err, gone ? "removed" : "cannot be read", d->path, f->name);
    }
    if (f->kind == KOC__INPUT_ABSENT) {
        return report_change(c, false, err, "new", d->path, f->name);
    }
    koc__stamp_of(&st, &now);
    if (stamps_equal(&now, &f->stamp) && !is_racy(c->in, &now)) {
        return KOC_OK;
    }
    if (f->kind == KOC__INPUT_OPAQUE) {
        return report_change(c, false, err, "changed", d->path, f->name);
    }
    return check_content(c, d, f, &now, err);
}

/* The directory's own stamp changes with every name in it, also with names that do not count. */
static int check_names(checker *c, int at, koc__input_dir *d, koc_error **err)
{
    struct stat st;
    koc__stamp now;
    koc__hash listing;
    if (fstat(at, &st) != 0) {
        return report_change(c, false, err, "cannot be read", d->path, NULL);
    }
    koc__stamp_of(&st, &now);
    if (stamps_equal(&now, &d->stamp) && !is_racy(c->in, &now)) {
        return KOC_OK;
    }
    if (koc__inputs_listing(d->path, d->kind, NULL, &listing, NULL) != KOC_OK) {
        return report_change(c, false, err, "cannot be read", d->path, NULL);
    }
    if (!koc__hash_equal(&listing, &d->listing)) {
        return report_change(c, false, err, "files were added or removed", d->path, NULL);
    }
    d->stamp = now;
    c->verdict->moved = true;
    return KOC_OK;
}

static int check_dir(checker *c, koc__input_dir *d, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    if (*d->path) {
        fd = koc__fs_open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        if (fd < 0) {
            return report_change(c, false, err, errno == ENOENT ? "removed" : "cannot be read",
                                 d->path, NULL);
        }
    }
    if (d->kind != KOC__INPUT_FILES) {
        KOC__TRY(check_names(c, fd, d, err));
    }
    for (size_t i = d->first; i < d->first + d->count && !is_decided(c); i++) {
        KOC__TRY(check_file(c, fd < 0 ? AT_FDCWD : fd, d, &c->in->files[i], err));
    }
    return KOC_OK;
}

/* --- git --- */

/* The commit, and whether the work tree differs from it, by the command that go uses. */
static int run_git_status(const checker *c, const char *root, koc_str *revision, bool *modified,
                          koc__proc_result *result, koc_error **err)
{
    static const char *const arguments[] = {"--no-optional-locks", "status", "--porcelain=v2",
                                            "--branch", NULL};
    const char *argv[KOC__GIT_ARGS];
    koc__git_command(arguments, argv);
    const koc__proc proc = {.argv = argv,
                            .env = c->env ? koc__strlist_argv(c->env) : NULL,
                            .dir = root,
                            .max_output = STATUS_MAX};
    KOC__TRY(koc__proc_run(&proc, c->call, result, err));
    koc_str rest = koc__dynbuf_view(&result->output), line;
    while (result->exit_code == 0 && koc__str_split(&rest, '\n', &line)) {
        if (koc__str_starts(line, "# branch.oid ")) {
            *revision = koc__str_from(line, strlen("# branch.oid "));
        } else if (line.len > 0 && line.ptr[0] != '#') {
            *modified = true;
        }
    }
    return KOC_OK;
}

static int check_repo(checker *c, const koc__input_repo *r, koc_error **err)
{
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc_error) why = NULL;
    koc_str revision = {NULL, 0};
    bool modified = false;
    int rc = run_git_status(c, r->root, &revision, &modified, &result, &why);
    if (rc == KOC_ECANCELLED || rc == KOC_ENOMEM || rc == KOC_ETIMEOUT) {
        return koc__error_move(err, &why);
    }
    /* refreshable: the new stamp can be read from the program that go makes. */
    if (rc != KOC_OK || result.exit_code != 0) {
        return report_change(c, true, err, "git does not read", r->root, NULL);
    }
    if (!koc__str_is(revision, r->revision)) {
        return report_change(c, true, err, "another commit", r->root, NULL);
    }
    if (modified != r->modified) {
        return report_change(c, true, err, modified ? "not as committed" : "as committed again",
                             r->root, NULL);
    }
    return KOC_OK;
}

/* --- all of it --- */

int koc__inputs_check(koc__inputs *in, const koc_strlist *env, koc__call *call,
                      koc__inputs_verdict *out, koc_error **err)
{
    checker c = {in, env, call, out};
    struct timespec now;
    out->same = out->refreshable = true;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t began_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (in->time_ns > began_ns) { /* the stamps cannot be compared with the clock */
        KOC__TRY(report_change(&c, false, err, "the clock was set back", "", NULL));
    }
    for (size_t i = 0; i < in->n_dirs && !is_decided(&c); i++) {
        KOC__TRY(check_dir(&c, &in->dirs[i], err));
    }
    for (size_t i = 0; i < in->n_repos && !is_decided(&c); i++) {
        KOC__TRY(check_repo(&c, &in->repos[i], err));
    }
    in->time_ns = began_ns;
    return KOC_OK;
}

bool koc__inputs_settled(const koc__inputs *in)
{
    for (size_t i = 0; i < in->n_dirs; i++) {
        const koc__input_dir *d = &in->dirs[i];
        for (size_t k = d->first; k < d->first + d->count; k++) {
            const koc__input_file *f = &in->files[k];
            KOC__AUTO_STR path = koc__path_join(d->path, f->name);
            koc__stamp now;
            if (f->kind != KOC__INPUT_ABSENT && is_racy(in, &f->stamp) &&
                (!path || koc__fs_stamp(path, true, &now, NULL) != KOC_OK ||
                 !stamps_equal(&now, &f->stamp))) {
                return false;
            }
        }
    }
    return true;
}
