"""hints.txt names each hint in the sources, and for each one tests that exist or the reason why there is none."""

import re

import hints
import pytest

LIST = hints.ROOT / "tests/e2e/hints.txt"
ROWS = hints.rows(LIST)
SOURCES = hints.in_sources()


def test_each_hint_has_a_row():
    listed = {(file, text) for file, text, _ in ROWS}
    missing = [f"{file}: {text}" for text, files in SOURCES.items() for file in sorted(files)
               if (None, text) not in listed and (file, text) not in listed]
    assert not missing, "hints without a row in tests/e2e/hints.txt:\n" + "\n".join(missing)


def test_each_row_has_a_hint():
    stale = [text for file, text, _ in ROWS if not (SOURCES.get(text) if file is None else file in SOURCES.get(text, ()))]
    assert not stale, "rows of tests/e2e/hints.txt without a hint:\n" + "\n".join(stale)


def test_no_row_is_there_twice():
    keys = [(file, text) for file, text, _ in ROWS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("text, follow", [(text, follow) for _, text, follow in ROWS], ids=[text for _, text, _ in ROWS])
def test_what_a_row_names(text, follow):
    assert follow, f"no test and no reason: {text}"
    for line in follow:
        if line.startswith("advice: "):
            assert len(line) > len("advice: ") and len(follow) == 1
            continue
        file, function = line.split("::")
        path = hints.ROOT / "tests" / file
        assert path.exists() and re.search(rf"^def {function}\(", path.read_text(), re.M), line


def test_words_that_hints_do_not_use():
    for text in SOURCES:
        assert not re.search(r"\b(folders?|cures?)\b", text, re.I), text


def test_the_extractor_itself():
    """Two strings of a condition, joined strings, commas and parentheses in a string, a hint that is passed on."""
    source = 'koc__error_hint_on(err, KIND, f("a", b), x ? "one, (" "more" : "two\\"", n);'
    words = hints.arguments(source, source.index("(") + 1)
    assert words[:3] == ["err", "KIND", 'f("a", b)'] and words[4] == "n"
    assert hints.formats(words[3]) == ["one, (more", 'two"']
