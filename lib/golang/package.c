/*
 * Arguments to packages (docs/ko.md, import paths). Each argument has folders where go may be asked for
 * it: the working folder and the dirs of builds[]. All questions for one folder go into one `go list`.
 */
#include "core/common.h"

#include "core/path.h"
#include "golang/command.h"
#include "golang/package.h"
#include "model/model.h"

/* What go said in one folder. */
typedef struct answer {
    char *dir;
    koc__go_listing listing;
} answer;

typedef struct argument {
    const char *given;
    const char *path; /* without ko:// */
    bool has_scheme;
    bool is_pattern;       /* "./...": every main package below */
    koc_strlist *dirs;     /* where to ask, best first */
    koc_strlist *patterns; /* what to ask there */
    size_t asked;          /* how many of them were */
    const answer *found;   /* the folder that knows it, under this pattern; NULL: none so far */
    const char *pattern;
    koc_error *why; /* it is unknown in the first folder */
} argument;

typedef struct finder {
    koc_ctx *ctx;
    const koc__go_settings *s;
    koc__op *op;
    koc_strlist *env; /* of go list, for the first platform */
    argument *args;
    size_t n_args;
    answer **answers;
    size_t n_answers, answers_capacity;
    koc__go_targets *out;
    size_t capacity;
} finder;

static void finder_dispose(finder *f)
{
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

/* --- where to ask --- */

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

/* A local path is looked for in the deepest entry's dir that it lies in, last of all here. */
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
            if (n < longest && n > best_len && koc__path_within(dir, clean)) {
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
    if (koc__go_is_local(a->path) && !a->has_scheme) {
        return add_local_places(s, a, err);
    }
    KOC__TRY(add_place(a, ".", a->path, err));
    for (size_t i = 0; i < s->n_builds && !koc__go_is_local(a->path); i++) {
        KOC__TRY(add_place(a, s->builds[i].dir, a->path, err));
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
        koc__error_hint(err, "name its folder: %.*s", KOC__FMT(dir));
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
        KOC__TRY(add_places(f->s, a, err));
    }
    return KOC_OK;
}

/* --- builds[] --- */

/* What go is asked for an entry: "./cmd/app"; the folder when main is a file. */
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

static int config_failed(const finder *f, const koc__go_config *c, const char *reason,
                         koc_error **err)
{
    return koc__error(err, KOC_EINVAL, "%s:%zu:%zu: builds[%zu]: %s", f->s->path, c->line,
                      c->column, (size_t)(c - f->s->builds), reason);
}

static int name_config(const finder *f, koc__go_config *c, const koc__go_listing *l,
                       koc_error **err)
{
    KOC__AUTO_STR pattern = config_pattern(c);
    if (!pattern) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < l->count; i++) {
        const koc__go_package *p = &l->items[i];
        if (!koc__streq(p->pattern, pattern)) {
            continue;
        }
        if (p->error && !p->excluded) {
            return config_failed(f, c, p->error, err);
        }
        koc__free(c->import_path);
        c->import_path = koc__strdup(p->import_path);
        return c->import_path ? KOC_OK : koc__oom(err);
    }
    return config_failed(f, c, "go list found no package there", err);
}

/* The last entry for an import path, as in ko. */
static const koc__go_config *config_for(const koc__go_settings *s, const char *import_path)
{
    for (size_t i = s->n_builds; i > 0; i--) {
        if (koc__streq(s->builds[i - 1].import_path, import_path)) {
            return &s->builds[i - 1];
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
    koc__free(t->package_path);
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
    koc__free(t);
}

/* ko keeps what is not "./x" word for word: it is in the image's history and name. */
static const char *import_path_of(const argument *a, const koc__go_package *p)
{
    bool qualified = a->is_pattern || (koc__go_is_local(a->path) && !a->has_scheme);
    return qualified ? p->import_path : a->path;
}

static int add_target(finder *f, const argument *a, const koc__go_package *p, const char *dir,
                      koc_error **err)
{
    const char *import_path = import_path_of(a, p);
    for (size_t i = 0; i < f->out->count; i++) {
        if (koc__streq(f->out->items[i]->import_path, import_path)) {
            return KOC_OK;
        }
    }
    KOC__AUTO(koc__go_target) t = koc__calloc(1, sizeof(*t));
    if (!t || !koc__grow((void **)&f->out->items, &f->capacity, f->out->count + 1,
                         sizeof(koc__go_target *))) {
        return koc__oom(err);
    }
    t->config = config_for(f->s, import_path);
    const char *work_dir = t->config ? t->config->dir : dir;
    bool here = koc__streq(work_dir, ".");
    t->argument = koc__strdup(a->given);
    t->reference = koc__format("ko://%s", import_path);
    t->import_path = koc__strdup(import_path);
    t->package_path = koc__strdup(p->import_path);
    t->package_dir = *p->dir ? koc__strdup(p->dir) : NULL;
    t->work_dir = here ? NULL : koc__strdup(work_dir);
    if (!t->argument || !t->reference || !t->import_path || !t->package_path ||
        (*p->dir && !t->package_dir) || (!here && !t->work_dir)) {
        return koc__oom(err);
    }
    f->out->items[f->out->count++] = koc__steal(&t);
    return KOC_OK;
}

/* --- asking --- */

/* The folder where a is to be asked for next; NULL: it is known, or nowhere. */
static const char *next_dir(const argument *a)
{
    return a->found ? NULL : koc_strlist_get(a->dirs, a->asked);
}

static bool is_main(const argument *a, const koc__go_package *p)
{
    /* Files for other platforms only: the build will tell. */
    return (koc__streq(p->name, "main") && !p->error) || (p->excluded && !a->is_pattern);
}

/* Looks for a in what dir answered. A package that is there but not main ends the search; one that is
 * not there leaves the reason behind, and the next folder is asked. */
static int judge(argument *a, const answer *from, koc_error **err)
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

/* go list gave no answers at all in a folder: what was asked there keeps that as the reason. */
static void blame(argument *a, const koc_error *why)
{
    a->asked++;
    if (!a->why) {
        koc__error(&a->why, koc_error_code(why), "cannot build %s: %s", a->given,
                   koc_error_message(why));
        const char *detail = koc_error_detail(why);
        if (detail &&
            strchr(detail, '\n') != strrchr(detail, '\n')) { /* more than the message has */
            koc__error_detail(&a->why, koc__str(detail));
        }
    }
}

static int add_once(koc_strlist *l, const char *text, koc_error **err)
{
    return koc__strlist_has(l, text) ? KOC_OK : koc__strlist_add(l, text, err);
}

/* What there is to ask in dir: its entries (when configs is set), and arguments. */
static int questions(const finder *f, const char *dir, bool configs, koc_strlist *out,
                     koc_error **err)
{
    for (size_t i = 0; configs && i < f->s->n_builds; i++) {
        const koc__go_config *c = &f->s->builds[i];
        KOC__AUTO_STR pattern = config_pattern(c);
        if (!pattern) {
            return koc__oom(err);
        }
        if (koc__streq(c->dir, dir)) {
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

static int new_answer(finder *f, const char *dir, answer **out, koc_error **err)
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

static int use_answer(finder *f, const answer *from, bool configs, koc_error **err)
{
    for (size_t i = 0; configs && i < f->s->n_builds; i++) {
        if (koc__streq(f->s->builds[i].dir, from->dir)) {
            KOC__TRY(name_config(f, &f->s->builds[i], &from->listing, err));
        }
    }
    for (size_t i = 0; i < f->n_args; i++) {
        if (koc__streq(next_dir(&f->args[i]), from->dir)) {
            KOC__TRY(judge(&f->args[i], from, err));
        }
    }
    return KOC_OK;
}

static int ask_in(finder *f, const char *dir, bool configs, koc_error **err)
{
    KOC__AUTO(koc_strlist) patterns = NULL;
    answer *from = NULL;
    KOC__TRY(koc__strlist_new(&patterns, err));
    KOC__TRY(questions(f, dir, configs, patterns, err));
    if (koc_strlist_count(patterns) == 0) {
        return KOC_OK;
    }
    KOC__TRY(new_answer(f, dir, &from, err));
    koc_error *why = NULL;
    int rc = koc__go_list(f->ctx, f->s->facts, dir, patterns, f->env, false, f->op, &from->listing,
                          &why);
    if (rc == KOC_OK) {
        return use_answer(f, from, configs, err);
    }
    for (size_t i = 0; configs && i < f->s->n_builds; i++) {
        if (koc__streq(f->s->builds[i].dir, dir) && rc == KOC_EPROCESS) {
            rc = config_failed(f, &f->s->builds[i], koc_error_message(why), err);
            koc_error_free(why);
            return rc;
        }
    }
    if (rc != KOC_EPROCESS) { /* no go, cancelled, …: no other folder helps */
        return koc__error_move(err, &why);
    }
    for (size_t i = 0; i < f->n_args; i++) {
        if (koc__streq(next_dir(&f->args[i]), dir)) {
            blame(&f->args[i], why);
        }
    }
    koc_error_free(why);
    return KOC_OK;
}

/* Arguments that are the import path of an entry are known by that alone. */
static int match_configs(finder *f, koc_error **err)
{
    for (size_t i = 0; i < f->n_args; i++) {
        argument *a = &f->args[i];
        const koc__go_config *c = config_for(f->s, a->path);
        if (a->found || !c || a->is_pattern) {
            continue;
        }
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

static bool was_asked(const finder *f, const char *dir)
{
    for (size_t i = 0; i < f->n_answers; i++) {
        if (koc__streq(f->answers[i]->dir, dir)) {
            return true;
        }
    }
    return false;
}

static int ask_everywhere(finder *f, koc_error **err)
{
    for (size_t i = 0; i < f->s->n_builds; i++) {
        const char *dir = f->s->builds[i].dir;
        if (!koc__streq(dir, ".") && !was_asked(f, dir)) {
            KOC__TRY(ask_in(f, dir, true, err));
        }
    }
    KOC__TRY(match_configs(f, err));
    KOC__TRY(ask_in(f, ".", true, err));
    KOC__TRY(match_configs(f, err));
    for (size_t i = 0; i < f->n_args; i++) {
        while (next_dir(&f->args[i])) {
            KOC__TRY(ask_in(f, next_dir(&f->args[i]), false, err));
        }
    }
    return KOC_OK;
}

/* --- the whole --- */

/* Packages are loaded for the first platform that is wanted (ko: for this machine). */
static int list_env(finder *f, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_platform p = KOC_PLATFORM_INIT;
    const char *wanted = koc_strlist_get(f->s->platforms, 0);
    if (wanted && !koc__streq(wanted, "all")) {
        KOC__TRY(koc_platform_parse(wanted, &storage, &p, err));
    }
    p.os = p.os && *p.os ? p.os : "linux";
    p.arch = p.arch && *p.arch ? p.arch : "amd64";
    return koc__go_command_env(f->s, NULL, NULL, &p, &f->env, err);
}

static int collect(finder *f, koc_error **err)
{
    for (size_t i = 0; i < f->n_args; i++) {
        argument *a = &f->args[i];
        if (!a->found) {
            return a->why ? koc__error_move(err, &a->why) : koc__oom(err);
        }
        for (size_t k = 0; k < a->found->listing.count; k++) {
            const koc__go_package *p = &a->found->listing.items[k];
            if (koc__streq(p->pattern, a->pattern) && is_main(a, p)) {
                KOC__TRY(add_target(f, a, p, a->found->dir, err));
            }
        }
    }
    return KOC_OK;
}

int koc__go_targets_find(koc_ctx *ctx, const koc__go_settings *s, const char *const *args,
                         koc__op *op, koc__go_targets **out, koc_error **err)
{
    KOC__AUTO_VAL(finder) f = {.ctx = ctx, .s = s, .op = op};
    f.out = koc__calloc(1, sizeof(*f.out));
    if (!f.out) {
        return koc__oom(err);
    }
    KOC__TRY(read_arguments(&f, args, err));
    KOC__TRY(list_env(&f, err));
    KOC__TRY(ask_everywhere(&f, err));
    KOC__TRY(collect(&f, err));
    *out = koc__steal(&f.out);
    return KOC_OK;
}

int koc__go_package_dir(koc_ctx *ctx, koc__go_target *t, koc__op *op, koc_error **err)
{
    if (t->package_dir) {
        return KOC_OK;
    }
    koc__go_facts *facts = NULL;
    KOC__AUTO(koc_strlist) patterns = NULL;
    KOC__AUTO_VAL(koc__go_listing) l = {0};
    KOC__TRY(koc__strlist_new(&patterns, err));
    KOC__TRY(koc__strlist_add(patterns, t->package_path ? t->package_path : t->import_path, err));
    KOC__TRY(koc__go_facts_new(&facts, err));
    int rc = koc__go_list(ctx, facts, t->work_dir, patterns, NULL, true, op, &l, err);
    koc__go_facts_free(facts);
    KOC__TRY(rc);
    if (l.count == 0 || *l.items[0].dir == '\0') {
        return koc__go_not_main(t->argument, l.count ? &l.items[0] : NULL, err);
    }
    t->package_dir = koc__steal(&l.items[0].dir);
    return KOC_OK;
}
