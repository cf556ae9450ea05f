"""Many connections of HTTP/1.1, in processes of their own.

A request is sent on each connection; what comes then is read (`drain`), or not read beyond the head (`stall`), or not even
that (`hold`), or a byte is sent every second (`drip`).
"""

import collections
import re
import resource
import select
import selectors
import socket
import ssl
import time

from hostile.watch import FORK

# Requests that are under way at once while a crowd gathers.
AT_ONCE = 50
CONNECTIONS_OF_A_PROCESS = 5_000
STALLED_RECEIVE_BYTES = 4_096


class Crowd:
    """Connections for the time of a block. `requests` are their first bytes."""

    def __init__(self, hub, requests, mode="drain", seconds_max=120):
        self.hub, self.mode, self.seconds_max = hub, mode, seconds_max
        self.parts = [requests[start:start + CONNECTIONS_OF_A_PROCESS]
                      for start in range(0, len(requests), CONNECTIONS_OF_A_PROCESS)]

    def __enter__(self):
        begun = time.monotonic()
        self.members = []
        for part in self.parts:
            ours, theirs = FORK.Pipe()
            process = FORK.Process(target=gather, args=(self.hub, part, self.mode, self.seconds_max, theirs), daemon=True)
            process.start()
            theirs.close()
            self.members.append((process, ours))
        # What became of the requests: "200", "503 too-many-connections", "no answer" and so on, with their numbers.
        self.outcomes = self._sum()
        self.seconds = time.monotonic() - begun
        return self

    def __exit__(self, *_):
        for process, pipe in self.members:
            pipe.close()
            process.terminate()
            process.join()

    def states(self):
        """How the connections stand now: "open", "closed", or the status of an answer that has come."""
        for _, pipe in self.members:
            pipe.send("states")
        return self._sum()

    def _sum(self):
        counts = collections.Counter()
        for _, pipe in self.members:
            counts.update(pipe.recv())
        return counts

    @property
    def opened(self):
        return self.outcomes["200"] + self.outcomes["held"]

    def refusals(self):
        return {outcome: count for outcome, count in self.outcomes.items() if outcome not in ("200", "held")}


def gather(hub, requests, mode, seconds_max, pipe):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    deadline, outcomes, streams = time.monotonic() + seconds_max, collections.Counter(), []
    for start in range(0, len(requests), AT_ONCE):
        fresh = []
        for request in requests[start:start + AT_ONCE]:
            stream = ask(hub, request, mode, deadline)
            if stream is None:
                outcomes["not connected"] += 1
            else:
                fresh.append(stream)
        for stream in fresh:
            outcome = "held" if mode in ("hold", "drip") else head_of(stream, deadline)
            outcomes[outcome] += 1
            if outcome in ("200", "held"):
                streams.append(stream)
            else:
                stream.close()
    pipe.send(outcomes)
    stay(streams, mode, pipe)


def ask(hub, request, mode, deadline):
    try:
        stream = hub.connect(None if mode == "drain" else STALLED_RECEIVE_BYTES)
        stream.settimeout(max(0.01, min(10, deadline - time.monotonic())))
        stream.sendall(request)
        return stream
    except OSError:
        return None


def head_of(stream, deadline):
    head = b""
    try:
        while b"\r\n\r\n" not in head:
            stream.settimeout(max(0.01, deadline - time.monotonic()))
            piece = stream.recv(4_096)
            if not piece:
                return "closed"
            head += piece
    except TimeoutError:
        return "no answer in time"
    except OSError:
        return "closed"
    status = head[9:12].decode()
    if status == "200":
        return "200, told to come back" if b"connection: close" in head.lower() else status
    problem = re.search(rb"urn:tidings:problem:([a-z-]+)", head)
    return f"{status} {problem[1].decode()}" if problem else status


def stay(streams, mode, pipe):
    """Keeps the connections until the other end of the pipe is closed."""
    waiting = selectors.DefaultSelector()
    waiting.register(pipe, selectors.EVENT_READ)
    for stream in streams:
        stream.setblocking(False)
        if mode == "drain":
            waiting.register(stream, selectors.EVENT_READ)
    drip_at = time.monotonic() + 1
    while True:
        for key, _ in waiting.select(max(0, drip_at - time.monotonic()) if mode == "drip" else None):
            if key.fileobj is pipe:
                try:
                    pipe.recv()
                except EOFError:
                    return
                pipe.send(collections.Counter(state(stream) for stream in streams))
            elif is_over(key.fileobj):
                waiting.unregister(key.fileobj)
        if mode == "drip" and time.monotonic() >= drip_at:
            drip_at += 1
            for stream in streams:
                drip(stream)


def is_over(stream):
    try:
        return not stream.recv(1 << 16)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def drip(stream):
    try:
        stream.send(b"x")
    except OSError:
        pass


def state(stream):
    """Looks at what has come without taking it, so that a reader that stalls goes on stalling."""
    if stream.fileno() < 0:
        return "closed"
    poll = select.poll()
    poll.register(stream, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    gone = bool(poll.poll(0))
    try:
        peeked = stream.recv(12, socket.MSG_PEEK)
        if peeked.startswith(b"HTTP/1.1 "):
            return peeked[9:12].decode()
    except (OSError, ValueError):
        pass
    return "closed" if gone else "open"
