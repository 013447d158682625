/* The public object: inputs, the references in them, their replacements, and the output. */
#include "core/common.h"

#include "core/map.h"
#include "core/run/context.h"
#include "core/run/pool.h"
#include "resolve/input_files.h"
#include "resolve/resolve.h"
#include "text/json.h"
#include "text/json_write.h"

#define BYTES_MAX    ((uint64_t)64 << 20)
#define DEPTH_MAX    500u
#define PIECE        ((size_t)1 << 20) /* what one thread reads at a time */
#define MAP_MAX      ((size_t)64 << 20)
#define PIECES_AHEAD 8u

typedef struct input {
    char *label;
    koc__dynbuf owned; /* the content of a file; empty for borrowed bytes */
    koc_str text;
    koc__edits edits;
    koc__tail tail; /* used if another input follows */
} input;

typedef struct reference {
    char *name;
    char *replacement; /* NULL: not set yet */
    size_t input;      /* its first occurrence: input and byte */
    size_t at;
} reference;

/* How far the output is written. */
typedef struct cursor {
    size_t input, edit, at; /* the next edit and the next byte of an input */
    bool begun;             /* bytes of this input were written */
    bool has_written;       /* bytes of any input were written */
    bool has_document;      /* more than comments was written */
    char last_byte;
} cursor;

struct koc_resolver {
    koc_ctx *ctx; /* or NULL */
    koc_str prefix;
    char *prefix_text;
    koc__selector *selector;
    size_t max_bytes;
    uint32_t max_depth;
    input *inputs;
    size_t n_inputs, inputs_capacity;
    reference *references;
    size_t n_references, references_capacity;
    koc__map *by_name; /* of references: index + 1 */
    koc_strlist *warnings;
    char *place; /* for koc_resolver_place */
    cursor out;
};

/* --- life --- */

static void input_dispose(input *in)
{
    koc__free(in->label);
    koc__dynbuf_dispose(&in->owned);
    koc__edits_dispose(&in->edits);
}
KOC__DEFINE_AUTO_VAL(input, input_dispose);

void koc_resolver_free(koc_resolver *r)
{
    if (!r) {
        return;
    }
    for (size_t i = 0; i < r->n_inputs; i++) {
        input_dispose(&r->inputs[i]);
    }
    for (size_t i = 0; i < r->n_references; i++) {
        koc__free(r->references[i].name);
        koc__free(r->references[i].replacement);
    }
    koc__free(r->inputs);
    koc__free(r->references);
    koc__map_free(r->by_name);
    koc__selector_free(r->selector);
    koc_strlist_free(r->warnings);
    koc__free(r->prefix_text);
    koc__free(r->place);
    koc_ctx_unref(r->ctx);
    koc__free(r);
}
KOC__DEFINE_AUTO(koc_resolver, koc_resolver_free);

int koc_resolver_new(koc_ctx *ctx, const koc_resolver_options *opts, koc_resolver **out,
                     koc_error **err)
{
    koc_resolver_options o;
    if (!out) {
        return koc__misuse(err, "koc_resolver_new: out is NULL");
    }
    KOC__TRY(koc__options_copy(&o, sizeof(o), opts, "koc_resolver_options", err));
    if (o.flags || o.reserved || (o.prefix && !*o.prefix)) {
        return koc__misuse(err, "koc_resolver_new: unknown flags, or an empty prefix");
    }
    KOC__AUTO(koc_resolver) r = koc__calloc(1, sizeof(*r));
    if (!r) {
        return koc__oom(err);
    }
    r->ctx = ctx ? koc_ctx_ref(ctx) : NULL;
    r->max_bytes = (size_t)KOC__MIN(o.max_bytes ? o.max_bytes : BYTES_MAX, (uint64_t)SIZE_MAX / 4);
    r->max_depth = o.max_depth ? o.max_depth : DEPTH_MAX;
    r->prefix_text = koc__strdup(o.prefix ? o.prefix : "ko://");
    r->by_name = koc__map_new(NULL);
    if (!r->prefix_text || !r->by_name) {
        return koc__oom(err);
    }
    r->prefix = koc__str(r->prefix_text);
    KOC__TRY(koc__strlist_new(&r->warnings, err));
    if (o.selector && *o.selector) {
        KOC__TRY(koc__selector_parse(o.selector, &r->selector, err));
    }
    *out = koc__steal(&r);
    return KOC_OK;
}

/* --- reading --- */

typedef struct piece {
    koc__job job; /* first member: the pool returns it */
    koc__scan scan;
    koc_error *error;
    int code;
} piece;

static void run_piece(koc__job *job)
{
    piece *p = (piece *)job;
    p->code = koc__scan_run(&p->scan, &p->error);
}

static koc__scan new_scan(const koc_resolver *r, const input *in, size_t base, size_t end)
{
    return (koc__scan){
        .text = in->text,
        .base = base,
        .end = end,
        .label = in->label,
        .prefix = r->prefix,
        .selector = r->selector,
        .max_depth = r->max_depth,
    };
}

static int move_edits(input *in, koc__edits *from, koc_error **err)
{
    if (in->edits.count == 0) { /* move the list: there may be millions */
        koc__edits_dispose(&in->edits);
        in->edits = *from;
        *from = (koc__edits){0};
        return KOC_OK;
    }
    for (size_t i = 0; i < from->count; i++) {
        KOC__TRY(koc__edits_add(&in->edits, &from->items[i], err));
    }
    return KOC_OK;
}

static int read_whole(const koc_resolver *r, input *in, koc_error **err)
{
    KOC__AUTO_VAL(koc__scan) scan = new_scan(r, in, 0, in->text.len);
    KOC__TRY(koc__scan_run(&scan, err));
    in->tail = scan.tail;
    return move_edits(in, &scan.edits, err);
}

/* --- sequences of JSON documents, as kubectl accepts them --- */

static size_t skip_space(koc_str text, size_t at)
{
    while (at < text.len && strchr(" \t\r\n", text.ptr[at])) {
        at++;
    }
    return at;
}

static bool is_json(koc_str text, size_t at)
{
    return at < text.len && (text.ptr[at] == '{' || text.ptr[at] == '[');
}

/* Inserts a document marker between two values: then the output is YAML and can be joined with other YAML. */
static int put_marker(input *in, size_t at, koc_error **err)
{
    koc__text_edit e = {.start = at,
                        .end = at,
                        .form = KOC__FORM_NOTHING,
                        .before = koc__strdup(in->text.ptr[at - 1] == '\n' ? "---\n" : "\n---\n")};
    return e.before ? koc__edits_add(&in->edits, &e, err) : koc__oom(err);
}

/* Reads JSON values, and YAML if it follows after a marker. KOC_EFORMAT: the input is something else. */
static int read_json(const koc_resolver *r, input *in, koc_error **err)
{
    size_t base = 0;
    size_t at = skip_space(in->text, koc__ymarks_begin(in->text));
    while (at < in->text.len) {
        bool marker = base > 0 && koc__split_before(in->text, at) == at && !is_json(in->text, at);
        size_t end = marker                  ? in->text.len
                     : is_json(in->text, at) ? koc__split_json(in->text, at)
                                             : at;
        if (end == at) {
            return koc__error(err, KOC_EFORMAT, "%s: not JSON", in->label);
        }
        end = skip_space(in->text, end);
        KOC__AUTO_VAL(koc__scan) scan = new_scan(r, in, base, end);
        KOC__TRY(koc__scan_run(&scan, err));
        KOC__TRY(move_edits(in, &scan.edits, err));
        in->tail = scan.tail;
        KOC__TRY(is_json(in->text, end) ? put_marker(in, end, err) : KOC_OK);
        at = base = end;
    }
    return KOC_OK;
}

/* --- pieces --- */

/* Takes the edits of a piece. False: it failed. Then the input must be read as one: that gives the same
 * error with the right position, or shows that the split was wrong. */
static bool finish_piece(piece *p, koc__pool *pool, input *in)
{
    koc__pool_wait(pool, &p->job);
    bool good = p->code == KOC_OK && move_edits(in, &p->scan.edits, NULL) == KOC_OK;
    in->tail = p->scan.tail; /* finally that of the last piece */
    koc__scan_dispose(&p->scan);
    koc_error_free(p->error);
    return good;
}

static bool read_pieces(const koc_resolver *r, input *in, koc__pool *pool)
{
    piece pieces[PIECES_AHEAD];
    size_t first = 0;
    size_t next = 0;
    size_t at = 0;
    bool good = true;
    while (first < next || (good && at < in->text.len)) {
        if (good && at < in->text.len && next - first < PIECES_AHEAD) {
            piece *p = &pieces[next++ % PIECES_AHEAD];
            size_t end = koc__split_next(in->text, at, PIECE);
            *p = (piece){.job = {.run = run_piece}, .scan = new_scan(r, in, at, end)};
            koc__pool_submit(pool, &p->job);
            at = end;
        } else {
            good = finish_piece(&pieces[first++ % PIECES_AHEAD], pool, in) && good;
        }
    }
    return good;
}

static int read_input(const koc_resolver *r, input *in, koc_error **err)
{
    if (in->text.len > r->max_bytes) {
        return koc__error(err, KOC_ELIMIT,
                          "%s: %zu bytes of YAML, more than the %zu that are accepted", in->label,
                          in->text.len, r->max_bytes);
    }
    bool pieces = r->ctx && in->text.len > 2 * PIECE && koc__split_allowed(in->text);
    if (pieces && read_pieces(r, in, r->ctx->pool)) {
        return KOC_OK;
    }
    koc__edits_truncate(&in->edits, 0);
    koc_error *why = NULL;
    int rc = read_whole(r, in, &why);
    if (rc == KOC_EFORMAT && is_json(in->text, skip_space(in->text, koc__ymarks_begin(in->text)))) {
        rc = read_json(r, in, NULL) == KOC_OK ? KOC_OK : rc;
    }
    if (rc == KOC_OK) {
        koc_error_free(why);
        return KOC_OK;
    }
    return koc__error_move(err, &why);
}

/* --- references --- */

static int number_reference(koc_resolver *r, koc__text_edit *e, koc_error **err)
{
    koc_str name = koc__str(e->reference);
    uintptr_t known = (uintptr_t)koc__map_get(r->by_name, name);
    if (known == 0) {
        if (!koc__grow((void **)&r->references, &r->references_capacity, r->n_references + 1,
                       sizeof(*r->references))) {
            return koc__oom(err);
        }
        known = r->n_references + 1;
        KOC__TRY(koc__map_set(r->by_name, name, (void *)known, err));
        r->references[r->n_references++] =
            (reference){.name = koc__steal(&e->reference), .input = r->n_inputs, .at = e->start};
    }
    koc__free(e->reference);
    e->reference = NULL;
    e->index = known - 1;
    return KOC_OK;
}

/* Takes ownership of in on success only. */
static int add_input(koc_resolver *r, input *in, koc_error **err)
{
    if (!koc__grow((void **)&r->inputs, &r->inputs_capacity, r->n_inputs + 1, sizeof(*r->inputs))) {
        return koc__oom(err);
    }
    KOC__TRY(read_input(r, in, err));
    for (size_t i = 0; i < in->edits.count; i++) {
        koc__text_edit *e = &in->edits.items[i];
        if (e->form != KOC__FORM_NOTHING) {
            KOC__TRY(number_reference(r, e, err));
        }
    }
    r->inputs[r->n_inputs++] = *in;
    *in = (input){0};
    return KOC_OK;
}

int koc_resolver_add_bytes(koc_resolver *r, const char *label, koc_str yaml, koc_error **err)
{
    if (!r || !label || (!yaml.ptr && yaml.len > 0)) {
        return koc__misuse(err, "koc_resolver_add_bytes: r, label and yaml must be given");
    }
    KOC__AUTO_VAL(input) in = {.label = koc__strdup(label), .text = yaml};
    if (!in.label) {
        return koc__oom(err);
    }
    in.text.ptr = yaml.ptr ? yaml.ptr : "";
    return add_input(r, &in, err);
}

int koc_resolver_add_file(koc_resolver *r, const char *path, koc_error **err)
{
    if (!r || !path) {
        return koc__misuse(err, "koc_resolver_add_file: r and path must be given");
    }
    KOC__AUTO_VAL(input) in = {.label = koc__strdup(path)};
    if (!in.label) {
        return koc__oom(err);
    }
    KOC__TRY(koc__input_read(path, r->max_bytes, &in.owned, err));
    in.text = koc__str_n(koc__dynbuf_cstr(&in.owned), in.owned.len);
    return add_input(r, &in, err);
}

int koc_resolver_add_dir(koc_resolver *r, const char *path, bool recursive, koc_error **err)
{
    if (!r || !path) {
        return koc__misuse(err, "koc_resolver_add_dir: r and path must be given");
    }
    KOC__AUTO(koc_strlist) files = NULL;
    KOC__TRY(koc__strlist_new(&files, err));
    KOC__TRY(koc__input_files_find(path, recursive, files, r->warnings, err));
    for (size_t i = 0; i < koc_strlist_count(files); i++) {
        KOC__TRY(koc_resolver_add_file(r, koc_strlist_get(files, i), err));
    }
    return KOC_OK;
}

size_t koc_resolver_count(const koc_resolver *r)
{
    return r ? r->n_inputs : 0;
}

const char *koc_resolver_label(const koc_resolver *r, size_t i)
{
    return r && i < r->n_inputs ? r->inputs[i].label : NULL;
}

const koc_strlist *koc_resolver_warnings(const koc_resolver *r)
{
    return r ? r->warnings : NULL;
}

int koc_resolver_references(const koc_resolver *r, koc_strlist **out, koc_error **err)
{
    if (!r || !out) {
        return koc__misuse(err, "koc_resolver_references: r and out must be given");
    }
    KOC__AUTO(koc_strlist) list = NULL;
    KOC__TRY(koc__strlist_new(&list, err));
    for (size_t i = 0; i < r->n_references; i++) {
        KOC__TRY(koc__strlist_add(list, r->references[i].name, err));
    }
    *out = koc__steal(&list);
    return KOC_OK;
}

static reference *find_reference(const koc_resolver *r, const char *name)
{
    uintptr_t known = r && name ? (uintptr_t)koc__map_get(r->by_name, koc__str(name)) : 0;
    return known ? &r->references[known - 1] : NULL;
}

const char *koc_resolver_place(koc_resolver *r, const char *name)
{
    const reference *x = find_reference(r, name);
    if (!x) {
        return NULL;
    }
    const input *in = &r->inputs[x->input];
    size_t line = 0;
    size_t column = 0;
    koc__ymarks_place(in->text, x->at, &line, &column);
    koc__free(r->place);
    r->place = koc__format("%s:%zu:%zu", in->label, line, column);
    return r->place;
}

void koc_resolver_locate(koc_resolver *r, koc_error **error)
{
    static const char words[] = "cannot build ";
    if (!r || !error || !koc__str_starts(koc__str(koc_error_message(*error)), words)) {
        return;
    }
    int rc = koc_error_code(*error);
    if (rc == KOC_EPROCESS) { /* the package exists but does not compile */
        return;
    }
    koc_str rest = koc__str_from(koc__str(koc_error_message(*error)), strlen(words));
    for (size_t i = 0; i < r->n_references; i++) {
        const char *name = r->references[i].name;
        size_t len = strlen(name);
        if (koc__str_starts(rest, name) && rest.len > len && rest.ptr[len] == ':') {
            (void)koc__error_prefix(error, rc, "%s", koc_resolver_place(r, name));
            return;
        }
    }
}

/* --- replacements --- */

int koc_resolver_set(koc_resolver *r, const char *name, const char *replacement, koc_error **err)
{
    if (!r || !name || !replacement) {
        return koc__misuse(err, "koc_resolver_set: r, reference and replacement must be given");
    }
    reference *x = find_reference(r, name);
    if (!x) {
        return koc__error(err, KOC_ENOTFOUND, "%s: no input has this reference", name);
    }
    KOC__TRY(koc__rewrite_check(replacement, err));
    char *copy = koc__strdup(replacement);
    if (!copy) {
        return koc__oom(err);
    }
    koc__free(x->replacement);
    x->replacement = copy;
    return KOC_OK;
}

const char *koc_resolver_replacement(const koc_resolver *r, const char *name)
{
    const reference *x = find_reference(r, name);
    return x ? x->replacement : NULL;
}

int koc_resolver_read_map(koc_resolver *r, const char *label, koc_str json, koc_error **err)
{
    if (!r || !label || !json.ptr) {
        return koc__misuse(err, "koc_resolver_read_map: r, label and json must be given");
    }
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(json, MAP_MAX, label, &doc, err));
    const koc__jnode *root = koc__json_root(doc);
    if (!koc__json_is(root, KOC__JSON_OBJECT)) {
        return koc__error(err, KOC_EFORMAT, "%s: not a JSON object of references", label);
    }
    for (koc__jnode *n = koc__json_child(root); n; n = koc__json_next(n)) {
        const char *name = koc__json_name(n);
        if (!koc__json_str(n)) {
            return koc__error(err, KOC_EFORMAT, "%s: the value of \"%s\" is not a string", label,
                              name);
        }
        int rc =
            find_reference(r, name) ? koc_resolver_set(r, name, koc__json_str(n), err) : KOC_OK;
        KOC__TRY(koc__error_prefix(err, rc, "%s: %s", label, name));
    }
    return KOC_OK;
}

int koc_resolver_write_map(const koc_resolver *r, koc_buf *out, koc_error **err)
{
    if (!r || !out) {
        return koc__misuse(err, "koc_resolver_write_map: r and out must be given");
    }
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(MAP_MAX);
    koc__jw w;
    koc__jw_begin(&w, &text, 2, 0);
    koc__jw_object(&w);
    for (size_t i = 0; i < r->n_references; i++) {
        koc__jw_kv(&w, r->references[i].name, r->references[i].replacement);
    }
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    KOC__TRY(koc__dynbuf_putc(&text, '\n', err));
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}

/* The first edit from `from` on that has no replacement yet; the number of edits: there is none. */
static size_t first_open(const koc_resolver *r, const input *in, size_t from)
{
    while (from < in->edits.count) {
        const koc__text_edit *e = &in->edits.items[from];
        if (e->form != KOC__FORM_NOTHING && !r->references[e->index].replacement) {
            break;
        }
        from++;
    }
    return from;
}

bool koc_resolver_is_ready(const koc_resolver *r, size_t i)
{
    return r && i < r->n_inputs && first_open(r, &r->inputs[i], 0) == r->inputs[i].edits.count;
}

/* --- writing --- */

static int put(cursor *c, const koc_writer *w, koc_str data, koc_error **err)
{
    if (!c->begun && c->has_written) { /* a byte order mark is allowed at the beginning only */
        data = koc__str_from(data, koc__ymarks_begin(data));
    }
    if (data.len == 0) {
        return KOC_OK;
    }
    if (!c->begun && c->has_written) {
        /* A directive is valid only after the end of a document, or before the first. */
        size_t first = koc__split_first(data);
        bool directive = first < data.len && data.ptr[first] == '%';
        const char *between = !directive ? "\n---\n" : c->has_document ? "\n...\n" : "\n";
        size_t skip = c->last_byte == '\n' ? 1 : 0;
        KOC__TRY(w->write(w->self, between + skip, strlen(between + skip), err));
    }
    c->begun = true;
    c->has_document = c->has_document || koc__split_first(data) < data.len;
    KOC__TRY(w->write(w->self, data.ptr, data.len, err));
    c->has_written = true;
    c->last_byte = data.ptr[data.len - 1];
    return KOC_OK;
}

static int prefix_place(const input *in, const koc__text_edit *e, int rc, koc_error **err)
{
    size_t line = 0;
    size_t column = 0;
    koc__ymarks_place(in->text, e->start, &line, &column);
    return koc__error_prefix(err, rc, "%s:%zu:%zu", in->label, line, column);
}

/* Writes up to byte `end` of an input, with all edits before number `n_edits`. */
static int write_until(const koc_resolver *r, const input *in, cursor *c, size_t n_edits,
                       size_t end, const koc_writer *w, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) value = KOC__DYNBUF_INIT((size_t)1 << 20);
    while (c->edit < n_edits) {
        const koc__text_edit *e = &in->edits.items[c->edit];
        const char *replacement =
            e->form == KOC__FORM_NOTHING ? NULL : r->references[e->index].replacement;
        koc__dynbuf_clear(&value);
        int rc = koc__rewrite_edit(e, replacement, &value, err);
        if (rc != KOC_OK) {
            return prefix_place(in, e, rc, err);
        }
        KOC__TRY(put(c, w, koc__str_n(in->text.ptr + c->at, e->start - c->at), err));
        KOC__TRY(put(c, w, koc__dynbuf_view(&value), err));
        c->at = e->end;
        c->edit++;
    }
    if (c->at < end) {
        KOC__TRY(put(c, w, koc__str_n(in->text.ptr + c->at, end - c->at), err));
        c->at = end;
    }
    return KOC_OK;
}

/* Writes complete documents, up to that of the edit that has no replacement yet. */
static int write_documents(const koc_resolver *r, const input *in, cursor *c, size_t open,
                           const koc_writer *w, koc_error **err)
{
    if (!koc__split_allowed(in->text)) {
        return KOC_OK;
    }
    size_t end = koc__split_before(in->text, in->edits.items[open].start);
    while (open > c->edit && in->edits.items[open - 1].start >= end) {
        open--;
    }
    return end > c->at ? write_until(r, in, c, open, end, w, err) : KOC_OK;
}

/* Whether an input after number i has content. */
static bool is_followed(const koc_resolver *r, size_t i)
{
    for (i++; i < r->n_inputs; i++) {
        if (r->inputs[i].text.len > koc__ymarks_begin(r->inputs[i].text)) {
            return true;
        }
    }
    return false;
}

/* Writes the end of an input that another one follows (koc__tail), unless its last document was removed
 * or the scalar is a reference, which is written in its own form. */
static int write_tail(const koc_resolver *r, const input *in, cursor *c, const koc_writer *w,
                      koc_error **err)
{
    const koc__tail *tail = &in->tail;
    if (!tail->replace || !is_followed(r, c->input)) {
        return KOC_OK;
    }
    KOC__TRY(write_until(r, in, c, in->edits.count, tail->start, w, err));
    if (c->at != tail->start) {
        return KOC_OK;
    }
    KOC__TRY(put(c, w, koc__str(tail->replace), err));
    c->at = tail->end;
    return KOC_OK;
}

static int write_rest(const koc_resolver *r, const input *in, cursor *c, const koc_writer *w,
                      koc_error **err)
{
    KOC__TRY(write_tail(r, in, c, w, err));
    KOC__TRY(write_until(r, in, c, in->edits.count, in->text.len, w, err));
    c->input++;
    c->edit = c->at = 0;
    c->begun = false;
    return KOC_OK;
}

int koc_resolver_write_input(koc_resolver *r, size_t i, const koc_writer *w, koc_error **err)
{
    if (!r || !w || !w->write || i >= r->n_inputs) {
        return koc__misuse(err, "koc_resolver_write_input: r, w and an input must be given");
    }
    if (!koc_resolver_is_ready(r, i)) {
        return koc__misuse(err, "koc_resolver_write_input: a reference has no replacement yet");
    }
    r->out = (cursor){.input = i,
                      .has_written = i > 0 && r->out.has_written,
                      .has_document = i > 0 && r->out.has_document,
                      .last_byte = r->out.last_byte};
    return write_rest(r, &r->inputs[i], &r->out, w, err);
}

int koc_resolver_write(koc_resolver *r, const koc_writer *w, koc_error **err)
{
    if (!r || !w || !w->write) {
        return koc__misuse(err, "koc_resolver_write: r and w must be given");
    }
    for (size_t i = 0; i < r->n_inputs; i++) {
        KOC__TRY(koc_resolver_write_input(r, i, w, err));
    }
    return KOC_OK;
}

int koc_resolver_write_ready(koc_resolver *r, const koc_writer *w, bool *complete, koc_error **err)
{
    if (!r || !w || !w->write || !complete) {
        return koc__misuse(err, "koc_resolver_write_ready: r, w and complete must be given");
    }
    cursor *c = &r->out;
    while (c->input < r->n_inputs) {
        const input *in = &r->inputs[c->input];
        size_t open = first_open(r, in, c->edit);
        if (open == in->edits.count) {
            KOC__TRY(write_rest(r, in, c, w, err));
            continue;
        }
        KOC__TRY(write_documents(r, in, c, open, w, err));
        break;
    }
    *complete = c->input == r->n_inputs;
    return KOC_OK;
}
