/* koc auth get, token, login, logout: the subcommands of ko and crane. */
#include "commands/commands.h"
#include "commands/login.h"
#include "term/json_output.h"
#include "term/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct auth_options {
    login_flags login; /* first: shared_flags write to it */
    bool header, push;
    cli_list mounts;
} auth_options;

static const cli_flag flags[] = {
    {"header", 'H', CLI_BOOL, offsetof(auth_options, header), NULL, "Token",
     "print the token as a header for curl"},
    {"push", 0, CLI_BOOL, offsetof(auth_options, push), NULL, "Token", "get a token that may push"},
    {"mount", 'm', CLI_CSV, offsetof(auth_options, mounts), "REPO", "Token",
     "get a token that may also mount blobs from this repository (a list)"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

/* Prints a JSON string, escaped as Go does. */
static void put_string(const char *s)
{
    cli_json_string(stdout, s, "<>&\x7f");
}

/* --- get --- */

static int read_name(const cli *c, const cli_list *args, koc_buf *out)
{
    char text[1024];
    const char *name = args->count > 1 ? args->items[1] : text;
    CLI_AUTO(koc_error) err = NULL;
    if (args->count > 2) {
        return cli_usage(c, "koc auth get takes one registry");
    }
    if (args->count < 2 && isatty(STDIN_FILENO)) {
        return cli_usage(c, "koc auth get needs a registry, as an argument or on stdin");
    }
    int code = args->count < 2 ? cli_read_secret(c, text, sizeof(text)) : EXIT_OK;
    if (code == EXIT_OK && koc_auth_registry(name, out, &err) != KOC_OK) {
        cli_error(c, err);
        return EXIT_FAILED;
    }
    return code == EXIT_OK ? EXIT_OK : EXIT_FAILED;
}

/* Prints it as credential helpers do. */
static int print_credential(const cli *c, const char *registry, const koc_credential *cred)
{
    const char *user = koc_credential_username(cred);
    if (!cred) {
        puts("credentials not found in native keychain");
        return cli_finish_stdout(c, EXIT_FAILED);
    }
    if (koc_credential_kind(cred) == KOC_CRED_BEARER) {
        return cli_failure(c, "there is only an access token for %s, no user name and password",
                           registry);
    }
    fputs("{\"Username\":", stdout);
    put_string(koc_credential_kind(cred) == KOC_CRED_IDENTITY_TOKEN ? "<token>" : user ? user : "");
    fputs(",\"Secret\":", stdout);
    put_string(koc_credential_secret(cred));
    puts("}");
    return cli_finish_stdout(c, EXIT_OK);
}

static int get(const cli *c, const auth_options *o, const cli_list *args)
{
    CLI_AUTO_VAL(koc_buf) registry = KOC_BUF_INIT;
    CLI_AUTO(koc_credential) cred = NULL;
    CLI_AUTO(koc_error) err = NULL;
    CLI_AUTO_VAL(cli_session) s = {0};
    CLI_TRY(read_name(c, args, &registry));
    int rc = login_session_open(c, &o->login, &s, &err);
    if (rc == KOC_OK) {
        rc = koc_client_lookup(s.client, registry.ptr, NULL, &s.op, &cred, &err);
    }
    return rc == KOC_OK ? print_credential(c, registry.ptr, cred) : cli_error(c, err);
}

/* --- token --- */

/* The repository that --mount names, with the host of the registry or without a host. NULL: it is in another
 * registry. From malloc. */
static char *mount_name(const char *text, const koc_reference *m, const char *registry)
{
    const char *theirs = koc_reference_registry(m);
    if (strcmp(theirs, registry) == 0) {
        return strdup(koc_reference_repository(m));
    }
    bool bare = strcmp(theirs, "index.docker.io") == 0 && !strstr(text, "docker.io/");
    return bare ? strdup(text) : NULL;
}

static int read_mounts(const cli *c, const cli_list *from, const char *registry, cli_list *out)
{
    for (size_t i = 0; i < from->count; i++) {
        CLI_AUTO(koc_reference) m = NULL;
        CLI_AUTO(koc_error) err = NULL;
        if (koc_reference_parse(from->items[i], KOC_REFERENCE_TRANSPORTS, &m, &err) != KOC_OK) {
            return cli_error(c, err);
        }
        const char *scheme = strstr(from->items[i], "://");
        char *name = mount_name(scheme ? scheme + 3 : from->items[i], m, registry);
        if (!name || cli_list_keep(out, name) != 0) {
            return cli_usage(c, "--mount: %s is not in %s", from->items[i], registry);
        }
    }
    return EXIT_OK;
}

static int print_token(const cli *c, const auth_options *o, const char *token, int64_t lifetime_ms)
{
    if (o->header) {
        printf("Authorization: Bearer %s\n", token);
    } else {
        fputs("{\"token\":", stdout);
        put_string(token);
        printf(",\"expires_in\":%lld}\n", (long long)(lifetime_ms / 1000));
    }
    return cli_finish_stdout(c, EXIT_OK);
}

static int request_token(const cli *c, const auth_options *o, const koc_reference *repo,
                         const cli_list *mounts)
{
    CLI_AUTO_VAL(koc_buf) token = KOC_BUF_INIT;
    CLI_AUTO(koc_error) err = NULL;
    CLI_AUTO_VAL(cli_session) s = {0};
    int64_t lifetime_ms = 0;
    uint32_t access = KOC_ACCESS_PULL | (o->push ? KOC_ACCESS_PUSH : 0);
    int rc = login_session_open(c, &o->login, &s, &err);
    if (rc == KOC_OK) {
        rc = koc_client_get_token(s.client, repo, access, cli_list_argv(mounts), &s.op, &token,
                                  &lifetime_ms, &err);
    }
    int code = rc == KOC_OK ? print_token(c, o, token.ptr, lifetime_ms) : cli_error(c, err);
    koc_buf_wipe(&token);
    return code;
}

static int token(const cli *c, const auth_options *o, const cli_list *args)
{
    CLI_AUTO(koc_reference) repo = NULL;
    CLI_AUTO(koc_error) err = NULL;
    CLI_AUTO_VAL(cli_list) mounts = {0};
    if (args->count != 2) {
        return cli_usage(c, "koc auth token needs one repository");
    }
    if (koc_reference_parse(args->items[1], KOC_REFERENCE_TRANSPORTS, &repo, &err) != KOC_OK) {
        return cli_error(c, err);
    }
    CLI_TRY(read_mounts(c, &o->mounts, koc_reference_registry(repo), &mounts));
    return request_token(c, o, repo, &mounts);
}

/* --- the command --- */

static int run(cli *c, void *options, const cli_list *args)
{
    static const char *const words[] = {"get", "token", "login", "logout", NULL};
    const auth_options *o = options;
    const char *word = args->count > 0 ? args->items[0] : "";
    cli_list rest = *args;
    rest.items += args->count > 0;
    rest.count -= args->count > 0;
    if (strcmp(word, "get") == 0) {
        return get(c, o, args);
    }
    if (strcmp(word, "token") == 0) {
        return token(c, o, args);
    }
    if (strcmp(word, "login") == 0) {
        return login_run(c, &o->login, &rest);
    }
    if (strcmp(word, "logout") == 0) {
        return logout_run(c, &o->login, &rest);
    }
    const char *near = *word ? cli_nearest(word, words) : NULL;
    cli_usage(c, "koc auth needs one of get, token, login, logout");
    if (near) {
        cli_hint(c, "did you mean koc auth %s?", near);
    }
    return EXIT_USAGE;
}

static const cli_example examples[] = {
    {"koc auth get ghcr.io",
     "the credentials that koc would use, in the form of a credential helper"},
    {"echo ghcr.io | koc auth get", "the same, as docker calls helpers"},
    {"curl -H \"$(koc auth token -H ubuntu)\" https://index.docker.io/v2/library/ubuntu/tags/list",
     "query a registry by hand"},
    {NULL, NULL},
};

const cli_command cli_auth = {
    .name = "auth",
    .group = "Registry",
    .usage = "koc auth get [REGISTRY] | token [-H] [--push] [-m REPO] REPO | login | logout",
    .summary = "show credentials and get tokens",
    .description =
        "get prints the user name and secret that koc would use; token prints an access token "
        "from the registry's token server; login and logout are the same as koc login and koc logout.",
    .more =
        "get\n"
        "  Prints a secret in the form of credential helpers: {\"Username\":...,\"Secret\":...}. Without\n"
        "  credentials it prints \"credentials not found in native keychain\" and exits with 1.\n"
        "\n"
        "token\n"
        "  Prints {\"token\":...,\"expires_in\":seconds}.\n"
        "\n"
        "Credential helper for docker\n"
        "  Save this file as docker-credential-koc on PATH, and docker uses the credentials that koc finds:\n"
        "\n"
        "    #!/bin/sh\n"
        "    exec koc auth \"$@\"\n",
    .examples = examples,
    .flags = flags,
    .shared_flags = login_flag_table,
    .complete = "get token login logout",
    .options_size = sizeof(auth_options),
    .defaults = login_flags_defaults,
    .run = run,
};
