/* koc auth get, token, login, logout: ko's and crane's words. */
#include "commands/login.h"
#include "term/json_output.h"
#include "term/prompt.h"

#include <koc/auth.h>
#include <koc/reference.h>

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
     "print it as a header for curl"},
    {"push", 0, CLI_BOOL, offsetof(auth_options, push), NULL, "Token", "a token that may push"},
    {"mount", 'm', CLI_CSV, offsetof(auth_options, mounts), "REPO", "Token",
     "a token that may mount blobs from this repository too (a list)"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

/* A string of JSON, escaped as Go does it. */
static void put_string(const char *s)
{
    cli_json_string(stdout, s, "<>&\x7f");
}

static int open_session(const cli *c, const auth_options *o, cli_session *out, koc_error **err)
{
    koc_auth *auth = NULL;
    int rc = koc_auth_docker(login_file(&o->login), &auth, err);
    rc = rc == KOC_OK ? cli_session_open_as(c, &o->login.client, 0, auth, out, err) : rc;
    koc_auth_unref(auth);
    return rc;
}

/* --- get --- */

static int read_name(const cli *c, const cli_list *args, koc_buf *out)
{
    char text[1024];
    const char *name = args->count > 1 ? args->items[1] : text;
    koc_error *err = NULL;
    if (args->count > 2) {
        return cli_usage(c, "koc auth get takes one registry");
    }
    if (args->count < 2 && isatty(STDIN_FILENO)) {
        return cli_usage(c, "koc auth get needs a registry, as an argument or on stdin");
    }
    int code = args->count < 2 ? cli_read_secret(c, text, sizeof(text)) : EXIT_OK;
    if (code == EXIT_OK && koc_auth_registry(name, out, &err) != KOC_OK) {
        cli_error(c, err);
        koc_error_free(err);
        return EXIT_FAILED;
    }
    return code == EXIT_OK ? EXIT_OK : EXIT_FAILED;
}

/* The words that credential helpers have for it. */
static int print_credential(const cli *c, const char *registry, const koc_credential *cred)
{
    const char *user = koc_credential_username(cred);
    if (!cred) {
        puts("credentials not found in native keychain");
        return cli_finish_stdout(c, EXIT_FAILED);
    }
    if (koc_credential_kind(cred) == KOC_CRED_BEARER) {
        cli_usage(c, "there is a ready access token for %s, which is no user name and password",
                  registry);
        return EXIT_FAILED;
    }
    fputs("{\"Username\":", stdout);
    put_string(koc_credential_kind(cred) == KOC_CRED_IDENTITY_TOKEN ? "<token>" : user ? user : "");
    fputs(",\"Secret\":", stdout);
    put_string(koc_credential_secret(cred));
    puts("}");
    return cli_finish_stdout(c, EXIT_OK);
}

static int get(cli *c, const auth_options *o, const cli_list *args)
{
    koc_buf registry = KOC_BUF_INIT;
    koc_credential *cred = NULL;
    koc_error *err = NULL;
    cli_session s = {0};
    int code = read_name(c, args, &registry);
    if (code != EXIT_OK) {
        return code;
    }
    int rc = open_session(c, o, &s, &err);
    if (rc == KOC_OK) {
        rc = koc_client_lookup(s.client, registry.ptr, NULL, &s.op, &cred, &err);
    }
    code = rc == KOC_OK ? print_credential(c, registry.ptr, cred) : cli_error(c, err);
    koc_error_free(err);
    koc_credential_free(cred);
    cli_session_close(&s);
    koc_buf_dispose(&registry);
    return code;
}

/* --- token --- */

/* The name that --mount gives, as the registry calls it: with its host, or without any. NULL: it is at
 * another one. Made by malloc. */
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
        koc_reference *m = NULL;
        koc_error *err = NULL;
        if (koc_reference_parse(from->items[i], KOC_REFERENCE_TRANSPORTS, &m, &err) != KOC_OK) {
            int code = cli_error(c, err);
            koc_error_free(err);
            return code;
        }
        const char *scheme = strstr(from->items[i], "://");
        char *name = mount_name(scheme ? scheme + 3 : from->items[i], m, registry);
        koc_reference_unref(m);
        if (!name || cli_list_keep(out, name) != 0) {
            return cli_usage(c, "--mount: %s is not at %s", from->items[i], registry);
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

static int ask_token(const cli *c, const auth_options *o, const koc_reference *repo,
                     const cli_list *mounts)
{
    koc_buf token = KOC_BUF_INIT;
    koc_error *err = NULL;
    cli_session s = {0};
    int64_t lifetime_ms = 0;
    uint32_t access = KOC_ACCESS_PULL | (o->push ? KOC_ACCESS_PUSH : 0);
    int rc = open_session(c, o, &s, &err);
    if (rc == KOC_OK) {
        rc = koc_client_get_token(s.client, repo, access, cli_list_argv(mounts), &s.op, &token,
                                  &lifetime_ms, &err);
    }
    int code = rc == KOC_OK ? print_token(c, o, token.ptr, lifetime_ms) : cli_error(c, err);
    koc_buf_wipe(&token);
    koc_error_free(err);
    cli_session_close(&s);
    return code;
}

static int token(cli *c, const auth_options *o, const cli_list *args)
{
    koc_reference *repo = NULL;
    koc_error *err = NULL;
    cli_list mounts = {0};
    if (args->count != 2) {
        return cli_usage(c, "koc auth token needs one repository");
    }
    if (koc_reference_parse(args->items[1], KOC_REFERENCE_TRANSPORTS, &repo, &err) != KOC_OK) {
        int code = cli_error(c, err);
        koc_error_free(err);
        return code;
    }
    int code = read_mounts(c, &o->mounts, koc_reference_registry(repo), &mounts);
    if (code == EXIT_OK) {
        code = ask_token(c, o, repo, &mounts);
    }
    cli_list_free(&mounts);
    koc_reference_unref(repo);
    return code;
}

/* --- the command --- */

static int one_word(cli *c, auth_options *o, const cli_list *args)
{
    static const char *const words[] = {"get", "token", "login", "logout", NULL};
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
    int code = cli_usage(c, "koc auth needs one of get, token, login, logout");
    if (near) {
        cli_hint(c, "did you mean koc auth %s?", near);
    }
    return code;
}

static int run(cli *c, void *options, const cli_list *args)
{
    auth_options *o = options;
    int code = one_word(c, o, args);
    cli_list_free(&o->mounts);
    login_flags_free(&o->login);
    return code;
}

static const cli_example examples[] = {
    {"koc auth get ghcr.io", "what koc would use there, as a credential helper prints it"},
    {"echo ghcr.io | koc auth get", "the same, as docker asks helpers"},
    {"curl -H \"$(koc auth token -H ubuntu)\" https://index.docker.io/v2/library/ubuntu/tags/list",
     "ask a registry by hand"},
    {NULL, NULL},
};

const cli_command cli_auth = {
    .name = "auth",
    .group = "Registry",
    .usage = "koc auth get [REGISTRY] | token [-H] [--push] [-m REPO] REPO | login | logout",
    .summary = "show credentials, get tokens",
    .description =
        "get prints the user name and secret that koc would use; token prints an access token "
        "from the registry's token server; login and logout are koc login and koc logout.",
    .more =
        "get\n"
        "  It prints a secret, in the form of credential helpers: {\"Username\":...,\"Secret\":...}, or\n"
        "  \"credentials not found in native keychain\" and exit code 1.\n"
        "\n"
        "token\n"
        "  It prints {\"token\":...,\"expires_in\":seconds}.\n"
        "\n"
        "A helper for docker\n"
        "  This file as docker-credential-koc on PATH gives docker all that koc finds:\n"
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
