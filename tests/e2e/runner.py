"""Running koc and the tools beside it: one environment for all, closed against the user's own."""

import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

KEPT = (
    "PATH",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LSAN_OPTIONS",
    "TSAN_OPTIONS",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)


@dataclasses.dataclass
class Result:
    """How a command ended."""

    command: list
    status: int
    stdout: str
    stderr: str

    @property
    def lines(self):
        return self.stdout.splitlines()

    @property
    def ref(self):
        """The one reference that was printed."""
        assert len(self.lines) == 1, f"expected one line on stdout: {self}"
        return self.lines[0]

    @property
    def errors(self):
        """The lines of stderr that say what went wrong."""
        return [line for line in self.stderr.splitlines() if line.startswith("koc: ")]

    def __str__(self):
        command = " ".join(map(str, self.command))
        return (
            f"$ {command}\nexit {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
        )


class Home:
    """A user of one test: an own HOME, cache, data and temporary folder."""

    def __init__(self, root, go_env):
        self.root = pathlib.Path(root)
        self.home = self.root / "home"
        self.cache = self.root / "cache"
        self.data = self.root / "data"
        self.tmp = self.root / "tmp"
        for folder in (self.home, self.cache, self.data, self.tmp, self.root / "run"):
            folder.mkdir(parents=True, exist_ok=True)
        self.go_env = go_env

    def env(self, **more):
        base = {name: os.environ[name] for name in KEPT if name in os.environ}
        base |= {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.cache),
            "XDG_DATA_HOME": str(self.data),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "TMPDIR": str(self.tmp),
            "TZ": "UTC",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
        }
        return base | self.go_env | {k: str(v) for k, v in more.items() if v is not None}

    def listing(self):
        """All that lies in the temporary, cache and data folders: to compare before and after."""
        return {
            str(path.relative_to(self.root))
            for folder in (self.tmp, self.data)
            for path in folder.rglob("*")
        }


class Tool:
    """A program, run in a home. `env` holds for each run, and a run may add to it; `first` are
    arguments that stand before all others."""

    def __init__(self, path, home, cwd=None, first=(), **env):
        self.path, self.home, self.cwd, self.extra = str(path), home, cwd, env
        self.command = [self.path, *map(str, first)]

    def __call__(self, *args, cwd=None, env=None, status=0, stdin=None, timeout=300):
        """Runs it; fails the test unless it ends with `status` (None: any)."""
        command = [*self.command, *map(str, args)]
        result = subprocess.run(
            command,
            cwd=cwd or self.cwd or self.home.root,
            input=stdin or "",
            env=self.home.env(**{**self.extra, **(env or {})}),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
        answer = Result(command, result.returncode, result.stdout, result.stderr)
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            assert word not in answer.stderr, str(answer)
        assert status is None or answer.status == status, str(answer)
        return answer

    def start(self, *args, cwd=None, env=None):
        """Starts it in a process group of its own and gives the Popen."""
        return subprocess.Popen(
            [*self.command, *map(str, args)],
            cwd=cwd or self.cwd or self.home.root,
            env=self.home.env(**{**self.extra, **(env or {})}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def find_tool(name):
    """The program's path: beside the test tools, or on PATH; None when there is none."""
    tools = os.environ.get("KOC_TEST_TOOLS")
    if tools and (pathlib.Path(tools) / "bin" / name).exists():
        return str(pathlib.Path(tools) / "bin" / name)
    return shutil.which(name)


def lacking(what, why="is missing"):
    """Ends a test whose tool is not here. In CI that is a failure: ./dev test installs every tool,
    and a skip would hide that it did not."""
    import pytest

    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} {why}")


def needed(name):
    """The program's path; the test ends where it is missing."""
    return find_tool(name) or lacking(name)


def go_environment():
    """The Go settings of this machine and its caches, which all tests can share."""
    names = [
        "GOCACHE",
        "GOMODCACHE",
        "GOPROXY",
        "GOSUMDB",
        "GONOSUMDB",
        "GONOSUMCHECK",
        "GOTOOLCHAIN",
        "GOPRIVATE",
    ]
    values = subprocess.run(
        ["go", "env", *names], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    env = {name: value for name, value in zip(names, values) if value}
    return env | {"GOFLAGS": ""}


def wait_until(condition, seconds=10, what="it"):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.02)


def stop(process):
    """Ends a server that a fixture started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def children_of(pid):
    """Process ids below `pid`, at any depth."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found
