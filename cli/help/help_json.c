/* The command tables as one JSON document, for programs that check or show them. */
#include "args/flag_tables.h"

#include <stdio.h>

#include "term/json_output.h"

static void string(const char *name, const char *s, const char *after)
{
    printf("\"%s\": ", name);
    if (!s) {
        printf("null%s", after);
        return;
    }
    cli_json_string(stdout, s, "");
    fputs(after, stdout);
}

static void flags(const cli_flag *table, const char *from, bool *first)
{
    for (const cli_flag *f = table; f->name; f++) {
        char letter[2] = {f->letter, '\0'};
        printf("%s\n      {", *first ? "" : ",");
        *first = false;
        string("name", f->name, ", ");
        string("letter", f->letter ? letter : NULL, ", ");
        string("value", f->value, ", ");
        string("completes", cli_flag_completes_to(f), ", ");
        string("group", f->group, ", ");
        string("from", from, ", ");
        string("help", f->help, "}");
    }
}

static void command(const cli_command *c)
{
    static const char *const from[] = {"command", "shared", "global"};
    bool first = true;
    fputs("    {", stdout);
    string("name", c->name, ", ");
    string("alias", c->alias, ", ");
    string("group", c->group, ",\n     ");
    string("usage", c->usage, ",\n     ");
    string("summary", c->summary, ",\n     ");
    string("description", c->description, ",\n     ");
    string("completes", c->complete ? c->complete : "", ",\n     ");
    fputs("\"flags\": [", stdout);
    for (size_t t = 0; cli_flag_table_of(c, t); t++) {
        flags(cli_flag_table_of(c, t), from[t], &first);
    }
    fputs("],\n     \"examples\": [", stdout);
    for (const cli_example *e = c->examples; e && e->command; e++) {
        fputs(e == c->examples ? "\n      {" : ",\n      {", stdout);
        string("command", e->command, ", ");
        string("what", e->what, "}");
    }
    fputs("]}", stdout);
}

void cli_help_json(void)
{
    puts("{\n  \"schema\": \"koc-help-1\",\n  \"commands\": [");
    for (size_t i = 0; cli_commands[i]; i++) {
        command(cli_commands[i]);
        puts(cli_commands[i + 1] ? "," : "");
    }
    puts("  ]\n}");
}
