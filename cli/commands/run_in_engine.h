/* koc build --run: starts the built image in the local docker or podman. */
#ifndef CLI_ENGINE_H
#define CLI_ENGINE_H

#include "args/publish_flags.h"

typedef struct engine {
    const char *program; /* "docker", "podman" */
    char address[512];   /* of its daemon, for a flag; "": from the environment, or no daemon */
    char dir[256];       /* temporary, of an archive for a podman without a daemon; "": none */
    char archive[272];
    char platform[32];
    const char *platforms[2];
} engine;

/* Chooses the engine and sets the destination of the image in p. Returns an exit code, after an error line if it is
 * not EXIT_OK. */
int engine_choose(const publish_session *s, koc_publish_options *p, engine *out);
/* Replaces koc with the engine's `run`. flags, args: NULL-terminated, or NULL. Returns an exit code only if that
 * fails. */
int engine_run(const cli *c, engine *e, const char *reference, const char *const *flags,
               const char *const *args);
/* Removes the archive; accepts an all-zero engine. */
void engine_close(engine *e);
CLI_DEFINE_AUTO_VAL(engine, engine_close);

#endif
