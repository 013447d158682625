/* Suggestions for mistyped words: the nearest known word, or koc's command for that of another tool. */
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

/* The number of letters that are missing, surplus, wrong, or swapped with their neighbour. */
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

/* The only name that begins with word, or NULL. */
static const char *complete_unique(const char *word, const char *const *names)
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
    const char *best = complete_unique(word, names);
    size_t len = strlen(word);
    size_t limit = len < 6 ? 1 : len / 3; /* names further away would not be useful suggestions */
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

/* --- commands --- */

static const struct {
    const char *words; /* with a blank before and after each word */
    const char *hint;
} foreign_commands[] = {
    {" images tags list list-tags ", "koc ls REPOSITORY lists tags, koc ls REGISTRY repositories"},
    {" catalog repositories ", "koc ls REGISTRY lists its repositories"},
    {" rmi remove untag ", "koc rm REF removes a tag or an image from a registry"},
    {" sync mirror ", "koc copy -a SRC DST copies every tag of a repository"},
    {" save ", "koc pull --format=docker REF FILE.tar writes what docker load reads"},
    {" load import ", "koc push FILE.tar REF pushes an archive of docker save"},
    {" history describe-image ", "koc inspect REF shows settings, layers and history"},
    {" manifest-digest ", "koc digest SRC prints the digest of a manifest"},
    {" registry ", "koc serve DIR serves an OCI layout as a small registry"},
    {" buildx bake image compile ",
     "koc build ./cmd/app builds and pushes the image of a Go program"},
    {" deps sbom ", "koc build --sbom-dir=DIR writes the SBOM of each image to DIR"},
    {" deploy rollout ",
     "koc apply -f FILE builds, pushes and applies; --wait waits for the rollout"},
    {" dev watch ", "koc build --watch builds again on every save"},
    {" clean clear prune gc ", "koc cache clear empties koc's cache, koc cache prune trims it"},
    {" check info env ", "koc doctor checks what a build needs on this machine"},
    {" whoami ", "koc auth get REGISTRY prints the credentials for a registry"},
    {" init ", "koc build ./cmd/app needs no settings; a .ko.yaml is optional"},
    {" layer ", "koc blob REPOSITORY@DIGEST prints a layer, koc append adds one"},
    {" logs exec ps start stop kill attach ",
     "docker, podman or kubectl manages containers; koc build --run starts one"},
    {" get describe edit expose scale ",
     "kubectl does that; koc apply, create, delete and run use kubectl"},
};

static const char *hint_for_foreign(const char *word)
{
    char padded[WORD_MAX + 3];
    int n = snprintf(padded, sizeof(padded), " %s ", word);
    for (size_t i = 0; i < sizeof(foreign_commands) / sizeof(foreign_commands[0]); i++) {
        if (n > 2 && (size_t)n < sizeof(padded) && strstr(foreign_commands[i].words, padded)) {
            return foreign_commands[i].hint;
        }
    }
    return NULL;
}

const cli_command *cli_find_command(const cli *c, const char *name)
{
    for (size_t i = 0; c->commands[i]; i++) {
        const cli_command *x = c->commands[i];
        if (strcmp(x->name, name) == 0 || (x->alias && strcmp(x->alias, name) == 0)) {
            return x;
        }
    }
    return NULL;
}

int cli_unknown_command(const cli *c, const char *word)
{
    const char *names[128];
    size_t n = 0;
    for (size_t i = 0; c->commands[i] && n < 126; i++) {
        names[n++] = c->commands[i]->name;
        if (c->commands[i]->alias) {
            names[n++] = c->commands[i]->alias;
        }
    }
    names[n] = NULL;
    const char *known = hint_for_foreign(word), *near = known ? NULL : cli_nearest(word, names);
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
