/* Help text, made from the command tables alone. */
#include "tables.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 100

void cli_help_overview(void)
{
    puts("koc builds container images from Go packages (and other files) without Docker,\n"
         "pushes them to any registry and puts their digests into Kubernetes YAML.\n");
    puts("usage: koc COMMAND [flags] [arguments]");
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
            printf("  %-12s %s\n", c->name, c->summary);
        }
    }
    puts("\nkoc COMMAND -h shows the flags of a command, koc help COMMAND its whole text.");
}

/* Text after a hanging indent, broken at blanks; at is the column that the line has reached. */
static void wrapped(const char *text, size_t text_len, size_t indent, size_t at, size_t width)
{
    bool first = true;
    for (const char *end = text + text_len; text < end;) {
        size_t len = strcspn(text, " \n");
        len = len < (size_t)(end - text) ? len : (size_t)(end - text);
        if (!first && at + 1 + len > width) {
            printf("\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        if (len) {
            printf("%s%.*s", first ? "" : " ", (int)len, text);
            at += len + !first;
            first = false;
        }
        text += len + 1;
    }
    putchar('\n');
}

static void paragraph(const char *text, size_t len, size_t indent)
{
    printf("%*s", (int)indent, "");
    wrapped(text, len, indent, indent, WIDTH);
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
            printf("%.*s\n", (int)len, block);
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
    size_t at = strlen(head);
    printf("%s", head);
    if (at > 32) {
        printf("\n%*s", 34, "");
    } else {
        printf("%*s", (int)(34 - at), "");
    }
    wrapped(f->help, strlen(f->help), 34, 34, WIDTH);
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

void cli_help_command(const cli_command *c, bool whole)
{
    printf("usage: %s\n\n", c->usage);
    paragraph(c->description, strlen(c->description), 0);
    if (c->examples) {
        puts("\nExamples");
        for (const cli_example *e = c->examples; e->command; e++) {
            printf("  # %s\n  %s\n", e->what, e->command);
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
