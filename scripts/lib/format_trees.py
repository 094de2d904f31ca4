"""Trees that our writers write, and files of others that the command converts, with the numbers that they have."""

from format_samples import OWN
from format_samples import TIMES as OWN_TIMES
from format_tables import Numbers

BYTES, OBJECTS, TIMES = ("Bytes", "bytes"), ("Objects", "count"), ("Busy", "nanoseconds")

ENDINGS = ["callgrind", "collapsed", "cpuprofile", "heapprofile", "heapsnapshot", "heaptimeline", "pb.gz",
           "speedscope.json"]
# Sample trees that our writers write, and formats that must refuse them, because they would show wrong numbers.
REFUSED = {"trace": ["heapsnapshot", "heaptimeline"], "heap": ["cpuprofile"], "large": ["cpuprofile"],
           "grown": [ending for ending in ENDINGS if ending != "pb.gz"]}
HEAP = {"[Vec<u8>]": [10_777, 37], "[HashMap<String, Vec<u8>>]": [1 << 20, 12], "[unattributed]": [123, 4]}
TREES = {
    "trace": Numbers(
        [("Total", "nanoseconds"), ("Busy", "nanoseconds"), ("Idle", "nanoseconds"), ("Allocated", "bytes"),
         ("Freed", "bytes")],
        {"GET /items/{id}": [700_000, 650_000, 50_000, 4096, 1024],
         "load": [100_000_000, 1_750_000, 98_250_000, 1_310_806, 524_304],
         'decode "quoted" \\ 한국어': [3_000_000, 3_000_000, 0, 5000, 5000],
         "render": [2_500_000, 2_500_000, 0, 65_536, 60_000], "POST /items": [1_500_000, 300_000, 1_200_000, 100, 100],
         "(other)": [999, 999, 0, 0, 0]}, is_nested=False),
    "heap": Numbers([BYTES, OBJECTS], HEAP),
    "large": Numbers([BYTES, OBJECTS], HEAP | {"[HashMap<String, Vec<u8>>]": [10 << 30, 12]}),
    "grown": Numbers([BYTES, OBJECTS], HEAP | {"[HashMap<String, Vec<u8>>]": [-4096, 12]}, is_nested=False),
}

# Files of other tools, what they hold, and the formats into which the command must convert them.
OF_BYTES = ["callgrind", "collapsed", "heapprofile", "heapsnapshot", "heaptimeline", "pb.gz", "speedscope.json"]
OF_TIMES = ["callgrind", "collapsed", "cpuprofile", "pb.gz", "speedscope.json"]
OF_NUMBERS = ["callgrind", "collapsed", "pb.gz", "speedscope.json"]
SOURCES = {
    "good.speedscope.json": (Numbers([BYTES, OBJECTS], OWN), OF_BYTES),
    "good.heapprofile": (Numbers([BYTES], OWN_TIMES), OF_BYTES),
    "good.cpuprofile": (Numbers([TIMES], {name: [time * 1000] for name, [time] in OWN_TIMES.items()}), OF_TIMES),
    "good.collapsed": (Numbers([("Samples", "count")], OWN_TIMES), OF_NUMBERS),
    # Only the totals of these are known.
    "node.heapprofile": (None, OF_BYTES),
    "node.cpuprofile": (None, OF_TIMES),
    # These do not hold whole stacks.
    "good.callgrind": (None, []),
    "good.heapsnapshot": (None, []),
}
