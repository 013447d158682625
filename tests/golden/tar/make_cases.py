#!/usr/bin/env python3
"""Writes cases.tsv: tar entries at the edges of what a USTAR header can say.

One entry a line: type, mode, uid, gid, mtime, then in hex name, link, uname, gname, then key=value
records (value in hex). `go run expect.go < cases.tsv > expect.tar` gives the bytes that
tests/unit/layer/test_tar_write.c compares with.
"""

import sys


def line(name, kind="0", mode=0o555, uid=0, gid=0, mtime=0, link="", uname="", gname="", **records):
    def text(s):
        return (s if isinstance(s, bytes) else s.encode()).hex() or "-"
    fields = [kind, mode, uid, gid, mtime, text(name), text(link), text(uname), text(gname)]
    fields += [f"{key.replace('__', '.')}={text(value)}" for key, value in records.items()]
    return "\t".join(str(f) for f in fields)


def cases():
    for n in (1, 99, 100, 101, 155, 156, 157, 255, 256, 257, 300):
        yield line("a" * n)
        yield line("a" * (n - 1) + "/", kind="5") if n > 1 else line("a", kind="5")
    for prefix in (1, 50, 99, 100, 154, 155, 156, 200):
        for suffix in (1, 54, 99, 100, 101):
            yield line("p" * prefix + "/" + "s" * suffix)
            yield line("p" * prefix + "/" + "s" * suffix + "/", kind="5")
            yield line("/" + "p" * prefix + "/" + "s" * suffix)
    yield line("a/" * 60, kind="5")
    yield line("a/" * 90, kind="5")
    yield line("a/" * 200 + "f")
    yield line("/" + "b" * 120)
    yield line("x//" * 50 + "y")
    yield line("x/../" * 30 + "y")
    yield line("./" * 60 + "y")
    yield line("k" * 98 + "//" + "t" * 40 + "\u00fc")
    yield line("k" * 97 + "///" + "t" * 40 + "\u00fc")
    for name in ("\u00fc.txt", "\u65e5\u672c/\u8a9e", "\u00e9" * 60, "a" * 99 + "\u00e9", "d/\u00e9/",
                 b"bad\xff\xfeutf8"):
        kind = "5" if name[-1:] in ("/", b"/") else "0"
        yield line(name, kind=kind)
    for mtime in (1, 1600000000, 8589934591, 8589934592, -1, -1234567890123):
        yield line("time", mtime=mtime)
    for number in (2097151, 2097152, 4294967295):
        yield line("owner", uid=number)
        yield line("owner", gid=number)
    for target in ("t" * 100, "t" * 101, "u/" * 80 + "x", "\u00fc"):
        yield line("link", kind="2", mode=0o777, link=target)
        yield line("hard", kind="1", link=target)
    for owner in ("root", "o" * 32, "o" * 33, "\u00f6"):
        yield line("owner", uname=owner, gname=owner)
    for n in (0, 1, 2, 60, 61, 62, 63, 64, 65, 66, 67, 960, 961, 962, 963, 964, 965):
        yield line("record", SCHILY__xattr__user__x="v" * n)
    yield line("/ko-app/app", SCHILY__xattr__security__capability=bytes.fromhex(
        "0000000201040000" + "00" * 12))
    yield line("p" * 60 + "/" + "s" * 60, MSWINDOWS__rawsd="AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSA=")
    yield line("\u00fc/" + "s" * 101, mtime=-5, uid=9999999, Z__z="last", A__a="first\n=x")


sys.stdout.write("\n".join(cases()) + "\n")
