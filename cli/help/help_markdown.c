/* docs/cli.md, made from the command tables. */
#include "args/flag_tables.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Whether a word is what a shell or a file would see: a flag, a path, something with marks in it. */
static bool is_code(const char *s, size_t len)
{
    bool named = len > 1 && isalpha((unsigned char)s[1]);
    if (memchr(s, '`', len) || (memchr(s, '[', len) && !memchr(s, ']', len))) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (strchr("*_<>$~|[", s[i])) {
            return true;
        }
    }
    return (named && (*s == '-' || *s == '.')) || strncmp(s, "--", 2) == 0 ||
           strncmp(s, "./", 2) == 0 || strncmp(s, "../", 3) == 0;
}

static void put(const char *s, size_t len, bool in_table)
{
    for (size_t i = 0; i < len; i++) {
        printf(in_table && s[i] == '|' ? "\\%c" : "%c", s[i]);
    }
}

/* Brackets before and punctuation after a word stay outside of its code marks. */
static void word(const char *s, size_t len, bool in_table)
{
    bool dots = len > 3 && memcmp(s + len - 3, "...", 3) == 0;
    size_t head = len > 1 && *s == '(' ? 1 : 0, end = len;
    while (!dots && end > head + 1 && strchr(".,;:)", s[end - 1])) {
        end--;
    }
    const char *mark = is_code(s + head, end - head) ? "`" : "";
    put(s, head, in_table);
    fputs(mark, stdout);
    put(s + head, end - head, in_table);
    fputs(mark, stdout);
    put(s + end, len - end, in_table);
}

static void running_text(const char *s, size_t len, bool in_table)
{
    bool first = true;
    for (size_t i = 0; i < len;) {
        i += strspn(s + i, " \n");
        if (i >= len) {
            break;
        }
        size_t n = strcspn(s + i, " \n");
        n = n < len - i ? n : len - i;
        if (!first) {
            putchar(' ');
        }
        word(s + i, n, in_table);
        first = false;
        i += n;
    }
}

static void paragraph(const char *s, size_t len)
{
    putchar('\n');
    running_text(s, len, false);
    putchar('\n');
}

static void literal(const char *s, size_t len)
{
    puts("\n```");
    for (const char *end = s + len; s < end;) {
        size_t line = strcspn(s, "\n");
        size_t indent = strspn(s, " ") < 2 ? strspn(s, " ") : 2;
        printf("%.*s\n", (int)(line - indent), s + indent);
        s += line + 1;
    }
    puts("```");
}

static void flag_rows(const cli_flag *f)
{
    for (; f && f->name; f++) {
        char name[96];
        fputs("| ", stdout);
        if (f->letter) {
            printf("`-%c`, ", f->letter);
        }
        fputs("`", stdout);
        const char *text = cli_flag_long(f, name);
        put(text, strlen(text), true);
        fputs("` | ", stdout);
        running_text(f->help, strlen(f->help), true);
        puts(" |");
    }
}

/* One table of two; both may be NULL. */
static void flag_table(const cli_flag *own, const cli_flag *more)
{
    if ((own && own->name) || (more && more->name)) {
        puts("\n| Flag | |\n| --- | --- |");
        flag_rows(own);
        flag_rows(more);
    }
}

/* How many commands take a table. */
static size_t users_of(const cli_flag *table)
{
    size_t n = 0;
    for (size_t i = 0; cli_commands[i]; i++) {
        n += cli_commands[i]->shared_flags == table;
    }
    return n;
}

/* The heading of a table that several commands share: "Flags of build, resolve and run". */
static void shared_title(const cli_flag *table, char *out, size_t size)
{
    size_t users = users_of(table), seen = 0;
    snprintf(out, size, "Flags of");
    for (size_t i = 0; cli_commands[i]; i++) {
        if (cli_commands[i]->shared_flags == table) {
            seen++;
            size_t at = strlen(out);
            snprintf(out + at, size - at, "%s %s",
                     seen == 1       ? ""
                     : seen == users ? " and"
                                     : ",",
                     cli_commands[i]->name);
        }
    }
}

/* As the places that show Markdown make them. */
static void anchor(const char *title)
{
    for (; *title; title++) {
        unsigned char c = (unsigned char)*title;
        if (c == ' ' || c == '-') {
            putchar('-');
        } else if (isalnum(c)) {
            putchar(tolower(c));
        }
    }
}

static void more(const char *s)
{
    enum cli_block kind;
    const char *block;
    size_t len;
    while (cli_next_block(&s, &kind, &block, &len)) {
        if (kind == CLI_HEADING) {
            printf("\n### %.*s\n", (int)len, block);
        } else if (kind == CLI_LITERAL) {
            literal(block, len);
        } else {
            paragraph(block, len);
        }
    }
}

static void command(const cli_command *c)
{
    printf("\n## koc %s\n\n```\n%s\n```\n", c->name, c->usage);
    paragraph(c->description, strlen(c->description));
    if (c->alias) {
        printf("\n`koc %s` is the same command.\n", c->alias);
    }
    if (c->examples) {
        puts("\n```sh");
        for (const cli_example *e = c->examples; e->command; e++) {
            printf("%s# %s\n%s\n", e == c->examples ? "" : "\n", e->what, e->command);
        }
        puts("```");
    }
    bool shared = c->shared_flags && users_of(c->shared_flags) > 1;
    flag_table(c->flags, shared ? NULL : c->shared_flags);
    if (shared) {
        char title[400];
        shared_title(c->shared_flags, title, sizeof(title));
        fputs("\nAnd the [shared flags](#", stdout);
        anchor(title);
        puts(").");
    }
    if (c->more) {
        more(c->more);
    }
}

static void shared_tables(void)
{
    for (size_t i = 0; cli_commands[i]; i++) {
        const cli_flag *table = cli_commands[i]->shared_flags;
        bool first = table && users_of(table) > 1;
        for (size_t k = 0; k < i; k++) {
            first = first && cli_commands[k]->shared_flags != table;
        }
        if (first) {
            char title[400];
            shared_title(table, title, sizeof(title));
            printf("\n## %s\n", title);
            flag_table(table, NULL);
        }
    }
}

void cli_help_markdown(void)
{
    puts(
        "# The command line\n\n"
        "<!-- Made by `./dev docs` from the tables in cli/: do not edit. -->\n\n"
        "The same text is in `koc help COMMAND` and in the man pages.\n"
        "Results go to stdout, all else to stderr. Exit codes: 0 success, 1 failure, 2 wrong usage,\n"
        "130 and 143 when stopped by a signal.\n\n"
        "| Command | |\n| --- | --- |");
    for (size_t g = 0; cli_groups[g]; g++) {
        for (size_t i = 0; cli_commands[i]; i++) {
            const cli_command *c = cli_commands[i];
            if (strcmp(c->group, cli_groups[g]) == 0) {
                printf("| [koc %s](#koc-%s) | %s |\n", c->name, c->name, c->summary);
            }
        }
    }
    puts("\n## Flags of all commands");
    flag_table(cli_global_flags, NULL);
    shared_tables();
    for (size_t g = 0; cli_groups[g]; g++) {
        for (size_t i = 0; cli_commands[i]; i++) {
            if (strcmp(cli_commands[i]->group, cli_groups[g]) == 0) {
                command(cli_commands[i]);
            }
        }
    }
}
