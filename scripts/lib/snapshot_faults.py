"""Cases of scripts/faults in which saving a snapshot to a folder fails. They need no service."""

import collections
import os
import re
import shutil
import signal
import subprocess
import tempfile

import example_service
from example_service import check, mounted, unmount

# The system calls of a save in order, and what each call acts on.
STEPS = [("openat", "unfinished"), ("write", "unfinished"), ("fsync", "unfinished"), ("rename", "unfinished"),
         ("openat", "folder"), ("fsync", "folder")]

# The calls before a first save, if neither the folder nor its parent exists.
MAKING = [("mkdir", "folder"), ("mkdir", "outer"), ("mkdir", "folder"), ("openat", "outer"), ("fsync", "outer"),
          ("openat", "root"), ("fsync", "root")]


class Folder:
    """A folder of snapshots, and the program that saves snapshots there."""

    def __init__(self, program, path):
        self.program, self.path, self.saved = program, path, set()

    def save(self, count=1, trace=()):
        """Saves snapshots, and remembers which were reported as saved. Returns `ok` or what failed."""
        command = [*trace, self.program, self.path, str(count)]
        # Samples all allocations, so that the file has several pages and a full disk can cut it off.
        exact = os.environ | {"_RJEM_MALLOC_CONF": "lg_prof_sample:0"}
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, env=exact)
        self.saved |= set(re.findall(r"^saved (\w{32})$", ended.stdout, re.M))
        failed = re.search(r"^failed (.*)$", ended.stdout, re.M)
        return failed[1] if failed else "ok" if ended.returncode == 0 else f"exit status {ended.returncode}"

    def wrong(self):
        """Snapshots that are lost or damaged."""
        listed = subprocess.run([self.program, self.path, "0"], stdout=subprocess.PIPE, text=True, timeout=60).stdout
        has = set(re.findall(r"^has (\w{32})$", listed, re.M))
        lost = [f"lost {name}" for name in self.saved - has]
        # A snapshot that has its final name counts as saved, even if the program could not report it.
        self.saved |= has
        return lost + re.findall(r"^(?:passed over|failed) .*$", listed, re.M)

    def unfinished(self):
        return [name for name in os.listdir(self.path) if name.endswith(".tmp")]

    def next_works(self, what):
        seen = self.save(), self.wrong(), self.unfinished()
        check(seen == ("ok", [], []), f"{what}: the next save works, and all {len(self.saved)} snapshots exist", seen)


def full_disk(program):
    """Leaves more and more room on the disk, so that each save is cut off at another point."""
    mount = mounted("size=1m")
    try:
        folder = Folder(program, os.path.join(mount, "snapshots"))
        folder.save(2)
        filler = os.path.join(mount, "filler")
        refused, fitted, wrong = 0, 0, []
        for room in range(0, 32 << 10, 4096):
            free = os.statvfs(mount)
            with open(filler, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - room)
            ended = folder.save()
            refused, fitted = refused + ("No space left" in ended), fitted + (ended == "ok")
            wrong += folder.wrong() + folder.unfinished()
            wrong += [] if ended == "ok" or "No space left" in ended else [ended]
            os.remove(filler)
        check(refused > 0 and fitted > 0 and not wrong,
              f"a full disk: {refused} saves fail with the reason, {fitted} fit, and nothing is lost", wrong)
        folder.next_works("a full disk")
    finally:
        unmount(mount)


def traced(folder, log, calls="openat,write,fsync,rename,renameat,renameat2"):
    """Runs a save under strace. Returns its outcome, its calls (numbered by name), and the strace command."""
    # Without -f, strace sees only the thread that saves.
    strace = ["strace", "-y", "-o", log, "-e", f"trace={calls}"]
    ended = folder.save(trace=strace)
    outer = os.path.dirname(folder.path)
    places = {folder.path: "folder", outer: "outer", os.path.dirname(outer): "root"}
    seen, count = [], collections.Counter()
    with open(log) as file:
        for call, rest in re.findall(r"^(\w+)\((.*)$", file.read(), re.M):
            count[call] += 1
            where = "unfinished" if f"{folder.path}/memory-" in rest and ".tmp" in rest else next(
                (name for place, name in places.items() if f'"{place}"' in rest or f"<{place}>" in rest), None)
            is_listing = call == "openat" and "O_DIRECTORY" in rest
            if where and not is_listing:
                seen.append((call, where, count[call]))
    return ended, seen, strace


def kinds(steps):
    return [step[:2] for step in steps]


def killed(folder, strace, step):
    call, where, which = step
    what = f"killed in {call} of the {where}"
    ended, wrong = folder.save(trace=[*strace, "-e", f"inject={call}:signal=KILL:when={which}"]), folder.wrong()
    check((ended, wrong) == (f"exit status {-signal.SIGKILL}", []), f"{what}: nothing is lost", (ended, wrong))
    folder.next_works(what)


def refused(folder, strace, step):
    call, where, which = step
    what = f"an error of {call} of the {where}"
    ended = folder.save(trace=[*strace, "-e", f"inject={call}:error=EIO:when={which}"])
    wrong = folder.wrong() + (folder.unfinished() if os.path.exists(folder.path) else [])
    is_reported = "Input/output error" in ended
    check(is_reported and not wrong, f"{what}: the error is reported, and nothing is lost", (ended, wrong))
    return what


def cut_short(program):
    """Kills the program in each call of a save, and lets each call fail with an error of the disk."""
    example_service.install({"strace": "strace"})
    with tempfile.TemporaryDirectory(prefix="memory-debug-faults-") as path:
        folder, log = Folder(program, os.path.join(path, "snapshots")), os.path.join(path, "log")
        folder.save(2)
        _, seen, strace = traced(folder, log)
        check(kinds(seen) == STEPS, "a save syncs the file, renames it, and syncs the folder", seen)
        for step in seen:
            killed(folder, strace, step)
        for step in seen:
            folder.next_works(refused(folder, strace, step))


def first_cut_short(program):
    """Kills and fails each call of a first save, which creates its folder and the parent folder."""
    example_service.install({"strace": "strace"})
    with tempfile.TemporaryDirectory(prefix="memory-debug-faults-") as path:
        outer, log = os.path.join(path, "outer"), os.path.join(path, "log")
        calls = "mkdir,mkdirat,openat,write,fsync,rename,renameat,renameat2"

        def new():
            shutil.rmtree(outer, ignore_errors=True)
            return Folder(program, os.path.join(outer, "snapshots"))

        _, seen, strace = traced(new(), log, calls)
        check(kinds(seen) == MAKING + STEPS, "the first save also syncs the folders above its folder", seen)
        making = seen[:len(MAKING)]
        for step in making:
            killed(new(), strace, step)
        for step in making:
            folder = new()
            what = refused(folder, strace, step)
            ended, again, _ = traced(folder, log, calls)
            is_complete = (ended, kinds(again)) == ("ok", MAKING + STEPS)
            check(is_complete, f"{what}: the next save creates and syncs all folders again", (ended, again))


def cases(profile):
    program = example_service.build("examples/save_snapshots", "--package=memory-debug-core",
                                    "--example=save_snapshots", profile=profile)

    def snapshots_and_a_full_disk():
        full_disk(program)

    def snapshots_cut_short():
        cut_short(program)

    def first_snapshot_cut_short():
        first_cut_short(program)

    return [snapshots_and_a_full_disk, snapshots_cut_short, first_snapshot_cut_short]
