/* koc login and koc logout: credentials are checked with the registry, then stored where docker stores them. */
#include "commands/commands.h"
#include "commands/login.h"
#include "term/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(login_flags, member)

const cli_flag login_flag_table[] = {
    {"username", 'u', CLI_STRING, AT(username), "NAME", "Login",
     "user name; <token> if the password is an identity token"},
    {"password", 'p', CLI_STRING, AT(password), "PASSWORD", "Login",
     "password or token (other users can see it; prefer --password-stdin)"},
    {"password-stdin", 0, CLI_BOOL, AT(password_stdin), NULL, "Login",
     "read the password from stdin, without its line end"},
    {"check", 0, CLI_BOOL, AT(check), NULL, "Login",
     "check the credentials with the registry before storing them (default; --check=false does not)"},
    {"authfile", 0, CLI_STRING, AT(authfile), "FILE", "Login",
     "store them in this file, in the format of docker and podman"},
    CLIENT_FLAG_ROWS(login_flags, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

void login_flags_defaults(void *flags)
{
    ((login_flags *)flags)->check = true;
}

const char *login_file(const login_flags *f)
{
    const char *named = f->authfile && *f->authfile ? f->authfile : getenv("KOC_AUTH_FILE");
    return named && *named ? named : NULL;
}

int login_session_open(const cli *c, const login_flags *f, cli_session *out, koc_error **err)
{
    CLI_AUTO(koc_auth) auth = NULL;
    CLI_TRY(koc_auth_docker(login_file(f), &auth, err));
    return cli_session_open_as(c, &f->client, 0, auth, out, err);
}

/* --- reading the credentials --- */

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
        cli_warn(c, "other users of this machine can see a password on the command line; "
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
        cli_usage(c, "koc login cannot ask for a password: stdin is not a terminal");
        cli_hint(c, "--password-stdin reads the password from stdin");
        return EXIT_USAGE;
    }
    return cli_ask(c, "Password: ", true, a->password, sizeof(a->password));
}

static int new_credential(const answers *a, koc_credential **out, koc_error **err)
{
    bool token = strcmp(a->user, "<token>") == 0;
    return koc_credential_new(token ? KOC_CRED_IDENTITY_TOKEN : KOC_CRED_BASIC,
                              token ? NULL : a->user, a->password, out, err);
}

static int read_credential(const cli *c, const login_flags *f, koc_credential **out)
{
    answers a;
    CLI_AUTO(koc_error) err = NULL;
    a.user[0] = a.password[0] = '\0';
    int code = read_user(c, f, &a);
    code = code == EXIT_OK ? read_password(c, f, &a) : code;
    if (code == EXIT_OK && !a.password[0]) {
        code = cli_usage(c, "the password is empty: nothing was stored");
    } else if (code == EXIT_OK && strchr(a.user, ':')) {
        code = cli_usage(c, "a user name cannot have a colon in it");
    } else if (code == EXIT_OK && new_credential(&a, out, &err) != KOC_OK) {
        code = cli_error(c, err);
    }
    cli_wipe(&a, sizeof(a));
    return code;
}

/* --- checking and storing --- */

static int check_login(const cli *c, const login_flags *f, const char *registry,
                       const koc_credential *cred, koc_error **err)
{
    CLI_AUTO(koc_auth) auth = NULL;
    CLI_AUTO_VAL(cli_session) s = {0};
    bool asked = false;
    CLI_TRY(koc_auth_static(registry, cred, &auth, err));
    CLI_TRY(cli_session_open_as(c, &f->client, 0, auth, &s, err));
    CLI_TRY(koc_client_check_login(s.client, registry, &s.op, &asked, err));
    if (!asked) {
        cli_warn(c, "%s requires no login, so the password could not be checked", registry);
    }
    return KOC_OK;
}

static bool same(const koc_credential *a, const koc_credential *b)
{
    const char *user_a = koc_credential_username(a), *user_b = koc_credential_username(b);
    return strcmp(koc_credential_secret(a), koc_credential_secret(b)) == 0 &&
           strcmp(user_a ? user_a : "", user_b ? user_b : "") == 0;
}

/* The credential that koc finds for the registry now, or NULL. */
static koc_credential *find_credential(const login_flags *f, const char *registry)
{
    CLI_AUTO(koc_auth) auth = NULL;
    koc_credential *found = NULL;
    if (koc_auth_docker(login_file(f), &auth, NULL) == KOC_OK) {
        (void)koc_auth_lookup(auth, registry, NULL, NULL, &found, NULL);
    }
    return found;
}

static const char *source_of(const koc_credential *cred)
{
    const char *source = koc_credential_source(cred);
    return source ? source : "?";
}

/* Warns if koc would use other credentials than the stored ones, or if they are stored unencrypted. */
static void check_stored(const cli *c, const login_flags *f, const char *registry,
                         const koc_credential *cred, const char *where)
{
    CLI_AUTO(koc_credential) found = find_credential(f, registry);
    if (found && !same(found, cred)) {
        cli_warn(c, "other credentials for %s take precedence: %s", registry, source_of(found));
    } else if (found && strstr(source_of(found), where)) {
        cli_warn(c,
                 "the password is stored unencrypted in %s; a credential helper (\"credsStore\") "
                 "is safer",
                 where);
    }
}

/* The name that people know. */
static const char *display_name(const char *registry)
{
    return strcmp(registry, "index.docker.io") == 0 ? "docker.io" : registry;
}

static int check_and_store(const cli *c, const login_flags *f, const char *registry,
                           const koc_credential *cred)
{
    CLI_AUTO_VAL(koc_buf) where = KOC_BUF_INIT;
    CLI_AUTO(koc_error) err = NULL;
    const char *user = koc_credential_username(cred);
    koc_op op = KOC_OP_INIT;
    op.cancel = c->cancel;
    int rc = f->check ? check_login(c, f, registry, cred, &err) : KOC_OK;
    if (rc == KOC_OK) {
        rc = koc_auth_docker_store(login_file(f), registry, cred, &op, &where, &err);
    }
    if (rc == KOC_EAUTH || rc == KOC_EDENIED) {
        return cli_failure(c, "%s", koc_error_message(err)); /* its hint says to log in */
    }
    if (rc != KOC_OK) {
        return cli_error(c, err);
    }
    check_stored(c, f, registry, cred, where.ptr);
    cli_verb(c, "Logged in", "to %s%s%s, stored in %s", display_name(registry), user ? " as " : "",
             user ? user : "", where.ptr);
    return EXIT_OK;
}

static int read_registry(const cli *c, const cli_list *args, koc_buf *out)
{
    CLI_AUTO(koc_error) err = NULL;
    if (args->count != 1) {
        return cli_usage(c, "koc %s needs one registry, as in koc %s ghcr.io", c->command->name,
                         c->command->name);
    }
    if (koc_auth_registry(args->items[0], out, &err) != KOC_OK) {
        cli_error(c, err);
        return koc_error_code(err) == KOC_EINVAL ? EXIT_USAGE : EXIT_FAILED;
    }
    return EXIT_OK;
}

int login_run(const cli *c, const login_flags *f, const cli_list *args)
{
    CLI_AUTO_VAL(koc_buf) registry = KOC_BUF_INIT;
    CLI_AUTO(koc_credential) cred = NULL;
    CLI_TRY(read_registry(c, args, &registry));
    CLI_TRY(read_credential(c, f, &cred));
    return check_and_store(c, f, registry.ptr, cred);
}

/* --- logout --- */

int logout_run(const cli *c, const login_flags *f, const cli_list *args)
{
    CLI_AUTO_VAL(koc_buf) registry = KOC_BUF_INIT;
    CLI_AUTO_VAL(koc_buf) where = KOC_BUF_INIT;
    CLI_AUTO(koc_error) err = NULL;
    koc_op op = KOC_OP_INIT;
    op.cancel = c->cancel;
    CLI_TRY(read_registry(c, args, &registry));
    int rc = koc_auth_docker_erase(login_file(f), registry.ptr, &op, &where, &err);
    int code = cli_exit_code(c, rc, err);
    if (rc == KOC_OK) {
        cli_verb(c, "Logged out", "of %s in %s", display_name(registry.ptr), where.ptr);
    }
    if (rc == KOC_OK || rc == KOC_ENOTFOUND) {
        CLI_AUTO(koc_credential) found = find_credential(f, registry.ptr);
        if (found) { /* from another place; koc continues to use it */
            cli_warn(c, "there are still credentials for %s: %s", display_name(registry.ptr),
                     source_of(found));
        }
    }
    return code;
}

/* --- the commands --- */

static int run_login(cli *c, void *options, const cli_list *args)
{
    return login_run(c, options, args);
}

static int run_logout(cli *c, void *options, const cli_list *args)
{
    return logout_run(c, options, args);
}

static const cli_example login_examples[] = {
    {"koc login -u octocat --password-stdin ghcr.io < token", "log in with a token from a file"},
    {"koc login registry.example:5000", "enter user name and password at a prompt"},
    {"koc login -u me --authfile=ci.json docker.io", "store the credentials in a separate file"},
    {NULL, NULL},
};

const cli_command cli_login = {
    .name = "login",
    .group = "Registry",
    .usage = "koc login [-u NAME] [--password-stdin] REGISTRY",
    .summary = "log in to a registry",
    .description =
        "Checks user name and password with the registry, then stores them where docker does: "
        "in the credential helper named in its config.json, or else in that file. docker, podman, "
        "skopeo and crane find them there.",
    .more = "Files\n"
            "  The file is --authfile, else $KOC_AUTH_FILE, else $DOCKER_CONFIG/config.json, else\n"
            "  ~/.docker/config.json. Nothing is stored if the registry rejects the credentials.\n",
    .examples = login_examples,
    .flags = login_flag_table,
    .options_size = sizeof(login_flags),
    .defaults = login_flags_defaults,
    .run = run_login,
};

static const cli_flag logout_flags[] = {
    {"authfile", 0, CLI_STRING, AT(authfile), "FILE", "Login",
     "remove them from this file, in the format of docker and podman"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static const cli_example logout_examples[] = {
    {"koc logout ghcr.io", "remove the credentials for one registry"},
    {NULL, NULL},
};

const cli_command cli_logout = {
    .name = "logout",
    .group = "Registry",
    .usage = "koc logout REGISTRY",
    .summary = "log out of a registry",
    .description =
        "Removes the credentials that koc login or docker login stored for a registry. koc does not "
        "contact the registry; issued tokens stay valid. Exits with 1 if nothing was stored.",
    .examples = logout_examples,
    .flags = logout_flags,
    .options_size = sizeof(login_flags),
    .run = run_logout,
};
