"""Runs a real Prometheus with the configuration that `memory-debug config` prints."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

TOOLS = {"prometheus": "prometheus", "promtool": "prometheus"}
# The most seconds to wait for a scrape.
PATIENCE = 30


def config(command, *arguments):
    ended = subprocess.run([command, "config", *arguments], capture_output=True, text=True, timeout=60)
    if ended.returncode != 0:
        raise OSError(f"memory-debug config {arguments} failed: {ended.stderr}")
    return ended.stdout


class Prometheus:
    """A Prometheus process with a given configuration. It ends with its block."""

    def __init__(self, folder, name, configuration):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "prometheus.yml"), "w") as file:
            file.write(configuration)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = open(os.path.join(self.folder, "log"), "w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={file.name}", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            stdout=self.log, stderr=self.log, cwd=self.folder)

    def api(self, page, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{page}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            # Prometheus is still starting.
            if error.code == 503:
                raise
            raise ValueError(f"{page} {query}: {error.read().decode()}") from error

    def query(self, expression, **query):
        return self.api("query", query=expression, **query)["result"]

    def wait(self, expression):
        """Waits until a query has a result, and returns it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if result := self.query(expression):
                    return result
            time.sleep(0.1)
        self.log.seek(0)
        raise OSError(f"no result of {expression} within {PATIENCE} s: {self.log.read()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()
