/* What the tests of files share. */
#ifndef KOC_TESTS_CORE_HELPER_H
#define KOC_TESTS_CORE_HELPER_H

#include "core/common.h"

#include <sys/stat.h>

#include "test.h"

/* Permission bits. */
mode_t mode_of(const char *path);
void assert_content(const char *path, const char *expected);
size_t count_files(const char *dir);

#endif
