/*
 * Licences are distinguished by phrases that one of them alone has. A text is reduced to its words first, so that line
 * breaks, comment signs and quotation marks do not matter.
 */
#include "core/common.h"

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "core/str.h"
#include "sbom/license.h"

#define FILE_MAX   ((size_t)1 << 20)
#define LINE_LIMIT 300

typedef struct rule {
    const char *id;
    const char *has[3];   /* all of them */
    const char *lacks[2]; /* none of them */
} rule;

#define MIT_GRANT  "permission is hereby granted free of charge to any person obtaining"
#define MIT_NOTICE "copyright notice and this permission notice"
#define BSD_SOURCE "redistribution and use in source and binary forms"
#define BSD_RETAIN "redistributions of source code must retain"
#define BSD_THIRD  "used to endorse or promote products derived from this software"
#define ISC_GRANT  "any purpose with or without fee is hereby granted"

static const rule rules[] = {
    {"Apache-2.0", {"apache license version 2 0 january 2004"}, {0}},
    {"Apache-2.0",
     {"licensed under the apache license version 2 0"},
     {"apache license version 2 0 january 2004"}},
    {"Apache-1.1", {"the apache software license version 1 1"}, {0}},
    {"JSON", {MIT_GRANT, "used for good not evil"}, {0}},
    {"X11", {MIT_GRANT, MIT_NOTICE, "except as contained in this notice the name"}, {0}},
    {"MIT",
     {MIT_GRANT, MIT_NOTICE},
     {"used for good not evil", "except as contained in this notice the name"}},
    {"MIT", {"licensed under the mit license"}, {MIT_GRANT}},
    {"MIT", {"released under the mit license"}, {MIT_GRANT}},
    {"MIT-0", {MIT_GRANT}, {MIT_NOTICE, "used for good not evil"}},
    {"BSD-4-Clause", {BSD_SOURCE, "all advertising materials mentioning features"}, {0}},
    {"BSD-3-Clause-Clear", {BSD_SOURCE, "licenses to any party s patent rights are granted"}, {0}},
    {"BSD-3-Clause",
     {BSD_SOURCE, BSD_THIRD},
     {"all advertising materials mentioning features",
      "licenses to any party s patent rights are granted"}},
    {"BSD-3-Clause", {BSD_SOURCE, "to endorse or promote products derived from"}, {BSD_THIRD}},
    {"BSD-2-Clause",
     {BSD_SOURCE, BSD_RETAIN},
     {"to endorse or promote products", "all advertising materials mentioning features"}},
    {"ISC", {ISC_GRANT " provided that the above copyright notice"}, {0}},
    {"0BSD", {ISC_GRANT " the software is provided as is"}, {0}},
    {"MPL-2.0", {"mozilla public license version 2 0"}, {0}},
    {"MPL-1.1", {"mozilla public license version 1 1"}, {0}},
    {"AGPL-3.0-only", {"gnu affero general public license version 3 19 november 2007"}, {0}},
    {"LGPL-3.0-only", {"gnu lesser general public license version 3 29 june 2007"}, {0}},
    {"LGPL-2.1-only", {"gnu lesser general public license version 2 1 february 1999"}, {0}},
    {"LGPL-2.0-only", {"gnu library general public license version 2 june 1991"}, {0}},
    {"GPL-3.0-only", {"gnu general public license version 3 29 june 2007"}, {0}},
    {"GPL-2.0-only", {"gnu general public license version 2 june 1991"}, {0}},
    {"Unlicense", {"this is free and unencumbered software released into the public domain"}, {0}},
    {"CC0-1.0", {"cc0 1 0 universal"}, {0}},
    {"CC-BY-SA-4.0", {"attribution sharealike 4 0 international"}, {0}},
    {"CC-BY-4.0", {"attribution 4 0 international"}, {"sharealike 4 0 international"}},
    {"CC-BY-3.0", {"creative commons attribution 3 0"}, {0}},
    {"Zlib",
     {"the origin of this software must not be misrepresented", "altered source versions"},
     {0}},
    {"BSL-1.0", {"boost software license version 1 0"}, {0}},
    {"EPL-2.0", {"eclipse public license v 2 0"}, {0}},
    {"EPL-1.0", {"eclipse public license v 1 0"}, {0}},
    {"EUPL-1.2", {"european union public licence v 1 2"}, {0}},
    {"CDDL-1.0", {"common development and distribution license cddl version 1 0"}, {0}},
    {"Artistic-2.0", {"the artistic license 2 0"}, {0}},
    {"PSF-2.0", {"python software foundation license version 2"}, {0}},
    {"OFL-1.1", {"sil open font license version 1 1"}, {0}},
    {"Unicode-3.0", {"unicode license v3"}, {0}},
    {"NCSA", {"university of illinois ncsa open source license"}, {0}},
    {"UPL-1.0", {"the universal permissive license upl version 1 0"}, {0}},
    {"BlueOak-1.0.0", {"blue oak model license version 1 0 0"}, {0}},
    {"WTFPL", {"do what the fuck you want to public license"}, {0}},
    {"BUSL-1.1", {"business source license 1 1"}, {0}},
    {"SSPL-1.0", {"server side public license version 1"}, {0}},
    {"Elastic-2.0", {"elastic license 2 0"}, {0}},
    {"MulanPSL-2.0", {"mulan permissive software license version 2"}, {0}},
};

/* The words of text in lower case, one space before and after each. */
static int reduce(koc_str text, koc__dynbuf *out, koc_error **err)
{
    bool space = true;
    KOC__TRY(koc__dynbuf_reserve(out, text.len + 3, err));
    KOC__TRY(koc__dynbuf_putc(out, ' ', err));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (word || !space) {
            KOC__TRY(koc__dynbuf_putc(out, word ? c : ' ', err));
        }
        space = !word;
    }
    return space ? KOC_OK : koc__dynbuf_putc(out, ' ', err);
}

static bool matches(const rule *r, const koc__dynbuf *words)
{
    for (size_t i = 0; i < KOC__COUNT(r->has) && r->has[i]; i++) {
        if (!memmem(words->ptr, words->len, r->has[i], strlen(r->has[i]))) {
            return false;
        }
    }
    for (size_t i = 0; i < KOC__COUNT(r->lacks) && r->lacks[i]; i++) {
        if (memmem(words->ptr, words->len, r->lacks[i], strlen(r->lacks[i]))) {
            return false;
        }
    }
    return true;
}

/* The expression after "SPDX-License-Identifier:", if it is one identifier of the table. */
static const char *declared(koc_str text)
{
    static const char key[] = "SPDX-License-Identifier:";
    const char *at = memmem(text.ptr, text.len, key, sizeof(key) - 1);
    koc_str rest =
        at ? koc__str_from(text, (size_t)(at - text.ptr) + sizeof(key) - 1) : (koc_str){0};
    koc_str word;
    if (!at || !koc__str_word(&rest, &word)) {
        return NULL;
    }
    for (size_t i = 0; i < KOC__COUNT(rules); i++) {
        if (koc__str_is(word, rules[i].id)) {
            return rules[i].id;
        }
    }
    return NULL;
}

static int add_once(koc_strlist *l, const char *id, koc_error **err)
{
    return koc__strlist_has(l, id) ? KOC_OK : koc__strlist_add(l, id, err);
}

static int recognise(koc_str text, koc_strlist *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) words = KOC__DYNBUF_INIT(2 * FILE_MAX);
    const char *named = declared(text);
    if (named) {
        return add_once(out, named, err);
    }
    KOC__TRY(reduce(text, &words, err));
    for (size_t i = 0; i < KOC__COUNT(rules); i++) {
        if (matches(&rules[i], &words)) {
            KOC__TRY(add_once(out, rules[i].id, err));
        }
    }
    return KOC_OK;
}

static int join(const koc_strlist *ids, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(4096);
    for (size_t i = 0; i < koc_strlist_count(ids); i++) {
        KOC__TRY(koc__dynbuf_printf(&text, err, "%s%s", i ? " AND " : "", koc_strlist_get(ids, i)));
    }
    if (text.len > 0) {
        *out = koc__dynbuf_steal(&text);
        return *out ? KOC_OK : koc__oom(err);
    }
    return KOC_OK;
}

int koc__license_recognise(koc_str text, char **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) ids = NULL;
    KOC__TRY(koc__strlist_new(&ids, err));
    KOC__TRY(recognise(text, ids, err));
    return join(ids, out, err);
}

/* --- copyright --- */

static koc_str skip_any(koc_str s, const char *characters)
{
    while (s.len > 0 && strchr(characters, s.ptr[0])) {
        s = koc__str_from(s, 1);
    }
    return s;
}

static bool skip_word(koc_str *s, const char *word)
{
    size_t n = strlen(word);
    if (s->len < n || !koc__str_ieq(koc__str_n(s->ptr, n), koc__str(word))) {
        return false;
    }
    *s = koc__str_from(*s, n);
    return true;
}

/* What follows the years: "2009-2012, 2015 The Go Authors." is "The Go Authors". */
static koc_str holder_of(koc_str rest, bool *dated)
{
    static const char *const marks[] = {"copyright", "(c)", "\xc2\xa9", "present", "\xe2\x80\x93"};
    bool again = true;
    while (again) {
        again = false;
        rest = skip_any(rest, " \t,-:;");
        for (size_t i = 0; i < KOC__COUNT(marks); i++) {
            again = skip_word(&rest, marks[i]) || again;
        }
        size_t digits = 0;
        while (digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9') {
            digits++;
        }
        if (digits == 4 || digits == 2) {
            *dated = *dated || digits == 4;
            rest = koc__str_from(rest, digits);
            again = true;
        }
    }
    (void)skip_word(&rest, "by ");
    const char *end = memmem(rest.ptr, rest.len, "ll rights", 9);
    end = end ? end : memmem(rest.ptr, rest.len, "ll Rights", 9);
    end = end && end > rest.ptr ? end - 1 : NULL;
    rest.len = end ? (size_t)(end - rest.ptr) : rest.len;
    for (size_t i = 1; i < rest.len; i++) { /* addresses, and statements about parts */
        bool part = koc__str_starts(koc__str_from(rest, i), ". ") &&
                    !koc__str_starts(koc__str_from(rest, i - 1), "c. ");
        if (rest.ptr[i] == '<' || rest.ptr[i] == '(' || part) {
            rest.len = i;
        }
    }
    rest = koc__str_trim(rest);
    while (rest.len > 0 && strchr(".,;-*/ ", rest.ptr[rest.len - 1])) {
        rest.len--;
    }
    return rest;
}

/* Not the form that a licence leaves to be filled in, nor the authors of the licence itself. */
static bool is_name(koc_str s)
{
    static const char *const others[] = {"Free Software Foundation",
                                         "[",
                                         "{",
                                         "<year",
                                         "notice",
                                         "holder",
                                         "Sam Hocevar",
                                         "license",
                                         "owner"};
    for (size_t i = 0; i < KOC__COUNT(others); i++) {
        if (memmem(s.ptr, s.len, others[i], strlen(others[i]))) {
            return false;
        }
    }
    return s.len > 1 && s.len < LINE_LIMIT && koc__str_utf8(s);
}

int koc__license_copyright(koc_str text, char **statement, char **holder, koc_error **err)
{
    koc_str line;
    while (koc__str_split(&text, '\n', &line)) {
        line = koc__str_trim(skip_any(koc__str_trim(line), "/*#;-> \t"));
        koc_str rest = line;
        bool dated = false;
        if (!skip_word(&rest, "copyright") && !skip_word(&rest, "(c) ") &&
            !skip_word(&rest, "\xc2\xa9")) {
            continue;
        }
        koc_str name = holder_of(rest, &dated);
        if (!is_name(name) || !(dated || koc__str_starts(name, "The "))) {
            continue;
        }
        *statement = koc__str_dup(line);
        *holder = koc__str_dup(name);
        return *statement && *holder ? KOC_OK : koc__oom(err);
    }
    return KOC_OK;
}

/* --- directories --- */

void koc__license_dispose(koc__license *l)
{
    koc__free(l->expression);
    koc__free(l->file);
    koc__free(l->copyright);
    koc__free(l->holder);
    *l = (koc__license){0};
}

static bool begins_with(const char *name, const char *with)
{
    koc_str s = koc__str(name);
    return s.len >= strlen(with) && koc__str_ieq(koc__str_n(s.ptr, strlen(with)), koc__str(with));
}

static bool is_source(koc_str name)
{
    static const char *const ends[] = {".go",   ".sh",   ".py",  ".js",   ".tpl", ".tmpl",
                                       ".json", ".yaml", ".yml", ".docs", "-docs"};
    for (size_t i = 0; i < KOC__COUNT(ends); i++) {
        if (koc__str_ends(name, ends[i])) {
            return true;
        }
    }
    return false;
}

static bool is_license_file(const char *name)
{
    return !is_source(koc__str(name)) &&
           (begins_with(name, "LICENSE") || begins_with(name, "LICENCE") ||
            begins_with(name, "COPYING") || begins_with(name, "UNLICENSE") ||
            begins_with(name, "MIT-LICENSE") || begins_with(name, "COPYRIGHT"));
}

static bool is_notice(const char *name)
{
    return begins_with(name, "NOTICE") || begins_with(name, "AUTHORS");
}

/* *ids grows; the name of the file that names the first licence, or of the first file, is kept. */
static int read_one(const char *dir, const char *name, koc_strlist *ids, koc__license *out,
                    koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(FILE_MAX);
    KOC__AUTO_STR path = koc__path_join(dir, name);
    size_t before = koc_strlist_count(ids);
    if (!path) {
        return koc__oom(err);
    }
    if (koc__fs_read_file(path, &text, NULL) != KOC_OK) {
        return KOC_OK;
    }
    koc_str view = koc__dynbuf_view(&text);
    if (is_license_file(name)) {
        KOC__TRY(recognise(view, ids, err));
        if (!out->file || (before == 0 && koc_strlist_count(ids) > 0)) {
            koc__free(out->file);
            out->file = koc__strdup(name);
            KOC__TRY(out->file ? KOC_OK : koc__oom(err));
        }
    }
    return out->copyright ? KOC_OK
                          : koc__license_copyright(view, &out->copyright, &out->holder, err);
}

int koc__license_of_dir(const char *dir, koc__license *out, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    KOC__AUTO(koc_strlist) ids = NULL;
    KOC__AUTO_VAL(koc__license) found = {0};
    KOC__TRY(koc__strlist_new(&ids, err));
    if (koc__fs_list(dir, &names, NULL) != KOC_OK) {
        return KOC_OK;
    }
    for (int notices = 0; notices < 2; notices++) { /* what a licence says counts first */
        for (size_t i = 0; i < koc_strlist_count(names); i++) {
            const char *name = koc_strlist_get(names, i);
            if (notices ? is_notice(name) : is_license_file(name)) {
                KOC__TRY(read_one(dir, name, ids, &found, err));
            }
        }
    }
    KOC__TRY(join(ids, &found.expression, err));
    found.single = koc_strlist_count(ids) == 1;
    *out = found;
    found = (koc__license){0};
    return KOC_OK;
}
