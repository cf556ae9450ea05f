#!/usr/bin/env python3
"""What compression costs the hub and saves on the wire: subscribers of one hub that take gzip, and others that do not, one kind after
the other and again, so that a machine whose speed drifts is unfair to neither.

    cargo build --release -p tidings
    python3 crates/bench/scripts/compression.py [--subscribers 1000] [--events 300] [--rounds 3]

The hub is pinned to one core and this program, which reads and publishes, to another. Strictly one event is in flight: the next is published
when all have the one before. One subscriber decompresses all that it hears, and each must have as many bytes as that one. Needs Linux and two cores.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import select
import socket
import statistics
import zlib

import servers

OPENED = b"tidings.open"


def events(size, count):
    """Data of a kind that applications publish, never the same twice."""
    rng = random.Random(size)
    if size < 100:
        return [f"{rng.uniform(-20, 40):.2f} C".ljust(size, " ") for _ in range(count)]
    def order():
        return {"id": rng.randrange(10**6), "customer": rng.choice(["Weber", "Ito", "Okafor", "Silva", "Novak"]),
                "status": rng.choice(["open", "paid", "sent"]), "price": round(rng.uniform(1, 900), 2),
                "time": f"2026-11-27T12:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(1000):03}Z"}
    made = []
    for _ in range(count):
        text = ""
        while len(text) < size:
            text += json.dumps(order(), separators=(",", ":")) + ","
        made.append(text[:size])
    return made


class Crowd:
    """Subscribers that stand still but for reading."""

    def __init__(self, address, topic, count, gzip):
        host, port = address.split(":")
        self.poll, self.sockets, self.got = select.epoll(), {}, {}
        coding = "Accept-Encoding: gzip\r\n" if gzip else ""
        self.gzip, self.decoder, self.first, self.rest, self.text = gzip, zlib.decompressobj(31), None, b"", b""
        for _ in range(count):
            client = socket.create_connection((host, int(port)))
            client.sendall(f"GET /events/{topic} HTTP/1.1\r\nHost: {host}\r\n{coding}\r\n".encode())
            head = b""
            # The opening is stored, so its name can be seen in it.
            while OPENED not in head or b"\n\n" not in head.split(OPENED)[1]:
                head += client.recv(65_536)
            assert (b"content-encoding: gzip" in head) == gzip, head
            client.setblocking(False)
            if self.first is None:
                self.first, self.rest = client.fileno(), head.split(b"\r\n\r\n", 1)[1]
            self.sockets[client.fileno()], self.got[client.fileno()] = client, 0
            self.poll.register(client, select.EPOLLIN | select.EPOLLET)

    def wait(self, data):
        """Waits until all have heard this, and returns the bytes that each has got for it."""
        target = None
        while target is None or min(self.got.values()) < target:
            for number, _ in self.poll.poll(30):
                while True:
                    try:
                        piece = self.sockets[number].recv(262_144)
                    except BlockingIOError:
                        break
                    assert piece, "the hub closed a stream"
                    self.got[number] += len(piece)
                    if number == self.first:
                        self.read(piece)
                        if data in self.text and self.text.endswith(b"\n\n"):
                            target, self.text = self.got[number], b""
        assert set(self.got.values()) == {target}, set(self.got.values())
        for number in self.got:
            self.got[number] = 0
        return target

    def read(self, piece):
        """Takes the chunks of HTTP/1.1 apart, and decompresses them."""
        self.rest += piece
        while b"\r\n" in self.rest:
            size, rest = self.rest.split(b"\r\n", 1)
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            chunk, self.rest = rest[:length], rest[length + 2:]
            self.text += self.decoder.decompress(chunk) if self.gzip else chunk

    def close(self):
        for client in self.sockets.values():
            client.close()
        self.poll.close()


def cpu_us(pid):
    fields = pathlib.Path(f"/proc/{pid}/schedstat")
    # Of all threads, in nanoseconds.
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in fields.parent.glob("task/*")) / 1_000


def run(server, topic, data, subscribers, gzip):
    """Microseconds of the hub's processor for a delivery, and bytes of it on the wire with its chunk."""
    crowd = Crowd(server.address, topic, subscribers, gzip)
    publisher = http.client.HTTPConnection(server.address)
    def publish(text):
        publisher.request("POST", f"/events/{topic}", text.encode(), {"Content-Type": "text/plain"})
        answer = publisher.getresponse()
        assert answer.status == 201, answer.read()
        answer.read()
        return crowd.wait(text.rstrip().encode())
    warm_up = len(data) // 10
    for text in data[:warm_up]:
        publish(text)
    before = cpu_us(server.process.pid)
    wire = [publish(text) for text in data[warm_up:]]
    used = cpu_us(server.process.pid) - before
    crowd.close()
    publisher.close()
    return used / (len(wire) * subscribers), statistics.mean(wire)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", type=pathlib.Path, default=servers.TARGET / "release/tidings")
    parser.add_argument("--subscribers", type=int, nargs="*", default=[100, 1_000])
    parser.add_argument("--sizes", type=int, nargs="*", default=[30, 128, 1_900, 16_384, 262_144])
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(servers.LOAD_CORE)})
    servers.SERVERS["tidings"] = lambda folder, address: [
        str(options.hub.resolve()), "serve", "--data", str(folder / "data"), "--listen", address, "--compression",
        "--heartbeat", "1h", "--log-level", "error"]
    print("| event | subscribers | bytes, plain | bytes, gzip | us, plain | us, gzip | gzip / plain (us) |\n|---:|---:|---:|---:|---:|---:|---:|",
          flush=True)
    with servers.Server("tidings") as server:
        for size in options.sizes:
            for subscribers in options.subscribers:
                count = max(20, min(options.events, 40_000_000 // (size * subscribers)))
                rounds = []
                for number in range(options.rounds):
                    data = events(size, count)
                    rounds.append([run(server, f"bench/{size}/{subscribers}", data, subscribers, gzip) for gzip in (False, True)])
                (plain, plain_bytes), (gzip, gzip_bytes) = (
                    [statistics.median(run[at][figure] for run in rounds) for figure in (0, 1)] for at in (0, 1))
                ratio = statistics.median(run[1][0] / run[0][0] for run in rounds)
                print(f"| {size:,} | {subscribers:,} | {plain_bytes:,.0f} | {gzip_bytes:,.0f} | {plain:.2f} | {gzip:.2f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
