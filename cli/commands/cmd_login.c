/* koc login and koc logout: credentials checked with the registry, then kept where docker keeps them. */
#include "commands/login.h"
#include "term/prompt.h"

#include <koc/auth.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(login_flags, member)

const cli_flag login_flag_table[] = {
    {"username", 'u', CLI_STRING, AT(username), "NAME", "Login",
     "who logs in; <token>: the password is an identity token"},
    {"password", 'p', CLI_STRING, AT(password), "PASSWORD", "Login",
     "the password or token (others can see it: better --password-stdin)"},
    {"password-stdin", 0, CLI_BOOL, AT(password_stdin), NULL, "Login",
     "read the password from stdin, without the line end after it"},
    {"check", 0, CLI_BOOL, AT(check), NULL, "Login",
     "ask the registry before anything is kept (default; --check=false does not)"},
    {"authfile", 0, CLI_STRING, AT(authfile), "FILE", "Login",
     "keep them in this file of docker's or podman's form"},
    CLIENT_FLAG_ROWS(login_flags, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

void login_flags_defaults(void *flags)
{
    ((login_flags *)flags)->check = true;
}

void login_flags_free(login_flags *f)
{
    client_flags_free(&f->client);
}

const char *login_file(const login_flags *f)
{
    const char *named = f->authfile && *f->authfile ? f->authfile : getenv("KOC_AUTH_FILE");
    return named && *named ? named : NULL;
}

/* --- who logs in --- */

typedef struct answers {
    char user[1024];
    char password[PROMPT_MAX];
} answers;

static int read_user(const cli *c, const login_flags *f, answers *a)
{
    if (f->username) {
        if (strlen(f->username) >= sizeof(a->user)) {
            return cli_usage(c, "--username: longer than %zu bytes", sizeof(a->user) - 1);
        }
        snprintf(a->user, sizeof(a->user), "%s", f->username);
        return EXIT_OK;
    }
    if (f->password || f->password_stdin || !isatty(STDIN_FILENO)) {
        cli_usage(c, "koc login needs a user name: -u NAME");
        cli_hint(c, "koc login -u NAME --password-stdin REGISTRY < file");
        return EXIT_USAGE;
    }
    int code = cli_ask(c, "User name: ", false, a->user, sizeof(a->user));
    if (code == EXIT_OK && !a->user[0]) {
        return cli_usage(c, "no user name was given");
    }
    return code;
}

static int read_password(const cli *c, const login_flags *f, answers *a)
{
    if (f->password && f->password_stdin) {
        return cli_usage(c, "--password and --password-stdin exclude each other");
    }
    if (f->password) {
        cli_warn(c, "a password on the command line can be seen by everybody on this machine; "
                    "--password-stdin hides it");
        if (strlen(f->password) >= sizeof(a->password)) {
            return cli_usage(c, "--password: longer than %zu bytes", sizeof(a->password) - 1);
        }
        snprintf(a->password, sizeof(a->password), "%s", f->password);
        return EXIT_OK;
    }
    if (f->password_stdin) {
        return cli_read_secret(c, a->password, sizeof(a->password));
    }
    if (!isatty(STDIN_FILENO)) {
        cli_usage(c, "koc login cannot ask for a password: stdin is no terminal");
        cli_hint(c, "--password-stdin reads it from there");
        return EXIT_USAGE;
    }
    return cli_ask(c, "Password: ", true, a->password, sizeof(a->password));
}

static int make_credential(const answers *a, koc_credential **out, koc_error **err)
{
    bool token = strcmp(a->user, "<token>") == 0;
    return koc_credential_new(token ? KOC_CRED_IDENTITY_TOKEN : KOC_CRED_BASIC,
                              token ? NULL : a->user, a->password, out, err);
}

static int read_credential(const cli *c, const login_flags *f, koc_credential **out)
{
    answers a;
    koc_error *err = NULL;
    a.user[0] = a.password[0] = '\0';
    int code = read_user(c, f, &a);
    code = code == EXIT_OK ? read_password(c, f, &a) : code;
    if (code == EXIT_OK && !a.password[0]) {
        code = cli_usage(c, "the password is empty: nothing was kept");
    } else if (code == EXIT_OK && strchr(a.user, ':')) {
        code = cli_usage(c, "a user name cannot have a colon in it");
    } else if (code == EXIT_OK && make_credential(&a, out, &err) != KOC_OK) {
        code = cli_error(c, err);
        koc_error_free(err);
    }
    cli_wipe(&a, sizeof(a));
    return code;
}

/* --- the registry, then the file --- */

static int check(const cli *c, const login_flags *f, const char *registry,
                 const koc_credential *cred, koc_error **err)
{
    koc_auth *auth = NULL;
    cli_session s = {0};
    bool asked = false;
    int rc = koc_auth_static(registry, cred, &auth, err);
    if (rc == KOC_OK) {
        rc = cli_session_open_as(c, &f->client, 0, auth, &s, err);
    }
    if (rc == KOC_OK) {
        rc = koc_client_check_login(s.client, registry, &s.op, &asked, err);
    }
    if (rc == KOC_OK && !asked) {
        cli_warn(c, "%s asked for no login, so the password could not be checked", registry);
    }
    cli_session_close(&s);
    koc_auth_unref(auth);
    return rc;
}

static bool same(const koc_credential *a, const koc_credential *b)
{
    const char *user_a = koc_credential_username(a), *user_b = koc_credential_username(b);
    return strcmp(koc_credential_secret(a), koc_credential_secret(b)) == 0 &&
           strcmp(user_a ? user_a : "", user_b ? user_b : "") == 0;
}

/* What koc finds from now on: is it what was kept, and does it lie there for all to read. */
static void look_back(const cli *c, const login_flags *f, const char *registry,
                      const koc_credential *cred, const char *where)
{
    koc_auth *auth = NULL;
    koc_credential *found = NULL;
    int rc = koc_auth_docker(login_file(f), &auth, NULL);
    if (rc == KOC_OK) {
        rc = koc_auth_lookup(auth, registry, NULL, NULL, &found, NULL);
    }
    const char *source = koc_credential_source(found);
    if (rc == KOC_OK && found && !same(found, cred)) {
        cli_warn(c, "other credentials for %s go first: %s", registry, source ? source : "?");
    } else if (rc == KOC_OK && source && strstr(source, where)) {
        cli_warn(c,
                 "the password is kept unencrypted in %s; a credential helper (\"credsStore\") "
                 "keeps it safer",
                 where);
    }
    koc_credential_free(found);
    koc_auth_unref(auth);
}

/* What people call it. */
static const char *shown(const char *registry)
{
    return strcmp(registry, "index.docker.io") == 0 ? "docker.io" : registry;
}

static int login(cli *c, const login_flags *f, const char *registry, const koc_credential *cred)
{
    koc_buf where = KOC_BUF_INIT;
    koc_error *err = NULL;
    const char *user = koc_credential_username(cred);
    koc_op op = KOC_OP_INIT;
    op.cancel = c->cancel;
    int rc = f->check ? check(c, f, registry, cred, &err) : KOC_OK;
    if (rc == KOC_OK) {
        rc = koc_auth_docker_store(login_file(f), registry, cred, &op, &where, &err);
    }
    int code = EXIT_OK;
    if (rc == KOC_EAUTH || rc == KOC_EDENIED) {
        cli_usage(c, "%s", koc_error_message(err)); /* its hint is to log in */
        code = EXIT_FAILED;
    } else if (rc != KOC_OK) {
        code = cli_error(c, err);
    }
    if (rc == KOC_OK) {
        look_back(c, f, registry, cred, where.ptr);
        cli_verb(c, "Logged in", "to %s%s%s, kept in %s", shown(registry), user ? " as " : "",
                 user ? user : "", where.ptr);
    }
    koc_error_free(err);
    koc_buf_dispose(&where);
    return code;
}

static int read_registry(const cli *c, const cli_list *args, koc_buf *out)
{
    koc_error *err = NULL;
    if (args->count != 1) {
        int code = cli_usage(c, "koc %s needs one registry, as in koc %s ghcr.io", c->command->name,
                             c->command->name);
        return code;
    }
    if (koc_auth_registry(args->items[0], out, &err) == KOC_OK) {
        return EXIT_OK;
    }
    cli_error(c, err);
    koc_error_free(err);
    return EXIT_USAGE;
}

int login_run(cli *c, login_flags *f, const cli_list *args)
{
    koc_buf registry = KOC_BUF_INIT;
    koc_credential *cred = NULL;
    int code = read_registry(c, args, &registry);
    if (code == EXIT_OK) {
        code = read_credential(c, f, &cred);
    }
    if (code == EXIT_OK) {
        code = login(c, f, registry.ptr, cred);
    }
    koc_credential_free(cred);
    koc_buf_dispose(&registry);
    return code;
}

/* --- out --- */

/* Other places may have some, which koc goes on using. */
static void say_what_is_left(const cli *c, const login_flags *f, const char *registry)
{
    koc_auth *auth = NULL;
    koc_credential *found = NULL;
    if (koc_auth_docker(login_file(f), &auth, NULL) == KOC_OK &&
        koc_auth_lookup(auth, registry, NULL, NULL, &found, NULL) == KOC_OK && found) {
        const char *source = koc_credential_source(found);
        cli_warn(c, "there are still credentials for %s: %s", shown(registry),
                 source ? source : "?");
    }
    koc_credential_free(found);
    koc_auth_unref(auth);
}

int logout_run(cli *c, login_flags *f, const cli_list *args)
{
    koc_buf registry = KOC_BUF_INIT, where = KOC_BUF_INIT;
    koc_error *err = NULL;
    koc_op op = KOC_OP_INIT;
    op.cancel = c->cancel;
    int code = read_registry(c, args, &registry);
    if (code != EXIT_OK) {
        return code;
    }
    int rc = koc_auth_docker_erase(login_file(f), registry.ptr, &op, &where, &err);
    if (rc == KOC_OK) {
        cli_verb(c, "Logged out", "of %s in %s", shown(registry.ptr), where.ptr);
    } else {
        code = cli_error(c, err);
    }
    if (rc == KOC_OK || rc == KOC_ENOTFOUND) {
        say_what_is_left(c, f, registry.ptr);
    }
    koc_error_free(err);
    koc_buf_dispose(&where);
    koc_buf_dispose(&registry);
    return code;
}

/* --- the commands --- */

static int run_login(cli *c, void *options, const cli_list *args)
{
    int code = login_run(c, options, args);
    login_flags_free(options);
    return code;
}

static int run_logout(cli *c, void *options, const cli_list *args)
{
    int code = logout_run(c, options, args);
    login_flags_free(options);
    return code;
}

static const cli_example login_examples[] = {
    {"koc login -u octocat --password-stdin ghcr.io < token", "log in with a token from a file"},
    {"koc login registry.example:5000", "be asked for user name and password"},
    {"koc login -u me --authfile=ci.json docker.io", "keep them in a file of your own"},
    {NULL, NULL},
};

const cli_command cli_login = {
    .name = "login",
    .group = "Registry",
    .usage = "koc login [-u NAME] [--password-stdin] REGISTRY",
    .summary = "log in to a registry",
    .description =
        "Asks the registry whether it takes user name and password, then keeps them where "
        "docker does: in the credential helper that its config.json names, else in that "
        "file. docker, podman, skopeo and crane find them there too.",
    .more = "Files\n"
            "  The file is --authfile, else $KOC_AUTH_FILE, else $DOCKER_CONFIG/config.json, else\n"
            "  ~/.docker/config.json. Nothing is kept when the registry says no.\n",
    .examples = login_examples,
    .flags = login_flag_table,
    .options_size = sizeof(login_flags),
    .defaults = login_flags_defaults,
    .run = run_login,
};

static const cli_flag logout_flags[] = {
    {"authfile", 0, CLI_STRING, AT(authfile), "FILE", "Login",
     "remove them from this file of docker's or podman's form"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static const cli_example logout_examples[] = {
    {"koc logout ghcr.io", "forget the credentials for one registry"},
    {NULL, NULL},
};

const cli_command cli_logout = {
    .name = "logout",
    .group = "Registry",
    .usage = "koc logout REGISTRY",
    .summary = "log out of a registry",
    .description =
        "Removes what koc login or docker login kept for a registry. The registry is not "
        "asked; a token that was given away stays valid there. Exit 1 when nothing was kept.",
    .examples = logout_examples,
    .flags = logout_flags,
    .options_size = sizeof(login_flags),
    .run = run_logout,
};
