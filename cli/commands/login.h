/* Shared by koc login, koc logout and koc auth. */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H

#include "args/client_flags.h"

/* First member of the options of each such command. */
typedef struct login_flags {
    const char *username, *password, *authfile;
    bool password_stdin, check;
    client_flags client;
} login_flags;
extern const cli_flag login_flag_table[];
void login_flags_defaults(void *flags);

/* The file of credentials: the flag, KOC_AUTH_FILE, or NULL for the usual places. */
const char *login_file(const login_flags *f);
/* A session with the credentials of that file. */
int login_session_open(const cli *c, const login_flags *f, cli_session *out, koc_error **err);
/* koc login and koc logout. */
int login_run(const cli *c, const login_flags *f, const cli_list *args);
int logout_run(const cli *c, const login_flags *f, const cli_list *args);

#endif
