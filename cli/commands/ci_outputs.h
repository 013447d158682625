/* What a build reports to the CI system that runs it: names and digests of images, for the steps that follow. */
#ifndef CLI_CI_OUTPUTS_H
#define CLI_CI_OUTPUTS_H

#include <koc/ext/publish.h>

#include "cli.h"

typedef struct ci_outputs {
    bool github;        /* to the file that $GITHUB_OUTPUT names */
    const char *dotenv; /* to this file, as GitLab's dotenv reports are; NULL: no */
} ci_outputs;

/* Wrong usage is known before anything is built. */
int ci_outputs_check(const cli *c, const ci_outputs *o);
/* An exit code. */
int ci_outputs_write(const cli *c, const ci_outputs *o, const koc_published *result);

#endif
