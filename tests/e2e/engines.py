"""Container engines of one test run: each on sockets and folders of its own, below /tmp since the
path of a socket is short. Real ones; `Scripted` is only for what no real daemon can be made to say."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time

from ports import free_port
from runner import needed, stop, wait_until

RUNC_LAB = pathlib.Path(__file__).resolve().parents[1] / "kube/runc-lab"


class Missing(Exception):
    """This machine cannot have the engine; the text says why."""


def runtime(folder):
    """A runc that also works without CAP_SYS_RESOURCE, as in many containers."""
    needed("runc")
    path = pathlib.Path(folder) / "runc-lab"
    subprocess.run(
        ["go", "build", "-trimpath", "-ldflags=-s", "-o", path, "."],
        cwd=RUNC_LAB,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""},
        check=True,
    )
    return path


def can_connect(path):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        return s.connect_ex(str(path)) == 0


class Engine:
    """What they have in common: a folder, a socket, a process."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="koc-", dir="/tmp"))
        self.socket = self.folder / "s"
        self.address = f"unix://{self.socket}"
        self.process = None

    def start(self, command, seconds=20, **options):
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, **options)
        try:
            wait_until(lambda: self.process.poll() is not None or self.ready(), seconds)
            if self.process.poll() is not None:
                raise AssertionError("it ended")
        except AssertionError:
            said = (self.folder / "log").read_text(errors="replace").splitlines()[-3:]
            self.close()
            raise Missing(f"{pathlib.Path(command[0]).name} does not start here: {said}") from None

    def ready(self):
        return can_connect(self.socket)

    def close(self):
        if self.process:
            stop(self.process)
            self.log.close()
        mounts = pathlib.Path("/proc/mounts").read_text()
        for mount in sorted(re.findall(rf" ({self.folder}/\S+)", mounts), reverse=True):
            subprocess.run(["umount", "-l", mount], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def docker(self, *args, **options):
        """The docker program against this engine; its stdout."""
        command = [needed("docker"), "--host", self.address, *map(str, args)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
        assert result.returncode == 0, f"{command}: {result.stderr}"
        return result.stdout.strip()

    def image_id(self, name):
        return self.docker("image", "inspect", "--format", "{{.Id}}", name)

    def run(self, reference, *args):
        return self.docker("run", "--rm", "--pull=never", "--network=none", reference, *args)


class Dockerd(Engine):
    """dockerd: Debian's, or another program; with certificates it listens on TCP with TLS too."""

    def __init__(self, program="dockerd", pki=None, tmpfs=None, more=()):
        super().__init__()
        if os.geteuid() != 0:
            raise Missing("dockerd needs root")
        path = needed(program)
        needed("docker")
        runtime(self.folder)
        data = self.folder / "data"
        data.mkdir()
        if tmpfs:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={tmpfs}", "koc", data], check=True
            )
        (self.folder / "empty.json").write_text("{}")
        command = [path, "--config-file", self.folder / "empty.json", "--host", self.address]
        command += ["--data-root", data, "--exec-root", self.folder / "exec"]
        command += ["--pidfile", self.folder / "pid", "--iptables=false", "--ip6tables=false"]
        command += ["--ip-masq=false", "--bridge=none", "--userland-proxy=false"]
        command += ["--add-runtime", f"lab={self.folder}/runc-lab", "--default-runtime", "lab"]
        if pki:
            self.tcp = f"tcp://127.0.0.1:{free_port()}"
            server = pki.folder
            command += ["--host", self.tcp, "--tlsverify", "--tlscacert", pki.ca]
            command += ["--tlscert", server / "server.crt", "--tlskey", server / "server.key"]
        self.start([*map(str, command), *more], preexec_fn=limit_files)


def limit_files():
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))


class Podman(Engine):
    """`podman system service`, which speaks Docker's API."""

    def __init__(self):
        super().__init__()
        command = [needed("podman"), "--root", self.folder / "root", "--runroot", self.folder / "run"]
        command += ["--storage-driver", "vfs", "--runtime", runtime(self.folder)]
        command += ["--cgroup-manager", "cgroupfs", "system", "service", "--time=0", self.address]
        self.start([*map(str, command)])

    def settings(self):
        """Environment for a podman without a daemon, with the same runtime and an own store."""
        (self.folder / "containers.conf").write_text(
            '[engine]\nruntime = "lab"\ncgroup_manager = "cgroupfs"\n[engine.runtimes]\n'
            f'lab = ["{self.folder}/runc-lab"]\n[containers]\nnetns = "none"\n'
        )
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/root2"\n'
            f'runroot = "{self.folder}/run2"\n'
        )
        return {
            "CONTAINERS_CONF": self.folder / "containers.conf",
            "CONTAINERS_STORAGE_CONF": self.folder / "storage.conf",
        }


class Containerd(Engine):
    """A plain containerd."""

    def __init__(self):
        super().__init__()
        if os.geteuid() != 0:
            raise Missing("containerd needs root")
        needed("ctr")
        self.runtime = runtime(self.folder)
        (self.folder / "config.toml").write_text(
            f'version = 2\nroot = "{self.folder}/root"\nstate = "{self.folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{self.socket}"\n'
        )
        self.start([needed("containerd"), "-c", str(self.folder / "config.toml")])

    def ctr(self, *args):
        command = [needed("ctr"), "--address", str(self.socket), *args]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, f"{command}: {result.stderr}"
        return result.stdout


class Tap:
    """Between koc and a daemon: the log of requests (method, path, bytes of the body), and, when asked,
    cut_up: the connection breaks after so many bytes of a request; hold_down: an answer stops after so
    many bytes and never continues; hold_load: the answer to the request that loads an image does."""

    HEAD = re.compile(rb"(GET|POST|HEAD|DELETE) (\S+) HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n")

    def __init__(self, engine, cut_up=None, hold_down=None, hold_load=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="koc-", dir="/tmp"))
        self.path = self.folder / "s"
        self.address = f"unix://{self.path}"
        self.hold_load = hold_load
        self.requests, self.held = [], threading.Event()
        outer = self
        limit = float("inf") if hold_load else hold_down

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.socket(socket.AF_UNIX) as upstream:
                    upstream.connect(str(engine.socket))
                    down = threading.Thread(
                        target=outer.pump, args=(upstream, self.request, None, limit)
                    )
                    down.start()
                    outer.pump(self.request, upstream, cut_up, None)
                    down.join()

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.server = Server(str(self.path), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def pump(self, source, target, cut, hold):
        passed, up = 0, hold is None
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                for head in self.HEAD.finditer(data) if up else ():
                    length = re.search(rb"(?i)content-length: (\d+)", head[0])
                    self.requests.append(
                        (head[1].decode(), head[2].decode(), int(length[1]) if length else 0)
                    )
                passed += len(data)
                if cut is not None and passed > cut:
                    break
                if hold is not None and (passed > hold or self.hold_load and self.loads()):
                    self.held.set()
                    time.sleep(30)
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR if cut is not None else socket.SHUT_WR)
            if cut is not None:
                source.shutdown(socket.SHUT_RDWR)

    def loads(self):
        """Bytes of each archive that was sent."""
        return [n for method, path, n in self.requests if path.split("?")[0].endswith("/load")]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Scripted:
    """A stand-in that answers by script, for what no real daemon can be made to say."""

    PING = (200, {"Api-Version": "1.41"}, b"OK")
    INFO = {"OSType": "linux", "Architecture": "x86_64", "ServerVersion": "0", "DriverStatus": []}

    def __init__(self, ping=PING, info=None, load=(200, {}, b""), image=(404, {}, b"{}")):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="koc-", dir="/tmp"))
        self.path = self.folder / "s"
        self.address = f"unix://{self.path}"
        self.loaded = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/_ping":
                    status, headers, text = ping
                elif self.path.endswith("/info"):
                    told = json.dumps({**Scripted.INFO, **(info or {})}).encode()
                    status, headers, text = 200, {}, told
                elif "/load" in self.path:
                    outer.loaded.append(body)
                    status, headers, text = load
                elif "/images/json" in self.path:
                    status, headers, text = 200, {}, b"[]"
                else:
                    status, headers, text = image
                self.send_response(status)
                for name, value in {"Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)
                self.close_connection = True

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

            def address_string(self):
                return "koc"

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.server = Server(str(self.path), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)
