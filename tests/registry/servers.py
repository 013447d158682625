"""Other registries than Debian's, where their programs are: cue's, distribution 3, the Rust one, go-containerregistry's."""

import socket
import subprocess

from ports import free_port
from registry import Registry
from runner import needed, wait_until


class Server(Registry):
    """A registry process of another kind: without an access log, otherwise like Registry."""

    def __init__(self, command, host, log, scheme="http", ca=None):
        self.host, self.log, self.scheme, self.ca = host, log, scheme, ca
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
        name, port = host.rsplit(":", 1)

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1" if name == "localhost" else name, int(port))) == 0
        wait_until(answers, 15, f"a registry at {host}")

def cue(folder, *flags, host="127.0.0.1"):
    """With the referrers API, in memory. `flags`: those of ociregistry/main.go."""
    folder.mkdir(parents=True, exist_ok=True)
    host = f"{host}:{free_port()}"
    return Server([needed("ociregistry"), "-address", host.replace("localhost", "127.0.0.1"), *flags], host, folder / "log")


def distribution3(folder):
    """The current upstream of docker-registry: resumes broken uploads."""
    folder.mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{free_port()}"
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{host}', secret: labsecret}}\n"
    )
    return Server([needed("registry"), "serve", config], host, folder / "log")


def rust(folder):
    """Small and sloppy: no digest in HEAD, no ranges, 500 to a wrong digest."""
    folder.mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{free_port()}"
    command = [needed("container-registry"), "--bind", host, "--storage", folder, "--password", "s3cret"]
    return Server(command, host, folder / "log")


def ggcr(folder):
    """go-containerregistry's: refuses open ranges, cannot mount."""
    (folder / "disk").mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{free_port()}"
    return Server([needed("crane"), "registry", "serve", "--address", host, "--disk", folder / "disk"], host, folder / "log")
