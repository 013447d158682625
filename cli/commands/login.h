/* What koc login, koc logout and koc auth share. */
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
void login_flags_free(login_flags *f);

/* The file of credentials that is used: the flag, KOC_AUTH_FILE, or NULL for the usual places. */
const char *login_file(const login_flags *f);
/* The whole of koc login and koc logout. */
int login_run(cli *c, login_flags *f, const cli_list *args);
int logout_run(cli *c, login_flags *f, const cli_list *args);

#endif
