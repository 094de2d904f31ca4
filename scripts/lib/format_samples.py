"""A small file of each format, written by hand.

All files of calls show the same tree: `main` called `handle` and `cache`; `cache` called itself.
"""

import gzip
import json

# Bytes and objects that each function allocated itself. A tree of time has the bytes as microseconds.
OWN = {"shop::handle": [1009, 7], "Vec<u8>": [2003, 11], "shop::cache": [3001, 5]}
TIMES = {name: numbers[:1] for name, numbers in OWN.items()}
INCLUSIVE = {"shop::main": [6013, 23], "shop::handle": [3012, 18], "shop::cache": [3001, 5]}
# The same by stack, the outermost function first.
STACKS = {
    ("shop::main", "shop::handle"): (1009, 7),
    ("shop::main", "shop::handle", "Vec<u8>"): (2003, 11),
    ("shop::main", "shop::cache"): (1001, 2),
    ("shop::main", "shop::cache", "shop::cache"): (2000, 3),
}
FILES = {"shop::main": ("src/main.rs", 10), "shop::handle": ("src/handler.rs", 20), "shop::cache": ("src/cache.rs", 5),
         "Vec<u8>": ("", 0)}

CALLGRIND = """# callgrind format
version: 1
creator: by hand
positions: line
event: Bytes : live heap bytes
events: Bytes Objects
summary: 6013 23

fl=(1) src/main.rs
fn=(1) shop::main
10 0 0
cfi=(2) src/handler.rs
cfn=(2) shop::handle
calls=1 20
10 3012 18
cfi=(3) src/cache.rs
cfn=(3) shop::cache
calls=2 5
10 3001 5

fl=(2)
fn=(2)
20 1009 7
cfi=(4) (types)
cfn=(4) Vec<u8>
calls=1 0
20 2003 11

fl=(3)
fn=(3)
5 1001 2
cfn=(5) shop::cache'2
calls=1 5
5 2000 3

fl=(3)
fn=(5)
5 2000 3

fl=(4)
fn=(4)
0 2003 11

totals: 6013 23
"""

COLLAPSED = "".join(f"{';'.join(stack)} {numbers[0]}\n" for stack, numbers in STACKS.items())


def tree(node):
    """Calls `node(id, name, own, children)` for each node, children first, and returns the result of the root."""
    numbers = iter(range(1, 1000))

    def below(stack):
        own = STACKS.get(stack, (0, 0))
        number = next(numbers)
        direct = dict.fromkeys(other[:len(stack) + 1] for other in STACKS if other[:len(stack)] == stack != other)
        return node(number, stack[-1] if stack else "(root)", own, [below(child) for child in direct])

    return below(())


def call_frame(name):
    file, line = FILES.get(name, ("", 0))
    scripts = sorted({place[0] for place in FILES.values()})
    return {"functionName": name, "scriptId": str(scripts.index(file)), "url": file, "lineNumber": line - 1,
            "columnNumber": -1}


def heapprofile():
    samples = []

    def node(number, name, own, children):
        if own[0]:
            samples.append({"size": own[0], "nodeId": number, "ordinal": len(samples) + 1})
        return {"callFrame": call_frame(name), "selfSize": own[0], "id": number, "children": children}

    return {"head": tree(node), "samples": samples}


def cpuprofile():
    nodes, samples, lengths = [], [], []

    def node(number, name, own, children):
        nodes.append({"id": number, "callFrame": call_frame(name), "hitCount": own[0], "children": children})
        if own[0]:
            samples.append(number)
            lengths.append(own[0])
        return number

    tree(node)
    nodes.sort(key=lambda node: node["id"])
    # A sample lasts until the next one, so one of the root ends the last.
    return {"nodes": nodes, "startTime": 1000, "endTime": 1000 + sum(lengths), "samples": [*samples, 1],
            "timeDeltas": [0, *lengths]}


def speedscope():
    frames = list(FILES)
    profiles = []
    for at, (name, unit) in enumerate((("Bytes", "bytes"), ("Objects", "none"))):
        weights = [numbers[at] for numbers in STACKS.values()]
        profiles.append({"type": "sampled", "name": name, "unit": unit, "startValue": 0, "endValue": sum(weights),
                         "samples": [[frames.index(name) for name in stack] for stack in STACKS], "weights": weights})
    shared = {"frames": [{"name": name, "file": FILES[name][0], "line": FILES[name][1]} for name in frames]}
    return {"$schema": "https://www.speedscope.app/file-format-schema.json", "shared": shared, "profiles": profiles}


META = {
    "node_fields": ["type", "name", "id", "self_size", "edge_count", "trace_node_id", "detachedness"],
    "node_types": [["hidden", "array", "string", "object", "code", "closure", "regexp", "number", "native",
                    "synthetic"], "string", "number", "number", "number", "number", "number"],
    "edge_fields": ["type", "name_or_index", "to_node"],
    "edge_types": [["context", "element", "property", "internal", "hidden", "shortcut", "weak"], "string_or_number",
                   "node"],
    "trace_function_info_fields": ["function_id", "name", "script_name", "script_id", "line", "column"],
    "trace_node_fields": ["id", "function_info_index", "count", "size", "children"],
    "sample_fields": ["timestamp_us", "last_assigned_id"],
    "location_fields": ["object_index", "script_id", "line", "column"],
}
# The classes of the heap snapshot, the functions that allocated them, and the bars of its timeline.
CLASSES = {"alloc::string::String": [1000], "alloc::vec::Vec<u8>": [2000]}
LIVE = {"main": 1000, "handler": 2000}
BARS = [1000, 2000]


def heapsnapshot():
    return {
        "snapshot": {"meta": META, "node_count": 3, "edge_count": 3, "trace_function_count": 3},
        "nodes": [9, 1, 1, 0, 2, 0, 0, 3, 2, 3, 1000, 1, 2, 0, 8, 3, 5, 2000, 0, 3, 0],
        "edges": [2, 7, 7, 1, 0, 14, 2, 7, 14],
        "trace_function_infos": [0, 1, 4, 0, 0, 0, 1, 5, 4, 1, 10, 1, 2, 6, 4, 1, 20, 3],
        "trace_tree": [1, 0, 0, 0, [2, 1, 5, 1000, [3, 2, 7, 9000, []]]],
        "samples": [0, 3, 1000000, 5],
        "locations": [],
        "strings": ["", "(root): edges are allocation sites", "alloc::string::String", "alloc::vec::Vec<u8>", "main.rs",
                    "main", "handler", "cache"],
    }


def varint(number):
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes(written) + bytes([number])


def message(*fields):
    """A message of protobuf: pairs of a number and a value."""
    written = b""
    for number, value in fields:
        if isinstance(value, int):
            written += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            written += varint(number << 3 | 2) + varint(len(value)) + value
    return written


def pprof(first_string="", values=2, change=0):
    strings, functions = [first_string], list(FILES)

    def text(name):
        if name not in strings:
            strings.append(name)
        return strings.index(name)

    types = ("inuse_space", "bytes"), ("inuse_objects", "count")
    fields = [(1, message((1, text(name)), (2, text(unit)))) for name, unit in types]
    for stack, numbers in STACKS.items():
        places = [(1, functions.index(name) + 1) for name in reversed(stack)]
        fields.append((2, message(*places, *((2, number + change) for number in numbers[:values]))))
    for at, name in enumerate(functions, 1):
        fields.append((4, message((1, at), (4, message((1, at), (2, FILES[name][1]))))))
        fields.append((5, message((1, at), (2, text(name)), (4, text(FILES[name][0] or "?")))))
    fields += [(3, message((1, 1), (5, text("shop")))), (14, text("inuse_space"))]
    return gzip.compress(message(*fields, *((6, string) for string in strings)))


def compact(document):
    return json.dumps(document, separators=(",", ":"))


GOOD = {
    "callgrind": CALLGRIND,
    "collapsed": COLLAPSED,
    "cpuprofile": compact(cpuprofile()),
    "heapprofile": compact(heapprofile()),
    "heapsnapshot": compact(heapsnapshot()),
    "heaptimeline": compact(heapsnapshot()),
    "pb.gz": pprof(),
    "speedscope.json": compact(speedscope()),
}


def later(number):
    """A later heap snapshot, in which one class grew. Its node has this id."""
    document = heapsnapshot()
    document["nodes"][16:18] = [number, 5000]
    return compact(document)


# DevTools compares ids, so what changed must have a new one.
LATER, LATER_WITH_OLD_ID = later(7), later(5)
GROWTH = {"alloc::vec::Vec<u8>": 3000}
