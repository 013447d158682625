/*
 * Linux file capabilities: the text of linux_capabilities to the value of the extended attribute
 * security.capability (linux/capability.h, struct vfs_cap_data, revision 2).
 */
#include "core/common.h"

#include "core/str.h"
#include "layer/layer.h"

/* In the order of the kernel: the index is the number. */
static const char *const names[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};
#define ALL ((UINT64_C(1) << KOC__COUNT(names)) - 1)

typedef struct sets {
    uint64_t permitted, inheritable, effective;
} sets;

static bool capability(koc_str text, uint64_t *mask)
{
    uint64_t number = 0;
    if (koc__str_u64(text, &number)) {
        *mask = number < 64 ? UINT64_C(1) << number : 0;
        return number < 64;
    }
    if (koc__str_ieq(text, KOC__STR("all"))) {
        *mask = ALL;
        return true;
    }
    if (text.len > 4 && koc__str_ieq(koc__str_n(text.ptr, 4), KOC__STR("cap_"))) {
        text = koc__str_from(text, 4);
    }
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        if (koc__str_ieq(text, koc__str(names[i]))) {
            *mask = UINT64_C(1) << i;
            return true;
        }
    }
    return false;
}

static int list(koc_str text, uint64_t *mask, koc_error **err)
{
    koc_str rest = text;
    koc_str name = {NULL, 0};
    while (koc__str_split(&rest, ',', &name)) {
        uint64_t one = 0;
        if (!capability(name, &one)) {
            return koc__error(err, KOC_EINVAL, "linux_capabilities: unknown capability \"%.*s\"",
                              KOC__FMT(name));
        }
        *mask |= one;
    }
    return KOC_OK;
}

static void change(uint64_t *set, uint64_t mask, char how)
{
    *set = how == '-' ? *set & ~mask : *set | mask;
}

/* "+ep", "=i", "=p-e": applied to the capabilities in mask. */
static int actions(koc_str text, uint64_t mask, sets *s, koc_str term, koc_error **err)
{
    char how = '+';
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '=':
            s->permitted &= ~mask;
            s->inheritable &= ~mask;
            s->effective &= ~mask;
            how = '+';
            break;
        case '+':
        case '-': how = text.ptr[i]; break;
        case 'p': change(&s->permitted, mask, how); break;
        case 'i': change(&s->inheritable, mask, how); break;
        case 'e': change(&s->effective, mask, how); break;
        default:
            return koc__error(err, KOC_EINVAL, "linux_capabilities: \"%.*s\": unknown flag '%c'",
                              KOC__FMT(term), text.ptr[i]);
        }
    }
    return KOC_OK;
}

/* A name, or a clause as cap_from_text(3) reads them. */
static int apply(koc_str term, sets *s, koc_error **err)
{
    size_t n = 0;
    while (n < term.len && !strchr("+-=", term.ptr[n])) {
        n++;
    }
    uint64_t mask = 0;
    if (n == 0 && term.ptr[0] != '=') {
        return koc__error(err, KOC_EINVAL, "linux_capabilities: \"%.*s\" names no capability",
                          KOC__FMT(term));
    }
    KOC__TRY(list(koc__str_n(term.ptr, n), &mask, err));
    if (n == term.len) {
        s->permitted |= mask;
        return KOC_OK;
    }
    return actions(koc__str_from(term, n), n == 0 ? ALL : mask, s, term, err);
}

static void put_u32(uint8_t *out, uint64_t v)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(v >> 8 * i);
    }
}

int koc__caps_encode(const koc_strlist *terms, bool *any, uint8_t out[KOC__CAPS_SIZE],
                     koc_error **err)
{
    sets s = {0};
    for (size_t i = 0; i < koc_strlist_count(terms); i++) {
        koc_str rest = koc__str(koc_strlist_get(terms, i));
        koc_str term = {NULL, 0};
        while (koc__str_word(&rest, &term)) {
            KOC__TRY(apply(term, &s, err));
        }
    }
    *any = s.permitted || s.inheritable;
    put_u32(out, UINT64_C(0x02000000) | (s.effective ? 1 : 0));
    put_u32(out + 4, s.permitted);
    put_u32(out + 8, s.inheritable);
    put_u32(out + 12, s.permitted >> 32);
    put_u32(out + 16, s.inheritable >> 32);
    return KOC_OK;
}
