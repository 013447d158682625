"""Where a command runs: directories that are put back before each run, and the judgement of what it left."""

import os
import pathlib
import shutil
import stat

# Where a sanitizer's finding shows.
FINDINGS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion `", "double free", "corrupted")


class Tree:
    """The content of some directories, kept in memory and put back if it changed."""

    def __init__(self, roots):
        self.roots = [pathlib.Path(root) for root in roots]
        self.known = {}  # path -> (stamp, content)
        self.before = self.read()

    def read(self):
        """path -> bytes, None for a directory, ("link", target)."""
        state, todo = {}, [str(root) for root in self.roots]
        while todo:
            path = todo.pop()
            try:
                entries = list(os.scandir(path))
            except FileNotFoundError:
                continue
            state[path] = None
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                elif entry.is_symlink():
                    state[entry.path] = ("link", os.readlink(entry.path))
                else:
                    state[entry.path] = self.content(entry)
        return state

    def content(self, entry):
        info = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(info.st_mode):
            return ("special", stat.S_IFMT(info.st_mode))
        stamp = (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        known = self.known.get(entry.path)
        if known is None or known[0] != stamp:
            known = self.known[entry.path] = (stamp, pathlib.Path(entry.path).read_bytes())
        return known[1]

    def restore(self, state=None):
        """Puts the directories back."""
        now = self.read() if state is None else state
        for path in sorted(now.keys() - self.before.keys(), reverse=True):
            if now[path] is None:
                shutil.rmtree(path, ignore_errors=True)
            elif os.path.lexists(path):
                os.unlink(path)
        for path in sorted(self.before):
            wanted = self.before[path]
            if wanted is None:
                os.makedirs(path, exist_ok=True)
            elif now.get(path) != wanted:
                pathlib.Path(path).write_bytes(wanted)


class World:
    """A user with a home of its own. `target` holds results, which must be whole after a failure."""

    def __init__(self, root, registry):
        self.root = pathlib.Path(root)
        self.registry = registry
        for name in ("home", "cache", "data", "tmp", "run", "in", "target"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def __truediv__(self, name):
        return self.root / name

    def keep(self):
        """What is there now is what each run finds."""
        self.tree = Tree([self / name for name in ("home", "cache", "data", "tmp", "run", "target")])
        self.content = self.registry.snapshot()

    def restore(self):
        self.tree.restore()
        self.registry.restore(self.content)

    def state(self):
        return self.tree.read(), self.registry.snapshot()

    def results(self, state):
        """The part of a state that is a command's result: files of target and of ~/.docker, tags of the registry."""
        files, (_, manifests) = state
        kept = tuple(str(self / name) for name in ("target", "home/.docker"))
        found = {path: content for path, content in files.items() if path.startswith(kept)}
        return found, {name: m for name, m in manifests.items() if ":" not in name[1]}


def is_temporary(path):
    name = os.path.basename(path)
    return name.startswith(".koc-") or name.startswith("koc-")


def is_blob(path):
    return "/blobs/sha256/" in path
