/* The parser of flags: it reads tables and fills option structs. ko's flags keep the meaning that pflag gives them. */
#include "args/flag_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    cli *c;
    const cli_command *command;
    void *options;
} parser;

static bool is_called(const cli_flag *f, const char *name, size_t len, char letter)
{
    bool by_name = name && strlen(f->name) == len && strncmp(f->name, name, len) == 0;
    return by_name || (letter && f->letter == letter);
}

/* The flag and the struct it writes to: the global flags are members of the cli. */
static const cli_flag *find_flag(const parser *p, const char *name, size_t len, char letter,
                                 void **base)
{
    for (size_t t = 0; cli_flag_table_of(p->command, t); t++) {
        const cli_flag *table = cli_flag_table_of(p->command, t);
        *base = table == cli_global_flags ? (void *)p->c : p->options;
        for (const cli_flag *f = table; f->name; f++) {
            if (is_called(f, name, len, letter)) {
                return f;
            }
        }
    }
    return NULL;
}

static int reject_unknown(const parser *p, const char *word, size_t len)
{
    const char *names[128];
    size_t n = 0;
    for (size_t t = 0; cli_flag_table_of(p->command, t); t++) {
        for (const cli_flag *f = cli_flag_table_of(p->command, t); f->name && n < 127; f++) {
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

static int reject_value(const parser *p, const cli_flag *f, const char *value, const char *want)
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
    return reject_value(p, f, value, "true or false");
}

static int set_int(const parser *p, const cli_flag *f, int32_t *out, const char *value)
{
    char *end = NULL;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (!*value || *end || errno || n < INT32_MIN || n > INT32_MAX) {
        return reject_value(p, f, value, "a number");
    }
    *out = (int32_t)n;
    return EXIT_OK;
}

/* One field of a CSV record, as Go's encoding/csv reads it, into out. */
static void read_csv_field(const char **rest, char *out, bool *broken)
{
    const char *s = *rest;
    size_t n = 0;
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
}

static int set_csv(const parser *p, const cli_flag *f, cli_list *out, const char *value)
{
    const char *rest = *value ? value : NULL;
    if (!rest && out->count == 0) {
        cli_list_add(out, ""); /* -t '' gives one empty item, not none */
        return cli_list_check(p->c, out);
    }
    while (rest) {
        bool broken = false;
        char *item = malloc(strlen(rest) + 1);
        if (!item || cli_list_keep(out, item) != 0) {
            return cli_no_memory(p->c);
        }
        read_csv_field(&rest, item, &broken);
        if (broken) {
            return reject_value(p, f, value, "a comma-separated list (quotes are out of place)");
        }
    }
    return EXIT_OK;
}

static int set_option(const parser *p, const cli_flag *f, void *base, const char *value)
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
    case CLI_LIST: cli_list_add(at, value); return cli_list_check(p->c, at);
    }
    return EXIT_FAILED;
}

static const char *implied_value(const cli_flag *f)
{
    return f->kind == CLI_OPTIONAL ? "" : "true";
}

static int parse_long(const parser *p, const char *word, char **next, int *used)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    void *base = NULL;
    const cli_flag *f = find_flag(p, word, len, 0, &base);
    if (!f) {
        return reject_unknown(p, word, len);
    }
    if (equals) {
        return set_option(p, f, base, equals + 1);
    }
    if (!cli_flag_takes_value(f)) {
        return set_option(p, f, base, implied_value(f));
    }
    if (!*next) {
        return cli_usage(p->c, "--%s needs a value (%s)", f->name, f->value);
    }
    *used = 1;
    return set_option(p, f, base, *next);
}

/* -vP, -j4, -j 4, -j=4 */
static int parse_short(const parser *p, const char *word, char **next, int *used)
{
    for (; *word; word++) {
        void *base = NULL;
        const cli_flag *f = find_flag(p, NULL, 0, *word, &base);
        if (!f) {
            return reject_unknown(p, word, 1);
        }
        const char *value = word[1] == '=' ? word + 2 : word + 1;
        int rc = EXIT_OK;
        if (!cli_flag_takes_value(f)) {
            bool given = word[1] == '=';
            rc = set_option(p, f, base, given ? value : implied_value(f));
            if (rc != EXIT_OK || given) {
                return rc;
            }
            continue;
        }
        if (*value) {
            return set_option(p, f, base, value);
        }
        if (!*next) {
            return cli_usage(p->c, "-%c needs a value (%s)", f->letter, f->value);
        }
        *used = 1;
        return set_option(p, f, base, *next);
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
    return cli_list_check(c, args);
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
    return cli_list_check(c, args);
}
