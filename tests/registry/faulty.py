"""An HTTP proxy before a real registry that injects faults, exactly and counted.

    faulty = Faulty(registry.host)
    faulty.add(Rule("PUT", r"/blobs/uploads/", answer(503), times=2))
    ... push to faulty.host ...
    assert faulty.count("PUT", r"/blobs/") == 5

A rule holds for requests whose method and path match, `skip` of them first left alone, at most `times`
of them. Its action gets the Exchange and may answer, break the connection, or let it pass changed.
"""

import dataclasses
import random
import re
import socket
import struct
import threading
import time


class Broken(Exception):
    """Ends the connection; reset: with RST, else with FIN."""

    def __init__(self, reset=True):
        super().__init__()
        self.reset = reset


@dataclasses.dataclass
class Entry:
    """A request as it arrived."""
    method: str
    path: str
    headers: dict
    connection: int
    at: float
    sent: int = 0    # bytes of its body that arrived
    given: int = 0   # bytes of the answer's body
    status: int = 0  # 0: no answer was given


@dataclasses.dataclass
class Rule:
    method: str
    path: str
    action: object
    times: int = 1 << 30
    skip: int = 0
    chance: float = 1.0

    def fits(self, entry, dice):
        if not (self.method == "*" or re.fullmatch(self.method, entry.method)) or not re.search(self.path, entry.path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times <= 0 or dice.random() >= self.chance:
            return False
        self.times -= 1
        return True


def split_head(data):
    lines = data.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        if ":" in line:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
    return lines[0], headers


def read_head(stream):
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        line = stream.readline(1 << 20)
        if not line:
            return None
        data += line
    return data[:-4]


class Exchange:
    """One request, its client and the registry behind the proxy."""

    def __init__(self, proxy, entry, head, client, stream):
        self.proxy, self.entry, self.head = proxy, entry, head
        self.client, self.stream = client, stream
        self.left = int(entry.headers.get("content-length", 0))
        self.request_limit = None   # break after so many bytes of this body
        self.change_head = None     # (status line, [(name, value)]) -> the same
        self.change_body = None     # generator of chunks -> generator of chunks
        self.lie = None             # status to give in place of the registry's
        self.hold = None            # a Hold: the body stops there until it is let go

    def body(self):
        if self.entry.headers.get("expect", "").lower() == "100-continue":
            self.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while self.left > 0:
            limit = self.proxy.limit_of(self.entry.connection)
            data = self.stream.read1(min(self.left, 65536))
            if not data:
                raise Broken(reset=False)
            self.left -= len(data)
            self.entry.sent += len(data)
            self.proxy.uploaded[self.entry.connection] += len(data)
            if limit is not None and self.proxy.uploaded[self.entry.connection] > limit:
                raise Broken()
            if self.request_limit is not None and self.entry.sent >= self.request_limit:
                raise Broken()
            yield data
            if self.hold and self.entry.sent >= self.hold.after:
                self.hold.wait()

    def drain(self):
        for _ in self.body():
            pass

    def respond(self, status, headers=(), body=b"", drain=True):
        if drain:
            self.drain()
        self.entry.status = status
        fields = dict(headers)
        fields.setdefault("Content-Length", str(len(body)))
        head = f"HTTP/1.1 {status} Faulty\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
        self.client.sendall(head.encode("latin-1") + b"\r\n" + (b"" if self.entry.method == "HEAD" else body))

    def forward(self):
        """Sends the request on and gives the answer back."""
        with socket.create_connection(self.proxy.upstream, timeout=60) as upstream:
            line, _ = split_head(self.head)
            fields = [f for f in self.head.decode("latin-1").split("\r\n")[1:]
                      if not f.lower().startswith(("connection:", "expect:"))]
            upstream.sendall("\r\n".join([line, *fields, "Connection: close", "", ""]).encode("latin-1"))
            for data in self.body():
                upstream.sendall(data)
            stream = upstream.makefile("rb")
            head = read_head(stream)
            if self.lie:
                return self.respond(self.lie, body=b"{}")
            self.pass_answer(head, stream)

    def pass_answer(self, head, stream):
        text = head.decode("latin-1").split("\r\n")
        status, fields = text[0], [tuple(f.split(": ", 1)) for f in text[1:] if ": " in f]
        fields = [(k, v) for k, v in fields if k.lower() != "connection"]
        if self.change_head:
            status, fields = self.change_head(status, fields)
        self.entry.status = int(status.split()[1])
        lines = [status, *(f"{k}: {v}" for k, v in fields), "", ""]
        self.client.sendall("\r\n".join(lines).encode("latin-1"))
        chunks = iter(lambda: stream.read1(65536), b"")
        if self.entry.method == "HEAD":
            return
        for data in self.change_body(chunks) if self.change_body else chunks:
            self.client.sendall(data)
            self.entry.given += len(data)


class Faulty:
    def __init__(self, upstream, host="127.0.0.1", seed=1, small_buffers=False):
        name, port = upstream.rsplit(":", 1)
        self.upstream = (name, int(port))
        self.rules, self.log, self.uploaded = [], [], {}
        self.cut_uploads_after = None  # bytes of bodies a connection may carry
        self.stare_at_tls = False         # leave a TLS greeting without an answer
        self.dice = random.Random(seed)
        self.lock = threading.Lock()
        self.listener = socket.create_server((host, 0), backlog=128)
        if small_buffers:  # so that what was sent is soon what has arrived
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.host = f"{host}:{self.listener.getsockname()[1]}"
        self.closing = False
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.closing = True
        self.listener.close()

    def add(self, rule):
        self.rules.append(rule)

    def limit_of(self, connection):
        return self.cut_uploads_after

    def requests(self, method="*", path=""):
        return [e for e in self.log
                if (method == "*" or re.fullmatch(method, e.method)) and re.search(path, e.path)]

    def count(self, method="*", path=""):
        return len(self.requests(method, path))

    def accept(self):
        number = 0
        while not self.closing:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            number += 1
            self.uploaded[number] = 0
            threading.Thread(target=self.serve, args=(client, number), daemon=True).start()

    def serve(self, client, number):
        try:
            if not self.stare_at_tls and client.recv(1, socket.MSG_PEEK) == b"\x16":
                client.close()  # as a plain HTTP server does at once, or after a while
                return
            stream = client.makefile("rb")
            while self.one(client, stream, number):
                pass
            client.close()
        except Broken as broken:
            if broken.reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            stream.close()
        except OSError:
            client.close()

    def one(self, client, stream, number):
        head = read_head(stream)
        if head is None:
            return False
        line, headers = split_head(head)
        parts = line.split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1"):
            client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            return False
        entry = Entry(parts[0], parts[1], headers, number, time.monotonic())
        exchange = Exchange(self, entry, head, client, stream)
        with self.lock:
            self.log.append(entry)
            rule = next((r for r in self.rules if r.fits(entry, self.dice)), None)
        if rule is None or not rule.action(exchange):
            exchange.forward()
        return True


# --- actions: True means that the action answered the request --------------------------------------

def answer(status, headers=(), body=b"", drain=True):
    def act(x):
        x.respond(status, headers, body, drain)
        return True
    return act


def reset(x):
    raise Broken()


def hang_up(x):
    x.drain()
    raise Broken(reset=False)


def silence(seconds=120):
    def act(x):
        time.sleep(seconds)
        raise Broken()
    return act


def delay(seconds):
    def act(x):
        time.sleep(seconds)
        return False
    return act


def break_body_after(n):
    def act(x):
        x.request_limit = n
        return False
    return act


def truncate(n, reset=False):
    """The true Content-Length, but only n bytes of the body."""
    def act(x):
        def some(chunks):
            left = n
            for data in chunks:
                if len(data) >= left:
                    yield data[:left]
                    raise Broken(reset)
                left -= len(data)
                yield data
        x.change_body = some
        return False
    return act


def flip(offset):
    def act(x):
        def changed(chunks):
            at = 0
            for data in chunks:
                if at <= offset < at + len(data):
                    data = bytearray(data)
                    data[offset - at] ^= 1
                at += len(data)
                yield bytes(data)
        x.change_body = changed
        return False
    return act


def header(name, value):
    """Replaces a field of the answer; None removes it, a function gets the old value."""
    def act(x):
        def changed(status, fields):
            new = []
            for k, v in fields:
                if k.lower() == name.lower():
                    v = value(v) if callable(value) else value
                    if v is None:
                        continue
                new.append((k, v))
            if not callable(value) and value is not None and name.lower() not in [k.lower() for k, _ in new]:
                new.append((name, value))
            return status, new
        x.change_head = changed
        return False
    return act


def refuse_bodies(status, body=b"", more_than=0, drain=True):
    """Of an upload: a longer body is refused. The closing PUT of an upload by PATCH has none."""
    def act(x):
        if x.left <= more_than:
            return False
        x.respond(status, {"Content-Type": "application/json"}, body, drain)
        if not drain:
            raise Broken(reset=False)
        return True
    return act


def first_of(*actions):
    """The first action that answers the request."""
    return lambda x: any(act(x) for act in actions)


def do_but_say(status):
    """The registry handles the request; the client gets another answer."""
    def act(x):
        x.lie = status
        return False
    return act


class Hold:
    """Lets `after` bytes of the first large body pass, then waits for a signal: time to kill the client."""

    def __init__(self, after):
        self.after, self.taken = after, False
        self.reached, self.released, self.over = (threading.Event() for _ in range(3))

    def wait(self):
        self.reached.set()
        self.released.wait(60)

    def __call__(self, x):
        if x.left <= self.after or self.taken:
            return False
        self.taken = True
        x.hold = self
        try:
            x.forward()
        finally:
            self.over.set()
        return True


class Rate:
    """n requests per second; others get 429."""

    def __init__(self, n, retry_after="1"):
        self.n, self.retry_after, self.times, self.lock = n, retry_after, [], threading.Lock()

    def __call__(self, x):
        now = time.monotonic()
        with self.lock:
            self.times = [t for t in self.times if t > now - 1]
            if len(self.times) < self.n:
                self.times.append(now)
                return False
        x.respond(429, {"Retry-After": self.retry_after, "Content-Type": "application/json"},
                  b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}')
        return True
