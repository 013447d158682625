/*
 * Feeds the drawer of the command line with the events of a large build, slowly enough to be looked at:
 * progress_demo IMAGES STEP_MS [FILE]. Every image is compiled for two platforms, then sent; half-way it waits
 * until FILE is there, and the first connection breaks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static int step_ms;

static void wait_a_step(void)
{
    struct timespec t = {step_ms / 1000, (long)(step_ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static void report(cli_progress *p, int32_t kind, int32_t state, const char *what, uint64_t id,
                   uint64_t done, uint64_t total)
{
    koc_progress e = KOC_PROGRESS_INIT;
    e.kind = kind;
    e.state = state;
    e.what = what;
    e.id = id;
    e.done = done;
    e.total = total;
    if (p) {
        cli_progress_event(&e, p);
    }
}

static const char *name_of(int i)
{
    static char text[96];
    snprintf(text, sizeof(text), "%sservice-%02d", i % 5 == 4 ? "a-rather-long-name-of-a-" : "", i);
    return text;
}

static void report_build(cli_progress *p, int32_t state, int i, const char *platform)
{
    char label[128];
    koc_progress e = KOC_PROGRESS_INIT;
    snprintf(label, sizeof(label), "%s %s", name_of(i), platform);
    e.kind = KOC_PROGRESS_BUILD;
    e.state = state;
    e.what = label;
    e.name = name_of(i);
    e.platform = platform;
    if (p) {
        cli_progress_event(&e, p);
    }
}

static void compile(cli_progress *p, int images)
{
    for (int i = 0; i < images; i++) {
        report_build(p, KOC_STATE_STARTED, i, "linux/amd64");
        report_build(p, KOC_STATE_STARTED, i, "linux/arm64");
    }
    wait_a_step();
    for (int i = 0; i < images; i++) {
        report_build(p, KOC_STATE_FINISHED, i, "linux/amd64");
        wait_a_step();
        report_build(p, KOC_STATE_FINISHED, i, "linux/arm64");
    }
}

static void send(cli_progress *p, int images, const char *resume_file)
{
    static const char digest[] = "sha256:8f2c5a0c1d4e7b3a";
    const uint64_t size = 11900000;
    for (int i = 0; i < images; i++) {
        report(p, KOC_PROGRESS_IMAGE, KOC_STATE_STARTED, name_of(i), 0, 0, 0);
    }
    for (uint64_t part = 0; part <= 10; part++) {
        for (int i = 0; i < images; i++) {
            report(p, KOC_PROGRESS_BLOB, KOC_STATE_ACTIVE, digest, (uint64_t)i + 1,
                   size * part / 10, size);
        }
        do {
            wait_a_step();
        } while (part == 5 && resume_file && access(resume_file, F_OK) != 0);
        if (part == 5) {
            report(p, KOC_PROGRESS_BLOB, KOC_STATE_ACTIVE, digest, 1, size / 5, size);
        }
    }
    for (int i = 0; i < images; i++) {
        report(p, KOC_PROGRESS_BLOB, KOC_STATE_FINISHED, digest, (uint64_t)i + 1, size, size);
        report(p, KOC_PROGRESS_IMAGE, KOC_STATE_FINISHED, name_of(i), 0, size, 0);
    }
}

int main(int argc, char **argv)
{
    static const cli_command command = {.name = "build", .group = "Build", .builds = true};
    cli c = {.command = &command};
    int images = argc > 1 ? atoi(argv[1]) : 3;
    step_ms = argc > 2 ? atoi(argv[2]) : 100;
    cli_setup_output(&c);
    cli_progress *p = cli_progress_new(&c, false);
    report(p, KOC_PROGRESS_RESOLVE, KOC_STATE_FINISHED,
           "cgr.dev/chainguard/static:latest → sha256:8f2c5a0c1d4e… (2 platforms)", 0, 0, 0);
    compile(p, images);
    cli_warn(&c, "a warning comes in between");
    send(p, images, argc > 3 ? argv[3] : NULL);
    cli_progress_end(p);
    cli_progress_free(p);
    cli_verb(&c, "Published", "%d images", images);
    return 0;
}
