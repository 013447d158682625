/* A directory for targets that need files: one per process, in memory if /dev/shm exists. */
#ifndef KOC_FUZZ_FOLDER_H
#define KOC_FUZZ_FOLDER_H

#include "fuzz.h"

#include <stdio.h>

#include "core/io/fs.h"

static char *fuzz_folder_path;

static inline void fuzz_folder_remove(void)
{
    (void)koc__fs_remove(fuzz_folder_path, NULL);
    koc__free(fuzz_folder_path);
}

/* Creates the directory at the first call. It is removed when the process ends. */
static inline const char *fuzz_folder(void)
{
    if (!fuzz_folder_path) {
        const char *place = koc__fs_is_dir("/dev/shm") ? "/dev/shm" : NULL;
        FUZZ_CHECK(koc__fs_tempdir_in(place, "koc-fuzz-", &fuzz_folder_path, NULL) == KOC_OK);
        FUZZ_CHECK(atexit(fuzz_folder_remove) == 0);
    }
    return fuzz_folder_path;
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
