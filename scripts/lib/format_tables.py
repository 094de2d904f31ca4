"""What a reader shows of a file, and what it must show."""

import dataclasses


@dataclasses.dataclass
class Column:
    """What a reader shows of one number of each function."""

    name: str
    total: float
    own: dict = None
    inclusive: dict = None


@dataclasses.dataclass
class Seen:
    """What a reader shows of a file."""

    columns: list
    # Whether it shows only one number of each function: the first of the table.
    is_single: bool = False
    # The share of the total that each function can lack, if the reader guesses ways of calls.
    left_out: float = 0
    # What else it shows, by name.
    more: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Table:
    """What a file must show: the numbers of each function, in the order of the file."""

    own: dict
    totals: list = None
    # How a reader's names of events begin, if files can have them in another order.
    names: list = None
    # Numbers that include callees. Not all functions must be in it.
    inclusive: dict = dataclasses.field(default_factory=dict)
    # What each number may differ by, for the rounding of each row.
    rounding: float = 0
    # Whether callees are inside their callers. Calls that overlap are not.
    is_nested: bool = True
    # Whether functions can call each other in a circle, or have a caller at one time and none at another. A reader that
    # guesses ways of calls can then lack a half.
    has_circles: bool = False
    # What else a reader shows, for example `bars`.
    more: dict = dataclasses.field(default_factory=dict)
    # Names of functions whose numbers do not count: the root of a tree.
    ignored: tuple = ("(root)",)

    def __post_init__(self):
        if self.totals is None:
            self.totals = [sum(column) for column in zip(*self.own.values())]

    def order(self, columns):
        """The event that each column of a reader shows. By their order, unless files differ in it."""
        if not self.names or len(columns) != len(self.totals):
            return range(len(self.totals))
        return [at for column in columns for at, name in enumerate(self.names) if column.startswith(name)]

    def is_near(self, seen, expected, lacks=0):
        # Readers with floating-point numbers lose the last digits.
        return abs(seen - expected) <= max(self.rounding, 1e-9 * abs(expected)) + lacks


def differences(seen, table):
    """How the numbers of functions differ."""
    if not seen.columns:
        return
    events = [0] if seen.is_single else table.order([column.name for column in seen.columns])
    if len(seen.columns) != len(events):
        yield f"columns: {[column.name for column in seen.columns]}, expected {len(events)}"
    for at, column in zip(events, seen.columns):
        total = table.totals[at]
        if seen.left_out and table.has_circles:
            if not total / 2 <= column.total <= total + table.rounding:
                yield f"{column.name}: total {column.total:.15g}, expected at least a half of {total}"
            continue
        lacks = seen.left_out * total * len(column.own or ())
        if not table.is_near(column.total, total, lacks):
            yield f"{column.name}: total {column.total:.15g}, expected {total}"
        if table.own is not None:
            own = {name: numbers[at] for name, numbers in table.own.items()}
            yield from unequal(f"{column.name}: own of", column.own, own, table, column.own or (), lacks)
        inclusive = {name: numbers[at] for name, numbers in table.inclusive.items()}
        yield from unequal(f"{column.name}: inclusive of", column.inclusive, inclusive, table)
        for name, number in (column.inclusive or {}).items():
            if table.is_nested and number > column.total and not table.is_near(number, column.total):
                yield f"{column.name}: inclusive of {name}: {number:.15g}, more than the total of {column.total:.15g}"


def unequal(what, seen, expected, table, others=(), lacks=0):
    if seen is None:
        return
    for name in sorted({*expected, *others} - {*table.ignored}):
        if not table.is_near(seen.get(name, 0), expected.get(name, 0), lacks):
            yield f"{what} {name}: {seen.get(name, 0):.15g}, expected {expected.get(name, 0)}"


def more(seen, table):
    """How all other numbers differ."""
    for what, expected in table.more.items():
        if what in seen.more and isinstance(expected, dict):
            yield from unequal(what, seen.more[what], expected, table, seen.more[what])
        elif what in seen.more and isinstance(expected, int) and table.is_near(seen.more[what], expected):
            pass
        elif seen.more.get(what, expected) != expected:
            yield f"{what}: {seen.more[what]}, expected {expected}"


@dataclasses.dataclass
class Numbers:
    """What a heap or a trace has, whatever the format: the own numbers of each function and type by event."""

    # Pairs of a name and a unit.
    events: list
    own: dict
    rounding: float = 0
    is_nested: bool = True

    def table(self, ending):
        """What a file of a format must show."""
        names = [name for name, _ in self.events]
        bytes_of = ["Bytes" if "Bytes" in names else "Allocated"]
        shown = {"collapsed": names[:1], "cpuprofile": ["Busy"], "heapprofile": bytes_of, "heapsnapshot": bytes_of,
                 "heaptimeline": bytes_of}.get(ending, names)
        # These show times in microseconds.
        is_micro = ending in ("callgrind", "cpuprofile")
        factors = [1000 if is_micro and unit == "nanoseconds" else 1 for _, unit in self.events]
        chosen = [(names.index(name), factors[names.index(name)]) for name in shown]
        own = {}
        for name, numbers in self.own.items():
            numbers = [numbers[at] / factor if factor > 1 else numbers[at] for at, factor in chosen]
            sums = own.setdefault(self.name(name, ending), [0] * len(chosen))
            sums[:] = [sum + number for sum, number in zip(sums, numbers)]
        rounding = self.rounding + (len(self.own) if max(factors) > 1 else 0)
        table = Table(own, rounding=rounding, is_nested=self.is_nested)
        # Only of heap snapshots: all bytes belong to a function, and memlab can say how it reached each node.
        table.more = {"all live": table.totals[0], "unreachable nodes": 0}
        return table

    def name(self, name, ending):
        if ending in ("heapsnapshot", "heaptimeline"):
            # Types are classes there. Formats that have only functions write them in brackets.
            return name.removeprefix("[").removesuffix("]")
        # The separator of its frames.
        return name.replace(";", ",") if ending == "collapsed" else name
