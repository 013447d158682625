/* The tar writer against Go's archive/tar and against layers that ko made. */
#include "helper.h"

#include "core/text.h"

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

/* "-" is empty, else hex; the string lives in out. */
static koc_str unhex(koc_str field, uint8_t *out)
{
    if (koc__str_is(field, "-")) {
        out[0] = 0;
        return koc__str_n((char *)out, 0);
    }
    assert_true(koc__unhex(field, out));
    out[field.len / 2] = 0;
    return koc__str_n((char *)out, field.len / 2);
}

static int64_t next_number(koc_str *rest)
{
    koc_str field = {NULL, 0};
    int64_t v = 0;
    assert_true(koc__str_split(rest, '\t', &field));
    assert_true(koc__str_i64(field, &v));
    return v;
}

static const char *next_text(koc_str *rest, uint8_t *out)
{
    koc_str field = {NULL, 0};
    assert_true(koc__str_split(rest, '\t', &field));
    return unhex(field, out).ptr;
}

static void write_case(koc__tar_writer *w, koc_str line)
{
    static uint8_t text[4][1024];
    static uint8_t values[4][4096];
    static char keys[4][64];
    koc__tar_record records[4];
    koc__tar_entry e = {.records = records};
    koc_error *err = NULL;
    koc_str rest = line;
    koc_str field = {NULL, 0};
    assert_true(koc__str_split(&rest, '\t', &field));
    e.type = field.ptr[0];
    e.mode = (uint32_t)next_number(&rest);
    e.uid = (uint64_t)next_number(&rest);
    e.gid = (uint64_t)next_number(&rest);
    e.mtime = next_number(&rest);
    e.name = next_text(&rest, text[0]);
    e.link = next_text(&rest, text[1]);
    e.uname = next_text(&rest, text[2]);
    e.gname = next_text(&rest, text[3]);
    while (koc__str_split(&rest, '\t', &field)) {
        koc_str key = {NULL, 0};
        koc_str value = {NULL, 0};
        assert_true(koc__str_cut(field, '=', &key, &value));
        memcpy(keys[e.n_records], key.ptr, key.len);
        keys[e.n_records][key.len] = 0;
        records[e.n_records].key = keys[e.n_records];
        records[e.n_records].value = unhex(value, values[e.n_records]);
        e.n_records++;
    }
    e.size = e.type == KOC__TAR_FILE ? 3 : 0;
    ok(koc__tar_header(w, &e, &err), err);
    if (e.size) {
        ok(koc__tar_data(w, "a", 1, &err), err);
        ok(koc__tar_data(w, "bc", 2, &err), err);
    }
}

KOC_TEST(tar_is_written_as_go_writes_it)
{
    KOC__AUTO_VAL(koc__dynbuf) cases = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) packed = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) expect = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &out);
    koc_error *err = NULL;
    golden("tar/cases.tsv", &cases);
    golden("tar/expect.tar.gz", &packed);
    ok(gunzip(packed.ptr, packed.len, 4096, TEST_MAX, &expect, &err), err);
    koc_str rest = koc__dynbuf_view(&cases);
    koc_str line = {NULL, 0};
    size_t n = 0;
    while (koc__str_split(&rest, '\n', &line) && line.len > 0) {
        size_t at = out.len;
        n++;
        write_case(&w, line);
        if (out.len > expect.len || memcmp(out.ptr + at, expect.ptr + at, out.len - at) != 0) {
            fail_msg("case %zu differs: %.*s", n, KOC__FMT(line));
        }
    }
    assert_int_equal(n, 201);
    ok(koc__tar_end(&w, &err), err);
    assert_int_equal(out.len, expect.len);
    assert_memory_equal(out.ptr, expect.ptr, out.len);
}

KOC_TEST(tar_sizes_beyond_the_octal_field_get_a_record)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &out);
    koc_error *err = NULL;
    koc__tar_entry e = {.name = "big", .type = KOC__TAR_FILE, .size = UINT64_C(8) << 30};
    ok(koc__tar_header(&w, &e, &err), err);
    assert_int_equal(out.len, 3 * 512);
    assert_memory_equal(out.ptr + 512, "19 size=8589934592\n", 20);
    assert_memory_equal(out.ptr + 1024 + 124, "00000000000", 12);
    e.size--;
    w.left = 0;
    koc__dynbuf_clear(&out);
    ok(koc__tar_header(&w, &e, &err), err);
    assert_int_equal(out.len, 512);
    assert_memory_equal(out.ptr + 124, "77777777777", 12);
}

KOC_TEST(tar_refuses_what_it_cannot_store)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &out);
    koc_error *err = NULL;
    koc__tar_record twice[2] = {{"k", KOC__STR("1")}, {"k", KOC__STR("2")}};
    koc__tar_record equals = {"a=b", KOC__STR("1")};
    koc__tar_record path = {"path", KOC__STR("other")};
    koc__tar_entry e = {.name = "", .type = KOC__TAR_FILE};
    fails(koc__tar_header(&w, &e, &err), KOC_EINVAL, &err);
    e.name = "folder/";
    fails(koc__tar_header(&w, &e, &err), KOC_EINVAL, &err);
    e.name = "f";
    e.mode = 1u << 30;
    fails(koc__tar_header(&w, &e, &err), KOC_EINVAL, &err);
    e.mode = 0;
    e.records = twice;
    e.n_records = 2;
    fails(koc__tar_header(&w, &e, &err), KOC_EINVAL, &err);
    e.records = &equals;
    e.n_records = 1;
    fails(koc__tar_header(&w, &e, &err), KOC_EINVAL, &err);
    e.records = &path;
    e.name = "\xc3\xbc";
    fails(koc__tar_header(&w, &e, &err), KOC_EINVAL, &err);
    assert_int_equal(out.len, 0);
}

/* --- ko's layers --- */

typedef struct sample {
    const char *file;
    const char *diff_id;
    int64_t mtime;
    bool windows;
} sample;

static void add(koc_layer_builder *b, const sample *s, const char *name, const char *content)
{
    koc_error *err = NULL;
    koc__tar_record descriptor = {
        "MSWINDOWS.rawsd",
        KOC__STR("AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==")};
    koc__layer_entry e = {.name = name, .type = KOC__TAR_DIR, .mode = 0555, .mtime = s->mtime};
    if (content) {
        e.type = KOC__TAR_FILE;
        e.bytes = koc__str(content);
        e.records = s->windows ? &descriptor : NULL;
        e.n_records = s->windows;
    }
    ok(koc__layer_builder_add_raw(b, &e, &err), err);
}

static void add_kodata(koc_layer_builder *b, const sample *s)
{
    if (s->windows) {
        add(b, s, "Hives", NULL);
        add(b, s, "Files", NULL);
        add(b, s, "Files/var", NULL);
        add(b, s, "Files/var/run", NULL);
        add(b, s, "Files/var/run/ko", NULL);
        add(b, s, "Files/var/run/ko/a.txt", "a\n");
        add(b, s, "Files/var/run/ko/empty", NULL);
        add(b, s, "Files/var/run/ko/sub", NULL);
        add(b, s, "Files/var/run/ko/sub/b.txt", "b\n");
        return;
    }
    add(b, s, "/var", NULL);
    add(b, s, "/var/run", NULL);
    add(b, s, "/var/run/ko", NULL);
    add(b, s, "/var/run/ko/a.txt", "a\n");
    add(b, s, "/var/run/ko/empty", NULL);
    add(b, s, "/var/run/ko/link.txt", "a\n");
    add(b, s, "/var/run/ko/linkdir", NULL);
    add(b, s, "/var/run/ko/linkdir/b.txt", "b\n");
    add(b, s, "/var/run/ko/sub", NULL);
    add(b, s, "/var/run/ko/sub/b.txt", "b\n");
}

KOC_TEST(kodata_layers_have_ko_s_diff_ids)
{
    static const sample samples[] = {
        {"ko/layers/01-single-kodata.tar.gz",
         "sha256:02d45ab20a2dc515b03230668459927dda91a063a5f2e5b17bf8f0ba54a35ad5", 0, false},
        {"ko/layers/04-windows-kodata.tar.gz",
         "sha256:deb463892d4861d687677715efb2c8a2f304e9c55eccf546f8890c1d36399557", 0, true},
        {"ko/layers/05-caps-epochs-kodata.tar.gz",
         "sha256:e4cc011fd112350e5423188e3e13be66bd7f95a5cd6de8feebca3cd798160b9f", 1600000000,
         false},
    };
    KOC__AUTO(koc_ctx) ctx = context(2, NULL);
    koc_error *err = NULL;
    for (size_t i = 0; i < KOC__COUNT(samples); i++) {
        KOC__AUTO(koc_layer_builder) b = NULL;
        KOC__AUTO(koc_layer) l = NULL;
        KOC__AUTO_VAL(koc__dynbuf) packed = KOC__DYNBUF_INIT(0);
        KOC__AUTO_VAL(koc__dynbuf) expect = KOC__DYNBUF_INIT(0);
        KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(0);
        koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
        koc_digest want = {0};
        koc_digest got = {0};
        o.flags = KOC_LAYER_VERBATIM;
        ok(koc_layer_builder_new(ctx, &o, &b, &err), err);
        add_kodata(b, &samples[i]);
        ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
        golden(samples[i].file, &packed);
        ok(gunzip(packed.ptr, packed.len, 7, TEST_MAX, &expect, &err), err);
        layer_tar(l, &tar);
        assert_int_equal(tar.len, expect.len);
        assert_memory_equal(tar.ptr, expect.ptr, tar.len);
        ok(koc_digest_parse(samples[i].diff_id, &want, &err), err);
        ok(koc_layer_diff_id(l, NULL, &got, &err), err);
        assert_true(koc_digest_equal(&want, &got));
    }
}
