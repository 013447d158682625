"""A push that was killed goes on: R-150, across processes."""

import time

import pytest

import faulty as faults
import servers
from faulty import Faulty, Hold, Rule

MB = 1000 * 1000
UPLOAD = r"/blobs/uploads/"


def kill_in_mid_push(regtool, proxy, cache, target, seed):
    """Kills a push of two small layers and a big one with kill -9 when 3 MB of the big one are there. Gives
    the bytes of it that were passed on."""
    hold = Hold(3 * MB)
    rule = Rule("PUT", UPLOAD, hold)
    proxy.add(rule)
    process = regtool.start("--cache", cache, "push", 9 * MB, seed, 1, target)
    assert hold.reached.wait(20), process.stderr.read()
    process.kill()
    process.wait()
    hold.released.set()
    assert hold.over.wait(20)
    process.stdout.close()
    process.stderr.close()
    proxy.rules.remove(rule)
    return next(e.sent for e in proxy.requests("PUT", UPLOAD) if e.sent >= 3 * MB)


def records(cache):
    return [p for p in cache.rglob("uploads/*") if p.is_file() and "records" in p.parts]


def again(regtool, proxy, cache, target, seed):
    """The second run: its result, and the bodies of its PUTs of blobs."""
    proxy.log.clear()
    result = regtool("-v", "-v", "--cache", cache, "push", 9 * MB, seed, 1, target)
    return result, [e.sent for e in proxy.requests("PUT", UPLOAD)]


@pytest.fixture
def cue(tmp_path):
    server = servers.cue(tmp_path / "cue")
    yield server
    server.close()


def check_resumed(regtool, server, cache, seed):
    proxy = Faulty(server.host, small_buffers=True)
    target = f"{proxy.host}/resume/app:v1"
    first = kill_in_mid_push(regtool, proxy, cache, target, seed)
    assert len(records(cache)) == 1
    time.sleep(0.3)
    result, sent = again(regtool, proxy, cache, target, seed)
    assert "resuming the upload of an earlier run" in result.stderr
    assert 0 < sum(sent) <= 9 * MB - first + 20000
    assert regtool("pull", target).ref == result.ref
    assert records(cache) == []
    proxy.close()


def test_killed_push_goes_on(regtool, home, cue):
    check_resumed(regtool, cue, home.cache, 1)


@pytest.mark.slow
def test_killed_push_goes_on_at_distribution_3(regtool, home, tmp_path):
    server = servers.distribution3(tmp_path / "distribution")
    check_resumed(regtool, server, home.cache, 2)
    server.close()


def test_killed_push_where_nothing_is_kept(regtool, home, registry):
    """docker-registry 2.8 forgets a broken upload: the blob is sent whole, and it works."""
    proxy = Faulty(registry.host, small_buffers=True)
    target = f"{proxy.host}/resume/old:v1"
    kill_in_mid_push(regtool, proxy, home.cache, target, 3)
    result, sent = again(regtool, proxy, home.cache, target, 3)
    assert max(sent) >= 9 * MB
    assert regtool("pull", target).ref == result.ref
    assert records(home.cache) == []
    proxy.close()


@pytest.mark.parametrize("change", ["host", "expired", "garbage", "path"])
def test_a_record_that_does_not_fit(regtool, home, cue, change):
    """Ignored on any doubt; nothing is sent where it points."""
    proxy, other = Faulty(cue.host, small_buffers=True), Faulty(cue.host, host="127.0.0.2")
    target = f"{proxy.host}/resume/doubt:v1"
    kill_in_mid_push(regtool, proxy, home.cache, target, 4)
    path, = records(home.cache)
    text = path.read_bytes()
    if change == "garbage":
        path.write_bytes(text[:-5])
    elif change == "host":
        path.write_bytes(text.replace(proxy.host.encode(), other.host.encode()))
    elif change == "expired":
        path.write_bytes(text.replace(b" 1", b" 0", 1))
    else:
        path.write_bytes(text.replace(b"/blobs/uploads/", b"/blobs/uploads/x"))
    result, sent = again(regtool, proxy, home.cache, target, 4)
    assert other.log == []
    assert max(sent) >= 9 * MB
    assert regtool("pull", target).ref == result.ref
    proxy.close()
    other.close()


def test_no_secret_in_the_journal(regtool, home, cue):
    """A Location whose query looks like a secret is not written down; nor is one on another host."""
    proxy = Faulty(cue.host, small_buffers=True)
    proxy.add(Rule("POST", UPLOAD, faults.header("Location", lambda v: v + "?X-Amz-Signature=planted")))
    hold = Hold(MB)
    proxy.add(Rule("PUT", UPLOAD, hold))
    process = regtool.start("--cache", home.cache, "push", 9 * MB, 5, 1, f"{proxy.host}/resume/secret:v1")
    assert hold.reached.wait(20)
    assert records(home.cache) == []
    process.kill()
    process.communicate()
    hold.released.set()
    assert not any(b"planted" in p.read_bytes() for p in home.cache.rglob("*") if p.is_file())
    proxy.close()


def test_two_pushes_of_one_blob(regtool, home, cue):
    """The journal of a process that lives is not touched by another."""
    proxy = Faulty(cue.host, small_buffers=True)
    target = f"{proxy.host}/resume/twice:v1"
    hold = Hold(3 * MB)
    proxy.add(Rule("PUT", UPLOAD, hold))
    process = regtool.start("--cache", home.cache, "push", 9 * MB, 6, 1, target)
    assert hold.reached.wait(20)
    second = regtool("-v", "-v", "--cache", home.cache, "push", 9 * MB, 6, 1, target)
    assert "going on with" not in second.stderr
    hold.released.set()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out.strip() == second.ref
    proxy.close()


def test_goes_on_inside_a_run(regtool, cue):
    """R-150: a registry that can resume gets hardly a byte twice when connections break: what was on its
    way to it, and still in a buffer."""
    proxy = Faulty(cue.host, small_buffers=True)
    proxy.cut_uploads_after = 3 * MB
    result = regtool("push", 9 * MB, 7, 1, f"{proxy.host}/resume/cut:v1")
    assert sum(e.sent for e in proxy.requests("P(UT|ATCH)", UPLOAD)) < 13 * MB
    assert regtool("pull", f"{proxy.host}/resume/cut:v1").ref == result.ref
    proxy.close()
