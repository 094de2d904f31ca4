"""Name servers for a private mount and network namespace: dnsmasq with known names, and a misbehaving server."""

import contextlib
import os
import socket
import struct
import subprocess
import tempfile
import threading
import time

ADDRESS = "127.0.0.53"
SRV = 33
# A name that the server knows as soon as it runs.
PROBE = "probe.test"


class NameServer:
    """dnsmasq that knows only these names.

    `hosts` maps a name to addresses. `services` maps a name to tuples of target, port, priority and weight.
    """

    def __init__(self, hosts, services):
        self.folder = tempfile.TemporaryDirectory(prefix="memory-debug-names-")
        lines = [f"{address} {name}" for name, addresses in hosts.items() for address in addresses]
        records = [f"srv-host={name},{target},{port},{priority},{weight}"
                   for name, targets in services.items() for target, port, priority, weight in targets]
        # A name that exists but has no address.
        records += ["txt-record=empty.test,nothing", f"host-record={PROBE},127.0.0.1"]
        config = self.file("config", "\n".join(records) + "\n")
        command = ["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--user=root", "--bind-interfaces",
                   "--local=/#/", f"--listen-address={ADDRESS}", "--log-queries", "--log-facility=-",
                   f"--addn-hosts={self.file('hosts', chr(10).join(lines) + chr(10))}", f"--conf-file={config}"]
        self.log = open(self.file("log", ""), "r+")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def wait(self):
        for _ in range(100):
            try:
                socket.getaddrinfo(PROBE, 1)
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise OSError(f"dnsmasq does not answer: {self.log.read()}")

    def __enter__(self):
        self.wait()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


class BadNameServer:
    """Answers each question with the result of `answer`, or never if there is no `answer`."""

    def __init__(self, answer=None):
        self.questions, self.answer = 0, answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ADDRESS, 53))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            question, asker = self.socket.recvfrom(4096)
            if question == b"":
                return
            self.questions += 1
            if self.answer:
                with contextlib.suppress(OSError):
                    self.socket.sendto(self.answer(question), asker)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Closing the socket would not wake the waiting thread.
        self.socket.sendto(b"", (ADDRESS, 53))
        self.thread.join()
        self.socket.close()


def question(name, kind):
    """A question that allows an answer of up to 4,096 bytes, as today's resolvers ask (RFC 6891)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", 1, 0x0100, 1, 0, 0, 1) + labels + struct.pack(">BHH BHHIH", 0, kind, 1, 0, 41, 4096, 0, 0)


def is_truncated(name):
    """Whether the answer to a question for SRV records is too long for UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        asker.sendto(question(name, SRV), (ADDRESS, 53))
        return bool(asker.recv(65536)[2] & 2)


def services_answer(targets):
    """A function that answers each question with SRV records. Their targets are single labels of any bytes."""
    def answer(asked):
        end = asked.index(b"\0", 12) + 5
        records = b""
        for label, port in targets:
            target = bytes([len(label)]) + label + b"\0"
            records += struct.pack(">HHHIHHHH", 0xC00C, SRV, 1, 0, 6 + len(target), 0, 0, port) + target
        return asked[:2] + struct.pack(">5H", 0x8180, 1, len(targets), 0, 0) + asked[12:end] + records
    return answer
