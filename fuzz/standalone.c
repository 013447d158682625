/*
 * Replays a directory of inputs without a fuzzer, with any compiler: each input unchanged, cut, and
 * changed a little (in the same way each time). Reports like cmocka, for tests/run.py.
 *
 *     fuzz_json DIRECTORY [PATTERN]  runs nothing unless the program's name contains PATTERN
 *     fuzz_json FILE                 only this input: to debug a finding
 */
#include "fuzz.h"

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "core/path.h"

enum { INPUT_MAX = 1 << 20, CUTS = 64, CHANGES = 64 };

/* A fresh block of the exact size, so that a sanitizer sees a read past the end. */
static void run(const char *data, size_t size)
{
    uint8_t *copy = koc__malloc(KOC__MAX(size, 1));
    FUZZ_CHECK(copy);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    LLVMFuzzerTestOneInput(copy, size);
    koc__free(copy);
}

static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Some bytes flipped, overwritten by others of the same input, or taken out. */
static void change(const koc__dynbuf *input, uint32_t *state)
{
    koc__dynbuf b = KOC__DYNBUF_INIT(INPUT_MAX);
    FUZZ_CHECK(koc__dynbuf_put(&b, koc__dynbuf_view(input), NULL) == KOC_OK);
    for (uint32_t n = 1 + next(state) % 4; n > 0 && b.len > 0; n--) {
        size_t at = next(state) % b.len;
        switch (next(state) % 4) {
        case 0: b.ptr[at] = (char)(b.ptr[at] ^ 1 << next(state) % 8); break;
        case 1: b.ptr[at] = b.ptr[next(state) % b.len]; break;
        case 2: b.ptr[at] = (char)next(state); break;
        default: b.len--; memmove(b.ptr + at, b.ptr + at + 1, b.len - at);
        }
    }
    run(b.ptr, b.len);
    koc__dynbuf_dispose(&b);
}

static void replay(const char *path, bool vary)
{
    KOC__AUTO_VAL(koc__dynbuf) input = KOC__DYNBUF_INIT(INPUT_MAX);
    koc_error *err = NULL;
    if (koc__fs_read_file(path, &input, &err) != KOC_OK) {
        fprintf(stderr, "%s\n", koc_error_message(err));
        exit(2);
    }
    run(input.ptr, input.len);
    uint32_t state = (uint32_t)input.len * 2654435761u + 1;
    for (size_t i = 0; vary && i < CUTS; i++) {
        run(input.ptr, input.len * i / CUTS);
    }
    for (int i = 0; vary && i < CHANGES; i++) {
        change(&input, &state);
    }
}

static size_t replay_directory(const char *path)
{
    koc_strlist *names = NULL;
    koc_error *err = NULL;
    if (koc__fs_list(path, &names, &err) != KOC_OK) {
        fprintf(stderr, "%s\n", koc_error_message(err));
        exit(2);
    }
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        KOC__AUTO_STR file = koc__path_join(path, koc_strlist_get(names, i));
        FUZZ_CHECK(file);
        fprintf(stderr, "%s\n", file); /* the last one is the finding */
        replay(file, true);
    }
    size_t count = koc_strlist_count(names);
    koc_strlist_free(names);
    return count;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: %s DIRECTORY|FILE [PATTERN]\n", name);
        return 2;
    }
    if (argc == 3 && !strstr(name, argv[2])) {
        return 0;
    }
    printf("[ RUN      ] %s\n", name);
    fflush(stdout);
    if (!koc__fs_is_dir(argv[1])) {
        replay(argv[1], false);
    } else if (replay_directory(argv[1]) == 0) {
        fprintf(stderr, "%s is empty\n", argv[1]);
        return 1;
    }
    printf("[       OK ] %s\n", name);
    return 0;
}
