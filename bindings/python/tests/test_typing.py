"""What type checkers see: the package is strict, and a mistyped option is an error."""

import os
import pathlib
import subprocess
import sys

import koc
import pytest

pytest.importorskip("mypy")
SITE = pathlib.Path(koc.__file__).parents[1]

GOOD = """
import asyncio
import koc

def seen(event: koc.Progress) -> None:
    print(event.done, event.total)

def auth(registry: str, repository: str) -> tuple[str, str]:
    return "user", "password"

client = koc.Client(koc.Context(cache=False), auth=auth, connect_timeout=3.0)
tags: list[str] = client.tags("registry.example/x", progress=seen, timeout=3)
built = koc.build_image(files={"/x": b"x"}, entrypoint=["/x"], targets=["oci:d:x"], progress=seen)
digest: koc.Digest = built.digest
copied: koc.Copied = koc.copy("a", "b", client=client, cancel=koc.Cancel())
published = koc.publish(["."], repository="registry.example", debug=True, timings=False)  # wrong: timings
with koc.LayerBuilder(compression="zstd", level=3) as builder:
    layer: koc.Layer = builder.add_bytes("/f", b"", mode=0o755).finish(timeout=1)
again: list[str] = asyncio.run(koc.aio.run(client.tags, "registry.example/x", timeout=3))
code = koc.Code.EAUTH
"""

BAD = """
import koc
koc.build_image(entrypiont=["/x"])
koc.publish(["."], tagz=["x"])
koc.publish(["."], tags="x", jobs="2")
koc.copy("a", "b", timeout="3")
koc.copy("a", 3)
koc.LayerBuilder(compresion="gzip")
koc.LayerBuilder().add_bytes("/x", "text")
koc.LayerBuilder().add_bytes("/x", b"", uidd=3)
koc.LayerBuilder().finish(timeuot=3)
koc.Client(docker_auth=False, headers=["x"])
koc.Client().push("a:b", "not an image")
koc.Digest.of("text")
koc.Code.NOTHING
koc.serve(koc.Layout("x"), adress="x")
koc.Edit("x").change(usr="0")
"""


def mypy(*arguments, cwd):
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-incremental", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "MYPYPATH": "", "PYTHONPATH": str(SITE)},
    )
    assert not result.stderr, result.stderr
    return result.stdout


def test_the_package_is_strict(tmp_path):
    assert (SITE / "koc/py.typed").exists()
    assert mypy("-p", "koc", cwd=tmp_path) == ""


def lines(printed):
    return sorted({int(line.split(":")[1]) for line in printed.splitlines() if ": error:" in line})


def test_a_mistyped_option_is_an_error(tmp_path):
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    wrong = [n for n, line in enumerate(GOOD.splitlines(), 1) if "# wrong" in line]
    good = mypy("good.py", cwd=tmp_path)
    assert lines(good) == wrong, good
    bad = mypy("bad.py", cwd=tmp_path)
    assert lines(bad) == list(range(3, len(BAD.splitlines()) + 1)), bad


def test_the_options_are_those_of_the_headers():
    """Of each options struct that has a TypedDict of its own, every member and flag is in it."""
    from koc._native import ffi, lib

    own = {"struct_size", "flags", "reserved", "client", "import_paths", "published_payload", "payload", "ready"}
    for struct, prefix, kind in [
        ("koc_publish_options", "KOC_PUBLISH_", koc.PublishOptions),
        ("koc_serve_options", "KOC_SERVE_", koc.ServeOptions),
        ("koc_layer_options", "KOC_LAYER_", koc.LayerOptions),
    ]:
        names = {name for name, _ in ffi.typeof(struct).fields} - own
        names |= {n[len(prefix) :].lower() for n in dir(lib) if n.startswith(prefix)}
        names = (names - {"no_push"}) | ({"push"} if "no_push" in names else set())
        assert names == set(kind.__annotations__)
    changes = {name for name, _ in ffi.typeof("koc_image_changes").fields} - own - {"platform"}
    assert {n for n in changes if not n.startswith("n_")} == set(koc.Changes.__annotations__)
