"""The public headers with their comments: what the reference, the man pages and the table of codes are made from."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = re.compile(
    r"/\*\*<.*?\*/|/\*\*(?P<comment>.*?)\*/|/\*.*?\*/|^KOC_API (?P<function>[^;]*);", re.DOTALL | re.MULTILINE
)
# What base.h says of all functions with these endings.
CONVENTIONS = {
    "_ref": "Takes another reference; returns its argument.",
    "_unref": "Releases a reference. Accepts NULL.",
    "_free": "Frees it. Accepts NULL.",
}
# base.h: every call that can fail may return these.
ALWAYS = ("KOC_EMISUSE", "KOC_ENOMEM")


@dataclasses.dataclass
class Function:
    name: str
    header: str  # "koc/ext/edit.h"
    prototype: str  # on one line
    comment: str  # of this function or of the group that it belongs to; without stars
    own: bool  # the comment stands before it

    @property
    def can_fail(self):
        return self.prototype.startswith("int ") and "koc_error **err" in self.prototype


def plain(comment):
    """The text of a comment without its stars; an empty line ends a paragraph."""
    lines = [re.sub(r"^\s*\*? ?", "", line).rstrip() for line in comment.strip().splitlines()]
    return "\n".join(lines).strip()


def headers():
    """Paths relative to include/, in order; without those that only include or are generated."""
    found = sorted((ROOT / "include/koc").rglob("*.h"))
    return [str(p.relative_to(ROOT / "include")) for p in found if p.name != "koc.h"]


def heading(header):
    """The comment at the top of a header: what it is for."""
    text = (ROOT / "include" / header).read_text(encoding="utf-8")
    return plain(re.match(r"/\*(.*?)\*/", text, re.DOTALL)[1])


def functions():
    """All public functions, in the order of the headers."""
    for header in headers():
        text = (ROOT / "include" / header).read_text(encoding="utf-8")
        comment, fresh, end = "", False, 0
        for match in TOKEN.finditer(text):
            between = text[end : match.start()].strip()
            end = match.end()
            if match["comment"] is not None:
                comment, fresh = plain(match["comment"]), True
            elif match["function"]:
                prototype = " ".join(match["function"].split())
                name = re.search(r"(\w+)\(", prototype)[1]
                if between:
                    comment, fresh = "", False
                meaning = CONVENTIONS.get(name[name.rindex("_") :])
                if fresh or not meaning:
                    yield Function(name, header, prototype, comment, fresh)
                else:
                    yield Function(name, header, prototype, meaning, True)
                fresh = False
            else:
                comment, fresh = "", False


# --- which code comes from which function ---


def table():
    """codes.txt: (sets of codes by name, codes by function, all sorted)."""
    sets, found = {}, {}
    for line in (ROOT / "docs/api/codes.txt").read_text().splitlines():
        name, _, rest = line.partition(":")
        if line.strip() and not line.startswith("#"):
            codes = []
            for word in rest.split():
                codes += sets[word] if word.startswith("@") else [f"KOC_{word}"]
            (sets if name.startswith("@") else found)[name] = codes
    return sets, {name: sorted(set(codes), key=order().index) for name, codes in found.items()}


def order():
    """All codes, in the order of base.h."""
    text = (ROOT / "include/koc/base.h").read_text(encoding="utf-8")
    return re.findall(r"\b(KOC_E\w+) = -", text)
