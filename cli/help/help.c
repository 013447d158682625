/* Help text, made from the command tables alone. */
#include "args/flag_tables.h"

#include <stdio.h>
#include <string.h>

#include "term/fit_line.h"

/* Text after a hanging indent; at is the column that the line has reached. */
static void wrapped(const char *text, size_t len, size_t indent, size_t at)
{
    const fit f = {.width = fit_columns(), .indent = indent};
    fit_wrap(text, len, at, &f);
}

static void paragraph(const char *text, size_t len, size_t indent)
{
    printf("%*s", (int)indent, "");
    wrapped(text, len, indent, indent);
}

void cli_help_overview(void)
{
    static const char what[] =
        "koc builds container images from Go packages (and other files) without Docker, "
        "pushes them to any registry and puts their digests into Kubernetes YAML.";
    static const char more[] = "koc COMMAND -h shows the flags of a command, koc help COMMAND its "
                               "whole text, koc --version the version.";
    paragraph(what, strlen(what), 0);
    puts("\nusage: koc COMMAND [flags] [arguments]");
    for (size_t g = 0; cli_groups[g]; g++) {
        bool first = true;
        for (size_t i = 0; cli_commands[i]; i++) {
            const cli_command *c = cli_commands[i];
            if (strcmp(c->group, cli_groups[g]) != 0) {
                continue;
            }
            if (first) {
                printf("\n%s\n", cli_groups[g]);
                first = false;
            }
            printf("  %-12s ", c->name);
            wrapped(c->summary, strlen(c->summary), 15, 15);
        }
    }
    putchar('\n');
    paragraph(more, strlen(more), 0);
}

/* One line in columns; where it does not fit, its last column goes on below itself. */
static void set_out_line(const char *line, size_t len)
{
    size_t lead = strspn(line, " "), column = lead;
    for (size_t i = lead; i + 3 < len; i++) {
        if (memcmp(line + i, "   ", 3) == 0) {
            column = i + strspn(line + i, " ");
        }
    }
    size_t indent = column <= fit_columns() / 2 ? column : lead + 4;
    printf("%.*s", (int)column, line);
    wrapped(line + column, len - column, indent, column);
}

static void set_out(const char *text, size_t len)
{
    for (const char *end = text + len; text < end;) {
        size_t line = strcspn(text, "\n");
        line = line < (size_t)(end - text) ? line : (size_t)(end - text);
        set_out_line(text, line);
        text += line + 1;
    }
}

/* The long text: paragraphs are filled, the rest stays as it is. */
static void whole_text(const char *text)
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
            paragraph(block, len, under_heading ? 2 : 0);
        } else {
            set_out(block, len);
        }
        after_text = kind != CLI_HEADING;
    }
}

static void one_flag(const cli_flag *f)
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
    wrapped(f->help, strlen(f->help), indent, indent);
}

static void flag_groups(const cli_flag *table)
{
    const char *group = NULL;
    for (const cli_flag *f = table; f && f->name; f++) {
        if (!group || strcmp(group, f->group) != 0) {
            group = f->group;
            printf("\n%s\n", group);
        }
        one_flag(f);
    }
}

/* What can be pasted into a shell, in several lines too. */
static void one_example(const cli_example *e)
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
    wrapped(c->usage, strlen(c->usage), 11, 7);
    putchar('\n');
    paragraph(c->description, strlen(c->description), 0);
    if (c->examples) {
        puts("\nExamples");
        for (const cli_example *e = c->examples; e->command; e++) {
            one_example(e);
        }
    }
    for (size_t i = 0; cli_flag_table_of(c, i); i++) {
        flag_groups(cli_flag_table_of(c, i));
    }
    if (whole && c->more) {
        whole_text(c->more);
    } else if (c->more) {
        printf("\nkoc help %s says more.\n", c->name);
    }
}
