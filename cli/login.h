/* What koc login, koc logout and koc auth share. */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H

#include "cli.h"

#include <koc/registry.h>

/* First member of the options of each such command. */
typedef struct login_flags {
    const char *username, *password, *authfile;
    bool password_stdin, check, insecure;
    cli_list allow_http;
} login_flags;
extern const cli_flag login_flag_table[];
void login_flags_defaults(void *flags);
void login_flags_free(login_flags *f);

/* The file of credentials that is used: the flag, KOC_AUTH_FILE, or NULL for the usual places. */
const char *login_file(const login_flags *f);
/* The whole of koc login and koc logout. */
int login_run(cli *c, login_flags *f, const cli_list *args);
int logout_run(cli *c, login_flags *f, const cli_list *args);

/* A client that asks as auth (or anonymously, NULL); log lines go to stderr as -v says. */
typedef struct login_session {
    koc_ctx *ctx;
    koc_client *client;
    koc_op op;
} login_session;
int login_session_open(const cli *c, const login_flags *f, koc_auth *auth, login_session *out,
                       koc_error **err);
void login_session_close(login_session *s);

#endif
