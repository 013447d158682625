/* The parser of flags: tables in, filled option structs out. ko's flags keep pflag's meaning. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_list_add(cli_list *l, const char *item)
{
    if (l->count + 2 > l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 8;
        const char **items = realloc(l->items, capacity * sizeof(*items));
        if (!items) {
            return -1;
        }
        l->items = items;
        l->capacity = capacity;
    }
    l->items[l->count++] = item;
    l->items[l->count] = NULL;
    return 0;
}

void cli_list_free(cli_list *l)
{
    free(l->items);
    *l = (cli_list){0};
}

const char *const *cli_list_argv(const cli_list *l)
{
    return l->count ? l->items : NULL;
}

/* --- one flag --- */

typedef struct parser {
    cli *c;
    const cli_command *command;
    void *options;
} parser;

static const cli_flag *find_in(const cli_flag *table, const char *name, size_t len, char letter)
{
    for (; table && table->name; table++) {
        bool by_name = name && strlen(table->name) == len && strncmp(table->name, name, len) == 0;
        if (by_name || (letter && table->letter == letter)) {
            return table;
        }
    }
    return NULL;
}

/* The flag and the struct it writes to. */
static const cli_flag *find(const parser *p, const char *name, size_t len, char letter, void **base)
{
    const cli_flag *f = find_in(p->command ? p->command->flags : NULL, name, len, letter);
    *base = p->options;
    if (!f && p->command) {
        f = find_in(p->command->shared_flags, name, len, letter);
    }
    if (!f) {
        f = find_in(cli_global_flags, name, len, letter);
        *base = p->c;
    }
    return f;
}

static int unknown(const parser *p, const char *word, size_t len)
{
    const char *names[128];
    size_t n = 0;
    const cli_flag *tables[] = {p->command ? p->command->flags : NULL,
                                p->command ? p->command->shared_flags : NULL, cli_global_flags};
    for (size_t t = 0; t < 3; t++) {
        for (const cli_flag *f = tables[t]; f && f->name && n < 127; f++) {
            names[n++] = f->name;
        }
    }
    names[n] = NULL;
    char text[80];
    snprintf(text, sizeof(text), "%.*s", (int)(len < 79 ? len : 79), word);
    const char *near = len > 1 ? cli_nearest(text, names) : NULL;
    cli_usage(p->c, "unknown flag: %s%s", len == 1 ? "-" : "--", text);
    if (near) {
        cli_hint(p->c, "did you mean --%s?", near);
    } else if (p->command) {
        cli_hint(p->c, "koc %s -h lists the flags", p->command->name);
    }
    return EXIT_USAGE;
}

static int bad_value(const parser *p, const cli_flag *f, const char *value, const char *want)
{
    return cli_usage(p->c, "--%s: \"%s\" is not %s", f->name, value, want);
}

static int set_bool(const parser *p, const cli_flag *f, bool *out, const char *value)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < 6; i++) {
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *out = strcmp(value, yes[i]) == 0;
            return EXIT_OK;
        }
    }
    return bad_value(p, f, value, "true or false");
}

static int set_int(const parser *p, const cli_flag *f, int32_t *out, const char *value)
{
    char *end = NULL;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (!*value || *end || errno || n < INT32_MIN || n > INT32_MAX) {
        return bad_value(p, f, value, "a number");
    }
    *out = (int32_t)n;
    return EXIT_OK;
}

static cli_list kept; /* strings made while parsing; options borrow them until the end */

int cli_list_keep(cli_list *l, char *item)
{
    if (cli_list_add(&kept, item) != 0) {
        free(item);
        return -1;
    }
    return cli_list_add(l, item);
}

void cli_free_kept(void)
{
    for (size_t i = 0; i < kept.count; i++) {
        free((char *)(uintptr_t)kept.items[i]);
    }
    cli_list_free(&kept);
}

/* One field of a CSV record, as Go's encoding/csv reads it. */
static const char *csv_field(const char **rest, bool *broken)
{
    const char *s = *rest;
    char *out = malloc(strlen(s) + 1);
    size_t n = 0;
    if (!out || cli_list_add(&kept, out) != 0) {
        free(out);
        *broken = true;
        return NULL;
    }
    if (*s == '"') {
        for (s++; *s && !(*s == '"' && s[1] != '"'); s++) {
            s += *s == '"'; /* "" is one quote */
            out[n++] = *s;
        }
        *broken = *s != '"' || (s[1] && s[1] != ',');
        s += *s == '"';
    } else {
        for (; *s && *s != ','; s++) {
            *broken = *broken || *s == '"';
            out[n++] = *s;
        }
    }
    out[n] = '\0';
    *rest = *s == ',' ? s + 1 : NULL;
    return out;
}

static int set_csv(const parser *p, const cli_flag *f, cli_list *out, const char *value)
{
    const char *rest = *value ? value : NULL;
    if (!rest && out->count == 0) {
        cli_list_add(out, ""); /* -t '' is seen as what it is: an empty item */
    }
    while (rest) {
        bool broken = false;
        const char *item = csv_field(&rest, &broken);
        if (broken || cli_list_add(out, item) != 0) {
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the list of kept strings has the item */
            return bad_value(p, f, value, "a comma-separated list (quotes are out of place)");
        }
    }
    return EXIT_OK;
}

static int set(const parser *p, const cli_flag *f, void *base, const char *value)
{
    void *at = (char *)base + f->offset;
    switch (f->kind) {
    case CLI_BOOL: return set_bool(p, f, at, value);
    case CLI_COUNT: {
        bool on = false;
        int rc = set_bool(p, f, &on, value);
        *(int *)at = on ? *(int *)at + 1 : 0;
        return rc;
    }
    case CLI_INT: return set_int(p, f, at, value);
    case CLI_STRING:
    case CLI_OPTIONAL: *(const char **)at = value; return EXIT_OK;
    case CLI_CSV: return set_csv(p, f, at, value);
    case CLI_LIST: return cli_list_add(at, value) == 0 ? EXIT_OK : EXIT_FAILED;
    }
    return EXIT_FAILED;
}

static bool takes_value(const cli_flag *f)
{
    return f->kind != CLI_BOOL && f->kind != CLI_COUNT && f->kind != CLI_OPTIONAL;
}

static const char *without_value(const cli_flag *f)
{
    return f->kind == CLI_OPTIONAL ? "" : "true";
}

static int parse_long(const parser *p, const char *word, char **next, int *used)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    void *base = NULL;
    const cli_flag *f = find(p, word, len, 0, &base);
    if (!f) {
        return unknown(p, word, len);
    }
    if (equals) {
        return set(p, f, base, equals + 1);
    }
    if (!takes_value(f)) {
        return set(p, f, base, without_value(f));
    }
    if (!*next) {
        return cli_usage(p->c, "--%s needs a value (%s)", f->name, f->value);
    }
    *used = 1;
    return set(p, f, base, *next);
}

/* -vP, -j4, -j 4, -j=4 */
static int parse_short(const parser *p, const char *word, char **next, int *used)
{
    for (; *word; word++) {
        void *base = NULL;
        const cli_flag *f = find(p, NULL, 0, *word, &base);
        if (!f) {
            return unknown(p, word, 1);
        }
        const char *value = word[1] == '=' ? word + 2 : word + 1;
        int rc = EXIT_OK;
        if (!takes_value(f)) {
            bool given = word[1] == '=';
            rc = set(p, f, base, given ? value : without_value(f));
            if (rc != EXIT_OK || given) {
                return rc;
            }
            continue;
        }
        if (*value) {
            return set(p, f, base, value);
        }
        if (!*next) {
            return cli_usage(p->c, "-%c needs a value (%s)", f->letter, f->value);
        }
        *used = 1;
        return set(p, f, base, *next);
    }
    return EXIT_OK;
}

static int parse_raw(cli *c, int argc, char **argv, cli_list *args)
{
    for (int i = 0; i < argc; i++) {
        c->has_dashes = c->has_dashes || strcmp(argv[i], "--") == 0;
        c->help =
            c->help || (!c->has_dashes && (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")));
        cli_list_add(args, argv[i]);
    }
    return EXIT_OK;
}

int cli_parse(cli *c, const cli_command *command, void *options, int argc, char **argv,
              cli_list *args)
{
    parser p = {c, command, options};
    c->has_dashes = false;
    if (command && command->raw) {
        return parse_raw(c, argc, argv, args);
    }
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        int used = 0;
        int rc = EXIT_OK;
        if (strcmp(word, "--") == 0) {
            c->has_dashes = true;
            c->dashes = args->count;
            for (i++; i < argc; i++) {
                cli_list_add(args, argv[i]);
            }
        } else if (strncmp(word, "--", 2) == 0) {
            rc = parse_long(&p, word + 2, &argv[i + 1], &used);
        } else if (word[0] == '-' && word[1]) {
            rc = parse_short(&p, word + 1, &argv[i + 1], &used);
        } else {
            cli_list_add(args, word);
        }
        if (rc != EXIT_OK) {
            return rc;
        }
        i += used;
    }
    c->dashes = c->has_dashes ? c->dashes : args->count;
    return EXIT_OK;
}
