"""Measuring a command: wall time, CPU time of it and its children, its own peak memory."""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import threading
import time


@dataclasses.dataclass
class Run:
    wall: float  # seconds
    cpu: float  # seconds, user and system, with all children
    memory: int  # bytes: the largest resident set of the process itself, children not counted
    stdout: str


class PeakMemory(threading.Thread):
    """Reads a process's high-water mark until it ends. The kernel keeps the mark, so that only what
    happens in the last millisecond can be missed. (wait4 would give
    the largest of its children.)"""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path, self.peak, self.stopped = f"/proc/{pid}/status", 0, threading.Event()

    def run(self):
        while not self.stopped.wait(0.001):
            try:
                with open(self.path) as status:
                    for line in status:
                        if line.startswith("VmHWM:"):
                            self.peak = int(line.split()[1]) * 1024
            except OSError:
                return


def run(command, cwd=None, env=None, memory=True):
    """Runs a command that must succeed."""
    out, into = os.pipe()
    start = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=into,
        stderr=subprocess.DEVNULL,
    )
    os.close(into)
    sampler = PeakMemory(process.pid) if memory else None
    if sampler:
        sampler.start()
    with os.fdopen(out) as reader:
        text = reader.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if sampler:
        sampler.stopped.set()
        sampler.join()
    if process.returncode != 0:
        raise SystemExit(f"bench: exit {process.returncode}: {' '.join(map(str, command))}")
    return Run(wall, usage.ru_utime + usage.ru_stime, sampler.peak if sampler else 0, text)


def rounds(contenders, count, before=lambda: None):
    """name -> Runs. In each round every contender runs once, in an order that rotates, each after
    `before()`: what the machine does meanwhile falls on all alike."""
    found = {name: [] for name in contenders}
    names = list(contenders)
    for n in range(count):
        for name in names[n % len(names) :] + names[: n % len(names)]:
            before()
            found[name].append(contenders[name]())
    return found


def median(runs, field):
    return statistics.median(getattr(r, field) for r in runs)


def ratio(runs, reference, field):
    """The median of the ratios of paired runs."""
    return statistics.median(getattr(a, field) / getattr(b, field) for a, b in zip(runs, reference))


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def machine():
    """One line about where the figures come from."""
    model = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    go = subprocess.run(["go", "version"], capture_output=True, text=True).stdout.split()
    load = os.getloadavg()[0]
    version = go[2] if len(go) > 2 else "no go"
    return f"{os.cpu_count()} cores ({model}), {version}, load {load:.1f} at the start"
