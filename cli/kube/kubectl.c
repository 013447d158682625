/* What is said when kubectl fails. Its version is asked for only then: that takes as long as the rest. */
#include "kube/kubectl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child_program.h"

/* The first with --server-side and --dry-run=server. */
#define MINOR_MIN 18

/* "v1.13.2" in the answer of `kubectl version`; false: it did not say. */
static bool ask_version(const cli *c, char *out, size_t size, long *minor)
{
    static const char mark[] = "\"gitVersion\": \"v";
    const char *const argv[] = {KUBECTL, "version", "--client", "-o", "json", NULL};
    char *text = NULL;
    child ch = {.argv = argv, .input = "", .output = &text, .quiet = true};
    int code = child_run(c, &ch);
    const char *at = code == 0 && text ? strstr(text, mark) : NULL;
    const char *version = at ? at + sizeof(mark) - 1 : "";
    bool known = strncmp(version, "1.", 2) == 0;
    snprintf(out, size, "%.*s", (int)strcspn(version, "\""), version);
    *minor = known ? strtol(version + 2, NULL, 10) : 0;
    free(text);
    return known;
}

void kubectl_failed(const cli *c, const char *verb, int code)
{
    char version[64];
    long minor = 0;
    if (ask_version(c, version, sizeof(version), &minor) && minor < MINOR_MIN) {
        cli_usage(c, "kubectl %s failed (exit %d): kubectl %s is too old, koc needs 1.%d or later",
                  verb, code, version, MINOR_MIN);
    } else if (code > 128) {
        cli_usage(c, "kubectl %s was ended by signal %d", verb, code - 128);
    } else {
        cli_usage(c, "kubectl %s failed (exit %d)", verb, code);
    }
}

int kubectl_feed(const cli *c, const char *const *argv, const char *text, size_t len)
{
    child ch = {.argv = argv, .input = text ? text : "", .input_len = len};
    int code = child_run(c, &ch);
    if (koc_cancel_is_triggered(c->cancel)) {
        return 130;
    }
    if (code > 0) {
        kubectl_failed(c, argv[1], code);
    }
    return code < 0 ? EXIT_FAILED : code;
}
