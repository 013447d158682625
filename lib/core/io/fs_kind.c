/* The kind of file system that a file is on. */
#include "core/common.h"

#include "core/io/fs.h"
#include "core/str.h"

#ifdef __linux__
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

#ifdef __linux__
/* Local file systems that set ctime at every change (magic numbers of statfs(2)). */
static bool is_local(const struct statfs *s)
{
    static const uint32_t kinds[] = {
        0x0000ef53u, /* ext2, ext3, ext4 */
        0x58465342u, /* xfs */
        0x9123683eu, /* btrfs */
        0x01021994u, /* tmpfs */
        0x794c7630u, /* overlayfs */
        0xf2f52010u, /* f2fs */
        0x2fc12fc1u, /* zfs */
        0xca451a4eu, /* bcachefs */
        0x3153464au, /* jfs */
        0x73717368u, /* squashfs */
        0xe0f5e1e2u, /* erofs */
    };
    for (size_t i = 0; i < KOC__COUNT(kinds); i++) {
        if ((uint32_t)s->f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}
#else
static bool is_local(const struct statfs *s)
{
    static const char *const kinds[] = {"apfs", "hfs", "ufs", "zfs", "tmpfs"};
    for (size_t i = 0; i < KOC__COUNT(kinds); i++) {
        if (koc__streq(s->f_fstypename, kinds[i])) {
            return true;
        }
    }
    return false;
}
#endif

bool koc__fs_has_ctime(const char *path)
{
    struct statfs s;
    return statfs(path, &s) == 0 && is_local(&s);
}
