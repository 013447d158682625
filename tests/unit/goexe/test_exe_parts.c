/* Go's build ID and the dynamic loader, in files made by hand: each class, byte order and limit. */
#include "core/common.h"

#include "core/io/fs.h"
#include "core/str.h"
#include "goexe/goexe.h"
#include "test.h"

typedef struct bytes {
    uint8_t b[(64 << 10) + 1024];
    size_t len;
    bool big;
} bytes;

static bytes file; /* too large for the stack */

static void begin(bool big, const char *start, size_t len)
{
    memset(&file, 0, sizeof(file));
    file.big = big;
    memcpy(file.b, start, len);
    file.len = len;
}

static void put(uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        file.b[file.len++] = (uint8_t)(value >> 8 * (file.big ? size - 1 - i : i));
    }
}

static void put_text(const char *text)
{
    memcpy(file.b + file.len, text, strlen(text));
    file.len += strlen(text);
}

static const char *written(void)
{
    return koc_test_write("program", file.b, file.len);
}

/* --- the build ID --- */

static void check_id(const char *want)
{
    KOC__AUTO_STR id = NULL;
    assert_int_equal(koc__exe_build_id(written(), &id, NULL), KOC_OK);
    if (!koc__streq(id, want)) {
        fail_msg("%s, not %s", id ? id : "none", want ? want : "none");
    }
}

static void elf_with_note(bool big, size_t at, uint32_t name_size, uint32_t size, uint32_t type,
                          const char *name, const char *id)
{
    begin(big,
          big ? "\x7f"
                "ELF\2\2\1"
              : "\x7f"
                "ELF\2\1\1",
          7);
    file.len = at;
    put(name_size, 4), put(size, 4), put(type, 4);
    memcpy(file.b + file.len, name, 4);
    file.len += 4;
    put_text(id);
}

KOC_TEST(build_id_is_in_a_note_of_either_byte_order)
{
    for (int big = 0; big < 2; big++) {
        elf_with_note(big, 16, 4, 7, 4, "Go\0\0", "a/b/c/d");
        check_id("a/b/c/d");
        elf_with_note(big, 3996, 4, 7, 4, "Go\0\0", "a/b/c/d");
        check_id("a/b/c/d");
        elf_with_note(big, 64, 5, 7, 4, "Go\0\0", "a/b/c/d");
        check_id(NULL);
        elf_with_note(big, 64, 4, 7, 3, "Go\0\0", "a/b/c/d");
        check_id(NULL);
        elf_with_note(big, 64, 4, 7, 4, "GNU\0", "a/b/c/d");
        check_id(NULL);
        elf_with_note(big, 64, 4, 8, 4, "Go\0\0", "a/b/c/d"); /* cut off */
        check_id(NULL);
        elf_with_note(big, 66, 4, 7, 4, "Go\0\0", "a/b/c/d"); /* notes are aligned */
        check_id(NULL);
        elf_with_note(big, 64, 4, 5, 4, "Go\0\0", "a/b/cd");
        check_id(NULL); /* three parts */
        elf_with_note(big, 64, 4, 6, 4, "Go\0\0", "a/b/c/d");
        check_id(NULL); /* no hash of the content */
    }
}

KOC_TEST(build_id_sizes_are_read_whole)
{
    /* 0x0107 bytes: a lost byte of the size would end it early. */
    char id[600];
    memset(id, 'x', sizeof(id));
    memcpy(id, "a/b/c/", 6);
    id[0x107] = '\0';
    for (int big = 0; big < 2; big++) {
        elf_with_note(big, 64, 4, 0x107, 4, "Go\0\0", id);
        check_id(id);
        elf_with_note(big, 64, 4, 0x10107, 4, "Go\0\0", id);
        check_id(NULL);
        elf_with_note(big, 64, 4, 0x1000107, 4, "Go\0\0", id);
        check_id(NULL);
        elf_with_note(big, 64, 0x104, 7, 4, "Go\0\0", "a/b/c/d");
        check_id(NULL);
    }
    memset(id, 'x', sizeof(id));
    memcpy(id, "a/b/c/", 6);
    id[511] = '\0';
    elf_with_note(false, 64, 4, 511, 4, "Go\0\0", id);
    check_id(id);
    id[511] = 'x';
    id[512] = '\0';
    elf_with_note(false, 64, 4, 512, 4, "Go\0\0", id);
    check_id(NULL);
}

KOC_TEST(build_id_is_a_text_in_other_formats)
{
    static const struct {
        const char *text, *id;
    } table[] = {
        {"MZ\xff Go build ID: \"a/b/c/d\"\n \xff", "a/b/c/d"},
        {"\xff Go build ID: \"a/b/c/d\"\n \xff", "a/b/c/d"},
        {"MZ\xff Go build ID: \"a/b/c/d\"\n", NULL},
        {"MZ\xff Go build ID: \"a/b/c\"\n \xff", NULL},
        {"MZ\xff Go build ID: \"a/b/c/d/e\"\n \xff", NULL},
        {"MZ\xff Go build ID: \"a/b/c/\"\n \xff", NULL},
        {"MZ\xff Go build ID: \"\"\n \xff", NULL},
        {"MZ Go build ID: \"a/b/c/d\"\n \xff", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        begin(false, "", 0);
        put_text(table[i].text);
        check_id(table[i].id);
    }
}

KOC_TEST(build_id_is_searched_at_the_start_of_the_file_alone)
{
    static const char text[] = "\xff Go build ID: \"a/b/c/d\"\n \xff";
    begin(false, "MZ", 2);
    file.len = ((size_t)64 << 10) - (sizeof(text) - 1);
    put_text(text);
    check_id("a/b/c/d");
    begin(false, "MZ", 2);
    file.len = ((size_t)64 << 10) - (sizeof(text) - 1) + 1;
    put_text(text);
    check_id(NULL);
    KOC__AUTO_STR id = NULL;
    assert_int_equal(koc__exe_build_id(koc_test_path("none"), &id, NULL), KOC_OK);
    assert_null(id);
    assert_int_equal(koc__exe_build_id(koc_test_dir(), &id, NULL), KOC_OK);
    assert_null(id);
}

KOC_TEST(build_id_without_memory_is_an_error)
{
    elf_with_note(false, 64, 4, 7, 4, "Go\0\0", "a/b/c/d");
    const char *path = written();
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; n < 10 && rc != KOC_OK; n++) {
        KOC__AUTO_STR id = NULL;
        koc__alloc_fail_after(n);
        rc = koc__exe_build_id(path, &id, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK ? koc__streq(id, "a/b/c/d") : rc == KOC_ENOMEM && !id);
    }
    assert_int_equal(rc, KOC_OK);
}

/* --- the loader --- */

/* An ELF file whose program headers are `skipped` others and then that of the loader's name. */
static void elf_with_loader(bool wide, bool big, unsigned skipped, const char *name, size_t size)
{
    unsigned each = wide ? 56 : 32;
    begin(big,
          "\x7f"
          "ELF",
          4);
    put(wide ? 2 : 1, 1), put(big ? 2 : 1, 1), put(1, 1);
    file.len = 16;
    put(2, 2), put(62, 2), put(1, 4);
    put(0, wide ? 8 : 4), put(wide ? 64 : 52, wide ? 8 : 4), put(0, wide ? 8 : 4);
    put(0, 4), put(wide ? 64 : 52, 2), put(each, 2), put(skipped + 1, 2);
    file.len = wide ? 64 : 52;
    for (unsigned i = 0; i < skipped; i++) {
        put(1, 4);
        file.len += each - 4;
    }
    size_t header = file.len, at = header + each + 4;
    put(3, 4);
    if (wide) {
        put(4, 4);
    }
    put(at, wide ? 8 : 4), put(0, wide ? 8 : 4), put(0, wide ? 8 : 4), put(size, wide ? 8 : 4);
    file.len = at;
    put_text(name);
    file.len++;
}

static void check_loader(int rc, const char *want)
{
    KOC__AUTO_STR name = NULL;
    KOC__AUTO(koc_error) err = NULL;
    int got = koc__exe_loader(written(), &name, &err);
    if (got != rc || !koc__streq(name, want)) {
        fail_msg("%d %s, not %d %s", got, name ? name : "none", rc, want ? want : "none");
    }
}

KOC_TEST(loader_is_read_in_each_class_and_byte_order)
{
    static const char name[] = "/lib/ld-musl-x86_64.so.1";
    for (int i = 0; i < 4; i++) {
        elf_with_loader(i & 1, i & 2, 0, name, sizeof(name));
        check_loader(KOC_OK, name);
        elf_with_loader(i & 1, i & 2, 3, name, sizeof(name));
        check_loader(KOC_OK, name);
        elf_with_loader(i & 1, i & 2, 255, name, sizeof(name));
        check_loader(KOC_OK, name);
        elf_with_loader(i & 1, i & 2, 256, name, sizeof(name)); /* beyond the limit */
        check_loader(KOC_OK, NULL);
    }
}

KOC_TEST(loader_may_be_missing_or_damaged)
{
    elf_with_loader(true, false, 0, "x", 1); /* only a NUL would be no name */
    check_loader(KOC_OK, NULL);
    elf_with_loader(true, false, 0, "x", 2);
    check_loader(KOC_OK, "x");
    elf_with_loader(true, false, 0, "x", 4096); /* beyond the file */
    check_loader(KOC_EFORMAT, NULL);
    file.len += 4096;
    check_loader(KOC_OK, "x");
    elf_with_loader(true, false, 0, "x", 4097);
    file.len += 4097;
    check_loader(KOC_OK, NULL);
    elf_with_loader(true, false, 2, "x", 2);
    file.len = 64 + 56 + 10; /* the headers are cut off */
    check_loader(KOC_EFORMAT, NULL);
    begin(false, "MZ", 2);
    file.len = 100;
    check_loader(KOC_OK, NULL);
    begin(false,
          "\x7f"
          "ELF",
          4); /* too short */
    check_loader(KOC_EFORMAT, NULL);
    KOC__AUTO_STR name = NULL;
    assert_int_equal(koc__exe_loader(koc_test_path("none"), &name, NULL), KOC_ENOTFOUND);
    assert_null(name);
}
