"""Builds, runs and asks the example service on axum, and counts passed and failed checks, for scripts in Python."""

import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
USER, PASSWORD = "ops", "jumbled-otters-sip-cold-tea"
HEADERS = {"authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
BASE = "/debug/memory"

passed = failed = 0


def check(holds, what, seen=""):
    """Counts and prints a check, and what was seen if it failed."""
    global passed, failed
    passed, failed = (passed + 1, failed) if holds else (passed, failed + 1)
    print("ok     " if holds else "FAILED ", what, "" if holds else f": {seen}", sep="", flush=True)


def summary():
    """Prints the last line, and returns the exit status."""
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


def build(program, *arguments, profile="release"):
    """Builds a program of the workspace, and returns its path."""
    command = ["cargo", "build", "--quiet", "--locked", "--profile", profile, *arguments]
    subprocess.run(command, cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    return os.path.join(target, {"dev": "debug"}.get(profile, profile), program)


def install(packages):
    """Installs the Debian packages of missing programs. `packages` maps a program to its package."""
    missing = [package for program, package in packages.items() if not shutil.which(program)]
    if missing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *missing]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def mounted(options):
    """Mounts a new tmpfs, and returns its folder."""
    folder = tempfile.mkdtemp(prefix="memory-debug-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    return folder


def unmount(folder):
    subprocess.run(["umount", folder], check=True)
    os.rmdir(folder)


class Service:
    """A process of the service. It ends with its block."""

    def __init__(self, program, *arguments, before=None, **environment):
        login = {"MEMORY_DEBUG_USER": USER}
        if "MEMORY_DEBUG_PASSWORD_FILE" not in environment:
            login["MEMORY_DEBUG_PASSWORD"] = PASSWORD
        environment = login | {"BIND": "127.0.0.1:0"} | environment
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, preexec_fn=before,
                                        env=os.environ | environment, text=True)
        line = self.process.stdout.readline()
        self.host = environment["BIND"].rsplit(":", 1)[0].strip("[]")
        self.port = int(line.rsplit(":", 1)[1]) if ":" in line else None
        self.pid = self.process.pid
        self.connection = None

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)

    def send(self, method, page, body=None):
        """The status and body."""
        return self.fetch(page, method, body)[:2]

    def fetch(self, page, method="GET", body=None):
        """The status, body and headers. Reuses the connection, because a new one takes a file descriptor."""
        if self.connection is None:
            self.connection = self.connect()
        headers = HEADERS | ({"content-type": "application/json"} if body else {})
        self.connection.request(method, BASE + page, body and json.dumps(body), headers)
        response = self.connection.getresponse()
        return response.status, response.read(), response.headers

    def ask(self, page, method="GET", body=None):
        """The status and JSON of an answer, or None and the error without an answer."""
        try:
            status, body = self.send(method, page, body)
            return status, json.loads(body)
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            return None, {"error": repr(error)}

    def is_alive(self):
        return self.process.poll() is None

    def end(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_alive():
            self.end()
