/*
 * An HTTP server on loopback for unit tests: it answers by a list of rules, and records each request.
 *
 *     scripted *s = scripted_start((scripted_rule[]){
 *         {"GET", "/manifests/", 429, .times = 2},
 *         {"GET", "/manifests/", 200, .fields = "Content-Type: text/plain\r\n", .body = "hello"},
 *         {0}});
 *     ... koc asks scripted_host(s) ...
 *     assert_int_equal(scripted_count(s, "GET", "/manifests/"), 3);
 *     scripted_stop(s);
 *
 * The first rule that fits a request and is not used up answers it; without one the answer is 404. A TLS greeting
 * ends the connection, as with any server of plain http.
 */
#ifndef KOC_TESTS_UNIT_SCRIPTED_H
#define KOC_TESTS_UNIT_SCRIPTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct scripted scripted;

typedef struct scripted_rule {
    const char *method; /* NULL: any */
    const char *path;   /* a part of the target; NULL: any */
    int status;         /* 0: the connection breaks without an answer */
    int times;          /* how often the rule answers; 0: always */
    const char *fields; /* of the answer, each with its line end; "@HOST@" is this server */
    const char *body;
    size_t body_len;  /* 0: the length of the text */
    size_t breaks_at; /* the connection breaks after so many bytes of the body; 0: it does not */
    size_t
        takes; /* the connection breaks after so many bytes of the request's body; 0: it does not */
    const char *needs; /* only requests whose head contains this text; NULL: all */
    const char *lacks; /* only requests whose head does not contain it; NULL: all */
    int delay_ms;      /* before the answer; -1: there is none before scripted_stop */
    bool raw;          /* body is all there is of the answer, with its head */
    bool unread;       /* it answers before it reads the request's body, and closes */
} scripted_rule;

typedef struct scripted_request {
    char method[16];
    char target[1024];
    char *head; /* all lines of it */
    char *body; /* ends with NUL */
    size_t body_len;
    int connection; /* its number, from 1 */
    int64_t at_ms;
} scripted_request;

/* The rules end with an empty one; their texts are borrowed. */
scripted *scripted_start(const scripted_rule *rules);
/* Replaces all rules. */
void scripted_set(scripted *s, const scripted_rule *rules);
void scripted_stop(scripted *s);
/* "127.0.0.1:1234" */
const char *scripted_host(const scripted *s);
/* How many requests came with this method (NULL: any) and this part of the target (NULL: any). */
size_t scripted_count(scripted *s, const char *method, const char *path);
/* The nth of them, from 0; NULL: there are not so many. It lives until scripted_stop. */
const scripted_request *scripted_get(scripted *s, const char *method, const char *path, size_t n);
/* A field of a request's head, in one of eight buffers used in turn; "" without it. */
const char *scripted_field(const scripted_request *r, const char *name);

#endif
