/* Waiting until what was applied runs, and saying why it does not. */
#ifndef CLI_ROLLOUT_H
#define CLI_ROLLOUT_H

#include "cli.h"

typedef struct rollout {
    const cli *c;
    const char *yaml; /* what was applied */
    size_t yaml_len;
    double seconds;        /* for each */
    const char *namespace; /* or NULL */
    cli_list cluster;      /* flags that name the cluster */
} rollout;

/* Waits for each Deployment, StatefulSet, DaemonSet, ReplicaSet, Job and Pod in turn. An exit code; lines on
 * stderr say more. */
int rollout_wait(rollout *r);
/* "90s", "5m", "1h30m". */
bool rollout_seconds(const char *text, double *out);

#endif
