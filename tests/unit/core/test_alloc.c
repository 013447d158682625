#include "core/common.h"

#include "test.h"

KOC_TEST(alloc_fails_from_the_nth_call_on)
{
    koc__alloc_fail_after(2);
    void *a = koc__malloc(1);
    void *b = koc__malloc(1);
    void *c = koc__calloc(1, 1);
    koc__alloc_fail_after(0);
    assert_non_null(a);
    assert_null(b);
    assert_null(c);
    koc__free(a);
}

KOC_TEST(alloc_counts)
{
    uint64_t before = koc__alloc_count();
    void *p = koc__malloc(3);
    p = koc__realloc(p, 9);
    assert_non_null(p);
    assert_int_equal(koc__alloc_count() - before, 2);
    koc__free(p);
}

KOC_TEST(alloc_of_nothing_is_something)
{
    void *p = koc__malloc(0);
    void *q = koc__calloc(0, 8);
    void *r = koc__realloc(NULL, 0);
    assert_non_null(p);
    assert_non_null(q);
    assert_non_null(r);
    koc__free(p);
    koc__free(q);
    koc__free(r);
}

KOC_TEST(alloc_refuses_sizes_that_overflow)
{
    void *p = NULL;
    size_t capacity = 0;
    assert_null(koc__malloc(SIZE_MAX));
    assert_null(koc__calloc(SIZE_MAX / 2, 3));
    assert_null(koc__strndup("", SIZE_MAX));
    assert_false(koc__grow(&p, &capacity, SIZE_MAX / 4, 8));
    assert_null(p);
    assert_int_equal(capacity, 0);
}

KOC_TEST(alloc_grow_keeps_content_and_is_amortised)
{
    int *numbers = NULL;
    size_t capacity = 0;
    uint64_t before = koc__alloc_count();
    for (int i = 0; i < 10000; i++) {
        void *p = numbers;

        assert_true(koc__grow(&p, &capacity, (size_t)i + 1, sizeof(*numbers)));
        numbers = p;
        numbers[i] = i;
    }
    assert_in_range(koc__alloc_count() - before, 1, 30);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(numbers[i], i);
    }
    koc__free(numbers);
}

KOC_TEST(alloc_grow_leaves_all_as_it_was_without_memory)
{
    void *p = NULL;
    size_t capacity = 0;
    assert_true(koc__grow(&p, &capacity, 4, 4));
    void *before = p;
    koc__alloc_fail_after(1);
    assert_false(koc__grow(&p, &capacity, 1000, 4));
    koc__alloc_fail_after(0);
    assert_ptr_equal(p, before);
    assert_int_equal(capacity, 8);
    koc__free(p);
}

KOC_TEST(alloc_strdup)
{
    char *s = koc__strdup("abc");
    char *t = koc__strndup("abc", 2);
    assert_string_equal(s, "abc");
    assert_string_equal(t, "ab");
    assert_null(koc__strdup(NULL));
    koc__free(s);
    koc__free(t);
}

KOC_TEST(alloc_wipe_overwrites)
{
    char secret[] = "secret";
    koc__wipe(secret, sizeof(secret));
    for (size_t i = 0; i < sizeof(secret); i++) {
        assert_int_equal(secret[i], 0);
    }
    koc__wipe(NULL, 0);
}
