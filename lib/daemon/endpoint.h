/*
 * The address of the daemon. Looked for in the order of docker's own client: DOCKER_HOST, DOCKER_CONTEXT, the
 * config's currentContext; then the sockets of Docker, rootless Docker, Docker Desktop, Colima, Rancher
 * Desktop, OrbStack and podman, the first that answers.
 */
#ifndef KOC__ENDPOINT_H
#define KOC__ENDPOINT_H

#include <koc/context.h>

#include "core/cleanup.h"

typedef struct koc__endpoint {
    char *address; /* "unix:///var/run/docker.sock", "tcp://10.0.0.1:2376" */
    char *source;  /* "DOCKER_HOST", "docker context colima"; NULL: found */
    char *socket;  /* a path; NULL: authority is set */
    char *authority;
    bool tls, insecure;                   /* insecure: the certificate is not verified */
    char *ca_file, *cert_file, *key_file; /* PEM files; each may be NULL */
} koc__endpoint;

void koc__endpoint_free(koc__endpoint *e);
KOC__DEFINE_AUTO(koc__endpoint, koc__endpoint_free);

/* KOC_ENOTFOUND: there is no daemon; KOC_EDENIED: this user may not connect to it. (endpoint_find.c) */
int koc__endpoint_find(koc__endpoint **out, koc_error **err);
/* unix://PATH, tcp://HOST:PORT, http(s)://…; source is for errors. Certificates are not looked for. */
int koc__endpoint_parse(const char *address, const char *source, koc__endpoint **out,
                        koc_error **err);
/* Connects and closes the connection. The error explains what is wrong with the socket, with a hint. */
int koc__endpoint_probe(const char *socket, koc_error **err);

/* The daemon of the chosen docker context; *out stays NULL if that is "default" or none is chosen.
 * (docker_context.c) */
int koc__endpoint_of_context(koc__endpoint **out, koc_error **err);

#endif
