#include "helper.h"

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "core/str.h"

mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

void assert_content(const char *path, const char *expected)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(1 << 20);
    assert_int_equal(koc__fs_read_file(path, &b, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&b), expected);
}

size_t count_files(const char *dir)
{
    KOC__AUTO(koc_strlist) names = NULL;
    assert_int_equal(koc__fs_list(dir, &names, NULL), KOC_OK);
    return koc_strlist_count(names);
}
