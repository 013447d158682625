"""Ways to a registry that are not plain loopback: an address of this machine, and proxies that know names."""

import base64
import contextlib
import http.server
import select
import socket
import threading


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("198.51.100.1", 9))  # nothing is sent
        except OSError:
            return None
        address = s.getsockname()[0]
    return None if address.startswith("127.") else address


def join(one, other):
    """Bytes from each to the other until one of them is closed, or resets the connection."""
    with one, other, contextlib.suppress(ConnectionError):
        while True:
            for ready in select.select([one, other], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (other if ready is one else one).sendall(data)


class Forwarder:
    """Hands every connection to `upstream`, "host:port"; what happens to one is `carry`."""

    carry = staticmethod(join)

    def __init__(self, upstream, address="127.0.0.1"):
        name, port = upstream.rsplit(":", 1)
        self.upstream = (name, int(port))
        self.listener = socket.create_server((address, 0))
        self.host = f"{address}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.upstream)
            threading.Thread(target=self.carry, args=(client, server), daemon=True).start()

    def close(self):
        self.listener.close()


class Proxy:
    """An HTTP proxy for CONNECT. `names` maps "host:port" to where that really is; others are refused."""

    def __init__(self, names=None, user=None):
        proxy, self.names, self.seen = self, names or {}, []
        self.wanted = user and "Basic " + base64.b64encode(user.encode()).decode()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_CONNECT(self):
                proxy.seen.append(self.path)
                if proxy.wanted and self.headers.get("Proxy-Authorization") != proxy.wanted:
                    self.send_response(407)
                    self.send_header("Proxy-Authenticate", 'Basic realm="lab"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if self.path not in proxy.names:
                    self.send_error(403)
                    return
                name, port = proxy.names[self.path].rsplit(":", 1)
                self.send_response(200)
                self.end_headers()
                join(self.connection, socket.create_connection((name, int(port))))
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
