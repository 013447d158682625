"""Every block of docs/python.md runs, and the figures in lines that it is to keep."""

import pathlib
import re
import shutil

import koc
import pytest
from registry import PASSWORD, USER, basic_registry

ROOT = pathlib.Path(__file__).resolve().parents[3]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "docs/python.md").read_text(), re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]


def place_of(text, host):
    return text.replace("registry.example", host).replace("gcr.io/distroless/static", f"{host}/base:1")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The working directory of a reader, with a program to pack."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "build").mkdir()
    shutil.copy("/bin/true", tmp_path / "build/server")
    return tmp_path


def test_every_block_runs(registry, home, capsys):
    koc.build_image(files={"/base": b"base"}, targets=[f"{registry.host}/base:1"])
    names = {"__name__": "__main__"}
    for number, text in enumerate(PYTHON):
        exec(compile(place_of(text, registry.host), f"docs/python.md, block {number}", "exec"), names)
    assert f"{registry.host}/team/server@sha256:" in capsys.readouterr().out
    assert len(PYTHON) >= 10 and {language for language, _ in BLOCKS} == {"python", "sh"}
    names["client"].close()


def lines(code):
    return len([line for line in code.splitlines() if line.strip()])


IMAGE = """
import koc
client = koc.Client(auth=auth)
koc.build_image(
    base="registry.example/base:1", client=client, entrypoint=["/app/server"], env={"LOG": "debug"},
    files={"/app/server": "build/server", "/etc/app.conf": b"x"}, ports=["8080/tcp"],
    targets=["registry.example/app:1"], tags=["latest"])
"""
COPY = """
import koc
koc.copy("registry.example/app:1", "registry.example/copy:1", client=client, progress=print)
"""
READ = """
import koc
image = client.image("registry.example/app:1")
print(client.tags("registry.example/app"), image.entrypoint, image.labels, image.read_file("/etc/app.conf"))
"""
AUTH = """
def auth(registry, repository):
    return "joe", "secret"
client = koc.Client(auth=auth)
"""


def test_the_usual_jobs_take_few_lines(tmp_path, home, capsys):
    server = basic_registry(tmp_path / "r")
    try:
        names = {"koc": koc}
        exec(AUTH.replace("joe", USER).replace("secret", PASSWORD), names)
        koc.build_image(files={"/base": b"b"}, targets=[f"{server.host}/base:1"], client=names["client"])
        for code, most in ((IMAGE, 8), (COPY, 3), (READ, 6), (AUTH, 4)):
            assert lines(code) <= most
            if code is not AUTH:
                exec(place_of(code, server.host), names)
        assert "['1', 'latest']" in capsys.readouterr().out
    finally:
        server.close()
