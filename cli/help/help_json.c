/* The command tables as one JSON document, for programs that check or display them. */
#include "help/help.h"

#include <stdio.h>

#include "term/json_output.h"

static void print_flags(const cli_flag *table, const char *from, bool *first)
{
    for (const cli_flag *f = table; f->name; f++) {
        char letter[2] = {f->letter, '\0'};
        printf("%s\n      {", *first ? "" : ",");
        *first = false;
        cli_json_inline("name", f->name, ", ");
        cli_json_inline("letter", f->letter ? letter : NULL, ", ");
        cli_json_inline("value", f->value, ", ");
        cli_json_inline("completes", cli_flag_completes_to(f), ", ");
        cli_json_inline("group", f->group, ", ");
        cli_json_inline("from", from, ", ");
        cli_json_inline("help", f->help, "}");
    }
}

static void print_command(const cli_command *c)
{
    static const char *const from[] = {"command", "shared", "global"};
    bool first = true;
    fputs("    {", stdout);
    cli_json_inline("name", c->name, ", ");
    cli_json_inline("alias", c->alias, ", ");
    cli_json_inline("group", c->group, ",\n     ");
    cli_json_inline("usage", c->usage, ",\n     ");
    cli_json_inline("summary", c->summary, ",\n     ");
    cli_json_inline("description", c->description, ",\n     ");
    cli_json_inline("completes", c->complete ? c->complete : "", ",\n     ");
    fputs("\"flags\": [", stdout);
    for (size_t t = 0; cli_flag_table_of(c, t); t++) {
        print_flags(cli_flag_table_of(c, t), from[t], &first);
    }
    fputs("],\n     \"examples\": [", stdout);
    for (const cli_example *e = c->examples; e && e->command; e++) {
        fputs(e == c->examples ? "\n      {" : ",\n      {", stdout);
        cli_json_inline("command", e->command, ", ");
        cli_json_inline("what", e->what, "}");
    }
    fputs("]}", stdout);
}

void cli_help_json(const cli *c)
{
    puts("{\n  \"schema\": \"koc-help-1\",\n  \"commands\": [");
    for (size_t i = 0; c->commands[i]; i++) {
        print_command(c->commands[i]);
        puts(c->commands[i + 1] ? "," : "");
    }
    puts("  ]\n}");
}
