"""Ctrl-C: it ends what runs in the main thread, and is never lost."""

import os
import shutil
import signal
import threading

import koc
import pytest
from koc import _watch


@pytest.fixture(autouse=True)
def pythons_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def build(hello, tmp_path):
    def run(**options):
        place = tmp_path / "layout"
        return koc.publish(
            ["."], base_image="scratch", push=False, sbom=False, oci_layout_path=place, **options
        )

    return run


@pytest.fixture
def compile_starts(tmp_path, monkeypatch):
    """A go that takes longer to compile than any test; gives a function that waits for it."""
    told = tmp_path / "told"
    os.mkfifo(told)
    slow = tmp_path / "slow-go"
    slow.write_text(
        f'#!/bin/sh\nif [ "$1" = build ]; then echo now > "{told}"; exec sleep 600; fi\n'
        f'exec "{shutil.which("go")}" "$@"\n'
    )
    slow.chmod(0o755)
    monkeypatch.setenv("KO_GO_PATH", str(slow))
    return told.read_text


def interrupt_when(happened):
    def wait():
        happened()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_control_c_ends_a_build(build, compile_starts):
    """Also without a callback of the user's, and long before the next event."""
    thread = interrupt_when(compile_starts)
    with pytest.raises(KeyboardInterrupt):
        build(timeout=300)
    thread.join()


def test_control_c_leaves_a_token_of_ones_own_alone(build):
    cancel = koc.Cancel()
    with pytest.raises(KeyboardInterrupt):
        build(cancel=cancel, progress=lambda event: signal.raise_signal(signal.SIGINT))
    assert not cancel.triggered


def test_an_interrupt_in_a_callback_comes_out(build):
    with pytest.raises(KeyboardInterrupt):
        build(progress=lambda event: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        build(published=lambda path, reference: signal.raise_signal(signal.SIGINT))
    assert build().references  # and the next call is not ended


def test_an_interrupt_in_the_log_comes_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyboardInterrupt):
        koc.Context(cache=tmp_path / "file", log=lambda *line: signal.raise_signal(signal.SIGINT))


def test_an_interrupt_of_a_call_within_a_call_ends_both(build, compile_starts):
    thread = None

    def progress(event):
        nonlocal thread
        if thread is None:
            thread = interrupt_when(compile_starts)
            build(timeout=300)

    with pytest.raises(KeyboardInterrupt):
        build(progress=progress, timeout=300)
    thread.join()


def test_an_interrupt_that_something_swallowed_is_raised_when_the_call_succeeds():
    with pytest.raises(KeyboardInterrupt):
        with _watch.Op():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                pass


def test_an_interrupt_between_our_own_lines_is_not_lost(build, monkeypatch):
    def interrupted(digest):
        raise KeyboardInterrupt

    monkeypatch.setattr("koc._watch.digest_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(progress=lambda event: None)


def test_a_handler_of_ones_own_decides(build):
    seen = []
    before = signal.signal(signal.SIGINT, lambda *arguments: seen.append(arguments))
    try:
        result = build(published=lambda *_: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.references and len(seen) == 1


def test_a_handler_that_a_callback_sets_stays(build):
    def own(*arguments):
        pass

    build(progress=lambda event: signal.signal(signal.SIGINT, own))
    assert signal.getsignal(signal.SIGINT) is own
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_other_threads_go_on(build):
    """Python gives signals to the main thread: a call in another one is not ended."""
    results = []
    thread = threading.Thread(target=lambda: results.append(build()))
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        signal.raise_signal(signal.SIGINT)
    thread.join()
    assert results[0].references
