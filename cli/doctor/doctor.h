/* What koc doctor finds. cmd_doctor.c prints it, doctor_tools.c and doctor_network.c look. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "args/client_flags.h"

enum finding_state {
    FINDING_OK,
    FINDING_NOTE, /* something is not there that only some commands need */
    FINDING_WARNING,
    FINDING_BROKEN /* a build does not work like this */
};
typedef struct finding {
    const char *check; /* "go" */
    enum finding_state state;
    char text[1024], hint[512];
} finding;

typedef struct doctor {
    const cli *c;
    cli_session session;
    finding *findings;
    size_t count, capacity;
    /* What koc_publish_settings told. */
    char *config, *repository, *layout;
    cli_list bases, platforms; /* of strings from malloc */
} doctor;

/* Keeps one more; hint may be NULL. */
void doctor_add(doctor *d, const char *check, enum finding_state state, const char *hint,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same from what a call of the library says. */
void doctor_add_error(doctor *d, const char *check, enum finding_state state, koc_error *err);

void doctor_look_at_tools(doctor *d);   /* go, git, kubectl, container engine */
void doctor_look_at_files(doctor *d);   /* settings, cache */
void doctor_look_at_network(doctor *d); /* proxies, credentials, destination, bases */

#endif
