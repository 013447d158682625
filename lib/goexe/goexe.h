/* Reads what a linked Go program says about itself. Formats: ELF, Mach-O, PE. */
#ifndef KOC__GOEXE_H
#define KOC__GOEXE_H

#include <koc/base.h>

#include "core/cleanup.h"

/* --- build info (buildinfo.c) --- */
typedef struct koc__exe_module {
    const char *path, *version, *sum;      /* sum may be "" */
    const struct koc__exe_module *replace; /* or NULL */
} koc__exe_module;
typedef struct koc__exe_info { /* strings live in the object */
    const char *go_version, *path;
    koc__exe_module main; /* path NULL: there is none */
    koc__exe_module *deps;
    size_t n_deps;
    koc_kv *settings; /* build lines */
    size_t n_settings;
    char *text; /* as `go version -m` prints it after the first line */
} koc__exe_info;
/* KOC_ENOTFOUND: not a Go program, or its build info was removed. KOC_EFORMAT: damaged. */
int koc__exe_info_read(const char *path, koc__exe_info **out, koc_error **err);
/* The same for a file in memory; the entry for tests and fuzzing. */
int koc__exe_info_parse(koc_str file, koc__exe_info **out, koc_error **err);
/* The value of a build setting ("vcs.revision"), or NULL; i may be NULL. Borrowed. */
const char *koc__exe_setting(const koc__exe_info *i, const char *key);
void koc__exe_info_free(koc__exe_info *i);
KOC__DEFINE_AUTO(koc__exe_info, koc__exe_info_free);

/* The dynamic loader that the ELF program at path names. *out NULL: it names none, or it is not an ELF
 * file. */
int koc__exe_loader(const char *path, char **out, koc_error **err);

/* Go's build ID of the program at path, if a hash of the content is part of it: two files with the same
 * ID are equal. *out NULL: there is none. KOC_ENOMEM. */
int koc__exe_build_id(const char *path, char **out, koc_error **err);

#endif
