/* koc serve: a small registry over an OCI layout. */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <koc/ext/serve.h>

typedef struct serve_options {
    const char *address, *repository, *tls_cert, *tls_key;
    cli_list allow_hosts;
    bool read_only, allow_delete, allow_remote, json;
} serve_options;

#define AT(member) offsetof(serve_options, member)
static const cli_flag flags[] = {
    {"address", 0, CLI_STRING, AT(address), "HOST:PORT", "Where",
     "listen here; port 0 takes a free one (default 127.0.0.1:5000)"},
    {"allow-remote", 0, CLI_BOOL, AT(allow_remote), NULL, "Where",
     "let --address be one that other machines reach; nobody is asked for a password"},
    {"allow-host", 0, CLI_LIST, AT(allow_hosts), "NAME", "Where",
     "answer requests for this name too, not for loopback's alone (repeatable)"},
    {"tls-cert", 0, CLI_STRING, AT(tls_cert), "FILE", "Where",
     "serve HTTPS with this certificate (PEM)"},
    {"tls-key", 0, CLI_STRING, AT(tls_key), "FILE", "Where", "its key (PEM)"},
    {"read-only", 0, CLI_BOOL, AT(read_only), NULL, "What", "answer pulls only; DIR must exist"},
    {"allow-delete", 0, CLI_BOOL, AT(allow_delete), NULL, "What",
     "let clients remove tags, manifests and blobs"},
    {"repository", 0, CLI_STRING, AT(repository), "NAME", "What",
     "the repository of images that the layout names by a tag only (default: DIR's name)"},
    {"json", 0, CLI_BOOL, AT(json), NULL, "Where", "print the address as a JSON document"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static void defaults(void *options)
{
    serve_options *o = options;
    o->address = "127.0.0.1:5000";
}

typedef struct session {
    const cli *c;
    const serve_options *options;
    const char *dir;
    int code; /* of printing the address */
} session;

/* The registry's name as image references have it: no scheme. */
static const char *host_of(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? host + 3 : url;
}

static int on_ready(const char *url, void *payload)
{
    session *s = payload;
    if (s->options->json) {
        printf("{\"schema\":\"koc-serve-1\",\"registry\":\"%s\",\"url\":\"%s\"}\n", host_of(url),
               url);
    } else {
        printf("%s\n", host_of(url));
    }
    s->code = cli_finish_stdout(s->c, EXIT_OK);
    if (s->code == EXIT_OK) {
        cli_verb(s->c, "Serving", "%s at %s%s; ^C ends it", s->dir, url,
                 s->options->read_only ? " (read-only)" : "");
    }
    return s->code;
}

/* Requests under -v, failures of the server always. */
static void on_log(int32_t level, const char *component, const char *message, void *payload)
{
    const cli *c = payload;
    if (strcmp(component, "serve") == 0 && level == KOC_LOG_INFO) {
        cli_verb(c, "", "%s", message);
    } else if (level <= KOC_LOG_WARN) {
        cli_warn(c, "%s", message);
    }
}

/* The exit code. */
static int serve(cli *c, const serve_options *o, const char *dir)
{
    session s = {.c = c, .options = o, .dir = dir};
    koc_error *err = NULL;
    koc_ctx *ctx = NULL;
    koc_layout *layout = NULL;
    koc_ctx_options co = KOC_CTX_OPTIONS_INIT;
    koc_serve_options so = KOC_SERVE_OPTIONS_INIT;
    koc_op op = KOC_OP_INIT;
    co.log = on_log;
    co.log_payload = c;
    co.log_level = c->verbose > 0 ? KOC_LOG_INFO : KOC_LOG_WARN;
    so.flags = (o->read_only ? KOC_SERVE_READ_ONLY : 0) | (o->allow_delete ? KOC_SERVE_DELETE : 0) |
               (o->allow_remote ? KOC_SERVE_REMOTE : 0);
    so.address = o->address;
    so.repository = o->repository;
    so.tls_cert = o->tls_cert;
    so.tls_key = o->tls_key;
    so.allow_hosts = cli_list_argv(&o->allow_hosts);
    so.ready = on_ready;
    so.payload = &s;
    op.cancel = c->cancel;
    signal(SIGXFSZ, SIG_IGN); /* a limit to files is a full disk, which clients are told of */
    int rc = koc_ctx_new(&co, &ctx, &err);
    if (rc == KOC_OK) {
        rc = koc_layout_open(ctx, dir, o->read_only ? 0 : KOC_LAYOUT_CREATE, &layout, &err);
    }
    if (rc == KOC_OK) {
        rc = koc_serve(ctx, layout, &so, &op, &err);
    }
    koc_layout_unref(layout);
    koc_ctx_unref(ctx);
    int code = s.code;
    if (rc != KOC_OK && code == EXIT_OK) {
        code = rc == KOC_ECANCELLED ? 130 : cli_error(c, err);
    }
    koc_error_free(err);
    return code;
}

static int run(cli *c, void *options, const cli_list *args)
{
    serve_options *o = options;
    if (args->count != 1) {
        return cli_usage(c, "koc serve needs one folder, got %zu", args->count);
    }
    if (!(koc_features() & KOC_FEATURE_SERVE)) {
        return cli_usage(c,
                         "this build has no server: libmicrohttpd was not there when it was made") -
               EXIT_USAGE + EXIT_FAILED;
    }
    int code = serve(c, o, args->items[0]);
    cli_list_free(&o->allow_hosts);
    return code;
}

static const cli_example examples[] = {
    {"koc serve ./images",
     "a registry at 127.0.0.1:5000 over a layout that is made when it is not there"},
    {"koc serve --read-only --address=127.0.0.1:0 ./images",
     "pulls only, at a free port (printed)"},
    {NULL, NULL},
};

const cli_command cli_serve = {
    .name = "serve",
    .group = "Registry",
    .usage = "koc serve [flags] DIR",
    .summary = "serve an OCI layout as a small registry",
    .description =
        "Serves the OCI layout DIR as a registry on this machine, for tests, hand-overs and "
        "clusters without one. Pushed images end up in the layout.",
    .more =
        "Names\n"
        "  All repositories share one layout. An image that the layout calls \"v1\" (skopeo and koc write\n"
        "  such names) is a tag of the repository that is called as the folder is; one that it calls\n"
        "  \"team/app:v1\" is that. An image without a name can be pulled by digest, and as latest when it\n"
        "  is the only one.\n"
        "\n"
        "Safety\n"
        "  Nobody sees what is pushed before it has been checked. There is no authentication.\n",
    .examples = examples,
    .flags = flags,
    .complete = CLI_FOLDERS,
    .options_size = sizeof(serve_options),
    .defaults = defaults,
    .run = run,
};
