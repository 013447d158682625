/* JSON on stdout, for --json: members in the order of the calls, commas by themselves. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdio.h>

#include <koc/base.h>
#include <koc/digest.h>

/* A string with its quotes, to any stream; the characters of also are escaped, too. */
void cli_json_string(FILE *out, const char *s, const char *also);

/* Each takes NULL for no name: an element of a list, or the document itself. */
void cli_json_open(const char *name, char bracket); /* '{' or '[' */
void cli_json_close(char bracket);                  /* '}' or ']'; a line end after the outermost */
void cli_json_text(const char *name, const char *value); /* NULL: nothing is written */
void cli_json_number(const char *name, uint64_t value);
void cli_json_bool(const char *name, bool value);
void cli_json_digest(const char *name, const koc_digest *d);

#endif
