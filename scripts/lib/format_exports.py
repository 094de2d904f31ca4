"""The exports of a service, with the numbers that its own tables show of the same state."""

import gzip
import os

from format_tables import Numbers

# The parameter `format` of /heap and /trace, and the end of the file's name.
HEAP = {"callgrind": "callgrind", "collapsed": "collapsed", "heapprofile": "heapprofile",
        "heapsnapshot": "heapsnapshot", "heaptimeline": "heaptimeline", "pprof": "pb.gz",
        "speedscope": "speedscope.json"}
TRACE = {"callgrind": "callgrind", "collapsed": "collapsed", "cpuprofile": "cpuprofile", "pprof": "pb.gz",
         "speedscope": "speedscope.json"}
# Of a trace, the numbers by event. Idle time is what remains.
EVENTS = {"Total": ("nanoseconds", "own_total_ns"), "Busy": ("nanoseconds", "own_busy_ns"),
          "Idle": ("nanoseconds", None), "Allocated": ("bytes", "own_allocated"), "Freed": ("bytes", "own_freed")}


def fetched(service, page, folder, name):
    """Saves an answer in a folder, and returns the path, and the name that the service gives the file."""
    status, body, headers = service.fetch(page)
    if status != 200:
        raise OSError(f"{page}: {status} {body[:300]}")
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(body)
    return path, headers.get_filename()


def lasting(value):
    """A JSON value without what changes by itself: ages, and the live memory of routes."""
    if isinstance(value, dict):
        return {name: lasting(part) for name, part in value.items() if name not in ("ages", "live", "live_stderr")}
    return [lasting(part) for part in value] if isinstance(value, list) else value


def unchanged(look, act):
    """What `look` sees before and after `act`, and what `act` returns, once nothing changed meanwhile."""
    # A request may be sampled, too. Then the tables differ, so it tries again.
    for _ in range(20):
        before = look()
        done = act()
        if look() == before:
            return before, done
    raise OSError("the tables changed 20 times in a row")


def settled(path, export):
    """What `export` returns, once it has written two files of the same length in a row.

    A buffer of the request itself may be sampled. Then it is in this file, but not in the tables.
    """
    seen = None
    for _ in range(20):
        done = export()
        before, seen = seen, length(path)
        if seen == before:
            return done
    raise OSError(f"{path} changed 20 times in a row")


def length(path):
    """The number of bytes in a file, unpacked: a packed file also changes with the time inside."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        return len(file.read())


class Heap:
    """The exports of a heap that does not change."""

    def __init__(self, service, folder, name, more=lambda: None):
        def export():
            return {form: fetch(form, f"{name}.{ending}") for form, ending in HEAP.items()}, more()

        def fetch(form, file):
            return settled(os.path.join(folder, file), lambda: fetched(service, f"/heap?format={form}", folder, file))

        self.types, (self.files, self.more) = unchanged(
            lambda: lasting(service.ask("/types?format=json&top=1000")[1]["types"]), export)
        self.rows = {}
        for row in self.types["rows"]:
            kind = "[unattributed]" if row["source"] == "unattributed" else f"[{row['type']}]"
            sums = self.rows.setdefault(kind, [0, 0])
            sums[:] = [sums[0] + row["bytes"], sums[1] + row["objects"]]

        # Exports round to whole bytes for each stack, tables for each row.
        self.rounding = self.types["stacks"] + len(self.rows)

    def changes(self, before):
        """The bytes by which each type grew."""
        names = {*before.rows, *self.rows}
        return {name: self.rows.get(name, [0])[0] - before.rows.get(name, [0])[0] for name in names}

    def table(self, form):
        """What a file must show. Types are functions in all formats but those for tools that show only functions."""
        numbers = Numbers([("Bytes", "bytes"), ("Objects", "count")], self.rows, self.rounding)
        table = numbers.table(HEAP[form])
        table.has_circles = True
        if form in ("collapsed", "pprof"):
            table.own = None
        if form == "pprof":
            # Go's order is objects, then bytes.
            table.names = ["inuse_space", "inuse_objects"]
        return table


class Trace:
    """The exports of a trace after counting has stopped."""

    def __init__(self, service, folder, name):
        def export():
            return {form: fetched(service, f"/trace?format={form}", folder, f"{name}.{ending}")
                    for form, ending in TRACE.items()}

        self.trace, self.files = unchanged(
            lambda: lasting(service.ask("/trace?format=json&top=1000")[1]["trace"]), export)
        self.events = [event for event, (_, field) in EVENTS.items()
                       if field is None or all(node[field] is not None for node in self.trace["nodes"])]
        own = {}
        for node in self.trace["nodes"]:
            sums = own.setdefault(node["name"], [0] * len(self.events))
            for at, event in enumerate(self.events):
                field = EVENTS[event][1]
                sums[at] += node[field] if field else max(0, node["own_total_ns"] - node["own_busy_ns"])
        own = own or {"nothing": [0] * len(self.events)}
        self.numbers = Numbers([(event, EVENTS[event][0]) for event in self.events], own, is_nested=False)

    def table(self, form):
        table = self.numbers.table(TRACE[form])
        table.has_circles = True
        return table
