#include "core/common.h"

#include "core/dynbuf.h"
#include "core/str.h"
#include "test.h"

KOC_TEST(buf_appends_and_stays_terminated)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);
    assert_string_equal(koc__dynbuf_cstr(&b), "");
    assert_int_equal(koc__dynbuf_view(&b).len, 0);
    assert_int_equal(koc__dynbuf_puts(&b, "ab", NULL), KOC_OK);
    assert_int_equal(koc__dynbuf_putc(&b, 'c', NULL), KOC_OK);
    assert_int_equal(koc__dynbuf_put(&b, KOC__STR("de"), NULL), KOC_OK);
    assert_int_equal(koc__dynbuf_printf(&b, NULL, "%d%s", 12, "x"), KOC_OK);
    assert_int_equal(koc__dynbuf_append(&b, NULL, 0, NULL), KOC_OK);
    assert_string_equal(b.ptr, "abcde12x");
    assert_int_equal(b.len, 8);
    koc__dynbuf_clear(&b);
    assert_string_equal(koc__dynbuf_cstr(&b), "");
}

KOC_TEST(buf_refuses_to_grow_past_its_maximum)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(4);
    koc_error *e = NULL;
    assert_int_equal(koc__dynbuf_puts(&b, "abcd", &e), KOC_OK);
    assert_null(e);
    assert_int_equal(koc__dynbuf_putc(&b, 'e', &e), KOC_ELIMIT);
    assert_string_equal(koc_error_message(e), "more than the limit of 4 bytes");
    assert_int_equal(koc__dynbuf_printf(&b, &e, "%s", "e"), KOC_ELIMIT);
    assert_int_equal(koc__dynbuf_append(&b, "x", SIZE_MAX, NULL), KOC_ELIMIT);
    assert_string_equal(b.ptr, "abcd");
    koc_error_free(e);
}

KOC_TEST(buf_without_room_for_anything)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(0);
    assert_int_equal(koc__dynbuf_puts(&b, "", NULL), KOC_OK);
    assert_int_equal(koc__dynbuf_putc(&b, 'x', NULL), KOC_ELIMIT);
}

KOC_TEST(buf_grows_geometrically_within_the_maximum)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100000);
    uint64_t before = koc__alloc_count();
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(koc__dynbuf_putc(&b, (char)('a' + i % 26), NULL), KOC_OK);
    }
    assert_in_range(koc__alloc_count() - before, 1, 25);
    assert_true(b.capacity <= 100001);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(b.ptr[i], 'a' + i % 26);
    }
}

KOC_TEST(buf_without_memory_keeps_its_content)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(SIZE_MAX);
    koc_error *e = NULL;
    assert_int_equal(koc__dynbuf_puts(&b, "abc", &e), KOC_OK);
    koc__alloc_fail_after(1);
    assert_int_equal(koc__dynbuf_reserve(&b, 1000, &e), KOC_ENOMEM);
    koc__alloc_fail_after(0);
    assert_string_equal(b.ptr, "abc");
    koc_error_free(e);
}

KOC_TEST(buf_steal_and_give)
{
    koc__dynbuf b = KOC__DYNBUF_INIT(100);
    koc_buf out = KOC_BUF_INIT;
    char *s = koc__dynbuf_steal(&b);
    assert_string_equal(s, "");
    koc__free(s);
    koc__dynbuf_puts(&b, "x", NULL);
    s = koc__dynbuf_steal(&b);
    assert_string_equal(s, "x");
    assert_null(b.ptr);
    koc__free(s);

    assert_int_equal(koc_buf_set(&out, KOC__STR("old"), NULL), KOC_OK);
    koc__dynbuf_puts(&b, "new", NULL);
    koc__dynbuf_give(&b, &out);
    assert_string_equal(out.ptr, "new");
    assert_int_equal(out.len, 3);
    assert_null(b.ptr);
    koc_buf_dispose(&out);
}

KOC_TEST(buf_wipe_takes_any)
{
    koc__dynbuf b = KOC__DYNBUF_INIT(10);
    koc_buf c = KOC_BUF_INIT;
    koc__dynbuf_wipe(&b);
    koc__dynbuf_puts(&b, "secret", NULL);
    koc__dynbuf_wipe(&b);
    assert_null(b.ptr);
    koc_buf_wipe(&c);
    koc_buf_wipe(NULL);
    koc_buf_dispose(NULL);
}

KOC_TEST(buf_public_set_copies_even_from_itself)
{
    koc_buf b = KOC_BUF_INIT;
    koc_error *e = NULL;
    assert_int_equal(koc_buf_set(&b, KOC__STR("hello"), &e), KOC_OK);
    assert_int_equal(koc_buf_set(&b, (koc_str){b.ptr + 1, 3}, &e), KOC_OK);
    assert_string_equal(b.ptr, "ell");
    assert_int_equal(koc_buf_set(&b, (koc_str){NULL, 0}, &e), KOC_OK);
    assert_string_equal(b.ptr, "");
    assert_int_equal(koc_buf_set(NULL, KOC__STR(""), NULL), KOC_EMISUSE);
    assert_int_equal(koc_buf_set(&b, (koc_str){NULL, 3}, NULL), KOC_EMISUSE);
    koc__alloc_fail_after(1);
    assert_int_equal(koc_buf_set(&b, KOC__STR("x"), &e), KOC_ENOMEM);
    koc__alloc_fail_after(0);
    assert_string_equal(b.ptr, "");
    koc_error_free(e);
    koc_buf_dispose(&b);
}

KOC_TEST(buf_format)
{
    KOC__AUTO_STR s = koc__format("%s-%d", "a", 7);
    assert_string_equal(s, "a-7");
    koc__alloc_fail_after(1);
    assert_null(koc__format("%s", "x"));
    koc__alloc_fail_after(0);
}
