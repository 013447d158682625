/* Shared by every command that contacts registries: flags, context, credentials, client. */
#include "args/client_flags.h"

#include <stdio.h>
#include <stdlib.h>

/* Any struct that begins with a client_flags. */
typedef struct options_head {
    client_flags client;
} options_head;

const cli_flag client_flag_table[] = {
    CLIENT_FLAG_ROWS(options_head, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static int open_context(const cli *c, uint32_t flags, koc_ctx **out, koc_error **err)
{
    koc_ctx_options co = KOC_CTX_OPTIONS_INIT;
    co.log = cli_log;
    co.log_payload = (void *)(uintptr_t)c;
    co.log_level = c->quiet ? KOC_LOG_ERROR : KOC_LOG_WARN + (c->verbose > 2 ? 2 : c->verbose);
    co.cache_dir = flags & CLI_SESSION_NO_CACHE ? NULL : "";
    return koc_ctx_new(&co, out, err);
}

static int open_client(const client_flags *f, uint32_t flags, cli_session *s, koc_error **err)
{
    koc_client_options co = KOC_CLIENT_OPTIONS_INIT;
    co.auth = s->auth;
    co.flags = flags & CLI_SESSION_OFFLINE ? KOC_CLIENT_OFFLINE : 0;
    if (f) {
        co.flags |= f->insecure ? KOC_CLIENT_INSECURE : 0;
        co.allow_http = cli_list_argv(&f->allow_http);
        co.ca_file = f->ca;
        co.response_timeout_ms = (int64_t)f->timeout * 1000;
        co.requests_per_second = (uint32_t)f->rate;
    }
    if (f && (f->timeout < 0 || f->rate < 0)) {
        bool timeout = f->timeout < 0;
        return cli_reject(err, timeout ? "registry_timeout" : "registry_rate", "%d is negative",
                          timeout ? (int)f->timeout : (int)f->rate);
    }
    return koc_client_new(s->ctx, &co, &s->client, err);
}

static void attach_progress(cli_session *s, bool waits_only)
{
    s->progress = cli_progress_new(s->c, waits_only);
    s->op.progress = s->progress ? cli_progress_event : NULL;
    s->op.payload = s->progress;
}

int cli_session_open_as(const cli *c, const client_flags *f, uint32_t flags, koc_auth *auth,
                        cli_session *out, koc_error **err)
{
    *out = (cli_session){.c = c, .op = KOC_OP_INIT, .auth = koc_auth_ref(auth)};
    out->op.cancel = c->cancel;
    attach_progress(out, true); /* every command reports requests that wait */
    CLI_TRY(open_context(c, flags, &out->ctx, err));
    return open_client(f, flags, out, err);
}

int cli_session_open(const cli *c, const client_flags *f, uint32_t flags, cli_session *out,
                     koc_error **err)
{
    CLI_AUTO(koc_auth) auth = NULL;
    *out = (cli_session){.c = c, .op = KOC_OP_INIT};
    CLI_TRY(koc_auth_docker(getenv("KOC_AUTH_FILE"), &auth, err));
    return cli_session_open_as(c, f, flags, auth, out, err);
}

int cli_session_run(const cli *c, const client_flags *f, cli_session_fn fn, const void *options,
                    const cli_list *args)
{
    CLI_AUTO_VAL(cli_session) s = {0};
    CLI_AUTO(koc_error) err = NULL;
    int rc = cli_session_open(c, f, 0, &s, &err);
    rc = rc == KOC_OK ? fn(&s, options, args, &err) : rc;
    return cli_exit_code(c, rc, err);
}

const koc_op *cli_session_start(cli_session *s)
{
    cli_session_settle(s);
    attach_progress(s, false);
    return &s->op;
}

void cli_session_settle(cli_session *s)
{
    cli_progress_end(s->progress);
    cli_progress_free(s->progress);
    s->progress = NULL;
    s->op.progress = NULL;
}

void cli_session_close(cli_session *s)
{
    cli_session_settle(s);
    koc_client_unref(s->client);
    koc_auth_unref(s->auth);
    koc_ctx_unref(s->ctx);
    *s = (cli_session){0};
}
