/* Reads which modules a module uses itself: the requirements of its go.mod (go.dev/ref/mod) without "// indirect". */
#include "core/common.h"

#include "core/str.h"
#include "sbom/module.h"

/* "path version // comment", with or without quotation marks. */
static int add_requirement(koc_str line, koc_strlist *out, koc_error **err)
{
    koc_str path;
    const char *mark = memmem(line.ptr, line.len, "//", 2);
    if (mark) {
        koc_str comment = koc__str_from(line, (size_t)(mark - line.ptr));
        if (memmem(comment.ptr, comment.len, "indirect", strlen("indirect"))) {
            return KOC_OK;
        }
        line.len = (size_t)(mark - line.ptr);
    }
    if (!koc__str_word(&line, &path)) {
        return KOC_OK;
    }
    if (path.len > 2 && path.ptr[0] == '"' && koc__str_ends(path, "\"")) {
        path = koc__str_n(path.ptr + 1, path.len - 2);
    }
    KOC__AUTO_STR copy = koc__str_dup(path);
    if (!copy) {
        return koc__oom(err);
    }
    return koc__strlist_has(out, copy) ? KOC_OK : koc__strlist_add(out, copy, err);
}

int koc__module_requires(koc_str text, koc_strlist *out, koc_error **err)
{
    bool block = false;
    koc_str line, rest, word;
    while (koc__str_split(&text, '\n', &line)) {
        line = koc__str_trim(line);
        rest = line;
        if (block && koc__str_starts(line, ")")) {
            block = false;
        } else if (block) {
            KOC__TRY(add_requirement(line, out, err));
        } else if (koc__str_word(&rest, &word) && koc__str_is(word, "require")) {
            rest = koc__str_trim(rest);
            block = koc__str_starts(rest, "(");
            KOC__TRY(block ? KOC_OK : add_requirement(rest, out, err));
        } else if (koc__str_starts(line, "require(")) {
            block = true;
        }
    }
    return KOC_OK;
}
