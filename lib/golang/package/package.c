/*
 * From arguments to packages (docs/ko.md, import paths). An argument may be known in several directories: the
 * working directory and the dirs of builds[]. All patterns for one directory go into one `go list`.
 */
#include "core/common.h"

#include <stdarg.h>

#include "core/path.h"
#include "golang/go_command.h"
#include "golang/package/package.h"
#include "model/model.h"

/* What go list answered in one directory. */
typedef struct answer {
    char *dir;
    koc__go_listing listing;
} answer;

typedef struct argument {
    const char *given;
    const char *path; /* without ko:// */
    bool has_scheme;
    bool is_pattern;       /* "./...": every main package below */
    koc_strlist *dirs;     /* where to run go list, best first */
    koc_strlist *patterns; /* the pattern to list in each of them */
    size_t asked;          /* how many of the dirs have answered */
    const answer *found;   /* the answer that has the package; NULL: none so far */
    const char *pattern;   /* the pattern under which it is there */
    koc_error *why;        /* why the first directory does not have it */
} argument;

/* What go says about one entry of builds[]. */
typedef struct entry {
    const koc__go_config *config;
    char *import_path; /* NULL: not known */
    koc_error *why;    /* go cannot load it, or NULL */
} entry;

typedef struct finder {
    koc_ctx *ctx;
    const koc__go_settings *s;
    koc__call *call;
    koc_strlist *env; /* of go list */
    entry *entries;   /* as many as there are builds */
    argument *args;
    size_t n_args;
    answer **answers;
    size_t n_answers, answers_capacity;
    koc__go_targets *out;
    size_t capacity;
} finder;

static void finder_dispose(finder *f)
{
    for (size_t i = 0; f->entries && i < f->s->n_builds; i++) {
        koc__free(f->entries[i].import_path);
        koc_error_free(f->entries[i].why);
    }
    koc__free(f->entries);
    for (size_t i = 0; i < f->n_args; i++) {
        koc_strlist_free(f->args[i].dirs);
        koc_strlist_free(f->args[i].patterns);
        koc_error_free(f->args[i].why);
    }
    for (size_t i = 0; i < f->n_answers; i++) {
        koc__go_listing_dispose(&f->answers[i]->listing);
        koc__free(f->answers[i]->dir);
        koc__free(f->answers[i]);
    }
    koc__free(f->answers);
    koc__free(f->args);
    koc_strlist_free(f->env);
    koc__go_targets_free(f->out);
}
KOC__DEFINE_AUTO_VAL(finder, finder_dispose);

/* --- where to look --- */

static int add_place(argument *a, const char *dir, const char *pattern, koc_error **err)
{
    if (koc__strlist_has(a->dirs, dir)) {
        return KOC_OK;
    }
    KOC__AUTO_STR clean = koc__go_clean(pattern);
    if (!clean) {
        return koc__oom(err);
    }
    KOC__TRY(koc__strlist_add(a->dirs, dir, err));
    return koc__strlist_add(a->patterns, clean, err);
}

/* Whether go can run for the entry: its dir may not exist. */
static bool has_dir(const koc__go_config *c)
{
    return koc__fs_is_dir(c->dir);
}

/* A local path is looked up in the dirs of builds[] that contain it, the deepest first, and last in the
 * working directory. */
static int add_local_places(const koc__go_settings *s, argument *a, koc_error **err)
{
    KOC__AUTO_STR clean = koc__path_clean(a->path);
    if (!clean) {
        return koc__oom(err);
    }
    size_t longest = SIZE_MAX;
    for (;;) {
        const char *best = NULL;
        size_t best_len = 0;
        for (size_t i = 0; i < s->n_builds; i++) {
            const char *dir = s->builds[i].dir;
            size_t n = strlen(dir);
            if (n < longest && n > best_len && koc__path_within(dir, clean) &&
                has_dir(&s->builds[i])) {
                best = dir;
                best_len = n;
            }
        }
        if (!best || koc__streq(best, ".")) {
            break;
        }
        const char *below = koc__path_below(best, clean);
        KOC__AUTO_STR pattern = koc__format("./%s", below && *below ? below : ".");
        if (!pattern) {
            return koc__oom(err);
        }
        KOC__TRY(add_place(a, best, pattern, err));
        longest = best_len;
    }
    return add_place(a, ".", a->path, err);
}

static int add_places(const koc__go_settings *s, argument *a, koc_error **err)
{
    KOC__TRY(koc__strlist_new(&a->dirs, err));
    KOC__TRY(koc__strlist_new(&a->patterns, err));
    if (koc__go_is_local(a->path)) {
        return add_local_places(s, a, err);
    }
    KOC__TRY(add_place(a, ".", a->path, err));
    for (size_t i = 0; i < s->n_builds; i++) {
        if (has_dir(&s->builds[i])) {
            KOC__TRY(add_place(a, s->builds[i].dir, a->path, err));
        }
    }
    return KOC_OK;
}

/* Words that go reads as sets of packages, never as one package. */
static int check_meta(const argument *a, koc_error **err)
{
    static const char *const words[] = {"all", "cmd", "std", "tool", "work"};
    for (size_t i = 0; i < KOC__COUNT(words); i++) {
        if (koc__streq(a->path, words[i])) {
            int rc = koc__error(err, KOC_EINVAL,
                                "cannot build %s: to go that word is a set of packages", a->given);
            if (koc__fs_is_dir(a->path)) {
                koc__error_hint(err, "did you mean ./%s?", a->path);
            } else {
                koc__error_hint(err, "name a package by its path (./cmd/app) or its import path");
            }
            return rc;
        }
    }
    return KOC_OK;
}

static int check_argument(const argument *a, koc_error **err)
{
    if (*a->path == '\0') {
        return koc__error(err, KOC_EINVAL, "cannot build \"%s\": an empty import path", a->given);
    }
    if (koc__str_ends(koc__str(a->path), ".go") && koc__fs_is_file(a->path)) {
        koc_str dir = koc__path_dir(koc__str(a->path));
        int rc =
            koc__error(err, KOC_EINVAL, "cannot build %s: it is a file, not a package", a->given);
        koc__error_hint(err, "name its directory: %.*s", KOC__FMT(dir));
        return rc;
    }
    if (!koc__go_is_local(a->path) && strchr(a->path, '@') && !koc__path_is_abs(a->path)) {
        int rc = koc__error(err, KOC_EINVAL, "cannot build %s: a version cannot be given here",
                            a->given);
        koc__error_hint(err, "add the module with `go get %s`, then name it without the version",
                        a->path);
        return rc;
    }
    return KOC_OK;
}

static int read_arguments(finder *f, const char *const *args, koc_error **err)
{
    size_t n = 0;
    while (args[n]) {
        n++;
    }
    f->args = koc__calloc(n ? n : 1, sizeof(*f->args));
    if (!f->args) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        argument *a = &f->args[f->n_args++];
        a->given = args[i];
        a->has_scheme = strncmp(args[i], "ko://", 5) == 0;
        a->path = args[i] + (a->has_scheme ? 5 : 0);
        a->is_pattern = strstr(a->path, "...") != NULL;
        KOC__TRY(check_argument(a, err));
        KOC__TRY(check_meta(a, err));
        KOC__TRY(add_places(f->s, a, err));
    }
    return KOC_OK;
}

/* --- builds[] --- */

/* The pattern of an entry for go list: "./cmd/app"; the directory if main is a file. */
static char *config_pattern(const koc__go_config *c)
{
    KOC__AUTO_STR path = koc__path_join(c->dir, c->main);
    if (!path) {
        return NULL;
    }
    koc_str main = koc__str(c->main);
    if (koc__fs_is_file(path)) {
        main = koc__path_dir(main);
    }
    KOC__AUTO_STR pattern = koc__format("./%.*s", KOC__FMT(main));
    return pattern ? koc__go_clean(pattern) : NULL;
}

/* Whether main is in a module of its own below dir, so that go does not find it from there. */
static bool is_other_module(const koc__go_config *c)
{
    KOC__AUTO_STR at = koc__path_join(c->dir, c->main);
    while (at && !koc__streq(at, c->dir) && koc__path_within(c->dir, at)) {
        KOC__AUTO_STR mod = koc__path_join(at, "go.mod");
        if (mod && koc__fs_is_file(mod)) {
            return true;
        }
        char *up = koc__str_dup(koc__path_dir(koc__str(at)));
        koc__free(at);
        at = up;
    }
    return false;
}

/* Why an entry cannot be used: it is invalid, or go cannot load it. */
static const koc_error *entry_error(const entry *e)
{
    return e->config->why ? e->config->why : e->why;
}

/* Only an argument that needs the entry fails: the others are built without it, as with ko. */
static void set_entry_error(const finder *f, entry *e, const char *reason)
{
    const koc__go_config *c = e->config;
    if (entry_error(e)) {
        return;
    }
    (void)koc__error(&e->why, KOC_EINVAL, "%s:%zu:%zu: builds[%zu]: %s", f->s->path, c->line,
                     c->column, (size_t)(c - f->s->builds), reason);
    if (is_other_module(c)) {
        koc__error_hint(&e->why, "%s is in a module of its own: name the directory of that in dir",
                        c->main);
    }
}

static int report_entry_error(const entry *e, koc_error **err)
{
    const koc_error *why = entry_error(e);
    int rc = koc__error(err, koc_error_code(why), "%s", koc_error_message(why));
    if (koc_error_hint(why)) {
        koc__error_hint(err, "%s", koc_error_hint(why));
    }
    return rc;
}

static int name_entry(const finder *f, entry *e, const koc__go_listing *l, koc_error **err)
{
    KOC__AUTO_STR pattern = config_pattern(e->config);
    if (!pattern) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < l->count; i++) {
        const koc__go_package *p = &l->items[i];
        if (!koc__streq(p->pattern, pattern)) {
            continue;
        }
        if (p->error && !p->excluded) {
            set_entry_error(f, e, p->error);
            return KOC_OK;
        }
        koc__free(e->import_path);
        e->import_path = koc__strdup(p->import_path);
        return e->import_path ? KOC_OK : koc__oom(err);
    }
    set_entry_error(f, e, "go list found no package there");
    return KOC_OK;
}

/* The last entry for an import path, as in ko. */
static const entry *entry_for(const finder *f, const char *import_path)
{
    for (size_t i = f->s->n_builds; i > 0; i--) {
        if (koc__streq(f->entries[i - 1].import_path, import_path)) {
            return &f->entries[i - 1];
        }
    }
    return NULL;
}

/* --- results --- */

static void free_target(koc__go_target *t)
{
    if (!t) {
        return;
    }
    koc__free(t->argument);
    koc__free(t->reference);
    koc__free(t->import_path);
    koc_strlist_free(t->spellings);
    koc__free(t->package_dir);
    koc__free(t->work_dir);
    koc__free(t);
}
KOC__DEFINE_AUTO(koc__go_target, free_target);

void koc__go_targets_free(koc__go_targets *t)
{
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        free_target(t->items[i]);
    }
    koc__free(t->items);
    koc_strlist_free(t->warnings);
    koc__free(t);
}

/* Keeps how a document spells its reference, which is what resolving replaces. */
static int add_spelling(koc__go_target *t, const argument *a, koc_error **err)
{
    bool differs = a->has_scheme && !a->is_pattern && !koc__streq(a->path, t->import_path);
    return differs && !koc__strlist_has(t->spellings, a->path)
               ? koc__strlist_add(t->spellings, a->path, err)
               : KOC_OK;
}

/* A package is identified by its import path as go prints it, however the argument spells it. */
static int add_target(finder *f, const argument *a, const koc__go_package *p, const char *dir,
                      koc_error **err)
{
    const char *import_path = p->import_path;
    for (size_t i = 0; i < f->out->count; i++) {
        if (koc__streq(f->out->items[i]->import_path, import_path)) {
            return add_spelling(f->out->items[i], a, err);
        }
    }
    KOC__AUTO(koc__go_target) t = koc__calloc(1, sizeof(*t));
    if (!t || !koc__grow((void **)&f->out->items, &f->capacity, f->out->count + 1,
                         sizeof(koc__go_target *))) {
        return koc__oom(err);
    }
    const entry *e = entry_for(f, import_path);
    if (e && entry_error(e)) {
        return report_entry_error(e, err);
    }
    t->config = e ? e->config : NULL;
    KOC__TRY(koc__strlist_new(&t->spellings, err));
    KOC__TRY(add_spelling(t, a, err));
    const char *work_dir = t->config ? t->config->dir : dir;
    bool here = koc__streq(work_dir, ".");
    t->argument = koc__strdup(a->given);
    t->reference = koc__format("ko://%s", import_path);
    t->import_path = koc__strdup(import_path);
    t->package_dir = *p->dir ? koc__strdup(p->dir) : NULL;
    t->work_dir = here ? NULL : koc__strdup(work_dir);
    if (!t->argument || !t->reference || !t->import_path || (*p->dir && !t->package_dir) ||
        (!here && !t->work_dir)) {
        return koc__oom(err);
    }
    f->out->items[f->out->count++] = koc__steal(&t);
    return KOC_OK;
}

/* --- running go list --- */

/* The directory in which a is looked up next; NULL: it is found, or there is none left. */
static const char *next_dir(const argument *a)
{
    return a->found ? NULL : koc_strlist_get(a->dirs, a->asked);
}

static bool is_main(const argument *a, const koc__go_package *p)
{
    if (a->is_pattern) {
        return koc__streq(p->name, "main") && !p->error && !p->standard && !p->needs_cgo;
    }
    /* If all files are for other platforms, the build reports it. */
    return (koc__streq(p->name, "main") && !p->error) || p->excluded;
}

/* By "cmd/api" go means its own package of that name, not the directory of this module. */
static int check_standard(const argument *a, const koc__go_package *p, koc_error **err)
{
    if (!p->standard || a->is_pattern || !koc__fs_is_dir(a->path)) {
        return KOC_OK;
    }
    int rc =
        koc__error(err, KOC_EINVAL,
                   "cannot build %s: to go that is a package of its standard library", a->given);
    koc__error_hint(err, "did you mean ./%s?", a->path);
    return rc;
}

/* Looks for a in an answer. A package that exists but is not main ends the search with an error; if there is
 * none, the reason is kept and the search continues in the next directory. */
static int match_answer(argument *a, const answer *from, koc_error **err)
{
    const char *pattern = koc_strlist_get(a->patterns, a->asked++);
    const koc__go_package *last = NULL;
    for (size_t i = 0; i < from->listing.count; i++) {
        const koc__go_package *p = &from->listing.items[i];
        if (!koc__streq(p->pattern, pattern)) {
            continue;
        }
        last = p;
        if (is_main(a, p)) {
            KOC__TRY(check_standard(a, p, err));
            a->found = from;
            a->pattern = pattern;
            return KOC_OK;
        }
    }
    if (last && !last->error && !a->is_pattern) {
        return koc__go_not_main(a->given, last, err);
    }
    if (!a->why) {
        (void)koc__go_not_main(a->given, last, &a->why);
    }
    return KOC_OK;
}

/* go list failed in a directory: keeps its error as the reason why a is not found. */
static void record_failure(argument *a, const koc_error *why)
{
    a->asked++;
    if (!a->why) {
        koc__error(&a->why, koc_error_code(why), "cannot build %s: %s", a->given,
                   koc_error_message(why));
        const char *detail = koc_error_detail(why);
        bool several_lines = detail && strchr(detail, '\n') != strrchr(detail, '\n');
        if (several_lines) { /* one line is in the message already */
            koc__error_detail(&a->why, koc__str(detail));
        }
    }
}

static int add_once(koc_strlist *l, const char *text, koc_error **err)
{
    return koc__strlist_has(l, text) ? KOC_OK : koc__strlist_add(l, text, err);
}

/* The patterns to list in dir: of its entries (if with_entries) and of arguments. */
static int collect_patterns(const finder *f, const char *dir, bool with_entries, koc_strlist *out,
                            koc_error **err)
{
    for (size_t i = 0; with_entries && i < f->s->n_builds; i++) {
        const koc__go_config *c = &f->s->builds[i];
        KOC__AUTO_STR pattern = config_pattern(c);
        if (!pattern) {
            return koc__oom(err);
        }
        if (koc__streq(c->dir, dir) && has_dir(c)) {
            KOC__TRY(add_once(out, pattern, err));
        }
    }
    for (size_t i = 0; i < f->n_args; i++) {
        const argument *a = &f->args[i];
        if (koc__streq(next_dir(a), dir)) {
            KOC__TRY(add_once(out, koc_strlist_get(a->patterns, a->asked), err));
        }
    }
    return KOC_OK;
}

static int add_answer(finder *f, const char *dir, answer **out, koc_error **err)
{
    if (!koc__grow((void **)&f->answers, &f->answers_capacity, f->n_answers + 1,
                   sizeof(answer *))) {
        return koc__oom(err);
    }
    answer *a = koc__calloc(1, sizeof(*a));
    if (!a) {
        return koc__oom(err);
    }
    f->answers[f->n_answers++] = a;
    a->dir = koc__strdup(dir);
    *out = a;
    return a->dir ? KOC_OK : koc__oom(err);
}

static int use_answer(finder *f, const answer *from, bool with_entries, koc_error **err)
{
    for (size_t i = 0; with_entries && i < f->s->n_builds; i++) {
        if (koc__streq(f->entries[i].config->dir, from->dir)) {
            KOC__TRY(name_entry(f, &f->entries[i], &from->listing, err));
        }
    }
    for (size_t i = 0; i < f->n_args; i++) {
        if (koc__streq(next_dir(&f->args[i]), from->dir)) {
            KOC__TRY(match_answer(&f->args[i], from, err));
        }
    }
    return KOC_OK;
}

static int list_in(finder *f, const char *dir, bool with_entries, koc_error **err)
{
    KOC__AUTO(koc_strlist) patterns = NULL;
    answer *from = NULL;
    KOC__TRY(koc__strlist_new(&patterns, err));
    KOC__TRY(collect_patterns(f, dir, with_entries, patterns, err));
    if (koc_strlist_count(patterns) == 0) {
        return KOC_OK;
    }
    KOC__TRY(add_answer(f, dir, &from, err));
    koc_error *why = NULL;
    const koc__go_list_options o = {.dir = dir, .env = f->env};
    int rc = koc__go_list(f->ctx, f->s->go_env, patterns, &o, f->call, &from->listing, &why);
    if (rc == KOC_OK) {
        return use_answer(f, from, with_entries, err);
    }
    if (rc != KOC_EPROCESS) { /* no go, cancelled, …: another directory would not help */
        return koc__error_move(err, &why);
    }
    bool any = false;
    for (size_t i = 0; with_entries && i < f->s->n_builds; i++) {
        entry *e = &f->entries[i];
        if (koc__streq(e->config->dir, dir) && has_dir(e->config)) {
            set_entry_error(f, e, koc_error_message(why));
            any = true;
        }
    }
    if (any) { /* an entry may be the cause: try the arguments alone */
        koc_error_free(why);
        return list_in(f, dir, false, err);
    }
    for (size_t i = 0; i < f->n_args; i++) {
        if (koc__streq(next_dir(&f->args[i]), dir)) {
            record_failure(&f->args[i], why);
        }
    }
    koc_error_free(why);
    return KOC_OK;
}

/* An argument that is the import path of an entry needs no lookup of its own. */
static int match_entries(finder *f, koc_error **err)
{
    for (size_t i = 0; i < f->n_args; i++) {
        argument *a = &f->args[i];
        const entry *e = entry_for(f, koc_strlist_get(a->patterns, 0));
        if (a->found || !e || a->is_pattern) {
            continue;
        }
        const koc__go_config *c = e->config;
        KOC__AUTO_STR pattern = config_pattern(c);
        if (!pattern) {
            return koc__oom(err);
        }
        for (size_t k = 0; k < f->n_answers && !a->found; k++) {
            const koc__go_listing *l = &f->answers[k]->listing;
            for (size_t n = 0; n < l->count && koc__streq(f->answers[k]->dir, c->dir); n++) {
                if (koc__streq(l->items[n].pattern, pattern) && is_main(a, &l->items[n])) {
                    a->found = f->answers[k];
                    a->pattern = l->items[n].pattern;
                    break;
                }
            }
        }
    }
    return KOC_OK;
}

static bool has_answer(const finder *f, const char *dir)
{
    for (size_t i = 0; i < f->n_answers; i++) {
        if (koc__streq(f->answers[i]->dir, dir)) {
            return true;
        }
    }
    return false;
}

static int list_everywhere(finder *f, koc_error **err)
{
    for (size_t i = 0; i < f->s->n_builds; i++) {
        const char *dir = f->s->builds[i].dir;
        if (!koc__streq(dir, ".") && !has_answer(f, dir)) {
            KOC__TRY(list_in(f, dir, true, err));
        }
    }
    KOC__TRY(match_entries(f, err));
    KOC__TRY(list_in(f, ".", true, err));
    KOC__TRY(match_entries(f, err));
    for (size_t i = 0; i < f->n_args; i++) {
        while (next_dir(&f->args[i])) {
            KOC__TRY(list_in(f, next_dir(&f->args[i]), false, err));
        }
    }
    return KOC_OK;
}

/* --- all of it --- */

static int make_list_env(finder *f, const char *platform, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_platform p = KOC_PLATFORM_INIT;
    if (platform && !koc__streq(platform, "all")) {
        KOC__TRY(koc_platform_parse(platform, &storage, &p, err));
    }
    p.os = p.os && *p.os ? p.os : "linux";
    p.arch = p.arch && *p.arch ? p.arch : "amd64";
    return koc__go_command_env(f->s, NULL, NULL, &p, &f->env, err);
}

static int warn(const finder *f, koc_error **err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int warn(const finder *f, koc_error **err, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return add_once(f->out->warnings, text, err);
}

/* The hint names an entry that cannot be loaded: it may be the one that was meant. */
static int report_not_found(const finder *f, argument *a, koc_error **err)
{
    if (!a->why) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < f->s->n_builds && !koc_error_hint(a->why); i++) {
        const koc_error *why = entry_error(&f->entries[i]);
        if (why && !f->entries[i].import_path && !a->is_pattern && !koc__go_is_local(a->path)) {
            koc__error_hint(&a->why, "this entry cannot be loaded: %s", koc_error_message(why));
        }
    }
    return koc__error_move(err, &a->why);
}

/* Entries that cannot be used and that no argument needs. */
static int warn_entries(const finder *f, koc_error **err)
{
    for (size_t i = 0; i < f->s->n_builds; i++) {
        const koc_error *why = entry_error(&f->entries[i]);
        if (why) {
            const char *hint = koc_error_hint(why);
            KOC__TRY(warn(f, err, "%s%s%s%s", koc_error_message(why), hint ? " (" : "",
                          hint ? hint : "", hint ? ")" : ""));
        }
    }
    return KOC_OK;
}

static int collect_targets(finder *f, koc_error **err)
{
    for (size_t i = 0; i < f->n_args; i++) {
        argument *a = &f->args[i];
        if (!a->found) {
            return report_not_found(f, a, err);
        }
        for (size_t k = 0; k < a->found->listing.count; k++) {
            const koc__go_package *p = &a->found->listing.items[k];
            if (!koc__streq(p->pattern, a->pattern)) {
                continue;
            }
            if (is_main(a, p)) {
                KOC__TRY(add_target(f, a, p, a->found->dir, err));
            } else if (a->is_pattern && p->needs_cgo) {
                KOC__TRY(warn(f, err, "%s is left out of %s: it needs cgo (CGO_ENABLED=1)",
                              p->import_path, a->given));
            }
        }
    }
    return KOC_OK;
}

int koc__go_targets_find(koc_ctx *ctx, const koc__go_settings *s, const char *platform,
                         const char *const *args, koc__call *call, koc__go_targets **out,
                         koc_error **err)
{
    KOC__AUTO_VAL(finder) f = {.ctx = ctx, .s = s, .call = call};
    f.out = koc__calloc(1, sizeof(*f.out));
    f.entries = koc__calloc(s->n_builds ? s->n_builds : 1, sizeof(*f.entries));
    if (!f.out || !f.entries) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < s->n_builds; i++) {
        f.entries[i].config = &s->builds[i];
    }
    KOC__TRY(koc__strlist_new(&f.out->warnings, err));
    KOC__TRY(read_arguments(&f, args, err));
    KOC__TRY(make_list_env(&f, platform, err));
    KOC__TRY(list_everywhere(&f, err));
    KOC__TRY(collect_targets(&f, err));
    KOC__TRY(warn_entries(&f, err));
    *out = koc__steal(&f.out);
    return KOC_OK;
}

int koc__go_package_dir(koc_ctx *ctx, koc__go_target *t, koc__call *call, koc_error **err)
{
    if (t->package_dir) {
        return KOC_OK;
    }
    koc__go_env *go_env = NULL;
    const koc__go_list_options o = {.dir = t->work_dir, .fresh = true};
    KOC__AUTO(koc_strlist) patterns = NULL;
    KOC__AUTO_VAL(koc__go_listing) l = {0};
    KOC__TRY(koc__strlist_new(&patterns, err));
    KOC__TRY(koc__strlist_add(patterns, t->import_path, err));
    KOC__TRY(koc__go_env_new(&go_env, err));
    int rc = koc__go_list(ctx, go_env, patterns, &o, call, &l, err);
    koc__go_env_free(go_env);
    KOC__TRY(rc);
    if (l.count == 0 || *l.items[0].dir == '\0') {
        return koc__go_not_main(t->argument, l.count ? &l.items[0] : NULL, err);
    }
    t->package_dir = koc__steal(&l.items[0].dir);
    return KOC_OK;
}
