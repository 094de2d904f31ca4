"""Cases of scripts/fleet in which the input of the command is wrong or hostile."""

import json
import os

from example_service import PASSWORD, USER, check
from strangers import ESCAPES, Stranger, sends, whole

MOST_TARGETS = 10_000
# An address that no machine has (RFC 5737), so even a failed check sends nothing to anyone.
ELSEWHERE = "192.0.2.1:8080"


def usage(command, services):
    url = services.urls()[0]
    for line in ([], ["fleet"], ["fleet", "--nonsense"], ["nonsense"], ["fleet", "ftp://host"],
                 ["fleet", url, "--top", "x"], ["fleet", url, "--deadline", "0"], ["fleet", url, "--parallel", "0"], ["fleet", "file:///etc/passwd"],
                 ["fleet", "--through", url, url], ["types"], ["types", url, url], ["doctor", url, "--fail-on", "x"],
                 ["fleet", f"http://{USER}:{PASSWORD}@127.0.0.1:1"], ["fleet", url, "--user", f"{USER}:{PASSWORD}"],
                 ["fleet", "--http-sd", "file:///etc/passwd"],
                 ["fleet", "--http-sd", f"http://{USER}:{PASSWORD}@localhost:1"],
                 ["types", "http://127.0.0.1:1/?a=b"]):
        ended = command.run(*line)
        shown = " ".join(line).replace(PASSWORD, "...").replace(url, "URL")
        check(ended.status == 2 and ended.printed == "", f"wrong usage: status 2: {shown}", ended)
    ended = command.run("types", url, login=False)
    check(ended.status == 2 and "no password" in ended.errors, "no password and no terminal to ask for it: status 2",
          ended)


def logins(command, services):
    url = services.urls()[0]
    ok = lambda *arguments, **options: command.run("fleet", url, *arguments, login=False, **options)
    text = f"machine 127.0.0.1 login {USER} password {PASSWORD}\n"
    private, public = command.file("netrc", text), command.file("netrc-public", text, 0o644)
    ended = ok("--netrc-file", private)
    check(ended.status == 0, "--netrc-file: its login is used", ended)
    ended = ok("--netrc-file", public)
    # As in curl, the owner decides who can read a netrc file, because other programs share it.
    check(ended.status == 0, "a netrc file that all users can read is used, as curl does", ended)
    ended = ok(NETRC=public)
    check(ended.status == 0, "        also if NETRC names it", ended)
    ended = ok("--netrc-file", command.file("netrc-broken", f"machine 127.0.0.1 {PASSWORD} x y z\n"))
    check(ended.status != 0, "a broken netrc file is refused, and the error does not show it", ended)
    ended = ok("--password-file", command.password_file)
    check(ended.status == 0, "--password-file: its password is used", ended)
    ended = ok("--password-file", command.file("password-public", PASSWORD, 0o644))
    check(ended.status != 0 and "chmod 600" in ended.errors, "a password file that all users can read is refused",
          ended)
    for name, path in (("missing", "/nowhere/password"), ("endless", "/dev/zero"), ("a folder", command.folder)):
        ended = ok("--password-file", path)
        check(ended.status in (1, 2) and ended.seconds < 5, f"a password file that is {name} is refused", ended)
    ended = ok(MEMORY_DEBUG_PASSWORD=PASSWORD)
    check(ended.status == 0, "MEMORY_DEBUG_PASSWORD", ended)
    ended = ok(MEMORY_DEBUG_PASSWORD="a\r\nx-injected: y")
    check(ended.status == 2, "a password with a line feed is refused", ended)


def plain_http(command, services):
    """Plain HTTP to another machine is refused before a connection is made, so the command ends at once."""
    for line in (["fleet", ELSEWHERE], ["types", ELSEWHERE], ["heap", ELSEWHERE, "-o", "/dev/null"],
                 ["doctor", ELSEWHERE], ["fleet", "http://[2001:db8::1]"], ["fleet", "--through", ELSEWHERE], ["diff", ELSEWHERE]):
        ended = command.run(*line, "--timeout", 20) if line[0] != "fleet" else command.run(*line, "--deadline", 20)
        check(ended.status == 1 and "plain HTTP" in ended.errors and ended.seconds < 5,
              f"plain HTTP to another machine is refused: {' '.join(line)}", ended)
    url = services.urls()[0]
    ended = command.run("fleet", url, ELSEWHERE, "--json")
    fleet = ended.json()
    reasons = [one["reason"] for one in fleet["missing"]]
    check(ended.status == 4 and reasons == ["tls"], "        among others it is reported as missing", ended)
    with Stranger(sends(whole(json.dumps([{"targets": [ELSEWHERE], "labels": {"__scheme__": "http"}}])))) as lister:
        ended = command.run("fleet", url, "--http-sd", f"http://127.0.0.1:{lister.port}", "--scheme", "https", "--json")
        check(ended.status == 4 and ended.json()["missing"][0]["reason"] == "tls",
              "        a list of instances cannot allow it", ended)


def lists(command, services):
    url = services.urls()[0]
    bad = [f"http://{USER}:{PASSWORD}@127.0.0.1:1", f"{USER}:{PASSWORD}@127.0.0.1:1", "file:///etc/passwd",
           f"a b{ESCAPES}",
           f"http://x{ESCAPES}/", "http://127.0.0.1:1/?query", "unix:///run/x", "http://", "http://127.0.0.1:99999",
           "javascript:alert(1)", "//127.0.0.1:1", "http://127.0.0.1:1/" + "x" * 100_000]
    groups = json.dumps([{"targets": [url, *bad, "a\nb", "a\0b"]}])
    for kind, text in (("lines", "\n".join([url, *bad])), ("JSON", groups)):
        path = command.file("bad", text)
        ended = command.run("fleet", "--targets-file", path, "--json")
        check(ended.status == 4 and len(ended.json()["instances"]) == 1 and len(ended.json()["missing"]) >= len(bad),
              f"targets as {kind}: invalid targets are reported, and valid targets are asked", ended)
        command.run("fleet", "--targets-file", path)
        command.run("heap", "--targets-file", path, "-o", os.path.join(command.folder, "bad.pb.gz"))
    for name, text in (("with YAML", "- targets: ['a:1']\n"), ("without a list", '{"targets": 1}'),
                       ("that is not text", "\xff"), ("with deep nesting", "[" * 100_000),
                       ("with escape sequences", f'[{{"targets": "{ESCAPES}"}}]')):
        path = command.file("none", text)
        if name == "that is not text":
            with open(path, "wb") as file:
                file.write(b"\xff\xfe\x00")
        ended = command.run("fleet", "--targets-file", path)
        check(ended.status == 1 and "--targets-file" in ended.errors, f"a file of targets {name}: status 1", ended)
    for path in ("/dev/zero", "/nowhere", command.folder):
        ended = command.run("fleet", "--targets-file", path)
        check(ended.status == 1 and ended.seconds < 5 and ended.mib < 100, f"--targets-file {path[:9]}: status 1",
              ended)
    with Stranger(sends(whole("[" * (8 << 20)))) as lister:
        ended = command.run("fleet", url, "--http-sd", f"http://127.0.0.1:{lister.port}", "--json")
        check(ended.status == 4 and ended.json()["missing"][0]["reason"] == "too-long",
              "a list that is too long is refused", ended)
    with Stranger(sends(whole(json.dumps([{"targets": [f"x{ESCAPES}"], "labels": {"a": ESCAPES}}])))) as lister:
        ended = command.run("fleet", url, "--http-sd", f"http://127.0.0.1:{lister.port}")
        check(ended.status == 4 and "\\u{1b}" in ended.printed, "a list of escape sequences is escaped", ended)


def too_many(command, services):
    """More targets than are allowed. Port 1 has no listener, so each target fails at once."""
    url = services.urls()[0]
    for number in (MOST_TARGETS - 1, MOST_TARGETS, MOST_TARGETS + 1):
        lines = [f"127.0.0.1:1/{index}" for index in range(number - 1)]
        path = command.file("many", "\n".join([url, *lines]))
        ended = command.run("fleet", "--targets-file", path, "--json", "--deadline", 60)
        missing = ended.json()["missing"] if ended.status == 4 else []
        more = [one for one in missing if one["reason"] == "too-many"]
        check(len(more) == max(number - MOST_TARGETS, 0) and len(missing) == min(number, MOST_TARGETS) - 1 + len(more),
              f"{number} targets: {len(missing)} missing in {ended.seconds:.1f} s, {more and more[0]['detail']!r}",
              str(ended)[:500])
    # About as many targets as fit into the longest list that the command reads.
    path = command.file("many", "\n".join(f"127.0.0.1:1/{index}" for index in range(200_000)))
    ended = command.run("fleet", "--targets-file", path, "--json", "--deadline", 20)
    check(ended.status == 1 and ended.seconds < 25, f"200,000 targets: refused after {ended.seconds:.1f} s",
          str(ended)[:500])


CASES = [usage, logins, plain_http, lists, too_many]
