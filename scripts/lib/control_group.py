"""Control groups of one controller, version 1 or 2. Scripts that run as root create and remove them."""

import os
import time

ROOT = "/sys/fs/cgroup"


def enable(folder, controller):
    """Version 2: enables the controller for the groups below a folder."""
    with open(f"{folder}/cgroup.subtree_control", "w") as file:
        file.write("+" + controller)


class ControlGroup:
    """A control group, optionally below another. It is removed at the end of its block."""

    def __init__(self, controller, name="group", below=None):
        one = f"{ROOT}/{controller}"
        self.version = 1 if os.path.isdir(one) else 2
        if self.version == 2:
            with open(f"{ROOT}/cgroup.controllers") as file:
                if controller not in file.read().split():
                    raise OSError(f"this machine has no control groups with the controller {controller}")
            enable(below.folder if below else ROOT, controller)
        top = f"{one if self.version == 1 else ROOT}/memory-debug-{os.getpid()}-{name}"
        self.folder = f"{below.folder}/{name}" if below else top
        os.mkdir(self.folder)

    def enter(self):
        self.write("cgroup.procs", str(os.getpid()))

    def command(self, *command):
        """The command that runs `command` in the group. Threads can start it: nothing of Python runs in between."""
        return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', self.folder, *map(str, command)]

    def write(self, file, text):
        with open(f"{self.folder}/{file}", "w") as file:
            file.write(text)

    def read(self, one, two=None):
        with open(f"{self.folder}/{one if self.version == 1 else two or one}") as file:
            return file.read()

    def limit_memory(self, size):
        self.write("memory.limit_in_bytes" if self.version == 1 else "memory.max", str(size))

    def working_set(self):
        """The bytes charged to the group, without inactive page cache, which the kernel drops first."""
        stat = dict(line.split() for line in self.read("memory.stat").splitlines())
        inactive = stat["total_inactive_file" if self.version == 1 else "inactive_file"]
        return int(self.read("memory.usage_in_bytes", "memory.current")) - int(inactive)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The group can be removed only after the kernel has cleaned up its processes.
        for _ in range(100):
            try:
                return os.rmdir(self.folder)
            except OSError:
                time.sleep(0.1)
        print(f"        {self.folder} could not be removed")
