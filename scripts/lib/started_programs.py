"""Cases of scripts/stripped in which programs are started as distributions and containers start them.

Checks the names on the page, or the reasons for missing names. Needs root for namespaces and for files below
/usr/lib.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile

import example_service
from example_service import Service, check

UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
DEBUG_FOLDER = "/usr/lib/debug"
SMALL = "--small"
# Samples every allocation, so that the first page has all stacks.
EXACT = {"_RJEM_MALLOC_CONF": "lg_prof_sample:0"}


def build_id(path):
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    return re.search(r"Build ID: ([0-9a-f]+)", notes)[1]


def run(*command):
    subprocess.run(command, check=True)


def linker(program):
    headers = subprocess.run(["readelf", "-l", program], capture_output=True, text=True, check=True).stdout
    return re.search(r"interpreter: ([^\]]+)\]", headers)[1]


def debug_path(id):
    return f"{DEBUG_FOLDER}/.build-id/{id[:2]}/{id[2:]}.debug"


def strip(source, target):
    run("strip", "--strip-all", "-o", target, source)


@contextlib.contextmanager
def folders(*paths):
    """Creates folders for the block, and afterwards removes those that did not exist before."""
    made = []
    try:
        for path in paths:
            top = path
            while not os.path.exists(os.path.dirname(top)):
                top = os.path.dirname(top)
            if not os.path.exists(path):
                made.append(top)
            os.makedirs(path, exist_ok=True)
        yield
    finally:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def installed(source, target):
    with folders(os.path.dirname(target)):
        shutil.copy(source, target)
        try:
            yield
        finally:
            os.remove(target)


def answers(*command, **environment):
    """Starts the service with a command. Returns its table, its text page and the doctor's page."""
    with Service(*command, SMALL, **EXACT, **environment) as service:
        if service.port is None:
            raise OSError(f"{command} did not start")
        report = service.ask("/types?format=json&top=1000")[1]
        page = service.send("GET", "?format=text")[1].decode()
        doctor = service.send("GET", "/doctor")[1].decode()
    return report, page, doctor


def has_names(what, program, report):
    """Checks that the report has names and types, and the build-id of the program."""
    types = report.get("types") or {}
    seen = [types.get("symbols"), types.get("symbol_gaps"), types.get("unattributed_bytes"), report.get("unavailable")]
    of_program = [gap for gap in types.get("symbol_gaps") or [] if gap["is_program"]]
    share = types.get("unattributed_bytes", 1) / max(types.get("total_bytes") or 1, 1)
    check(types.get("symbols") == "inlined" and not of_program and share < 0.05, f"{what}: names and types", seen)
    check(report["instance"]["build_id"] == build_id(program), f"{what}: the build-id of the program",
          report["instance"]["build_id"])


def gives_reason(what, answers, *words, lacks="is stripped"):
    """Checks that JSON, page and doctor give the same first reason for missing names, with these words."""
    report, page, doctor = answers
    gaps = (report.get("types") or {}).get("symbol_gaps") or []
    reason = gaps[0]["reason"] + ": " + gaps[0]["advice"] if gaps else ""
    check(all(word in reason for word in words) and lacks not in reason, f"{what}: the reason: {reason}",
          report.get("unavailable"))
    check(bool(gaps) and f"note: {gaps[0]['reason']}" in page, f"{what}: the page gives the reason", page)
    check(bool(gaps) and gaps[0]["reason"] in doctor, f"{what}: the doctor gives the reason", doctor)


def unavailable(what, answers, *words):
    """Checks that types are unavailable, that the reason has these words, and that no other reason is vague."""
    report, page, _ = answers
    reasons = report.get("unavailable") or {}
    reason = reasons.get("types", "")
    check(all(word in reason for word in words), f"{what}: {reason}", report)
    check(all(word in page for word in words), f"{what}: the page gives the reason", page)
    vague = [text for text in reasons.values() if "side effects" in text or text.endswith("entity not found")]
    check(not vague, f"{what}: no other reason is vague", vague)
    check(report["instance"]["build_id"] is not None, f"{what}: the build-id is known nevertheless")


def places(whole, folder):
    """Programs in unusual places, and with unusual names."""
    id = build_id(whole)
    has_names("through the dynamic linker", whole, answers(linker(whole), whole)[0])
    odd = os.fsencode(folder) + b"/caf\xe9 \n(deleted)/svc (deleted)"
    os.makedirs(os.path.dirname(odd))
    shutil.copy(whole, odd)
    has_names("a path that is not UTF-8", whole, answers(odd)[0])
    has_names("a path that is not UTF-8, through the dynamic linker", whole, answers(linker(whole), odd)[0])
    stripped, debug = f"{folder}/stripped", f"{folder}/debug"
    strip(whole, stripped)
    run("objcopy", "--only-keep-debug", whole, debug)
    own = "/usr/lib/memory-debug-test/svc"
    with installed(stripped, own):
        gives_reason("below /usr/lib, stripped", answers(own), "the binary is stripped", lacks="could not")
        with installed(debug, debug_path(id)):
            has_names("below /usr/lib, with its debug file", whole, answers(own)[0])
            has_names("below /usr/lib, with its debug file, through the dynamic linker", whole,
                         answers(linker(whole), own)[0])
        with installed(stripped, debug_path(id)):
            gives_reason("a debug file without debug information", answers(own), "stripped, and its debug file",
                         "has no debug", lacks="\0")
        with installed(debug, debug_path(id)):
            os.chmod(debug_path(id), 0o600)
            gives_reason("an unreadable debug file", answers(*UNPRIVILEGED, own), "stripped, and its debug file",
                 "ermission denied", lacks="\0")


def readers(whole, folder):
    """Programs that a process without privileges cannot read."""
    os.chmod(folder, 0o755)
    program = f"{folder}/execute-only"
    shutil.copy(whole, program)
    os.chmod(program, 0o711)
    gives_reason("an unreadable program", answers(*UNPRIVILEGED, program), "could not be read: ", "ermission denied",
         "let the service's user read")
    os.chmod(program, 0o755)
    # When the service answers, the linker has read the program. Then the file is replaced.
    with Service(*UNPRIVILEGED, linker(whole), program, SMALL, **EXACT) as service:
        os.remove(program)
        shutil.copy("/bin/true", program)
        pages = (service.ask("/types?format=json&top=1000")[1], service.send("GET", "?format=text")[1].decode(),
                 service.send("GET", "/doctor")[1].decode())
    gives_reason("a program that was replaced after the linker read it", pages,
                 "was deleted or replaced since it was loaded")


def supplementary(whole, symbolize, folder):
    """Debug files whose common part `dwz` has moved to a third file."""
    id = build_id(whole)
    stripped, debugs = f"{folder}/dwz-stripped", [f"{folder}/dwz-1.debug", f"{folder}/dwz-2.debug"]
    strip(whole, stripped)
    for name, common in [("absolute", f"{DEBUG_FOLDER}/.dwz/x86_64-linux-gnu/memory-debug-test.debug"),
                         ("relative", "../../.dwz/memory-debug-test.debug")]:
        for source, target in zip((whole, symbolize), debugs):
            run("objcopy", "--only-keep-debug", "--decompress-debug-sections", source, target)
        before = os.path.getsize(debugs[0])
        run("dwz", "--low-mem-die-limit", "none", "--max-die-limit", "none", "-m", f"{folder}/common.debug", "-M", common, *debugs)
        after = os.path.getsize(debugs[0])
        shared = os.path.getsize(f"{folder}/common.debug")
        print(f"        debug file {before} bytes; after dwz {after}, and {shared} in the shared file")
        place = os.path.normpath(os.path.join(os.path.dirname(debug_path(id)), common))
        with installed(debugs[0], debug_path(id)):
            with installed(f"{folder}/common.debug", place):
                has_names(f"dwz, {name}", whole, answers(stripped)[0])
            carried(stripped, symbolize, debugs[0], f"{folder}/common.debug", folder)
            by_id = debug_path(build_id(f"{folder}/common.debug"))
            with installed(f"{folder}/common.debug", by_id):
                has_names(f"dwz, {name}, by build-id", whole, answers(stripped)[0])
            gives_reason(f"dwz, {name}, without the shared file", answers(stripped), "supplementary file of `dwz`",
                 "memory-debug-test.debug", build_id(f"{folder}/common.debug"), "install the package", by_id)
            with installed(debugs[1], place):
                gives_reason(f"dwz, {name}, with another file in its place", answers(stripped),
                             "supplementary file of `dwz`")


def carried(stripped, symbolize, debug, common, folder):
    """Checks that `memory-debug symbolize` finds the shared file of dwz, or names it if it is missing."""
    profile = f"{folder}/nameless"
    with Service(stripped, SMALL, **EXACT) as service, open(profile, "wb") as file:
        file.write(service.send("GET", "/heap?symbols=none")[1])
    arguments = [symbolize, "symbolize", profile, "--text", "--debug-file", debug, stripped]
    named, without = (subprocess.run([*arguments, *files], capture_output=True, text=True, timeout=300)
                      for files in ([common], []))
    check(named.returncode == 0 and "HashMap<String, Session>" in named.stdout and not named.stderr,
          "symbolize accepts the shared file as another debug file", named.stderr or named.stdout[:2000])
    check("supplementary file of `dwz`" in without.stderr and build_id(common) in without.stderr,
          "symbolize without the shared file: the error names it", without.stderr)


def root_folder(whole, folder):
    """Creates a folder for chroot, with the program and its libraries."""
    root = f"{folder}/root"
    libraries = re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", whole], capture_output=True, text=True, check=True).stdout)
    for file in [*libraries, whole]:
        target = f"{root}/svc" if file == whole else root + file
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(file, target)
    os.makedirs(f"{root}/proc")
    return root


def namespaces(whole, folder):
    """Programs with the `/proc` of another PID namespace, or without `/proc`."""
    shell = ["unshare", "--mount", "--", "sh", "-c"]
    has_names("a PID namespace with the /proc of its parent namespace", whole,
                 answers("unshare", "--pid", "--fork", "--kill-child", "--", whole)[0])
    has_names("a PID namespace with its own /proc", whole,
                 answers("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--", whole)[0])
    unavailable("without /proc", answers(*shell, 'umount -l /proc && exec "$0" "$@"', whole),
                "/proc is not mounted here", "mount -t proc proc /proc")
    unavailable("with the /proc of another PID namespace",
                answers(*shell, 'unshare --pid --fork mount -t proc proc /proc; exec "$0" "$@"', whole),
                "/proc belongs to another PID namespace", "mount -t proc proc /proc")
    root = root_folder(whole, folder)
    unavailable("in a chroot without /proc", answers("chroot", root, "/svc"),
                "/proc is not mounted here", "mount --bind /proc ROOT/proc")
    bound = answers(*shell, f'mount --bind /proc {root}/proc && exec chroot {root} /svc "$0" "$@"')
    has_names("in a chroot with /proc", whole, bound[0])


def static_program(profile):
    """Builds the example without a dynamic linker, as a static PIE."""
    target = f"{subprocess.run(['rustc', '-vV'], capture_output=True, text=True, check=True).stdout.split('host: ')[1].split()[0]}"
    folder = os.environ.get("CARGO_TARGET_DIR", os.path.join(example_service.ROOT, "target"))
    os.environ["RUSTFLAGS"] = "-C target-feature=+crt-static"
    try:
        example_service.build("axum-service", "--package=axum-service", f"--target={target}", profile=profile)
    finally:
        del os.environ["RUSTFLAGS"]
    return os.path.join(folder, target, {"dev": "debug"}.get(profile, profile), "axum-service")


def cases(whole, symbolize, static):
    with tempfile.TemporaryDirectory(prefix="memory-debug-programs-") as folder:
        places(whole, folder)
        readers(whole, folder)
        supplementary(whole, symbolize, folder)
        namespaces(whole, folder)
    check(".interp" not in subprocess.run(["readelf", "-S", static], capture_output=True, text=True, check=True).stdout,
          "the static program has no linker")
    has_names("a static PIE", static, answers(static)[0])
