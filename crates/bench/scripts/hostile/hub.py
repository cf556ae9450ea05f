"""A hub that is started for one attack, filled with events, and ended."""

import functools
import http.client
import os
import pathlib
import re
import selectors
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
EVENTS_OF_A_BATCH = 10_000
START_SECONDS_MAX = 60
# No answer is waited for longer: a hub that stalls is told, and the table says "more than".
ANSWER_SECONDS_MAX = 30


def unverified():
    """TLS with the certificate that the hub makes for itself, which nobody has signed."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@functools.cache
def flags(binary):
    text = subprocess.run([binary, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"--[a-z0-9-]+", text))


class Hub:
    """A hub for the time of a block. Settings in `if_known` are given to builds that have them."""

    def __init__(self, binary, *options, memory=True, tls=False, if_known=()):
        self.binary, self.tls = str(binary), tls
        self.options, self.in_memory = [*options, *(["--tls-self-signed"] if tls else [])], memory
        for flag, value in if_known:
            if flag in flags(self.binary):
                self.options += [flag, value]

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidings-hostile-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = open(self.folder / "log", "wb")
        log = ["--memory"] if self.in_memory else ["--data", str(self.folder / "data"), "--durability", "none"]
        self.process = subprocess.Popen(
            [self.binary, "serve", *log, "--listen", f"127.0.0.1:{self.port}", "--connections-max", "19500",
             "--log-level", "error", *self.options],
            stdout=subprocess.DEVNULL, stderr=self.log)
        self.pid = self.process.pid
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "log").read_text()
                self.__exit__()
                sys.exit(f"the hub does not start: {self.process.args}: {said}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def answers(self):
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    # What the system says of the process.

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND

    def busy_seconds(self):
        """What its threads have run, or would have run if the machine had not been busy with something else."""
        total = 0
        for stat in pathlib.Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            try:
                ran, waited, _ = stat.read_text().split()
            except OSError:
                # The thread has ended.
                continue
            total += int(ran) + int(waited)
        return total / 1e9

    def memory(self, field):
        """A line of the status of the process, such as `VmRSS`, in bytes."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        return 0

    def forget_peak(self):
        """Begins the peak (`VmHWM`) anew at what is resident now."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def is_alive(self):
        return self.process.poll() is None

    # Requests.

    def connect(self, receive_bytes=None):
        """A socket, over TLS if the hub speaks it. `receive_bytes` is what the system may keep for a slow reader."""
        plain = socket.socket()
        if receive_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.settimeout(ANSWER_SECONDS_MAX)
        plain.connect(("127.0.0.1", self.port))
        return unverified().wrap_socket(plain) if self.tls else plain

    def client(self, timeout=ANSWER_SECONDS_MAX):
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=unverified())
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path, headers=None):
        client = self.client()
        try:
            client.request("GET", path, headers=headers or {})
            answer = client.getresponse()
            answer.body = answer.read()
            return answer
        finally:
            client.close()

    def fill(self, topic, events, event=b"data: x\n\n"):
        """Publishes the same event many times, as batches."""
        client = self.client(timeout=120)
        for start in range(0, events, EVENTS_OF_A_BATCH):
            body = event * min(EVENTS_OF_A_BATCH, events - start)
            client.request("POST", f"/events/{topic}", body, {"Content-Type": "text/event-stream"})
            answer = client.getresponse()
            if answer.status != 201:
                sys.exit(f"a batch is not published: {answer.status} {answer.read()}")
            answer.read()
        client.close()

    def fill_topics(self, topics, connections=64):
        """Publishes one small event of each topic. Requests are sent before the answers to earlier ones have come."""
        selector, share = selectors.DefaultSelector(), -(-len(topics) // connections)
        for start in range(0, len(topics), share):
            pipeline = Pipeline(self.connect(), topics[start:start + share])
            selector.register(pipeline.stream, selectors.EVENT_READ | selectors.EVENT_WRITE, pipeline)
        while selector.get_map():
            ready = selector.select(ANSWER_SECONDS_MAX)
            if not ready:
                sys.exit("the hub takes no more topics")
            for key, events in ready:
                if events & selectors.EVENT_WRITE and key.data.send():
                    selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
                if events & selectors.EVENT_READ and key.data.receive():
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
        selector.close()


class Pipeline:
    """A connection on which small events are published before the answers to earlier ones have come."""

    def __init__(self, stream, topics):
        self.stream, self.topics, self.unanswered = stream, topics, len(topics)
        self.unsent, self.rest, self.asked = b"", b"", 0
        stream.setblocking(False)

    def send(self):
        """Whether all is sent."""
        if not self.unsent:
            some = self.topics[self.asked:self.asked + 100]
            self.asked += len(some)
            self.unsent = b"".join(b"POST /events/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
                                   % topic.encode() for topic in some)
        self.unsent = self.unsent[self.stream.send(self.unsent):]
        return not self.unsent and self.asked == len(self.topics)

    def receive(self):
        """Whether all is answered."""
        piece = self.stream.recv(1 << 16)
        if not piece:
            sys.exit(f"the hub has closed a connection with {self.unanswered} topics unanswered")
        received, placed = self.rest + piece, b"HTTP/1.1 201"
        self.unanswered -= received.count(placed)
        # A line that is torn in two is counted with its second part.
        self.rest = received[-len(placed) + 1:]
        return self.unanswered == 0
