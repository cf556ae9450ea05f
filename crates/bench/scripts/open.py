#!/usr/bin/env python3
"""How long two builds of the hub take to open a log of many events, in turns.

    python3 crates/bench/scripts/open.py --old OLD --new NEW [--events 10000000] [--rounds 10] [--lives 0]

Each build writes a log of its own first, so that each opens the format that it writes; the new one opens the log of the old one,
too. A time is that from the start of the process to the first answer of /healthz. With --lives N the new build is started N
times before, with one event in each life, so that its log has as many epochs.
"""

import argparse
import http.client
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Hub:
    """A hub on a data directory, until it is ended."""

    def __init__(self, binary, data):
        self.port = free_port()
        started = time.monotonic()
        self.process = subprocess.Popen(
            [binary, "serve", "--data", str(data), "--listen", f"127.0.0.1:{self.port}", "--durability", "none",
             "--log-level", "error"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.answers():
            if self.process.poll() is not None:
                raise SystemExit(f"{binary} has ended with {self.process.returncode}")
            time.sleep(0.0005)
        self.seconds = time.monotonic() - started

    def answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def publish(self, events):
        """Events of about a hundred bytes, on a thousand topics' worth of text, in one body for each topic."""
        each = 10_000
        for start in range(0, events, each):
            body = b"".join(b"data: {\"n\":%d,\"text\":\"%s\"}\n\n" % (n, b"x" * 70)
                            for n in range(start, min(start + each, events)))
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            topic = start // each % 1_000
            connection.request("POST", f"/events/t/{topic}", body, {"Content-Type": "text/event-stream"})
            answer = connection.getresponse()
            if answer.status != 201:
                raise SystemExit(f"{answer.status} {answer.read()}")
            answer.read()
            connection.close()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", required=True)
    parser.add_argument("--new", required=True)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--lives", type=int, default=0)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="tidings-open-") as folder:
        folder = pathlib.Path(folder)
        for name, binary in [("old", options.old), ("new", options.new)]:
            hub = Hub(binary, folder / name)
            hub.publish(options.events)
            hub.end()
        shutil.copytree(folder / "old", folder / "upgraded")
        for life in range(options.lives):
            hub = Hub(options.new, folder / "new")
            hub.publish(1)
            # Every second life ends as a crash does.
            hub.kill() if life % 2 else hub.end()
        plans = [("old", options.old, "old"), ("new", options.new, "new"), ("new on the log of old", options.new, "upgraded")]
        times = {name: [] for name, _, _ in plans}
        for _ in range(options.rounds):
            for name, binary, data in plans:
                hub = Hub(binary, folder / data)
                times[name].append(hub.seconds)
                hub.end()
        base = statistics.median(times["old"])
        size = {name: sum(file.stat().st_size for file in (folder / data).iterdir()) for name, _, data in plans}
        print(f"{options.events} events, {options.lives} lives, medians of {options.rounds}")
        for name, _, _ in plans:
            median = statistics.median(times[name])
            spread = (max(times[name]) - min(times[name])) / median
            print(f"{name:24} {median * 1000:8.1f} ms  {median / base:5.2f}  spread {spread:4.0%}  {size[name] / 1e6:8.1f} MB")


if __name__ == "__main__":
    main()
