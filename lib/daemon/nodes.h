/* Nodes that run containerd: the node containers of a cluster, or this host. */
#ifndef KOC__NODES_H
#define KOC__NODES_H

#include "daemon/daemon.h"

typedef struct koc__nodes {
    koc__local_kind kind;
    char *program;     /* docker, nerdctl, finch, podman; ctr; minikube */
    char *name;        /* of the cluster or profile; the socket of a plain containerd */
    char *space;       /* containerd's namespace */
    koc_strlist *list; /* the nodes; this host is one with the name "" */
    char *os, *arch;
} koc__nodes;

/* Finds the nodes and checks that all of them run. name NULL: from the environment, else the default. */
int koc__nodes_open(koc__local_kind kind, const char *name, koc__call *call, koc__nodes **out,
                    koc_error **err);
void koc__nodes_free(koc__nodes *n);
KOC__DEFINE_AUTO(koc__nodes, koc__nodes_free);
/* Imports the image into all nodes in parallel; a node that has it gets nothing. */
int koc__nodes_load(koc__nodes *n, koc_image *img, koc_reference *const *names, size_t n_names,
                    koc__call *call, koc__local_result *out, koc_error **err);
/* Runs argv. Its stdout goes to *output (or NULL); a failure is "cannot <what>: <last line of its output>".
 * */
int koc__nodes_run(const koc_strlist *argv, const char *input_file, const char *what,
                   koc__call *call, koc__dynbuf *output, koc_error **err);

#endif
