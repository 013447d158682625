/* Waits until applied objects run, and reports why they do not. */
#ifndef CLI_ROLLOUT_H
#define CLI_ROLLOUT_H

#include "cli.h"

typedef struct rollout {
    const cli *c;
    const char *yaml; /* the applied documents */
    size_t yaml_len;
    double seconds;        /* time limit for each object */
    const char *namespace; /* or NULL */
    cli_list cluster;      /* flags that select the cluster */
} rollout;

/* Waits for each Deployment, StatefulSet, DaemonSet, ReplicaSet, Job and Pod in turn. Returns an exit code, after lines
 * on stderr. */
int rollout_wait(rollout *r);
/* Reads "90s", "5m", "1h30m"; false: it is not a time. */
bool rollout_seconds(const char *text, double *out);

#endif
