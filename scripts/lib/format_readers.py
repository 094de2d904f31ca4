"""Opens files with the programs of others that must read them, and returns the numbers that those programs show.

The programs are test equipment: `prepare` installs them into `target/formats`, in the versions that the folder
`readers` and this file state.
"""

import contextlib
import dataclasses
import io
import json
import os
import re
import shutil
import subprocess
import sys

import format_rules
from example_service import ROOT, install
from format_rules import outermost
from format_tables import Column, Seen, differences, more

SOURCES = os.path.join(ROOT, "scripts", "lib", "readers")
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
FOLDER = os.path.join(os.path.realpath(TARGET), "formats")
DEVTOOLS = os.path.join(FOLDER, "node_modules", "chrome-devtools-frontend", "front_end")
GPROF2DOT = "gprof2dot==2025.4.14"
PACKAGES = {"callgrind_annotate": "valgrind", "go": "golang-go", "node": "nodejs", "npm": "npm"}
WHOLE = ["-nodefraction=0", "-edgefraction=0", "-nodecount=1000000", "-symbolize=none"]


class Unread(Exception):
    """A reader refused a file, or complained about it."""


def prepare():
    """Installs what is missing."""
    install(PACKAGES)
    shutil.copytree(SOURCES, FOLDER, dirs_exist_ok=True)
    if is_older(os.path.join(FOLDER, "node_modules", ".installed"), os.path.join(SOURCES, "package-lock.json")):
        # memlab would fetch a whole browser with its install script.
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        open(os.path.join(FOLDER, "node_modules", ".installed"), "w").close()
    run("node", "build.mjs")
    if not os.path.exists(os.path.join(FOLDER, GPROF2DOT, "gprof2dot.py")):
        options = "--quiet", "--root-user-action=ignore", "--target", GPROF2DOT
        run(sys.executable, "-m", "pip", "install", *options, GPROF2DOT)
    sys.path.append(os.path.join(FOLDER, GPROF2DOT))


def is_older(file, other):
    return not os.path.exists(file) or os.path.getmtime(file) < os.path.getmtime(other)


def run(*command, clean=True, **options):
    """What a program printed. It must succeed, and must print no complaint if `clean`."""
    ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=300, **options)
    if ended.returncode != 0:
        raise Unread(f"exit status {ended.returncode}: {(ended.stderr or ended.stdout).strip()[-500:]}")
    if clean and ended.stderr.strip():
        raise Unread(f"stderr: {ended.stderr.strip()[:500]}")
    return ended.stdout


def node(*command):
    seen = json.loads(run("node", "--stack-size=6000", "--max-old-space-size=4096", *command))
    if "error" in seen:
        raise Unread(f"error: {seen['error']}")
    if seen.get("warnings"):
        raise Unread(f"warnings: {seen['warnings'][:5]}")
    return seen


def callgrind_annotate(path):
    options = "--auto=no", "--threshold=100"
    # Callers and callees of each function: only this reads all lines of the file.
    run("callgrind_annotate", "--inclusive=yes", "--tree=both", *options, path)
    events, totals, rows = annotated(run("callgrind_annotate", "--show-percs=no", *options, path))
    columns = [Column(name, total, {}, {}) for name, total in zip(events, totals)]
    for function, numbers in rows:
        name = outermost(function)
        for column, number in zip(columns, numbers):
            column.own[name] = column.own.get(name, 0) + number
    _, _, rows = annotated(run("callgrind_annotate", "--show-percs=no", "--inclusive=yes", *options, path))
    for function, numbers in rows:
        for column, number in zip(columns, numbers):
            # Functions of one name in several files can be inside each other, so they do not add up.
            if function == outermost(function):
                column.inclusive[function] = max(column.inclusive.get(function, 0), number)
    return Seen(columns)


def annotated(printed):
    """The events, totals, and rows of functions that callgrind_annotate printed."""
    events = re.search(r"^Events shown: +(.*)$", printed, re.M)[1].split()
    rows, totals = [], None
    for numbers, name in re.findall(r"^ *((?:(?:[\d,]+|\.) +){%d})(\S.*)$" % len(events), printed, re.M):
        numbers = [0 if number == "." else int(number.replace(",", "")) for number in numbers.split()]
        if name.startswith("PROGRAM TOTALS"):
            totals = numbers
        else:
            rows.append((name.partition(":")[2], numbers))
    if totals is None:
        raise Unread("callgrind_annotate printed no totals")
    return events, totals, rows


def gprof2dot(path):
    import gprof2dot as program

    said = io.StringIO()
    with open(path, encoding="utf-8") as file, contextlib.redirect_stderr(said):
        try:
            profile = program.CallgrindParser(file).parse()
        except Exception as error:
            raise Unread(f"error: {error!r}") from error
    if said.getvalue():
        raise Unread(f"stderr: {said.getvalue()[:500]}")
    own = {}
    for function in profile.functions.values():
        name = outermost(function.name)
        own[name] = own.get(name, 0) + function[program.SAMPLES]
    return Seen([Column("first event", profile[program.SAMPLES], own)], is_single=True)


def speedscope(path):
    seen = node("speedscope.mjs", path)
    columns = []
    for profile in seen["profiles"]:
        own = {}
        for name, number in profile["own"].items():
            own[outermost(name)] = own.get(outermost(name), 0) + number
        columns.append(Column(f"{profile['name']} in {profile['unit']}", profile["total"], own))
    return Seen(columns)


def of_callgrind(path):
    """speedscope guesses ways of calls from functions without callers. It leaves out small ways and circles."""
    return dataclasses.replace(speedscope(path), left_out=1e-4)


def of_pprof(path):
    """speedscope shows the default type of samples."""
    return dataclasses.replace(speedscope(path), is_single=True)


def schema(path):
    errors = node("schema.mjs", path)["errors"]
    if errors:
        raise Unread(f"schema: {errors}")
    return Seen([])


def pprof(path):
    def tool(*arguments, **options):
        # It keeps settings and copies of profiles there.
        environment = os.environ | {"PPROF_TMPDIR": FOLDER, "HOME": FOLDER}
        return run("go", "tool", "pprof", *arguments, path, env=environment, **options)

    raw = tool("-raw", "-symbolize=none")
    types = re.search(r"^Samples:\n(.*)$", raw, re.M)[1].split()
    columns = []
    for kind in types:
        name, unit = kind.split("[")[0].split("/")
        # In another unit than the file's it would print rounded numbers.
        printed = tool("-top", f"-sample_index={name}", f"-unit={unit}", *WHOLE, clean=False)
        # Its "total" adds numbers without their signs.
        total = re.search(r"accounting for (-?[\d.]+)\S*, ", printed)
        if total is None:
            raise Unread(f"pprof printed no total: {printed[:300]}")
        column = Column(kind, float(total[1]), {}, {})
        rows = r"^ *(-?[\d.]+)\S* +\S+% +\S+% +(-?[\d.]+)\S* +\S+%  (.*?)(?: \(inline\))?$"
        for own, inclusive, function in re.findall(rows, printed, re.M):
            column.own[function] = column.own.get(function, 0) + float(own)
            column.inclusive[function] = max(column.inclusive.get(function, 0), float(inclusive))
        columns.append(column)
    return Seen(columns)


def cpuprofile(path):
    seen = node("devtools.cjs", path)
    if None in seen["lengths"] or seen["lengths"][0] != seen["lengths"][1]:
        raise Unread(f"samples: {seen['lengths'][0]}, time deltas: {seen['lengths'][1]}")
    column = functions(seen, "microseconds", 1000)
    chart = {name: milliseconds * 1000 for name, milliseconds in seen["charted"].items() if milliseconds}
    return Seen([column], more={"chart": chart})


def heapprofile(path):
    seen = node("devtools.cjs", path)
    return Seen([functions(seen, "bytes", 1)], more={"samples": seen["samples"]})


def functions(seen, unit, factor):
    # JSON has no other word for what is not a number.
    if seen["total"] is None:
        raise Unread(f"{unit}: the total is not a number")
    own, inclusive = ({name: numbers[field] * factor for name, numbers in seen["functions"].items()}
                      for field in ("own", "inclusive"))
    return Column(unit, seen["total"] * factor, own, inclusive)


def heapsnapshot(path):
    seen = node("devtools.cjs", path)
    live = {name: numbers["bytes"] for name, numbers in seen["live"].items()}
    more = {"live": live, "all live": sum(live.values()), "bars": seen["bars"], "nodes": seen["nodes"]}
    return Seen([classes(seen)], more=more)


def classes(seen):
    if seen["retained"] != seen["total"]:
        raise Unread(f"the root retains {seen['retained']} of {seen['total']} bytes")
    own = {name: numbers["bytes"] for name, numbers in seen["classes"].items() if numbers["bytes"]}
    return Column("bytes", seen["total"], own)


def memlab(path):
    # A file that it cannot read ends the process with a page of help.
    printed = run("node", "--max-old-space-size=4096", "memlab.mjs", path, clean=False)
    seen = json.loads(printed.strip().split("\n")[-1])
    if seen["dominated"] != seen["retained"]:
        raise Unread(f"the root dominates {seen['dominated']} of {seen['retained']} bytes")
    # It does not follow some edges of V8, so it reaches not all nodes of a file of Node.js.
    return Seen([classes(seen)], more={"nodes": seen["nodes"], "unreachable nodes": seen["unreachable"]})


def comparison(path, base):
    """Bytes by which each class grew from one heap snapshot to another, as DevTools shows it."""
    seen = node("devtools.cjs", path, base)
    return {name: numbers["bytes"] for name, numbers in seen["change"].items() if numbers["bytes"]}


def panels():
    """For each panel of DevTools, the ends of the names of files that it opens."""
    found = {}
    for view in ("HeapSnapshotView", "HeapProfileView"):
        with open(os.path.join(DEVTOOLS, "panels", "profiler", f"{view}.ts"), encoding="utf-8") as file:
            views = re.findall(r"^export class (\w+ProfileType\w*) (.*?)^}", file.read(), re.M | re.S)
        for name, body in views:
            if ending := re.search(r"fileExtension\(\): string \{\s*return '(.*?)'", body):
                found[name] = [ending[1]]
    with open(os.path.join(DEVTOOLS, "panels", "timeline", "TimelinePanel.ts"), encoding="utf-8") as file:
        found["TimelinePanel"] = re.search(r"createFileSelectorElement\(.*'(.*)'\)", file.read())[1].split(",")
    return found


READERS = {
    "callgrind": {"callgrind_annotate": callgrind_annotate, "gprof2dot": gprof2dot, "speedscope": of_callgrind},
    "collapsed": {"speedscope": speedscope},
    "cpuprofile": {"DevTools": cpuprofile, "speedscope": speedscope},
    "heapprofile": {"DevTools": heapprofile, "speedscope": speedscope},
    "heapsnapshot": {"DevTools": heapsnapshot, "memlab": memlab},
    "heaptimeline": {"DevTools": heapsnapshot, "memlab": memlab},
    "pb.gz": {"pprof": pprof, "speedscope": of_pprof},
    "speedscope.json": {"schema": schema, "speedscope": speedscope},
}


def problems(ending, reader, path, table):
    """What is wrong with a file: what the reader says, and how its numbers differ from the table."""
    if reader == "rules":
        return format_rules.broken(ending, path)
    try:
        seen = READERS[ending][reader](path)
    except Unread as error:
        return [str(error)]
    return [*differences(seen, table), *more(seen, table)]
