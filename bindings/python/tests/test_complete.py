"""Nothing of the library is missing: every function is called by the package, or it is said why not."""

import pathlib
import re

import cdef
import koc
from koc import _native

PACKAGE = pathlib.Path(koc.__file__).parent
ROOT = pathlib.Path(__file__).resolve().parents[3]
WITHOUT = {
    "koc_init": "libcurl and mbedTLS are initialised at their first use",
    "koc_version_number": "koc.version()",
    "koc_hasher_*": "hashlib",
    "koc_file_*": "files of Python: an object with write()",
    "koc_buf_set": "for callbacks in C that fill a koc_buf",
    "koc_error_new_option": "for front ends in C with options of their own",
    "koc_client_ref": "Python counts references itself; the same holds for the other _ref",
    "koc_key_*": "signing has no class yet: koc._native.lib",
    "koc_(sign|verify)": "the same",
    "koc_resolver_locate": "koc.resolve() does it",
}


def called():
    """The functions that the package names, and those of the objects that it makes."""
    found = set()
    for path in PACKAGE.glob("*.py"):
        text = path.read_text()
        found |= set(re.findall(r"\blib\.(koc_\w+)", text))
        for kind in re.findall(r"(?:make|lent|share)\(\s*\"(koc_\w+)\"", text):
            found |= {f"{kind}_free", f"{kind}_unref", f"{kind}_ref"}
    return found


def test_every_function_is_called_or_explained():
    named = called()
    missing = []
    for name in cdef.functions(ROOT / "include"):
        explained = any(re.fullmatch(word.replace("*", r"\w*"), name) for word in WITHOUT)
        if name not in named and not explained and not re.fullmatch(r"koc_\w+_ref", name):
            missing.append(name)
    assert not missing
    assert all(hasattr(_native.lib, name) for name in named if not name.endswith(("_ref", "_free", "_unref")))


def test_arguments_live_as_long_as_the_call():
    """What Arguments() makes refers to what it keeps: it must have a name while C uses the result."""
    unsafe = r"Arguments\(\)\.(strings|pairs|structs|pointers|bytes|platform)\("
    for path in PACKAGE.glob("*.py"):
        assert not re.search(unsafe, path.read_text()), path.name


def test_what_is_exported_says_what_it_is():
    for name in koc.__all__:
        thing = getattr(koc, name)
        assert thing.__doc__, name
        if isinstance(thing, type):
            assert thing.__repr__ is not object.__repr__ or issubclass(thing, (dict, Exception)), name
