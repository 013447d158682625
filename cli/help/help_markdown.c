/* docs/cli.md, made from the command tables. */
#include "help/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Whether a word is code: a flag, a path, a pattern. */
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

static void print_escaped(const char *s, size_t len, bool in_table)
{
    for (size_t i = 0; i < len; i++) {
        printf(in_table && s[i] == '|' ? "\\%c" : "%c", s[i]);
    }
}

/* Prints a word. Brackets before it and punctuation after it stay outside of its code marks. */
static void print_word(const char *s, size_t len, bool in_table)
{
    bool dots = len > 3 && memcmp(s + len - 3, "...", 3) == 0;
    size_t head = len > 1 && *s == '(' ? 1 : 0, end = len;
    while (!dots && end > head + 1 && strchr(".,;:)", s[end - 1])) {
        end--;
    }
    const char *mark = is_code(s + head, end - head) ? "`" : "";
    print_escaped(s, head, in_table);
    fputs(mark, stdout);
    print_escaped(s + head, end - head, in_table);
    fputs(mark, stdout);
    print_escaped(s + end, len - end, in_table);
}

static void print_filled(const char *s, size_t len, bool in_table)
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
        print_word(s + i, n, in_table);
        first = false;
        i += n;
    }
}

static void print_paragraph(const char *s, size_t len)
{
    putchar('\n');
    print_filled(s, len, false);
    putchar('\n');
}

static void print_literal(const char *s, size_t len)
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

static void print_rows(const cli_flag *f)
{
    for (; f && f->name; f++) {
        char name[96];
        fputs("| ", stdout);
        if (f->letter) {
            printf("`-%c`, ", f->letter);
        }
        fputs("`", stdout);
        const char *text = cli_flag_long(f, name);
        print_escaped(text, strlen(text), true);
        fputs("` | ", stdout);
        print_filled(f->help, strlen(f->help), true);
        puts(" |");
    }
}

/* Prints two tables as one; both may be NULL. */
static void print_table(const cli_flag *own, const cli_flag *more)
{
    if ((own && own->name) || (more && more->name)) {
        puts("\n| Flag | |\n| --- | --- |");
        print_rows(own);
        print_rows(more);
    }
}

/* The number of commands that share a table. */
static size_t count_users(const cli *c, const cli_flag *table)
{
    size_t n = 0;
    for (size_t i = 0; c->commands[i]; i++) {
        n += c->commands[i]->shared_flags == table;
    }
    return n;
}

/* The heading of a table that several commands share: "Flags of build, resolve and run". */
static void shared_title(const cli *c, const cli_flag *table, char *out, size_t size)
{
    size_t users = count_users(c, table), seen = 0;
    snprintf(out, size, "Flags of");
    for (size_t i = 0; c->commands[i]; i++) {
        if (c->commands[i]->shared_flags == table) {
            seen++;
            size_t at = strlen(out);
            snprintf(out + at, size - at, "%s %s",
                     seen == 1       ? ""
                     : seen == users ? " and"
                                     : ",",
                     c->commands[i]->name);
        }
    }
}

/* The anchor that viewers of Markdown derive from a title. */
static void print_anchor(const char *title)
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

static void print_more(const char *s)
{
    enum cli_block kind;
    const char *block;
    size_t len;
    while (cli_next_block(&s, &kind, &block, &len)) {
        if (kind == CLI_HEADING) {
            printf("\n### %.*s\n", (int)len, block);
        } else if (kind == CLI_LITERAL) {
            print_literal(block, len);
        } else {
            print_paragraph(block, len);
        }
    }
}

static void print_command(const cli *all, const cli_command *c)
{
    printf("\n## koc %s\n\n```\n%s\n```\n", c->name, c->usage);
    print_paragraph(c->description, strlen(c->description));
    if (c->alias) {
        printf("\n`koc %s` is another name of this command.\n", c->alias);
    }
    if (c->examples) {
        puts("\n```sh");
        for (const cli_example *e = c->examples; e->command; e++) {
            printf("%s# %s\n%s\n", e == c->examples ? "" : "\n", e->what, e->command);
        }
        puts("```");
    }
    bool shared = c->shared_flags && count_users(all, c->shared_flags) > 1;
    print_table(c->flags, shared ? NULL : c->shared_flags);
    if (shared) {
        char title[400];
        shared_title(all, c->shared_flags, title, sizeof(title));
        fputs("\nAlso the [shared flags](#", stdout);
        print_anchor(title);
        puts(").");
    }
    if (c->more) {
        print_more(c->more);
    }
}

static void print_shared_tables(const cli *c)
{
    for (size_t i = 0; c->commands[i]; i++) {
        const cli_flag *table = c->commands[i]->shared_flags;
        bool first = table && count_users(c, table) > 1;
        for (size_t k = 0; k < i; k++) {
            first = first && c->commands[k]->shared_flags != table;
        }
        if (first) {
            char title[400];
            shared_title(c, table, title, sizeof(title));
            printf("\n## %s\n", title);
            print_table(table, NULL);
        }
    }
}

static void print_summary(const cli_command *command)
{
    printf("| [koc %s](#koc-%s) | %s |\n", command->name, command->name, command->summary);
}

void cli_help_markdown(const cli *c)
{
    puts(
        "# The command line\n\n"
        "<!-- Made by `./dev docs` from the tables in cli/: do not edit. -->\n\n"
        "The same text is in `koc help COMMAND` and in the man pages.\n"
        "Results go to stdout, everything else to stderr. Exit codes: 0 success, 1 failure, 2 wrong usage,\n"
        "130 and 143 if a signal stopped koc.\n\n"
        "| Command | |\n| --- | --- |");
    for (size_t g = 0; cli_groups[g]; g++) {
        cli_each_in_group(c, cli_groups[g], print_summary);
    }
    puts("\n## Flags of all commands");
    print_table(cli_global_flags, NULL);
    print_shared_tables(c);
    for (size_t g = 0; cli_groups[g]; g++) {
        for (size_t i = 0; c->commands[i]; i++) {
            if (strcmp(c->commands[i]->group, cli_groups[g]) == 0) {
                print_command(c, c->commands[i]);
            }
        }
    }
}
