"""Cases of scripts/fleet in which instances are dead, frozen, foreign or hostile."""

import json
import os
import random
import signal
import threading
import time

from balancers import Balancer
from example_service import PASSWORD, Service, check
from strangers import ESCAPES, Stranger, answers, is_silent, sends, whole

# The deadline given to the command, and the extra seconds that it may take on a busy machine.
DEADLINE, LATE = 4, 2
# The most memory of the command: the part of an answer that it reads, and its own.
MOST_MIB = 256
NAMES = ["Vec<" + ESCAPES + ">", "a\r\nmemory-debug: forged", "x" * 10_000]


def ids(fleet):
    return sorted(member["instance"]["id"] for member in fleet["instances"])


def partial(name, command, healthy, ill, reasons, deadline=DEADLINE, user=None):
    """Checks that the command reports the healthy instances, and the ill one as missing with one of these reasons."""
    arguments = ["--deadline", deadline, "--json"]
    ended = command.run("fleet", *healthy, ill, *arguments)
    if ended.status not in (0, 4):
        return check(False, f"{name}: a partial report, exit status 4", ended)
    fleet = ended.json()
    missing = [(one["target"], one["reason"]) for one in fleet["missing"]]
    right = len(missing) == 1 and missing[0][0] == ill and missing[0][1] in reasons
    detail = fleet["missing"][0]["detail"] if missing else ""
    holds = ended.status == 4 and right and len(fleet["instances"]) == len(healthy) and not fleet["complete"]
    said = repr(detail[:110])
    check(holds, f"{name}: status 4, {len(healthy)} of {len(healthy) + 1}, {missing and missing[0][1]}: {said}",
          (missing, str(ended)))
    check(ended.seconds <= deadline + LATE and ended.mib <= MOST_MIB,
          f"        within {deadline} s: {ended.seconds:.2f} s, {ended.mib:.0f} MiB", ended)
    return ended


def hostile(command, services):
    healthy = services.urls()
    report = services.ask()[0]
    for name, (answer, reasons) in answers(report).items():
        with Stranger(answer) as stranger:
            partial(name, command, healthy, f"http://127.0.0.1:{stranger.port}", reasons)


def redirected(command, services):
    with Stranger(sends(whole("{}"))) as other:
        location = f"http://127.0.0.1:{other.port}/debug/memory"
        for status in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            with Stranger(sends(whole("", status, location=location))) as stranger:
                url = f"http://127.0.0.1:{stranger.port}"
                partial(f"a redirect ({status[:3]})", command, services.urls(), url, ["refused"])
                check("authorization" in "".join(stranger.asked).lower(),
                      "        the server that was asked got the login")
                for line in (["types", url], ["heap", url], ["doctor", url], ["fleet", "--http-sd", url]):
                    ended = command.run(*line)
                    check(ended.status == 1, f"        {line[0]}: status 1", ended)
        time.sleep(0.2)
        check(other.asked == [], "redirects: their target was never asked", other.asked)


def names(command, services):
    """A report that is valid, except that its names contain escape sequences."""
    report = services.ask()[0]
    types = report["types"]
    rows = [{**row, "type": name, "full_type": name} for row, name in zip(types["rows"], NAMES)]
    instance = report["instance"] | {"id": "00000000-0000-4000-8000-000000000001", "service": ESCAPES, "host": ESCAPES,
                                     "version": ESCAPES, "build_id": ESCAPES}
    unavailable = {f"x{ESCAPES}": ESCAPES}
    forged = report | {"instance": instance, "types": types | {"rows": rows, "notes": [ESCAPES]},
                       "unavailable": unavailable, "collected_at": ESCAPES}
    with Stranger(sends(whole(json.dumps(forged)))) as stranger:
        url = f"http://127.0.0.1:{stranger.port}"
        before = len(command.unsafe)
        for line in (["fleet", url], ["fleet", url, "--json"], ["fetch", url], ["fetch", url, "--json"],
                     ["types", url], ["types", url, "--json"], ["doctor", url], ["diff", url, "--seconds", "0.1"]):
            command.run(*line)
        check(len(command.unsafe) == before, "names with escape sequences are escaped", command.unsafe[before:])
        ended = command.run("fleet", *services.urls(), url)
        check(ended.status == 0 and "\\u{1b}" in ended.printed, "        and shown in escaped form", ended)
    raw = f"{ESCAPES}\nplain\n".encode()
    with Stranger(sends(whole(raw, kind="text/plain"))) as stranger:
        url = f"http://127.0.0.1:{stranger.port}"
        before = len(command.unsafe)
        ended = [command.run(*line, url) for line in (["fetch"], ["types"], ["heap"], ["flamegraph"])]
        ended += [command.run("fetch", url, "--json"), command.run("types", url, "--json")]
        check(len(command.unsafe) == before, "a page of escape sequences is escaped", command.unsafe[before:])
        check("plain\n" in ended[0].printed, "        line feeds are kept", ended[0])
    for answer in (sends(whole(raw, "500 Internal Server Error")), sends(b"HTTP/1.1 " + raw), sends(raw)):
        with Stranger(answer) as stranger:
            url, before = f"http://127.0.0.1:{stranger.port}", len(command.unsafe)
            statuses = [command.run(name, url).status for name in ("fetch", "types", "heap", "doctor", "fleet")]
            check(statuses == [1] * 5 and len(command.unsafe) == before, "an error of escape sequences is escaped",
                  (statuses, command.unsafe[before:]))


def wrong_password(command, services):
    program = services.all[0].process.args[0]
    with Service(program, "--small", MEMORY_DEBUG_PASSWORD="other-otters-sip-hot-coffee") as other:
        partial("another password", command, services.urls(), f"http://127.0.0.1:{other.port}", ["unauthorized"])


def no_instance(command, services):
    with Stranger(is_silent) as silent, Stranger(sends(whole("<html>"))) as page:
        urls = [f"http://127.0.0.1:{port}" for port in (silent.port, page.port, 1)]
        ended = command.run("fleet", *urls, "--deadline", 1)
        check(ended.status == 1 and "no instance answered" in ended.errors and ended.printed == "",
              "no instance answers: status 1", ended)
        check(ended.seconds <= 1 + LATE, f"        within 1 s: {ended.seconds:.2f} s", ended)
        path = os.path.join(command.folder, "no-instance.json")
        ended = command.run("fleet", *urls, "--deadline", 1, "-o", path)
        check(ended.status == 1 and not os.path.exists(path), "        no file is saved", ended)
        # Many silent instances and few parallel requests: the deadline applies to all instances together.
        many = [f"http://127.0.0.1:{silent.port}/{number}" for number in range(200)]
        ended = command.run("fleet", *services.urls(), *many, "--deadline", DEADLINE, "--parallel", 4, "--json")
        fleet = ended.json()
        reasons = {one["reason"] for one in fleet["missing"]}
        check(ended.status == 4 and reasons == {"deadline"} and len(fleet["missing"]) == len(many),
              "200 silent instances, 4 at a time: each is reported", (reasons, len(fleet["missing"])))
        check(ended.seconds <= DEADLINE + LATE, f"        within {DEADLINE} s: {ended.seconds:.2f} s", ended)


def leftovers(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def interrupted(command, services):
    out = os.path.join(command.folder, "interrupted")
    os.mkdir(out)
    with Stranger(is_silent) as silent:
        url = f"http://127.0.0.1:{silent.port}"
        lines = (["fleet", *services.urls(), url, "-o", f"{out}/x"], ["heap", url, "-o", f"{out}/x"],
                 ["diff", services.urls()[0]], ["types", url])
        for line in lines:
            for how in (signal.SIGINT, signal.SIGTERM):
                started = command.start(*line)
                time.sleep(0.5)
                os.kill(started[0].pid, how)
                ended = command.end(*started)
                check(ended.status == 130 and os.listdir(out) == [], f"{line[0]}: {how.name} in the middle: status 130, no file",
                      (os.listdir(out), ended))
    _, page = services.all[0].ask("/snapshots?format=json")
    left = page.get("snapshots")
    check(left == [], "diff: an interrupted command leaves no snapshot", left)
    # Interrupts at random moments, also while the command writes.
    lengths, chance = set(), random.Random(1)
    command.run("fleet", *services.urls(), "-o", f"{out}/x")
    usual = command.run("fleet", *services.urls(), "-o", f"{out}/x").seconds
    for _ in range(40):
        started = command.start("fleet", *services.urls(), "-o", f"{out}/x")
        time.sleep(chance.uniform(0.5, 1.1) * usual)
        os.kill(started[0].pid, signal.SIGINT)
        command.end(*started)
        with open(f"{out}/x") as file:
            text = file.read()
        lengths.add(text.endswith("}") and not leftovers(out))
    check(lengths == {True}, f"fleet -o: interrupted 40 times around {usual:.2f} s, the file stays whole, no other file is "
          "left", (os.listdir(out), lengths))


def argv(command, services):
    """Reads the command lines of all processes, which every user may read, while the command waits for an answer."""
    seen = []
    with Stranger(is_silent) as silent:
        started = command.start("fleet", f"http://127.0.0.1:{silent.port}", login=False, MEMORY_DEBUG_PASSWORD=PASSWORD)
        for _ in range(50):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        line = file.read()
                except OSError:
                    continue
                if PASSWORD.encode() in line:
                    seen.append((pid, line))
            if silent.asked:
                break
            time.sleep(0.05)
        os.kill(started[0].pid, signal.SIGINT)
        command.end(*started)
        check(silent.asked and not seen, "the password is in no command line", seen)


def frozen(command, services):
    """SIGSTOP: the kernel accepts the connection, but the process does not answer."""
    ill = services.all[-1]
    ill.process.send_signal(signal.SIGSTOP)
    try:
        partial("a frozen instance (SIGSTOP)", command, services.urls()[:-1], services.urls()[-1], ["deadline"])
    finally:
        ill.process.send_signal(signal.SIGCONT)
    ended = command.run("fleet", *services.urls(), "--json")
    check(ended.status == 0 and len(ended.json()["instances"]) == len(services.all),
          "        after SIGCONT the report is complete", ended)


def stopped_meanwhile(command, services):
    """SIGSTOP shortly after the connection: the answer stops in the middle, or does not begin."""
    ill, statuses = services.all[-1], []
    for delay in (0.01, 0.03, 0.06, 0.1):
        stop = threading.Timer(delay, ill.process.send_signal, [signal.SIGSTOP])
        stop.start()
        ended = command.run("fleet", *services.urls(), "--deadline", DEADLINE, "--json")
        stop.join()
        ill.process.send_signal(signal.SIGCONT)
        fleet = ended.json()
        statuses.append((ended.status, len(fleet["instances"]), round(ended.seconds, 1)))
    whole_or_partial = all((status, number) in ((0, 4), (4, 3)) for status, number, _ in statuses)
    check(whole_or_partial and all(seconds <= DEADLINE + LATE for *_, seconds in statuses),
          f"frozen while being asked: {statuses}", statuses)


def behind(program, command, services, url):
    """An instance behind a balancer is frozen: the command reports the others, and keeps the deadline."""
    ill = services.all[-1]
    ill.process.send_signal(signal.SIGSTOP)
    try:
        ended = command.run("fleet", "--through", url, "--deadline", 10, "--timeout", 2, "--json")
    finally:
        ill.process.send_signal(signal.SIGCONT)
    fleet = ended.json() if ended.status in (0, 4) else {"instances": [], "missing": []}
    reasons = {one["reason"] for one in fleet["missing"]}
    check(ended.status == 4 and len(fleet["instances"]) == 3 and reasons == {"deadline"},
          f"--through {program}, one frozen: status 4, the other 3 instances, {reasons}", ended)
    check(ended.seconds <= 10 + LATE, f"        within 10 s: {ended.seconds:.2f} s", ended)
    # Reads the answers to the earlier requests, which may still arrive.
    services.ask()


def dead(command, services):
    """Kills an instance with SIGKILL, and asks for it directly and through the balancers. It stays dead."""
    ports = [service.port for service in services.all]
    services.all[-1].end()
    partial("a dead instance (kill -9)", command, services.urls()[:-1], services.urls()[-1], ["unreachable"])
    for program, status, reasons in (("nginx", 0, set()), ("haproxy", 4, {"refused"})):
        # Each time another instance has the first turn.
        for first in range(len(ports)):
            with Balancer(program, ports[first:] + ports[:first]) as balancer:
                ended = command.run("fleet", "--through", f"http://127.0.0.1:{balancer.port}", "--json")
                fleet = ended.json() if ended.status in (0, 4) else {"instances": [], "missing": [], "estimate": None}
                seen = {one["reason"] for one in fleet["missing"]}
                check(ended.status == status and len(fleet["instances"]) == 3 and seen == reasons,
                      f"--through {program}, one dead, order {first + 1}: status {ended.status}, 3 instances, {seen}",
                      ended)


CASES = [hostile, redirected, names, wrong_password, no_instance, argv, interrupted, frozen, stopped_meanwhile, dead]
