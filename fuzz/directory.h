/* A directory for targets that need files: one per process, in memory if /dev/shm exists. */
#ifndef KOC_FUZZ_FOLDER_H
#define KOC_FUZZ_FOLDER_H

#include "fuzz.h"

#include <stdio.h>

#include "core/io/fs.h"

static char *fuzz_directory_path;

static inline void fuzz_directory_remove(void)
{
    (void)koc__fs_remove(fuzz_directory_path, NULL);
    koc__free(fuzz_directory_path);
}

/* Creates the directory at the first call. It is removed when the process ends. */
static inline const char *fuzz_directory(void)
{
    if (!fuzz_directory_path) {
        const char *place = koc__fs_is_dir("/dev/shm") ? "/dev/shm" : NULL;
        FUZZ_CHECK(koc__fs_tempdir_in(place, "koc-fuzz-", &fuzz_directory_path, NULL) == KOC_OK);
        FUZZ_CHECK(atexit(fuzz_directory_remove) == 0);
    }
    return fuzz_directory_path;
}

/* Writes in place: no other process reads it. */
static inline void fuzz_write(const char *path, koc_str content)
{
    FILE *f = fopen(path, "wb");
    FUZZ_CHECK(f);
    FUZZ_CHECK(fwrite(content.ptr ? content.ptr : "", 1, content.len, f) == content.len);
    FUZZ_CHECK(fclose(f) == 0);
}

#endif
