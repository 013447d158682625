/* A small JSON writer. Its state is static because a process has one stdout. */
#include "term/json_output.h"

#include <stdio.h>
#include <string.h>

static int depth;
static bool has_members[16]; /* by depth */

void cli_json_string(FILE *out, const char *s, const char *also)
{
    putc('"', out);
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;
        if (ch == '"' || ch == '\\') {
            fprintf(out, "\\%c", ch);
        } else if (ch < 0x20 || strchr(also, ch)) {
            fprintf(out, "\\u%04x", ch);
        } else {
            putc(ch, out);
        }
    }
    putc('"', out);
}

void cli_json_inline(const char *name, const char *value, const char *after)
{
    printf("\"%s\": ", name);
    if (value) {
        cli_json_string(stdout, value, "");
    } else {
        fputs("null", stdout);
    }
    fputs(after, stdout);
}

static void begin_member(const char *name)
{
    if (depth > 0) {
        printf("%s\n%*s", has_members[depth] ? "," : "", 2 * depth, "");
    }
    has_members[depth] = true;
    if (name) {
        cli_json_string(stdout, name, "");
        printf(": ");
    }
}

void cli_json_open(const char *name, char bracket)
{
    begin_member(name);
    putchar(bracket);
    if (depth < 15) {
        depth++;
    }
    has_members[depth] = false;
}

void cli_json_close(char bracket)
{
    bool filled = has_members[depth];
    depth--;
    if (filled) {
        printf("\n%*s", 2 * depth, "");
    }
    putchar(bracket);
    if (depth == 0) {
        has_members[0] = false;
        putchar('\n');
    }
}

void cli_json_text(const char *name, const char *value)
{
    if (value) {
        begin_member(name);
        cli_json_string(stdout, value, "");
    }
}

void cli_json_number(const char *name, uint64_t value)
{
    begin_member(name);
    printf("%llu", (unsigned long long)value);
}

void cli_json_bool(const char *name, bool value)
{
    begin_member(name);
    fputs(value ? "true" : "false", stdout);
}

void cli_json_digest(const char *name, const koc_digest *d)
{
    char text[KOC_DIGEST_TEXT_MAX];
    if (koc_digest_format(d, text, sizeof(text), NULL) == KOC_OK) {
        cli_json_text(name, text);
    }
}
