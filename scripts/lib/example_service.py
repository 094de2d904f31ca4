"""The example service on axum, as scripts in Python run and ask it, and how they count what holds."""

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
    """Counts and prints what holds or does not, the latter with what was seen."""
    global passed, failed
    passed, failed = (passed + 1, failed) if holds else (passed, failed + 1)
    print("ok     " if holds else "FAILED ", what, "" if holds else f": {seen}", sep="", flush=True)


def summary():
    """Prints the last line, and gives the exit status."""
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


def build(program, *arguments, profile="release"):
    """Builds a program of the workspace, and gives its path."""
    command = ["cargo", "build", "--quiet", "--locked", "--profile", profile, *arguments]
    subprocess.run(command, cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    return os.path.join(target, {"dev": "debug"}.get(profile, profile), program)


def install(packages):
    """Installs Debian packages by the programs that they have, where these are missing."""
    missing = [package for program, package in packages.items() if not shutil.which(program)]
    if missing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *missing]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def mounted(options):
    """A folder that is a file system of its own, in memory."""
    folder = tempfile.mkdtemp(prefix="memory-debug-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    return folder


def unmount(folder):
    subprocess.run(["umount", folder], check=True)
    os.rmdir(folder)


class Service:
    """A process of the service, ended with the block that it is made for."""

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
        """Status and body; on the connection that is there, as a new one takes a descriptor."""
        if self.connection is None:
            self.connection = self.connect()
        headers = HEADERS | ({"content-type": "application/json"} if body else {})
        self.connection.request(method, BASE + page, body and json.dumps(body), headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def ask(self, page, method="GET", body=None):
        """Status and JSON."""
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
