"""One connection of HTTP/2, frame by frame, so that it can do what no library does."""

import select
import socket
import ssl
import struct
import time

from hostile.hub import unverified

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW_SIZE = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
ERRORS = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
          "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM"]
SEND_STEP_BYTES = 1 << 16
PING_SECONDS = 5


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def integer(value, prefix_bits, first=0):
    """RFC 7541, 5.1."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def text(value):
    return integer(len(value), 7) + value


def head(path, method="GET", accept=None, extra=()):
    """A block of headers in literals, none of which the other side is to remember."""
    block = bytes([0x82 if method == "GET" else 0x83, 0x87]) + b"\x04" + text(path.encode()) + b"\x01" + text(b"localhost")
    if accept:
        block += integer(19, 4) + text(accept.encode())
    for name, value in extra:
        block += b"\0" + text(name) + text(value)
    return block


class Connection:
    """Ends with the block. Answers pings, so that the hub takes it for alive, and reads nothing else than it must."""

    def __init__(self, hub, window=65_535):
        context = unverified()
        context.set_alpn_protocols(["h2"])
        self.stream = context.wrap_socket(socket.create_connection(("127.0.0.1", hub.port), 10))
        self.stream.setblocking(False)
        self.received, self.frames, self.resets, self.answers = b"", {}, {}, {}
        self.ended, self.settings = None, {}
        self.next_stream = 1
        self.send(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, window)))
        self.listen(1, until=lambda: SETTINGS in self.frames)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def open(self, path, method="GET", accept=None, end=True, extra=()):
        """Bytes that begin a request; and its stream."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        flags = END_HEADERS | (END_STREAM if end else 0)
        return stream, frame(HEADERS, flags, stream, head(path, method, accept, extra))

    def send(self, data, seconds_max=10, listening=True):
        """Sends all, unless the connection ends or takes none for so long. Reads meanwhile unless told not to."""
        view, deadline = memoryview(data), time.monotonic() + seconds_max
        while view and not self.ended and time.monotonic() < deadline:
            try:
                view = view[self.stream.send(view[:SEND_STEP_BYTES]):]
                deadline = time.monotonic() + seconds_max
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                select.select([self.stream], [self.stream], [], 0.1)
            except OSError as error:
                # What it said before it closed may still be there.
                self.read()
                self.ended = self.ended or type(error).__name__
            if listening:
                self.read()
        return not view

    def listen(self, seconds, until=lambda: False):
        deadline, ping_at = time.monotonic() + seconds, time.monotonic() + PING_SECONDS
        while not self.ended and not until() and time.monotonic() < deadline:
            select.select([self.stream], [], [], 0.1)
            self.read()
            if time.monotonic() > ping_at:
                ping_at += PING_SECONDS
                self.send(frame(PING, 0, 0, b"hostile!"))

    def read(self):
        """Takes what has come."""
        answers = b""
        try:
            while piece := self.stream.recv(1 << 16):
                self.received += piece
                answers += self._parse()
            self.ended = self.ended or "closed"
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            self.ended = self.ended or type(error).__name__
        if answers and not self.ended:
            self.send(answers, listening=False)

    def _parse(self):
        answers, at = b"", 0
        while len(self.received) >= at + 9:
            length = int.from_bytes(self.received[at:at + 3], "big")
            kind, flags, stream = struct.unpack_from(">BBI", self.received, at + 3)
            if len(self.received) < at + 9 + length:
                break
            payload = self.received[at + 9:at + 9 + length]
            at += 9 + length
            self.frames[kind] = self.frames.get(kind, 0) + 1
            if kind == PING and not flags & ACK:
                answers += frame(PING, ACK, 0, payload)
            elif kind == SETTINGS and not flags & ACK:
                answers += frame(SETTINGS, ACK, 0)
            elif kind == HEADERS:
                # RFC 7541, appendix A: 8 is `:status: 200`. Any other may be written in several ways.
                status = "200" if payload[:1] == b"\x88" else "no 200"
                self.answers[status] = self.answers.get(status, 0) + 1
            elif kind == RST_STREAM:
                code = name_of(payload)
                self.resets[code] = self.resets.get(code, 0) + 1
            elif kind == GOAWAY:
                said = payload[8:].decode("utf-8", "replace")
                self.ended = f"GOAWAY {name_of(payload[4:8])}" + (f" ({said})" if said else "")
        self.received = self.received[at:]
        return answers

    def fate(self):
        """How the connection stands, for the table."""
        parts = [self.ended or "still open"]
        parts += [f"{count:,} answered {status}" for status, count in self.answers.items()]
        parts += [f"{count:,} streams reset with {code}" for code, count in self.resets.items()]
        return ", ".join(parts)


def name_of(payload):
    code = int.from_bytes(payload[:4], "big")
    return ERRORS[code] if code < len(ERRORS) else str(code)
