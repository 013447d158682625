#include "compose_test.h"

#include <stdlib.h>

const char *platforms_of(const koc_edit *e)
{
    static char text[1024];
    text[0] = '\0';
    for (size_t i = 0; i < koc_edit_count(e); i++) {
        KOC__AUTO_STR name = koc__platform_str(koc_image_platform(koc_edit_image(e, i)));
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? "," : "", name);
    }
    return text;
}

const char *list_of(const koc_image *img, int32_t field)
{
    static char text[4096];
    koc_strlist *list = NULL;
    koc_error *err = NULL;
    text[0] = '\0';
    ok(koc_image_list(img, field, &list, &err), err);
    for (size_t i = 0; i < koc_strlist_count(list); i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? "," : "",
                 koc_strlist_get(list, i));
    }
    koc_strlist_free(list);
    return text;
}

static unsigned long octal(const char *field, size_t len)
{
    char text[16] = {0};
    memcpy(text, field, len);
    return strtoul(text, NULL, 8);
}

const char *entries_of(koc_layer *l)
{
    static char text[8192];
    char header[512];
    koc_reader *tar = NULL;
    koc_error *err = NULL;
    text[0] = '\0';
    ok(koc_layer_open_tar(l, NULL, &tar, &err), err);
    for (;;) {
        size_t n = 0, got = 0;
        while (n < sizeof(header)) {
            ok(koc_reader_read(tar, header + n, sizeof(header) - n, &got, &err), err);
            assert_true(got > 0);
            n += got;
        }
        if (header[0] == '\0') {
            break;
        }
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%lo %lu:%lu %.100s%s%.100s\n",
                 octal(header + 100, 8), octal(header + 108, 8), octal(header + 116, 8), header,
                 header[157] ? " -> " : "", header + 157);
        for (uint64_t rest = (octal(header + 124, 12) + 511) / 512; rest > 0; rest--) {
            for (n = 0; n < sizeof(header); n += got) {
                ok(koc_reader_read(tar, header + n, sizeof(header) - n, &got, &err), err);
                assert_true(got > 0);
            }
        }
    }
    koc_reader_free(tar);
    return text;
}

const char *file_of(koc_image *img, const char *path)
{
    static char text[4096];
    koc_blob *blob = NULL;
    koc_buf content = KOC_BUF_INIT;
    koc_error *err = NULL;
    ok(koc_image_get_file(img, path, NULL, &blob, &err), err);
    ok(koc_blob_read_all(blob, sizeof(text) - 1, NULL, &content, &err), err);
    snprintf(text, sizeof(text), "%.*s", (int)content.len, (const char *)content.ptr);
    koc_buf_dispose(&content);
    koc_blob_unref(blob);
    return text;
}

size_t warned(const koc_strlist *warnings, const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < koc_strlist_count(warnings); i++) {
        n += strstr(koc_strlist_get(warnings, i), text) != NULL;
    }
    return n;
}
