"""Every block of docs/c.md, compiled as C99 and C++17 against the installed library, and run against registries."""

import re
import subprocess

import pytest
import registry as registries
from runner import ROOT

PAGE = (ROOT / "docs/c.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^## (.*?)$|^```c\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PRELUDE = """#define _POSIX_C_SOURCE 200809L
#include <koc/ext/compose.h>
#include <koc/koc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
"""
MAIN = """
int main(void)
{
    koc_ctx *ctx = NULL;
    koc_client *client = NULL;
    koc_error *err = NULL;
    int rc = koc_ctx_new(NULL, &ctx, &err);
    rc = rc ? rc : koc_client_new(ctx, NULL, &client, &err);
    if (rc != KOC_OK) {
        return 2;
    }
%s
    if (rc != KOC_OK) {
        fprintf(stderr, "%%s\\n", koc_error_message(err));
    }
    koc_error_free(err);
    koc_client_unref(client);
    koc_ctx_unref(ctx);
    return rc == KOC_OK ? 0 : 1;
}
"""
LANGUAGES = {"c99": ["cc", "-std=c99"], "c++17": ["c++", "-std=c++17", "-Wno-missing-field-initializers"]}
# A section's job and the lines that it may take at most, its callbacks not counted.
LINES = {
    "A program and its files, pushed with two tags": 15,
    "A copy between registries, with progress": 10,
    "Tags, config, one file": 20,
    "Credentials": 8,
}


def sections():
    """(heading, [block...]) of each section that has blocks."""
    found = []
    for heading, block in BLOCKS:
        if heading:
            found.append((heading, []))
        else:
            found[-1][1].append(block)
    return [section for section in found if section[1]]


def program(blocks):
    if "int main" in blocks[0]:
        return blocks[0]
    functions = [b for b in blocks if not b.startswith("    ")]
    bodies = [b for b in blocks if b.startswith("    ")]
    return PRELUDE + "\n".join(functions) + MAIN % "".join(bodies)


@pytest.fixture
def world(registry, bases, tmp_path):
    """The page's names of hosts, and what stands there."""
    mirror = registries.Registry(tmp_path / "mirror")
    yield {
        "registry.example": registry.host,
        "mirror.example": mirror.host,
        "gcr.io/distroless/static": bases["oci"],
    }
    mirror.close()


@pytest.fixture(params=LANGUAGES)
def run(request, consumer, world, home, tmp_path):
    def run(heading):
        text = program(dict(sections())[heading])
        for name, real in world.items():
            text = text.replace(name, real)
        source, binary = tmp_path / "page.c", tmp_path / "page"
        source.write_text(text)
        command = [
            *LANGUAGES[request.param],
            *["-xc++" if "++" in request.param else "-xc", "-Wall", "-Wextra", "-Wpedantic", "-Werror"],
            *consumer.sanitize,
            *consumer.pkg_config("--cflags"),
            *["-o", binary, source, "-pthread"],
            *consumer.pkg_config("--libs"),
        ]
        made = subprocess.run(command, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        (tmp_path / "build").mkdir(exist_ok=True)
        (tmp_path / "build/server").write_bytes(b"#!/bin/sh\n")
        (tmp_path / "app.conf").write_text("port=8080\n")
        env = home.env(LD_LIBRARY_PATH=str(consumer.library))
        done = subprocess.run([binary], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{heading}: {done.stdout}{done.stderr}"
        return done

    return run


def test_every_block_of_the_page_compiles_and_runs(run, registry):
    said = {heading: run(heading) for heading, _ in sections()}
    assert said["The first image"].stdout.startswith("oci:first@sha256:")
    assert {"1.2", "latest"} <= set(registry.tags("app"))
    assert "bytes" in said["A copy between registries, with progress"].stdout
    assert said["Tags, config, one file"].stdout.endswith("port=8080\n")
    assert "App" in said["Errors"].stderr
    assert said["A transport of your own"].stdout == "1.2\n"


@pytest.mark.parametrize("heading", LINES)
def test_the_usual_jobs_stay_short(heading):
    (block,) = [b for b in dict(sections())[heading] if b.startswith("    ")]
    assert len([line for line in block.splitlines() if line.strip()]) <= LINES[heading]
