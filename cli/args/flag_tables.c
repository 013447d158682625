/* The flags that all commands take, and iterating over tables. */
#include "args/flag_tables.h"

#include <stdio.h>
#include <string.h>

const cli_flag cli_global_flags[] = {
    {"verbose", 'v', CLI_COUNT, offsetof(cli, verbose), NULL, "Output",
     "report decisions; -vv adds HTTP requests, never credentials"},
    {"quiet", 'q', CLI_BOOL, offsetof(cli, quiet), NULL, "Output", "print only errors to stderr"},
    {"color", 0, CLI_STRING, offsetof(cli, color), "WHEN", "Output",
     "auto, always or never (NO_COLOR and CLICOLOR_FORCE also apply)", "auto always never"},
    {"progress", 0, CLI_STRING, offsetof(cli, progress_mode), "MODE", "Output",
     "auto, tty, plain, json or none", "auto tty plain json none"},
    {"help", 'h', CLI_BOOL, offsetof(cli, help), NULL, "Output", "show this help"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

const char *const cli_groups[] = {"Build",    "Kubernetes", "Images", "Signatures",
                                  "Registry", "Other",      NULL};

const cli_flag *cli_flag_table_of(const cli_command *command, size_t i)
{
    static const cli_flag empty[] = {{.name = NULL}};
    const cli_flag *tables[] = {command ? command->flags : NULL,
                                command ? command->shared_flags : NULL, cli_global_flags};
    if (i >= sizeof(tables) / sizeof(tables[0])) {
        return NULL;
    }
    bool words_of_others = command && command->raw; /* of its flags only -h is parsed */
    return tables[i] && !words_of_others ? tables[i] : empty;
}

bool cli_flag_takes_value(const cli_flag *f)
{
    return f->kind != CLI_BOOL && f->kind != CLI_COUNT && f->kind != CLI_OPTIONAL;
}

const char *cli_flag_completes_to(const cli_flag *f)
{
    if (f->complete) {
        return f->complete;
    }
    if (f->value && strcmp(f->value, "FILE") == 0) {
        return CLI_FILES;
    }
    return f->value && strcmp(f->value, "DIR") == 0 ? CLI_DIRECTORIES : "";
}

const char *cli_flag_long(const cli_flag *f, char out[96])
{
    bool optional = f->kind == CLI_OPTIONAL;
    snprintf(out, 96, "--%s%s%s%s", f->name,
             optional   ? "[="
             : f->value ? " "
                        : "",
             f->value ? f->value : "", optional ? "]" : "");
    return out;
}

/* Whether a line of a block is indented or set in columns, so that it must not be joined with the line before. */
static bool is_literal_line(const char *line, size_t len)
{
    if (strncmp(line, "   ", 3) == 0) {
        return true;
    }
    for (size_t i = 2; i + 3 < len; i++) {
        if (memcmp(line + i, "   ", 3) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a line in the first column is followed by an indented block. */
static bool is_heading(const char *line)
{
    size_t len = strcspn(line, "\n");
    return *line != ' ' && line[len] == '\n' && line[len + 1] == ' ';
}

bool cli_next_block(const char **text, enum cli_block *kind, const char **block, size_t *len)
{
    const char *s = *text + strspn(*text, "\n");
    if (!*s) {
        return false;
    }
    bool indented = *s == ' ';
    const char *end = s;
    *kind = is_heading(s) ? CLI_HEADING : CLI_PARAGRAPH;
    do {
        size_t line = strcspn(end, "\n");
        if (*kind == CLI_PARAGRAPH && is_literal_line(end, line)) {
            *kind = CLI_LITERAL;
        }
        end += line + (end[line] == '\n');
    } while (*kind != CLI_HEADING && *end && *end != '\n' && (*end == ' ') == indented &&
             !is_heading(end));
    *block = s;
    *len = (size_t)(end - s) - (end[-1] == '\n');
    *text = end;
    return true;
}
