"""Disks that fail while a monitor writes captures to them. Needs root: each disk is a file with ext4 in it."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time

from control_group import ControlGroup

MIB = 1 << 20
# What the service prints each second, while its rules go on.
ALIVE = "alive"


class Disk:
    """A small disk of its own. It ends with its block."""

    def __enter__(self):
        self.place = tempfile.mkdtemp(prefix="memory-debug-disk-")
        image, self.mount = f"{self.place}/image", f"{self.place}/mount"
        os.mkdir(self.mount)
        with open(image, "wb") as file:
            file.truncate(48 * MIB)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, self.mount], check=True)
        self.captures, self.saved = f"{self.mount}/captures", f"{self.mount}/saved"
        return self

    def fill(self):
        """Takes all room that is left, and goes on to take what becomes free."""
        self.is_filling = True

        def fill():
            with open(f"{self.mount}/filler", "ab", buffering=0) as file:
                while self.is_filling:
                    try:
                        file.write(bytes(64 << 10))
                    except OSError:
                        time.sleep(0.01)

        self.filler = threading.Thread(target=fill, daemon=True)
        self.filler.start()
        while shutil.disk_usage(self.mount).free:
            time.sleep(0.01)

    def fail(self):
        """As after an error of the hardware: the disk becomes read-only."""
        subprocess.run(["mount", "-o", "remount,abort", self.mount], check=True, stderr=subprocess.DEVNULL)

    def remove_folder(self):
        shutil.rmtree(self.captures)
        shutil.rmtree(self.saved, ignore_errors=True)

    def freeze(self):
        subprocess.run(["fsfreeze", "--freeze", self.mount], check=True)

    def thaw(self):
        subprocess.run(["fsfreeze", "--unfreeze", self.mount], check=True)

    def __exit__(self, *_):
        self.is_filling = False
        for command in (["fsfreeze", "--unfreeze", self.mount], ["umount", self.mount]):
            subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
        with contextlib.suppress(OSError):
            shutil.rmtree(self.place)


class Watched:
    """A service that leaks, with what it prints and when."""

    def __init__(self, service, group, disk, rate, leaked, stop_at):
        environment = os.environ | {"WATCH": disk.saved}
        self.process = subprocess.Popen(group.command(service, rate, leaked, stop_at, disk.captures), env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line.rstrip()))

    def wait_for(self, text, seconds=30):
        """When a line with the text was printed, or None if none was in that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for at, line in list(self.lines):
                if text in line:
                    return at
            time.sleep(0.05)
        return None

    def wait(self):
        self.process.wait()
        self.reader.join()

    def alive_between(self, begin, end):
        return sum(begin <= at <= end and line == ALIVE for at, line in self.lines)

    def events(self, *texts):
        """Events that have all these texts."""
        return [line for _, line in self.lines if line.startswith("event ") and all(text in line for text in texts)]


def files(folder):
    """The kinds of complete files in a folder, and its unfinished files."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return {name.split("-")[0] for name in names}, [name for name in names if ".tmp" in name]


@contextlib.contextmanager
def leaking(service, name, rate, leaked, stop_at):
    """A disk, and a service that has begun to leak and keeps its captures there. Its limit is 256 MiB."""
    with Disk() as disk, ControlGroup("memory", f"disk-{name}") as group:
        group.limit_memory(256 * MIB)
        watched = Watched(service, group, disk, rate, leaked, stop_at)
        try:
            watched.wait_for("ready")
            yield disk, watched
        finally:
            if watched.process.poll() is None:
                watched.process.kill()
                watched.process.wait()


def full(service, captured):
    with leaking(service, "full", 5, 100, 205) as (disk, watched):
        disk.fill()
        begin = time.monotonic()
        watched.wait()
        kinds, unfinished = files(disk.captures)
        last = captured(disk.captures)["processes"][0]
        yield "the flight record goes on", last["end"] == "in-order" and len(last["records"]) > 50, last["end"]
        failed = watched.events("a capture before the kill failed") or kinds & {"raw", "snapshot", "baseline"}
        yield "each capture is written from the kept room, or is an event", failed, watched.lines
        yield "the snapshot of a rule is an event with the reason", watched.events(
            "the action `save-snapshot`", "No space left on device"), watched.lines
        yield "rules go on", watched.alive_between(begin, begin + 10) >= 8, watched.lines
        yield "no unfinished file stays", not unfinished and not files(disk.saved)[1], unfinished


def read_only(service, _):
    with leaking(service, "read-only", 5, 100, 205) as (disk, watched):
        disk.fail()
        begin = time.monotonic()
        watched.wait()
        yield "the flight record is an event with the reason", watched.events(
            "nothing is captured now: the flight record cannot be written"), watched.lines
        yield "the snapshot of a rule is an event with the reason", watched.events(
            "the action `save-snapshot`", "failed: not saved"), watched.lines
        yield "rules go on", watched.alive_between(begin, begin + 10) >= 8, watched.lines
        yield "the end says that it could not be marked", any(
            "could not be marked" in line for _, line in watched.lines), watched.lines


def removed(service, captured):
    with leaking(service, "removed", 1, 115, 210) as (disk, watched):
        disk.remove_folder()
        begin = time.monotonic()
        noted = watched.wait_for("the flight record cannot be written: its file was removed")
        yield "a folder that was removed is an event", noted, watched.lines
        watched.wait()
        kinds, unfinished = files(disk.captures)
        yield "the folder is made again, with a flight record and captures", (
            {"flight"} < kinds - {"ballast"} and os.stat(disk.captures).st_mode & 0o777 == 0o700), kinds
        last = captured(disk.captures)["processes"][0]
        yield "the new flight record has the end", last["end"] == "in-order", last["end"]
        yield "the snapshot of a rule is saved", "memory" in files(disk.saved)[0], watched.lines
        yield "rules go on", watched.alive_between(begin, begin + 60) >= 50, len(watched.lines)
        yield "no unfinished file stays", not unfinished, unfinished


def frozen(service, captured):
    with leaking(service, "frozen", 5, 100, 205) as (disk, watched):
        disk.freeze()
        begin = time.monotonic()
        noted = watched.wait_for("has not returned for")
        yield "a disk that does not answer is an event", noted and watched.events(
            "nothing is captured now: the flight record cannot be written: a write to"), watched.lines
        time.sleep(max(0, begin + 7 - time.monotonic()))
        yield "rules go on meanwhile", watched.alive_between(begin, begin + 7) >= 6, watched.lines
        disk.thaw()
        watched.wait()
        last = captured(disk.captures)["processes"][0]
        yield "the record goes on when the disk answers", last["end"] == "in-order" and len(last["records"]) > 20, last
        yield "no unfinished file stays", not files(disk.captures)[1], files(disk.captures)


def frozen_at_the_end(service, captured):
    with leaking(service, "frozen-end", 10, 100, 130) as (disk, watched):
        disk.freeze()
        stopped = watched.wait_for("stopped")
        yield "the monitor stops without the disk, and says that the end is not marked", stopped and any(
            "could not be marked" in line and "the disk does not answer" in line for _, line in watched.lines), watched.lines
        disk.thaw()
        watched.wait()


CASES = [full, read_only, removed, frozen, frozen_at_the_end]
