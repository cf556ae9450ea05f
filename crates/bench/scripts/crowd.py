#!/usr/bin/env python3
"""Sends many subscribers to a hub that has few places, all at once, and tells how many were answered.

    cargo build --release -p tidings
    python3 crates/bench/scripts/crowd.py --hub target/release/tidings

prints one Markdown row for each protocol and each `connections_reserve`: subscribers that got a stream, subscribers that were
sent away (200, a `retry`, the end of the answer), and those without an answer, with the reasons. Every row must have 0 of
those; otherwise the script exits with 1. While the crowd comes, and beside `--silent` connections that never send anything,
one client asks for `/healthz` and another publishes, each time on a new connection: the slowest of each is in the row.

`--kind` chooses what the silent connections do: `nothing`, `head` (half a head), `drip` (a byte of a head each second), `hello`
(half a hello of TLS), `preface` (HTTP/2 without a request).

The crowd is one process with one thread, which sends each request as soon as its connection stands, or `--delay` seconds later, as
a busy machine would. Everything is on this
machine. Needs Linux and as many open files as `--subscribers` and 100 more.
"""

import argparse
import collections
import pathlib
import re
import resource
import select
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from hostile import http2
from hostile.hub import unverified

REQUEST = b"GET /events/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
SECONDS_MAX = 60
PROTOCOLS = {"HTTP/1.1": (False, None), "HTTP/1.1 over TLS": (True, "http/1.1"), "HTTP/2": (True, "h2")}
KINDS = ["nothing", "head", "drip", "hello", "preface"]
# The beginning of a record of TLS with a hello, of which the rest never comes.
HALF_HELLO = bytes.fromhex("16030102000100")


class Hub:
    """A hub for the time of a block."""

    def __init__(self, binary, places, reserve, tls):
        self.tls = tls
        self.command = [str(binary), "serve", "--memory", "--log-level", "error", "--connections-max", str(places),
                        "--connections-reserve", str(reserve), *(["--tls-self-signed"] if tls else [])]

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = probe.getsockname()
        self.log = tempfile.TemporaryFile()
        listen = ["--listen", "%s:%d" % self.address]
        self.process = subprocess.Popen([*self.command, *listen], stdout=subprocess.DEVNULL, stderr=self.log)
        deadline = time.monotonic() + 30
        while ask(self, "GET /healthz") is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                sys.exit(f"the hub does not start: {self.log.read().decode()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def ask(hub, line, body=b""):
    """Seconds until a request on a new connection is answered with 2xx, or None."""
    begun = time.monotonic()
    try:
        stream = socket.create_connection(hub.address, SECONDS_MAX)
        stream = unverified().wrap_socket(stream) if hub.tls else stream
        with stream:
            head = f"{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            stream.sendall(head.encode() + body)
            return time.monotonic() - begun if stream.recv(65_536).startswith(b"HTTP/1.1 2") else None
    except OSError:
        return None


class Subscriber:
    """One of the crowd. `fate` is None until it is known."""

    def __init__(self, hub, context, over_http_2, ask_at):
        self.ask_at = ask_at
        self.over_http_2, self.fate, self.received, self.unsent = over_http_2, None, b"", REQUEST
        if over_http_2:
            self.unsent = (http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0)
                           + http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, 1,
                                         http2.head("/events/a", accept="text/event-stream")))
        self.stream = socket.socket()
        self.stream.setblocking(False)
        self.stream.connect_ex(hub.address)
        self.context = context
        self.is_connected = False

    def go_on(self):
        """Does what can be done without waiting. Returns what it waits for."""
        try:
            if not self.is_connected:
                if error := self.stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(error, "not connected")
                self.is_connected = True
                if self.context:
                    self.stream = self.context.wrap_socket(self.stream, do_handshake_on_connect=False)
            if self.context and self.stream.version() is None:
                self.stream.do_handshake()
            while self.unsent and time.monotonic() >= self.ask_at:
                self.unsent = self.unsent[self.stream.send(self.unsent):]
            while piece := self.stream.recv(65_536):
                self.received += piece
                if self.judge():
                    return 0
            self.fate = f"closed after {len(self.received)} bytes"
        except (BlockingIOError, ssl.SSLWantReadError):
            return select.EPOLLOUT if not self.is_connected else select.EPOLLIN
        except ssl.SSLWantWriteError:
            return select.EPOLLOUT
        except OSError as error:
            self.fate = f"{type(error).__name__} after {len(self.received)} bytes"
        return 0

    def judge(self):
        head, _, body = self.received.partition(b"\r\n\r\n")
        if self.over_http_2:
            # `:status: 200`, which the hub writes as one byte, and then frames with the text as it is.
            head, body = self.received, self.received
            is_200 = b"\x88" in self.received
        else:
            is_200 = head.startswith(b"HTTP/1.1 200 ")
            length = re.search(rb"content-length: (\d+)", head)
            body = body if not length or len(body) >= int(length[1]) else b""
        if is_200 and b"tidings.open" in body:
            self.fate = "subscribed"
        elif is_200 and re.search(rb"retry: \d+\n", body):
            self.fate = "sent away"
        elif not self.over_http_2 and body and not is_200:
            self.fate = head.partition(b"\r\n")[0].decode("latin-1")
        return self.fate


def crowd(hub, count, over_http_2, alpn, delay):
    """How many had which fate, and the seconds until all had one."""
    context = unverified() if hub.tls else None
    if context:
        context.set_alpn_protocols([alpn])
    poller, begun = select.epoll(), time.monotonic()
    ask_at, has_asked = begun + delay, not delay
    waiting = {}
    subscribers = [Subscriber(hub, context, over_http_2, ask_at) for _ in range(count)]
    for subscriber in subscribers:
        waiting[subscriber.stream.fileno()] = subscriber
        poller.register(subscriber.stream.fileno(), select.EPOLLOUT)
    while waiting and time.monotonic() < begun + SECONDS_MAX:
        ready = [number for number, _ in poller.poll(1 if has_asked else 0.1)]
        if not has_asked and time.monotonic() >= ask_at:
            has_asked, ready = True, list(waiting)
        for number in ready:
            wanted = waiting[number].go_on()
            if wanted:
                poller.modify(number, wanted)
                continue
            done = waiting.pop(number)
            poller.unregister(number)
            if done.fate != "subscribed":
                done.stream.close()
    fates = collections.Counter(subscriber.fate or "no answer in a minute" for subscriber in subscribers)
    seconds = time.monotonic() - begun
    for subscriber in subscribers:
        subscriber.stream.close()
    return fates, seconds


class Bystander(threading.Thread):
    """Asks for the same again and again, on a new connection each time."""

    def __init__(self, hub, line, body=b""):
        super().__init__(daemon=True)
        self.hub, self.line, self.body, self.ended, self.seconds = hub, line, body, False, []

    def run(self):
        while not self.ended:
            self.seconds.append(ask(self.hub, self.line, self.body))
            time.sleep(0.05)

    def slowest(self):
        self.ended = True
        self.join()
        failed = self.seconds.count(None)
        answered = [seconds for seconds in self.seconds if seconds is not None] or [0]
        return f"{max(answered) * 1000:,.0f} ({statistics.median(answered) * 1000:,.0f})" + (
            f", {failed} of {len(self.seconds)} refused" if failed else "")


class Silent(threading.Thread):
    """Connections that never ask. One that the hub closes is opened again."""

    def __init__(self, hub, count, kind):
        super().__init__(daemon=True)
        self.hub, self.count, self.kind, self.ended, self.closed = hub, count, kind, False, 0
        self.streams = [self.connect() for _ in range(count)]

    def connect(self):
        stream = socket.create_connection(self.hub.address, SECONDS_MAX)
        first = {"nothing": b"", "head": REQUEST[:20], "drip": b"G", "hello": HALF_HELLO, "preface": b""}[self.kind]
        if self.hub.tls and self.kind != "hello":
            # The hello is not finished by a client that is silent from the beginning.
            if self.kind == "nothing":
                return stream
            context = unverified()
            context.set_alpn_protocols(["h2" if self.kind == "preface" else "http/1.1"])
            try:
                stream = context.wrap_socket(stream)
            except OSError:
                return stream
            first = http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0) if self.kind == "preface" else first
        if first:
            stream.sendall(first)
        return stream

    def run(self):
        while not self.ended:
            time.sleep(1)
            for at, stream in enumerate(self.streams):
                try:
                    if self.kind == "drip":
                        stream.sendall(b"E")
                    stream.settimeout(0)
                    if stream.recv(65_536):
                        continue
                except (BlockingIOError, ssl.SSLWantReadError):
                    continue
                except OSError:
                    pass
                self.closed += 1
                stream.close()
                try:
                    self.streams[at] = self.connect()
                except OSError:
                    pass

    def end(self):
        self.ended = True
        self.join()
        for stream in self.streams:
            stream.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", type=pathlib.Path, required=True, help="the binary")
    parser.add_argument("--subscribers", type=int, default=3_000)
    parser.add_argument("--places", type=int, default=50, help="connections_max")
    parser.add_argument("--reserve", type=int, action="append", help="connections_reserve; can be given several times")
    parser.add_argument("--only", default="", help="protocols whose name has this text")
    parser.add_argument("--delay", type=float, default=0, help="seconds for which the crowd is silent before it asks")
    parser.add_argument("--silent", type=int, default=0, help="connections that never ask")
    parser.add_argument("--kind", choices=KINDS, default="nothing", help="what the silent connections do")
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print("| protocol | reserve | subscribers | subscribed | sent away | without an answer | all after, s | slowest `/healthz` "
          "(median), ms | slowest publish (median), ms |\n|---|---|---|---|---|---|---|---|---|", flush=True)
    failed = False
    for name, (tls, alpn) in PROTOCOLS.items():
        if options.only not in name:
            continue
        for reserve in options.reserve or [16, 1_000]:
            with Hub(options.hub, options.places, reserve, tls) as hub:
                silent = Silent(hub, options.silent, options.kind)
                silent.start()
                others = [Bystander(hub, "GET /healthz"), Bystander(hub, "POST /events/b", b"x")]
                for other in others:
                    other.start()
                # Also where there is no crowd, the others must have met the silent connections for a while.
                time.sleep(12 if options.silent else 0)
                fates, seconds = crowd(hub, options.subscribers, alpn == "h2", alpn, options.delay)
                slowest = [other.slowest() for other in others]
                silent.end()
            subscribed, away = fates.pop("subscribed", 0), fates.pop("sent away", 0)
            rest = ", ".join(f"{count:,}: {fate}" for fate, count in fates.items()) or "0"
            failed = failed or bool(fates) or subscribed > options.places
            print(f"| {name} | {reserve:,} | {options.subscribers:,} | {subscribed:,} | {away:,} | {rest} | {seconds:.1f} | "
                  f"{slowest[0]} | {slowest[1]} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
