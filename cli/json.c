/* A small JSON writer: a program has one stdout, so it has one state. */
#include "json.h"

#include <stdio.h>

static int depth;
static bool has_members[16]; /* by depth */

static void quoted(const char *s)
{
    putchar('"');
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;
        if (ch == '"' || ch == '\\') {
            printf("\\%c", ch);
        } else if (ch < 0x20) {
            printf("\\u%04x", ch);
        } else {
            putchar(ch);
        }
    }
    putchar('"');
}

static void begin(const char *name)
{
    if (depth > 0) {
        printf("%s\n%*s", has_members[depth] ? "," : "", 2 * depth, "");
    }
    has_members[depth] = true;
    if (name) {
        quoted(name);
        printf(": ");
    }
}

void cli_json_open(const char *name, char bracket)
{
    begin(name);
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
        begin(name);
        quoted(value);
    }
}

void cli_json_number(const char *name, uint64_t value)
{
    begin(name);
    printf("%llu", (unsigned long long)value);
}

void cli_json_bool(const char *name, bool value)
{
    begin(name);
    fputs(value ? "true" : "false", stdout);
}

void cli_json_digest(const char *name, const koc_digest *d)
{
    char text[KOC_DIGEST_TEXT_MAX];
    if (koc_digest_format(d, text, sizeof(text), NULL) == KOC_OK) {
        cli_json_text(name, text);
    }
}
