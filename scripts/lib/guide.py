"""Reads the guides for scripts: blocks of code, and commands with the output that the guide shows."""

import os
import pty
import re
import select
import signal
import time

from example_service import PASSWORD, ROOT

DOCS = os.path.join(ROOT, "docs")


class Block:
    def __init__(self, heading, kind, text):
        self.heading, self.kind, self.text = heading, kind, text


class Shown:
    """A command as a guide shows it, and the lines below it."""

    def __init__(self, command, printed):
        self.command, self.printed = command, printed

    def headers(self):
        return headers("\n".join(self.printed))


def blocks(name):
    """All blocks of code of a guide, each with the heading above it."""
    found, heading, kind, lines = [], None, None, []
    with open(os.path.join(DOCS, name)) as file:
        for line in file.read().splitlines():
            if kind is None and line.startswith("```"):
                kind, lines = line[3:].split(",")[0], []
            elif kind is not None and line == "```":
                found.append(Block(heading, kind, "\n".join(lines) + "\n"))
                kind = None
            elif kind is not None:
                lines.append(line)
            elif line.startswith("#"):
                heading = line.lstrip("# ")
    return found


def shown(name):
    """All commands that a guide shows."""
    found = []
    for block in blocks(name):
        if block.kind != "console":
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                found.append(Shown(re.sub(r" +# .*", "", line[2:]), []))
            else:
                found[-1].printed.append(line)
    return found


def headers(text):
    """The headings of tables, with single spaces."""
    lines = text.replace("\r", "").splitlines()
    return [re.sub(r"\s+", " ", head).strip() for head, rule in zip(lines, lines[1:]) if re.match(r"=+ \|", rule.strip())]


class Ended:
    def __init__(self, status, printed, on_terminal):
        self.status, self.printed, self.on_terminal = status, printed, on_terminal

    def __repr__(self):
        return f"{self.status}: {self.printed[:1500]} {self.on_terminal[:1500]}"


# Questions that a program asks at the terminal, and the answers to type.
ANSWERS = {rb"assword (?:of|for)[^:\n]*: ?": PASSWORD, rb"\(pprof\) ": "quit"}


def run(command, folder, environment, limit=150):
    """Runs a command in a shell at a terminal. Standard output is captured separately from the terminal's text."""
    reader, writer = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(writer, 1)
        os.chdir(folder)
        os.execvpe("bash", ["bash", "-c", command.replace("ops:…", f"ops:{PASSWORD}")], environment)
    os.close(writer)
    texts, open_files, end = {reader: b"", terminal: b""}, {reader, terminal}, time.monotonic() + limit
    answered = dict.fromkeys(ANSWERS, 0)
    while open_files and time.monotonic() < end:
        for file in select.select(list(open_files), [], [], 1)[0]:
            try:
                read = os.read(file, 65536)
            except OSError:
                # Reading from a closed terminal fails like this.
                read = b""
            if not read:
                open_files.discard(file)
            texts[file] += read
        for question, answer in ANSWERS.items():
            asked = len(re.findall(question, texts[terminal] + texts[reader]))
            if asked > answered[question]:
                answered[question] += 1
                # The key Return sends a carriage return.
                os.write(terminal, answer.encode() + b"\r")
    if open_files:
        os.killpg(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for file in texts:
        os.close(file)
    return Ended(status, texts[reader].decode(errors="replace"), texts[terminal].decode(errors="replace"))
