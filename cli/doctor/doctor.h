/* The findings of koc doctor: doctor_tools.c and doctor_network.c collect them, cmd_doctor.c prints them. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "args/publish_flags.h"

enum finding_state {
    FINDING_OK,
    FINDING_NOTE, /* something is missing that only some commands need */
    FINDING_WARNING,
    FINDING_BROKEN /* a build would fail */
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
    /* As reported by koc_publish_settings. */
    char *config, *repository, *layout;
    cli_list bases, platforms; /* of strings from malloc */
} doctor;

/* Adds a finding; hint may be NULL. */
void doctor_add(doctor *d, const char *check, enum finding_state state, const char *hint,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same with message and hint of an error. */
void doctor_add_error(doctor *d, const char *check, enum finding_state state, koc_error *err);

void doctor_check_tools(doctor *d);   /* go, git, kubectl, container engine */
void doctor_check_files(doctor *d);   /* settings, cache */
void doctor_check_network(doctor *d); /* proxies, credentials, destination, bases */

#endif
