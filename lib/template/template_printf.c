/* Go's fmt verbs for strings, integers and bools. */
#include "core/common.h"

#include <inttypes.h>

#include "template/template_printf.h"

#define WIDTH_MAX 10000

typedef struct verb {
    char letter;
    bool minus, plus, sharp, space, zero;
    size_t width;
    size_t precision; /* SIZE_MAX: none */
} verb;

static size_t runes(koc_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
    }
    return n;
}

static koc_str truncate_runes(koc_str s, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (((unsigned char)s.ptr[i] & 0xc0) != 0x80 && n++ == max) {
            return koc__str_n(s.ptr, i);
        }
    }
    return s;
}

static int pad(koc__dynbuf *out, char c, size_t n, koc_error **err)
{
    while (n-- > 0) {
        KOC__TRY(koc__dynbuf_putc(out, c, err));
    }
    return KOC_OK;
}

static int put_padded(koc__dynbuf *out, const verb *v, koc_str text, koc_error **err)
{
    size_t have = runes(text);
    size_t missing = v->width > have ? v->width - have : 0;
    if (!v->minus) {
        KOC__TRY(pad(out, v->zero ? '0' : ' ', missing, err));
    }
    KOC__TRY(koc__dynbuf_put(out, text, err));
    return v->minus ? pad(out, ' ', missing, err) : KOC_OK;
}

/* As strconv.Quote, but every letter beyond ASCII counts as printable. */
static int put_quoted(koc__dynbuf *out, koc_str s, koc_error **err)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"";
    static const char to[] = "abfnrtv\\\"";
    bool valid = koc__str_utf8(s);
    KOC__TRY(koc__dynbuf_putc(out, '"', err));
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        const char *simple = c ? strchr(from, c) : NULL;
        if (simple) {
            KOC__TRY(koc__dynbuf_printf(out, err, "\\%c", to[simple - from]));
        } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !valid)) {
            KOC__TRY(koc__dynbuf_printf(out, err, "\\x%02x", c));
        } else {
            KOC__TRY(koc__dynbuf_putc(out, (char)c, err));
        }
    }
    return koc__dynbuf_putc(out, '"', err);
}

static int put_hex(koc__dynbuf *out, const verb *v, koc_str s, koc_error **err)
{
    if (v->sharp && s.len > 0 && !v->space) {
        KOC__TRY(koc__dynbuf_puts(out, v->letter == 'x' ? "0x" : "0X", err));
    }
    for (size_t i = 0; i < s.len; i++) {
        if (v->space && i > 0) {
            KOC__TRY(koc__dynbuf_putc(out, ' ', err));
        }
        if (v->sharp && v->space) {
            KOC__TRY(koc__dynbuf_puts(out, v->letter == 'x' ? "0x" : "0X", err));
        }
        KOC__TRY(koc__dynbuf_printf(out, err, v->letter == 'x' ? "%02x" : "%02X",
                                    (unsigned char)s.ptr[i]));
    }
    return KOC_OK;
}

static int put_string(koc__dynbuf *out, const verb *v, koc_str s, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
    if (v->letter == 'x' || v->letter == 'X') {
        koc_str cut = v->precision < s.len ? koc__str_n(s.ptr, v->precision) : s;
        KOC__TRY(put_hex(&text, v, cut, err));
        return put_padded(out, v, koc__dynbuf_view(&text), err);
    }
    s = v->precision == SIZE_MAX ? s : truncate_runes(s, v->precision);
    if (v->letter == 'q') {
        KOC__TRY(put_quoted(&text, s, err));
        return put_padded(out, v, koc__dynbuf_view(&text), err);
    }
    return put_padded(out, v, s, err);
}

static void put_bits(uint64_t n, char out[72])
{
    size_t len = 1;
    while (len < 64 && n >> len) {
        len++;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = n >> (len - 1 - i) & 1 ? '1' : '0';
    }
    out[len] = '\0';
}

/* In the order of fmt: digits, precision or zero padding, prefix and sign. */
static int put_int(koc__dynbuf *out, const verb *v, int64_t number, koc_error **err)
{
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char digits[72];
    if (v->letter == 'b') {
        put_bits(size, digits);
    } else {
        snprintf(digits, sizeof(digits),
                 v->letter == 'x'   ? "%" PRIx64
                 : v->letter == 'X' ? "%" PRIX64
                 : v->letter == 'o' ? "%" PRIo64
                                    : "%" PRIu64,
                 size);
    }
    bool plus = v->plus && v->letter != 'v'; /* %+v names the fields of structures */
    const char *sign = number < 0 ? "-" : plus ? "+" : v->space ? " " : "";
    const char *prefix = !v->sharp          ? ""
                         : v->letter == 'x' ? "0x"
                         : v->letter == 'X' ? "0X"
                         : v->letter == 'b' ? "0b"
                         : v->letter == 'o' ? "0"
                                            : "";
    size_t least = v->precision == SIZE_MAX ? 0 : v->precision;
    if (v->precision == SIZE_MAX && v->zero && !v->minus) {
        least = v->width > strlen(sign) ? v->width - strlen(sign) : 0;
    }
    if (v->precision == 0 && number == 0) {
        digits[0] = '\0';
    }
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(2 * WIDTH_MAX);
    KOC__TRY(koc__dynbuf_printf(&text, err, "%s%s", sign, prefix));
    size_t have = strlen(digits);
    KOC__TRY(pad(&text, '0', least > have ? least - have : 0, err));
    KOC__TRY(koc__dynbuf_puts(&text, digits, err));
    verb plain = *v;
    plain.zero = false;
    return put_padded(out, &plain, koc__dynbuf_view(&text), err);
}

static int put_value(const koc__tcall *c, koc__dynbuf *out, const verb *v, const koc__tvalue *value,
                     koc_error **err)
{
    static const char *const letters[] = {[KOC__T_NIL] = "v",
                                          [KOC__T_BOOL] = "tv",
                                          [KOC__T_INT] = "dvxXbo",
                                          [KOC__T_STRING] = "svqxX",
                                          [KOC__T_MAP] = "v"};
    if (!strchr(letters[value->kind], v->letter)) {
        return koc__template_error(c->t, c->pos, err, "printf: %%%c cannot show a value of type %s",
                                   v->letter, koc__template_type(value));
    }
    if (value->kind == KOC__T_STRING) {
        return put_string(out, v, value->text, err);
    }
    if (value->kind == KOC__T_MAP || value->kind == KOC__T_NIL) {
        KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
        KOC__TRY(koc__template_print(c->t, value, &text, err));
        return put_padded(out, v, koc__dynbuf_view(&text), err);
    }
    if (value->kind == KOC__T_BOOL) {
        return put_padded(out, v, value->number ? KOC__STR("true") : KOC__STR("false"), err);
    }
    return put_int(out, v, value->number, err);
}

static bool digits(koc_str *rest, size_t *out)
{
    *out = 0;
    while (rest->len > 0 && rest->ptr[0] >= '0' && rest->ptr[0] <= '9') {
        *out = *out * 10 + (size_t)(rest->ptr[0] - '0');
        *rest = koc__str_from(*rest, 1);
        if (*out > WIDTH_MAX) {
            return false;
        }
    }
    return true;
}

/* Reads the flags, width and precision between % and the verb. */
static int parse_verb(const koc__tcall *c, koc_str *rest, verb *v, koc_error **err)
{
    *v = (verb){.precision = SIZE_MAX};
    bool flag = true;
    while (flag && rest->len > 0) {
        char letter = rest->ptr[0];
        v->minus |= letter == '-';
        v->plus |= letter == '+';
        v->sharp |= letter == '#';
        v->space |= letter == ' ';
        v->zero |= letter == '0';
        flag = strchr("-+# 0", letter) != NULL;
        *rest = koc__str_from(*rest, flag ? 1 : 0);
    }
    bool fits = digits(rest, &v->width);
    if (fits && koc__str_starts(*rest, ".")) {
        *rest = koc__str_from(*rest, 1);
        fits = digits(rest, &v->precision);
    }
    if (!fits) {
        return koc__template_error(c->t, c->pos, err, "printf: width over %d", WIDTH_MAX);
    }
    v->letter = rest->len > 0 ? rest->ptr[0] : '\0';
    if (v->letter == '\0' || !strchr("svqdtxXbo%", v->letter)) {
        return koc__template_error(c->t, c->pos, err, "printf: the verb %%%.*s is not supported",
                                   (int)KOC__MIN(rest->len, (size_t)1), rest->ptr);
    }
    if (v->sharp && (v->letter == 'v' || v->letter == 'q')) {
        return koc__template_error(c->t, c->pos, err, "printf: %%#%c is not supported", v->letter);
    }
    *rest = koc__str_from(*rest, 1);
    return KOC_OK;
}

int koc__template_printf(const koc__tcall *c, koc__dynbuf *out, koc_error **err)
{
    if (c->args[0].kind != KOC__T_STRING) {
        return koc__template_error(c->t, c->pos, err,
                                   "printf: the format is a string, not of type %s",
                                   koc__template_type(&c->args[0]));
    }
    koc_str rest = c->args[0].text;
    size_t next = 1;
    while (rest.len > 0) {
        koc_str before = rest;
        koc_str after = {0};
        bool found = koc__str_cut(rest, '%', &before, &after);
        KOC__TRY(koc__dynbuf_put(out, before, err));
        if (!found) {
            break;
        }
        verb v;
        KOC__TRY(parse_verb(c, &after, &v, err));
        rest = after;
        if (v.letter == '%') {
            KOC__TRY(koc__dynbuf_putc(out, '%', err));
            continue;
        }
        if (next == c->n_args) {
            return koc__template_error(c->t, c->pos, err, "printf: no value for %%%c", v.letter);
        }
        KOC__TRY(put_value(c, out, &v, &c->args[next++], err));
    }
    if (next < c->n_args) {
        return koc__template_error(c->t, c->pos, err, "printf: more values than verbs");
    }
    return KOC_OK;
}
