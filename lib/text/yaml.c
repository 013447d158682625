/*
 * YAML events over libyaml. This is the only file that uses libyaml.
 *
 * It corrects two things: positions are in bytes (yaml_marks.c), and a scalar begins with its text, not with
 * its anchor or tag.
 */
#include "core/common.h"

#include <yaml.h>

#include "core/str.h"
#include "text/yaml.h"
#include "text/yaml_events.h"

struct koc__yevents {
    koc_str text;
    char *what;
    yaml_parser_t parser;
    yaml_event_t event; /* the last one: its strings are lent out */
    koc__ymarks starts; /* both grow, but not in step */
    koc__ymarks ends;
    uint64_t *flow; /* a bit for each open collection: written with brackets */
    size_t depth;
    size_t capacity;
    bool ended;
};

/* --- errors --- */

static int fail_at(const koc__yevents *r, size_t byte, const char *why, koc_error **err)
{
    size_t line = 0;
    size_t column = 0;
    koc__ymarks_place(r->text, byte, &line, &column);
    return koc__error(err, KOC_EFORMAT, "%s:%zu:%zu: %s", r->what, line, column, why);
}

/* libyaml has read the text up to the mark; its messages are readable, in lower case. */
static int report(const koc__yevents *r, koc_error **err)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not valid YAML";
    switch (p->error) {
    case YAML_MEMORY_ERROR: return koc__oom(err);
    case YAML_READER_ERROR:
        return fail_at(r, p->problem_offset + koc__ymarks_begin(r->text), problem, err);
    default:
        return koc__error(err, KOC_EFORMAT, "%s:%zu:%zu: %s%s%s", r->what, p->problem_mark.line + 1,
                          p->problem_mark.column + 1, problem, p->context ? " " : "",
                          p->context ? p->context : "");
    }
}

/* libyaml would read UTF-16, but then all positions would be wrong. */
static int check_encoding(const koc__yevents *r, koc_error **err)
{
    koc_str t = r->text;
    if (koc__str_starts(t, "\xFF\xFE") || koc__str_starts(t, "\xFE\xFF")) {
        return koc__error(err, KOC_EFORMAT, "%s:1:1: the file is UTF-16; UTF-8 is needed", r->what);
    }
    if (koc__str_utf8(t)) {
        return KOC_OK;
    }
    size_t at = 0;
    while (at < t.len) {
        size_t n = 1;
        while (at + n < t.len && ((unsigned char)t.ptr[at + n] & 0xC0) == 0x80) {
            n++;
        }
        if (!koc__str_utf8(koc__str_n(t.ptr + at, n))) {
            break;
        }
        at += n;
    }
    return fail_at(r, at, "not UTF-8", err);
}

/* --- life --- */

int koc__yevents_open(koc_str text, size_t max, const char *what, koc__yevents **out,
                      koc_error **err)
{
    if (text.len > max) {
        return koc__error(err, KOC_ELIMIT,
                          "%s: %zu bytes of YAML, more than the %zu that are accepted", what,
                          text.len, max);
    }
    koc__yevents *r = koc__calloc(1, sizeof(*r));
    if (!r || !yaml_parser_initialize(&r->parser)) {
        koc__free(r);
        return koc__oom(err);
    }
    KOC__AUTO(koc__yevents) guard = r;
    r->text = text.ptr ? text : koc__str("");
    r->what = koc__strdup(what);
    if (!r->what) {
        return koc__oom(err);
    }
    koc__ymarks_init(&r->starts, r->text);
    r->ends = r->starts;
    KOC__TRY(r->starts.ascii ? KOC_OK : check_encoding(r, err));
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    /* libyaml removes a byte order mark only if it detects the encoding itself. */
    size_t skip = koc__ymarks_begin(r->text);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text.ptr + skip,
                                 r->text.len - skip);
    *out = koc__steal(&guard);
    return KOC_OK;
}

void koc__yevents_free(koc__yevents *r)
{
    if (r) {
        yaml_event_delete(&r->event);
        yaml_parser_delete(&r->parser);
        koc__free(r->flow);
        koc__free(r->what);
        koc__free(r);
    }
}

/* --- where a scalar begins --- */

static size_t skip_space_and_comments(koc_str t, size_t at, size_t end)
{
    while (at < end) {
        char c = t.ptr[at];
        if (c == '#') {
            while (at < end && t.ptr[at] != '\n' && t.ptr[at] != '\r') {
                at++;
            }
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            at++;
        } else {
            break;
        }
    }
    return at;
}

static bool is_anchor_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
}

/* The event's mark includes the anchor and the tag. An anchor ends with its last letter, as libyaml sees
 * it, a tag at white space. */
static size_t skip_properties(koc_str t, size_t at, size_t end)
{
    while (at < end && (t.ptr[at] == '&' || t.ptr[at] == '!')) {
        bool anchor = t.ptr[at] == '&';
        at++;
        while (at < end &&
               (anchor ? is_anchor_character(t.ptr[at]) : !strchr(" \t\r\n", t.ptr[at]))) {
            at++;
        }
        at = skip_space_and_comments(t, at, end);
    }
    return at;
}

/* --- events --- */

static koc_str to_str(const yaml_char_t *s, size_t len)
{
    return koc__str_n((const char *)s, len);
}

static void fill_scalar(const yaml_event_t *e, koc__yevent *out)
{
    static const int styles[] = {
        [YAML_ANY_SCALAR_STYLE] = KOC__YSTYLE_PLAIN,
        [YAML_PLAIN_SCALAR_STYLE] = KOC__YSTYLE_PLAIN,
        [YAML_SINGLE_QUOTED_SCALAR_STYLE] = KOC__YSTYLE_SINGLE,
        [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = KOC__YSTYLE_DOUBLE,
        [YAML_LITERAL_SCALAR_STYLE] = KOC__YSTYLE_LITERAL,
        [YAML_FOLDED_SCALAR_STYLE] = KOC__YSTYLE_FOLDED,
    };
    out->style = styles[e->data.scalar.style];
    out->value = to_str(e->data.scalar.value, e->data.scalar.length);
    out->anchor = (const char *)e->data.scalar.anchor;
    out->tag = (const char *)e->data.scalar.tag;
}

/* Type and strings. false: an event that is not reported. */
static bool fill_event(const yaml_event_t *e, koc__yevent *out)
{
    switch (e->type) {
    case YAML_STREAM_END_EVENT: out->type = KOC__YEVENT_END; return true;
    case YAML_DOCUMENT_START_EVENT: out->type = KOC__YEVENT_DOCUMENT; return true;
    case YAML_DOCUMENT_END_EVENT: out->type = KOC__YEVENT_DOCUMENT_END; return true;
    case YAML_SEQUENCE_END_EVENT: out->type = KOC__YEVENT_SEQUENCE_END; return true;
    case YAML_MAPPING_END_EVENT: out->type = KOC__YEVENT_MAPPING_END; return true;
    case YAML_ALIAS_EVENT:
        out->type = KOC__YEVENT_ALIAS;
        out->value = koc__str((const char *)e->data.alias.anchor);
        return true;
    case YAML_SCALAR_EVENT:
        out->type = KOC__YEVENT_SCALAR;
        fill_scalar(e, out);
        return true;
    case YAML_SEQUENCE_START_EVENT:
        out->type = KOC__YEVENT_SEQUENCE;
        out->anchor = (const char *)e->data.sequence_start.anchor;
        out->tag = (const char *)e->data.sequence_start.tag;
        out->flow = e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        return true;
    case YAML_MAPPING_START_EVENT:
        out->type = KOC__YEVENT_MAPPING;
        out->anchor = (const char *)e->data.mapping_start.anchor;
        out->tag = (const char *)e->data.mapping_start.tag;
        out->flow = e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
        return true;
    default: return false;
    }
}

/* Tracks the open collections and whether the event is within brackets. */
static int track_flow(koc__yevents *r, koc__yevent *e, koc_error **err)
{
    bool inside = r->depth > 0 && (r->flow[(r->depth - 1) / 64] >> ((r->depth - 1) % 64) & 1);
    bool closes = e->type == KOC__YEVENT_SEQUENCE_END || e->type == KOC__YEVENT_MAPPING_END;
    bool opens = e->type == KOC__YEVENT_SEQUENCE || e->type == KOC__YEVENT_MAPPING;
    e->flow = e->flow || inside;
    if (closes) {
        r->depth--;
    }
    if (!opens) {
        return KOC_OK;
    }
    void *flow = r->flow;
    if (!koc__grow(&flow, &r->capacity, r->depth / 64 + 1, sizeof(*r->flow))) {
        return koc__oom(err);
    }
    r->flow = flow;
    uint64_t bit = UINT64_C(1) << (r->depth % 64);
    uint64_t *word = &r->flow[r->depth / 64];
    *word = e->flow ? *word | bit : *word & ~bit;
    r->depth++;
    return KOC_OK;
}

static void place(koc__yevents *r, koc__yevent *e)
{
    const yaml_event_t *raw = &r->event;
    e->start = koc__ymarks_byte(&r->starts, raw->start_mark.index);
    e->end = koc__ymarks_byte(&r->ends, raw->end_mark.index);
    e->line = raw->start_mark.line + 1;
    e->column = raw->start_mark.column + 1;
    if (e->type != KOC__YEVENT_SCALAR || (!e->anchor && !e->tag)) {
        return;
    }
    size_t at = skip_properties(r->text, e->start, e->end);
    bool empty = e->style == KOC__YSTYLE_PLAIN && e->value.len == 0;
    e->start = empty ? e->end : at;
    koc__ymarks_place(r->text, e->start, &e->line, &e->column);
}

int koc__yevents_next(koc__yevents *r, koc__yevent *out, koc_error **err)
{
    *out = (koc__yevent){0};
    do {
        if (r->ended) {
            return KOC_OK; /* KOC__YEVENT_END */
        }
        yaml_event_delete(&r->event);
        if (!yaml_parser_parse(&r->parser, &r->event)) {
            r->ended = true;
            return report(r, err);
        }
        r->ended = r->event.type == YAML_STREAM_END_EVENT;
    } while (!fill_event(&r->event, out));
    place(r, out);
    return track_flow(r, out, err);
}

const char *koc__libyaml_version(void)
{
    return yaml_get_version_string();
}
