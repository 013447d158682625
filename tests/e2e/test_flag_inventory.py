"""flags.txt names each flag of each command, and for each one tests that look at its effect."""

import json
import pathlib
import re
import subprocess

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]


def rows():
    """(command, flag, tests below it) of flags.txt."""
    found = []
    for line in (TESTS / "e2e/flags.txt").read_text().splitlines():
        if line.startswith("    "):
            found[-1][2].append(line.strip())
        elif line and not line.startswith("#"):
            command, flag = line.split(" --")
            found.append((command, flag, []))
    return found


ROWS = rows()


@pytest.fixture(scope="module")
def flags(koc_path):
    """(first command, flag) -> letter. Commands with the same name, letter and help text share a row of a table."""
    text = subprocess.run([koc_path, "help", "--format=json"], capture_output=True, check=True).stdout
    shared = {}
    for command in json.loads(text)["commands"]:
        for flag in command["flags"]:
            shared.setdefault((flag["name"], flag["letter"], flag["help"]), command["name"])
    return {(command, name): letter for (name, letter, _), command in shared.items()}


def test_each_flag_has_a_row(flags):
    missing = flags.keys() - {(command, flag) for command, flag, _ in ROWS}
    assert not missing, f"flags without a row in tests/e2e/flags.txt: {sorted(missing)}"


def test_each_row_has_a_flag(flags):
    keys = [(command, flag) for command, flag, _ in ROWS]
    assert len(keys) == len(set(keys)) and not set(keys) - flags.keys(), sorted(set(keys) - flags.keys())


def mention(flag, letter):
    """The flag as a word of a command line, by itself or in quotes, by its name or its letter."""
    short = rf"|-[a-zA-Z]*{letter}(?![a-z-])" if letter else ""
    return re.compile(rf"""(?<![\w-])(--{flag}(?![\w-]){short})""", re.M)


@pytest.mark.parametrize("command, flag, tests", ROWS, ids=[f"{command} --{flag}" for command, flag, _ in ROWS])
def test_what_a_row_names(flags, command, flag, tests):
    assert tests, "no test"
    wanted = mention(flag, flags.get((command, flag)))
    for test in tests:
        file, _, function = test.partition("::")
        text = (TESTS / file).read_text()
        if file.startswith("golden/"):
            text = "\n".join(line for line in text.splitlines() if line.startswith("$ koc "))
        elif function:
            body = re.search(rf"^def {function}\(.*?(?=^(?:def|@|\w+ = )|\Z)", text, re.M | re.S)
            assert body, f"{file} has no {function}"
        assert wanted.search(text), f"{file} does not use --{flag}"
