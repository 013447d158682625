"""A real terminal for a test: tmux, which draws what a person would see and can be asked for it."""

import itertools
import os
import shlex
import subprocess
import time

_numbers = itertools.count()


class Terminal:
    """A shell command in a tmux of its own, `width` times `height`."""

    def __init__(self, tmux, folder, command, env, width=80, height=24, cwd=None):
        # A socket's path is short, and no other tmux of this user is touched.
        self.tmux = [tmux, "-S", f"/tmp/koc-tmux-{os.getpid()}-{next(_numbers)}", "-f", "/dev/null"]
        self.recording = folder / f"screen-{next(_numbers)}.raw"
        words = " ".join(shlex.quote(f"{name}={value}") for name, value in env.items())
        # What is left on the screen stays to be read when the command has ended.
        # It starts once all it writes is recorded, on a screen of the right size.
        ready = folder / f"screen-{next(_numbers)}.ready"
        line = f"until [ -e {shlex.quote(str(ready))} ]; do sleep 0.01; done; "
        line += f"env -i TERM=tmux-256color {words} {command}; echo; echo END-OF-COMMAND; cat"
        self._run("new-session", "-d", "-x", width, "-y", height, "-c", os.fspath(cwd or folder), line)
        self._run("pipe-pane", f"cat > {shlex.quote(str(self.recording))}")
        self._run("set-option", "-g", "status", "off")
        self._run("set-option", "-g", "window-size", "manual")
        self._run("resize-window", "-x", width, "-y", height)
        ready.touch()

    def _run(self, *args):
        result = subprocess.run(
            [*self.tmux, *map(str, args)], capture_output=True, text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        )
        assert result.returncode == 0, f"tmux {args}: {result.stderr}"
        return result.stdout

    def type(self, text):
        self._run("send-keys", "-l", text)

    def press(self, *keys):
        self._run("send-keys", *keys)

    def resize(self, width, height):
        self._run("resize-window", "-x", width, "-y", height)

    def screen(self, history=False):
        """The lines that are seen, without blanks at their ends; with what was scrolled away."""
        text = self._run("capture-pane", "-p", *(["-S", "-", "-J"] if history else []))
        return [line.rstrip() for line in text.rstrip("\n").split("\n")]

    def wait_for(self, wanted, seconds=20):
        """Until `wanted`, a text or a test of the lines, is on the screen."""
        test = wanted if callable(wanted) else lambda lines: wanted in "\n".join(lines)
        deadline = time.monotonic() + seconds
        while not test(lines := self.screen()):
            assert time.monotonic() < deadline, "not on the screen: %s\n%s" % (
                wanted,
                "\n".join(lines),
            )
            time.sleep(0.05)
        return lines

    def ended(self, seconds=60):
        """All that is left on the screen after the command, as a person can scroll it."""
        self.wait_for("END-OF-COMMAND", seconds)
        lines = self.screen(history=True)
        return lines[: lines.index("END-OF-COMMAND")]

    def recorded(self):
        """All that was written to the terminal, once the command has ended."""
        deadline = time.monotonic() + 20
        while b"END-OF-COMMAND" not in self.recording.read_bytes():
            assert time.monotonic() < deadline, "the recording has no end"
            time.sleep(0.02)
        return self.recording.read_bytes().decode(errors="replace")

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], capture_output=True)
        if os.path.exists(self.tmux[2]):
            os.unlink(self.tmux[2])
