"""The reference of the C API in HTML: Doxygen has no objection to a header, and each function is on a page."""

import os
import re
import subprocess
import sys

from runner import ROOT, needed

sys.path.append(str(ROOT / "docs/api"))

import declared  # noqa: E402


def test_the_reference_is_complete_and_without_warnings(tmp_path):
    needed("doxygen")
    made = subprocess.run(
        ["doxygen", "docs/api/Doxyfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"KOC_VERSION": "0", "KOC_OUTPUT": str(tmp_path)},
    )
    assert made.returncode == 0 and made.stdout + made.stderr == ""
    pages = "".join(p.read_text() for p in (tmp_path / "html").glob("*8h.html"))
    for function in declared.functions():
        assert re.search(rf'"memname">[^<]*(<a [^<]*</a>[^<]*)?\b{function.name} ?</td>', pages), function.name
    assert "libkoc in C and C++" in (tmp_path / "html/index.html").read_text()
