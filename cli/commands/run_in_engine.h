/* koc build --run: the image that was built, started by docker or podman here. */
#ifndef CLI_ENGINE_H
#define CLI_ENGINE_H

#include "args/publish_flags.h"

typedef struct engine {
    const char *program; /* "docker", "podman" */
    char address[512]; /* of its daemon, for a flag; "": as the environment says, or without one */
    char folder[256];  /* of an archive for a podman without a daemon; "": none */
    char archive[272];
    char platform[32];
    const char *platforms[2];
} engine;

/* Chooses the engine, and sets in p where the image has to go for it. EXIT_OK, else after a line that says why. */
int engine_choose(const publish_session *s, koc_publish_options *p, engine *out);
/* Becomes the engine's `run`: its exit code is ours. flags, args: NULL-terminated, or NULL. Returns only when that
 * fails. */
int engine_run(const cli *c, engine *e, const char *reference, const char *const *flags,
               const char *const *args);
/* Removes the archive; takes an all-zero one. */
void engine_close(engine *e);

#endif
