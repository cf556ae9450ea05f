#!/usr/bin/env python3
"""What the inbox of each user reaches, beside what people put together for one: SQLite for the rows, Redis for counters and news.

    python3 crates/bench/scripts/inbox.py                  # builds what it needs, and prints a table; 3 to 5 minutes after the build
    python3 crates/bench/scripts/inbox.py --full           # also a rebuild of 10 million events instead of 2 million
    python3 crates/bench/scripts/inbox.py --only rebuild   # one part: read, notify, streams, rebuild, drift
    python3 crates/bench/scripts/inbox.py --no-build --hub target/release/tidings

The parts: `read` is counts and lists from the store of a hub, without HTTP. `notify` is durable notifications per second, each to one of
100,000 users, by 256 connections; then counts and lists over HTTP, one after the other. `streams` is one call that notifies 10,000 users who
have a stream each. `rebuild` is the database made anew from the log. `drift` kills the server in the midst of notifications and
compares the count of each user with the rows: by how many it is wrong for how many users.

The server is pinned to one core, with its Redis, and the load generator to another. The glue is `peers/src/bin/inbox_glue`; its Redis
is Debian's, with an append-only file that is synced each second (`everysec`, its default), or before each answer (`always`). Without
`redis-server` its rows stay empty. Needs Linux, two cores, cargo, and as many open files for a process as there are streams, and 500 more.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

from servers import LOAD_CORE, PEERS, PEERS_SOURCE, ROOT, SERVER_CORE, TARGET, free_address

READ_USERS, READ_ITEMS = 100_000, 100
NOTIFY_USERS, NOTIFICATIONS, CONNECTIONS, READINGS = 100_000, 60_000, 256, 2_000
STREAMS = 10_000
# With so few users, one that is not counted stands out, and most have some notifications.
DRIFT_USERS, DRIFT_SECONDS, DRIFT_KILLS = 1_000, 2, 3
FSYNCS = ("everysec", "always")


def build():
    subprocess.run(["cargo", "build", "--release", "-p", "tidings", "-p", "tidings-inbox", "--bin", "tidings",
                    "--example", "inbox_reach"], cwd=ROOT, check=True)
    subprocess.run(["cargo", "build", "--release", "--bin", "inbox_glue"], cwd=PEERS_SOURCE, check=True)


class Process:
    """A process that listens, pinned to the core of the servers."""

    def __init__(self, command, address, log):
        self.log = log.open("ab")
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *map(str, command)], stdout=self.log, stderr=self.log)
        host, port = address.split(":")
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit(f"ended at once: {command}\n{log.read_text()}")
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.05)
        sys.exit(f"does not listen: {command}")

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Hub:
    """A hub with an inbox, in a directory of its own."""

    name = "tidings"

    def __init__(self, options, folder):
        self.binary, self.folder = options.hub, folder
        self.start()

    def start(self):
        self.address = free_address()
        self.processes = [Process([self.binary, "serve", "--data", self.folder / "data", "--listen", self.address,
                                   "--connections-max", "19500", "--log-level", "warn"], self.address,
                                  self.folder / "hub.log")]
        # The inbox is there when it has come to the end of the log.
        for _ in range(600):
            try:
                self.counts(["user-0"])
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("the inbox of the hub is not there")

    def counts(self, users):
        """The count that each user is told."""
        found = {}
        host, port = self.address.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as answers:
            for user in users:
                connection.sendall(f"GET /inbox/{user}/count HTTP/1.1\r\nHost: {self.address}\r\n\r\n".encode())
                status, length = answers.readline(), 0
                while (line := answers.readline().strip()):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = json.loads(answers.read(length))
                if b" 200 " not in status:
                    raise OSError(body)
                found[user] = body["count"]
        return found

    def rows(self):
        """The rows of each user that are not read, and whether the database tells the same count as its rows."""
        with sqlite3.connect(self.folder / "data" / "inbox.db") as database:
            return dict(database.execute("SELECT name, count(*) FROM items JOIN users ON users.key = items.user "
                                         "WHERE flags & 2 = 0 GROUP BY name"))

    def kill(self):
        for process in self.processes:
            process.kill()


class Glue:
    """SQLite and Redis."""

    def __init__(self, options, folder, fsync):
        self.folder, self.fsync = folder, fsync
        self.name = f"SQLite and Redis, `appendfsync {fsync}`"
        self.start()

    def start(self):
        self.redis, self.address = free_address(), free_address()
        host, port = self.redis.split(":")
        redis = ["redis-server", "--bind", host, "--port", port, "--dir", self.folder, "--appendonly", "yes", "--appendfsync",
                 self.fsync, "--save", "", "--daemonize", "no"]
        glue = [PEERS / "release/inbox_glue", self.address, self.redis, self.folder / "rows.db"]
        self.processes = [Process(redis, self.redis, self.folder / "redis.log")]
        self.command("PING")
        self.processes.insert(0, Process(glue, self.address, self.folder / "glue.log"))

    def command(self, *words):
        """A command of Redis; the answer is a line, or a list of texts."""
        host, port = self.redis.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as answers:
            while True:
                text = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
                connection.sendall(f"*{len(words)}\r\n{text}".encode())
                line = answers.readline().strip()
                # It reads its file first.
                if not line.startswith(b"-LOADING"):
                    break
                time.sleep(0.05)
            if not line.startswith(b"*"):
                return line
            lengths = (int(answers.readline()[1:]) for _ in range(int(line[1:])))
            return [None if length < 0 else answers.read(length + 2)[:-2] for length in lengths]

    def counts(self, users):
        found = self.command("MGET", *(f"unread:{user}" for user in users))
        return {user: int(count or 0) for user, count in zip(users, found)}

    def rows(self):
        with sqlite3.connect(self.folder / "rows.db") as database:
            return dict(database.execute("SELECT user, count(*) FROM notifications WHERE read = 0 GROUP BY user"))

    def kill(self):
        for process in self.processes:
            process.kill()


def servers(options):
    yield lambda folder: Hub(options, folder)
    if shutil.which("redis-server"):
        for fsync in FSYNCS:
            yield lambda folder, fsync=fsync: Glue(options, folder, fsync)
    else:
        print("redis-server is not installed: the glue is left out", file=sys.stderr)


def bench(options, server, *arguments, **more):
    command = ["taskset", "-c", LOAD_CORE, options.hub, "bench", "inbox", f"http://{server.address}/inbox", "--json", "--pid",
               server.processes[0].pid, *arguments]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def report(process):
    out, error = process.communicate(timeout=300)
    if process.returncode:
        sys.exit(error)
    return json.loads(out)


def reach(options, *arguments):
    command = [str(options.reach), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def folder(options):
    return tempfile.TemporaryDirectory(prefix="bench-inbox-", dir=options.dir)


def row(what, who, figure, aim=""):
    print(f"| {what} | {who} | {figure} | {aim} |", flush=True)


def times(us):
    return f"{us[0] / 1e3:.2f} / {us[1] / 1e3:.2f} ms"


def measure_read(options):
    with folder(options) as name:
        for found in reach(options, "read", name, READ_USERS, READ_ITEMS):
            what, aim = {"count": ("unread count", "p99 < 1 ms"), "list": ("list of 50", "p99 < 5 ms")}[found["what"]]
            row(f"{what} from the store, p50 / p99, {READ_USERS:,} users with {READ_ITEMS} each", "tidings",
                f"{found['p50_ms']:.3f} / {found['p99_ms']:.3f} ms", aim)


def measure_notify(options):
    for start in servers(options):
        with folder(options) as name:
            server = start(pathlib.Path(name))
            found = report(bench(options, server, "--users", NOTIFY_USERS, "--notifications", NOTIFICATIONS, "--connections",
                                 CONNECTIONS, "--readings", READINGS, "--streams", 0))
            server.kill()
        aim = "≥ 5,000" if server.name == "tidings" else ""
        row(f"durable notifications per second, {CONNECTIONS} connections, one core", server.name,
            f"{found['notifications'] / found['seconds']:,.0f}", aim)
        row("a call, p50 / p99", server.name, times(found["latency_us"]))
        row("unread count over HTTP, p50 / p99", server.name, times(found["count_us"]))
        row("list of 50 over HTTP, p50 / p99", server.name, times(found["list_us"]))


def measure_streams(options):
    with folder(options) as name:
        server = Hub(options, pathlib.Path(name))
        found = report(bench(options, server, "--notifications", 0, "--readings", 0, "--streams", STREAMS))
        server.kill()
    p50, _, _, last = found["reached_us"]
    row(f"one call to {STREAMS:,} users, in {STREAMS:,} streams: the half / the last", "tidings",
        f"{p50 / 1e6:.2f} / {last / 1e6:.2f} s", "last ≤ 2 s")


def measure_rebuild(options):
    events = 10_000_000 if options.full else 2_000_000
    with folder(options) as name:
        found = reach(options, "rebuild", name, events, events // 50)[0]
    row(f"rebuild of {events:,} events, {events // 50:,} users, two cores", "tidings",
        f"{found['events_per_second']:,} per second; {found['memory_peak_kb'] / 1024:.0f} MiB at most", "≥ 200,000")


def measure_drift(options):
    users = [f"user-{number}" for number in range(DRIFT_USERS)]
    for start in servers(options):
        with folder(options) as name:
            server = start(pathlib.Path(name))
            for _ in range(DRIFT_KILLS):
                load = bench(options, server, "--users", DRIFT_USERS, "--notifications", 10_000_000, "--connections",
                             CONNECTIONS, "--readings", 0, "--streams", 0)
                time.sleep(DRIFT_SECONDS)
                server.kill()
                load.communicate()
                server.start()
            told, rows = server.counts(users), server.rows()
            server.kill()
        wrong = collections.Counter({user: abs(told[user] - rows.get(user, 0)) for user in users})
        wrong = +wrong
        row(f"counts that differ from a recount after {DRIFT_KILLS} times kill -9, of {DRIFT_USERS:,} users and "
            f"{sum(rows.values()):,} rows", server.name, f"{len(wrong):,}, by {sum(wrong.values()):,} in all",
            "none" if server.name == "tidings" else "")


PARTS = {"read": measure_read, "notify": measure_notify, "streams": measure_streams, "rebuild": measure_rebuild,
         "drift": measure_drift}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may repeat")
    parser.add_argument("--full", action="store_true", help="rebuild 10 million events, which takes 5 GB and some minutes more")
    parser.add_argument("--no-build", action="store_true", help="take what was built before")
    parser.add_argument("--hub", type=pathlib.Path, default=TARGET / "release/tidings", help="the binary, which is the load generator, too")
    parser.add_argument("--reach", type=pathlib.Path, default=TARGET / "release/examples/inbox_reach", help="the example of crates/inbox")
    parser.add_argument("--dir", type=pathlib.Path, help="where data goes, on the disk that is to be measured; default: that of temporary files")
    options = parser.parse_args()
    if not options.no_build:
        build()
    options.hub, options.reach = options.hub.resolve(), options.reach.resolve()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 65_536)) if hard > 0 else 65_536, hard))
    print(f"{datetime.date.today()}, {os.cpu_count()} cores, {cpu()}, Linux {platform.release()}\n")
    print("| what | who | measured | aim |\n|---|---|---:|---:|", flush=True)
    for part in options.only or PARTS:
        PARTS[part](options)


def cpu():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
