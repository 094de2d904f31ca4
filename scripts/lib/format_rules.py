"""Rules of the formats that the programs which read them do not enforce, although their numbers get wrong."""

import json
import re


def outermost(name):
    """The name of a function without the mark of recursion that callgrind's convention appends: `parse'2`."""
    return re.sub(r"'\d+$", "", name)


def broken(ending, path):
    """The rules that a file breaks."""
    rules = RULES.get(ending)
    if rules is None:
        return []
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        return list(rules(text if ending in ("callgrind", "collapsed") else json.loads(text)))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return [f"error: {error!r}"]


def callgrind(text):
    lines = text.split("\n")
    header = dict(re.findall(r"^(\w+): (.*)$", text, re.M))
    events = len(header["events"].split())
    names, own, callees, calls, file = {}, {}, {}, {}, None
    function = callee = None
    is_call = False
    for number, line in enumerate(lines, 1):
        if found := re.match(r"(c?)(fn|fl|fi|fe|ob)=(?:\((\d+)\) ?)?(.*)$", line):
            inner, kind, mark, name = found.groups()
            space = {"fn": "fn", "ob": "ob"}.get(kind, "fl"), mark
            if mark and name and names.setdefault(space, name) != name:
                yield f"line {number}: {space} already names {names[space]}"
            name = name or names.get(space)
            if name is None:
                yield f"line {number}: {line} refers to no name"
            if kind == "fn" and inner:
                callee = name
            elif kind == "fn":
                function = name
                if file is None:
                    yield f"line {number}: {name} is a function without fl="
            elif not inner:
                file = name
        elif found := re.match(r"calls=(\S+) (\S+)$", line):
            if not re.fullmatch(r"[1-9]\d*", found[1]):
                yield f"line {number}: calls={found[1]}, expected 1 or more"
            is_call = True
            calls[callee] = calls.get(callee, 0) + 1
        elif re.match(r"[-+*\d]", line):
            numbers = line.split()[1:]
            if not all(re.fullmatch(r"\d+", value) and int(value) < 1 << 63 for value in numbers):
                yield f"line {number}: {line} has a cost that is not a whole number"
                continue
            numbers = [int(value) for value in numbers] + [0] * (events - len(numbers))
            place = callees.setdefault(callee, [0] * events) if is_call else own.setdefault(function, [0] * events)
            place[:] = [old + new for old, new in zip(place, numbers)]
            is_call = False
        elif line and line[0] != "#" and ":" not in line:
            yield f"line {number}: {line} is no line of callgrind"
    sums = [sum(column) for column in zip([0] * events, *own.values())]
    for key in ("summary", "totals"):
        if header[key].split() != list(map(str, sums)):
            yield f"{key}: {header[key]}, but own costs add up to {sums}"
    # Calls of a function that calls nothing cost not more than the function. Each call rounds times to microseconds.
    callers = set(re.findall(r"^fn=(?:\((\d+)\))?[^\n]*\n(?:(?!fn=)[^\n]*\n)*?calls=", text, re.M))
    marks = {name: mark for (kind, mark), name in names.items() if kind == "fn"}
    for name, numbers in callees.items():
        is_leaf = marks.get(name) not in callers and name in own
        if is_leaf and any(number > cost + calls[name] for number, cost in zip(numbers, own[name])):
            yield f"calls of {name} cost {numbers}, and its own costs are {own[name]}"


def collapsed(text):
    for number, line in enumerate(text.split("\n")[:-1], 1):
        if not re.fullmatch(r"\S.* [1-9]\d*", line):
            yield f"line {number}: {line[-200:]} does not end with a whole number"
    if not text.endswith("\n"):
        yield "the last line does not end"


def frames(profile):
    """All call frames of a profile of DevTools."""
    found, rest = [], [profile["head"]] if "head" in profile else list(profile["nodes"])
    while rest:
        node = rest.pop()
        found.append(node["callFrame"])
        if "head" in profile:
            rest.extend(node["children"])
    return found


def call_frames(profile):
    scripts, fields = {}, {"functionName": str, "scriptId": str, "url": str, "lineNumber": int, "columnNumber": int}
    for frame in frames(profile):
        for field, kind in fields.items():
            if type(frame.get(field)) is not kind:
                yield f"{field} of {frame.get('functionName')!r} is {frame.get(field)!r}"
        # DevTools joins frames by script and line, and does not compare files.
        if scripts.setdefault(frame["scriptId"], frame["url"]) != frame["url"]:
            yield f"scriptId {frame['scriptId']} is {scripts[frame['scriptId']]} and {frame['url']}"


def cpuprofile(profile):
    yield from call_frames(profile)
    known = {node["id"] for node in profile["nodes"]}
    if len(known) != len(profile["nodes"]):
        yield "an id is used twice"
    used = {child for node in profile["nodes"] for child in node.get("children", [])} | set(profile["samples"])
    for unknown in used - known:
        yield f"node {unknown} does not exist"
    if min(profile["timeDeltas"], default=0) < 0:
        yield "timeDeltas: time goes backwards"
    if profile["endTime"] - profile["startTime"] < sum(profile["timeDeltas"]):
        yield "timeDeltas: the last sample is after endTime"


def whole_numbers(name, values):
    for value in values:
        if type(value) is not int or value < 0:
            yield f"{name}: {value} is not a whole number"
            return


def heapsnapshot(document):
    snapshot = document["snapshot"]
    fields = snapshot["meta"]["node_fields"]
    nodes, edges, strings = document["nodes"], document["edges"], document["strings"]
    if list(document)[-1] != "strings":
        yield f"the last key is {list(document)[-1]}, and DevTools finds strings only there"
    for name in ("nodes", "edges", "trace_function_infos", "samples", "locations"):
        yield from whole_numbers(name, document[name])
    column = {field: nodes[at::len(fields)] for at, field in enumerate(fields)}
    if len(nodes) != snapshot["node_count"] * len(fields):
        yield f"node_count is {snapshot['node_count']}, but there are {len(nodes) / len(fields)} nodes"
    if not len(edges) == snapshot["edge_count"] * 3 == sum(column["edge_count"]) * 3:
        owned = sum(column["edge_count"])
        yield f"edge_count is {snapshot['edge_count']}, nodes have {owned}, and there are {len(edges) / 3}"
    if max(column["self_size"]) >= 1 << 32:
        yield "a node has 4 GiB or more, and readers keep only 32 bits"
    if column["self_size"][0] != 0:
        yield "the root has a size of its own"
    ids = column["id"]
    if any(number % 2 == 0 and size > 0 for number, size in zip(ids, column["self_size"])):
        yield "an id is even: DevTools would leave it out of the time line"
    if any(number >= following for number, following in zip(ids, ids[1:])):
        yield "ids do not increase"
    if max(column["name"]) >= len(strings):
        yield "a name is not in strings"
    root = strings[column["name"][0]]
    if "allocation sites" not in root and "held by" not in root:
        yield f"the root {root!r} does not say that edges are allocation sites"
    if len(document["trace_function_infos"]) != snapshot["trace_function_count"] * 6:
        yield "trace_function_count differs from trace_function_infos"
    if any(offset % len(fields) or offset >= len(nodes) for offset in edges[2::3]):
        yield "an edge does not lead to a node"
    times, last = document["samples"][::2], document["samples"][1::2]
    if times != sorted(times) or last != sorted(last) or times[:1] not in ([], [0]):
        yield f"samples: {document['samples'][:20]} do not ascend from 0"


def speedscope(document):
    for profile in document["profiles"]:
        if profile["type"] != "sampled":
            continue
        if len(profile["samples"]) != len(profile["weights"]):
            yield f"{len(profile['samples'])} samples have {len(profile['weights'])} weights"
        length = profile["endValue"] - profile["startValue"]
        if length != sum(profile["weights"]):
            yield f"from startValue to endValue: {length}, but weights add up to {sum(profile['weights'])}"
        yield from whole_numbers("weights", profile["weights"])


RULES = {"callgrind": callgrind, "collapsed": collapsed, "cpuprofile": cpuprofile, "heapprofile": call_frames,
         "heapsnapshot": heapsnapshot, "heaptimeline": heapsnapshot, "speedscope.json": speedscope}
