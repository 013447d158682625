"""Several inputs become one stream: each value in it is what it was in its file."""

import json
import os
import random

import pytest
import yaml

from runner import Tool

FIRST = {
    "literal": "a: |\n  x",
    "literal with a line end": "a: |\n  x\n",
    "literal, kept": "a: |+\n  x",
    "literal, kept lines": "a: |+\n  x\n\n\n",
    "literal, stripped": "a: |-\n  x",
    "literal, indentation": "a: |2\n    x\n   y",
    "literal, indentation and chomping": "a: |1+\n   x\n  y",
    "literal, chomping and indentation": "a: |+1\n   x\n  y",
    "literal, comment": "a: | # why\n  x",
    "literal, blanks at its end": "a: |\n  x  ",
    "literal, a line of blanks": "a: |\n  x\n    ",
    "literal, blanks of its indentation": "a: |+\n  x\n  ",
    "literal, fewer blanks": "a: |+\n  x\n ",
    "literal, blank lines and blanks": "a: |+\n  x\n\n   \n ",
    "literal, empty": "a: |",
    "literal, empty and kept": "a: |+\n",
    "literal, empty and kept with blanks": "a: |+\n  ",
    "literal, CRLF": "a: |\r\n  x\r\n  y",
    "literal, CR at the end": "a: |\n  x\r",
    "literal, comment behind": "a: |\n  x\n# end",
    "literal in a list": "- a\n- |\n  x",
    "literal as the document": "--- |\n  x",
    "literal with a tag": "a: !!str |\n  x",
    "literal with an anchor": "b: &b |\n  x",
    "literal in non-ASCII": "ä: |\n  ö",
    "folded": "a: >\n  x\n  y",
    "folded, kept": "a: >+\n  x\n\n  y",
    "folded, stripped": "a: >-\n  x",
    "folded, more indented": "a: >\n  x\n    y",
    "folded, blanks": "a: >\n  x\n   ",
    "plain": "a: x",
    "plain, two lines": "a: x\n  y",
    "quoted": "a: 'x\n\n  y'",
    "comment at the end": "a: 1\n# end",
    "ended": "a: 1\n...",
    "ended with a line end": "a: 1\n...\n",
    "literal, ended": "a: |\n  x\n...",
    "ended and a comment": "a: 1\n... # end",
    "marker at the end": "a: 1\n---",
    "several documents": "a: 1\n---\nb: |+\n  x",
    "mark of byte order": "\ufeffa: |\n  x",
    "directive": "%YAML 1.1\n---\na: |\n  x",
    "JSON": '{"a": "x"}',
    "two JSON documents": '{"a": "x"}\n{"b": ["y"]}',
    "JSON documents on one line": '{"a": "}\\"{"}{"b": 1} [2]',
    "JSON and YAML": '{"a": 1}\n{"b": 2}\n---\nc: |\n  x',
    "only a comment": "# nothing\n",
    "empty": "",
}
SECOND = {
    "mapping": "b: 1\n",
    "marker": "---\nb: 1\n",
    "mark of byte order": "\ufeffb: 1\n",
    "mark and marker": "\ufeff---\nb: 1\n",
    "directive": "%YAML 1.1\n---\nb: 1\n",
    "mark and directive": "\ufeff%YAML 1.1\n---\nb: 1\n",
    "comment and directive": "# why\n\n%YAML 1.1\n---\nb: 1\n",
    "tag directive": "%TAG !e! tag:example.com,2000:\n---\nb: !e!x 1\n",
    "comment and percent sign": "# why\nb: '%YAML'\n",
    "list": "- 1\n",
    "scalar": "just text\n",
    "literal": "|\n x",
    "CRLF": "b: |\r\n  x\r\n",
    "JSON": '{"b": 1}{"c": 2}\n',
    "indented": "  b: 1\n  c: 2",
}


class Loader(yaml.CBaseLoader):
    """Everything is text, and a tag is a part of it."""


Loader.add_multi_constructor("tag:example", lambda loader, suffix, node: [suffix, node.value])


def documents(text):
    return [d for d in yaml.load_all(text, Loader) if d not in (None, "")]


def documents_of(text):
    """As kubectl reads a file: JSON documents may follow each other."""
    try:
        return documents(text)
    except yaml.YAMLError:
        found, at, decoder = [], 0, json.JSONDecoder()
        while text[at:].strip() and not text[at:].lstrip().startswith("---"):
            at += len(text[at:]) - len(text[at:].lstrip())
            value, at = decoder.raw_decode(text, at)
            found += documents(json.dumps(value))
        return found + documents(text[at:])


@pytest.fixture
def join(koc_path, home, tmp_path):
    koc = Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")

    def run(*texts):
        names = []
        for i, text in enumerate(texts):
            (tmp_path / f"{i}.yaml").write_bytes(text.encode())
            names += ["-f", str(tmp_path / f"{i}.yaml")]
        return koc("resolve", *names, env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}).stdout

    return run


@pytest.mark.parametrize("first", FIRST)
def test_joining_changes_no_value(join, tmp_path, first):
    for name, second in SECOND.items():
        text = join(FIRST[first], second)
        assert documents(text) == documents_of(FIRST[first]) + documents_of(second), f"{name}: {text!r}"
    text = join(FIRST[first], "", FIRST[first], "b: 1\n")
    assert documents(text) == 2 * documents_of(FIRST[first]) + [{"b": "1"}]


@pytest.mark.parametrize("first", FIRST)
def test_one_input_keeps_its_bytes(join, tmp_path, first):
    text = join(FIRST[first])
    if "JSON" not in first or first == "JSON":
        assert text.encode() == FIRST[first].encode().replace(b"\r\n", b"\n").replace(b"\r", b"\n") or \
            text == FIRST[first]
    assert documents(text) == documents_of(FIRST[first])


def random_text(dice):
    """Something that may be YAML and ends in some way."""
    indent = " " * dice.randint(1, 3)
    header = dice.choice("|>") + dice.choice(["", "", "-", "+", "1", "2+", "+2", "-1"]) + dice.choice(["", "", " # c"])
    eol = dice.choice(["\n", "\n", "\r\n"])
    words = ["x", "y z", "", " ", "  ", "   deeper", "# no comment", "---x", "%x", "ö", "- a", "k: v", "\t"]
    lines = [indent + dice.choice(words) if dice.random() < 0.8 else dice.choice(["", " ", "  "])
             for _ in range(dice.randint(0, 5))]
    start = dice.choice(["a: ", "- ", "--- ", "a:\n  b: ", "? ", "%YAML 1.1\n--- ", "\ufeffa: ", "# c\na: "])
    end = dice.choice(["", "", "", eol, " ", "   ", eol + eol, eol + "# c", eol + "...", eol + " "])
    return (start.replace("\n", eol) + header + eol + eol.join(lines) + end)


def test_joining_random_texts_changes_no_value(join):
    dice = random.Random(os.environ.get("KOC_SEED", "14"))
    tried = 0
    while tried < 150:
        texts = []
        while len(texts) < 4:
            text = random_text(dice)
            try:
                documents(text)
            except yaml.YAMLError:
                continue
            texts.append(text)
        expected = [d for text in texts for d in documents(text)]
        joined = join(*texts)
        assert documents(joined) == expected, f"{texts!r}: {joined!r}"
        tried += 1


def test_a_document_that_is_left_out_does_not_matter(koc_path, home, tmp_path):
    koc = Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")
    kept = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {app: a}}\n"
    (tmp_path / "1.yaml").write_text(kept + "---\n" + kept.replace("app: a", "app: b") + "data:\n  x: |\n    y")
    (tmp_path / "2.yaml").write_text(kept)
    text = koc("resolve", "-l", "app=a", "-f", tmp_path / "1.yaml", "-f", tmp_path / "2.yaml").stdout
    assert documents(text) == 2 * documents(kept)


BAD_JSON = {
    "not ended": ('{"a": 1}\n{"b": ', "1.json:2:"),
    "a letter": ('{"a": 1}\n{"b": 2} x\n', "1.json:2:"),
    "comma": ('{"a": 1},\n{"b": 2}\n', "1.json:1:"),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_json_that_is_wrong_has_its_place(koc_path, home, tmp_path, name):
    text, place = BAD_JSON[name]
    (tmp_path / "1.json").write_text(text)
    koc = Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")
    said = koc("resolve", "-f", "1.json", cwd=tmp_path, status=1).stderr
    assert said.startswith(f"koc: {place}") and said.count("\n") == 1, said


def test_json_documents_from_stdin_are_resolved(koc_path, home, tmp_path, app):
    koc = Tool(koc_path, home, KO_DOCKER_REPO="example.test/x")
    stdin = '{"image": "ko://example.test/app/cmd/tool"}\n{"b": ["ko://example.test/app/cmd/tool"]}'
    (tmp_path / "map.json").write_text(json.dumps({"ko://example.test/app/cmd/tool": "example.test/x/tool:1"}))
    text = koc("resolve", "--map-from", tmp_path / "map.json", "-f", "-", cwd=app, stdin=stdin).stdout
    assert documents(text) == [{"image": "example.test/x/tool:1"}, {"b": ["example.test/x/tool:1"]}]
