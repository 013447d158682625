/*
 * JSON documents over cJSON. This is the only file that uses cJSON. Its parser sees only text that
 * json_scan.c has accepted, and builds the tree.
 */
#include "core/common.h"

#include <inttypes.h>
#include <pthread.h>

#include <cjson/cJSON.h>

#include "core/str.h"
#include "text/json.h"
#include "text/json_scan.h"

struct koc__json {
    cJSON *root;
};

/* cJSON before 1.7.18 reads at most this much of a number. */
#define CJSON_NUMBER_MAX 60
/* 2^53-1: the largest integer that every reader agrees on. */
#define EXACT_INTEGER_MAX UINT64_C(9007199254740991)

/* cJSON_Parse writes a global (where the last error was), so two threads must not be in it at once. */
static pthread_mutex_t parse_mutex = PTHREAD_MUTEX_INITIALIZER;

/* --- parsing --- */

/* koc does not use cJSON's double, so a number that is too long for it is replaced by a 0 and spaces. */
static int blank_long_numbers(koc_str text, const koc__json_scan *scan, char **copy,
                              koc_error **err)
{
    for (size_t i = 0; i < scan->n_numbers; i++) {
        const koc__json_span *span = &scan->numbers[i];
        if (span->len <= CJSON_NUMBER_MAX) {
            continue;
        }
        if (!*copy) {
            *copy = koc__strndup(text.ptr, text.len);
        }
        if (!*copy) {
            return koc__oom(err);
        }
        memset(*copy + span->start, ' ', span->len);
        (*copy)[span->start] = '0';
    }
    return KOC_OK;
}

static int build_tree(koc_str text, const koc__json_scan *scan, const char *what, cJSON **out,
                      koc_error **err)
{
    KOC__AUTO_STR copy = NULL;
    KOC__TRY(blank_long_numbers(text, scan, &copy, err));
    const char *end = NULL;
    pthread_mutex_lock(&parse_mutex);
    cJSON *root = cJSON_ParseWithLengthOpts(copy ? copy : text.ptr, text.len, &end, false);
    pthread_mutex_unlock(&parse_mutex);
    if (!root) {
        /* The text is valid JSON, so only a lack of memory can make this fail. */
        return koc__oom(err);
    }
    *out = root;
    return KOC_OK;
}

/* The nodes from the root to the current one of a walk. */
typedef struct walk {
    cJSON *open[KOC__JSON_DEPTH + 1];
    int depth;
} walk;

/* The node after n in source order; NULL: the end. */
static cJSON *walk_next(walk *w, cJSON *n)
{
    if (n->child) {
        w->open[w->depth++] = n;
        return n->child;
    }
    while (!n->next && w->depth > 0) {
        n = w->open[--w->depth];
    }
    return w->depth > 0 ? n->next : NULL;
}

/* "/config/Labels" for messages, cut if it is too long. */
static void format_path(const walk *w, const cJSON *object, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 1; i <= w->depth; i++) {
        const cJSON *n = i < w->depth ? w->open[i] : object;
        int len = snprintf(out + used, size - used, "/%s", n->string ? n->string : "*");
        if (len < 0 || (size_t)len >= size - used) {
            return;
        }
        used += (size_t)len;
    }
}

static int compare_names(const void *a, const void *b)
{
    const cJSON *const *x = a;
    const cJSON *const *y = b;
    return strcmp((*x)->string, (*y)->string);
}

/* *twice: a member whose name another one has as well, or NULL. */
static int find_duplicate(const cJSON *object, const cJSON **twice, koc_error **err)
{
    *twice = NULL;
    size_t n = koc__json_count(object);
    if (n < 2) {
        return KOC_OK;
    }
    const cJSON **members = koc__calloc(n, sizeof(*members));
    if (!members) {
        return koc__oom(err);
    }
    size_t i = 0;
    for (const cJSON *m = object->child; m; m = m->next) {
        members[i++] = m;
    }
    qsort(members, n, sizeof(*members), compare_names);
    for (i = 1; i < n && !*twice; i++) {
        if (strcmp(members[i - 1]->string, members[i]->string) == 0) {
            *twice = members[i];
        }
    }
    koc__free(members);
    return KOC_OK;
}

/* One walk in source order: gives numbers their text and checks objects for duplicate names. */
static int finish_tree(cJSON *root, koc_str text, const koc__json_scan *scan, const char *what,
                       koc_error **err)
{
    walk w = {.depth = 0};
    size_t number = 0;
    for (cJSON *n = root; n; n = walk_next(&w, n)) {
        if (cJSON_IsNumber(n)) {
            const koc__json_span *span = &scan->numbers[number++];
            n->valuestring = cJSON_malloc(span->len + 1);
            if (!n->valuestring) {
                return koc__oom(err);
            }
            memcpy(n->valuestring, text.ptr + span->start, span->len);
            n->valuestring[span->len] = '\0';
        } else if (cJSON_IsObject(n)) {
            const cJSON *twice = NULL;
            KOC__TRY(find_duplicate(n, &twice, err));
            if (twice) {
                char path[256];
                format_path(&w, n, path, sizeof(path));
                return koc__error(err, KOC_EFORMAT, "%s: duplicate name \"%s\" in %s", what,
                                  twice->string, path[0] ? path : "the top level");
            }
        }
    }
    return KOC_OK;
}

static int report_scan(const koc__json_scan *scan, int code, const char *what, koc_error **err)
{
    if (code == KOC_ENOMEM) {
        return koc__oom(err);
    }
    if (code == KOC_ELIMIT) {
        return koc__error(err, code, "%s: JSON limit exceeded at byte %zu: %s", what, scan->at,
                          scan->reason);
    }
    return koc__error(err, code, "%s: not valid JSON at byte %zu: %s", what, scan->at,
                      scan->reason);
}

static int adopt(cJSON *root, koc__json **out, koc_error **err)
{
    koc__json *doc = root ? koc__calloc(1, sizeof(*doc)) : NULL;
    if (!doc) {
        cJSON_Delete(root);
        return koc__oom(err);
    }
    doc->root = root;
    *out = doc;
    return KOC_OK;
}

int koc__json_parse(koc_str text, size_t max, const char *what, koc__json **out, koc_error **err)
{
    if (text.len > max) {
        return koc__error(err, KOC_ELIMIT,
                          "%s: %zu bytes of JSON, more than the %zu that are accepted", what,
                          text.len, max);
    }
    KOC__AUTO_VAL(koc__json_scan) scan = {0};
    int code = koc__json_scan_text(text, &scan);
    if (code != KOC_OK) {
        return report_scan(&scan, code, what, err);
    }
    cJSON *root = NULL;
    KOC__TRY(build_tree(text, &scan, what, &root, err));
    code = finish_tree(root, text, &scan, what, err);
    if (code != KOC_OK) {
        cJSON_Delete(root);
        return code;
    }
    return adopt(root, out, err);
}

void koc__json_free(koc__json *doc)
{
    if (doc) {
        cJSON_Delete(doc->root);
        koc__free(doc);
    }
}

koc__jnode *koc__json_root(const koc__json *doc)
{
    return doc ? doc->root : NULL;
}

/* --- reading --- */

int koc__json_type(const koc__jnode *n)
{
    if (!n) {
        return 0;
    }
    switch (n->type & 0xFF) {
    case cJSON_NULL: return KOC__JSON_NULL;
    case cJSON_False:
    case cJSON_True: return KOC__JSON_BOOL;
    case cJSON_Number: return KOC__JSON_NUMBER;
    case cJSON_String: return KOC__JSON_STRING;
    case cJSON_Array: return KOC__JSON_ARRAY;
    case cJSON_Object: return KOC__JSON_OBJECT;
    default: return 0;
    }
}

bool koc__json_is(const koc__jnode *n, int type)
{
    return n && koc__json_type(n) == type;
}

koc__jnode *koc__json_get(const koc__jnode *object, const char *name)
{
    return koc__json_is(object, KOC__JSON_OBJECT) ? cJSON_GetObjectItemCaseSensitive(object, name)
                                                  : NULL;
}

bool koc__json_name_folds(const koc__jnode *member, const char *name)
{
    return member && member->string && koc__str_ieq(koc__str(member->string), koc__str(name));
}

koc__jnode *koc__json_get_folded(const koc__jnode *object, const char *name)
{
    koc__jnode *found = NULL;
    if (!koc__json_is(object, KOC__JSON_OBJECT)) {
        return NULL;
    }
    for (koc__jnode *n = object->child; n; n = n->next) {
        found = koc__json_name_folds(n, name) && !cJSON_IsNull(n) ? n : found;
    }
    return found;
}

koc__jnode *koc__json_child(const koc__jnode *n)
{
    return n ? n->child : NULL;
}

koc__jnode *koc__json_next(const koc__jnode *n)
{
    return n ? n->next : NULL;
}

size_t koc__json_count(const koc__jnode *n)
{
    size_t count = 0;
    for (const cJSON *c = n ? n->child : NULL; c; c = c->next) {
        count++;
    }
    return count;
}

const char *koc__json_name(const koc__jnode *n)
{
    return n ? n->string : NULL;
}

const char *koc__json_str(const koc__jnode *n)
{
    return koc__json_is(n, KOC__JSON_STRING) ? n->valuestring : NULL;
}

bool koc__json_true(const koc__jnode *n)
{
    return n && cJSON_IsTrue(n);
}

const char *koc__json_number(const koc__jnode *n)
{
    return koc__json_is(n, KOC__JSON_NUMBER) ? n->valuestring : NULL;
}

bool koc__json_u64(const koc__jnode *n, uint64_t *out)
{
    const char *text = koc__json_number(n);
    uint64_t value = 0;
    if (!text || !koc__str_u64(koc__str(text), &value) || value > EXACT_INTEGER_MAX) {
        return false;
    }
    *out = value;
    return true;
}

bool koc__json_i64(const koc__jnode *n, int64_t *out)
{
    const char *text = koc__json_number(n);
    return text && koc__str_i64(koc__str(text), out);
}

const char *koc__json_get_str(const koc__jnode *object, const char *name)
{
    return koc__json_str(koc__json_get(object, name));
}

/* Whether a step of a JSON pointer, in which ~1 is / and ~0 is ~, is this name. */
static bool step_names(koc_str step, const char *name)
{
    size_t i = 0;
    for (; i < step.len && *name; i++, name++) {
        char c = step.ptr[i];
        if (c == '~') {
            i++;
            if (i == step.len || (step.ptr[i] != '0' && step.ptr[i] != '1')) {
                return false;
            }
            c = step.ptr[i] == '0' ? '~' : '/';
        }
        if (c != *name) {
            return false;
        }
    }
    return i == step.len && !*name;
}

static const cJSON *step_into(const cJSON *n, koc_str step)
{
    const cJSON *c = n->child;
    if (cJSON_IsObject(n)) {
        while (c && !step_names(step, c->string)) {
            c = c->next;
        }
        return c;
    }
    uint64_t index = 0;
    bool leading_zero = step.len > 1 && step.ptr[0] == '0';
    if (!cJSON_IsArray(n) || leading_zero || !koc__str_u64(step, &index)) {
        return NULL;
    }
    while (c && index-- > 0) {
        c = c->next;
    }
    return c;
}

koc__jnode *koc__json_at(const koc__jnode *n, const char *pointer)
{
    while (n && *pointer == '/') {
        const char *step = pointer + 1;
        pointer = step + strcspn(step, "/");
        n = step_into(n, koc__str_n(step, (size_t)(pointer - step)));
    }
    union {
        const cJSON *in;
        cJSON *out;
    } same = {.in = *pointer ? NULL : n};
    return same.out;
}

const char *koc__cjson_version(void)
{
    return cJSON_Version();
}

/* --- changing --- */

int koc__json_new(koc__json **out, koc_error **err)
{
    return adopt(cJSON_CreateObject(), out, err);
}

int koc__json_copy(const koc__jnode *n, koc__json **out, koc_error **err)
{
    return adopt(cJSON_Duplicate(n, true), out, err);
}

koc__jnode *koc__json_make_object(void)
{
    return cJSON_CreateObject();
}

koc__jnode *koc__json_make_array(void)
{
    return cJSON_CreateArray();
}

koc__jnode *koc__json_make_str(const char *value)
{
    return cJSON_CreateString(value);
}

koc__jnode *koc__json_make_u64(uint64_t value)
{
    cJSON *n = cJSON_CreateNumber(0);
    size_t size = sizeof("18446744073709551615");
    char *text = n ? cJSON_malloc(size) : NULL;
    if (!text) {
        cJSON_Delete(n);
        return NULL;
    }
    snprintf(text, size, "%" PRIu64, value);
    n->valuestring = text;
    return n;
}

koc__jnode *koc__json_make_copy(const koc__jnode *n)
{
    return cJSON_Duplicate(n, true);
}

void koc__json_node_free(koc__jnode *n)
{
    cJSON_Delete(n);
}

int koc__json_put(koc__jnode *object, const char *name, koc__jnode *value, koc_error **err)
{
    if (!value) {
        return koc__oom(err);
    }
    bool there = koc__json_get(object, name) != NULL;
    bool done = there ? cJSON_ReplaceItemInObjectCaseSensitive(object, name, value)
                      : cJSON_AddItemToObject(object, name, value);
    if (!done) {
        cJSON_Delete(value);
        return koc__oom(err);
    }
    return KOC_OK;
}

int koc__json_push(koc__jnode *array, koc__jnode *value, koc_error **err)
{
    if (!value || !cJSON_AddItemToArray(array, value)) {
        cJSON_Delete(value);
        return koc__oom(err);
    }
    return KOC_OK;
}

int koc__json_replace(koc__jnode *parent, koc__jnode *old, koc__jnode *value, koc_error **err)
{
    if (old->string) {
        return koc__json_put(parent, old->string, value, err);
    }
    if (!value || !cJSON_ReplaceItemViaPointer(parent, old, value)) {
        cJSON_Delete(value);
        return koc__oom(err);
    }
    return KOC_OK;
}

void koc__json_remove(koc__jnode *parent, koc__jnode *child)
{
    if (parent && child) {
        cJSON_Delete(cJSON_DetachItemViaPointer(parent, child));
    }
}

void koc__json_drop(koc__jnode *object, const char *name)
{
    koc__json_remove(object, koc__json_get(object, name));
}
