/* What one run of `go list` prints, as a list of packages. */
#include "core/common.h"

#include "core/path.h"
#include "core/run/proc.h"
#include "golang/package/package.h"
#include "text/json.h"

#define LIST_MAX      ((size_t)64 << 20)
#define LIST_ITEM_MAX ((size_t)1 << 20)

void koc__go_listing_dispose(koc__go_listing *l)
{
    for (size_t i = 0; i < l->count; i++) {
        koc__go_package *p = &l->items[i];
        koc__free(p->pattern);
        koc__free(p->name);
        koc__free(p->import_path);
        koc__free(p->dir);
        koc__free(p->error);
    }
    koc__free(l->items);
    *l = (koc__go_listing){0};
}

koc__go_package *koc__go_listing_add(koc__go_listing *l)
{
    if (!koc__grow((void **)&l->items, &l->capacity, l->count + 1, sizeof(*l->items))) {
        return NULL;
    }
    l->items[l->count] = (koc__go_package){0};
    return &l->items[l->count++];
}

bool koc__go_is_local(const char *path)
{
    koc_str s = koc__str(path);
    return koc__str_is(s, ".") || koc__str_is(s, "..") || koc__str_starts(s, "./") ||
           koc__str_starts(s, "../");
}

char *koc__go_clean(const char *path)
{
    KOC__AUTO_STR clean = koc__path_clean(path);
    if (!clean) {
        return NULL;
    }
    bool prefix = koc__go_is_local(path) && !koc__go_is_local(clean);
    return prefix ? koc__format("./%s", clean) : koc__steal(&clean);
}

/* --- go's messages --- */

/* Replaces each line break and the indentation after it by one space. */
static char *join_lines(koc_str text)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(4096);
    koc_str rest = koc__str_n(text.ptr, KOC__MIN(text.len, (size_t)4000));
    koc_str line;
    while (koc__str_split(&rest, '\n', &line)) {
        line = koc__str_trim(line);
        bool first = out.len == 0;
        if (line.len > 0 &&
            koc__dynbuf_printf(&out, NULL, "%s%.*s", first ? "" : " ", KOC__FMT(line)) != KOC_OK) {
            return NULL;
        }
    }
    return koc__strdup(koc__dynbuf_cstr(&out));
}

char *koc__go_first_words(koc_str text)
{
    koc_str rest = text;
    koc_str line;
    while (koc__str_split(&rest, '\n', &line)) {
        koc_str words = koc__str_trim(line);
        if (words.len == 0 || koc__str_starts(words, "go: downloading ")) {
            continue;
        }
        koc_str next = {0};
        if (koc__str_ends(words, ":") && koc__str_split(&rest, '\n', &next) && next.len > 0) {
            words = koc__str_n(words.ptr, (size_t)(next.ptr + next.len - words.ptr));
        }
        if (koc__str_starts(words, "go: ")) {
            words = koc__str_from(words, 4);
        }
        return join_lines(words);
    }
    return koc__strdup("");
}

/* --- answers --- */

static int set(char **out, const char *text, koc_error **err)
{
    *out = koc__strdup(text ? text : "");
    return *out ? KOC_OK : koc__oom(err);
}

static int set_error(koc__go_package *p, const koc__jnode *error, koc_error **err)
{
    const char *text = koc__json_get_str(error, "Err");
    const char *pos = koc__json_get_str(error, "Pos");
    if (!error) {
        return KOC_OK;
    }
    p->excluded = text && strncmp(text, "build constraints exclude all Go files",
                                  strlen("build constraints exclude all Go files")) == 0;
    KOC__AUTO_STR message = koc__format("%s%s%s", pos ? pos : "", pos && *pos ? ": " : "",
                                        text ? text : "go list found an error");
    p->error = message ? join_lines(koc__str(message)) : NULL;
    return p->error ? KOC_OK : koc__oom(err);
}

static int add_answer(const koc__jnode *n, const char *pattern, koc__go_listing *out,
                      koc_error **err)
{
    koc__go_package *p = koc__go_listing_add(out);
    if (!p) {
        return koc__oom(err);
    }
    KOC__TRY(set(&p->pattern, pattern, err));
    KOC__TRY(set(&p->name, koc__json_get_str(n, "Name"), err));
    KOC__TRY(set(&p->import_path, koc__json_get_str(n, "ImportPath"), err));
    KOC__TRY(set(&p->dir, koc__json_get_str(n, "Dir"), err));
    p->standard = koc__json_true(koc__json_get(n, "Standard"));
    return set_error(p, koc__json_get(n, "Error"), err);
}

static int read_answer(koc_str text, koc__go_listing *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(text, LIST_ITEM_MAX, "answer of go list", &doc, err));
    const koc__jnode *root = koc__json_root(doc);
    for (koc__jnode *m = koc__json_child(koc__json_get(root, "Match")); m; m = koc__json_next(m)) {
        if (koc__json_str(m)) {
            KOC__TRY(add_answer(root, koc__json_str(m), out, err));
        }
    }
    return KOC_OK;
}

/* go prints a sequence of objects; each ends in a line with only a brace. */
int koc__go_list_read(koc_str text, koc__go_listing *out, koc_error **err)
{
    static const char end[] = "\n}\n";
    while (koc__str_trim(text).len > 0) {
        const char *stop = memmem(text.ptr, text.len, end, sizeof(end) - 1);
        size_t len = stop ? (size_t)(stop - text.ptr) + 3 : text.len;
        KOC__TRY(read_answer(koc__str_n(text.ptr, len), out, err));
        text = koc__str_from(text, len);
    }
    return KOC_OK;
}

int koc__go_list_run(const koc__go_list_question *q, const koc_strlist *patterns, koc__call *call,
                     koc__go_listing *out, koc_error **err)
{
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__TRY(koc__strlist_new(&argv, err));
    /* With IgnoredGoFiles, Go 1.19 distinguishes "no Go files" from "all are for other systems". */
    const char *const first[] = {q->tool,
                                 "list",
                                 "-e",
                                 "-find",
                                 "-json=Name,ImportPath,Dir,Standard,Error,Match,IgnoredGoFiles",
                                 "--"};
    for (size_t i = 0; i < KOC__COUNT(first); i++) {
        KOC__TRY(koc__strlist_add(argv, first[i], err));
    }
    for (size_t i = 0; i < koc_strlist_count(patterns); i++) {
        KOC__TRY(koc__strlist_add(argv, koc_strlist_get(patterns, i), err));
    }
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    const koc__proc proc = {.argv = koc__strlist_argv(argv),
                            .env = q->env ? koc__strlist_argv(q->env) : NULL,
                            .dir = q->dir,
                            .max_output = LIST_MAX};
    KOC__TRY(koc__proc_run(&proc, call, &result, err));
    if (result.exit_code != 0) {
        koc_str text = koc__dynbuf_view(&result.errors);
        KOC__AUTO_STR words = koc__go_first_words(text);
        if (!words) {
            return koc__oom(err);
        }
        int rc = koc__error(err, KOC_EPROCESS, "%s", *words ? words : "go list failed");
        koc__error_detail(err, text);
        return rc;
    }
    return koc__go_list_read(koc__dynbuf_view(&result.output), out, err);
}
