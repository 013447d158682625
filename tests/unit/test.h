/*
 * Self-registering unit tests on cmocka.
 *
 *     #include "core/common.h"
 *     #include "test.h"
 *
 *     KOC_TEST(buf_refuses_to_grow_past_its_ceiling)
 *     {
 *         ...
 *         assert_int_equal(rc, KOC_ELIMIT);
 *     }
 *
 * There is no list to forget: each test adds itself before main() runs. All files of a module make
 * one program, linked with tests/unit/main.c; `program PATTERN` runs the tests whose name contains
 * PATTERN, `program --list` names them.
 */
#ifndef KOC_TESTS_UNIT_TEST_H
#define KOC_TESTS_UNIT_TEST_H

/* cmocka.h asks for these four before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One registered test: a link of the list that main.c walks. Static storage, never freed. */
struct koc_test {
    const char *name;
    void (*run)(void **state);
    struct koc_test *next;
};

/* Appends `test` to the list. Called by constructors only. */
void koc_test_register(struct koc_test *test);

/*
 * A fresh directory of this test's own; removed with all it holds when the test ends, however it
 * ends. Every call in one test returns the same directory. The string is the runner's.
 */
const char *koc_test_dir(void);

/* "<koc_test_dir()>/<name>", in one of eight buffers used in turn: copy it to keep it for long. */
const char *koc_test_path(const char *name);

/* Writes `len` bytes to "<koc_test_dir()>/<name>" and returns that path (as koc_test_path()). */
const char *koc_test_write(const char *name, const void *data, size_t len);

#define KOC_TEST(name_)                                                                            \
    static void name_(void **state);                                                               \
    __attribute__((constructor)) static void koc_test_add_##name_(void)                            \
    {                                                                                              \
        static struct koc_test test = {#name_, name_, NULL};                                       \
        koc_test_register(&test);                                                                  \
    }                                                                                              \
    static void name_(__attribute__((unused)) void **state)

#endif
