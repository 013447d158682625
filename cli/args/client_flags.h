/* The flags of every command that reaches registries, and what such a command works with. */
#ifndef CLI_CLIENT_FLAGS_H
#define CLI_CLIENT_FLAGS_H

#include "cli.h"

#include <koc/registry.h>

typedef struct client_flags {
    cli_list allow_http;
    bool insecure;
    const char *ca;  /* a file of authorities */
    int32_t timeout; /* seconds until the first byte; 0: the usual */
    int32_t rate;    /* requests a second to a registry; 0: no limit */
} client_flags;

/* Rows of a flag table, for options of this type whose member this is. */
/* clang-format off */
#define CLIENT_FLAG_ROWS(type, member, group) \
    {"insecure-registry", 0, CLI_BOOL, offsetof(type, member.insecure), NULL, group, \
     "allow plain HTTP and unverified certificates, for every registry of this run"}, \
    {"allow-http", 0, CLI_LIST, offsetof(type, member.allow_http), "HOST", group, \
     "allow plain HTTP to this registry"}, \
    {"registry-ca", 0, CLI_STRING, offsetof(type, member.ca), "FILE", group, \
     "trust the certificate authorities in this PEM file, too"}, \
    {"registry-timeout", 0, CLI_INT, offsetof(type, member.timeout), "SECONDS", group, \
     "wait so long for a registry's first byte (default 30, 60 once it has answered)"}, \
    {"registry-rate", 0, CLI_INT, offsetof(type, member.rate), "N", group, \
     "at most N requests a second to a registry"}
/* clang-format on */

/* For commands whose options begin with a client_flags: .shared_flags. */
extern const cli_flag client_flag_table[];
void client_flags_free(client_flags *f);

enum { CLI_SESSION_NO_CACHE = 1u << 0, CLI_SESSION_OFFLINE = 1u << 1 };

/* One run of a command: context, credentials, client. */
typedef struct cli_session {
    const cli *c;
    koc_ctx *ctx;
    koc_auth *auth;
    koc_client *client;
    koc_op op; /* with ^C; with progress between cli_session_start and cli_session_settle */
    cli_progress *progress; /* or NULL */
} cli_session;

/* f may be NULL. flags: CLI_SESSION_*. After a failure cli_session_close is still to be called. */
int cli_session_open(const cli *c, const client_flags *f, uint32_t flags, cli_session *out,
                     koc_error **err);
/* The same as somebody: auth is referenced. */
int cli_session_open_as(const cli *c, const client_flags *f, uint32_t flags, koc_auth *auth,
                        cli_session *out, koc_error **err);
/* Begins to show progress. The op is for the calls of the library that follow. */
const koc_op *cli_session_start(cli_session *s);
/* Ends the live lines: to be called before anything is printed. */
void cli_session_settle(cli_session *s);
void cli_session_close(cli_session *s); /* takes an all-zero one */

#endif
