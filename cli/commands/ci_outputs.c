/*
 * GitHub: lines "name=value" are appended to the file that $GITHUB_OUTPUT names; its attest action takes subject-name,
 * subject-digest and sbom-path as they are. GitLab: a file of variables, which becomes a dotenv report.
 */
#include "commands/ci_outputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup_macros.h"
#include "term/json_output.h"

int ci_outputs_check(const cli *c, const ci_outputs *o)
{
    const char *file = getenv("GITHUB_OUTPUT");
    if (o->github && (!file || !*file)) {
        return cli_usage(
            c,
            "--github-output: GITHUB_OUTPUT is not set, so this is not a step of GitHub Actions");
    }
    return EXIT_OK;
}

/* What the three values about a build of one image are called. */
typedef struct names {
    const char *name, *digest, *sbom;
} names;

/* "NAME@DIGEST". An image that was loaded into an engine has no digest, and nothing can attest it. */
static void put_subject(FILE *out, const names *n, const koc_published *r)
{
    const char *reference = koc_published_reference(r, 0), *at = strrchr(reference, '@');
    const char *sbom = koc_published_sbom(r, 0);
    if (koc_published_count(r) != 1 || !at) {
        return;
    }
    fprintf(out, "%s=%.*s\n%s=%s\n", n->name, (int)(at - reference), reference, n->digest, at + 1);
    if (sbom) {
        fprintf(out, "%s=%s\n", n->sbom, sbom);
    }
}

static void put_github(FILE *out, const koc_published *r)
{
    static const names n = {"subject-name", "subject-digest", "sbom-path"};
    fputs("images=[", out);
    for (size_t i = 0; i < koc_published_count(r); i++) {
        fputs(i ? "," : "", out);
        cli_json_string(out, koc_published_reference(r, i), "");
    }
    fputs("]\n", out);
    put_subject(out, &n, r);
}

static void put_dotenv(FILE *out, const koc_published *r)
{
    static const names n = {"KOC_SUBJECT_NAME", "KOC_SUBJECT_DIGEST", "KOC_SBOM_PATH"};
    fputs("KOC_IMAGES=", out);
    for (size_t i = 0; i < koc_published_count(r); i++) {
        fprintf(out, "%s%s", i ? " " : "", koc_published_reference(r, i));
    }
    fputs("\n", out);
    if (koc_published_count(r) == 1) {
        fprintf(out, "KOC_IMAGE=%s\n", koc_published_reference(r, 0));
    }
    put_subject(out, &n, r);
}

/* text is what fn writes. */
static int collect(const cli *c, void (*fn)(FILE *out, const koc_published *r),
                   const koc_published *r, char **text, size_t *len)
{
    FILE *out = open_memstream(text, len);
    if (!out) {
        return cli_no_memory(c);
    }
    fn(out, r);
    return fclose(out) == 0 ? EXIT_OK : cli_no_memory(c);
}

static int append_to_github(const cli *c, const char *text, size_t len)
{
    const char *path = getenv("GITHUB_OUTPUT");
    FILE *file = fopen(path, "a");
    bool written = file && fwrite(text, 1, len, file) == len;
    if (file && fclose(file) != 0) {
        written = false;
    }
    if (!written) {
        cli_failure(c, "cannot write to GITHUB_OUTPUT (%s): %s", path, strerror(errno));
        return EXIT_FAILURE;
    }
    return EXIT_OK;
}

static int replace_dotenv(const cli *c, const char *path, const char *text, size_t len)
{
    CLI_AUTO(koc_error) err = NULL;
    CLI_AUTO(koc_file) file = NULL;
    if (koc_file_new(path, 0, NULL, &file, &err) != KOC_OK ||
        koc_file_write(file, text, len, &err) != KOC_OK || koc_file_finish(file, &err) != KOC_OK) {
        return cli_error(c, err);
    }
    return EXIT_OK;
}

int ci_outputs_write(const cli *c, const ci_outputs *o, const koc_published *result)
{
    CLI_AUTO_STR github = NULL;
    CLI_AUTO_STR dotenv = NULL;
    size_t len = 0;
    if (koc_published_count(result) == 0) {
        return EXIT_OK;
    }
    if (o->github) {
        CLI_TRY(collect(c, put_github, result, &github, &len));
        CLI_TRY(append_to_github(c, github, len));
    }
    if (o->dotenv) {
        CLI_TRY(collect(c, put_dotenv, result, &dotenv, &len));
        CLI_TRY(replace_dotenv(c, o->dotenv, dotenv, len));
    }
    return EXIT_OK;
}
