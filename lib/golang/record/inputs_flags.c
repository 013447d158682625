/*
 * Decides for which builds no record of inputs is kept: flags or variables name files or programs that
 * `go list` does not report. Unknown flags count as such.
 */
#include "core/common.h"

#include "core/path.h"
#include "golang/go_command.h"
#include "golang/record/input_record.h"

/* Flags of go build that read no file that is not recorded. */
typedef struct flag {
    const char *name;
    bool has_value;
    const char *const *values; /* the allowed ones; NULL: any */
} flag;

static const char *const mods[] = {"readonly", "vendor", "mod", NULL};
static const char *const modes[] = {"default", "exe", "pie", NULL};
static const char *const pgos[] = {"auto", "off", NULL};

static const flag known[] = {
    {"tags", true, NULL},        {"mod", true, mods},
    {"ldflags", true, NULL},     {"gcflags", true, NULL},
    {"p", true, NULL},           {"buildmode", true, modes},
    {"pgo", true, pgos},         {"installsuffix", true, NULL},
    {"buildvcs", false, NULL},   {"trimpath", false, NULL},
    {"v", false, NULL},          {"x", false, NULL},
    {"modcacherw", false, NULL},
};

static koc_str unquote(koc_str word)
{
    while (word.len > 0 && strchr("'\"", word.ptr[0])) {
        word = koc__str_from(word, 1);
    }
    while (word.len > 0 && strchr("'\"", word.ptr[word.len - 1])) {
        word.len--;
    }
    return word;
}

/* Whether word is the flag name, alone or with a value: "-e" is not "-embedcfg=FILE". */
static bool is_flag(koc_str word, const char *name)
{
    koc_str rest = koc__str_from(word, strlen(name));
    return koc__str_starts(word, name) && (rest.len == 0 || rest.ptr[0] == '=');
}

/* Whether each word with a dash is a flag of the list. */
static bool words_known(koc_str text, const char *const *list)
{
    koc_str rest = text, word;
    while (koc__str_word(&rest, &word)) {
        bool found = false;
        word = unquote(word);
        for (size_t i = 0; list[i] && !found; i++) {
            found = is_flag(word, list[i]);
        }
        if (word.len > 0 && word.ptr[0] == '-' && !found) {
            return false;
        }
    }
    return true;
}

static bool value_known(const flag *f, koc_str value)
{
    static const char *const link[] = {
        "-s", "-w", "-X", "-buildid", "-extldflags", "-static", "-compressdwarf", NULL};
    static const char *const compile[] = {"-N", "-l", "-m", "-e", "-B", NULL};
    if (koc__streq(f->name, "ldflags")) {
        return words_known(value, link);
    }
    if (koc__streq(f->name, "gcflags")) {
        koc_str before, after;
        bool pattern =
            value.len > 0 && value.ptr[0] != '-' && koc__str_cut(value, '=', &before, &after);
        return words_known(pattern ? after : value, compile);
    }
    for (size_t i = 0; f->values; i++) {
        if (!f->values[i] || koc__str_is(value, f->values[i])) {
            return f->values[i] != NULL;
        }
    }
    return true;
}

/* One flag; next: the word after it. *took: next is its value. */
static bool flag_known(koc_str word, const char *next, bool *took)
{
    koc_str name = koc__str_from(word, koc__str_starts(word, "--") ? 2 : 1);
    koc_str value = {NULL, 0};
    bool given = koc__str_cut(name, '=', &name, &value);
    *took = false;
    for (size_t i = 0; i < KOC__COUNT(known); i++) {
        if (koc__str_is(name, known[i].name)) {
            *took = known[i].has_value && !given;
            if (*took && !next) {
                return false;
            }
            return !known[i].has_value || value_known(&known[i], *took ? koc__str(next) : value);
        }
    }
    return false;
}

/* The first argument that may read files that are not recorded. NULL: none. */
static const char *unknown_argument(const koc_strlist *args)
{
    for (size_t i = 1; i < koc_strlist_count(args); i++) { /* the first is "build" */
        koc_str word = koc__str(koc_strlist_get(args, i));
        bool took = false;
        if (!koc__str_starts(word, "-") || !flag_known(word, koc_strlist_get(args, i + 1), &took)) {
            return word.ptr;
        }
        i += took ? 1 : 0;
    }
    return NULL;
}

static bool goflags_known(const char *text)
{
    koc_str rest = koc__str(text ? text : ""), word;
    while (koc__str_word(&rest, &word)) {
        bool took = false;
        if (memchr(word.ptr, '"', word.len) || memchr(word.ptr, '\'', word.len) ||
            !koc__str_starts(word, "-") || !flag_known(word, NULL, &took)) {
            return false;
        }
    }
    return true;
}

/* The value of a variable for go. *out NULL: not set. */
static int get_variable(const koc__go_batch *b, const char *name, char **out, koc_error **err)
{
    const char *tool = NULL;
    KOC__TRY(koc__go_tool(b->s->go_env, &tool, NULL, err));
    return koc__go_value(tool, b->units[0]->env, name, out, err);
}

bool koc__go_is_toolchain(const char *tool)
{
    KOC__AUTO_STR real = NULL;
    if (koc__fs_realpath(tool, &real, NULL) != KOC_OK) {
        return false;
    }
    KOC__AUTO_STR root = koc__str_dup(koc__path_dir(koc__path_dir(koc__str(real))));
    KOC__AUTO_STR runtime = root ? koc__path_join(root, "src/runtime") : NULL;
    return runtime && koc__fs_is_dir(runtime);
}

/* The reason why no record can be kept, for people; *why stays NULL: there is none. */
static int find_reason(const koc__go_batch *b, char **why, koc_error **err)
{
    const char *tool = NULL;
    KOC__AUTO_STR goflags = NULL;
    KOC__AUTO_STR cgo = NULL;
    KOC__AUTO_STR modules = NULL;
    KOC__TRY(koc__go_tool(b->s->go_env, &tool, NULL, err));
    KOC__TRY(get_variable(b, "GOFLAGS", &goflags, err));
    KOC__TRY(get_variable(b, "CGO_ENABLED", &cgo, err));
    KOC__TRY(get_variable(b, "GO111MODULE", &modules, err));
    const char *driver = koc__go_var_get(b->units[0]->env, "GOPACKAGESDRIVER");
    const char *argument = unknown_argument(b->units[0]->args);
    if (!koc__streq(cgo, "0")) {
        *why = koc__strdup("cgo is on, and what C compilers read is not known");
    } else if (koc__streq(modules, "off") || koc__streq(modules, "auto")) {
        *why = koc__format("GO111MODULE=%s is set", modules);
    } else if (driver && *driver && !koc__streq(driver, "off")) {
        *why = koc__strdup("GOPACKAGESDRIVER is set");
    } else if (argument) {
        *why = koc__format("%.200s may read files that are not known", argument);
    } else if (!goflags_known(goflags)) {
        *why = koc__format("GOFLAGS=%.200s may read files that are not known", goflags);
    } else if (!koc__go_is_toolchain(tool)) {
        *why = koc__format("%s is not in a Go tree: it may run another go", tool);
    } else {
        return KOC_OK;
    }
    return *why ? KOC_OK : koc__oom(err);
}

int koc__inputs_allowed(const koc__go_batch *b, bool *out, char **why, koc_error **err)
{
    KOC__TRY(find_reason(b, why, err));
    *out = *why == NULL;
    return KOC_OK;
}

/* The last word that sets the flag wins, as in go. */
static void read_buildvcs(koc_str word, bool *off)
{
    word = koc__str_from(word, koc__str_starts(word, "--") ? 1 : 0);
    if (koc__str_is(word, "-buildvcs") || koc__str_starts(word, "-buildvcs=")) {
        koc_str name, value = {NULL, 0};
        (void)koc__str_cut(word, '=', &name, &value);
        static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};
        *off = false;
        for (size_t i = 0; i < KOC__COUNT(no); i++) {
            *off = *off || koc__str_is(value, no[i]);
        }
    }
}

int koc__inputs_without_vcs(const koc__go_batch *b, bool *out, koc_error **err)
{
    const koc_strlist *args = b->units[0]->args;
    KOC__AUTO_STR goflags = NULL;
    koc_str word;
    *out = false;
    KOC__TRY(get_variable(b, "GOFLAGS", &goflags, err));
    koc_str rest = koc__str(goflags ? goflags : "");
    while (koc__str_word(&rest, &word)) {
        read_buildvcs(word, out);
    }
    for (size_t i = 0; i < koc_strlist_count(args); i++) {
        read_buildvcs(koc__str(koc_strlist_get(args, i)), out);
    }
    return KOC_OK;
}
