/* Help text for a terminal, made from the command tables. */
#include "help/help.h"

#include <stdio.h>
#include <string.h>

#include "term/fit_line.h"

/* Prints text with a hanging indent; at is the column that the line has reached. */
static void print_wrapped(const char *text, size_t len, size_t indent, size_t at)
{
    const fit f = {.width = fit_columns(), .indent = indent};
    fit_wrap(text, len, at, &f);
}

static void print_paragraph(const char *text, size_t len, size_t indent)
{
    printf("%*s", (int)indent, "");
    print_wrapped(text, len, indent, indent);
}

void cli_each_in_group(const cli *c, const char *group, void (*fn)(const cli_command *command))
{
    for (size_t i = 0; c->commands[i]; i++) {
        if (strcmp(c->commands[i]->group, group) == 0) {
            fn(c->commands[i]);
        }
    }
}

static void print_summary(const cli_command *command)
{
    printf("  %-12s ", command->name);
    print_wrapped(command->summary, strlen(command->summary), 15, 15);
}

void cli_help_overview(const cli *c)
{
    static const char what[] =
        "koc builds container images from Go packages (and other files) without Docker, "
        "pushes them to any registry and writes their digests into Kubernetes YAML.";
    static const char more[] = "koc COMMAND -h shows the flags of a command, koc help COMMAND its "
                               "full help, koc --version the version.";
    print_paragraph(what, strlen(what), 0);
    puts("\nusage: koc COMMAND [flags] [arguments]");
    for (size_t g = 0; cli_groups[g]; g++) {
        printf("\n%s\n", cli_groups[g]);
        cli_each_in_group(c, cli_groups[g], print_summary);
    }
    putchar('\n');
    print_paragraph(more, strlen(more), 0);
}

/* Prints a line set in columns. If it does not fit, its last column continues on the next line, under its start. */
static void print_columns_line(const char *line, size_t len)
{
    size_t lead = strspn(line, " "), column = lead;
    for (size_t i = lead; i + 3 < len; i++) {
        if (memcmp(line + i, "   ", 3) == 0) {
            column = i + strspn(line + i, " ");
        }
    }
    size_t indent = column <= fit_columns() / 2 ? column : lead + 4;
    printf("%.*s", (int)column, line);
    print_wrapped(line + column, len - column, indent, column);
}

static void print_literal(const char *text, size_t len)
{
    for (const char *end = text + len; text < end;) {
        size_t line = strcspn(text, "\n");
        line = line < (size_t)(end - text) ? line : (size_t)(end - text);
        print_columns_line(text, line);
        text += line + 1;
    }
}

/* The long text: paragraphs are filled, everything else stays as it is. */
static void print_more(const char *text)
{
    enum cli_block kind;
    const char *block;
    size_t len;
    bool after_text = true, under_heading = false;
    while (cli_next_block(&text, &kind, &block, &len)) {
        if (after_text) {
            putchar('\n');
        }
        under_heading = under_heading || kind == CLI_HEADING;
        if (kind == CLI_PARAGRAPH) {
            print_paragraph(block, len, under_heading ? 2 : 0);
        } else {
            print_literal(block, len);
        }
        after_text = kind != CLI_HEADING;
    }
}

static void print_flag(const cli_flag *f)
{
    char head[64];
    char letter[8] = "    ";
    if (f->letter) {
        snprintf(letter, sizeof(letter), "-%c, ", f->letter);
    }
    const char *before = f->kind == CLI_OPTIONAL ? "[=" : f->value ? " " : "";
    snprintf(head, sizeof(head), "  %s--%s%s%s%s", letter, f->name, before,
             f->value ? f->value : "", f->kind == CLI_OPTIONAL ? "]" : "");
    size_t at = strlen(head), indent = fit_columns() < 64 ? 10 : 34;
    printf("%s", head);
    if (at + 2 > indent) {
        putchar('\n');
        at = 0;
    }
    printf("%*s", (int)(indent - at), "");
    print_wrapped(f->help, strlen(f->help), indent, indent);
}

static void print_flag_table(const cli_flag *table)
{
    const char *group = NULL;
    for (const cli_flag *f = table; f && f->name; f++) {
        if (!group || strcmp(group, f->group) != 0) {
            group = f->group;
            printf("\n%s\n", group);
        }
        print_flag(f);
    }
}

/* Prints an example so that it can be pasted into a shell, even if it takes several lines. */
static void print_example(const cli_example *e)
{
    const size_t width = fit_columns();
    const fit comment = {.width = width, .indent = 4, .lead = "  # "};
    const fit command = {.width = width, .indent = 6, .mark = " \\"};
    printf("  # ");
    fit_wrap(e->what, strlen(e->what), 4, &comment);
    printf("  ");
    fit_wrap(e->command, strlen(e->command), 2, &command);
}

void cli_help_command(const cli_command *c, bool whole)
{
    printf("usage: ");
    print_wrapped(c->usage, strlen(c->usage), 11, 7);
    putchar('\n');
    print_paragraph(c->description, strlen(c->description), 0);
    if (c->examples) {
        puts("\nExamples");
        for (const cli_example *e = c->examples; e->command; e++) {
            print_example(e);
        }
    }
    for (size_t i = 0; cli_flag_table_of(c, i); i++) {
        print_flag_table(cli_flag_table_of(c, i));
    }
    if (whole && c->more) {
        print_more(c->more);
    } else if (c->more) {
        printf("\nFor more, see: koc help %s\n", c->name);
    }
}
