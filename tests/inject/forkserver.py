"""koc as a server that forks for each run, so that a run costs milliseconds, with the shim that lets its calls fail."""

import dataclasses
import os
import pathlib
import socket
import subprocess

# Time enough for a run that is slow because the machine is busy; far less than one that waits for ever.
HANG_SECONDS = 30


@dataclasses.dataclass
class Outcome:
    status: int     # exit code, or minus the signal
    hung: bool      # it was killed after HANG_SECONDS
    left: int       # processes that outlived it
    fired: int      # calls that were made to fail
    counts: dict    # class -> calls
    trace: str      # object+offset of each frame at the first call that failed
    stdout: bytes
    stderr: str

    @property
    def errors(self):
        return [line for line in self.stderr.splitlines() if line.startswith("koc: ")]


class ForkServer:
    def __init__(self, program, shim, env, scratch):
        self.scratch = pathlib.Path(scratch)
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options = env.get("ASAN_OPTIONS", "")
        env = {
            **env,
            "LD_PRELOAD": str(shim),
            "ASAN_OPTIONS": ":".join(filter(None, [options, "verify_asan_link_order=0"])),
            "KOC_INJECT_SERVER": str(theirs.fileno()),
        }
        self.log = (self.scratch / "server").open("wb")
        self.process = subprocess.Popen(
            [program],
            env=env,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        theirs.close()
        self.socket.settimeout(HANG_SECONDS + 30)
        names = self.socket.recv(4096)
        assert names, (self.scratch / "server").read_text()
        self.classes = names.decode().split(",")

    def close(self):
        self.socket.close()
        self.process.wait(10)
        self.log.close()

    def run(self, argv, plan="", cwd="/", stdin=os.devnull):
        """One run of main(argv). plan: "CLASS N HOW [once|on|every]", as shim.c describes it, or "" for none."""
        out, err = self.scratch / "stdout", self.scratch / "stderr"
        fields = [plan, stdin, out, err, cwd, HANG_SECONDS * 1000, *argv]
        self.socket.send("".join(f"{field}\0" for field in fields).encode())
        answer = self.socket.recv(8192).decode()
        assert answer, f"the server ended: {(self.scratch / 'server').read_text()}"
        status, hung, left, fired, counts, trace = answer.split(" ")
        return Outcome(
            os.waitstatus_to_exitcode(int(status)),
            hung == "1",
            int(left),
            int(fired),
            dict(zip(self.classes, map(int, counts.split(",")))),
            trace,
            out.read_bytes(),
            err.read_text(errors="replace"),
        )
