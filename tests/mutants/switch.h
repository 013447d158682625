/*
 * What ./dev mutants puts into a file that it rewrites: koc__mutant(N) is 1 while fault N is on.
 *
 *     KOC_MUTANT=17                               fault 17 is on
 *     KOC_MUTANT=record KOC_MUTANT_HITS=FILE      none is; byte N of FILE becomes 1 where site N is reached
 */
/* A fuzz target includes a file of cli/ after core/banned.h. */
#undef getenv
#undef atoi

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int koc__mutant_on = -1;
static volatile unsigned char *koc__mutant_hits;
static long koc__mutant_sites;

/* The file is mapped, so that a program that is killed has recorded too. */
static void __attribute__((constructor)) koc__mutant_start(void)
{
    const char *which = getenv("KOC_MUTANT");
    const char *path = getenv("KOC_MUTANT_HITS");
    struct stat st;

    if (which == NULL) {
        return;
    }
    if (strcmp(which, "record") != 0) {
        koc__mutant_on = atoi(which);
        return;
    }
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        koc__mutant_hits = map != MAP_FAILED ? map : NULL;
        koc__mutant_sites = st.st_size;
    }
    if (fd >= 0) {
        close(fd);
    }
}

static int koc__mutant(int site)
{
    if (koc__mutant_hits && site < koc__mutant_sites) {
        koc__mutant_hits[site] = 1;
    }
    return site == koc__mutant_on;
}
