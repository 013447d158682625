/* Build infos and recorded images that the tests of this module share. */
#ifndef KOC_TESTS_UNIT_SBOM_SAMPLE_H
#define KOC_TESTS_UNIT_SBOM_SAMPLE_H

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "model/model.h"
#include "sbom/sbom.h"
#include "test.h"

/* The content of a file below tests/golden/ko. */
static inline void sample_read(const char *name, koc__dynbuf *out)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/ko/%s", KOC__TEST_DATA, name);
    out->max = (size_t)1 << 20;
    assert_int_equal(koc__fs_read_file(path, out, NULL), KOC_OK);
}

/* The image that ko made in the recording "01-single". */
static inline koc_image *sample_image(void)
{
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) config = KOC__DYNBUF_INIT(0);
    koc_image *img = NULL;
    sample_read("01-single/manifest.json", &manifest);
    sample_read("01-single/config.json", &config);
    assert_int_equal(koc_image_from_bytes(NULL, koc__dynbuf_view(&manifest),
                                          koc__dynbuf_view(&config), &img, NULL),
                     KOC_OK);
    return img;
}

static inline koc_index *sample_index(const char *name)
{
    KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT(0);
    koc_index *idx = NULL;
    sample_read(name, &bytes);
    assert_int_equal(koc_index_from_bytes(NULL, koc__dynbuf_view(&bytes), &idx, NULL), KOC_OK);
    return idx;
}

/* The build info of the program of "01-single". */
#define SAMPLE_UUID_SUM "h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0="
static inline koc__exe_info sample_info(koc__exe_module deps[1])
{
    deps[0] = (koc__exe_module){"github.com/google/uuid", "v1.6.0", SAMPLE_UUID_SUM, NULL};
    return (koc__exe_info){.go_version = "go1.26.8",
                           .path = "example.com/kohello/cmd/app",
                           .main = {"example.com/kohello", "(devel)", "", NULL},
                           .deps = deps,
                           .n_deps = 1};
}

#endif
