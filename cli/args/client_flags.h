/* The flags of every command that contacts registries, and the session that such a command works in. */
#ifndef CLI_CLIENT_FLAGS_H
#define CLI_CLIENT_FLAGS_H

#include "cleanup_macros.h"
#include "cli.h"

typedef struct client_flags {
    cli_list allow_http;
    bool insecure;
    const char *ca;  /* a file of certificate authorities */
    int32_t timeout; /* seconds until the first byte; 0: the default */
    int32_t rate;    /* requests per second to a registry; 0: no limit */
} client_flags;

/* Rows of a flag table, for options of this type whose member this is. */
/* clang-format off */
#define CLIENT_FLAG_ROWS(type, member, group) \
    {"insecure-registry", 0, CLI_BOOL, offsetof(type, member.insecure), NULL, group, \
     "allow plain HTTP and unverified certificates for every registry"}, \
    {"allow-http", 0, CLI_LIST, offsetof(type, member.allow_http), "HOST", group, \
     "allow plain HTTP for this registry"}, \
    {"registry-ca", 0, CLI_STRING, offsetof(type, member.ca), "FILE", group, \
     "also trust the certificate authorities in this PEM file"}, \
    {"registry-timeout", 0, CLI_INT, offsetof(type, member.timeout), "SECONDS", group, \
     "how long to wait for a registry's first byte (default 30, or 60 once it has answered)"}, \
    {"registry-rate", 0, CLI_INT, offsetof(type, member.rate), "N", group, \
     "send at most N requests per second to a registry"}
/* clang-format on */

/* As .shared_flags of commands whose options begin with a client_flags. */
extern const cli_flag client_flag_table[];

enum { CLI_SESSION_NO_CACHE = 1u << 0, CLI_SESSION_OFFLINE = 1u << 1 };

/* One run of a command: context, credentials, client. */
typedef struct cli_session {
    const cli *c;
    koc_ctx *ctx;
    koc_auth *auth;
    koc_client *client;
    koc_op op; /* sees ^C; reports progress between cli_session_start and cli_session_settle */
    cli_progress *progress; /* or NULL */
} cli_session;

/* f may be NULL. flags: CLI_SESSION_*. cli_session_close must be called even after a failure. */
int cli_session_open(const cli *c, const client_flags *f, uint32_t flags, cli_session *out,
                     koc_error **err);
/* The same with these credentials, which are referenced. */
int cli_session_open_as(const cli *c, const client_flags *f, uint32_t flags, koc_auth *auth,
                        cli_session *out, koc_error **err);
/* Starts to show progress. The op is for the library calls that follow. */
const koc_op *cli_session_start(cli_session *s);
/* Removes the live lines; to be called before anything is printed. */
void cli_session_settle(cli_session *s);
void cli_session_close(cli_session *s); /* accepts an all-zero session */
CLI_DEFINE_AUTO_VAL(cli_session, cli_session_close);

typedef int (*cli_session_fn)(cli_session *s, const void *options, const cli_list *args,
                              koc_error **err);
/* Opens a session and calls fn. Returns an exit code. */
int cli_session_run(const cli *c, const client_flags *f, cli_session_fn fn, const void *options,
                    const cli_list *args);

#endif
