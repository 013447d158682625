"""What must hold after a run in which a call failed."""

import errno
import os

from world import FINDINGS, is_temporary

# How each class fails: alone, with all after it ("on"), or with each second one ("every"). What is only interrupted
# or short must go well.
HARMLESS = ("EINTR", "short", "EINTR every", "short every")
FAILURES = {
    "alloc": ["ENOMEM", "ENOMEM on"],
    "open": ["EMFILE", "ENOSPC", "EIO", "EINTR"],
    "read": ["EIO", "EINTR", "short", "EINTR every", "short every"],
    "write": ["ENOSPC", "EIO", "EDQUOT", "EINTR", "short", "EINTR every", "short every", "ENOSPC on"],
    "sync": ["EIO", "ENOSPC"],
    "rename": ["ENOSPC", "EIO", "EDQUOT"],
    "close": ["EIO", "ENOSPC", "EINTR"],
    "mmap": ["ENOMEM"],
    "mkdir": ["ENOSPC", "EDQUOT"],
    "truncate": ["EIO", "ENOSPC"],
    "link": ["EMLINK", "ENOSPC"],
    "unlink": ["EIO"],
    "lock": ["ENOLCK", "EINTR"],
    "dup": ["EMFILE"],
    "list": ["EMFILE", "EIO"],
    "poll": ["ENOMEM", "EINTR"],
    "socket": ["EMFILE", "ENOBUFS"],
    "connect": ["ECONNREFUSED", "ETIMEDOUT"],
    "accept": ["EMFILE", "ECONNABORTED"],
    "send": ["ECONNRESET", "EINTR", "short"],
    "receive": ["ECONNRESET", "EINTR", "short"],
    "pipe": ["EMFILE"],
    "thread": ["EAGAIN", "EAGAIN on"],
    "spawn": ["EAGAIN", "ENOMEM"],
    "stat": ["EIO", "ENOMEM"],
    "mode": ["EIO"],
    "resolve": ["ENOMEM", "EIO"],
}


class Judge:
    """Compares runs of one command with the undisturbed one. run(plan) runs it once."""

    def __init__(self, world, run):
        self.world, self.run = world, run
        self.calls = run("")
        assert self.calls.status == 0, self.calls
        self.old = world.results((world.tree.before, world.content))
        self.new = world.results(world.state())
        self.good = set()  # states after which the next run went well

    def problem(self, result, kind, how):
        """What is wrong with a run in which a call of this kind failed as `how`, or None."""
        state = self.world.state()
        if result.hung:
            return "it hangs"
        if result.left:
            return f"{result.left} processes are left"
        if result.status < 0 or any(word in result.stderr for word in FINDINGS):
            return f"it ends with {result.status}"
        return (
            self.problem_of_status(result, kind, how)
            or self.problem_of_files(state, result.status == 0, kind == "unlink")
            or self.problem_of_next(state)
        )

    def problem_of_status(self, result, kind, how):
        if result.status == 0:
            return None if result.stdout == self.calls.stdout else "it succeeds with another result"
        if result.status != 1:
            return f"the exit code is {result.status}"
        if not result.errors:
            return "it fails without an error"
        if how in HARMLESS:
            return "it fails, and could have gone on"
        # Who opens the file next says what is wrong, and then it may be well; a file without its lock may be swept by
        # another thread, which says that it is gone.
        if kind in ("stat", "lock"):
            return None
        # libcurl reports both in the same way.
        if kind == "alloc" and "a line of the reply's head is too long" in result.stderr:
            return None
        cause = "out of memory" if kind == "alloc" else os.strerror(getattr(errno, how.split()[0]))
        return None if cause.lower() in result.stderr.lower() else "its error has no cause"

    def problem_of_files(self, state, done, unlinks):
        files, tags = self.world.results(state)
        for path in state[0]:
            if is_temporary(path) and not unlinks:
                return "a temporary file is left"
        for (kind, old, new, now) in (("file", self.old[0], self.new[0], files), ("tag", self.old[1], self.new[1], tags)):
            for name in old.keys() | new.keys() | now.keys():
                wanted = [new.get(name)] if done else [new.get(name), old.get(name)]
                if now.get(name) not in wanted and not (kind == "file" and unlinks and is_temporary(name)):
                    what = "lost" if name not in now else "left" if name not in old.keys() | new.keys() else "neither old nor new"
                    return f"the {kind} {name} is {what}"
        return None

    def problem_of_next(self, state):
        key = hash((tuple(sorted(state[0].items(), key=str)), tuple(map(frozenset, state[1]))))
        if key in self.good:
            return None
        again = self.run("")
        if again.status != 0 or again.stdout != self.calls.stdout:
            return f"the next run ends with {again.status}: {again.stderr}"
        problem = self.problem_of_files(self.world.state(), True, True)
        if problem:
            return f"after the next run {problem}"
        self.good.add(key)
        return None
