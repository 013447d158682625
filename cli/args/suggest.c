/* What somebody may have meant: the nearest word there is, or koc's word for another tool's. */
#include "cli.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Letters that are missing, surplus, wrong, or swapped with their neighbour. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    size_t n = strlen(b);
    if (n > WORD_MAX || strlen(a) > WORD_MAX) {
        return SIZE_MAX;
    }
    for (size_t k = 0; k <= n; k++) {
        last[k] = k;
    }
    for (size_t i = 1; a[i - 1]; i++) {
        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            bool same = a[i - 1] == b[k - 1];
            row[k] = least(last[k] + 1, row[k - 1] + 1, last[k - 1] + !same);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                before[k - 2] + 1 < row[k]) {
                row[k] = before[k - 2] + 1;
            }
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[n];
}

/* The beginning of one name alone. */
static const char *completed(const char *word, const char *const *names)
{
    const char *found = NULL;
    size_t len = strlen(word);
    for (size_t i = 0; len >= 3 && names[i]; i++) {
        if (strncmp(names[i], word, len) == 0) {
            if (found) {
                return NULL;
            }
            found = names[i];
        }
    }
    return found;
}

const char *cli_nearest(const char *word, const char *const *names)
{
    const char *best = completed(word, names);
    size_t len = strlen(word);
    size_t limit = len < 6 ? 1 : len / 3; /* further away is no suggestion */
    size_t nearest = SIZE_MAX;
    for (size_t i = 0; !best && names[i]; i++) {
        size_t d = distance(word, names[i]);
        nearest = d < nearest ? d : nearest;
    }
    for (size_t i = 0; !best && nearest <= limit && names[i]; i++) {
        best = distance(word, names[i]) == nearest ? names[i] : NULL;
    }
    return best;
}

/* --- commands of other tools --- */

static const struct {
    const char *words; /* with a blank before and after each */
    const char *hint;
} elsewhere[] = {
    {" images tags list list-tags ", "koc ls REPOSITORY lists tags, koc ls REGISTRY repositories"},
    {" catalog repositories ", "koc ls REGISTRY lists its repositories"},
    {" rmi remove untag ", "koc rm REF removes a tag or an image from a registry"},
    {" sync mirror ", "koc copy -a SRC DST copies every tag of a repository"},
    {" save ", "koc pull --format=docker REF FILE.tar writes what docker load reads"},
    {" load import ", "koc push FILE.tar REF pushes an archive of docker save"},
    {" history describe-image ", "koc inspect REF shows settings, layers and history"},
    {" manifest-digest ", "koc digest SRC prints the digest of a manifest"},
    {" registry ", "koc serve DIR is a small registry over an OCI layout"},
    {" buildx bake image compile ",
     "koc build ./cmd/app builds and pushes the image of a Go program"},
    {" deps sbom ", "koc build --sbom-dir=DIR writes the SBOM of each image to DIR"},
    {" deploy rollout ", "koc apply -f FILE builds, pushes and applies, and --wait waits for it"},
    {" dev watch ", "koc build --watch builds again on every save"},
    {" clean clear prune gc ", "koc cache clear empties koc's cache, koc cache prune trims it"},
    {" check info env ", "koc doctor says what of this machine a build needs is broken"},
    {" whoami ", "koc auth get REGISTRY prints the credentials for a registry"},
    {" init ", "koc build ./cmd/app needs no settings; a .ko.yaml is optional"},
    {" layer ", "koc blob REPOSITORY@DIGEST prints a layer, koc append adds one"},
    {" logs exec ps start stop kill attach ",
     "docker, podman or kubectl looks after containers; koc build --run starts one"},
    {" get describe edit expose scale ",
     "kubectl knows it; koc apply, create, delete and run use kubectl"},
};

static const char *known_elsewhere(const char *word)
{
    char padded[WORD_MAX + 3];
    int n = snprintf(padded, sizeof(padded), " %s ", word);
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
        if (n > 2 && (size_t)n < sizeof(padded) && strstr(elsewhere[i].words, padded)) {
            return elsewhere[i].hint;
        }
    }
    return NULL;
}

int cli_no_such_command(const cli *c, const char *word)
{
    const char *names[128];
    size_t n = 0;
    for (size_t i = 0; cli_commands[i] && n < 126; i++) {
        names[n++] = cli_commands[i]->name;
        if (cli_commands[i]->alias) {
            names[n++] = cli_commands[i]->alias;
        }
    }
    names[n] = NULL;
    const char *known = known_elsewhere(word), *near = known ? NULL : cli_nearest(word, names);
    cli_usage(c, "unknown command: %s", word);
    if (known) {
        cli_hint(c, "%s", known);
    } else if (near) {
        cli_hint(c, "did you mean koc %s?", near);
    } else {
        cli_hint(c, "koc help lists the commands");
    }
    return EXIT_USAGE;
}
