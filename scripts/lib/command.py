"""Runs the command `memory-debug` for scripts in Python, and checks what must hold for every run."""

import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import time

from example_service import PASSWORD, check

# Characters that move the cursor, change colours or reverse the writing direction. Line feeds are allowed.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200e\u200f]")


def bounded():
    """Limits memory to more than any run may take, but less than would bring the machine down."""
    resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))


class Ended:
    """How a command ended: exit status, output, wall-clock and processor seconds, and peak memory."""

    def __init__(self, process, printed, errors, seconds, usage):
        self.status, self.printed, self.errors = process.returncode, printed, errors
        self.seconds, self.mib = seconds, usage.ru_maxrss / 1024
        self.cpu_seconds = usage.ru_utime + usage.ru_stime

    def json(self):
        return json.loads(self.printed)

    def __str__(self):
        return f"{self.status} after {self.seconds:.1f} s: {self.printed[:2000]} {self.errors[:2000]}"


class Command:
    """Runs the command with a private home folder and the services' password in a file that only the owner can read."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.password_file = self.file("password", PASSWORD + "\n")
        self.runs, self.unsafe, self.leaked = 0, [], []

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, "w", opener=lambda path, flags: os.open(path, flags, mode)) as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def start(self, *arguments, login=True, **environment):
        known = {name: value for name, value in os.environ.items()
                 if name != "NETRC" and not name.startswith("MEMORY_DEBUG_")}
        login = {"MEMORY_DEBUG_PASSWORD_FILE": self.password_file} if login else {}
        out, errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        process = subprocess.Popen([self.program, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=errors, env=known | {"HOME": self.folder} | login | environment,
                                   preexec_fn=bounded)
        return process, out, errors, time.monotonic()

    def end(self, process, out, errors, begin, limit=120):
        """Waits for a started command. SIGKILL, which no check expects, ends it if it takes too long."""
        usage = None
        while usage is None:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid == 0:
                usage = None
                if time.monotonic() - begin > limit:
                    os.kill(process.pid, signal.SIGKILL)
                time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begin
        texts = []
        for file in (out, errors):
            file.seek(0)
            texts.append(file.read())
            file.close()
        shown = [text.decode(errors="replace") for text in texts]
        self.runs += 1
        # A gzipped profile is binary, and goes only to a file or a pipe.
        if not texts[0].startswith(b"\x1f\x8b"):
            self.unsafe += [text for text in shown if UNSAFE.search(text)]
        self.leaked += [text for text in shown if PASSWORD in text]
        return Ended(process, *shown, seconds, usage)

    def run(self, *arguments, **options):
        return self.end(*self.start(*arguments, **options))

    def check_all_runs(self):
        """Checks what must hold for every run."""
        runs = f"{self.runs} runs"
        check(not self.unsafe, f"{runs}: no control character reached the terminal unescaped", self.unsafe[:3])
        check(not self.leaked, f"{runs}: no output contained the password", self.leaked[:3])
