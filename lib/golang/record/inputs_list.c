/* Lists the inputs of a build: every file and directory that `go list -deps` names. */
#include "core/common.h"

#include "core/path.h"
#include "core/run/proc.h"
#include "golang/package/package.h"
#include "golang/record/input_record.h"
#include "text/json.h"

#define LIST_MAX      ((size_t)256 << 20)
#define LIST_ITEM_MAX ((size_t)16 << 20)
#define MODULE_MAX    ((size_t)16 << 20)

static void gather_dispose(koc__inputs_gather *g)
{
    koc__map_free(g->seen);
    koc_strlist_free(g->single_files);
    koc__free(g->goroot);
}
KOC__DEFINE_AUTO_VAL(koc__inputs_gather, gather_dispose);

/* --- packages --- */

static bool has_items(const koc__jnode *package, const char *name)
{
    return koc__json_count(koc__json_get(package, name)) > 0;
}

/* Whether the user edits the module: it is a main module, or replaced by a directory. */
static bool is_own(const koc__jnode *module)
{
    const koc__jnode *replace = koc__json_get(module, "Replace");
    return koc__json_true(koc__json_get(module, "Main")) ||
           (replace && !koc__json_get_str(replace, "Version"));
}

static int add_sources(koc__inputs_gather *g, const koc__jnode *package, const char *dir, bool own,
                       koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    bool added = false;
    KOC__TRY(koc__strlist_new(&names, err));
    KOC__TRY(koc__inputs_gather_dir(g, dir, KOC__INPUT_PACKAGE, names, &added, err));
    if (!added) { /* go lists a package again for each profile that it is built with */
        return KOC_OK;
    }
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        const char *name = koc_strlist_get(names, i);
        bool go = koc__str_ends(koc__str(name), ".go");
        KOC__TRY(koc__inputs_gather_file(g, dir, name,
                                         own && go ? KOC__INPUT_SOURCE : KOC__INPUT_OPAQUE, err));
    }
    const koc__jnode *n = koc__json_child(koc__json_get(package, "EmbedFiles"));
    for (; n; n = koc__json_next(n)) {
        const char *name = koc__json_str(n);
        KOC__TRY(koc__inputs_gather_file(g, dir, name ? name : "",
                                         own ? KOC__INPUT_CONTENT : KOC__INPUT_OPAQUE, err));
    }
    return KOC_OK;
}

static int add_module(koc__inputs_gather *g, const koc__jnode *module, koc_error **err)
{
    const koc__jnode *replace = koc__json_get(module, "Replace");
    const char *file = koc__json_get_str(module, "GoMod");
    if (file && *file) {
        KOC__TRY(koc__inputs_gather_single(g, file, err));
    }
    return replace ? add_module(g, replace, err) : KOC_OK;
}

/* The files that decide which module a directory belongs to, and the content of the module. */
static int add_module_files(koc__inputs_gather *g, const char *dir, koc_error **err)
{
    KOC__AUTO_STR here = NULL;
    KOC__AUTO(koc_strlist) files = NULL;
    const koc__go_unit *u = g->b->units[0];
    KOC__TRY(koc__path_abs(u->target->work_dir ? u->target->work_dir : ".", &here, err));
    koc__go_list_question q = {.dir = here, .env = u->env};
    KOC__TRY(koc__go_tool(g->b->s->go_env, &q.tool, NULL, err));
    KOC__TRY(koc__go_module_files(&q, dir, &files, err));
    for (size_t i = 0; i < koc_strlist_count(files); i++) {
        KOC__TRY(koc__inputs_gather_single(g, koc_strlist_get(files, i), err));
    }
    return KOC_OK;
}

static const koc__go_unit *unit_for(const koc__inputs_gather *g, const char *import_path)
{
    for (size_t i = 0; i < g->b->n; i++) {
        if (koc__streq(g->b->units[i]->binary->package_path, import_path)) {
            return g->b->units[i];
        }
    }
    return NULL;
}

static int add_package(koc__inputs_gather *g, const koc__jnode *package, koc_error **err)
{
    static const char suffix[] = "/src/runtime";
    const char *dir = koc__json_get_str(package, "Dir");
    const char *path = koc__json_get_str(package, "ImportPath");
    const koc__jnode *module = koc__json_get(package, "Module");
    if (!dir || !*dir || !path || has_items(package, "CgoFiles") ||
        has_items(package, "SwigFiles") || has_items(package, "SwigCXXFiles")) {
        koc__inputs_give_up(g, "a package that uses cgo, or has no directory");
        return KOC_OK;
    }
    bool own = is_own(module);
    KOC__TRY(add_sources(g, package, dir, own, err));
    const koc__jnode *n = koc__json_child(koc__json_get(package, "EmbedPatterns"));
    for (; n && g->usable; n = koc__json_next(n)) {
        KOC__TRY(koc__inputs_gather_embed(g, dir, koc__json_str(n) ? koc__json_str(n) : "", err));
    }
    if (module) {
        KOC__TRY(add_module(g, module, err));
    }
    if (own) {
        KOC__TRY(add_module_files(g, dir, err));
    }
    if (koc__streq(path, "runtime") && koc__str_ends(koc__str(dir), suffix)) {
        g->goroot = koc__strndup(dir, strlen(dir) - strlen(suffix));
        return g->goroot ? KOC_OK : koc__oom(err);
    }
    if (koc__json_true(koc__json_get(package, "DepOnly"))) {
        return KOC_OK;
    }
    const koc__go_unit *u = unit_for(g, path);
    if (!u) {
        koc__inputs_give_up(g, "a package that was not requested");
    }
    KOC__TRY(koc__inputs_gather_single_in(g, dir, "default.pgo", err));
    return u ? koc__inputs_gather_vcs(g, u, dir, err) : KOC_OK;
}

/* go prints a sequence of objects; each ends in a line with only a brace. */
static int add_packages(koc__inputs_gather *g, koc_str text, koc_error **err)
{
    static const char end[] = "\n}\n";
    while (g->usable && koc__str_trim(text).len > 0) {
        KOC__AUTO(koc__json) doc = NULL;
        const char *stop = memmem(text.ptr, text.len, end, sizeof(end) - 1);
        size_t len = stop ? (size_t)(stop - text.ptr) + 3 : text.len;
        KOC__TRY(koc__json_parse(koc__str_n(text.ptr, len), LIST_ITEM_MAX, "answer of go list",
                                 &doc, err));
        KOC__TRY(add_package(g, koc__json_root(doc), err));
        text = koc__str_from(text, len);
    }
    return KOC_OK;
}

static int run_go_list(koc__inputs_gather *g, koc__proc_result *result, koc_error **err)
{
    static const char fields[] =
        "-json=Dir,ImportPath,DepOnly,Module,CgoFiles,SwigFiles,SwigCXXFiles,EmbedPatterns,EmbedFiles";
    const koc__go_unit *first = g->b->units[0];
    const char *tool = NULL;
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__TRY(koc__go_tool(g->b->s->go_env, &tool, NULL, err));
    KOC__TRY(koc__strlist_new(&argv, err));
    const char *const start[] = {tool, "list", "-deps", fields};
    for (size_t i = 0; i < KOC__COUNT(start); i++) {
        KOC__TRY(koc__strlist_add(argv, start[i], err));
    }
    for (size_t i = 1; i < koc_strlist_count(first->args); i++) {
        KOC__TRY(koc__strlist_add(argv, koc_strlist_get(first->args, i), err));
    }
    for (size_t i = 0; i < g->b->n; i++) {
        KOC__TRY(koc__strlist_add(argv, g->b->units[i]->target->import_path, err));
    }
    const koc__proc proc = {.argv = koc__strlist_argv(argv),
                            .env = koc__strlist_argv(first->env),
                            .dir = first->target->work_dir,
                            .max_output = LIST_MAX};
    return koc__proc_run(&proc, g->call, result, err);
}

/* --- modules --- */

/* Directories named in go.mod (replace) and go.work (use, replace): their go.mod counts even if none of
 * their packages is built. Any word that looks like a directory is taken for one. */
static int add_named_dirs(koc__inputs_gather *g, const char *file, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(MODULE_MAX);
    KOC__AUTO_STR dir = koc__str_dup(koc__path_dir(koc__str(file)));
    if (!dir) {
        return koc__oom(err);
    }
    if (koc__fs_read_file(file, &text, NULL) != KOC_OK) {
        return KOC_OK;
    }
    koc_str rest = koc__dynbuf_view(&text), word;
    while (koc__str_word(&rest, &word)) {
        while (word.len > 0 && strchr("\"`()", word.ptr[0])) {
            word = koc__str_from(word, 1);
        }
        while (word.len > 0 && strchr("\"`()", word.ptr[word.len - 1])) {
            word.len--;
        }
        bool is_dir = koc__str_is(word, ".") || koc__str_is(word, "..") ||
                      koc__str_starts(word, "./") || koc__str_starts(word, "../") ||
                      koc__str_starts(word, "/");
        KOC__AUTO_STR name = is_dir ? koc__str_dup(word) : NULL;
        KOC__AUTO_STR path = !name                    ? NULL
                             : koc__path_is_abs(name) ? koc__strdup(name)
                                                      : koc__path_join(dir, name);
        if (is_dir && !path) {
            return koc__oom(err);
        }
        if (path) {
            KOC__TRY(koc__inputs_gather_single_in(g, path, "go.mod", err));
            KOC__TRY(koc__inputs_gather_single_in(g, path, "go.sum", err));
        }
    }
    return KOC_OK;
}

static int add_sums(koc__inputs_gather *g, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(g->single_files);
         i++) { /* the list grows in the loop */
        koc_str file = koc__str(koc_strlist_get(g->single_files, i));
        bool module = koc__str_ends(file, "/go.mod");
        if (!module && !koc__str_ends(file, "/go.work")) {
            continue;
        }
        KOC__AUTO_STR path = koc__str_dup(file);
        KOC__AUTO_STR dir = koc__str_dup(koc__path_dir(file));
        if (!path || !dir) {
            return koc__oom(err);
        }
        if (koc__fs_exists(path)) {
            KOC__TRY(koc__inputs_gather_single_in(g, dir, module ? "go.sum" : "go.work.sum", err));
            KOC__TRY(koc__inputs_gather_single_in(g, dir, "vendor", err));
            KOC__TRY(add_named_dirs(g, path, err));
        }
    }
    return KOC_OK;
}

/* The compiler, the linker and the assembler. */
static int add_tools(koc__inputs_gather *g, koc_error **err)
{
    static const char *const names[] = {"VERSION", "go.env", "bin/go"};
    static const char *const tools[] = {"compile", "link", "asm"};
    KOC__AUTO(koc_strlist) hosts = NULL;
    KOC__AUTO_STR dir = g->goroot ? koc__path_join(g->goroot, "pkg/tool") : NULL;
    if (!dir || koc__fs_list(dir, &hosts, NULL) != KOC_OK) {
        koc__inputs_give_up(g, "a toolchain without tools");
        return KOC_OK;
    }
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        KOC__TRY(koc__inputs_gather_single_in(g, g->goroot, names[i], err));
    }
    for (size_t i = 0; i < koc_strlist_count(hosts); i++) {
        KOC__AUTO_STR host = koc__path_join(dir, koc_strlist_get(hosts, i));
        for (size_t k = 0; host && k < KOC__COUNT(tools); k++) {
            KOC__TRY(koc__inputs_gather_single_in(g, host, tools[k], err));
        }
    }
    return KOC_OK;
}

/* The files with go's own settings. */
static int add_settings(koc__inputs_gather *g, koc_error **err)
{
    const char *tool = NULL;
    KOC__AUTO(koc_strlist) files = NULL;
    KOC__TRY(koc__strlist_new(&files, err));
    KOC__TRY(koc__go_tool(g->b->s->go_env, &tool, NULL, err));
    KOC__TRY(koc__go_value_files(tool, g->b->units[0]->env, files, err));
    for (size_t i = 0; i < koc_strlist_count(files); i++) {
        KOC__TRY(koc__inputs_gather_single(g, koc_strlist_get(files, i), err));
    }
    return KOC_OK;
}

static int add_single_files(koc__inputs_gather *g, koc_error **err)
{
    koc__input_dir *d = NULL;
    KOC__TRY(add_settings(g, err));
    KOC__TRY(add_sums(g, err));
    KOC__TRY(add_tools(g, err));
    KOC__TRY(koc__inputs_add_dir(g->in, "", KOC__INPUT_FILES, &d, err));
    for (size_t i = 0; i < koc_strlist_count(g->single_files); i++) {
        KOC__TRY(koc__inputs_gather_file(g, "", koc_strlist_get(g->single_files, i),
                                         KOC__INPUT_OPAQUE, err));
    }
    return KOC_OK;
}

/* --- trust --- */

/* False: the file system does not report changes, the file changed so late that go may have read the old
 * content, or its name does not fit into a line of text. */
static bool is_trusted(const koc__inputs *in, const char *path, const koc__stamp *s,
                       uint64_t *device)
{
    if (strchr(path, '\n') || koc__inputs_is_racy(s, in->time_ns)) {
        return false;
    }
    if (s->device != *device) {
        *device = s->device;
        return *path == '\0' || koc__fs_has_ctime(path);
    }
    return true;
}

static int check_trust(koc__inputs_gather *g, koc_error **err)
{
    const koc__inputs *in = g->in;
    uint64_t device = 0;
    for (size_t i = 0; i < in->n_dirs && g->usable; i++) {
        const koc__input_dir *d = &in->dirs[i];
        g->usable = d->kind == KOC__INPUT_FILES || is_trusted(in, d->path, &d->stamp, &device);
        for (size_t k = d->first; k < d->first + d->count && g->usable; k++) {
            const koc__input_file *f = &in->files[k];
            KOC__AUTO_STR path = koc__path_join(d->path, f->name);
            if (!path) {
                return koc__oom(err);
            }
            bool known = f->kind == KOC__INPUT_ABSENT ? !strchr(f->name, '\n')
                                                      : is_trusted(in, path, &f->stamp, &device);
            if (!known) {
                koc__inputs_give_up(g,
                                    "a file that changed just before, or one on a file system that "
                                    "does not report changes");
            }
        }
    }
    return KOC_OK;
}

int koc__inputs_list(const koc__go_batch *b, koc__inputs *in, koc__call *call, bool *usable,
                     koc_error **err)
{
    KOC__AUTO_VAL(koc__inputs_gather) g = {.b = b, .in = in, .call = call, .usable = true};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    *usable = false;
    g.seen = koc__map_new(NULL);
    if (!g.seen) {
        return koc__oom(err);
    }
    KOC__TRY(koc__strlist_new(&g.single_files, err));
    KOC__TRY(run_go_list(&g, &result, err));
    if (result.exit_code != 0) {
        koc__log(b->ctx, KOC_LOG_INFO, "golang", "no record is kept: go list fails");
        return KOC_OK;
    }
    KOC__TRY(add_packages(&g, koc__dynbuf_view(&result.output), err));
    if (g.usable) {
        KOC__TRY(add_single_files(&g, err));
        in->complete = true;
        KOC__TRY(check_trust(&g, err));
    }
    if (!g.usable) {
        koc__log(b->ctx, KOC_LOG_INFO, "golang", "no record of the inputs is kept: %s",
                 g.why ? g.why : "a directory that changed just before");
    }
    *usable = g.usable;
    return KOC_OK;
}
