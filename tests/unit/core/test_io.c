#include "core/common.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <koc/io.h>

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/fs.h"
#include "core/io/io.h"
#include "core/str.h"
#include "test.h"

/* A user's reader over a string, which can misbehave. */
typedef struct source {
    const char *text;
    size_t at;
    size_t step;      /* bytes per read at most; 0: all */
    bool lie;         /* says that it gave more than was asked for */
    bool fail;        /* at the end instead of ending */
    bool fail_silent; /* the same without an error object */
    int closed;
    int opened;
    int released;
    pthread_t last_thread;
    koc_code error_code;
} source;

static int source_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    source *s = self;
    size_t n = KOC__MIN(len, strlen(s->text) - s->at);
    s->last_thread = pthread_self();
    n = s->step ? KOC__MIN(n, s->step) : n;
    if (n == 0 && s->fail) {
        if (!s->fail_silent) {
            *err = koc_error_new(s->error_code ? s->error_code : KOC_EIO, "the disk is on fire");
        }
        return KOC_EIO;
    }
    memcpy(buf, s->text + s->at, n);
    s->at += n;
    *n_read = s->lie ? len + 1 : n;
    return KOC_OK;
}

static void source_close(void *self)
{
    ((source *)self)->closed++;
}

static const koc_reader_ops source_ops = {sizeof(koc_reader_ops), 0, source_read, source_close};

static int source_open(void *self, uint64_t offset, const koc_op *op, koc_reader **out,
                       koc_error **err)
{
    source *s = self;
    s->opened++;
    s->at = (size_t)offset;
    s->last_thread = pthread_self();
    return koc_reader_new(&source_ops, s, out, err);
}

static void source_release(void *self)
{
    ((source *)self)->released++;
}

static const koc_blob_ops blob_ops = {sizeof(koc_blob_ops), 0, source_open, source_release};

static koc_digest digest_of(const char *text)
{
    koc_digest d;
    koc__sha256_of(text, strlen(text), &d);
    return d;
}

static void assert_reads(koc_blob *b, const char *expected)
{
    koc_buf out = KOC_BUF_INIT;
    assert_int_equal(koc_blob_read_all(b, 1 << 20, NULL, &out, NULL), KOC_OK);
    assert_int_equal(out.len, strlen(expected));
    assert_string_equal(out.ptr, expected);
    koc_buf_dispose(&out);
}

KOC_TEST(blob_from_bytes_copies_and_opens_anywhere)
{
    char text[] = "0123456789";
    KOC__AUTO(koc_blob) b = NULL;
    koc_digest d, expected = digest_of("0123456789");
    assert_int_equal(koc_blob_from_bytes(koc__str(text), &b, NULL), KOC_OK);
    text[0] = 'X';
    assert_reads(b, "0123456789");
    assert_int_equal(koc_blob_size(b), 10);
    for (uint64_t offset = 0; offset <= 10; offset++) {
        KOC__AUTO(koc_reader) r = NULL;
        char buf[20];
        size_t n = 99;

        assert_int_equal(koc_blob_open(b, offset, NULL, &r, NULL), KOC_OK);
        assert_int_equal(koc__reader_fill(r, buf, sizeof(buf), &n, NULL), KOC_OK);
        assert_int_equal(n, 10 - offset);
        assert_memory_equal(buf, "0123456789" + offset, n);
        assert_int_equal(koc_reader_read(r, buf, 5, &n, NULL), KOC_OK);
        assert_int_equal(n, 0);
    }
    assert_null(koc__blob_path(b));
    assert_int_equal(koc_blob_digest(b, NULL, &d, NULL), KOC_OK);
    assert_true(koc_digest_equal(&d, &expected));
}

KOC_TEST(blob_calls_refuse_misuse)
{
    KOC__AUTO(koc_blob) b = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    koc_buf out = KOC_BUF_INIT;
    koc_digest d;
    char c;
    size_t n;
    assert_int_equal(koc_blob_from_bytes((koc_str){NULL, 1}, &b, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_from_bytes(KOC__STR("x"), NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_from_file(NULL, NULL, &b, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_open(NULL, 0, NULL, &r, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_read_all(NULL, 1, NULL, &out, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_digest(NULL, NULL, &d, NULL), KOC_EMISUSE);
    assert_int_equal(koc_reader_read(NULL, &c, 1, &n, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_size(NULL), 0);
    assert_null(koc_blob_ref(NULL));
    koc_blob_unref(NULL);
    koc_reader_free(NULL);
    assert_int_equal(koc_blob_from_bytes(KOC__STR("x"), &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_open(b, 2, NULL, &r, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_open(b, 0, NULL, &r, NULL), KOC_OK);
    assert_int_equal(koc_reader_read(r, NULL, 1, &n, NULL), KOC_EMISUSE);
    assert_int_equal(koc_reader_read(r, &c, 1, NULL, NULL), KOC_EMISUSE);
}

KOC_TEST(blob_reader_keeps_its_blob)
{
    KOC__AUTO(koc_reader) r = NULL;
    koc_blob *b = NULL;
    char c = 0;
    size_t n = 0;
    assert_int_equal(koc_blob_from_bytes(KOC__STR("x"), &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_open(b, 0, NULL, &r, NULL), KOC_OK);
    koc_blob_unref(b);
    assert_int_equal(koc_reader_read(r, &c, 1, &n, NULL), KOC_OK);
    assert_int_equal(c, 'x');
}

KOC_TEST(blob_read_all_obeys_the_ceiling_and_keeps_the_output_on_failure)
{
    KOC__AUTO(koc_blob) b = NULL;
    koc_buf out = KOC_BUF_INIT;
    assert_int_equal(koc_buf_set(&out, KOC__STR("before"), NULL), KOC_OK);
    assert_int_equal(koc_blob_from_bytes(KOC__STR("12345"), &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_read_all(b, 4, NULL, &out, NULL), KOC_ELIMIT);
    assert_string_equal(out.ptr, "before");
    assert_int_equal(koc_blob_read_all(b, 5, NULL, &out, NULL), KOC_OK);
    assert_string_equal(out.ptr, "12345");
    koc_buf_dispose(&out);
}

KOC_TEST(blob_reader_ends_when_cancelled_after_the_user_dropped_the_token)
{
    KOC__AUTO(koc_blob) b = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    koc_cancel *cancel = NULL;
    koc_op op = KOC_OP_INIT;
    char c;
    size_t n = 7;
    assert_int_equal(koc_cancel_new(&cancel, NULL), KOC_OK);
    op.cancel = cancel;
    assert_int_equal(koc_blob_from_bytes(KOC__STR("12345"), &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_open(b, 0, &op, &r, NULL), KOC_OK);
    assert_int_equal(koc_reader_read(r, &c, 1, &n, NULL), KOC_OK);
    koc_cancel_trigger(cancel);
    koc_cancel_unref(cancel);
    assert_int_equal(koc_reader_read(r, &c, 1, &n, NULL), KOC_ECANCELLED);
    assert_int_equal(n, 1);
}

KOC_TEST(blob_from_file_checks_the_digest_at_the_end)
{
    const char *path = koc_test_write("f", "hello", 5);
    koc_digest good = digest_of("hello"), bad = digest_of("hellp");
    KOC__AUTO(koc_blob) right = NULL;
    KOC__AUTO(koc_blob) wrong = NULL;
    koc_buf out = KOC_BUF_INIT;
    koc_error *err = NULL;
    assert_int_equal(koc_blob_from_file(path, &good, &right, NULL), KOC_OK);
    assert_reads(right, "hello");
    assert_string_equal(koc__blob_path(right), path);
    assert_int_equal(koc_blob_from_file(path, &bad, &wrong, NULL), KOC_OK);
    assert_int_equal(koc_blob_read_all(wrong, 100, NULL, &out, &err), KOC_EDIGEST);
    assert_non_null(strstr(koc_error_message(err), path));
    assert_non_null(strstr(koc_error_message(err), koc__digest_hex(&bad).s));
    koc_error_free(err);
    assert_true(koc__fs_exists(path));
    assert_null(out.ptr);
}

/* Who reads exactly the size and never sees the end must not get wrong content either. */
KOC_TEST(blob_from_file_never_gives_the_last_byte_of_wrong_content)
{
    const char *path = koc_test_write("f", "hello", 5);
    koc_digest bad = digest_of("other");
    KOC__AUTO(koc_blob) b = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    char buf[5];
    size_t n = 0;
    assert_int_equal(koc_blob_from_file(path, &bad, &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_open(b, 0, NULL, &r, NULL), KOC_OK);
    assert_int_equal(koc_reader_read(r, buf, 4, &n, NULL), KOC_OK);
    assert_int_equal(n, 4);
    assert_int_equal(koc_reader_read(r, buf, 1, &n, NULL), KOC_EDIGEST);
    assert_int_equal(koc_reader_read(r, buf, 1, &n, NULL), KOC_EDIGEST);
}

KOC_TEST(blob_from_file_checks_the_digest_from_any_offset)
{
    const char *path = koc_test_write("f", "hello", 5);
    koc_digest good = digest_of("hello"), bad = digest_of("other");
    for (uint64_t offset = 0; offset <= 5; offset++) {
        KOC__AUTO(koc_blob) b = NULL;
        KOC__AUTO(koc_reader) r = NULL;
        KOC__AUTO(koc_blob) wrong = NULL;
        KOC__AUTO(koc_reader) wr = NULL;
        char buf[10];
        size_t n = 0;

        assert_int_equal(koc_blob_from_file(path, &good, &b, NULL), KOC_OK);
        assert_int_equal(koc_blob_open(b, offset, NULL, &r, NULL), KOC_OK);
        assert_int_equal(koc__reader_fill(r, buf, sizeof(buf), &n, NULL), KOC_OK);
        assert_int_equal(n, 5 - offset);
        assert_memory_equal(buf, "hello" + offset, n);
        assert_int_equal(koc_blob_from_file(path, &bad, &wrong, NULL), KOC_OK);
        int rc = koc_blob_open(wrong, offset, NULL, &wr, NULL);

        rc = rc == KOC_OK ? koc__reader_fill(wr, buf, sizeof(buf), &n, NULL) : rc;
        assert_int_equal(rc, KOC_EDIGEST);
    }
}

KOC_TEST(blob_from_file_notices_a_changed_size)
{
    const char *path = koc_test_write("f", "hello", 5);
    KOC__AUTO(koc_blob) b = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    char buf[10];
    size_t n = 0;
    assert_int_equal(koc_blob_from_file(path, NULL, &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_open(b, 0, NULL, &r, NULL), KOC_OK);
    koc_test_write("f", "hell", 4);
    assert_int_equal(koc__reader_fill(r, buf, sizeof(buf), &n, NULL), KOC_EDIGEST);
    koc_reader_free(koc__steal(&r));
    assert_int_equal(koc_blob_open(b, 0, NULL, &r, NULL), KOC_EDIGEST);
    koc_test_write("f", "hello!", 6);
    assert_int_equal(koc_blob_open(b, 0, NULL, &r, NULL), KOC_EDIGEST);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(koc_blob_open(b, 0, NULL, &r, NULL), KOC_ENOTFOUND);
}

KOC_TEST(blob_from_file_takes_plain_files_only)
{
    KOC__AUTO(koc_blob) b = NULL;
    const char *fifo = koc_test_path("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(koc_blob_from_file(fifo, NULL, &b, NULL), KOC_EINVAL);
    assert_int_equal(koc_blob_from_file(koc_test_dir(), NULL, &b, NULL), KOC_EINVAL);
    assert_int_equal(koc_blob_from_file(koc_test_path("none"), NULL, &b, NULL), KOC_ENOTFOUND);
    assert_null(b);
}

KOC_TEST(blob_from_file_part_is_bounded)
{
    const char *path = koc_test_write("f", "0123456789", 10);
    koc_digest d = digest_of("345");
    KOC__AUTO(koc_blob) b = NULL;
    KOC__AUTO(koc_blob) past = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    koc_blob *huge = NULL;
    assert_int_equal(koc__blob_from_file_part(path, 3, 3, &d, &b, NULL), KOC_OK);
    assert_reads(b, "345");
    assert_null(koc__blob_path(b));
    assert_int_equal(koc__blob_from_file_part(path, 8, 3, NULL, &past, NULL), KOC_OK);
    assert_int_equal(koc_blob_open(past, 0, NULL, &r, NULL), KOC_EDIGEST);
    assert_int_equal(koc__blob_from_file_part(path, UINT64_MAX, 1, NULL, &huge, NULL), KOC_EINVAL);
    assert_int_equal(koc__blob_from_file_part(path, 5, UINT64_MAX, NULL, &huge, NULL), KOC_EINVAL);
}

KOC_TEST(blob_from_cached_file_removes_what_is_wrong)
{
    const char *path = koc_test_write("f", "hello", 5);
    koc_digest bad = digest_of("other");
    KOC__AUTO(koc_blob) b = NULL;
    koc_buf out = KOC_BUF_INIT;
    assert_int_equal(koc__blob_from_cached_file(path, 5, &bad, false, &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_read_all(b, 100, NULL, &out, NULL), KOC_EDIGEST);
    assert_false(koc__fs_exists(path));
}

KOC_TEST(user_reader_is_read_and_closed_once)
{
    source s = {.text = "abc", .step = 2};
    koc_reader *r = NULL;
    char buf[10];
    size_t n = 0;
    assert_int_equal(koc_reader_new(&source_ops, &s, &r, NULL), KOC_OK);
    assert_int_equal(koc_reader_read(r, buf, sizeof(buf), &n, NULL), KOC_OK);
    assert_int_equal(n, 2);
    assert_int_equal(koc__reader_fill(r, buf, sizeof(buf), &n, NULL), KOC_OK);
    assert_int_equal(n, 1);
    koc_reader_free(r);
    assert_int_equal(s.closed, 1);
}

KOC_TEST(user_reader_failure_is_euser_with_its_own_error_as_cause)
{
    source s = {.text = "", .fail = true};
    KOC__AUTO(koc_reader) r = NULL;
    koc_error *err = NULL;
    char c;
    size_t n = 5;
    assert_int_equal(koc_reader_new(&source_ops, &s, &r, NULL), KOC_OK);
    assert_int_equal(koc_reader_read(r, &c, 1, &n, &err), KOC_EUSER);
    assert_int_equal(koc_error_code(err), KOC_EUSER);
    assert_non_null(strstr(koc_error_message(err), "the disk is on fire"));
    assert_int_equal(koc_error_code(koc_error_cause(err)), KOC_EIO);
    assert_int_equal(n, 5);
    koc__error_clear(&err);
    assert_int_equal(koc_reader_read(r, &c, 1, &n, NULL), KOC_EUSER);
    s.fail_silent = true;
    assert_int_equal(koc_reader_read(r, &c, 1, &n, &err), KOC_EUSER);
    assert_null(koc_error_cause(err));
    koc__error_clear(&err);
    s.fail_silent = false;
    s.error_code = KOC_ECANCELLED;
    assert_int_equal(koc_reader_read(r, &c, 1, &n, &err), KOC_ECANCELLED);
    koc_error_free(err);
}

KOC_TEST(user_reader_that_claims_too_much_is_caught)
{
    source s = {.text = "abc", .lie = true};
    KOC__AUTO(koc_reader) r = NULL;
    char buf[8];
    size_t n = 0;
    assert_int_equal(koc_reader_new(&source_ops, &s, &r, NULL), KOC_OK);
    assert_int_equal(koc_reader_read(r, buf, sizeof(buf), &n, NULL), KOC_EUSER);
    assert_int_equal(n, 0);
}

KOC_TEST(user_ops_of_wrong_size_or_without_functions_are_misuse)
{
    koc_reader_ops small = {4, 0, source_read, NULL},
                   flagged = {sizeof(flagged), 1, source_read, NULL};
    koc_blob_ops none = {sizeof(none), 0, NULL, NULL};
    koc_reader *r = NULL;
    koc_blob *b = NULL;

    assert_int_equal(koc_reader_new(&small, NULL, &r, NULL), KOC_EMISUSE);
    assert_int_equal(koc_reader_new(&flagged, NULL, &r, NULL), KOC_EMISUSE);
    assert_int_equal(koc_reader_new(NULL, NULL, &r, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_new(&none, NULL, 0, NULL, &b, NULL), KOC_EMISUSE);
    assert_int_equal(koc_blob_new(&blob_ops, NULL, 0, NULL, NULL, NULL), KOC_EMISUSE);
}

KOC_TEST(user_blob_is_released_with_its_last_reference)
{
    source s = {.text = "hello"};
    koc_digest d = digest_of("hello");
    koc_blob *b = NULL;
    koc_reader *r = NULL;
    assert_int_equal(koc_blob_new(&blob_ops, &s, 5, &d, &b, NULL), KOC_OK);
    assert_reads(b, "hello");
    assert_int_equal(s.opened, 1);
    assert_int_equal(s.closed, 1);
    assert_int_equal(koc_blob_open(b, 2, NULL, &r, NULL), KOC_OK);
    koc_blob_unref(koc_blob_ref(b));
    koc_blob_unref(b);
    assert_int_equal(s.released, 0);
    koc_reader_free(r);
    assert_int_equal(s.closed, 2);
    assert_int_equal(s.released, 1);
}

KOC_TEST(user_blob_with_another_size_or_digest_is_refused)
{
    static const uint64_t sizes[] = {0, 4, 6, 5};
    koc_digest bad = digest_of("other");
    for (size_t i = 0; i < KOC__COUNT(sizes); i++) {
        source s = {.text = "hello"};
        KOC__AUTO(koc_blob) b = NULL;
        koc_buf out = KOC_BUF_INIT;

        assert_int_equal(
            koc_blob_new(&blob_ops, &s, sizes[i], sizes[i] == 5 ? &bad : NULL, &b, NULL), KOC_OK);
        assert_int_equal(koc_blob_read_all(b, 100, NULL, &out, NULL), KOC_EDIGEST);
        assert_null(out.ptr);
    }
}

typedef struct on_a_task {
    koc_blob *blob;
    char text[16];
    pthread_t thread;
} on_a_task;

static int read_on_a_task(void *arg, koc__call *call, koc_error **err)
{
    on_a_task *t = arg;
    koc_buf out = KOC_BUF_INIT;
    t->thread = pthread_self();
    KOC__TRY(koc__blob_read_all(t->blob, 15, call, &out, err));
    memcpy(t->text, out.ptr, out.len + 1);
    koc_buf_dispose(&out);
    return KOC_OK;
}

KOC_TEST(user_blob_read_on_a_task_calls_back_on_the_callers_thread)
{
    source s = {.text = "hello", .step = 2};
    KOC__AUTO(koc_blob) b = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) group = {0};
    on_a_task t = {0};
    assert_int_equal(koc_blob_new(&blob_ops, &s, 5, NULL, &b, NULL), KOC_OK);
    t.blob = b;
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&group, &call, 0, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&group, read_on_a_task, &t, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&group, NULL), KOC_OK);
    assert_string_equal(t.text, "hello");
    assert_int_equal(s.closed, 1);
    assert_true(pthread_equal(s.last_thread, pthread_self()));
    assert_false(pthread_equal(t.thread, pthread_self()));
}

static koc_reader *verifying(source *s, uint64_t size, const koc_digest *d)
{
    koc_reader *inner = NULL;
    koc_reader *r = NULL;
    assert_int_equal(koc_reader_new(&source_ops, s, &inner, NULL), KOC_OK);
    assert_int_equal(koc__reader_verify(inner, size, d, &r, NULL), KOC_OK);
    return r;
}

static int read_to_end(koc_reader *r, size_t step, size_t *total)
{
    char buf[64];
    size_t n = 0;
    *total = 0;
    do {
        int rc = koc_reader_read(r, buf, step, &n, NULL);

        if (rc != KOC_OK) {
            return rc;
        }
        *total += n;
    } while (n > 0);
    return KOC_OK;
}

KOC_TEST(reader_verify_takes_right_content_in_any_steps)
{
    koc_digest d = digest_of("hello");
    for (size_t step = 1; step < 8; step++) {
        source s = {.text = "hello", .step = step};
        source unsized = s;
        KOC__AUTO(koc_reader) r = verifying(&s, 5, &d);
        KOC__AUTO(koc_reader) u = verifying(&unsized, UINT64_MAX, &d);
        size_t total;

        assert_int_equal(read_to_end(r, 3, &total), KOC_OK);
        assert_int_equal(total, 5);
        assert_int_equal(read_to_end(u, 3, &total), KOC_OK);
        assert_int_equal(total, 5);
    }
}

KOC_TEST(reader_verify_refuses_short_long_and_wrong)
{
    koc_digest good = digest_of("hello"), bad = digest_of("other"), empty = digest_of("");
    static const uint64_t sizes[] = {4, 6, 0};
    for (size_t i = 0; i < KOC__COUNT(sizes); i++) {
        source s = {.text = "hello"};
        KOC__AUTO(koc_reader) r = verifying(&s, sizes[i], i == 2 ? &empty : NULL);
        size_t total;

        assert_int_equal(read_to_end(r, 10, &total), KOC_EDIGEST);
        assert_int_equal(read_to_end(r, 10, &total), KOC_EDIGEST);
    }
    source s = {.text = "hello"}, nothing = {.text = ""};
    KOC__AUTO(koc_reader) r = verifying(&s, UINT64_MAX, &bad);
    KOC__AUTO(koc_reader) e = verifying(&nothing, 0, &good);
    size_t total;

    assert_int_equal(read_to_end(r, 10, &total), KOC_EDIGEST);
    assert_int_equal(read_to_end(e, 10, &total), KOC_EDIGEST);
}

KOC_TEST(io_survives_running_out_of_memory)
{
    const char *path = koc_test_write("f", "hello", 5);
    koc_digest d = digest_of("hello");
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; rc != KOC_OK && n < 40; n++) {
        source s = {.text = "hello"};
        KOC__AUTO(koc_blob) file = NULL;
        KOC__AUTO(koc_blob) user = NULL;
        koc_buf out = KOC_BUF_INIT;

        koc__alloc_fail_after(n);
        rc = koc_blob_from_file(path, &d, &file, NULL);
        rc = rc == KOC_OK ? koc_blob_read_all(file, 100, NULL, &out, NULL) : rc;
        rc = rc == KOC_OK ? koc_blob_new(&blob_ops, &s, 5, &d, &user, NULL) : rc;
        rc = rc == KOC_OK ? koc_blob_read_all(user, 100, NULL, &out, NULL) : rc;
        koc__alloc_fail_after(0);
        /* The user's callback runs out of memory as well, which is its failure. */
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM || rc == KOC_EUSER);
        assert_int_equal(s.closed <= s.opened, 1);
        koc_buf_dispose(&out);
    }
    assert_int_equal(rc, KOC_OK);
}
