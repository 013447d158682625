/* Translates errors of the library for the user of the command: options into flags, hints into commands to type. */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096

/* Options whose flags have other names. The flag of any other option is its name with '-' for '_'. */
static const struct {
    const char *option;
    const char *flag;
} flags[] = {
    {"annotations", "image-annotation"}, {"labels", "image-label"},  {"platforms", "platform"},
    {"ports", "exposed-port"},           {"predicate_type", "type"}, {"volumes", "volume"},
};

/* The words of the command for kinds of hints: %a is the argument, %t the library's text. Hints of other kinds are
 * printed as the library words them. */
static const struct {
    koc_hint kind;
    const char *words;
} hints[] = {
    {KOC_HINT_LOGIN, "koc login %a"},
    {KOC_HINT_OTHER_LOGIN, "%t; try: koc login %a"},
    {KOC_HINT_ALLOW_HTTP, "if that is intended: --allow-http=%a"},
    {KOC_HINT_TRUST_CA, "--registry-ca=FILE trusts the authority's certificate; or %t"},
    {KOC_HINT_SCRATCH_BASE, "--base-image=scratch builds without a base image, "
                            "--base-image=REFERENCE on another one"},
    {KOC_HINT_ONLINE, "run once without --offline"},
    {KOC_HINT_OFFLINE, "--offline builds on what the last build fetched"},
    {KOC_HINT_NO_PUSH, "with --push=false, images can go to --oci-layout-path or --tarball"},
    {KOC_HINT_LIST_TAGS, "koc ls %a lists the tags"},
    {KOC_HINT_NO_SUCH_BASE,
     "koc ls %a lists the tags; --base-image=scratch builds without a base image"},
};

/* "--image-label=x" of "labels=x". */
static void option_to_flag(const char *option, char out[128])
{
    size_t n = strcspn(option, "=");
    const char *name = option;
    size_t len = n;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strlen(flags[i].option) == n && strncmp(option, flags[i].option, n) == 0) {
            name = flags[i].flag;
            len = strlen(name);
        }
    }
    snprintf(out, 128, "--%.*s%s", (int)len, name, option + n);
    for (char *c = out; *c && *c != '='; c++) {
        *c = *c == '_' ? '-' : *c;
    }
}

/* Copies text with the flag in the place of the option at `at`; at may be NULL. */
static void replace_option(const char *text, const char *at, const char *option, char *out,
                           size_t size)
{
    char flag[128];
    if (!at) {
        snprintf(out, size, "%s", text);
        return;
    }
    option_to_flag(option, flag);
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, flag, at + strlen(option));
}

const char *cli_error_message(const koc_error *err, char *out, size_t size)
{
    const char *text = koc_error_message(err);
    const char *option = koc_error_option(err);
    bool begins = option && strncmp(text, option, strlen(option)) == 0;
    replace_option(text, begins ? text : NULL, option, out, size);
    return out;
}

static void fill_template(const char *words, const char *text, const char *argument, char *out,
                          size_t size)
{
    size_t len = 0;
    for (const char *w = words; *w && len + 1 < size; w++) {
        const char *value = strncmp(w, "%t", 2) == 0   ? text
                            : strncmp(w, "%a", 2) == 0 ? argument
                                                       : NULL;
        int n = value ? snprintf(out + len, size - len, "%s", value)
                      : snprintf(out + len, size - len, "%c", *w);
        len += (size_t)n;
        w += value != NULL;
    }
}

const char *cli_error_hint(const koc_error *err, char *out, size_t size)
{
    const char *text = koc_error_hint(err);
    koc_hint kind = koc_error_hint_kind(err);
    const char *argument = koc_error_hint_argument(err);
    if (!text) {
        return NULL;
    }
    replace_option(text, kind == KOC_HINT_OPTION ? strstr(text, argument) : NULL, argument, out,
                   size);
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (hints[i].kind == kind) {
            fill_template(hints[i].words, text, argument ? argument : "", out, size);
        }
    }
    return out;
}

int cli_fail(koc_error **err, koc_code code, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (err) {
        *err = koc_error_new(code, text);
    }
    return code;
}

int cli_reject(koc_error **err, const char *option, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (err) {
        *err = koc_error_new_option(option, text);
    }
    return KOC_EINVAL;
}

int cli_fail_memory(koc_error **err)
{
    return cli_fail(err, KOC_ENOMEM, "out of memory");
}

int cli_exit_code(const cli *c, int rc, const koc_error *err)
{
    return rc == KOC_OK ? EXIT_OK : cli_error(c, err);
}

int cli_error(const cli *c, const koc_error *err)
{
    const char *detail = koc_error_detail(err);
    char text[TEXT_MAX];
    if (koc_error_code(err) == KOC_ECANCELLED) {
        return cli_cancelled(c);
    }
    if (detail && *detail) {
        cli_output(c, "output", detail);
    }
    cli_usage(c, "%s", cli_error_message(err, text, sizeof(text)));
    if (cli_error_hint(err, text, sizeof(text))) {
        cli_hint(c, "%s", text);
    }
    /* The value of a flag was rejected: nothing was built. */
    bool usage = koc_error_code(err) == KOC_EINVAL && koc_error_option(err);
    return usage ? EXIT_USAGE : EXIT_FAILED;
}
