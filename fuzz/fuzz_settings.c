/* .ko.yaml: the YAML tree of any text, and what the settings reader makes of it. */
#include "fuzz.h"

#include "core/io/fs.h"
#include "core/path.h"
#include "golang/golang.h"
#include "text/yaml.h"

enum { MAX = 1 << 20 };

static size_t walk(const koc__ynode *n, koc_str text)
{
    size_t nodes = 1;
    int type = koc__yaml_type(n);
    FUZZ_CHECK(type == KOC__YAML_SCALAR || type == KOC__YAML_SEQUENCE || type == KOC__YAML_MAPPING);
    FUZZ_CHECK(koc__yaml_line(n) >= 1 && koc__yaml_line(n) <= text.len + 1);
    FUZZ_CHECK(koc__yaml_column(n) >= 1 && koc__yaml_column(n) <= text.len + 1);
    FUZZ_CHECK(!koc__yaml_str(n) || type == KOC__YAML_SCALAR);
    for (size_t i = 0; i < koc__yaml_count(n); i++) {
        const koc__ynode *child = koc__yaml_at(n, i);
        if (type == KOC__YAML_MAPPING) {
            FUZZ_CHECK(koc__yaml_get(n, koc__yaml_key(n, i), false) == child);
        }
        nodes += walk(child, text);
    }
    return nodes;
}

static char *directory;

static void clean_up(void)
{
    koc__fs_remove(directory, NULL);
    koc__free(directory);
}

/* The parser needs a file: one file, written again for each input. */
static char *store(koc_str text)
{
    koc_error *err = NULL;
    if (!directory) {
        FUZZ_CHECK(fuzz_ok(koc__fs_tempdir("fuzz-settings-", &directory, &err), &err));
        atexit(clean_up);
    }
    char *path = koc__path_join(directory, "ko.yaml");
    FUZZ_CHECK(path);
    FILE *f = fopen(path, "wb");
    FUZZ_CHECK(f && fwrite(text.ptr, 1, text.len, f) == text.len && fclose(f) == 0);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str text = fuzz_str(data, size);
    KOC__AUTO(koc__yaml) doc = NULL;
    KOC__AUTO(koc__go_settings) settings = NULL;
    koc_error *err = NULL;
    if (fuzz_ok(koc__yaml_parse(text, MAX, "input", &doc, &err), &err)) {
        if (koc__yaml_root(doc)) {
            FUZZ_CHECK(walk(koc__yaml_root(doc), text) <= 10001);
        }
        KOC__AUTO_STR path = store(text);
        if (fuzz_ok(koc__go_settings_load(path, false, &settings, &err), &err)) {
            FUZZ_CHECK(settings->base.name && settings->platforms && settings->warnings);
        }
    }
    return 0;
}
