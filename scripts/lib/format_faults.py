"""Files that are broken in one place, and the readers that must notice it."""

import json

import format_samples
from format_samples import CALLGRIND, COLLAPSED, compact, pprof

# For each format: what is broken, for each reader a pattern of what it must say, and the file.


def callgrind(what, noticed, old, new):
    assert old in CALLGRIND
    return what, noticed, CALLGRIND.replace(old, new)


def collapsed(what, noticed, old, new):
    assert old in COLLAPSED
    return what, noticed, COLLAPSED.replace(old, new)


def edited(ending):
    """A function that makes faults of a format in JSON from a path of keys and a value. `...` removes the key."""

    def fault(what, noticed, *path):
        *keys, last, value = path
        document = json.loads(format_samples.GOOD[ending])
        place = document
        for key in keys:
            place = place[key]
        if value is ...:
            del place[last]
        else:
            place[last] = value
        return what, noticed, compact(document)

    return fault


cpuprofile, heapprofile, heapsnapshot, speedscope = map(
    edited, ("cpuprofile", "heapprofile", "heapsnapshot", "speedscope.json"))


def strings_first():
    document = format_samples.heapsnapshot()
    return compact({"snapshot": document["snapshot"], "strings": document["strings"], **document})


def without_blank_rule():
    return format_samples.GOOD["heapsnapshot"].replace('"nodes":', '"nodes" :')


MAIN = "head", "children", 0
HANDLE = *MAIN, "children", 0
LEAF = *HANDLE, "children", 0
ANNOTATE, ERROR = "callgrind_annotate", "^error"

BROKEN = {
    "callgrind": [
        callgrind("a wrong cost", {ANNOTATE: "own of Vec<u8>", "gprof2dot": "own of Vec<u8>", "rules": "summary"},
                  "\n0 2003 11", "\n0 2002 11"),
        callgrind("a wrong cost of a call", {ANNOTATE: "inclusive of shop::main", "speedscope": "total"},
                  "10 3012 18", "10 3000 18"),
        callgrind("a wrong summary", {ANNOTATE: "total 6014", "rules": "summary: 6014"},
                  "summary: 6013", "summary: 6014"),
        callgrind("wrong totals", {"rules": "totals: 6014"}, "totals: 6013", "totals: 6014"),
        callgrind("calls=0", {ANNOTATE: "own of shop::main", "rules": "calls=0"}, "calls=2 5", "calls=0 5"),
        callgrind("no events", {ANNOTATE: "exit status", "rules": ERROR}, "events: Bytes Objects\n", ""),
        callgrind("a malformed line", {ANNOTATE: "stderr", "rules": "no line of callgrind"},
                  "20 1009 7", "twenty 1009 7"),
        callgrind("a function without a file", {ANNOTATE: "stderr", "rules": "without fl="},
                  "fl=(1) src/main.rs\n", ""),
        callgrind("recursion under one name", {ANNOTATE: "inclusive of shop::cache"}, "shop::cache'2", "shop::cache"),
        callgrind("a negative cost", {"rules": "not a whole number"}, "5 1001 2", "5 -1001 2"),
        callgrind("a fraction", {"rules": "not a whole number"}, "5 1001 2", "5 1001.5 2"),
        callgrind("a call that costs more than its function", {"rules": "calls of Vec<u8>"},
                  "20 2003 11", "20 2005 11"),
        callgrind("a name that was not defined", {"rules": "refers to no name"}, "fn=(2)\n20", "fn=(9)\n20"),
    ],
    "collapsed": [
        collapsed("a wrong number", {"speedscope": "total"}, "1009", "1010"),
        collapsed("a stack without a number", {"speedscope": "total", "rules": "line 1"}, " 1009", ""),
        collapsed("a fraction", {"rules": "line 1"}, "1009", "1009.5"),
    ],
    "cpuprofile": [
        cpuprofile("a wrong hit count", {"DevTools": "own of"}, "nodes", 2, "hitCount", 500),
        cpuprofile("a wrong end", {"DevTools": "total"}, "endTime", 9999),
        cpuprofile("an end before the last sample", {"rules": "endTime"}, "endTime", 2000),
        cpuprofile("fewer time deltas than samples", {"DevTools": "samples"}, "timeDeltas", [0]),
        cpuprofile("a wrong time delta", {"DevTools": "chart", "speedscope": "own of"}, "timeDeltas", 1, 9),
        cpuprofile("time that goes backwards", {"rules": "backwards"}, "timeDeltas", 1, -9),
        cpuprofile("no samples", {"DevTools": "samples", "rules": ERROR}, "samples", ...),
        cpuprofile("a sample of no node", {"rules": "node 99 does not exist"}, "samples", 1, 99),
        cpuprofile("a root without children", {"DevTools": "own of"}, "nodes", 0, "children", ...),
        cpuprofile("an id twice", {"rules": "twice"}, "nodes", 1, "id", 3),
    ],
    "heapprofile": [
        heapprofile("a leaf without children", {"DevTools": ERROR, "speedscope": ERROR, "rules": ERROR},
                    *LEAF, "children", ...),
        heapprofile("a wrong size", {"DevTools": "total", "speedscope": "total"}, *HANDLE, "selfSize", 1),
        heapprofile("a sample of another size", {"DevTools": "samples"}, "samples", 0, "size", 1),
        heapprofile("a function without a line", {"rules": "lineNumber"}, *MAIN, "callFrame", "lineNumber", ...),
        heapprofile("one script for two files", {"rules": "scriptId"}, *MAIN, "callFrame", "scriptId", "1"),
    ],
    "heapsnapshot": [
        heapsnapshot("a wrong size", {"DevTools": "total", "memlab": "total"}, "nodes", 10, 1001),
        heapsnapshot("a wrong class", {"DevTools": "own of", "memlab": "own of"}, "nodes", 8, 3),
        heapsnapshot("an edge count that is too small", {"rules": "edge_count"}, "nodes", 4, 1),
        heapsnapshot("a wrong node count", {"rules": "node_count", "DevTools": "nodes|total|error"},
                     "snapshot", "node_count", 2),
        heapsnapshot("an unreachable node", {"DevTools": "unreachable", "memlab": "unreachable nodes: 1"},
                     "edges", [2, 7, 7, 1, 0, 7, 2, 7, 7]),
        heapsnapshot("an edge into the middle of a node",
                     {"DevTools": "Invalid toNodeIndex", "rules": "lead to a node"}, "edges", 2, 8),
        ("strings before the end", {"DevTools": "strings", "rules": "last key"}, strings_first()),
        ("a blank that memlab does not expect", {"memlab": "exit status"}, without_blank_rule()),
        heapsnapshot("a negative size", {"DevTools": "total", "rules": "not a whole number"}, "nodes", 17, -5),
        heapsnapshot("a fraction", {"DevTools": "", "rules": "not a whole number"}, "nodes", 10, 12.5),
        heapsnapshot("a node of 5 GiB", {"DevTools": "total", "memlab": "total", "rules": "4 GiB"},
                     "nodes", 17, 5 << 30),
        heapsnapshot("a root with a size", {"rules": "size of its own", "DevTools": "total"}, "nodes", 3, 5),
        heapsnapshot("a function that does not exist", {"DevTools": ERROR}, "trace_tree", 1, 3),
        heapsnapshot("a trace of another function", {"DevTools": "live"}, "nodes", 19, 2),
        heapsnapshot("an even id", {"rules": "even"}, "nodes", 16, 6),
        heapsnapshot("an id twice", {"rules": "increase"}, "nodes", 16, 3),
        heapsnapshot("a root that does not say what edges are", {"rules": "allocation sites"}, "strings", 1, "(root)"),
        heapsnapshot("a name that is missing", {"rules": "not in strings"}, "nodes", 8, 99),
    ],
    "heaptimeline": [
        heapsnapshot("an even id", {"DevTools": "bars"}, "nodes", 16, 6),
        heapsnapshot("a birth in the wrong bar", {"DevTools": "bars"}, "samples", 1, 5),
        heapsnapshot("a node after the last sample", {"DevTools": "bars"}, "samples", [0, 3]),
        heapsnapshot("samples that do not ascend", {"rules": "samples"}, "samples", [1000000, 5, 0, 3]),
        heapsnapshot("no samples", {"DevTools": "", "rules": ERROR}, "samples", ...),
    ],
    "pb.gz": [
        ("a string before the empty one", {"pprof": "exit status"}, pprof(first_string="x")),
        ("a sample with one value too few", {"pprof": "malformed profile: mismatch"}, pprof(values=1)),
        ("half a file", {"pprof": "exit status", "speedscope": "total"}, pprof()[:100]),
        ("a wrong value", {"pprof": "total", "speedscope": "total"}, pprof(change=1)),
    ],
    "speedscope.json": [
        speedscope("a frame without a name", {"schema": "name"}, "shared", "frames", 0, "name", ...),
        speedscope("an unknown unit", {"schema": "unit"}, "profiles", 0, "unit", "sheep"),
        speedscope("a wrong weight", {"speedscope": "own of", "rules": "endValue"}, "profiles", 0, "weights", 0, 1),
        speedscope("a wrong end", {"rules": "endValue"}, "profiles", 0, "endValue", 1),
        speedscope("fewer weights than samples", {"rules": "weights"}, "profiles", 0, "weights", [1]),
        speedscope("a frame that does not exist", {"speedscope": ERROR}, "profiles", 0, "samples", 0, [99]),
    ],
}
