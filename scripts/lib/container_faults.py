"""Cases of scripts/faults in which memory is short, but not because of the service's heap.

A neighbour nearly fills the parent group. A container is full of tmpfs, kernel memory, page cache or another process.
A service has no limit. Needs root and a memory control group, version 1 or 2.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import example_service
from control_group import ControlGroup
from example_service import check, mounted, unmount

MIB = 1 << 20

# Programs that take memory: the first argument is the amount in MiB.
HEAP = "b = b'x' * (int(sys.argv[1]) << 20)"
PIPES = """
import fcntl, os
pipes = [os.pipe() for _ in range(int(sys.argv[1]))]
for _, end in pipes:
    fcntl.fcntl(end, 1031, 1 << 20)
    os.set_blocking(end, False)
    try:
        while os.write(end, bytes(1 << 16)):
            pass
    except BlockingIOError:
        pass
"""
FILE = """
import mmap, os
file = open(sys.argv[2], "r+b")
cache = mmap.mmap(file.fileno(), 0)
# Reads the file several times, so that its pages are active and mapped.
for _ in range(4):
    for at in range(0, len(cache), 1 << 20):
        os.pread(file.fileno(), 1 << 20, at)
    seen = [cache[at] for at in range(0, len(cache), 4096)]
"""


@contextlib.contextmanager
def taking(group, what, mib, *arguments):
    """Runs a process in the group that takes memory with the program `what`, during the block."""
    command = [sys.executable, "-c", f"import sys, time\n{what}\nprint('done', flush=True)\ntime.sleep(3600)",
               str(mib), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=group.enter)
    try:
        if process.stdout.readline() != "done\n":
            raise OSError(f"the process that should take {mib} MiB ended with {process.wait()}")
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def mib(size):
    return "none" if size is None else f"{size / MIB:.1f} MiB"


def text(service, page=""):
    return service.send("GET", page)[1].decode()


def metrics(service):
    """The series of /metrics, by name and labels."""
    lines = [line for line in text(service, "/metrics").splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def header(service):
    """The lines above the table. Also prints them."""
    lines = text(service).split("\n\n", 1)[0].splitlines()
    print("\n".join("        " + line for line in lines))
    return lines


def verdict(service, name):
    """The doctor's verdict by one rule. Also prints it."""
    doctor = service.ask("/doctor?format=json")[1]["doctor"]
    found = next((verdict for verdict in doctor["verdicts"] if verdict["id"] == name), None)
    if found:
        print(f"        {found['severity']} {name}: {found['evidence']}\n        advice: {found['advice']}")
    return found


def about(one, other, leeway=2 * MIB):
    return one is not None and abs(one - other) <= leeway


def services(program):
    def service(group, *arguments):
        return example_service.Service(program, *arguments, before=group.enter)

    def settled(group, limit):
        """The MiB left below the group's limit (in MiB) after the service in it has stopped growing."""
        before = -1
        while abs(group.working_set() - before) > MIB:
            before = group.working_set()
            time.sleep(2)
        return (limit * MIB - before) // MIB

    def a_neighbour_below_the_parents_limit():
        """Group p has a limit of 300 MiB, p/a has the service, and p/b a neighbour that leaves about 20 MiB."""
        with (ControlGroup("memory", "p") as p, ControlGroup("memory", "a", below=p) as a,
              ControlGroup("memory", "b", below=p) as b):
            p.limit_memory(300 * MIB)
            path = "/" + p.folder.split("/")[-1]
            with service(a) as shop, taking(b, HEAP, settled(p, 300) - 28):
                lines = header(shop)
                stats = shop.ask("/stats?format=json")[1]
                ceiling, cgroup = stats["ceiling"], stats["cgroup"]
                check(f"limit: 300.00 MiB of the control group {path} above" in lines[2],
                      "neighbour: the header names the parent", lines)
                check((ceiling["path"], ceiling["limit_bytes"]) == (path, 300 * MIB),
                      "neighbour: the JSON names the parent", ceiling)
                check(about(ceiling["used_bytes"], p.working_set()) and about(ceiling["others_bytes"], b.working_set()),
                      f"neighbour: used {mib(ceiling['used_bytes'])}, by others {mib(ceiling['others_bytes'])}; the "
                      f"kernel says {mib(p.working_set())} and {mib(b.working_set())}", ceiling)
                check(cgroup["limit_bytes"] is None and about(cgroup["current_bytes"] - cgroup["inactive_file_bytes"],
                      a.working_set()), f"neighbour: the own group has no limit, and uses {mib(cgroup['current_bytes'])}", cgroup)
                near = verdict(shop, "near-memory-limit")
                check(near and path in near["evidence"] and "other groups" in near["advice"] and
                      "largest rows" not in near["advice"], "neighbour: the doctor names the neighbours", near)
                series = metrics(shop)
                used = series["memory_debug_ceiling_used_bytes"] / series["memory_debug_ceiling_limit_bytes"]
                check(used > 0.9 and series["memory_debug_cgroup_binding_limit_bytes"] == 300 * MIB and
                      "memory_debug_cgroup_limit_bytes" not in series, f"neighbour: the alert sees {used:.2f}", series)
                status, answer = shop.ask("/types?format=json")
                print(f"        /types answers {status} with {mib(300 * MIB - p.working_set())} left")
                with taking(b, HEAP, max(1, (300 * MIB - p.working_set()) // MIB - 15)):
                    status, answer = shop.ask("/types?format=json")
                    left = answer.get("available_bytes")
                    check((status, answer.get("title")) == (503, "insufficient headroom") and about(left, 300 * MIB -
                          p.working_set()), f"neighbour: with {mib(left)} left /types is refused", (status, answer))

    def a_leak_beside_a_neighbour():
        """The time until the parent is full is its room at the last snapshot divided by the growth."""
        with (ControlGroup("memory", "p") as p, ControlGroup("memory", "a", below=p) as a,
              ControlGroup("memory", "b", below=p) as b):
            p.limit_memory(300 * MIB)
            a.limit_memory(290 * MIB)
            with service(a, "--small", "--leak") as shop, taking(b, HEAP, 200):
                for _ in range(3):
                    shop.ask("/snapshots?format=json", method="POST")
                    time.sleep(3)
                leaks = shop.ask("/leaks?format=json")[1]["leaks"]
                began = time.monotonic()
                print("\n".join("        " + line for line in text(shop, "/leaks").splitlines()))
                last = leaks["snapshots"][-1]
                room, suspect = last["ceiling"]["room_bytes"], (leaks["suspects"] or [{}])[0]
                rate = suspect.get("bytes_per_hour", 0) / 3600
                check(last["ceiling"]["path"] == "/" + p.folder.split("/")[-1],
                      "leak: the parent's limit is reached first", last)
                check(rate and abs(suspect["seconds_to_limit"] * rate - room) < 1,
                      f"leak: {mib(room)} at {mib(rate)} a second: {suspect.get('seconds_to_limit', 0):.0f} s", suspect)
                own = last["cgroup_limit_bytes"] - last["cgroup_current_bytes"]
                print(f"        with only the own limit it would be {own / max(rate, 1):.0f} s")
                while shop.is_alive() and p.working_set() < 298 * MIB and time.monotonic() - began < 120:
                    time.sleep(0.1)
                seconds = time.monotonic() - began + 3
                print(f"        the parent was full, or the process was killed, {seconds:.0f} s after the last snapshot")

    def a_container_full_of(name, part, take, words):
        """The service's heap is a fifth of the container, and another part is the largest."""
        with ControlGroup("memory", "c") as group:
            group.limit_memory(230 * MIB)
            with service(group) as shop, take(group):
                header(shop)
                stats = shop.ask("/stats?format=json")[1]
                size = stats["cgroup"]["parts"][part]
                check(about(size, 125 * MIB, 12 * MIB), f"{name}: {part} is {mib(size)}", stats["cgroup"])
                # The page cache of the program, and charges that the kernel batches, differ from run to run.
                group.limit_memory(int(group.working_set() / 0.9))
                near = verdict(shop, "near-memory-limit")
                check(near and all(word in near["advice"] for word in words) and "largest rows" not in near["advice"],
                      f"{name}: the advice names this part", near)
                series = metrics(shop)[f"memory_debug_cgroup_{part}"]
                check(about(series, size, 12 * MIB), f"{name}: the metric agrees: {mib(series)}", series)

    @contextlib.contextmanager
    def tmpfs(group):
        folder = mounted("size=200m")
        try:
            # The kernel charges the group of the process that writes, as long as the file exists.
            subprocess.run(["dd", "if=/dev/zero", f"of={folder}/file", "bs=1M", "count=125", "status=none"], check=True,
                           preexec_fn=group.enter)
            yield
        finally:
            unmount(folder)

    @contextlib.contextmanager
    def cache(group):
        with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
            file.write(b"x" * (125 * MIB))
            file.flush()
            os.fsync(file.fileno())
            # Pages stay charged to the group that read them first, so drops them.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            with taking(group, FILE, 125, file.name):
                yield

    def a_container_full_of_tmpfs():
        a_container_full_of("tmpfs", "shared_bytes", tmpfs, ["shared memory and tmpfs", "/dev/shm", "medium: Memory"])

    def a_container_full_of_kernel_memory():
        a_container_full_of("pipes", "kernel_bytes", lambda group: taking(group, PIPES, 125), ["kernel memory", "slab"])

    def a_container_full_of_page_cache():
        a_container_full_of("mapped file", "mapped_file_bytes", cache, ["page cache that is in use"])

    def a_container_with_another_process():
        with ControlGroup("memory", "c") as group, service(group) as shop, taking(group, HEAP, 125):
            group.limit_memory(int(group.working_set() / 0.9))
            header(shop)
            near = verdict(shop, "near-memory-limit")
            check(near and "other processes in this container" in near["advice"],
                  "another process: the advice names it", near)

    def a_limit_above_what_is_visible():
        """Like a container that sees only its own group: version 1 shows the parent's limit, version 2 does not."""
        with ControlGroup("memory", "p") as p, ControlGroup("memory", "a", below=p) as a:
            if p.version != 1:
                return print("        not run: version 2 does not show the limit of a hidden parent")
            p.limit_memory(200 * MIB)

            def hide():
                a.enter()
                libc = ctypes.CDLL(None, use_errno=True)
                private, bind, new_mounts = (1 << 18) | (1 << 14), 1 << 12, 0x20000
                if (libc.unshare(new_mounts) or libc.mount(None, b"/", None, private, None) or
                        libc.mount(a.folder.encode(), b"/sys/fs/cgroup/memory", None, bind, None)):
                    raise OSError(ctypes.get_errno(), "the parent could not be hidden")

            with example_service.Service(program, before=hide) as shop:
                lines = header(shop)
                cgroup = shop.ask("/stats?format=json")[1]["cgroup"]
                check(cgroup["path"] == "/" and [level["path"] for level in cgroup["levels"]] == [".."],
                      "hidden: the own group is all that is visible", cgroup)
                check(lines[2].startswith("limit: 200.00 MiB of a control group above the visible ones · at least "),
                      "hidden: the header shows the parent's limit", lines)

    def no_limit_at_all():
        with ControlGroup("memory", "u") as group, service(group) as shop:
            lines = header(shop)
            stats = shop.ask("/stats?format=json")[1]
            with open("/proc/meminfo") as file:
                total = int(file.readline().split()[1]) << 10
            check(lines[2].startswith("no memory limit is set, so the machine is the limit: "),
                  "no limit: the header says that no limit is set", lines)
            check(stats["machine"]["total_bytes"] == stats["ceiling"]["limit_bytes"] == total,
                  f"no limit: the machine has {mib(total)}", stats["machine"])
            doctor = shop.ask("/doctor?format=json")[1]["doctor"]
            check("near-memory-limit" in doctor["checked"], "no limit: the doctor checks the machine's memory", doctor)

    return [a_neighbour_below_the_parents_limit, a_leak_beside_a_neighbour, a_container_full_of_tmpfs,
            a_container_full_of_kernel_memory, a_container_full_of_page_cache, a_container_with_another_process,
            a_limit_above_what_is_visible, no_limit_at_all]


def cases(program):
    return services(program)


def main():
    """Runs only these cases, with a program that is already built: container_faults.py PROGRAM."""
    for case in cases(sys.argv[1]):
        print(f"== {case.__name__.replace('_', ' ')}", flush=True)
        try:
            case()
        except (OSError, KeyError, json.JSONDecodeError, subprocess.CalledProcessError) as error:
            check(False, f"{case.__name__} could not be set up or ended early", repr(error))
    return example_service.summary()


if __name__ == "__main__":
    sys.exit(main())
