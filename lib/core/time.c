#include "core/common.h"

#include <inttypes.h>
#include <time.h>

#include "core/str.h"
#include "core/text.h"

/* The proleptic Gregorian calendar, counted in eras of 400 years that begin on 1 March. */
enum { DAYS_TO_1970 = 719468, DAYS_IN_ERA = 146097, SECONDS_IN_DAY = 86400 };

static int64_t days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * DAYS_IN_ERA + day_of_era - DAYS_TO_1970;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + DAYS_TO_1970;
    int64_t era = (z >= 0 ? z : z - (DAYS_IN_ERA - 1)) / DAYS_IN_ERA;
    int day_of_era = (int)(z - era * DAYS_IN_ERA);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int)(year_of_era + era * 400) + (*month <= 2 ? 1 : 0);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_date(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) {
        return false;
    }
    return day <= lengths[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

int koc__rfc3339(koc__dynbuf *out, int64_t epoch_seconds, koc_error **err)
{
    int64_t days = epoch_seconds / SECONDS_IN_DAY;
    int64_t rest = epoch_seconds % SECONDS_IN_DAY;
    int year, month, day;
    if (rest < 0) {
        rest += SECONDS_IN_DAY;
        days--;
    }
    if (days < days_of(0, 1, 1) || days > days_of(9999, 12, 31)) {
        return koc__error(err, KOC_EINVAL, "time %" PRId64 " is not in the years 0 to 9999",
                          epoch_seconds);
    }
    date_of(days, &year, &month, &day);
    return koc__dynbuf_printf(out, err, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day,
                              (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

/* Removes n digits from the front of s. */
static bool digits(koc_str *s, size_t n, int *out)
{
    uint64_t value;
    if (s->len < n || !koc__str_u64((koc_str){s->ptr, n}, &value)) {
        return false;
    }
    *s = koc__str_from(*s, n);
    *out = (int)value;
    return true;
}

/* Removes one of the characters in set from the front of s. */
static bool one_of(koc_str *s, const char *set)
{
    if (s->len == 0 || s->ptr[0] == '\0' || !strchr(set, s->ptr[0])) {
        return false;
    }
    *s = koc__str_from(*s, 1);
    return true;
}

static bool clock_time(koc_str *s, int64_t *seconds)
{
    int hour, minute, second;
    if (!digits(s, 2, &hour) || !one_of(s, ":") || !digits(s, 2, &minute) || !one_of(s, ":") ||
        !digits(s, 2, &second)) {
        return false;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second <= 60; /* 60: a leap second */
}

static bool fraction(koc_str *s, uint32_t *nanoseconds)
{
    uint32_t unit = 100000000;
    int digit;
    *nanoseconds = 0;
    if (!one_of(s, ".")) {
        return true;
    }
    if (!digits(s, 1, &digit)) {
        return false;
    }
    do {
        *nanoseconds += (uint32_t)digit * unit;
        unit /= 10; /* digits after the ninth are ignored */
    } while (digits(s, 1, &digit));
    return true;
}

static bool zone(koc_str *s, int *minutes)
{
    bool west = s->len > 0 && s->ptr[0] == '-';
    int hour, minute;
    *minutes = 0;
    if (one_of(s, "Zz")) {
        return true;
    }
    if (!one_of(s, "+-") || !digits(s, 2, &hour) || !one_of(s, ":") || !digits(s, 2, &minute) ||
        hour > 23 || minute > 59) {
        return false;
    }
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return true;
}

bool koc__parse_rfc3339(koc_str text, int64_t *epoch_seconds, uint32_t *nanoseconds,
                        int *offset_minutes)
{
    koc_str s = text;
    int year, month, day, offset;
    uint32_t parts;
    int64_t seconds;
    if (!digits(&s, 4, &year) || !one_of(&s, "-") || !digits(&s, 2, &month) || !one_of(&s, "-") ||
        !digits(&s, 2, &day) || !one_of(&s, "Tt") || !clock_time(&s, &seconds) ||
        !fraction(&s, &parts) || !zone(&s, &offset) || s.len > 0 || !is_date(year, month, day)) {
        return false;
    }
    *epoch_seconds = days_of(year, month, day) * SECONDS_IN_DAY + seconds - (int64_t)offset * 60;
    if (nanoseconds) {
        *nanoseconds = parts;
    }
    if (offset_minutes) {
        *offset_minutes = offset;
    }
    return true;
}

/* Removes one of the three-letter names from the front of s; *index counts from 0. */
static bool name_of(koc_str *s, const char *names, int *index)
{
    for (int i = 0; names[i * 3]; i++) {
        if (s->len >= 3 && memcmp(s->ptr, names + i * 3, 3) == 0) {
            *s = koc__str_from(*s, 3);
            *index = i;
            return true;
        }
    }
    return false;
}

bool koc__parse_http_date(koc_str text, int64_t *epoch_seconds)
{
    koc_str s = text;
    int weekday, day, month, year;
    int64_t seconds;
    if (!name_of(&s, "MonTueWedThuFriSatSun", &weekday) || !one_of(&s, ",") || !one_of(&s, " ") ||
        !digits(&s, 2, &day) || !one_of(&s, " ") ||
        !name_of(&s, "JanFebMarAprMayJunJulAugSepOctNovDec", &month) || !one_of(&s, " ") ||
        !digits(&s, 4, &year) || !one_of(&s, " ") || !clock_time(&s, &seconds) ||
        !koc__str_is(s, " GMT") || !is_date(year, month + 1, day)) {
        return false;
    }
    *epoch_seconds = days_of(year, month + 1, day) * SECONDS_IN_DAY + seconds;
    return true;
}

int64_t koc__now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

int64_t koc__monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t koc__monotonic_ms(void)
{
    return koc__monotonic_ns() / 1000000;
}
