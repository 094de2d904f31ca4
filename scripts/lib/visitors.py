"""Visitors of the example service, for scripts that need its heap to change."""

import collections
import http.client
import json
import random
import threading

DAYS = 3650


class Visitor:
    """A connection and the sessions opened on it. Beyond the maximum, a new session ends the oldest."""

    def __init__(self, service, seed=0, most=200):
        self.connection, self.random, self.most = service.connect(), random.Random(seed), most
        self.sessions, self.requests = collections.deque(), 0

    def send(self, method, path, body=None):
        headers = {"content-type": "application/json"} if body else {}
        self.connection.request(method, path, body and json.dumps(body), headers)
        response = self.connection.getresponse()
        read = response.read()
        self.requests += 1
        if response.status >= 400:
            raise OSError(f"{method} {path}: {response.status} {read}")
        return read

    def open(self, items=10):
        basket = [{"sku": f"SKU-{item:04}-0001", "quantity": 1, "price_cents": 1999} for item in range(items)]
        new = {"user": f"guest-{self.random.randrange(1000)}", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
               "interests": ["tea", "otters"], "basket": basket}
        self.sessions.append(json.loads(self.send("POST", "/sessions", new))["id"])
        while len(self.sessions) > self.most:
            self.end()

    def end(self):
        self.send("DELETE", f"/sessions/{self.sessions.popleft()}")

    def act(self):
        """A random action. Jobs are rare: the shop keeps each result for an hour, so they make the heap grow slowly."""
        chance = self.random.random()
        if chance < 0.4 or not self.sessions:
            self.open(self.random.randrange(1, 40))
        elif chance < 0.6:
            self.send("GET", f"/reports/{self.random.randrange(DAYS)}")
        elif chance < 0.998:
            self.send("GET", f"/sessions/{self.random.choice(self.sessions)}")
        else:
            self.send("POST", "/jobs", {"text": "to be or not to be " * 20})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class Crowd:
    """Visitors on threads. Each repeats `act` until the block ends."""

    def __init__(self, service, count, act=Visitor.act, **options):
        self.visitors = [Visitor(service, seed, **options) for seed in range(count)]
        self.act, self.leave, self.error = act, threading.Event(), None
        self.threads = [threading.Thread(target=self.run, args=[visitor]) for visitor in self.visitors]

    def run(self, visitor):
        try:
            while not self.leave.is_set():
                self.act(visitor)
        except (OSError, http.client.HTTPException) as error:
            self.error = error

    def is_full(self):
        """Whether each visitor has as many sessions as it may."""
        return all(len(visitor.sessions) >= visitor.most for visitor in self.visitors)

    def requests(self):
        return sum(visitor.requests for visitor in self.visitors)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.leave.set()
        for thread, visitor in zip(self.threads, self.visitors):
            thread.join()
            visitor.connection.close()
