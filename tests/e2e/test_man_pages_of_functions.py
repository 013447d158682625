"""The man pages of section 3, made from the headers: every function has one, and no reader of man pages complains."""

import re
import subprocess
import sys

import manpages
import pytest
from runner import ROOT

sys.path.append(str(ROOT / "docs/api"))

import declared  # noqa: E402
import man  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man") / "man3"
    subprocess.run([ROOT / "docs/api/man.py", folder], check=True)
    return folder


def texts(folder):
    return sorted(p.name for p in folder.iterdir() if not p.read_text().startswith(".so "))


def test_every_function_has_a_page_of_its_name(folder):
    for function in declared.functions():
        text = (folder / f"{function.name}.3").read_text()
        if lead := re.fullmatch(r"\.so man3/(.*)\n", text):
            text = (folder / lead[1]).read_text()
        assert f".Fo {function.name}\n" in text
        assert function.comment and re.search(rf"^\.It .*\bFn {function.name}\b", text, re.MULTILINE)
    assert set(man.STRUCTS) <= {name for name, _, _ in man.PAGES}


def test_pages_of_functions_are_correct_for_mandoc_and_groff(folder):
    manpages.assert_clean(folder, texts(folder))


def test_pages_of_functions_have_codes_and_members(folder):
    text = (folder / "koc_copy.3").read_text()
    assert ".It Fn koc_copy\nKOC_EINVAL" in text
    assert '.It Vt "koc_artifact *artifact"\nin memory' in text


def test_an_installation_has_the_pages(installed):
    (page,) = installed.rglob("man3/koc_build_image.3")
    assert ".Fo koc_build_image" in page.read_text()
