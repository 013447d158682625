/*
 * containerd's hosts.toml: where a registry is really to be found, its mirrors, their certificates. No
 * I/O.
 */
#ifndef KOC__HOSTS_TOML_H
#define KOC__HOSTS_TOML_H

#include "core/cleanup.h"
#include "core/str.h"
#include "http/http_message.h"

enum {
    KOC__CAP_PULL = 1u << 0,    /* blobs, and manifests by digest */
    KOC__CAP_RESOLVE = 1u << 1, /* trusted to say what a tag is */
    KOC__CAP_PUSH = 1u << 2
};

/* A place that serves (a part of) a registry. Strings are owned. */
typedef struct koc__endpoint {
    char *url;           /* as the file names it; NULL: the registry's own */
    char *authority;     /* "host[:port]" of it */
    char *prefix;        /* in place of "/v2", without a "/" at its end; NULL: "/v2" */
    bool https;          /* where authority is set */
    uint32_t caps;       /* KOC__CAP_* */
    bool overrides;      /* override_path: prefix is all that stands before the name */
    bool skip_verify;    /* certificates are not verified */
    uint32_t rate;       /* requests a second; 0: no limit */
    koc_strlist *ca;     /* files; NULL: none */
    char *client_cert;   /* PEM files, or NULL */
    char *client_key;    /* the same file where one holds both */
    koc__headers fields; /* sent with each request to it */
} koc__endpoint;

typedef struct koc__host_config {
    koc__endpoint
        origin; /* of the registry itself: server, and what stands before the first table */
    koc__endpoint *mirrors;
    size_t n_mirrors;
    size_t capacity;
} koc__host_config;
/* clang-format off */
#define KOC__HOST_CONFIG_INIT { .mirrors = NULL }
/* clang-format on */
void koc__host_config_dispose(koc__host_config *c);
KOC__DEFINE_AUTO_VAL(koc__host_config, koc__host_config_dispose);

/* folder: that relative paths are relative to; file: for messages. KOC_EFORMAT names file and line.
 * Members that containerd does not know either are passed over. */
int koc__hosts_toml_read(koc_str text, const char *file, const char *folder, koc__host_config *out,
                         koc_error **err);

#endif
