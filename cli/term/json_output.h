/* JSON on stdout for --json: members in the order of the calls; commas and indents are added. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdio.h>

#include <koc/base.h>
#include <koc/digest.h>

/* Writes a string with its quotes to a stream; the characters in also are escaped as well. */
void cli_json_string(FILE *out, const char *s, const char *also);

/* Writes "name": value and then after on one line, without state; NULL becomes null. */
void cli_json_inline(const char *name, const char *value, const char *after);

/* In each of these name may be NULL: for an element of a list, or the document itself. */
void cli_json_open(const char *name, char bracket); /* '{' or '[' */
void cli_json_close(char bracket);                  /* '}' or ']'; a line end after the outermost */
void cli_json_text(const char *name, const char *value); /* value NULL: writes nothing */
void cli_json_number(const char *name, uint64_t value);
void cli_json_bool(const char *name, bool value);
void cli_json_digest(const char *name, const koc_digest *d);

#endif
