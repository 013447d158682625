"""Calls that must end early: a silent server, Ctrl-C, tasks of asyncio, the end of the interpreter."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading

import koc
import pytest


def test_the_library_is_the_one_that_is_to_be_tested():
    wanted = os.environ.get("KOC_TEST_LIBRARY")
    if wanted:
        with open("/proc/self/maps") as maps:
            loaded = {line.split()[-1] for line in maps if "libkoc.so" in line}
        assert loaded and all(path.startswith(wanted) for path in loaded)


class Silent:
    """Accepts connections and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.connected = threading.Event()
        self.held = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.held.append(self.socket.accept()[0])
            except OSError:
                return
            self.connected.set()


@pytest.fixture
def silent():
    server = Silent()
    yield server
    server.socket.close()
    for connection in server.held:
        connection.close()


@pytest.fixture
def client(context):
    return koc.Client(context, docker_auth=False)


@pytest.mark.parametrize("own_token", [False, True], ids=["alone", "with a token"])
def test_control_c_at_a_silent_server(silent, client, own_token):
    def interrupt():
        silent.connected.wait()
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    cancel = koc.Cancel() if own_token else None
    with pytest.raises(KeyboardInterrupt):
        client.tags(f"{silent.host}/a", cancel=cancel, timeout=500)
    thread.join()
    signal.signal(signal.SIGINT, before)
    assert cancel is None or not cancel.triggered


def test_a_token_ends_a_call_in_another_thread(silent, client):
    cancel, codes = koc.Cancel(), []

    def work():
        with pytest.raises(koc.Error) as caught:
            client.tags(f"{silent.host}/a", cancel=cancel, timeout=500)
        codes.append(caught.value.code)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    silent.connected.wait()
    cancel.trigger()
    for thread in threads:
        thread.join()
    assert codes == [koc.Code.ECANCELLED] * 3 and not cancel._linked and "triggered" in repr(cancel)


def test_a_time_limit(silent, client):
    with pytest.raises(koc.Error) as caught:
        client.tags(f"{silent.host}/a", timeout=0.05)
    assert caught.value.code == koc.Code.ETIMEOUT


def test_a_task_that_is_cancelled_ends_its_call(silent, client):
    ended = []

    def tags():
        try:
            client.tags(f"{silent.host}/a", timeout=500)
        finally:
            ended.append(True)

    async def main():
        task = asyncio.ensure_future(koc.aio.run(client.tags, f"{silent.host}/a", timeout=500))
        await asyncio.get_running_loop().run_in_executor(None, silent.connected.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not koc._watch._running  # the call has ended before the task

    asyncio.run(main())


def test_calls_of_asyncio_return_and_raise(context, tmp_path):
    async def main():
        b = koc.LayerBuilder(context).add_bytes("/f", b"f")
        layer, other = await asyncio.gather(
            koc.aio.run(b.finish, timeout=60),
            koc.aio.run(koc.LayerBuilder(context).add_bytes("/g", b"g").finish),
        )
        assert layer.digest != other.digest
        cancel = koc.Cancel()
        cancel.trigger()
        with pytest.raises(koc.Error) as caught:
            await koc.aio.run(koc.copy, "oci:none", f"oci:{tmp_path}", cancel=cancel)
        assert caught.value.code in (koc.Code.ECANCELLED, koc.Code.ENOTFOUND)
        with pytest.raises(TypeError, match="timeuot"):
            await koc.aio.run(b.finish, timeuot=1)

    asyncio.run(main())


EXIT = """
import socket, sys, threading, koc
client = koc.Client(koc.Context(threads=2), docker_auth=False)
def work(host, progress):
    while True:
        try:
            client.tags(f"{host}/a", timeout=500, progress=progress)
        except koc.Error:
            pass
servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
for server, progress in zip(servers, (None, print, lambda event: None)):
    host = f"127.0.0.1:{server.getsockname()[1]}"
    threading.Thread(target=work, args=(host, progress), daemon=True).start()
held = [server.accept()[0] for server in servers]
print("under way", flush=True)
if sys.argv[1] == "raise":
    raise ValueError("the end")
sys.exit(7)
"""


@pytest.mark.parametrize("how, code", [("exit", 7), ("raise", 1)])
def test_the_interpreter_ends_with_calls_under_way(how, code):
    result = subprocess.run(
        [sys.executable, "-c", EXIT, how], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == code and "under way" in result.stdout, result.stderr
    assert "Fatal" not in result.stderr and ("the end" in result.stderr) == (how == "raise")


INTERRUPTED = """
import os, signal, socket, threading, koc
server = socket.create_server(("127.0.0.1", 0))
def interrupt():
    server.accept()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
koc.Client(docker_auth=False).tags(f"127.0.0.1:{server.getsockname()[1]}/a", timeout=500)
"""


def test_a_program_that_is_interrupted_ends_as_python_does(tmp_path):
    env = {**os.environ, "KOCACHE": str(tmp_path), "PYTHONFAULTHANDLER": "1"}
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        timeout=120,
        env=env,
        # A shell starts background jobs with SIGINT ignored, and Python keeps that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert result.returncode == -signal.SIGINT and "KeyboardInterrupt" in result.stderr
