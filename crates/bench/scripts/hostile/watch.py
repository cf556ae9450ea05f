"""What a hub used during an attack, and the worst answers that others got meanwhile.

Each probe is a process of its own, so that neither the attack nor another probe keeps it from asking in time. It has one
connection, opened before the attack, and shares three numbers with the watch.
"""

import http.client
import multiprocessing
import time

from hostile.hub import ANSWER_SECONDS_MAX

JSON = {"Accept": "application/json"}
TOPIC = "/events/hostile-probe"
# Name, seconds between two questions, method, path.
PROBES = [
    ("healthz", 0.02, "GET", "/healthz"),
    ("publish", 0.05, "POST", TOPIC),
    ("page", 0.05, "GET", TOPIC + "?limit=5"),
    ("last=5", 0.05, "GET", TOPIC + "?last=5"),
    # From the beginning of a publish until a subscriber has the event.
    ("delivery", 0.05, "POST", TOPIC + "-delivery"),
]
WORST, ASKED_AT, FAILED = range(3)
FORK = multiprocessing.get_context("fork")
SETTLED_SECONDS = 1
# A thread that works is busy for all of the time, and the probes keep the hub busy for much less than this.
SETTLED_SHARE = 0.5


def probe(hub, name, pause, method, path, shared):
    client, stream = hub.client(ANSWER_SECONDS_MAX), None
    while True:
        asked = time.monotonic()
        try:
            if name == "delivery" and stream is None:
                stream = Subscriber(hub, path)
            shared[ASKED_AT] = asked = time.monotonic()
            client.request(method, path, b"x" if method == "POST" else None, JSON)
            answer = client.getresponse()
            answer.read()
            shared[FAILED] += not 200 <= answer.status < 300
            if stream:
                stream.wait_for_event()
        except (OSError, http.client.HTTPException):
            client.close()
            stream = None
            shared[FAILED] += 1
        took = time.monotonic() - asked
        shared[WORST] = max(shared[WORST], took)
        shared[ASKED_AT] = 0
        time.sleep(max(0.0, pause - took))


class Subscriber:
    """A subscriber that is sent one event at a time."""

    def __init__(self, hub, path):
        self.client = hub.client(ANSWER_SECONDS_MAX)
        self.client.request("GET", path)
        self.answer = self.client.getresponse()
        self._read_until(b"retry:")

    def wait_for_event(self):
        self._read_until(b"data:")

    def close(self):
        self.answer.close()
        self.client.close()

    def _read_until(self, text):
        said = b""
        while text not in said or not said.endswith(b"\n\n"):
            piece = self.answer.read1(1 << 16)
            if not piece:
                raise OSError("the stream has ended")
            said += piece


class Watch:
    """The figures of a hub between the beginning and the end of a block."""

    def __init__(self, hub, without=()):
        self.hub = hub
        self.probes = {}
        for name, pause, method, path in PROBES:
            if name in without:
                continue
            shared = FORK.Array("d", 3, lock=False)
            process = FORK.Process(target=probe, args=(hub, name, pause, method, path, shared), daemon=True)
            self.probes[name] = (process, shared)

    def __enter__(self):
        # An event for the pages to find.
        self.hub.fill(TOPIC.removeprefix("/events/"), 5)
        for process, _ in self.probes.values():
            process.start()
        # Python takes longer over the first answers.
        time.sleep(1)
        for _, shared in self.probes.values():
            shared[WORST] = shared[FAILED] = 0
        self.hub.forget_peak()
        self.rss_before, self.cpu_before = self.hub.memory("VmRSS"), self.hub.cpu_seconds()
        self.begun = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        self.worst = {name: self._worst(shared) for name, (_, shared) in self.probes.items()}
        self.failed = {name: int(shared[FAILED]) for name, (_, shared) in self.probes.items()}
        for process, _ in self.probes.values():
            process.terminate()
            process.join()
        if kind is None:
            self.seconds = time.monotonic() - self.begun
            self.cpu = self.hub.cpu_seconds() - self.cpu_before
            self.rss_peak, self.rss_after = self.hub.memory("VmHWM"), self.hub.memory("VmRSS")
            # Asked last: what the system says of a process is gone once its end has been asked for.
            self.survived = self.hub.is_alive()

    @staticmethod
    def _worst(shared):
        """Seconds, those of a question included that has not been answered yet. None were asked: 0."""
        asked = shared[ASKED_AT]
        return max(shared[WORST], time.monotonic() - asked if asked else 0)

    def cpu_so_far(self):
        return self.hub.cpu_seconds() - self.cpu_before

    def settle(self, seconds_max):
        """Waits until the hub does little but answer the probes, and returns how much it has worked until then."""
        begun, cpu = time.monotonic(), self.hub.cpu_seconds()
        while time.monotonic() - begun < seconds_max:
            busy = self.hub.busy_seconds()
            time.sleep(SETTLED_SECONDS)
            if self.hub.busy_seconds() - busy < SETTLED_SHARE * SETTLED_SECONDS:
                break
        return self.hub.cpu_seconds() - cpu
