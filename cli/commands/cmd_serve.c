/* koc serve: serves an OCI layout as a small registry. */
#include "cleanup_macros.h"
#include "commands/commands.h"

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
    {"address", 0, CLI_STRING, AT(address), "HOST:PORT", "Server",
     "address to listen on; port 0 chooses a free port (default 127.0.0.1:5000)"},
    {"allow-remote", 0, CLI_BOOL, AT(allow_remote), NULL, "Server",
     "allow an --address that other machines can reach; there is no authentication"},
    {"allow-host", 0, CLI_LIST, AT(allow_hosts), "NAME", "Server",
     "also answer requests for this host name, not only for those of loopback (repeatable)"},
    {"tls-cert", 0, CLI_STRING, AT(tls_cert), "FILE", "Server",
     "serve HTTPS with this certificate (PEM)"},
    {"tls-key", 0, CLI_STRING, AT(tls_key), "FILE", "Server",
     "private key of the certificate (PEM)"},
    {"read-only", 0, CLI_BOOL, AT(read_only), NULL, "Content", "serve pulls only; DIR must exist"},
    {"allow-delete", 0, CLI_BOOL, AT(allow_delete), NULL, "Content",
     "let clients delete tags, manifests and blobs"},
    {"repository", 0, CLI_STRING, AT(repository), "NAME", "Content",
     "repository of images whose name in the layout is only a tag (default: the name of DIR)"},
    {"json", 0, CLI_BOOL, AT(json), NULL, "Server", "print the address as a JSON document"},
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
    int code; /* exit code of printing the address */
} session;

/* The host of a URL as it appears in references, without scheme. */
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

/* Prints requests under -v, failures of the server always. */
static void on_log(int32_t level, const char *component, const char *message, void *payload)
{
    const cli *c = payload;
    if (strcmp(component, "serve") == 0 && level == KOC_LOG_INFO) {
        cli_verb(c, "", "%s", message);
    } else if (level <= KOC_LOG_WARN) {
        cli_warn(c, "%s", message);
    }
}

/* Returns an exit code. */
static int serve(cli *c, const serve_options *o, const char *dir)
{
    session s = {.c = c, .options = o, .dir = dir};
    CLI_AUTO(koc_error) err = NULL;
    CLI_AUTO(koc_ctx) ctx = NULL;
    CLI_AUTO(koc_layout) layout = NULL;
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
    signal(SIGXFSZ, SIG_IGN); /* a file size limit then fails writes as a full disk does */
    int rc = koc_ctx_new(&co, &ctx, &err);
    if (rc == KOC_OK) {
        rc = koc_layout_open(ctx, dir, o->read_only ? 0 : KOC_LAYOUT_CREATE, &layout, &err);
    }
    if (rc == KOC_OK) {
        rc = koc_serve(ctx, layout, &so, &op, &err);
    }
    if (s.code != EXIT_OK) {
        return s.code;
    }
    return rc == KOC_ECANCELLED ? EXIT_CANCELLED : cli_exit_code(c, rc, err);
}

static int run(cli *c, void *options, const cli_list *args)
{
    const serve_options *o = options;
    if (args->count != 1) {
        return cli_usage(c, "koc serve needs one directory, got %zu", args->count);
    }
    if (!(koc_features() & KOC_FEATURE_SERVE)) {
        return cli_failure(c, "this koc was built without a server: libmicrohttpd was missing");
    }
    return serve(c, o, args->items[0]);
}

static const cli_example examples[] = {
    {"koc serve ./images",
     "a registry at 127.0.0.1:5000; the layout is created if it does not exist"},
    {"koc serve --read-only --address=127.0.0.1:0 ./images",
     "pulls only, on a free port, which is printed"},
    {NULL, NULL},
};

const cli_command cli_serve = {
    .name = "serve",
    .group = "Registry",
    .usage = "koc serve [flags] DIR",
    .summary = "serve an OCI layout as a small registry",
    .description =
        "Serves the OCI layout DIR as a registry on this machine, for tests, offline transfers and "
        "clusters without a registry. Pushed images are stored in the layout.",
    .more =
        "Names\n"
        "  All repositories share one layout. An image with the name \"v1\" in the layout (skopeo and koc\n"
        "  write such names) is a tag of the repository that has the name of the directory; one with the\n"
        "  name \"team/app:v1\" is a tag of team/app. An image without a name can be pulled by digest, and\n"
        "  as latest if it is the only one.\n"
        "\n"
        "Safety\n"
        "  Pushed content becomes visible only after it has been verified. There is no authentication.\n",
    .examples = examples,
    .flags = flags,
    .complete = CLI_DIRECTORIES,
    .options_size = sizeof(serve_options),
    .defaults = defaults,
    .run = run,
};
