/* Every part of every key: with another value a program is linked again, a record or an answer is not used. */
#include "core/common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/path.h"
#include "faketool.h"
#include "golang/go_command.h"
#include "golang/record/input_record.h"
#include "gotest.h"
#include "test.h"

#undef setenv

#define APP "example.com/m/app"

/* What a build is told. */
typedef struct recipe {
    const char *import_path, *arch, *work_dir; /* work_dir NULL: here */
    const char *yaml;                          /* the settings */
    const char *name, *value;                  /* a variable, or NULL */
    bool entry;                                /* the settings' first entry of builds applies */
    bool debug;
    const char *tool; /* NULL: fake/bin/go */
} recipe;

static const recipe usual = {APP, "amd64", NULL, "", NULL, NULL, false, false, NULL};

/* One job, without go list. */
typedef struct job {
    koc__go_settings *s;
    char *import_path, *work_dir;
    koc__go_target target;
    koc_platform platform;
    koc__go_options options;
} job;

static void job_dispose(job *j)
{
    koc__go_settings_free(j->s);
    koc__free(j->import_path);
    koc__free(j->work_dir);
}
KOC__DEFINE_AUTO_VAL(job, job_dispose);

static void job_begin(job *j, const recipe *r)
{
    memset(j, 0, sizeof(*j));
    gotest_write(".ko.yaml", r->yaml);
    setenv("KO_GO_PATH", koc_test_path(r->tool ? r->tool : "fake/bin/go"), 1);
    if (r->name) {
        setenv(r->name, r->value, 1);
    }
    j->s = gotest_settings();
    j->import_path = koc__strdup(r->import_path);
    j->work_dir = koc__strdup(r->work_dir);
    j->target = (koc__go_target){.argument = j->import_path,
                                 .import_path = j->import_path,
                                 .work_dir = j->work_dir,
                                 .config = r->entry ? &j->s->builds[0] : NULL};
    j->platform = (koc_platform)KOC_PLATFORM_INIT;
    j->platform.os = "linux";
    j->platform.arch = r->arch;
    j->options.disable_optimizations = r->debug;
}

static void job_end(const recipe *r)
{
    static const char *const back[][2] = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/nowhere"}};
    if (r->name) {
        unsetenv(r->name);
    }
    for (size_t i = 0; i < KOC__COUNT(back); i++) {
        setenv(back[i][0], back[i][1], 1);
    }
}

static void begin(void)
{
    fake_begin();
    setenv("PATH", "/usr/bin:/bin", 1);
    setenv("HOME", "/nowhere", 1);
    fake_program("app", "a/b/c/app", "path\t" APP "\n");
    fake_program("other", "a/b/c/other", "path\texample.com/m/other\n");
    assert_int_equal(koc__fs_mkdirs("sub", 0755, NULL), KOC_OK);
    assert_int_equal(symlink("fake", "fake2"), 0);
}

static koc__go_binary *build(const recipe *r)
{
    KOC__AUTO_VAL(job) j;
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    koc_error *err = NULL;
    job_begin(&j, r);
    koc__go_job jobs[] = {{&j.target, &j.platform, NULL}};
    int rc = koc__go_build(ctx, j.s, jobs, 1, &j.options, NULL, &err);
    job_end(r);
    if (rc != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return jobs[0].binary;
}

/* --- the key of a program --- */

/* Each row differs from `usual` in one thing. */
static const recipe others[] = {
    {"example.com/m/other", "amd64", NULL, "", NULL, NULL, false, false, NULL},
    {APP, "arm64", NULL, "", NULL, NULL, false, false, NULL},
    {APP, "amd64", "sub", "", NULL, NULL, false, false, NULL},
    {APP, "amd64", NULL, "defaultFlags: [-v]\n", NULL, NULL, false, false, NULL},
    {APP, "amd64", NULL, "defaultFlags: [-x]\n", NULL, NULL, false, false, NULL},
    {APP, "amd64", NULL, "defaultLdflags: [-s]\n", NULL, NULL, false, false, NULL},
    {APP, "amd64", NULL, "defaultEnv: [GOAMD64=v2]\n", NULL, NULL, false, false, NULL},
    {APP, "amd64", NULL, "builds:\n- flags: [-v]\n  ldflags: [-w]\n", NULL, NULL, true, false,
     NULL},
    {APP, "amd64", NULL, "", "GOFLAGS", "-tags=a", false, false, NULL},
    {APP, "amd64", NULL, "", "GOFLAGS", "-tags=b", false, false, NULL},
    {APP, "amd64", NULL, "", "GOEXPERIMENT", "x", false, false, NULL},
    {APP, "amd64", NULL, "", "CGO_CFLAGS", "-O1", false, false, NULL},
    {APP, "amd64", NULL, "", "CC", "gcc-9", false, false, NULL},
    {APP, "amd64", NULL, "", "CXX", "g++-9", false, false, NULL},
    {APP, "amd64", NULL, "", "FC", "gfortran", false, false, NULL},
    {APP, "amd64", NULL, "", "AR", "ar-9", false, false, NULL},
    {APP, "amd64", NULL, "", "PKG_CONFIG", "other", false, false, NULL},
    {APP, "amd64", NULL, "", "HOME", "/home", false, false, NULL},
    {APP, "amd64", NULL, "", "XDG_CONFIG_HOME", "/config", false, false, NULL},
    {APP, "amd64", NULL, "", NULL, NULL, false, true, NULL},
    {APP, "amd64", NULL, "", NULL, NULL, false, false, "fake2/bin/go"},
};

/* Variables by which go makes the same program. */
static const recipe same[] = {
    {APP, "amd64", NULL, "", "GOPROXY", "off", false, false, NULL},
    {APP, "amd64", NULL, "", "GOCACHE", "/x", false, false, NULL},
    {APP, "amd64", NULL, "", "GOTMPDIR", "/tmp", false, false, NULL},
    {APP, "amd64", NULL, "", "GOMAXPROCS", "1", false, false, NULL},
    {APP, "amd64", NULL, "", "GOGC", "off", false, false, NULL},
    {APP, "amd64", NULL, "", "GOMEMLIMIT", "1GiB", false, false, NULL},
    {APP, "amd64", NULL, "", "CCACHE_DIR", "/x", false, false, NULL},
};

KOC_TEST(keys_program_is_linked_again_for_each_part)
{
    char keys[KOC__COUNT(others) + 1][65];
    begin();
    for (size_t i = 0; i <= KOC__COUNT(others); i++) {
        const recipe *r = i == 0 ? &usual : &others[i - 1];
        for (int pass = 0; pass < 2; pass++) {
            KOC__AUTO(koc__go_binary) b = build(r);
            if (b->from_cache != (pass > 0)) {
                fail_msg("row %zu, pass %d: from_cache is %d", i, pass, b->from_cache);
            }
            assert_int_equal(strlen(b->key), 64);
            snprintf(keys[i], sizeof(keys[i]), "%s", b->key);
        }
        for (size_t k = 0; k < i; k++) {
            if (koc__streq(keys[i], keys[k])) {
                fail_msg("rows %zu and %zu have one key", i, k);
            }
        }
    }
    for (size_t i = 0; i < KOC__COUNT(same); i++) {
        KOC__AUTO(koc__go_binary) b = build(&same[i]);
        assert_true(b->from_cache);
        assert_string_equal(b->key, keys[0]);
    }
}

/* The env of an entry of builds counts as a whole: templates and the program's own generators may use it. */
KOC_TEST(keys_program_has_the_env_of_its_entry)
{
    static const char *const env[] = {"A=1", "A=2", "B=2", "A=1, B=2"};
    char keys[KOC__COUNT(env)][65];
    begin();
    for (size_t i = 0; i < KOC__COUNT(env); i++) {
        KOC__AUTO_STR yaml = koc__format("builds:\n- env: [%s]\n", env[i]);
        recipe r = usual;
        r.yaml = yaml;
        r.entry = true;
        KOC__AUTO(koc__go_binary) b = build(&r);
        assert_false(b->from_cache);
        snprintf(keys[i], sizeof(keys[i]), "%s", b->key);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(keys[i], keys[k]);
        }
    }
}

/* --- the go tool --- */

static void lengthen(void)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(1 << 16);
    assert_int_equal(koc__fs_read_file("fake/bin/go", &text, NULL), KOC_OK);
    assert_int_equal(koc__dynbuf_puts(&text, "#\n", NULL), KOC_OK);
    assert_int_equal(koc__fs_write_file("fake/bin/go", koc__dynbuf_view(&text), 0755, NULL),
                     KOC_OK);
}

static void set_time(void)
{
    const struct timespec times[] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, "fake/bin/go", times, 0), 0);
}

/* Of the same size and time. */
static void replace_file(void)
{
    struct stat st;
    assert_int_equal(stat("fake/bin/go", &st), 0);
    gotest_run("cp -p fake/bin/go fake/bin/new");
    gotest_run("mv fake/bin/new fake/bin/go");
}

static void (*const tool_changes[])(void) = {lengthen, set_time, replace_file};

KOC_TEST(keys_program_is_linked_again_by_another_go)
{
    KOC__AUTO_STR before = NULL;
    begin();
    for (size_t i = 0; i <= KOC__COUNT(tool_changes); i++) {
        KOC__AUTO(koc__go_binary) b = build(&usual);
        assert_true(!before || !koc__streq(before, b->key));
        koc__free(before);
        before = koc__strdup(b->key);
        if (i < KOC__COUNT(tool_changes)) {
            tool_changes[i]();
        }
    }
}

/* --- the record of a program --- */

/* Changes one member of the record of the program at path: the new text stands for old (a format with
 * the member's name), or the member is gone. */
static void change_record(koc__cache *cache, const char *path, const char *member,
                          const char *value)
{
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 16);
    KOC__AUTO_STR name = koc__format("\"%s\":\"", member);
    bool found = false;
    assert_int_equal(koc__cache_get(cache, "gobin", koc__str(path), 1 << 16, &found, &text, NULL),
                     KOC_OK);
    assert_true(found);
    const char *at = memmem(text.ptr, text.len, name, strlen(name));
    assert_non_null(at);
    const char *start = at + strlen(name), *end = strchr(start, '"');
    assert_int_equal(koc__dynbuf_put(&out, koc__str_n(text.ptr, (size_t)(at - text.ptr)), NULL),
                     KOC_OK);
    if (value) {
        assert_int_equal(koc__dynbuf_printf(&out, NULL, "\"%s\":\"%s", member, value), KOC_OK);
    } else {
        assert_int_equal(koc__dynbuf_puts(&out, "\"gone\":\"", NULL), KOC_OK);
    }
    assert_int_equal(koc__dynbuf_puts(&out, end, NULL), KOC_OK);
    assert_int_equal(koc__cache_put(cache, "gobin", koc__str(path), koc__dynbuf_view(&out), NULL),
                     KOC_OK);
}

KOC_TEST(keys_each_member_of_a_programs_record_counts)
{
    static const struct {
        const char *member, *value; /* NULL: the member is gone */
    } table[] = {
        {"size", "1"},           {"mtime", "1"},     {"ctime", "1"},   {"inode", "1"},
        {"device", "1"},         {"mode", "33188"},  {"size", "x"},    {"mtime", "x"},
        {"ctime", ""},           {"inode", "-1"},    {"device", NULL}, {"mode", NULL},
        {"build_id", "a/b/c/x"}, {"build_id", NULL}, {"size", NULL},   {"mtime", NULL},
        {"ctime", NULL},         {"inode", NULL},
    };
    KOC__AUTO_STR path = NULL;
    koc__cache *cache = NULL;
    begin();
    {
        KOC__AUTO(koc__go_binary) b = build(&usual);
        path = koc__strdup(b->path);
    }
    assert_int_equal(koc__cache_open(koc_test_path("cache"), &cache, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        change_record(cache, path, table[i].member, table[i].value);
        KOC__AUTO(koc__go_binary) b = build(&usual);
        if (b->from_cache) {
            fail_msg("%s does not count", table[i].member);
        }
        koc__go_binary_free(koc__steal(&b));
        b = build(&usual);
        assert_true(b->from_cache);
    }
    assert_int_equal(koc__cache_put(cache, "gobin", koc__str(path), koc__str("{"), NULL), KOC_OK);
    KOC__AUTO(koc__go_binary) again = build(&usual);
    assert_false(again->from_cache);
    koc__cache_free(cache);
}

KOC_TEST(keys_digest_of_a_program_is_forgotten_with_its_content)
{
    koc_digest d;
    begin();
    koc__sha256_of("x", 1, &d);
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_binary) b = build(&usual);
    assert_int_equal(koc__go_binary_set_digest(ctx, b, &d, NULL), KOC_OK);
    KOC__AUTO_STR path = koc__strdup(b->path);
    koc__go_binary_free(koc__steal(&b));
    b = build(&usual);
    assert_true(koc_digest_equal(&b->digest, &d));
    koc__go_binary_free(koc__steal(&b));
    change_record(ctx->cache, path, "digest", "sha256:00");
    b = build(&usual);
    assert_true(b->from_cache);
    assert_int_equal(b->digest.algorithm, KOC_DIGEST_NONE);
    assert_int_equal(koc__go_binary_set_digest(ctx, b, &d, NULL), KOC_OK);
    koc__go_binary_free(koc__steal(&b));
    fake_program("app", "a/b/c/new", "path\t" APP "\n");
    b = build(&usual);
    assert_false(b->from_cache);
    assert_int_equal(b->digest.algorithm, KOC_DIGEST_NONE);
    assert_string_equal(b->build_id, "a/b/c/new");
}

/* --- the key of a record of inputs --- */

/* A batch of one unit, as koc__go_build makes it. */
typedef struct batch {
    job j;
    koc__go_unit unit;
    koc__go_unit *units[1];
    koc__go_lock lock;
    koc__go_batch b;
} batch;

static void batch_begin(batch *x, koc_ctx *ctx, const recipe *r, char *dir)
{
    koc_error *err = NULL;
    memset(x, 0, sizeof(*x));
    job_begin(&x->j, r);
    x->unit.target = &x->j.target;
    x->unit.platform = &x->j.platform;
    if (koc__go_command_env(x->j.s, x->j.target.config, x->j.target.work_dir, &x->j.platform,
                            &x->unit.env, &err) != KOC_OK ||
        koc__go_command_args(x->j.s, &x->j.options, &x->unit, NULL, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    x->units[0] = &x->unit;
    x->lock.fd = -1;
    x->b = (koc__go_batch){.ctx = ctx,
                           .s = x->j.s,
                           .platform = &x->j.platform,
                           .options = &x->j.options,
                           .units = x->units,
                           .n = 1,
                           .dir = dir,
                           .lock = &x->lock};
    job_end(r);
}

static void batch_dispose(batch *x)
{
    koc__go_unit_dispose(&x->unit);
    job_dispose(&x->j);
}
KOC__DEFINE_AUTO_VAL(batch, batch_dispose);

static char usual_dir[] = "/cache/one";

static koc__hash record_key(const recipe *r, char *dir)
{
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO_VAL(batch) x;
    KOC__AUTO_VAL(koc__go_inputs) in = {0};
    batch_begin(&x, ctx, r, dir);
    assert_int_equal(koc__go_inputs_begin(&x.b, NULL, &in, NULL), KOC_OK);
    assert_ptr_equal(in.cache, ctx->cache); /* else there is no record */
    assert_true(in.began_ns > 0);
    return in.key;
}

KOC_TEST(keys_record_is_another_for_each_part)
{
    static const recipe more[] = {
        {APP, "amd64", NULL, "", "PATH", "/bin:/usr/bin", false, false, NULL},
        {APP, "amd64", NULL, "", "GIT_DIR", "/x", false, false, NULL},
    };
    static char other_dir[] = "/cache/two";
    koc__hash keys[KOC__COUNT(others) + KOC__COUNT(more) + 2];
    size_t n = 0;
    begin();
    keys[n++] = record_key(&usual, usual_dir);
    keys[n++] = record_key(&usual, other_dir);
    for (size_t i = 0; i < KOC__COUNT(others); i++) {
        keys[n++] = record_key(&others[i], usual_dir);
    }
    for (size_t i = 0; i < KOC__COUNT(more); i++) {
        keys[n++] = record_key(&more[i], usual_dir);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (koc__hash_equal(&keys[i], &keys[k])) {
                fail_msg("rows %zu and %zu have one key", k, i);
            }
        }
    }
    for (size_t i = 0; i < KOC__COUNT(same); i++) {
        koc__hash key = record_key(&same[i], usual_dir);
        assert_true(koc__hash_equal(&key, &keys[0]));
    }
    for (size_t i = 0; i < KOC__COUNT(tool_changes); i++) {
        koc__hash before = record_key(&usual, usual_dir);
        tool_changes[i]();
        koc__hash after = record_key(&usual, usual_dir);
        assert_false(koc__hash_equal(&before, &after));
    }
}

/* A line feed would end the line of a record. */
KOC_TEST(keys_record_is_not_kept_for_a_name_of_two_lines)
{
    recipe r = usual;
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO_VAL(batch) x;
    KOC__AUTO_VAL(koc__go_inputs) in = {0};
    begin();
    assert_int_equal(koc__fs_mkdirs("a\nb", 0755, NULL), KOC_OK);
    r.work_dir = "a\nb";
    batch_begin(&x, ctx, &r, usual_dir);
    assert_int_equal(koc__go_inputs_begin(&x.b, NULL, &in, NULL), KOC_OK);
    assert_null(in.cache);
}

KOC_TEST(keys_fingerprints_are_compared_by_name)
{
    static const struct {
        const char *then, *now, *want;
    } table[] = {
        {"a 1", "a 1", ""},
        {"a 1", "a 2", "changed: a"},
        {"variable A 1", "variable B 1", "new: variable B,removed: variable A"},
        {"variable A 1,variable B 2", "variable B 2", "removed: variable A"},
        {"go /x 1 2 3 4", "go /y 1 2 3 4", "changed: go tool"},
        {"package a", "package b", ""},
        {"package a", "", ""},
        {"lone", "lone", ""},
        {"", "lone", "new: lone"},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc_strlist *lists[3];
        const char *texts[] = {table[i].then, table[i].now, ""};
        for (size_t k = 0; k < 3; k++) {
            koc_str rest = koc__str(texts[k]), item;
            assert_int_equal(koc__strlist_new(&lists[k], NULL), KOC_OK);
            while (rest.len > 0 && koc__str_split(&rest, ',', &item)) {
                assert_int_equal(koc__strlist_add_n(lists[k], item, NULL), KOC_OK);
            }
        }
        KOC__AUTO_VAL(koc__dynbuf) got = KOC__DYNBUF_INIT(4096);
        assert_int_equal(koc__go_compare_fingerprints(lists[0], lists[1], lists[2], NULL), KOC_OK);
        for (size_t k = 0; k < koc_strlist_count(lists[2]); k++) {
            koc__dynbuf_printf(&got, NULL, "%s%s", k ? "," : "", koc_strlist_get(lists[2], k));
        }
        assert_string_equal(koc__dynbuf_cstr(&got), table[i].want);
        for (size_t k = 0; k < 3; k++) {
            koc_strlist_free(lists[k]);
        }
    }
}

/* --- flags --- */

/* Whether a record may be kept for `go build <args>` with this GOFLAGS; why: words of the reason. */
static const struct {
    const char *args, *name, *value, *why;
} flag_rows[] = {
    {"-trimpath", NULL, NULL, NULL},
    {"-v|-x|-modcacherw|-buildvcs=false|-buildvcs", NULL, NULL, NULL},
    {"-tags=a,b", NULL, NULL, NULL},
    {"-tags|a,b", NULL, NULL, NULL},
    {"--tags|a", NULL, NULL, NULL},
    {"-tags", NULL, NULL, "-tags may read"},
    {"-p|4|-installsuffix|x", NULL, NULL, NULL},
    {"-mod=readonly|-mod=vendor|-mod|mod", NULL, NULL, NULL},
    {"-mod=other", NULL, NULL, "-mod=other may read"},
    {"-buildmode=pie|-buildmode=exe|-buildmode=default", NULL, NULL, NULL},
    {"-buildmode=plugin", NULL, NULL, "-buildmode=plugin may read"},
    {"-pgo=auto|-pgo=off", NULL, NULL, NULL},
    {"-pgo=prof.pgo", NULL, NULL, "-pgo=prof.pgo may read"},
    {"-pgo|prof.pgo", NULL, NULL, "-pgo may read"},
    {"-ldflags=-s -w -X a=b -buildid= -extldflags -static -compressdwarf=false", NULL, NULL, NULL},
    {"-ldflags=-X 'a=b c'", NULL, NULL, NULL},
    {"-ldflags=-r /lib", NULL, NULL, "-ldflags=-r /lib may read"},
    {"-ldflags='-linkmode=external'", NULL, NULL, "may read files"},
    {"-gcflags=-N -l", NULL, NULL, NULL},
    {"-gcflags|all=-N -l", NULL, NULL, NULL},
    {"-gcflags=all=-m -e -B", NULL, NULL, NULL},
    {"-gcflags=-importcfg=x", NULL, NULL, "may read files"},
    {"-gcflags=all=-embedcfg=x", NULL, NULL, "may read files"},
    {"-overlay=x.json", NULL, NULL, "-overlay=x.json may read"},
    {"-modfile=x.mod", NULL, NULL, "-modfile=x.mod may read"},
    {"-race", NULL, NULL, "-race may read"},
    {"-a", NULL, NULL, "-a may read"},
    {"extra", NULL, NULL, "extra may read"},
    {"", "GOFLAGS", "-tags=a -mod=mod", NULL},
    {"", "GOFLAGS", "-tags", "GOFLAGS=-tags may read"},
    {"", "GOFLAGS", "-tags='a'", "GOFLAGS=-tags='a' may read"},
    {"", "GOFLAGS", "-tags=\"a\"", "GOFLAGS=-tags=\"a\" may read"},
    {"", "GOFLAGS", "'-tags=a'", "GOFLAGS='-tags=a' may read"},
    {"", "GOFLAGS", "-overlay=x", "GOFLAGS=-overlay=x may read"},
    {"", "GOFLAGS", "tags=a", "GOFLAGS=tags=a may read"},
    {"", "CGO_ENABLED", "1", "cgo is on"},
    {"", "CGO_ENABLED", "0", NULL},
    {"", "GO111MODULE", "off", "GO111MODULE=off is set"},
    {"", "GO111MODULE", "auto", "GO111MODULE=auto is set"},
    {"", "GO111MODULE", "on", NULL},
    {"", "GOPACKAGESDRIVER", "/bin/x", "GOPACKAGESDRIVER is set"},
    {"", "GOPACKAGESDRIVER", "off", NULL},
    {"", "GOPACKAGESDRIVER", "", NULL},
};

KOC_TEST(keys_no_record_for_what_go_list_does_not_tell)
{
    begin();
    for (size_t i = 0; i < KOC__COUNT(flag_rows); i++) {
        recipe r = usual;
        KOC__AUTO_VAL(batch) x;
        KOC__AUTO_STR why = NULL;
        bool allowed = false;
        koc_str rest = koc__str(flag_rows[i].args), word;
        r.name = flag_rows[i].name;
        r.value = flag_rows[i].value;
        batch_begin(&x, NULL, &r, usual_dir);
        while (rest.len > 0 && koc__str_split(&rest, '|', &word)) {
            assert_int_equal(koc__strlist_add_n(x.unit.args, word, NULL), KOC_OK);
        }
        assert_int_equal(koc__inputs_allowed(&x.b, &allowed, &why, NULL), KOC_OK);
        if (allowed != !flag_rows[i].why || (why && !strstr(why, flag_rows[i].why))) {
            fail_msg("row %zu: %d, %s", i, allowed, why ? why : "no reason");
        }
    }
}

KOC_TEST(keys_no_record_for_a_tool_that_may_run_another)
{
    recipe r = usual;
    KOC__AUTO_VAL(batch) x;
    KOC__AUTO_STR why = NULL;
    bool allowed = true;
    begin();
    gotest_run("cp -p fake/bin/go sub/go"); /* not in a Go tree */
    r.tool = "sub/go";
    batch_begin(&x, NULL, &r, usual_dir);
    assert_int_equal(koc__inputs_allowed(&x.b, &allowed, &why, NULL), KOC_OK);
    assert_false(allowed);
    assert_non_null(strstr(why, "sub/go is not in a Go tree"));
    assert_true(koc__go_is_toolchain("fake/bin/go"));
    assert_false(koc__go_is_toolchain("fake/bin/none"));
}

KOC_TEST(keys_the_last_word_about_the_commit_wins)
{
    static const struct {
        const char *goflags, *args;
        bool off;
    } table[] = {
        {"", "", false},
        {"-buildvcs=false", "", true},
        {"-buildvcs=0", "", true},
        {"-buildvcs=f", "", true},
        {"-buildvcs=F", "", true},
        {"-buildvcs=FALSE", "", true},
        {"--buildvcs=False", "", true},
        {"-buildvcs=auto", "", false},
        {"-buildvcs", "", false},
        {"-buildvcsx=false", "", false},
        {"", "-buildvcs=false", true},
        {"-buildvcs=false", "-buildvcs=true", false},
        {"-buildvcs=false", "-buildvcs", false},
        {"-buildvcs=true", "--buildvcs=false", true},
    };
    begin();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        recipe r = usual;
        KOC__AUTO_VAL(batch) x;
        bool off = !table[i].off;
        r.name = "GOFLAGS";
        r.value = table[i].goflags;
        batch_begin(&x, NULL, &r, usual_dir);
        assert_int_equal(koc__strlist_add(x.unit.args, table[i].args, NULL), KOC_OK);
        assert_int_equal(koc__inputs_without_vcs(&x.b, &off, NULL), KOC_OK);
        if (off != table[i].off) {
            fail_msg("row %zu", i);
        }
    }
}

/* Short of memory, a record has its own key, or there is none. */
KOC_TEST(keys_record_is_right_or_an_error)
{
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    int rc = KOC_ENOMEM;
    begin();
    koc__hash want = record_key(&usual, usual_dir);
    for (uint64_t n = 1; n < 1000 && rc != KOC_OK; n++) {
        KOC__AUTO_VAL(batch) x;
        KOC__AUTO_VAL(koc__go_inputs) in = {0};
        batch_begin(&x, ctx, &usual, usual_dir);
        koc__alloc_fail_after(n);
        rc = koc__go_inputs_begin(&x.b, NULL, &in, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        assert_true(rc != KOC_OK || !in.cache || koc__hash_equal(&in.key, &want));
    }
    assert_int_equal(rc, KOC_OK);
}
