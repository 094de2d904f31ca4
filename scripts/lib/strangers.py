"""Hostile servers on loopback. They give answers that no instance gives, and record the requests."""

import gzip
import json
import os
import socket
import threading
import time

ESCAPES = "\x1b[2J\x1b]0;owned\x07\u009b31m\u202e"


def head(status="200 OK", kind="application/json", **headers):
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def whole(body, status="200 OK", kind="application/json", **headers):
    body = body if isinstance(body, bytes) else body.encode()
    return head(status, kind, content_length=len(body), **headers) + body


class Stranger:
    """Accepts all connections, reads the head of each request, and calls `answer(connection)`."""

    def __init__(self, answer, place=("127.0.0.1", 0)):
        self.answer, self.asked, self.connections = answer, [], []
        family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        self.socket = socket.create_server(place, family=family, backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        try:
            asked = b""
            while b"\r\n\r\n" not in asked and (read := connection.recv(65536)):
                asked += read
            self.asked.append(asked.decode(errors="replace"))
            self.answer(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Only a shutdown of the socket ends `accept`.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def sends(answer):
    return lambda connection: connection.sendall(answer)


def without_end(connection):
    connection.sendall(head())
    while True:
        connection.sendall(b"[" * (1 << 20))


def drips(connection):
    connection.sendall(head(content_length=100_000))
    while True:
        connection.sendall(b" ")
        time.sleep(0.1)


def drips_its_head(connection):
    for byte in head(**{f"x_{number}": "y" * 1000 for number in range(100)}):
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def is_silent(connection):
    connection.recv(1)


def promises(connection):
    connection.sendall(head(content_length=10**18) + b"{")
    time.sleep(3600)


def report_with(report, **changes):
    return json.dumps(report | changes)


def answers(report):
    """Hostile answers by name, each with the possible reasons for which such an instance is missing."""
    bomb = gzip.compress(b"[" * (64 << 20))
    types = report["types"]
    unknown = {**types, "rows": [{**types["rows"][0], "source": ESCAPES}]}
    return {
        "random bytes": (sends(os.urandom(1 << 16)), ["no-report"]),
        "nothing at all": (sends(b""), ["no-report", "unreachable"]),
        "an endless stream": (without_end, ["too-long"]),
        "a web page": (sends(whole("<html>It works!</html>", kind="text/html")), ["no-report"]),
        "JSON of another kind": (sends(whole('{"status": "ok"}')), ["no-report"]),
        "a report of another version": (sends(whole(report_with(report, schema="memory-debug/v99"))), ["no-report"]),
        "a row of an unknown kind": (sends(whole(report_with(report, types=unknown))), ["no-report"]),
        "one row more than requested":
            (sends(whole(report_with(report, types={**types, "rows": types["rows"][:1] * 1001}))), ["no-report"]),
        "900,000 empty roots": (sends(whole(report_with(report, roots={"rows": [{}] * 900_000}))), ["no-report"]),
        "a name of a megabyte":
            (sends(whole(report_with(report, instance={**report["instance"], "service": "x" * 1_000_000}))), ["no-report"]),
        "a million nested brackets": (sends(whole("[" * (1 << 20))), ["no-report"]),
        "a compressed bomb": (sends(whole(bomb, content_encoding="gzip")), ["no-report"]),
        "a content-length of an exabyte": (promises, ["too-long", "deadline"]),
        "a body that drips": (drips, ["deadline"]),
        "a head that drips": (drips_its_head, ["deadline"]),
        "silence": (is_silent, ["deadline"]),
        "half an answer": (sends(head(content_length=1000) + b'{"schema"'), ["no-report", "unreachable"]),
        "an error with escape sequences":
            (sends(whole(json.dumps({"detail": ESCAPES}), "503 Service Unavailable")), ["refused"]),
        "no such page": (sends(whole(ESCAPES, "404 Not Found", "text/plain")), ["no-report"]),
    }
