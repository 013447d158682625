"""The rules of tests/lint/abi.py: what breaks a program, and what may be added when."""

import shutil
import sys

import pytest

from runner import ROOT

sys.path.append(str(ROOT / "tests/lint"))

import abi  # noqa: E402

TEXT = abi.current()
OLD = abi.Declarations(TEXT)
TAGS = "    const char *const *extra_tags;\n"


def changed(before, after):
    assert before in TEXT
    return TEXT.replace(before, after)


BREAKS = {
    "a function that is gone": ("void koc_ctx_unref(koc_ctx *ctx);\n", ""),
    "another type of a parameter": ("koc_ctx_unref(koc_ctx *ctx)", "koc_ctx_unref(const koc_ctx *ctx)"),
    "a member in the middle": (TAGS, f"    void *more;\n{TAGS}"),
    "another sign of a member": ("    int64_t timeout_ms;", "    uint64_t timeout_ms;"),
    "another callback in a struct": ("int (*read)(void *self, void *buf", "int (*read)(void *self, char *buf"),
    "a frozen struct that grew": ("    const char *value;\n} koc_kv", "    const char *value;\n    int x;\n} koc_kv"),
    "another value of a constant": ("KOC_EIO = -4", "KOC_EIO = -44"),
    "another text of a macro": ('index.v1+json"', 'index.v2+json"'),
    "a wider type": ("typedef int32_t koc_code", "typedef int64_t koc_code"),
}
GROWS = {
    "another name of a parameter": ("koc_ctx_unref(koc_ctx *ctx)", "koc_ctx_unref(koc_ctx *c)"),
    "a member at the end": (TAGS, f"{TAGS}    const char *more;\n"),
    "a new constant": ("KOC_EUSER = -30,", "KOC_EUSER = -30,\n    KOC_EMORE = -31,"),
    "a new function": ("void koc_ctx_unref", "void koc_more(void);\nvoid koc_ctx_unref"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_the_record_notices_what_breaks_a_program(what):
    assert list(abi.broken(OLD, abi.Declarations(changed(*BREAKS[what]))))


@pytest.mark.parametrize("what", GROWS)
def test_the_record_accepts_growth(what):
    text = changed(*GROWS[what])
    assert not list(abi.broken(OLD, abi.Declarations(text)))
    if shutil.which("abidiff"):
        assert abi.abidiff(TEXT, text) is None


def test_a_new_soname_may_break_programs():
    text = changed(*BREAKS["a function that is gone"])
    new = abi.Declarations(text)
    assert abi.problems_of("0.1.0", OLD, "0.1.1", new, [])
    assert not abi.problems_of("0.1.0", OLD, "0.2.0", new, [])
    assert abi.problems_of("1.0.0", OLD, "1.1.0", new, [])


def test_what_is_new_after_a_release_says_since_when(monkeypatch):
    monkeypatch.setattr(abi, "is_released", lambda release: True)
    for what in ("a new function", "a new constant", "a member at the end"):
        new = abi.Declarations(changed(*GROWS[what]))
        assert "patch release" in abi.problems_of("0.1.0", OLD, "0.1.1", new, [])[0]
        assert "lacks 'Since 0.2.'" in abi.problems_of("0.1.0", OLD, "0.2.0", new, [])[0]
    marked = "/** Does more. Since 0.2. */\nKOC_API void koc_more(void);\n"
    new = abi.Declarations(changed(*GROWS["a new function"]))
    assert not abi.problems_of("0.1.0", OLD, "0.2.0", new, [marked])
    assert abi.problems_of("0.1.0", OLD, "0.2.0", new, [marked.replace("0.2", "0.1")])


def test_a_record_cannot_be_renewed_by_chance():
    assert abi.record()[0] == abi.version()
    assert not list(abi.broken(abi.Declarations(abi.record()[1]), OLD))


def test_abidiff_sees_a_type_that_changed():
    if not shutil.which("abidiff"):
        pytest.skip("no abidiff here")
    assert "koc_ctx_unref" in abi.abidiff(TEXT, changed(*BREAKS["a function that is gone"]))
