"""Forked children leave at once, work with what they inherited, or with a context of their own."""

import multiprocessing
import os
import subprocess
import sys

import koc
import pytest


@pytest.fixture
def parent(tmp_path):
    """A context whose pool has worked, and a layout."""
    context = koc.Context(threads=4)
    layout = koc.Layout(tmp_path / "layout", create=True, context=context)
    return context, layout, work(context, layout, "parent")


def work(context, layout, name):
    """Large enough that the pool has a part in it."""
    b = koc.LayerBuilder(context).add_bytes("/f", os.urandom(1 << 22) + name.encode())
    image = koc.ImageBuilder(context, platform="linux/amd64").add_layer(b.finish()).finish()
    layout.put(image)
    return image


SCRIPT = """
import os, sys, koc
context = koc.Context(threads=4)
layer = koc.LayerBuilder(context).add_bytes("/f", os.urandom(1 << 22)).finish()
pid = os.fork()
if pid == 0:
    if "work" in sys.argv:
        koc.LayerBuilder(context).add_bytes("/f", os.urandom(1 << 22)).finish()
        koc.LayerBuilder(koc.Context(threads=2)).add_bytes("/f", os.urandom(1 << 22)).finish()
    sys.exit(3)
status = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize("what", ["leave", "work"])
def test_a_child_ends_with_sys_exit(what):
    result = subprocess.run([sys.executable, "-c", SCRIPT, what], timeout=120)
    assert result.returncode == 3


def in_child(context, layout, queue):
    work(context, layout, "inherited")
    own = koc.Context(threads=2)
    queue.put(str(work(own, layout, "own").digest))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_multiprocessing_with_fork(parent):
    context, layout, image = parent
    forked = multiprocessing.get_context("fork")
    queue = forked.Queue()
    children = [forked.Process(target=in_child, args=(context, layout, queue)) for _ in range(3)]
    for child in children:
        child.start()
    digests = {queue.get(timeout=120) for _ in children}
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert len(digests) == 3 and layout.get(image.digest).digest == image.digest
    work(context, layout, "parent again")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_uses_its_parents_client(parent, image, registry):
    context, _, _ = parent
    client = koc.Client(context, docker_auth=False)
    name = koc.Reference(f"{registry.host}/team/app:v1")
    client.push(name, image)
    forked = multiprocessing.get_context("fork")
    queue = forked.Queue()
    child = forked.Process(
        target=lambda: queue.put(str(client.image(name, "linux/arm64", timeout=60).digest))
    )
    child.start()
    assert queue.get(timeout=120) == str(image.digest)
    child.join(120)
    assert child.exitcode == 0
    assert client.image(name, "linux/arm64", timeout=60).digest == image.digest
