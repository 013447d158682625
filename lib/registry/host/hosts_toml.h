/* containerd's hosts.toml: the real address of a registry, its mirrors, their certificates. */
#ifndef KOC__HOSTS_TOML_H
#define KOC__HOSTS_TOML_H

#include "core/cleanup.h"
#include "core/str.h"
#include "http/http_message.h"

enum {
    KOC__CAP_PULL = 1u << 0,    /* blobs, and manifests by digest */
    KOC__CAP_RESOLVE = 1u << 1, /* trusted to resolve tags */
    KOC__CAP_PUSH = 1u << 2
};

/* A server of a registry's content. Strings are owned. */
typedef struct koc__host_endpoint {
    char *url;           /* as the file names it; NULL: the registry's own */
    char *authority;     /* "host[:port]" of url */
    char *prefix;        /* replaces "/v2", without a "/" at its end; NULL: "/v2" */
    bool https;          /* counts when authority is set */
    uint32_t caps;       /* KOC__CAP_* */
    bool overrides;      /* override_path: nothing but prefix comes before the name */
    bool skip_verify;    /* certificates are not verified */
    uint32_t rate;       /* requests per second; 0: no limit */
    koc_strlist *ca;     /* PEM files of authorities; NULL: none */
    char *client_cert;   /* PEM files, or NULL */
    char *client_key;    /* the same file if one holds both */
    koc__headers fields; /* sent with each request */
} koc__host_endpoint;

typedef struct koc__host_config {
    koc__host_endpoint origin; /* "server" and the members before the first table */
    koc__host_endpoint *mirrors;
    size_t n_mirrors;
    size_t capacity;
} koc__host_config;
/* clang-format off */
#define KOC__HOST_CONFIG_INIT { .mirrors = NULL }
/* clang-format on */
void koc__host_config_dispose(koc__host_config *c);
KOC__DEFINE_AUTO_VAL(koc__host_config, koc__host_config_dispose);

/* directory: the base of relative paths; file: for messages. KOC_EFORMAT names file and line.
 * Members that containerd does not know either are ignored. */
int koc__hosts_toml_read(koc_str text, const char *file, const char *directory,
                         koc__host_config *out, koc_error **err);
/* Reads the file of registry from the directories of containerd and docker (host_config.c). *out
 * stays empty when there is none. */
int koc__host_config_load(const char *registry, koc__host_config *out, koc_error **err);

/* KOC_EDENIED: koc sets this header field itself, or it belongs to one connection. */
int koc__hosts_check_field(const char *name, koc_error **err);

#endif
