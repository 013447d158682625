#include "core/common.h"

#include <stdio.h>

#include "core/map.h"
#include "core/str.h"
#include "test.h"

static int freed;

static void count_free(void *value)
{
    (void)value;
    freed++;
}

static koc_str number(char space[16], int i)
{
    snprintf(space, 16, "key%d", i);
    return koc__str(space);
}

KOC_TEST(map_sets_gets_and_replaces)
{
    KOC__AUTO(koc__map) m = koc__map_new(NULL);
    int one, two;
    assert_null(koc__map_get(m, KOC__STR("a")));
    assert_int_equal(koc__map_set(m, KOC__STR("a"), &one, NULL), KOC_OK);
    assert_int_equal(koc__map_set(m, KOC__STR(""), &two, NULL), KOC_OK);
    assert_int_equal(koc__map_set(m, koc__str_n("a\0b", 3), &two, NULL), KOC_OK);
    assert_ptr_equal(koc__map_get(m, KOC__STR("a")), &one);
    assert_ptr_equal(koc__map_get(m, KOC__STR("")), &two);
    assert_ptr_equal(koc__map_get(m, koc__str_n("a\0b", 3)), &two);
    assert_int_equal(koc__map_set(m, KOC__STR("a"), &two, NULL), KOC_OK);
    assert_ptr_equal(koc__map_get(m, KOC__STR("a")), &two);
    assert_int_equal(koc__map_count(m), 3);
}

KOC_TEST(map_frees_what_is_replaced_removed_or_left)
{
    koc__map *m = koc__map_new(count_free);
    int a, b, c;
    freed = 0;
    koc__map_set(m, KOC__STR("x"), &a, NULL);
    koc__map_set(m, KOC__STR("x"), &a, NULL); /* the same value again is not freed */
    assert_int_equal(freed, 0);
    koc__map_set(m, KOC__STR("x"), &b, NULL);
    assert_int_equal(freed, 1);
    koc__map_remove(m, KOC__STR("nothing"));
    koc__map_remove(m, KOC__STR("x"));
    assert_int_equal(freed, 2);
    koc__map_set(m, KOC__STR("y"), &c, NULL);
    koc__map_free(m);
    assert_int_equal(freed, 3);
    koc__map_free(NULL);
}

KOC_TEST(map_keeps_the_order_of_insertion)
{
    KOC__AUTO(koc__map) m = koc__map_new(NULL);
    static int values[5000];
    char space[16];
    size_t cursor = 0;
    koc_str key;
    void *value;
    int seen = 0;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(koc__map_set(m, number(space, i), &values[i], NULL), KOC_OK);
    }
    for (int i = 0; i < 5000; i += 2) {
        koc__map_remove(m, number(space, i));
    }
    assert_int_equal(koc__map_count(m), 2500);
    while (koc__map_next(m, &cursor, &key, &value)) {
        int i = seen++ * 2 + 1;

        assert_true(koc__str_eq(key, number(space, i)));
        assert_ptr_equal(value, &values[i]);
    }
    assert_int_equal(seen, 2500);
    for (int i = 0; i < 5000; i++) {
        assert_ptr_equal(koc__map_get(m, number(space, i)), i % 2 ? &values[i] : NULL);
    }
}

KOC_TEST(map_set_and_remove_for_ever_stays_small)
{
    KOC__AUTO(koc__map) m = koc__map_new(NULL);
    char space[16];
    int value;
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(koc__map_set(m, number(space, i), &value, NULL), KOC_OK);
        koc__map_remove(m, number(space, i));
    }
    assert_int_equal(koc__map_count(m), 0);
}

KOC_TEST(map_without_memory_keeps_what_it_had)
{
    KOC__AUTO(koc__map) m = koc__map_new(NULL);
    char space[16];
    int value;
    int i = 0;
    for (uint64_t n = 1; n < 40; n++) {
        int rc;

        koc__alloc_fail_after(n % 4);
        rc = koc__map_set(m, number(space, i), &value, NULL);
        koc__alloc_fail_after(0);
        i += rc == KOC_OK ? 1 : 0;
        assert_int_equal(koc__map_count(m), i);
    }
    for (int k = 0; k < i; k++) {
        assert_ptr_equal(koc__map_get(m, number(space, k)), &value);
    }
    koc__alloc_fail_after(1);
    assert_null(koc__map_new(NULL));
    koc__alloc_fail_after(0);
}
