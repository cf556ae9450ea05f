#!/usr/bin/env python3
"""Whether a hub that is full of subscribers publishes as fast as one that is nearly empty. Takes about two minutes.

    cargo build --release -p tidings
    python3 crates/bench/scripts/full.py --hub target/release/tidings

There are three hubs of the same build, all on one core; the load generator is on another. One has `--subscribers` streams, which
are all that its `connections_max` allows; each of the two others has ten. The streams are of another topic than the one that is
published to, so they are sent heartbeats alone. Each round publishes to each hub once, in another order than the round before:
first as fast as the hub answers 256 connections, then one event at a time over one connection, which gives p50 and p99 of a
publish.

A row says what the median of the full hub's figure is in relation to that of the nearly empty ones, and by how much the two nearly
empty ones differ, which is the noise of the machine. The hubs keep their log in memory, because a disk would be most of each figure;
`--disk` gives each a log on the disk.

Needs Linux, two cores, and as many open files as `--subscribers` and 6,000 more.
"""

import argparse
import pathlib
import resource
import select
import socket
import sys
import time

import servers
from compare import latency
from paired import row

TOPIC = "/events/elsewhere"
NEARLY_EMPTY = 10
# What a hub opens beside its subscribers: the places in reserve, the lobby, and its own files.
FILES_BESIDE = 6_000
ROUNDS_MIN = 3
WAIT_MAX = 10
RUNS = [
    (["publish", "--events", "30000"],
     {"publishes per second, 256 connections": lambda report: report["events"] / report["seconds"]}),
    (["publish", "--connections", "1", "--events", "4000"],
     {"p50 of a publish in us, one connection": latency(0), "p99 of a publish in us, one connection": latency(1)}),
]


class Hub(servers.Server):
    """A hub with subscribers, for the time of a block."""

    def __init__(self, binary, places, subscribers, on_disk):
        super().__init__("tidings")
        self.subscribers = subscribers
        servers.SERVERS["tidings"] = lambda folder, address: [
            str(binary), "serve", *(["--data", str(folder / "data")] if on_disk else ["--memory"]), "--listen", address,
            "--connections-max", str(places), "--log-level", "error"]

    def __enter__(self):
        super().__enter__()
        self.streams = []
        while len(self.streams) < self.subscribers:
            # Not more at once than the system keeps for a listener.
            self.join(min(100, self.subscribers - len(self.streams)))
        return self

    def __exit__(self, *reason):
        for stream in self.streams:
            stream.close()
        super().__exit__(*reason)

    def ask(self):
        host, port = self.address.split(":")
        stream = socket.create_connection((host, int(port)), WAIT_MAX)
        stream.sendall(f"GET {TOPIC} HTTP/1.1\r\nHost: {self.address}\r\nAccept: text/event-stream\r\n\r\n".encode())
        return stream

    def join(self, count):
        for stream in [self.ask() for _ in range(count)]:
            answer = stream.recv(65_536)
            # A subscriber without a place gets the same status, and is told that its connection ends.
            if not answer.startswith(b"HTTP/1.1 200") or b"connection: close" in answer.lower():
                sys.exit(f"a subscriber got no stream: {answer[:200]!r}")
            self.streams.append(stream)

    def is_full(self):
        with self.ask() as stream:
            return b"connection: close" in stream.recv(65_536).lower()

    def listens_all(self):
        """Whether every subscriber still has its stream. What came is read, as a subscriber would."""
        poll = select.poll()
        for stream in self.streams:
            poll.register(stream, select.POLLIN)
        ready = {number for number, _ in poll.poll(0)}
        return all(stream.recv(65_536) for stream in self.streams if stream.fileno() in ready)

    def measure(self):
        figures = {}
        for arguments, extracts in RUNS:
            report = self.bench(*arguments)
            if report is None:
                sys.exit("a measurement failed; see above")
            figures.update({title: extract(report) for title, extract in extracts.items()})
        return figures


def rounds(hubs, seconds, progress):
    """Figures of each hub by rounds, until the time is over."""
    runs, ends = [], time.monotonic() + seconds
    while len(runs) < ROUNDS_MIN or time.monotonic() < ends:
        turn = len(runs) % len(hubs)
        order = [*range(turn, len(hubs)), *range(turn)]
        figures = {at: hubs[at].measure() for at in order}
        runs.append([figures[at] for at in range(len(hubs))])
        if not all(hub.listens_all() for hub in hubs):
            sys.exit("a subscriber lost its stream")
        progress(f"{len(runs)} rounds")
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", type=pathlib.Path, required=True, help="the binary, which is the load generator, too")
    parser.add_argument("--subscribers", type=int, help="as many as the hub has places for; 10,000, or as open files allow")
    parser.add_argument("--seconds", type=float, default=100, help="for how long rounds begin, but three rounds at least")
    parser.add_argument("--disk", action="store_true", help="a log on the disk for each hub")
    options = parser.parse_args()
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    count = options.subscribers or min(10_000, files - FILES_BESIDE)
    if not 0 < count <= files - FILES_BESIDE:
        sys.exit(f"a process may open {files:,} files here, which allows {files - FILES_BESIDE:,} subscribers")
    servers.LOAD = options.hub.resolve()

    def progress(text):
        print(text, file=sys.stderr, flush=True)

    with Hub(servers.LOAD, count, NEARLY_EMPTY, options.disk) as first, \
            Hub(servers.LOAD, count, count, options.disk) as full, \
            Hub(servers.LOAD, count, NEARLY_EMPTY, options.disk) as second:
        if not full.is_full() or first.is_full():
            sys.exit("the hub with all subscribers must be full, and the others not")
        progress(f"{count:,} subscribers have their streams")
        runs = rounds([first, full, second], options.seconds, progress)
    print(f"| {len(runs)} rounds | nearly empty | {count:,} subscribers | full / nearly empty | nearly empty / nearly empty (noise) |\n"
          "|---|---:|---:|---:|---:|")
    for title in runs[0][0]:
        print(row(title, runs, digits=0))


if __name__ == "__main__":
    main()
