"""Hints: the texts in the sources of libkoc and koc, and the parts of one that koc printed."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL = re.compile(r"\b(koc__error_hint|koc__error_hint_on|cli_hint)\(")


def arguments(source, start):
    """The arguments of the call whose parenthesis was opened before start."""
    depth, at, found, quoted = 0, start, [""], False
    while True:
        c = source[at]
        if quoted and c == "\\":
            found[-1] += source[at : at + 2]
            at += 2
            continue
        if c == '"':
            quoted = not quoted
        depth += 0 if quoted else (c in "([{") - (c in ")]}")
        if depth < 0:
            return [argument.strip() for argument in found]
        if c == "," and depth == 0 and not quoted:
            found.append("")
        else:
            found[-1] += c
        at += 1


def formats(argument):
    """The strings of an argument: two of them in `condition ? "one" : "two"`."""
    found, joined = [], False
    for string, other in re.findall(r'("(?:[^"\\]|\\.)*")|([^"\s]+)', argument):
        if string and joined:
            found[-1] += string[1:-1]
        elif string:
            found.append(string[1:-1])
        joined = bool(string) or bool(re.fullmatch("PRI.*", other))
    return [text.replace('\\"', '"') for text in found]


STRINGS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
# Tables of hints: the words of the command for kinds of hints, and for other tools' commands and transports.
TABLES = {
    "cli/term/failures.c": rf"\{{KOC_HINT_\w+,\s*{STRINGS}",
    "cli/args/suggest.c": rf'\{{" [^"]+ ",\s*{STRINGS}\}}',
    "lib/model/reference.c": rf'\{{"[a-z-]+",\s*{STRINGS}\}}',
}


def in_sources():
    """Format string -> the files that have it. "%s" alone passes on a hint that is made elsewhere."""
    found = {}
    for path in sorted([*ROOT.glob("lib/**/*.c"), *ROOT.glob("cli/**/*.c")]):
        source, name = path.read_text(), str(path.relative_to(ROOT))
        texts = []
        for call in CALL.finditer(source):
            words = arguments(source, call.end())
            number = 3 if call[1] == "koc__error_hint_on" else 1
            if words[number].startswith("const char *"):
                continue
            assert formats(words[number]), f"{name}: no format string: {words}"
            texts += formats(words[number])
        for row in re.finditer(TABLES.get(name, r"\A\Z"), source):
            texts += formats(row[1]) if row.groups() else []
        for text in texts:
            if text not in ("%s", ""):
                found.setdefault(text, set()).add(name)
    return found


def rows(path):
    """(file or None, format string, lines below it) of hints.txt."""
    found = []
    for line in path.read_text().splitlines():
        if line.startswith("    "):
            found[-1][2].append(line.strip())
        elif line and not line.startswith("#"):
            file = re.match(r"\(((?:lib|cli)/\S+\.c)\) ", line)
            found.append((file and file[1], line[file.end() :] if file else line, []))
    return found


# --- what a test reads from a hint ---


def hint_of(result):
    """The one hint of a failure that is reported in one line."""
    assert result.status != 0 and len(result.errors) == 1, str(result)
    hints = [line for line in result.stderr.splitlines() if line.startswith("hint: ")]
    assert len(hints) == 1, f"one hint was expected: {result}"
    return hints[0].removeprefix("hint: ")


def hints_of(result):
    return [line[6:] for line in result.stderr.splitlines() if line.startswith("hint: ")]


def flag_of(hint, name, **placeholders):
    """A flag in a hint, with its placeholders filled in."""
    flag = re.search(rf"--{name}(=\S+)?(?=[\s,;]|$)", hint)
    assert flag, hint
    text = flag[0]
    for placeholder, value in placeholders.items():
        assert placeholder in text, hint
        text = text.replace(placeholder, str(value))
    return text


def variable_of(hint, name, **placeholders):
    """NAME=VALUE in a hint, as an environment."""
    found = re.search(rf"\b({name})=(\S+?)(?=[\s,;]|$)", hint)
    assert found, hint
    value = found[2]
    for placeholder, text in placeholders.items():
        assert placeholder in value, hint
        value = value.replace(placeholder, text)
    return {found[1]: value}
