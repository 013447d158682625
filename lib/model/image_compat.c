/*
 * The bytes that ko writes: documents as Go's encoding/json writes the structs that ko reads them into (spec:
 * ko 10.5 to 10.7). Each table is one struct: members in its order, empty ones left out unless marked,
 * unknown ones dropped.
 */
#include "core/common.h"

#include "core/str.h"
#include "core/text.h"
#include "model/image_builder.h"

typedef enum kind { TEXT, FLAG, INTEGER, TIME, TEXTS, TEXT_MAP, SET, STRUCT, STRUCTS } kind;

typedef struct field {
    const char *name;
    kind kind;
    bool always; /* also written if empty */
    const struct field *fields;
} field;

#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const field history_fields[] = {
    {"author", TEXT, false, NULL},      {"created", TIME, true, NULL},
    {"created_by", TEXT, false, NULL},  {"comment", TEXT, false, NULL},
    {"empty_layer", FLAG, false, NULL}, END,
};

static const field rootfs_fields[] = {
    {"type", TEXT, true, NULL},
    {"diff_ids", TEXTS, true, NULL},
    END,
};

static const field health_fields[] = {
    {"Test", TEXTS, false, NULL},      {"Interval", INTEGER, false, NULL},
    {"Timeout", INTEGER, false, NULL}, {"StartPeriod", INTEGER, false, NULL},
    {"Retries", INTEGER, false, NULL}, END,
};

static const field run_fields[] = {
    {"AttachStderr", FLAG, false, NULL},
    {"AttachStdin", FLAG, false, NULL},
    {"AttachStdout", FLAG, false, NULL},
    {"Cmd", TEXTS, false, NULL},
    {"Healthcheck", STRUCT, false, health_fields},
    {"Domainname", TEXT, false, NULL},
    {"Entrypoint", TEXTS, false, NULL},
    {"Env", TEXTS, false, NULL},
    {"Hostname", TEXT, false, NULL},
    {"Image", TEXT, false, NULL},
    {"Labels", TEXT_MAP, false, NULL},
    {"OnBuild", TEXTS, false, NULL},
    {"OpenStdin", FLAG, false, NULL},
    {"StdinOnce", FLAG, false, NULL},
    {"Tty", FLAG, false, NULL},
    {"User", TEXT, false, NULL},
    {"Volumes", SET, false, NULL},
    {"WorkingDir", TEXT, false, NULL},
    {"ExposedPorts", SET, false, NULL},
    {"ArgsEscaped", FLAG, false, NULL},
    {"NetworkDisabled", FLAG, false, NULL},
    {"MacAddress", TEXT, false, NULL},
    {"StopSignal", TEXT, false, NULL},
    {"Shell", TEXTS, false, NULL},
    END,
};

static const field config_fields[] = {
    {"architecture", TEXT, true, NULL},
    {"author", TEXT, false, NULL},
    {"container", TEXT, false, NULL},
    {"created", TIME, true, NULL},
    {"docker_version", TEXT, false, NULL},
    {"history", STRUCTS, false, history_fields},
    {"os", TEXT, true, NULL},
    {"rootfs", STRUCT, true, rootfs_fields},
    {"config", STRUCT, true, run_fields},
    {"os.version", TEXT, false, NULL},
    {"variant", TEXT, false, NULL},
    {"os.features", TEXTS, false, NULL},
    END,
};

static const field platform_fields[] = {
    {"architecture", TEXT, true, NULL},
    {"os", TEXT, true, NULL},
    {"os.version", TEXT, false, NULL},
    {"os.features", TEXTS, false, NULL},
    {"variant", TEXT, false, NULL},
    {"features", TEXTS, false, NULL},
    END,
};

static const field descriptor_fields[] = {
    {"mediaType", TEXT, true, NULL},
    {"size", INTEGER, true, NULL},
    {"digest", TEXT, true, NULL},
    {"data", TEXT, false, NULL},
    {"urls", TEXTS, false, NULL},
    {"annotations", TEXT_MAP, false, NULL},
    {"platform", STRUCT, false, platform_fields},
    {"artifactType", TEXT, false, NULL},
    END,
};

static const field manifest_fields[] = {
    {"schemaVersion", INTEGER, true, NULL},      {"mediaType", TEXT, false, NULL},
    {"config", STRUCT, true, descriptor_fields}, {"layers", STRUCTS, true, descriptor_fields},
    {"annotations", TEXT_MAP, false, NULL},      {"subject", STRUCT, false, descriptor_fields},
    {"artifactType", TEXT, false, NULL},         END,
};

static const field index_fields[] = {
    {"schemaVersion", INTEGER, true, NULL},          {"mediaType", TEXT, false, NULL},
    {"manifests", STRUCTS, true, descriptor_fields}, {"annotations", TEXT_MAP, false, NULL},
    {"subject", STRUCT, false, descriptor_fields},   END,
};

/* ko would fail here as well: Go rejects a value of another type. */
static void refuse(koc__jw *w, const char *name, const char *expected)
{
    if (w->status == KOC_OK) {
        w->status = koc__error(&w->error, KOC_EFORMAT,
                               "the base has no form for compatibility with ko: \"%s\" is not %s",
                               name, expected);
    }
}

static bool is_absent(const koc__jnode *n)
{
    return !n || koc__json_is(n, KOC__JSON_NULL);
}

/* --- scalars --- */

static void write_text(koc__jw *w, const field *f, const koc__jnode *n)
{
    const char *s = is_absent(n) ? "" : koc__json_str(n);
    if (!s) {
        refuse(w, f->name, "text");
    } else if (f->always || s[0]) {
        koc__jw_kv(w, f->name, s);
    }
}

static void write_flag(koc__jw *w, const field *f, const koc__jnode *n)
{
    if (!is_absent(n) && !koc__json_is(n, KOC__JSON_BOOL)) {
        refuse(w, f->name, "true or false");
    } else if (koc__json_true(n)) {
        koc__jw_key(w, f->name);
        koc__jw_bool(w, true);
    }
}

static void write_integer(koc__jw *w, const field *f, const koc__jnode *n)
{
    int64_t value = 0;
    if (!is_absent(n) && !koc__json_i64(n, &value)) {
        refuse(w, f->name, "a whole number");
    } else if (f->always || value != 0) {
        koc__jw_key(w, f->name);
        koc__jw_i64(w, value);
    }
}

/* As Go prints a parsed time: no trailing zeros in the fraction, Z for +00:00. */
static void write_time(koc__jw *w, const field *f, const koc__jnode *n)
{
    const char *text = is_absent(n) ? "0001-01-01T00:00:00Z" : koc__json_str(n);
    koc_str s = koc__str(text);
    int64_t seconds = 0;
    int offset = 0;
    if (!text || !koc__parse_rfc3339(s, &seconds, NULL, &offset) || s.len < 20) {
        refuse(w, f->name, "a time (RFC 3339)");
        return;
    }
    size_t fraction = 19; /* after yyyy-mm-ddThh:mm:ss */
    size_t zone = fraction;
    if (s.ptr[fraction] == '.') {
        zone++;
        while (zone < s.len && s.ptr[zone] >= '0' && s.ptr[zone] <= '9') {
            zone++;
        }
    }
    size_t kept = KOC__MIN(zone, fraction + 10); /* at most nanoseconds */
    while (kept > fraction && (s.ptr[kept - 1] == '0' || s.ptr[kept - 1] == '.')) {
        kept--;
    }
    char out[64];
    snprintf(out, sizeof(out), "%.*s%.*s", (int)kept, s.ptr, offset ? 6 : 1,
             offset ? s.ptr + zone : "Z");
    koc__jw_kv(w, f->name, out);
}

/* --- containers --- */

static void write_texts(koc__jw *w, const field *f, const koc__jnode *n)
{
    if (!is_absent(n) && !koc__json_is(n, KOC__JSON_ARRAY)) {
        refuse(w, f->name, "a list");
        return;
    }
    if (!koc__json_child(n) && !f->always) {
        return;
    }
    koc__jw_key(w, f->name);
    if (is_absent(n)) {
        koc__jw_null(w);
        return;
    }
    koc__jw_array(w);
    for (const koc__jnode *c = koc__json_child(n); c; c = koc__json_next(c)) {
        if (!is_absent(c) && !koc__json_str(c)) {
            refuse(w, f->name, "a list of texts");
        }
        koc__jw_str(w, is_absent(c) ? "" : koc__json_str(c));
    }
    koc__jw_array_end(w);
}

static int compare_names(const void *a, const void *b)
{
    const koc__jnode *const *x = a;
    const koc__jnode *const *y = b;
    return strcmp(koc__json_name(*x), koc__json_name(*y));
}

static void write_map_member(koc__jw *w, const field *f, const koc__jnode *n)
{
    koc__jw_key(w, koc__json_name(n));
    if (f->kind == SET) {
        koc__jw_object(w);
        koc__jw_object_end(w);
        return;
    }
    if (!is_absent(n) && !koc__json_str(n)) {
        refuse(w, f->name, "a map to texts");
    }
    koc__jw_str(w, is_absent(n) ? "" : koc__json_str(n));
}

/* Go sorts the keys of maps. */
static void write_map(koc__jw *w, const field *f, const koc__jnode *n)
{
    if (!is_absent(n) && !koc__json_is(n, KOC__JSON_OBJECT)) {
        refuse(w, f->name, "an object");
        return;
    }
    size_t count = koc__json_count(n);
    if (count == 0) {
        return;
    }
    const koc__jnode **members = koc__calloc(count, sizeof(koc__jnode *));
    if (!members) {
        w->status = koc__oom(&w->error);
        return;
    }
    size_t i = 0;
    for (const koc__jnode *c = koc__json_child(n); c; c = koc__json_next(c)) {
        members[i++] = c;
    }
    qsort(members, count, sizeof(koc__jnode *), compare_names);
    koc__jw_key(w, f->name);
    koc__jw_object(w);
    for (i = 0; i < count; i++) {
        write_map_member(w, f, members[i]);
    }
    koc__jw_object_end(w);
    koc__free(members);
}

static void write_struct(koc__jw *w, const field *fields, const koc__jnode *n, const char *name);

static void write_structs(koc__jw *w, const field *f, const koc__jnode *n)
{
    if (!is_absent(n) && !koc__json_is(n, KOC__JSON_ARRAY)) {
        refuse(w, f->name, "a list");
        return;
    }
    if (!koc__json_child(n) && !f->always) {
        return;
    }
    koc__jw_key(w, f->name);
    koc__jw_array(w);
    for (const koc__jnode *c = koc__json_child(n); c; c = koc__json_next(c)) {
        write_struct(w, f->fields, c, f->name);
    }
    koc__jw_array_end(w);
}

static void write_field(koc__jw *w, const field *f, const koc__jnode *n)
{
    switch (f->kind) {
    case TEXT: write_text(w, f, n); break;
    case FLAG: write_flag(w, f, n); break;
    case INTEGER: write_integer(w, f, n); break;
    case TIME: write_time(w, f, n); break;
    case TEXTS: write_texts(w, f, n); break;
    case TEXT_MAP:
    case SET: write_map(w, f, n); break;
    case STRUCTS: write_structs(w, f, n); break;
    case STRUCT:
        if (f->always || !is_absent(n)) {
            koc__jw_key(w, f->name);
            write_struct(w, f->fields, n, f->name);
        }
        break;
    }
}

static void write_struct(koc__jw *w, const field *fields, const koc__jnode *n, const char *name)
{
    if (!is_absent(n) && !koc__json_is(n, KOC__JSON_OBJECT)) {
        refuse(w, name, "an object");
    }
    koc__jw_object(w);
    for (const field *f = fields; f->name; f++) {
        write_field(w, f, koc__json_get(n, f->name));
    }
    koc__jw_object_end(w);
}

void koc__compat_write_config(koc__jw *w, const koc__jnode *root)
{
    write_struct(w, config_fields, root, "config");
}

void koc__compat_write_manifest(koc__jw *w, const koc__jnode *root)
{
    write_struct(w, manifest_fields, root, "manifest");
}

void koc__compat_write_index(koc__jw *w, const koc__jnode *root)
{
    write_struct(w, index_fields, root, "index");
}
