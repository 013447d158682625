/* Runs kubectl. Its version is checked only after a failure, since that takes as long as the command itself. */
#include "kube/kubectl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child_program.h"
#include "cleanup_macros.h"

/* The first version with --server-side and --dry-run=server. */
#define MINOR_MIN 18

/* Reads "v1.13.2" from `kubectl version`; false: it is not known. */
static bool read_version(const cli *c, char *out, size_t size, long *minor)
{
    static const char mark[] = "\"gitVersion\": \"v";
    const char *const argv[] = {KUBECTL, "version", "--client", "-o", "json", NULL};
    CLI_AUTO_STR text = NULL;
    child ch = {.argv = argv, .input = "", .output = &text, .quiet = true};
    int code = child_run(c, &ch);
    const char *at = code == 0 && text ? strstr(text, mark) : NULL;
    const char *version = at ? at + sizeof(mark) - 1 : "";
    bool known = strncmp(version, "1.", 2) == 0;
    snprintf(out, size, "%.*s", (int)strcspn(version, "\""), version);
    *minor = known ? strtol(version + 2, NULL, 10) : 0;
    return known;
}

void kubectl_report_failure(const cli *c, const char *verb, int code)
{
    char version[64];
    long minor = 0;
    if (read_version(c, version, sizeof(version), &minor) && minor < MINOR_MIN) {
        cli_failure(c,
                    "kubectl %s failed (exit %d): kubectl %s is too old, koc needs 1.%d or later",
                    verb, code, version, MINOR_MIN);
    } else if (code > 128) {
        cli_failure(c, "kubectl %s was ended by signal %d", verb, code - 128);
    } else {
        cli_failure(c, "kubectl %s failed (exit %d)", verb, code);
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
        kubectl_report_failure(c, argv[1], code);
    }
    return code < 0 ? EXIT_FAILED : code;
}
